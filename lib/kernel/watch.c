/* watch.c - a watch from its begin to its end.
 *
 * The filter by PIDs (set_event_pid) asks who is running when an event happens. That is right for what a task does
 * itself, and switches and wake-ups are looked at from both sides; but the end of a task_struct (sched_process_free)
 * happens in an RCU callback, a grace period after the wait, on top of whoever is running then, and a signal may
 * come from anyone. Those two are rare: an instance without a filter takes them from the whole machine, and list.c
 * picks out ours. The others are too many for that: a busy machine would overrun the buffer with its switches and
 * faults. */
#include "kernel/format.h"
#include "kernel/instance.h"
#include "kernel/kernel.h"
#include "kernel/list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sync/deadline.h"
#include "sync/sync.h"

enum {
    BY_OTHERS = 1 << KERNEL_FREE | 1 << KERNEL_SIGNAL_SENT,
    MANY = 1 << KERNEL_WAKING | 1 << KERNEL_WAKEUP | 1 << KERNEL_SWITCH | 1 << KERNEL_FAULT,
    ALWAYS = 1 << KERNEL_FORK, /* who is ours */
    PAGE = 1 << 16,            /* a page of the ring buffer is 4 KiB, or what buffer_subbuf_size_kb says */
};

struct part { /* an instance; with no kinds, there is none */
    unsigned kinds;
    bool filtered;
    struct tracefs_instance *instance;
    char path[96];
};

struct kernel_watch {
    pid_t owner;
    const char *dir; /* where tracefs is */
    unsigned asked;
    bool lost;
    struct part part[2];
    struct kernel_formats formats;
    struct kernel_list list;
    struct sync_guard guard;
    char page[PAGE];
};

int kernel_may_watch(void)
{
    const char *dir;
    return kernel_tracefs(&dir) == 0;
}

unsigned kernel_kinds(void)
{
    const char *dir;
    unsigned kinds = 0;
    if (kernel_tracefs(&dir) < 0)
        return 0;
    for (enum kernel_kind kind = 0; kind < KERNEL_N_KINDS; kind++) {
        char file[96];
        snprintf(file, sizeof file, "events/%s/%s/enable", kernel_system(kind), kernel_name(kind));
        if (tracefs_file_exists(NULL, file))
            kinds |= 1U << kind;
    }
#if !defined __x86_64__ && !defined __i386__
    kinds &= ~(1U << KERNEL_FAULT); /* its codes mean something else there */
#endif
    return kinds;
}

/* In the guard. */
static void remove_instances(const void *arg)
{
    const struct kernel_watch *watch = arg;
    for (size_t i = 0; i < 2; i++)
        if (watch->part[i].kinds != 0)
            kernel_instance_remove(watch->part[i].path);
    kernel_instance_sweep(watch->dir);
}

/* Which instances are needed. A second one costs as much as the first: only where kinds of both sorts are asked for. */
static void divide(struct kernel_watch *watch, unsigned kinds)
{
    unsigned others = kinds & BY_OTHERS, ours = (kinds | ALWAYS) & ~(unsigned)BY_OTHERS;
    if (others != 0 && (kinds & MANY) == 0)
        watch->part[0] = (struct part){ .kinds = ours | others };
    else
        watch->part[0] = (struct part){ .kinds = ours, .filtered = true };
    if (others != 0 && (kinds & MANY) != 0)
        watch->part[1] = (struct part){ .kinds = others };
}

static void name_parts(struct kernel_watch *watch)
{
    static int n;
    for (size_t i = 0; i < 2; i++) {
        struct part *part = &watch->part[i];
        snprintf(part->path, sizeof part->path, "%s/instances/" KERNEL_INSTANCE, watch->dir, watch->owner, n++);
        rmdir(part->path); /* of another who had our PID, and whose guard was killed, too */
    }
}

static int make_part(struct part *part, pid_t owner)
{
    int rc = kernel_instance_make(&part->instance, strrchr(part->path, '/') + 1);
    if (rc == 0 && part->filtered)
        rc = kernel_instance_follow(part->instance, owner);
    return rc < 0 ? rc : kernel_instance_enable(part->instance, part->kinds);
}

static int switch_parts(struct kernel_watch *watch, bool on)
{
    int rc = 0;
    for (size_t i = 0; i < 2 && rc == 0; i++)
        if (watch->part[i].kinds != 0)
            rc = kernel_instance_switch(watch->part[i].instance, on);
    return rc;
}

/* The guard is there before the first instance is. */
static int set_up(struct kernel_watch *watch, unsigned kinds)
{
    int rc = kernel_tracefs(&watch->dir);
    if (rc < 0)
        return rc;
    watch->asked = kinds & kernel_kinds();
    if (watch->asked == 0)
        return -ENOTSUP;
    rc = kernel_formats_load(&watch->formats, watch->asked | ALWAYS);
    if (rc < 0)
        return rc;
    divide(watch, watch->asked);
    name_parts(watch);
    rc = sync_guard_start(&watch->guard, remove_instances, watch);
    for (size_t i = 0; i < 2 && rc == 0; i++)
        if (watch->part[i].kinds != 0)
            rc = make_part(&watch->part[i], watch->owner);
    return rc < 0 ? rc : switch_parts(watch, true);
}

int kernel_watch_begin(struct kernel_watch **watch, unsigned kinds)
{
    *watch = calloc(1, sizeof **watch);
    if (*watch == NULL)
        return -ENOMEM;
    (*watch)->owner = getpid();
    (*watch)->guard.fd = -1;
    int rc = set_up(*watch, kinds);
    if (rc < 0)
        kernel_watch_drop(watch);
    return rc;
}

static int take_page(struct kernel_watch *watch, int cpu)
{
    struct kbuffer *page = watch->formats.page;
    unsigned long long t;
    if (kbuffer_load_subbuffer(page, watch->page) < 0)
        return -EBADMSG;
    watch->lost |= kbuffer_missed_events(page) != 0;
    for (void *data = kbuffer_read_event(page, &t); data != NULL; data = kbuffer_next_event(page, &t)) {
        struct kernel_event event;
        if (!kernel_decode(&watch->formats, data, kbuffer_event_size(page), &event))
            continue;
        event.t_ns = (int64_t)t;
        event.cpu = cpu;
        int rc = kernel_list_add(&watch->list, &event);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* No descriptor of an instance stays open: a child would inherit it and keep the instance busy. */
static int drain_cpu(struct kernel_watch *watch, struct tracefs_instance *instance, int cpu)
{
    char file[48];
    snprintf(file, sizeof file, "per_cpu/cpu%d/trace_pipe_raw", cpu);
    cleanup_fd int fd = tracefs_instance_file_open(instance, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno; /* numbers of CPUs may have gaps */
    for (;;) {
        ssize_t n = read(fd, watch->page, sizeof watch->page);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || (n < 0 && errno == EAGAIN))
            return 0;
        int rc = n < 0 ? -errno : take_page(watch, cpu);
        if (rc < 0)
            return rc;
    }
}

/* Takes over what is in the buffers. */
static int drain(struct kernel_watch *watch)
{
    int cpus = (int)sysconf(_SC_NPROCESSORS_CONF), rc = 0;
    for (size_t i = 0; i < 2; i++)
        for (int cpu = 0; cpu < cpus && rc == 0 && watch->part[i].kinds != 0; cpu++)
            rc = drain_cpu(watch, watch->part[i].instance, cpu);
    return rc < 0 ? rc : watch->lost ? -EOVERFLOW : 0;
}

static bool was_seen(const struct kernel_list *list, size_t from, enum kernel_kind kind, pid_t pid)
{
    for (size_t i = from; i < list->n; i++)
        if (list->seen[i].event.kind == kind && list->seen[i].event.pid == pid)
            return true;
    return false;
}

int kernel_watch_until(struct kernel_watch *watch, enum kernel_kind kind, pid_t pid)
{
    if (watch == NULL || (watch->asked & 1U << kind) == 0)
        return -EINVAL;
    int64_t deadline = sync_deadline();
    size_t from = 0;
    for (long nap = 0;; sync_nap(&nap)) {
        int rc = drain(watch);
        if (rc < 0)
            return rc;
        if (was_seen(&watch->list, from, kind, pid))
            return 0;
        from = watch->list.n;
        if (sync_left(deadline) == 0)
            return -ETIMEDOUT;
    }
}

int kernel_watch_end(struct kernel_watch **watch, struct kernel_event **events, size_t *n)
{
    *events = NULL;
    *n = 0;
    if (*watch == NULL)
        return -EINVAL;
    int rc = (*watch)->owner == getpid() ? switch_parts(*watch, false) : -EPERM;
    if (rc == 0)
        rc = drain(*watch);
    if (rc == 0)
        rc = kernel_list_take(&(*watch)->list, (*watch)->owner, (*watch)->asked, events, n);
    kernel_watch_drop(watch);
    return rc;
}

void kernel_watch_drop(struct kernel_watch **watch)
{
    struct kernel_watch *gone = *watch;
    *watch = NULL;
    if (gone == NULL)
        return;
    if (gone->owner == getpid())
        sync_guard_end(&gone->guard);
    else
        sync_fd_close(&gone->guard.fd); /* a child's copy */
    for (size_t i = 0; i < 2; i++)
        if (gone->part[i].instance != NULL)
            tracefs_instance_free(gone->part[i].instance);
    kernel_formats_free(&gone->formats);
    kernel_list_free(&gone->list);
    free(gone);
}
