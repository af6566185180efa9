/* witness.c - the kernel's own events speak to claims that /proc has decided. */
#include "report/witness.h"

#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct kernel_watch *watch;
static struct kernel_event *events; /* kept to the end of the process */
static bool was_present;
static int error = -ENOTSUP; /* why there is no second witness */

void witness_begin(unsigned kinds)
{
    error = kernel_watch_begin(&watch, kinds);
}

void witness_until(enum kernel_kind kind, pid_t pid)
{
    if (error == 0)
        error = kernel_watch_until(watch, kind, pid);
}

/* What is the event's own, by the names it has in tracefs. */
static void add_fields(json_t *facts, const struct kernel_event *event)
{
    char text[24];
    switch (event->kind) {
    case KERNEL_FORK:
        json_object_set_new(facts, "child_pid", json_integer(event->other));
        break;
    case KERNEL_NEWTASK:
        snprintf(text, sizeof text, "%#" PRIx64, event->value);
        json_object_set_new(facts, "clone_flags", json_string(text));
        break;
    case KERNEL_SWITCH:
        json_object_set_new(facts, "prev_pid", json_integer(event->pid));
        json_object_set_new(facts, "prev_state", json_sprintf("%c", (char)event->value));
        json_object_set_new(facts, "next_pid", json_integer(event->other));
        break;
    case KERNEL_FAULT:
        snprintf(text, sizeof text, "%#" PRIx64, event->address);
        json_object_set_new(facts, "address", json_string(text));
        json_object_set_new(facts, "error_code", json_integer((json_int_t)event->value));
        break;
    case KERNEL_SIGNAL_SENT:
    case KERNEL_SIGNAL_TAKEN:
        json_object_set_new(facts, "sig", json_integer((json_int_t)event->value));
        break;
    default:
        break;
    }
}

/* Whom it is about. A switch has two sides, and one of them may be anybody's, the idle task (0), too; and who waits for any
 * child waits for 0. */
static pid_t about(const struct kernel_event *event)
{
    if (event->kind == KERNEL_SWITCH && event->other != 0 && (event->pid == 0 || *label_role(event->pid) == '\0'))
        return event->other;
    return event->pid != 0 ? event->pid : event->by;
}

/* Each as the kernel recorded it, at its own time; too many for a text. How many there are is another number in each run. */
static void emit_events(const struct witness *seen)
{
    if ((!run.json && run.html == NULL) || run.stable)
        return;
    for (size_t i = 0; i < seen->n; i++) {
        const struct kernel_event *from = &seen->event[i];
        json_t *event = event_new(DEMO_HERE, "observation");
        json_object_set_new(event, "source", json_sprintf("tracefs %s", kernel_name(from->kind)));
        json_object_set_new(event, "of", json_integer(about(from)));
        json_object_set_new(event, "of_role", json_string(label_role(about(from))));
        json_object_set_new(event, "at", json_integer(from->t_ns));
        json_t *facts = json_pack("{s:i, s:i}", "cpu", from->cpu, "by", (int)from->by);
        add_fields(facts, from);
        json_object_set_new(event, "facts", facts);
        event_keep(event);
        if (run.json)
            event_say(event);
        else
            json_decref(event);
    }
}

static void say_why_not(void)
{
    char text[64];
    const char *name = strerrorname_np(-error);
    if (error == -ENOTSUP || error == -EACCES)
        snprintf(text, sizeof text, "none here: root, tracefs and libtracefs needed");
    else
        snprintf(text, sizeof text, "none here: %s", name ? name : "an unknown error");
    demo_observe(0, "tracefs", demo_fact("events", (const char *)text));
}

struct witness witness_end(void)
{
    struct witness seen = { 0 };
    if (error == 0)
        error = kernel_watch_end(&watch, &events, &seen.n);
    else
        kernel_watch_drop(&watch);
    was_present = seen.present = error == 0;
    seen.event = events;
    if (seen.present)
        emit_events(&seen);
    else
        say_why_not();
    return seen;
}

void witness_says_at(struct demo_here here, const char *id, bool ok, const char *evidence, ...)
{
    size_t i = claim_index(id);
    enum verdict said = run.demo->claims[i].id == NULL ? NO_VERDICT : run.shared->verdict[i];
    if (said == NO_VERDICT) {
        dprintf(STDERR_FILENO, "%s: %s:%d: no verdict yet on claim %s\n", run.name, here.file, here.line, id);
        run.shared->died = true;
    }
    if (!was_present || said == NO_VERDICT || said == SKIPPED)
        return;
    bool agrees = ok == (said != REFUTED);
    run.shared->witnessed[i] = true;
    if (!agrees)
        run.shared->verdict[i] = REFUTED;
    json_t *event = event_new(here, "witness");
    json_object_set_new(event, "claim", json_string(id));
    json_object_set_new(event, "agrees", json_boolean(agrees));
    va_list args;
    va_start(args, evidence);
    event_text(event, "evidence", evidence, args);
    va_end(args);
    event_emit(event);
}

size_t witness_find(const struct witness *seen, size_t from, enum kernel_kind kind, pid_t pid)
{
    size_t i = from;
    while (i < seen->n && (seen->event[i].kind != kind || seen->event[i].pid != pid))
        i++;
    return i;
}
