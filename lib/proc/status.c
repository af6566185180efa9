/* status.c - /proc/PID/status: a line "Name:<tab>value" each. */
#include <errno.h>
#include <string.h>

#include "proc/file.h"
#include "proc/proc.h"
#include "proc/text.h"

/* The name to the end of the line. The kernel writes a newline in it as \n and a backslash as \\, and nothing else. */
static bool take_name(struct text *text, void *member)
{
    char *name = member;
    size_t len = 0;
    if (!proc_take_char(text, '\t')) /* a single one: the name may begin with blanks of its own */
        return false;
    while (text->at < text->end) {
        if (len == PROC_COMM)
            return false;
        if (proc_take_string(text, "\\n"))
            name[len++] = '\n';
        else if (proc_take_string(text, "\\\\"))
            name[len++] = '\\';
        else
            name[len++] = *text->at++;
    }
    name[len] = '\0';
    return true;
}

static bool take_ids(struct text *text, void *member)
{
    int64_t *id = member;
    return proc_take_count(text, id) && proc_take_count(text, id + 1) && proc_take_count(text, id + 2) &&
           proc_take_count(text, id + 3);
}

static bool take_groups(struct text *text, void *member)
{
    struct proc_status *status = member;
    memset(status->groups, 0xff, sizeof status->groups);
    status->n_groups = 0;
    for (proc_skip_blanks(text); text->at < text->end; proc_skip_blanks(text)) {
        int64_t group;
        if (!proc_take_count(text, &group))
            return false;
        if (status->n_groups < PROC_GROUPS)
            status->groups[status->n_groups] = group;
        status->n_groups++;
    }
    return true;
}

static bool take_nspid(struct text *text, void *member)
{
    struct proc_status *status = member;
    memset(status->nspid, 0xff, sizeof status->nspid);
    status->n_nspid = 0;
    for (proc_skip_blanks(text); text->at < text->end; proc_skip_blanks(text))
        if (status->n_nspid == PROC_NS_DEPTH || !proc_take_pid(text, &status->nspid[status->n_nspid++]))
            return false;
    return true;
}

#define MEMBER(name) offsetof(struct proc_status, name)
static const struct proc_label labels[] = {
    /* in the order in which the kernel writes them */
    { "Name", take_name, MEMBER(name) },
    { "State", proc_take_state, MEMBER(state) },
    { "Tgid", proc_take_pid, MEMBER(tgid) },
    { "Pid", proc_take_pid, MEMBER(pid) },
    { "PPid", proc_take_pid, MEMBER(ppid) },
    { "TracerPid", proc_take_pid, MEMBER(tracer_pid) },
    { "Uid", take_ids, MEMBER(uid) },
    { "Gid", take_ids, MEMBER(gid) },
    { "Groups", take_groups, 0 },
    { "NSpid", take_nspid, 0 },
    { "VmSize", proc_take_kib, MEMBER(vm_size_kib) },
    { "VmLck", proc_take_kib, MEMBER(vm_lck_kib) },
    { "VmRSS", proc_take_kib, MEMBER(vm_rss_kib) },
    { "RssAnon", proc_take_kib, MEMBER(rss_anon_kib) },
    { "VmPTE", proc_take_kib, MEMBER(vm_pte_kib) },
    { "Threads", proc_take_count, MEMBER(threads) },
    { "SigPnd", proc_take_mask, MEMBER(sig_pnd) },
    { "ShdPnd", proc_take_mask, MEMBER(shd_pnd) },
    { "SigBlk", proc_take_mask, MEMBER(sig_blk) },
    { "SigIgn", proc_take_mask, MEMBER(sig_ign) },
    { "SigCgt", proc_take_mask, MEMBER(sig_cgt) },
    { "CapInh", proc_take_mask, MEMBER(cap_inh) },
    { "CapPrm", proc_take_mask, MEMBER(cap_prm) },
    { "CapEff", proc_take_mask, MEMBER(cap_eff) },
    { "CapBnd", proc_take_mask, MEMBER(cap_bnd) },
    { "CapAmb", proc_take_mask, MEMBER(cap_amb) },
    { "NoNewPrivs", proc_take_count, MEMBER(no_new_privs) },
    { "Seccomp", proc_take_count, MEMBER(seccomp) },
    { "voluntary_ctxt_switches", proc_take_count, MEMBER(voluntary_ctxt_switches) },
    { "nonvoluntary_ctxt_switches", proc_take_count, MEMBER(nonvoluntary_ctxt_switches) },
};

int proc_status_parse(const char *text, size_t len, struct proc_status *out)
{
    struct proc_status status;
    struct text rest;
    memset(&status, 0xff, sizeof status); /* PROC_NONE in every number */
    status.name[0] = status.state = '\0';
    status.n_groups = status.n_nspid = 0;
    if (!proc_text_begin(&rest, text, len) || !proc_take_string(&rest, "Name:") ||
        !proc_take_lines(text, len, labels, sizeof labels / sizeof *labels, &status))
        return -EBADMSG;
    if (status.state == '\0' || status.pid == PROC_NONE)
        return -EBADMSG;
    *out = status;
    return 0;
}

int proc_status_pread(int fd, struct proc_status *out)
{
    cleanup_buffer struct proc_buffer text = { 0 };
    struct proc_status status;
    ssize_t len = proc_buffer_read(&text, fd);
    int r = len < 0 ? (int)len : proc_status_parse(text.data, text.len, &status);
    /* As in stat: a process reaped while the kernel writes this is shown with 0 threads. */
    if (r == 0 && status.threads == 0)
        return -ESRCH;
    if (r == 0)
        *out = status;
    return r;
}

int proc_status_read(pid_t pid, struct proc_status *out)
{
    cleanup_fd int fd = proc_open(pid, "status");
    return fd < 0 ? fd : proc_status_pread(fd, out);
}
