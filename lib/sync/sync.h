/* sync.h - order between processes, taken from the kernel and never from time; and nothing left behind.
 *
 * Each returns 0 or more, or -errno; -ETIMEDOUT where the one deadline passed: 20 seconds, times PROCLAB_DEADLINE_SCALE
 * of the environment. A wait that is interrupted by a signal goes on. */
/* clang-format off */
#ifndef PROCLAB_SYNC_H
#define PROCLAB_SYNC_H

#include <signal.h>
#include <sys/types.h>

#include "proc/proc.h"

/* Puts the calling process in a known state, whatever it inherited (signal(7), "execve"): every signal at its default
 * and unblocked, none pending and no alarm set, SIGCHLD too, which would otherwise stay ignored through exec and let no
 * zombie appear; but SIGPIPE and SIGXFSZ ignored, so that a report into a closed pipe or a file at its limit is an error
 * with a name. A closed descriptor 0, 1 or 2 is taken by one that can neither be read nor written, so that no pipe of the
 * demo becomes its standard output; those above are closed. */
int sync_begin(void);

/* From now on there is no deadline: a human looks (--step). Inherited by fork. */
void sync_no_deadline(void);

/* For the child of a fork: die by SIGKILL when the parent dies (PR_SET_PDEATHSIG; proc(5) does not show it). Survives exec
 * of anything but a set-uid program, and ends when the child changes its user. parent is getpid() before the fork: a
 * parent that died before this call has left the child to another, which is -ESRCH: the child should _exit. */
int sync_die_with(pid_t parent);

/* A gate: one process waits at it until another opens it. One byte in a pipe is one passage, so it may be opened before
 * anyone waits. Of both ends each process keeps the one it uses: the first sync_gate_open closes the waiter's end and
 * the first sync_gate_pass the opener's, so that each side learns of the other's death. */
struct sync_gate {
    int wait_fd, open_fd;                /* -1: closed here */
};
int sync_gate_make(struct sync_gate *gate);
/* Lets one waiter through. -EPIPE: nobody is left who could wait. */
int sync_gate_open(struct sync_gate *gate);
/* Waits. -EPIPE: nobody is left who could open it. */
int sync_gate_pass(struct sync_gate *gate);
void sync_gate_close(struct sync_gate *gate);
#define cleanup_gate __attribute__((cleanup(sync_gate_close)))

/* Waits until a child of ours has exited or was killed, and leaves it a zombie (WNOWAIT). *how, if not NULL, is what
 * waitid(2) said of it. */
int sync_exited(pid_t child, siginfo_t *how);
/* The same for a child that must have done its part: -ECANCELED if it was killed, or exited with anything but 0. */
int sync_finished(pid_t child);
/* Waits until a child of ours is stopped (SIGSTOP), and leaves the news for a later wait. */
int sync_stopped(pid_t child, siginfo_t *how);
/* Waits until the process shows one of these states in /proc/PID/stat, "S" or "ZX"; *stat is the reading that showed it. */
int sync_state(pid_t pid, const char *states, struct proc_stat *stat);
/* Waits until a process is gone, waited for by whoever is its parent. stat_fd is its /proc/PID/stat, opened before. */
int sync_gone(int stat_fd);
/* Waits until the process sleeps in this system call (SYS_read, ...) according to /proc/PID/syscall; *call is the reading
 * that showed it. -ESRCH: it exited instead. Needs the right to trace it (-EACCES). */
int sync_blocked(pid_t pid, long nr, struct proc_syscall *call);

/* Waits until the process has been on a CPU for longer than run_ns in all, according to /proc/PID/schedstat; *now is the
 * reading that showed it. -ESRCH: it exited instead. The kernel counts at each tick and at each switch. */
int sync_ran(pid_t pid, int64_t run_ns, struct proc_schedstat *now);

/* For a child that is to meet a limit on processes: from here on the kernel counts its processes (RLIMIT_NPROC, "ulimit -u")
 * apart from everyone else's, and holds root to the limit, too. It becomes a user who has no other process where it may,
 * else it enters a user namespace, which counts anew. -EPERM or -ENOSPC: it may do neither. Call sync_die_with after it. */
int sync_count_alone(void);

/* For what outlives a process and the kernel does not clean up (a tracefs instance, a cgroup directory, a named
 * file): a process of its own that calls clean(arg) when the calling process is gone, killed by SIGKILL too, or says
 * that it is done. Start it before the thing is made, under a name that is decided already: then there is no moment
 * at which it could be left. It is in a session of its own and no child of ours, so no group kill, ^C or wait()
 * meets it; it holds no descriptor of ours. It keeps what our memory was when it started: start it early, while
 * there is one thread, and before pages are made whose faults or sharing are to be counted. A subreaper, or PID 1 of
 * a namespace, gets it as its child: become one afterwards. clean: quiet, and at ease with what is not there, what
 * is gone already, and what our children still keep busy. */
struct sync_guard {
    int fd;                              /* -1: none */
};
int sync_guard_start(struct sync_guard *guard, void (*clean)(const void *arg), const void *arg);
/* Tells it that we are done: it cleans up now, and ends. Does not wait for that. */
void sync_guard_end(struct sync_guard *guard);
#define cleanup_guard __attribute__((cleanup(sync_guard_end)))  /* start it as { -1 } */
/* Removes a directory as soon as nothing keeps it busy (EBUSY): a cgroup, until the last process in it has ended. */
int sync_rmdir(const char *path);

/* What a scope owns, ended with it. A child is killed and reaped, unless it was reaped already or may not be killed; start
 * each as -1. */
void sync_child_end(const pid_t *child);
void sync_fd_close(int *fd);
void sync_pipe_close(int (*pipe_fds)[2]);
#define cleanup_child __attribute__((cleanup(sync_child_end), unused))
#define cleanup_fd    __attribute__((cleanup(sync_fd_close)))
#define cleanup_pipe  __attribute__((cleanup(sync_pipe_close)))

#endif
