/* text.h - taking values off the front of a text, never past its end. Private to lib/proc.
 *
 * A "take" consumes what it gives, and is false where the text has something else, too large a number included.
 * Those that write a member of a struct take the blanks before it as well, and have one signature, so that a table can
 * say which line or field of a file goes where. */
#ifndef PROCLAB_PROC_TEXT_H
#define PROCLAB_PROC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *at, *end;
}; /* what is left of it; no NUL terminates it */

/* False where the text is cut off: the kernel ends every line with a newline and writes no NUL. */
bool proc_text_begin(struct text *text, const char *bytes, size_t len);
/* The next line without its newline; false at the end. */
bool proc_text_line(struct text *text, struct text *line);

static inline bool proc_take_char(struct text *text, char c)
{
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

static inline void proc_skip_blanks(struct text *text)
{
    while (proc_take_char(text, ' ') || proc_take_char(text, '\t'))
        continue;
}

bool proc_take_string(struct text *text, const char *string);
/* Digits of base 8, 10 or 16, that no letter or digit follows. No sign, no blank, no 0x. */
bool proc_take_digits(struct text *text, unsigned base, uint64_t *out);

bool proc_take_count(struct text *text, void *int64);   /* decimal, 0 to INT64_MAX */
bool proc_take_integer(struct text *text, void *int64); /* decimal, with a sign if need be */
bool proc_take_octal(struct text *text, void *int64);
bool proc_take_mask(struct text *text, void *uint64);     /* hexadecimal, without 0x */
bool proc_take_0x(struct text *text, void *uint64);       /* hexadecimal, with 0x */
bool proc_take_kib(struct text *text, void *int64);       /* "17 kB" */
bool proc_take_pid(struct text *text, void *pid);         /* or any other ID of pid_t; -1 where the kernel knew none */
bool proc_take_state(struct text *text, void *character); /* a letter; "(sleeping)" may follow */

/* A line "Name: value", and where its value goes. */
struct proc_label {
    const char *name;
    bool (*take)(struct text *, void *member);
    size_t offset;
};
/* Takes the line into out if the table has its name; passes over it if not: every kernel adds some.
 * False: the name is known and the value is not what it should be. */
bool proc_take_labelled(struct text *line, const struct proc_label *table, size_t n, void *out);
/* The same for each line of a whole text. */
bool proc_take_lines(const char *text, size_t len, const struct proc_label *table, size_t n, void *out);

#endif
