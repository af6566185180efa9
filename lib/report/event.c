/* event.c - everything reported is an event first; here it gets its fields and leaves in one write(2). */
#include "run.h"

#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <wchar.h>

#include "kernel/kernel.h"
#include "proc/proc.h"

/* Length of the printable character that text begins with, 0 where it is a control character or no UTF-8. */
static size_t printable(const char *text, size_t left)
{
    static locale_t utf8; /* of its own: the reader's locale may know no UTF-8 */
    if (*text >= ' ' && *text < 0x7f)
        return 1;
    if (utf8 == NULL && (utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL)) == NULL)
        return 0;
    locale_t before = uselocale(utf8);
    mbstate_t state = { 0 };
    wchar_t wide;
    size_t n = mbrtowc(&wide, text, left, &state);
    bool control = n <= MB_LEN_MAX && (wide < ' ' || (wide >= 0x7f && wide < 0xa0));
    uselocale(before);
    return n > MB_LEN_MAX || control ? 0 : n;
}

/* A process name may hold any byte: what neither JSON nor a terminal should be given becomes \xNN. */
json_t *event_string(const char *text)
{
    size_t length = strlen(text), used = 0;
    char *clean = malloc(4 * length + 1);
    if (clean == NULL)
        return NULL;
    for (size_t i = 0; i < length;) {
        size_t n = printable(text + i, length - i);
        if (n > 0)
            memcpy(clean + used, text + i, n);
        else
            sprintf(clean + used, "\\x%02x", (unsigned char)text[i]);
        used += n > 0 ? n : 4;
        i += n > 0 ? n : 1;
    }
    clean[used] = '\0';
    json_t *string = json_string(clean);
    free(clean);
    return string;
}

void event_text(json_t *event, const char *key, const char *format, va_list args)
{
    char *text;
    if (event == NULL)
        return;
    if (vasprintf(&text, format, args) < 0) {
        run.shared->output_error = ENOMEM;
        return;
    }
    json_object_set_new(event, key, event_string(text));
    free(text);
}

json_t *event_new(struct demo_here here, const char *kind)
{
    struct timespec now;
    if (run.quiet && run.html == NULL) /* nobody will see it: no event at all */
        return NULL;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pid_t pid = getpid(), tid = gettid();
    json_int_t t = now.tv_sec * 1000000000LL + now.tv_nsec;
    json_t *event = json_object(); /* member by member: json_pack() takes longer */
    json_object_set_new(event, "t", json_integer(run.stable ? 0 : t));
    json_object_set_new(event, "pid", json_integer(run.stable ? label_of(pid) : pid));
    json_object_set_new(event, "tid", json_integer(run.stable ? label_of(tid) : tid));
    json_object_set_new(event, "role", json_string(label_role(pid)));
    json_object_set_new(event, "file", json_string(here.file));
    json_object_set_new(event, "line", json_integer(here.line));
    json_object_set_new(event, "kind", json_string(kind));
    labels_announce(event);
    return event;
}

static bool can_see_frames(void)
{
    struct proc_page page;
    int on_stack = 1;
    return proc_pagemap_read(getpid(), &on_stack, 1, &page) == 1 && page.frame != 0;
}

void event_machine(json_t *event)
{
    struct utsname name = { 0 };
    uname(&name);
    long kib = sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE);
    json_t *machine = run.stable
                          ? json_object()
                          : json_pack("{s:o, s:s, s:I, s:I, s:i}", "kernel", event_string(name.release), "architecture",
                                      name.machine, "cpus", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "memory_kib",
                                      (json_int_t)kib, "user", (int)geteuid());
    json_t *abilities = json_array();
    if (proc_exists(getpid()) == 1)
        json_array_append_new(abilities, json_string("proc"));
    if (can_see_frames())
        json_array_append_new(abilities, json_string("frames"));
    if (kernel_may_watch())
        json_array_append_new(abilities, json_string("kernel events"));
    json_object_set_new(machine, "abilities", abilities);
    json_object_set_new(event, "machine", machine);
}

/* In one call where the kernel takes it in one: it may take less (a pipe that is nearly full), or be interrupted. */
static int write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, text, length);
        if (n >= 0) {
            text += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN) { /* whoever started us made it non-blocking */
            poll(&(struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT }, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static char *json_line(const json_t *event, size_t *length)
{
    char *line = json_dumps(event, JSON_COMPACT);
    if (line == NULL)
        return NULL;
    *length = strlen(line);
    line[(*length)++] = '\n'; /* in the place of the NUL */
    return line;
}

void event_keep(const json_t *event)
{
    size_t length = 0;
    if (run.html == NULL)
        return;
    char *line = event == NULL ? NULL : json_line(event, &length);
    page_add(line, length);
    free(line);
}

void event_emit(json_t *event)
{
    event_keep(event);
    event_say(event);
}

void event_say(json_t *event)
{
    size_t length = 0;
    char *line = NULL;
    if (run.quiet) {
        json_decref(event);
        return;
    }
    if (run.shared->output_error == 0 && event != NULL)
        line = run.json ? json_line(event, &length) : text_render(event, &length);
    if (line != NULL) {
        int rc = write_all(line, length);
        if (rc < 0)
            run.shared->output_error = -rc;
    } else if (run.shared->output_error == 0) {
        run.shared->output_error = ENOMEM;
    }
    free(line);
    json_decref(event);
}
