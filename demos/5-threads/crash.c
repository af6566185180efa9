/* crash.c - one bad access, in a thread and in a process: who else dies?
 *
 *     crash                   the whole lesson
 *     crash --break thread    in step 1 a child of its own makes the bad access, and no thread
 *     crash --break process   in step 2 a thread of the sibling makes it, and no child of its own
 *
 *     parent       sibling                            crashing child (step 2)
 *     fork() ----> (step 1) starts two threads
 *     fork() ---------------------------------------> waits
 *     lets go ---> (step 1) a thread: SIGSEGV         SIGSEGV
 *     asks ------> answers, or is gone
 *
 *     parent                               owner
 *     has a page                           writes to its copy of it; maps a page at another address
 *     reads its own; there: SIGSEGV
 *     process_vm_readv() of the owner      prctl(PR_SET_DUMPABLE, 0)
 *     without CAP_SYS_PTRACE: EPERM
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "thread.crash-kills-all", "A crash in one thread kills every thread of its process." },
    { "process.crash-isolated", "A crash in one process leaves the others alone." },
    { "process.memory-isolated", "Processes cannot access each other's memory." },
    { 0 },
};

enum { SIZE = 4096, TEXT = 16, FAR = 1 << 30 };

static char *forbidden; /* a page that nobody may read, at the same address in every process of the demo */

/* By the children, in a page that stays shared. */
static struct told {
    pid_t waiting, crashing; /* threads */
    char *mapped;            /* where the owner has a page that nobody else has */
    int refused;             /* errno of the reader's process_vm_readv(), 0: it read */
} * told;

static pthread_barrier_t started;

static char *map(void *hint, int access, int flags)
{
    void *page = mmap(hint, SIZE, access, flags | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        demo_die("mmap(%d)", SIZE);
    return page;
}

/* SIGSEGV also leaves a core file, or feeds it to a program (core(5)): not of a process that is not dumpable. */
static void crash_at(const char *address)
{
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        demo_die("prctl(PR_SET_DUMPABLE, 0)");
    (void)*(const volatile char *)address;
}

static void *waiting_thread(void *unused)
{
    told->waiting = gettid();
    pthread_barrier_wait(&started);
    while (pause() < 0)
        continue;
    return unused;
}

/* What it calls of report, demo_die and demo_need, is safe in a thread: it writes one line and ends the process. */
static void *crashing_thread(void *crash)
{
    told->crashing = gettid();
    pthread_barrier_wait(&started);
    demo_need(sync_gate_pass(crash), "poll(), read() at a gate: wait to crash");
    crash_at(forbidden);
    return NULL;
}

static void start_threads(struct sync_gate *crash)
{
    pthread_t thread;
    pthread_barrier_init(&started, NULL, 3);
    errno = pthread_create(&thread, NULL, waiting_thread, NULL);
    if (errno == 0)
        errno = pthread_create(&thread, NULL, crashing_thread, crash);
    if (errno != 0)
        demo_die("pthread_create()");
    pthread_barrier_wait(&started);
}

struct gates {
    struct sync_gate crash, ask, answer;
};

static _Noreturn void sibling_side(struct gates *gates, bool in_thread, pid_t parent)
{
    int rc;
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    if (in_thread)
        start_threads(&gates->crash);
    do
        demo_need(sync_gate_open(&gates->answer), "write() to a gate: answer the parent");
    while ((rc = sync_gate_pass(&gates->ask)) == 0);
    if (rc != -EPIPE) /* the parent asks nothing more */
        demo_need(rc, "poll(), read() at a gate: wait for a question");
    _exit(0);
}

static _Noreturn void child_side(struct gates *gates, pid_t parent)
{
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    demo_need(sync_gate_pass(&gates->crash), "poll(), read() at a gate: wait to crash");
    crash_at(forbidden);
    _exit(1);
}

/* A process with SIGKILL on its way never comes back to its own instructions, however soon it is asked. */
static bool answers(struct gates *gates)
{
    int rc = sync_gate_open(&gates->ask);
    if (rc == 0)
        rc = sync_gate_pass(&gates->answer);
    if (rc != -EPIPE)
        demo_need(rc, "poll(), read() or write() at a gate: ask the sibling");
    return rc == 0;
}

/* One that could die: a thread or a process. A TID is a name of /proc like a PID, which "ls /proc" does not show. */
struct one {
    const char *name;
    pid_t id;
    int stat_fd;
    char before, after; /* state; '-': gone */
};
struct outcome {
    int dead, signal;
    bool answered;
};

static void look_before(struct one *one)
{
    struct proc_stat stat;
    one->stat_fd = proc_open(one->id, "stat"); /* never comes to mean another one that got the same number */
    demo_need(one->stat_fd, "open(/proc/%d/stat)", one->id);
    demo_need(sync_state(one->id, one->id == getpid() ? "R" : "S", &stat), "read(/proc/%d/stat)", one->id);
    one->before = stat.state;
}

static void look_after(struct one *one)
{
    struct proc_stat stat;
    int rc = proc_stat_pread(one->stat_fd, &stat);
    sync_fd_close(&one->stat_fd);
    if (rc == 0 && stat.state != 'Z' && one->id != getpid()) /* it has just answered */
        rc = sync_state(one->id, "S", &stat);
    if (rc != -ESRCH)
        demo_need(rc, "read(/proc/%d/stat)", one->id);
    one->after = '-';
    if (rc == 0)
        one->after = stat.state;
}

static void show(const struct one ones[3], const struct outcome *outcome, pid_t sibling)
{
    static const char *const columns[] = { "who", "ID", "before", "after", NULL };
    char id[3][16], before[3][2], after[3][40];
    const char *cells[4 * 3];
    for (int i = 0; i < 3; i++) {
        snprintf(id[i], sizeof id[i], "%s", demo_pid(ones[i].id));
        snprintf(before[i], sizeof before[i], "%c", ones[i].before);
        if (ones[i].after == '-')
            snprintf(after[i], sizeof after[i], "gone");
        else
            snprintf(after[i], sizeof after[i], "%c%s", ones[i].after,
                     ones[i].after == 'Z' && outcome->signal == SIGSEGV ? ", killed by SIGSEGV"
                     : ones[i].id == sibling && outcome->answered       ? ", answers"
                                                                        : "");
        const char *const line[] = { ones[i].name, id[i], before[i], after[i] };
        memcpy(cells + 4 * i, line, sizeof line);
    }
    demo_table(0, "/proc/ID/stat", columns, cells, 3);
}

static struct outcome crash_and_ask(struct gates *gates, struct one ones[3], pid_t sibling, pid_t child)
{
    struct outcome outcome = { 0 };
    siginfo_t how = { 0 };
    demo_need(sync_gate_open(&gates->crash), "write() to a gate: let it crash");
    if (child < 0)
        demo_need(sync_gone(ones[2].stat_fd), "read(/proc/%d/stat)", ones[2].id);
    else
        demo_need(sync_exited(child, &how), "waitid(P_PID, %d)", child);
    outcome.answered = answers(gates);
    if (!outcome.answered)
        demo_need(sync_exited(sibling, &how), "waitid(P_PID, %d)", sibling);
    outcome.signal = how.si_code == CLD_KILLED ? how.si_status : 0;
    for (int i = 0; i < 3; i++) {
        look_after(&ones[i]);
        outcome.dead += ones[i].after == '-' || ones[i].after == 'Z';
    }
    return outcome;
}

/* Who dies when the forbidden page is read: by a thread of the sibling, or by another child of ours. */
static struct outcome experiment(bool in_thread)
{
    pid_t parent = getpid();
    struct gates gates;
    demo_need(sync_gate_make(&gates.crash), "pipe2() of a gate");
    demo_need(sync_gate_make(&gates.ask), "pipe2() of a gate");
    demo_need(sync_gate_make(&gates.answer), "pipe2() of a gate");
    cleanup_child pid_t sibling = fork();
    if (sibling < 0)
        demo_die("fork()");
    if (sibling == 0)
        sibling_side(&gates, in_thread, parent);
    demo_role(sibling, "sibling");
    demo_need(sync_gate_pass(&gates.answer), "poll(), read() at a gate: wait for the sibling");
    cleanup_child pid_t child = in_thread ? -1 : fork();
    if (child < 0 && !in_thread)
        demo_die("fork()");
    if (child == 0)
        child_side(&gates, parent);
    if (child > 0)
        demo_role(child, "child");

    struct one threads[] = { { "its main thread", sibling },
                             { "one that waits", told->waiting },
                             { "one that crashes", told->crashing } };
    struct one processes[] = { { "parent", parent }, { "sibling", sibling }, { "child that crashes", child } };
    struct one *ones = in_thread ? threads : processes, *its = in_thread ? &threads[0] : &processes[1];
    struct proc_status status;
    for (int i = 0; i < 3; i++)
        look_before(&ones[i]);
    demo_need(proc_status_read(sibling, &status), "read(/proc/%d/status)", sibling);
    demo_observe(sibling, "/proc/PID/status", demo_fact("Threads", status.threads));
    demo_look("ps -L -o pid,lwp,stat,comm -p %s", demo_pid(sibling));
    struct outcome outcome = crash_and_ask(&gates, ones, sibling, child);
    show(ones, &outcome, sibling);
    demo_observe(sibling, "/proc/PID/stat", demo_fact("state", its->after));
    demo_look("ls /proc/%s/task; ps -o pid,stat,comm -p %s", demo_pid(sibling), demo_pid(sibling));
    sync_gate_close(&gates.crash);
    sync_gate_close(&gates.ask);
    sync_gate_close(&gates.answer);
    return outcome;
}

static ssize_t read_memory_of(pid_t pid, char *address, char text[TEXT])
{
    struct iovec here = { text, TEXT }, there = { address, TEXT };
    return process_vm_readv(pid, &here, 1, &there, 1, 0);
}

static _Noreturn void owner_side(char *page, struct sync_gate *go, struct sync_gate *ready, pid_t parent)
{
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    strcpy(page, "the owner's");
    told->mapped = map((void *)((uintptr_t)page - FAR), PROT_READ | PROT_WRITE, MAP_PRIVATE);
    strcpy(told->mapped, "only here");
    demo_need(sync_gate_open(ready), "write() to a gate: let the parent look");
    demo_need(sync_gate_pass(go), "poll(), read() at a gate: wait for the parent");
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        demo_die("prctl(PR_SET_DUMPABLE, 0)");
    demo_need(sync_gate_open(ready), "write() to a gate: let the parent go on");
    sync_gate_pass(go); /* until the parent closes it */
    _exit(0);
}

/* The signal that reading there means to a process of ours, or 0. */
static int signal_at(const char *address)
{
    siginfo_t how;
    cleanup_child pid_t probe = fork();
    if (probe < 0)
        demo_die("fork()");
    if (probe == 0) {
        crash_at(address);
        _exit(0);
    }
    demo_role(probe, "probe");
    demo_need(sync_exited(probe, &how), "waitid(P_PID, %d)", probe);
    if (how.si_code == CLD_EXITED && how.si_status != 0) {
        errno = ECANCELED;
        demo_die("prctl() in process %d", probe);
    }
    return how.si_code == CLD_KILLED ? how.si_status : 0;
}

/* Of the owner, by a process of the same user that has given up what root may: 0, or the errno. */
static int read_without_right(pid_t owner, char *address)
{
    const cap_value_t trace[] = { CAP_SYS_PTRACE };
    cleanup_child pid_t reader = fork();
    if (reader < 0)
        demo_die("fork()");
    if (reader == 0) {
        char text[TEXT];
        cap_t caps = cap_get_proc();
        if (caps == NULL || cap_set_flag(caps, CAP_EFFECTIVE, 1, trace, CAP_CLEAR) < 0 || cap_set_proc(caps) < 0)
            demo_die("cap_set_proc(without CAP_SYS_PTRACE)");
        told->refused = read_memory_of(owner, address, text) < 0 ? errno : 0;
        _exit(0);
    }
    demo_role(reader, "reader");
    demo_need(sync_finished(reader), "waitid(P_PID, %d)", reader);
    demo_act(reader, "process_vm_readv() of the owner, now without the right to trace it: %s",
             told->refused ? strerrorname_np(told->refused) : "works");
    return told->refused;
}

static void touch_each_other(void)
{
    static const char *const columns[] = { "address", "parent reads", "owner reads", NULL };
    char *page = map(NULL, PROT_READ | PROT_WRITE, demo_without("private") ? MAP_SHARED : MAP_PRIVATE), text[TEXT] = "";
    strcpy(page, "the parent's");
    cleanup_gate struct sync_gate go, ready;
    demo_need(sync_gate_make(&go), "pipe2() of a gate");
    demo_need(sync_gate_make(&ready), "pipe2() of a gate");
    pid_t parent = getpid();
    cleanup_child pid_t owner = fork();
    if (owner < 0)
        demo_die("fork()");
    if (owner == 0)
        owner_side(page, &go, &ready, parent);
    demo_role(owner, "owner");
    demo_need(sync_gate_pass(&ready), "poll(), read() at a gate: wait for the owner");
    int sig = signal_at(told->mapped), error = read_memory_of(owner, page, text) < 0 ? errno : 0;
    const char *there = sig == SIGSEGV ? "SIGSEGV" : "no SIGSEGV";
    const char *cells[] = { "0xPAGE", page, error ? "the owner's" : text, "0xOTHER", there, "only here" };
    char addresses[2][24];
    for (int i = 0; i < 2; i++) {
        snprintf(addresses[i], sizeof addresses[i], "%p", (void *)(i == 0 ? page : told->mapped));
        cells[3 * i] = demo_mask(addresses[i], cells[3 * i]);
    }
    demo_table(0, "memory", columns, cells, 2);
    demo_act(owner, "process_vm_readv() of the owner, with the right to trace it: %s",
             error ? strerrorname_np(error) : text);
    demo_look("diff /proc/%s/maps /proc/%s/maps || :", demo_pid(parent), demo_pid(owner));

    demo_need(sync_gate_open(&go), "write() to a gate: let the owner go on");
    demo_need(sync_gate_pass(&ready), "poll(), read() at a gate: wait for the owner");
    int refused = read_without_right(owner, page);
    bool own = strcmp(page, "the parent's") == 0 && (error || strcmp(text, "the owner's") == 0);
    if (own && sig == SIGSEGV && error)
        demo_skip("process.memory-isolated",
                  "process_vm_readv(): %s with the right to trace, too; allow ptrace (seccomp, "
                  "kernel.yama.ptrace_scope)",
                  strerrorname_np(error));
    else
        demo_check("process.memory-isolated", own && sig == SIGSEGV && refused == EPERM,
                   "%s; unmapped: %s; process_vm_readv(): %s", own ? "each reads its own" : "one page for both", there,
                   refused ? strerrorname_np(refused) : "works");
}

static void crash(void)
{
    forbidden = map(NULL, PROT_NONE, MAP_PRIVATE);
    told = (struct told *)(void *)map(NULL, PROT_READ | PROT_WRITE, MAP_SHARED);
    demo_step("Let one of the three threads of a process read where it may not");
    struct outcome outcome = experiment(!demo_without("thread"));
    demo_check("thread.crash-kills-all", outcome.dead == 3 && !outcome.answered && outcome.signal == SIGSEGV,
               "%d of 3 dead, %s", outcome.dead, outcome.signal == SIGSEGV ? "by SIGSEGV" : "but not by SIGSEGV");
    demo_step("Let a child process do so, which has a sibling");
    outcome = experiment(demo_without("process"));
    demo_check("process.crash-isolated", outcome.dead == 1 && outcome.answered && outcome.signal == SIGSEGV,
               "%d of 3 dead, the sibling %s", outcome.dead, outcome.answered ? "answers" : "does not answer");
    demo_step("Use one address in two processes, then one that only the other has mapped");
    touch_each_other();
}

static const char why[] =
    "The CPU finds no page it may read and raises a fault; the kernel finds no\n"
    "mapping that allows it and sends SIGSEGV to the thread that did it\n"
    "(force_sig_fault). But its default action is one of the process: in\n"
    "do_group_exit() (kernel/exit.c) the kernel puts SIGKILL on every thread of the\n"
    "thread group. Reason enough: they share the memory that the bug may have\n"
    "damaged. Another process has another thread group and other memory.\n"
    "\n"
    "The evidence: /proc/TID/stat of each thread, kept open from before, is ESRCH;\n"
    "of the main thread, Z until its parent waits, and waitid() says SIGSEGV. Who\n"
    "goes on is asked through a pipe, and answers.\n"
    "\n"
    "Each process has its own page tables (mm_struct), and an address means what\n"
    "they say. Where they say nothing there is a fault, whatever another process has\n"
    "there. The way around is a system call, process_vm_readv(2), and the kernel\n"
    "asks whether the caller may trace the other (ptrace(2), \"access mode\n"
    "checking\"): one user and a dumpable process, or CAP_SYS_PTRACE. ssh-agent keeps\n"
    "its keys from its user's other programs by prctl(PR_SET_DUMPABLE, 0).\n"
    "\n"
    "Where the text simplifies: a crash kills all threads because no handler is\n"
    "installed. A handler of SIGSEGV runs in the thread that faulted, which may go\n"
    "on elsewhere (siglongjmp). And processes with memory in common, MAP_SHARED,\n"
    "can damage what the others have there.\n"
    "\n"
    "Each crash is made by a process that is not dumpable, so none leaves a core\n"
    "file; the kernel may still write a line into its log (dmesg).\n";

static const struct demo_break breaks[] = {
    { "thread", "thread.crash-kills-all", "lets a child process crash in step 1, and no thread" },
    { "process", "process.crash-isolated", "lets a thread of the sibling crash in step 2" },
    { "private", "process.memory-isolated", "maps the page MAP_SHARED" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "thread.crash-kills-all",
        .ask = "One of three threads reads where it may not. Who dies?",
        .choices = { "this thread", "this thread and the main thread", "all three" },
        .right = 2,
        .because = "A signal's default action is one of the process: the kernel kills the whole thread group.",
    },
    {
        .step = 2,
        .claim = "process.crash-isolated",
        .ask = "One of two children reads where it may not. Who dies?",
        .choices = { "this child", "both children", "both children and the parent" },
        .right = 0,
        .because = "Another process is another thread group with other memory. A parent gets SIGCHLD, whose default is "
                   "nothing.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "crash",
    .title = "one bad access, in a thread and in a process: who else dies?",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = crash,
    .why = why,
    .next = "clone",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
