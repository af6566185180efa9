/* guard.c - a process that cleans up after one that is gone. */
#include "sync/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the guard waits for: its end of a socket pair, and who it guards (-1: this kernel has no pidfd). */
struct watched {
    int socket, process;
};

/* A copy above the standard descriptors, so that both of them can be moved onto those. */
static int above(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
}

/* Keeps these two as 0 and 1 and nothing else: whoever reads what the demo writes into a pipe waits for the last
 * writer, and the demo's own end of the socket pair must not live on here. Before the guard starts: it could tell nobody
 * that it watches nothing, and would clean up at once. */
static int keep_only(struct watched *watched)
{
    int socket = above(watched->socket), process = above(watched->process);
    if (socket < 0 || dup2(socket, 0) < 0)
        return -errno;
    if (watched->process >= 0 && (process < 0 || dup2(process, 1) < 0))
        return -errno;
    closefrom(process >= 0 ? 2 : 1);
    *watched = (struct watched){ 0, process >= 0 ? 1 : -1 };
    return 0;
}

static _Noreturn void guard(struct watched watched, void (*clean)(const void *arg), const void *arg)
{
    struct pollfd over[] = { { .fd = watched.socket, .events = POLLIN }, { .fd = watched.process, .events = POLLIN } };
    while (poll(over, 2, -1) < 0)
        continue; /* ENOMEM: every signal is blocked */
    clean(arg);
    _exit(0);
}

/* The process in the middle ends at once, which gives the guard away to init or the nearest subreaper. */
static _Noreturn void middle(struct watched watched, void (*clean)(const void *arg), const void *arg)
{
    prctl(PR_SET_NAME, "proclab-guard");
    while (chdir("/") < 0 && errno == EINTR) /* or the file system of the demo's directory could not be unmounted */
        continue;
    int rc = keep_only(&watched);
    if (rc < 0)
        _exit(-rc);
    setsid();
    pid_t pid = fork();
    if (pid == 0)
        guard(watched, clean, arg);
    _exit(pid < 0 ? errno : 0);
}

/* fork(), but for the end of this child no signal is sent: a SIGCHLD could reach a handler of the demo's. */
static pid_t fork_quietly(void)
{
    return (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
}

static int reap(pid_t child)
{
    int status;
    while (waitpid(child, &status, __WALL) < 0) /* without __WALL it waits for children that send SIGCHLD */
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EAGAIN;
}

/* Every signal is blocked in the guard from its first moment on; no handler of the demo's may run there. */
static int start(struct watched watched, void (*clean)(const void *arg), const void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t child = fork_quietly();
    if (child == 0)
        middle(watched, clean, arg);
    int rc = child < 0 ? -errno : reap(child);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int sync_guard_start(struct sync_guard *guard, void (*clean)(const void *arg), const void *arg)
{
    enum { OUT_OF_THE_WAY = 200 };
    int fds[2];
    guard->fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    cleanup_fd int ours = fds[0], its = fds[1];
    cleanup_fd int self = pidfd_open(getpid(), 0);
    if (self < 0 && errno != ENOSYS && errno != EPERM) /* before Linux 5.3, or some seccomp filters */
        return -errno;
    int rc = start((struct watched){ its, self }, clean, arg);
    if (rc < 0)
        return rc;
    guard->fd =
        fcntl(ours, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY); /* the demo's own pipe gets the numbers it has without us */
    if (guard->fd < 0) {
        guard->fd = ours; /* RLIMIT_NOFILE is that low */
        ours = -1;
    }
    return 0;
}

void sync_guard_end(struct sync_guard *guard)
{
    if (guard->fd >= 0)
        shutdown(guard->fd, SHUT_RDWR); /* a close would not be seen while a child has a copy of this descriptor */
    sync_fd_close(&guard->fd);
}
