/* spread.c - the median of samples and what lies around it. */
#include "measure/measure.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The smallest sample that has at least percent of all at or below it. */
static double rank(const double *sorted, size_t n, size_t percent)
{
    return sorted[(n * percent + 99) / 100 - 1];
}

struct measure_spread measure_spread_of(double *samples, size_t n)
{
    if (n == 0)
        return (struct measure_spread){ 0 };
    qsort(samples, n, sizeof *samples, by_size);
    double median = n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
    return (struct measure_spread){
        .median = median,
        .p10 = rank(samples, n, 10),
        .p90 = rank(samples, n, 90),
        .min = samples[0],
        .max = samples[n - 1],
        .n = n,
    };
}
