/* text: see json/text.h. */
#include "fhir/json/text.h"

#include <stdbool.h>
#include <string.h>

static char *fail(const char *at, const char *found, const char *expected,
                  struct json_text_fault *ret_fault)
{
    *ret_fault = (struct json_text_fault){at, found, expected};
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four hexadecimal digits at AT, or -1. */
static int escape_unit(const char *at, const char *end)
{
    int unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static char *put_point(char *out, unsigned point)
{
    if (point < 0x80) {
        *out++ = (char)point;
    } else if (point < 0x800) {
        *out++ = (char)(0xc0 | point >> 6);
        *out++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *out++ = (char)(0xe0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    } else {
        *out++ = (char)(0xf0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3f));
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    }
    return out;
}

/* `\uXXXX` at AT, two of them where the first is half of a pair. */
static char *read_unicode(char *at, const char *end, char **out, struct json_text_fault *ret_fault)
{
    int unit = escape_unit(at + 2, end);
    if (unit < 0)
        return fail(at, "an escape that is not complete", "\\u and four hexadecimal digits",
                    ret_fault);
    if (unit == 0)
        return fail(at, "the escape \\u0000", "text without NUL characters", ret_fault);
    if (unit < 0xd800 || unit > 0xdfff) {
        *out = put_point(*out, (unsigned)unit);
        return at + 6;
    }
    bool pair = unit < 0xdc00 && end - at >= 12 && at[6] == '\\' && at[7] == 'u';
    int low = pair ? escape_unit(at + 8, end) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return fail(at, "half of a surrogate pair", "both halves", ret_fault);
    *out = put_point(*out, 0x10000u + ((unsigned)(unit - 0xd800) << 10) + (unsigned)(low - 0xdc00));
    return at + 12;
}

/* The escape at AT. */
static char *read_escape(char *at, const char *end, char **out, struct json_text_fault *ret_fault)
{
    static const char names[] = "\"\\/bfnrt";
    static const char means[] = "\"\\/\b\f\n\r\t";
    if (end - at < 2)
        return fail(end, "", "the rest of an escape", ret_fault);
    if (at[1] == 'u')
        return read_unicode(at, end, out, ret_fault);
    const char *name = memchr(names, at[1], sizeof names - 1);
    if (name == NULL)
        return fail(at, "an unknown escape", "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u",
                    ret_fault);
    *(*out)++ = means[name - names];
    return at + 2;
}

/* Moves the bytes at AT that stand for themselves, up to sixteen, to OUT, which is before them.
 * Returns how many. */
static size_t move_plain(char *out, const char *at)
{
    size_t plain = bytes_plain(at);
    if (plain == BYTES_STEP) {
        memmove(out, at, BYTES_STEP);
        return plain;
    }
    for (size_t i = 0; i < plain; i++)
        out[i] = at[i];
    return plain;
}

/* From the first escape or fault on. */
static char *read_rest(char *start, char *at, const char *end, size_t *ret_length,
                       struct json_text_fault *ret_fault)
{
    char *out = at;
    for (;;) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"') {
            *out = '\0';
            *ret_length = (size_t)(out - start);
            return at + 1;
        }
        if (byte == '\\') {
            at = read_escape(at, end, &out, ret_fault);
            if (at == NULL)
                return NULL;
        } else if (at >= end) {
            return fail(end, "", "a closing quotation mark", ret_fault);
        } else if (byte < 0x20) {
            return fail(at, byte == '\n' ? "a line end inside a text" : "a control character",
                        byte == '\n' ? "a closing quotation mark, or \\n" : "an escape such as \\n",
                        ret_fault);
        } else {
            size_t plain = move_plain(out, at);
            at += plain;
            out += plain;
        }
    }
}

char *json_text_read_on(char *start, char *at, const char *end, size_t *ret_length,
                        struct json_text_fault *ret_fault)
{
    size_t plain;
    while ((plain = bytes_plain(at)) == BYTES_STEP)
        at += BYTES_STEP;
    at += plain;
    if (*at != '"')
        return read_rest(start, at, end, ret_length, ret_fault);
    *at = '\0';
    *ret_length = (size_t)(at - start);
    return at + 1;
}
