/* retention: how long what is kept (settings payload_days, ledger_days, store_max_bytes), in slices
 * so small that nobody waits for them.
 *
 * Who calls it: care.c, on a pool thread, one slice a second while there is something to do, else
 * once an hour. Finding is done beside the writer; the writer lets go of a few rows at a time. */
#ifndef GATEWAY_MAINTENANCE_RETENTION_H
#define GATEWAY_MAINTENANCE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/data_folder/data_folder.h"
#include "gateway/store/upkeep.h"

struct retention { /* zero at first; belongs to whoever runs the slices */
    struct store_sweep sweep;
    unsigned squeeze;    /* how often payload_days is halved, because of store_max_bytes */
    uint32_t free_below; /* segments of the journal that nobody needs */
    bool is_walk_over;   /* what is left is giving space back */
    uint64_t removed_rows, moved, removed_bodies, segments; /* since start */
};

/* True when there is more to do soon. */
bool retention_slice(struct retention *retention, const struct office *office);

#endif
