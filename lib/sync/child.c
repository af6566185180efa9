/* child.c - nothing outlives its scope, and no child the demo. */
#include "sync/sync.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int sync_die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    return getppid() == parent ? 0 : -ESRCH; /* it may have died just before: that death sends nothing any more */
}

/* Does the kernel hold this user to a limit of one process? In a child, since a limit that is set stays. */
static int is_held(void)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        setrlimit(RLIMIT_NPROC, &(struct rlimit){ 1, 1 });
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(0);
        if (grandchild > 0)
            waitpid(grandchild, NULL, 0);
        _exit(grandchild < 0 ? 0 : 1);
    }
    if (TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) < 0)
        return -errno;
    return status == 0 ? 0 : -EPERM;
}

int sync_count_alone(void)
{
    uid_t nobody_else = 0x40000000 + (uid_t)getpid();
    bool root = geteuid() == 0;
    if (setresuid(nobody_else, nobody_else, nobody_else) == 0)
        return 0;
    if (errno != EPERM && errno != EINVAL) /* EINVAL: a user namespace that does not know this user */
        return -errno;
    if (unshare(CLONE_NEWUSER) < 0)
        return -errno;
    return root ? is_held() : 0; /* the root of the machine is not, and keeps that in a user namespace */
}

void sync_child_end(const pid_t *child)
{
    siginfo_t news;
    if (*child <= 0 || waitid(P_PID, (id_t)*child, &news, WEXITED | WNOHANG | WNOWAIT) < 0)
        return; /* not ours any more: it was reaped, and its PID may be another's by now */
    if (kill(*child, SIGKILL) < 0)
        return; /* refused: it ends with us (sync_die_with), and so we must not wait for it */
    while (waitpid(*child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void sync_fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void sync_pipe_close(int (*pipe_fds)[2])
{
    sync_fd_close(&(*pipe_fds)[0]);
    sync_fd_close(&(*pipe_fds)[1]);
}
