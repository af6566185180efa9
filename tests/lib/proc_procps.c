/* proc_procps.c - a second opinion: libproc2, which shares no code with lib/proc, on every process of the machine. */
#include "children.h"

#include <libproc2/pids.h>
#include <stdint.h>

#include "proc/proc.h"

enum item {
    PID,
    PPID,
    PGRP,
    SESSION,
    STATE,
    COMM,
    MINFLT,
    MAJFLT,
    THREADS,
    RSS,
    VSIZE,
    UTIME,
    STIME,
    START,
    UID,
    ITEMS
};

static enum pids_item items[ITEMS] = {
    [PID] = PIDS_ID_PID,        [PPID] = PIDS_ID_PPID,     [PGRP] = PIDS_ID_PGRP,      [SESSION] = PIDS_ID_SESSION,
    [STATE] = PIDS_STATE,       [COMM] = PIDS_CMD,         [MINFLT] = PIDS_FLT_MIN,    [MAJFLT] = PIDS_FLT_MAJ,
    [THREADS] = PIDS_NLWP,      [RSS] = PIDS_RSS,          [VSIZE] = PIDS_VSIZE_BYTES, [UTIME] = PIDS_TICS_USER,
    [STIME] = PIDS_TICS_SYSTEM, [START] = PIDS_TICS_BEGAN, [UID] = PIDS_ID_RUID,
};

#define VALUE(item, type) PIDS_VAL(item, type, theirs, info)

/* What cannot change as long as the process is the same one. */
static void check_constant(struct pids_stack *theirs, const struct proc_stat *ours)
{
    ck_assert_int_eq(VALUE(PID, s_int), ours->pid);
    ck_assert_int_eq((int64_t)VALUE(START, ull_int), ours->start_ticks);
}

/* What may have changed between the reads before and after theirs: it lies between the two. */
static bool is_between(int64_t before, int64_t theirs, int64_t after)
{
    return before <= theirs && theirs <= after;
}

static void check_counters(struct pids_stack *theirs, const struct proc_stat *a, const struct proc_stat *b)
{
    ck_assert(is_between(a->minflt, (int64_t)VALUE(MINFLT, ul_int), b->minflt));
    ck_assert(is_between(a->majflt, (int64_t)VALUE(MAJFLT, ul_int), b->majflt));
    ck_assert(is_between(a->utime_ticks, (int64_t)VALUE(UTIME, ull_int), b->utime_ticks));
    ck_assert(is_between(a->stime_ticks, (int64_t)VALUE(STIME, ull_int), b->stime_ticks));
}

/* What goes up and down: where our reads before and after agree, so must theirs, but for a change there and back. */
static int count_differences(struct pids_stack *theirs, const struct proc_stat *a, const struct proc_stat *b)
{
    int n = 0;
    n += a->ppid == b->ppid && VALUE(PPID, s_int) != a->ppid;
    n += a->pgrp == b->pgrp && VALUE(PGRP, s_int) != a->pgrp;
    n += a->session == b->session && VALUE(SESSION, s_int) != a->session;
    n += a->state == b->state && VALUE(STATE, s_ch) != a->state;
    n += a->threads == b->threads && VALUE(THREADS, s_int) != a->threads;
    n += a->rss_pages == b->rss_pages && (int64_t)VALUE(RSS, ul_int) != a->rss_pages;
    n += a->vsize_bytes == b->vsize_bytes && (int64_t)VALUE(VSIZE, ul_int) != a->vsize_bytes;
    return n;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

START_TEST(every_process)
{
    enum { MANY = 1 << 16 };
    static struct proc_stat before[MANY];
    static pid_t pids[MANY];
    struct pids_info *info = NULL;
    ck_assert_int_eq(procps_pids_new(&info, items, ITEMS), 0);
    int n = proc_pid_list(pids, MANY), n_before = 0;
    for (int i = 0; i < n; i++)
        n_before += proc_stat_read(pids[i], &before[n_before]) == 0;
    struct pids_fetch *fetch = procps_pids_reap(info, PIDS_FETCH_TASKS_ONLY);
    ck_assert_ptr_nonnull(fetch);
    int compared = 0, differences = 0;
    for (int i = 0; i < n_before; i++)
        for (int k = 0; k < fetch->counts->total; k++) {
            struct pids_stack *theirs = fetch->stacks[k];
            struct proc_stat after;
            struct proc_status status;
            if (VALUE(PID, s_int) != before[i].pid || proc_stat_read(before[i].pid, &after) < 0 ||
                after.start_ticks != before[i].start_ticks)
                continue;
            check_constant(theirs, &after);
            check_counters(theirs, &before[i], &after);
            differences += count_differences(theirs, &before[i], &after);
            if (is_printable(after.comm)) /* they replace what is not */
                differences += strcmp(before[i].comm, after.comm) == 0 && strcmp(VALUE(COMM, str), after.comm) != 0;
            if (proc_status_read(after.pid, &status) == 0)
                differences += (int64_t)VALUE(UID, u_int) != status.uid[0];
            compared++;
        }
    procps_pids_unref(&info);
    ck_assert_int_ge(compared, 1);
    ck_assert_msg(differences <= compared / 10, "%d differences in %d processes", differences, compared);
}
END_TEST

static void body_named(const struct child *self, void *name)
{
    prctl(PR_SET_NAME, name);
    body_stay(self, NULL);
}

/* Of children that stand still, everything must be the same. */
START_TEST(own_children)
{
    static const char *const names[] = { "plain", ") Z 1 (", ") R 1 (", "a) (b", "" };
    enum { N = sizeof names / sizeof *names };
    struct child child[N];
    unsigned pids[N];
    struct pids_info *info = NULL;
    struct proc_stat stat;
    for (int i = 0; i < N; i++) {
        child[i] = child_start(body_named, (void *)(uintptr_t)names[i]);
        child_value(&child[i]);
        pids[i] = (unsigned)child[i].pid;
        if (i == 0)
            child_become_zombie(&child[i]);
        else
            eventually(proc_stat_read(child[i].pid, &stat) == 0 && stat.state == 'S');
    }
    ck_assert_int_eq(procps_pids_new(&info, items, ITEMS), 0);
    struct pids_fetch *fetch = procps_pids_select(info, pids, N, PIDS_SELECT_PID);
    ck_assert_ptr_nonnull(fetch);
    ck_assert_int_eq(fetch->counts->total, N);
    for (int i = 0; i < N; i++) {
        struct pids_stack *theirs = fetch->stacks[i];
        ck_assert_int_eq(proc_stat_read(VALUE(PID, s_int), &stat), 0);
        check_constant(theirs, &stat);
        check_counters(theirs, &stat, &stat);
        ck_assert_int_eq(count_differences(theirs, &stat, &stat), 0);
        ck_assert_int_eq(stat.state, stat.pid == child[0].pid ? 'Z' : 'S');
        ck_assert_str_eq(VALUE(COMM, str), stat.comm);
    }
    procps_pids_unref(&info);
    for (int i = 0; i < N; i++)
        child_reap(&child[i]);
}
END_TEST

int main(void)
{
    const struct testing tests[] = { TEST(every_process), TEST(own_children), { 0 } };
    return run_tests("proc.procps", tests);
}
