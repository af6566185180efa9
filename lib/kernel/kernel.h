/* kernel.h - what the kernel itself says of our processes while they run: its scheduler, page-fault, task and signal
 * events (tracefs), as values. The second witness beside /proc, for readers who may see it.
 *
 * Watching needs tracefs and the right to use it (root), and the build needs libtracefs; without any of these every
 * call but kernel_may_watch is -ENOTSUP or -EACCES and nothing else changes: /proc alone is the witness then.
 * An own instance is used, so that nobody else's tracing is touched. It sees the process that begins to watch and every
 * process forked from it after that. A guard removes it when the watch has ended, or that process is gone. */
/* clang-format off */
#ifndef PROCLAB_KERNEL_H
#define PROCLAB_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum kernel_kind {                       /* pid, other and value of struct kernel_event are then: */
    KERNEL_FORK,                         /* sched_process_fork: parent, child, - */
    KERNEL_NEWTASK,                      /* task_newtask: child, -, the flags of clone(2) */
    KERNEL_WAKEUP_NEW,                   /* sched_wakeup_new: the new one becomes runnable, -, - */
    KERNEL_WAKING,                       /* sched_waking: the one that is to be woken, -, -; by: who wakes it */
    KERNEL_WAKEUP,                       /* sched_wakeup: the one that becomes runnable, -, -; by: whoever runs then on
                                            the CPU that gets it, the idle task (0) as well as the one that wakes it */
    KERNEL_SWITCH,                       /* sched_switch: who leaves the CPU, who gets it, the state letter of the
                                            former: 'R' it could have gone on (preempted), 'S', 'D', 'T', 't', 'Z', 'X'.
                                            Each switch away from a task of ours is there; one to it can be missing
                                            (seen on a guest: none away from idle): what it does (by) shows it then */
    KERNEL_EXEC,                         /* sched_process_exec: who, -, - */
    KERNEL_EXIT,                         /* sched_process_exit: who, -, - */
    KERNEL_WAIT,                         /* sched_process_wait: whom by waits for, 0: any child, - */
    KERNEL_FREE,                         /* sched_process_free: whose task_struct is given up, -, - */
    KERNEL_FAULT,                        /* page_fault_user: who, -, the error code: bit 0 present, 1 write, 4 fetch */
    KERNEL_SIGNAL_SENT,                  /* signal_generate: to whom, -, the signal */
    KERNEL_SIGNAL_TAKEN,                 /* signal_deliver: by whom, -, the signal */
    KERNEL_N_KINDS
};

struct kernel_event {
    enum kernel_kind kind;
    int64_t t_ns;                        /* CLOCK_MONOTONIC, the clock of our own events */
    int cpu;
    pid_t by;                            /* the task that was running when it happened */
    pid_t pid, other;                    /* tasks: what ps calls a TID */
    uint64_t value;
    uint64_t address;                    /* of a fault: the address that was not there */
};

struct kernel_watch;

/* The event's name in tracefs ("sched_switch"). */
const char *kernel_name(enum kernel_kind kind);

/* 1: this process could watch. 0: it could not. Makes nothing. */
int kernel_may_watch(void);

/* The kinds that this kernel has, as bits (1u << kind); 0 where it cannot be asked. KERNEL_FAULT is one of x86:
 * riscv has it since Linux 6.15, with other codes. */
unsigned kernel_kinds(void);

/* Begins to watch the calling process and those it forks from now on, for the kinds whose bits are set, as far as
 * this kernel has them. There is one thread yet, and sync.h says the rest about guards: begin early. *watch is to be
 * ended by the process that began it, and by no child; NULL where there is none. -ENOTSUP: no tracefs, none of these
 * kinds, not the first PID namespace (the events' PIDs are those of the first one), or built without it; -EACCES: no
 * right to it. */
int kernel_watch_begin(struct kernel_watch **watch, unsigned kinds);

/* Waits until an event of this kind about this pid has been seen. Some come late: KERNEL_FREE an RCU grace period
 * (10 to 50 ms) after the wait. -ETIMEDOUT; -EOVERFLOW as below; -EINVAL: it is not watched for. */
int kernel_watch_until(struct kernel_watch *watch, enum kernel_kind kind, pid_t pid);

/* Stops, hands over the events that are about our tasks in the order of their times, and has the instance removed,
 * by the guard and without waiting for it (0.1 s). *events is malloc'd, for the caller to free; NULL with *n 0 where
 * nothing was seen. -EOVERFLOW: some were lost, and the list would have holes: there is room for about 30,000 a CPU,
 * those of the whole machine where KERNEL_SIGNAL_SENT or KERNEL_FREE is watched, and kernel_watch_until makes room
 * again. The watch is over in any case. */
int kernel_watch_end(struct kernel_watch **watch, struct kernel_event **events, size_t *n);

/* Ends a watch whose events nobody wants. */
void kernel_watch_drop(struct kernel_watch **watch);
#define cleanup_watch __attribute__((cleanup(kernel_watch_drop)))  /* start it as NULL */

#endif
