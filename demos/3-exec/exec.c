/* exec.c - execve() makes another program of the process that calls it
 *
 *     env exec                the whole lesson ("env", since a shell has an exec of its own)
 *     env exec --step         stops, so that you can look at the process that has become cat
 *     env exec --break path   names a file that is not there: execve() returns, and the code after it runs
 *
 *     parent                       child
 *     fork() ------------------->  blocks, ignores and catches signals, changes its directory
 *     looks at it in /proc         waits at a gate
 *       ------------------------>  execve("/bin/cat")
 *     write("hello") ----------->  cat: read()
 *     read() = "hello"       <---  cat: write()
 *     looks at it in /proc         cat: read() waits
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "report/witness.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "exec.keeps-pid", "The process is still the same one, with the same PID." },
    { "exec.replaces-image", "Its address space is replaced by that of the new program." },
    { "exec.what-survives", "Everything but the PID is replaced.", DEMO_CAVEAT,
      "descriptors without FD_CLOEXEC, the directory, the mask and ignored signals stay; only handlers go" },
    { "exec.no-return", "Code behind an execve() that works never runs." },
    { "exec.failure-returns", "execve() returns when it fails, and only then; the old program goes on." },
    { 0 },
};

static const char cat[] = "/bin/cat", nothing[] = "/nonexistent/program";

enum { BLOCKED = SIGUSR1, IGNORED = SIGUSR2, CAUGHT = SIGHUP };

static bool has(uint64_t set, int sig)
{
    return set >> (sig - 1) & 1;
}

static void catch_nothing(int sig)
{
    (void)sig;
}

/* Up to the end, or until size - 1 bytes are there. */
static void read_text(int fd, char *text, size_t size)
{
    size_t used = 0;
    for (ssize_t n = 1; used < size - 1 && n > 0; used += (size_t)n)
        if ((n = read(fd, text + used, size - 1 - used)) < 0)
            demo_die("read(%d)", fd);
    text[used] = '\0';
}

static void become_cat(pid_t parent, int in, int out, struct sync_gate *go)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, BLOCKED);
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    signal(SIGPIPE, SIG_DFL); /* which demo_run ignores */
    signal(SIGXFSZ, SIG_DFL);
    signal(IGNORED, SIG_IGN);
    signal(CAUGHT, catch_nothing);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    if (chdir("/proc") < 0)
        demo_die("chdir(\"/proc\")");
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) /* copies, and without FD_CLOEXEC */
        demo_die("dup2(%d, 0), dup2(%d, 1)", in, out);
    sync_fd_close(&go->open_fd); /* as the gate would: the parent is to see one list of descriptors */
    pid_t pid = getpid();
    if (write(STDOUT_FILENO, &pid, sizeof pid) != sizeof pid)
        demo_die("write(1, the PID)");
    demo_need(sync_gate_pass(go), "wait for the parent at a gate");
    char *argv[] = { "cat", NULL };
    execve(cat, argv, environ);
    demo_die("execve(\"%s\")", cat);
}

/* What /proc says of a process. */
struct image {
    struct proc_stat stat;
    struct proc_status status;
    char exe[PATH_MAX], cwd[PATH_MAX], cmdline[2 * PATH_MAX];
    int fd[64], n_fds;
    struct proc_maps maps;
};

static void free_image(struct image *image)
{
    proc_maps_free(&image->maps);
}
#define cleanup_image __attribute__((cleanup(free_image)))

/* stat_fd was opened before the execve(): it can never come to mean another process that got the same PID. */
static void look(int stat_fd, pid_t pid, struct image *image)
{
    demo_need(proc_stat_pread(stat_fd, &image->stat), "pread(/proc/%d/stat)", pid);
    demo_need(proc_status_read(pid, &image->status), "read /proc/%d/status", pid);
    demo_need(proc_link_read(pid, "exe", image->exe, sizeof image->exe), "readlink /proc/%d/exe", pid);
    demo_need(proc_link_read(pid, "cwd", image->cwd, sizeof image->cwd), "readlink /proc/%d/cwd", pid);
    demo_need(proc_cmdline_read(pid, image->cmdline, sizeof image->cmdline), "read /proc/%d/cmdline", pid);
    demo_need(proc_maps_read(pid, &image->maps), "read /proc/%d/maps", pid);
    image->n_fds = proc_fd_list(pid, image->fd, 64);
    demo_need(image->n_fds, "list /proc/%d/fd", pid);
}

static bool has_fd(const struct image *image, int fd)
{
    for (int i = 0; i < image->n_fds && i < 64; i++)
        if (image->fd[i] == fd)
            return true;
    return false;
}

static const char *list_fds(const struct image *image, char text[256])
{
    *text = '\0';
    for (int i = 0; i < image->n_fds && i < 64; i++)
        snprintf(text + strlen(text), 256 - strlen(text), "%s%d", i > 0 ? " " : "", image->fd[i]);
    return text;
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The file that a mapping is of, by its inode. To memory that is mapped shared the kernel gives one, too. */
struct file {
    uint64_t inode;
    unsigned dev_major, dev_minor;
};

static struct file file_at(const struct image *image, const void *address)
{
    const struct proc_map *map = proc_maps_find(&image->maps, address);
    return map == NULL ? (struct file){ 0 } : (struct file){ map->inode, map->dev_major, map->dev_minor };
}

static bool maps(const struct image *image, struct file file)
{
    for (size_t i = 0; i < image->maps.n; i++) {
        const struct proc_map *map = &image->maps.map[i];
        if (file.inode != 0 && map->inode == file.inode && map->dev_major == file.dev_major &&
            map->dev_minor == file.dev_minor)
            return true;
    }
    return false;
}

/* Of the old program and of the new one. */
struct files {
    struct file code, page, new_code;
};

static void show_both(pid_t child, const struct image *before, const struct image *after, const struct files *files)
{
    static const char *const columns[] = { "what", "before", "after", NULL }, *const is[] = { "no", "mapped" };
    const struct proc_status *was = &before->status, *now = &after->status;
    char fds[2][256];
    const char *const rows[][3] = {
        { "Pid", demo_pid(was->pid), demo_pid(now->pid) },
        { "Name", was->name, now->name },
        { "exe", base(before->exe), base(after->exe) },
        { "cmdline", base(before->cmdline), base(after->cmdline) },
        { "maps: code of exec", is[maps(before, files->code)], is[maps(after, files->code)] },
        { "maps: memory of exec", is[maps(before, files->page)], is[maps(after, files->page)] },
        { "maps: code of cat", is[maps(before, files->new_code)], is[maps(after, files->new_code)] },
        { "fd", list_fds(before, fds[0]), list_fds(after, fds[1]) },
        { "cwd", before->cwd, after->cwd },
        { "SigBlk", demo_signals(was->sig_blk), demo_signals(now->sig_blk) },
        { "SigIgn", demo_signals(was->sig_ign), demo_signals(now->sig_ign) },
        { "SigCgt", demo_signals(was->sig_cgt), demo_signals(now->sig_cgt) },
    };
    demo_table(child, "/proc/PID", columns, &rows[0][0], sizeof rows / sizeof *rows);
}

static void decide_image(const struct image *before, const struct image *after, const struct files *files)
{
    bool old = maps(before, files->code) && maps(before, files->page) && !maps(before, files->new_code);
    bool gone = !maps(after, files->code) && !maps(after, files->page), loaded = maps(after, files->new_code);
    bool called = strcmp(after->status.name, "cat") == 0 && strcmp(after->cmdline, "cat") == 0;
    demo_check("exec.replaces-image", old && gone && loaded && called && strcmp(before->exe, after->exe) != 0,
               "of the old program %s is mapped, of the new one %s", gone ? "nothing" : "something",
               loaded ? "its code" : "nothing");
}

static void decide_rest(const struct image *before, const struct image *after, int kept, int closed)
{
    const struct proc_status *was = &before->status, *now = &after->status;
    bool open = has_fd(before, kept) && has_fd(after, kept), gone = has_fd(before, closed) && !has_fd(after, closed);
    bool stay = strcmp(before->cwd, "/proc") == 0 && strcmp(after->cwd, "/proc") == 0 && has(was->sig_blk, BLOCKED) &&
                has(now->sig_blk, BLOCKED) && has(was->sig_ign, IGNORED) && has(now->sig_ign, IGNORED);
    bool reset = has(was->sig_cgt, CAUGHT) && !has(now->sig_cgt, CAUGHT);
    demo_check("exec.what-survives", open && gone && stay && reset,
               "fd %d %s, %d (CLOEXEC) %s; cwd, SigBlk, SigIgn %s; SigCgt %s", kept, open ? "stays" : "goes", closed,
               gone ? "goes" : "stays", stay ? "stay" : "change", reset ? "reset" : "stays");
}

static pid_t replace(void)
{
    cleanup_pipe int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    cleanup_gate struct sync_gate go = { -1, -1 };
    void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cleanup_fd int kept = open("/", O_RDONLY | O_DIRECTORY | (demo_without("descriptor") ? O_CLOEXEC : 0));
    if (page == MAP_FAILED || kept < 0 || pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        demo_die("mmap(a page), open(\"/\"), pipe2(O_CLOEXEC)");
    demo_need(sync_gate_make(&go), "pipe2() of a gate");
    pid_t parent = getpid(), told;
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0)
        become_cat(parent, in[0], out[1], &go);
    demo_role(child, "child");
    int closed = in[0]; /* in the child by execve(), for it has FD_CLOEXEC */
    sync_fd_close(&in[0]);
    sync_fd_close(&out[1]);
    if (read(out[0], &told, sizeof told) != sizeof told)
        demo_die("read(%d, the PID of the child)", out[0]);
    cleanup_image struct image before = { 0 }, after = { 0 };
    cleanup_fd int stat_fd = proc_open(child, "stat");
    demo_need(stat_fd, "open(/proc/%d/stat)", child);
    look(stat_fd, child, &before);

    demo_need(sync_gate_open(&go), "let the child go on through a gate");
    char answer[6];
    if (write(in[1], "hello", 5) != 5)
        demo_die("write(%d, \"hello\")", in[1]);
    read_text(out[0], answer, sizeof answer); /* once it is there, cat runs, and has nothing left to do but to read */
    demo_act(child, "wrote hello to the child, read %s", answer);
    look(stat_fd, child, &after);
    struct files files = { file_at(&before, claims), file_at(&before, page),
                           file_at(&after, (const void *)(uintptr_t)after.stat.startcode) };
    show_both(child, &before, &after, &files);
    bool same = child == told && before.stat.pid == told && after.stat.pid == told &&
                before.stat.start_ticks == after.stat.start_ticks;
    demo_check("exec.keeps-pid", same, "getpid() = %s before, Pid %s after; start time %s", demo_pid(told),
               demo_pid(after.status.pid), same ? "the same" : "another");
    decide_image(&before, &after, &files);
    decide_rest(&before, &after, kept, closed);
    demo_look("ls -l /proc/%s/exe /proc/%s/cwd /proc/%s/fd; cat /proc/%s/maps", demo_pid(child), demo_pid(child),
              demo_pid(child), demo_pid(child));
    sync_fd_close(&in[1]); /* the end of the file for cat */
    demo_need(sync_exited(child, NULL), "waitid(P_PID, %d)", child);
    return child;
}

static pid_t never_return(void)
{
    cleanup_pipe int out[2] = { -1, -1 };
    if (pipe2(out, O_CLOEXEC) < 0)
        demo_die("pipe2(O_CLOEXEC)");
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        char *argv[] = { "cat", "/proc/self/stat", NULL };
        if (dup2(out[1], STDOUT_FILENO) < 0 || write(STDOUT_FILENO, "before\n", 7) != 7)
            demo_die("dup2(%d, 1), write(1, \"before\")", out[1]);
        execve(demo_without("path") ? nothing : cat, argv, environ);
        _exit(write(STDOUT_FILENO, "after\n", 6) == 6 ? 0 : 1);
    }
    demo_role(child, "child");
    sync_fd_close(&out[1]);
    char text[1024];
    read_text(out[0], text, sizeof text);
    demo_need(sync_exited(child, NULL), "waitid(P_PID, %d)", child);
    char *rest = strchr(text, '\n');
    struct proc_stat stat = { 0 };
    bool said = rest != NULL && proc_stat_parse(rest + 1, strlen(rest + 1), &stat) == 0;
    if (said)
        demo_observe(child, "/proc/self/stat, read by cat", demo_fact_pid("pid", stat.pid),
                     demo_fact_text("comm", stat.comm));
    bool before = strncmp(text, "before\n", 7) == 0, after = strstr(text, "after\n") != NULL;
    demo_check("exec.no-return", before && said && stat.pid == child && strcmp(stat.comm, "cat") == 0 && !after,
               "written: before, %s%s", said ? "what cat reads, " : "", after ? "after" : "and nothing after it");
    return child;
}

/* Returns why the call failed; when it works, it does not return. */
static int refused(const char *path)
{
    char *argv[] = { "cat", "/dev/null", NULL };
    execve(path, argv, environ);
    return errno;
}

/* The file is text, no program: without an x in its mode it may not be executed, with one it cannot be. */
static void fail(pid_t parent, int file, int out, struct sync_gate *looked)
{
    char path[32];
    int error[3];
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    error[0] = refused(nothing);
    if (fchmod(file, 0600) < 0)
        demo_die("fchmod(%d, 0600)", file);
    error[1] = refused(path);
    if (fchmod(file, 0700) < 0)
        demo_die("fchmod(%d, 0700)", file);
    error[2] = refused(demo_without("text") ? cat : path);
    if (write(out, error, sizeof error) != sizeof error)
        demo_die("write(%d, the errors)", out);
    demo_need(sync_gate_pass(looked), "wait for the parent at a gate");
    _exit(0);
}

/* Returns the PID of the process that tried, 0 where none could. */
static pid_t return_on_failure(void)
{
    cleanup_pipe int out[2] = { -1, -1 };
    cleanup_gate struct sync_gate looked = { -1, -1 };
    cleanup_fd int file = memfd_create("text", MFD_CLOEXEC);
    if (file < 0 || write(file, "no program\n", 11) != 11 || fchmod(file, 0700) < 0) {
        demo_skip("exec.failure-returns", "memfd_create(), write(), fchmod(0700): %s; needs vm.memfd_noexec=0",
                  strerrorname_np(errno));
        return 0;
    }
    if (pipe2(out, O_CLOEXEC) < 0)
        demo_die("pipe2(O_CLOEXEC)");
    demo_need(sync_gate_make(&looked), "pipe2() of a gate");
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0)
        fail(parent, file, out[1], &looked);
    demo_role(child, "child");
    sync_fd_close(&out[1]);
    int error[3];
    ssize_t n = read(out[0], error, sizeof error);
    if (n < 0)
        demo_die("read(%d, the errors)", out[0]);
    if (n == 0) { /* the end of the pipe, which has FD_CLOEXEC */
        demo_check("exec.failure-returns", false, "one of the calls did not return");
        return child;
    }
    char exe[PATH_MAX], ours[PATH_MAX];
    demo_need(proc_link_read(child, "exe", exe, sizeof exe), "readlink /proc/%d/exe", child);
    demo_need(proc_link_read(parent, "exe", ours, sizeof ours), "readlink /proc/%d/exe", parent);
    bool same = strcmp(exe, ours) == 0;
    demo_check("exec.failure-returns", same && error[0] == ENOENT && error[1] == EACCES && error[2] == ENOEXEC,
               "%s, %s, %s; the program is %s", strerrorname_np(error[0]), strerrorname_np(error[1]),
               strerrorname_np(error[2]), same ? "the old one" : "another");
    demo_need(sync_gate_open(&looked), "let the child go on through a gate");
    demo_need(sync_exited(child, NULL), "waitid(P_PID, %d)", child);
    return child;
}

static size_t count(const struct witness *seen, enum kernel_kind kind, pid_t pid)
{
    size_t n = 0;
    for (size_t i = 0; (i = witness_find(seen, i, kind, pid)) < seen->n; i++)
        n++;
    return n;
}

static void ask_the_kernel(pid_t became, pid_t silent, pid_t failed)
{
    struct witness seen = witness_end();
    size_t forks = count(&seen, KERNEL_FORK, became);
    witness_says("exec.keeps-pid", count(&seen, KERNEL_EXEC, became) == 1 && forks == 0,
                 "sched_process_exec of %s; it forked %zu times", demo_pid(became), forks);
    witness_says("exec.no-return", count(&seen, KERNEL_EXEC, silent) == 1, "%zu sched_process_exec of %s",
                 count(&seen, KERNEL_EXEC, silent), demo_pid(silent));
    witness_says("exec.failure-returns", count(&seen, KERNEL_EXEC, failed) == 0, "%zu sched_process_exec of %s",
                 count(&seen, KERNEL_EXEC, failed), demo_pid(failed));
}

static void exec_demo(void)
{
    if (access(cat, X_OK) < 0) {
        demo_skip_rest("access(\"%s\"): %s; install coreutils", cat, strerrorname_np(errno));
        return;
    }
    witness_begin(1U << KERNEL_FORK | 1U << KERNEL_EXEC);
    demo_step("Let a child become %s, and look at it before and after", cat);
    pid_t became = replace();
    demo_step("Write before the execve() and after it");
    pid_t silent = never_return();
    demo_step("Execute what is not there, what may not be executed, and what is no program");
    pid_t failed = return_on_failure();
    demo_step("Ask the second witness: the execve() that the kernel recorded");
    ask_the_kernel(became, silent, failed);
}

static const char why[] =
    "execve() makes no process: it gives the one that calls it another program. The\n"
    "kernel opens the file and reads its first 256 bytes (bprm_execve in fs/exec.c).\n"
    "begin_new_exec then passes the point of no return: it ends the other threads,\n"
    "puts an empty address space in the place of the old one (exec_mmap), closes\n"
    "what has FD_CLOEXEC (do_close_on_exec) and resets the handlers\n"
    "(flush_signal_handlers). The new program is mapped, and the registers are set\n"
    "to its first instruction (start_thread). The code behind the call is not\n"
    "skipped: it is not there any more. What is wrong before that point makes\n"
    "execve() return -1, and nothing has happened; what fails after it is a signal\n"
    "that kills.\n"
    "\n"
    "The evidence: /proc/PID/stat, by a descriptor that was open before the call and\n"
    "reads ESRCH for any other process; exe, cmdline, maps of /proc/PID; and what\n"
    "cat itself says. startcode, field 26 of stat, is where the new code begins.\n"
    "For root, the second witness: sched_process_exec is recorded once in a call\n"
    "that works, with the PID that has not changed, and never in one that fails.\n"
    "\n"
    "Little else is replaced; execve(2) lists it: POSIX timers, memory locks and so\n"
    "on. What belongs to the process and not to the program stays: PID, parent,\n"
    "session, credentials, limits, directory, descriptors, mask, pending and ignored\n"
    "signals. A shell relies on it: it opens the file of \"ls > file\" before the\n"
    "exec. Handlers cannot stay, for their code is gone; SIG_IGN needs no code. So a\n"
    "program may start with SIGPIPE or SIGCHLD ignored and not know it.\n"
    "\n"
    "ENOENT: no such file, or no such interpreter. EACCES: not executable, also for\n"
    "root, if nobody has an x. ENOEXEC: executable, and no format takes it. A shell,\n"
    "and execvp(3), then hand it to /bin/sh; execve() does not.\n";

static const struct demo_break breaks[] = {
    { "path", "exec.no-return", "executes a file that is not there" },
    { "descriptor", "exec.what-survives", "opens the descriptor that stays with O_CLOEXEC" },
    { "text", "exec.failure-returns", "executes cat in the place of the text" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "exec.what-survives",
        .ask = "One signal is blocked, one ignored, one has a handler. And after execve()?",
        .choices = { "all three are as they were", "all three are reset", "blocked and ignored stay, the handler goes",
                     "the handler stays, blocked and ignored are reset" },
        .right = 2,
        .because = "A handler is an address in a program that is gone. Blocked and ignored need no code, and belong to "
                   "the process.",
    },
    {
        .step = 2,
        .claim = "exec.no-return",
        .ask = "execve() works. What does the line of code behind it do?",
        .choices = { "it runs when the new program has ended", "it runs at once, in the parent",
                     "nothing: it is not there any more" },
        .right = 2,
        .because =
            "system() returns, since it forks first. execve() puts other code in the place of the one that called it.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "exec",
    .title = "execve() makes another program of the process that calls it",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = exec_demo,
    .why = why,
    .next = "mini-shell",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
