/* wait.c - waiting until the kernel shows a state, under one deadline. */
#include "deadline.h"
#include "sync/sync.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_S = 20 };

static int endless;

void sync_no_deadline(void)
{
    endless = 1;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int64_t sync_deadline(void)
{
    if (endless)
        return INT64_MAX;
    const char *text = getenv("PROCLAB_DEADLINE_SCALE");
    double scale = text ? strtod(text, NULL) : 1;
    if (!(scale > 0 && scale <= 1000)) /* nonsense, NaN too */
        scale = 1;
    return now_ms() + (int64_t)(DEADLINE_S * 1000 * scale);
}

int sync_left(int64_t deadline)
{
    if (deadline == INT64_MAX)
        return -1;
    int64_t left = deadline - now_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

void sync_nap(long *nap_ns)
{
    enum { FIRST_NS = 20000, LONGEST_NS = 2000000 };
    *nap_ns = *nap_ns == 0 ? FIRST_NS : *nap_ns * 2 > LONGEST_NS ? LONGEST_NS : *nap_ns * 2;
    nanosleep(&(struct timespec){ .tv_nsec = *nap_ns }, NULL);
}

/* WNOHANG and looking again, since waitid has no deadline of its own; WNOWAIT leaves the child as it is. */
static int wait_for_news(pid_t child, int which, siginfo_t *how)
{
    int64_t deadline = sync_deadline();
    for (long nap = 0;; sync_nap(&nap)) {
        siginfo_t news = { 0 };
        if (waitid(P_PID, (id_t)child, &news, which | WNOHANG | WNOWAIT) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (news.si_pid == child) {
            if (how != NULL)
                *how = news;
            return 0;
        }
        if (sync_left(deadline) == 0)
            return -ETIMEDOUT;
    }
}

int sync_exited(pid_t child, siginfo_t *how)
{
    return wait_for_news(child, WEXITED, how);
}

int sync_stopped(pid_t child, siginfo_t *how)
{
    return wait_for_news(child, WSTOPPED, how);
}

int sync_state(pid_t pid, const char *states, struct proc_stat *stat)
{
    int64_t deadline = sync_deadline();
    for (long nap = 0;; sync_nap(&nap)) {
        int rc = proc_stat_read(pid, stat);
        if (rc < 0)
            return rc;
        if (strchr(states, stat->state) != NULL)
            return 0;
        if (sync_left(deadline) == 0)
            return -ETIMEDOUT;
    }
}

int sync_gone(int stat_fd)
{
    int64_t deadline = sync_deadline();
    for (long nap = 0;; sync_nap(&nap)) {
        struct proc_stat stat;
        int rc = proc_stat_pread(stat_fd, &stat);
        if (rc < 0)
            return rc == -ESRCH ? 0 : rc;
        if (sync_left(deadline) == 0)
            return -ETIMEDOUT;
    }
}

int sync_finished(pid_t child)
{
    siginfo_t how;
    int rc = wait_for_news(child, WEXITED, &how);
    if (rc < 0)
        return rc;
    return how.si_code == CLD_EXITED && how.si_status == 0 ? 0 : -ECANCELED;
}

/* Looked at after call was read: in a sleep that a stop by a tracer (strace) does not look like; -ESRCH: at its end. */
static int asleep(pid_t pid, bool *exiting)
{
    enum { PF_EXITING = 4 }; /* has given its memory up, and nobody may look at its calls any more */
    struct proc_stat stat;
    int rc = proc_stat_read(pid, &stat);
    if (rc < 0)
        return rc;
    *exiting = (stat.flags & PF_EXITING) != 0;
    return stat.state == 'Z' ? -ESRCH : stat.state == 'S' || stat.state == 'D';
}

int sync_blocked(pid_t pid, long nr, struct proc_syscall *call)
{
    int64_t deadline = sync_deadline();
    for (long nap = 0;; sync_nap(&nap)) {
        bool exiting;
        int rc = proc_syscall_read(pid, call), sleeps = asleep(pid, &exiting);
        if (sleeps < 0)
            return sleeps;
        if (rc == 0 && !call->running && call->nr == nr && sleeps)
            return 0;
        if (rc < 0 && !exiting)
            return rc;
        if (sync_left(deadline) == 0)
            return -ETIMEDOUT;
    }
}

int sync_ran(pid_t pid, int64_t run_ns, struct proc_schedstat *now)
{
    int64_t deadline = sync_deadline();
    for (long nap = 0;; sync_nap(&nap)) {
        struct proc_stat stat;
        int rc = proc_schedstat_read(pid, now);
        if (rc == 0 && now->run_ns > run_ns)
            return 0;
        if (rc == 0)
            rc = proc_stat_read(pid, &stat);
        if (rc < 0)
            return rc;
        if (stat.state == 'Z')
            return -ESRCH;
        if (sync_left(deadline) == 0)
            return -ETIMEDOUT;
    }
}

int sync_rmdir(const char *path)
{
    int64_t deadline = sync_deadline();
    for (long nap = 0; rmdir(path) < 0; sync_nap(&nap)) {
        if (errno != EBUSY)
            return -errno;
        if (sync_left(deadline) == 0)
            return -ETIMEDOUT;
    }
    return 0;
}
