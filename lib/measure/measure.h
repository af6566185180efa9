/* measure.h - numbers with their spread. A cost is never one number: it is a median, what lies around it, and how often
 * it was taken. Two costs are compared round by round, since what disturbs a machine disturbs both of one round alike.
 * Nothing here prints, and nothing decides an exit status. */
#ifndef PROCLAB_MEASURE_H
#define PROCLAB_MEASURE_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* Of n samples, in their unit. p10 and p90: a tenth of them lie below, a tenth above (nearest rank). n 0: all zero. */
struct measure_spread {
    double median, p10, p90, min, max;
    size_t n;
};

/* Sorts the samples in place and says how they lie. */
struct measure_spread measure_spread_of(double *samples, size_t n);

/* CLOCK_MONOTONIC in nanoseconds: exact to 1 ns for the first 104 days after boot, to 2 ns for the next. */
double measure_now_ns(void);
/* What lies between two looks at the clock that follow each other: the least a time taken with it can be. ns, the median. */
double measure_clock_ns(void);

/* --- rounds -------------------------------------------------------------------------------------------------------- */

enum { MEASURE_ROUNDS = 400, MEASURE_TRIES = 5 };

/* One of those that are compared. once(arg) does it for a short time, a millisecond or so, and returns what one operation
 * took, in any unit that all of them share. */
struct measure_contender {
    const char *name;
    double (*once)(const void *arg);
    const void *arg;
    size_t tries;                  /* calls of once() a sample, at most MEASURE_TRIES; 0: so many */
    double sample[MEASURE_ROUNDS]; /* one a round; the same index is the same round for all */
    size_t n;
};

/* One round: a sample of each. Whose turn it is first changes with the round. A sample is the median of MEASURE_TRIES calls of
 * once(), so that to be preempted in one of them, or in two, changes nothing; what takes tens of milliseconds itself can have
 * fewer tries. Nothing where there are MEASURE_ROUNDS. */
void measure_round(struct measure_contender *who, size_t n);
/* Forgets the samples: those of a first round warm up caches and page tables, and do not count. */
void measure_forget(struct measure_contender *who, size_t n);

struct measure_spread measure_spread_in(const struct measure_contender *who);
/* How many times as much a took as b, round by round, in the rounds that both have. */
struct measure_spread measure_ratio(const struct measure_contender *a, const struct measure_contender *b);

/* What such a ratio tells: only where its whole spread, from p10 to p90, lies on one side of 1 is there an answer. */
enum measure_order { MEASURE_LESS = -1, MEASURE_UNDECIDED = 0, MEASURE_MORE = 1 };
enum measure_order measure_order_of(struct measure_spread ratio);

/* --- where it runs -------------------------------------------------------------------------------------------------- */

/* The CPUs that this thread may run on (sched_getaffinity(2)), in rising order: fills at most max, returns how many. */
int measure_cpus(int *out, size_t max);
/* From now on the calling thread, and whoever it forks, runs on this CPU only. 0 or -errno; *before, if not NULL, is for
 * measure_unpin. */
int measure_pin(int cpu, cpu_set_t *before);
int measure_unpin(const cpu_set_t *before);

/* What the numbers depend on, each "?" where nobody says. The texts stay where they are until the next call. */
struct measure_machine {
    const char *cpu;      /* "model name" of /proc/cpuinfo */
    const char *guest;    /* yes or no: the flag "hypervisor": traps and page tables can then cost a lot more */
    const char *pti;      /* on or off: each entry of the kernel changes page tables (vulnerabilities/meltdown) */
    const char *pcid;     /* yes or no: the TLB survives a change of page tables (flags of /proc/cpuinfo) */
    const char *smt;      /* on or off: two CPUs may be halves of one core (/sys/devices/system/cpu/smt/active) */
    const char *thp;      /* always, madvise, never: huge pages (/sys/kernel/mm/transparent_hugepage/enabled) */
    const char *governor; /* who decides the frequency of the CPU (cpu0/cpufreq/scaling_governor) */
    const char
        *clock; /* what CLOCK_MONOTONIC reads (clocksource0/current_clocksource); not tsc, kvm-clock: a system call */
    const char *counters; /* yes, no, or "not allowed": hardware counters (perf_event_open(2)) */
};
struct measure_machine measure_machine_read(void);

#endif
