/* crowd.c - many processes that do nothing but be there. */
#include "crowd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/sync.h"

/* Every eighth has one of these. */
static const char *const hostile[] = {
    ") R 1 (", "a\nb", "a) S 1 1 1 (b", "\n) Z 1 (", "\xff\xfe(", ")))))))))))))))", ") X 0 -1 -1 0", "",
};
enum { N_HOSTILE = sizeof hostile / sizeof *hostile, CHECK_MEMORY_EVERY = 128, GIVE_BACK = 16 };

static pid_t *pids;
static size_t n_pids;

static const char *name_of(size_t i)
{
    return i % 8 == 0 ? hostile[i / 8 % N_HOSTILE] : "sleeper";
}

static _Noreturn void sleeper(pid_t parent, const char *name)
{
    if (sync_die_with(parent) < 0 || prctl(PR_SET_NAME, name) < 0)
        _exit(1);
    for (;;)
        pause();
}

/* Three quarters of what is free may go: a benchmark that brings the OOM killer is no guest. */
static bool is_too_much(size_t made)
{
    static int64_t at_first;
    struct proc_meminfo memory;
    if (made % CHECK_MEMORY_EVERY != 0 || proc_meminfo_read(&memory) < 0 || memory.available_kib == PROC_NONE)
        return false;
    if (made == 0)
        at_first = memory.available_kib;
    return memory.available_kib < at_first / 4;
}

/* Of what there may be at most, ps and the threads need some, and the rest of the machine, too. */
static void give_back(void)
{
    for (int i = 0; i < GIVE_BACK && n_pids > 0; i++) {
        kill(pids[--n_pids], SIGKILL);
        waitpid(pids[n_pids], NULL, 0);
    }
}

int crowd_make(size_t n, char why[80])
{
    pid_t parent = getpid();
    struct proc_stat stat;
    *why = '\0';
    pids = malloc(n * sizeof *pids);
    if (!pids)
        return -ENOMEM;
    for (; n_pids < n; n_pids++) {
        if (is_too_much(n_pids)) {
            snprintf(why, 80, "memory: three quarters of what was free are taken");
            break;
        }
        pid_t pid = fork();
        if (pid < 0) {
            snprintf(why, 80, "fork: %s (ulimit -u, the pids cgroup, kernel.pid_max)", strerrorname_np(errno));
            give_back();
            break;
        }
        if (pid == 0)
            sleeper(parent, name_of(n_pids));
        pids[n_pids] = pid;
    }
    for (size_t i = 0; i < n_pids; i++) {
        int r = sync_state(pids[i], "S", &stat);
        if (r < 0)
            return r;
    }
    return (int)n_pids;
}

pid_t crowd_first(void)
{
    return pids[0];
}

int crowd_kill(void)
{
    for (size_t i = 0; i < n_pids; i++)
        if (kill(pids[i], SIGKILL) < 0)
            return -errno;
    for (size_t i = 0; i < n_pids; i++) {
        int r = sync_exited(pids[i], NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

void crowd_reap(void)
{
    for (size_t i = 0; i < n_pids; i++)
        kill(pids[i], SIGKILL);
    for (size_t i = 0; i < n_pids; i++)
        waitpid(pids[i], NULL, 0);
    free(pids);
    n_pids = 0;
}

/* ---- what was found ---- */

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static bool same_name(const char *expected, const char *found, bool replacing, char state)
{
    if (!replacing)
        return strcmp(expected, found) == 0;
    for (; *expected; expected++, found++)
        if (is_printable(*expected) ? *found != *expected : *found != '?' && *found != '.')
            return false;
    return *found == '\0' || (state == 'Z' && strcmp(found, " <defunct>") == 0);
}

static int by_pid(const void *a, const void *b)
{
    pid_t x = ((const struct proc_brief *)a)->pid, y = ((const struct proc_brief *)b)->pid;
    return (x > y) - (x < y);
}

static const char *wrong_in(const struct proc_brief *found, size_t i, char state, bool replacing)
{
    static char text[160];
    if (found->ppid != getpid())
        snprintf(text, sizeof text, "process %d has parent %d, not %d", found->pid, found->ppid, getpid());
    else if (found->state != state)
        snprintf(text, sizeof text, "process %d is in state %c, not %c", found->pid, found->state, state);
    else if (!same_name(name_of(i), found->comm, replacing, state))
        snprintf(text, sizeof text, "process %d is called '%s', not '%s'", found->pid, found->comm, name_of(i));
    else
        return NULL;
    return text;
}

const char *crowd_check(const struct proc_brief *found, size_t n, char state, bool replacing)
{
    static char text[80];
    const char *wrong = NULL;
    struct proc_brief *sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return "no memory to check it";
    if (n > 0)
        memcpy(sorted, found, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_pid);
    for (size_t i = 0; i < n_pids && !wrong; i++) {
        const struct proc_brief key = { .pid = pids[i] };
        const struct proc_brief *at = bsearch(&key, sorted, n, sizeof *sorted, by_pid);
        if (!at)
            snprintf(text, sizeof text, "process %d was not found", pids[i]);
        else if ((at > sorted && at[-1].pid == at->pid) || (at + 1 < sorted + n && at[1].pid == at->pid))
            snprintf(text, sizeof text, "process %d was found twice", pids[i]);
        else
            wrong = wrong_in(at, i, state, replacing);
        if (!wrong && *text)
            wrong = text;
    }
    free(sorted);
    return wrong;
}
