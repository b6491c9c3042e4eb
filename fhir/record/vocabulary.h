/* vocabulary: the words of local records as one constant table, made from
 * fhir/codes/vocabulary.csv by the build.
 *
 * Reading, checking, defaults, comparing and the documentation all walk this table, so JSON and CSV
 * cannot drift apart. Constant, shared by all threads. */
#ifndef FHIR_RECORD_VOCABULARY_H
#define FHIR_RECORD_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_type {
    RECORD_TEXT,      /* one line */
    RECORD_LONG_TEXT, /* line breaks allowed */
    RECORD_WORD,
    RECORD_ID,
    RECORD_TIME,
    RECORD_DATE,
    RECORD_HANDLE,
    RECORD_WHOLE,
    RECORD_NUMBER,
    RECORD_YES_NO,
    RECORD_ITEM /* a small object */
};

enum record_allowed {
    RECORD_ANYTHING,
    RECORD_WORDS,    /* field.words */
    RECORD_RANGE,    /* field.lowest to field.highest */
    RECORD_CODES,    /* rows of the code tables of the kind field.code_kind */
    RECORD_MEASURES, /* rows of measures.csv */
    RECORD_UNITS     /* rows of unit-aliases.csv */
};

struct record_shape;

struct record_field {
    const char *name;
    enum record_type type;
    bool is_list;
    const struct record_shape *item; /* of RECORD_ITEM, else NULL */
    const char *unit;                /* of a number, in words, or NULL */
    bool required;
    unsigned least;        /* items that a required list must have */
    const char *condition; /* when it is required, in words; NULL: `required` says it all */
    const char *standard;  /* the word that holds when the field is left out, or NULL */
    enum record_allowed allowed;
    const char *const *words; /* NULL-terminated */
    const char *code_kind;
    const char *lowest, *highest;
    const char *meaning;
    const char *fhir_path;
    unsigned length; /* of the name */
    uint32_t hash;   /* hash_name() of it */
};

struct record_shape { /* a kind of record or of small object */
    const char *name;
    const struct record_field *fields; /* in the order of vocabulary.csv */
    size_t count;
};

extern const struct record_shape record_common; /* the fields of every record */
extern const struct record_shape record_kinds[];
extern const size_t record_kind_count;
extern const struct record_shape record_items[];
extern const size_t record_item_count;

/* By name, such as "progress-note"; NULL: no such kind. */
const struct record_shape *record_kind_find(const char *name);
const struct record_shape *record_item_find(const char *name);
/* A field of SHAPE; for a kind of record also a common field. SHAPE NULL: of any kind of record. */
const struct record_field *record_field_find(const struct record_shape *shape, const char *name);
/* All fields of a kind of record in order, the common ones first: field number INDEX, or NULL. */
const struct record_field *record_field_at(const struct record_shape *shape, size_t index);
/* The field name nearest to WORD in SHAPE (as record_field_find), or NULL. */
const char *record_field_nearest(const struct record_shape *shape, const char *word);

#endif
