/* signal.c - a software interrupt: it comes at any moment, and says its number
 *
 *     signal                 the whole lesson
 *     signal --break merge   sends a real-time signal in the place of SIGUSR1
 *
 *     parent                       child
 *                                  sum += i
 *     kill(child, SIGUSR1) ----->  the handler runs, whatever instruction was next
 *                                  sum += i, as if nothing had been
 *
 *                                  blocks SIGUSR1
 *     kill() a hundred times ---->  one is pending
 *                                  unblocks it: the handler runs once
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "signal.asynchronous", "A signal interrupts a program at any instruction." },
    { "signal.term-graceful", "SIGTERM can be handled: clean up, then exit." },
    { "signal.kill-uncatchable", "SIGKILL and SIGSTOP: not caught, blocked or ignored." },
    { "signal.usr-application-defined", "SIGUSR1 and SIGUSR2 mean what the program says." },
    { "signal.limited-payload", "All it says is its number, and pending ones merge." },
    { "signal.realtime-queued", "A signal carries no data, and does not queue.", DEMO_CAVEAT,
      "real-time signals, from SIGRTMIN on, queue in their order, and sigqueue() gives each a value" },
    { 0 },
};

enum { TIMES = 20, MOST = 200, SENT = 100, QUEUED = 10, LIMIT = 3, FAREWELL = 7 };

/* What children and their handlers store, in a page that the parent reads. */
struct told {
    volatile long n, value[MOST]; /* how often the handler ran, and what each signal said: a PC, a value */
    volatile long passes, wrong, number, way[3];
    volatile int failed, refused[4];
    volatile bool cleaned;
};
static struct told *told;

static struct sync_gate ready, go; /* the first one is opened by the child */

static void pass(struct sync_gate *gate)
{
    demo_need(sync_gate_pass(gate), "poll(), read() at a gate: wait for the %s", gate == &go ? "parent" : "child");
}

static void open_gate(struct sync_gate *gate)
{
    demo_need(sync_gate_open(gate), "write() to a gate: let the %s go on", gate == &go ? "child" : "parent");
}

static void send(pid_t child, int sig)
{
    if (kill(child, sig) < 0)
        demo_die("kill(%d, %d)", child, sig);
}

static void handle(int sig, void (*handler)(int, siginfo_t *, void *))
{
    if (sigaction(sig, &(struct sigaction){ .sa_sigaction = handler, .sa_flags = SA_SIGINFO }, NULL) < 0)
        demo_die("sigaction(%d)", sig);
}

/* Blocks these two, or with 0 none. */
static void block(int sig, int other)
{
    sigset_t set;
    sigemptyset(&set);
    if (sig != 0)
        sigaddset(&set, sig);
    if (other != 0)
        sigaddset(&set, other);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        demo_die("sigprocmask()");
}

/* Until the handler has run n times: unblocks all and sleeps, in one step, for a signal may come in between two. */
static void await(long n)
{
    sigset_t none;
    sigemptyset(&none);
    while (told->n < n)
        sigsuspend(&none);
}

static pid_t start(void (*part)(void), const char *role)
{
    memset(told, 0, sizeof *told);
    sync_gate_close(&ready);
    sync_gate_close(&go);
    demo_need(sync_gate_make(&ready), "pipe2() of a gate");
    demo_need(sync_gate_make(&go), "pipe2() of a gate");
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        part();
        _exit(0);
    }
    demo_role(child, role);
    pass(&ready);
    return child;
}

static void exited(pid_t child, siginfo_t *how)
{
    demo_need(sync_exited(child, how), "waitid(P_PID, %d)", child);
}

/* 1: asynchronous */

/* Where the program was when it was interrupted; 0 on a machine we do not know. */
static uintptr_t pc_of(const ucontext_t *context)
{
#if defined __x86_64__
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return (uintptr_t)context->uc_mcontext.pc;
#else
    return context == NULL;
#endif
}

/* In a handler: plain stores only. */
static void keep_pc(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    told->value[told->n % MOST] = (long)pc_of(context);
    told->n++;
}

/* --break arrival: it is let in at one place only. */
static void let_in_here(void)
{
    sigset_t pending;
    if (sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1))
        await(told->n + 1);
}

/* Sums up until it is killed. The handler has no part in it. */
static void compute(void)
{
    handle(SIGUSR1, keep_pc);
    if (demo_without("arrival"))
        block(SIGUSR1, 0);
    open_gate(&ready);
    for (long seen = 0;;) {
        long sum = 0;
        for (volatile long i = 1; i <= 1000; i++)
            sum += i;
        told->wrong += sum != 500500;
        told->passes++;
        if (demo_without("arrival"))
            let_in_here();
        if (told->n != seen) {
            seen = told->n;
            open_gate(&ready);
        }
    }
}

/* Until it has computed on: the next signal is then to come somewhere else, be there only one CPU. */
static void computes(pid_t child)
{
    struct proc_stat stat;
    long before = told->passes;
    do {
        demo_need(sync_state(child, "RZ", &stat), "read(/proc/%d/stat): wait for it to run", child);
        if (stat.state == 'Z')
            demo_need(-ECANCELED, "kill(%d): it has ended", child);
    } while (told->passes <= before + 1);
}

/* Which of n interruptions was the first one at another instruction than the very first? n: none of them. */
static long elsewhere(long n)
{
    long i = 0;
    while (i < n && told->value[i] == told->value[0])
        i++;
    return i;
}

static void interrupt(void)
{
    cleanup_child pid_t child = start(compute, "summer");
    long n = 0;
    for (; n < TIMES || (n < MOST && elsewhere(n) == n); n++) {
        computes(child);
        send(child, SIGUSR1);
        pass(&ready);
    }
    computes(child);
    if (told->value[0] == 0) {
        demo_skip("signal.asynchronous", "where a program was is not known here; needs x86_64 or aarch64");
        return;
    }
    long other = elsewhere(n);
    demo_check("signal.asynchronous", told->n == n && other < n && told->wrong == 0, "at %s, %s%s; the sums %s",
               demo_address((void *)told->value[0]), other < n ? "at " : "and nowhere else",
               other < n ? demo_address((void *)told->value[other]) : "", told->wrong == 0 ? "are right" : "are wrong");
}

/* 2 and 3: SIGTERM, SIGKILL, SIGSTOP */

static volatile sig_atomic_t stop;

static void on_term(int sig, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    stop = sig;
}

/* Blocked but in sigsuspend(): a signal between the look at stop and the sleep would be slept over. */
static void serve(void)
{
    sigset_t none;
    sigemptyset(&none);
    if (!demo_without("handler"))
        handle(SIGTERM, on_term);
    block(SIGTERM, 0);
    open_gate(&ready);
    while (stop == 0)
        sigsuspend(&none);
    told->cleaned = true;
    _exit(FAREWELL);
}

static void terminate(void)
{
    siginfo_t how;
    struct proc_status status;
    cleanup_child pid_t child = start(serve, "server");
    demo_need(proc_status_read(child, &status), "read(/proc/%d/status)", child);
    demo_observe(child, "/proc/PID/status", demo_fact("SigCgt", demo_signals(status.sig_cgt)));
    send(child, SIGTERM);
    exited(child, &how);
    bool kept = how.si_code == CLD_EXITED && how.si_status == FAREWELL && told->cleaned;
    demo_check("signal.term-graceful", kept, "%s, %s %d", told->cleaned ? "cleaned up" : "not cleaned up",
               how.si_code == CLD_EXITED ? "exit status" : "killed by signal", how.si_status);
}

static void nothing(int sig)
{
    (void)sig;
}

static int refused(int sig, void (*disposition)(int))
{
    return sigaction(sig, &(struct sigaction){ .sa_handler = disposition }, NULL) < 0 ? errno : 0;
}

static void resist(void)
{
    sigset_t all;
    sigfillset(&all);
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        refused(sig, SIG_IGN);
    for (int i = 0; i < 4; i++)
        told->refused[i] = refused(i % 2 == 0 ? SIGKILL : SIGSTOP, i < 2 ? nothing : SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
        demo_die("sigprocmask(all)");
    open_gate(&ready);
    pass(&go);
}

static void kill_for_certain(void)
{
    siginfo_t how, stopped;
    struct proc_status status;
    cleanup_child pid_t child = start(resist, "resister");
    bool all_refused = true;
    for (int i = 0; i < 4; i++) {
        demo_act(child, "sigaction(%s, %s) = %s", i % 2 == 0 ? "SIGKILL" : "SIGSTOP", i < 2 ? "a handler" : "SIG_IGN",
                 strerrorname_np(told->refused[i]));
        all_refused = all_refused && told->refused[i] == EINVAL;
    }
    send(child, SIGTERM);
    send(child, SIGSTOP);
    demo_need(sync_stopped(child, &stopped), "waitid(P_PID, %d, WSTOPPED)", child);
    demo_need(proc_status_read(child, &status), "read(/proc/%d/status)", child);
    demo_observe(child, "/proc/PID/status", demo_fact("not in SigBlk", demo_signals(~status.sig_blk)),
                 demo_fact("ShdPnd", demo_signals(status.shd_pnd)));
    demo_look("grep -E 'State|Sig|ShdPnd' /proc/%s/status", demo_pid(child));
    send(child, SIGKILL);
    exited(child, &how);
    uint64_t both = 1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1);
    bool not_blocked = ((status.sig_blk | status.sig_ign) & both) == 0, waits = status.shd_pnd == 1ul << (SIGTERM - 1);
    demo_check("signal.kill-uncatchable",
               all_refused && not_blocked && waits && stopped.si_status == SIGSTOP && how.si_code == CLD_KILLED &&
                   how.si_status == SIGKILL,
               "%s; SIGTERM %s; SIGSTOP stops it; %s %d", all_refused ? "EINVAL" : "taken", waits ? "waits" : "is gone",
               how.si_code == CLD_KILLED ? "killed by" : "exit", how.si_status);
}

/* 4 and 5: what they mean, and without a handler's limits */

static void add_one(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    told->number = told->number + 1;
    told->n++;
}

static void double_it(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    told->number = told->number * 2;
    told->n++;
}

static void calculate(void)
{
    told->number = 1;
    block(SIGUSR1, SIGUSR2);
    handle(SIGUSR1, add_one);
    handle(SIGUSR2, demo_without("meaning") ? add_one : double_it);
    open_gate(&ready);
    for (long n = 1; n <= 3; n++) {
        await(n);
        open_gate(&ready);
    }
}

static void stay(void)
{
    open_gate(&ready);
    pass(&go);
}

static int write_end;

/* write() is async-signal-safe; errno belongs to the program that was interrupted. */
static void say_so(int sig, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    int kept = errno;
    char byte = (char)sig;
    if (TEMP_FAILURE_RETRY(write(write_end, &byte, 1)) != 1)
        told->failed = errno;
    errno = kept;
}

static long self_pipe(void)
{
    int pipefd[2];
    char byte = 0;
    if (pipe(pipefd) < 0)
        demo_die("pipe()");
    write_end = pipefd[1];
    handle(SIGUSR1, say_so);
    open_gate(&ready);
    while (read(pipefd[0], &byte, 1) < 0 && told->failed == 0)
        if (errno != EINTR)
            demo_die("read(%d), the self-pipe", pipefd[0]);
    if (told->failed != 0)
        demo_need(-told->failed, "write(%d), to the self-pipe", pipefd[1]);
    return byte;
}

static long by_signalfd(const sigset_t *set)
{
    struct signalfd_siginfo info;
    int fd = signalfd(-1, set, SFD_CLOEXEC);
    if (fd < 0)
        demo_die("signalfd()");
    open_gate(&ready);
    if (TEMP_FAILURE_RETRY(read(fd, &info, sizeof info)) != sizeof info)
        demo_die("read(%d), a signalfd", fd);
    return (long)info.ssi_signo;
}

static long by_sigwait(const sigset_t *set)
{
    int sig;
    open_gate(&ready);
    demo_need(-sigwait(set, &sig), "sigwait()");
    return sig;
}

/* Each takes one SIGUSR1, and goes on in code that may do what it likes. */
static void take(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    told->way[0] = self_pipe();
    block(SIGUSR1, 0);
    told->way[1] = by_signalfd(&set);
    told->way[2] = by_sigwait(&set);
}

/* How a program ends that does not say what SIGUSR1 means. */
static siginfo_t say_nothing(void)
{
    siginfo_t how;
    cleanup_child pid_t child = start(stay, "other");
    send(child, SIGUSR1);
    exited(child, &how);
    demo_act(child, "a program without a handler: SIGUSR1 %s %d", how.si_code == CLD_KILLED ? "kills, signal" : "exits",
             how.si_status);
    return how;
}

/* What the program makes of 1 by USR1, USR2, USR1. */
static long say_what_they_mean(void)
{
    cleanup_child pid_t child = start(calculate, "reckoner");
    static const int signals[] = { SIGUSR1, SIGUSR2, SIGUSR1 };
    long number[3];
    for (int i = 0; i < 3; i++) {
        send(child, signals[i]);
        pass(&ready);
        number[i] = told->number;
    }
    demo_act(child, "a program for which they are + 1 and * 2: SIGUSR1 %ld, SIGUSR2 %ld, SIGUSR1 %ld", number[0],
             number[1], number[2]);
    return number[2];
}

static bool take_without_handler(void)
{
    static const char *const names[] = { "self-pipe", "signalfd", "sigwait" };
    cleanup_child pid_t child = start(take, "taker");
    bool all = true;
    for (int i = 0; i < 3; i++) {
        send(child, SIGUSR1);
        if (i < 2)
            pass(&ready);
    }
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
    for (int i = 0; i < 3; i++) {
        demo_act(child, "%s: signal %ld", names[i], told->way[i]);
        all = all && told->way[i] == SIGUSR1;
    }
    return all;
}

/* 6 and 7: pending */

static void keep_value(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    if (told->n < MOST)
        told->value[told->n] = info->si_value.sival_int;
    told->n++;
}

static int sent_signal(void)
{
    return demo_without("merge") ? SIGRTMIN : SIGUSR1;
}

static void block_and_take(void)
{
    block(sent_signal(), 0);
    handle(sent_signal(), keep_value);
    open_gate(&ready);
    pass(&go);
    block(0, 0); /* returns when the handler has run for all that are pending */
}

static void show_pending(pid_t child)
{
    struct proc_status status;
    demo_need(proc_status_read(child, &status), "read(/proc/%d/status)", child);
    demo_observe(child, "/proc/PID/status", demo_fact("SigPnd", demo_signals(status.sig_pnd)),
                 demo_fact("ShdPnd", demo_signals(status.shd_pnd)));
    demo_look("grep -E 'SigQ|Pnd' /proc/%s/status", demo_pid(child));
}

static void merge(void)
{
    cleanup_child pid_t child = start(block_and_take, "child");
    for (int i = 0; i < SENT; i++)
        send(child, sent_signal());
    show_pending(child);
    open_gate(&go);
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
    demo_check("signal.limited-payload", told->n == 1, "%d sent, %ld delivered", SENT, told->n);
}

/* Blocks, and takes what is queued; then the same with a limit on that. */
static void take_values(void)
{
    handle(SIGRTMIN, keep_value);
    for (int turn = 0; turn < 2; turn++) {
        block(SIGRTMIN, 0);
        if (turn == 1 && setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){ LIMIT, LIMIT }) < 0)
            demo_die("setrlimit(RLIMIT_SIGPENDING, %d)", LIMIT);
        open_gate(&ready);
        pass(&go);
        block(0, 0);
    }
}

/* Sends 1, 2, 3, ... up to most, or until there is no room. Returns how many; *error is why it ended, or 0. */
static long queue(pid_t child, int most, int *error)
{
    *error = 0;
    for (int i = 1; i <= most; i++)
        if (sigqueue(child, SIGRTMIN, (union sigval){ .sival_int = i }) < 0) {
            if (errno != EAGAIN)
                demo_die("sigqueue(%d, SIGRTMIN)", child);
            *error = errno;
            return i - 1;
        }
    return most;
}

static bool in_order(long first, long n)
{
    bool right = told->n == first + n;
    for (long i = 0; i < n; i++)
        right = right && told->value[first + i] == i + 1;
    return right;
}

static void queue_values(void)
{
    int error;
    cleanup_child pid_t child = start(take_values, "child");
    long queued = queue(child, QUEUED, &error);
    if (error != 0) {
        demo_skip("signal.realtime-queued", "sigqueue(): %s: raise ulimit -i", strerrorname_np(error));
        return;
    }
    show_pending(child);
    open_gate(&go);
    pass(&ready);
    bool ordered = in_order(0, QUEUED);
    demo_act(child, "%ld delivered, with %ld, %ld, ... %ld", told->n, told->value[0], told->value[1],
             told->value[QUEUED - 1]);
    long few = queue(child, QUEUED, &error); /* fewer where the user has more that are pending */
    open_gate(&go);
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
    demo_act(0, "with RLIMIT_SIGPENDING %d: sigqueue() = %s", LIMIT, error ? strerrorname_np(error) : "0");
    demo_check("signal.realtime-queued", ordered && few <= LIMIT && error == EAGAIN && in_order(QUEUED, few),
               "%ld sent, %s; at the limit %s", queued,
               ordered ? "all delivered in order, with values" : "not all delivered",
               error ? strerrorname_np(error) : "nothing");
}

static void signal_demo(void)
{
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        demo_die("mmap()");
    ready = go = (struct sync_gate){ -1, -1 };
    demo_step("Interrupt a process that computes, again and again");
    interrupt();
    demo_step("Send SIGTERM to a process that has a handler for it");
    terminate();
    demo_step("Send SIGTERM, SIGSTOP and SIGKILL to one that ignores and blocks them all");
    kill_for_certain();
    demo_step("Send SIGUSR1 and SIGUSR2");
    siginfo_t how = say_nothing();
    long number = say_what_they_mean();
    demo_step("Take SIGUSR1 where more may be done than in a handler");
    bool taken = take_without_handler();
    demo_check("signal.usr-application-defined",
               how.si_code == CLD_KILLED && how.si_status == SIGUSR1 && number == 5 && taken,
               "1 + 1, * 2, + 1 = %ld; by default it kills; %s", number, taken ? "taken in 3 other ways" : "not taken");
    demo_step("Send %d signals to a process that blocks them", SENT);
    merge();
    demo_step("Send it %d real-time signals, each with a value", QUEUED);
    queue_values();
}

static const char why[] =
    "kill() sets a bit in the target (send_signal_locked in kernel/signal.c) and\n"
    "wakes it. When it next returns to user mode, from a system call or from an\n"
    "interrupt, the kernel puts a frame on its stack, with all its registers, and\n"
    "lets it go on in the handler. The handler returns into rt_sigreturn(2), which\n"
    "loads the registers again: so the program may have been at any instruction. The\n"
    "ucontext_t that a handler gets as its third argument is that frame, and its\n"
    "program counter is the evidence: the demo interrupts until it has seen two.\n"
    "\n"
    "For the same reason a handler may do little: whatever it calls may be half done\n"
    "in the program, malloc() with its lock held, printf() with half a line. Allowed\n"
    "are the functions of signal-safety(7), write() and _exit() among them, and\n"
    "stores to a volatile sig_atomic_t; errno must be kept. The ways around it: the\n"
    "handler writes a byte to a pipe (self-pipe), or there is no handler, and the\n"
    "signal, blocked, is read as data: signalfd(2), sigwait(3). A program that waits\n"
    "for a flag uses sigsuspend(2), which unblocks and sleeps in one step.\n"
    "\n"
    "SIGKILL and SIGSTOP are the kernel's own: do_sigaction says EINVAL, and\n"
    "sigprocmask takes them out of the mask without a word. So they are missing in\n"
    "SigBlk and SigIgn of /proc/PID/status. SIGTERM, blocked, waits in ShdPnd (of\n"
    "the whole process; SigPnd is of one thread).\n"
    "\n"
    "A standard signal is pending or is not: legacy_queue drops the second one.\n"
    "Real-time signals (signal(7)) are kept in a list, the lowest number first and\n"
    "each number in the order sent, with the value of sigqueue(3). The list has a\n"
    "limit for each user: RLIMIT_SIGPENDING (SigQ in /proc/PID/status), and EAGAIN.\n"
    "\n"
    "The text says that the payload is just the number. The kernel adds who has sent\n"
    "it (si_pid, si_uid) and why (si_code). And SIGTERM is a request: a program that\n"
    "ignores it goes on.\n";

static const struct demo_break breaks[] = {
    { "merge", "signal.limited-payload", "sends a real-time signal in the place of SIGUSR1" },
    { "arrival", "signal.asynchronous", "has the computing loop let SIGUSR1 in at one place only" },
    { "handler", "signal.term-graceful", "has no handler for SIGTERM" },
    { "meaning", "signal.usr-application-defined", "has one handler for both SIGUSR1 and SIGUSR2" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 3,
        .claim = "signal.kill-uncatchable",
        .ask = "A process ignores and blocks every signal. Which one ends it?",
        .choices = { "none", "SIGTERM", "SIGSTOP", "SIGKILL" },
        .right = 3,
        .because = "SIGTERM is a request. SIGSTOP cannot be ignored either, but it stops and does not end.",
    },
    {
        .step = 6,
        .claim = "signal.limited-payload",
        .ask = "SIGUSR1 is sent 100 times while it is blocked. How often does the handler run?",
        .choices = { "100 times", "once", "never" },
        .right = 1,
        .because = "A pending standard signal is one bit: it is set, or it is not. What comes while it is set is the "
                   "same bit.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "signal",
    .title = "a software interrupt: it comes at any moment, and says its number",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = signal_demo,
    .why = why,
    .next = "ipc-cost",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
