/* format.c - the layout of the events' records, which each kernel says of itself. */
#include "kernel/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>

/* The fields by name: kernels move them, change their size, and add others. */
static const struct source {
    const char *system, *pid, *other, *value, *address;
} sources[KERNEL_N_KINDS] = {
    [KERNEL_FORK] = { "sched", .pid = "parent_pid", .other = "child_pid" },
    [KERNEL_NEWTASK] = { "task", .pid = "pid", .value = "clone_flags" },
    [KERNEL_WAKEUP_NEW] = { "sched", .pid = "pid" },
    [KERNEL_WAKING] = { "sched", .pid = "pid" },
    [KERNEL_WAKEUP] = { "sched", .pid = "pid" },
    [KERNEL_SWITCH] = { "sched", .pid = "prev_pid", .other = "next_pid", .value = "prev_state" },
    [KERNEL_EXEC] = { "sched", .pid = "pid" },
    [KERNEL_EXIT] = { "sched", .pid = "pid" },
    [KERNEL_WAIT] = { "sched", .pid = "pid" },
    [KERNEL_FREE] = { "sched", .pid = "pid" },
    [KERNEL_FAULT] = { "exceptions", .pid = "common_pid", .value = "error_code", .address = "address" },
    [KERNEL_SIGNAL_SENT] = { "signal", .pid = "pid", .value = "sig" },
    [KERNEL_SIGNAL_TAKEN] = { "signal", .pid = "common_pid", .value = "sig" },
};

const char *kernel_system(enum kernel_kind kind)
{
    return sources[kind].system;
}

/* False: the event has no such field. NULL is a field that is not asked for. */
static bool find(struct tep_event *event, const char *name, struct tep_format_field **field)
{
    *field = name ? tep_find_any_field(event, name) : NULL;
    return name == NULL || *field != NULL;
}

static bool find_all(struct tep_event *event, const struct source *source, struct kernel_format *format)
{
    return find(event, source->pid, &format->pid) && find(event, source->other, &format->other) &&
           find(event, source->value, &format->value) && find(event, source->address, &format->address);
}

/* The bits of prev_state have changed their meaning more than once (0x10 was Z and is X since Linux 4.14). The
 * format has the kernel's own table: { 0x00000001, "S" }, ... A bit that it does not name marks a task that was
 * preempted ("R+"). */
static void load_states(char *state, const char *format)
{
    for (const char *at = strchr(format, '{'); at != NULL; at = strchr(at + 1, '{')) {
        unsigned bit;
        char letter;
        if (sscanf(at, "{ %x , \"%c\" }", &bit, &letter) == 2 && bit != 0)
            state[__builtin_ctz(bit)] = letter;
    }
}

static int load(struct kernel_formats *formats, enum kernel_kind kind)
{
    const struct source *source = &sources[kind];
    const char *name = kernel_name(kind);
    int len;
    char *text = tracefs_event_file_read(NULL, source->system, name, "format", &len);
    if (text == NULL)
        return errno == ENOMEM ? -ENOMEM : 0;
    if (tep_parse_event(formats->tep, text, (unsigned long)len, source->system) == 0) {
        struct tep_event *event = tep_find_event_by_name(formats->tep, source->system, name);
        if (event != NULL && find_all(event, source, &formats->of[kind]))
            formats->of[kind].id = event->id;
        if (kind == KERNEL_SWITCH)
            load_states(formats->state, text);
    }
    free(text);
    return 0;
}

/* The head of each page has a field of the kernel's word size, which need not be ours. */
static int load_page(struct kernel_formats *formats)
{
    int len;
    char *text = tracefs_instance_file_read(NULL, "events/header_page", &len);
    if (text == NULL)
        return errno > 0 ? -errno : -ENOTSUP;
    int rc = tep_parse_header_page(formats->tep, text, (unsigned long)len, sizeof(long));
    free(text);
    if (rc < 0)
        return -EBADMSG;
    formats->page = kbuffer_alloc(tep_get_header_page_size(formats->tep) == 8 ? KBUFFER_LSIZE_8 : KBUFFER_LSIZE_4,
                                  tep_is_local_bigendian(formats->tep) ? KBUFFER_ENDIAN_BIG : KBUFFER_ENDIAN_LITTLE);
    return formats->page != NULL ? 0 : -ENOMEM;
}

int kernel_formats_load(struct kernel_formats *formats, unsigned kinds)
{
    *formats = (struct kernel_formats){ .tep = tep_alloc() };
    if (formats->tep == NULL)
        return -ENOMEM;
    int rc = load_page(formats);
    for (enum kernel_kind kind = 0; kind < KERNEL_N_KINDS && rc == 0; kind++) {
        formats->of[kind].id = -1;
        if (kinds & 1U << kind)
            rc = load(formats, kind);
    }
    return rc;
}

void kernel_formats_free(struct kernel_formats *formats)
{
    kbuffer_free(formats->page);
    tep_free(formats->tep);
    *formats = (struct kernel_formats){ 0 };
}

static uint64_t number(const struct tep_format_field *field, const void *data)
{
    unsigned long long value = 0;
    if (field != NULL)
        tep_read_number_field((struct tep_format_field *)field, data, &value);
    return value;
}

static char state_letter(const struct kernel_formats *formats, uint64_t bits)
{
    for (size_t bit = 0; bit < sizeof formats->state; bit++)
        if (bits >> bit & 1 && formats->state[bit] != 0)
            return formats->state[bit];
    return 'R';
}

bool kernel_decode(const struct kernel_formats *formats, void *data, int size, struct kernel_event *event)
{
    struct tep_record record = { .data = data, .size = size };
    int id = tep_data_type(formats->tep, &record);
    enum kernel_kind kind = 0;
    while (kind < KERNEL_N_KINDS && formats->of[kind].id != id)
        kind++;
    if (kind == KERNEL_N_KINDS)
        return false;
    const struct kernel_format *format = &formats->of[kind];
    *event = (struct kernel_event){
        .kind = kind,
        .by = tep_data_pid(formats->tep, &record),
        .pid = (pid_t)number(format->pid, data),
        .other = (pid_t)number(format->other, data),
        .value = number(format->value, data),
        .address = number(format->address, data),
    };
    if (kind == KERNEL_SWITCH)
        event->value = (uint64_t)state_letter(formats, event->value);
    return true;
}
