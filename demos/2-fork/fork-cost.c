/* fork-cost.c - what fork() costs: the page tables of a process, and not its data
 *
 *     fork-cost                   processes of up to 2 GiB, in about 10 seconds
 *     fork-cost --quick           in a third of that
 *     fork-cost --break sharing   the child writes to every page: now its data is copied, too
 *
 *     parent                                    child
 *     fills 64 MiB
 *     fork() -------------------------------->  tables for all of them, and not one page of its own
 *     fills 0, 64, 256, 1024, 2048 MiB
 *       fork(), and looks at the clock ------>  _exit()
 *       copies as many bytes
 */
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "cgroup/cgroup.h"
#include "proc/proc.h"
#include "report/cost.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "cow.fork-copies-page-tables", "fork() of a large process copies page tables, not data." },
    { "cow.fork-2gb-fast", "fork() is fast even for a 2 GB process.", DEMO_COST,
      "the entries of the page tables are so dear to copy here that the bytes themselves cost no more" },
    { 0 },
};

enum { MIB = 1 << 20, HUGE_PAGE = 2 * MIB, WINDOW = 16 * MIB, SPARE = 8 * MIB /* for what is not ours to decide */ };

/* --- how much may be taken ----------------------------------------------------------------------------------------- */

/* So many bytes, and what sets the limit. */
struct room {
    double bytes;
    const char *limit;
};

static void narrow(struct room *room, double bytes, const char *limit)
{
    if (bytes < room->bytes)
        *room = (struct room){ fmax(bytes, 0), limit };
}

/* What this process may map more. VmSize stands for VmData, too: it is never less. */
static struct room address_room(void)
{
    struct room room = { INFINITY, "" };
    struct rlimit space, data;
    struct proc_status status;
    demo_need(proc_status_read(getpid(), &status), "read(/proc/%d/status)", getpid());
    if (getrlimit(RLIMIT_AS, &space) < 0 || getrlimit(RLIMIT_DATA, &data) < 0)
        demo_die("getrlimit(RLIMIT_AS, RLIMIT_DATA)");
    double taken = 1024 * (double)status.vm_size_kib + SPARE;
    if (space.rlim_cur != RLIM_INFINITY)
        narrow(&room, (double)space.rlim_cur - taken, "ulimit -v");
    if (data.rlim_cur != RLIM_INFINITY)
        narrow(&room, (double)data.rlim_cur - taken, "ulimit -d");
    return room;
}

/* What may be filled: two thirds of what the machine has left, or our cgroup, so that nobody runs out of memory. */
static struct room memory_room(void)
{
    struct proc_meminfo meminfo;
    struct sysinfo machine;
    uint64_t left;
    int rc = proc_meminfo_read(&meminfo);
    if (rc == -ENOTSUP && sysinfo(&machine) < 0)
        demo_die("sysinfo()");
    if (rc != -ENOTSUP)
        demo_need(rc, "read(/proc/meminfo)");
    struct room room = { rc == 0 ? 1024 * (double)meminfo.available_kib : (double)machine.freeram * machine.mem_unit,
                         "the memory of the machine" };
    rc = cgroup_memory_room(&left);
    if (rc != -ENOTSUP)
        demo_need(rc, "open(), read() of the limits of our memory cgroup");
    if (rc == 0)
        narrow(&room, (double)left, "the memory cgroup");
    room.bytes = fmax(room.bytes * 2 / 3 - SPARE, 0);
    return room;
}

/* --- the memory that is forked ------------------------------------------------------------------------------------- */

static struct region {
    char *map, *start; /* start: where a huge page can begin */
    size_t mapped, filled;
} region;
static char *window;      /* where copies go */
static bool tables_alone; /* were all that was copied */

static char *map(size_t bytes)
{
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* advice: MADV_NOHUGEPAGE or MADV_HUGEPAGE; a kernel that has no huge pages says EINVAL. False: not that much. */
static bool make_region(size_t bytes, int advice)
{
    region = (struct region){ .map = map(bytes + HUGE_PAGE), .mapped = bytes + HUGE_PAGE };
    if (region.map == NULL && errno == ENOMEM)
        return false;
    if (region.map == NULL)
        demo_die("mmap(%zu MiB)", bytes / MIB);
    region.start = (char *)(((uintptr_t)region.map + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    if (bytes > 0 && madvise(region.start, bytes, advice) < 0 && errno != EINVAL)
        demo_die("madvise(%s)", advice == MADV_HUGEPAGE ? "MADV_HUGEPAGE" : "MADV_NOHUGEPAGE");
    return true;
}

static void end_region(void)
{
    if (munmap(region.map, region.mapped) < 0)
        demo_die("munmap(%zu MiB)", region.mapped / MIB);
    region = (struct region){ 0 };
}

/* By one call for many pages, which is several times quicker than a fault for each; before Linux 5.14 by touching them. */
static void fill(char *at, size_t bytes)
{
    static bool one_by_one;
    if (!one_by_one && madvise(at, bytes, MADV_POPULATE_WRITE) < 0) {
        if (errno != EINVAL)
            demo_die("madvise(%zu MiB, MADV_POPULATE_WRITE)", bytes / MIB);
        one_by_one = true;
    }
    for (size_t i = 0; one_by_one && i < bytes; i += 4096)
        ((volatile char *)at)[i] = 1;
}

/* Fills the region up to so many bytes, in pieces. False: that would take longer than until then. */
static bool fill_up_to(size_t bytes, double until)
{
    enum { PIECE = 64 * MIB };
    while (region.filled < bytes) {
        size_t piece = bytes - region.filled < PIECE ? bytes - region.filled : PIECE;
        if (region.filled >= PIECE && measure_now_ns() > until)
            return false;
        fill(region.start + region.filled, piece);
        region.filled += piece;
    }
    return true;
}

/* What the region is in a process. */
static struct proc_memory region_of(pid_t pid)
{
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_smaps_read(pid, &maps), "read(/proc/%d/smaps)", pid);
    const struct proc_map *found = proc_maps_find(&maps, region.start);
    return found == NULL ? (struct proc_memory){ 0 } : found->memory;
}

static int64_t page_tables_kib(pid_t pid)
{
    struct proc_status status;
    demo_need(proc_status_read(pid, &status), "read(/proc/%d/status)", pid);
    return status.vm_pte_kib;
}

/* --- the fact: what a child has ------------------------------------------------------------------------------------ */

static const char *kib(int64_t value)
{
    static char texts[8][32];
    static unsigned used;
    char *text = texts[used++ % 8];
    snprintf(text, sizeof texts[0], "%lld kB", (long long)value);
    return demo_mask(text, "SIZE");
}

/* What a child of our fork has. */
struct seen {
    int64_t tables_kib, private_kib; /* VmPTE, all its page tables; Private_* of the region in smaps */
    size_t there, own;               /* of the pages of the region: those it has, those that nobody else has */
};

static void observe_tables(pid_t pid)
{
    struct proc_status status;
    demo_need(proc_status_read(pid, &status), "read(/proc/%d/status)", pid);
    demo_observe(pid, "/proc/PID/status", demo_fact("VmRSS", kib(status.vm_rss_kib)),
                 demo_fact("VmPTE", kib(status.vm_pte_kib)));
}

static void observe_pages(pid_t pid, struct seen *seen)
{
    size_t n = region.filled / (size_t)sysconf(_SC_PAGESIZE);
    struct proc_page *pages = calloc(n, sizeof *pages);
    if (pages == NULL)
        demo_die("calloc(%zu pages)", n);
    demo_need(proc_pagemap_read(pid, region.start, n, pages), "read(/proc/%d/pagemap)", pid);
    for (size_t i = 0; i < n; i++) {
        seen->there += pages[i].present || pages[i].swapped;
        seen->own += pages[i].present && pages[i].exclusive;
    }
    free(pages);
    demo_observe(pid, "/proc/PID/pagemap", demo_fact("pages", seen->there), demo_fact("exclusive", seen->own));
}

static void look(pid_t child, struct seen *seen)
{
    demo_role(child, "child");
    observe_tables(getpid());
    observe_tables(child);
    struct proc_memory memory = region_of(child);
    seen->private_kib = memory.private_clean_kib + memory.private_dirty_kib;
    demo_observe(child, "/proc/PID/smaps", demo_fact("Shared_Dirty", kib(memory.shared_dirty_kib)),
                 demo_fact("Private_Dirty", kib(memory.private_dirty_kib)));
    observe_pages(child, seen);
}

/* Forks, and looks at the child while it is stopped: it does nothing meanwhile. whole: the child gets the region, too. */
static struct seen fork_and_look(bool whole)
{
    struct seen seen = { 0 };
    if (madvise(region.start, region.filled, whole ? MADV_DOFORK : MADV_DONTFORK) < 0)
        demo_die("madvise(%s)", whole ? "MADV_DOFORK" : "MADV_DONTFORK");
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        for (size_t i = 0; whole && demo_without("sharing") && i < region.filled; i += 4096)
            ((volatile char *)region.start)[i] = 2;
        if (raise(SIGSTOP) != 0)
            demo_die("kill(%d, SIGSTOP)", getpid());
        _exit(0);
    }
    demo_need(sync_stopped(child, NULL), "waitid(P_PID, %d, WSTOPPED)", child);
    seen.tables_kib = page_tables_kib(child);
    if (whole) {
        look(child, &seen);
        demo_look("grep -E 'VmRSS|VmPTE' /proc/%s/status /proc/%s/status", demo_pid(getpid()), demo_pid(child));
    }
    if (kill(child, SIGCONT) < 0)
        demo_die("kill(%d, SIGCONT)", child);
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
    return seen;
}

/* The same fork twice: once it may leave the region out. What the second child has more, it has for the region. */
static void what_is_copied(void)
{
    struct seen without = fork_and_look(false), with = fork_and_look(true);
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = region.filled / page;
    size_t covered = page * (page / sizeof(uint64_t));           /* by one page table */
    bool beside_others = (uintptr_t)region.start % covered != 0; /* big pages: a table is not the region's alone */
    int64_t tables = (int64_t)(region.filled / covered) - beside_others, more = with.tables_kib - without.tables_kib;
    enum { UPPER = 4 }; /* tables of tables */
    bool copied = more * 1024 >= tables * (int64_t)page && more * 1024 <= (tables + UPPER) * (int64_t)page;
    tables_alone = copied && with.there == n && with.own == 0 && with.private_kib == 0;
    demo_check("cow.fork-copies-page-tables", tables_alone,
               "VmPTE: %s for %zu MiB; %zu of %zu pages are the child's own", kib(more), region.filled / MIB, with.own,
               n);
}

/* --- the cost ------------------------------------------------------------------------------------------------------ */

static void reap(pid_t child)
{
    if (child < 0)
        demo_die("fork() or vfork()");
    if (TEMP_FAILURE_RETRY(waitpid(child, NULL, 0)) < 0)
        demo_die("waitpid(%d)", child);
}

static double time_fork(const void *arg)
{
    (void)arg;
    double begin = measure_now_ns();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    double took = measure_now_ns() - begin;
    if (child < 0)
        demo_die("fork()");
    reap(child);
    return took;
}

static double time_fork_exit_wait(const void *arg)
{
    (void)arg;
    double begin = measure_now_ns();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0)
        demo_die("fork()");
    reap(child);
    return measure_now_ns() - begin;
}

/* vfork() returns when the child, which runs in our memory meanwhile, has exited. */
static double time_vfork(const void *arg)
{
    (void)arg;
    double begin = measure_now_ns();
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    double took = measure_now_ns() - begin;
    reap(child); /* or says that vfork() failed: nothing may be made here that both would share */
    return took;
}

/* posix_spawn() returns when the child has become the program. */
static int spawn_true(pid_t *child)
{
    char *argv[] = { (char *)"true", NULL };
    return posix_spawn(child, "/bin/true", NULL, NULL, argv, environ);
}

static double time_spawn(const void *arg)
{
    (void)arg;
    pid_t child;
    double begin = measure_now_ns();
    errno = spawn_true(&child);
    double took = measure_now_ns() - begin;
    if (errno != 0)
        demo_die("posix_spawn(/bin/true), mmap() and clone() in it");
    reap(child);
    return took;
}

/* The least that copying can cost: to memory that is there already, and is small enough to be in a cache. */
static double time_copy(const void *arg)
{
    (void)arg;
    double begin = measure_now_ns();
    for (size_t at = 0; at < region.filled; at += WINDOW)
        memcpy(window, region.start + at, region.filled - at < WINDOW ? region.filled - at : WINDOW);
    return measure_now_ns() - begin;
}

enum way { FORK, FORK_EXIT_WAIT, COPY, VFORK, SPAWN, N_WAYS, FORK_HUGE = N_WAYS, N_ALL };
static const struct {
    const char *name;
    double (*once)(const void *arg);
} ways[N_ALL] = {
    { "fork", time_fork },         { "fork-exit-wait", time_fork_exit_wait },
    { "copy", time_copy },         { "vfork", time_vfork },
    { "posix_spawn", time_spawn }, { "fork-huge", time_fork },
};

/* What was measured at one size. share: of the time there is. */
static struct point {
    size_t mib, tries;
    double share;
    int64_t tables_kib; /* VmPTE of the process */
    char name[N_ALL][32];
    struct measure_contender who[N_ALL];
} points[] = { { 0, 5, 0.03 }, { 64, 5, 0.05 }, { 256, 3, 0.06 }, { 1024, 1, 0.08 }, { 2048, 1, 0.17 } };
enum { N_POINTS = sizeof points / sizeof *points, LARGE_MIB = 1024 /* at least, to say something of 2 GB */ };
static size_t n_points, n_huge, n_ways = N_WAYS; /* those that could be measured */

/* What does not grow with the memory is tried several times at all sizes: right after a copy the caches have nothing of
 * it. Where there is no time, everything is tried once. */
static void name_contenders(void)
{
    for (size_t i = 0; i < N_POINTS; i++)
        for (size_t way = 0; way < N_ALL; way++) {
            struct point *point = &points[i];
            size_t tries = way <= COPY ? point->tries : MEASURE_TRIES;
            snprintf(point->name[way], sizeof point->name[way], "%s.%zu", ways[way].name, point->mib);
            point->who[way] =
                (struct measure_contender){ point->name[way], ways[way].once, .tries = cost_no_time() ? 1 : tries };
        }
}

static const char *too_little(struct room room)
{
    static char why[128];
    snprintf(why, sizeof why, "%s allows %.0f MiB more", room.limit, floor(room.bytes / MIB));
    return why;
}

/* Where the kernel promises no more memory than there is (vm.overcommit_memory), a big process cannot fork. 0 or an errno. */
static int try_fork(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0)
        return errno;
    reap(child);
    return 0;
}

/* Makes the region that big. NULL, or why that is not done. */
static const char *grow(size_t mib, double until)
{
    static char why[128];
    struct room room = memory_room();
    if ((double)(mib * MIB - region.filled) > room.bytes)
        return too_little(room);
    if (!fill_up_to(mib * MIB, until))
        return "there is no time to fill it (--seconds)";
    int error = try_fork();
    snprintf(why, sizeof why, "fork() = %s (vm.overcommit_memory)", strerrorname_np(error));
    return error == 0 ? NULL : why;
}

static void measure_point(struct point *point)
{
    point->tables_kib = page_tables_kib(getpid());
    cost_rounds(point->who, n_ways, point->share);
    cost_show(point->who, n_ways, "ns");
}

/* From the smallest size to the largest that memory and time allow. */
static void measure_points(double begin)
{
    struct room room = address_room();
    const char *why = too_little(room);
    size_t most = N_POINTS;
    while (most > 0 && (double)points[most - 1].mib * MIB + HUGE_PAGE > room.bytes)
        most--;
    while (most > 0 && !make_region(points[most - 1].mib * MIB, MADV_NOHUGEPAGE)) {
        why = "mmap() = ENOMEM";
        most--;
    }
    const char *why_not = NULL;
    while (n_points < most && (why_not = grow(points[n_points].mib, begin + cost_budget_ns(0.75))) == NULL)
        measure_point(&points[n_points++]);
    if (n_points < N_POINTS)
        demo_act(0, "%zu MiB and more are left out: %s", points[n_points].mib, why_not == NULL ? why : why_not);
    if (most > 0)
        end_region();
}

/* NULL where the region consists of huge pages, or why it does not. */
static const char *not_huge(void)
{
    static char why[128];
    int64_t huge_kib = region_of(getpid()).anon_huge_pages_kib;
    snprintf(why, sizeof why, "AnonHugePages is %lld kB (transparent_hugepage/enabled; or memory is in pieces)",
             (long long)huge_kib);
    return huge_kib * 1024 == (int64_t)region.filled ? NULL : why;
}

/* The same once more in huge pages, alone: the tables of small ones would be copied with them. */
static void measure_huge(double begin)
{
    const char *why = "mmap() = ENOMEM";
    bool made = make_region(points[n_points - 1].mib * MIB, MADV_HUGEPAGE);
    while (made && n_huge < n_points) {
        why = grow(points[n_huge].mib, begin + cost_budget_ns(1.15));
        if (why != NULL || (why = not_huge()) != NULL)
            break;
        struct measure_contender *who = &points[n_huge++].who[FORK_HUGE];
        cost_rounds(who, 1, 0.02);
        cost_show(who, 1, "ns");
    }
    if (n_huge < n_points)
        demo_act(0, "fork-huge.%zu and more are left out: %s", points[n_huge].mib, why);
    if (made)
        end_region();
}

/* Least squares through the k-th samples of all sizes, for each k: the slopes of these lines, in ns for one of what x counts. */
static struct measure_spread slopes(enum way way, const double x[], size_t n)
{
    double slope[MEASURE_ROUNDS];
    size_t rounds = MEASURE_ROUNDS;
    for (size_t i = 0; i < n; i++)
        rounds = points[i].who[way].n < rounds ? points[i].who[way].n : rounds;
    for (size_t k = 0; k < rounds; k++) {
        double sx = 0, sy = 0, sxx = 0, sxy = 0;
        for (size_t i = 0; i < n; i++) {
            double y = points[i].who[way].sample[k];
            sx += x[i], sy += y, sxx += x[i] * x[i], sxy += x[i] * y;
        }
        slope[k] = ((double)n * sxy - sx * sy) / ((double)n * sxx - sx * sx);
    }
    return measure_spread_of(slope, rounds);
}

static struct measure_spread draw_lines(void)
{
    double gib[N_POINTS], tables[N_POINTS], page_kib = (double)sysconf(_SC_PAGESIZE) / 1024;
    for (size_t i = 0; i < n_points; i++) {
        gib[i] = (double)points[i].mib / 1024;
        tables[i] = (double)points[i].tables_kib / page_kib;
    }
    struct measure_spread per_gib = slopes(FORK, gib, n_points);
    demo_measure("fork.per-GiB", "ns", per_gib);
    if (tables[n_points - 1] > tables[0]) /* where pages are big, one table may do for all */
        demo_measure("fork.per-page-table", "ns", slopes(FORK, tables, n_points));
    if (n_huge > 1)
        demo_measure("fork-huge.per-GiB", "ns", slopes(FORK_HUGE, gib, n_huge));
    return per_gib;
}

static struct measure_spread copy_to_fork(const struct point *point)
{
    return measure_ratio(&point->who[COPY], &point->who[FORK]);
}

/* A small process tells nothing of one of 2 GB: there the call itself counts, and what is copied may be in a cache. */
static enum measure_order order_of(const struct point *point)
{
    return point->mib < LARGE_MIB ? MEASURE_UNDECIDED : measure_order_of(copy_to_fork(point));
}

static void show_table(void)
{
    static const char *const columns[] = { "MiB",       "VmPTE", "fork",        "huge", "copy",
                                           "copy/fork", "vfork", "posix_spawn", NULL };
    enum { COLUMNS = sizeof columns / sizeof *columns - 1 };
    static const enum way shown[COLUMNS] = { [2] = FORK, [3] = FORK_HUGE, [4] = COPY, [6] = VFORK, [7] = SPAWN };
    const char *cells[N_POINTS][COLUMNS];
    char sizes[N_POINTS][24];
    for (size_t i = 0; i < n_points; i++) {
        const struct point *point = &points[i];
        snprintf(sizes[i], sizeof sizes[i], "%zu", point->mib);
        cells[i][0] = sizes[i];
        cells[i][1] = kib(point->tables_kib);
        for (size_t column = 2; column < COLUMNS; column++) {
            const struct measure_contender *who = &point->who[shown[column]];
            cells[i][column] = who->n == 0 ? demo_mask("-", "TIME") : cost_text(measure_spread_in(who).median, "ns");
        }
        /* Of nothing there is nothing to copy. */
        cells[i][5] = i == 0 ? "" : cost_text(copy_to_fork(point).median, "times");
    }
    demo_table(0, "CLOCK_MONOTONIC, medians", columns, cells[0], n_points);
}

static void compare(const struct point *largest, struct measure_spread per_gib)
{
    char fast[96], grows[96];
    snprintf(fast, sizeof fast, "%s for %zu MiB; copying takes %s as long",
             cost_text(measure_spread_in(&largest->who[FORK]).median, "ns"), largest->mib,
             cost_text(copy_to_fork(largest).median, "times"));
    snprintf(grows, sizeof grows, "VmPTE %s, and %s for each GiB", kib(largest->tables_kib),
             cost_text(per_gib.median, "ns"));
    const char *const rows[][3] = {
        { "fast even for 2 GB", fast, cost_so(order_of(largest)) },
        { "only page tables", grows, tables_alone ? "holds, and grows" : "is refuted" },
    };
    cost_compare("CLOCK_MONOTONIC, /proc/self/status", rows, 2);
}

static void decide(void)
{
    const struct point *largest = &points[n_points < 2 ? 0 : n_points - 1];
    if (n_points > 1) {
        struct measure_spread per_gib = draw_lines();
        show_table();
        compare(largest, per_gib);
    }
    if (largest->mib < LARGE_MIB)
        demo_skip("cow.fork-2gb-fast", "the largest that fits is %zu MiB: give it memory and time (--seconds) for %d",
                  largest->mib, LARGE_MIB);
    else
        cost_check("cow.fork-2gb-fast", order_of(largest), "copying %zu MiB takes %s as long as fork()", largest->mib,
                   cost_spread_text(copy_to_fork(largest), "times"));
}

/* What step 1 takes with so many bytes: --break sharing has them twice. Step 2 takes a window first of all. */
static double needed(size_t bytes)
{
    return 2 * (double)bytes + WINDOW;
}

/* Step 1 has 64 MiB, or makes do with less. False: not even with that little. */
static bool make_ready(void)
{
    enum { FEW = 4 * MIB };
    struct room room = address_room(), memory = memory_room();
    narrow(&room, memory.bytes, memory.limit);
    size_t bytes = 64 * MIB;
    while (bytes > FEW && needed(bytes) > room.bytes)
        bytes /= 2;
    if (needed(bytes) > room.bytes) {
        demo_skip_rest("%s allows %.0f MiB: it needs %.0f", room.limit, floor(room.bytes / MIB), needed(FEW) / MIB);
        return false;
    }
    if (!make_region(bytes, MADV_NOHUGEPAGE))
        demo_die("mmap(%zu MiB)", bytes / MIB);
    fill_up_to(bytes, INFINITY);
    return true;
}

static void prepare(void)
{
    name_contenders();
    window = map(WINDOW);
    if (window == NULL || madvise(window, WINDOW, MADV_DONTFORK) < 0) /* it is no part of what is measured */
        demo_die("mmap(), madvise(%d MiB, MADV_DONTFORK)", WINDOW / MIB);
    fill(window, WINDOW);
    pid_t child;
    int error = spawn_true(&child);
    if (error == 0)
        reap(child);
    else
        demo_act(0, "posix_spawn is left out: posix_spawn(/bin/true) = %s", strerrorname_np(error));
    n_ways = error == 0 ? N_WAYS : SPAWN;
}

static void fork_cost(void)
{
    demo_step("Fill memory, fork, and look at what the child has of it");
    if (!make_ready())
        return;
    what_is_copied();
    end_region();

    demo_step("Fork processes of 0 to 2048 MiB, and copy as many bytes");
    cost_machine();
    prepare();
    double begin = measure_now_ns();
    measure_points(begin);
    if (n_points > 0) {
        demo_step("Fork them once more, their memory in huge pages");
        measure_huge(begin);
    }
    demo_step("Draw a line through the points");
    decide();
}

static const char why[] =
    "fork() gives the child a copy of each entry of the page tables that a private\n"
    "mapping needs (copy_page_range in mm/memory.c): 8 bytes for a page of 4 KiB.\n"
    "For each the count of the page's users goes up, and the right to write is taken\n"
    "away. No byte of data is read. 512 entries are a page table, a page itself.\n"
    "\n"
    "The evidence for that: VmPTE in /proc/PID/status, all the page tables of a\n"
    "process, of two children of the same process at the same place. The first was\n"
    "forked when the memory was marked MADV_DONTFORK; what the second has more, it\n"
    "has for this memory. And of the pages themselves none is \"exclusively mapped\"\n"
    "(bit 56 of /proc/PID/pagemap), nor is there any Private_Dirty in smaps. MemFree\n"
    "in /proc/meminfo is no evidence: others move it, and it follows late.\n"
    "\n"
    "So fork() is fast only beside copying: what it costs still grows with the\n"
    "memory of the process, and it is paid twice more, when the exit takes the\n"
    "child's tables apart, and with a fault for each page that is written to\n"
    "afterwards. With huge pages there are 512 times fewer entries. vfork() and\n"
    "posix_spawn(), which is made of it, copy no tables, whatever the size: the\n"
    "child runs in its parent's memory, and the parent waits until it has exited or\n"
    "become another program. (\"vfork\" is measured up to the exit, \"posix_spawn\"\n"
    "up to the exec of /bin/true.)\n"
    "\n"
    "Copying is measured as kindly as can be: to 16 MiB that are there already,\n"
    "again and again. A real copy would go to new memory and wait for that, too.\n"
    "Memory is filled by MADV_POPULATE_WRITE, and never more than two thirds of\n"
    "what the machine and the cgroup have left.\n";

static const struct demo_break breaks[] = {
    { "sharing", "cow.fork-copies-page-tables", "lets the child write to every page before it is looked at" },
    { 0 },
};
static const struct demo_option options[] = { COST_OPTIONS(11), { 0 } };
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "cow.fork-copies-page-tables",
        .ask = "A process of 64 MiB forks. How much memory does the child take for its copy?",
        .choices = { "64 MiB", "about 130 KiB", "nothing at all" },
        .right = 1,
        .because =
            "A page table has an entry of 8 bytes for each page of 4 KiB: 64 MiB are 16384 of them, 128 KiB. The child "
            "needs its own, since its entries will change; the pages both may read.",
    },
    {
        .step = 2,
        .claim = "cow.fork-2gb-fast",
        .ask = "Which is quicker, fork() of a process or copying its memory?",
        .choices = { "copying", "they take as long", "fork(), by several to a hundred times",
                     "fork(), by thousands of times" },
        .right = 2,
        .because =
            "It copies a 512th of the bytes, but each entry is work: the page has one user more, and its entry may no "
            "longer write. So it wins, by far less than 512 times, and grows with the memory as copying does.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "fork-cost",
    .title = "what fork() costs: the page tables of a process, and not its data",
    .claims = claims,
    .breaks = breaks,
    .options = options,
    .predictions = predictions,
    .run = fork_cost,
    .sizes = "MiB",
    .why = why,
    .next = "exec",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
