/* trace: see trace.h. */
#include "gateway/runtime/trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "certs/io/digest.h"

enum { ID_DIGITS = 32, SPAN_DIGITS = 16, SPAN_AT = 3 + ID_DIGITS + 1, FLAGS_AT = 53, WHOLE = 55 };

static bool is_digit(char digit)
{
    return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
}

/* The lower-case hex digit that DIGIT is in either case; 0 when it is none. */
static char digit_of(char digit)
{
    char lower = (char)(digit | 0x20); /* which decimal digits have already */
    return (digit >= '0' && digit <= '9') || (lower >= 'a' && lower <= 'f') ? lower : '\0';
}

/* COUNT lower-case hex digits that are not all zero. */
static bool is_id(const char *text, size_t count)
{
    size_t zeros = strspn(text, "0");
    for (size_t i = zeros; i < count; i++) {
        if (!is_digit(text[i]))
            return false;
    }
    return zeros < count;
}

static bool is_hex(const char *text, size_t count)
{
    return strspn(text, "0123456789abcdef") >= count;
}

/* https://www.w3.org/TR/trace-context/ section 3.2: `00-TRACE-SPAN-FLAGS`; a later version may go
 * on after the flags. */
static bool is_traceparent(const char *text)
{
    size_t length = strlen(text);
    bool is_first = strncmp(text, "00-", 3) == 0;
    if (length < WHOLE || !is_hex(text, 2) || strncmp(text, "ff", 2) == 0 || text[2] != '-')
        return false;
    return is_id(text + 3, ID_DIGITS) && text[SPAN_AT - 1] == '-' &&
           is_id(text + SPAN_AT, SPAN_DIGITS) && text[FLAGS_AT - 1] == '-' &&
           is_hex(text + FLAGS_AT, 2) &&
           (is_first ? length == WHOLE : (text[WHOLE] == '\0' || text[WHOLE] == '-'));
}

/* The digits of a UUID in text form; false when it is none. */
static bool take_uuid(const char *text, char ret_id[TRACE_ID_TEXT])
{
    static const unsigned char group_ends[] = {8, 13, 18, 23, 36};
    char *digit = ret_id;
    size_t at = 0;
    for (size_t group = 0; group < sizeof group_ends; group++, at++) {
        for (; at < group_ends[group]; at++) {
            *digit = digit_of(text[at]);
            if (*digit++ == '\0')
                return false;
        }
        if (text[at] != (group + 1 < sizeof group_ends ? '-' : '\0'))
            return false;
    }
    *digit = '\0';
    return strspn(ret_id, "0") < ID_DIGITS;
}

const char *trace_id_to_log(const char *message_id)
{
    char ignored[TRACE_ID_TEXT];
    return message_id != NULL && take_uuid(message_id, ignored) ? message_id : NULL;
}

void trace_of(const char *traceparent, const char *message_id, char ret_id[TRACE_ID_TEXT])
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    if (traceparent != NULL && is_traceparent(traceparent)) {
        memcpy(ret_id, traceparent + 3, ID_DIGITS);
        ret_id[ID_DIGITS] = '\0';
        return;
    }
    if (take_uuid(message_id, ret_id))
        return;
    digest_sha256(message_id, strlen(message_id), digest);
    digest_hex(digest, sizeof digest, hex);
    memcpy(ret_id, hex, ID_DIGITS);
    ret_id[ID_DIGITS] = '\0';
}

void trace_parent(const char *id, unsigned long long span, char ret_value[TRACE_PARENT_TEXT])
{
    snprintf(ret_value, TRACE_PARENT_TEXT, "00-%.32s-%016llx-01", id, span == 0 ? 1 : span);
}
