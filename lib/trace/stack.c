/* stack.c - what the kernel puts on the stack of a new program. */
#include "trace/trace.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* Pairs of type and value, the last one of type AT_NULL. */
static int read_auxv(pid_t pid, uint64_t address, uint64_t aux[TRACE_AUX])
{
    uint64_t pair[2];
    for (;; address += sizeof pair) {
        ssize_t n = trace_read(pid, address, pair, sizeof pair);
        if (n < (ssize_t)sizeof pair)
            return n < 0 ? (int)n : -EFAULT;
        if (pair[0] == AT_NULL)
            return 0;
        if (pair[0] < TRACE_AUX)
            aux[pair[0]] = pair[1];
    }
}

int trace_read_stack(pid_t pid, struct trace_stack *out)
{
    struct trace_registers registers;
    struct trace_stack stack = { 0 };
    int rc = trace_registers(pid, &registers);
    if (rc < 0)
        return rc;
    stack.sp = registers.sp;
    stack.argv_address = stack.sp + sizeof stack.argc;
    ssize_t n = trace_read(pid, stack.sp, &stack.argc, sizeof stack.argc);
    rc = n < 0 ? (int)n : n < (ssize_t)sizeof stack.argc ? -EFAULT : 0;
    if (rc == 0)
        rc = trace_read_strings(pid, stack.argv_address, &stack.argv);
    if (rc == 0)
        rc = trace_read_strings(pid, stack.argv.behind, &stack.envp);
    if (rc == 0)
        rc = read_auxv(pid, stack.envp.behind, stack.aux);
    if (rc == 0)
        *out = stack;
    else
        trace_stack_free(&stack);
    return rc;
}

void trace_stack_free(struct trace_stack *stack)
{
    trace_strings_free(&stack->argv);
    trace_strings_free(&stack->envp);
    memset(stack, 0, sizeof *stack);
}
