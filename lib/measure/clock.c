/* clock.c - the clock, and what it costs to look at it. */
#include <time.h>

#include "measure/measure.h"

double measure_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

double measure_clock_ns(void)
{
    enum { LOOKS = 1001 };
    double gaps[LOOKS];
    for (int i = 0; i < LOOKS; i++) {
        double before = measure_now_ns();
        gaps[i] = measure_now_ns() - before;
    }
    return measure_spread_of(gaps, LOOKS).median;
}
