/* log: formats an event as one line and writes it with one write(). See log.h.
 *
 * A line is built in a fixed buffer, so logging never allocates. A thread that gathers lines has a
 * buffer of its own. */
#include "gateway/runtime/log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { LINE_MAX_BYTES = 2048, VALUE_MAX_BYTES = 200 };

static _Atomic enum log_level lowest = LOG_LEVEL_INFO;
static _Atomic enum log_format form = LOG_FORMAT_JSON;
static _Atomic enum log_target target = LOG_TARGET_STDERR;
static _Atomic bool is_journal;

static const struct {
    const char *name;
    int priority; /* of syslog */
} levels[] = {[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
              [LOG_LEVEL_INFO] = {"info", LOG_INFO},
              [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
              [LOG_LEVEL_ERROR] = {"error", LOG_ERR}};

struct line {
    enum log_level level;
    bool is_json;
    bool is_full; /* something did not fit */
    size_t length;
    char text[LINE_MAX_BYTES];
};

/* Lines of one thread that wait. */
struct gathered {
    size_t length, room;
    char lines[16 * 1024];
    time_t second; /* of the text below */
    char at[24];
};

static _Thread_local struct gathered *gathered; /* NULL: this thread's lines go out one by one */

void log_set_level(enum log_level level)
{
    lowest = level;
}

/* systemd.exec(5): $JOURNAL_STREAM is `DEVICE:INODE` of the stream that leads to the journal. */
static bool leads_to_journal(int file)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat about;
    unsigned long long device;
    unsigned long long inode;
    return stream != NULL && fstat(file, &about) == 0 &&
           sscanf(stream, "%llu:%llu", &device, &inode) == 2 && device == about.st_dev &&
           inode == about.st_ino;
}

void log_open(enum log_format format, enum log_target to)
{
    form = format;
    target = to;
    is_journal = to == LOG_TARGET_STDERR && leads_to_journal(STDERR_FILENO);
    if (to == LOG_TARGET_SYSLOG)
        openlog("refgate", LOG_PID, LOG_DAEMON);
}

/* ---- a line ---- */

static void add_byte(struct line *line, char byte)
{
    line->is_full = line->is_full || line->length >= LINE_MAX_BYTES - 3;
    if (!line->is_full)
        line->text[line->length++] = byte;
}

/* LENGTH bytes fit in. */
static bool has_room(const struct line *line, size_t length)
{
    return !line->is_full && length < LINE_MAX_BYTES - 3 - line->length;
}

static void add_bytes(struct line *line, const char *text, size_t length)
{
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void add_plain(struct line *line, const char *text)
{
    size_t length = strlen(text);
    if (has_room(line, length)) {
        add_bytes(line, text, length);
        return;
    }
    while (*text != '\0')
        add_byte(line, *text++);
}

/* Printable ASCII without `"` and `\`: stands for itself in quotation marks. */
static bool is_simple(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
            return false;
    }
    return true;
}

/* What is no UTF-8, or was cut off in the middle of a letter, becomes question marks. */
static void add_quoted(struct line *line, const char *value)
{
    size_t length = strnlen(value, VALUE_MAX_BYTES);
    if (has_room(line, length + 2) && is_simple(value, length)) {
        line->text[line->length++] = '"';
        add_bytes(line, value, length);
        line->text[line->length++] = '"';
        return;
    }
    size_t sound = text_utf8_fault(value, length);
    add_byte(line, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];
        if (i == sound) {
            add_byte(line, '?');
            sound = i + 1 + text_utf8_fault(value + i + 1, length - i - 1);
            continue;
        }
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

/* As it is when it is one word, else quoted. */
static void add_value(struct line *line, const char *value)
{
    if (line->is_json) {
        add_quoted(line, value);
        return;
    }
    bool is_word = value[0] != '\0' && strlen(value) <= VALUE_MAX_BYTES;
    for (const char *at = value; is_word && *at != '\0'; at++)
        is_word = (unsigned char)*at > 0x20 && *at != 0x7f && *at != '"' && *at != '=';
    if (is_word)
        add_plain(line, value);
    else
        add_quoted(line, value);
}

static void add_name(struct line *line, const char *name)
{
    add_plain(line, line->is_json ? ",\"" : " ");
    add_plain(line, name);
    add_plain(line, line->is_json ? "\":" : "=");
}

static void print_second(time_t second, char ret_at[24])
{
    struct tm parts;
    gmtime_r(&second, &parts);
    strftime(ret_at, 24, "%Y-%m-%dT%H:%M:%S", &parts);
}

static void add_time(struct line *line)
{
    struct timespec now;
    char at[24];
    clock_gettime(CLOCK_REALTIME, &now);
    if (gathered == NULL) {
        print_second(now.tv_sec, at);
        add_plain(line, at);
    } else {
        if (gathered->second != now.tv_sec)
            print_second(now.tv_sec, gathered->at);
        gathered->second = now.tv_sec;
        add_plain(line, gathered->at);
    }
    long milliseconds = now.tv_nsec / 1000000;
    add_byte(line, '.');
    for (long digit = 100; digit > 0; digit /= 10)
        add_byte(line, (char)('0' + milliseconds / digit % 10));
    add_byte(line, 'Z');
}

static void start(struct line *line, enum log_level level, const char *event)
{
    line->level = level;
    line->length = 0;
    line->is_full = false;
    line->is_json = form == LOG_FORMAT_JSON;
    if (is_journal) {
        add_byte(line, '<');
        add_byte(line, (char)('0' + levels[level].priority));
        add_byte(line, '>');
    }
    if (line->is_json) {
        add_plain(line, "{\"at\":\"");
        add_time(line);
        add_byte(line, '"');
        add_name(line, "level");
        add_quoted(line, levels[level].name);
        add_name(line, "event");
        add_quoted(line, event);
        return;
    }
    if (target == LOG_TARGET_STDERR && !is_journal) { /* syslog and the journal have their own */
        add_time(line);
        add_byte(line, ' ');
    }
    add_plain(line, levels[level].name);
    add_byte(line, ' ');
    add_plain(line, event);
}

static void add_pairs(struct line *line, va_list pairs)
{
    for (const char *name = va_arg(pairs, const char *); name != NULL;
         name = va_arg(pairs, const char *)) {
        const char *value = va_arg(pairs, const char *);
        size_t before = line->length;
        if (value == NULL)
            continue;
        add_name(line, name);
        add_value(line, value);
        if (line->is_full) /* a pair that does not fit is left out whole */
            line->length = before;
    }
}

/* ---- writing ---- */

static void say(const char *lines, size_t length)
{
    ssize_t written = write(STDERR_FILENO, lines, length);
    (void)written; /* a log that cannot be written has nobody left to tell */
}

/* No more at once than goes out in one piece, so that lines of other threads never stand inside of
 * them: into a file any length, into a pipe so many (pipe(7), PIPE_BUF). */
void log_gather(void)
{
    struct stat about;
    if (gathered == NULL)
        gathered = calloc(1, sizeof *gathered);
    if (gathered == NULL)
        return; /* then each line goes out by itself */
    bool is_file = fstat(STDERR_FILENO, &about) == 0 && S_ISREG(about.st_mode);
    gathered->room = is_file ? sizeof gathered->lines : PIPE_BUF;
}

void log_flush(void)
{
    if (gathered == NULL || gathered->length == 0)
        return;
    say(gathered->lines, gathered->length);
    gathered->length = 0;
}

void log_gather_end(void)
{
    log_flush();
    free(gathered);
    gathered = NULL;
}

static void finish(struct line *line)
{
    if (line->is_json)
        line->text[line->length++] = '}';
    if (target == LOG_TARGET_SYSLOG) {
        line->text[line->length] = '\0';
        syslog(levels[line->level].priority, "%s", line->text);
        return;
    }
    line->text[line->length++] = '\n';
    if (gathered == NULL) {
        say(line->text, line->length);
        return;
    }
    if (gathered->length + line->length > gathered->room)
        log_flush();
    memcpy(gathered->lines + gathered->length, line->text, line->length);
    gathered->length += line->length;
    if (line->level >= LOG_LEVEL_WARNING)
        log_flush();
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
    snprintf(digits, sizeof digits, "%lld", number);
    add_name(&line, name);
    add_plain(&line, digits);
    va_start(pairs, number);
    add_pairs(&line, pairs);
    va_end(pairs);
    finish(&line);
}
