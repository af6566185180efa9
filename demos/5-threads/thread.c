/* thread.c - what the threads of a process share, and what each has for itself
 *
 *     thread                  the whole lesson
 *     thread --rounds 10000   each thread adds that often
 *     thread --break mutex    neither thread locks the mutex: additions are lost again
 *
 *     first                               second
 *     writes to memory, opens a pipe
 *                                         reads that memory
 *     read() waits                        waits for a mutex, which the main thread has
 *       --- the main thread looks at both, and unlocks it ---
 *     read() = 1                          write() to the pipe
 *
 *     loads the counter
 *                                         loads it, adds 1, stores it; or finds the mutex locked
 *     adds 1, stores it: where nothing kept the second out, its addition is lost
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "thread.same-pid-own-tid", "Threads have one PID, and each its own TID." },
    { "thread.own-stack", "Each has its own stack." },
    { "thread.own-pc-and-registers", "Each has its own program counter and registers." },
    { "thread.own-signal-mask", "Each has its own signal mask." },
    { "thread.shares-memory", "They share global variables, the heap and open files." },
    { "thread.needs-synchronization", "What they share needs synchronization." },
    { 0 },
};

enum { GLOBAL = 17, HEAP = 23, LOCAL = 42 };
enum { USR1 = 1 << (SIGUSR1 - 1), USR2 = 1 << (SIGUSR2 - 1) }; /* in the sets of /proc/PID/status */

static int global, *heap, pipefd[2];
static _Thread_local int not_shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all_three, both; /* with the main thread, and without it */

/* What the threads store and the main thread reports. */
static struct worker {
    pid_t pid, tid;
    int *local;              /* a variable on its stack */
    int global, heap, other; /* as it reads them; other: the local variable of the first */
    ssize_t moved;           /* bytes, through the pipe */
} first, second;

/* What the main thread sees of one that is blocked. */
struct view {
    struct proc_status status;
    struct proc_syscall call;
    int refused; /* -errno where call may not be read */
    char pipe[64];
    uintptr_t stack, stack_end;
};

static int *the_global(void)
{
    return demo_without("share") ? &not_shared : &global;
}

static void begin(struct worker *self, int *local, int sig)
{
    sigset_t mask;
    sigemptyset(&mask);
    if (!demo_without("mask"))
        sigaddset(&mask, sig);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    self->pid = getpid();
    self->tid = gettid();
    self->local = local;
}

static void *first_thread(void *unused)
{
    int local = LOCAL;
    begin(&first, &local, SIGUSR1);
    *the_global() = GLOBAL;
    heap = malloc(sizeof *heap);
    if (heap == NULL || pipe(pipefd) < 0)
        demo_die("malloc(), pipe()");
    *heap = HEAP;
    first.global = *the_global();
    first.heap = *heap;
    pthread_barrier_wait(&all_three); /* now the second reads it */
    pthread_barrier_wait(&all_three);
    char byte;
    first.moved = TEMP_FAILURE_RETRY(read(pipefd[0], &byte, 1));
    if (first.moved < 0)
        demo_die("read(%d)", pipefd[0]);
    return unused;
}

static void *second_thread(void *unused)
{
    int local = LOCAL + 1;
    begin(&second, &local, SIGUSR2);
    pthread_barrier_wait(&all_three);
    second.global = *the_global();
    second.heap = *heap;
    second.other = *first.local;
    pthread_barrier_wait(&all_three);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    second.moved = TEMP_FAILURE_RETRY(write(pipefd[1], "x", 1));
    if (second.moved < 0)
        demo_die("write(%d)", pipefd[1]);
    return unused;
}

static pthread_t start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, run, arg);
    if (errno != 0)
        demo_die("pthread_create()");
    return thread;
}

/* Where the C library has put its stack: part of the memory that all threads share. */
static void find_stack(pthread_t thread, struct view *view)
{
    pthread_attr_t attr;
    void *stack;
    size_t size;
    errno = pthread_getattr_np(thread, &attr);
    if (errno != 0)
        demo_die("malloc() in pthread_getattr_np()");
    pthread_attr_getstack(&attr, &stack, &size);
    pthread_attr_destroy(&attr);
    view->stack = (uintptr_t)stack;
    view->stack_end = (uintptr_t)stack + size;
}

/* Once it is blocked in the system call nr. A TID is a name of /proc like a PID, which "ls /proc" does not show. */
static struct view look(const struct worker *worker, pthread_t thread, long nr)
{
    struct view view = { .refused = sync_blocked(worker->tid, nr, &view.call) };
    char file[32];
    if (view.refused != -EACCES && view.refused != -ENOTSUP)
        demo_need(view.refused, "read(/proc/%d/syscall)", worker->tid);
    snprintf(file, sizeof file, "task/%d/status", worker->tid);
    cleanup_fd int status = proc_open(worker->pid, file);
    demo_need(status, "open(/proc/%d/%s)", worker->pid, file);
    demo_need(proc_status_pread(status, &view.status), "read(/proc/%d/%s)", worker->pid, file);
    snprintf(file, sizeof file, "task/%d/fd/%d", worker->tid, pipefd[0]);
    demo_need(proc_link_read(worker->pid, file, view.pipe, sizeof view.pipe), "readlink(/proc/%d/%s)", worker->pid,
              file);
    find_stack(thread, &view);
    return view;
}

enum { ROWS = 10, CELL = 80 };
static const struct {
    const char *name, *seen_in;
} row[ROWS] = {
    { "PID", "getpid()" },
    { "TID", "gettid()" },
    { "a global", "memory" },
    { "the heap", "memory" },
    { "the pipe", "*/fd" },
    { "a local", "memory" },
    { "stack pointer", "*/syscall" },
    { "program counter", "*/syscall" },
    { "call, register", "*/syscall" },
    { "SigBlk", "*/status" },
};

/* With --stable, a label in its place, which is the same only for what must be one address. */
static const char *address(uint64_t value, const char *label)
{
    static char text[CELL];
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)value);
    return demo_mask(text, label);
}

static void fill(char cell[ROWS][CELL], const struct worker *worker, const struct view *view, bool is_first)
{
    const struct proc_syscall *call = &view->call;
    uint64_t argument = call->args[0];
    snprintf(cell[0], CELL, "%s", demo_pid(worker->pid));
    snprintf(cell[1], CELL, "%s", demo_pid(worker->tid));
    snprintf(cell[2], CELL, "%d at %s", worker->global, address((uintptr_t)the_global(), "0xGLOBAL"));
    snprintf(cell[3], CELL, "%d at %s", worker->heap, address((uintptr_t)heap, "0xHEAP"));
    snprintf(cell[4], CELL, "%d %s", pipefd[0], demo_mask(view->pipe, "pipe:[INODE]"));
    snprintf(cell[5], CELL, "%d at %s", is_first ? LOCAL : LOCAL + 1,
             address((uintptr_t)worker->local, is_first ? "0xLOCAL1" : "0xLOCAL2"));
    snprintf(cell[6], CELL, "%s", address(call->sp, is_first ? "0xSP1" : "0xSP2"));
    snprintf(cell[7], CELL, "%s", address(call->pc, is_first ? "0xPC1" : "0xPC2"));
    if (is_first)
        snprintf(cell[8], CELL, "read, %llu", (unsigned long long)argument);
    else
        snprintf(cell[8], CELL, "futex, %s", address(argument, "0xMUTEX"));
    snprintf(cell[9], CELL, "%s", demo_signals(view->status.sig_blk));
    for (int i = 6; view->refused && i <= 8; i++)
        snprintf(cell[i], CELL, "%s", strerrorname_np(-view->refused));
}

static void show(const struct view *one, const struct view *other)
{
    static const char *const columns[] = { "what", "first", "second", "seen in", NULL };
    char left[ROWS][CELL], right[ROWS][CELL];
    const char *cells[4 * ROWS];
    fill(left, &first, one, true);
    fill(right, &second, other, false);
    for (int i = 0; i < ROWS; i++) {
        const char *const line[] = { row[i].name, left[i], right[i], row[i].seen_in };
        memcpy(cells + 4 * i, line, sizeof line);
    }
    demo_table(getpid(), "/proc/PID/task", columns, cells, ROWS);
}

static void check_ids(const struct view *one, const struct view *other)
{
    pid_t pid = getpid(), tids[16];
    int n = proc_task_list(pid, tids, 16), found = 0;
    demo_need(n, "readdir(/proc/%d/task)", pid);
    for (int i = 0; i < n && i < 16; i++)
        found += tids[i] == pid || tids[i] == first.tid || tids[i] == second.tid;
    bool pids = first.pid == pid && second.pid == pid && one->status.tgid == pid && other->status.tgid == pid;
    bool tids_differ = first.tid != pid && second.tid != pid && first.tid != second.tid &&
                       one->status.pid == first.tid && other->status.pid == second.tid;
    demo_check("thread.same-pid-own-tid", pids && tids_differ && found == 3, "Tgid %s in all of %d tasks",
               demo_pid(one->status.tgid), found);
}

/* The address lies on this thread's stack, in memory of the process, and not on the other's. The stacks are told apart
 * by their bounds: guard pages of newer C libraries (MADV_GUARD_INSTALL) split no mapping. */
static bool own(const struct view *its, const struct view *others, uint64_t address, const struct proc_maps *maps)
{
    const struct proc_map *map = proc_maps_find(maps, (const void *)(uintptr_t)address);
    return its->stack <= address && address < its->stack_end && map != NULL && strncmp(map->perms, "rw", 2) == 0 &&
           !(others->stack <= address && address < others->stack_end);
}

static void check_stacks(const struct view *one, const struct view *other)
{
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_maps_read(getpid(), &maps), "read(/proc/%d/maps)", getpid());
    bool locals = own(one, other, (uintptr_t)first.local, &maps) && own(other, one, (uintptr_t)second.local, &maps);
    bool pointers = (one->refused || own(one, other, one->call.sp, &maps)) &&
                    (other->refused || own(other, one, other->call.sp, &maps));
    demo_check("thread.own-stack", locals && pointers, "locals: %s; stack pointers: %s",
               locals ? "each on its own" : "on one", pointers ? "each in its own" : "in one");
}

static void check_registers(const struct view *one, const struct view *other)
{
    const struct proc_syscall *a = &one->call, *b = &other->call;
    int refused = one->refused ? one->refused : other->refused;
    if (refused)
        demo_skip("thread.own-pc-and-registers", "/proc/PID/task/TID/syscall: %s; mount /proc, use a readable program",
                  strerrorname_np(-refused));
    else
        demo_check("thread.own-pc-and-registers",
                   a->pc != b->pc && a->sp != b->sp && a->args[0] == (uint64_t)pipefd[0] &&
                       b->args[0] == (uintptr_t)&mutex,
                   "%s, %s", a->pc != b->pc ? "two program counters at once" : "one program counter",
                   a->sp != b->sp && a->args[0] != b->args[0] ? "two sets of registers" : "the same registers");
}

static void look_at_both(void)
{
    pthread_mutex_lock(&mutex);
    pthread_barrier_init(&all_three, NULL, 3);
    pthread_t one = start(first_thread, NULL), other = start(second_thread, NULL);
    pthread_barrier_wait(&all_three);
    pthread_barrier_wait(&all_three);
    demo_role(first.tid, "first");
    demo_role(second.tid, "second");
    struct view views[] = { look(&first, one, SYS_read), look(&second, other, SYS_futex) };
    show(&views[0], &views[1]);
    check_ids(&views[0], &views[1]);
    check_stacks(&views[0], &views[1]);
    check_registers(&views[0], &views[1]);
    uint64_t blocked[] = { views[0].status.sig_blk & (USR1 | USR2), views[1].status.sig_blk & (USR1 | USR2) };
    demo_check("thread.own-signal-mask", blocked[0] == USR1 && blocked[1] == USR2, "%s, %s", demo_signals(blocked[0]),
               demo_signals(blocked[1]));
    demo_look("ps -L -o pid,lwp,stat -p %s; cat /proc/%s/task/*/syscall", demo_pid(getpid()), demo_pid(getpid()));

    demo_step("Unlock the mutex: the second writes to the pipe that the first has opened");
    pthread_mutex_unlock(&mutex);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    demo_act(0, "the first has read %zd byte from descriptor %d", first.moved, pipefd[0]);
    demo_act(0, "the second has also read a local variable of the first: %d", second.other);
    demo_check("thread.shares-memory",
               second.global == GLOBAL && second.heap == HEAP && first.moved == 1 && second.moved == 1,
               "written %d, %d; read by the other %d, %d; pipe: %zd byte", GLOBAL, HEAP, second.global, second.heap,
               first.moved);
}

/* Atomic, and yet additions are lost: each load and each store is whole, but another can come between the two. */
static atomic_int counter;

/* One way to add: under a mutex or not, in one piece (fetch-and-add) or as a load and a store. */
struct way {
    const char *name;
    bool locks, whole;
    int rounds, found_locked;
};

static void *first_adds(void *arg)
{
    const struct way *way = arg;
    for (int i = 0; i < way->rounds; i++) {
        if (way->locks)
            pthread_mutex_lock(&mutex);
        int loaded = way->whole ? 0 : atomic_load_explicit(&counter, memory_order_relaxed);
        pthread_barrier_wait(&both); /* between these two the second adds, or finds the mutex locked */
        if (way->whole)
            atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
        pthread_barrier_wait(&both);
        if (!way->whole)
            atomic_store_explicit(&counter, loaded + 1, memory_order_relaxed);
        if (way->locks)
            pthread_mutex_unlock(&mutex);
        pthread_barrier_wait(&both); /* the round is over */
    }
    return NULL;
}

static void add(bool whole)
{
    if (whole)
        atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
    else
        atomic_store_explicit(&counter, atomic_load_explicit(&counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

static void *second_adds(void *arg)
{
    struct way *way = arg;
    for (int i = 0; i < way->rounds; i++) {
        pthread_barrier_wait(&both);
        bool later = way->locks && pthread_mutex_trylock(&mutex) == EBUSY;
        if (later) {
            way->found_locked++;
            pthread_barrier_wait(&both);
            pthread_mutex_lock(&mutex);
        }
        add(way->whole);
        if (way->locks)
            pthread_mutex_unlock(&mutex);
        if (!later)
            pthread_barrier_wait(&both);
        pthread_barrier_wait(&both);
    }
    return NULL;
}

/* How many additions are lost. */
static int lose(struct way *way)
{
    atomic_store(&counter, 0);
    pthread_t one = start(first_adds, way), other = start(second_adds, way);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    return 2 * way->rounds - atomic_load(&counter);
}

static void count_up(int rounds)
{
    static const char *const columns[] = { "how they add", "in between", "counted", "lost", NULL };
    struct way ways[] = { { "load, store", .rounds = rounds },
                          { "the same under a mutex", .rounds = rounds, .locks = !demo_without("mutex") },
                          { "atomic fetch-and-add", .rounds = rounds, .whole = !demo_without("atomic") } };
    enum { WAYS = 3 };
    char counted[WAYS][16], lost_text[WAYS][16];
    const char *cells[4 * WAYS];
    int lost[WAYS];
    pthread_barrier_init(&both, NULL, 2);
    for (int i = 0; i < WAYS; i++) {
        lost[i] = lose(&ways[i]);
        snprintf(counted[i], sizeof counted[i], "%d", 2 * rounds - lost[i]);
        snprintf(lost_text[i], sizeof lost_text[i], "%d", lost[i]);
        const char *between = ways[i].found_locked == rounds ? "the second finds it locked"
                              : ways[i].whole                ? "there is no between"
                                                             : "the second adds";
        const char *const line[] = { ways[i].name, between, counted[i], lost_text[i] };
        memcpy(cells + 4 * i, line, sizeof line);
    }
    demo_table(0, "the counter", columns, cells, WAYS);
    demo_check("thread.needs-synchronization",
               lost[0] == rounds && lost[1] == 0 && ways[1].found_locked == rounds && lost[2] == 0,
               "lost %d of %d; with a mutex %d, atomically %d", lost[0], 2 * rounds, lost[1], lost[2]);
}

static void thread(void)
{
    demo_step("Start two threads, and look at both while they are blocked");
    look_at_both();
    int rounds = (int)demo_option("rounds");
    demo_step("Let both add 1 to a counter, %d times, the second amid the first", rounds);
    count_up(rounds);
}

static const char why[] =
    "pthread_create() is clone(2) with CLONE_VM, CLONE_FILES, CLONE_THREAD and more\n"
    "(the demo clone names them): the new task_struct points to the same mm_struct\n"
    "and files_struct as its maker's. So an address means the same in both, and so\n"
    "does a descriptor. The kernel schedules tasks, and each has its own kernel\n"
    "stack, on which lie the registers it entered the kernel with (struct pt_regs).\n"
    "\n"
    "The kernel calls each task by its TID, in task_struct.pid; what getpid()\n"
    "returns is task_struct.tgid, the TID of the first thread. The evidence:\n"
    "/proc/PID/task has an entry for each TID. Its status says Tgid, Pid and SigBlk\n"
    "(task_struct.blocked), its syscall the call that it is blocked in, the six\n"
    "argument registers, the stack pointer and the program counter. Both threads\n"
    "are blocked, so both sets are there at one and the same time.\n"
    "\n"
    "A loss of additions that is only hoped for may come in no run of the program.\n"
    "Here barriers let the second thread run between the first one's load and its\n"
    "store, each time, so exactly half is lost. With a mutex the second finds it\n"
    "locked at that very moment (pthread_mutex_trylock: EBUSY) and has to wait. With\n"
    "an atomic fetch-and-add there is no such moment: the CPU keeps the cache line\n"
    "from the load to the store.\n"
    "\n"
    "Where the text simplifies: a thread's own stack is its own by custom only. It\n"
    "lies in the memory that all share, and the second thread reads a local variable\n"
    "of the first. And the handlers of signals are shared, only the mask is not: a\n"
    "signal to the process goes to some thread that does not block it (signal(7)).\n";

static const struct demo_break breaks[] = {
    { "mutex", "thread.needs-synchronization", "locks no mutex where one is to be locked" },
    { "atomic", "thread.needs-synchronization", "makes the atomic addition a load and a store" },
    { "share", "thread.shares-memory", "takes a _Thread_local variable for the global one" },
    { "mask", "thread.own-signal-mask", "blocks no signal in either thread" },
    { 0 },
};
static const struct demo_option options[] = { { "rounds", "How often each thread adds in step 3", 100, 1, 1000000 },
                                              { 0 } };
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "thread.same-pid-own-tid",
        .ask = "A process has started two threads. How many entries has /proc/PID/task?",
        .choices = { "two", "three", "one: threads are no processes" },
        .right = 1,
        .because = "The thread that runs main() is one, too: its TID is the PID.",
    },
    {
        .step = 3,
        .claim = "thread.needs-synchronization",
        .ask = "The second always adds between the load and the store of the first. How many are lost?",
        .choices = { "none", "all of them", "half of them", "another number each time" },
        .right = 2,
        .because = "Every time the first stores what it had loaded before, one addition of the second is overwritten: "
                   "half of them, exactly.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "thread",
    .title = "what the threads of a process share, and what each has for itself",
    .claims = claims,
    .breaks = breaks,
    .options = options,
    .predictions = predictions,
    .run = thread,
    .why = why,
    .next = "crash",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
