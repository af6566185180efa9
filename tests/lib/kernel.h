/* kernel.h - what the tests of lib/kernel share: tracefs to look at, a watch, and its end without a trace. */
#ifndef PROCLAB_TESTS_KERNEL_H
#define PROCLAB_TESTS_KERNEL_H

#include "kernel/kernel.h"
#include "testing.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define BIT(kind) (1U << KERNEL_##kind)
enum { EVERY = (1U << KERNEL_N_KINDS) - 1 };

/* Mounts tracefs where it is not, for this program and its children alone: root may look at the kernel's events on most
 * machines, but not everywhere has somebody mounted it. Where that fails the tests skip themselves. */
__attribute__((unused)) static void see_tracefs(void)
{
    if (kernel_may_watch() || geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
        return;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
        mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

/* For the first line of a test. */
#define need_tracefs() \
    do { \
        if (!kernel_may_watch()) \
            skip_test("no kernel events here: needs root, tracefs and libtracefs"); \
    } while (0)

__attribute__((unused)) static const char *instances_dir(void)
{
    return access("/sys/kernel/tracing/instances", F_OK) == 0 ? "/sys/kernel/tracing/instances"
                                                              : "/sys/kernel/debug/tracing/instances";
}

/* How many instances the process has. */
__attribute__((unused)) static int instances_of(pid_t pid)
{
    char prefix[32];
    int n = 0;
    snprintf(prefix, sizeof prefix, "proclab.%d.", pid);
    DIR *dir = opendir(instances_dir());
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return n;
}

/* Waits for every child, guards too: a test is a subreaper, so they become its own. */
__attribute__((unused)) static void reap_all(void)
{
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
}

/* A watch of the test itself and what it saw. */
struct seen {
    struct kernel_event *event;
    size_t n;
};

__attribute__((unused)) static struct kernel_watch *begin(unsigned kinds)
{
    struct kernel_watch *watch;
    int rc = kernel_watch_begin(&watch, kinds);
    ck_assert_msg(rc == 0, "kernel_watch_begin: %s", strerrorname_np(-rc));
    return watch;
}

__attribute__((unused)) static struct seen finish(struct kernel_watch **watch)
{
    struct seen seen;
    int rc = kernel_watch_end(watch, &seen.event, &seen.n);
    ck_assert_msg(rc == 0, "kernel_watch_end: %s", strerrorname_np(-rc));
    ck_assert_ptr_null(*watch);
    reap_all();
    ck_assert_int_eq(instances_of(getpid()), 0);
    return seen;
}

enum { ANY = -1 };

/* The first event from index on that is of this kind and about these; -1: there is none. */
__attribute__((unused)) static int find(const struct seen *seen, int from, enum kernel_kind kind, pid_t pid,
                                        pid_t other)
{
    for (size_t i = from < 0 ? 0 : (size_t)from; i < seen->n; i++) {
        const struct kernel_event *event = &seen->event[i];
        if (event->kind == kind && (pid == ANY || event->pid == pid) && (other == ANY || event->other == other))
            return (int)i;
    }
    return -1;
}

__attribute__((unused)) static size_t count_of(const struct seen *seen, enum kernel_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < seen->n; i++)
        n += seen->event[i].kind == kind;
    return n;
}

__attribute__((unused)) static void print(const struct seen *seen)
{
    for (size_t i = 0; i < seen->n; i++) {
        const struct kernel_event *e = &seen->event[i];
        printf("%3zu %9.3f ms cpu %d by %d %s %d %d %#lx %#lx\n", i, (double)(e->t_ns - seen->event[0].t_ns) / 1e6,
               e->cpu, e->by, kernel_name(e->kind), e->pid, e->other, (unsigned long)e->value,
               (unsigned long)e->address);
    }
    fflush(stdout);
}

/* The same; the test fails, with the whole list, where there is none. */
__attribute__((unused)) static int must_find(const struct seen *seen, int from, enum kernel_kind kind, pid_t pid,
                                             pid_t other)
{
    int at = find(seen, from, kind, pid, other);
    if (at < 0)
        print(seen);
    ck_assert_msg(at >= 0, "no %s of %d, %d from %d on", kernel_name(kind), pid, other, from);
    return at;
}

/* The first sign, from index on, that the task has got a CPU: the switch to it, or what it did there. On some guests
 * the kernel records no switch away from the idle task. */
__attribute__((unused)) static int must_run(const struct seen *seen, int from, pid_t pid)
{
    for (size_t i = (size_t)from; i < seen->n; i++)
        if (seen->event[i].by == pid || (seen->event[i].kind == KERNEL_SWITCH && seen->event[i].other == pid))
            return (int)i;
    return must_find(seen, from, KERNEL_SWITCH, ANY, pid);
}

#endif
