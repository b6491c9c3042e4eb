/* window: the text of planned pauses into days and minutes of the week, and the question whether
 * a moment lies in one. See window.h. Called by the check of the setting `maintenance` and by
 * partner_in_maintenance(), which is given local time. Pure; any thread. */
#include "config/window.h"

#include <stddef.h>
#include <string.h>

#include "config/check.h"

enum { MINUTES_OF_DAY = 24 * 60, EVERY_DAY = 0x7f };

static const char day_names[7][4] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/* `sat,sun` or `daily` at the start of *AT, which is moved behind it; 0 when it is neither. */
static unsigned days(const char **at)
{
    unsigned found = 0;
    if (strncmp(*at, "daily", 5) == 0) {
        *at += 5;
        return EVERY_DAY;
    }
    for (;;) {
        unsigned day = 0;
        while (day < 7 && strncmp(*at, day_names[day], 3) != 0)
            day++;
        if (day == 7)
            return 0;
        found |= 1u << day;
        *at += 3;
        if (**at != ',')
            return found;
        *at += 1;
    }
}

/* `HH:MM` at the start of TEXT; -1 when it is none. 24:00 is the end of the day. */
static int minute_of(const char *text)
{
    for (int i = 0; i < 5; i++) {
        bool fits = i == 2 ? text[i] == ':' : text[i] >= '0' && text[i] <= '9';
        if (!fits)
            return -1;
    }
    int hours = (text[0] - '0') * 10 + text[1] - '0';
    int minutes = (text[3] - '0') * 10 + text[4] - '0';
    if (minutes > 59 || hours * 60 + minutes > MINUTES_OF_DAY)
        return -1;
    return hours * 60 + minutes;
}

bool window_read(const char *text, struct window *ret_window)
{
    unsigned on = days(&text);
    if (on == 0 || *text != ' ')
        return false;
    text++;
    if (strlen(text) != strlen("HH:MM-HH:MM") || text[5] != '-')
        return false;
    int start = minute_of(text);
    int end = minute_of(text + 6);
    if (start < 0 || end < 0 || start == end || start == MINUTES_OF_DAY)
        return false;
    *ret_window = (struct window){on, (unsigned)start, (unsigned)end};
    return true;
}

static bool starts_on(const struct window *window, unsigned weekday)
{
    return (window->days >> weekday & 1u) != 0;
}

bool window_covers(const struct window *window, unsigned weekday, unsigned minute)
{
    if (window->start < window->end)
        return starts_on(window, weekday) && minute >= window->start && minute < window->end;
    if (starts_on(window, weekday) && minute >= window->start)
        return true;
    return starts_on(window, (weekday + 6) % 7) && minute < window->end;
}

static bool holds_window(const char *text)
{
    struct window window;
    return window_read(text, &window);
}

const struct check check_window = {
    "days and times such as sat,sun 22:00-02:00 or daily 01:00-01:30", holds_window};
