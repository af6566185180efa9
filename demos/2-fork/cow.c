/* cow.c - fork() copies no memory: a page is copied when one side writes to it
 *
 *     cow                  the whole lesson, on 64 pages
 *     cow --pages 1000     on so many
 *     cow --break sharer   the parent gives a page up before the child writes to it: nobody to copy it for
 *
 *     parent                                    child
 *     writes to every page
 *     fork() -------------------------------->  the same frames, write-protected in both
 *                                               writes to one page: a fault, a copy
 *                                               reads all pages: no fault
 *                                               writes to n pages: n faults, n copies
 *     writes to m others: m faults, m copies    still reads what was there
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "report/witness.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "cow.shared-after-fork", "Right after fork() both map the same physical pages." },
    { "cow.write-protected", "They are write-protected, though the mapping is writable." },
    { "cow.new-frame-and-copy", "On a write the kernel copies the page to a frame for the writer alone." },
    { "cow.write-resumes", "The interrupted write then completes." },
    { "cow.one-fault-per-page", "Each page written to is one fault; reading is none." },
    { "cow.lazy", "Pages are copied only as they are written to." },
    { "cow.either-side", "A write by the parent triggers the same copy." },
    { 0 },
};

enum { BEFORE = 1000, BY_CHILD = 2000, BY_PARENT = 3000, REST = 4711 };

static unsigned char *memory;                        /* the pages the lesson is about */
static size_t n_pages, page_size, n_child, n_parent; /* all; those the child and the parent write to, both prime */
struct told {
    size_t faults, kept;
};
static struct told *told; /* by the parent, in a page that stays shared */

/* The first word of a page is written to; the second can only be there because the kernel copied it. */
static volatile size_t *page(size_t i)
{
    return (volatile size_t *)(memory + i * page_size);
}

/* Minor faults of this process so far. */
static size_t faults(int stat_fd)
{
    struct proc_stat stat;
    demo_need(proc_stat_pread(stat_fd, &stat), "pread(/proc/%d/stat)", getpid());
    return (size_t)stat.minflt;
}

/* After a fork, asking faults itself: the code, the stack and the data it needs are copy-on-write, too. Not the third time. */
static int open_faults(void)
{
    int stat_fd = proc_open(getpid(), "stat");
    demo_need(stat_fd, "open(/proc/%d/stat)", getpid());
    faults(stat_fd);
    faults(stat_fd);
    return stat_fd;
}

/* The faults of writing to every second page from the first on. */
static size_t write_pages(int stat_fd, size_t first, size_t n, size_t value)
{
    size_t before = faults(stat_fd);
    for (size_t i = 0; i < n; i++)
        *page(first + 2 * i) = value;
    return faults(stat_fd) - before;
}

static size_t read_pages(int stat_fd)
{
    size_t before = faults(stat_fd);
    for (size_t i = 0; i < n_pages; i++)
        (void)*page(i);
    return faults(stat_fd) - before;
}

static size_t count_pages(size_t first, size_t n, size_t value)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += *page(first + 2 * i) == value;
    return count;
}

/* One side's page table. Without CAP_SYS_ADMIN each frame number reads 0; present and exclusive are right for everyone. */
struct view {
    struct proc_page *page;
    size_t shared, own; /* in pages, as smaps counts them */
    bool writable;
};

static struct view look(pid_t pid)
{
    cleanup_maps struct proc_maps maps = { 0 };
    struct view view = { .page = calloc(n_pages, sizeof *view.page) };
    char *cells = calloc(n_pages + 1, 1);
    uint64_t *frames = calloc(n_pages, sizeof *frames);
    if (view.page == NULL || cells == NULL || frames == NULL)
        demo_die("calloc(%zu pages)", n_pages);
    demo_need(proc_smaps_read(pid, &maps), "read(/proc/%d/smaps)", pid);
    demo_need(proc_pagemap_read(pid, memory, n_pages, view.page), "read(/proc/%d/pagemap)", pid);
    const struct proc_memory *kib = &proc_maps_find(&maps, memory)->memory;
    view.shared = (size_t)(kib->shared_clean_kib + kib->shared_dirty_kib) * 1024 / page_size;
    view.own = (size_t)(kib->private_clean_kib + kib->private_dirty_kib) * 1024 / page_size;
    view.writable = proc_maps_find(&maps, memory)->perms[1] == 'w';
    for (size_t i = 0; i < n_pages; i++) {
        cells[i] = !view.page[i].present ? '.' : view.page[i].exclusive ? 'P' : 's';
        frames[i] = view.page[i].frame;
    }
    demo_observe(pid, "/proc/PID/pagemap", demo_fact_page("pages", cells), demo_fact_frames("pages", frames, n_pages));
    free(cells);
    free(frames);
    return view;
}

static void compare(pid_t parent)
{
    struct view ours = look(getpid()), theirs = look(parent);
    size_t same = 0, shared = 0;
    for (size_t i = 0; i < n_pages; i++) {
        same += ours.page[i].frame == theirs.page[i].frame;
        shared +=
            ours.page[i].present && !ours.page[i].exclusive && theirs.page[i].present && !theirs.page[i].exclusive;
    }
    bool frames = ours.page[0].frame != 0;
    demo_check("cow.shared-after-fork", same == n_pages && shared == n_pages && ours.shared == n_pages,
               "%zu of %zu: %s", frames ? same : shared, n_pages,
               frames ? "the same frame" : "not exclusive; frames: ask root");
}

static void write_to_one(int stat_fd, pid_t parent)
{
    struct view before = look(getpid());
    size_t n = write_pages(stat_fd, 0, 1, BY_CHILD);
    struct view after = look(getpid()), theirs = look(parent);
    bool own = after.page[0].exclusive && theirs.page[0].present && theirs.page[0].exclusive;
    bool moved = before.page[0].frame == 0 ||
                 (after.page[0].frame != before.page[0].frame && theirs.page[0].frame == before.page[0].frame);
    if (before.page[0].frame != 0)
        demo_observe(getpid(), "/proc/PID/pagemap", demo_fact("frame before", demo_frame(before.page[0].frame)),
                     demo_fact("after", demo_frame(after.page[0].frame)),
                     demo_fact("the parent's", demo_frame(theirs.page[0].frame)));
    demo_check("cow.write-protected", before.writable && before.page[0].present && n == 1,
               "rw, present, and the write made %zu fault%s", n, n == 1 ? "" : "s");
    demo_check("cow.new-frame-and-copy", own && moved && page(0)[1] == REST, "%s, the rest of it copied",
               own && moved ? "each side has a frame of its own" : "no new frame");
    demo_check("cow.write-resumes", *page(0) == BY_CHILD, "it reads %zu, was %d", *page(0), BEFORE);
}

static void write_to_many(int stat_fd, pid_t parent)
{
    size_t reading = read_pages(stat_fd), writing = write_pages(stat_fd, 1, n_child, BY_CHILD);
    struct view ours = look(getpid());
    look(parent);
    demo_check("cow.one-fault-per-page", reading == 0 && writing == n_child, "%zu written: %zu faults; %zu read: %zu",
               n_child, writing, n_pages, reading);
    demo_check("cow.lazy", ours.own == 1 + n_child && ours.shared == n_pages - 1 - n_child,
               "%zu private, %zu still shared", ours.own, ours.shared);
    demo_look("grep -E '^(Shared|Private)_Dirty' /proc/%s/smaps_rollup", demo_pid(getpid()));
}

static void child_side(pid_t parent, struct sync_gate *our_turn, struct sync_gate *their_turn)
{
    int stat_fd = open_faults();
    compare(parent);
    demo_need(sync_gate_open(their_turn), "write() to a gate: let the parent go on");
    demo_need(sync_gate_pass(our_turn), "poll(), read() at a gate: wait for the parent");

    demo_step("Let the child write to page 0");
    write_to_one(stat_fd, parent);
    demo_step("Let it read all pages, then write to %zu others (a prime number)", n_child);
    write_to_many(stat_fd, parent);

    demo_step("Let the parent write to %zu others", n_parent);
    demo_need(sync_gate_open(their_turn), "write() to a gate: let the parent write");
    demo_need(sync_gate_pass(our_turn), "poll(), read() at a gate: wait for the parent to write");
    struct view ours = look(getpid()), theirs = look(parent);
    bool own = ours.own == 1 + n_child + n_parent && ours.shared == n_pages - ours.own && theirs.shared == ours.shared;
    demo_check("cow.either-side",
               told->faults == n_parent && count_pages(2, n_parent, BEFORE) == n_parent && told->kept == n_child && own,
               "%zu faults; each side reads its own %zu and %zu", told->faults, n_parent, told->kept);
}

static size_t prime_below(size_t n)
{
    for (;; n--) {
        size_t d = 2;
        while (d * d <= n && n % d != 0)
            d++;
        if (d * d > n)
            return n;
    }
}

/* 4 KiB pages on purpose: one huge page would be one fault for 512 of them, and the count would say nothing. */
static void make_pages(void)
{
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    n_pages = (size_t)demo_option("pages");
    n_child = prime_below(n_pages * 24 / 64);
    n_parent = prime_below(n_pages * 18 / 64);
    told = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory = mmap(NULL, n_pages * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED || memory == MAP_FAILED)
        demo_die("mmap(%zu pages)", n_pages);
    if (madvise(memory, n_pages * page_size, MADV_NOHUGEPAGE) < 0 &&
        errno != EINVAL) /* EINVAL: a kernel without them */
        demo_die("madvise(MADV_NOHUGEPAGE)");
    for (size_t i = 0; i < n_pages; i++) {
        page(i)[0] = BEFORE;
        page(i)[1] = REST;
    }
}

/* The faults of a process in our pages that the kernel recorded with this code. */
static size_t recorded(const struct witness *seen, pid_t pid, uint64_t code)
{
    size_t n = 0;
    for (size_t i = 0; i < seen->n; i++) {
        const struct kernel_event *fault = &seen->event[i];
        n += fault->pid == pid && fault->value == code && fault->address - (uintptr_t)memory < n_pages * page_size;
    }
    return n;
}

static void ask_the_kernel(pid_t child)
{
    enum { ABSENT = 6, READ_ONLY = 7 }; /* a write by a user, bits 1 and 2; bit 0: to a page that is present */
    struct witness seen = witness_end();
    size_t filled = recorded(&seen, getpid(), ABSENT), ours = recorded(&seen, getpid(), READ_ONLY);
    size_t theirs = recorded(&seen, child, READ_ONLY), others = recorded(&seen, child, ABSENT);
    witness_says("cow.write-protected", theirs > 0 && others == 0, "a write to a present page: error code 7");
    witness_says("cow.one-fault-per-page", filled == n_pages && theirs == 1 + n_child,
                 "%zu first writes: %zu faults, code 6; then %zu: %zu, code 7", n_pages, filled, 1 + n_child, theirs);
    witness_says("cow.either-side", ours == n_parent, "%zu faults of the parent, code 7", ours);
}

static void cow(void)
{
    witness_begin(1U << KERNEL_FAULT);
    demo_step("Write to %ld pages, fork, and look at the page tables (s shared, P private)", demo_option("pages"));
    make_pages();
    cleanup_gate struct sync_gate childs_turn, parents_turn;
    demo_need(sync_gate_make(&childs_turn), "pipe2() of a gate");
    demo_need(sync_gate_make(&parents_turn), "pipe2() of a gate");
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        demo_role(getpid(), "child");
        child_side(parent, &childs_turn, &parents_turn);
        _exit(0);
    }
    int stat_fd = open_faults();
    demo_need(sync_gate_pass(&parents_turn), "poll(), read() at a gate: wait for the child to look");
    if (demo_without("sharer") && madvise(memory, page_size, MADV_DONTNEED) < 0)
        demo_die("madvise(MADV_DONTNEED)");
    demo_need(sync_gate_open(&childs_turn), "write() to a gate: let the child go on");

    demo_need(sync_gate_pass(&parents_turn), "poll(), read() at a gate: wait for the child to write");
    told->kept = count_pages(1, n_child, BEFORE);
    told->faults = write_pages(stat_fd, 2, n_parent, BY_PARENT);
    demo_need(sync_gate_open(&childs_turn), "write() to a gate: let the child look");
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);

    demo_step("Ask the second witness: the page faults that the kernel recorded");
    ask_the_kernel(child);
}

static const char why[] =
    "fork() copies the page tables and not the pages (copy_page_range in\n"
    "mm/memory.c), and takes the right to write out of the entries of both sides.\n"
    "The mapping stays writable, so that the fault of the next write is not an error\n"
    "but an order: handle_mm_fault finds a page that is present and read-only in a\n"
    "mapping that may be written to, and do_wp_page copies it to a new frame, maps\n"
    "that for the writer alone and lets the instruction run again.\n"
    "\n"
    "The evidence: minflt, field 10 of /proc/PID/stat, read right before and right\n"
    "after the writes, for numbers of pages that are prime, so that no fault more or\n"
    "less can hide; the frame numbers of /proc/PID/pagemap, which only root may see,\n"
    "and its bit 56, \"exclusively mapped\", which everybody may; Shared_Dirty and\n"
    "Private_Dirty of /proc/PID/smaps.\n"
    "\n"
    "Who writes is all the same, and when one side has copied a page, the other one\n"
    "is its only user. A write then faults once more, but the kernel finds nobody to\n"
    "copy it for and gives the right to write back: --break sharer shows it.\n"
    "\n"
    "4 KiB pages on purpose: one huge page is one fault for 512 of them. That is why\n"
    "others count 2 faults for 1024 pages, where the kernel uses huge pages always.\n";

static const struct demo_break breaks[] = {
    { "sharer", "cow.new-frame-and-copy", "lets the parent give page 0 up before the child writes to it" },
    { 0 },
};
static const struct demo_option options[] = { { "pages", "How many pages parent and child share", 64, 16, 262144 },
                                              { 0 } };
static const struct demo_prediction predictions[] = {
    {
        .step = 3,
        .claim = "cow.one-fault-per-page",
        .ask = "The child reads all pages. How many page faults is that?",
        .choices = { "one a page", "none", "one" },
        .right = 1,
        .because = "fork() takes away the right to write, not the right to read: a read finds its page mapped already.",
    },
    {
        .step = 4,
        .claim = "cow.either-side",
        .ask = "Now the parent writes to 17 pages, which the child has not written to. Page faults?",
        .choices = { "none: they are its own", "17", "34: each is copied twice" },
        .right = 1,
        .because =
            "fork() has write-protected the pages for both sides. Who writes first gets the copy, parent or child.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "cow",
    .title = "fork() copies no memory: a page is copied when one side writes to it",
    .claims = claims,
    .breaks = breaks,
    .options = options,
    .predictions = predictions,
    .run = cow,
    .why = why,
    .next = "fork-cost",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
