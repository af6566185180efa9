/* list.c - the directories of /proc, where every entry that is a number is a process, a thread or a descriptor. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/proc.h"
#include "proc/text.h"

struct list {
    int *out;
    size_t max;
    int n;
};

static void add(struct list *list, int number)
{
    if ((size_t)list->n < list->max)
        list->out[list->n] = number;
    list->n++;
}

/* Calls each() for every entry that is a number, until it returns an error. 0, or -errno. */
static int for_each(int dir, int (*each)(int number, void *context), void *context)
{
    alignas(struct dirent64) char entries[32768];
    ssize_t len;
    while ((len = proc_read_entries(dir, entries, sizeof entries)) > 0) {
        struct dirent64 *entry;
        for (char *at = entries; at < entries + len; at += entry->d_reclen) {
            entry = (struct dirent64 *)at;
            struct text name = { entry->d_name, entry->d_name + strlen(entry->d_name) };
            uint64_t number;
            if (!proc_take_digits(&name, 10, &number) || name.at != name.end || number > INT_MAX)
                continue;
            int r = each((int)number, context);
            if (r < 0)
                return r;
        }
    }
    return (int)len;
}

/* for_each of a directory of the process. */
static int for_each_of(pid_t pid, const char *file, int dir, int (*each)(int number, void *context), void *context)
{
    int r = dir < 0 ? dir : for_each(dir, each, context);
    return r == -ENOENT ? proc_missing(pid, file) : r;
}

struct descriptors {
    struct list list;
    pid_t pid;
    int dir;
};

/* Whether the descriptor is the one we list them with: then the process is us, or one that shares our table. */
static bool is_ours(const struct descriptors *of, int fd)
{
    pid_t self = getpid();
    return fd == of->dir && (of->pid == self || syscall(SYS_kcmp, self, of->pid, KCMP_FILES, 0, 0) == 0);
}

static int add_descriptor(int fd, void *context)
{
    struct descriptors *of = context;
    if (!is_ours(of, fd))
        add(&of->list, fd);
    return 0;
}

int proc_fd_list(pid_t pid, int *out, size_t max)
{
    cleanup_fd int dir = proc_open(pid, "fd");
    struct descriptors of = { { out, max, 0 }, pid, dir };
    int r = for_each_of(pid, "fd", dir, add_descriptor, &of);
    return r < 0 ? r : of.list.n;
}

static int add_number(int number, void *list)
{
    add(list, number);
    return 0;
}

int proc_task_list(pid_t pid, pid_t *out, size_t max)
{
    cleanup_fd int dir = proc_open(pid, "task");
    struct list list = { out, max, 0 };
    int r = for_each_of(pid, "task", dir, add_number, &list);
    if (r < 0)
        return r;
    return list.n == 0 ? -ESRCH : list.n; /* a process without a thread was reaped since we opened it */
}

struct children {
    struct list list;
    pid_t pid;
    int threads;
};

/* A child belongs to the thread that forked it, and each thread has a file of its own for them. */
static int add_children_of(int tid, void *context)
{
    struct children *of = context;
    cleanup_buffer struct proc_buffer text = { 0 };
    char name[64];
    snprintf(name, sizeof name, "task/%d/children", tid);
    cleanup_fd int fd = proc_open(of->pid, name);
    if (fd == -ESRCH) /* the thread is gone; the kernel gave its children to another one of the process */
        return 0;
    if (fd < 0)
        return fd;
    ssize_t len = proc_buffer_read(&text, fd);
    if (len < 0)
        return len == -ESRCH ? 0 : (int)len;
    struct text rest = { text.data, text.data + len };
    pid_t child;
    for (proc_skip_blanks(&rest); rest.at < rest.end; proc_skip_blanks(&rest)) {
        if (!proc_take_pid(&rest, &child))
            return -EBADMSG;
        add(&of->list, child);
    }
    of->threads++;
    return 0;
}

int proc_children_list(pid_t pid, pid_t *out, size_t max)
{
    cleanup_fd int dir = proc_open(pid, "task");
    struct children of = { { out, max, 0 }, pid, 0 };
    int r = for_each_of(pid, "task", dir, add_children_of, &of);
    if (r < 0)
        return r;
    return of.threads == 0 ? -ESRCH : of.list.n;
}

int proc_pid_list(pid_t *out, size_t max)
{
    cleanup_fd int dir = proc_open_path("/proc");
    struct list list = { out, max, 0 };
    int r = dir < 0 ? dir : for_each(dir, add_number, &list);
    if (r == -ENOENT || (r == 0 && list.n == 0)) /* not mounted: a /proc shows at least its reader */
        return -ENOTSUP;
    return r < 0 ? r : list.n;
}
