/* orphan.c - who becomes the parent of a process whose parent has exited
 *
 *     orphan                     the whole lesson
 *     orphan --break subreaper   the adopter does not offer itself as the new parent
 *
 *     adopter                   middle               orphan
 *     prctl(SET_CHILD_SUBREAPER)
 *     fork() ---------------->  fork() ----------->  PPid: middle
 *                               _exit(0)
 *     waitpid(middle)           gone                 PPid: adopter
 *                                                    _exit(5)
 *     waitpid(orphan) = 5                            gone
 *
 * And once more in a PID namespace of its own: from middle to a subreaper, and from there to PID 1.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "report/witness.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "orphan.reparented", "A process whose parent exited gets a new one, which waits for it." },
    { "orphan.init-or-subreaper", "The new parent is PID 1.", DEMO_CAVEAT,
      "it is the nearest ancestor that is a subreaper; only where there is none, PID 1 of the PID namespace" },
    { 0 },
};

static pid_t ppid_of(pid_t pid)
{
    struct proc_stat stat;
    demo_need(proc_stat_read(pid, &stat), "read(/proc/%d/stat)", pid);
    demo_observe(pid, "/proc/PID/stat", demo_fact_pid("ppid", stat.ppid));
    return stat.ppid;
}

static void adopt(void)
{
    int says[2];
    pid_t adopter = getpid();
    cleanup_gate struct sync_gate leave, end;
    demo_need(sync_gate_make(&leave), "pipe2() of a gate");
    demo_need(sync_gate_make(&end), "pipe2() of a gate");
    if (pipe(says) < 0)
        demo_die("pipe()");
    if (!demo_without("subreaper") && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        demo_die("prctl(PR_SET_CHILD_SUBREAPER, 1)");
    cleanup_child pid_t middle = fork();
    if (middle < 0)
        demo_die("fork()");
    if (middle == 0) {
        demo_need(sync_die_with(adopter), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        pid_t pid = fork();
        if (pid == 0) {
            sync_gate_pass(&end); /* until it is opened, or the adopter is gone */
            _exit(5);
        }
        if (pid < 0 || write(says[1], &pid, sizeof pid) != sizeof pid)
            demo_die("fork() = %d, write(%d)", pid, says[1]);
        demo_need(sync_gate_pass(&leave), "poll(), read() at a gate: wait for the adopter to look");
        _exit(0);
    }
    close(says[1]);
    pid_t orphan;
    if (read(says[0], &orphan, sizeof orphan) != sizeof orphan)
        demo_die("read(%d, the PID of the orphan)", says[0]);
    close(says[0]);
    demo_role(middle, "middle");
    demo_role(orphan, "orphan");
    pid_t before = ppid_of(orphan);

    demo_need(sync_gate_open(&leave), "write() to a gate: let middle exit");
    if (TEMP_FAILURE_RETRY(waitpid(middle, NULL, 0)) != middle)
        demo_die("waitpid(%d)", middle);
    demo_act(middle, "middle has exited, and was waited for");
    pid_t after = ppid_of(orphan);
    demo_look("ps -o pid,ppid,stat,comm -p %s", demo_pid(orphan));

    demo_need(sync_gate_open(&end), "write() to a gate: let the orphan exit");
    int status = 0;
    bool reaped = TEMP_FAILURE_RETRY(waitpid(orphan, &status, 0)) == orphan;
    demo_act(orphan, "waitpid(orphan): %s", reaped ? "it exited, and is gone" : strerrorname_np(errno));
    demo_check("orphan.reparented", before == middle && after == adopter && reaped && WEXITSTATUS(status) == 5,
               "PPid %s, then %s; %s", demo_pid(before), demo_pid(after), reaped ? "waited for" : "not waited for");
}

/* In a PID namespace: four processes in a line, each the child of the one before. */
enum place { PID_1, SUBREAPER, MIDDLE, ORPHAN, PLACES };

struct line {
    struct sync_gate go, ready, leave[PLACES];
};

/* PID 1 makes the second, the second the third: each goes on here in the next place. */
static void line_up(struct line *line)
{
    enum place place = PID_1;
    pid_t next = 0;
    for (; place != ORPHAN && next == 0; place += next == 0) {
        if (place == SUBREAPER && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
            demo_die("prctl(PR_SET_CHILD_SUBREAPER, 1)");
        next = fork();
        if (next < 0)
            demo_die("fork()");
    }
    if (place == ORPHAN)
        sync_gate_open(&line->ready);
    close(line->ready.open_fd); /* should one of them fail, the demo sees it at once */
    if (place == PID_1)
        while (wait(NULL) > 0 || errno == EINTR)
            continue;
    if (place == SUBREAPER)
        TEMP_FAILURE_RETRY(waitpid(next, NULL, 0));
    sync_gate_pass(&line->leave[place]); /* opened, or the demo is gone */
    _exit(0);
}

/* Says the PID of PID 1 as it is seen from outside, or -errno; waits for it. */
static void enclose(struct line *line, int says, pid_t demo)
{
    if (unshare(CLONE_NEWPID) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0) {
        int failed = -errno;
        _exit(write(says, &failed, sizeof failed) == sizeof failed ? 0 : 1);
    }
    demo_need(sync_die_with(demo), "prctl(PR_SET_PDEATHSIG, SIGKILL)"); /* a new user namespace would undo it */
    pid_t pid_1 = fork();
    if (pid_1 < 0)
        demo_die("fork()");
    if (pid_1 == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* the kernel then kills the whole namespace */
        sync_gate_open(&line->ready);
        if (sync_gate_pass(&line->go) < 0)
            _exit(0); /* the demo was gone before the prctl */
        line_up(line);
    }
    if (write(says, &pid_1, sizeof pid_1) != sizeof pid_1)
        demo_die("write(%d, a PID)", says);
    close(line->ready.open_fd);
    TEMP_FAILURE_RETRY(waitpid(pid_1, NULL, 0));
    _exit(0);
}

static pid_t only_child(pid_t pid)
{
    pid_t child;
    int n = proc_children_list(pid, &child, 1);
    demo_need(n, "read /proc/%d/task/%d/children", pid, pid);
    return n == 1 ? child : 0;
}

/* Lets it exit, and returns when its parent has waited for it. */
static void leave(struct line *line, enum place place, pid_t pid)
{
    cleanup_fd int stat_fd = proc_open(pid, "stat");
    demo_need(stat_fd, "open(/proc/%d/stat)", pid);
    demo_need(sync_gate_open(&line->leave[place]), "write() to a gate: let a process exit");
    demo_need(sync_gone(stat_fd), "pread(/proc/%d/stat)", pid);
}

static void follow(struct line *line, pid_t pid_1)
{
    demo_need(sync_gate_pass(&line->ready), "poll(), read() at a gate: wait for PID 1");
    demo_need(sync_gate_open(&line->go), "write() to a gate: let PID 1 begin");
    demo_need(sync_gate_pass(&line->ready), "poll(), read() at a gate: wait for the orphan");
    pid_t subreaper = only_child(pid_1), middle = only_child(subreaper), orphan = only_child(middle);
    demo_role(pid_1, "PID 1");
    demo_role(subreaper, "subreaper");
    demo_role(middle, "middle");
    demo_role(orphan, "orphan");
    struct proc_status status;
    demo_need(proc_status_read(pid_1, &status), "read(/proc/%d/status)", pid_1);
    demo_observe(pid_1, "/proc/PID/status", demo_fact_pid("Pid", status.pid),
                 demo_fact("NSpid inside", status.nspid[status.n_nspid - 1]));
    pid_t first = ppid_of(orphan);
    leave(line, MIDDLE, middle);
    pid_t second = ppid_of(orphan);
    leave(line, SUBREAPER, subreaper);
    pid_t third = ppid_of(orphan);
    demo_check("orphan.init-or-subreaper",
               first == middle && second == subreaper && third == pid_1 && status.nspid[status.n_nspid - 1] == 1,
               "parent: middle %s, subreaper %s, PID 1 %s", demo_pid(first), demo_pid(second), demo_pid(third));
    leave(line, ORPHAN, orphan);
    leave(line, PID_1, pid_1);
}

/* Returns the PID of the process that is one level outside. */
static pid_t descend(void)
{
    struct line line;
    int says[2];
    demo_need(sync_gate_make(&line.go), "pipe2() of a gate");
    demo_need(sync_gate_make(&line.ready), "pipe2() of a gate");
    for (int i = 0; i < PLACES; i++)
        demo_need(sync_gate_make(&line.leave[i]), "pipe2() of a gate");
    if (pipe(says) < 0)
        demo_die("pipe()");
    pid_t demo = getpid();
    cleanup_child pid_t outside = fork();
    if (outside < 0)
        demo_die("fork()");
    if (outside == 0)
        enclose(&line, says[1], demo);
    close(says[1]);
    int pid_1;
    if (read(says[0], &pid_1, sizeof pid_1) != sizeof pid_1)
        demo_die("read(%d, the PID of PID 1)", says[0]);
    close(says[0]);
    if (pid_1 < 0)
        demo_skip("orphan.init-or-subreaper",
                  "no PID namespace: unshare() %s; root may, or see user.max_user_namespaces", strerrorname_np(-pid_1));
    else
        follow(&line, pid_1);
    return outside;
}

/* Below a subreaper of its own: whatever goes wrong, or is broken on purpose, nobody else gets a child of ours. */
static void keep_house(pid_t demo)
{
    demo_need(sync_die_with(demo), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        demo_die("prctl(PR_SET_CHILD_SUBREAPER, 1)");
    pid_t house = getpid(), adopter = fork();
    if (adopter < 0)
        demo_die("fork()");
    if (adopter == 0) {
        demo_need(sync_die_with(house), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        demo_role(getpid(), "adopter");
        adopt();
        _exit(0);
    }
    while (wait(NULL) > 0 || errno == EINTR)
        continue;
}

/* The first child of a process, as the kernel recorded it; 0: it has none. */
static pid_t child_of(const struct witness *seen, pid_t pid)
{
    size_t i = witness_find(seen, 0, KERNEL_FORK, pid);
    return i < seen->n ? seen->event[i].other : 0;
}

/* Whom the kernel told of its exit: the parent that it has at that moment. A tracer, strace say, is told before. */
static pid_t told_of(const struct witness *seen, pid_t pid)
{
    struct proc_status self;
    demo_need(proc_status_read(getpid(), &self), "read(/proc/%d/status)", getpid());
    for (size_t i = witness_find(seen, 0, KERNEL_EXIT, pid); i < seen->n; i++) {
        const struct kernel_event *event = &seen->event[i];
        if (event->kind == KERNEL_SIGNAL_SENT && event->value == SIGCHLD && event->pid != self.tracer_pid)
            return event->pid;
    }
    return 0;
}

/* By the forks that the kernel recorded, who is who. */
static void ask_the_kernel(pid_t house, pid_t outside)
{
    struct witness seen = witness_end();
    pid_t adopter = child_of(&seen, house), orphan = child_of(&seen, child_of(&seen, adopter));
    witness_says("orphan.reparented", orphan != 0 && told_of(&seen, orphan) == adopter, "SIGCHLD of %s went to %s",
                 demo_pid(orphan), demo_pid(told_of(&seen, orphan)));
    pid_t pid_1 = child_of(&seen, outside), middle = child_of(&seen, child_of(&seen, pid_1));
    orphan = child_of(&seen, middle);
    witness_says("orphan.init-or-subreaper", orphan != 0 && told_of(&seen, orphan) == pid_1, "SIGCHLD of %s went to %s",
                 demo_pid(orphan), demo_pid(told_of(&seen, orphan)));
}

static void orphan_demo(void)
{
    witness_begin(1U << KERNEL_FORK | 1U << KERNEL_EXIT | 1U << KERNEL_SIGNAL_SENT);
    demo_step("Let the parent of a process exit, and see who its parent is then");
    pid_t demo = getpid();
    cleanup_child pid_t house = fork();
    if (house < 0)
        demo_die("fork()");
    if (house == 0) {
        keep_house(demo);
        _exit(0);
    }
    demo_need(sync_finished(house), "waitid(P_PID, %d)", house);

    demo_step("The same in a PID namespace, below a subreaper, which then exits as well");
    pid_t outside = descend();

    demo_step("Ask the second witness: the SIGCHLD that the kernel recorded");
    ask_the_kernel(house, outside);
}

static const char why[] =
    "When a process exits, the kernel looks for a new parent for each of its\n"
    "children (forget_original_parent and find_new_reaper in kernel/exit.c): another\n"
    "thread of the same process, else the nearest ancestor that has declared itself\n"
    "a child subreaper (prctl(2)), else the init of the PID namespace, its PID 1. A\n"
    "new parent that is not interested need not do anything but wait(): that is why\n"
    "orphans do not stay zombies.\n"
    "\n"
    "The evidence: field 4 of /proc/PID/stat, read while each of the parents is\n"
    "still there and after it was waited for. The exit of the old parent and the new\n"
    "PPid are one step for everyone else (tasklist_lock), so that there is no moment\n"
    "to wait for. NSpid of /proc/PID/status gives the PID inside the namespace too.\n"
    "For root, the second witness: at its exit a process sends SIGCHLD to the parent\n"
    "it has at that moment (do_notify_parent), and signal_generate records to whom.\n"
    "\n"
    "The text says \"to PID 1\". On a desktop it is often a \"systemd --user\", which is\n"
    "a subreaper, and in a container the container's own first process. What PID 1\n"
    "of this machine does is not asked here.\n";

static const struct demo_break breaks[] = {
    { "subreaper", "orphan.reparented", "does not declare the adopter a subreaper: another gets the orphan" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 2,
        .claim = "orphan.init-or-subreaper",
        .ask = "PID 1, a subreaper, middle, a child: who is the child's parent when middle has exited?",
        .choices = { "PID 1", "the subreaper", "nobody, it ends too" },
        .right = 1,
        .because = "The nearest ancestor that has said it wants orphans comes before PID 1. Nobody is killed because "
                   "its parent ends, unless it asked for that (PR_SET_PDEATHSIG).",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "orphan",
    .title = "who becomes the parent of a process whose parent has exited",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = orphan_demo,
    .why = why,
    .next = "thread",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
