/* log: see log.h. */
#include "gateway/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, VALUE_MAX_BYTES = 200 };

static _Atomic enum log_level lowest = LOG_LEVEL_INFO;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

struct line {
    char text[LINE_MAX_BYTES];
    size_t length;
};

void log_set_level(enum log_level level)
{
    lowest = level;
}

static void add_byte(struct line *line, char byte)
{
    if (line->length < LINE_MAX_BYTES - 3)
        line->text[line->length++] = byte;
}

static void add_quoted(struct line *line, const char *value)
{
    add_byte(line, '"');
    for (size_t i = 0; value[i] != '\0' && i < VALUE_MAX_BYTES; i++) {
        unsigned char byte = (unsigned char)value[i];
        if (byte < 0x20 || byte == 0x7f) {
            add_byte(line, ' ');
            continue;
        }
        if (byte == '"' || byte == '\\')
            add_byte(line, '\\');
        add_byte(line, (char)byte);
    }
    add_byte(line, '"');
}

static void add_plain(struct line *line, const char *text)
{
    while (*text != '\0')
        add_byte(line, *text++);
}

static void add_field(struct line *line, const char *name, const char *value)
{
    add_plain(line, ",\"");
    add_plain(line, name);
    add_plain(line, "\":");
    add_quoted(line, value == NULL ? "" : value);
}

static void start(struct line *line, enum log_level level, const char *event)
{
    struct timespec now;
    struct tm parts;
    char at[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t length = strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(at + length, sizeof at - length, ".%03ldZ", now.tv_nsec / 1000000);
    line->length = 0;
    add_plain(line, "{\"at\":");
    add_quoted(line, at);
    add_field(line, "level", level_names[level]);
    add_field(line, "event", event);
}

static void add_pairs(struct line *line, va_list pairs)
{
    for (const char *name = va_arg(pairs, const char *); name != NULL;
         name = va_arg(pairs, const char *))
        add_field(line, name, va_arg(pairs, const char *));
}

static void finish(struct line *line)
{
    line->text[line->length++] = '}';
    line->text[line->length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line->text, line->length);
    (void)written; /* a log that cannot be written has nobody left to tell */
}

void log_event(enum log_level level, const char *event, ...)
{
    if (level < lowest)
        return;
    struct line line;
    va_list pairs;
    start(&line, level, event);
    va_start(pairs, event);
    add_pairs(&line, pairs);
    va_end(pairs);
    finish(&line);
}

void log_number(enum log_level level, const char *event, const char *name, long long number, ...)
{
    if (level < lowest)
        return;
    struct line line;
    va_list pairs;
    char digits[32];
    start(&line, level, event);
    snprintf(digits, sizeof digits, "\":%lld", number);
    add_plain(&line, ",\"");
    add_plain(&line, name);
    add_plain(&line, digits);
    va_start(pairs, number);
    add_pairs(&line, pairs);
    va_end(pairs);
    finish(&line);
}
