/* container.c - a process in namespaces of its own, with limits, on the host's kernel
 *
 *     container                       the lesson: each namespace from inside and from outside
 *     container -- sh                 a shell in a container: its output goes to standard error, its exit status is ours
 *     container --pids 8 -- make -j   with 8 processes at most
 *     container --break net           leaves CLONE_NEWNET out
 *
 *     parent, on the host                           PID 1 of the container
 *     clone(CLONE_NEWUSER | CLONE_NEWPID ...) --->  waits
 *     /proc/PID/uid_map, cgroup.procs, pids.max --> is root inside, and ordinary outside
 *                                                   mount(), pivot_root(), sethostname(); gives rights up
 *     looks at it in /proc  <---------------------  is ready
 *     waitpid()  -------------------------------->  forks up to the limit; or runs the command, and reaps what it leaves
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "cgroup/cgroup.h"
#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"

/* clang-format off */
static const struct demo_claim claims[] = {
    { "container.user-namespace", "Inside it is root, outside an ordinary user." },
    { "container.pid-namespace", "Inside it is PID 1, outside an ordinary PID." },
    { "container.mount-namespace", "It has a root and mounts of its own." },
    { "container.uts-namespace", "It has a host name of its own." },
    { "container.ipc-namespace", "It has IPC objects of its own." },
    { "container.network-namespace", "It has network interfaces and ports of its own." },
    { "container.capabilities-dropped", "Its root has only the capabilities left to it." },
    { "container.cgroup-limits", "A cgroup limits what it may use." },
    { "container.same-kernel", "It runs in the host's kernel: there is no other OS." },
    { 0 },
};

enum { USER, PID, MNT, UTS, IPC, NET, SPACES };
#define SPACE(name, flag) { name, #flag, flag, 0 }
static struct space { const char *name, *flag_name; int flag, error; } spaces[SPACES] = { /* error: why there is none here */
    SPACE("user", CLONE_NEWUSER), SPACE("pid", CLONE_NEWPID), SPACE("mnt", CLONE_NEWNS),
    SPACE("uts", CLONE_NEWUTS), SPACE("ipc", CLONE_NEWIPC), SPACE("net", CLONE_NEWNET),
};

/* The host's files that a shell needs; each is shown under its own name, links as links, and what is not there is not. */
static const char *const files[] = { "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/etc/alternatives",
                                     "/etc/group", "/etc/ld.so.cache", "/etc/passwd", NULL };
static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
                                       "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", NULL };
/* What root may still do, among its own files and processes. */
static const cap_value_t kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE };
/* clang-format on */

enum part { NONE, IDS, ROOT, NAME, RIGHTS, GROUP, PARTS };
enum { LINE = 80, SEGMENT = 4711 };

/* What both sides know, in memory that they share. */
struct shared {
    struct refusal {
        int error;
        const char *call;
    } refused[PARTS]; /* the first call of each part that failed: the claim is skipped */
    uid_t outside_uid;
    pid_t pid;
    uid_t uid;
    int segment, bound, entered, chrooted, chrooted_later, forked, fork_error; /* an ID or a number, else an errno */
    char name[LINE], release[LINE], boot_id[LINE], interfaces[LINE];
};

static struct shared *shared;

static bool was_root;
static int host_uts;
static struct sockaddr_in port = { .sin_family = AF_INET };
static struct sync_gate to_parent, to_container;
static int given[3], command_status; /* the descriptors that a command gets */

static int refuse(enum part part, const char *call)
{
    struct refusal *refusal = &shared->refused[part];
    if (refusal->error == 0)
        *refusal = (struct refusal){ errno, call }; /* the text is at one address in both: the child is a fork */
    return -1;
}
#define TRY(part, call) \
    do { \
        if ((call) < 0) \
            return refuse(part, #call); \
    } while (0)

static bool made(int space)
{
    return spaces[space].error == 0;
}

static int put(const char *path, const char *text)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* The first line of a small file. */
static int get(const char *path, char line[LINE])
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : TEMP_FAILURE_RETRY(read(fd, line, LINE - 1));
    line[n < 0 ? 0 : n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return n < 0 ? -errno : 0;
}

/* Inside: what makes it a container. */

static int become(uid_t id)
{
    if (was_root) /* others may not leave a group, since it may keep them from a file */
        TRY(IDS, setgroups(0, NULL));
    TRY(IDS, setresgid(id, id, id));
    TRY(IDS, setresuid(id, id, id));
    return 0;
}

/* Under the same name in the new root, where we are. */
static int show(const char *const *paths)
{
    for (; *paths != NULL; paths++) {
        const char *path = *paths, *name = path + 1;
        char link[256] = "";
        struct stat file = { 0 };
        if (lstat(path, &file) < 0 && errno == ENOENT)
            continue;
        if (S_ISLNK(file.st_mode)) {
            TRY(ROOT, readlink(path, link, sizeof link - 1));
            TRY(ROOT, symlink(link, name));
            continue;
        }
        TRY(ROOT, S_ISDIR(file.st_mode) ? mkdir(name, 0755) : mknod(name, S_IFREG | 0644, 0));
        TRY(ROOT, mount(path, name, NULL, MS_BIND | MS_REC, NULL));
    }
    return 0;
}

static int own_root(void)
{
    struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
    const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    TRY(ROOT, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)); /* no mount of ours is copied to the host */
    TRY(ROOT, mount("container", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m"));
    TRY(ROOT, chdir("/tmp"));
    TRY(ROOT, mkdir("etc", 0755) | mkdir("dev", 0755) | mkdir("proc", 0755) | mkdir("tmp", 0755));
    if (show(files) < 0)
        return -1;
    TRY(ROOT, mount_setattr(AT_FDCWD, ".", AT_RECURSIVE, &read_only, sizeof read_only));
    TRY(ROOT, mount("proc", "proc", "proc", safe, NULL));
    TRY(ROOT, mount("tmp", "tmp", "tmpfs", safe, "mode=1777,size=64m"));
    TRY(ROOT, mount("dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=1m"));
    if (show(devices) < 0)
        return -1;
    TRY(ROOT, syscall(SYS_pivot_root, ".", ".")); /* the old root is now mounted on top of the new one */
    TRY(ROOT, umount2(".", MNT_DETACH));
    TRY(ROOT, chdir("/"));
    return 0;
}

/* Calls that reach what no namespace hides: TIOCSTI types into the terminal, and keyrings are the user's. */
static int filter_calls(void)
{
#ifdef __x86_64__
    enum { NATIVE = AUDIT_ARCH_X86_64 };
#elif defined __aarch64__
    enum { NATIVE = AUDIT_ARCH_AARCH64 };
#else
#error "which AUDIT_ARCH_ of linux/audit.h is this machine's?"
#endif
    enum { X32 = 0x40000000, ALLOW = 11, DENY = 12 };
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define DENY_IF(line, test, value) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, DENY - (line)-1, 0)
#define GO_ON_IF(line, value, other) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (other) - (line)-1)
    /* clang-format off */
    struct sock_filter code[] = {
        /* 0 */ LOAD(arch), GO_ON_IF(1, NATIVE, DENY), /* a 32-bit program has other numbers for the same calls */
        /* 2 */ LOAD(nr), DENY_IF(3, BPF_JGE, X32), DENY_IF(4, BPF_JEQ, SYS_add_key),
        /* 5 */ DENY_IF(5, BPF_JEQ, SYS_keyctl), DENY_IF(6, BPF_JEQ, SYS_request_key), GO_ON_IF(7, SYS_ioctl, ALLOW),
        /* 8 */ LOAD(args[1]), DENY_IF(9, BPF_JEQ, TIOCSTI), DENY_IF(10, BPF_JEQ, TIOCLINUX),
        /* 11 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    /* clang-format on */
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){ sizeof code / sizeof *code, code });
}

static int drop_capabilities(void)
{
    cap_t had = cap_get_proc(), left = cap_init();
    cap_flag_value_t is_ours;
    bool keep[64] = { false };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        keep[kept[i]] = true;
    for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
        if (!keep[cap])
            TRY(RIGHTS, cap_drop_bound(cap)); /* no execve() gives it back */
        TRY(RIGHTS, cap_get_flag(had, cap, CAP_PERMITTED, &is_ours));
        for (cap_flag_t flag = CAP_EFFECTIVE; keep[cap] && flag <= CAP_PERMITTED; flag++)
            TRY(RIGHTS, cap_set_flag(left, flag, 1, &cap, is_ours));
    }
    TRY(RIGHTS, cap_set_proc(left));
    cap_free(had);
    cap_free(left);
    return 0;
}

static int give_rights_up(void)
{
    if (made(USER)) /* a user namespace in this one would give all capabilities again */
        TRY(RIGHTS, put("/proc/sys/user/max_user_namespaces", "0"));
    shared->chrooted = chroot("/") < 0 ? errno : 0;
    if (!demo_without("capabilities") && drop_capabilities() < 0)
        return -1;
    shared->chrooted_later = chroot("/") < 0 ? errno : 0;
    TRY(RIGHTS, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    TRY(RIGHTS, filter_calls());
    return 0;
}

/* A folder of the host as standard input would be a way out of the new root; an O_PATH one stands for a closed descriptor. */
static void no_descriptor_of_the_host(void)
{
    struct stat file;
    if (dup2(given[0], 0) < 0 || dup2(given[2], 2) < 0 || dup2(2, 1) < 0)
        demo_die("dup2()");
    closefrom(3);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        if (fstat(fd, &file) < 0 || S_ISDIR(file.st_mode) || (fcntl(fd, F_GETFL) & O_PATH) != 0)
            if (dup2(null, fd) < 0)
                demo_die("open(\"/dev/null\"), dup2(%d, %d)", null, fd);
}

/* PID 1 has two duties: it waits for the command, and for every orphan. When it ends, the kernel kills what is left. */
static _Noreturn void run(char **words)
{
    char term[64];
    int status = 0;
    snprintf(term, sizeof term, "TERM=%s", getenv("TERM") != NULL ? getenv("TERM") : "dumb");
    environ =
        (char *[]){ "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", term, NULL };
    no_descriptor_of_the_host();
    if (prctl(PR_SET_DUMPABLE, 0) < 0) /* PID 1 is a copy of the demo: nobody inside may trace it */
        demo_die("prctl(PR_SET_DUMPABLE)");
    pid_t command = fork(), pid;
    if (command == 0) {
        signal(SIGPIPE, SIG_DFL);
        signal(SIGXFSZ, SIG_DFL);
        execvp(words[0], words);
    }
    if (command <= 0)
        demo_die("fork(), execvp(\"%s\")", words[0]);
    while ((pid = waitpid(-1, &status, WUNTRACED)) != command || WIFSTOPPED(status)) {
        if (pid < 0 && errno != EINTR)
            demo_die("waitpid(-1)");
        if (pid == command && (WSTOPSIG(status) == SIGTSTP || WSTOPSIG(status) == SIGSTOP))
            kill(-1, SIGCONT); /* stopped by ^Z, with no shell that could say fg */
    }
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* A parent that is gone ends it. */
static void wait_for_parent(void)
{
    int rc = sync_gate_pass(&to_container);
    if (rc == -EPIPE)
        _exit(0);
    demo_need(rc, "poll(), read() at a gate: wait for the parent");
}

static void tell_parent(void)
{
    int rc = sync_gate_open(&to_parent);
    if (rc == -EPIPE)
        _exit(0);
    demo_need(rc, "write() to a gate: tell the parent");
}

/* Inside, for the lesson: what the parent compares with what it sees. */

static void interfaces(char names[LINE])
{
    struct if_nameindex *list = if_nameindex();
    if (list == NULL)
        demo_die("if_nameindex(): socket(), bind(), getsockname(), sendto(), recvmsg()");
    *names = '\0';
    for (size_t i = 0, used = 0; list[i].if_name != NULL && used < LINE; i++)
        used += (size_t)snprintf(names + used, LINE - used, "%s%s", used > 0 ? " " : "", list[i].if_name);
    if_freenameindex(list);
}

static int bind_error(void)
{
    cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 || bind(fd, (struct sockaddr *)&port, sizeof port) < 0 ? errno : 0;
}

static void look_around(void)
{
    struct utsname machine;
    uname(&machine);
    snprintf(shared->name, LINE, "%s", machine.nodename);
    snprintf(shared->release, LINE, "%s", machine.release);
    shared->pid = getpid();
    shared->uid = getuid();
    shared->bound = bind_error();
    interfaces(shared->interfaces);
    demo_need(get("/proc/sys/kernel/random/boot_id", shared->boot_id), "open(), read() of boot_id");
    if (made(USER)) /* root with all capabilities, but in namespaces of its own */
        shared->entered = setns(host_uts, CLONE_NEWUTS) < 0 ? errno : 0;
    if ((shared->segment = shmget(IPC_PRIVATE, SEGMENT, IPC_CREAT | 0644)) < 0)
        demo_die("shmget(%d)", SEGMENT);
    if (shmat(shared->segment, NULL, 0) == (void *)-1 || shmctl(shared->segment, IPC_RMID, NULL) < 0)
        demo_die("shmat(), shmctl(%d, IPC_RMID)", shared->segment);
}

static void fork_to_the_limit(void)
{
    pid_t pid = 0;
    while (shared->forked < 2 * demo_option("pids") && (pid = fork()) > 0)
        shared->forked++;
    if (pid == 0)
        _exit(0); /* a zombie counts, and does nothing else */
    shared->fork_error = pid < 0 ? errno : 0;
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}

static _Noreturn void pid_1(char **words)
{
    const rlim_t most = (rlim_t)demo_option("pids");
    umask(022);
    wait_for_parent();
    if (made(USER))
        become(0);
    if (made(MNT))
        own_root();
    if (made(UTS) && sethostname("container", strlen("container")) < 0)
        refuse(NAME, "sethostname()");
    if (*words == NULL)
        look_around();
    give_rights_up();
    if (!made(USER) && was_root)
        become(shared->outside_uid);
    if (shared->refused[GROUP].error != 0 && setrlimit(RLIMIT_NPROC, &(struct rlimit){ most, most }) < 0)
        demo_die("setrlimit(RLIMIT_NPROC, %ld)", (long)most);
    /* 0 would still run the host's program for cores, core(5); EPERM: it is 0, and may not be raised. */
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 1, 1 }) < 0 && errno != EPERM)
        demo_die("setrlimit(RLIMIT_CORE, 1)");
    /* Not before: a change of the user clears it. And since getppid() is 0 here, whether the parent lives or not: we say that
     * it is armed, and go on when the parent has heard it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        demo_die("prctl(PR_SET_PDEATHSIG, SIGKILL)");
    tell_parent();
    wait_for_parent();
    if (*words != NULL)
        run(words);
    fork_to_the_limit();
    tell_parent();
    wait_for_parent();
    _exit(0);
}

/* Outside: what only the host can do for it. */

/* A throw-away child tries each namespace, with those that could be made before it. Returns their flags. */
static int try_spaces(void)
{
    int flags = 0;
    for (struct space *space = spaces; space < spaces + SPACES; space++) {
        if (demo_without(space->name))
            continue;
        pid_t child = (pid_t)syscall(SYS_clone, flags | space->flag | SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0)
            _exit(0);
        if (child < 0 && (errno == EAGAIN || errno == ENOMEM))
            demo_die("clone(%s)", space->flag_name);
        space->error = child < 0 ? errno : 0;
        if (child > 0 && TEMP_FAILURE_RETRY(waitpid(child, NULL, 0)) < 0)
            demo_die("waitpid(%d)", child);
        flags |= child > 0 ? space->flag : 0;
    }
    return flags;
}

static bool is_set(const char *path, const char *value)
{
    char line[LINE];
    return get(path, line) == 0 && strcmp(line, value) == 0;
}

static const char *remedy(int error)
{
    if (error == ENOSPC || error == EUSERS)
        return "raise user.max_user_namespaces and its like (sysctl)";
    if (error == ENOSYS || error == EINVAL)
        return "it needs another kernel";
    if (!was_root && is_set("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
        return "set kernel.apparmor_restrict_unprivileged_userns=0, or run it as root";
    if (!was_root && is_set("/proc/sys/kernel/unprivileged_userns_clone", "0"))
        return "set kernel.unprivileged_userns_clone=1, or run it as root";
    return "run it where no seccomp profile forbids it (Docker: --security-opt seccomp=unconfined)";
}

/* Can this namespace not be made, or was this part refused? Then why has the reason. */
static bool is_refused(int space, enum part part, char why[256])
{
    const struct refusal *refusal = &shared->refused[part];
    if (space < SPACES && !made(space)) {
        int error = spaces[space].error,
            first = was_root || made(USER) ? error : spaces[USER].error; /* for want of it */
        snprintf(why, 256, "clone(%s): %s; %s", spaces[space].flag_name, strerrorname_np(error), remedy(first));
        return true;
    }
    if (refusal->error != 0)
        snprintf(why, 256, "%s: %s; %s", refusal->call, strerrorname_np(refusal->error), remedy(refusal->error));
    return refusal->error != 0;
}

static bool skipped(const char *claim, int space, enum part part)
{
    char why_not[256];
    bool is = is_refused(space, part, why_not);
    if (is)
        demo_skip(claim, "%s", why_not);
    return is;
}

/* Root of the container is an ordinary user outside: of root's container one whom nobody else is, where we know such a user. */
static void map_ids(pid_t child)
{
    unsigned fresh = 0x40000000 + (unsigned)getpid(), uid = was_root ? fresh : geteuid(),
             gid = was_root ? fresh : getegid();
    char path[3][64], line[32];
    const char *const names[] = { "setgroups", "uid_map", "gid_map" };
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "/proc/%d/%s", child, names[i]);
    snprintf(line, sizeof line, "0 %u 1", uid);
    if (made(USER) && ((!was_root && put(path[0], "deny") < 0) || put(path[1], line) < 0)) {
        uid = geteuid(), gid = getegid(); /* root of a user namespace: it may have no other user */
        snprintf(line, sizeof line, "0 %u 1", uid);
        if (put(path[1], line) < 0)
            refuse(IDS, "write(uid_map)");
    }
    snprintf(line, sizeof line, "0 %u 1", gid);
    if (made(USER) && put(path[2], line) < 0)
        refuse(IDS, "write(gid_map)");
    shared->outside_uid = uid;
}

/* A command gets all of it, or is not run. */
static void need_everything(void)
{
    char why_not[256];
    for (int i = 0; i < SPACES; i++)
        for (int part = NONE; part < GROUP; part++)
            if (is_refused(i == USER && was_root ? SPACES : i, (enum part)part, why_not))
                demo_cannot("%s", why_not);
    if (shared->outside_uid == 0)
        demo_cannot("it would be root outside, too; run it as an ordinary user");
}

/* What is a file of the host is copied through a pipe: by its name in /proc/self/fd those inside could open it once more, in
 * another mode. Returns who copies, or -1. */
static pid_t relay(int fd)
{
    struct stat file;
    int ends[2], its = fd == STDIN_FILENO ? 0 : 1;
    pid_t parent = getpid(), child;
    given[fd] = fd;
    if (fstat(fd, &file) < 0 || !S_ISREG(file.st_mode))
        return -1;
    if (pipe2(ends, O_CLOEXEC) < 0 || (child = fork()) < 0)
        demo_die("pipe2(), fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        signal(SIGPIPE, SIG_DFL);
        if (dup2(fd, STDOUT_FILENO) >= 0 && dup2(ends[1 - its], 1 - its) >= 0)
            execlp("cat", "cat", NULL);
        demo_die("dup2(), execlp(\"cat\")");
    }
    given[fd] = ends[its];
    close(ends[1 - its]);
    return child;
}

static void close_given(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (given[fd] > 2)
            close(given[fd]);
}

/* The container is a process group, so that kill(0, ...) in it reaches nobody outside, and what a shell would call a job: ^C is
 * for it, and for those inside. */
static void attend(pid_t child, char **words, pid_t output)
{
    int status, terminal = isatty(STDIN_FILENO) ? STDIN_FILENO : STDERR_FILENO;
    bool foreground = tcgetpgrp(terminal) == getpgrp();
    need_everything();
    if (setpgid(child, child) < 0 || (foreground && tcsetpgrp(terminal, child) < 0))
        demo_die("setpgid(%d, 0), tcsetpgrp(%d)", child, terminal);
    demo_act(child, "PID 1 in there runs %s", words[0]);
    demo_need(sync_gate_open(&to_container), "write() to a gate: let it run");
    close_given();
    if (TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) < 0 ||
        (output > 0 && TEMP_FAILURE_RETRY(waitpid(output, NULL, 0)) < 0)) /* it has copied all, then */
        demo_die("waitpid(%d), waitpid(%d)", child, output);
    signal(SIGTTOU, SIG_IGN); /* which stops a process of the background that takes the terminal */
    if (foreground && tcsetpgrp(terminal, getpgrp()) < 0)
        demo_die("tcsetpgrp(%d)", terminal);
    signal(SIGTTOU, SIG_DFL);
    command_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    demo_act(child, "its exit status: %d", command_status);
}

static void prepare(struct cgroup *group)
{
    char most[16];
    snprintf(most, sizeof most, "%ld", demo_option("pids"));
    int rc = cgroup_make(group, "pids", "proclab-container");
    if (rc == 0)
        rc = cgroup_write(group, "pids.max", demo_without("limit") ? "max" : most);
    errno = -rc;
    if (rc < 0)
        refuse(GROUP, "open(), mkdir(), write() of a cgroup");
    demo_need(sync_gate_make(&to_parent), "pipe2() of a gate");
    demo_need(sync_gate_make(&to_container), "pipe2() of a gate");
    host_uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    if (host_uts < 0)
        demo_die("open(\"/proc/self/ns/uts\")");
}

/* The lesson. */

static void show_spaces(pid_t child)
{
    static const char *const columns[] = { "namespace", "outside", "inside", NULL };
    const char *rows[3 * SPACES];
    char links[SPACES][2][40];
    for (int i = 0; i < SPACES; i++) {
        char link[16];
        snprintf(link, sizeof link, "ns/%s", spaces[i].name);
        demo_need(proc_link_read(getpid(), link, links[i][0], 40), "readlink(/proc/self/%s)", link);
        demo_need(proc_link_read(child, link, links[i][1], 40), "readlink(/proc/%d/%s)", child, link);
        rows[3 * i] = spaces[i].name;
        rows[3 * i + 1] = demo_mask(links[i][0], "the host's");
        rows[3 * i + 2] = demo_mask(links[i][1], strcmp(links[i][0], links[i][1]) == 0 ? "the host's" : "its own");
    }
    demo_table(child, "/proc/PID/ns", columns, rows, SPACES);
    demo_look("ls -l /proc/%s/ns /proc/%s/ns", demo_pid(getpid()), demo_pid(child));
}

static void show_ids(pid_t child)
{
    struct proc_status status;
    char path[32], map[LINE], uid[16];
    demo_need(proc_status_read(child, &status), "read /proc/%d/status", child);
    snprintf(path, sizeof path, "/proc/%d/uid_map", child);
    demo_need(get(path, map), "open(), read() of %s", path);
    snprintf(uid, sizeof uid, "%u", (unsigned)status.uid[0]);
    pid_t last = status.nspid[status.n_nspid > 0 ? status.n_nspid - 1 : 0];
    demo_act(child, "inside: getuid() = %u, getpid() = %d", shared->uid, shared->pid);
    demo_observe(child, "/proc/PID/status", demo_fact("Uid", demo_mask(uid, "UID")), demo_fact_pid("Pid", status.pid),
                 demo_fact("last NSpid", last));
    demo_look("grep -E '^(Uid|NSpid)' /proc/%s/status; cat /proc/%s/uid_map", demo_pid(child), demo_pid(child));
    if (shared->outside_uid == 0 && made(USER))
        demo_skip("container.user-namespace",
                  "we are root, and have no other user; run it outside of a user namespace");
    else if (!skipped("container.user-namespace", USER, IDS))
        demo_check("container.user-namespace",
                   shared->uid == 0 && strtoul(map, NULL, 10) == 0 && status.uid[0] == shared->outside_uid &&
                       shared->entered == EPERM,
                   "uid 0 is %s outside; setns() to the host's UTS: %s", demo_mask(uid, "UID"),
                   shared->entered ? strerrorname_np(shared->entered) : "works");
    if (!skipped("container.pid-namespace", PID, NONE))
        demo_check("container.pid-namespace",
                   shared->pid == 1 && status.n_nspid > 1 && last == 1 && status.pid == child,
                   "NSpid: %s outside, %d inside", demo_pid(child), last);
}

/* The device number of its root; is it mounted on the host, too? */
static bool is_mounted_here(dev_t device)
{
    unsigned major_number, minor_number;
    bool found = false;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (mounts == NULL)
        demo_die("fopen(\"/proc/self/mountinfo\")");
    while (fscanf(mounts, "%*d %*d %u:%u%*[^\n]", &major_number, &minor_number) == 2)
        found = found || makedev(major_number, minor_number) == device;
    fclose(mounts);
    return found;
}

static void show_root(pid_t child)
{
    struct stat ours, its;
    char path[32];
    if (skipped("container.mount-namespace", MNT, ROOT))
        return;
    snprintf(path, sizeof path, "/proc/%d/root/", child); /* leads to the root that it has */
    if (stat("/", &ours) < 0 || stat(path, &its) < 0)
        demo_die("stat(\"/\"), stat(\"%s\")", path);
    bool here = is_mounted_here(its.st_dev);
    demo_look("ls /proc/%s/root/; cat /proc/%s/mountinfo", demo_pid(child), demo_pid(child));
    demo_check("container.mount-namespace", its.st_dev != ours.st_dev && !here,
               "its root is a file system that is %s on the host", here ? "mounted" : "not mounted");
}

static void show_name_and_ipc(pid_t child)
{
    struct utsname host;
    struct shmid_ds segment;
    uname(&host);
    demo_act(0, "host name outside: %s, inside: %s", demo_mask(host.nodename, "NAME"), shared->name);
    if (!skipped("container.uts-namespace", UTS, NAME))
        demo_check("container.uts-namespace",
                   strcmp(shared->name, "container") == 0 && strcmp(host.nodename, "container") != 0,
                   "sethostname() inside is %s",
                   strcmp(host.nodename, shared->name) == 0 ? "seen outside" : "not seen outside");
    /* The host may have a segment of the same number, but not of this size and maker. */
    bool seen =
        shmctl(shared->segment, IPC_STAT, &segment) == 0 && segment.shm_segsz == SEGMENT && segment.shm_cpid == child;
    if (!skipped("container.ipc-namespace", IPC, NONE))
        demo_check("container.ipc-namespace", !seen, "shmget() inside: the segment is %s outside",
                   seen ? "seen" : "not seen");
}

static void show_network(pid_t child)
{
    char ours[LINE];
    interfaces(ours);
    int taken = bind_error();
    demo_act(0, "interfaces outside: %s", demo_mask(ours, "NAMES"));
    demo_act(0, "interfaces inside: %s", shared->interfaces);
    demo_look("cat /proc/%s/net/dev /proc/%s/net/dev", demo_pid(getpid()), demo_pid(child));
    if (!skipped("container.network-namespace", NET, NONE))
        demo_check("container.network-namespace", taken == EADDRINUSE && shared->bound == 0,
                   "socket(), bind() to one port: outside %s, inside %s", strerrorname_np(taken),
                   shared->bound == 0 ? "it works" : strerrorname_np(shared->bound));
}

static void show_capabilities(pid_t child)
{
    struct proc_status status;
    uint64_t others = ~0UL; /* than those left to it */
    char eff[24], bnd[24];
    demo_need(proc_status_read(child, &status), "read /proc/%d/status", child);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        others &= ~(1UL << kept[i]);
    snprintf(eff, sizeof eff, "%016lx", status.cap_eff);
    snprintf(bnd, sizeof bnd, "%016lx", status.cap_bnd);
    demo_observe(child, "/proc/PID/status", demo_fact("CapEff", eff), demo_fact("CapBnd", bnd));
    demo_look("grep -E '^(Cap|NoNewPrivs)' /proc/%s/status", demo_pid(child));
    if (shared->chrooted != 0)
        demo_skip("container.capabilities-dropped", "chroot(): %s; needs root or a user namespace",
                  strerrorname_np(shared->chrooted));
    else if (!skipped("container.capabilities-dropped", SPACES, RIGHTS))
        demo_check("container.capabilities-dropped",
                   ((status.cap_bnd | status.cap_eff) & others) == 0 && shared->chrooted_later == EPERM,
                   "chroot(\"/\"): before it worked, now: %s",
                   shared->chrooted_later ? strerrorname_np(shared->chrooted_later) : "works");
}

static void show_limit(pid_t child, const struct cgroup *group)
{
    char counted[64] = "";
    const struct refusal *refusal = &shared->refused[GROUP];
    demo_need(sync_gate_open(&to_container), "write() to a gate: let it fork");
    demo_need(sync_gate_pass(&to_parent), "poll(), read() at a gate: wait for the limit");
    demo_act(child, "%s = %ld: fork() worked %d times, then: %s", refusal->error ? "RLIMIT_NPROC" : "pids.max",
             demo_option("pids"), shared->forked,
             shared->fork_error ? strerrorname_np(shared->fork_error) : "it works on");
    if (refusal->error != 0) {
        demo_skip("container.cgroup-limits",
                  "%s: %s; run it as root, or below a cgroup that is yours (systemd-run --user --scope)", refusal->call,
                  strerrorname_np(refusal->error));
        return;
    }
    demo_need(cgroup_read(group, "pids.events", counted, sizeof counted), "open(), read() of pids.events");
    counted[strcspn(counted, "\n")] = '\0';
    demo_check("container.cgroup-limits",
               shared->forked == demo_option("pids") - 1 && shared->fork_error == EAGAIN &&
                   strncmp(counted, "max ", 4) == 0 && atoi(counted + 4) > 0,
               "fork() %d times and not once more; pids.events: %s", shared->forked, counted);
}

static void show_kernel(pid_t child)
{
    struct utsname host;
    char boot_id[LINE];
    uname(&host);
    demo_need(get("/proc/sys/kernel/random/boot_id", boot_id), "open(), read() of boot_id");
    bool same = strcmp(boot_id, shared->boot_id) == 0 && strcmp(host.release, shared->release) == 0;
    demo_act(0, "outside: Linux %s, boot_id %.13s", demo_mask(host.release, "RELEASE"), demo_mask(boot_id, "ID"));
    demo_act(0, "inside: Linux %s, boot_id %.13s", demo_mask(shared->release, same ? "RELEASE" : "ANOTHER"),
             demo_mask(shared->boot_id, same ? "ID" : "ANOTHER"));
    demo_look("uname -r; ps -o pid,ppid,stat,comm -p %s", demo_pid(child));
    demo_check("container.same-kernel", same && proc_exists(child) == 1,
               "%s release and boot_id; in the host's /proc: %s", same ? "the same" : "another", demo_pid(child));
}

static void lesson(pid_t child, const struct cgroup *group)
{
    show_spaces(child);
    demo_step("Look at one process from both sides");
    show_ids(child);
    demo_step("Compare the root, the host name and the IPC objects");
    show_root(child);
    show_name_and_ipc(child);
    demo_step("Compare the network");
    show_network(child);
    demo_step("See what its root may do");
    show_capabilities(child);
    demo_step("Let it fork until it may no more");
    show_limit(child, group);
    demo_step("Ask both for the kernel");
    show_kernel(child);
}

static void container(void)
{
    char **words = demo_args(), pid[16];
    cleanup_cgroup struct cgroup group = CGROUP_NONE;
    cleanup_fd int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    was_root = geteuid() == 0;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        demo_die("mmap(%zu)", sizeof *shared);
    if (taken < 0 || bind(taken, (struct sockaddr *)&port, sizeof port) < 0 ||
        getsockname(taken, (struct sockaddr *)&port, &(socklen_t){ sizeof port }) < 0)
        demo_die("socket(), bind(), getsockname()");
    prepare(&group);
    int flags = try_spaces();
    cleanup_child pid_t input = *words != NULL ? relay(STDIN_FILENO) : -1;
    cleanup_child pid_t output = *words != NULL ? relay(STDERR_FILENO) : -1;

    demo_step("clone() with the flags of six namespaces");
    /* Without a stack it returns twice, as fork() does. */
    cleanup_child pid_t child = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        pid_1(words);
    if (child < 0)
        demo_die("clone(%#x)", (unsigned)flags);
    demo_role(child, "container");
    snprintf(pid, sizeof pid, "%d", child);
    if (made(USER) || was_root)
        map_ids(child);
    errno = -(*group.dir != '\0' ? cgroup_write(&group, "cgroup.procs", pid) : 0);
    if (errno != 0)
        refuse(GROUP, "write(cgroup.procs)");
    demo_need(sync_gate_open(&to_container), "write() to a gate: it is mapped and limited");
    demo_need(sync_gate_pass(&to_parent), "poll(), read() at a gate: wait for the container");
    if (*words != NULL)
        attend(child, words, output);
    else
        lesson(child, &group);
    sync_gate_close(&to_container);
    sync_gate_close(&to_parent);
}

static const char why[] =
    "There is no container in the kernel. There are processes, and each points to\n"
    "its namespaces (struct nsproxy, and the user_ns of its credentials) and its\n"
    "cgroups (css_set). clone() with CLONE_NEW... gives the child new ones. That is\n"
    "all: it is scheduled like any other, calls the same kernel, and the host sees\n"
    "it in /proc.\n"
    "\n"
    "The user namespace comes first and makes the others possible without root: in\n"
    "it the child has all capabilities, over what belongs to it. Outside, its uid 0\n"
    "is another one (/proc/PID/uid_map), and what belongs to the host asks for\n"
    "that: so setns() to the host's UTS namespace is EPERM. PID 1 has a PID in each\n"
    "namespace above it, too (NSpid in /proc/PID/status); when it ends, the kernel\n"
    "kills the rest (zap_pid_ns_processes). pivot_root() changes the root, and\n"
    "umount2() of the old one leaves no way back.\n"
    "\n"
    "Capabilities that are not in the bounding set no execve() gives again, and\n"
    "with no_new_privs a set-uid program is an ordinary one. The limit of a cgroup\n"
    "is one for all processes in it, and for all that they fork: fork() is EAGAIN,\n"
    "and pids.events counts how often (kernel/cgroup/pids.c).\n"
    "\n"
    "The text says \"isolation\". The kernel is shared, and so are its errors: a\n"
    "container is no virtual machine. Real runtimes limit memory and time as well,\n"
    "lead a network in, and filter many calls (seccomp); the filter here stops only\n"
    "what reaches things that have no namespace, the terminal and the keyrings.\n"
    "Where no cgroup can be made, RLIMIT_NPROC takes the place of pids.max.\n";

static const struct demo_break breaks[] = {
    { "net", "container.network-namespace", "leaves CLONE_NEWNET out" },
    { "ipc", "container.ipc-namespace", "leaves CLONE_NEWIPC out" },
    { "capabilities", "container.capabilities-dropped", "drops no capability" },
    { "limit", "container.cgroup-limits", "sets no pids.max" },
    { 0 },
};
static const struct demo_option options[] = { { "pids", "How many processes it may have", 32, 2, 10000 }, { 0 } };
static const struct demo_prediction predictions[] = {
    {
        .step = 2,
        .claim = "container.user-namespace",
        .ask = "Inside, getuid() is 0. Which user does the host see?",
        .choices = { "root", "an ordinary user", "none: the process is not seen" },
        .right = 1,
        .because = "A user namespace gives numbers another meaning inside. To the host it is the user that the map "
                   "says, with no more rights.",
    },
    {
        .step = 7,
        .claim = "container.same-kernel",
        .ask = "Which kernel does a program in the container ask for the time?",
        .choices = { "the container's own", "that of its image", "the host's" },
        .right = 2,
        .because = "An image is files. There is one kernel, and each system call inside goes to it.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "container",
    .title = "a process in namespaces of its own, with limits, on the host's kernel",
    .claims = claims,
    .breaks = breaks,
    .options = options,
    .predictions = predictions,
    .run = container,
    .args = "[PROGRAM [ARGUMENT...]]",
    .why = why,
    .next = NULL,
};

int main(int argc, char *argv[])
{
    int status = demo_run(argc, argv, &demo);
    return status == 0 ? command_status : status;
}
