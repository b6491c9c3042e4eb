/* places: where the fields of a record stand in its file, for findings.
 *
 * A record read from JSON asks its document; one read from CSV has the cells it came from. Made by
 * record/read.c and record/csv.c, asked by record/check.c. Lives in the arena of the records. */
#ifndef FHIR_RECORD_PLACES_H
#define FHIR_RECORD_PLACES_H

#include "fhir/json/json.h"

struct record_cell {
    const char *path; /* `measurements[2].unit`: of the column, with 1-based positions */
    int line, column;
};

struct record_places {
    struct json_document document;   /* of JSON; root NULL otherwise */
    int line_offset;                 /* lines of the file before the document (NDJSON) */
    const struct record_cell *cells; /* of CSV */
    size_t cell_count;
    int line; /* where a CSV row starts */
};

/* The place of NODE, which stands at PATH; a missing field has the node of what it is missing in.
 * PLACES may be NULL: 0 and 0. */
void record_place(const struct record_places *places, const struct json *node, const char *path,
                  int *ret_line, int *ret_column);

#endif
