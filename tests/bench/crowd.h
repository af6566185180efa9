/* crowd.h - many processes that do nothing but be there, and whether a reader of /proc has found them. */
#ifndef PROCLAB_BENCH_CROWD_H
#define PROCLAB_BENCH_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proc/scan.h"

/* Makes n children, each asleep, some with names that a reader may stumble over, all gone when we are. Returns how many it
 * could make; why has then what stood in the way. -errno: a call failed. Early, while our memory is small: it is copied. */
int crowd_make(size_t n, char why[80]);
pid_t crowd_first(void);
/* Makes zombies of them. */
int crowd_kill(void);
void crowd_reap(void);

/* Whether found has each of the crowd once, with its parent and name, in this state; not what else it has. A replacing
 * reader writes '?' or '.' for a byte that cannot be printed, and <defunct> behind the name of a zombie. NULL, or what is wrong. */
const char *crowd_check(const struct proc_brief *found, size_t n, char state, bool replacing);

#endif
