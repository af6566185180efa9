/* run.h - what the files of this folder share: one run of one demo. Private. */
/* clang-format off */
#ifndef PROCLAB_RUN_H
#define PROCLAB_RUN_H

#include <jansson.h>
#include <stdarg.h>

#include "report/demo.h"

enum { STATUS_HOLDS = 0, STATUS_REFUTED = 1, STATUS_USAGE = 64, STATUS_BROKE = 70, STATUS_SKIPPED = 77 };
enum verdict { NO_VERDICT, HOLDS, REFUTED, DIFFERS, SKIPPED, N_VERDICTS };
enum { MAX_CLAIMS = 64, MAX_OPTIONS = 8, MAX_PREDICTIONS = 16, MAX_LABELS = 64, SCHEMA_VERSION = 1 };

/* Seen by every process of the demo: mapped shared before the first fork. */
struct shared {
    _Atomic int output_error;            /* errno of the first write of the report that failed */
    _Atomic bool died;                   /* some process of ours ended in demo_die */
    _Atomic unsigned char verdict[MAX_CLAIMS];
    _Atomic bool witnessed[MAX_CLAIMS];  /* the kernel's events said something of it, too */
    _Atomic bool measured[MAX_CLAIMS];   /* its verdict comes from what was measured, and may change from run to run */
    _Atomic int step_n;
    _Atomic bool looked;                 /* the reader could look already in this step */
    _Atomic int answers[MAX_PREDICTIONS]; /* --predict: the choice, counted from 1; 0: none */
    _Atomic int n_labels;
    struct label {
        _Atomic pid_t pid;
        char role[16];
    } labels[MAX_LABELS];
};

struct run {
    const struct demo *demo;
    const char *name;
    struct shared *shared;
    pid_t main_pid;
    bool json, stable, step, predict, colour, unicode;
    const char *without;                 /* --break */
    long options[MAX_OPTIONS];
    const char *words[MAX_OPTIONS];
    bool readers_own;                    /* the reader gave it something to do: claims may stay without a verdict */
    char **args;                         /* behind the options, up to a NULL */
    pid_t pid;                           /* the one that stands there, or 0 */
};
extern struct run run;

/* options.c: fills run from the command line; ends the process for --help, --list, --why and wrong usage. */
void options_parse(int argc, char *argv[]);

/* labels.c: the number of a process in the order they were named, from 1; and its role, "" where it has none. */
int label_of(pid_t pid);
const char *label_role(pid_t pid);

/* event.c: a new event with what every event has; NULL where there is no memory, which event_emit notices. */
json_t *event_new(struct demo_here here, const char *kind);
/* Adds a formatted text, any bytes, in a form that JSON and a terminal can take. */
void event_text(json_t *event, const char *key, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
json_t *event_string(const char *text);
/* Adds what only the start event has. */
void event_machine(json_t *event);
/* Writes the event, in one write(2), and releases it. */
void event_emit(json_t *event);

/* demo.c: a measure; and the verdict on a cost that the measurements do not decide. */
json_t *measure_event(struct demo_here here, const char *name, const char *unit, struct measure_spread spread);
void demo_undecided_at(struct demo_here here, const char *id, const char *evidence);

/* text.c: the event as whole lines of text, malloc'd; NULL and errno where that failed. */
char *text_render(const json_t *event, size_t *length);
/* Any other text of ours, broken into lines that begin below the first one's text; label stands before it. NULL as above. */
char *text_lines(const char *label, const char *text, size_t *length);

/* demo.c: the index of a claim, or of the empty element behind the last. */
size_t claim_index(const char *id);

const char *verdict_name(enum verdict verdict);
const char *kind_name(enum demo_kind kind);

#endif
