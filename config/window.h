/* window: planned weekly pauses, `sat,sun 22:00-02:00` or `daily 01:00-01:30`.
 *
 * Called by the check of the setting `maintenance` and by partner_in_maintenance. A window that
 * ends before it starts goes on into the next day. Pure; any thread. */
#ifndef CONFIG_WINDOW_H
#define CONFIG_WINDOW_H

#include <stdbool.h>

struct window {
    unsigned days;       /* bit 0 is Sunday: the days on which it starts */
    unsigned start, end; /* minutes of the day; end is the first minute after it, at most 1440 */
};

/* False, and *ret_window untouched, when TEXT is no window. */
bool window_read(const char *text, struct window *ret_window);
/* WEEKDAY 0 is Sunday, MINUTE of that day in local time. */
bool window_covers(const struct window *window, unsigned weekday, unsigned minute);

#endif
