/* clone.c - one call makes processes and threads: its flags say what is shared
 *
 *     clone                    the whole lesson
 *     clone --flags VM,FILES   the reader's own flags: what is shared then, or the rule they break
 *     clone --break files      leaves CLONE_FILES out
 *
 *     the caller                            the new task
 *     clone(child_side, stack, flags) --->  stores to a variable, chdir(), close(), sigaction(), semop(), ioprio_set(),
 *                                           each a change to something that is shared, or to its own copy of it
 *     waits for its end  <---------------   ends
 *     looks at its own variable, its own directory, ...
 *
 * The new task waits for nobody and so can outlive nobody.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "report/witness.h"
#include "sync/sync.h"
#include "sys/sys.h"
#include "trace/trace.h"

static const struct demo_claim claims[] = {
    { "clone.spectrum", "Each sharing flag of clone() shares exactly its resource." },
    { "clone.fork-is-clone", "fork() calls clone(), and shares nothing." },
    { "clone.pthread-is-clone", "pthread_create() calls clone(), with full sharing." },
    { "clone.threads-are-tasks", "A thread is a process that shares: both are scheduled alike." },
    { 0 },
};

/* What can be shared, the flag that shares it, and how kcmp(2) calls it. A PID is no object that it could compare. */
enum { MEMORY, CWD, FILES, HANDLER, PID, UNDO, IO, N_RESOURCES };
static const struct resource {
    const char *name;
    uint64_t flag;
    int kcmp;
} resources[N_RESOURCES] = {
    [MEMORY] = { "memory", CLONE_VM, KCMP_VM },
    [CWD] = { "cwd", CLONE_FS, KCMP_FS },
    [FILES] = { "files", CLONE_FILES, KCMP_FILES },
    [HANDLER] = { "handler", CLONE_SIGHAND, KCMP_SIGHAND },
    [PID] = { "PID", CLONE_THREAD, -1 },
    [UNDO] = { "undo", CLONE_SYSVSEM, KCMP_SYSVSEM },
    [IO] = { "I/O", (unsigned)CLONE_IO, KCMP_IO },
};
#define FULL (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define SHARING (FULL | (unsigned)CLONE_IO)

/* The flags by their names. In a run of the reader's own those stand that need no further argument. */
static const struct flag {
    const char *name;
    uint64_t value;
    bool alone;
} flags_of_clone[] = {
    { "VM", CLONE_VM, true },
    { "FS", CLONE_FS, true },
    { "FILES", CLONE_FILES, true },
    { "SIGHAND", CLONE_SIGHAND, true },
    { "THREAD", CLONE_THREAD, true },
    { "SYSVSEM", CLONE_SYSVSEM, true },
    { "IO", (unsigned)CLONE_IO, true },
    { "VFORK", CLONE_VFORK, true },
    { "SETTLS", CLONE_SETTLS, false },
    { "PARENT_SETTID", CLONE_PARENT_SETTID, false },
    { "CHILD_SETTID", CLONE_CHILD_SETTID, false },
    { "CHILD_CLEARTID", CLONE_CHILD_CLEARTID, false },
    { "NEWNS", CLONE_NEWNS, true },
    { "NEWIPC", CLONE_NEWIPC, true },
    { "NEWPID", CLONE_NEWPID, true },
    { "NEWUSER", CLONE_NEWUSER, true },
};
enum { N_FLAGS = sizeof flags_of_clone / sizeof *flags_of_clone, N_COMMON = 12 };

/* What clone(2) says of flags that do not go together. */
static const struct rule {
    uint64_t with, without;
    const char *text;
} rules[] = {
    { CLONE_SIGHAND, CLONE_VM, "SIGHAND needs VM: the address of a handler means something in one memory only" },
    { CLONE_THREAD, CLONE_SIGHAND, "THREAD needs SIGHAND: the threads of a process have one set of handlers" },
    { CLONE_FS | CLONE_NEWNS, 0, "FS and NEWNS: one working directory cannot be in two mount namespaces" },
    { CLONE_FS | CLONE_NEWUSER, 0, "FS and NEWUSER: one root directory cannot be for two user namespaces" },
    { CLONE_SYSVSEM | CLONE_NEWIPC, 0, "SYSVSEM and NEWIPC: what is to be undone is in one IPC namespace" },
    { CLONE_THREAD | CLONE_NEWPID, 0, "THREAD and NEWPID: the threads of a process have one PID" },
    { CLONE_THREAD | CLONE_NEWUSER, 0, "THREAD and NEWUSER: the threads of a process are in one user namespace" },
};

/* Written by others for the parent to report: mapped shared, and the same in every process of ours. */
struct page {
    int error;                                   /* of clone() */
    int act_error;                               /* of the new task's own calls, */
    const char *act;                             /* and of which */
    bool shared[N_RESOURCES], same[N_RESOURCES]; /* by what it did, and by kcmp() */
    int kcmp_error;
    pid_t pid, thread, process;
};
static struct page *page;

enum { STACK_SIZE = 64 * 1024, BY_CALLER = 5, BY_CHILD = 6 };
static _Alignas(16) char stacks[2][STACK_SIZE]; /* a new task in the same memory needs a stack of its own */
static volatile int variable;
static int semaphore, open_fd;
static pid_t caller;

static void *map_shared(size_t size)
{
    void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
        demo_die("mmap(%zu bytes, shared)", size);
    return address;
}

static void handler(int sig)
{
    (void)sig;
}

static void note(int rc, const char *act)
{
    if (rc >= 0 || page->act_error != 0)
        return;
    page->act_error = errno;
    page->act = act;
}

/* In the new task, whose memory may be its caller's, errno too: the caller waits meanwhile, and has no use for errno. */
static int child_side(void *unused)
{
    (void)unused;
    for (int i = 0; i < N_RESOURCES; i++) {
        int differ = resources[i].kcmp < 0 ? 0 : sys_kcmp(caller, gettid(), resources[i].kcmp, 0, 0);
        page->same[i] = differ == 0;
        page->kcmp_error = differ < 0 ? errno : page->kcmp_error;
    }
    variable = BY_CHILD;
    note(chdir("/proc"), "chdir(\"/proc\")");
    note(close(open_fd), "close()");
    note(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = handler }, NULL), "sigaction()");
    page->pid = getpid();
    if (semop(semaphore, &(struct sembuf){ .sem_op = 1, .sem_flg = SEM_UNDO }, 1) < 0 && errno != EINVAL)
        note(-1, "semop()"); /* EINVAL: with NEWIPC it is not there */
    note((int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, BY_CHILD)),
         "ioprio_set()");
    return 0;
}

/* Two of the resources are made when they are first used; the kernel shares none that is not there. */
static void prepare(void)
{
    caller = getpid();
    variable = BY_CALLER;
    open_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (open_fd < 0 || chdir("/") < 0)
        demo_die("open(\"/\"), chdir(\"/\")");
    if (semop(semaphore, &(struct sembuf){ .sem_op = 0, .sem_flg = SEM_UNDO }, 1) < 0)
        demo_die("semop(%d, SEM_UNDO)", semaphore);
    if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, BY_CALLER)) < 0)
        demo_die("ioprio_set(%d)", BY_CALLER);
}

/* When the new task has ended, and what only it had is undone. */
static void look_at_own(void)
{
    char cwd[PATH_MAX];
    struct sigaction action;
    if (getcwd(cwd, sizeof cwd) == NULL || sigaction(SIGUSR1, NULL, &action) < 0)
        demo_die("getcwd(), sigaction(SIGUSR1)");
    int value = semctl(semaphore, 0, GETVAL);
    int priority = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
    if (value < 0 || priority < 0)
        demo_die("semctl(%d, GETVAL), ioprio_get()", semaphore);
    page->shared[MEMORY] = variable == BY_CHILD;
    page->shared[CWD] = strcmp(cwd, "/proc") == 0;
    page->shared[FILES] = fcntl(open_fd, F_GETFD) < 0;
    page->shared[HANDLER] = action.sa_handler == handler;
    page->shared[PID] = page->same[PID] = page->pid == caller;
    page->shared[UNDO] = value == 1; /* the last one to end undoes it */
    page->shared[IO] = IOPRIO_PRIO_DATA(priority) == BY_CHILD;
}

static void caller_side(uint64_t flags, bool three)
{
    prepare();
    pid_t child;
    if (three) {
        struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };
        child = sys_clone3(&args, sizeof args); /* with no stack it is as fork() is: both go on here */
        if (child == 0)
            _exit(child_side(NULL));
    } else {
        child = clone(child_side, stacks[0] + STACK_SIZE, (int)flags | SIGCHLD, NULL);
    }
    if (child < 0) {
        page->error = errno;
        return;
    }
    struct proc_stat stat;
    int rc = sync_state(child, "ZX", &stat);
    if (rc != -ESRCH) /* of a thread nothing is left */
        demo_need(rc, "read(/proc/%d/stat)", child);
    if (TEMP_FAILURE_RETRY(waitpid(child, NULL, __WALL)) < 0 && errno != ECHILD) /* a thread is not waited for */
        demo_die("waitpid(%d, __WALL)", child);
    look_at_own();
}

/* In a process of its own, since what it shares is changed. */
static void try_flags(uint64_t flags, bool three)
{
    *page = (struct page){ 0 };
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        caller_side(flags, three);
        _exit(0);
    }
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
    errno = page->act_error;
    if (errno != 0)
        demo_die("%s in the new task", page->act);
}

/* Fills a row of the table. Is exactly that shared which these flags name? The first that is not is named in wrong. */
static bool read_row(const char *name, uint64_t flags, const char *cells[], char wrong[80])
{
    bool right = true;
    cells[0] = name;
    for (int i = 0; i < N_RESOURCES; i++) {
        bool wanted = (flags & resources[i].flag) != 0, shared = page->shared[i];
        bool same = page->kcmp_error != 0 ? shared : page->same[i];
        cells[i + 1] = shared != same ? "?" : shared ? "shared" : "-";
        const char *says = same ? "the same" : "different";
        if (*wrong == '\0' && (shared != wanted || same != wanted))
            snprintf(wrong, 80, "%s: %s %s, kcmp says %s", name, resources[i].name, shared ? "shared" : "not shared",
                     page->kcmp_error != 0 ? strerrorname_np(page->kcmp_error) : says);
        right = right && shared == wanted && same == wanted;
    }
    return right;
}

static const char *witnesses(int kcmp_error)
{
    return kcmp_error == 0 ? "by what it did, and by kcmp(2)" : "by what it did";
}

static const char *const columns[] = { "flags", "memory", "cwd", "files", "handler", "PID", "undo", "I/O", NULL };
enum { N_COLUMNS = 1 + N_RESOURCES };

static const struct row {
    const char *name;
    uint64_t flags;
    bool three;
} rows[] = {
    { "none", 0, false },
    { "VM", CLONE_VM, false },
    { "FS", CLONE_FS, false },
    { "FILES", CLONE_FILES, false },
    { "VM SIGHAND", CLONE_VM | CLONE_SIGHAND, false },
    { "VM SIGHAND THREAD", CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, false },
    { "SYSVSEM", CLONE_SYSVSEM, false },
    { "IO", (unsigned)CLONE_IO, false },
    { "all", SHARING, false },
    { "FILES, by clone3", CLONE_FILES, true },
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static void spectrum(void)
{
    const char *cells[N_ROWS][N_COLUMNS];
    char wrong[80] = "";
    int n_right = 0, kcmp_error = 0;
    for (int i = 0; i < N_ROWS; i++) {
        uint64_t flags = rows[i].flags & ~(demo_without("files") ? (uint64_t)CLONE_FILES : 0);
        const char *name = rows[i].name;
        try_flags(flags, rows[i].three);
        if (page->error == ENOSYS && rows[i].three) {
            demo_act(0, "clone3() = ENOSYS: an old kernel, or a seccomp filter; clone() in its place");
            name = "FILES, by clone";
            try_flags(flags, false);
        }
        errno = page->error;
        if (errno != 0)
            demo_die("%s(%s)", rows[i].three ? "clone3" : "clone", name);
        n_right += read_row(name, rows[i].flags, cells[i], wrong);
        kcmp_error = page->kcmp_error != 0 ? page->kcmp_error : kcmp_error;
    }
    demo_table(0, witnesses(kcmp_error), columns, &cells[0][0], N_ROWS);
    if (*wrong != '\0')
        demo_check("clone.spectrum", false, "%s", wrong);
    else
        demo_check("clone.spectrum", n_right == N_ROWS, "%d of %d rows%s%s", n_right, N_ROWS,
                   kcmp_error != 0 ? "; kcmp(): " : ", by behaviour and kcmp",
                   kcmp_error != 0 ? strerrorname_np(kcmp_error) : "");
}

static void remove_semaphore(const void *key)
{
    key_t its = *(const key_t *)key;
    int id = its == IPC_PRIVATE ? -1 : semget(its, 1, 0);
    if (id >= 0 && semctl(id, 0, IPC_RMID) < 0)
        semctl(id, 0, IPC_RMID); /* once more: there is nobody to tell */
}

/* The kernel keeps a semaphore that nobody uses any more. So its key is known before it is there, to the guard as well. */
static int make_semaphore(struct sync_guard *guard)
{
    key_t *key = map_shared(sizeof *key);
    *key = 0x70000000 | getpid();
    demo_need(sync_guard_start(guard, remove_semaphore, key),
              "socketpair(), pidfd_open(), fcntl(), dup2() or fork() of a guard");
    semaphore = semget(*key, 1, IPC_CREAT | IPC_EXCL | 0600);
    if (semaphore >= 0)
        return 0;
    *key = IPC_PRIVATE; /* EEXIST: it is not ours */
    return -errno;
}

/* A flag by its name, with CLONE_ or without, in any case. */
static const struct flag *find_flag(const char *name)
{
    name += strncasecmp(name, "CLONE_", 6) == 0 ? 6 : 0;
    for (int i = 0; i < N_FLAGS; i++)
        if (flags_of_clone[i].alone && strcasecmp(name, flags_of_clone[i].name) == 0)
            return &flags_of_clone[i];
    return NULL;
}

static const char *list_flags(uint64_t flags, char text[160])
{
    *text = '\0';
    for (int i = 0; i < N_FLAGS; i++)
        if (flags & flags_of_clone[i].value)
            snprintf(text + strlen(text), 160 - strlen(text), "%s%s", *text ? " " : "", flags_of_clone[i].name);
    return text;
}

/* The flags that the reader gives: "VM,FILES". NULL, or what is wrong with them. */
static uint64_t own_flags;
static const char *read_flags(void)
{
    static char wrong[320];
    char word[64], known[160];
    uint64_t alone = 0;
    own_flags = 0;
    for (int i = 0; i < N_FLAGS; i++)
        alone |= flags_of_clone[i].alone ? flags_of_clone[i].value : 0;
    const char *at = demo_word("flags");
    for (; at != NULL && *at != '\0'; at += strcspn(at, ", "), at += strspn(at, ", ")) {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ", "), at);
        const struct flag *flag = find_flag(word);
        if (flag == NULL) {
            snprintf(wrong, sizeof wrong, "'%s' is no flag that can be tried; there are: %s", word,
                     list_flags(alone, known));
            return wrong;
        }
        own_flags |= flag->value;
    }
    return NULL;
}

static void try_own(void)
{
    char text[160], wrong[80] = "";
    const char *cells[N_COLUMNS];
    demo_step("clone() with the flags %s", list_flags(own_flags, text));
    try_flags(own_flags, false);
    errno = page->error;
    if (errno == EINVAL || errno == EPERM) {
        demo_act(0, "clone() = -1, %s", strerrorname_np(errno));
        for (size_t i = 0; page->error == EINVAL && i < sizeof rules / sizeof *rules; i++)
            if ((own_flags & rules[i].with) == rules[i].with &&
                (rules[i].without == 0 || (own_flags & rules[i].without) == 0))
                demo_act(0, "the rule: %s", rules[i].text);
        if (page->error == EPERM)
            demo_act(0, "a new namespace needs CAP_SYS_ADMIN, or NEWUSER beside it");
        return;
    }
    if (errno != 0)
        demo_die("clone(%s)", text);
    bool right = read_row(text, own_flags, cells, wrong);
    cells[0] = "yours";
    demo_table(0, witnesses(page->kcmp_error), columns, cells, 1);
    demo_check("clone.spectrum", right, "%s%s", right ? "exactly what the flags name" : wrong,
               !right || page->kcmp_error == 0 ? "" : ", by behaviour alone");
}

/* What a function of the C library asked the kernel for. */
enum { FORK, VFORK, SPAWN, PTHREAD, N_MAKERS };
struct made {
    const char *call;
    uint64_t flags;
    int exit_signal;
    pid_t child;
};

static void *nothing(void *unused)
{
    return unused;
}

static void wait_for(pid_t pid, const char *call)
{
    if (pid < 0 || TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0)) < 0)
        demo_die("%s, waitpid(%d)", call, pid);
}

static void call_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    wait_for(pid, "fork()");
}

static void call_vfork(void)
{
    pid_t pid = vfork();
    if (pid == 0)
        _exit(0);
    wait_for(pid, "vfork()");
}

static void call_posix_spawn(void)
{
    pid_t pid;
    errno = posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *[]){ "sh", "-c", ":", NULL }, environ);
    wait_for(errno == 0 ? pid : -1, "posix_spawn(\"/bin/sh\")");
}

static void call_pthread_create(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    if (errno != 0)
        demo_die("pthread_create()");
    pthread_join(thread, NULL);
}

/* The arguments of a call that makes a process; call is NULL where it is another one. */
static void read_call(const struct trace_event *event, struct made *made)
{
    struct clone_args args = { .exit_signal = SIGCHLD };
    *made = (struct made){ .call = "clone" };
    if (event->nr == SYS_clone) {
        args.flags = event->args[0] & ~(uint64_t)CSIGNAL;
        args.exit_signal = event->args[0] & CSIGNAL;
    } else if (event->nr == SYS_clone3) {
        made->call = "clone3";
        size_t size = event->args[1] < sizeof args ? event->args[1] : sizeof args;
        demo_need((int)trace_read(event->pid, event->args[0], &args, size), "read the arguments of clone3()");
#ifdef SYS_vfork
    } else if (event->nr == SYS_vfork) {
        made->call = "vfork";
        args.flags = CLONE_VM | CLONE_VFORK; /* as the kernel has it, kernel/fork.c */
    } else if (event->nr == SYS_fork) {
        made->call = "fork";
#endif
    } else {
        made->call = NULL;
    }
    made->flags = args.flags;
    made->exit_signal = (int)args.exit_signal;
}

/* Follows the process that makes them all. Returns how many it made; -errno: it may not be traced. */
static int follow(struct made made[N_MAKERS])
{
    cleanup_gate struct sync_gate traced;
    demo_need(sync_gate_make(&traced), "pipe2() of a gate");
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        int passed = sync_gate_pass(&traced);
        if (passed == -EPIPE)
            _exit(0); /* nobody may trace us */
        demo_need(passed, "poll(), read() at a gate: wait for the tracer");
        demo_without("fork") ? call_vfork() : call_fork();
        call_vfork();
        call_posix_spawn();
        demo_without("thread") ? call_fork() : call_pthread_create();
        _exit(0);
    }
    struct trace_event event;
    struct made call = { 0 };
    cleanup_trace struct trace trace = { 0 };
    int rc = trace_begin(&trace, child), n = 0;
    if (rc < 0) {
        sync_gate_close(&traced);
        return rc;
    }
    trace.how = TRACE_CALLS;
    trace.detach_new = true;
    demo_need(sync_gate_open(&traced), "write() to a gate: let the traced process go on");
    while ((rc = trace_next(&trace, &event)) == 1) {
        if (event.kind == TRACE_CALL)
            read_call(&event, &call);
        if (event.kind != TRACE_RETURN || call.call == NULL || event.result <= 0)
            continue; /* -ENOSYS of clone3(): the C library then calls clone() */
        call.child = (pid_t)event.result;
        if (n < N_MAKERS)
            made[n] = call;
        n++;
    }
    demo_need(rc, "ptrace(), waitid() of process %d", child);
    return n;
}

static void show_flags(const struct made made[N_MAKERS])
{
    const char *cells[N_COMMON + 2][1 + N_MAKERS];
    static const char *const head[] = { "flag", "fork", "vfork", "posix_spawn", "pthread_create", NULL };
    cells[0][0] = "(system call)";
    cells[N_COMMON + 1][0] = "(signal at its end)";
    for (int i = 0; i < N_MAKERS; i++) {
        cells[0][i + 1] = made[i].call;
        cells[N_COMMON + 1][i + 1] = made[i].exit_signal == SIGCHLD ? "SIGCHLD" : "none";
        for (int f = 0; f < N_COMMON; f++)
            cells[f + 1][i + 1] = made[i].flags & flags_of_clone[f].value ? "x" : ".";
    }
    for (int f = 0; f < N_COMMON; f++)
        cells[f + 1][0] = flags_of_clone[f].name;
    demo_table(0, "ptrace(2)", head, &cells[0][0], N_COMMON + 2);
}

static bool is_clone(const struct made *made)
{
    return strncmp(made->call, "clone", 5) == 0;
}

/* Returns false where nothing was seen. */
static bool show_makers(struct made made[N_MAKERS])
{
    int n = follow(made);
    if (n < 0) {
        static const char may_not[] = "ptrace(): %s; not under a tracer, and allow it (ptrace_scope, seccomp)";
        const char *error = strerrorname_np(-n);
        demo_skip("clone.fork-is-clone", may_not, error);
        demo_skip("clone.pthread-is-clone", may_not, error);
        return false;
    }
    if (n != N_MAKERS) {
        errno = ECANCELED;
        demo_die("fork(), vfork(), posix_spawn() or pthread_create(), traced: %d of %d", n, N_MAKERS);
    }
    char text[2][160];
    show_flags(made);
    const struct made *fork_made = &made[FORK], *thread_made = &made[PTHREAD];
    demo_check("clone.fork-is-clone", is_clone(fork_made) && (fork_made->flags & SHARING) == 0, "%s(%s)",
               fork_made->call, list_flags(fork_made->flags, text[0]));
    demo_check("clone.pthread-is-clone", is_clone(thread_made) && (~thread_made->flags & FULL) == 0, "%s(%s)",
               thread_made->call, list_flags(thread_made->flags & SHARING, text[1]));
    return true;
}

/* Three tasks that sleep until they are sent a byte: a process, its thread, and a process that only shares its memory. */
enum { LEADER, THREAD, PROCESS, N_TASKS };
static const char *const task_names[] = { "leader", "thread", "process" };
static int bytes[N_TASKS][2];

static int sleep_on(void *fd)
{
    char byte;
    while (TEMP_FAILURE_RETRY(read(*(const int *)fd, &byte, 1)) == 1)
        continue;
    return 0; /* nobody can write any more: the parent has ended, or is done */
}

/* From its clone() on it stores plain data only: it has a thread then. */
static void lead(pid_t parent, struct sync_gate *ready)
{
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    for (int i = 0; i < N_TASKS; i++)
        close(bytes[i][1]);
    int flags = FULL & ~(demo_without("group") ? CLONE_THREAD : 0);
    page->thread = clone(sleep_on, stacks[0] + STACK_SIZE, flags | SIGCHLD, &bytes[THREAD][0]);
    if (page->thread > 0)
        page->process = clone(sleep_on, stacks[1] + STACK_SIZE, CLONE_VM | SIGCHLD, &bytes[PROCESS][0]);
    page->error = page->thread < 0 || page->process < 0 ? errno : 0;
    int rc = sync_gate_open(ready);
    sleep_on(&bytes[LEADER][0]);
    while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
        continue;
    _exit(rc == 0 ? 0 : 1);
}

struct task {
    pid_t tid, tgid;
    char state;
    int64_t slices; /* how often it was put on a CPU */
};

/* Waits until it sleeps in read() and is off the CPU, then looks. -errno: that cannot be seen. */
static int look_at_task(pid_t tid, struct task *task)
{
    struct proc_syscall call;
    struct proc_stat stat;
    struct proc_status status;
    struct proc_schedstat schedstat;
    char file[64];
    int rc = sync_blocked(tid, SYS_read, &call);
    if (rc == -EACCES || rc == -ENOTSUP)
        return rc;
    demo_need(rc, "read() in task %d, or /proc/%d/syscall", tid, tid);
    demo_need(proc_status_read(tid, &status), "read(/proc/%d/status)", tid);
    snprintf(file, sizeof file, "task/%d/stat", tid);
    cleanup_fd int stat_fd = proc_open(status.tgid, file);
    demo_need(stat_fd, "open(/proc/%d/%s)", status.tgid, file);
    demo_need(proc_stat_pread(stat_fd, &stat), "read(/proc/%d/%s)", status.tgid, file);
    snprintf(file, sizeof file, "task/%d/schedstat", tid);
    cleanup_fd int schedstat_fd = proc_open(status.tgid, file);
    if (schedstat_fd == -ENOTSUP || schedstat_fd == -ESRCH)
        return -ENOTSUP; /* a kernel without it */
    demo_need(schedstat_fd, "open(/proc/%d/%s)", status.tgid, file);
    demo_need(proc_schedstat_pread(schedstat_fd, &schedstat), "read(/proc/%d/%s)", status.tgid, file);
    *task = (struct task){ stat.pid, status.tgid, stat.state, schedstat.slices };
    return schedstat.slices == 0 ? -ENOTSUP : 0;
}

static int look_at_tasks(const pid_t tids[N_TASKS], struct task tasks[N_TASKS])
{
    for (int i = 0; i < N_TASKS; i++) {
        int rc = look_at_task(tids[i], &tasks[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Wakes one task after the other: ran[i][j] says whether task i ran when task j was woken. */
static int wake_each(const pid_t tids[N_TASKS], struct task tasks[N_TASKS], bool ran[N_TASKS][N_TASKS])
{
    struct task before[N_TASKS];
    int rc = look_at_tasks(tids, tasks);
    for (int j = 0; rc == 0 && j < N_TASKS; j++) {
        memcpy(before, tasks, sizeof before);
        if (write(bytes[j][1], "", 1) != 1)
            demo_die("write(%d, a byte)", bytes[j][1]);
        rc = look_at_tasks(tids, tasks);
        for (int i = 0; i < N_TASKS; i++)
            ran[i][j] = tasks[i].slices != before[i].slices;
    }
    return rc;
}

static void decide_tasks(pid_t leader, const struct task tasks[N_TASKS], bool ran[N_TASKS][N_TASKS])
{
    static const char *const head[] = { "task",         "TID",          "PID",           "state",
                                        "leader woken", "thread woken", "process woken", NULL };
    const char *cells[N_TASKS][7];
    char states[N_TASKS][2] = { { 0 } };
    pid_t listed[N_TASKS + 1];
    bool alike = true;
    for (int i = 0; i < N_TASKS; i++) {
        states[i][0] = tasks[i].state;
        const char *const ids[] = { task_names[i], demo_pid(tasks[i].tid), demo_pid(tasks[i].tgid), states[i] };
        memcpy(cells[i], ids, sizeof ids);
        for (int j = 0; j < N_TASKS; j++) {
            cells[i][4 + j] = ran[i][j] ? "runs" : "sleeps";
            alike = alike && ran[i][j] == (i == j);
        }
    }
    demo_table(leader, "/proc/PID/task/*/stat, schedstat", head, &cells[0][0], N_TASKS);
    int n = proc_task_list(leader, listed, N_TASKS + 1);
    demo_need(n, "getdents64(/proc/%d/task)", leader);
    bool ids = n == 2 && tasks[THREAD].tgid == leader && tasks[THREAD].tid != leader &&
               tasks[PROCESS].tgid == tasks[PROCESS].tid && tasks[LEADER].tid == leader;
    demo_check("clone.threads-are-tasks", ids && alike, "task/ lists %d; %s; %s", n,
               tasks[THREAD].tgid == leader ? "one PID, two TIDs" : "two PIDs",
               alike ? "each is woken alone" : "not each is woken alone");
}

static void threads_are_tasks(void)
{
    cleanup_gate struct sync_gate ready;
    demo_need(sync_gate_make(&ready), "pipe2() of a gate");
    for (int i = 0; i < N_TASKS; i++)
        if (pipe2(bytes[i], O_CLOEXEC) < 0)
            demo_die("pipe2()");
    *page = (struct page){ 0 };
    pid_t parent = getpid();
    cleanup_child pid_t leader = fork();
    if (leader < 0)
        demo_die("fork()");
    if (leader == 0)
        lead(parent, &ready);
    demo_need(sync_gate_pass(&ready), "poll(), read() at a gate: wait for clone(), write() in process %d", leader);
    errno = page->error;
    if (errno != 0)
        demo_die("clone(a thread), clone(CLONE_VM)");
    struct task tasks[N_TASKS];
    bool ran[N_TASKS][N_TASKS];
    demo_role(leader, "leader");
    demo_role(page->thread, "thread");
    demo_role(page->process, "process");
    const pid_t tids[] = { leader, page->thread, page->process };
    int rc = wake_each(tids, tasks, ran);
    if (rc < 0) {
        demo_skip("clone.threads-are-tasks", "%s: needs /proc/PID/syscall (kernel.yama.ptrace_scope) and schedstat",
                  strerrorname_np(-rc));
    } else {
        decide_tasks(leader, tasks, ran);
        demo_look("ps -L -o pid,lwp,stat,comm -p %s,%s", demo_pid(leader), demo_pid(page->process));
    }
    for (int i = 0; i < N_TASKS; i++)
        sync_pipe_close(&bytes[i]); /* which ends them */
    demo_need(sync_finished(leader), "waitpid() or write() in process %d", leader);
}

/* The flags that the kernel recorded for it, without the signal; 0 is none that a C library passes. */
static uint64_t recorded(const struct witness *seen, const struct made *made)
{
    size_t i = witness_find(seen, 0, KERNEL_NEWTASK, made->child);
    return i < seen->n ? seen->event[i].value : 0;
}

static void clone_demo(void)
{
    cleanup_guard struct sync_guard guard = { -1 };
    struct made made[N_MAKERS];
    bool own = demo_word("flags") != NULL;
    if (!own)
        witness_begin(1U << KERNEL_NEWTASK);
    page = map_shared(sizeof *page);
    int rc = make_semaphore(&guard);
    if (own) {
        demo_need(rc, "semget(IPC_CREAT)");
        try_own();
        return;
    }
    demo_step("Clone with each flag; the new task changes things, the caller looks at its own");
    if (rc < 0)
        demo_skip("clone.spectrum", "semget(): %s; needs System V semaphores (kernel.sem)", strerrorname_np(-rc));
    else
        spectrum();
    sync_guard_end(&guard);
    demo_step("Let a traced process fork(), vfork(), posix_spawn() and pthread_create()");
    bool traced = show_makers(made);
    demo_step("Wake a process, its thread, and a process that shares its memory, in turn");
    threads_are_tasks();

    demo_step("Ask the second witness: the flags that the kernel recorded");
    struct witness seen = witness_end();
    if (traced && seen.present) {
        uint64_t forks = recorded(&seen, &made[FORK]), threads = recorded(&seen, &made[PTHREAD]);
        witness_says("clone.fork-is-clone", forks == made[FORK].flags && (forks & SHARING) == 0,
                     "task_newtask: clone_flags %#" PRIx64, forks);
        witness_says("clone.pthread-is-clone", threads == made[PTHREAD].flags && (~threads & FULL) == 0,
                     "task_newtask: clone_flags %#" PRIx64, threads);
    }
}

static const char why[] =
    "The kernel knows one kind of thing that runs, the task (struct task_struct),\n"
    "and one way to make it, kernel_clone in kernel/fork.c. fork(), vfork(), clone()\n"
    "and clone3() all end there. A task has pointers: to its memory (mm), directory\n"
    "and umask (fs), descriptors (files), signal handlers (sighand). For each one\n"
    "copy_process has a function, copy_mm, copy_fs, copy_files and so on, that does\n"
    "one of two things: with the flag it counts one more user, without it it makes a\n"
    "copy. \"Process\" and \"thread\" are two of the many combinations.\n"
    "\n"
    "The evidence: the new task changes what it has, and its caller looks whether it\n"
    "sees the change; and kcmp(2) compares the two pointers. \"undo\" are the changes\n"
    "of semaphores that the kernel takes back at the end of a task (SEM_UNDO): they\n"
    "are taken back when the last task that shares them ends. \"I/O\" is the\n"
    "io_context with the priority of ioprio_set(2). \"PID\" is what getpid() returns,\n"
    "the number of the thread group; each task of a group has its own TID.\n"
    "\n"
    "SIGHAND needs VM, and THREAD needs SIGHAND; clone() returns EINVAL otherwise.\n"
    "A thread sends no signal when it ends, and cannot be waited for by wait():\n"
    "pthread_join() sleeps on a futex that the kernel clears and wakes, for the\n"
    "address given with CHILD_CLEARTID. SETTLS gives it its own errno.\n"
    "\n"
    "The calls of the C library are seen by ptrace(2) where they enter the kernel.\n"
    "schedstat, the third number, counts how often a task was put on a CPU: waking\n"
    "one of three makes that of one grow, whether it is a thread or a process.\n"
    "\n"
    "Where the text simplifies: \"full sharing\" is six flags, and IO is not among\n"
    "them: I/O priorities are each thread's own. fork() passes two flags as well\n"
    "(CHILD_SETTID, CHILD_CLEARTID), which share nothing.\n";

static const struct demo_break breaks[] = {
    { "files", "clone.spectrum", "leaves CLONE_FILES out" },
    { "fork", "clone.fork-is-clone", "calls vfork() in the place of fork()" },
    { "thread", "clone.pthread-is-clone", "calls fork() in the place of pthread_create()" },
    { "group", "clone.threads-are-tasks", "leaves CLONE_THREAD out" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "clone.spectrum",
        .ask = "The child of clone(CLONE_FILES) closes a descriptor and stores to a variable. The caller finds",
        .choices = { "neither", "the descriptor closed, the variable as it was",
                     "the variable changed, the descriptor open", "both" },
        .right = 1,
        .because = "One flag shares one thing. Without CLONE_VM the memory is a copy, as after fork().",
    },
    {
        .step = 2,
        .claim = "clone.fork-is-clone",
        .ask = "Which system call does fork() make?",
        .choices = { "fork", "clone, with no flag that shares", "clone, with CLONE_VM: copy-on-write" },
        .right = 1,
        .because = "glibc stopped using the old call long ago. Copy-on-write is what happens without CLONE_VM.",
    },
    { 0 },
};

static const struct demo_option options[] = {
    { .name = "flags", .help = "Try your own combination: VM,FILES", .word = "FLAGS" },
    { 0 },
};

static const struct demo demo = {
    .name = "clone",
    .title = "one call makes processes and threads: its flags say what is shared",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = clone_demo,
    .options = options,
    .wrong = read_flags,
    .why = why,
    .next = "cost",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
