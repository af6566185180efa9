/* machine.c - memory and registers of a process that is stopped. */
#include "machine.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

ssize_t trace_read(pid_t pid, uint64_t address, void *out, size_t size)
{
    struct iovec here = { out, size }, there = { (void *)(uintptr_t)address, size };
    ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);
    return n < 0 ? -(errno == EPERM ? EIO : errno) : n; /* a traced program whose user may not read it */
}

ssize_t trace_read_string(pid_t pid, uint64_t address, char *out, size_t size)
{
    enum { CHUNK = 256 }; /* a read that begins in what is mapped ends where that ends */
    for (size_t used = 0; used < size;) {
        size_t room = size - used < CHUNK ? size - used : CHUNK;
        ssize_t n = trace_read(pid, address + used, out + used, room);
        if (n < 0)
            return n;
        const char *end = memchr(out + used, '\0', (size_t)n);
        if (end != NULL)
            return end - out;
        if (n == 0)
            return -EFAULT;
        used += (size_t)n;
    }
    return -ENAMETOOLONG;
}

#if defined __x86_64__ || defined __aarch64__

/* A program of another kind (32 bits) has another set of registers. */
static int get(pid_t pid, struct user_regs_struct *regs)
{
    struct iovec where = { regs, sizeof *regs };
    if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &where) < 0)
        return -errno;
    return where.iov_len == sizeof *regs ? 0 : -ENOTSUP;
}

int trace_registers(pid_t pid, struct trace_registers *out)
{
    struct user_regs_struct regs;
    int rc = get(pid, &regs);
    if (rc < 0)
        return rc;
#if defined __x86_64__
    *out = (struct trace_registers){ regs.rip, regs.rsp, { regs.rdi, regs.rsi, regs.rdx, regs.rcx, regs.r8, regs.r9 } };
#else
    *out = (struct trace_registers){ regs.pc, regs.sp };
    memcpy(out->arg, regs.regs, sizeof out->arg);
#endif
    return 0;
}

int machine_set_pc(pid_t pid, uint64_t pc)
{
    struct user_regs_struct regs;
    int rc = get(pid, &regs);
    if (rc < 0)
        return rc;
#if defined __x86_64__
    regs.rip = pc;
#else
    regs.pc = pc;
#endif
    return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &(struct iovec){ &regs, sizeof regs }) < 0 ? -errno : 0;
}

#else

int trace_registers(pid_t pid, struct trace_registers *out)
{
    (void)pid, (void)out;
    return -ENOTSUP;
}

int machine_set_pc(pid_t pid, uint64_t pc)
{
    (void)pid, (void)pc;
    return -ENOTSUP;
}

#endif
