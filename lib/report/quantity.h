/* quantity.h - a measured value as people write it. Private. */
#ifndef PROCLAB_QUANTITY_H
#define PROCLAB_QUANTITY_H

#include <stdbool.h>

enum { QUANTITY = 24, SPREAD = 48 };

/* Of unit "ns": "1.04 ms"; of "bytes/s": "3.41 GB/s"; of any other: the number and its unit. To three digits. */
void quantity_text(double value, const char *unit, char out[QUANTITY]);
/* Two values in the unit that fits the first argument, without it: "0.98", "1.31". */
void quantity_spread(double like, const char *unit, double low, double high, const char *between, char out[SPREAD]);
/* Where a value lies on the log scale of its unit, from 0 to 1. False: a unit without one. */
bool quantity_place(double value, const char *unit, double *place);

#endif
