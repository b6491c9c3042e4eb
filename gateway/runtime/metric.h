/* metric: figures as Prometheus reads them (text exposition format 0.0.4), by one table
 * (metric.def).
 *
 * Whoever has figures puts them on a sheet, in any order; the sheet is printed in the order of the
 * table, each metric with its help and type. Called by local.c and the manual. Pure; a sheet lives
 * in its arena. */
#ifndef GATEWAY_RUNTIME_METRIC_H
#define GATEWAY_RUNTIME_METRIC_H

#include "base/arena.h"
#include "base/text.h"
#include "gateway/runtime/histogram.h"

enum metric {
#define METRIC(name, type, labels, help) METRIC_##name,
#include "gateway/runtime/metric.def"
#undef METRIC
    METRIC_COUNT
};

struct metric_sample;

struct metric_sheet {
    struct arena *arena;
    struct metric_sample *first[METRIC_COUNT];
    struct metric_sample **end[METRIC_COUNT];
};

void metric_sheet_start(struct metric_sheet *sheet, struct arena *arena);
/* FIRST and SECOND are the values of the labels in the table's order; NULL where there is none. */
void metric_put(struct metric_sheet *sheet, enum metric metric, const char *first,
                const char *second, double value);
/* Of a TIMES (microseconds) or SIZES metric. */
void metric_put_histogram(struct metric_sheet *sheet, enum metric metric,
                          const struct histogram *histogram);
void metric_print(const struct metric_sheet *sheet, struct text *out);
/* The table in Markdown, as docs/metrics.md holds it. */
void metric_manual(struct text *out);

#endif
