/* proc_live_hidden.c - lib/proc where /proc does not show all: another user's, hidepid, subset=pid, no /proc at all. */
#include "children.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>

#include "proc/proc.h"
#include "proc/scan.h"

/* What a reader in another world says, in the order in which it says it. */
enum question {
    SET_UP,
    OWN_STAT,
    OWN_MAPS,
    OWN_FD,
    STAT,
    STATUS,
    SCHEDSTAT,
    MAPS,
    SMAPS,
    ROLLUP,
    PAGEMAP,
    SYSCALL,
    WCHAN,
    FD_READ,
    FDINFO,
    FD_LIST,
    TASK_LIST,
    CHILDREN_LIST,
    THREAD,
    GONE,
    MEMINFO,
    PID_LIST,
    SCAN,
    QUESTIONS
};

struct world {
    const char *type, *options;
    bool as_nobody;
    pid_t about;
};

static int set_up(const struct world *world)
{
    struct passwd *nobody = getpwnam("nobody"); /* while /proc and the rest are as they were */
    if (world->type && (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                        mount(world->type, "/proc", world->type, 0, world->options) < 0))
        return -errno;
    if (!world->as_nobody)
        return 0;
    if (!nobody)
        return -ENOENT;
    if (setgroups(0, NULL) < 0 || setgid(nobody->pw_gid) < 0 || setuid(nobody->pw_uid) < 0)
        return -errno;
    /* Who changes his user loses his own /proc files: they belong to root until he may dump core again. */
    return prctl(PR_SET_DUMPABLE, 1) < 0 ? -errno : 0;
}

/* The state of a process by a scan of all; 0: it is not among them; or the error. */
static int scan_state(pid_t pid)
{
    cleanup_scan struct proc_scan scan = { -1 };
    struct proc_brief some[PROC_SCAN_BATCH];
    int state = 0, r = proc_scan_open(&scan, 0);
    while (r >= 0 && (r = proc_scan_next(&scan, some)) > 0)
        for (int i = 0; i < r; i++)
            state = some[i].pid == pid ? some[i].state : state;
    return r < 0 ? r : state;
}

static void body_ask(const struct child *self, void *argument)
{
    const struct world *world = argument;
    struct proc_stat stat;
    struct proc_status status;
    struct proc_schedstat schedstat;
    struct proc_syscall call;
    struct proc_fdinfo fdinfo;
    struct proc_meminfo meminfo;
    struct proc_memory memory;
    struct proc_page page;
    struct proc_maps maps; /* never freed: the process ends here */
    char text[512], thread[64];
    int list[16], answer[QUESTIONS];
    pid_t pid = world->about;
    snprintf(thread, sizeof thread, "task/%d/stat", pid);
    answer[SET_UP] = set_up(world);
    answer[OWN_STAT] = proc_stat_read(getpid(), &stat);
    answer[OWN_MAPS] = proc_maps_read(getpid(), &maps);
    answer[OWN_FD] = proc_fd_read(getpid(), self->out, text, sizeof text);
    answer[STAT] = proc_stat_read(pid, &stat);
    answer[STATUS] = proc_status_read(pid, &status);
    answer[SCHEDSTAT] = proc_schedstat_read(pid, &schedstat);
    answer[MAPS] = proc_maps_read(pid, &maps);
    answer[SMAPS] = proc_smaps_read(pid, &maps);
    answer[ROLLUP] = proc_smaps_rollup_read(pid, &memory);
    answer[PAGEMAP] = proc_pagemap_read(pid, text, 1, &page);
    answer[SYSCALL] = proc_syscall_read(pid, &call);
    answer[WCHAN] = proc_wchan_read(pid, text, sizeof text);
    answer[FD_READ] = proc_fd_read(pid, 0, text, sizeof text);
    answer[FDINFO] = proc_fdinfo_read(pid, 0, &fdinfo);
    answer[FD_LIST] = proc_fd_list(pid, list, 16);
    answer[TASK_LIST] = proc_task_list(pid, list, 16);
    answer[CHILDREN_LIST] = proc_children_list(pid, list, 16);
    answer[THREAD] = proc_open(pid, thread);
    answer[GONE] = proc_stat_read(INT_MAX, &stat);
    answer[MEMINFO] = proc_meminfo_read(&meminfo);
    answer[PID_LIST] = proc_pid_list(list, 16);
    answer[SCAN] = scan_state(pid);
    for (int i = 0; i < QUESTIONS; i++)
        child_say(self, answer[i]);
    child_stay(self);
}

/* Asks in another world about a process of ours. False where that world cannot be had. */
static bool ask_in(struct world world, int answer[QUESTIONS])
{
    struct child about = child_start(body_stay, NULL);
    child_value(&about);
    world.about = about.pid;
    struct child child = child_start(body_ask, &world);
    for (int i = 0; i < QUESTIONS; i++)
        answer[i] = child_value(&child);
    child_reap(&child);
    child_reap(&about);
    return answer[SET_UP] == 0;
}

#define check_answer(question, expected) \
    ck_assert_msg(answer[question] == (expected), "%s is %d, not %d", #question, answer[question], (expected))

START_TEST(hidepid_2)
{
    int answer[QUESTIONS];
    if (!ask_in((struct world){ "proc", "hidepid=2", true, 0 }, answer))
        skip_test("no /proc of our own: %s (needs CAP_SYS_ADMIN)", strerror(-answer[SET_UP]));
    check_answer(OWN_STAT, 0);
    check_answer(OWN_MAPS, 0);
    ck_assert_int_gt(answer[OWN_FD], 0);
    for (int i = STAT; i < GONE; i++)
        ck_assert_msg(answer[i] == -ENOTSUP, "question %d is %d", i, answer[i]);
    check_answer(GONE, -ESRCH);
    check_answer(MEMINFO, 0);
    ck_assert_int_ge(answer[PID_LIST], 1);
    check_answer(SCAN, 0);
}
END_TEST

START_TEST(hidepid_1)
{
    int answer[QUESTIONS];
    if (!ask_in((struct world){ "proc", "hidepid=1", true, 0 }, answer))
        skip_test("no /proc of our own: %s (needs CAP_SYS_ADMIN)", strerror(-answer[SET_UP]));
    check_answer(OWN_STAT, 0);
    for (int i = STAT; i < GONE; i++)
        ck_assert_msg(answer[i] == -EACCES, "question %d is %d", i, answer[i]);
    check_answer(GONE, -ESRCH);
    check_answer(SCAN, PROC_HIDDEN);
}
END_TEST

START_TEST(subset_pid)
{
    int answer[QUESTIONS];
    if (!ask_in((struct world){ "proc", "subset=pid", false, 0 }, answer))
        skip_test("no /proc of our own: %s (needs CAP_SYS_ADMIN)", strerror(-answer[SET_UP]));
    check_answer(OWN_STAT, 0);
    check_answer(STAT, 0);
    check_answer(MAPS, 0);
    check_answer(GONE, -ESRCH);
    check_answer(MEMINFO, -ENOTSUP);
    ck_assert_int_ge(answer[PID_LIST], 3);
    check_answer(SCAN, 'S');
}
END_TEST

START_TEST(no_proc)
{
    int answer[QUESTIONS];
    if (!ask_in((struct world){ "tmpfs", NULL, false, 0 }, answer))
        skip_test("nothing to be mounted over /proc: %s (needs CAP_SYS_ADMIN)", strerror(-answer[SET_UP]));
    for (int i = OWN_STAT; i < QUESTIONS; i++)
        ck_assert_msg(answer[i] == -ENOTSUP, "question %d is %d", i, answer[i]);
}
END_TEST

static void check_as_stranger(const int answer[QUESTIONS])
{
    static const enum question shown[] = { STAT, STATUS, SCHEDSTAT }, refused[] = {
        MAPS, SMAPS, ROLLUP, PAGEMAP, SYSCALL, FD_READ, FDINFO, FD_LIST,
    };
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        ck_assert_msg(answer[shown[i]] == 0, "question %d is %d", shown[i], answer[shown[i]]);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(answer[refused[i]] == -EACCES, "question %d is %d", refused[i], answer[refused[i]]);
    check_answer(OWN_STAT, 0);
    check_answer(OWN_MAPS, 0);
    check_answer(WCHAN, 1); /* "0" */
    ck_assert(answer[TASK_LIST] >= 1 && answer[CHILDREN_LIST] >= 0 && answer[THREAD] >= 0 && answer[GONE] == -ESRCH);
}

START_TEST(as_nobody)
{
    int answer[QUESTIONS];
    if (!ask_in((struct world){ NULL, NULL, true, 0 }, answer))
        skip_test("cannot become nobody: %s (needs CAP_SETUID)", strerror(-answer[SET_UP]));
    check_as_stranger(answer);
}
END_TEST

START_TEST(as_whoever_we_are)
{
    struct proc_status status;
    int r = proc_status_read(1, &status);
    if (geteuid() == 0 || r < 0 || status.uid[0] == geteuid())
        skip_test("PID 1 is no stranger to us, or hidden");
    int answer[QUESTIONS];
    struct world world = { NULL, NULL, false, 1 };
    struct child child = child_start(body_ask, &world);
    for (int i = 0; i < QUESTIONS; i++)
        answer[i] = child_value(&child);
    child_reap(&child);
    check_as_stranger(answer);
}
END_TEST

START_TEST(kernel_threads)
{
    struct proc_stat stat;
    struct proc_status status;
    if (proc_stat_read(2, &stat) < 0 || strcmp(stat.comm, "kthreadd") != 0)
        skip_test("no kernel threads to be seen in this PID namespace");
    static pid_t list[1 << 16];
    int n = proc_children_list(2, list, 1 << 16);
    ck_assert_int_gt(n, 0);
    int read = 0;
    for (int i = 0; i < n; i++) {
        cleanup_maps struct proc_maps maps = { 0 }, smaps = { 0 };
        struct proc_memory memory;
        struct proc_page page;
        int r = proc_stat_read(list[i], &stat);
        if (r == -ESRCH)
            continue;
        ck_assert_int_eq(r, 0);
        ck_assert(stat.ppid == 2 && stat.vsize_bytes == 0);
        r = proc_status_read(list[i], &status);
        ck_assert(r == -ESRCH || (r == 0 && status.vm_size_kib == PROC_NONE && status.ppid == 2));
        const int answers[] = {
            proc_maps_read(list[i], &maps),
            proc_smaps_read(list[i], &smaps),
            proc_smaps_rollup_read(list[i], &memory),
            proc_pagemap_read(list[i], NULL, 1, &page),
        };
        for (int k = 0; k < 4; k++)
            ck_assert_msg(answers[k] == -ENODATA || answers[k] == -ESRCH || (geteuid() != 0 && answers[k] == -EACCES),
                          "%s, answer %d is %d", stat.comm, k, answers[k]);
        read++;
    }
    ck_assert_int_gt(read, 0);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(hidepid_2), TEST(hidepid_1),         TEST(subset_pid),     TEST(no_proc),
        TEST(as_nobody), TEST(as_whoever_we_are), TEST(kernel_threads), { 0 },
    };
    return run_tests("proc.live.hidden", tests);
}
