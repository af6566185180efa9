/* measure.h - numbers with their spread. A cost is never one number: it is a median, what lies around it, and how often
 * it was taken. Nothing here decides anything. */
#ifndef PROCLAB_MEASURE_H
#define PROCLAB_MEASURE_H

#include <stddef.h>

/* Of n samples, in their unit. p10 and p90: a tenth of them lie below, a tenth above (nearest rank). n 0: all zero. */
struct measure_spread {
    double median, p10, p90, min, max;
    size_t n;
};

/* Sorts the samples in place and says how they lie. */
struct measure_spread measure_spread_of(double *samples, size_t n);

#endif
