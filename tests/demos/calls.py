"""calls.py - what each system call may fail with on a machine in trouble, and what a message may call it.

The first errno is the likeliest one. A message may name a call as its program made it (fork for clone), the file of /proc
that could not be opened or read, or the gate whose poll, read, write or pipe failed.
"""

TABLE = """
clone vfork fork clone3                          | EAGAIN ENOMEM       | fork clone pthread_create
execve execveat                                  | ENOENT ENOMEM       | exec
wait4 waitid                                     | EINTR               | wait
kill tgkill pidfd_send_signal rt_sigqueueinfo    | EPERM               | kill signal sigqueue
pause rt_sigsuspend rt_sigtimedwait              | EINTR               | pause sigsuspend sigwait sigtimedwait
open openat openat2                              | EMFILE ENFILE EACCES | open read /proc
read pread64 readv preadv                        | EIO EINTR           | read /proc gate
write writev pwrite64                            | EIO ENOSPC EINTR    | write written output gate
getdents64                                       | ENOMEM              | readdir open read /proc
readlink readlinkat                              | EACCES              | readlink read /proc
stat lstat newfstatat statx                      | EACCES              | stat read /proc
access faccessat faccessat2                      | EACCES              | access
fstat                                            | EIO                 | stat read /proc
lseek                                            | ESPIPE              | seek
ioctl                                            | ENOTTY              | ioctl
fcntl                                            | EMFILE EINVAL       | fcntl
dup dup2 dup3                                    | EMFILE              | dup
pipe pipe2                                       | EMFILE ENFILE       | pipe gate
eventfd2 signalfd4 timerfd_create                | EMFILE              | eventfd signalfd timerfd
memfd_create                                     | EMFILE ENOMEM       | memfd_create
ftruncate fallocate                              | ENOSPC EINTR        | ftruncate fallocate
sendfile splice vmsplice tee copy_file_range     | ENOMEM EINTR        | sendfile splice tee copy_file_range
mmap mremap                                      | ENOMEM EAGAIN       | mmap mremap alloc ENOMEM thread
mlock mlock2                                     | ENOMEM EPERM        | mlock
mprotect madvise process_madvise                 | ENOMEM EINVAL       | mprotect madvise thread alloc
munlock msync mincore                            | ENOMEM              | munlock msync mincore
poll ppoll select pselect6                       | ENOMEM EINTR        | poll select gate
epoll_create1 epoll_ctl                          | ENOMEM              | epoll
epoll_wait epoll_pwait nanosleep clock_nanosleep | EINTR               | epoll nanosleep sleep
socket socketpair                                | EMFILE EACCES       | socket
bind listen                                      | EADDRINUSE          | bind listen
connect                                          | ECONNREFUSED EINTR  | connect
accept accept4                                   | EMFILE EINTR        | accept
sendto sendmsg                                   | ENOBUFS EINTR       | send
recvfrom recvmsg                                 | ENOMEM EINTR        | recv
setsockopt getsockopt                            | ENOBUFS             | sockopt
getsockname getpeername shutdown                 | ENOBUFS             | getsockname getpeername shutdown
shmget                                           | ENOSPC ENOMEM       | shmget
shmat                                            | ENOMEM              | shmat
shmctl msgctl semctl                             | EPERM               | shmctl msgctl semctl
msgget                                           | ENOSPC ENOMEM       | msgget
msgsnd                                           | EAGAIN EINTR        | msgsnd
msgrcv                                           | ENOMEM EINTR        | msgrcv
semget                                           | ENOSPC              | semget
semop semtimedop                                 | ENOMEM EINTR        | semop semtimedop
mq_open                                          | EMFILE ENOSPC       | mq_open
mq_unlink                                        | EACCES              | mq_unlink
mq_timedsend mq_timedreceive                     | EAGAIN EINTR        | mq_send mq_receive mq_timed
mq_notify mq_getsetattr                          | EBADF               | mq_notify mq_getattr mq_setattr
pidfd_open pidfd_getfd                           | EMFILE ENOSYS       | pidfd
prctl                                            | EPERM               | prctl
arch_prctl ptrace seccomp userfaultfd            | EPERM               | arch_prctl ptrace seccomp userfaultfd
personality                                      | EPERM               | personality
unshare setns                                    | EPERM ENOSPC        | unshare setns
setresuid setresgid setuid setgid                | EAGAIN EPERM        | setresuid setresgid setuid setgid cap_
setgroups capset sethostname                     | EPERM               | setgroups cap sethostname
setrlimit prlimit64                              | EPERM               | rlimit
setsid setpgid                                   | EPERM               | setsid setpgid
sched_setaffinity sched_setscheduler setpriority | EPERM               | affinity sched setpriority
kcmp process_vm_readv process_vm_writev          | EPERM ENOSYS        | kcmp process_vm
perf_event_open bpf                              | EACCES              | perf_event bpf
mount umount2 pivot_root chroot mount_setattr    | EPERM               | mount umount pivot_root chroot
mkdir mkdirat symlink symlinkat link linkat mknod mknodat | ENOSPC EACCES | mkdir link mknod
rmdir unlink unlinkat rename renameat2           | EACCES              | rmdir unlink rename
chdir fchdir                                     | EACCES              | chdir
chmod fchmod fchmodat                            | EPERM               | chmod
setitimer timer_create                           | EAGAIN              | setitimer timer
ioprio_set ioprio_get                            | EPERM               | ioprio
membarrier landlock_create_ruleset io_uring_setup | ENOSYS             | membarrier landlock io_uring
"""

PLAUSIBLE, NAMES = {}, {}
for row in TABLE.strip().splitlines():
    calls, errnos, names = (column.split() for column in row.split("|"))
    PLAUSIBLE.update(dict.fromkeys(calls, errnos))
    NAMES.update(dict.fromkeys(calls, names))

# Calls that cannot fail when they are used rightly, and four that strace would replace instead of failing: they would leak
# as no kernel does (close, munmap, shmdt), or fail otherwise than by an errno (brk).
NEVER_FAIL = set("""
    close munmap shmdt brk
    exit exit_group restart_syscall getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups capget
    getpgid getpgrp getsid getpriority getrlimit sched_getaffinity sched_getscheduler sched_yield getcpu getcwd umask
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending sigaltstack set_robust_list set_tid_address rseq futex getrandom
    uname sysinfo time times clock_gettime clock_getres gettimeofday getrusage alarm getitimer timer_settime timer_delete
    sync fadvise64 close_range
    """.split())
