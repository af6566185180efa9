/* file.c - opening and reading the files of /proc, and what their errors mean. */
#include "proc/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/proc.h"

void proc_close(int *fd)
{
    if (*fd < 0)
        return;
    int error = errno;
    close(*fd);
    errno = error;
}

void proc_buffer_free(struct proc_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct proc_buffer){ 0 };
}

/* Whether to make a call once more. EINTR needs a new signal each time; EAGAIN could come for ever. */
static bool again(int error, int *refusals)
{
    return error == EINTR || (error == EAGAIN && ++*refusals < PROC_TRIES);
}

int proc_open_path(const char *path)
{
    int fd, refusals = 0;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && again(errno, &refusals));
    return fd < 0 ? -errno : fd;
}

int proc_open_at(int dir, const char *path)
{
    int fd, refusals = 0;
    do
        fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && again(errno, &refusals));
    return fd < 0 ? -errno : fd;
}

ssize_t proc_read_entries(int dir, void *entries, size_t size)
{
    ssize_t len;
    do
        len = getdents64(dir, entries, size);
    while (len < 0 && errno == EINTR);
    return len < 0 ? -errno : len;
}

/* What a failed read means where only the descriptor is known. */
static int read_error(int error)
{
    switch (error) {
    case ENOENT: /* a directory, or fdinfo/N */
        return -ESRCH;
    case EPERM: /* "syscall": it may be opened, and the right to trace is asked for by each read */
        return -EACCES;
    default:
        return -error;
    }
}

ssize_t proc_pread(int fd, void *out, size_t size, size_t offset)
{
    ssize_t n;
    int refusals = 0;
    do
        n = pread(fd, out, size, (off_t)offset);
    while (n < 0 && again(errno, &refusals));
    return n < 0 ? read_error(errno) : n;
}

static int grow(struct proc_buffer *buffer)
{
    size_t size = buffer->size ? 2 * buffer->size : 4096;
    char *data = realloc(buffer->data, size);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->size = size;
    return 0;
}

ssize_t proc_buffer_read(struct proc_buffer *buffer, int fd)
{
    buffer->len = 0;
    for (;;) {
        /* The kernel gives maps and smaps a page at a time: only a read of nothing is the end. */
        if (buffer->len == buffer->size && grow(buffer) < 0)
            return -ENOMEM;
        ssize_t n = proc_pread(fd, buffer->data + buffer->len, buffer->size - buffer->len, buffer->len);
        if (n < 0)
            return n;
        if (n == 0)
            return (ssize_t)buffer->len;
        buffer->len += (size_t)n;
    }
}

int proc_exists(pid_t pid)
{
    /* To kill(2), 0 and below are groups. */
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/* As proc_exists, of the thread where the file is one of a thread: it can be gone while the process lives. */
static bool owner_exists(pid_t pid, const char *file)
{
    int tid;
    if (sscanf(file, "task/%d", &tid) != 1)
        return proc_exists(pid);
    return tgkill(pid, tid, 0) == 0 || errno == EPERM;
}

/* Whether /proc/PID can be seen at all; with hidepid=2 that of another user cannot. */
static bool is_visible(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    return access(path, F_OK) == 0;
}

static bool is_descriptor(const char *file)
{
    return strncmp(file, "fd/", 3) == 0 || strncmp(file, "fdinfo/", 7) == 0;
}

int proc_missing(pid_t pid, const char *file)
{
    /* Every /proc shows its reader to himself, hidepid or not: where "self" leads nowhere, /proc is not mounted, or
     * belongs to a PID namespace that we are not in. */
    if (access("/proc/self", F_OK) != 0)
        return -ENOTSUP;
    if (!owner_exists(pid, file))
        return -ESRCH;
    return is_descriptor(file) && is_visible(pid) ? -EBADF : -ENOTSUP;
}

int proc_no_memory(pid_t pid)
{
    struct proc_stat stat;
    int r = proc_stat_read(pid, &stat);
    if (r < 0)
        return r;
    /* A file about memory stays with the address space that it was opened on. Of a process that has one now it was
     * taken away by exec(2) since, or the PID has come to mean another process. */
    return stat.vsize_bytes == 0 ? -ENODATA : -EAGAIN;
}

static int open_error(pid_t pid, const char *file, int error)
{
    switch (error) {
    case ENOENT:
        return proc_missing(pid, file);
    case EPERM: /* hidepid=1 */
        return -EACCES;
    case ESRCH: /* Linux 6.18 opens neither pagemap nor smaps_rollup of a zombie; older ones do, and read nothing */
        return proc_no_memory(pid);
    default:
        return -error;
    }
}

/* "/proc/PID/FILE". By hand: printf takes longer than the kernel needs to close the file. Its length, or 0: no room. */
static size_t write_path(char *out, size_t size, pid_t pid, const char *file)
{
    char digits[16], *first = digits + sizeof digits;
    size_t len = strlen(file);
    int64_t number = pid < 0 ? -(int64_t)pid : pid;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    if (pid < 0)
        *--first = '-';
    size_t n_digits = (size_t)(digits + sizeof digits - first);
    if (len + n_digits + sizeof "/proc//" > size)
        return 0;
    char *end = mempcpy(mempcpy(out, "/proc/", 6), first, n_digits);
    *end++ = '/';
    memcpy(end, file, len + 1);
    return 7 + n_digits + len;
}

int proc_open(pid_t pid, const char *file)
{
    char path[PATH_MAX];
    if (write_path(path, sizeof path, pid, file) == 0)
        return -ENAMETOOLONG;
    int fd = -EAGAIN;
    for (int tries = 0; fd == -EAGAIN && tries < PROC_TRIES; tries++) {
        fd = proc_open_path(path);
        if (fd < 0)
            fd = open_error(pid, file, -fd);
    }
    return fd;
}
