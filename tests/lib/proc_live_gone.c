/* proc_live_gone.c - lib/proc on zombies, and on processes that are gone, go while they are read, or call exec. */
#include "children.h"

#include <stdint.h>

#include "proc/proc.h"

/* What each reader says of a process, by name. */
struct answers {
    int stat, status, schedstat, syscall, fdinfo, fd_read, wchan, fd_list, task_list, children_list;
    int maps, smaps, rollup, pagemap, exe, cwd, cmdline;
    struct proc_stat stat_value;
    struct proc_status status_value;
};

static struct answers ask(pid_t pid)
{
    struct answers a;
    struct proc_schedstat schedstat;
    struct proc_syscall call;
    struct proc_fdinfo fdinfo;
    struct proc_memory memory;
    struct proc_page page;
    cleanup_maps struct proc_maps maps = { 0 }, smaps = { 0 };
    char text[4096];
    int list[16];
    a.stat = proc_stat_read(pid, &a.stat_value);
    a.status = proc_status_read(pid, &a.status_value);
    a.schedstat = proc_schedstat_read(pid, &schedstat);
    a.syscall = proc_syscall_read(pid, &call);
    a.fdinfo = proc_fdinfo_read(pid, 0, &fdinfo);
    a.fd_read = proc_fd_read(pid, 0, text, sizeof text);
    a.wchan = proc_wchan_read(pid, text, sizeof text);
    a.exe = proc_link_read(pid, "exe", text, sizeof text);
    a.cwd = proc_link_read(pid, "cwd", text, sizeof text);
    a.cmdline = proc_cmdline_read(pid, text, sizeof text);
    a.fd_list = proc_fd_list(pid, list, 16);
    a.task_list = proc_task_list(pid, list, 16);
    a.children_list = proc_children_list(pid, list, 16);
    a.maps = proc_maps_read(pid, &maps);
    a.smaps = proc_smaps_read(pid, &smaps);
    a.rollup = proc_smaps_rollup_read(pid, &memory);
    a.pagemap = proc_pagemap_read(pid, text, 1, &page);
    return a;
}

static void body_exit_7(const struct child *self, void *argument)
{
    body_stay(self, argument);
    _exit(7);
}

START_TEST(zombie)
{
    struct child child = child_start(body_exit_7, NULL);
    child_value(&child);
    child_become_zombie(&child);
    struct answers a = ask(child.pid);
    ck_assert(proc_exists(child.pid));
    ck_assert_int_eq(a.stat, 0);
    ck_assert(a.stat_value.state == 'Z' && a.stat_value.ppid == getpid() && are_threads(a.stat_value.threads, 1));
    ck_assert(a.stat_value.vsize_bytes == 0 && a.stat_value.rss_pages == 0);
    ck_assert_int_eq(a.stat_value.exit_code, 7 << 8);
    ck_assert_int_eq(a.status, 0);
    ck_assert(a.status_value.state == 'Z' && a.status_value.vm_size_kib == PROC_NONE);
    ck_assert(are_threads(a.status_value.threads, 1));
    ck_assert_int_eq(a.schedstat, 0);
    ck_assert(a.syscall == 0 || a.syscall == -ENOTSUP || (geteuid() != 0 && a.syscall == -EACCES));
    ck_assert(a.wchan >= 0 && are_threads(a.task_list, 1) && a.children_list == 0);
    ck_assert(a.maps == -ENODATA && a.smaps == -ENODATA);
    /* Who may dump core is written in the address space. Without one, files belong to root, and these are for him. */
    bool root = geteuid() == 0;
    ck_assert(a.fdinfo == -EBADF || (!root && a.fdinfo == -EACCES));
    ck_assert(a.fd_read == -EBADF || (!root && a.fd_read == -EACCES));
    ck_assert(a.fd_list == 0 || (!root && a.fd_list == -EACCES));
    ck_assert(a.exe == -ENODATA || (!root && a.exe == -EACCES));
    ck_assert(a.cwd == -ENODATA || (!root && a.cwd == -EACCES));
    ck_assert_int_eq(a.cmdline, -ENODATA);
    ck_assert(a.pagemap == -ENODATA || (!root && a.pagemap == -EACCES));
    ck_assert(a.rollup == -ENODATA || a.rollup == -ENOTSUP);
    ck_assert_int_eq(proc_open(child.pid, "no such file"), -ENOTSUP);
    waitpid(child.pid, NULL, 0);
}
END_TEST

static void check_gone(pid_t pid)
{
    struct answers a = ask(pid);
    const int *answer = &a.stat, *end = &a.cmdline;
    for (; answer <= end; answer++)
        ck_assert_msg(*answer == -ESRCH, "answer %d is %d", (int)(answer - &a.stat), *answer);
    ck_assert_int_eq(proc_exists(pid), 0);
}

START_TEST(gone)
{
    static const char *const files[] = { "stat", "status", "schedstat", "syscall" };
    struct child child = child_start(body_stay, NULL);
    int fd[4], dir;
    struct proc_stat stat = { .pid = 4711 };
    struct proc_status status;
    struct proc_schedstat schedstat;
    struct proc_syscall call;
    child_value(&child);
    for (int i = 0; i < 4; i++)
        fd[i] = proc_open(child.pid, files[i]);
    dir = proc_open(child.pid, "fd");
    child_become_zombie(&child);
    ck_assert_int_eq(proc_stat_pread(fd[0], &stat), 0);
    ck_assert_int_eq(stat.state, 'Z');
    child_reap(&child);
    ck_assert_int_eq(proc_stat_pread(fd[0], &stat), -ESRCH);
    ck_assert_int_eq(stat.state, 'Z'); /* as it was */
    ck_assert_int_eq(proc_status_pread(fd[1], &status), -ESRCH);
    ck_assert_int_eq(proc_schedstat_pread(fd[2], &schedstat), -ESRCH);
    ck_assert(proc_syscall_pread(fd[3], &call) == -ESRCH || fd[3] == -ENOTSUP);
    check_gone(child.pid);
    for (int i = 0; i < 4; i++)
        close(fd[i]);
    close(dir);
}
END_TEST

static bool is_legal(int r, bool about_memory)
{
    return r >= 0 || r == -ESRCH || r == -EBADF || r == -EACCES || (about_memory && r == -ENODATA) || r == -ENOTSUP;
}

static void check_legal(const struct answers *a, pid_t pid)
{
    const int *answer = &a->stat, *memory = &a->maps, *end = &a->cmdline;
    for (; answer <= end; answer++)
        ck_assert_msg(is_legal(*answer, answer >= memory), "answer %d is %d", (int)(answer - &a->stat), *answer);
    ck_assert(a->stat == 0 || a->stat == -ESRCH);
    ck_assert(a->status == 0 || a->status == -ESRCH);
    if (a->stat == 0)
        ck_assert_msg(a->stat_value.pid == pid && a->stat_value.ppid == getpid() && a->stat_value.pgrp == getpgrp() &&
                          are_threads(a->stat_value.threads, 1) && strcmp(a->stat_value.comm, ") R 1 (") == 0,
                      "torn: pid %d ppid %d pgrp %d threads %d '%s'", a->stat_value.pid, a->stat_value.ppid,
                      a->stat_value.pgrp, (int)a->stat_value.threads, a->stat_value.comm);
    if (a->status == 0)
        ck_assert_msg(a->status_value.pid == pid && a->status_value.tgid == pid && a->status_value.ppid == getpid() &&
                          are_threads(a->status_value.threads, 1) && strcmp(a->status_value.name, ") R 1 (") == 0,
                      "torn: pid %d tgid %d ppid %d threads %d '%s'", a->status_value.pid, a->status_value.tgid,
                      a->status_value.ppid, (int)a->status_value.threads, a->status_value.name);
}

/* Children that exit at once, and that nobody needs to reap, read until there is nothing left to read. */
START_TEST(vanishing)
{
    enum { N = 400 };
    int seen_alive = 0;
    prctl(PR_SET_NAME, ") R 1 (");
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < N; i++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            _exit(0);
        int kept = proc_open(pid, "stat");
        ck_assert(kept >= 0 || kept == -ESRCH);
        struct answers a;
        do {
            if (i % 2 == 0 && kept >= 0) { /* half of them through a descriptor: more reads fall into the moment */
                memset(&a, 0, sizeof a);
                a.stat = proc_stat_pread(kept, &a.stat_value);
                a.status = -ESRCH;
            } else {
                a = ask(pid);
            }
            check_legal(&a, pid);
            seen_alive += a.stat == 0;
        } while (a.stat == 0);
        eventually(!proc_exists(pid));
        if (kept >= 0) {
            ck_assert_int_eq(proc_stat_pread(kept, &a.stat_value), -ESRCH);
            close(kept);
        }
    }
    ck_assert_int_gt(seen_alive, 0);
}
END_TEST

/* This very program again and again, until it is told to stop. */
static void body_exec(const struct child *self, void *times)
{
    char in[16], back[16];
    fcntl(self->out, F_SETFD, 0);
    fcntl(self->back, F_SETFD, 0);
    snprintf(in, sizeof in, "%d", self->out);
    snprintf(back, sizeof back, "%d", self->back);
    child_say(self, 0);
    execl("/proc/self/exe", "test", "exec", times, in, back, (char *)NULL);
    _exit(98);
}

static int exec_again(char *argv[])
{
    char left[16], in[16], word;
    snprintf(in, sizeof in, "%s", argv[3]);
    if (atoi(argv[2]) == 0)
        return 0;
    fcntl(atoi(in), F_SETFL, O_NONBLOCK);
    if (read(atoi(in), &word, 1) == 0) /* the test has closed it */
        return 0;
    snprintf(left, sizeof left, "%d", atoi(argv[2]) - 1);
    execl("/proc/self/exe", "test", "exec", left, in, argv[4], (char *)NULL);
    return 97;
}

/* A list is all of one address space, or there is none. Where the kernel shows it, [vsyscall] ends every list. */
START_TEST(exec_while_read)
{
    cleanup_maps struct proc_maps own = { 0 };
    ck_assert_int_eq(proc_maps_read(getpid(), &own), 0);
    const char *last = own.map[own.n - 1].path;
    bool has_end = strcmp(last, "[vsyscall]") == 0;
    struct child child = child_start(body_exec, (void *)(uintptr_t) "1000000");
    child_value(&child);
    int whole = 0;
    for (int i = 0; i < 1500; i++) {
        cleanup_maps struct proc_maps maps = { 0 };
        struct proc_page page;
        int r = i % 4 ? proc_maps_read(child.pid, &maps) : proc_smaps_read(child.pid, &maps);
        ck_assert_msg(r == 0 || r == -EAGAIN, "%d", r);
        whole += r == 0;
        if (r == 0 && has_end)
            ck_assert_str_eq(maps.map[maps.n - 1].path, last);
        r = proc_pagemap_read(child.pid, NULL, 1, &page);
        ck_assert_msg(r == 1 || r == -EAGAIN, "%d", r);
    }
    ck_assert_int_gt(whole, 100);
    child_reap(&child);
}
END_TEST

int main(int argc, char *argv[])
{
    if (argc == 5 && strcmp(argv[1], "exec") == 0)
        return exec_again(argv);
    const struct testing tests[] = { TEST(zombie), TEST(gone), TEST(vanishing), TEST(exec_while_read), { 0 } };
    return run_tests("proc.live.gone", tests);
}
