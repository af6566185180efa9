/* fork.c - one call that returns in two processes
 *
 *     fork                 the whole lesson
 *     fork --break limit   sets no limit, so that the fork that should fail does not
 *
 *     parent                              child
 *     pid_t returned = fork(); -------->  the same line goes on here, too
 *     returned: the child's PID           returned: 0
 *     reads what the child says    <----  writes down returned, getpid(), getppid()
 *     looks it up in /proc                waits at a gate
 *     opens the gate               ---->  _exit(0)
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "report/witness.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "fork.returns-twice", "One call returns in two processes: 0 in the child, its PID in the parent." },
    { "fork.failure", "On failure it returns -1, and there is no child." },
    { 0 },
};

/* What a process says of itself after the call. */
struct told {
    pid_t returned, pid, ppid;
};

static pid_t returns_twice(void)
{
    int answer[2];
    if (pipe(answer) < 0)
        demo_die("pipe()");
    cleanup_gate struct sync_gate looked;
    demo_need(sync_gate_make(&looked), "pipe2() of a gate");

    cleanup_child pid_t returned = fork();
    if (returned < 0)
        demo_die("fork()");
    struct told mine = { returned, getpid(), getppid() }; /* this line runs twice, in two processes */
    if (returned == 0) {
        demo_role(getpid(), "child");
        demo_act(0, "fork() returned %d, getpid() is %s, getppid() is %s", mine.returned, demo_pid(mine.pid),
                 demo_pid(mine.ppid));
        if (write(answer[1], &mine, sizeof mine) != sizeof mine)
            demo_die("write(%d, what fork returned)", answer[1]);
        demo_need(sync_gate_pass(&looked), "poll(), read() at a gate: wait for the parent to look");
        _exit(0);
    }
    close(answer[1]); /* so that a child that dies is an end of file and not a wait without end */
    struct told child;
    if (read(answer[0], &child, sizeof child) != sizeof child)
        demo_die("read(%d, what fork returned in the child)", answer[0]);
    close(answer[0]);

    struct proc_stat stat;
    demo_need(proc_stat_read(returned, &stat), "read(/proc/%d/stat)", returned);
    demo_act(returned, "fork() returned %s, getpid() is %s", demo_pid(mine.returned), demo_pid(mine.pid));
    demo_observe(returned, "/proc/PID/stat", demo_fact_pid("pid", stat.pid), demo_fact_pid("ppid", stat.ppid));
    demo_check("fork.returns-twice",
               child.returned == 0 && mine.returned == child.pid && child.pid != mine.pid && child.ppid == mine.pid &&
                   stat.ppid == mine.pid,
               "%s in %s, %s in %s", demo_pid(mine.returned), demo_pid(mine.pid), demo_pid(child.returned),
               demo_pid(child.pid));
    demo_look("ps -o pid,ppid,stat,comm -p %s,%s", demo_pid(mine.pid), demo_pid(child.pid));
    demo_need(sync_gate_open(&looked), "write() to a gate: let the child go");
    demo_need(sync_finished(returned), "waitid(P_PID, %d)", returned);
    return returned;
}

/* In a process of its own, since a limit that is set cannot be raised again. */
static void fail(pid_t parent)
{
    enum { ONLY_ITSELF = 1 };
    bool root = geteuid() == 0;
    int alone = sync_count_alone(); /* root is not held to the limit; counted alone it is */
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    if (!demo_without("limit") && setrlimit(RLIMIT_NPROC, &(struct rlimit){ ONLY_ITSELF, ONLY_ITSELF }) < 0)
        demo_die("setrlimit(RLIMIT_NPROC, %d)", ONLY_ITSELF);

    pid_t returned = fork();
    int error = errno;
    if (returned == 0)
        _exit(0);
    int children = proc_children_list(getpid(), NULL, 0);
    bool no_child = TEMP_FAILURE_RETRY(waitpid(-1, NULL, 0)) < 0 && errno == ECHILD;
    if (returned > 0 && alone < 0 && root && !demo_without("limit")) {
        demo_skip("fork.failure", "root is held to no limit here (%s); run it as an ordinary user",
                  strerrorname_np(-alone));
        return;
    }
    demo_act(0, "allowed %d process; fork() = %s", ONLY_ITSELF,
             returned < 0 ? strerrorname_np(error) : demo_pid(returned));
    if (children >= 0)
        demo_observe(getpid(), "/proc/PID/task/*/children", demo_fact("children", children));
    demo_check("fork.failure", returned == -1 && error == EAGAIN && no_child && children <= 0, "%s, %s",
               returned < 0 ? strerrorname_np(error) : "it did not fail", no_child ? "waitpid(-1): ECHILD" : "a child");
}

/* The forks that the kernel recorded of this process. */
static size_t forks_of(const struct witness *seen, pid_t pid)
{
    size_t n = 0;
    for (size_t i = 0; (i = witness_find(seen, i, KERNEL_FORK, pid)) < seen->n; i++)
        n++;
    return n;
}

static void ask_the_kernel(pid_t child, pid_t limited)
{
    struct witness seen = witness_end();
    size_t forked = witness_find(&seen, 0, KERNEL_FORK, getpid());
    witness_says("fork.returns-twice", forked < seen.n && seen.event[forked].other == child,
                 "sched_process_fork: %s made %s", demo_pid(getpid()), demo_pid(child));
    witness_says("fork.failure", forks_of(&seen, limited) == 0, "%zu sched_process_fork of %s",
                 forks_of(&seen, limited), demo_pid(limited));
}

static void fork_demo(void)
{
    witness_begin(1U << KERNEL_FORK);
    demo_step("Fork, and ask both sides what fork() returned");
    pid_t child = returns_twice();

    demo_step("Let a child that may have one process, itself, fork");
    pid_t parent = getpid();
    cleanup_child pid_t limited = fork();
    if (limited < 0)
        demo_die("fork()");
    if (limited == 0) {
        demo_role(getpid(), "child");
        fail(parent);
        _exit(0);
    }
    demo_need(sync_finished(limited), "waitid(P_PID, %d)", limited);

    demo_step("Ask the second witness: the forks that the kernel recorded");
    ask_the_kernel(child, limited);
}

static const char why[] =
    "fork() is one system call that two processes return from. The kernel copies\n"
    "the caller's task_struct and everything a process consists of (copy_process in\n"
    "kernel/fork.c), gives the copy a PID of its own and sets the register that\n"
    "holds the result of a call to 0 in the copy (copy_thread). Then it puts the\n"
    "copy on a run queue: when the scheduler picks it, it goes on at the very\n"
    "instruction its parent goes on at, and only the result tells them apart.\n"
    "\n"
    "The evidence: both results, told by both sides, against /proc/PID/stat, where\n"
    "field 1 is the PID and field 4 the parent's (proc(5)). Which of the two runs\n"
    "first is not defined, so the child waits at a gate until it was looked at.\n"
    "\n"
    "fork() fails with EAGAIN at a limit: RLIMIT_NPROC (\"ulimit -u\"), pids.max of\n"
    "a cgroup, kernel.threads-max, or no free PID; with ENOMEM where the kernel has\n"
    "no memory for the copy (fork(2)). Nothing of the child is left then.\n"
    "\n"
    "The text says \"an exact copy\": almost. fork(2) lists what differs, and the\n"
    "demo fork-inherits shows it.\n";

static const struct demo_break breaks[] = { { "limit", "fork.failure", "sets no limit" }, { 0 } };
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "fork.returns-twice",
        .ask = "fork() is called once. What does it return in the child?",
        .choices = { "the parent's PID", "its own PID", "0", "nothing: it returns in the parent only" },
        .right = 2,
        .because = "0 is no process. The child can always ask who its parent is (getppid); the parent could not ask "
                   "for its child's PID.",
    },
    {
        .step = 2,
        .claim = "fork.failure",
        .ask = "fork() fails. What does it return in the child?",
        .choices = { "-1", "0", "there is no child" },
        .right = 2,
        .because = "One call returns twice only if there are two processes. A failure is -1, once, in the caller.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "fork",
    .title = "one call that returns in two processes",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = fork_demo,
    .why = why,
    .next = "fork-inherits",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
