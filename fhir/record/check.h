/* check: what the parts of the record check share. Included by record/check.c (each field by
 * itself), record/say.c (the words of messages), record/text.c (the forms of texts),
 * record/measure.c (measures, units, joints) and record/rules.c (fields against each other); nobody
 * else. */
#ifndef FHIR_RECORD_CHECK_H
#define FHIR_RECORD_CHECK_H

#include "base/date.h"
#include "fhir/record/places.h"
#include "fhir/record/record.h"
#include "fhir/record/vocabulary.h"

struct checking { /* one record under check */
    const struct json *tree;
    const struct record_places *places; /* may be NULL */
    const struct record_rules *rules;
    const struct coding *coding;
    struct arena *arena;
    const struct record_shape *shape; /* NULL: the kind is missing or unknown */
    struct finding_list *findings;
    bool is_too_long; /* a list has more than RECORD_LIST_MAX items */
};

/* Where a value stands, as a chain on the stack: a path is only printed for a fault. */
struct place {
    const struct place *parent; /* NULL: the record */
    const char *name;           /* of a member; NULL for an item of a list */
    size_t item;                /* 1-based */
};

struct fault {
    const struct json *node; /* where; for a missing field what it is missing in */
    const char *path;
    const char *found, *expected, *nearest;
};

void record_fault(struct checking *check, struct fault fault);
/* A value for a message: texts in quotation marks, long ones cut short. */
const char *record_show(struct checking *check, const struct json *node);
const char *record_path(struct checking *check, const struct place *place);
/* What one value of a field should be, and the field as a whole (which may be a list). */
const char *record_value_in_words(struct arena *arena, const struct record_field *field);
const char *record_field_in_words(struct arena *arena, const struct record_field *field);
/* The meaning of a field as the middle of a sentence. */
const char *record_meaning_in_words(struct arena *arena, const struct record_field *field);

/* Reading a member of the right form; false when it is absent or faulty (which is told elsewhere).
 */
bool record_get_day(const struct json *object, const char *name, struct date *ret_date);
bool record_get_time(const struct json *object, const char *name, struct date_time *ret_time);
/* A date, or the day of a time in its own offset. */
bool record_get_day_of(const struct json *object, const char *name, struct date *ret_date);

/* Whether the text of a field has the right form; else a message in *ret_expected. */
struct text_form {
    const char *found; /* what is odd about it, put behind the text; NULL: nothing to add */
    const char *expected;
    const char *nearest;
};
/* The form that NAME of SHAPE asks for beyond its type (e-mail, language, file names). */
bool record_text_form(const char *shape, const char *name, const char *text,
                      struct text_form *ret_form);
bool record_id_form(const char *text, bool is_received, struct text_form *ret_form);
bool record_code_form(struct arena *arena, const char *system, const char *code,
                      struct text_form *ret_form);

/* What is odd about a number, apart from its size; NULL: nothing. */
const char *record_number_remark(const char *number);

/* Measurements and goals: measure, unit and range agree; joints move as they can. */
void record_check_measures(struct checking *check);
/* All rules between fields. */
void record_check_rules(struct checking *check);

#endif
