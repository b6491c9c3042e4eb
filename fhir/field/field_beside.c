/* field_beside: a technique by the standard code that goes beside its own (codes-local.csv, column
 * also_send), for systems that send that code alone. See field.h. Pure; any thread. */
#include "fhir/field/field.h"

/* The one word of KIND that goes with CODING; NULL: none, and AND_MORE when there are several. */
static const char *only_word(const struct field_job *job, const char *kind,
                             const struct json *coding, bool *and_more)
{
    const struct coding *tables = job->context->coding;
    const struct coding_row *own =
        coding_find_code(tables, job->context->base, NULL, json_get_text(coding, "system"),
                         json_get_text(coding, "code"));
    const struct coding_row *row = NULL;
    const char *word = NULL;
    while (own != NULL && (row = coding_beside(tables, kind, own->key, row)) != NULL) {
        *and_more = *and_more || (word != NULL && !text_equal(word, row->key));
        word = row->key;
    }
    return word;
}

const char *field_word_beside(const struct field_job *job, const char *kind,
                              const struct json *concept)
{
    const char *found = NULL;
    bool and_more = false;
    if (!text_equal(kind, "technique"))
        return NULL;
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL && !and_more;
         coding = json_next(coding)) {
        const char *word = only_word(job, kind, coding, &and_more);
        and_more = and_more || (word != NULL && found != NULL && !text_equal(word, found));
        found = word != NULL ? word : found;
    }
    return and_more ? NULL : found;
}
