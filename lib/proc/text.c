/* text.c - taking values off the front of a text, never past its end. */
#include "proc/text.h"

#include <limits.h>
#include <string.h>
#include <sys/types.h>

/* isdigit() and its like ask the locale, and are undefined for a char below 0, which a process name may well hold. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The value of a digit; not one of any base where it is none. By a table: stat has 50 numbers, and reading it must cost
 * little more than the kernel's part of it. */
static unsigned digit_of(char c)
{
    static const unsigned char values_and_1[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return values_and_1[(unsigned char)c] - 1U;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool proc_text_begin(struct text *text, const char *bytes, size_t len)
{
    *text = (struct text){ bytes, bytes + len };
    return len > 0 && bytes[len - 1] == '\n' && !memchr(bytes, '\0', len);
}

bool proc_text_line(struct text *text, struct text *line)
{
    if (text->at == text->end)
        return false;
    const char *newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
    *line = (struct text){ text->at, newline ? newline : text->end };
    text->at = newline ? newline + 1 : text->end;
    return true;
}

bool proc_take_string(struct text *text, const char *string)
{
    size_t len = strlen(string);
    if ((size_t)(text->end - text->at) < len || memcmp(text->at, string, len) != 0)
        return false;
    text->at += len;
    return true;
}

bool proc_take_digits(struct text *text, unsigned base, uint64_t *out)
{
    uint64_t value = 0;
    unsigned digit;
    const char *p = text->at, *end = text->end;
    for (; p < end && (digit = digit_of(*p)) < base; p++)
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    if (p == text->at || (p < end && (is_letter(*p) || digit_of(*p) < 10)))
        return false;
    text->at = p;
    *out = value;
    return true;
}

static bool take_int64(struct text *text, unsigned base, int64_t *out)
{
    uint64_t value;
    proc_skip_blanks(text);
    if (!proc_take_digits(text, base, &value) || value > INT64_MAX)
        return false;
    *out = (int64_t)value;
    return true;
}

bool proc_take_count(struct text *text, void *int64)
{
    return take_int64(text, 10, int64);
}

bool proc_take_integer(struct text *text, void *int64)
{
    int64_t *out = int64;
    proc_skip_blanks(text);
    bool negative = proc_take_char(text, '-');
    if (negative && text->at < text->end && is_blank(*text->at))
        return false;
    if (!take_int64(text, 10, out))
        return false;
    *out = negative ? -*out : *out;
    return true;
}

bool proc_take_octal(struct text *text, void *int64)
{
    return take_int64(text, 8, int64);
}

bool proc_take_mask(struct text *text, void *uint64)
{
    proc_skip_blanks(text);
    return proc_take_digits(text, 16, uint64);
}

bool proc_take_0x(struct text *text, void *uint64)
{
    proc_skip_blanks(text);
    return proc_take_string(text, "0x") && proc_take_digits(text, 16, uint64);
}

bool proc_take_kib(struct text *text, void *int64)
{
    return proc_take_count(text, int64) && proc_take_string(text, " kB");
}

bool proc_take_pid(struct text *text, void *pid)
{
    int64_t value;
    if (!proc_take_integer(text, &value) || value < -1 || value > INT_MAX)
        return false;
    *(pid_t *)pid = (pid_t)value;
    return true;
}

bool proc_take_state(struct text *text, void *character)
{
    proc_skip_blanks(text);
    if (text->at == text->end || !is_letter(*text->at))
        return false;
    *(char *)character = *text->at++;
    return true;
}

bool proc_take_labelled(struct text *line, const struct proc_label *table, size_t n, void *out)
{
    for (size_t i = 0; i < n; i++) {
        struct text value = *line;
        if (!proc_take_string(&value, table[i].name) || !proc_take_char(&value, ':'))
            continue;
        return table[i].take(&value, (char *)out + table[i].offset) && (value.at == value.end || is_blank(*value.at));
    }
    return true;
}

bool proc_take_lines(const char *text, size_t len, const struct proc_label *table, size_t n, void *out)
{
    struct text rest, line;
    if (!proc_text_begin(&rest, text, len))
        return false;
    while (proc_text_line(&rest, &line))
        if (!proc_take_labelled(&line, table, n, out))
            return false;
    return true;
}
