/* deadline.h - the one deadline of every wait in this folder. For lib/kernel, too; no part of sync.h. */
#ifndef PROCLAB_DEADLINE_H
#define PROCLAB_DEADLINE_H

#include <stdint.h>

/* The moment at which a wait that begins now gives up, in ms of CLOCK_MONOTONIC; INT64_MAX: never. */
int64_t sync_deadline(void);
/* What is left until then, as poll(2) wants it: ms, 0 when it has passed, -1 for ever. */
int sync_left(int64_t deadline);
/* Sleeps a moment between two looks at a state, longer each time: *nap_ns starts as 0. */
void sync_nap(long *nap_ns);

#endif
