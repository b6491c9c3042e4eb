/* text: one JSON text in quotation marks, strictly (RFC 8259 section 7). Private to
 * fhir/json*.c.
 *
 * A text is decoded where it stands, sixteen bytes at a time, and a NUL takes the place of its
 * closing mark; what was read never gets longer. Refuses control characters, lone surrogates,
 * unknown escapes and NUL. UTF-8 is the caller's affair, who has looked at the whole before. */
#ifndef FHIR_JSON_TEXT_H
#define FHIR_JSON_TEXT_H

#include <stddef.h>

#include "base/bytes.h"

struct json_text_fault {
    const char *at, *found, *expected;
};

/* The text at START, from AT on, whose byte is the first that does not stand for itself or is more
 * than sixteen bytes on. */
char *json_text_read_on(char *start, char *at, const char *end, size_t *ret_length,
                        struct json_text_fault *ret_fault);

/* START is behind the opening mark, END behind the last byte there is, where sixteen NULs follow.
 * Returns what follows the closing mark and sets *ret_length to the bytes of the decoded text; NULL
 * with the fault. */
static inline char *json_text_read(char *start, const char *end, size_t *ret_length,
                                   struct json_text_fault *ret_fault)
{
    size_t plain = bytes_plain(start);
    if (plain == BYTES_STEP || start[plain] != '"')
        return json_text_read_on(start, start + plain, end, ret_length, ret_fault);
    start[plain] = '\0';
    *ret_length = plain;
    return start + plain + 1;
}

#endif
