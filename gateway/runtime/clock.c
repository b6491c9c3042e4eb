/* clock: the system's clocks, and a clock that stands still, behind one struct. See clock.h.
 * Formats times in the zone of the settings. */
#include "gateway/runtime/clock.h"

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

/* NUMBER in COUNT digits at AT; returns what is behind them. */
static char *put_digits(char *at, long number, int count)
{
    for (int i = count - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
    return at + count;
}

const char *clock_text(struct arena *arena, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    localtime_r(&seconds, &parts);
    const long values[] = {parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                           parts.tm_sec};
    static const char after[] = "--T::";
    long offset = parts.tm_gmtoff / 60;
    char *text = arena_raw(arena, sizeof "0000-00-00T00:00:00+00:00");
    char *at = put_digits(text, parts.tm_year + 1900L, 4);
    for (int i = 0; i < 5; i++) {
        *at = after[i];
        at = put_digits(at + 1, values[i], 2);
    }
    *at = offset < 0 ? '-' : '+';
    at = put_digits(at + 1, labs(offset) / 60, 2);
    *at = ':';
    at = put_digits(at + 1, labs(offset) % 60, 2);
    *at = '\0';
    return text;
}

const char *clock_zone(struct arena *arena, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    localtime_r(&seconds, &parts);
    return arena_copy(arena, parts.tm_zone);
}

const char *clock_date(struct arena *arena, int64_t wall_ms)
{
    return arena_copy_n(arena, clock_text(arena, wall_ms), 10);
}
