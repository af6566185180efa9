/* list.c - what was seen, in order, and which of it is ours. */
#include "kernel/list.h"

#include <errno.h>
#include <stdlib.h>

int kernel_list_add(struct kernel_list *list, const struct kernel_event *event)
{
    if (list->n == list->size) {
        size_t size = list->size ? 2 * list->size : 256;
        struct kernel_seen *seen = realloc(list->seen, size * sizeof *seen);
        if (seen == NULL)
            return -ENOMEM;
        list->seen = seen;
        list->size = size;
    }
    list->seen[list->n] = (struct kernel_seen){ *event, list->n };
    list->n++;
    return 0;
}

void kernel_list_free(struct kernel_list *list)
{
    free(list->seen);
    *list = (struct kernel_list){ 0 };
}

/* An event that interrupts the recording of another has its time: only their places tell them apart. */
static int by_time(const void *one, const void *two)
{
    const struct kernel_seen *a = one, *b = two;
    if (a->event.t_ns != b->event.t_ns)
        return a->event.t_ns < b->event.t_ns ? -1 : 1;
    return a->nth < b->nth ? -1 : 1;
}

/* The tasks that are ours at the moment of an event: one bit a PID. A PID that was freed may come to mean another's. */
enum { PID_LIMIT = 1 << 22 }; /* PID_MAX_LIMIT of linux/threads.h */

static bool is_ours(const unsigned char *ours, pid_t pid)
{
    return pid > 0 && pid < PID_LIMIT && (ours[pid / 8] >> pid % 8 & 1) != 0;
}

static void add(unsigned char *ours, pid_t pid)
{
    if (pid > 0 && pid < PID_LIMIT)
        ours[pid / 8] |= (unsigned char)(1 << pid % 8);
}

static void remove_pid(unsigned char *ours, pid_t pid)
{
    if (is_ours(ours, pid))
        ours[pid / 8] &= (unsigned char)~(1 << pid % 8);
}

/* Whether the event is about a task of ours, having taken note of those that come and go. */
static bool follow(unsigned char *ours, const struct kernel_event *event)
{
    bool doer = is_ours(ours, event->by), one = is_ours(ours, event->pid), other = is_ours(ours, event->other);
    switch (event->kind) {
    case KERNEL_FORK:
        if (one)
            add(ours, event->other);
        return one;
    case KERNEL_NEWTASK: /* comes before the fork event of the same task */
        if (doer)
            add(ours, event->pid);
        return doer;
    case KERNEL_FREE:
        remove_pid(ours, event->pid);
        return one;
    case KERNEL_WAIT:
        return doer;
    case KERNEL_SIGNAL_SENT:
        return one || doer;
    default:
        return one || other;
    }
}

int kernel_list_take(struct kernel_list *list, pid_t first, unsigned kinds, struct kernel_event **events, size_t *n)
{
    *events = NULL;
    *n = 0;
    if (list->n == 0)
        return 0;
    struct kernel_event *taken = calloc(list->n, sizeof *taken);
    unsigned char *ours = calloc(PID_LIMIT / 8, 1);
    if (taken == NULL || ours == NULL) {
        free(taken);
        free(ours);
        return -ENOMEM;
    }
    qsort(list->seen, list->n, sizeof *list->seen, by_time);
    add(ours, first);
    for (size_t i = 0; i < list->n; i++)
        if (follow(ours, &list->seen[i].event) && (kinds & 1U << list->seen[i].event.kind) != 0)
            taken[(*n)++] = list->seen[i].event;
    free(ours);
    if (*n == 0) {
        free(taken);
        return 0;
    }
    *events = taken;
    return 0;
}
