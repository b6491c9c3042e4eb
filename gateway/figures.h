/* figures: gathers what /metrics shows from the parts that count. For gateway.c. */
#ifndef GATEWAY_FIGURES_H
#define GATEWAY_FIGURES_H

#include "gateway/care.h"
#include "gateway/courier.h"
#include "gateway/metric.h"
#include "gateway/office.h"
#include "gateway/quota.h"
#include "gateway/station.h"

struct figures_from {
    const struct office *office;
    struct station *const *stations;
    unsigned station_count;
    struct quotas *quotas;
    const struct courier *courier;
    const struct care *care;
    int64_t started_ms; /* wall */
};

/* What the loop knows; on the loop. */
void figures_of_loop(const struct figures_from *from, struct metric_sheet *sheet);
/* What the store and the disk know; on a pool thread. SETUP is released. */
void figures_of_store(struct setup *setup, struct metric_sheet *sheet);

#endif
