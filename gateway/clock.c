/* clock: see clock.h. */
#include "gateway/clock.h"

#include <stdlib.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall(const struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic(const struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t fixed_wall(const struct clock *clock)
{
    return clock->fixed_ms;
}

struct clock clock_system(void)
{
    struct clock clock = {system_wall, system_monotonic, 0};
    return clock;
}

struct clock clock_fixed(int64_t wall_ms)
{
    struct clock clock = {fixed_wall, system_monotonic, wall_ms};
    return clock;
}

int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock);
}

int64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock);
}

const char *clock_text(struct arena *arena, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    localtime_r(&seconds, &parts);
    long offset = parts.tm_gmtoff / 60;
    return arena_print(arena, "%04d-%02d-%02dT%02d:%02d:%02d%c%02ld:%02ld", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       offset < 0 ? '-' : '+', labs(offset) / 60, labs(offset) % 60);
}

const char *clock_date(struct arena *arena, int64_t wall_ms)
{
    return arena_copy_n(arena, clock_text(arena, wall_ms), 10);
}
