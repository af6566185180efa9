/* proc_live_memory.c - maps, smaps and pagemap against memory that the test itself lays out. */
#include "children.h"

#include <stdint.h>
#include <sys/mman.h>

#include "proc/proc.h"

enum { PAGES = 64, WRITTEN = 23 };

static long page_size(void)
{
    return sysconf(_SC_PAGESIZE);
}

static int64_t kib(int pages)
{
    return pages * page_size() / 1024;
}

/* 64 private pages, each a page table entry of its own, 23 of them written. A page without access on either side keeps
 * the kernel from joining it with its neighbours. */
static char *lay_out(void)
{
    size_t size = (size_t)(PAGES + 2) * (size_t)page_size();
    char *area = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(area, MAP_FAILED);
    area += page_size();
    ck_assert_int_eq(mprotect(area, PAGES * (size_t)page_size(), PROT_READ | PROT_WRITE), 0);
    madvise(area, PAGES * (size_t)page_size(), MADV_NOHUGEPAGE);
    for (int i = 0; i < WRITTEN; i++)
        area[i * page_size()] = 1;
    return area;
}

static struct proc_map find(pid_t pid, const char *address)
{
    cleanup_maps struct proc_maps maps = { 0 };
    ck_assert_int_eq(proc_smaps_read(pid, &maps), 0);
    const struct proc_map *map = proc_maps_find(&maps, address);
    ck_assert_ptr_nonnull(map);
    ck_assert_uint_eq(map->start, (uintptr_t)address);
    ck_assert_uint_eq(map->end - map->start, (uintptr_t)(PAGES * page_size()));
    ck_assert_str_eq(map->perms, "rw-p");
    return *map;
}

START_TEST(smaps_of_a_region)
{
    char *area = lay_out();
    struct proc_memory m = find(getpid(), area).memory;
    ck_assert_int_eq(m.rss_kib, kib(WRITTEN));
    ck_assert_int_eq(m.pss_kib, kib(WRITTEN));
    ck_assert_int_eq(m.private_dirty_kib, kib(WRITTEN));
    ck_assert_int_eq(m.anonymous_kib, kib(WRITTEN));
    ck_assert(m.shared_clean_kib == 0 && m.shared_dirty_kib == 0 && m.private_clean_kib == 0);
    ck_assert(m.anon_huge_pages_kib == 0 && m.swap_kib == 0);

    struct child child = child_start(body_stay, NULL);
    child_value(&child);
    area[0] = 2; /* shared with the child but for this one */
    m = find(getpid(), area).memory;
    ck_assert_int_eq(m.rss_kib, kib(WRITTEN));
    ck_assert_int_eq(m.private_dirty_kib, kib(1));
    ck_assert_int_eq(m.shared_dirty_kib, kib(WRITTEN - 1));
    m = find(child.pid, area).memory;
    ck_assert_int_eq(m.shared_dirty_kib, kib(WRITTEN - 1));
    child_reap(&child);
}
END_TEST

START_TEST(rollup_is_the_sum)
{
    cleanup_maps struct proc_maps maps = { 0 };
    struct proc_memory all;
    struct child child = child_start(body_stay, NULL);
    child_value(&child);
    struct proc_syscall call;
    eventually(proc_syscall_read(child.pid, &call) < 0 || !call.running); /* nothing of it changes from here on */
    int r = proc_smaps_rollup_read(child.pid, &all);
    ck_assert(r == 0 || r == -ENOTSUP); /* from 4.14 */
    ck_assert_int_eq(proc_smaps_read(child.pid, &maps), 0);
    int64_t rss = 0, anonymous = 0;
    for (size_t i = 0; i < maps.n; i++) {
        rss += maps.map[i].memory.rss_kib;
        anonymous += maps.map[i].memory.anonymous_kib;
    }
    if (r == 0)
        ck_assert(all.rss_kib == rss && all.anonymous_kib == anonymous);
    child_reap(&child);
}
END_TEST

START_TEST(maps_of_ourselves)
{
    cleanup_maps struct proc_maps maps = { 0 };
    static int data;
    ck_assert_int_eq(proc_maps_read(getpid(), &maps), 0);
    const struct proc_map *code = proc_maps_find(&maps, (const void *)(uintptr_t)proc_maps_read);
    const struct proc_map *stack = proc_maps_find(&maps, &code);
    const struct proc_map *bss = proc_maps_find(&maps, &data);
    ck_assert(code && stack && bss);
    ck_assert_str_eq(code->perms, "r-xp");
    ck_assert(strstr(code->path, "test-lib") && code->inode != 0);
    ck_assert_str_eq(stack->path, "[stack]");
    ck_assert_int_eq(bss->perms[1], 'w');
    ck_assert_int_eq(code->memory.rss_kib, PROC_NONE);
}
END_TEST

static void body_join_and_split(const struct child *self, void *area)
{
    size_t size = (size_t)page_size(), n = 1000;
    char word;
    fcntl(self->out, F_SETFL, O_NONBLOCK);
    child_say(self, 0);
    while (read(self->out, &word, 1) != 1) {
        for (size_t i = 0; i < n; i += 2)
            mprotect((char *)area + i * size, size, PROT_NONE);
        mprotect(area, n * size, PROT_READ);
    }
}

START_TEST(joined_while_read)
{
    char *area = mmap(NULL, 1000 * (size_t)page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(area, MAP_FAILED);
    struct child child = child_start(body_join_and_split, area);
    child_value(&child);
    for (int i = 0; i < 500; i++) {
        cleanup_maps struct proc_maps maps = { 0 };
        ck_assert_int_eq(proc_maps_read(child.pid, &maps), 0);
    }
    child_go(&child);
    child_reap(&child);
}
END_TEST

START_TEST(thousands_of_mappings)
{
    enum { N = 4000 };
    size_t size = (size_t)page_size();
    char *area = mmap(NULL, N * size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(area, MAP_FAILED);
    for (size_t i = 0; i < N; i += 2)
        ck_assert_int_eq(mprotect(area + i * size, size, PROT_NONE), 0);
    cleanup_maps struct proc_maps maps = { 0 }, smaps = { 0 };
    ck_assert_int_eq(proc_maps_read(getpid(), &maps), 0);
    ck_assert_int_eq(proc_smaps_read(getpid(), &smaps), 0);
    for (size_t i = 1; i < N - 1; i++) {
        const struct proc_map *map = proc_maps_find(&maps, area + i * size);
        ck_assert(map && map->start == (uintptr_t)(area + i * size) && map->perms[0] == (i % 2 ? 'r' : '-'));
        ck_assert_ptr_nonnull(proc_maps_find(&smaps, area + i * size));
    }
}
END_TEST

static void body_write_page(const struct child *self, void *page)
{
    child_say(self, 0);
    child_stay(self);
    *(char *)page = 3;
    child_say(self, 0);
    child_stay(self);
}

/* Copy on write: shared after fork, each on its own after the write. */
START_TEST(pagemap_before_and_after_fork)
{
    char *area = lay_out();
    struct proc_page here[PAGES], there[PAGES];
    ck_assert_int_eq(proc_pagemap_read(getpid(), area, PAGES, here), PAGES);
    for (int i = 0; i < PAGES; i++) {
        ck_assert_int_eq(here[i].present, i < WRITTEN);
        ck_assert_int_eq(here[i].exclusive, i < WRITTEN);
        ck_assert(!here[i].file_or_shared && !here[i].swapped);
        ck_assert(i < WRITTEN || here[i].frame == 0);
    }
    bool frames = here[0].frame != 0;

    struct child child = child_start(body_write_page, area);
    child_value(&child);
    ck_assert_int_eq(proc_pagemap_read(getpid(), area, PAGES, here), PAGES);
    ck_assert_int_eq(proc_pagemap_read(child.pid, area, PAGES, there), PAGES);
    for (int i = 0; i < WRITTEN; i++)
        ck_assert(here[i].present && there[i].present && !here[i].exclusive && !there[i].exclusive &&
                  here[i].frame == there[i].frame);
    child_go(&child);
    child_value(&child);
    ck_assert_int_eq(proc_pagemap_read(getpid(), area + 5, 2, here), 2); /* an address within the first page */
    ck_assert_int_eq(proc_pagemap_read(child.pid, area, 2, there), 2);
    ck_assert(here[0].exclusive && there[0].exclusive && !here[1].exclusive && !there[1].exclusive);
    ck_assert(!frames || (here[0].frame != there[0].frame && here[1].frame == there[1].frame));
    child_reap(&child);
}
END_TEST

START_TEST(pagemap_of_anything)
{
    struct proc_page pages[4];
    ck_assert_int_eq(proc_pagemap_read(getpid(), NULL, 4, pages), 4);
    ck_assert(!pages[0].present && pages[0].frame == 0);
    ck_assert_int_eq(proc_pagemap_read(getpid(), (const void *)(uintptr_t)proc_exists, 1, pages), 1);
    ck_assert(pages[0].present && pages[0].file_or_shared);
    memset(pages, 0x5a, sizeof pages);
    struct proc_page before = pages[0];
    ck_assert_int_eq(proc_pagemap_read(getpid(), (const void *)UINTPTR_MAX, 1, pages), -EFAULT);
    ck_assert_int_eq(proc_pagemap_read(getpid(), (const void *)(UINTPTR_MAX / 2 + 1), 4, pages), -EFAULT);
    ck_assert_int_eq(memcmp(&before, pages, sizeof before), 0);
    ck_assert_int_eq(proc_pagemap_read(getpid(), NULL, (size_t)1 << 40, pages), -EINVAL);
    ck_assert_int_eq(proc_pagemap_read(getpid(), NULL, 0, pages), 0);
    enum { MANY = 100000 };
    struct proc_page *many = calloc(MANY, sizeof *many);
    ck_assert_int_eq(proc_pagemap_read(getpid(), NULL, MANY, many), MANY);
    free(many);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(smaps_of_a_region),     TEST(rollup_is_the_sum),
        TEST(maps_of_ourselves),     TEST(joined_while_read),
        TEST(thousands_of_mappings), TEST(pagemap_before_and_after_fork),
        TEST(pagemap_of_anything),   { 0 },
    };
    return run_tests("proc.live.memory", tests);
}
