/* scan: the strict reader (RFC 8259). Private to fhir/json*.c.
 *
 * One pass over a copy of the text decides whether it is JSON that we take (see json.h) and makes
 * the nodes, in the order of the text. Keys and texts stay where they stand in that copy. */
#ifndef FHIR_JSON_SCAN_H
#define FHIR_JSON_SCAN_H

#include "fhir/json/json.h"

static inline void json_note_key(struct json *member, size_t length, uint32_t hash)
{
    member->key_hash = hash;
    member->key_length = length < JSON_KEY_LONG ? (unsigned)length & 0xff : JSON_KEY_LONG;
}

static inline void json_note_text(struct json *node, size_t length)
{
    node->text_length = length < JSON_TEXT_LONG ? (unsigned)length & 0x7fffff : JSON_TEXT_LONG;
}

/* LENGTH bytes at TEXT, which need not end in NUL. NULL: *ret_fault says why. */
struct json *json_scan(struct arena *arena, const char *text, size_t length,
                       const struct json_options *options, struct json_fault *ret_fault);
/* Line and column of the byte at OFFSET; nothing behind it is looked at. */
void json_scan_place(const char *text, size_t offset, int *ret_line, int *ret_column);

#endif
