/* histogram: how often a figure fell between which bounds, in the form Prometheus reads. Counted by
 * http, courier and writer, each in one thread or under its own lock; printed by metric.c. */
#ifndef GATEWAY_RUNTIME_HISTOGRAM_H
#define GATEWAY_RUNTIME_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 14 };

enum histogram_kind {
    HISTOGRAM_TIME, /* microseconds: from 0.5 ms to 30 s */
    HISTOGRAM_SIZE  /* a number of things: 1, 2, 4, ... */
};

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* the last one: beyond all bounds */
    uint64_t total;
    uint64_t sum;
};

/* The upper bounds, each part of its interval. */
const uint64_t *histogram_bounds(enum histogram_kind kind);
void histogram_add(struct histogram *histogram, enum histogram_kind kind, uint64_t value);
/* Adds FROM to INTO. */
void histogram_merge(struct histogram *into, const struct histogram *from);

#endif
