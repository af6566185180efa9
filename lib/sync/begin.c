/* begin.c - a known state to start from. */
#include "sync/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/time.h>
#include <unistd.h>

static void reset_signals(void)
{
    struct sigaction to_default = { .sa_handler = SIG_DFL }, ignore = { .sa_handler = SIG_IGN };
    const struct itimerval off = { 0 }; /* a timer set before exec, by alarm() say, would still go off */
    setitimer(ITIMER_REAL, &off, NULL);
    setitimer(ITIMER_VIRTUAL, &off, NULL);
    setitimer(ITIMER_PROF, &off, NULL);
    sigset_t pending;
    sigpending(&pending);
    for (int sig = 1; sig <= SIGRTMAX; sig++) {
        /* Drops it, or unblocking would deliver it. No other: it could be a ^C of this very moment. */
        if (sigismember(&pending, sig) == 1)
            sigaction(sig, &ignore, NULL);
        /* EINVAL for SIGKILL, SIGSTOP and the two that glibc keeps: nothing to reset. */
        sigaction(sig, &to_default, NULL);
    }
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int sync_begin(void)
{
    reset_signals();
    close_range(3, UINT_MAX, 0); /* ENOSYS before Linux 5.9: then they stay open, and only numbers differ */
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number is this one. O_PATH: reading and writing it stay EBADF, as with the closed one. */
        if (open("/", O_PATH) < 0) /* no O_CLOEXEC: a program that is exec'd must not find it closed either */
            return -errno;
    }
    return 0;
}
