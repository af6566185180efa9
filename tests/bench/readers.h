/* readers.h - those who read pid, ppid, state and name of every process, ours and others. */
#ifndef PROCLAB_BENCH_READERS_H
#define PROCLAB_BENCH_READERS_H

#include <stdbool.h>
#include <stddef.h>

#include "proc/scan.h"

enum { MOST = 1 << 16 }; /* processes that one reading may find */

/* What the last reading found; those that parse nothing only count. */
struct found {
    struct proc_brief *all;
    size_t n;
};

/* What a reading took, until it was done and of the CPUs: the second does not count the time in which others had them. */
struct cost {
    double elapsed_ns, cpu_ns;
};

/* Each reads the whole of /proc into *found and returns 0, or -errno. */
struct reader {
    const char *name, *what;
    int (*read)(struct found *found, struct cost *cost);
    enum { PARSES, REPLACES, COUNTS } kind; /* see crowd_check; COUNTS has no found->all */
};

enum { PS, LIBPROC2, SCAN, SCAN_2THREADS, SCAN_KEPT, SCAN_KEPT_2THREADS, FLOOR, FLOOR_2THREADS, FLOOR_KEPT, READERS };
extern const struct reader readers[READERS];

/* Before the crowd is made: the process that runs ps, without the descriptors that we keep. */
int readers_begin(void);
/* After it. libproc2 is loaded only now: what is mapped is copied by each fork. */
int readers_open(size_t processes);
bool readers_have_libproc2(void);
/* Processes whose descriptor scan.kept-open keeps, after its first reading. */
size_t readers_kept(void);
void readers_end(void);

#endif
