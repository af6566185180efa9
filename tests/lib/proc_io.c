/* proc_io.c - how lib/proc reads from descriptors that give a byte at a time, interrupt, refuse, or hold too little.
 *
 * This program has an open, a pread, an openat and a getdents64 of its own, which the library gets instead of glibc's. */
#include "testing.h"

#include <dirent.h>
#include <sys/syscall.h>

#include "proc/proc.h"
#include "proc/scan.h"

static size_t at_most; /* bytes a pread gives */
static int fail_every; /* every n-th call fails */
static int fail_with;
static int calls;

static bool fails(void)
{
    errno = fail_with;
    return fail_every && ++calls % fail_every == 0;
}

int open(const char *path, int flags, ...)
{
    return fails() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
    return fails() ? -1 : syscall(SYS_pread64, fd, buf, at_most && size > at_most ? at_most : size, offset);
}

int openat(int dir, const char *path, int flags, ...)
{
    return fails() ? -1 : (int)syscall(SYS_openat, dir, path, flags, 0);
}

ssize_t getdents64(int dir, void *entries, size_t size)
{
    return fails() ? -1 : syscall(SYS_getdents64, dir, entries, size);
}

static int file_of(const char *text, size_t len)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    return fd;
}

static const char hostile[] =
    "7 () S 1\n) S 1 2 3 0 -1 4194304 30 0 31 0 1 2 0 0 20 0 1 0 99 1000 7 18446744073709551615 1 1 0 0 0 0 0 0 0 0 "
    "0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

START_TEST(short_reads)
{
    static const size_t sizes[] = { 1, 2, 7, 8, 9, 10, 64, 0 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        at_most = sizes[i];
        struct proc_stat stat;
        struct proc_brief brief;
        struct proc_status status;
        struct proc_schedstat schedstat;
        struct proc_memory memory;
        struct proc_fdinfo fdinfo;
        struct proc_meminfo meminfo;
        struct proc_page page[3], again[3];
        cleanup_maps struct proc_maps maps = { 0 }, smaps = { 0 };
        int fd = file_of(hostile, sizeof hostile - 1);
        ck_assert_int_eq(proc_stat_pread(fd, &stat), 0);
        ck_assert_str_eq(stat.comm, ") S 1\n");
        ck_assert_int_eq(stat.exit_code, 0);
        ck_assert_int_eq(proc_brief_pread(fd, &brief), 0);
        ck_assert_str_eq(brief.comm, ") S 1\n");
        ck_assert(brief.pid == 7 && brief.state == 'S' && brief.ppid == 1 && brief.pgrp == 2);
        close(fd);
        ck_assert_int_eq(proc_stat_read(getpid(), &stat), 0);
        ck_assert_int_eq(proc_status_read(getpid(), &status), 0);
        ck_assert_int_ge(status.nonvoluntary_ctxt_switches, 0); /* the last line */
        ck_assert_int_eq(proc_schedstat_read(getpid(), &schedstat), 0);
        ck_assert_int_eq(proc_fdinfo_read(getpid(), 0, &fdinfo), 0);
        ck_assert_int_eq(proc_meminfo_read(&meminfo), 0);
        ck_assert_int_eq(proc_maps_read(getpid(), &maps), 0);
        ck_assert_ptr_nonnull(proc_maps_find(&maps, &maps));
        if (at_most == 0 || at_most >= 64) { /* a smaps by single bytes takes seconds */
            ck_assert_int_eq(proc_smaps_read(getpid(), &smaps), 0);
            ck_assert_int_eq(proc_smaps_rollup_read(getpid(), &memory), 0);
        }
        if (at_most == 0 || at_most % 8 == 0) { /* pagemap itself refuses less than an entry */
            const char *hole_after_this = (char *)proc_maps_find(&maps, page)->end - sysconf(_SC_PAGESIZE);
            ck_assert_int_eq(proc_pagemap_read(getpid(), hole_after_this, 3, page), 3);
            at_most = 0;
            ck_assert_int_eq(proc_pagemap_read(getpid(), hole_after_this, 3, again), 3);
            for (int k = 0; k < 3; k++)
                ck_assert(page[k].present == (k == 0) && again[k].present == (k == 0));
        }
    }
}
END_TEST

static int read_everything(void)
{
    struct proc_stat stat;
    struct proc_status status;
    struct proc_page page;
    cleanup_maps struct proc_maps maps = { 0 };
    calls = 0;
    int r = proc_stat_read(getpid(), &stat);
    if (r == 0)
        r = proc_status_read(getpid(), &status);
    if (r == 0)
        r = proc_maps_read(getpid(), &maps);
    if (r == 0)
        r = proc_pagemap_read(getpid(), &page, 1, &page);
    return r < 0 ? r : 0;
}

START_TEST(interrupted)
{
    fail_every = 2;
    fail_with = EINTR;
    ck_assert_int_eq(read_everything(), 0);
    fail_with = EAGAIN;
    ck_assert_int_eq(read_everything(), 0);
}
END_TEST

START_TEST(interrupted_at_the_open)
{
    struct proc_stat stat;
    fail_every = 2;
    fail_with = EINTR;
    calls = 1; /* the next call, the open, fails */
    ck_assert_int_eq(proc_stat_read(getpid(), &stat), 0);
}
END_TEST

START_TEST(closed_while_read)
{
    struct proc_fdinfo info;
    fail_every = 2;
    fail_with = ENOENT; /* so the kernel, where the descriptor was closed between the open and the read */
    calls = 0;
    ck_assert_int_eq(proc_fdinfo_read(getpid(), 0, &info), -EBADF);
}
END_TEST

START_TEST(refused_for_ever)
{
    fail_every = 1;
    fail_with = EAGAIN;
    ck_assert_int_eq(read_everything(), -EAGAIN);
}
END_TEST

START_TEST(errors_in_one_language)
{
    static const struct {
        int from, to;
    } errors[] = {
        { ESRCH, -ESRCH },   { ENOENT, -ESRCH }, { EPERM, -EACCES },
        { EACCES, -EACCES }, { EIO, -EIO },      { ENOMEM, -ENOMEM },
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fail_every = 1;
        fail_with = errors[i].from;
        struct proc_stat stat = { .pid = 4711 };
        struct proc_status status = { .pid = 4711 };
        struct proc_schedstat schedstat;
        struct proc_syscall call;
        int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY, 0);
        ck_assert_int_eq(proc_stat_pread(fd, &stat), errors[i].to);
        ck_assert_int_eq(proc_status_pread(fd, &status), errors[i].to);
        ck_assert_int_eq(proc_schedstat_pread(fd, &schedstat), errors[i].to);
        ck_assert_int_eq(proc_syscall_pread(fd, &call), errors[i].to);
        ck_assert(stat.pid == 4711 && status.pid == 4711);
        close(fd);
    }
}
END_TEST

START_TEST(less_than_a_file)
{
    struct proc_stat stat;
    struct proc_status status;
    int fd = file_of(hostile, 0);
    ck_assert_int_eq(proc_stat_pread(fd, &stat), -ESRCH);
    ck_assert_int_eq(proc_status_pread(fd, &status), -EBADMSG);
    close(fd);
    fd = file_of(hostile, sizeof hostile - 3);
    ck_assert_int_eq(proc_stat_pread(fd, &stat), -EBADMSG);
    close(fd);
    char *huge = calloc(1, 1 << 20);
    memset(huge, 'x', 1 << 20);
    fd = file_of(huge, 1 << 20);
    ck_assert_int_eq(proc_stat_pread(fd, &stat), -EBADMSG);
    ck_assert_int_eq(proc_status_pread(fd, &status), -EBADMSG);
    close(fd);
    free(huge);
    ck_assert_int_eq(proc_stat_pread(-1, &stat), -EBADF);
}
END_TEST

/* The kernel writes it so when the process is reaped under its hands. */
START_TEST(reaped_while_written)
{
    static const char stat_text[] =
        "7 (x) X 0 -1 -1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 0 0 99 "
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
    static const char status_text[] = "Name:\tx\nState:\tX (dead)\nTgid:\t0\nPid:\t7\nPPid:\t0\nThreads:\t0\n";
    struct proc_stat stat;
    struct proc_status status;
    ck_assert_int_eq(proc_stat_parse(stat_text, sizeof stat_text - 1, &stat), 0);
    ck_assert_int_eq(stat.threads, 0);
    int fd = file_of(stat_text, sizeof stat_text - 1);
    struct proc_brief brief;
    ck_assert_int_eq(proc_stat_pread(fd, &stat), -ESRCH);
    ck_assert_int_eq(proc_brief_pread(fd, &brief), -ESRCH);
    close(fd);
    fd = file_of(status_text, sizeof status_text - 1);
    ck_assert_int_eq(proc_status_pread(fd, &status), -ESRCH);
    close(fd);
}
END_TEST

/* 1: a whole round finds us; 0: it does not; or the error. */
static int scan_finds_us(size_t keep, int rounds)
{
    cleanup_scan struct proc_scan scan = { -1 };
    struct proc_brief some[PROC_SCAN_BATCH];
    int found = 0, r = proc_scan_open(&scan, keep);
    for (; r == 0 && rounds > 0; rounds--, r = r < 0 ? r : proc_scan_rewind(&scan))
        while ((r = proc_scan_next(&scan, some)) > 0)
            for (int i = 0; i < r; i++)
                found += rounds == 1 && some[i].pid == getpid();
    return r < 0 ? r : found;
}

START_TEST(scan_interrupted)
{
    fail_every = 2;
    fail_with = EINTR;
    ck_assert_int_eq(scan_finds_us(0, 1), 1);
    ck_assert_int_eq(scan_finds_us(1000, 3), 1);
    at_most = 7;
    ck_assert_int_eq(scan_finds_us(0, 1), 1);
}
END_TEST

START_TEST(scan_refused)
{
    for (int at = 1; at < 20; at++) { /* only the call of this number fails */
        static const int errors[] = { EMFILE, ENFILE, ENOMEM, EIO };
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
            fail_with = errors[i];
            fail_every = 1000000;
            calls = fail_every - at;
            ck_assert_int_eq(scan_finds_us(0, 2), -errors[i]);
            calls = fail_every - at;
            bool about_pid_max = at == 2 || at == 3; /* without it, the largest there can be serves */
            ck_assert_int_eq(scan_finds_us(1000, 2), about_pid_max ? 1 : -errors[i]);
        }
    }
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(short_reads),
        TEST(interrupted),
        TEST(interrupted_at_the_open),
        TEST(closed_while_read),
        TEST(refused_for_ever),
        TEST(errors_in_one_language),
        TEST(less_than_a_file),
        TEST(reaped_while_written),
        TEST(scan_interrupted),
        TEST(scan_refused),
        { 0 },
    };
    return run_tests("proc.io", tests);
}
