/* visible: characters that nobody can see shown by their number. See visible.h. */
#include "base/visible.h"

#include <stdio.h>

/* Code points that change what a terminal does or in which order it shows what follows, and those
 * that show nothing, so that two texts look the same: C0 and C1 controls, the marks, embeddings,
 * overrides, isolates and separators of Unicode (UAX #9), what has no width, fillers, tags. */
static const struct {
    unsigned first, last;
} unseen[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},       {0x61c, 0x61c},     {0x115f, 0x1160},
    {0x17b4, 0x17b5}, {0x180e, 0x180e},   {0x200b, 0x200b},   {0x200e, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x2800, 0x2800},   {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

bool visible_is_seen(unsigned point)
{
    if (point >= ' ' && point <= '~')
        return true;
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen && unseen[i].first <= point; i++) {
        if (point <= unseen[i].last)
            return false;
    }
    return true;
}

/* Bytes of the character at TEXT; *RET_POINT is 0xFFFD for a byte that is no UTF-8. */
static size_t next(const char *text, unsigned *ret_point)
{
    if ((unsigned char)text[0] < 0x80) {
        *ret_point = (unsigned char)text[0];
        return 1;
    }
    size_t length = 1;
    while (length < 4 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length++;
    while (length > 1 && text_utf8_fault(text, length) != length)
        length--;
    const char *at = text;
    *ret_point = text_utf8_fault(text, length) == length ? text_utf8_next(&at) : 0xfffd;
    return length;
}

static bool is_plain(const char *text, size_t *ret_length)
{
    unsigned point;
    *ret_length = next(text, &point);
    if (point == 0xfffd && *ret_length == 1)
        return false;
    return visible_is_seen(point);
}

static bool is_plain_ascii(char byte)
{
    return (byte >= ' ' && byte <= '~') || byte == '\n' || byte == '\t';
}

size_t visible_plain(const char *text)
{
    size_t plain = 0;
    for (;;) {
        size_t length;
        while (is_plain_ascii(text[plain])) /* nearly all of it, in most texts */
            plain++;
        if (text[plain] == '\0' || !is_plain(text + plain, &length))
            return plain;
        plain += length;
    }
}

size_t visible_escape(const char *text, char ret_escape[VISIBLE_ESCAPE_MAX])
{
    unsigned point;
    size_t length = next(text, &point);
    if (point <= 0xffff)
        snprintf(ret_escape, VISIBLE_ESCAPE_MAX, "\\u%04x", point);
    else /* as JSON writes it */
        snprintf(ret_escape, VISIBLE_ESCAPE_MAX, "\\u%04x\\u%04x",
                 (0xd800 + ((point - 0x10000) >> 10)) & 0xffff, 0xdc00 + (point & 0x3ff));
    return length;
}

/* The two-character form of a line end or tab; NULL for anything else. */
static const char *short_form(char byte)
{
    return byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : byte == '\t' ? "\\t" : NULL;
}

static size_t add_character(struct text *out, const char *value)
{
    char escape[VISIBLE_ESCAPE_MAX];
    size_t length;
    if (short_form(*value) != NULL) {
        text_add(out, short_form(*value));
        return 1;
    }
    if (is_plain(value, &length)) {
        text_add_n(out, value, length);
        return length;
    }
    length = visible_escape(value, escape);
    text_add(out, escape);
    return length;
}

void visible_add_line(struct text *out, const char *value)
{
    while (value != NULL && *value != '\0') {
        size_t length;
        size_t plain = 0;
        while (value[plain] != '\0' && is_plain(value + plain, &length))
            plain += length;
        text_add_n(out, value, plain);
        value += plain;
        if (*value != '\0')
            value += add_character(out, value);
    }
}

const char *visible_line(struct arena *arena, const char *value, size_t characters_max)
{
    struct text line = text_new(arena, characters_max * VISIBLE_ESCAPE_MAX);
    size_t before_last = 0;
    for (size_t count = 0; *value != '\0'; count++) {
        if (count == characters_max) {
            line.length = before_last;
            text_add(&line, "\xe2\x80\xa6");
            break;
        }
        before_last = line.length;
        value += add_character(&line, value);
    }
    return line.at;
}
