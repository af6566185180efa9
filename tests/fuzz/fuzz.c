/* fuzz.c - any bytes for one parser of lib/proc: PARSER is its name, TYPE what it fills.
 *
 * libFuzzer's own copy of the bytes ends where they end, so that ASan sees a read beyond. What a parser accepts must be
 * sane, and what it refuses must leave the result alone. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proc/proc.h"
#include "proc/scan.h"

#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)

static void must(bool condition)
{
    if (!condition)
        abort();
}

static bool is_count(int64_t value)
{
    return value >= PROC_NONE;
}

static void check_stat(const struct proc_stat *s)
{
    must(memchr(s->comm, '\0', sizeof s->comm) && isalpha((unsigned char)s->state));
    must(s->pid >= PROC_NONE && s->ppid >= PROC_NONE && s->pgrp >= PROC_NONE && s->session >= PROC_NONE);
    must(s->minflt >= 0 && s->majflt >= 0 && s->threads >= 0 && s->start_ticks >= 0 && s->rss_pages >= 0);
    must(is_count(s->processor));
}

static const char *text_now;
static size_t size_now; /* of the text: no path can be longer */

/* The two parsers of one text agree. */
static void check_brief(const struct proc_brief *b)
{
    struct proc_stat s;
    must(memchr(b->comm, '\0', sizeof b->comm) && isalpha((unsigned char)b->state));
    must(b->pid >= PROC_NONE && b->ppid >= PROC_NONE && b->pgrp >= PROC_NONE);
    if (proc_stat_parse(text_now, size_now, &s) == 0)
        must(s.pid == b->pid && s.ppid == b->ppid && s.pgrp == b->pgrp && s.state == b->state &&
             !strcmp(s.comm, b->comm));
}

static void check_status(const struct proc_status *s)
{
    must(memchr(s->name, '\0', sizeof s->name) && isalpha((unsigned char)s->state));
    must(s->pid >= 0 && s->tgid >= PROC_NONE && s->ppid >= PROC_NONE && s->n_nspid <= PROC_NS_DEPTH);
    for (size_t i = 0; i < PROC_NS_DEPTH; i++)
        must(s->nspid[i] >= PROC_NONE && (i < s->n_nspid || s->nspid[i] == PROC_NONE));
    for (size_t i = 0; i < PROC_GROUPS; i++)
        must(is_count(s->groups[i]) && (i < s->n_groups) == (s->groups[i] != PROC_NONE));
    must(is_count(s->vm_size_kib) && is_count(s->vm_rss_kib) && is_count(s->threads) && is_count(s->seccomp));
}

static void check_schedstat(const struct proc_schedstat *s)
{
    must(s->run_ns >= 0 && s->wait_ns >= 0 && s->slices >= 0);
}

static void check_syscall(const struct proc_syscall *s)
{
    must(s->running == 0 || s->nr == PROC_NONE);
}

static void check_fdinfo(const struct proc_fdinfo *s)
{
    must(s->flags >= 0 && is_count(s->mnt_id) && is_count(s->ino));
}

static void check_meminfo(const struct proc_meminfo *s)
{
    must(s->free_kib >= 0 && is_count(s->available_kib) && is_count(s->slab_kib) && is_count(s->page_tables_kib));
}

static void check_memory(const struct proc_memory *m)
{
    must(is_count(m->rss_kib) && is_count(m->pss_kib) && is_count(m->shared_clean_kib));
    must(is_count(m->shared_dirty_kib) && is_count(m->private_clean_kib) && is_count(m->private_dirty_kib));
    must(is_count(m->anonymous_kib));
    must(is_count(m->anon_huge_pages_kib) && is_count(m->swap_kib) && is_count(m->locked_kib));
}

static void check_smaps_rollup(const struct proc_memory *m)
{
    check_memory(m);
    must(m->rss_kib >= 0);
}

static void check_maps(const struct proc_maps *maps)
{
    must(maps->n >= 1 && maps->map && maps->text);
    for (size_t i = 0; i < maps->n; i++) {
        const struct proc_map *map = &maps->map[i];
        must(map->start < map->end && (i == 0 || map->end > map[-1].end));
        must(strlen(map->perms) == 4 && strlen(map->path) < size_now && !strchr(map->path, '\n'));
        must(proc_maps_find(maps, (void *)(map->end - 1)) == map);
        check_memory(&map->memory);
    }
}

static void keep(void *out)
{
    (void)out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static TYPE before;
    TYPE out;
    memset(&before, 0xa5, sizeof before);
    memcpy(&out, &before, sizeof out);
    text_now = (const char *)data;
    size_now = size;
    int r = JOIN(proc_, PARSER, _parse)((const char *)data, size, &out);
    must(r == 0 || r == -EBADMSG);
    if (r < 0) {
        must(memcmp(&out, &before, sizeof out) == 0);
        return 0;
    }
    must(size > 0 && data[size - 1] == '\n');
    JOIN(check_, PARSER, )(&out);
    _Generic(&out, struct proc_maps * : proc_maps_free, default : keep)((void *)&out);
    return 0;
}
