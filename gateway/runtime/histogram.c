/* histogram: see histogram.h. */
#include "gateway/runtime/histogram.h"

static const uint64_t bounds[][HISTOGRAM_BOUNDS] = {
    [HISTOGRAM_TIME] = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,
                        2500000, 10000000, 30000000},
    [HISTOGRAM_SIZE] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192},
};

const uint64_t *histogram_bounds(enum histogram_kind kind)
{
    return bounds[kind];
}

void histogram_add(struct histogram *histogram, enum histogram_kind kind, uint64_t value)
{
    size_t at = 0;
    while (at < HISTOGRAM_BOUNDS && value > bounds[kind][at])
        at++;
    histogram->counts[at]++;
    histogram->total++;
    histogram->sum += value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    into->sum += from->sum;
}
