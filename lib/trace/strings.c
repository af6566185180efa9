/* strings.c - argv and envp in the memory of a process that is stopped. */
#include "trace/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1024, MOST_BYTES = 8 << 20 }; /* three quarters of 8 MiB is the most that execve(2) takes */

static int append(pid_t pid, uint64_t address, struct trace_strings *strings, size_t *room)
{
    for (;;) {
        ssize_t n = -ENAMETOOLONG;
        if (*room > strings->length)
            n = trace_read_string(pid, address, strings->text + strings->length, *room - strings->length);
        if (n >= 0) {
            strings->length += (size_t)n + 1;
            strings->n++;
            return 0;
        }
        if (n != -ENAMETOOLONG)
            return (int)n;
        size_t more = *room == 0 ? FIRST_ROOM : 2 * *room;
        char *text = more > MOST_BYTES ? NULL : realloc(strings->text, more);
        if (text == NULL)
            return more > MOST_BYTES ? -E2BIG : -ENOMEM;
        strings->text = text;
        *room = more;
    }
}

int trace_read_strings(pid_t pid, uint64_t array, struct trace_strings *out)
{
    struct trace_strings strings = { 0 };
    size_t room = 0;
    for (;; array += sizeof(uint64_t)) {
        uint64_t pointer;
        ssize_t n = trace_read(pid, array, &pointer, sizeof pointer);
        int rc = n < 0 ? (int)n : n < (ssize_t)sizeof pointer ? -EFAULT : 0;
        if (rc == 0 && pointer == 0)
            break;
        if (rc == 0)
            rc = append(pid, pointer, &strings, &room);
        if (rc < 0) {
            free(strings.text);
            return rc;
        }
    }
    strings.behind = array + sizeof(uint64_t);
    *out = strings;
    return 0;
}

const char *trace_string(const struct trace_strings *strings, size_t i)
{
    if (i >= strings->n)
        return NULL;
    const char *text = strings->text;
    while (i-- > 0)
        text += strlen(text) + 1;
    return text;
}

void trace_strings_free(struct trace_strings *strings)
{
    free(strings->text);
    *strings = (struct trace_strings){ 0 };
}
