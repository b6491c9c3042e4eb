/* clock: the one seam for time. Commands may fix it (`--now`), tests and the simulator replace it.
 *
 * Wall time is for what people read and for dates in law (consent, validity); monotonic time is for
 * waiting. Milliseconds since 1970-01-01 UTC, and since some start, respectively. */
#ifndef GATEWAY_RUNTIME_CLOCK_H
#define GATEWAY_RUNTIME_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct clock {
    int64_t (*wall_ms)(const struct clock *clock);
    int64_t (*monotonic_ms)(const struct clock *clock);
    int64_t fixed_ms; /* of clock_fixed */
};

struct clock clock_system(void);
/* Stands still at WALL_MS. */
struct clock clock_fixed(int64_t wall_ms);
int64_t clock_wall_ms(const struct clock *clock);
int64_t clock_monotonic_ms(const struct clock *clock);
/* `2026-09-02T11:20:00-04:00` in the process's time zone (setting time_zone, put into TZ at start).
 */
const char *clock_text(struct arena *arena, int64_t wall_ms);
/* Its name as the system has it at that time, such as "EDT". */
const char *clock_zone(struct arena *arena, int64_t wall_ms);
/* `2026-09-02`, the same zone. */
const char *clock_date(struct arena *arena, int64_t wall_ms);

#endif
