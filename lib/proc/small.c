/* small.c - the short files: schedstat, syscall, fdinfo, meminfo, wchan, cmdline and the links. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/proc.h"
#include "proc/text.h"

int proc_schedstat_parse(const char *text, size_t len, struct proc_schedstat *out)
{
    struct proc_schedstat schedstat;
    struct text rest, line;
    if (!proc_text_begin(&rest, text, len) || !proc_text_line(&rest, &line) ||
        !proc_take_count(&line, &schedstat.run_ns) || !proc_take_count(&line, &schedstat.wait_ns) ||
        !proc_take_count(&line, &schedstat.slices))
        return -EBADMSG;
    *out = schedstat;
    return 0;
}

int proc_schedstat_pread(int fd, struct proc_schedstat *out)
{
    cleanup_buffer struct proc_buffer text = { 0 };
    ssize_t len = proc_buffer_read(&text, fd);
    return len < 0 ? (int)len : proc_schedstat_parse(text.data, text.len, out);
}

int proc_schedstat_read(pid_t pid, struct proc_schedstat *out)
{
    cleanup_fd int fd = proc_open(pid, "schedstat");
    return fd < 0 ? fd : proc_schedstat_pread(fd, out);
}

/* "0 0x3 0x7f08df9c9000 ... sp pc", or "-1 sp pc" for one that is blocked outside of any call. */
static bool take_call(struct text *line, struct proc_syscall *call)
{
    if (!proc_take_integer(line, &call->nr))
        return false;
    for (int i = 0; call->nr >= 0 && i < 6; i++)
        if (!proc_take_0x(line, &call->args[i]))
            return false;
    return proc_take_0x(line, &call->sp) && proc_take_0x(line, &call->pc);
}

int proc_syscall_parse(const char *text, size_t len, struct proc_syscall *out)
{
    struct proc_syscall call = { .nr = PROC_NONE };
    struct text rest, line;
    if (!proc_text_begin(&rest, text, len) || !proc_text_line(&rest, &line))
        return -EBADMSG;
    call.running = proc_take_string(&line, "running");
    if (call.running ? line.at != line.end : !take_call(&line, &call))
        return -EBADMSG;
    *out = call;
    return 0;
}

int proc_syscall_pread(int fd, struct proc_syscall *out)
{
    cleanup_buffer struct proc_buffer text = { 0 };
    ssize_t len = proc_buffer_read(&text, fd);
    return len < 0 ? (int)len : proc_syscall_parse(text.data, text.len, out);
}

int proc_syscall_read(pid_t pid, struct proc_syscall *out)
{
    cleanup_fd int fd = proc_open(pid, "syscall");
    return fd < 0 ? fd : proc_syscall_pread(fd, out);
}

int proc_fdinfo_parse(const char *text, size_t len, struct proc_fdinfo *out)
{
    static const struct proc_label labels[] = {
        { "pos", proc_take_integer, offsetof(struct proc_fdinfo, pos_bytes) },
        { "flags", proc_take_octal, offsetof(struct proc_fdinfo, flags) },
        { "mnt_id", proc_take_count, offsetof(struct proc_fdinfo, mnt_id) },
        { "ino", proc_take_count, offsetof(struct proc_fdinfo, ino) },
        { "Pid", proc_take_integer, offsetof(struct proc_fdinfo, pid) },
    };
    struct proc_fdinfo info = { PROC_NONE, PROC_NONE, PROC_NONE, PROC_NONE, PROC_NONE };
    if (!proc_take_lines(text, len, labels, sizeof labels / sizeof *labels, &info) || info.flags == PROC_NONE)
        return -EBADMSG;
    *out = info;
    return 0;
}

int proc_fdinfo_read(pid_t pid, int fd, struct proc_fdinfo *out)
{
    cleanup_buffer struct proc_buffer text = { 0 };
    char name[32];
    snprintf(name, sizeof name, "fdinfo/%d", fd);
    cleanup_fd int file = proc_open(pid, name);
    if (file < 0)
        return file;
    ssize_t len = proc_buffer_read(&text, file);
    if (len == -ESRCH) /* the process may be there, and have closed it since we opened this */
        return proc_missing(pid, name);
    return len < 0 ? (int)len : proc_fdinfo_parse(text.data, text.len, out);
}

int proc_meminfo_parse(const char *text, size_t len, struct proc_meminfo *out)
{
    static const struct proc_label labels[] = {
        { "MemFree", proc_take_kib, offsetof(struct proc_meminfo, free_kib) },
        { "MemAvailable", proc_take_kib, offsetof(struct proc_meminfo, available_kib) },
        { "Slab", proc_take_kib, offsetof(struct proc_meminfo, slab_kib) },
        { "KernelStack", proc_take_kib, offsetof(struct proc_meminfo, kernel_stack_kib) },
        { "PageTables", proc_take_kib, offsetof(struct proc_meminfo, page_tables_kib) },
    };
    struct proc_meminfo info = { PROC_NONE, PROC_NONE, PROC_NONE, PROC_NONE, PROC_NONE };
    if (!proc_take_lines(text, len, labels, sizeof labels / sizeof *labels, &info) || info.free_kib == PROC_NONE)
        return -EBADMSG;
    *out = info;
    return 0;
}

int proc_meminfo_read(struct proc_meminfo *out)
{
    cleanup_buffer struct proc_buffer text = { 0 };
    cleanup_fd int fd = proc_open_path("/proc/meminfo");
    if (fd < 0)
        return fd == -ENOENT ? -ENOTSUP : fd;
    ssize_t len = proc_buffer_read(&text, fd);
    return len < 0 ? (int)len : proc_meminfo_parse(text.data, text.len, out);
}

/* readlink(2) cuts what does not fit and says nothing: a result that fills the room is one that may be cut. */
static int terminate(char *out, size_t size, size_t len)
{
    if (len >= size)
        return -ENAMETOOLONG;
    out[len] = '\0';
    return (int)len;
}

/* A zombie has neither exe nor cwd, a kernel thread no exe. */
static int no_link(pid_t pid, const char *name)
{
    int rc = proc_missing(pid, name);
    return rc == -ENOTSUP && proc_no_memory(pid) == -ENODATA ? -ENODATA : rc;
}

int proc_link_read(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64], link[4096];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    ssize_t len = readlink(path, link, sizeof link);
    if (len < 0)
        return errno == ENOENT ? no_link(pid, name) : errno == EPERM ? -EACCES : -errno;
    if ((size_t)len < size)
        memcpy(out, link, (size_t)len);
    return terminate(out, size, (size_t)len);
}

int proc_fd_read(pid_t pid, int fd, char *out, size_t size)
{
    char name[32];
    snprintf(name, sizeof name, "fd/%d", fd);
    return proc_link_read(pid, name, out, size);
}

/* The whole of a file that is one text. */
static int read_text(pid_t pid, const char *name, char *out, size_t size)
{
    cleanup_buffer struct proc_buffer text = { 0 };
    cleanup_fd int fd = proc_open(pid, name);
    if (fd < 0)
        return fd;
    ssize_t len = proc_buffer_read(&text, fd);
    if (len < 0)
        return (int)len;
    if ((size_t)len < size)
        memcpy(out, text.data, (size_t)len);
    return terminate(out, size, (size_t)len);
}

int proc_wchan_read(pid_t pid, char *out, size_t size)
{
    return read_text(pid, "wchan", out, size);
}

int proc_cmdline_read(pid_t pid, char *out, size_t size)
{
    int len = read_text(pid, "cmdline", out, size);
    int nothing = len == 0 ? proc_no_memory(pid) : 0;
    return nothing == 0 || nothing == -EAGAIN ? len : nothing; /* -EAGAIN: it lives and has overwritten its arguments */
}
