/* quantity.c - a measured value as people write it, and its place on a log scale. */
#include "quantity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The scale of a unit is seven decades from here on. */
static const struct scale {
    const char *unit;
    double from;
    struct {
        double size;
        const char *name;
    } step[4];
} scales[] = {
    { "ns", 1e2, { { 1, "ns" }, { 1e3, "us" }, { 1e6, "ms" }, { 1e9, "s" } } },
    { "bytes/s", 1e4, { { 1, "B/s" }, { 1e3, "kB/s" }, { 1e6, "MB/s" }, { 1e9, "GB/s" } } },
};
enum { DECADES = 7 };

static const struct scale *scale_of(const char *unit)
{
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        if (strcmp(scales[i].unit, unit) == 0)
            return &scales[i];
    return NULL;
}

/* How much one of the unit that is written is, and its name. */
static double size_for(double value, const char *unit, const char **name)
{
    const struct scale *scale = scale_of(unit);
    *name = unit;
    double size = 1;
    for (int i = 0; scale != NULL && i < 4; i++)
        if (i == 0 || fabs(value) >= 0.9995 * scale->step[i].size) {
            size = scale->step[i].size;
            *name = scale->step[i].name;
        }
    return size;
}

static void number(double value, char *out, size_t size)
{
    double magnitude = fabs(value);
    int decimals = magnitude < 9.995 ? 2 : magnitude < 99.95 ? 1 : 0;
    snprintf(out, size, "%.*f", decimals, value);
}

void quantity_text(double value, const char *unit, char out[QUANTITY])
{
    const char *name;
    char digits[QUANTITY / 2];
    number(value / size_for(value, unit, &name), digits, sizeof digits);
    snprintf(out, QUANTITY, "%s %.10s", digits, name);
}

void quantity_spread(double like, const char *unit, double low, double high, const char *between, char out[SPREAD])
{
    const char *name;
    char from[QUANTITY / 2], to[QUANTITY / 2];
    double size = size_for(like, unit, &name);
    number(low / size, from, sizeof from);
    number(high / size, to, sizeof to);
    snprintf(out, SPREAD, "%s%.10s%s", from, between, to);
}

bool quantity_place(double value, const char *unit, double *place)
{
    const struct scale *scale = scale_of(unit);
    if (scale == NULL || value <= 0)
        return false;
    *place = fmin(fmax(log10(value / scale->from) / DECADES, 0), 1);
    return true;
}
