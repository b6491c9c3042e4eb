/* figures: gathers what /metrics shows from the parts that count. For service/service.c. */
#ifndef GATEWAY_MONITOR_FIGURES_H
#define GATEWAY_MONITOR_FIGURES_H

#include "gateway/data_folder/data_folder.h"
#include "gateway/delivery/sender.h"
#include "gateway/http/quota.h"
#include "gateway/inbound/worker.h"
#include "gateway/maintenance/care.h"
#include "gateway/runtime/metric.h"

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
