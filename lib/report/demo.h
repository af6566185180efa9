/* demo.h - a demo says what it expects, what it does, what the kernel says, and gives a verdict.
 *
 * What a demo is, is data: struct demo. What it does is one function that reads from top to bottom and uses these verbs:
 *   demo_step     a new step of the lesson            demo_check    the verdict on a claim, with its evidence
 *   demo_act      what the demo itself just did       demo_skip     a claim that cannot be shown here, and why
 *   demo_observe  what was looked up, fact by fact    demo_measure  a cost with its spread
 *   demo_look     how the reader can look as well     demo_die      a call that failed: the end, status 70
 * Each becomes one event, and each event leaves in one write(2), as text or as a line of JSON, so that the processes of a
 * demo can report in turn. Use them in any child of a fork of a single-threaded process; never in a signal handler, a
 * vfork or CLONE_VM child or the child of a multithreaded process: store plain data there and let the parent report it. */
/* clang-format off */
#ifndef PROCLAB_DEMO_H
#define PROCLAB_DEMO_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "measure/measure.h"

enum demo_kind {
    DEMO_FACT,                           /* must hold on every Linux: holds or refuted */
    DEMO_COST,                           /* measured against the text: holds or differs, never refuted */
    DEMO_CAVEAT,                         /* the text simplifies: differs when Linux does what we say it does, else refuted */
};
struct demo_claim {
    const char *id, *sentence;
    enum demo_kind kind;
    const char *differs;                 /* a cost or a caveat: why the text and Linux differ, in one sentence */
};
struct demo_break {                      /* --break WHAT */
    const char *what;
    const char *refutes;                 /* the claim that must then fail; if it is a cost: that must then not hold */
    const char *does;                    /* "never waits for the child" */
};
struct demo_option {                     /* --NAME N */
    const char *name, *help;
    long preset, min, max;               /* max 0: it takes nothing, and is 1 where it is given */
    const char *word;                    /* not NULL: it takes a word, by this name in --help, and no number */
};
struct demo_prediction {                 /* asked by --predict when its step begins, compared when its claim is decided */
    int step;
    const char *claim, *ask;
    const char *choices[4];
    int right;                           /* index of the choice that comes true when the claim holds */
    const char *because;                 /* why, and what the others mistake; said when the claim is decided */
};
struct demo {
    const char *name, *title, *sizes;    /* sizes: what those in the names of its measures count ("MiB"), NULL: none */
    const struct demo_claim *claims;     /* these four end with an empty element */
    const struct demo_break *breaks;     /* the first one is what a bare --break means */
    const struct demo_option *options;
    const struct demo_prediction *predictions;
    void (*run)(void);
    const char *args;                    /* what may stand behind the options ("PROGRAM"), NULL: nothing */
    const char *(*wrong)(void);          /* what is wrong with what was given (status 64), NULL: nothing; asked first */
    bool takes_pid;                      /* or: one PID may stand there, which demo_arg_pid() gives */
    const char *why;                     /* --why: lines of at most 79 columns */
    const char *next;                    /* the demo to run after this one, NULL: it is the last */
};

/* Takes the options, puts the process in a known state (sync_begin), runs the demo and says how it ended; main returns
 * what it returns: 0 every fact holds, 1 a fact was refuted, 77 nothing could be shown, 64 wrong usage, 70 set-up broke. */
int demo_run(int argc, char *argv[], const struct demo *demo);

struct demo_here { const char *file; int line; };
#define DEMO_HERE ((struct demo_here){ __FILE__, __LINE__ })
#define DEMO_PRINTF(n) __attribute__((format(printf, n, n + 1)))

/* Where each ends in "...", a printf format and its arguments. */
#define demo_step(...)            demo_step_at(DEMO_HERE, __VA_ARGS__)
#define demo_act(target, ...)     demo_act_at(DEMO_HERE, target, __VA_ARGS__)  /* target: the other process meant, or 0 */
#define demo_look(...)            demo_look_at(DEMO_HERE, __VA_ARGS__)         /* a command; --step waits here */
#define demo_check(id, ok, ...)   demo_check_at(DEMO_HERE, id, ok, __VA_ARGS__)  /* once for each claim */
#define demo_skip(id, ...)        demo_skip_at(DEMO_HERE, id, __VA_ARGS__)     /* the reason, and what would help */
#define demo_skip_rest(...)       demo_skip_rest_at(DEMO_HERE, __VA_ARGS__)    /* all claims that have no verdict yet */
#define demo_measure(name, unit, spread) demo_measure_at(DEMO_HERE, name, unit, spread)

/* What source says of process "of" (0: of the machine), each fact by its name there. In source, "/proc/PID" stands for the
 * entry of that process. demo_observe(child, "/proc/PID/stat", demo_fact("state", 'Z'), demo_fact("threads", 1)); */
#define demo_observe(of, source, ...) \
    demo_observe_at(DEMO_HERE, of, source, (const struct demo_fact[]){ __VA_ARGS__, { 0 } })
/* The same as a table. columns, 8 at most, ends with NULL; rows holds n_rows times as many cells; the first cell of each
 * row is its name, and no other row's. */
#define demo_table(of, source, columns, rows, n_rows) demo_table_at(DEMO_HERE, of, source, columns, rows, n_rows)
struct demo_fact { const char *name; char type; int64_t number; const char *text; };  /* text need not outlive the call */
#define demo_fact(name, value)                                                                              \
    _Generic((value), char: demo_fact_char, char *: demo_fact_text, const char *: demo_fact_text,           \
             unsigned long: demo_fact_unsigned, default: demo_fact_number)(name, value)
struct demo_fact demo_fact_char(const char *name, char value);
struct demo_fact demo_fact_text(const char *name, const char *value);
struct demo_fact demo_fact_number(const char *name, int64_t value);
struct demo_fact demo_fact_unsigned(const char *name, uint64_t value);
struct demo_fact demo_fact_pid(const char *name, pid_t value);
struct demo_fact demo_fact_link(const char *name, const char *link);    /* "pipe:[4711]" */
struct demo_fact demo_fact_page(const char *name, const char *cells);  /* one character a page: shown as a grid */
struct demo_fact demo_fact_frames(const char *name, const uint64_t *frames, size_t n);  /* of that grid's pages, for programs */

/* For a call the lesson cannot go on without: names it (a printf format: the call and its arguments), with the errno name.
 * The demo ends with 70. demo_need(rc, ...) does so where a function of this library returned -errno. */
#define demo_die(...) _exit(demo_died(DEMO_HERE, errno, __VA_ARGS__))
#define demo_need(rc, ...)                                                \
    do {                                                                  \
        int need_rc_ = (rc);                                              \
        if (need_rc_ < 0)                                                 \
            _exit(demo_died(DEMO_HERE, -need_rc_, __VA_ARGS__));          \
    } while (0)
/* For what stands behind the options and cannot be shown: says why, and the demo ends with 77. */
#define demo_cannot(...) _exit(demo_refused(__VA_ARGS__))

/* Is it the essential part that --break took out? */
bool demo_without(const char *what);
/* The value of an option of the demo's own. */
long demo_option(const char *name);
/* The word that was given with such an option, or NULL. */
const char *demo_word(const char *name);
/* What stands behind the options, up to a NULL. With any, or with a word, claims without a verdict are none of this run's. */
char **demo_args(void);
/* The PID that stands there, or 0. */
pid_t demo_arg_pid(void);
/* Gives a process the name it is reported by ("child"); the one demo_run was called in is the "parent". */
void demo_role(pid_t pid, const char *role);
/* A PID, an address or a frame number for a format's %s; with --stable a label that is the same in every run. Lives until
 * the eighth call after it. */
const char *demo_pid(pid_t pid);
const char *demo_address(const void *address);
const char *demo_frame(uint64_t frame);
/* The text, or with --stable the label in its place: for what is another one on each machine, "132 KiB". */
const char *demo_mask(const char *text, const char *label);
/* The signals of a set in /proc/PID/status, "SIGUSR1 SIGUSR2" or "none"; without the two that glibc keeps for itself. */
const char *demo_signals(uint64_t set);

void demo_step_at(struct demo_here here, const char *text, ...) DEMO_PRINTF(2);
void demo_act_at(struct demo_here here, pid_t target, const char *text, ...) DEMO_PRINTF(3);
void demo_look_at(struct demo_here here, const char *command, ...) DEMO_PRINTF(2);
void demo_check_at(struct demo_here here, const char *id, bool ok, const char *evidence, ...) DEMO_PRINTF(4);
void demo_skip_at(struct demo_here here, const char *id, const char *reason, ...) DEMO_PRINTF(3);
void demo_skip_rest_at(struct demo_here here, const char *reason, ...) DEMO_PRINTF(2);
void demo_measure_at(struct demo_here here, const char *name, const char *unit, struct measure_spread spread);
void demo_observe_at(struct demo_here here, pid_t of, const char *source, const struct demo_fact *facts);
void demo_table_at(struct demo_here here, pid_t of, const char *source, const char *const columns[], const char *const rows[],
                   size_t n_rows);
int demo_died(struct demo_here here, int error, const char *call, ...) DEMO_PRINTF(3);
int demo_refused(const char *reason, ...) DEMO_PRINTF(1);

#endif
