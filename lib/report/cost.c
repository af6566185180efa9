/* cost.c - the verbs of a demo that measures. */
#include "report/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quantity.h"
#include "run.h"

enum { FEWEST_ROUNDS = 3, TEXTS = 64 };

double cost_budget_ns(double share)
{
    double seconds = (double)demo_option("seconds") / (demo_option("quick") ? 3 : 1);
    const char *most = getenv("PROCLAB_SECONDS");
    return 1e9 * share * (most == NULL ? seconds : fmin(seconds, fmax(atof(most), 0)));
}

bool cost_no_time(void)
{
    return cost_budget_ns(1) == 0;
}

/* done below 0: takes the line away again. */
static void progress(double done)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (done < 0)
        dprintf(STDERR_FILENO, "\r%20s\r", "");
    else
        dprintf(STDERR_FILENO, "\r     measuring %3.0f %%", 100 * done);
}

void cost_rounds(struct measure_contender *who, size_t n, double share)
{
    double begin = measure_now_ns(), budget = cost_budget_ns(share), past = 0;
    measure_forget(who, n);
    measure_round(who, n);
    measure_forget(who, n);
    while (who->n < MEASURE_ROUNDS && (who->n < FEWEST_ROUNDS || past < budget)) {
        measure_round(who, n);
        past = measure_now_ns() - begin;
        progress(past < budget ? past / budget : 1);
    }
    progress(-1);
}

void cost_machine_at(struct demo_here here)
{
    struct measure_machine machine = measure_machine_read();
    char clock[QUANTITY];
    quantity_text(measure_clock_ns(), "ns", clock);
    demo_observe_at(here, 0, "/proc/cpuinfo, /sys, perf_event_open",
                    (const struct demo_fact[]){
                        demo_fact("cpu", demo_mask(machine.cpu, "CPU")),
                        demo_fact("guest", demo_mask(machine.guest, "?")),
                        demo_fact("page-table-isolation", demo_mask(machine.pti, "?")),
                        demo_fact("pcid", demo_mask(machine.pcid, "?")),
                        demo_fact("smt", demo_mask(machine.smt, "?")),
                        demo_fact("huge-pages", demo_mask(machine.thp, "?")),
                        demo_fact("governor", demo_mask(machine.governor, "?")),
                        demo_fact("counters", demo_mask(machine.counters, "?")),
                        demo_fact("clock", demo_mask(machine.clock, "?")),
                        demo_fact("clock-read", demo_mask(clock, "TIME")),
                        { 0 },
                    });
}

void cost_show_at(struct demo_here here, const struct measure_contender *who, size_t n, const char *unit)
{
    for (size_t i = 0; i < n; i++)
        demo_measure_at(here, who[i].name, unit, measure_spread_in(&who[i]));
}

void cost_store_at(struct demo_here here, const struct measure_contender *who, size_t n, const char *unit)
{
    for (size_t i = 0; i < n; i++) {
        json_t *event = measure_event(here, who[i].name, unit, measure_spread_in(&who[i]));
        json_object_set_new(event, "tabled", json_true());
        event_emit(event);
    }
}

void cost_check_at(struct demo_here here, const char *id, enum measure_order order, const char *evidence, ...)
{
    char text[512];
    va_list args;
    va_start(args, evidence);
    vsnprintf(text, sizeof text, evidence, args);
    va_end(args);
    if (order == MEASURE_UNDECIDED)
        demo_undecided_at(here, id, text);
    else
        demo_check_at(here, id, order == MEASURE_MORE, "%s", text);
}

const char *cost_so(enum measure_order order)
{
    static const char *const so[] = { "differs", "is not decided", "holds" };
    return demo_mask(so[order - MEASURE_LESS], "?");
}

void cost_compare_at(struct demo_here here, const char *source, const char *const rows[][3], size_t n)
{
    static const char *const columns[] = { "the course says", "here", "so it", NULL };
    if (n > 0)
        demo_table_at(here, 0, source, columns, rows[0], n);
}

static char *next_text(void)
{
    static char texts[TEXTS][QUANTITY + SPREAD];
    static unsigned used;
    return texts[used++ % TEXTS];
}

/* In a transcript that is compared: what kind of value stood there. */
static const char *label_of_unit(const char *unit)
{
    return strcmp(unit, "ns") == 0 ? "TIME" : strcmp(unit, "bytes/s") == 0 ? "RATE" : "N";
}

const char *cost_text(double value, const char *unit)
{
    char *text = next_text();
    quantity_text(value, unit, text);
    return demo_mask(text, label_of_unit(unit));
}

const char *cost_spread_text(struct measure_spread spread, const char *unit)
{
    char *text = next_text(), around[SPREAD];
    quantity_text(spread.median, unit, text);
    quantity_spread(spread.median, unit, spread.p10, spread.p90, " to ", around);
    snprintf(text + strlen(text), QUANTITY + SPREAD - strlen(text), " (%s)", around);
    return demo_mask(text, label_of_unit(unit));
}
