/* proc_live.c - lib/proc on processes that live: names, threads, children, descriptors, system calls. */
#include "children.h"

#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "proc/proc.h"

static void body_named(const struct child *self, void *name)
{
    prctl(PR_SET_NAME, name);
    body_stay(self, NULL);
}

START_TEST(hostile_names)
{
    static const char *const names[] = {
        ") Z 1 (", ") R 1 (",         "a\nb",          "\n",  "\\n", "\xff\xfe\xc3(", "", " ",
        "\t x",    ")))))))))))))))", "a) S 1 1 1 (b", "123",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct child child = child_start(body_named, (void *)(uintptr_t)names[i]);
        struct proc_stat stat, again;
        struct proc_status status;
        child_value(&child);
        eventually(proc_stat_read(child.pid, &stat) == 0 && stat.state == 'S');
        ck_assert_str_eq(stat.comm, names[i]);
        ck_assert(stat.pid == child.pid && stat.ppid == getpid() && stat.pgrp == getpgrp());
        ck_assert(are_threads(stat.threads, 1));
        ck_assert_int_eq(stat.session, getsid(0));
        ck_assert(stat.vsize_bytes > 0 && stat.rss_pages > 0);
        int fd = proc_open(child.pid, "stat");
        ck_assert_int_ge(fd, 0);
        ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(proc_stat_pread(fd, &again), 0);
            ck_assert_str_eq(again.comm, names[i]);
        }
        close(fd);
        ck_assert_int_eq(proc_status_read(child.pid, &status), 0);
        ck_assert_str_eq(status.name, names[i]);
        ck_assert(status.state == 'S' && status.pid == child.pid);
        ck_assert(status.tgid == child.pid && status.ppid == getpid());
        child_reap(&child);
    }
}
END_TEST

START_TEST(status_of_ourselves)
{
    struct proc_status s;
    gid_t groups[1024];
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    sigprocmask(SIG_BLOCK, &some, NULL);
    raise(SIGUSR2);
    signal(SIGUSR1, SIG_IGN);
    ck_assert_int_eq(proc_status_read(getpid(), &s), 0);
    ck_assert(s.uid[0] == getuid() && s.uid[1] == geteuid() && s.gid[0] == getgid() && s.gid[1] == getegid());
    int n = getgroups(1024, groups);
    ck_assert_int_eq((int)s.n_groups, n);
    for (int i = 0; i < n && i < PROC_GROUPS; i++)
        ck_assert_int_eq(s.groups[i], groups[i]);
    ck_assert(s.n_nspid >= 1 && s.nspid[0] == getpid());
    ck_assert(s.sig_blk == UINT64_C(1) << (SIGUSR2 - 1) && s.sig_pnd == s.sig_blk);
    ck_assert(s.sig_ign & UINT64_C(1) << (SIGUSR1 - 1));
    ck_assert(are_threads(s.threads, 1) && s.state == 'R' && s.tracer_pid >= 0);
    ck_assert(s.vm_rss_kib > 0 && s.vm_size_kib > s.vm_rss_kib && s.vm_pte_kib > 0 && s.rss_anon_kib > 0);
    ck_assert(s.voluntary_ctxt_switches >= 0 && s.nonvoluntary_ctxt_switches >= 0);
    ck_assert(s.no_new_privs == prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}
END_TEST

static int ready[2], stop[2];
static pid_t thread_ids[4];

static void *thread(void *number)
{
    int n = (int)(intptr_t)number;
    char name[16], word;
    snprintf(name, sizeof name, ") T%d (", n);
    prctl(PR_SET_NAME, name);
    thread_ids[n] = (pid_t)syscall(SYS_gettid);
    pid_t child = n == 0 ? fork() : -1; /* a child of a thread that is not the main one */
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(stop[1]); /* or it would itself hold open what it waits for */
        _exit(read(stop[0], &word, 1) == 0 ? 0 : 1);
    }
    if (write(ready[1], &child, sizeof child) != sizeof child || read(stop[0], &word, 1) != 0)
        abort();
    return NULL;
}

static bool is_in(const pid_t *list, int n, pid_t pid)
{
    for (int i = 0; i < n; i++)
        if (list[i] == pid)
            return true;
    return false;
}

START_TEST(threads)
{
    pthread_t handles[4];
    pid_t list[64], of_thread = -1, child;
    struct proc_stat stat;
    char file[64];
    ck_assert(pipe(ready) == 0 && pipe(stop) == 0);
    for (intptr_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&handles[i], NULL, thread, (void *)i), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(read(ready[0], &child, sizeof child), sizeof child);
        of_thread = child > 0 ? child : of_thread;
    }
    int n = proc_task_list(getpid(), list, 64);
    ck_assert(are_threads(n, 5));
    ck_assert_int_eq(proc_stat_read(getpid(), &stat), 0);
    ck_assert_int_eq(stat.threads, n);
    ck_assert(is_in(list, n, getpid()));
    for (int i = 0; i < 4; i++) {
        char name[16];
        ck_assert(is_in(list, n, thread_ids[i]));
        snprintf(file, sizeof file, "task/%d/stat", thread_ids[i]);
        snprintf(name, sizeof name, ") T%d (", i);
        int fd = proc_open(getpid(), file);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(proc_stat_pread(fd, &stat), 0);
        ck_assert_str_eq(stat.comm, name);
        ck_assert_int_eq(stat.pid, thread_ids[i]);
        close(fd);
    }
    ck_assert_int_eq(proc_task_list(getpid(), NULL, 0), n);
    ck_assert(proc_exists(thread_ids[0]));
    n = proc_children_list(getpid(), list, 64);
    ck_assert(n == 1 && list[0] == of_thread);

    int kept = proc_open(getpid(), file);
    close(stop[1]);
    for (int i = 0; i < 4; i++)
        pthread_join(handles[i], NULL);
    ck_assert_int_eq(waitpid(of_thread, NULL, 0), of_thread);
    /* pthread_join returns when the kernel has cleared the thread's word, a moment before the thread is gone. */
    eventually(proc_stat_pread(kept, &stat) == -ESRCH);
    ck_assert_int_eq(proc_open(getpid(), file), -ESRCH);
    close(kept);
}
END_TEST

START_TEST(children)
{
    enum { N = 300 };
    static struct child child[N];
    static pid_t list[2 * N];
    for (int i = 0; i < N; i++)
        child[i] = child_start(body_stay, NULL);
    for (int i = 0; i < N; i++)
        child_value(&child[i]);
    for (int i = 0; i < N; i += 2)
        child_become_zombie(&child[i]);
    ck_assert_int_eq(proc_children_list(getpid(), list, 2 * N), N);
    for (int i = 0; i < N; i++)
        ck_assert(is_in(list, N, child[i].pid));
    list[1] = 4711;
    ck_assert_int_eq(proc_children_list(getpid(), list, 1), N); /* fills no more than it may, counts all */
    ck_assert_int_eq(list[1], 4711);
    ck_assert_int_eq(proc_children_list(child[0].pid, list, 1), 0);
    ck_assert_int_eq(proc_children_list(child[1].pid, list, 1), 0);
    static pid_t all[1 << 16];
    int n = proc_pid_list(all, 1 << 16);
    ck_assert_int_ge(n, N + 1);
    ck_assert(is_in(all, n, getpid()));
    for (int i = 0; i < N; i++) {
        ck_assert(is_in(all, n, child[i].pid));
        child_reap(&child[i]);
    }
    ck_assert_int_eq(proc_children_list(getpid(), list, 2 * N), 0);
}
END_TEST

START_TEST(links_and_arguments)
{
    char link[PATH_MAX], expected[PATH_MAX] = "", text[4096];
    ck_assert_int_gt(readlink("/proc/self/exe", expected, sizeof expected - 1), 0);
    ck_assert_int_eq(proc_link_read(getpid(), "exe", link, sizeof link), (int)strlen(expected));
    ck_assert_str_eq(link, expected);
    ck_assert_int_gt(proc_link_read(getpid(), "cwd", link, sizeof link), 0);
    ck_assert_str_eq(link, getcwd(expected, sizeof expected));
    ck_assert_int_eq(proc_link_read(getpid(), "cwd", link, strlen(expected)), -ENAMETOOLONG);
    ck_assert_int_eq(proc_link_read(getpid(), "fd/1000000", link, sizeof link), -EBADF);
    ck_assert_int_eq(proc_link_read(getpid(), "no such link", link, sizeof link), -ENOTSUP);
    ck_assert_int_eq(proc_link_read(0, "exe", link, sizeof link), -ESRCH);

    int len = proc_cmdline_read(getpid(), text, sizeof text);
    ck_assert_int_gt(len, 0);
    ck_assert(text[len - 1] == '\0' && text[len] == '\0');
    ck_assert_str_eq(text, program_invocation_name);
    ck_assert_int_eq(proc_cmdline_read(getpid(), text, 1), -ENAMETOOLONG);
}
END_TEST

START_TEST(descriptors)
{
    char link[PATH_MAX], expected[64], name[] = "/tmp/proclab-XXXXXX";
    int pipes[2], list[64];
    struct proc_fdinfo info;
    struct stat st;
    ck_assert_int_eq(pipe(pipes), 0);
    fstat(pipes[0], &st);
    int len = snprintf(expected, sizeof expected, "pipe:[%lu]", (unsigned long)st.st_ino);
    ck_assert_int_eq(proc_fd_read(getpid(), pipes[0], link, sizeof link), len);
    ck_assert_str_eq(link, expected);
    ck_assert_int_eq(proc_fd_read(getpid(), pipes[0], link, (size_t)len + 1), len);
    strcpy(link, "as it was");
    ck_assert_int_eq(proc_fd_read(getpid(), pipes[0], link, (size_t)len), -ENAMETOOLONG);
    ck_assert_int_eq(proc_fd_read(getpid(), pipes[0], link, 0), -ENAMETOOLONG);
    ck_assert_str_eq(link, "as it was");

    int fd = mkostemp(name, O_APPEND | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    unlink(name);
    ck_assert_int_eq(write(fd, "12345", 5), 5);
    lseek(fd, 3, SEEK_SET);
    ck_assert_int_eq(proc_fdinfo_read(getpid(), fd, &info), 0);
    fstat(fd, &st);
    ck_assert_int_eq(info.pos_bytes, 3);
    ck_assert_int_eq(info.flags & (O_ACCMODE | O_APPEND | O_CLOEXEC), O_RDWR | O_APPEND | O_CLOEXEC);
    ck_assert(info.ino == PROC_NONE || info.ino == (int64_t)st.st_ino);
    ck_assert_int_gt(proc_fd_read(getpid(), fd, link, sizeof link), 0);
    ck_assert_ptr_nonnull(strstr(link, " (deleted)"));

    int n = proc_fd_list(getpid(), list, 64);
    ck_assert_int_ge(n, 5);
    for (int i = 0; i < n; i++) {
        ck_assert(i == 0 || list[i] > list[i - 1]);
        ck_assert_msg(fcntl(list[i], F_GETFD) >= 0, "descriptor %d is not ours", list[i]);
    }
    ck_assert(is_in(list, n, pipes[0]) && is_in(list, n, pipes[1]) && is_in(list, n, fd));
    close(fd);
    ck_assert_int_eq(proc_fd_list(getpid(), list, 64), n - 1);
    ck_assert_int_eq(proc_fd_read(getpid(), fd, link, sizeof link), -EBADF);
    ck_assert_int_eq(proc_fdinfo_read(getpid(), fd, &info), -EBADF);
    ck_assert_int_eq(proc_fdinfo_read(getpid(), -1, &info), -EBADF);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

static void body_listing_itself(const struct child *self, void *argument)
{
    (void)argument;
    /* Have every small number here, also the one that the parent will get for the same directory. */
    for (int i = 0; i < 40; i++)
        if (open("/proc/self/fd", O_RDONLY) < 0)
            _exit(1);
    int n = 0;
    for (int fd = 0; fd < 64; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    child_say(self, n);
    child_stay(self);
}

START_TEST(descriptors_of_another)
{
    int list[64], open_here = 0;
    struct child child = child_start(body_listing_itself, NULL);
    int expected = child_value(&child), n = proc_fd_list(child.pid, list, 64);
    ck_assert_int_eq(n, expected);
    for (int i = 0; i < n; i++) {
        char link[64];
        open_here += proc_fd_read(child.pid, list[i], link, sizeof link) > 0 && strstr(link, "/fd") != NULL;
    }
    ck_assert_int_eq(open_here, 40);
    child_reap(&child);
}
END_TEST

static char syscall_buffer;

static void body_read(const struct child *self, void *argument)
{
    (void)argument;
    child_say(self, self->out);
    if (read(self->out, &syscall_buffer, 1) != 1)
        _exit(1);
}

START_TEST(blocked_in_read)
{
    struct child child = child_start(body_read, NULL);
    struct proc_syscall call;
    int fd = child_value(&child), r;
    char where[256];
    eventually((r = proc_syscall_read(child.pid, &call)) < 0 || (!call.running && call.nr == SYS_read));
    if (r == -ENOTSUP || r == -EACCES) {
        child_go(&child);
        child_reap(&child);
        skip_test("/proc/PID/syscall: %s", strerror(-r));
    }
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq((int)call.args[0], fd);
    ck_assert_uint_eq(call.args[1], (uintptr_t)&syscall_buffer); /* the same address in both: it was forked */
    ck_assert_uint_eq(call.args[2], 1);
    ck_assert(call.sp != 0 && call.pc != 0);
    int kept = proc_open(child.pid, "syscall");
    ck_assert_int_eq(proc_syscall_pread(kept, &call), 0);
    ck_assert_int_eq(call.nr, SYS_read);
    close(kept);
    int len = proc_wchan_read(child.pid, where, sizeof where);
    ck_assert_int_ge(len, 1);
    ck_assert_int_eq((int)strlen(where), len);
    ck_assert_int_eq(proc_wchan_read(child.pid, where, (size_t)len), -ENAMETOOLONG);
    ck_assert_int_eq(proc_wchan_read(child.pid, where, 0), -ENAMETOOLONG);
    child_go(&child);
    child_reap(&child);
}
END_TEST

START_TEST(running)
{
    struct proc_syscall call;
    int r = proc_syscall_read(getpid(), &call);
    if (r < 0)
        skip_test("/proc/PID/syscall: %s", strerror(-r));
    ck_assert(call.running || call.nr == SYS_pread64 || call.nr == SYS_read); /* a task asks about itself */
}
END_TEST

START_TEST(schedstat_grows)
{
    struct proc_schedstat before, after;
    int fd = proc_open(getpid(), "schedstat");
    ck_assert_int_eq(proc_schedstat_read(getpid(), &before), 0);
    if (before.slices == 0) { /* run_ns is still 0 in a process that no tick has found running yet */
        close(fd);
        skip_test("this kernel keeps no scheduler statistics");
    }
    eventually(proc_schedstat_pread(fd, &after) == 0 && after.run_ns > before.run_ns + 1000000);
    ck_assert(after.slices >= before.slices && after.wait_ns >= before.wait_ns);
    close(fd);
}
END_TEST

static void on_alarm(int signal)
{
    (void)signal;
}

START_TEST(under_signals)
{
    struct sigaction action = { .sa_handler = on_alarm }; /* without SA_RESTART */
    struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { 0 };
    sigaction(SIGALRM, &action, NULL);
    int wrong = 0;
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 200; i++) {
        cleanup_maps struct proc_maps maps = { 0 };
        struct proc_stat stat;
        struct proc_memory memory;
        pid_t list[64];
        wrong += proc_stat_read(getpid(), &stat) != 0;
        wrong += proc_smaps_read(getpid(), &maps) != 0;
        wrong += proc_smaps_rollup_read(getpid(), &memory) != 0;
        wrong += proc_task_list(getpid(), list, 64) < 1;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

START_TEST(meminfo)
{
    struct proc_meminfo info;
    ck_assert_int_eq(proc_meminfo_read(&info), 0);
    ck_assert(info.free_kib > 0 && info.available_kib > 0 && info.slab_kib > 0 && info.kernel_stack_kib > 0);
    ck_assert_int_gt(info.page_tables_kib, 0);
}
END_TEST

START_TEST(no_such_pid)
{
    static const pid_t pids[] = { 0, -1, INT_MIN, INT_MAX };
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
        struct proc_stat stat = { .pid = 4711 };
        pid_t list[4];
        char link[64];
        ck_assert_int_eq(proc_exists(pids[i]), 0);
        ck_assert_int_eq(proc_stat_read(pids[i], &stat), -ESRCH);
        ck_assert_int_eq(stat.pid, 4711);
        ck_assert_int_eq(proc_open(pids[i], "task/1/stat"), -ESRCH);
        ck_assert_int_eq(proc_fd_read(pids[i], 0, link, sizeof link), -ESRCH);
        ck_assert_int_eq(proc_children_list(pids[i], list, 4), -ESRCH);
    }
    ck_assert_int_eq(proc_open(getpid(), "no such file"), -ENOTSUP);
    char long_name[PATH_MAX + 1];
    memset(long_name, 'x', PATH_MAX);
    long_name[PATH_MAX] = '\0';
    ck_assert_int_eq(proc_open(getpid(), long_name), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(hostile_names),
        TEST(status_of_ourselves),
        TEST(threads),
        TEST(children),
        TEST(links_and_arguments),
        TEST(descriptors),
        TEST(descriptors_of_another),
        TEST(blocked_in_read),
        TEST(running),
        TEST(schedstat_grows),
        TEST(under_signals),
        TEST(meminfo),
        TEST(no_such_pid),
        { 0 },
    };
    return run_tests("proc.live", tests);
}
