/* trace.h - following other processes by ptrace(2): each thing they do stops them, and is an event here.
 *
 *     struct trace trace;
 *     trace_begin(&trace, child);               a child of ours that waits at a gate
 *     sync_gate_open(&gate);
 *     while (trace_next(&trace, &event) == 1)   lets go on who was stopped last, waits for the next one
 *         ...                                   who it is of stands still meanwhile
 *
 * What a traced process forks is traced too, from its first instruction on. They are killed when their tracer dies.
 * ptrace changes what is seen in three ways: signals that are ignored are shown as well; a parent hears of the end of its
 * child only when the tracer has (the trace_next after TRACE_ENDED); and a set-uid program runs without its privilege unless
 * the tracer could have had it. There is no deadline: a program may wait for its reader.
 *
 * Each returns 0 or more, or -errno: -EPERM where tracing is not allowed (kernel.yama.ptrace_scope, a seccomp filter) or the
 * process has a tracer already; -ENOTSUP before Linux 5.3, and for registers that are not known here; -ESRCH where
 * the process was killed meanwhile; -EIO where its memory may not be read (a program its user may not read, ptrace(2)). */
/* clang-format off */
#ifndef PROCLAB_TRACE_H
#define PROCLAB_TRACE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What one was stopped by. Bits, so that several can be waited for. */
enum trace_kind {
    TRACE_FORK = 1,                      /* fork(), or clone() as fork() makes it: child stands before its first instruction */
    TRACE_VFORK = 2,                     /* the same by vfork(), or clone() with CLONE_VFORK */
    TRACE_CLONE = 4,                     /* the same by clone(), of a thread say */
    TRACE_EXEC = 8,                      /* execve() has worked: the new program is mapped, none of its instructions has run */
    TRACE_CALL = 16,                     /* it enters a system call: nr and args */
    TRACE_RETURN = 32,                   /* it comes out of one: nr, args and result */
    TRACE_BREAK = 64,                    /* it has come to the breakpoint, which is gone again */
    TRACE_STEP = 128,                    /* it has executed one instruction */
    TRACE_SIGNAL = 256,                  /* a signal is about to be delivered: info */
    TRACE_EXIT = 512,                    /* it is about to exit; its memory is still there */
    TRACE_ENDED = 1024,                  /* it is a zombie: info, as waitid(2) gives it. Its parent has not been told yet */
};
#define TRACE_NEW (TRACE_FORK | TRACE_VFORK | TRACE_CLONE)
/* Its name: "fork". */
const char *trace_name(enum trace_kind kind);

struct trace_event {
    enum trace_kind kind;
    pid_t pid;                           /* whose; of a thread its TID */
    pid_t child;                         /* TRACE_NEW: the new one */
    int64_t nr, result;                  /* result: -errno where the call failed */
    uint64_t args[6];
    siginfo_t info;
};

/* How those that are let go on do so. */
enum trace_how {
    TRACE_RUN,                           /* until anything but a system call stops them */
    TRACE_CALLS,                         /* until the next system call */
    TRACE_ONE_STEP,                      /* one instruction, or into a system call */
};

enum { TRACE_MOST = 32 };                /* what is forked beyond so many at a time is let go, untraced */

struct trace {
    enum trace_how how;                  /* may be changed before each trace_next; TRACE_RUN at first */
    bool detach_new;                     /* may be set: what is forked is let go, and TRACE_NEW still seen */
    struct trace_event last;             /* the rest is for the functions below: who stands still, and why */
    struct trace_tracee {
        pid_t pid;
        bool stepped;                    /* it goes on by one instruction, whatever how says now */
        int64_t nr;                      /* the system call it is in, for its return */
        uint64_t args[6];
    } tracee[TRACE_MOST];
    pid_t early[TRACE_MOST];             /* new ones that stopped before we heard of them from their parents */
    size_t n, n_early;
    struct { pid_t pid; uintptr_t address; long word; } breakpoint;
};

/* Begins to trace a child of ours that waits, or another process that we may trace. It stands still until trace_next. */
int trace_begin(struct trace *trace, pid_t pid);
/* 1: *event has the next one. 0: no traced process is left. */
int trace_next(struct trace *trace, struct trace_event *event);
/* Lets go on until pid comes to one of these kinds: 1, 0 where it has ended before; *event says which. */
int trace_until(struct trace *trace, pid_t pid, unsigned kinds, struct trace_event *event);
/* Kills and reaps those that are traced. Those that are not our own children leave a zombie to their parent. */
void trace_end(struct trace *trace);
#define cleanup_trace __attribute__((cleanup(trace_end)))      /* start it as { 0 } */

/* The rest is for one that stands still. */

/* Reads up to size bytes of its memory. Returns how many: fewer where the memory that is mapped ends. */
ssize_t trace_read(pid_t pid, uint64_t address, void *out, size_t size);
/* Reads a string, with its NUL. Returns its length; -ENAMETOOLONG: size is too small for it. */
ssize_t trace_read_string(pid_t pid, uint64_t address, char *out, size_t size);
/* Reads the strings of an array of pointers that ends with NULL, such as argv: each with its NUL, one behind the other.
 * trace_strings_free gives the text back; { 0 } is an empty list. -E2BIG: more than execve(2) would take. */
struct trace_strings {
    char *text;
    size_t length, n;
    uint64_t behind;                     /* the address of what comes behind the NULL of the array */
};
int trace_read_strings(pid_t pid, uint64_t array, struct trace_strings *out);
/* The i-th of them, from 0 on; NULL where there are fewer. */
const char *trace_string(const struct trace_strings *strings, size_t i);
void trace_strings_free(struct trace_strings *strings);
#define cleanup_strings __attribute__((cleanup(trace_strings_free)))

struct trace_registers {
    uint64_t pc, sp;
    uint64_t arg[6];                     /* where a function finds its first six arguments */
};
int trace_registers(pid_t pid, struct trace_registers *out);

/* What the kernel has put on the stack of a program that stands at TRACE_EXEC, upwards from the stack pointer: argc, argv and
 * a NULL, envp and a NULL, the auxiliary vector (getauxval(3)). */
enum { TRACE_AUX = 64 };
struct trace_stack {
    uint64_t sp, argc, argv_address;
    struct trace_strings argv, envp;
    uint64_t aux[TRACE_AUX];             /* by AT_...; 0 where there is none */
};
int trace_read_stack(pid_t pid, struct trace_stack *out);
void trace_stack_free(struct trace_stack *stack);
#define cleanup_stack __attribute__((cleanup(trace_stack_free)))

/* Stops it when it comes to the instruction at address: one breakpoint at a time, and once. Its children do not have it. */
int trace_break(struct trace *trace, pid_t pid, uintptr_t address);
/* Takes the breakpoint away, if there is one. */
void trace_unbreak(struct trace *trace);

#endif
