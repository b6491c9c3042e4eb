/* text: growing text, and small questions about bytes. See text.h for the contract.
 *
 * What is added is first cut to the ceiling, which sets `full`, and then make_room() is asked,
 * which at least doubles. Called by every layer; the memory is the arena's. */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

struct text text_new(struct arena *arena, size_t ceiling)
{
    size_t room = ceiling < 255 ? ceiling + 1 : 256;
    struct text text = {arena, arena_raw(arena, room), 0, room, ceiling, false};
    text.at[0] = '\0';
    return text;
}

static void make_room(struct text *text, size_t more)
{
    size_t need = text->length + more + 1;
    if (need <= text->room)
        return;
    size_t room = text->room * 2 > need ? text->room * 2 : need;
    text->at = arena_grow(text->arena, text->at, text->room, room);
    text->room = room;
}

void text_add_char(struct text *text, char c)
{
    if (text->length + 1 < text->room && text->length < text->ceiling) {
        text->at[text->length++] = c;
        text->at[text->length] = '\0';
    } else {
        text_add_n(text, &c, 1);
    }
}

void text_add_n(struct text *text, const char *more, size_t length)
{
    if (length > text->ceiling - text->length) {
        length = text->ceiling - text->length;
        text->full = true;
    }
    make_room(text, length);
    memcpy(text->at + text->length, more, length);
    text->length += length;
    text->at[text->length] = '\0';
}

void text_add(struct text *text, const char *more)
{
    text_add_n(text, more, strlen(more));
}

void text_add_whole(struct text *text, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        text_add_char(text, '-');
    text_add_n(text, digits + at, sizeof digits - at);
}

void text_print(struct text *text, const char *format, ...)
{
    char small[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((size_t)length < sizeof small) {
        text_add_n(text, small, (size_t)length);
        return;
    }
    va_start(arguments, format);
    text_add(text, arena_vprint(text->arena, format, arguments));
    va_end(arguments);
}

static const char *short_escape(unsigned char byte)
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

/* Bytes at AT, before END, that JSON takes as they are. */
static size_t plain_length(const char *at, const char *end)
{
    const char *from = at;
    while (end - at >= BYTES_STEP) {
        size_t plain = bytes_plain(at);
        at += plain;
        if (plain < BYTES_STEP)
            return (size_t)(at - from);
    }
    /* What is left is shorter than a step: a step that ends with it sees some of it again. */
    if (at < end && end - from >= BYTES_STEP)
        return (size_t)(end - from) - BYTES_STEP + bytes_plain(end - BYTES_STEP);
    if (end - at >= 8 && bytes_special_bits(bytes_word(at)) == 0)
        at = bytes_special_bits(bytes_word(end - 8)) == 0 ? end : at + 8;
    while (at < end && (unsigned char)*at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return (size_t)(at - from);
}

/* All of it needs no escape, and there is room. */
static bool add_plain_json(struct text *text, const char *more, size_t length)
{
    if (length + 2 > text->ceiling - text->length || plain_length(more, more + length) < length)
        return false;
    make_room(text, length + 2);
    char *at = text->at + text->length;
    *at++ = '"';
    at = mempcpy(at, more, length);
    *at++ = '"';
    *at = '\0';
    text->length += length + 2;
    return true;
}

void text_add_json_n(struct text *text, const char *more, size_t length)
{
    const char *end = more + length;
    if (add_plain_json(text, more, length))
        return;
    text_add_char(text, '"');
    while (more < end) {
        size_t plain = plain_length(more, end);
        text_add_n(text, more, plain);
        more += plain;
        if (more == end)
            break;
        const char *escape = short_escape((unsigned char)*more);
        if (escape != NULL)
            text_add(text, escape);
        else
            text_print(text, "\\u%04x", (unsigned char)*more);
        more++;
    }
    text_add_char(text, '"');
}

void text_add_json(struct text *text, const char *more)
{
    text_add_json_n(text, more, strlen(more));
}

bool text_is_one_of(const char *text, const char *const *words)
{
    while (*words != NULL && !text_equal(text, *words))
        words++;
    return *words != NULL;
}

bool text_ends(const char *text, const char *suffix)
{
    if (text == NULL)
        return false;
    size_t length = strlen(text);
    size_t tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

/* Letters of other scripts are bytes above ASCII. */
static bool is_inner(char byte)
{
    unsigned char code = (unsigned char)byte;
    return code >= 0x80 || (code >= '0' && code <= '9') ||
           ((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
}

bool text_has_words(const char *text, const char *words)
{
    size_t length = strlen(words);
    for (const char *at = strstr(text, words); at != NULL && length > 0;
         at = strstr(at + 1, words)) {
        bool starts = at == text || !is_inner(at[-1]) || !is_inner(at[0]);
        bool ends = !is_inner(at[length]) || !is_inner(at[length - 1]);
        if (starts && ends)
            return true;
    }
    return false;
}

size_t text_count_words(const char *text)
{
    size_t count = 0;
    for (; text != NULL && *text != '\0'; text++)
        count += *text != ' ' && (text[1] == ' ' || text[1] == '\0');
    return count;
}

bool text_is_space(unsigned point)
{
    return point == ' ' || (point >= 0x09 && point <= 0x0d) || point == 0x85 || point == 0xa0 ||
           point == 0x1680 || (point >= 0x2000 && point <= 0x200b) || point == 0x2028 ||
           point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000 ||
           point == 0xfeff;
}

bool text_is_blank(const char *text)
{
    if (text == NULL)
        return true;
    while (*text != '\0') {
        if (!text_is_space(text_utf8_next(&text)))
            return false;
    }
    return true;
}

/* Bytes of the well-formed sequence at TEXT, or 0 (table 3-7 of the Unicode standard). */
static size_t sequence_length(const unsigned char *text, size_t left)
{
    if (text[0] < 0x80)
        return 1;
    size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4 || left < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
    bool surrogate = text[0] == 0xed && text[1] > 0x9f;
    bool too_high = text[0] == 0xf4 && text[1] > 0x8f;
    return overlong || surrogate || too_high ? 0 : length;
}

size_t text_utf8_fault(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while (at < length) {
        if (bytes[at] < 0x80) { /* most text is */
            size_t ascii = bytes_ascii(text + at, length - at);
            at += ascii > 0 ? ascii : 1;
            continue;
        }
        size_t step = sequence_length(bytes + at, length - at);
        if (step == 0)
            return at;
        at += step;
    }
    return length;
}

unsigned text_utf8_next(const char **at)
{
    const unsigned char *bytes = (const unsigned char *)*at;
    if (bytes[0] < 0x80) {
        *at += 1;
        return bytes[0];
    }
    unsigned length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    unsigned point = bytes[0] & (0x7fu >> length);
    for (unsigned i = 1; i < length; i++)
        point = point << 6 | (bytes[i] & 0x3fu);
    *at += length;
    return point;
}

size_t text_utf8_length(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; count++)
        text_utf8_next(&text);
    return count;
}

size_t text_utf8_head(const char *text, size_t characters_max)
{
    const char *end = text;
    for (size_t count = 0; *end != '\0' && count < characters_max; count++)
        text_utf8_next(&end);
    return (size_t)(end - text);
}
