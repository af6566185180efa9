/* names.c - what the kinds are called in tracefs. */
#include "kernel/kernel.h"

static const char *const names[KERNEL_N_KINDS] = {
    [KERNEL_FORK] = "sched_process_fork",     [KERNEL_NEWTASK] = "task_newtask",
    [KERNEL_WAKEUP_NEW] = "sched_wakeup_new", [KERNEL_WAKING] = "sched_waking",
    [KERNEL_WAKEUP] = "sched_wakeup",         [KERNEL_SWITCH] = "sched_switch",
    [KERNEL_EXEC] = "sched_process_exec",     [KERNEL_EXIT] = "sched_process_exit",
    [KERNEL_WAIT] = "sched_process_wait",     [KERNEL_FREE] = "sched_process_free",
    [KERNEL_FAULT] = "page_fault_user",       [KERNEL_SIGNAL_SENT] = "signal_generate",
    [KERNEL_SIGNAL_TAKEN] = "signal_deliver",
};

const char *kernel_name(enum kernel_kind kind)
{
    return (unsigned)kind < KERNEL_N_KINDS ? names[kind] : "?";
}
