/* children.h - children of a test that do one thing, then stay where they are until the test says so. */
#ifndef PROCLAB_TESTS_CHILDREN_H
#define PROCLAB_TESTS_CHILDREN_H

#include "testing.h"

#include <sched.h>
#include <stdint.h>
#include <time.h>

struct child {
    pid_t pid;
    int out, back;
};

/* What a child does. It says child_ready() when it is where the test wants it, and may then child_stay(). */
typedef void child_body(const struct child *self, void *argument);

__attribute__((unused)) static void child_say(const struct child *self, int value)
{
    if (write(self->back, &value, sizeof value) != sizeof value)
        _exit(99);
}

/* Waits for a word of the test; false where it has gone. */
__attribute__((unused)) static bool child_stay(const struct child *self)
{
    char word;
    return read(self->out, &word, 1) == 1;
}

/* Or it would itself hold open the pipes of its brothers, and none of them would ever read an end. */
static void child_close_others(int out, int back)
{
    unsigned low = (unsigned)(out < back ? out : back), high = (unsigned)(out < back ? back : out);
    close_range(3, low - 1, 0);
    close_range(low + 1, high - 1, 0);
    close_range(high + 1, ~0U, 0);
}

__attribute__((unused)) static struct child child_start(child_body *body, void *argument)
{
    int out[2], back[2];
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(back, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        child_close_others(out[0], back[1]);
        body(&(struct child){ getpid(), out[0], back[1] }, argument);
        _exit(0);
    }
    close(out[0]);
    close(back[1]);
    return (struct child){ pid, out[1], back[0] };
}

/* The next value the child says. */
__attribute__((unused)) static int child_value(const struct child *child)
{
    int value = 0;
    ck_assert_int_eq(read(child->back, &value, sizeof value), sizeof value);
    return value;
}

__attribute__((unused)) static void child_go(const struct child *child)
{
    ck_assert_int_eq(write(child->out, "x", 1), 1);
}

/* Lets it end, and leaves it a zombie. */
__attribute__((unused)) static void child_become_zombie(const struct child *child)
{
    siginfo_t info;
    child_go(child);
    ck_assert_int_eq(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT), 0);
}

/* Reaps it; it must have ended, or be about to. */
__attribute__((unused)) static void child_reap(struct child *child)
{
    int status;
    close(child->out);
    ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
    ck_assert_int_eq(status, 0);
    close(child->back);
}

/* Says it is there, and stays. */
__attribute__((unused)) static void body_stay(const struct child *self, void *argument)
{
    (void)argument;
    child_say(self, 0);
    child_stay(self);
}

/* TSan has threads of its own in every process. */
#ifdef __SANITIZE_THREAD__
enum { THREADS_OF_OTHERS = 3 };
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
enum { THREADS_OF_OTHERS = 3 };
#else
enum { THREADS_OF_OTHERS = 0 };
#endif
#else
enum { THREADS_OF_OTHERS = 0 };
#endif

__attribute__((unused)) static bool are_threads(int64_t n, int ours)
{
    return n >= ours && n <= ours + THREADS_OF_OTHERS;
}

/* To look again until something is so, at most 20 s. */
#define eventually(condition) \
    do { \
        struct timespec end_, now_; \
        clock_gettime(CLOCK_MONOTONIC, &end_); \
        for (end_.tv_sec += 20; !(condition); sched_yield()) { \
            clock_gettime(CLOCK_MONOTONIC, &now_); \
            ck_assert_msg(now_.tv_sec < end_.tv_sec, "never: %s", #condition); \
        } \
    } while (0)

#endif
