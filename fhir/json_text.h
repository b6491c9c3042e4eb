/* json_text: one JSON text in quotation marks, strictly (RFC 8259 section 7). Private to
 * fhir/json*.c.
 *
 * Copies while it looks, sixteen bytes at a time. Refuses control characters, lone surrogates,
 * unknown escapes and NUL. UTF-8 is the caller's affair, who has looked at the whole before. */
#ifndef FHIR_JSON_TEXT_H
#define FHIR_JSON_TEXT_H

#include <stddef.h>

struct json_text_fault {
    const char *at, *found, *expected;
};

/* AT is behind the opening mark, END behind the last byte there is. The decoded text and a NUL are
 * written at OUT, which has room for as many bytes as there are up to END. Returns what follows the
 * closing mark and sets *ret_end to the NUL; NULL with the fault. */
const char *json_text_read(const char *at, const char *end, char *out, char **ret_end,
                           struct json_text_fault *ret_fault);

#endif
