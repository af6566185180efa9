/* stat.c - /proc/PID/stat: one line, the name in parentheses in the middle of it. */
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "proc/file.h"
#include "proc/proc.h"
#include "proc/scan.h"
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

/* What is in front of the numbers. */
struct head {
    pid_t pid;
    const char *comm;
    size_t comm_len;
    char state;
};

static bool take_head(const char *text, size_t len, struct head *head, struct text *line)
{
    struct text left;
    if (!proc_text_begin(&left, text, len) || !proc_take_pid(&left, &head->pid) || !proc_take_string(&left, " ("))
        return false;
    /* The name may hold ')' and a newline, and what comes after it cannot: the last ')' of the whole text ends it. */
    const char *close = memrchr(left.at, ')', (size_t)(left.end - left.at));
    if (!close || close - left.at > PROC_COMM)
        return false;
    head->comm = left.at;
    head->comm_len = (size_t)(close - left.at);
    left.at = close + 1;
    return proc_text_line(&left, line) && proc_take_state(line, &head->state);
}

static void copy_comm(const struct head *head, char comm[PROC_COMM + 1])
{
    memcpy(comm, head->comm, head->comm_len);
    comm[head->comm_len] = '\0';
}

struct number {
    bool negative;
    uint64_t size;
};

/* The next eight bytes, the first of them lowest; less in front of the end. */
static inline uint64_t eight_bytes(const char *at, const char *end)
{
    uint64_t bytes = 0;
    if (end - at >= 8)
        memcpy(&bytes, at, 8);
    else
        memcpy(&bytes, at, (size_t)(end - at));
    return le64toh(bytes);
}

/* Eight digits at a time: there are 50 numbers, and reading them one digit after the other takes as long as the kernel's
 * close(). Takes the first n_digits of the bytes, which may be none. */
static inline uint64_t take_eight(uint64_t bytes, int *n_digits)
{
    bytes ^= UINT64_C(0x3030303030303030); /* a digit becomes its value, and nothing else is below 10 */
    uint64_t others = ((bytes + UINT64_C(0x7676767676767676)) | bytes) & UINT64_C(0x8080808080808080);
    *n_digits = others ? __builtin_ctzll(others) / 8 : 8;
    if (*n_digits == 0)
        return 0;
    bytes <<= 8 * (8 - *n_digits);     /* zeros in front of them */
    bytes = bytes * 10 + (bytes >> 8); /* in each second byte a number of two digits; then all four of these */
    return ((bytes & UINT64_C(0xff000000ff)) * (100 + (UINT64_C(1000000) << 32)) +
            ((bytes >> 16 & UINT64_C(0xff000000ff)) * (1 + (UINT64_C(10000) << 32)))) >>
           32;
}

static inline bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static inline bool take_digits(const char **at, const char *end, uint64_t *out)
{
    static const uint64_t power[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 };
    if (!is_digit(*at, end))
        return false;
    if (!is_digit(*at + 1,
                  end)) { /* most are 0, and the branch is foreseen where the eight digits have to be waited for */
        *out = (uint64_t)(*(*at)++ - '0');
        return true;
    }
    int n;
    *out = take_eight(eight_bytes(*at, end), &n);
    for (*at += n; n == 8; *at += n) {
        uint64_t more = take_eight(eight_bytes(*at, end), &n);
        if (__builtin_mul_overflow(*out, power[n], out) || __builtin_add_overflow(*out, more, out))
            return false;
    }
    return true;
}

static inline bool take_number(struct text *line, struct number *out)
{
    if (!proc_take_char(line, ' '))
        return false;
    out->negative = proc_take_char(line, '-');
    return take_digits(&line->at, line->end, &out->size) && (line->at == line->end || *line->at == ' ');
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

static bool take_fields(struct text line, struct proc_stat *stat)
{
    const struct field *next = fields, *end = fields + sizeof fields / sizeof *fields;
    for (int number = 4; next < end; number++) {
        struct number value;
        if (line.at == line.end)
            return number > LAST_OLD_FIELD;
        if (!take_number(&line, &value) || (number == next->number && !store(next++, value, stat)))
            return false;
    }
    return true;
}

int proc_stat_parse(const char *text, size_t len, struct proc_stat *out)
{
    struct proc_stat stat;
    struct head head;
    struct text line;
    memset(&stat, 0xff, sizeof stat); /* PROC_NONE in every number */
    if (!take_head(text, len, &head, &line) || !take_fields(line, &stat))
        return -EBADMSG;
    stat.pid = head.pid;
    stat.state = head.state;
    copy_comm(&head, stat.comm);
    *out = stat;
    return 0;
}

/* Whether n more fields follow, of nothing but digits. It costs little, and a text that was cut off inside of the name,
 * which may look like a whole one, never has as many. */
static bool has_fields(const struct text *line, int n)
{
    for (const char *p = line->at; n > 0 && p < line->end; p++) {
        if (*p != ' ' && *p != '-' && (*p < '0' || *p > '9'))
            return false;
        n -= *p == ' ';
    }
    return n == 0;
}

int proc_brief_parse(const char *text, size_t len, struct proc_brief *out)
{
    struct head head;
    struct text line;
    struct proc_brief brief;
    if (!take_head(text, len, &head, &line) || !proc_take_pid(&line, &brief.ppid) ||
        !proc_take_pid(&line, &brief.pgrp) || !has_fields(&line, LAST_OLD_FIELD - 5))
        return -EBADMSG;
    out->pid = head.pid;
    out->ppid = brief.ppid;
    out->pgrp = brief.pgrp;
    out->state = head.state;
    copy_comm(&head, out->comm);
    return 0;
}

/* Reads the text of stat, and has it parsed. */
static int read_stat(int fd, int (*parse)(const char *text, size_t len, void *out), void *out)
{
    char text[2048]; /* 64 bytes of name, 51 numbers of at most 21 */
    size_t len = 0;
    int r = -EBADMSG;
    while (r == -EBADMSG && len < sizeof text) {
        ssize_t n = proc_pread(fd, text + len, sizeof text - len, len);
        if (n <= 0)
            return n < 0 ? (int)n : len == 0 ? -ESRCH : -EBADMSG;
        len += (size_t)n;
        r = parse(text, len, out); /* not whole yet: read on. It saves the read that would find the end */
    }
    return r;
}

static int parse_stat(const char *text, size_t len, void *out)
{
    return proc_stat_parse(text, len, out);
}

static int parse_brief(const char *text, size_t len, void *out)
{
    return proc_brief_parse(text, len, out);
}

/* A process reaped while the kernel writes its line has no signal state any more: it is shown with 0 threads, PGID -1
 * and no parent. A zombie has its one thread, and the PGID of a process that is there is never below 0. */

int proc_stat_pread(int fd, struct proc_stat *out)
{
    struct proc_stat stat;
    int r = read_stat(fd, parse_stat, &stat);
    if (r == 0 && stat.threads == 0)
        return -ESRCH;
    if (r == 0)
        *out = stat;
    return r;
}

int proc_brief_pread(int fd, struct proc_brief *out)
{
    struct proc_brief brief;
    int r = read_stat(fd, parse_brief, &brief);
    if (r == 0 && brief.pgrp < 0)
        return -ESRCH;
    if (r == 0)
        *out = brief;
    return r;
}

int proc_stat_read(pid_t pid, struct proc_stat *out)
{
    cleanup_fd int fd = proc_open(pid, "stat");
    return fd < 0 ? fd : proc_stat_pread(fd, out);
}
