/* guard.c - the guard of lib/sync: it cleans up whatever happens to its process, and nobody else notices it. */
#include "sync/sync.h"
#include "testing.h"

#include <sched.h>
#include <sys/resource.h>

/* What the guard tells us, and we it: it has inherited the page. */
static struct shared {
    int cleaned, saw, started, may_clean;
} * shared;

static int value; /* in memory that is not shared */

static void clean(const void *arg)
{
    while (!__atomic_load_n(&shared->may_clean, __ATOMIC_SEQ_CST))
        sched_yield();
    shared->saw = *(const int *)arg;
    __atomic_add_fetch(&shared->cleaned, 1, __ATOMIC_SEQ_CST);
}

static int cleaned(void)
{
    return __atomic_load_n(&shared->cleaned, __ATOMIC_SEQ_CST);
}

/* A process that starts a guard, says so, and does the rest. */
static pid_t guarded(void (*rest)(struct sync_guard *guard))
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    shared->may_clean = 1;
    value = 17;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct sync_guard guard;
        setpgid(0, 0);
        int rc = sync_guard_start(&guard, clean, &value);
        value = 18;
        __atomic_store_n(&shared->started, rc == 0 ? 1 : rc, __ATOMIC_SEQ_CST);
        rest(&guard);
        _exit(0);
    }
    while (__atomic_load_n(&shared->started, __ATOMIC_SEQ_CST) == 0)
        sched_yield();
    ck_assert_int_eq(shared->started, 1);
    return pid;
}

static void stay(struct sync_guard *guard)
{
    (void)guard;
    for (;;)
        pause();
}

static void leave(struct sync_guard *guard)
{
    (void)guard;
}

static void tell(struct sync_guard *guard)
{
    sync_guard_end(guard);
    sync_guard_end(guard); /* the second time there is nothing to end */
    stay(guard);
}

/* This test is a subreaper: the guard is our child as soon as its parent, the process in the middle, has gone. */
static pid_t guard_of(pid_t pid)
{
    pid_t children[4];
    for (;;) {
        int n = proc_children_list(getpid(), children, 4);
        for (int i = 0; i < n && i < 4; i++)
            if (children[i] != pid)
                return children[i];
    }
}

/* The process has ended, or is about to: so must its guard, having cleaned up once. */
static void reap_both(void)
{
    int status;
    for (int i = 0; i < 2; i++)
        ck_assert_int_gt(waitpid(-1, &status, 0), 0);
    ck_assert_int_eq(waitpid(-1, &status, 0), -1);
    ck_assert_int_eq(cleaned(), 1);
    ck_assert_int_eq(shared->saw, 17); /* what it was when the guard started */
}

START_TEST(cleans_after_a_kill)
{
    pid_t pid = guarded(stay);
    ck_assert_int_eq(cleaned(), 0);
    kill(pid, SIGKILL);
    reap_both();
}
END_TEST

START_TEST(cleans_after_an_exit)
{
    guarded(leave);
    reap_both();
}
END_TEST

START_TEST(cleans_when_told)
{
    pid_t pid = guarded(tell);
    ck_assert_int_eq(waitpid(guard_of(pid), NULL, 0) > 0, 1);
    ck_assert_int_eq(cleaned(), 1);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

static void exec(struct sync_guard *guard)
{
    (void)guard;
    execlp("sleep", "sleep", "1000", NULL);
}

/* Another program would neither use the thing nor say that it is done. */
START_TEST(cleans_after_an_exec)
{
    pid_t pid = guarded(exec);
    ck_assert_int_eq(waitpid(guard_of(pid), NULL, 0) > 0, 1);
    ck_assert_int_eq(cleaned(), 1);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(outlives_its_group)
{
    pid_t pid = guarded(stay), guard = guard_of(pid);
    struct proc_stat stat;
    ck_assert_int_eq(proc_stat_read(guard, &stat), 0);
    ck_assert_int_ne(stat.session, getsid(0));
    ck_assert_int_ne(stat.pgrp, pid);
    for (int sig = 1; sig < SIGRTMAX; sig++)
        if (sig != SIGKILL && sig != SIGSTOP && sig != 32 &&
            sig != 33) /* the last two are glibc's, for its own threads */
            kill(guard, sig);
    ck_assert_int_eq(kill(-pid, SIGKILL), 0);
    reap_both();
}
END_TEST

START_TEST(holds_nothing)
{
    pid_t pid = guarded(stay), guard = guard_of(pid);
    struct proc_stat stat;
    int fds[8];
    while (proc_fd_list(guard, fds, 8) > 2) /* it has not come to close them yet */
        sched_yield();
    char path[64], cwd[64] = "", name[32] = "";
    snprintf(path, sizeof path, "/proc/%d/cwd", guard);
    ck_assert_int_eq(readlink(path, cwd, sizeof cwd - 1), 1);
    ck_assert_str_eq(cwd, "/");
    ck_assert_int_ge(proc_fd_read(guard, 0, name, sizeof name), 0);
    ck_assert_int_eq(strncmp(name, "socket:", 7), 0);
    ck_assert_int_eq(proc_stat_read(guard, &stat), 0);
    ck_assert_str_eq(stat.comm, "proclab-guard");
    kill(pid, SIGKILL);
    reap_both();
}
END_TEST

/* Whoever reads what a demo writes must see the end of it, however long the clean-up takes. */
START_TEST(does_not_keep_the_output_open)
{
    int out[2];
    ck_assert_int_eq(pipe(out), 0);
    int before = dup(1);
    dup2(out[1], 1);
    pid_t pid = guarded(stay);
    dup2(before, 1);
    close(out[1]);
    shared->may_clean = 0;
    kill(pid, SIGKILL);
    char byte;
    ck_assert_int_eq(read(out[0], &byte, 1), 0);
    ck_assert_int_eq(cleaned(), 0);
    shared->may_clean = 1;
    reap_both();
}
END_TEST

static void fork_and_stay(struct sync_guard *guard)
{
    fork();
    stay(guard);
}

/* A child has a copy of the descriptor by which the guard is told. */
START_TEST(does_not_wait_for_children)
{
    pid_t pid = guarded(fork_and_stay), child;
    while (proc_children_list(pid, &child, 1) != 1)
        sched_yield();
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    while (!cleaned())
        sched_yield();
    ck_assert_int_eq(proc_exists(child), 1);
    kill(child, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}
END_TEST

static void tell_with_a_child(struct sync_guard *guard)
{
    if (fork() > 0)
        sync_guard_end(guard);
    stay(guard);
}

START_TEST(is_told_although_a_child_has_a_copy)
{
    pid_t pid = guarded(tell_with_a_child);
    while (!cleaned())
        sched_yield();
    kill(-pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    ck_assert_int_eq(cleaned(), 1);
}
END_TEST

static volatile sig_atomic_t signals;

static void count(int sig)
{
    (void)sig;
    signals++;
}

/* Numbers of the first thing that is not as it would be without a guard; 0: nothing. */
static int notice(void)
{
    struct sync_guard guard;
    struct sigaction action = { .sa_handler = count };
    sigset_t before, after;
    int fds[2], again[2];
    pid_t child;
    sigaction(SIGCHLD, &action, NULL);
    sigprocmask(SIG_BLOCK, NULL, &before);
    if (pipe(fds) < 0 || close(fds[0]) < 0 || close(fds[1]) < 0)
        return 1;
    if (sync_guard_start(&guard, clean, &value) != 0)
        return 2;
    if (signals != 0)
        return 3;
    if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
        return 4;
    if (proc_children_list(getpid(), &child, 1) != 0)
        return 5;
    if (pipe(again) < 0 || again[0] != fds[0] || again[1] != fds[1])
        return 6;
    sigprocmask(SIG_BLOCK, NULL, &after);
    for (int sig = 1; sig < SIGRTMAX; sig++)
        if (sigismember(&before, sig) != sigismember(&after, sig))
            return 7;
    sync_guard_end(&guard);
    return 0;
}

START_TEST(is_not_noticed)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared->may_clean = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(notice());
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    ck_assert_int_eq(cleaned(), 1);
}
END_TEST

static int with_no_descriptors(void)
{
    struct sync_guard guard;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 3, 3 });
    closefrom(3);
    return -sync_guard_start(&guard, clean, &value);
}

static int with_none_for_the_guard(void)
{
    struct sync_guard guard;
    closefrom(3);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 6, 6 }); /* 3 and 4 are the socket pair, 5 is the pidfd */
    return -sync_guard_start(&guard, clean, &value);
}

static int with_few_descriptors(void)
{
    struct sync_guard guard;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 20, 20 });
    int rc = sync_guard_start(&guard, clean, &value);
    sync_guard_end(&guard);
    return -rc;
}

static int with_no_processes(void)
{
    struct sync_guard guard;
    if (sync_count_alone() < 0 || setrlimit(RLIMIT_NPROC, &(struct rlimit){ 1, 1 }) < 0)
        return 77;
    return -sync_guard_start(&guard, clean, &value);
}

static int with_one_process(void)
{
    struct sync_guard guard;
    if (sync_count_alone() < 0 || setrlimit(RLIMIT_NPROC, &(struct rlimit){ 2, 2 }) < 0)
        return 77;
    return -sync_guard_start(&guard, clean, &value);
}

static int status_of(int (*body)(void))
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared->may_clean = 1;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(body());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    return WEXITSTATUS(status);
}

START_TEST(says_why_it_cannot_start)
{
    ck_assert_int_eq(status_of(with_no_descriptors), EMFILE);
    ck_assert_int_eq(cleaned(), 0);
    ck_assert_int_eq(status_of(with_none_for_the_guard), EMFILE);
    ck_assert_int_eq(cleaned(), 0);
    ck_assert_int_eq(status_of(with_few_descriptors), 0);
    ck_assert_int_eq(cleaned(), 1);
    int none = status_of(with_no_processes);
    if (none == 77)
        skip_test("neither root nor user namespaces");
    ck_assert_int_eq(none, EAGAIN);
    ck_assert_int_eq(status_of(with_one_process), EAGAIN);
    ck_assert_int_eq(cleaned(), 0);
}
END_TEST

START_TEST(starts_with_the_standard_descriptors_closed)
{
    int kept[3];
    for (int fd = 0; fd < 3; fd++) {
        kept[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        close(fd);
    }
    pid_t pid = guarded(stay);
    for (int fd = 0; fd < 3; fd++)
        dup2(kept[fd], fd);
    kill(pid, SIGKILL);
    reap_both();
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(cleans_after_a_kill),
        TEST(cleans_after_an_exit),
        TEST(cleans_when_told),
        TEST(cleans_after_an_exec),
        TEST(outlives_its_group),
        TEST(holds_nothing),
        TEST(does_not_keep_the_output_open),
        TEST(does_not_wait_for_children),
        TEST(is_told_although_a_child_has_a_copy),
        TEST(is_not_noticed),
        TEST(says_why_it_cannot_start),
        TEST(starts_with_the_standard_descriptors_closed),
        { 0 },
    };
    return run_tests("guard", tests);
}
