/* sys.c - system calls that glibc 2.36 has no wrapper for. */
#include "sys/sys.h"

#include <sys/syscall.h>
#include <unistd.h>

int sys_kcmp(pid_t pid1, pid_t pid2, int type, unsigned long a, unsigned long b)
{
    return (int)syscall(SYS_kcmp, pid1, pid2, type, a, b);
}

pid_t sys_clone3(struct clone_args *args, size_t size)
{
    return (pid_t)syscall(SYS_clone3, args, size);
}
