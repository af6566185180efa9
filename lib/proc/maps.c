/* maps.c - /proc/PID/maps, smaps and smaps_rollup: the mappings, and how much memory is behind them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proc/file.h"
#include "proc/proc.h"
#include "proc/text.h"

#define MEMBER(name) offsetof(struct proc_memory, name)
static const struct proc_label labels[] = {
    { "Rss", proc_take_kib, MEMBER(rss_kib) },
    { "Pss", proc_take_kib, MEMBER(pss_kib) },
    { "Shared_Clean", proc_take_kib, MEMBER(shared_clean_kib) },
    { "Shared_Dirty", proc_take_kib, MEMBER(shared_dirty_kib) },
    { "Private_Clean", proc_take_kib, MEMBER(private_clean_kib) },
    { "Private_Dirty", proc_take_kib, MEMBER(private_dirty_kib) },
    { "Anonymous", proc_take_kib, MEMBER(anonymous_kib) },
    { "AnonHugePages", proc_take_kib, MEMBER(anon_huge_pages_kib) },
    { "Swap", proc_take_kib, MEMBER(swap_kib) },
    { "Locked", proc_take_kib, MEMBER(locked_kib) },
};

/* "7f1d98cda000-7f1d98cdc000 rw-p 00033000 fe:00 332383     /usr/lib/ld-linux-x86-64.so.2" */
static bool take_header(struct text *line, struct proc_map *map)
{
    uint64_t start, end, major, minor;
    if (!proc_take_digits(line, 16, &start) || !proc_take_char(line, '-') || !proc_take_digits(line, 16, &end) ||
        !proc_take_char(line, ' ') || start >= end || end > UINTPTR_MAX)
        return false;
    for (int i = 0; i < 4; i++, line->at++) {
        if (line->at == line->end || !strchr((const char *[]){ "r-", "w-", "x-", "ps" }[i], *line->at))
            return false;
        map->perms[i] = *line->at;
    }
    map->perms[4] = '\0';
    if (!proc_take_char(line, ' ') || !proc_take_digits(line, 16, &map->offset_bytes) || !proc_take_char(line, ' ') ||
        !proc_take_digits(line, 16, &major) || !proc_take_char(line, ':') || !proc_take_digits(line, 16, &minor) ||
        !proc_take_char(line, ' ') || !proc_take_digits(line, 10, &map->inode) || major > UINT32_MAX ||
        minor > UINT32_MAX)
        return false;
    map->start = (uintptr_t)start;
    map->end = (uintptr_t)end;
    map->dev_major = (unsigned)major;
    map->dev_minor = (unsigned)minor;
    proc_skip_blanks(line); /* the kernel pads to a column, and no path begins with a blank */
    return line->at == line->end || line->at[-1] == ' ';
}

/* A line "Name: value" of smaps; names are of letters, digits and _, so no damaged header looks like one. */
static bool take_memory(struct text *line, struct proc_memory *memory)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    const char *p = line->at;
    while (p < line->end && strchr(name, *p))
        p++;
    return p > line->at && p < line->end && *p == ':' &&
           proc_take_labelled(line, labels, sizeof labels / sizeof *labels, memory);
}

static struct proc_map *add_map(struct proc_maps *maps, const struct proc_map *map)
{
    /* Room for 16, and twice as much whenever a power of two from 16 on is full. */
    if (maps->n == 0 || (maps->n >= 16 && (maps->n & (maps->n - 1)) == 0)) {
        struct proc_map *more = reallocarray(maps->map, maps->n ? 2 * maps->n : 16, sizeof *more);
        if (!more)
            return NULL;
        maps->map = more;
    }
    maps->map[maps->n] = *map;
    return &maps->map[maps->n++];
}

/* Parses maps->text, which it may write to: each path becomes a string where it stands. */
static int parse_lines(struct proc_maps *maps, struct text text)
{
    struct text line;
    struct proc_map *last = NULL;
    while (proc_text_line(&text, &line)) {
        if (last && take_memory(&line, &last->memory))
            continue;
        struct proc_map map;
        memset(&map.memory, 0xff, sizeof map.memory); /* PROC_NONE */
        /* The kernel goes on with whatever ends beyond the last one. Ends rise, then; starts need not: Linux 6.18 shows
         * a mapping that has been joined with those before it, and shown already, with all of them. */
        if (!take_header(&line, &map) || (last && map.end <= last->end))
            return -EBADMSG;
        map.path = line.at;
        maps->text[line.end - maps->text] = '\0';
        last = add_map(maps, &map);
        if (!last)
            return -ENOMEM;
    }
    return 0;
}

int proc_maps_parse(const char *text, size_t len, struct proc_maps *out)
{
    cleanup_maps struct proc_maps maps = { 0 };
    struct text whole;
    if (!proc_text_begin(&whole, text, len))
        return -EBADMSG;
    maps.text = malloc(len);
    if (!maps.text)
        return -ENOMEM;
    memcpy(maps.text, text, len);
    int r = parse_lines(&maps, (struct text){ maps.text, maps.text + len });
    if (r < 0)
        return r;
    *out = maps;
    maps = (struct proc_maps){ 0 };
    return 0;
}

void proc_maps_free(struct proc_maps *maps)
{
    free(maps->map);
    free(maps->text);
    *maps = (struct proc_maps){ 0 };
}

/* An address space that exit or exec takes away while we read ends the list early, and silently. It is still there if
 * there is still something to read at the beginning. */
static bool is_whole(int fd)
{
    char first;
    return proc_pread(fd, &first, 1, 0) == 1;
}

static int read_once(pid_t pid, const char *file, struct proc_buffer *text)
{
    cleanup_fd int fd = proc_open(pid, file);
    if (fd < 0)
        return fd;
    ssize_t len = proc_buffer_read(text, fd);
    if (len < 0 && len != -ESRCH)
        return (int)len;
    /* smaps_rollup is written in one go, and costs a walk through all page tables. */
    if (len > 0 && (strcmp(file, "smaps_rollup") == 0 || is_whole(fd)))
        return 0;
    return proc_no_memory(pid);
}

static int read_memory_file(pid_t pid, const char *file, struct proc_buffer *text)
{
    int r = -EAGAIN;
    for (int tries = 0; r == -EAGAIN && tries < PROC_TRIES; tries++)
        r = read_once(pid, file, text);
    return r;
}

static int read_maps(pid_t pid, const char *file, struct proc_maps *out)
{
    cleanup_buffer struct proc_buffer text = { 0 };
    int r = read_memory_file(pid, file, &text);
    return r < 0 ? r : proc_maps_parse(text.data, text.len, out);
}

int proc_maps_read(pid_t pid, struct proc_maps *out)
{
    return read_maps(pid, "maps", out);
}

int proc_smaps_read(pid_t pid, struct proc_maps *out)
{
    return read_maps(pid, "smaps", out);
}

const struct proc_map *proc_maps_find(const struct proc_maps *maps, const void *address)
{
    size_t low = 0, high = maps->n; /* the first mapping that ends beyond the address is in [low, high] */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (maps->map[middle].end <= (uintptr_t)address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < maps->n && maps->map[low].start <= (uintptr_t)address ? &maps->map[low] : NULL;
}

int proc_smaps_rollup_parse(const char *text, size_t len, struct proc_memory *out)
{
    struct proc_memory memory;
    struct proc_map all;
    struct text rest, line;
    memset(&memory, 0xff, sizeof memory); /* PROC_NONE */
    if (!proc_text_begin(&rest, text, len) || !proc_text_line(&rest, &line) || !take_header(&line, &all))
        return -EBADMSG;
    while (proc_text_line(&rest, &line))
        if (!take_memory(&line, &memory))
            return -EBADMSG;
    if (memory.rss_kib == PROC_NONE)
        return -EBADMSG;
    *out = memory;
    return 0;
}

int proc_smaps_rollup_read(pid_t pid, struct proc_memory *out)
{
    cleanup_buffer struct proc_buffer text = { 0 };
    int r = read_memory_file(pid, "smaps_rollup", &text);
    return r < 0 ? r : proc_smaps_rollup_parse(text.data, text.len, out);
}
