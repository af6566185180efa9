/* pagemap.c - /proc/PID/pagemap: 64 bits for every page of the address space, mapped or not. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/proc.h"

static struct proc_page decode(uint64_t entry)
{
    bool present = entry >> 63 & 1;
    return (struct proc_page){
        .present = present,
        .swapped = entry >> 62 & 1,
        .file_or_shared = entry >> 61 & 1,
        .exclusive = entry >> 56 & 1,
        .soft_dirty = entry >> 55 & 1,
        /* Of a page swapped out these bits say where it is. */
        .frame = present ? entry & ((UINT64_C(1) << 55) - 1) : 0,
    };
}

/* Nothing to read: no address space, or one that does not reach up to there. */
static int nothing_read(pid_t pid, int fd)
{
    uint64_t first;
    if (proc_pread(fd, &first, sizeof first, 0) == sizeof first)
        return -EFAULT;
    return proc_no_memory(pid);
}

static int read_entries(pid_t pid, size_t page, size_t n, uint64_t *entries)
{
    cleanup_fd int fd = proc_open(pid, "pagemap");
    if (fd < 0)
        return fd;
    for (size_t have = 0, size = n * sizeof *entries; have < size;) {
        ssize_t got = proc_pread(fd, (char *)entries + have, size - have, page * sizeof *entries + have);
        if (got == 0 || got == -ESRCH)
            return nothing_read(pid, fd);
        if (got < 0)
            return (int)got;
        have += (size_t)got;
    }
    return (int)n;
}

int proc_pagemap_read(pid_t pid, const void *address, size_t n, struct proc_page *out)
{
    if (n > INT_MAX)
        return -EINVAL;
    uint64_t *entries = calloc(n ? n : 1, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    size_t page = (uintptr_t)address / (size_t)sysconf(_SC_PAGESIZE);
    int r = -EAGAIN;
    for (int tries = 0; r == -EAGAIN && tries < PROC_TRIES; tries++)
        r = read_entries(pid, page, n, entries);
    for (int i = 0; i < r; i++)
        out[i] = decode(entries[i]);
    free(entries);
    return r;
}
