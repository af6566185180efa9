/* proc_scan.c - lib/proc/scan on processes that live, are zombies, come and go; on threads, kept descriptors and limits. */
#include "children.h"

#include <pthread.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "proc/scan.h"

enum { MANY = 1 << 16 };

/* One whole round. How many were found, or the error. */
static int read_round(struct proc_scan *scan, struct proc_brief *out)
{
    int n = 0, r = 0;
    while (n + PROC_SCAN_BATCH <= MANY && (r = proc_scan_next(scan, out + n)) > 0)
        n += r;
    return r < 0 ? r : n;
}

static int next_round(struct proc_scan *scan, struct proc_brief *out)
{
    int r = proc_scan_rewind(scan);
    return r < 0 ? r : read_round(scan, out);
}

static const struct proc_brief *find(const struct proc_brief *all, int n, pid_t pid)
{
    const struct proc_brief *found = NULL;
    for (int i = 0; i < n; i++)
        if (all[i].pid == pid) {
            ck_assert_msg(!found, "process %d is there twice", pid);
            found = &all[i];
        }
    return found;
}

static int count_descriptors(void)
{
    static int list[MANY];
    int n = proc_fd_list(getpid(), list, MANY);
    ck_assert_int_ge(n, 0);
    return n;
}

static void body_named(const struct child *self, void *name)
{
    prctl(PR_SET_NAME, name);
    body_stay(self, NULL);
}

static const char *const names[] = {
    ") Z 1 (", ") R 1 (",         "a\nb",          "\n",          "\\n", "\xff\xfe\xc3(", "", " ",
    "\t x",    ")))))))))))))))", "a) S 1 1 1 (b", ") S 1 2 3\n",
};
enum { N_NAMES = sizeof names / sizeof *names };

static void check_child(const struct proc_brief *found, const char *name, char state)
{
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->comm, name);
    ck_assert_int_eq(found->state, state);
    ck_assert(found->ppid == getpid() && found->pgrp == getpgrp());
}

START_TEST(hostile_names_and_zombies)
{
    static struct proc_brief all[MANY];
    for (size_t keep = 0; keep <= 5000; keep += 5000) {
        cleanup_scan struct proc_scan scan = { -1 };
        struct child child[N_NAMES];
        struct proc_stat stat;
        for (int i = 0; i < N_NAMES; i++) {
            child[i] = child_start(body_named, (void *)(uintptr_t)names[i]);
            child_value(&child[i]);
            eventually(proc_stat_read(child[i].pid, &stat) == 0 && stat.state == 'S');
        }
        ck_assert_int_eq(proc_scan_open(&scan, keep), 0);
        for (int round = 0; round < 3; round++) {
            int n = next_round(&scan, all);
            for (int i = 0; i < N_NAMES; i++)
                check_child(find(all, n, child[i].pid), names[i], 'S');
            ck_assert_int_eq(find(all, n, getpid())->state, 'R');
        }
        for (int i = 0; i < N_NAMES; i++)
            child_become_zombie(&child[i]);
        int n = next_round(&scan, all);
        for (int i = 0; i < N_NAMES; i++) {
            check_child(find(all, n, child[i].pid), names[i], 'Z');
            child_reap(&child[i]);
        }
        n = next_round(&scan, all);
        for (int i = 0; i < N_NAMES; i++)
            ck_assert_ptr_null(find(all, n, child[i].pid));
    }
}
END_TEST

START_TEST(rising_and_in_batches)
{
    enum { N = 600 };
    static struct child child[N];
    static struct proc_brief all[MANY];
    cleanup_scan struct proc_scan scan = { -1 };
    for (int i = 0; i < N; i++) {
        child[i] = child_start(body_stay, NULL);
        child_value(&child[i]);
    }
    ck_assert_int_eq(proc_scan_open(&scan, 0), 0);
    int batches = 0, n = 0, r;
    for (; (r = proc_scan_next(&scan, all + n)) > 0; n += r, batches++)
        ck_assert_int_le(r, PROC_SCAN_BATCH);
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(proc_scan_next(&scan, all), 0); /* and stays at the end */
    ck_assert_int_ge(batches, N / PROC_SCAN_BATCH);
    for (int i = 1; i < n; i++)
        ck_assert_int_gt(all[i].pid, all[i - 1].pid);
    for (int i = 0; i < N; i++) {
        ck_assert_ptr_nonnull(find(all, n, child[i].pid));
        child_reap(&child[i]);
    }
}
END_TEST

struct share {
    struct proc_scan *scan;
    struct proc_brief *out;
    int n;
};

static void *read_share(void *argument)
{
    struct share *share = argument;
    share->n = read_round(share->scan, share->out);
    return NULL;
}

/* Four threads on one scan: what they have is what there is, each process once. */
START_TEST(threads)
{
    enum { N = 1000, THREADS = 4 };
    static pid_t child[N];
    static struct proc_brief out[THREADS][MANY];
    pid_t parent = getpid();
    for (int i = 0; i < N; i++) {
        child[i] = fork();
        ck_assert_int_ge(child[i], 0);
        if (child[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (getppid() == parent)
                pause();
            _exit(1);
        }
    }
    cleanup_scan struct proc_scan scan = { -1 };
    ck_assert_int_eq(proc_scan_open(&scan, 3000), 0);
    for (int round = 0; round < 20; round++) {
        pthread_t handles[THREADS];
        struct share share[THREADS];
        int n = 0;
        ck_assert_int_eq(proc_scan_rewind(&scan), 0);
        for (int i = 0; i < THREADS; i++) {
            share[i] = (struct share){ &scan, out[i], 0 };
            ck_assert_int_eq(pthread_create(&handles[i], NULL, read_share, &share[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(handles[i], NULL);
            ck_assert_int_ge(share[i].n, 0);
            for (int k = 0; i > 0 && k < share[i].n; k++)
                out[0][n + k] = out[i][k];
            n += share[i].n;
        }
        for (int i = 0; i < N; i++)
            ck_assert_ptr_nonnull(find(out[0], n, child[i]));
    }
    ck_assert_int_le((int)scan.kept, 3000);
    ck_assert_int_ge((int)scan.kept, count_descriptors() - 32); /* each of them is known to it */
    for (int i = 0; i < N; i++) {
        kill(child[i], SIGKILL);
        ck_assert_int_eq(waitpid(child[i], NULL, 0), child[i]);
    }
}
END_TEST

/* Children that exit at once, and that nobody needs to reap: whatever is found of them is whole. */
START_TEST(vanishing)
{
    static struct proc_brief all[MANY];
    pid_t self = getpid(), group = getpgrp(), pid;
    cleanup_scan struct proc_scan scan = { -1 };
    int seen = 0;
    prctl(PR_SET_NAME, ") R 1 (");
    signal(SIGCHLD, SIG_IGN);
    ck_assert_int_eq(proc_scan_open(&scan, 2000), 0);
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 20; i++) {
            pid = fork();
            ck_assert_int_ge(pid, 0);
            if (pid == 0)
                _exit(0);
        }
        int n = next_round(&scan, all);
        ck_assert_int_ge(n, 1);
        for (int i = 0; i < n; i++) {
            if (strcmp(all[i].comm, ") R 1 (") != 0 || all[i].pid == self || all[i].pgrp != group)
                continue;
            ck_assert_msg(all[i].ppid == self && strchr("RSDZX", all[i].state), "torn: pid %d ppid %d state %c",
                          all[i].pid, all[i].ppid, all[i].state);
            seen++;
        }
    }
    ck_assert_int_gt(seen, 0);
    eventually(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    int n = next_round(&scan, all);
    ck_assert_int_eq(proc_scan_rewind(&scan), 0);
    ck_assert_int_le((int)scan.kept, n); /* nothing is kept of those that are gone */
}
END_TEST

/* Descriptors of a "/proc/PID/stat"; none that an exec would hand on. */
static int stats_kept_open(void)
{
    int n = 0;
    for (int fd = 3; fd < 1024; fd++) {
        char name[32], path[64] = "";
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(name, path, sizeof path - 1);
        if (len < 5 || strcmp(path + len - 5, "/stat") != 0)
            continue;
        ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        n++;
    }
    return n;
}

START_TEST(kept_descriptors)
{
    enum { N = 30 };
    static struct proc_brief all[MANY];
    struct child child[N];
    int before = count_descriptors() + 2 * N;
    cleanup_scan struct proc_scan scan = { -1 };
    for (int i = 0; i < N; i++) {
        child[i] = child_start(body_stay, NULL);
        child_value(&child[i]);
    }
    ck_assert_int_eq(proc_scan_open(&scan, 10), 0);
    ck_assert_int_gt(next_round(&scan, all), 10);
    ck_assert_uint_eq(scan.kept, 10); /* no more than it may */
    ck_assert_int_eq(count_descriptors(), before + 1 + 10);
    proc_scan_close(&scan);
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert_int_eq(proc_scan_open(&scan, 5000), 0);
    next_round(&scan, all);
    ck_assert_int_ge((int)scan.kept, N);
    ck_assert_int_eq(stats_kept_open(), (int)scan.kept);
    for (int i = 0; i < N; i++)
        child_reap(&child[i]);
    int n = next_round(&scan, all);
    for (int i = 0; i < N; i++)
        ck_assert_ptr_null(find(all, n, child[i].pid));
    ck_assert_int_eq(proc_scan_rewind(&scan), 0);
    ck_assert_int_eq(count_descriptors(), before - 2 * N + 1 + (int)scan.kept);
    proc_scan_close(&scan);
    proc_scan_close(&scan); /* twice is once */
    ck_assert_int_eq(count_descriptors(), before - 2 * N);
}
END_TEST

/* Neither the last descriptors are taken, nor is a process lost for want of one. */
START_TEST(limit_of_descriptors)
{
    enum { N = 100 };
    static struct proc_brief all[MANY];
    struct child child[N];
    struct rlimit limit = { 3 * N, 3 * N };
    cleanup_scan struct proc_scan scan = { -1 };
    for (int i = 0; i < N; i++) {
        child[i] = child_start(body_stay, NULL);
        child_value(&child[i]);
    }
    int used = count_descriptors();
    ck_assert_int_lt(used, 3 * N - 64);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(proc_scan_open(&scan, 5000), 0);
    for (int round = 0; round < 3; round++) {
        int n = next_round(&scan, all);
        for (int i = 0; i < N; i++)
            ck_assert_ptr_nonnull(find(all, n, child[i].pid));
        ck_assert_int_le((int)scan.kept, 3 * N - 64 - used);
        ck_assert_int_gt((int)scan.kept, 0);
    }
    int taken[64], n_taken = 0;
    while (n_taken < 64 && (taken[n_taken] = dup(0)) >= 0)
        n_taken++;
    ck_assert_int_ge(n_taken, 60);
    ck_assert_int_eq(next_round(&scan, all), -EMFILE); /* now there is none: it says so */
    for (int i = 0; i < n_taken; i++)
        close(taken[i]);
    ck_assert_int_ge(next_round(&scan, all), N);
    for (int i = 0; i < N; i++)
        child_reap(&child[i]);
}
END_TEST

/* ---- a PID that comes to mean another process, in a PID namespace where we say which one is next ---- */

static pid_t start_named(const char *name)
{
    int ready[2];
    char word = 'x';
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, name);
        if (write(ready[1], &word, 1) == 1)
            pause();
        _exit(1);
    }
    if (pid > 0 && read(ready[0], &word, 1) != 1)
        pid = -EIO;
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static bool set_last_pid(pid_t pid)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%d", pid), fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, (size_t)len) == len;
    if (fd >= 0)
        close(fd);
    return written;
}

enum { REUSE_HOLDS, REUSE_NO_PROC, REUSE_FAILED, REUSE_OTHER_PID, REUSE_MISTAKEN, REUSE_LOST, REUSE_LEAKS };

/* As PID 1. */
static int reuse_pid(void)
{
    static struct proc_brief all[MANY];
    struct proc_scan scan;
    if (mount("proc", "/proc", "proc", 0, NULL) < 0)
        return REUSE_NO_PROC;
    pid_t first = start_named("first");
    if (first < 0 || proc_scan_open(&scan, 100) < 0 || next_round(&scan, all) != 2 || scan.kept != 2)
        return REUSE_FAILED;
    kill(first, SIGKILL);
    if (waitpid(first, NULL, 0) != first || !set_last_pid(first - 1))
        return REUSE_FAILED;
    if (start_named("second") != first)
        return REUSE_OTHER_PID;
    for (int round = 0; round < 2; round++) {
        int n = next_round(&scan, all);
        if (n != 2 || all[1].pid != first)
            return REUSE_LOST;
        if (strcmp(all[1].comm, "second") != 0)
            return REUSE_MISTAKEN;
    }
    return scan.kept == 2 ? REUSE_HOLDS : REUSE_LEAKS;
}

static void body_reuse(const struct child *self, void *argument)
{
    int status;
    (void)argument;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        child_say(self, REUSE_NO_PROC);
        return;
    }
    pid_t init = fork();
    if (init == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(reuse_pid());
    }
    child_say(self,
              init > 0 && waitpid(init, &status, 0) == init && WIFEXITED(status) ? WEXITSTATUS(status) : REUSE_FAILED);
}

START_TEST(pid_reuse)
{
    struct child child = child_start(body_reuse, NULL);
    int answer = child_value(&child);
    child_reap(&child);
    if (answer == REUSE_NO_PROC)
        skip_test("no PID namespace of our own (needs CAP_SYS_ADMIN)");
    ck_assert_int_eq(answer, REUSE_HOLDS);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(hostile_names_and_zombies), TEST(rising_and_in_batches), TEST(threads),   TEST(vanishing),
        TEST(kept_descriptors),          TEST(limit_of_descriptors),  TEST(pid_reuse), { 0 },
    };
    return run_tests("proc.scan", tests);
}
