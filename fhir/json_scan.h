/* json_scan: the strict scan in front of cJSON. Private to fhir/json*.c.
 *
 * Refuses what cJSON would let pass (see json.h) and notes where each value starts, in the order of
 * the text, which is the order in which a walk over cJSON's tree meets them. */
#ifndef FHIR_JSON_SCAN_H
#define FHIR_JSON_SCAN_H

#include "fhir/json.h"

struct json_scan {
    size_t nodes;
    const unsigned *offsets; /* by ordinal; in the arena */
};

/* LENGTH bytes at TEXT, which need not end in NUL. False: *ret_fault says why. */
bool json_scan(struct arena *arena, const char *text, size_t length,
               const struct json_options *options, struct json_scan *ret_scan,
               struct json_fault *ret_fault);
/* Line and column of the byte at OFFSET; nothing behind it is looked at. */
void json_scan_place(const char *text, size_t offset, int *ret_line, int *ret_column);

#endif
