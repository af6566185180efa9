/* tour.h - what the files of this folder share: the demos that were run, and what each said. Private. */
/* clang-format off */
#ifndef PROCLAB_TOUR_H
#define PROCLAB_TOUR_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

enum verdict { NO_VERDICT, HOLDS, DIFFERS, SKIPPED, REFUTED, N_VERDICTS };
enum { STATUS_HOLDS = 0, STATUS_USAGE = 64, STATUS_BROKE = 70, STATUS_SKIPPED = 77 };

/* What it borrows lives as long as its visit. */
struct claim {
    const char *id, *kind, *sentence;
    enum verdict verdict;
    const char *evidence;                /* never NULL */
    const char *reason;                  /* where it differs or is skipped: in a sentence, why; else "" */
};

/* One demo of the tour. */
struct visit {
    const char *name;
    bool ran;
    bool quick;                          /* it measures, and had to be quick about it */
    bool page;                           /* there is a replay page of this run */
    int status;                          /* as a shell has it: 128 and the signal's number where one killed it */
    char failure[160];                   /* how it failed, "" where it did not: a refuted claim is no failure of the demo */
    char *complaint;                     /* what it wrote to stderr then, or NULL */
    double seconds;
    struct claim *claims;
    size_t n_claims;
    int count[N_VERDICTS];
    char *list;                          /* what --list printed: ids, kinds and sentences point into it */
    json_t *events;                      /* what --json printed: evidence and reasons point into it */
};

struct tour {
    const char *folder;                  /* where the demos are */
    const char *html;                    /* where the pages go, or NULL */
    bool full;                           /* costs are measured as long as it takes to measure them well */
    struct visit *visits;
    size_t n_visits;
    int interrupted;                     /* the signal that ended it early, or 0 */
    double seconds;
    sigset_t before;                     /* the signals that were blocked when we started */
};

/* visit.c: runs one demo and fills its visit. SIGINT, SIGTERM, SIGHUP and SIGCHLD must be blocked: the first three are passed
 * on to the demo, which ends the tour. */
void visit_run(struct tour *tour, struct visit *visit);
void visit_free(struct visit *visit);
/* The string of that name in an event, "" where there is none. */
const char *visit_string(const json_t *event, const char *key);
double visit_now(void); /* s, CLOCK_MONOTONIC */

/* claims.c: what --list and --json printed (which is freed with the visit), as claims and their verdicts. */
void claims_declare(struct visit *visit, char *list);
void claims_decide(struct visit *visit, FILE *events);
int claims_count(const struct tour *tour, enum verdict verdict);

/* text.c: one line about a demo, and what there is to say about them all at the end. Both return 0, or -errno where it could
 * not be written. */
void text_begin(void);
void text_progress(const struct tour *tour, const struct visit *visit);
int text_visit(const struct visit *visit);
int text_end(const struct tour *tour);

/* index.c: writes index.html. 0, or -errno after a message. */
int index_write(const struct tour *tour);

#endif
