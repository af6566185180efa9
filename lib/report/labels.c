/* labels.c - the processes of a demo by name, and by labels that are the same in every run. */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* From the last: a PID that was reused means the newer process. */
static int find(pid_t pid)
{
    int n = run.shared->n_labels;
    for (int i = n < MAX_LABELS ? n : MAX_LABELS; i-- > 0;)
        if (run.shared->labels[i].pid == pid)
            return i;
    return -1;
}

static int add(pid_t pid, const char *role)
{
    int i = run.shared->n_labels++;
    if (i >= MAX_LABELS)
        return -1;
    snprintf(run.shared->labels[i].role, sizeof run.shared->labels[i].role, "%s", role);
    run.shared->labels[i].pid = pid;
    return i;
}

void demo_role(pid_t pid, const char *role)
{
    int i = find(pid);
    if (i < 0 || strcmp(run.shared->labels[i].role, role) != 0)
        add(pid, role);
}

int label_of(pid_t pid)
{
    int i = find(pid);
    return (i < 0 ? add(pid, "") : i) + 1;
}

const char *label_role(pid_t pid)
{
    int i = find(pid);
    return i < 0 ? "" : run.shared->labels[i].role;
}

static char *turn(void)
{
    static char texts[8][24];
    static unsigned next;
    return texts[next++ % 8];
}

const char *demo_pid(pid_t pid)
{
    char *text = turn();
    if (run.stable && pid > 0)
        snprintf(text, 24, "P%d", label_of(pid));
    else
        snprintf(text, 24, "%d", (int)pid);
    return text;
}

const char *demo_address(const void *address)
{
    char *text = turn();
    snprintf(text, 24, run.stable ? "0xADDRESS" : "%p", address);
    return text;
}

const char *demo_mask(const char *text, const char *label)
{
    return run.stable ? label : text;
}

const char *demo_frame(uint64_t frame)
{
    char *text = turn();
    snprintf(text, 24, run.stable ? "0xFRAME" : "0x%llx", (unsigned long long)frame);
    return text;
}

const char *demo_signals(uint64_t set)
{
    static char texts[8][640]; /* room for all 64 */
    static unsigned next;
    char *text = texts[next++ % 8];
    size_t used = 0;
    for (int sig = 1; sig <= 64; sig++) {
        if ((set >> (sig - 1) & 1) == 0 || (sig >= __SIGRTMIN && sig < SIGRTMIN))
            continue;
        const char *name = sigabbrev_np(sig), *blank = used > 0 ? " " : "";
        int n = name != NULL ? snprintf(text + used, sizeof *texts - used, "%sSIG%s", blank, name)
                             : snprintf(text + used, sizeof *texts - used, "%s%d", blank, sig);
        used += (size_t)n;
    }
    return used > 0 ? text : "none";
}
