/* none.c - the whole module where it was built without libtracefs. */
#include "kernel/kernel.h"

#include <errno.h>

int kernel_may_watch(void)
{
    return 0;
}

unsigned kernel_kinds(void)
{
    return 0;
}

int kernel_watch_begin(struct kernel_watch **watch, unsigned kinds)
{
    (void)kinds;
    *watch = NULL;
    return -ENOTSUP;
}

int kernel_watch_until(struct kernel_watch *watch, enum kernel_kind kind, pid_t pid)
{
    (void)watch, (void)kind, (void)pid;
    return -ENOTSUP;
}

int kernel_watch_end(struct kernel_watch **watch, struct kernel_event **events, size_t *n)
{
    (void)watch;
    *events = NULL;
    *n = 0;
    return -ENOTSUP;
}

void kernel_watch_drop(struct kernel_watch **watch)
{
    (void)watch;
}
