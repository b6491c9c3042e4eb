/* overdue: whose messages wait for too long (setting unsent_alarm_minutes), told once when it
 * begins and once when it is over.
 *
 * Who uses it: care.c, on a pool thread, one look at a time. Pauses that were planned, and partners
 * that are switched off, are no fault. */
#ifndef GATEWAY_MAINTENANCE_OVERDUE_H
#define GATEWAY_MAINTENANCE_OVERDUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/data_folder/data_folder.h"

struct late;

struct late_edge {
    const char *partner;
    bool is_late;          /* else what waited has arrived, or none of it is so old any more */
    int64_t count, age_ms; /* of what waits */
};

/* NULL without memory. */
struct late *late_new(void);
void late_free(struct late *late);
/* What changed since the look before; in ARENA. */
size_t late_look(struct late *late, const struct office *office, struct arena *arena,
                 struct late_edge **ret_edges);
/* For a person. */
const char *late_say(struct arena *arena, const struct late_edge *edge);

#endif
