/* labels.c - the processes of a demo by name, and by labels that are the same in every run. */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "proc/proc.h"

/* From the last: a PID that was reused means the newer process. */
static int find(pid_t pid)
{
    int n = run.shared->n_labels;
    for (int i = n < MAX_LABELS ? n : MAX_LABELS; i-- > 0;)
        if (run.shared->labels[i].pid == pid)
            return i;
    return -1;
}

/* Whose child it is, or whose thread, for those who read the events. A process that is gone, or hidden, has none. */
static void ask_family(pid_t pid, struct label *label)
{
    struct proc_status status;
    if ((!run.json && run.html == NULL) || proc_status_read(pid, &status) < 0)
        return;
    label->parent = status.ppid;
    label->leader = status.tgid == pid ? 0 : status.tgid;
}

static int add(pid_t pid, const char *role)
{
    int i = run.shared->n_labels++;
    if (i >= MAX_LABELS)
        return -1;
    if (*role != '\0')
        ask_family(pid, &run.shared->labels[i]);
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

/* With --stable the label of a process that has one: none is made for this. */
static void add_id(json_t *to, const char *key, pid_t pid)
{
    int id = run.stable ? find(pid) + 1 : pid;
    if (pid > 0 && id > 0)
        json_object_set_new(to, key, json_integer(id));
}

void labels_announce(json_t *event)
{
    json_t *named = NULL;
    int end = run.shared->n_labels;
    for (int i = run.shared->n_announced; i < end && i < MAX_LABELS && run.shared->labels[i].pid != 0; i++) {
        const struct label *label = &run.shared->labels[i];
        run.shared->n_announced = i + 1;
        if (*label->role == '\0')
            continue;
        if (named == NULL)
            json_object_set_new(event, "named", named = json_array());
        json_t *who = json_object();
        add_id(who, "pid", label->pid);
        json_object_set_new(who, "role", json_string(label->role));
        add_id(who, "parent", label->parent);
        add_id(who, "leader", label->leader);
        json_array_append_new(named, who);
    }
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
