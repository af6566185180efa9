/* zombie.c - what is left of a process between its exit and its parent's wait()
 *
 *     zombie                 the whole lesson
 *     zombie --count 10000   with so many zombies in step 6
 *     zombie --step          stops, so that you can look with ps from a second terminal
 *     zombie --break wait    never waits for the first child
 *
 *     parent                          child
 *     fork() ---------------------->  runs
 *     waitid(WNOWAIT)                 _exit(7)
 *       returns: it has exited        Z: no memory, no files; a PID and an exit code
 *     kill(SIGKILL)                   Z
 *     waitpid() = 7                   gone
 */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/cost.h"
#include "report/demo.h"
#include "report/witness.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "zombie.exited-not-waited", "A child that has exited and was not waited for is a zombie." },
    { "zombie.keeps-pcb-only", "It keeps its PID and its PCB, but no memory and no files." },
    { "zombie.unkillable", "SIGKILL does not remove it." },
    { "zombie.exit-code-kept", "The kernel keeps its exit code until the parent reads it." },
    { "zombie.reaped", "wait() removes it." },
    { "zombie.small-kernel-memory", "A zombie costs a little kernel memory.", DEMO_COST,
      "these were too few, or others were too busy, for the few KiB of a PCB to be seen" },
    { "zombie.accumulate", "If the parent never waits, zombies accumulate." },
    { "zombie.pids-finite", "PIDs are finite: zombies make fork() fail, reaping one mends it." },
    { "zombie.auto-reaped", "A child nobody waits for is a zombie, unless SIGCHLD is ignored.", DEMO_CAVEAT,
      "with SIG_IGN or SA_NOCLDWAIT for SIGCHLD the kernel reaps the child itself, and its exit code is lost" },
    { 0 },
};

/* A child that does nothing but exit. */
static pid_t fork_exit(int code)
{
    pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0)
        _exit(code);
    return child;
}

/* Returns when the child has exited, and leaves it the zombie it is. */
static siginfo_t peek(pid_t child)
{
    siginfo_t how = { 0 };
    if (waitid(P_PID, (id_t)child, &how, WEXITED | WNOWAIT) < 0)
        demo_die("waitid(P_PID, %d, WEXITED | WNOWAIT)", child);
    return how;
}

/* held: the other end of a pipe whose write end only the child had. */
static void look_at(pid_t child, int held)
{
    struct proc_stat stat;
    struct proc_status status;
    demo_need(proc_stat_read(child, &stat), "read(/proc/%d/stat)", child);
    demo_need(proc_status_read(child, &status), "read(/proc/%d/status)", child);
    demo_observe(child, "/proc/PID/stat", demo_fact("state", stat.state), demo_fact_pid("ppid", stat.ppid));
    demo_check("zombie.exited-not-waited", stat.state == 'Z' && stat.ppid == getpid(), "state %c", stat.state);

    cleanup_maps struct proc_maps maps = { 0 };
    int mapped = proc_maps_read(child, &maps), open_files = proc_fd_list(child, NULL, 0);
    if (mapped != -ENODATA) /* which is what proc_maps_read says of a process without an address space */
        demo_need(mapped, "read(/proc/%d/maps)", child);
    if (open_files != -EACCES) /* what is left belongs to root: others may not even open the empty directory */
        demo_need(open_files, "getdents64(/proc/%d/fd)", child);
    bool no_memory = mapped == -ENODATA && status.vm_rss_kib == PROC_NONE;
    char byte;
    ssize_t end = TEMP_FAILURE_RETRY(read(held, &byte, 1)); /* 0: nobody has the write end any more */
    if (end < 0 && errno != EAGAIN)
        demo_die("read(%d)", held);
    bool no_files = open_files <= 0 && end == 0, taken = kill(child, 0) == 0 || errno == EPERM;
    demo_observe(child, "/proc/PID/status", demo_fact_pid("Pid", status.pid), demo_fact("Threads", status.threads));
    demo_check("zombie.keeps-pcb-only", taken && no_memory && no_files, "PID %s, maps %s, its end of a pipe %s",
               taken ? "taken" : "free", no_memory ? "empty" : "there", no_files ? "closed" : "open");
    demo_look("ps -o pid,ppid,stat,comm -p %s", demo_pid(child));
}

static void send_sigkill(pid_t child)
{
    int sent = kill(child, SIGKILL);
    struct proc_stat stat;
    demo_need(proc_stat_read(child, &stat), "read(/proc/%d/stat)", child);
    demo_observe(child, "/proc/PID/stat", demo_fact("state", stat.state));
    demo_check("zombie.unkillable", sent == 0 && stat.state == 'Z', "kill() = %d, state %c", sent, stat.state);
}

static void read_exit_code(void)
{
    cleanup_child pid_t child = fork_exit(42);
    int first = peek(child).si_status, second = peek(child).si_status, status = 0;
    struct proc_stat stat;
    demo_need(proc_stat_read(child, &stat), "read(/proc/%d/stat)", child);
    demo_role(child, "other");
    demo_observe(child, "/proc/PID/stat", demo_fact("exit_code", stat.exit_code)); /* as wait() gives it: 42 << 8 */
    bool kept =
        first == 42 && second == 42 && (stat.exit_code == 42 << 8 || stat.exit_code == 0 /* not for us to see */);
    bool taken = waitpid(child, &status, 0) == child && status == 42 << 8;
    bool gone = waitpid(child, NULL, 0) < 0 && errno == ECHILD;
    demo_check("zombie.exit-code-kept", kept && taken && gone, "WNOWAIT: %d, %d; waitpid: %d; once more: %s", first,
               second, WEXITSTATUS(status), gone ? "ECHILD" : "a child");
}

static void reap(pid_t child)
{
    cleanup_fd int kept = proc_open(child, "stat"); /* will never mean another process that got the same PID */
    demo_need(kept, "open(/proc/%d/stat)", child);
    if (!demo_without("wait")) {
        int status, pid = waitpid(child, &status, 0);
        if (pid < 0)
            demo_die("waitpid(%d)", child);
        demo_act(child, "waitpid() = %s, exited with %d", demo_pid(pid), WEXITSTATUS(status));
    }
    struct proc_stat stat;
    int rc = proc_stat_pread(kept, &stat);
    demo_check("zombie.reaped", rc == -ESRCH, "%s", rc == -ESRCH ? "/proc: ESRCH" : "/proc: still there");
}

/* By vfork: the child borrows our memory instead of copying it, so it exits 30 times sooner, as the same zombie. */
static int make_zombies(pid_t *pids, int n)
{
    for (int i = 0; i < n; i++) {
        pids[i] = vfork();
        if (pids[i] == 0)
            _exit(0);
        if (pids[i] < 0)
            return i;
        peek(pids[i]);
    }
    return n;
}

static void reap_all(const pid_t *pids, int n)
{
    for (int i = 0; i < n; i++)
        TEMP_FAILURE_RETRY(waitpid(pids[i], NULL, 0));
}

static void never_wait(int count)
{
    pid_t *pids = calloc((size_t)count, sizeof *pids);
    if (pids == NULL)
        demo_die("calloc(%d, %zu)", count, sizeof *pids);
    int made = make_zombies(pids, count), zombies = 0;
    if (made == 0) {
        demo_skip("zombie.accumulate", "vfork() = -1, %s: raise ulimit -u, pids.max or kernel.pid_max",
                  strerrorname_np(errno));
        free(pids);
        return;
    }
    if (made < count)
        demo_act(0, "vfork() = -1, %s: ulimit -u, a pids cgroup or kernel.pid_max", strerrorname_np(errno));
    for (int i = 0; i < made; i++) {
        struct proc_stat stat = { 0 };
        int rc = proc_stat_read(pids[i], &stat);
        if (rc != -ESRCH)
            demo_need(rc, "read(/proc/%d/stat)", pids[i]);
        zombies += rc == 0 && stat.state == 'Z' && stat.ppid == getpid();
    }
    demo_check("zombie.accumulate", zombies == made, "%d made, %d in state Z", made, zombies);
    demo_look("ps --ppid %s -o pid,stat,comm | head -n 5", demo_pid(getpid()));
    reap_all(pids, made);
    free(pids);
}

/* The memory that the kernel has for itself; NAN where /proc does not say. */
static double kernel_kib(void)
{
    struct proc_meminfo memory;
    int rc = proc_meminfo_read(&memory);
    if (rc == -ENOTSUP)
        return NAN;
    demo_need(rc, "read(/proc/meminfo)");
    return (double)(memory.slab_kib + memory.kernel_stack_kib + memory.page_tables_kib);
}

/* In batches that are reaped only at the end, since the kernel frees what it kept some time after the wait. The first one
 * does not count: what earlier steps left is still being freed then. */
static void weigh_zombies(int batch)
{
    enum { BATCHES = 8, MOST = 300 };
    pid_t pids[BATCHES * MOST];
    double kib[BATCHES];
    int made = 0, each = batch < MOST ? batch : MOST;
    for (int i = 0; i < BATCHES; i++) {
        double before = kernel_kib();
        made += make_zombies(pids + made, each);
        kib[i] = (kernel_kib() - before) / each;
    }
    reap_all(pids, made);
    if (made < BATCHES * each || isnan(kib[0])) {
        demo_skip("zombie.small-kernel-memory", isnan(kib[0]) ? "no /proc/meminfo: mount /proc without subset=pid"
                                                              : "fork fails too soon: raise ulimit -u or pids.max");
        return;
    }
    struct measure_spread spread = measure_spread_of(kib + 1, BATCHES - 1);
    demo_measure("kernel memory of a zombie", "KiB", spread);
    demo_check("zombie.small-kernel-memory", spread.median > 0 && spread.median < 64, "%s, by /proc/meminfo",
               cost_spread_text(spread, "KiB"));
}

static void meet_the_limit(pid_t parent)
{
    enum { MOST = 8 };
    int rc = sync_count_alone(), made = 0;
    if (rc < 0) {
        demo_skip("zombie.pids-finite", "%s: needs root, or user namespaces (user.max_user_namespaces)",
                  strerrorname_np(-rc));
        return;
    }
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    if (setrlimit(RLIMIT_NPROC, &(struct rlimit){ MOST, MOST }) < 0)
        demo_die("setrlimit(RLIMIT_NPROC, %d)", MOST);
    pid_t pids[2 * MOST];
    while (made < 2 * MOST && (pids[made] = fork()) >= 0)
        if (pids[made++] == 0)
            _exit(0);
    int error = errno;
    if (!demo_without("reap") && TEMP_FAILURE_RETRY(waitpid(pids[0], NULL, 0)) < 0)
        demo_die("waitpid(%d)", pids[0]);
    pid_t after = fork();
    if (after == 0)
        _exit(0);
    demo_check("zombie.pids-finite", made == MOST - 1 && error == EAGAIN && after > 0,
               "limit %d, with %d zombies: %s; %s: fork() %s", MOST, made, strerrorname_np(error),
               demo_without("reap") ? "none reaped" : "one reaped", after > 0 ? "works" : "fails");
}

/* What waitpid() says of a child that exits under this action for SIGCHLD. It returns only when there is no child left. */
static int wait_under(struct sigaction action)
{
    if (!demo_without("ignore") && sigaction(SIGCHLD, &action, NULL) < 0)
        demo_die("sigaction(SIGCHLD)");
    int waited = waitpid(fork_exit(0), NULL, 0) < 0 ? errno : 0;
    signal(SIGCHLD, SIG_DFL);
    return waited;
}

/* The death of the child as the kernel recorded it, in the order of the times. */
static void ask_the_kernel(pid_t child)
{
    struct witness seen = witness_end();
    size_t exited = witness_find(&seen, 0, KERNEL_EXIT, child), sent = exited;
    while (sent < seen.n && (seen.event[sent].kind != KERNEL_SIGNAL_SENT || seen.event[sent].value != SIGCHLD ||
                             seen.event[sent].by != child)) /* under strace its tracer gets one first */
        sent++;
    size_t off = sent; /* before that it may have slept, too, until it could close its files */
    while (off < seen.n && (seen.event[off].kind != KERNEL_SWITCH || seen.event[off].pid != child ||
                            seen.event[off].value == 'R')) /* it may be preempted on its way */
        off++;
    size_t waited = witness_find(&seen, exited, KERNEL_WAIT, child);
    size_t freed = witness_find(&seen, waited, KERNEL_FREE, child);
    bool died = off < seen.n, ran_again = false;
    for (size_t i = off + 1; i < seen.n; i++)
        ran_again |= seen.event[i].by == child || (seen.event[i].kind == KERNEL_SWITCH && seen.event[i].pid == child);
    witness_says("zombie.exited-not-waited", died && seen.event[off].value == 'Z',
                 "sched_process_exit%s, SIGCHLD to the parent%s, sched_switch in state %c",
                 exited < seen.n ? "" : " (missing)", sent < seen.n ? "" : " (missing)",
                 died ? (char)seen.event[off].value : '?');
    witness_says("zombie.unkillable", died && !ran_again, "%s",
                 !died       ? "its last sched_switch is missing"
                 : ran_again ? "it got a CPU after that"
                             : "it got no CPU after that");
    witness_says("zombie.reaped", freed < seen.n, "%s",
                 freed < seen.n ? "sched_process_wait, then sched_process_free" : "no sched_process_free");
}

static void zombie(void)
{
    witness_begin(1U << KERNEL_EXIT | 1U << KERNEL_SIGNAL_SENT | 1U << KERNEL_SWITCH | 1U << KERNEL_WAIT |
                  1U << KERNEL_FREE);
    demo_step("Fork a child that exits with 7, and do not wait for it");
    cleanup_pipe int held[2];
    if (pipe2(held, O_NONBLOCK) < 0)
        demo_die("pipe2(O_NONBLOCK)");
    cleanup_child pid_t child = fork_exit(7);
    demo_role(child, "child");
    sync_fd_close(&held[1]);
    peek(child);
    look_at(child, held[0]);

    demo_step("Send it SIGKILL");
    send_sigkill(child);
    demo_step("Read the exit code of another one, which exited with 42");
    read_exit_code();
    demo_step("Wait for the first one");
    reap(child);

    demo_step("Ask the second witness: the events that the kernel recorded of its death");
    if (!demo_without("wait"))
        witness_until(KERNEL_FREE, child); /* comes late, when nobody can be looking at it any more (RCU) */
    ask_the_kernel(child);

    demo_step("Make %ld more and wait for none of them", demo_option("count"));
    weigh_zombies(3 * (int)demo_option("count"));
    never_wait((int)demo_option("count"));

    demo_step("Let a child that may have 8 processes make zombies until fork() fails");
    pid_t parent = getpid();
    cleanup_child pid_t limited = fork();
    if (limited < 0)
        demo_die("fork()");
    if (limited == 0) {
        meet_the_limit(parent);
        _exit(0);
    }
    demo_need(sync_finished(limited), "waitid(P_PID, %d)", limited);

    demo_step("Ignore SIGCHLD, and wait");
    int ignored = wait_under((struct sigaction){ .sa_handler = SIG_IGN });
    int no_wait = wait_under((struct sigaction){ .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT });
    demo_check("zombie.auto-reaped", ignored == ECHILD && no_wait == ECHILD, "SIG_IGN: waitpid() %s; SA_NOCLDWAIT: %s",
               ignored ? strerrorname_np(ignored) : "= a zombie", no_wait ? strerrorname_np(no_wait) : "= a zombie");
}

static const char why[] =
    "A process that exits gives back its memory, its files and everything else it\n"
    "had (do_exit in kernel/exit.c). What cannot go is what its parent may still ask\n"
    "for: the PID, the exit code and the times used. So the task_struct stays, in\n"
    "the state EXIT_ZOMBIE, until the parent waits; release_task then frees it.\n"
    "\n"
    "The evidence: field 3 of /proc/PID/stat is Z, /proc/PID/maps is empty, since\n"
    "there is no address space (mm is NULL), and waitid(2) with WNOWAIT reads the\n"
    "exit code without taking it. SIGKILL cannot help: there is no code left that\n"
    "could run, and so none that could die.\n"
    "\n"
    "What accumulates is therefore not memory but PIDs. The limit met here is\n"
    "RLIMIT_NPROC, which counts zombies too, as do pids.max of a cgroup and\n"
    "kernel.pid_max; the demo's child gets a limit of its own, so that nobody else\n"
    "meets it. The 8 KiB or so that a zombie costs are its task_struct, its\n"
    "signal_struct and its struct pid, read off Slab, KernelStack and PageTables of\n"
    "/proc/meminfo while some hundreds are made.\n"
    "\n"
    "The text says that a child nobody waits for becomes a zombie. Not when its\n"
    "parent ignores SIGCHLD or sets SA_NOCLDWAIT: then do_notify_parent tells the\n"
    "kernel to reap it at once (wait(2), NOTES), and its exit code is lost.\n";

static const struct demo_break breaks[] = {
    { "wait", "zombie.reaped", "never waits for the first child" },
    { "reap", "zombie.pids-finite", "reaps no zombie at the limit" },
    { "ignore", "zombie.auto-reaped", "leaves SIGCHLD at its default" },
    { 0 },
};
static const struct demo_option options[] = { { "count", "How many zombies step 6 makes", 100, 1, 100000 }, { 0 } };
static const struct demo_prediction predictions[] = {
    {
        .step = 2,
        .claim = "zombie.unkillable",
        .ask = "A zombie is sent SIGKILL. What happens?",
        .choices = { "it disappears", "kill() fails with ESRCH", "kill() succeeds, and nothing changes" },
        .right = 2,
        .because = "The PID is taken, so kill() finds it; but there is no code of it that could run, and so none that "
                   "could die.",
    },
    {
        .step = 7,
        .claim = "zombie.pids-finite",
        .ask = "The limit is 8 processes, 7 zombies are there. What does fork() say?",
        .choices = { "a PID: zombies do not run", "EAGAIN", "ENOMEM" },
        .right = 1,
        .because =
            "What is counted is not what runs but what has a PID: RLIMIT_NPROC counts a zombie until it is waited for.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "zombie",
    .title = "what is left of a process between its exit and its parent's wait()",
    .claims = claims,
    .breaks = breaks,
    .options = options,
    .predictions = predictions,
    .run = zombie,
    .why = why,
    .next = "orphan",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
