/* states.c - one child, led through all the states that a process can be in
 *
 *     states                 the whole lesson
 *     states --break rival   nobody else computes on the child's CPU: nothing preempts it
 *
 *     parent                            child, on one CPU                rival, on the same CPU
 *     fork() ------------------------>  CREATED, READY
 *     leaves that CPU                   RUNNING: computes
 *     forks a rival                     READY and RUNNING by turns       computes
 *                                       WAITING: read()
 *     write(), and a rival              READY, then RUNNING              computes
 *       and so with clock_nanosleep() and sigsuspend(), which a signal ends; then vfork(), SIGSTOP, ptrace()
 *                                       ZOMBIE: _exit(7)
 *     waitpid()                         DEAD
 */
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "report/witness.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "state.created", "A new process exists before it first runs." },
    { "state.ready", "A process that could run waits for a CPU." },
    { "state.running", "A running process uses a CPU." },
    { "state.preempted", "The scheduler takes the CPU away from it." },
    { "state.waiting-io", "It waits for I/O." },
    { "state.waiting-sleep", "It waits in a sleep." },
    { "state.waiting-signal", "It waits for a signal." },
    { "state.wakes-when-ready", "I/O done or a signal received makes it ready again." },
    { "state.zombie", "After its exit and before wait() it is a zombie." },
    { "state.dead", "After wait() it is gone." },
    { "state.whole-cycle", "One process goes through all of them, in this order." },
    { "state.uninterruptible-and-stopped", "There are no states but those of the diagram.", DEMO_CAVEAT,
      "Linux also has D, a wait that signals do not end, T, stopped, and t, stopped by its tracer" },
    { 0 },
};

/* ---- what was seen, in the order in which it was seen: all that the drawings are made of ---- */

enum state { CREATED, READY, RUNNING, WAITING, D, T, TRACED, ZOMBIE, DEAD, STATES };
static const char *const names[] = { "CREATED",    "READY",       "RUNNING", "WAITING", "D, vfork()",
                                     "T, SIGSTOP", "t, ptrace()", "ZOMBIE",  "DEAD" };
enum { MOST = 48, LINE = 128 };
static struct moment {
    enum state state;
    int64_t at_ns;
    char evidence[40];
} moments[MOST];
static int n_moments;
static int64_t forked_ns;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Nanoseconds as milliseconds, "N" with --stable. Lives until the eighth call after it. */
static const char *ms(int64_t ns)
{
    static char texts[8][24];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%.1f", (double)ns / 1e6);
    return demo_mask(text, "N");
}

static void saw(enum state state, int64_t at_ns, const char *evidence, ...) DEMO_PRINTF(3);
static void saw(enum state state, int64_t at_ns, const char *evidence, ...)
{
    if (n_moments == MOST)
        return;
    struct moment *moment = &moments[n_moments++];
    *moment = (struct moment){ .state = state, .at_ns = at_ns };
    va_list args;
    va_start(args, evidence);
    vsnprintf(moment->evidence, sizeof moment->evidence, evidence, args);
    va_end(args);
}

/* ---- the child, from its own side ---- */

static struct {
    _Atomic int turn;     /* the parent counts it up: the child goes on */
    _Atomic int computes; /* how often one of its children has begun to compute */
} * shared;               /* in a page that all have */
static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void compute_until(int n)
{
    shared->computes++;
    while (shared->turn < n)
        continue;
}

/* A parent that called vfork() gets no further before its child has exited. 0, or the errno of what failed. */
static int borrow_memory(int input)
{
    pid_t self = getpid(), grandchild = vfork();
    if (grandchild == 0) {
        char byte;
        int rc = sync_die_with(self);
        _exit(rc < 0 ? -rc : read(input, &byte, 1) == 1 ? 0 : errno);
    }
    int status = 0;
    if (grandchild < 0 || TEMP_FAILURE_RETRY(waitpid(grandchild, &status, 0)) < 0)
        return errno;
    return WEXITSTATUS(status);
}

static void live(int input, pid_t parent)
{
    char byte;
    sigset_t none;
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    sigemptyset(&none);
    signal(SIGUSR1, on_signal);
    compute_until(1);
    if (TEMP_FAILURE_RETRY(read(input, &byte, 1)) != 1)
        demo_die("read(%d, a byte)", input);
    compute_until(2);
    while (signals < 1) /* it is sent when the parent sees us asleep: not before */
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_sec = 3600 }, NULL);
    compute_until(3);
    while (signals < 2)
        sigsuspend(&none);
    compute_until(4);
    errno = borrow_memory(input);
    if (errno != 0)
        demo_die("vfork(), waitpid(), or in the child prctl() or read()");
    compute_until(5);
    _exit(7);
}

/* ---- the parent ---- */

#define PS "ps -o pid,stat,wchan:20,comm -p %s"
static cpu_set_t allowed, one_cpu;
static bool no_witness; /* of CREATED */

static struct proc_schedstat schedstat_of(pid_t pid)
{
    struct proc_schedstat now;
    demo_need(proc_schedstat_read(pid, &now), "read(/proc/%d/schedstat)", pid);
    return now;
}

static struct proc_stat stat_of(pid_t pid)
{
    struct proc_stat now;
    demo_need(proc_stat_read(pid, &now), "read(/proc/%d/stat)", pid);
    return now;
}

/* Waits until it has run for longer than it had by then. */
static struct proc_schedstat run_beyond(pid_t pid, int64_t run_ns)
{
    struct proc_schedstat now;
    demo_need(sync_ran(pid, run_ns, &now), "read(/proc/%d/schedstat) until it runs", pid);
    return now;
}

/* Waits until a child of ours computes, the nth time that one does. */
static void await_computing(pid_t pid, int n)
{
    for (int64_t run_ns = 0; shared->computes < n;)
        run_ns = run_beyond(pid, run_ns).run_ns;
}

static void observe(pid_t pid, char state)
{
    struct proc_schedstat now = schedstat_of(pid);
    demo_observe(pid, "/proc/PID/stat", demo_fact("state", state));
    demo_observe(pid, "/proc/PID/schedstat", demo_fact("ms on a CPU", ms(now.run_ns)),
                 demo_fact("ready without one", ms(now.wait_ns)));
}

/* SCHED_BATCH, which the child inherits: one that wakes up, or is new, does not take the CPU from whoever is computing. */
static void stay_on_one_cpu(void)
{
    int cpu = sched_getcpu();
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0 || cpu < 0 || cpu >= CPU_SETSIZE)
        demo_die("sched_getaffinity(), sched_getcpu() = %d", cpu);
    CPU_ZERO(&one_cpu);
    CPU_SET((size_t)cpu, &one_cpu);
    if (sched_setaffinity(0, sizeof one_cpu, &one_cpu) < 0)
        demo_die("sched_setaffinity(0, CPU %d)", cpu);
    if (sched_getscheduler(0) != SCHED_IDLE && sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }) < 0)
        demo_die("sched_setscheduler(0, SCHED_BATCH)");
}

/* A child that was looked at before it ran: the parent has not left their CPU since before the fork. Where it has, the child
 * may have run; then that one is no witness, and there is another one. *tries: which one it was; 0: there was none. */
static pid_t make_child(const int pipefd[2], struct proc_schedstat *fresh, int *tries)
{
    struct proc_status self;
    pid_t parent = getpid(), child = -1;
    demo_need(proc_status_read(parent, &self), "read(/proc/%d/status)", parent);
    int most = self.tracer_pid > 0 ? 1 : 500; /* a tracer (strace) stops us at each fork: the child runs meanwhile */
    for (*tries = 1; *tries <= most; ++*tries) {
        sync_child_end(&child);
        int64_t slices = schedstat_of(parent).slices;
        forked_ns = now_ns();
        child = fork();
        if (child < 0)
            demo_die("fork()");
        if (child == 0) {
            close(pipefd[1]);
            live(pipefd[0], parent);
        }
        *fresh = schedstat_of(child);
        if (schedstat_of(parent).slices == slices && self.tracer_pid == 0)
            return child;
    }
    *tries = 0;
    return child;
}

static pid_t start(const int pipefd[2])
{
    struct proc_schedstat fresh, now;
    int tries;
    stay_on_one_cpu();
    pid_t child = make_child(pipefd, &fresh, &tries);
    struct proc_stat stat;
    demo_need(sync_state(child, "RZ", &stat), "read(/proc/%d/stat)", child);
    int64_t seen_ns = now_ns();
    char which[24];
    if (sched_setaffinity(0, sizeof allowed, &allowed) < 0)
        demo_die("sched_setaffinity(0, as before)");
    demo_role(child, "child");
    snprintf(which, sizeof which, "%d", tries);
    bool created = fresh.run_ns == 0 && fresh.slices == 0;
    no_witness = tries == 0;
    if (no_witness) {
        demo_skip("state.created", "the child always ran first: try without strace, on a machine that is less busy");
    } else {
        if (created)
            saw(CREATED, forked_ns, "0 ns on a CPU");
        demo_observe(child, "/proc/PID/schedstat", demo_fact("ns on a CPU", fresh.run_ns),
                     demo_fact("times put on one", fresh.slices));
        demo_check("state.created", created, "%s (child %s)", created ? "never on a CPU yet" : "it has been on a CPU",
                   demo_mask(which, "N"));
    }
    now = run_beyond(child, 0);
    saw(READY, seen_ns, "%c, waits %s ms", stat.state, ms(now.wait_ns));
    await_computing(child, 1);
    int64_t before = schedstat_of(child).run_ns;
    now = run_beyond(child, before);
    saw(RUNNING, now_ns(), "runs");
    stat = stat_of(child);
    observe(child, stat.state);
    demo_check("state.running", stat.state == 'R' && now.run_ns > before, "%c, its time on a CPU %s", stat.state,
               now.run_ns > before ? "grows" : "stays");
    demo_act(child, "it computes, and nobody else is on its CPU");
    return child;
}

/* Computes on the CPU of the child, and never gives it up. */
static pid_t start_rival(void)
{
    int begun = shared->computes;
    pid_t parent = getpid(), rival = fork();
    if (rival < 0)
        demo_die("fork()");
    if (rival == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        compute_until(1 << 30);
        _exit(0);
    }
    if (sched_setaffinity(rival, sizeof one_cpu, &one_cpu) < 0)
        demo_die("sched_setaffinity(%d, the CPU of the child)", rival);
    await_computing(rival, begun + 1);
    run_beyond(rival, schedstat_of(rival).run_ns);
    return rival;
}

/* Returns the rival's PID, 0 where there is none. */
static pid_t compete(pid_t child)
{
    enum { LONG_NS = 200000000 }; /* no time slice is so long */
    struct proc_status before, after;
    cleanup_child pid_t rival = demo_without("rival") ? -1 : start_rival();
    struct proc_schedstat first = schedstat_of(child), now = first;
    demo_need(proc_status_read(child, &before), "read(/proc/%d/status)", child);
    int64_t rival_ns, rival_before = rival < 0 ? 0 : schedstat_of(rival).run_ns, given_up, taken;
    bool ready = true;
    do {
        now = run_beyond(child, now.run_ns);
        demo_need(proc_status_read(child, &after), "read(/proc/%d/status)", child);
        ready = ready && after.state == 'R';
        rival_ns = rival < 0 ? 0 : schedstat_of(rival).run_ns - rival_before;
        given_up = after.voluntary_ctxt_switches - before.voluntary_ctxt_switches;
        taken = after.nonvoluntary_ctxt_switches - before.nonvoluntary_ctxt_switches;
    } while ((taken == 0 || rival_ns == 0 || now.wait_ns == 0) && now.run_ns - first.run_ns < LONG_NS);
    bool preempted = ready && taken > 0 && given_up == 0 && rival_ns > 0;
    if (preempted)
        saw(READY, now_ns(), "preempted, R");
    observe(child, after.state);
    now = run_beyond(child, now.run_ns);
    saw(RUNNING, now_ns(), "runs on");
    demo_check("state.ready", ready && now.wait_ns > 0, "%s, and no CPU for %s ms", ready ? "R" : "not always R",
               ms(now.wait_ns));
    demo_check("state.preempted", preempted, "R, and %s; %s", rival_ns > 0 ? "the rival runs, too" : "no rival runs",
               preempted ? "it gave up nothing itself" : "nothing was taken");
    if (rival < 0)
        return 0;
    demo_act(rival, "ends the rival");
    return rival;
}

/* The three ways of waiting, in the order in which the child comes to them. */
static struct pause {
    const char *claim, *call, *ends;
    long nr;
    int64_t done_ns; /* when what ends it had been done */
} pauses[] = {
    { "state.waiting-io", "read", "byte", SYS_read, 0 },
    { "state.waiting-sleep", "clock_nanosleep", "signal", SYS_clock_nanosleep, 0 },
    { "state.waiting-signal", "rt_sigsuspend", "signal", SYS_rt_sigsuspend, 0 },
};
enum { PAUSES = sizeof pauses / sizeof *pauses };

static void send_byte(int output)
{
    if (write(output, "x", 1) != 1)
        demo_die("write(%d, a byte)", output);
}

/* The child was computing: where it sleeps for the first time, it does so in the call. */
static void let_it_wait(pid_t child, const struct pause *pause)
{
    struct proc_stat stat;
    struct proc_syscall call;
    shared->turn++;
    demo_need(sync_state(child, "SZ", &stat), "read(/proc/%d/stat) until it sleeps in %s()", child, pause->call);
    int rc = proc_syscall_read(child, &call);
    saw(WAITING, now_ns(), "%s()", pause->call);
    observe(child, stat.state);
    if (rc < 0) {
        demo_skip(pause->claim, "/proc/PID/syscall: %s; see kernel.yama.ptrace_scope", strerrorname_np(-rc));
        return;
    }
    bool named = !call.running && call.nr == pause->nr;
    if (named)
        demo_observe(child, "/proc/PID/syscall", demo_fact("call", pause->call));
    demo_check(pause->claim, stat.state == 'S' && named, "%c, %s %s()", stat.state, named ? "in" : "not in",
               pause->call);
}

static void end_wait(pid_t child, int output, const struct pause *pause)
{
    if (pause->nr == SYS_read)
        send_byte(output);
    else if (kill(child, SIGUSR1) < 0)
        demo_die("kill(%d, SIGUSR1)", child);
}

/* Makes it ready while a rival computes on its CPU, and follows it until it runs. The wake-up is a part of the call that
 * causes it: when that has returned, the child does not sleep any more. */
static bool wake(pid_t child, int output, struct pause *pause)
{
    cleanup_child pid_t rival = start_rival();
    struct proc_schedstat before = schedstat_of(child), after;
    if (!demo_without("signal") || pause != &pauses[PAUSES - 1])
        end_wait(child, output, pause);
    pause->done_ns = now_ns();
    char state = stat_of(child).state;
    if (state == 'S')
        end_wait(child, output, pause); /* the lesson goes on */
    after = run_beyond(child, before.run_ns);
    /* The time it waited may be 0: where it takes the CPU at once, the kernel reads its clock once for both. */
    bool woken = state != 'S' && after.slices > before.slices;
    if (woken)
        saw(READY, pause->done_ns, "%s, waits %s ms", pause->ends, ms(after.wait_ns - before.wait_ns));
    saw(RUNNING, now_ns(), "runs");
    demo_act(child, "the %s is sent: %s", pause->ends, woken ? "R, put on a CPU anew, runs" : "still S");
    return woken;
}

static void wait_and_wake(pid_t child, int output)
{
    int woken = 0;
    for (struct pause *pause = pauses; pause < pauses + PAUSES; pause++) {
        demo_step("Let it wait in %s(), then send it a %s", pause->call, pause->ends);
        let_it_wait(child, pause);
        demo_look(PS, demo_pid(child));
        woken += wake(child, output, pause);
    }
    demo_check("state.wakes-when-ready", woken == PAUSES, "%d of %d: S, then R, then put on a CPU", woken, PAUSES);
}

static char stop_by_ptrace(pid_t child)
{
    struct proc_stat stat;
    if (ptrace(PTRACE_SEIZE, child, NULL, NULL) < 0)
        return '\0';
    if (ptrace(PTRACE_INTERRUPT, child, NULL, NULL) < 0)
        demo_die("ptrace(PTRACE_INTERRUPT, %d)", child);
    demo_need(sync_state(child, "tZ", &stat), "read(/proc/%d/stat) until it is stopped", child);
    saw(TRACED, now_ns(), "%c", stat.state);
    observe(child, stat.state);
    if (ptrace(PTRACE_DETACH, child, NULL, NULL) < 0)
        demo_die("ptrace(PTRACE_DETACH, %d)", child);
    demo_act(child, "it may go on");
    return stat.state;
}

/* It is computing again: R, and on a CPU. */
static void runs_again(pid_t child)
{
    struct proc_schedstat now = schedstat_of(child);
    now = run_beyond(child, now.run_ns);
    saw(RUNNING, now_ns(), "runs");
}

static void stop(pid_t child, int output)
{
    struct proc_stat waits, stops;
    demo_step("Let it wait in vfork() for a child of its own");
    shared->turn++;
    demo_need(sync_state(child, "DZ", &waits), "read(/proc/%d/stat) until it waits in vfork()", child);
    saw(D, now_ns(), "vfork()");
    observe(child, waits.state);
    demo_look(PS, demo_pid(child));

    demo_step("Stop it by SIGSTOP, then by ptrace()");
    send_byte(output);
    if (kill(child, SIGSTOP) < 0)
        demo_die("kill(%d, SIGSTOP)", child);
    demo_need(sync_stopped(child, NULL), "waitid(%d) until it is stopped", child);
    stops = stat_of(child);
    saw(T, now_ns(), "SIGSTOP");
    observe(child, stops.state);
    demo_look(PS, demo_pid(child));
    if (kill(child, SIGCONT) < 0)
        demo_die("kill(%d, SIGCONT)", child);
    runs_again(child);
    char traced = stop_by_ptrace(child);
    if (traced == '\0')
        demo_skip("state.uninterruptible-and-stopped", "D and T were there; ptrace(): %s, see kernel.yama.ptrace_scope",
                  strerrorname_np(errno));
    else
        demo_check("state.uninterruptible-and-stopped", waits.state == 'D' && stops.state == 'T' && traced == 't',
                   "%c in vfork(), %c by SIGSTOP, %c by ptrace()", waits.state, stops.state, traced);
    if (traced != '\0')
        runs_again(child);
}

static void end(pid_t child)
{
    siginfo_t how;
    struct proc_stat stat;
    cleanup_fd int kept = proc_open(child, "stat"); /* will never mean another process that got the same PID */
    demo_need(kept, "open(/proc/%d/stat)", child);
    demo_step("Let it exit with 7, then wait for it");
    shared->turn++;
    demo_need(sync_exited(child, &how), "waitid(P_PID, %d, WNOWAIT)", child);
    stat = stat_of(child);
    if (stat.state == 'Z')
        saw(ZOMBIE, now_ns(), "exit code %d", how.si_status);
    demo_observe(child, "/proc/PID/stat", demo_fact("state", stat.state));
    demo_check("state.zombie", stat.state == 'Z' && how.si_status == 7, "%c, exit code %d", stat.state, how.si_status);
    demo_look(PS, demo_pid(child));
    if (TEMP_FAILURE_RETRY(waitpid(child, NULL, 0)) != child)
        demo_die("waitpid(%d)", child);
    bool gone = proc_stat_pread(kept, &stat) == -ESRCH, unknown = kill(child, 0) < 0 && errno == ESRCH;
    if (gone && unknown)
        saw(DEAD, now_ns(), "ESRCH");
    demo_check("state.dead", gone && unknown, "/proc: %s; kill(): %s", gone ? "ESRCH" : "still there",
               unknown ? "ESRCH" : "somebody there");
}

/* ---- the drawings ---- */

/* The nth time that it came from one state into another: the text on that arrow. */
static const char *arrow(enum state from, enum state to, int nth)
{
    static char texts[16][64];
    static unsigned next;
    char *text = texts[next++ % 16];
    snprintf(text, sizeof texts[0], "(not seen)");
    for (int i = 0; i < n_moments; i++)
        if (moments[i].state == to && (i == 0 ? from == to : moments[i - 1].state == from) && --nth == 0)
            snprintf(text, sizeof texts[0], "%s ms  %s", ms(moments[i].at_ns - forked_ns), moments[i].evidence);
    return text;
}

/* The diagram of the course. */
static void draw_diagram(void)
{
    enum { ROWS = 19 };
    char lines[ROWS][LINE], numbers[ROWS][4];
    const char *const columns[] = { "row", "ms since the fork", NULL };
    const char *cells[ROWS][2];
    size_t n = 0;
#define ROW(...) snprintf(lines[n++], LINE, __VA_ARGS__)
    ROW("              fork()");
    ROW("                |  %s", arrow(CREATED, CREATED, 1));
    ROW("                v");
    ROW("             CREATED");
    ROW("                |  %s", arrow(CREATED, READY, 1));
    ROW("                v");
    ROW(" +----------> READY <------------------------+");
    ROW(" |              |  %-26s| %s", arrow(READY, RUNNING, 1), arrow(RUNNING, READY, 1));
    ROW(" |              v                            |");
    ROW(" |           RUNNING ------------------------+");
    ROW(" |  +-----------+----------------------+");
    ROW(" |  | %-33s| exit()", arrow(RUNNING, WAITING, 1));
    ROW(" |  | %-33sv", arrow(RUNNING, WAITING, 2));
    ROW(" |  | %-31sZOMBIE  %s", arrow(RUNNING, WAITING, 3), arrow(RUNNING, ZOMBIE, 1));
    ROW(" |  v                                  |");
    ROW(" | WAITING                             | wait()");
    ROW(" |  | %-33sv", arrow(WAITING, READY, 1));
    ROW(" |  | %-32sDEAD  %s", arrow(WAITING, READY, 2), arrow(ZOMBIE, DEAD, 1));
    ROW(" +--+ %s", arrow(WAITING, READY, 3));
#undef ROW
    for (size_t i = 0; i < n; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%zu", i + 1);
        cells[i][0] = numbers[i];
        cells[i][1] = lines[i];
    }
    demo_table(0, "what was seen", columns, cells[0], n);
}

/* A row for each state, time to the right. Each moment has one cell more than its time is worth, so that none is hidden. */
static void draw_lanes(void)
{
    enum { CELLS = 58 };
    char title[LINE], lines[STATES][CELLS + 1] = { 0 };
    const char *const columns[] = { "state", title, NULL };
    const char *cells[STATES][2];
    int end = 0;
    int64_t all_ns = moments[n_moments - 1].at_ns - forked_ns;
    snprintf(title, sizeof title, "from 0 to %s ms", ms(all_ns));
    memset(lines, ' ', sizeof lines);
    for (int i = 0; i < n_moments; i++) {
        int at = end, next_ms = atoi(ms(moments[i + (i + 1 < n_moments)].at_ns - forked_ns)); /* 0 with --stable */
        end = i + 1 + (int)(next_ms * 1000000LL * (CELLS - n_moments) / all_ns);
        memset(lines[moments[i].state] + at, '#', (size_t)(end - at));
    }
    for (int state = 0; state < STATES; state++) {
        lines[state][end] = '\0';
        for (int last = end; last > 0 && lines[state][last - 1] == ' '; last--)
            lines[state][last - 1] = '\0';
        cells[state][0] = names[state];
        cells[state][1] = lines[state];
    }
    demo_table(0, "what was seen", columns, cells[0], STATES);
}

static void check_the_cycle(void)
{
    static const enum state cycle[] = { CREATED, READY, RUNNING, WAITING, READY, RUNNING, ZOMBIE, DEAD };
    enum { LENGTH = sizeof cycle / sizeof *cycle };
    int n = 0;
    for (int i = 0; i < n_moments; i++)
        n += n < LENGTH && moments[i].state == cycle[n];
    demo_step("Draw its way");
    draw_diagram();
    draw_lanes();
    if (no_witness)
        demo_skip("state.whole-cycle", "it begins with CREATED, which could not be seen: try without strace");
    else
        demo_check("state.whole-cycle", n == LENGTH, "%d of %d, from CREATED to DEAD", n, LENGTH);
}

/* ---- the second witness ---- */

/* The first sign, from index "from" on, that it runs: its switch to the CPU can be missing, what it then does is there. */
static size_t runs(const struct witness *seen, size_t from, pid_t child)
{
    while (from < seen->n && seen->event[from].by != child &&
           (seen->event[from].kind != KERNEL_SWITCH || seen->event[from].other != child))
        from++;
    return from;
}

/* It leaves the CPU in this state. */
static size_t leaves(const struct witness *seen, size_t from, pid_t child, char state)
{
    while ((from = witness_find(seen, from, KERNEL_SWITCH, child)) < seen->n &&
           seen->event[from].value != (uint64_t)state)
        from++;
    return from;
}

static void ask_the_kernel(pid_t child, pid_t rival)
{
    demo_step("Ask the second witness: the kernel's own events");
    witness_until(KERNEL_FREE, child);
    struct witness seen = witness_end();
    size_t born = witness_find(&seen, 0, KERNEL_WAKEUP_NEW, child), first = runs(&seen, 0, child), at = first,
           n = seen.n;
    witness_says("state.created", born < first && first < n, "sched_wakeup_new before it runs");
    witness_says("state.running", first < n, "it is the one that runs");
    witness_says("state.preempted", rival > 0 && leaves(&seen, first, child, 'R') < n, "switch, state R");
    int woken = 0;
    for (const struct pause *pause = pauses; pause < pauses + PAUSES; pause++) {
        size_t sleeps = leaves(&seen, at, child, 'S'), waking = witness_find(&seen, sleeps, KERNEL_WAKING, child);
        size_t wakeup = witness_find(&seen, waking, KERNEL_WAKEUP, child);
        at = runs(&seen, sleeps + 1, child);
        woken += wakeup < at && at < n && seen.event[waking].t_ns <= pause->done_ns;
        witness_says(pause->claim, sleeps < n, "switch, state S");
    }
    witness_says("state.wakes-when-ready", woken == PAUSES, "sched_waking, _wakeup, runs");
    size_t exits = witness_find(&seen, at, KERNEL_EXIT, child), frees = witness_find(&seen, exits, KERNEL_FREE, child);
    witness_says("state.uninterruptible-and-stopped",
                 leaves(&seen, at, child, 'D') < exits && leaves(&seen, at, child, 'T') < exits &&
                     leaves(&seen, at, child, 't') < exits,
                 "switches, states D, T, t");
    witness_says("state.zombie", exits < frees, "sched_process_exit, not yet _free");
    witness_says("state.dead", frees < n, "sched_process_free");
    witness_says("state.whole-cycle", born < first && first < at && at < exits && exits < frees && frees < n,
                 "in the same order");
}

static void states(void)
{
    struct proc_schedstat self;
    cleanup_pipe int pipefd[2] = { -1, -1 };
    witness_begin(1u << KERNEL_WAKEUP_NEW | 1u << KERNEL_WAKING | 1u << KERNEL_WAKEUP | 1u << KERNEL_SWITCH |
                  1u << KERNEL_EXIT | 1u << KERNEL_FREE);
    demo_step("Fork a child, and look at it before it runs");
    int rc = proc_schedstat_read(getpid(), &self);
    if (rc == -ENOTSUP || (rc == 0 && self.run_ns == 0)) {
        demo_skip_rest("no times in /proc/PID/schedstat: needs /proc, and a kernel with CONFIG_SCHED_INFO");
        return;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        demo_die("mmap(%zu)", sizeof *shared);
    if (pipe(pipefd) < 0)
        demo_die("pipe()");
    cleanup_child pid_t child = start(pipefd);

    demo_step("Let a rival compute on the same CPU");
    pid_t rival = compete(child);
    wait_and_wake(child, pipefd[1]);
    stop(child, pipefd[1]);
    end(child);
    check_the_cycle();
    ask_the_kernel(child, rival);
}

static const char why[] =
    "A process is R, runnable, from fork() on, and the kernel has no state for\n"
    "RUNNING: each CPU has a queue of runnable tasks (struct rq), and one of them is\n"
    "current. So CREATED, READY and RUNNING are all R in field 3 of /proc/PID/stat,\n"
    "and told apart by /proc/PID/schedstat: ns on a CPU, ns ready without one, and\n"
    "how often it was put on one (sched_info_arrive in kernel/sched/stats.h). A new\n"
    "child has 0, 0, 0. To see that, the parent keeps the only CPU that the child\n"
    "may have: as SCHED_BATCH (sched(7)) it does not take the CPU from the parent.\n"
    "\n"
    "The scheduler preempts when another task has waited longer than is fair; there\n"
    "is no fixed time slice, and with nobody else on its CPU a process runs on, as\n"
    "--break rival shows. nonvoluntary_ctxt_switches of /proc/PID/status counts how\n"
    "often it went though it could have gone on (prev_state R of sched_switch).\n"
    "\n"
    "A wait is S, TASK_INTERRUPTIBLE, and /proc/PID/syscall names the call. What\n"
    "ends it puts the process in the queue again (try_to_wake_up), READY, and runs\n"
    "nothing. In D a signal is no reason to wake up: vfork() waits so for its child,\n"
    "though SIGKILL ends that; so does who waits for a disk. T is SIGSTOP's, and t\n"
    "the tracer's (ptrace(2)). ZOMBIE is what exit_state says of a process that has\n"
    "no more to run. DEAD is what nobody sees: release_task() has taken it out of\n"
    "/proc.\n";

static const struct demo_break breaks[] = {
    { "rival", "state.preempted", "starts no rival on the child's CPU: nobody to give it to" },
    { "signal", "state.wakes-when-ready", "does not send the signal that sigsuspend() waits for" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 2,
        .claim = "state.preempted",
        .ask = "Two processes compute on one CPU. In which state is the one that is not on it?",
        .choices = { "S, it waits", "R, as the one that is", "T, it is stopped" },
        .right = 1,
        .because = "It waits for nothing but the CPU. R is runnable: on a CPU or ready for one, and the state does "
                   "not tell which (schedstat does).",
    },
    {
        .step = 5,
        .claim = "state.wakes-when-ready",
        .ask = "It sleeps, a signal comes, and another process has its CPU. When does it run?",
        .choices = { "at once", "when it gets the CPU: it is ready", "when the sleep is over" },
        .right = 1,
        .because = "Waking up is being put in the queue, no more. The scheduler decides when it runs.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "states",
    .title = "one child, led through all the states that a process can be in",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = states,
    .why = why,
    .next = "zombie",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
