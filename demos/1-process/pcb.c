/* pcb.c - what the kernel keeps of a process: all that it takes to stop it and to let it go on
 *
 *     pcb                   the whole lesson
 *     pcb PID               the control block of any process that you may look at ("pcb $$": of your shell)
 *     pcb --break counter   gives the paused process another program counter: it does not go on where it was
 *
 *     parent                              child
 *     fork() -------------------------->  waits at a gate
 *     reads its signal dispositions       opens files, changes what signals do, tells all of it
 *     lays it out from /proc              read(), with a value of ours in a register
 *     PTRACE_INTERRUPT, GETREGSET         stopped: the value is in its control block
 *     writes what the child reads ----->  computes
 *     SIGSTOP, GETREGSET twice            stopped: nothing moves
 *     PTRACE_SINGLESTEP                   one instruction
 *     SIGCONT ------------------------->  computes to the end: the result is right
 */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"
#include "sys/sys.h"

static const struct demo_claim claims[] = {
    { "process.program-run-twice", "A process is a running program: one file, run twice, is two processes." },
    { "process.address-space", "The PCB leads to the memory: code, heap, stack, mapped files." },
    { "process.program-counter", "It holds the program counter: where the process goes on." },
    { "process.registers", "It holds the CPU registers of a process that does not run." },
    { "process.open-files", "It refers to the open files, pipes and sockets." },
    { "process.pid", "A PID means one process, and no other." },
    { "process.credentials", "It holds the UID, the GID and the permissions." },
    { "process.signal-handlers", "It holds what each signal does." },
    { "process.pause-resume", "All it takes to pause a process and to resume it is stored." },
    { 0 },
};

/* What the child says of itself, in a page that both have. */
static struct told {
    const void *code, *heap, *stack, *mapped;
    int file, pipe, socket;
    char pipe_link[32], socket_link[32];
    uid_t uid[3];
    gid_t gid[3], groups[NGROUPS_MAX];
    int n_groups, no_new_privs;
    uint64_t cap[3];
    _Atomic unsigned long rounds; /* how far it has computed */
    _Atomic bool was_paused;
    uint32_t result;
} * told;

enum { OFFSET = 42 }; /* where the child is in its file */

/* The machine's part: which register is which, and a read() that waits with a value of ours in one of them. It is one that
 * a system call leaves alone. */
#define OURS 0x5ca1ab1e0ddba11L
#if defined __x86_64__ && defined __LP64__
#define KNOWN_MACHINE true
#define COUNTER(r) ((r)->rip)
#define REGISTER(r) ((r)->rbx)
#define REGISTER_NAME "rbx"
static void read_with_ours(int fd, char *byte)
{
    register long ours __asm__("rbx") = OURS;
    long result = SYS_read;
    __asm__ volatile("syscall" : "+a"(result) : "D"((long)fd), "S"(byte), "d"(1L), "r"(ours) : "rcx", "r11", "memory");
}
#elif defined __aarch64__
#define KNOWN_MACHINE true
#define COUNTER(r) ((r)->pc)
#define REGISTER(r) ((r)->regs[19])
#define REGISTER_NAME "x19"
static void read_with_ours(int fd, char *byte)
{
    register long ours __asm__("x19") = OURS, nr __asm__("x8") = SYS_read, length __asm__("x2") = 1;
    register long first __asm__("x0") = fd;
    register char *buffer __asm__("x1") = byte;
    __asm__ volatile("svc 0" : "+r"(first) : "r"(buffer), "r"(length), "r"(nr), "r"(ours) : "memory");
}
#else
#define KNOWN_MACHINE false
#define COUNTER(r) (*(unsigned long *)(r))
#define REGISTER(r) (*(unsigned long *)(r))
#define REGISTER_NAME "?"
static void read_with_ours(int fd, char *byte)
{
    (void)!read(fd, byte, 1);
}
#endif

/* ---- pcb PID: the control block of any process ---- */

enum { ROWS = 7, CELL = 2000, PF_KTHREAD = 0x00200000 /* include/linux/sched.h */ };

/* A process may end at any time, a reader may not look into everyone, and not everyone has memory of its own. */
static const char *why_not(pid_t pid, int error)
{
    struct proc_stat stat;
    if (error == -EACCES)
        return "not for you to see: its user or root may (ptrace(2), access modes)";
    if (error == -ENOTSUP)
        return "this kernel's /proc does not say";
    if (error == -EAGAIN)
        return "it calls exec more often than it can be read";
    int gone = proc_stat_read(pid, &stat);
    if (error == -ESRCH || gone == -ESRCH)
        demo_cannot("process %d has ended while we looked", pid);
    demo_need(gone, "read(/proc/%d/stat)", pid);
    if (error == -ENODATA)
        return stat.flags & PF_KTHREAD ? "none: a kernel thread, which has the kernel's only" : "none: it has exited";
    return strerrorname_np(-error);
}

static const char *name_of(const struct proc_map *map)
{
    const char *slash = map == NULL ? NULL : strrchr(map->path, '/');
    return map == NULL || *map->path == '\0' ? "memory without a name" : slash != NULL ? slash + 1 : map->path;
}

static void write_memory(pid_t pid, const struct proc_maps *maps, int error, char *cell)
{
    bool code = false, heap = false, stack = false, files = false;
    uintptr_t size = 0;
    for (size_t i = 0; i < maps->n; i++) {
        const struct proc_map *map = &maps->map[i];
        size += map->end - map->start;
        code = code || map->perms[2] == 'x';
        heap = heap || strcmp(map->path, "[heap]") == 0;
        stack = stack || strcmp(map->path, "[stack]") == 0;
        files = files || map->inode != 0;
    }
    char own[64];
    snprintf(own, sizeof own, "%zu KiB in %zu mappings", size / 1024, maps->n);
    snprintf(cell, CELL, "%s:%s%s%s%s", demo_mask(own, "SIZE in N mappings"), code ? " code" : "", heap ? " heap" : "",
             stack ? " stack" : "", files ? " files" : "");
    if (error < 0)
        snprintf(cell, CELL, "%s", why_not(pid, error));
}

/* What /proc shows of the registers: two of them, and the arguments of the call a process waits in. */
static void write_registers(pid_t pid, const struct proc_maps *maps, char *counter, char *registers)
{
    struct proc_syscall call;
    int rc = proc_syscall_read(pid, &call);
    char number[32];
    snprintf(number, sizeof number, "system call %lld", (long long)(rc < 0 ? 0 : call.nr));
    const char *in = rc == 0 && call.nr < 0 ? "no system call" : demo_mask(number, "system call N");
    const void *pc = (const void *)(uintptr_t)call.pc, *sp = (const void *)(uintptr_t)call.sp;
    if (rc < 0 || (!call.running && call.pc == 0)) {
        snprintf(counter, CELL, "%s", why_not(pid, rc < 0 ? rc : -ENODATA));
        snprintf(registers, CELL, "%s", counter);
    } else if (call.running) {
        snprintf(counter, CELL, "in the CPU: it runs just now");
        snprintf(registers, CELL, "in the CPU");
    } else {
        snprintf(counter, CELL, "%s, in %s", demo_address(pc), name_of(proc_maps_find(maps, pc)));
        snprintf(registers, CELL, "stack pointer %s; in %s", demo_address(sp), in);
    }
}

static void write_files(pid_t pid, char *cell)
{
    enum { SHOWN = 6 };
    int fds[SHOWN], n = proc_fd_list(pid, fds, SHOWN);
    char links[CELL] = "";
    if (n < 0) {
        snprintf(cell, CELL, "%s", why_not(pid, n));
        return;
    }
    int used = 0;
    for (int i = 0; i < n && i < SHOWN; i++) {
        char link[PATH_MAX];
        int rc = proc_fd_read(pid, fds[i], link, sizeof link);
        used += snprintf(links + used, CELL - (size_t)used, "%s %d %.80s", i > 0 ? ";" : ":", fds[i],
                         rc < 0 ? "closed meanwhile" : link);
    }
    if (n > SHOWN)
        snprintf(links + used, CELL - (size_t)used, "; ...");
    snprintf(cell, CELL, "%d open%s", n, demo_mask(links, ""));
}

static const char *names_of(uint64_t signals)
{
    return ~signals == 0 ? "all" : demo_signals(signals);
}

/* These are for everyone to see. */
static void write_status(const struct proc_status *status, char *pid, char *credentials, char *signals)
{
    char thread[48] = "", own[160];
    if (status->tgid != status->pid)
        snprintf(thread, sizeof thread, ", a thread of %s", demo_pid(status->tgid));
    snprintf(pid, CELL, "%s%s: %s, state %c, %lld thread%s, child of %s", demo_pid(status->pid), thread, status->name,
             status->state, (long long)status->threads, status->threads == 1 ? "" : "s", demo_pid(status->ppid));
    snprintf(own, sizeof own, "Uid %lld, Gid %lld, %zu groups, CapEff %llx", (long long)status->uid[1],
             (long long)status->gid[1], status->n_groups, (unsigned long long)status->cap_eff);
    snprintf(credentials, CELL, "%s", demo_mask(own, "Uid N, Gid N, N groups, CapEff MASK"));
    snprintf(signals, CELL, "caught %s; ignored %s; blocked %s; pending %s", names_of(status->sig_cgt),
             names_of(status->sig_ign), names_of(status->sig_blk), names_of(status->sig_pnd | status->shd_pnd));
}

/* In the order of the course's list. */
static void lay_out(pid_t pid)
{
    static const char *const columns[] = { "field", "value", "file", NULL };
    static char cell[ROWS][CELL];
    const char *const rows[] = { "address space", cell[0],     "maps",   "program counter", cell[1],
                                 "syscall",       "registers", cell[2],  "syscall",         "open files",
                                 cell[3],         "fd",        "PID",    cell[4],           "status",
                                 "credentials",   cell[5],     "status", "signal handlers", cell[6],
                                 "status" };
    cleanup_maps struct proc_maps maps = { 0 };
    struct proc_status status;
    int rc = proc_status_read(pid, &status);
    if (rc == -ESRCH)
        demo_cannot("there is no process %d", pid);
    if (rc == -EACCES || rc == -ENOTSUP)
        demo_cannot("process %d is hidden (hidepid of /proc): ask as its user or as root", pid);
    demo_need(rc, "read /proc/%d/status", pid);
    write_memory(pid, &maps, proc_maps_read(pid, &maps), cell[0]);
    write_registers(pid, &maps, cell[1], cell[2]);
    write_files(pid, cell[3]);
    write_status(&status, cell[4], cell[5], cell[6]);
    demo_table(pid, "/proc/PID", columns, rows, ROWS);
}

/* ---- the lesson ---- */

/* A process that runs the program "sleep". Returns when it does. */
static pid_t run_program(bool execute)
{
    int begun[2];
    char byte;
    if (pipe2(begun, O_CLOEXEC) < 0)
        demo_die("pipe2(O_CLOEXEC)");
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        if (execute) {
            execlp("sleep", "sleep", "1000", NULL);
            demo_die("execlp(\"sleep\")");
        }
        close(begun[1]);
        pause();
        _exit(0);
    }
    close(begun[1]);
    if (read(begun[0], &byte, 1) != 0) /* execve() closes the other end */
        demo_die("read(%d, the end of file)", begun[0]);
    close(begun[0]);
    return child;
}

/* The file of the program it runs. */
static struct stat program_of(pid_t pid)
{
    char path[32], link[PATH_MAX];
    struct stat file;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n < 0 || stat(path, &file) < 0)
        demo_die("readlink(\"%s\")", path);
    link[n] = '\0';
    demo_observe(pid, "/proc/PID/exe", demo_fact("link", demo_mask(link, "PROGRAM")));
    return file;
}

static void run_twice(pid_t first, pid_t second)
{
    struct stat one = program_of(first), other = program_of(second);
    bool one_file = one.st_dev == other.st_dev && one.st_ino == other.st_ino;
    int differ = sys_kcmp(first, second, KCMP_VM, 0, 0);
    if (differ < 0)
        demo_skip("process.program-run-twice", "kcmp(): %s; allow ptrace (seccomp, yama), or CONFIG_KCMP is needed",
                  strerrorname_np(errno));
    else
        demo_check("process.program-run-twice", one_file && differ > 0 && first != second,
                   "PIDs %s and %s, %s, %s address space%s", demo_pid(first), demo_pid(second),
                   one_file ? "one file" : "two files", differ ? "two" : "one", differ ? "s" : "");
}

/* Asks the kernel for a PID that is taken. It says EEXIST, or that we may not ask (0). */
static int ask_for(pid_t taken)
{
    struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&taken, .set_tid_size = 1 };
    pid_t child = sys_clone3(&args, sizeof args);
    if (child == 0)
        _exit(0);
    if (child < 0 && (errno == EPERM || errno == ENOSYS))
        return 0;
    if (child < 0 && errno != EEXIST)
        demo_die("clone3(set_tid)");
    demo_act(taken, "clone3() of a process that is to have the PID %s: %s", demo_pid(taken),
             child < 0 ? "EEXIST" : "works");
    return child < 0 ? EEXIST : -1;
}

static void one_pid(pid_t first, pid_t second)
{
    cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, first, 0);
    if (pidfd < 0) {
        demo_skip("process.pid", "pidfd_open(): %s; Linux 5.3 is needed, and a seccomp filter that allows it",
                  strerrorname_np(errno));
        return;
    }
    struct proc_fdinfo before, after;
    siginfo_t how, how_second;
    bool unique = ask_for(first) >= 0;
    demo_need(proc_fdinfo_read(getpid(), pidfd, &before), "read /proc/self/fdinfo/%d", pidfd);
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0)
        demo_die("pidfd_send_signal(%d, SIGTERM)", pidfd);
    demo_need(sync_exited(first, &how), "waitid(P_PID, %d)", first);
    if (waitpid(first, NULL, 0) < 0)
        demo_die("waitpid(%d)", first);
    int error = syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0 ? errno : 0;
    demo_need(proc_fdinfo_read(getpid(), pidfd, &after), "read /proc/self/fdinfo/%d", pidfd);
    if (kill(second, SIGKILL) < 0) /* had it got the SIGTERM, that would have killed it */
        demo_die("kill(%d, SIGKILL)", second);
    demo_need(sync_exited(second, &how_second), "waitid(P_PID, %d)", second);
    demo_check("process.pid",
               unique && before.pid == first && how.si_status == SIGTERM && error == ESRCH && after.pid == PROC_NONE &&
                   how_second.si_status == SIGKILL,
               "SIGTERM to the pidfd of %s ended %s; pidfd_send_signal() then: %s", demo_pid(first),
               how_second.si_status == SIGKILL ? "it alone" : "others, too", error ? strerrorname_np(error) : "works");
}

static void run_a_program_twice(void)
{
    cleanup_child pid_t first = run_program(true);
    cleanup_child pid_t second = run_program(!demo_without("exec"));
    demo_role(first, "first");
    demo_role(second, "second");
    run_twice(first, second);
    demo_look("ls -l /proc/%s/exe /proc/%s/exe", demo_pid(first), demo_pid(second));
    one_pid(first, second);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void change_signals(void)
{
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    if (!demo_without("handler") && sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL) < 0)
        demo_die("sigaction(SIGUSR1)");
    signal(SIGUSR2, SIG_IGN);
    sigprocmask(SIG_BLOCK, &term, NULL);
    if (raise(SIGTERM) != 0) /* stays pending, since it is blocked */
        demo_die("tgkill(SIGTERM), by raise()");
}

static void open_files(void)
{
    int pipefd[2], sockets[2];
    struct stat pipe_stat, socket_stat;
    told->file = memfd_create("notes", MFD_CLOEXEC);
    if (told->file < 0 || lseek(told->file, OFFSET, SEEK_SET) < 0)
        demo_die("memfd_create(\"notes\"), lseek(%d)", OFFSET);
    if (pipe(pipefd) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) < 0)
        demo_die("pipe(), socketpair(AF_UNIX)");
    if (fstat(pipefd[0], &pipe_stat) < 0 || fstat(sockets[0], &socket_stat) < 0)
        demo_die("fstat(%d), fstat(%d)", pipefd[0], sockets[0]);
    told->pipe = pipefd[0];
    told->socket = sockets[0];
    snprintf(told->pipe_link, sizeof told->pipe_link, "pipe:[%lu]", (unsigned long)pipe_stat.st_ino);
    snprintf(told->socket_link, sizeof told->socket_link, "socket:[%lu]", (unsigned long)socket_stat.st_ino);
    told->mapped = mmap(NULL, 1, PROT_READ, MAP_SHARED, told->file, 0);
    told->heap = sbrk(sizeof(long));
    if (told->mapped == MAP_FAILED || told->heap == (void *)-1)
        demo_die("mmap(%d), sbrk(%zu)", told->file, sizeof(long));
}

static void tell_credentials(void)
{
    cap_t caps = cap_get_proc();
    if (caps == NULL || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) /* now it differs from its parent */
        demo_die("cap_get_proc(), prctl(PR_SET_NO_NEW_PRIVS, 1)");
    for (int flag = CAP_EFFECTIVE; flag <= CAP_INHERITABLE; flag++)
        for (int bit = 0; bit < 64; bit++) {
            cap_flag_value_t value = CAP_CLEAR;
            cap_get_flag(caps, bit, (cap_flag_t)flag, &value);
            told->cap[flag] |= (uint64_t)(value == CAP_SET) << bit;
        }
    cap_free(caps);
    getresuid(&told->uid[0], &told->uid[1], &told->uid[2]);
    getresgid(&told->gid[0], &told->gid[1], &told->gid[2]);
    told->n_groups = getgroups(NGROUPS_MAX, told->groups);
    told->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static uint32_t hash(uint32_t value, unsigned long round)
{
    return (value ^ (uint32_t)round) * 16777619U; /* FNV-1a */
}

/* Until it was paused, and some rounds more. */
static void compute(struct sync_gate *begun)
{
    enum { FEW = 1000 };
    uint32_t value = 0;
    for (unsigned long round = 0, left = FEW; left > 0; left -= told->was_paused) {
        value = hash(value, round);
        told->rounds = ++round;
        if (round == FEW)
            sync_gate_open(begun);
    }
    told->result = value;
}

static void child_side(struct sync_gate *go, struct sync_gate *ready)
{
    char byte;
    demo_need(sync_gate_open(ready), "gate: let the parent look"); /* in fork() itself its signals may be blocked */
    demo_need(sync_gate_pass(go), "gate: wait for the parent to look");
    open_files();
    change_signals();
    tell_credentials();
    told->code = (const void *)(uintptr_t)compute;
    told->stack = __builtin_frame_address(0);
    demo_need(sync_gate_open(ready), "gate: let the parent look");
    read_with_ours(go->wait_fd, &byte);
    compute(ready);
    _exit(0);
}

/* Does the address lie in a mapping like this? */
static bool lies_in(const struct proc_maps *maps, const void *address, const char *perms, const char *path)
{
    const struct proc_map *map = proc_maps_find(maps, address);
    return map != NULL && strcmp(map->perms, perms) == 0 && strncmp(map->path, path, strlen(path)) == 0;
}

static void check_memory(pid_t child)
{
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_maps_read(child, &maps), "read /proc/%d/maps", child);
    bool code = lies_in(&maps, told->code, "r-xp", "/"), heap = lies_in(&maps, told->heap, "rw-p", "[heap]"),
         stack = lies_in(&maps, told->stack, "rw-p", "[stack]"),
         file = lies_in(&maps, told->mapped, "r--s", "/memfd:notes");
    demo_check("process.address-space", code && heap && stack && file, "code %s, heap %s, stack %s, file %s",
               code ? "r-xp" : "?", heap ? "rw-p" : "?", stack ? "rw-p" : "?", file ? "r--s" : "?");
}

static bool leads_to(pid_t child, int fd, const char *right)
{
    char link[64], name[12];
    snprintf(name, sizeof name, "%d", fd);
    demo_need(proc_fd_read(child, fd, link, sizeof link), "readlink(/proc/%d/fd/%d)", child, fd);
    demo_observe(child, "/proc/PID/fd", demo_fact_link(name, link));
    return strcmp(link, right) == 0;
}

static void check_files(pid_t child)
{
    struct proc_fdinfo info;
    demo_need(proc_fdinfo_read(child, told->file, &info), "read /proc/%d/fdinfo/%d", child, told->file);
    bool file = leads_to(child, told->file, "/memfd:notes (deleted)") && info.pos_bytes == OFFSET;
    bool pipe_end = leads_to(child, told->pipe, told->pipe_link);
    bool socket_end = leads_to(child, told->socket, told->socket_link);
    demo_check("process.open-files", file && pipe_end && socket_end, "a file at byte %lld, %s, %s",
               (long long)info.pos_bytes, pipe_end ? "the pipe" : "no pipe", socket_end ? "the socket" : "no socket");
}

static void check_credentials(const struct proc_status *status, pid_t child)
{
    bool ids = true, groups = status->n_groups == (size_t)told->n_groups;
    for (int i = 0; i < 3; i++)
        ids = ids && status->uid[i] == told->uid[i] && status->gid[i] == told->gid[i];
    for (int i = 0; groups && i < told->n_groups && i < PROC_GROUPS; i++)
        groups = status->groups[i] == told->groups[i];
    bool caps = status->cap_eff == told->cap[CAP_EFFECTIVE] && status->cap_prm == told->cap[CAP_PERMITTED] &&
                status->cap_inh == told->cap[CAP_INHERITABLE];
    demo_observe(child, "/proc/PID/status", demo_fact("NoNewPrivs", status->no_new_privs));
    demo_check("process.credentials", ids && groups && caps && told->no_new_privs == 1 && status->no_new_privs == 1,
               "as getresuid(), getgroups(), cap_get_proc() say in it");
}

static void observe_signals(pid_t child, struct proc_status *status)
{
    demo_need(proc_status_read(child, status), "read /proc/%d/status", child);
    char mask[4][20];
    const uint64_t sets[4] = { status->sig_cgt, status->sig_ign, status->sig_blk, status->sig_pnd };
    for (int i = 0; i < 4; i++)
        snprintf(mask[i], sizeof mask[i], "%016llx", (unsigned long long)sets[i]);
    demo_observe(child, "/proc/PID/status", demo_fact("SigCgt", (char *)mask[0]), demo_fact("SigIgn", (char *)mask[1]),
                 demo_fact("SigBlk", (char *)mask[2]), demo_fact("SigPnd", (char *)mask[3]));
}

static void check_signals(const struct proc_status *before, const struct proc_status *after)
{
    uint64_t usr1 = 1ULL << (SIGUSR1 - 1), usr2 = 1ULL << (SIGUSR2 - 1), term = 1ULL << (SIGTERM - 1);
    demo_check("process.signal-handlers",
               (before->sig_cgt ^ after->sig_cgt) == usr1 && (before->sig_ign ^ after->sig_ign) == usr2 &&
                   (before->sig_blk ^ after->sig_blk) == term && (before->sig_pnd ^ after->sig_pnd) == term,
               "new: caught %s, ignored %s, blocked %s, pending %s", demo_signals(before->sig_cgt ^ after->sig_cgt),
               demo_signals(before->sig_ign ^ after->sig_ign), demo_signals(before->sig_blk ^ after->sig_blk),
               demo_signals(before->sig_pnd ^ after->sig_pnd));
}

/* PTRACE_SEIZE does not stop it, and the kernel kills it should we die. */
static int seize(pid_t child)
{
    return ptrace(PTRACE_SEIZE, child, NULL, PTRACE_O_EXITKILL) < 0 ? -errno : 0;
}

static void wait_for_stop(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        demo_die("waitpid(%d) of a traced process", child);
}

static struct user_regs_struct registers_of(pid_t child)
{
    struct user_regs_struct regs;
    memset(&regs, 0, sizeof regs);
    if (ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &(struct iovec){ &regs, sizeof regs }) < 0)
        demo_die("ptrace(PTRACE_GETREGSET, %d, NT_PRSTATUS)", child);
    return regs;
}

static const char *permissions_at(pid_t child, uint64_t address)
{
    static char perms[5];
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_maps_read(child, &maps), "read /proc/%d/maps", child);
    const struct proc_map *map = proc_maps_find(&maps, (const void *)(uintptr_t)address);
    return strcpy(perms, map == NULL ? "none" : map->perms);
}

/* It waits in read(), with a value of ours in a register. Do ptrace and /proc say the same of its program counter? */
static bool stop_in_a_call(pid_t child)
{
    struct proc_syscall waits, stopped;
    demo_need(sync_blocked(child, SYS_read, &waits), "read /proc/%d/syscall", child);
    if (ptrace(PTRACE_INTERRUPT, child, NULL, NULL) < 0)
        demo_die("ptrace(PTRACE_INTERRUPT, %d)", child);
    wait_for_stop(child);
    struct user_regs_struct regs = registers_of(child);
    demo_need(proc_syscall_read(child, &stopped), "read /proc/%d/syscall",
              child); /* arm64 is ready to restart the call */
    char value[24];
    snprintf(value, sizeof value, "0x%llx", (unsigned long long)REGISTER(&regs));
    demo_observe(child, "PTRACE_GETREGSET", demo_fact("program counter", demo_address((void *)COUNTER(&regs))),
                 demo_fact(demo_mask(REGISTER_NAME, "a register"), (char *)value));
    demo_check("process.registers", REGISTER(&regs) == OURS, "%s, as the child left it", value);
    if (ptrace(PTRACE_DETACH, child, NULL, NULL) < 0)
        demo_die("ptrace(PTRACE_DETACH, %d)", child);
    return stopped.pc == COUNTER(&regs) && strcmp(permissions_at(child, waits.pc), "r-xp") == 0;
}

static uint32_t hash_of(unsigned long rounds)
{
    uint32_t value = 0;
    for (unsigned long round = 0; round < rounds; round++)
        value = hash(value, round);
    return value;
}

static void elsewhere(void)
{
    _exit(1);
}

/* One instruction of a process that is stopped, and the program counter before and after. */
static void step_once(pid_t child, bool same)
{
    struct user_regs_struct regs = registers_of(child);
    uint64_t before = COUNTER(&regs);
    if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) < 0)
        demo_die("ptrace(PTRACE_SINGLESTEP, %d)", child);
    wait_for_stop(child);
    regs = registers_of(child);
    uint64_t after = COUNTER(&regs);
    demo_observe(child, "PTRACE_GETREGSET", demo_fact("program counter", demo_address((void *)before)),
                 demo_fact("after one instruction", demo_address((void *)after)));
    const char *perms = permissions_at(child, after);
    demo_check("process.program-counter", same && before != after && strcmp(perms, "r-xp") == 0,
               "waiting: as /proc/PID/syscall has it; %s; in %s", before != after ? "one step moves it" : "it stays",
               perms);
}

/* Meanwhile another process uses the CPU and its registers: it computes as far as the paused one has come. */
static void let_another_compute(unsigned long rounds)
{
    pid_t parent = getpid(), other = fork();
    if (other < 0)
        demo_die("fork()");
    if (other == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        told->result = hash_of(rounds);
        _exit(0);
    }
    if (waitpid(other, NULL, 0) != other)
        demo_die("waitpid(%d)", other);
    demo_act(other, "another process has computed as much, from its beginning to its end");
}

static void pause_and_resume(pid_t child, bool same_counter)
{
    if (kill(child, SIGSTOP) < 0 || waitpid(child, NULL, WUNTRACED) != child)
        demo_die("kill(%d, SIGSTOP)", child);
    struct proc_stat stat;
    demo_need(proc_stat_read(child, &stat), "read /proc/%d/stat", child);
    demo_observe(child, "/proc/PID/stat", demo_fact("state", stat.state));
    demo_look("grep State /proc/%s/status; cat /proc/%s/syscall", demo_pid(child), demo_pid(child));
    demo_need(seize(child), "ptrace(PTRACE_SEIZE, %d)", child);
    wait_for_stop(child);
    unsigned long rounds = told->rounds;
    struct user_regs_struct first = registers_of(child);
    let_another_compute(rounds);
    struct user_regs_struct second = registers_of(child);
    bool still = memcmp(&first, &second, sizeof first) == 0 && told->rounds == rounds;

    told->was_paused = true;
    step_once(child, same_counter);
    if (demo_without("counter")) {
        COUNTER(&second) = (uintptr_t)elsewhere;
        if (ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &(struct iovec){ &second, sizeof second }) < 0)
            demo_die("ptrace(PTRACE_SETREGSET, %d, NT_PRSTATUS)", child);
    }
    if (ptrace(PTRACE_DETACH, child, NULL, NULL) < 0 || kill(child, SIGCONT) < 0)
        demo_die("ptrace(PTRACE_DETACH, %d), kill(SIGCONT)", child);
    siginfo_t how;
    demo_need(sync_exited(child, &how), "waitid(P_PID, %d)", child);
    bool right = how.si_code == CLD_EXITED && how.si_status == 0 && told->rounds > rounds &&
                 told->result == hash_of(told->rounds);
    demo_check("process.pause-resume", still && right, "read twice: %s; then it goes on, its result is %s",
               still ? "the same registers" : "changed", right ? "right" : "wrong");
}

static void trace(pid_t child, struct sync_gate *go, struct sync_gate *begun)
{
    int rc = KNOWN_MACHINE ? seize(child) : -ENOTSUP;
    if (rc < 0) {
        demo_skip_rest(
            "ptrace(PTRACE_SEIZE): %s; run it on x86-64 or arm64, under no tracer, and allow ptrace (seccomp, yama)",
            strerrorname_np(-rc));
        return;
    }
    demo_step("Stop it where it waits, and read its registers");
    bool same_counter = stop_in_a_call(child);
    demo_step("Let it compute, and pause it; read its registers twice, do one instruction; resume it");
    demo_need(sync_gate_open(go), "gate: let the child compute");
    demo_need(sync_gate_pass(begun), "gate: wait until it computes");
    pause_and_resume(child, same_counter);
}

static void lay_out_a_child(void)
{
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        demo_die("mmap(%zu)", sizeof *told);
    cleanup_gate struct sync_gate go, ready;
    demo_need(sync_gate_make(&go), "pipe2() of a gate");
    demo_need(sync_gate_make(&ready), "pipe2() of a gate");
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        child_side(&go, &ready);
    }
    demo_role(child, "child");
    struct proc_status before, after;
    demo_need(sync_gate_pass(&ready), "gate: wait for the child");
    observe_signals(child, &before);
    demo_need(sync_gate_open(&go), "gate: let the child change itself");
    demo_need(sync_gate_pass(&ready), "gate: wait for the child");
    observe_signals(child, &after);
    check_signals(&before, &after);

    demo_step("Lay out what the kernel keeps of it");
    demo_need(sync_state(child, "S", &(struct proc_stat){ 0 }), "read /proc/%d/stat", child);
    lay_out(child);
    check_memory(child);
    check_files(child);
    check_credentials(&after, child);
    demo_look("grep -E '^(Uid|Gid|Groups|Cap|Sig)' /proc/%s/status; ls -l /proc/%s/fd", demo_pid(child),
              demo_pid(child));
    trace(child, &go, &ready);
}

static void pcb(void)
{
    if (demo_arg_pid() != 0) {
        demo_step("What the kernel keeps of process %d", demo_arg_pid());
        lay_out(demo_arg_pid());
        return;
    }
    demo_step("Run one program twice: sleep 1000");
    run_a_program_twice();
    demo_step("Fork a child, and let it change what signals do");
    lay_out_a_child();
}

static const char why[] =
    "What the text calls the process control block is struct task_struct in\n"
    "include/linux/sched.h, and the structures it points to: mm_struct (the address\n"
    "space), files_struct (the descriptors), cred (user, groups, capabilities),\n"
    "signal_struct and sighand_struct (what happens on a signal), pid. /proc shows\n"
    "them, a file for each; proc(5) says which field is which.\n"
    "\n"
    "The program counter and the registers of a process that does not run lie on its\n"
    "kernel stack (struct pt_regs): they were put there when it entered the kernel.\n"
    "ptrace(2) hands them to a tracer: PTRACE_GETREGSET reads them, and one\n"
    "PTRACE_SINGLESTEP lets one instruction run. That is all there is to \"pause and\n"
    "resume\": a stopped process is not on any run queue, and nothing of it changes\n"
    "until SIGCONT or the tracer puts it back.\n"
    "\n"
    "The evidence: each field is read from outside and compared with what the\n"
    "process says of itself (getresuid, getgroups, libcap), or with what it was made\n"
    "to do: a value in a register, a handler, a blocked signal. Two runs of one file\n"
    "have the same inode in /proc/PID/exe, two PIDs and, says kcmp(2), two address\n"
    "spaces.\n"
    "\n"
    "Where the text simplifies: Linux has one such block for each thread, and\n"
    "threads share most of what it points to (the demos thread and clone).\n";

static const struct demo_break breaks[] = {
    { "counter", "process.pause-resume", "gives the paused process another program counter" },
    { "exec", "process.program-run-twice", "runs no program in the second process" },
    { "handler", "process.signal-handlers", "installs no handler" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "process.pid",
        .ask = "A pidfd means a process that is gone; its PID might be taken anew. A signal to it?",
        .choices = { "goes to the new process", "fails with ESRCH", "is kept" },
        .right = 1,
        .because =
            "A pidfd refers to the process itself (struct pid), a PID is only its number for as long as it lives.",
    },
    {
        .step = 5,
        .claim = "process.pause-resume",
        .ask = "A process computes, is stopped in the middle, and continued. Its result?",
        .choices = { "wrong: the registers were used by others", "it begins again", "right" },
        .right = 2,
        .because =
            "Nothing is lost with the CPU: the registers lie in struct pt_regs on its kernel stack, those of the "
            "FPU with its task_struct, and are loaded again.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "pcb",
    .title = "what the kernel keeps of a process, to stop it and to let it go on",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = pcb,
    .takes_pid = true,
    .why = why,
    .next = "address-space",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
