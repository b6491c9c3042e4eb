/* disk: is there room left, and what follows (settings disk_low_bytes, disk_low_percent,
 * disk_stop_bytes). Pure but for disk_measure. Who uses it: care.c, `refgate check`. */
#ifndef GATEWAY_MAINTENANCE_DISK_H
#define GATEWAY_MAINTENANCE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "config/config.h"

struct disk_room { /* bytes of the file system */
    uint64_t free, all;
};
/* False when the system does not say. */
bool disk_measure(const char *dir, struct disk_room *ret_room);

struct disk_state { /* zero: there is room */
    bool is_low, is_stopped;
};
/* The state now, from the one before: a limit that was passed counts until an eighth more than it
 * is free, so that nothing flutters. */
struct disk_state disk_judge(const struct disk_state *before, const struct disk_room *room,
                             const struct config *config);
/* For a person: what is found and what to do. */
const char *disk_say(struct arena *arena, const struct disk_state *state,
                     const struct disk_room *room, const char *dir);

#endif
