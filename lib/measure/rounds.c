/* rounds.c - contenders take turns, so that each round is one comparison under one set of conditions. */
#include <string.h>

#include "measure/measure.h"

static double sample_of(const struct measure_contender *who)
{
    double tries[MEASURE_TRIES];
    size_t n = who->tries == 0 || who->tries > MEASURE_TRIES ? MEASURE_TRIES : who->tries;
    for (size_t i = 0; i < n; i++)
        tries[i] = who->once(who->arg);
    return measure_spread_of(tries, n).median;
}

void measure_round(struct measure_contender *who, size_t n)
{
    size_t round = n > 0 ? who[0].n : MEASURE_ROUNDS;
    for (size_t i = 0; i < n && round < MEASURE_ROUNDS; i++) {
        struct measure_contender *next = &who[(i + round) % n];
        next->sample[round] = sample_of(next);
        next->n = round + 1;
    }
}

void measure_forget(struct measure_contender *who, size_t n)
{
    for (size_t i = 0; i < n; i++)
        who[i].n = 0;
}

struct measure_spread measure_spread_in(const struct measure_contender *who)
{
    double samples[MEASURE_ROUNDS];
    memcpy(samples, who->sample, who->n * sizeof *samples);
    return measure_spread_of(samples, who->n);
}

struct measure_spread measure_ratio(const struct measure_contender *a, const struct measure_contender *b)
{
    double ratios[MEASURE_ROUNDS];
    size_t n = a->n < b->n ? a->n : b->n;
    for (size_t i = 0; i < n; i++)
        ratios[i] = a->sample[i] / b->sample[i];
    return measure_spread_of(ratios, n);
}

enum measure_order measure_order_of(struct measure_spread ratio)
{
    if (ratio.n == 0)
        return MEASURE_UNDECIDED;
    return ratio.p10 > 1 ? MEASURE_MORE : ratio.p90 < 1 ? MEASURE_LESS : MEASURE_UNDECIDED;
}
