/* trace.c - from one stop of a traced process to the next. */
#include "machine.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                            PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;

const char *trace_name(enum trace_kind kind)
{
    static const char *const names[] = { "fork",  "vfork", "clone",  "exec", "call", "return",
                                         "break", "step",  "signal", "exit", "ended" };
    int bit = __builtin_ffs((int)kind) - 1;
    return bit >= 0 && bit < (int)(sizeof names / sizeof *names) ? names[bit] : "?";
}

static struct trace_tracee *find(struct trace *trace, pid_t pid)
{
    for (size_t i = 0; i < trace->n; i++)
        if (trace->tracee[i].pid == pid)
            return &trace->tracee[i];
    return NULL;
}

static void add(struct trace *trace, pid_t pid)
{
    trace->tracee[trace->n++] = (struct trace_tracee){ .pid = pid };
}

static void forget(struct trace *trace, pid_t pid)
{
    struct trace_tracee *gone = find(trace, pid);
    if (gone != NULL)
        *gone = trace->tracee[--trace->n];
}

static int take_early(struct trace *trace, pid_t pid)
{
    for (size_t i = 0; i < trace->n_early; i++)
        if (trace->early[i] == pid) {
            trace->early[i] = trace->early[--trace->n_early];
            return 1;
        }
    return 0;
}

static int call_info(pid_t pid, struct __ptrace_syscall_info *info)
{
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof *info, info) < 0)
        return errno == EIO ? -ENOTSUP : -errno; /* EIO: a request that this kernel does not know */
    return 0;
}

/* PTRACE_SEIZE does not stop it, and PTRACE_INTERRUPT does. */
int trace_begin(struct trace *trace, pid_t pid)
{
    struct __ptrace_syscall_info info;
    int status;
    *trace = (struct trace){ 0 };
    if (ptrace(PTRACE_SEIZE, pid, NULL, options) < 0)
        return -errno;
    if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || TEMP_FAILURE_RETRY(waitpid(pid, &status, __WALL)) < 0)
        return -errno;
    if (!WIFSTOPPED(status))
        return -ESRCH;
    int rc = call_info(pid, &info);
    if (rc < 0) {
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
        return rc;
    }
    add(trace, pid);
    trace->last.pid = pid;
    return 0;
}

/* 0 also where there is nobody to be resumed any more: it was killed, and its end is the next thing we hear. */
static int resume(struct trace *trace, pid_t pid, int sig)
{
    static const enum __ptrace_request requests[] = { PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP };
    struct trace_tracee *tracee = find(trace, pid);
    if (tracee != NULL)
        tracee->stepped = trace->how == TRACE_ONE_STEP;
    return ptrace(requests[trace->how], pid, NULL, (long)sig) < 0 && errno != ESRCH ? -errno : 0;
}

/* A word, aligned: it does not reach into a page that is not there. */
static uintptr_t word_of(uintptr_t address)
{
    return address & ~(sizeof(long) - 1);
}

int trace_break(struct trace *trace, pid_t pid, uintptr_t address)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, pid, word_of(address), NULL), patched = word;
    if (errno != 0)
        return -errno;
    memcpy((char *)&patched + (address - word_of(address)), TRAP_INSTRUCTION, TRAP_SIZE);
    if (ptrace(PTRACE_POKETEXT, pid, word_of(address), patched) < 0)
        return -errno;
    trace->breakpoint.pid = pid;
    trace->breakpoint.address = address;
    trace->breakpoint.word = word;
    return 0;
}

static void restore(const struct trace *trace, pid_t pid)
{
    ptrace(PTRACE_POKETEXT, pid, word_of(trace->breakpoint.address), trace->breakpoint.word);
}

void trace_unbreak(struct trace *trace)
{
    if (trace->breakpoint.pid != 0)
        restore(trace, trace->breakpoint.pid);
    trace->breakpoint.pid = 0;
}

/* The new one stands still, or soon will: both stops come, in any order. A copied memory has the breakpoint in it, too. */
static int at_new(struct trace *trace, struct trace_event *event)
{
    unsigned long child;
    int status = 0x7f;
    if (ptrace(PTRACE_GETEVENTMSG, event->pid, NULL, &child) < 0)
        return -errno;
    event->child = (pid_t)child;
    if (!take_early(trace, event->child) && TEMP_FAILURE_RETRY(waitpid(event->child, &status, __WALL)) < 0)
        return -errno;
    if (!WIFSTOPPED(status))
        return 1; /* killed before it ran */
    if (event->pid == trace->breakpoint.pid && event->kind == TRACE_FORK)
        restore(trace, event->child);
    if (trace->detach_new || trace->n == TRACE_MOST)
        ptrace(PTRACE_DETACH, event->child, NULL, NULL);
    else
        add(trace, event->child);
    return 1;
}

static int at_call(struct trace *trace, struct trace_event *event)
{
    struct __ptrace_syscall_info info;
    struct trace_tracee *tracee = find(trace, event->pid);
    int rc = call_info(event->pid, &info);
    if (rc < 0)
        return rc;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        tracee->nr = (int64_t)info.entry.nr;
        for (int i = 0; i < 6; i++)
            tracee->args[i] = info.entry.args[i];
    }
    event->kind = info.op == PTRACE_SYSCALL_INFO_ENTRY ? TRACE_CALL : TRACE_RETURN;
    event->nr = tracee->nr;
    memcpy(event->args, tracee->args, sizeof event->args);
    event->result = info.op == PTRACE_SYSCALL_INFO_EXIT ? info.exit.rval : 0;
    return 1;
}

/* Is it the breakpoint, whose instruction has been executed? Then it is as if it had not been. */
static int is_breakpoint(struct trace *trace, pid_t pid)
{
    struct trace_registers registers;
    if (pid != trace->breakpoint.pid || trace_registers(pid, &registers) < 0 ||
        registers.pc != trace->breakpoint.address + TRAP_BEHIND)
        return 0;
    trace_unbreak(trace);
    return machine_set_pc(pid, registers.pc - TRAP_BEHIND) == 0;
}

static int at_signal(struct trace *trace, struct trace_event *event)
{
    if (ptrace(PTRACE_GETSIGINFO, event->pid, NULL, &event->info) < 0)
        return -errno;
    bool trap = event->info.si_signo == SIGTRAP;
    int code = event->info.si_code; /* of a step: TRAP_TRACE, but TRAP_BRKPT where it was a system call */
    if (trap && code != TRAP_TRACE && is_breakpoint(trace, event->pid))
        event->kind = TRACE_BREAK;
    else if (trap && (code == TRAP_TRACE || code == TRAP_BRKPT) && find(trace, event->pid)->stepped)
        event->kind = TRACE_STEP;
    else
        event->kind = TRACE_SIGNAL;
    return 1;
}

/* A stop that is no event: the first one of a new process, and a stop by SIGSTOP or ^Z, in which it is to stay. */
static int at_stop(struct trace *trace, pid_t pid, int sig)
{
    if (find(trace, pid) == NULL) {
        if (trace->n_early == TRACE_MOST)
            return -ENOBUFS;
        trace->early[trace->n_early++] = pid;
        return 0;
    }
    if (sig == SIGTRAP) /* SIGCONT has ended it */
        return resume(trace, pid, 0);
    return ptrace(PTRACE_LISTEN, pid, NULL, NULL) < 0 && errno != ESRCH ? -errno : 0;
}

static int at_exec(struct trace *trace, const struct trace_event *event)
{
    if (event->pid == trace->breakpoint.pid)
        trace->breakpoint.pid = 0; /* gone with the memory it was in */
    return 1;
}

/* status: the signal, and above it the event of ptrace(2). 1: *event is to be reported. */
static int stopped(struct trace *trace, int status, struct trace_event *event)
{
    if (find(trace, event->pid) == NULL && status >> 8 != PTRACE_EVENT_STOP)
        return ptrace(PTRACE_DETACH, event->pid, NULL, NULL) < 0 ? -errno : 0; /* beyond TRACE_MOST */
    switch (status >> 8) {
    case PTRACE_EVENT_FORK:
        event->kind = TRACE_FORK;
        return at_new(trace, event);
    case PTRACE_EVENT_VFORK:
        event->kind = TRACE_VFORK;
        return at_new(trace, event);
    case PTRACE_EVENT_CLONE:
        event->kind = TRACE_CLONE;
        return at_new(trace, event);
    case PTRACE_EVENT_EXEC:
        event->kind = TRACE_EXEC;
        return at_exec(trace, event);
    case PTRACE_EVENT_EXIT:
        event->kind = TRACE_EXIT;
        return 1;
    case PTRACE_EVENT_STOP:
        return at_stop(trace, event->pid, status & 0x7f);
    default:
        return (status & 0x80) != 0 ? at_call(trace, event) : at_signal(trace, event);
    }
}

/* Those who stood still for the last event. */
static int go_on(struct trace *trace)
{
    struct trace_event last = trace->last;
    trace->last = (struct trace_event){ 0 };
    if (last.kind == TRACE_ENDED) {
        forget(trace, last.pid);
        return TEMP_FAILURE_RETRY(waitpid(last.pid, NULL, __WALL)) < 0 ? -errno : 0;
    }
    int rc = last.pid != 0 ? resume(trace, last.pid, last.kind == TRACE_SIGNAL ? last.info.si_signo : 0) : 0;
    if (rc == 0 && last.child != 0 && find(trace, last.child) != NULL)
        rc = resume(trace, last.child, 0);
    return rc;
}

/* What one of them did. Children that are not traced may end meanwhile: they are waited for, and are no event. */
static int hear(struct trace *trace, struct trace_event *event)
{
    siginfo_t news;
    if (TEMP_FAILURE_RETRY(waitid(P_ALL, 0, &news, WEXITED | WSTOPPED | WNOWAIT | __WALL)) < 0)
        return -errno;
    *event = (struct trace_event){ .pid = news.si_pid, .info = news };
    bool ended = news.si_code == CLD_EXITED || news.si_code == CLD_KILLED || news.si_code == CLD_DUMPED;
    if (ended && find(trace, news.si_pid) != NULL) {
        event->kind = TRACE_ENDED;
        return 1;
    }
    siginfo_t same = { 0 };
    if (waitid(P_PID, (id_t)news.si_pid, &same, (ended ? WEXITED : WSTOPPED) | WNOHANG | __WALL) < 0)
        return -errno;
    if (ended || same.si_pid == 0 || same.si_code != CLD_TRAPPED)
        return 0; /* not traced, or killed between the two looks */
    return stopped(trace, same.si_status, event);
}

int trace_next(struct trace *trace, struct trace_event *event)
{
    int rc = go_on(trace);
    while (rc == 0 && trace->n > 0) {
        rc = hear(trace, event);
        if (rc == -ECHILD) /* the last one became another thread's program, and that thread was let go */
            trace->n = 0;
        if (rc == -ECHILD || rc == -ESRCH) /* killed while we looked at it: its end will be heard */
            rc = 0;
    }
    if (rc == 1)
        trace->last = *event;
    return rc;
}

int trace_until(struct trace *trace, pid_t pid, unsigned kinds, struct trace_event *event)
{
    for (;;) {
        int rc = trace_next(trace, event);
        if (rc <= 0)
            return rc;
        if (event->pid == pid && (event->kind & kinds) != 0)
            return 1;
        if (event->pid == pid && event->kind == TRACE_ENDED)
            return 0;
    }
}

/* One look at each that was killed; how many have not ended. At TRACE_EXIT even they stop, and SIGKILL does not end that
 * stop; nor does a process end before its last thread has been waited for. */
static size_t reap(struct trace *trace)
{
    for (size_t i = 0; i < trace->n;) {
        pid_t pid = trace->tracee[i].pid;
        int status;
        pid_t found = waitpid(pid, &status, __WALL | WNOHANG); /* which never waits, and so is never interrupted */
        if (found > 0 && WIFSTOPPED(status))
            ptrace(PTRACE_CONT, pid, NULL, NULL);
        else if (found != 0) /* ended, or another thread's exec has taken its place */
            forget(trace, pid);
        else
            i++;
    }
    return trace->n;
}

void trace_end(struct trace *trace)
{
    siginfo_t news;
    while (trace->n_early > 0 && trace->n < TRACE_MOST)
        add(trace, trace->early[--trace->n_early]);
    for (size_t i = 0; i < trace->n; i++) {
        kill(trace->tracee[i].pid, SIGKILL); /* its PID is its own until we have waited for it */
        ptrace(PTRACE_CONT, trace->tracee[i].pid, NULL, NULL);
    }
    while (reap(trace) > 0)
        waitid(P_ALL, 0, &news, WEXITED | WSTOPPED | WNOWAIT | __WALL);
}
