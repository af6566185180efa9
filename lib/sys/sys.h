/* sys.h - system calls that glibc 2.36 has no wrapper for, one function each, as bare as glibc's own would be:
 * -1 and errno on failure, nothing added. What the arguments mean is in the manual page of that name. */
#ifndef PROCLAB_SYS_H
#define PROCLAB_SYS_H

#include <linux/kcmp.h>
#include <linux/sched.h>
#include <stddef.h>
#include <sys/types.h>

/* kcmp(2): do two processes share one kernel object? type is KCMP_FILE, KCMP_VM, KCMP_FILES, ...; for KCMP_FILE a and b
 * are descriptors of pid1 and pid2. 0: the same; 1 or 2: different (an order without meaning); 3: not comparable.
 * Needs the right to trace both; ENOSYS where the kernel was built without it. */
int sys_kcmp(pid_t pid1, pid_t pid2, int type, unsigned long a, unsigned long b);

/* clone3(2): 0 in the child, its PID in the parent. Without CLONE_VM it is a fork; with it, args->stack must be set and
 * the child may not return from the function that called this. ENOSYS before Linux 5.3 and under some seccomp filters. */
pid_t sys_clone3(struct clone_args *args, size_t size);

#endif
