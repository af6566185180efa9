/* witness.h - the second witness: what the kernel's own events (kernel.h) say of claims that /proc has decided already.
 *
 *     witness_begin(1u << KERNEL_FAULT);                        first of all, in the process that the demo began in
 *     ...                                                       the lesson, with its verdicts
 *     demo_step("Ask the second witness, ...");
 *     struct witness seen = witness_end();
 *     witness_says("cow.lazy", count(&seen) == n, "%zu faults of code 7", count(&seen));
 *
 * Both must agree. Where the kernel's events cannot be read, /proc is the only witness: witness_end says so, and why. */
#ifndef PROCLAB_WITNESS_H
#define PROCLAB_WITNESS_H

#include <stddef.h>

#include "kernel/kernel.h"
#include "report/demo.h"

/* Begins to watch this process and those it will fork, for the kinds whose bits (1u << KERNEL_...) are set. There is one
 * thread yet, and nothing is mapped yet whose faults or sharing are to be counted. */
void witness_begin(unsigned kinds);

/* Waits until an event of this kind about this pid was seen: some come late (kernel_watch_until). */
void witness_until(enum kernel_kind kind, pid_t pid);

/* Ends it. The events in the order of their times, the library's to the end of the process, each of them an observation
 * with --json; present is false where there is no second witness, or where it lost some: then it is not asked. */
struct witness {
    bool present;
    size_t n;
    const struct kernel_event *event;
};
struct witness witness_end(void);

/* What the events say of a claim that has its verdict: ok means that it holds (a caveat: that Linux does what we say it
 * does). Evidence is a printf format and its arguments. Where /proc said otherwise the claim is refuted. Nothing where
 * there is no second witness, or the claim was skipped. */
#define witness_says(id, ok, ...) witness_says_at(DEMO_HERE, id, ok, __VA_ARGS__)
void witness_says_at(struct demo_here here, const char *id, bool ok, const char *evidence, ...) DEMO_PRINTF(4);

/* The first event from index "from" on that is of this kind and about this pid; seen->n where there is none. */
size_t witness_find(const struct witness *seen, size_t from, enum kernel_kind kind, pid_t pid);

#endif
