/* @NAME@.c - a child of fork() begins with the signal mask of its parent
 *
 *     @NAME@                 the whole of it
 *     @NAME@ --step          stops, so that you can look from a second terminal
 *     @NAME@ --break block   blocks nothing
 *
 * Replace the claim by one of yours. What can fail is decided in demo_check(); report/demo.h has all the verbs. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "@NAME@.mask-inherited", "A signal that the parent blocks is blocked in its child, too." },
    { 0 },
};
static const struct demo_break breaks[] = { { "block", "@NAME@.mask-inherited", "blocks nothing" }, { 0 } };

static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "@NAME@.mask-inherited",
        .ask = "The parent blocks SIGUSR1, and forks. What does the child block?",
        .choices = { "nothing: it begins afresh", "SIGUSR1", "every signal, until it unblocks some" },
        .right = 1,
        .because = "The mask is a part of the task, and fork() copies the task.",
    },
    { 0 },
};

static void lesson(void)
{
    demo_step("Block SIGUSR1, and fork a child that only waits");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (!demo_without("block") && sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        demo_die("sigprocmask(SIG_BLOCK)");

    pid_t parent = getpid();
    cleanup_child pid_t child = fork(); /* killed and waited for where this function ends */
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        if (sync_die_with(parent) == 0) /* nothing stays behind, whatever becomes of the parent */
            pause();
        _exit(0);
    }
    demo_role(child, "child");

    struct proc_status status;
    demo_need(proc_status_read(child, &status), "read(/proc/%d/status)", child);
    demo_observe(child, "/proc/PID/status", demo_fact("SigBlk", demo_signals(status.sig_blk)));
    bool blocked = status.sig_blk >> (SIGUSR1 - 1) & 1; /* bit n-1 is signal n */
    demo_check("@NAME@.mask-inherited", blocked, "SigBlk: %s", demo_signals(status.sig_blk));
    demo_look("grep SigBlk /proc/%s/status", demo_pid(child));
}

static const char why[] =
    "fork() copies the task_struct of its caller, and the mask of blocked signals is\n"
    "a field of it (copy_process in kernel/fork.c). What waits to be delivered is\n"
    "not copied: the pending signals of the child begin empty (signal(7)).\n"
    "\n"
    "The evidence: the line SigBlk of /proc/PID/status, one bit a signal.\n";

static const struct demo demo = {
    .name = "@NAME@",
    .title = "a child of fork() begins with the signal mask of its parent",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = lesson,
    .why = why,
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
