/* format.h - the layout of the events' records, which each kernel says of itself. Private to lib/kernel. */
#ifndef PROCLAB_KERNEL_FORMAT_H
#define PROCLAB_KERNEL_FORMAT_H

#include <event-parse.h>
#include <kbuffer.h>
#include <stdbool.h>

#include "kernel/kernel.h"

/* Where the members of struct kernel_event are in a record; NULL: not there. */
struct kernel_format {
    int id; /* common_type of its records; -1: this kernel has no such event */
    struct tep_format_field *pid, *other, *value, *address;
};

struct kernel_formats {
    struct tep_handle *tep;
    struct kbuffer *page; /* takes a page of the ring buffer apart */
    struct kernel_format of[KERNEL_N_KINDS];
    char state[32]; /* the letter of bit n of sched_switch's prev_state; 0: none */
};

/* "sched": the directory of the kind's event. */
const char *kernel_system(enum kernel_kind kind);

/* Reads the formats of these kinds from the tracing directory that libtracefs was told. A kind that is not there, or
 * that has not the fields it should, is left out. Returns 0 or -errno; free it in either case. */
int kernel_formats_load(struct kernel_formats *formats, unsigned kinds);
void kernel_formats_free(struct kernel_formats *formats);

/* Takes a record apart, but for its time and CPU. False: it is of no kind that was loaded. */
bool kernel_decode(const struct kernel_formats *formats, void *data, int size, struct kernel_event *event);

#endif
