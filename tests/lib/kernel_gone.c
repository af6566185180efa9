/* kernel_gone.c - no tracefs instance and no guard is left, whatever happens. */
#include "kernel.h"

#include "proc/proc.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* Every process that came of this test has ended by itself, and with it the instances of the process that watched. */
static void nothing_left_of(pid_t pid)
{
    reap_all();
    ck_assert_int_eq(instances_of(pid), 0);
}

/* Watches, forks and ends, for ever. */
static _Noreturn void watch_for_ever(void)
{
    setpgid(0, 0);
    for (;;) {
        struct kernel_watch *watch;
        struct kernel_event *events;
        size_t n;
        if (kernel_watch_begin(&watch, EVERY) != 0)
            _exit(1);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (waitpid(child, NULL, 0) != child || kernel_watch_end(&watch, &events, &n) != 0)
            _exit(1);
        free(events);
    }
}

static void kill_at_random(bool group)
{
    enum { KILLS = 50, LONGEST_NS = 150000000 };
    srandom((unsigned)getpid());
    for (int i = 0; i < KILLS; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            watch_for_ever();
        setpgid(pid, pid);
        struct timespec any_time = { .tv_nsec = random() % LONGEST_NS }; /* which is the point */
        ppoll(NULL, 0, &any_time, NULL);
        ck_assert_int_eq(kill(group ? -pid : pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFSIGNALED(status), "it ended by itself: %d", status);
        nothing_left_of(pid);
    }
}

START_TEST(killed_at_any_moment)
{
    need_tracefs();
    kill_at_random(false);
}
END_TEST

START_TEST(killed_with_its_group)
{
    need_tracefs();
    kill_at_random(true);
}
END_TEST

START_TEST(exit_without_an_end)
{
    need_tracefs();
    pid_t pid = fork();
    if (pid == 0)
        _exit(instances_of((begin(EVERY), getpid())) == 2 ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    nothing_left_of(pid);
}
END_TEST

START_TEST(drop_and_scope)
{
    need_tracefs();
    {
        cleanup_watch struct kernel_watch *watch = NULL;
        ck_assert_int_eq(kernel_watch_begin(&watch, BIT(FORK)), 0);
        ck_assert_int_eq(instances_of(getpid()), 1);
    }
    nothing_left_of(getpid());
}
END_TEST

/* A child that lives on has nothing of the watch in its hands. */
START_TEST(a_child_does_not_hold_it)
{
    need_tracefs();
    struct kernel_watch *watch = begin(EVERY);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    struct kernel_event *events;
    size_t n;
    ck_assert_int_eq(kernel_watch_end(&watch, &events, &n), 0);
    free(events);
    pid_t children[4];
    while (instances_of(getpid()) > 0 || proc_children_list(getpid(), children, 4) > 1)
        waitpid(-1, NULL, WNOHANG);
    ck_assert_int_eq(proc_exists(child), 1);
    kill(child, SIGKILL);
    nothing_left_of(getpid());
}
END_TEST

START_TEST(a_child_cannot_end_it)
{
    need_tracefs();
    struct kernel_watch *watch = begin(BIT(FORK));
    pid_t child = fork();
    if (child == 0) {
        struct kernel_event *events;
        size_t n;
        _exit(kernel_watch_end(&watch, &events, &n) == -EPERM && watch == NULL ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(instances_of(getpid()), 1);
    struct seen seen = finish(&watch);
    must_find(&seen, 0, KERNEL_FORK, getpid(), child);
    free(seen.event);
}
END_TEST

/* One of the same name, of a process that had our PID and was killed together with its guard. */
START_TEST(a_stale_one_is_replaced)
{
    need_tracefs();
    char path[96];
    snprintf(path, sizeof path, "%s/proclab.%d.0", instances_dir(), getpid());
    ck_assert_int_eq(mkdir(path, 0700), 0);
    struct kernel_watch *watch = begin(BIT(FORK));
    free(finish(&watch).event);
}
END_TEST

/* One of a process that is gone, and its guard with it: the next guard removes it, and leaves those of the living. */
START_TEST(stale_ones_are_swept)
{
    need_tracefs();
    char stale[96], living[96];
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
    snprintf(stale, sizeof stale, "%s/proclab.%d.0", instances_dir(), gone);
    snprintf(living, sizeof living, "%s/proclab.%d.9", instances_dir(), getppid());
    ck_assert_int_eq(mkdir(stale, 0700), 0);
    ck_assert_int_eq(mkdir(living, 0700), 0);
    struct kernel_watch *watch = begin(BIT(FORK));
    free(finish(&watch).event);
    ck_assert_int_eq(access(stale, F_OK), -1);
    ck_assert_int_eq(rmdir(living), 0);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(killed_at_any_moment),    TEST(killed_with_its_group),    TEST(exit_without_an_end),
        TEST(drop_and_scope),          TEST(a_child_does_not_hold_it), TEST(a_child_cannot_end_it),
        TEST(a_stale_one_is_replaced), TEST(stale_ones_are_swept),     { 0 },
    };
    see_tracefs();
    return run_tests("kernel.gone", tests);
}
