/* coding: words of the local vocabulary <-> codes of the standard systems.
 *
 * The built-in tables are generated at build time from fhir/codes/ (codes.csv, codes-local.csv,
 * codes-constants.csv, measures.csv, unit-aliases.csv). A clinic's own code map is laid over them
 * and wins. Pure; the built-in tables are constant, an overlay lives in its arena. */
#ifndef FHIR_CODES_CODING_H
#define FHIR_CODES_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"

struct coding_row {
    const char *key;    /* local word, e.g. "myofascial-release" */
    const char *system; /* URI; of local rows "technique" or "measure", to be put under the base */
    const char *code;
    const char *display; /* NULL: send the code and our plain text only */
    const char *unit;    /* UCUM code, or NULL */
    const char *kind;    /* "technique", "bodysite", "specialty", "observation", "service", ... */
    const char *also[2]; /* keys of further rows to send beside this one; NULL when fewer */
    uint32_t kind_hash;  /* hash_name() of the kind; no two kinds have the same */
    bool is_local;       /* system is a product code system */
    unsigned char more;  /* of a built-in row: rows of the same key that follow */
};

struct measure_row { /* measures.csv */
    const char *key, *label;
    const char *lowest, *highest; /* decimals as written, or NULL */
    const char *unit;             /* UCUM */
    const char *better;           /* "lower", "higher" or NULL */
    const char *meaningful_change, *side;
};

struct measure_unit_row {       /* measure-units.csv: another unit in which a measure is written */
    const char *measure, *unit; /* UCUM */
    const char *lowest, *highest; /* of the value in this unit */
};

struct unit_row { /* unit-aliases.csv */
    const char *written, *ucum, *note;
};

struct coding; /* the tables with or without a clinic's overlay */

/* The built-in tables alone. */
const struct coding *coding_standard(void);
/* The built-in tables with a clinic's own map on top; faulty rows become findings. */
const struct coding *coding_with_map(struct arena *arena, const char *csv, size_t length,
                                     const char *file, struct finding_list *findings);
/* By kind and local word; KIND NULL: any kind. The clinic's rows win. */
const struct coding_row *coding_find(const struct coding *coding, const char *kind,
                                     const char *key);
/* All rows of a word, the clinic's first: START NULL begins, NULL ends. */
const struct coding_row *coding_next(const struct coding *coding, const char *kind, const char *key,
                                     const struct coding_row *start);
/* Back from a code: SYSTEM as on the wire; BASE is the canonical base for local systems. */
const struct coding_row *coding_find_code(const struct coding *coding, const char *base,
                                          const char *kind, const char *system, const char *code);
/* The next row of KIND that is sent with the rows of KEY beside it (`also`): START NULL begins,
 * NULL ends. */
const struct coding_row *coding_beside(const struct coding *coding, const char *kind,
                                       const char *key, const struct coding_row *start);
/* A built-in row of SYSTEM whose code starts with CODE and goes on: then CODE is a heading, not a
 * code to use. NULL: none is known. */
const struct coding_row *coding_below(const char *system, const char *code);
const char *coding_nearest(const struct coding *coding, const char *kind, const char *word);
const struct measure_row *coding_measure(const char *key);
const struct unit_row *coding_unit(const char *written);
/* Other units of MEASURE: its row number INDEX, or NULL. */
const struct measure_unit_row *coding_measure_unit(const char *measure, size_t index);
/* The first written form of a UCUM unit ("degrees" of "deg"), or NULL. */
const char *coding_unit_of(const char *ucum);
/* Rows by number, in the order of their files; NULL behind the last. */
const struct unit_row *coding_unit_at(size_t index);
const char *coding_measure_nearest(const char *word);
const char *coding_unit_nearest(const char *word);

#endif
