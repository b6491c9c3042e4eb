/* choice: which of several identifiers, names, contacts or addresses counts.
 *
 * R4 gives the order of such a list no meaning, so no answer here depends on it. A judge of the
 * caller says whether an item may serve and how well; between items that serve equally well the one
 * whose period begins later counts, then their texts decide. Called by the tables of fhir/map, by
 * message_people and message_split. Pure; what is made lives in the arena of the job. */
#ifndef FHIR_FIELD_CHOICE_H
#define FHIR_FIELD_CHOICE_H

#include "fhir/field/field.h"
#include "fhir/field/words.h"

/* Where the message's own moment stands to an item's `period` and `use` (fhir/ has no clock). */
enum choice_time {
    CHOICE_CURRENT,
    CHOICE_NOT_YET, /* begins later; or ends, and the message does not say when it was made */
    CHOICE_ENDED    /* or said to be old */
};
enum choice_time choice_time(const struct field_job *job, const struct json *item);

/* Place of the item's `use` among USES, best first, "" for none, NULL at the end; -1: not there. */
int choice_use(const struct json *item, const char *const *uses);

struct choice {
    struct json *item;
    int rank;                   /* lower is better */
    const char *start;          /* of its period, or NULL */
    const char *first, *second; /* what it says; NULL: nothing */
    size_t place;               /* in the list, where all else is equal */
};

/* Fills rank, first and second; false when the item may not serve at all. */
typedef bool choice_judge(struct field_job *job, struct json *item, const void *option,
                          struct choice *ret_choice);

/* The best of LIST (one that stands alone is a list of one), or NULL. */
struct json *choice_best(struct field_job *job, struct json *list, choice_judge *judge,
                         const void *option);
/* All that may serve, the best first. */
size_t choice_all(struct field_job *job, struct json *list, choice_judge *judge, const void *option,
                  struct choice **ret_choices);

/* A judge of what has a `value`: by its period, then its use. Without option. */
choice_judge choice_of_value;
/* A judge of codings: one of ours, then what a user chose. Without option. */
choice_judge choice_of_coding;

#endif
