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
    _Atomic int n_labels, n_announced;
    struct label {
        _Atomic pid_t pid;
        _Atomic pid_t parent, leader;    /* when it got its role: its parent; of a thread its process, else 0 */
        char role[16];
    } labels[MAX_LABELS];
};

struct run {
    const struct demo *demo;
    const char *name;                    /* that it is run by: the demo's, or proclab-NAME where it is installed */
    struct shared *shared;
    pid_t main_pid;
    bool json, quiet, stable, step, predict, colour, unicode;
    const char *without;                 /* --break */
    long options[MAX_OPTIONS];
    const char *words[MAX_OPTIONS];
    const char *html;                    /* --html: where the replay page goes, or NULL */
    bool readers_own;                    /* the reader gave it something to do: claims may stay without a verdict */
    char **args;                         /* behind the options, up to a NULL */
    pid_t pid;                           /* the one that stands there, or 0 */
};
extern struct run run __asm__("demo_run_state"); /* its link name: a program of the reader's own may have a run() */

/* options.c: fills run from the command line; ends the process for --help, --list, --why and wrong usage. */
void options_parse(int argc, char *argv[]);

/* labels.c: the number of a process in the order they were named, from 1; and its role, "" where it has none. */
int label_of(pid_t pid);
const char *label_role(pid_t pid);
/* Adds to the event, as "named", who got a role since the event before: with its parent, and a thread with its process. */
void labels_announce(json_t *event);

/* event.c: a new event with what every event has; NULL where there is no memory, which event_emit notices. */
json_t *event_new(struct demo_here here, const char *kind);
/* Adds a formatted text, any bytes, in a form that JSON and a terminal can take. */
void event_text(json_t *event, const char *key, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
json_t *event_string(const char *text);
/* Adds what only the start event has. */
void event_machine(json_t *event);
/* Puts the event in the replay page, where there is one, and nowhere else. */
void event_keep(const json_t *event);
/* Writes it to standard output in one write(2), and releases it. */
void event_say(json_t *event);
/* Both. */
void event_emit(json_t *event);

/* demo.c: a measure; and the verdict on a cost that the measurements do not decide. */
json_t *measure_event(struct demo_here here, const char *name, const char *unit, struct measure_spread spread);
void demo_undecided_at(struct demo_here here, const char *id, const char *evidence);

/* page.c: the replay page. page_begin sees that FILE can be written, before the first fork; page_write writes it: 0, or -errno
 * after a message. page_add keeps a line of JSON, of any process of the demo; NULL: there was no memory for one. */
int page_begin(void);
void page_add(const char *line, size_t length);
int page_write(void);

/* text.c: the event as whole lines of text, malloc'd; NULL and errno where that failed. */
char *text_render(const json_t *event, size_t *length);
/* Any other text of ours, broken into lines that begin below the first one's text; label stands before it. NULL as above. */
char *text_lines(const char *label, const char *text, size_t *length);

/* demo.c: the index of a claim, or of the empty element behind the last. */
size_t claim_index(const char *id);

const char *verdict_name(enum verdict verdict);
const char *kind_name(enum demo_kind kind);

#endif
