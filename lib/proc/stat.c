/* stat.c - /proc/PID/stat: one line, the name in parentheses in the middle of it. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "proc/file.h"
#include "proc/proc.h"
#include "proc/text.h"

/* The fields after the state that are kept, by their number in proc(5), in rising order. */
static const struct field {
    int number;
    enum { ID, COUNT, SIGNED, ADDRESS } kind;
    size_t offset;
} fields[] = {
    /* clang-format off */
    {  4, ID,      offsetof(struct proc_stat, ppid) },
    {  5, ID,      offsetof(struct proc_stat, pgrp) },
    {  6, ID,      offsetof(struct proc_stat, session) },
    {  9, COUNT,   offsetof(struct proc_stat, flags) },
    { 10, COUNT,   offsetof(struct proc_stat, minflt) },
    { 12, COUNT,   offsetof(struct proc_stat, majflt) },
    { 14, COUNT,   offsetof(struct proc_stat, utime_ticks) },
    { 15, COUNT,   offsetof(struct proc_stat, stime_ticks) },
    { 20, COUNT,   offsetof(struct proc_stat, threads) },
    { 22, COUNT,   offsetof(struct proc_stat, start_ticks) },
    { 23, COUNT,   offsetof(struct proc_stat, vsize_bytes) },
    { 24, COUNT,   offsetof(struct proc_stat, rss_pages) },
    { 26, ADDRESS, offsetof(struct proc_stat, startcode) },
    { 28, ADDRESS, offsetof(struct proc_stat, startstack) },
    { 29, ADDRESS, offsetof(struct proc_stat, esp) },
    { 30, ADDRESS, offsetof(struct proc_stat, eip) },
    { 39, COUNT,   offsetof(struct proc_stat, processor) },
    { 52, SIGNED,  offsetof(struct proc_stat, exit_code) },
}; /* clang-format on */

/* Every Linux has written the fields up to this one; those after it came one by one, exit_code with 3.5. */
enum { LAST_OLD_FIELD = 24 };

static bool take_comm(struct text *text, char comm[PROC_COMM + 1])
{
    /* The name may hold ')' and a newline, and what comes after it cannot: the last ')' of the whole text ends it. */
    if (!proc_take_string(text, " ("))
        return false;
    const char *close = memrchr(text->at, ')', (size_t)(text->end - text->at));
    if (!close || close - text->at > PROC_COMM)
        return false;
    size_t len = (size_t)(close - text->at);
    memcpy(comm, text->at, len);
    comm[len] = '\0';
    text->at = close + 1;
    return true;
}

struct number {
    bool negative;
    uint64_t size;
};

/* Inline, and the table has no functions: 50 calls and returns more would take as long as the kernel's close(). */
static inline bool take_number(struct text *line, struct number *out)
{
    if (!proc_take_char(line, ' '))
        return false;
    *out = (struct number){ .negative = proc_take_char(line, '-') };
    const char *first = line->at;
    for (; line->at < line->end && *line->at >= '0' && *line->at <= '9'; line->at++)
        if (__builtin_mul_overflow(out->size, 10, &out->size) ||
            __builtin_add_overflow(out->size, (unsigned)(*line->at - '0'), &out->size))
            return false;
    return line->at > first && (line->at == line->end || *line->at == ' ');
}

static inline bool store(const struct field *field, struct number number, struct proc_stat *stat)
{
    void *member = (char *)stat + field->offset;
    if (field->kind == ADDRESS) {
        *(uint64_t *)member = number.size;
        return !number.negative;
    }
    if (number.size > INT64_MAX)
        return false;
    int64_t value = number.negative ? -(int64_t)number.size : (int64_t)number.size;
    if (field->kind == ID) {
        *(pid_t *)member = (pid_t)value;
        return value >= -1 && value <= INT_MAX;
    }
    *(int64_t *)member = value;
    return field->kind == SIGNED || !number.negative;
}

static bool take_fields(struct text *line, struct proc_stat *stat)
{
    const struct field *next = fields, *end = fields + sizeof fields / sizeof *fields;
    for (int number = 4; next < end; number++) {
        struct number value;
        if (line->at == line->end)
            return number > LAST_OLD_FIELD;
        if (!take_number(line, &value) || (number == next->number && !store(next++, value, stat)))
            return false;
    }
    return true;
}

int proc_stat_parse(const char *text, size_t len, struct proc_stat *out)
{
    struct proc_stat stat;
    struct text rest, line;
    memset(&stat, 0xff, sizeof stat); /* PROC_NONE in every number */
    if (!proc_text_begin(&rest, text, len) || !proc_take_pid(&rest, &stat.pid) || !take_comm(&rest, stat.comm) ||
        !proc_text_line(&rest, &line) || !proc_take_state(&line, &stat.state) || !take_fields(&line, &stat))
        return -EBADMSG;
    *out = stat;
    return 0;
}

int proc_stat_pread(int fd, struct proc_stat *out)
{
    char text[2048]; /* 64 bytes of name, 51 numbers of at most 21 */
    struct proc_stat stat;
    size_t len = 0;
    int r = -EBADMSG;
    while (r == -EBADMSG && len < sizeof text) {
        ssize_t n = proc_pread(fd, text + len, sizeof text - len, len);
        if (n <= 0)
            return n < 0 ? (int)n : len == 0 ? -ESRCH : -EBADMSG;
        len += (size_t)n;
        r = proc_stat_parse(text, len, &stat); /* not whole yet: read on. It saves the read that would find the end */
    }
    /* A process reaped while the kernel writes its line has no signal state any more: it is shown with 0 threads, PGID
     * -1 and no parent. A zombie has its one thread. */
    if (r == 0 && stat.threads == 0)
        return -ESRCH;
    if (r == 0)
        *out = stat;
    return r;
}

int proc_stat_read(pid_t pid, struct proc_stat *out)
{
    cleanup_fd int fd = proc_open(pid, "stat");
    return fd < 0 ? fd : proc_stat_pread(fd, out);
}
