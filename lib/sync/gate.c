/* gate.c - one process waits until another lets it through. */
#include "deadline.h"
#include "sync/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

int sync_gate_make(struct sync_gate *gate)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *gate = (struct sync_gate){ .wait_fd = fds[0], .open_fd = fds[1] };
    return 0;
}

int sync_gate_open(struct sync_gate *gate)
{
    sync_fd_close(&gate->wait_fd);
    for (;;) {
        if (write(gate->open_fd, "", 1) == 1)
            return 0;
        if (errno != EINTR)
            return -errno;
    }
}

/* 0 when the pipe has a byte or has lost its last writer. */
static int readable(int fd)
{
    struct pollfd event = { .fd = fd, .events = POLLIN };
    int64_t deadline = sync_deadline();
    for (;;) {
        int n = poll(&event, 1, sync_left(deadline));
        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

int sync_gate_pass(struct sync_gate *gate)
{
    sync_fd_close(&gate->open_fd);
    for (;;) {
        int rc = readable(gate->wait_fd);
        if (rc < 0)
            return rc;
        char passage;
        ssize_t n = read(gate->wait_fd, &passage, 1);
        if (n == 1)
            return 0;
        if (n == 0)
            return -EPIPE;
        if (errno != EINTR)
            return -errno;
    }
}

void sync_gate_close(struct sync_gate *gate)
{
    sync_fd_close(&gate->wait_fd);
    sync_fd_close(&gate->open_fd);
}
