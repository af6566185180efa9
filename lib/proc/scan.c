/* scan.c - every process: the directory /proc in batches, and of each entry that is a number its stat. */
#include "proc/scan.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/text.h"

/* What is left of the descriptors for the rest of the program, and for the reading itself. */
enum { LEFT_FREE = 64 };

struct proc_kept {
    pid_t pid;
    int fd;         /* -1: it was closed */
    unsigned round; /* the last one that met the process */
};

/* ---- opening ---- */

static int64_t pid_max(void)
{
    char text[32];
    int64_t pids = 0;
    cleanup_fd int fd = proc_open_path("/proc/sys/kernel/pid_max");
    ssize_t n = fd < 0 ? 0 : proc_pread(fd, text, sizeof text, 0);
    struct text rest = { text, text + (n < 0 ? 0 : n) };
    /* Not shown with subset=pid; no kernel has more than 2^22. */
    return proc_take_count(&rest, &pids) ? pids : 1 << 22;
}

static int make_room(struct proc_scan *scan, size_t keep)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    scan->highest_fd = (int)(limit.rlim_cur < INT_MAX ? limit.rlim_cur : INT_MAX) - LEFT_FREE - 1;
    scan->n_pids = (size_t)pid_max() + 1;
    scan->slots = calloc(keep, sizeof *scan->slots);
    scan->slot_of = mmap(NULL, scan->n_pids * sizeof *scan->slot_of, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (scan->slot_of == MAP_FAILED)
        scan->slot_of = NULL;
    scan->keep = keep;
    return scan->slots && scan->slot_of ? 0 : -ENOMEM;
}

int proc_scan_open(struct proc_scan *scan, size_t keep)
{
    struct statfs fs;
    *scan = (struct proc_scan){ .dir = proc_open_path("/proc") };
    if (scan->dir < 0)
        return scan->dir == -ENOENT ? -ENOTSUP : scan->dir;
    int r = fstatfs(scan->dir, &fs) < 0 ? -errno : 0;
    if (r == 0 && fs.f_type != PROC_SUPER_MAGIC)
        r = -ENOTSUP;
    if (r == 0 && keep > 0)
        r = make_room(scan, keep < UINT32_MAX ? keep : UINT32_MAX - 1);
    if (r < 0)
        proc_scan_close(scan);
    return r;
}

void proc_scan_close(struct proc_scan *scan)
{
    for (size_t i = 0; i < scan->kept; i++)
        proc_close(&scan->slots[i].fd);
    free(scan->slots);
    if (scan->slot_of)
        munmap(scan->slot_of, scan->n_pids * sizeof *scan->slot_of);
    proc_close(&scan->dir);
    *scan = (struct proc_scan){ .dir = -1 };
}

/* ---- reading. Of a round, no two threads meet the same PID, and so none shares a slot ---- */

static struct proc_kept *kept_of(const struct proc_scan *scan, pid_t pid)
{
    uint32_t number = (size_t)pid < scan->n_pids ? scan->slot_of[pid] : 0;
    return number ? &scan->slots[number - 1] : NULL;
}

/* A slot for the process, or NULL: all are taken, or its descriptor is one that is to be left free. */
static struct proc_kept *new_slot(struct proc_scan *scan, pid_t pid, int fd)
{
    if ((size_t)pid >= scan->n_pids || fd > scan->highest_fd)
        return NULL;
    size_t n = scan->kept;
    do
        if (n == scan->keep)
            return NULL;
    while (!atomic_compare_exchange_weak(&scan->kept, &n, n + 1));
    scan->slot_of[pid] = (uint32_t)n + 1;
    return &scan->slots[n];
}

static int read_kept(struct proc_scan *scan, struct proc_kept *kept, struct proc_brief *out)
{
    kept->round = scan->round;
    int r = kept->fd < 0 ? -ESRCH : proc_brief_pread(kept->fd, out);
    if (r == -ESRCH) { /* the process is gone; the PID may be another one's by now */
        proc_close(&kept->fd);
        kept->fd = -1;
    }
    return r;
}

static int read_anew(struct proc_scan *scan, struct proc_kept *kept, pid_t pid, const char *name,
                     struct proc_brief *out)
{
    int fd = proc_open_at(scan->dir, name);
    if (fd < 0)
        return fd == -ENOENT ? -ESRCH : fd;
    int r = proc_brief_pread(fd, out);
    if (r == 0 && !kept)
        kept = new_slot(scan, pid, fd);
    if (r == 0 && kept)
        *kept = (struct proc_kept){ pid, fd, scan->round };
    else
        close(fd);
    return r;
}

/* 1: *out is the process of this entry of /proc. 0: it is none, or gone. */
static int read_entry(struct proc_scan *scan, const char *entry, struct proc_brief *out)
{
    size_t len = strlen(entry);
    struct text digits = { entry, entry + len };
    uint64_t pid;
    char name[32]; /* by hand: printf takes longer than the kernel needs to close the file */
    if (len > 10 || !proc_take_digits(&digits, 10, &pid) || digits.at != digits.end || pid > INT_MAX)
        return 0;
    memcpy(mempcpy(name, entry, len), "/stat", sizeof "/stat");
    struct proc_kept *kept = kept_of(scan, (pid_t)pid);
    int r = kept ? read_kept(scan, kept, out) : -ESRCH;
    if (r == -ESRCH)
        r = read_anew(scan, kept, (pid_t)pid, name, out);
    if (r == -EPERM || r == -EACCES) {
        *out = (struct proc_brief){ (pid_t)pid, PROC_NONE, PROC_NONE, PROC_HIDDEN, "" };
        r = 0;
    }
    return r == -ESRCH ? 0 : r < 0 ? r : 1;
}

int proc_scan_next(struct proc_scan *scan, struct proc_brief out[PROC_SCAN_BATCH])
{
    /* An entry that is a number takes 24 bytes or more, so these never hold too many. The position in the directory is the
     * descriptor's, and the kernel moves it for one thread at a time. */
    enum { SHORTEST = 24 };
    alignas(struct dirent64) char entries[PROC_SCAN_BATCH * SHORTEST];
    static_assert(offsetof(struct dirent64, d_name) + sizeof "1" > SHORTEST - 8, "an entry is shorter");
    int n = 0;
    ssize_t len = 1;
    while (n == 0 && (len = proc_read_entries(scan->dir, entries, sizeof entries)) > 0) {
        const struct dirent64 *entry;
        for (char *at = entries; at < entries + len; at += entry->d_reclen) {
            entry = (const struct dirent64 *)at;
            int r = read_entry(scan, entry->d_name, &out[n]);
            if (r < 0)
                return r;
            n += r;
        }
    }
    return len < 0 ? (int)len : n;
}

/* ---- the next round ---- */

/* The last slot takes the place of one that is given up. */
static void give_up(struct proc_scan *scan, struct proc_kept *kept)
{
    struct proc_kept *last = &scan->slots[--scan->kept];
    proc_close(&kept->fd);
    scan->slot_of[kept->pid] = 0;
    if (kept == last)
        return;
    *kept = *last;
    scan->slot_of[kept->pid] = (uint32_t)(kept - scan->slots) + 1;
}

int proc_scan_rewind(struct proc_scan *scan)
{
    for (size_t i = 0; i < scan->kept;)
        if (scan->slots[i].fd < 0 || scan->slots[i].round != scan->round)
            give_up(scan, &scan->slots[i]);
        else
            i++;
    scan->round++;
    return lseek(scan->dir, 0, SEEK_SET) < 0 ? -errno : 0;
}
