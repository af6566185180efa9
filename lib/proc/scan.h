/* scan.h - the PID, parent, state and name of every process, as quickly as /proc gives them.
 *
 *     cleanup_scan struct proc_scan scan = { -1 };
 *     struct proc_brief some[PROC_SCAN_BATCH];
 *     int r = proc_scan_open(&scan, 0);
 *     while (r >= 0 && (r = proc_scan_next(&scan, some)) > 0)
 *         for (int i = 0; i < r; i++)
 *             ... some[i] ...
 *
 * What is returned, and what the errors mean, is said in proc.h. Not a snapshot: the processes are read one after the
 * other, and come and go meanwhile. One that is there from the beginning to the end is found, and found once. */
/* clang-format off */
#ifndef PROCLAB_PROC_SCAN_H
#define PROCLAB_PROC_SCAN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/proc.h"

/* The beginning of /proc/PID/stat, as in struct proc_stat. */
struct proc_brief {
    pid_t pid, ppid, pgrp;
    char state;                          /* PROC_HIDDEN: it is listed, and this reader may not look (hidepid=1) */
    char comm[PROC_COMM + 1];
};
enum { PROC_HIDDEN = '?' };              /* then ppid and pgrp are PROC_NONE, and comm is "" */

/* From the text of stat, all of it: the fields that every Linux writes must be there, but only these are made values. */
int proc_brief_parse(const char *text, size_t len, struct proc_brief *out);
int proc_brief_pread(int fd, struct proc_brief *out);

struct proc_scan {
    int dir;                             /* all of it is its own, but for .kept */
    atomic_size_t kept;                  /* how many descriptors it keeps open */
    int highest_fd;
    size_t keep, n_pids;
    struct proc_kept *slots;             /* what is kept, each with its PID */
    uint32_t *slot_of;                   /* by PID: its slot and 1; 0: none */
    unsigned round;
};

/* How many processes one proc_scan_next gives at most. */
enum { PROC_SCAN_BATCH = 256 };

/* Begins. keep: how many descriptors of /proc/PID/stat may stay open from round to round (0: none). A process whose
 * descriptor is kept is read about twice as quickly from the second round on, and is never mistaken for another one
 * that got its PID. It takes 64 descriptors less than the soft limit allows at this moment (RLIMIT_NOFILE, often 1024;
 * setrlimit(2) raises it to the hard one): what is not kept is opened anew, and .kept says how many are. The memory for it
 * is some 16 bytes for each of keep, and 4 for each PID there can be, of which only what is used is ever there. */
int proc_scan_open(struct proc_scan *scan, size_t keep);

/* The next processes, one to PROC_SCAN_BATCH of them, in rising order of PID. Returns how many; 0 at the end.
 * Several threads may call it at once on one scan: each process goes to one of them, and every one gets 0 at the end.
 * -EMFILE: not one more descriptor can be opened. After an error: proc_scan_rewind or proc_scan_close. */
int proc_scan_next(struct proc_scan *scan, struct proc_brief out[PROC_SCAN_BATCH]);

/* To the beginning, for another round; closes what is kept of processes that the last round did not meet any more, so call
 * it when that round came to its end. While no other thread uses the scan. */
int proc_scan_rewind(struct proc_scan *scan);

/* Ends it. Nothing is done after a proc_scan_open that failed, or to { -1 }. */
void proc_scan_close(struct proc_scan *scan);
#define cleanup_scan __attribute__((cleanup(proc_scan_close)))

#endif
