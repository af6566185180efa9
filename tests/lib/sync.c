/* sync.c - lib/sync on live processes: what it waits for, and what it leaves behind. */
#include "sync/sync.h"

#include "testing.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* What the function returns in a child of its own, as its exit status. */
static int in_child(int (*body)(void))
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(body());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static pid_t sleeper(void)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        for (;;)
            pause();
    return child;
}

static void end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static int begin_in_a_mess(void)
{
    sigset_t all, now;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        signal(sig, sig == SIGTERM ? SIG_DFL : SIG_IGN);
    raise(SIGTERM); /* pending, since it is blocked: unblocking it must not kill */
    alarm(1);
    close(0);
    close(1);
    int stray = dup2(2, 100);
    close(2);
    if (sync_begin() != 0)
        return 1;
    sigprocmask(SIG_BLOCK, NULL, &now);
    for (int sig = 1; sig <= SIGRTMAX; sig++) {
        struct sigaction action;
        if (sigaction(sig, NULL, &action) < 0)
            continue; /* 32 and 33 are glibc's */
        if (sigismember(&now, sig) || (action.sa_handler == SIG_IGN) != (sig == SIGPIPE || sig == SIGXFSZ))
            return 2;
    }
    if (alarm(0) != 0)
        return 6;
    char byte;
    if (write(1, "x", 1) != -1 || errno != EBADF || read(0, &byte, 1) != -1 || errno != EBADF)
        return 3;
    if (fcntl(stray, F_GETFD) != -1)
        return 4;
    return open("/", O_PATH) == 3 ? 0 : 5;
}

START_TEST(begin_makes_a_known_state)
{
    ck_assert_int_eq(in_child(begin_in_a_mess), 0);
}
END_TEST

START_TEST(a_gate_keeps_the_order)
{
    struct sync_gate gate;
    ck_assert_int_eq(sync_gate_make(&gate), 0);
    int *passed = mmap(NULL, sizeof *passed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        for (; *passed < 3; (*passed)++)
            if (sync_gate_pass(&gate) != 0)
                _exit(1);
        _exit(0);
    }
    struct proc_stat stat;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(sync_state(child, "S", &stat), 0);
        ck_assert_int_eq(*passed, i);
        ck_assert_int_eq(sync_gate_open(&gate), 0);
        while (__atomic_load_n(passed, __ATOMIC_SEQ_CST) == i) /* it must pass; the test's time-out is the other end */
            sched_yield();
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    sync_gate_close(&gate);
}
END_TEST

START_TEST(a_gate_tells_of_the_other_sides_death)
{
    struct sync_gate gate;
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(sync_gate_make(&gate), 0);
    pid_t child = sleeper();
    end(child);
    ck_assert_int_eq(sync_gate_pass(&gate), -EPIPE);
    sync_gate_close(&gate);

    ck_assert_int_eq(sync_gate_make(&gate), 0);
    end(sleeper());
    ck_assert_int_eq(sync_gate_open(&gate), -EPIPE);
    sync_gate_close(&gate);
}
END_TEST

static void nothing(int sig)
{
    (void)sig;
}

START_TEST(a_gate_waits_on_through_signals)
{
    struct sync_gate gate;
    ck_assert_int_eq(sync_gate_make(&gate), 0);
    struct sigaction interrupt = { .sa_handler = nothing };
    sigaction(SIGUSR1, &interrupt, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(sync_gate_pass(&gate) == 0 ? 0 : 1);
    for (int i = 0; i < 20; i++) {
        struct proc_stat stat;
        ck_assert_int_eq(sync_state(child, "S", &stat), 0);
        kill(child, SIGUSR1);
    }
    ck_assert_int_eq(sync_gate_open(&gate), 0);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    sync_gate_close(&gate);
}
END_TEST

START_TEST(exited_leaves_the_zombie)
{
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    siginfo_t how;
    struct proc_stat stat;
    ck_assert_int_eq(sync_exited(child, &how), 0);
    ck_assert_int_eq(how.si_status, 7);
    ck_assert_int_eq(proc_stat_read(child, &stat), 0);
    ck_assert_int_eq(stat.state, 'Z');
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(sync_exited(child, NULL), -ECHILD);
}
END_TEST

START_TEST(stopped_leaves_the_news)
{
    pid_t child = sleeper();
    siginfo_t how;
    int status;
    kill(child, SIGSTOP);
    ck_assert_int_eq(sync_stopped(child, &how), 0);
    ck_assert_int_eq(how.si_status, SIGSTOP);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    end(child);
}
END_TEST

START_TEST(blocked_names_the_call)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
    }
    struct proc_syscall call;
    ck_assert_int_eq(sync_blocked(child, SYS_read, &call), 0);
    ck_assert_uint_eq(call.args[0], (uint64_t)fds[0]);
    close(fds[1]);
    ck_assert_int_eq(sync_blocked(child, SYS_pause, &call), -ESRCH);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(sync_blocked(child, SYS_read, &call), -ESRCH);
    close(fds[0]);
}
END_TEST

START_TEST(ran_waits_for_time_on_a_cpu)
{
    struct proc_schedstat first, later;
    pid_t child = fork();
    if (child == 0)
        for (volatile int spin = 0;; spin = 1 - spin)
            continue;
    ck_assert_int_ge(child, 0);
    int rc = sync_ran(child, 0, &first);
    if (rc == -ENOTSUP) {
        end(child);
        skip_test("a kernel without CONFIG_SCHED_INFO");
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_gt(first.run_ns, 0);
    ck_assert_int_eq(sync_ran(child, first.run_ns, &later), 0);
    ck_assert_int_gt(later.run_ns, first.run_ns);
    kill(child, SIGKILL);
    ck_assert_int_eq(sync_exited(child, NULL), 0);
    ck_assert_int_eq(sync_ran(child, INT64_MAX, &later), -ESRCH); /* a zombie */
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(sync_ran(child, 0, &later), -ESRCH);
}
END_TEST

START_TEST(every_wait_has_the_deadline)
{
    setenv("PROCLAB_DEADLINE_SCALE", "0.002", 1); /* 40 ms */
    pid_t child = sleeper();
    struct proc_stat stat;
    struct proc_syscall call;
    struct sync_gate gate;
    ck_assert_int_eq(sync_gate_make(&gate), 0);
    int keep = dup(gate.open_fd);
    ck_assert_int_eq(sync_gate_pass(&gate), -ETIMEDOUT);
    ck_assert_int_eq(sync_exited(child, NULL), -ETIMEDOUT);
    ck_assert_int_eq(sync_stopped(child, NULL), -ETIMEDOUT);
    ck_assert_int_eq(sync_state(child, "Z", &stat), -ETIMEDOUT);
    ck_assert_int_eq(sync_blocked(child, SYS_read, &call), -ETIMEDOUT);
    struct proc_schedstat ran;
    int rc = sync_ran(child, INT64_MAX, &ran);
    ck_assert(rc == -ETIMEDOUT || rc == -ENOTSUP);
    close(keep);
    sync_gate_close(&gate);
    end(child);
}
END_TEST

/* The middle process makes one that lives with it, says its PID, and is killed. */
START_TEST(a_child_dies_with_its_parent)
{
    int says[2];
    ck_assert_int_eq(pipe(says), 0);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t parent = getpid(), child = fork();
        if (child == 0) {
            int rc = sync_die_with(parent);
            child = rc == 0 ? getpid() : rc;
            if (write(says[1], &child, sizeof child) < 0 || rc != 0)
                _exit(1);
        }
        for (;;)
            pause();
    }
    pid_t child;
    int status;
    ck_assert_int_eq(read(says[0], &child, sizeof child), sizeof child);
    ck_assert_int_gt(child, 0);
    end(middle);
    ck_assert_int_eq(waitpid(child, &status, 0), child); /* ours now: this test is a subreaper */
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(says[0]);
    close(says[1]);
}
END_TEST

static int die_with_a_stranger(void)
{
    return sync_die_with(1) == -ESRCH ? 0 : 1;
}

START_TEST(a_parent_that_died_before_is_noticed)
{
    ck_assert_int_eq(in_child(die_with_a_stranger), 0);
}
END_TEST

START_TEST(the_end_of_a_scope_ends_a_child)
{
    pid_t seen;
    {
        cleanup_child pid_t child = sleeper();
        seen = child;
    }
    ck_assert_int_eq(proc_exists(seen), 0);
    ck_assert_int_eq(waitpid(seen, NULL, WNOHANG), -1);
}
END_TEST

/* A PID that was reaped may be anybody's: here it is not even a child, and nothing must happen to it. */
START_TEST(the_end_of_a_scope_leaves_strangers_alone)
{
    pid_t stranger = getppid();
    sync_child_end(&stranger);
    pid_t none = -1;
    sync_child_end(&none); /* and -1, to kill(2), is everybody */
    ck_assert_int_eq(proc_exists(stranger), 1);
}
END_TEST

START_TEST(rmdir_says_what_it_cannot)
{
    char path[] = "/tmp/proclab-test-XXXXXX", inside[64];
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(inside, sizeof inside, "%s/inside", path);
    ck_assert_int_eq(mkdir(inside, 0700), 0);
    ck_assert_int_eq(sync_rmdir(path), -ENOTEMPTY);
    ck_assert_int_eq(sync_rmdir(inside), 0);
    ck_assert_int_eq(sync_rmdir(path), 0);
    ck_assert_int_eq(sync_rmdir(path), -ENOENT);
}
END_TEST

static int limit_of_two(void)
{
    int rc = sync_count_alone();
    if (rc == -EPERM || rc == -ENOSPC)
        return 77;
    if (rc < 0 || setrlimit(RLIMIT_NPROC, &(struct rlimit){ 2, 2 }) < 0)
        return 1;
    pid_t first = fork();
    if (first == 0)
        _exit(0);
    pid_t second = fork();
    if (second == 0)
        _exit(0);
    int error = errno;
    waitpid(first, NULL, 0);
    return first > 0 && second < 0 && error == EAGAIN ? 0 : 2;
}

START_TEST(processes_are_counted_alone)
{
#ifdef __SANITIZE_THREAD__
    skip_test("ThreadSanitizer has a thread of its own, and it counts");
#endif
    int rc = in_child(limit_of_two);
    if (rc == 77)
        skip_test("neither root nor user namespaces");
    ck_assert_int_eq(rc, 0);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(begin_makes_a_known_state),
        TEST(a_gate_keeps_the_order),
        TEST(a_gate_tells_of_the_other_sides_death),
        TEST(a_gate_waits_on_through_signals),
        TEST(exited_leaves_the_zombie),
        TEST(stopped_leaves_the_news),
        TEST(blocked_names_the_call),
        TEST(ran_waits_for_time_on_a_cpu),
        TEST(every_wait_has_the_deadline),
        TEST(a_child_dies_with_its_parent),
        TEST(a_parent_that_died_before_is_noticed),
        TEST(the_end_of_a_scope_ends_a_child),
        TEST(the_end_of_a_scope_leaves_strangers_alone),
        TEST(rmdir_says_what_it_cannot),
        TEST(processes_are_counted_alone),
        { 0 },
    };
    return run_tests("sync", tests);
}
