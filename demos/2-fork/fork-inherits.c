/* fork-inherits.c - what a child gets from fork(), and what it does not get
 *
 *     fork-inherits                   the whole lesson
 *     fork-inherits --step            stops, so that you can compare both in /proc from a second terminal
 *     fork-inherits --break private   the heap variable is in a page that is mapped MAP_SHARED
 *
 *     parent, three threads             child, one thread
 *     sets up what can be inherited
 *     fork() ------------------------>  reads its memory, tries the mutex
 *     puts both beside each other
 *     reads its memory            <---  changes its memory, environment, directory; writes to the file
 *     changes its own; closes the file
 *       ----------------------------->  reads its memory, writes to the file
 *       ----------------------------->  kill(getpid(), SIGPIPE): the handler runs; _exit(1)
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"
#include "sys/sys.h"

static const struct demo_claim claims[] = {
    { "fork.copies-memory", "The child has a copy of the memory: what one side writes is its own." },
    { "fork.copies-fd-table", "The child has its own descriptor table, with the same open files in it." },
    { "fork.copies-signal-handlers", "The child has a copy of the signal handlers." },
    { "fork.copies-environment", "The child has a copy of the environment variables." },
    { "fork.copies-cwd", "The child has a copy of the working directory." },
    { "fork.new-pid", "The child has a new PID." },
    { "fork.drops-memory-locks", "The child has none of the parent's memory locks." },
    { "fork.clears-pending-signals", "The child has none of the parent's pending signals." },
    { "fork.keeps-one-thread", "The child has one thread, the one that called fork()." },
    { 0 },
};

enum { BEFORE = 1, BY_CHILD = 2, BY_PARENT = 3 };
enum { WORKERS = 2, WRITTEN = 5, LOCKED = 64 * 1024 }; /* 64 KiB: whole pages of any size, and what anyone may lock */
enum { GLOBAL, HEAP, STACK, VARIABLES };
enum { USR1 = 1 << (SIGUSR1 - 1), USR2 = 1 << (SIGUSR2 - 1) }; /* in the sets of /proc/PID/status */

static int global, *variable[VARIABLES];
/* putenv(3) takes the string itself and no copy: to write to it is to change the environment. setenv(3) is not for the
 * child of a process with threads. */
static char course[16] = "COURSE=", *const course_value = course + sizeof "COURSE=" - 1;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t started;
static sigset_t both;                 /* SIGUSR1 and SIGUSR2 */
static volatile sig_atomic_t arrived; /* how often the handler ran in this process */
static int file;
static char file_path[32];

/* What a process reads in its own memory. */
struct own {
    int variable[VARIABLES];
    char course[16];
};

/* By the child, in a page that stays shared. The child of a process with threads may call only what is async-signal-safe
 * (fork(2)), and so reports nothing itself. */
struct told {
    struct own at_fork, at_last;
    pid_t pid;
    int trylock, arrived, error;
    ssize_t written;
    const char *failed; /* the call that ended the child; error is its errno */
};
static struct told *told;

static void need(ssize_t rc, const char *call)
{
    if (rc >= 0)
        return;
    told->error = rc == -1 ? errno : (int)-rc;
    told->failed = call;
    _exit(70);
}

static struct own read_own(void)
{
    struct own own = { .variable = { *variable[GLOBAL], *variable[HEAP], *variable[STACK] } };
    strcpy(own.course, getenv("COURSE"));
    return own;
}

static void write_own(int value, const char *text)
{
    *variable[GLOBAL] = *variable[HEAP] = *variable[STACK] = value;
    strcpy(course_value, text);
}

static bool all(const struct own *own, int value)
{
    return own->variable[GLOBAL] == value && own->variable[HEAP] == value && own->variable[STACK] == value;
}

static void count_arrival(int sig)
{
    (void)sig;
    arrived++;
}

static void *work(void *lock)
{
    if (lock != NULL)
        pthread_mutex_lock(lock);
    pthread_barrier_wait(&started);
    while (pause() < 0)
        continue;
    return NULL;
}

static void start_workers(void)
{
    pthread_t worker;
    pthread_barrier_init(&started, NULL, 1 + WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        errno = pthread_create(&worker, NULL, work, i == 0 && !demo_without("mutex") ? &mutex : NULL);
        if (errno != 0)
            demo_die("pthread_create()");
    }
    pthread_barrier_wait(&started);
}

static void *map(size_t size, int flags)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        demo_die("mmap(%zu bytes)", size);
    return memory;
}

static void set_up(int *on_stack)
{
    told = map(sizeof *told, MAP_SHARED);
    variable[GLOBAL] = &global;
    variable[HEAP] = demo_without("private") ? map(sizeof(int), MAP_SHARED) : malloc(sizeof(int));
    variable[STACK] = on_stack;
    if (variable[HEAP] == NULL || putenv(course) != 0)
        demo_die("malloc(), putenv(\"%s\")", course);
    write_own(BEFORE, "before");
    if (chdir("/proc") < 0)
        demo_die("chdir(\"/proc\")");
    file = memfd_create("story", MFD_CLOEXEC);
    if (file < 0 || write(file, "first", WRITTEN) != WRITTEN)
        demo_die("memfd_create(\"story\"), write(%d, \"first\")", file);
    snprintf(file_path, sizeof file_path, "/proc/self/fd/%d", file);
}

/* One signal waits for the thread (SigPnd), the other one for the process (ShdPnd). Threads made later block both, too. */
static void set_up_signals(void)
{
    struct sigaction action = { .sa_handler = count_arrival };
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGPIPE, &action, NULL); /* for the child to send itself: a signal that no sanitizer holds back */
    pthread_sigmask(SIG_BLOCK, &both, NULL);
    if (raise(SIGUSR1) != 0 || kill(getpid(), SIGUSR2) < 0)
        demo_die("raise(SIGUSR1), kill(%d, SIGUSR2)", getpid());
}

static void take_turns(struct sync_gate *theirs, struct sync_gate *ours)
{
    need(sync_gate_open(theirs), "let the parent go on through a gate");
    need(sync_gate_pass(ours), "wait for the parent at a gate");
}

static void child_side(pid_t parent, struct sync_gate *ours, struct sync_gate *theirs)
{
    need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    told->pid = getpid();
    told->trylock = pthread_mutex_trylock(&mutex);
    told->at_fork = read_own();
    if (demo_without("file")) /* opened again it is another open file, with an offset of its own */
        need(dup2(open(file_path, O_WRONLY), file), "open(file), dup2(file)");
    take_turns(theirs, ours);

    write_own(BY_CHILD, "child");
    need(chdir("/"), "chdir(\"/\")");
    need(write(file, "child", WRITTEN), "write(file)");
    pthread_sigmask(SIG_UNBLOCK, &both, NULL);
    told->arrived = arrived;
    take_turns(theirs, ours);

    told->at_last = read_own();
    told->written = write(file, "again", WRITTEN);
    take_turns(theirs, ours);
    need(kill(getpid(), SIGPIPE), "kill(getpid(), SIGPIPE)");
    _exit(arrived); /* before kill() returned */
}

static void need_child(int rc, const char *what)
{
    if (told->failed != NULL)
        demo_need(-told->error, "%s, in the child", told->failed);
    demo_need(rc, "%s", what);
}

static void let_child_go_on(struct sync_gate *theirs, struct sync_gate *ours)
{
    need_child(sync_gate_open(theirs), "let the child go on through a gate");
    need_child(sync_gate_pass(ours), "wait for the child at a gate");
}

/* One side, as the kernel shows it. */
struct side {
    struct proc_status status;
    struct proc_fdinfo file;
    char cwd[32];
};

static struct side look(pid_t pid)
{
    struct side side;
    demo_need(proc_status_read(pid, &side.status), "read /proc/%d/status", pid);
    demo_need(proc_fdinfo_read(pid, file, &side.file), "read /proc/%d/fdinfo/%d", pid, file);
    demo_need(proc_link_read(pid, "cwd", side.cwd, sizeof side.cwd), "readlink /proc/%d/cwd", pid);
    return side;
}

enum { ROWS = 10, CELL = 48 };

static void fill(char cell[ROWS][CELL], pid_t pid, const struct side *side, const struct own *own)
{
    const struct proc_status *status = &side->status;
    const int *value = own->variable;
    snprintf(cell[0], CELL, "%d, %d, %d", value[GLOBAL], value[HEAP], value[STACK]);
    snprintf(cell[1], CELL, "%s", own->course);
    snprintf(cell[2], CELL, "%s", side->cwd);
    snprintf(cell[3], CELL, "pos %lld", (long long)side->file.pos_bytes);
    snprintf(cell[4], CELL, "%s", demo_signals(status->sig_cgt));
    snprintf(cell[5], CELL, "%s", demo_pid(pid));
    snprintf(cell[6], CELL, "%lld kB", (long long)status->vm_lck_kib);
    snprintf(cell[7], CELL, "%s", demo_signals(status->sig_pnd));
    snprintf(cell[8], CELL, "%s", demo_signals(status->shd_pnd));
    snprintf(cell[9], CELL, "%lld", (long long)status->threads);
}

static void show_both(pid_t child, const struct side *ours, const struct side *theirs)
{
    static const char *const columns[] = { "what", "parent", "child", NULL };
    static const char *const what[ROWS] = {
        "global, heap, stack", "COURSE", "cwd", "the file", "SigCgt", "Pid", "VmLck", "SigPnd", "ShdPnd", "Threads"
    };
    char mine[ROWS][CELL], its[ROWS][CELL];
    const char *rows[3 * ROWS];
    struct own own = read_own();
    fill(mine, getpid(), ours, &own);
    fill(its, child, theirs, &told->at_fork);
    for (int i = 0; i < ROWS; i++) {
        rows[3 * i] = what[i];
        rows[3 * i + 1] = mine[i];
        rows[3 * i + 2] = its[i];
    }
    demo_table(child, "/proc of both, and their memory", columns, rows, ROWS);
}

static void decide_what_is_left_out(pid_t child, const struct proc_status *ours, const struct proc_status *theirs)
{
    bool other = told->pid == child && told->pid != getpid() && theirs->n_nspid == ours->n_nspid;
    for (size_t i = 0; other && i < ours->n_nspid; i++)
        other = ours->nspid[i] != theirs->nspid[i];
    demo_check("fork.new-pid", other, "getpid() = %s and %s%s", demo_pid(getpid()), demo_pid(told->pid),
               other ? ", NSpid differs" : "");

    int tasks = proc_task_list(getpid(), NULL, 0), its_tasks = proc_task_list(child, NULL, 0);
    demo_need(tasks, "list /proc/%d/task", getpid());
    demo_need(its_tasks, "list /proc/%d/task", child);
    demo_check("fork.keeps-one-thread",
               ours->threads > WORKERS && tasks > WORKERS && theirs->threads == 1 && its_tasks == 1 &&
                   told->trylock == EBUSY,
               "Threads and task/: %d and %d; the mutex that one had locked: %s", tasks, its_tasks,
               told->trylock == 0 ? "free" : strerrorname_np(told->trylock));
}

static void decide_locks(int lock_error, int64_t ours_kib, int64_t theirs_kib)
{
    if (lock_error != 0 || ours_kib == 0)
        demo_skip("fork.drops-memory-locks", "mlock() %s; raise ulimit -l, and use no sanitizer",
                  lock_error != 0 ? strerrorname_np(lock_error) : "locked nothing");
    else
        demo_check("fork.drops-memory-locks", ours_kib == LOCKED / 1024 && theirs_kib == 0, "VmLck %lld and %lld kB",
                   (long long)ours_kib, (long long)theirs_kib);
}

static void observe_place(pid_t pid, const struct side *side)
{
    char source[32];
    snprintf(source, sizeof source, "/proc/PID/fdinfo/%d", file);
    demo_observe(pid, source, demo_fact("pos", side->file.pos_bytes));
    demo_observe(pid, "/proc/PID/cwd", demo_fact_text("link", side->cwd));
}

/* The child has changed all it has; then we change ours, and it looks once more. */
static void change_both(pid_t child, struct sync_gate *ours, struct sync_gate *theirs)
{
    demo_step("Let the child change all of it, and write to the file");
    let_child_go_on(theirs, ours);
    struct own own = read_own();
    struct side here = look(getpid()), there = look(child);
    observe_place(getpid(), &here);
    observe_place(child, &there);
    demo_check("fork.copies-cwd", strcmp(here.cwd, "/proc") == 0 && strcmp(there.cwd, "/") == 0,
               "the child went to %s, the parent is in %s", there.cwd, here.cwd);
    demo_look("ls -ld /proc/%s/cwd /proc/%s/cwd; tail /proc/%s/fdinfo/%d", demo_pid(getpid()), demo_pid(child),
              demo_pid(child), file);
    /* kcmp(2) may be missing or forbidden; then the offset, which belongs to the open file, is the only witness. */
    int table = sys_kcmp(getpid(), child, KCMP_FILES, 0, 0);
    int open_file = sys_kcmp(getpid(), child, KCMP_FILE, (unsigned long)file, (unsigned long)file);
    bool one_file =
        open_file <= 0 && table != 0 && here.file.pos_bytes == 2 * WRITTEN && there.file.pos_bytes == 2 * WRITTEN;

    demo_step("Let the parent change its own, and close the file");
    write_own(BY_PARENT, "parent");
    bool closed = close(file) == 0 && fcntl(file, F_GETFD) < 0;
    pthread_sigmask(SIG_UNBLOCK, &both, NULL);
    let_child_go_on(theirs, ours);
    const struct own *its = &told->at_last;
    demo_check("fork.copies-memory", all(&told->at_fork, BEFORE) && all(&own, BEFORE) && all(its, BY_CHILD),
               "child writes 2: parent has %d %d %d; parent writes 3: child has %d %d %d", own.variable[0],
               own.variable[1], own.variable[2], its->variable[0], its->variable[1], its->variable[2]);
    demo_check("fork.copies-environment",
               strcmp(told->at_fork.course, "before") == 0 && strcmp(own.course, "before") == 0 &&
                   strcmp(its->course, "child") == 0,
               "%s in both; when both have written: %s, %s", told->at_fork.course, getenv("COURSE"), its->course);
    bool writes_on = closed && told->written == WRITTEN;
    demo_check("fork.copies-fd-table", one_file && writes_on, "%s%s; closed here, the child %s",
               one_file ? "one offset" : "two offsets",
               open_file < 0    ? " (no kcmp here)"
               : open_file == 0 ? ", and by kcmp one file"
                                : ", and by kcmp two files",
               writes_on ? "writes on" : "cannot go on");
}

static void run_handler(pid_t child, struct sync_gate *theirs, bool same_handlers)
{
    siginfo_t how;
    need_child(sync_gate_open(theirs), "let the child go on through a gate");
    need_child(sync_exited(child, &how), "waitid(P_PID, child)");
    bool ran = how.si_code == CLD_EXITED && how.si_status == 1;
    demo_check("fork.copies-signal-handlers", same_handlers && ran, "SigCgt %s; SIGPIPE %s",
               same_handlers ? "the same" : "differs",
               ran                         ? "ran the handler, in the child"
               : how.si_code == CLD_EXITED ? "ran no handler"
                                           : "killed the child");
}

static void fork_inherits(void)
{
    demo_step("Set up all that a child could inherit, start %d threads, and fork", WORKERS);
    int on_stack;
    set_up(&on_stack);
    set_up_signals();
    start_workers();
    int lock_error = mlock(map(LOCKED, MAP_PRIVATE), LOCKED) < 0 ? errno : 0;
    cleanup_gate struct sync_gate childs_turn, parents_turn;
    demo_need(sync_gate_make(&childs_turn), "pipe2() of a gate");
    demo_need(sync_gate_make(&parents_turn), "pipe2() of a gate");

    struct clone_args clone = { .exit_signal = SIGCHLD,
                                .flags = demo_without("cwd")        ? CLONE_FS
                                         : demo_without("handlers") ? CLONE_CLEAR_SIGHAND
                                                                    : 0 };
    pid_t parent = getpid();
    cleanup_child pid_t child = clone.flags == 0 ? fork() : sys_clone3(&clone, sizeof clone);
    if (child < 0)
        demo_die("fork()");
    if (child == 0)
        child_side(parent, &childs_turn, &parents_turn);
    demo_role(child, "child");
    need_child(sync_gate_pass(&parents_turn), "wait for the child at a gate");
    struct side ours = look(parent), theirs = look(child);
    show_both(child, &ours, &theirs);
    decide_what_is_left_out(child, &ours.status, &theirs.status);
    decide_locks(lock_error, ours.status.vm_lck_kib, theirs.status.vm_lck_kib);
    demo_look("grep -E 'VmLck|Threads|Pnd|SigCgt' /proc/%s/status /proc/%s/status", demo_pid(parent), demo_pid(child));

    change_both(child, &parents_turn, &childs_turn);
    demo_check("fork.clears-pending-signals",
               ours.status.sig_pnd == USR1 && ours.status.shd_pnd == USR2 && arrived == 2 &&
                   theirs.status.sig_pnd == 0 && theirs.status.shd_pnd == 0 && told->arrived == 0,
               "unblocked: %d arrive in the parent, %d in the child", arrived, told->arrived);

    demo_step("Let the child send itself SIGPIPE");
    run_handler(child, &childs_turn, ours.status.sig_cgt == theirs.status.sig_cgt);
}

static const char why[] =
    "fork() copies the task_struct and then, one by one, what it points to\n"
    "(copy_process in kernel/fork.c): copy_mm the address space, copy_files the\n"
    "descriptor table, copy_fs the working directory, copy_sighand the table of\n"
    "handlers. Each has a flag of clone(2), CLONE_VM, CLONE_FILES, CLONE_FS,\n"
    "CLONE_SIGHAND, with which both sides have one and the same instead: that is how\n"
    "a thread is made. fork() sets none of them; --break cwd sets one.\n"
    "\n"
    "A descriptor is a place in that table and leads to a struct file, which is not\n"
    "copied: the offset is in there, so whoever writes moves it for both. That is\n"
    "why (echo a; echo b) > file writes one behind the other. kcmp(2) compares the\n"
    "tables and the files; a file opened anew is another one (--break file).\n"
    "\n"
    "The environment is memory of the process, and is copied with it. The kernel\n"
    "knows only what execve() put there, and that is what /proc/PID/environ shows,\n"
    "so COURSE is read by each process in itself.\n"
    "\n"
    "What the child does not get (fork(2)): pending signals, which were sent to\n"
    "another; memory locks, since dup_mmap copies no VM_LOCKED; and other threads,\n"
    "since copy_process copies the one task that called it. What they were in the\n"
    "middle of stays as it was, for ever: nobody is there to unlock a mutex that one\n"
    "of them had locked. So the child of a process with threads may call only what\n"
    "is async-signal-safe (signal-safety(7)) until it calls execve(), and the child\n"
    "here reports nothing itself.\n"
    "\n"
    "The evidence: SigPnd (sent to the thread, by raise), ShdPnd (to the process, by\n"
    "kill), SigCgt, VmLck and Threads of /proc/PID/status; pos of /proc/PID/fdinfo.\n"
    "SigCgt is shown without signals 32 and 33, which the C library has for itself.\n"
    "The text says \"signal handlers\"; the mask and ignored signals are copied, too.\n";

static const struct demo_break breaks[] = {
    { "private", "fork.copies-memory", "maps the heap variable MAP_SHARED" },
    { "file", "fork.copies-fd-table", "lets the child open the file anew" },
    { "cwd", "fork.copies-cwd", "forks by clone3(CLONE_FS)" },
    { "handlers", "fork.copies-signal-handlers", "forks by clone3(CLONE_CLEAR_SIGHAND)" },
    { "mutex", "fork.keeps-one-thread", "lets no thread lock the mutex" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "fork.keeps-one-thread",
        .ask = "One thread has locked a mutex, another forks. What does the child find?",
        .choices = { "the mutex is free, since its owner is not there", "the mutex is locked, for ever",
                     "the thread that has locked it" },
        .right = 1,
        .because =
            "The memory is copied as it was, locked mutex and all; of the threads only the one that called fork() is.",
    },
    {
        .step = 3,
        .claim = "fork.copies-fd-table",
        .ask = "The parent closes the file. What can the child still do with it?",
        .choices = { "nothing, it is closed", "all it could before", "read what is there, but not write" },
        .right = 1,
        .because = "It closed its own descriptor. The child has another one, that leads to the same open file.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "fork-inherits",
    .title = "what a child gets from fork(), and what it does not get",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = fork_inherits,
    .why = why,
    .next = "cow",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
