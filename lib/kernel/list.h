/* list.h - what was seen, in order, and which of it is ours. Private to lib/kernel. */
#ifndef PROCLAB_KERNEL_LIST_H
#define PROCLAB_KERNEL_LIST_H

#include <stdbool.h>

#include "kernel/kernel.h"

/* Start it as { 0 }. */
struct kernel_list {
    struct kernel_seen {
        struct kernel_event event;
        size_t nth; /* in the order of reading, which is that of one CPU and not of two */
    } * seen;
    size_t n, size;
};

int kernel_list_add(struct kernel_list *list, const struct kernel_event *event);
/* The events of these kinds that are about first or a task descended from it, in the order of their times. Malloc'd. */
int kernel_list_take(struct kernel_list *list, pid_t first, unsigned kinds, struct kernel_event **events, size_t *n);
void kernel_list_free(struct kernel_list *list);

#endif
