/* proc.h - what /proc says of a process, as values.
 *
 * For a FILE of proc(5):
 *   proc_FILE_parse(text, len, &out)   takes a text that is in memory already
 *   proc_FILE_read(pid, &out)          opens, reads and closes /proc/PID/FILE
 *   proc_FILE_pread(fd, &out)          reads once more what proc_open(pid, "FILE") keeps open: 3 times quicker, and
 *                                      the descriptor never comes to mean another process that got the same PID
 * Nothing here prints, exits, or keeps memory but where a _free is named. Each returns 0 or more, or
 *   -ESRCH    the process is gone (however /proc said so: ENOENT, ESRCH, nothing to read, a text with 0 threads)
 *   -ENODATA  it is there and has no address space: a zombie or a kernel thread (asked about memory, exe or cwd)
 *   -EBADF    it is there and has no such descriptor
 *   -EACCES   it is there and this reader may not look (ptrace(2), "access mode checking")
 *   -ENOTSUP  no answer to be had: no /proc here, one that hides this (hidepid, subset=pid), a kernel without the file
 *   -EBADMSG  the text is cut off or is not what proc(5) says
 * or -errno of the call that failed. *out is written on success only. A number the kernel did not write is PROC_NONE.
 * Sizes end in _kib (what /proc calls kB), _bytes or _pages; times in _ns or _ticks (sysconf(_SC_CLK_TCK) a second). */
/* clang-format off */
#ifndef PROCLAB_PROC_H
#define PROCLAB_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROC_NONE = -1, PROC_COMM = 64, PROC_NS_DEPTH = 33 /* one and 32 levels below */, PROC_GROUPS = 64 };

/* /proc/PID/stat; the numbers are the fields of proc(5). Without the right to trace the kernel writes
 * 1 for (26) and 0 for (28) to (30) and (52). */
struct proc_stat {
    pid_t pid;                           /* (1) */
    char comm[PROC_COMM + 1];            /* (2) any byte but NUL, between the first ( and the last ) of the file */
    char state;                          /* (3) R S D T t Z X I */
    pid_t ppid, pgrp, session;           /* (4) 0 where the parent is outside the PID namespace, (5), (6) */
    int64_t flags;                       /* (9) PF_* of include/linux/sched.h; 4: it is exiting */
    int64_t minflt, majflt;              /* (10) faults without I/O, (12) with I/O; of all its threads */
    int64_t utime_ticks, stime_ticks;    /* (14) (15) */
    int64_t threads;                     /* (20) */
    int64_t start_ticks;                 /* (22) after boot: no identity, two processes can share PID and tick */
    int64_t vsize_bytes, rss_pages;      /* (23) (24) */
    uint64_t startcode, startstack;      /* (26) (28) addresses */
    uint64_t esp, eip;                   /* (29) (30) 0 but for an exiting process */
    int64_t processor;                   /* (39) the CPU it last ran on */
    int64_t exit_code;                   /* (52) as wait(2) gives it */
};

/* /proc/PID/status; each member is the line of that name. */
struct proc_status {
    char name[PROC_COMM + 1];            /* Name, its escapes undone */
    char state;
    pid_t tgid, pid, ppid, tracer_pid;
    int64_t uid[4], gid[4];              /* real, effective, saved, file system */
    int64_t groups[PROC_GROUPS];         /* the first of them */
    size_t n_groups;                     /* how many there are, also beyond PROC_GROUPS */
    pid_t nspid[PROC_NS_DEPTH];          /* its PID in each namespace, the reader's first */
    size_t n_nspid;
    int64_t vm_size_kib, vm_lck_kib, vm_rss_kib, rss_anon_kib, vm_pte_kib; /* PROC_NONE: no address space */
    int64_t threads;
    uint64_t sig_pnd, shd_pnd, sig_blk, sig_ign, sig_cgt;                  /* bit n-1 is signal n */
    uint64_t cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb;                  /* bit n is capability n */
    int64_t no_new_privs, seccomp;
    int64_t voluntary_ctxt_switches, nonvoluntary_ctxt_switches;
};

struct proc_schedstat { int64_t run_ns, wait_ns, slices; };      /* on a CPU, runnable without one, times put on one */
struct proc_syscall {                    /* /proc/PID/syscall */
    bool running;                        /* it was on a CPU: the rest is unset */
    int64_t nr;                          /* number of the call it is blocked in, below 0: blocked outside of any */
    uint64_t args[6], sp, pc;
};
/* flags as of open(2); pid of a pidfd is the process that it means, PROC_NONE when that was waited for. */
struct proc_fdinfo { int64_t pos_bytes, flags, mnt_id, ino, pid; };
struct proc_meminfo { int64_t free_kib, available_kib, slab_kib, kernel_stack_kib, page_tables_kib; };

/* What is behind a mapping (/proc/PID/smaps) or all of them (smaps_rollup). Shared: a page mapped more than once. */
struct proc_memory {
    int64_t rss_kib, pss_kib, shared_clean_kib, shared_dirty_kib, private_clean_kib, private_dirty_kib;
    int64_t anonymous_kib, anon_huge_pages_kib, swap_kib, locked_kib;
};
struct proc_map {
    uintptr_t start, end;                /* the last byte is end - 1 */
    char perms[5];                       /* "rw-p" */
    uint64_t offset_bytes, inode;
    unsigned dev_major, dev_minor;
    const char *path;                    /* as written, escapes and " (deleted)" too; "" where there is none */
    struct proc_memory memory;           /* of smaps; from maps all PROC_NONE */
};
struct proc_maps { struct proc_map *map; size_t n; char *text; };  /* in the order of .end; owns both pointers */

struct proc_page {                       /* one entry of /proc/PID/pagemap */
    bool present, swapped, file_or_shared, exclusive, soft_dirty;  /* exclusive: mapped nowhere else (bit 56) */
    uint64_t frame;                      /* physical page frame number; 0 without CAP_SYS_ADMIN */
};

/* Opens /proc/PID/FILE, "stat" or "task/17/stat" as it may be: a descriptor, close-on-exec, that the caller closes. */
int proc_open(pid_t pid, const char *file);
/* 1: the PID is taken, by a zombie too. 0: it is not. */
int proc_exists(pid_t pid);

int proc_stat_parse(const char *text, size_t len, struct proc_stat *out);
int proc_stat_read(pid_t pid, struct proc_stat *out);
int proc_stat_pread(int fd, struct proc_stat *out);
int proc_status_parse(const char *text, size_t len, struct proc_status *out);
int proc_status_read(pid_t pid, struct proc_status *out);
int proc_status_pread(int fd, struct proc_status *out);
int proc_schedstat_parse(const char *text, size_t len, struct proc_schedstat *out);
int proc_schedstat_read(pid_t pid, struct proc_schedstat *out);
int proc_schedstat_pread(int fd, struct proc_schedstat *out);
int proc_syscall_parse(const char *text, size_t len, struct proc_syscall *out);
int proc_syscall_read(pid_t pid, struct proc_syscall *out);
int proc_syscall_pread(int fd, struct proc_syscall *out);
int proc_fdinfo_parse(const char *text, size_t len, struct proc_fdinfo *out);
int proc_fdinfo_read(pid_t pid, int fd, struct proc_fdinfo *out);
int proc_meminfo_parse(const char *text, size_t len, struct proc_meminfo *out);
int proc_meminfo_read(struct proc_meminfo *out);                 /* /proc/meminfo, of the machine */

/* maps and smaps: one list, and one parser that takes the text of either. Never the half of a list: one cut short by
 * exec(2) is read again, and -EAGAIN is for a process that calls exec more often than it can be read. Not a snapshot:
 * of mappings that are joined meanwhile, one and the whole may both be in it. */
int proc_maps_parse(const char *text, size_t len, struct proc_maps *out);
int proc_maps_read(pid_t pid, struct proc_maps *out);
int proc_smaps_read(pid_t pid, struct proc_maps *out);
void proc_maps_free(struct proc_maps *maps);
#define cleanup_maps __attribute__((cleanup(proc_maps_free)))     /* start it as { 0 } */
const struct proc_map *proc_maps_find(const struct proc_maps *maps, const void *address);  /* or NULL */
int proc_smaps_rollup_parse(const char *text, size_t len, struct proc_memory *out);
int proc_smaps_rollup_read(pid_t pid, struct proc_memory *out);

/* The n pages from address on, mapped or not. Returns n; -EFAULT: beyond what an address space can hold. */
int proc_pagemap_read(pid_t pid, const void *address, size_t n, struct proc_page *out);

/* Where a link of the process leads, "exe", "cwd", "ns/pid", as readlink(2) gives it, NUL-terminated. Returns its length;
 * -ENAMETOOLONG: size is too small for it. */
int proc_link_read(pid_t pid, const char *link, char *out, size_t size);
/* The link "fd/N": "pipe:[4711]". Returns its length, as above. */
int proc_fd_read(pid_t pid, int fd, char *out, size_t size);
/* Its arguments, each up to a NUL and one NUL more behind the last. Returns the length without that, as above. */
int proc_cmdline_read(pid_t pid, char *out, size_t size);
/* The kernel function it sleeps in, as far as the reader may see it ("0" where not). Returns its length, as above. */
int proc_wchan_read(pid_t pid, char *out, size_t size);

/* Lists: fill at most max entries and return how many there are. Not a snapshot: entries come and go meanwhile.
 * The descriptor that the list itself is read with is not in it. */
int proc_fd_list(pid_t pid, int *out, size_t max);               /* open descriptors, in rising order */
int proc_task_list(pid_t pid, pid_t *out, size_t max);           /* thread IDs */
int proc_children_list(pid_t pid, pid_t *out, size_t max);       /* children of all its threads, zombies too */
int proc_pid_list(pid_t *out, size_t max);                       /* every process /proc shows to us */

#endif
