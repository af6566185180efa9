/* cost.h - the verbs of a demo that measures (measure.h), beside those of demo.h.
 *
 *     static struct measure_contender create[] = { { "fork+exit+wait", fork_exit_wait }, ... };
 *     cost_machine();                               what the numbers depend on
 *     cost_rounds(create, n, 0.6);                  six tenths of the time that this run may take
 *     cost_show(create, n, "ns");                   each with its median, its spread and a bar
 *     cost_check("cost.create", measure_order_of(measure_ratio(&create[0], &create[1])), "...");
 *
 * With --stable what was measured gets a label, in the evidence of a verdict too if it goes through cost_text. */
/* clang-format off */
#ifndef PROCLAB_COST_H
#define PROCLAB_COST_H

#include <stddef.h>

#include "measure/measure.h"
#include "report/demo.h"

/* Options of such a demo: how long it measures, in seconds; a third of that. */
#define COST_OPTIONS(seconds)                                       \
    { "seconds", "Measure for about N seconds", seconds, 0, 3600 }, \
    { "quick", "A third of that" }

/* The time that this share (0 to 1) of the demo may take, in ns. PROCLAB_SECONDS in the environment: so many at most, in all. */
double cost_budget_ns(double share);
/* Is there none at all (--seconds 0)? Then a demo does as little as it can, which shows that it works, and no more. */
bool cost_no_time(void);

/* Rounds of these until that share of the time is over: one that does not count, then 3 to MEASURE_ROUNDS. Says on standard
 * error how far it is, where that is a terminal. */
void cost_rounds(struct measure_contender *who, size_t n, double share);

/* An observation: measure_machine_read() as facts. */
#define cost_machine() cost_machine_at(DEMO_HERE)
/* A measure of each, with a bar on a log scale of seven decades: from 100 ns to 1 s, or from 10 kB/s to 100 GB/s.
 * unit: "ns" or "bytes/s"; the bar is for these two. */
#define cost_show(who, n, unit) cost_show_at(DEMO_HERE, who, n, unit)
/* The same where a table (demo_table) follows that shows them: --json has them, the text does not. */
#define cost_store(who, n, unit) cost_store_at(DEMO_HERE, who, n, unit)

/* The verdict on a cost, by an order of measure_order_of: MEASURE_MORE holds, MEASURE_LESS differs; what is not decided is
 * skipped as not decidable here. Evidence is a printf format and its arguments. */
#define cost_check(id, order, ...) cost_check_at(DEMO_HERE, id, order, __VA_ARGS__)

/* A table "the course says | here | so it", three cells a row (see demo_table); nothing where n is 0. source: what the values
 * are, or where they are from. */
#define cost_compare(source, rows, n) cost_compare_at(DEMO_HERE, source, (const char *const(*)[3])(rows), n)
/* What goes into "so it" for a cost: "holds", "differs" or "is not decided"; with --stable "?". */
const char *cost_so(enum measure_order order);

/* A value of this unit ("ns", "bytes/s", "times") to three digits: "1.04 ms", "3.41 GB/s", "12.3 times"; with --stable a
 * label. Lives until the 64th call after it, so a table may hold as many. */
const char *cost_text(double value, const char *unit);
/* median and spread: "1.04 ms (0.98 to 1.31)". As cost_text. */
const char *cost_spread_text(struct measure_spread spread, const char *unit);

void cost_machine_at(struct demo_here here);
void cost_show_at(struct demo_here here, const struct measure_contender *who, size_t n, const char *unit);
void cost_store_at(struct demo_here here, const struct measure_contender *who, size_t n, const char *unit);
void cost_compare_at(struct demo_here here, const char *source, const char *const rows[][3], size_t n);
void cost_check_at(struct demo_here here, const char *id, enum measure_order order, const char *evidence, ...) DEMO_PRINTF(4);

#endif
