/* retraction: a record taken back <-> Composition (entered-in-error): which record, and no more.
 * It leaves without the client's consent, so it has neither subject nor content nor text. */
#include <string.h>

#include "fhir/map/identifier.h"
#include "fhir/map/visit.h"

/* ---- the kind of record, told by the type of the document ---- */

static const struct kind_row {
    const char *kind;     /* of record */
    const char *document; /* key of the code tables, kind document */
} kinds[] = {
    {"progress-note", "progress-note"},
    {"discharge-summary", "discharge-summary"},
    {"case-conference", "conference-note"},
    {"treatment-plan", "plan-of-care"},
    {"referral", "referral-note"},
    {"referral", "pt-referral-note"},
    {"consent", "consent-form"},
    {"consent", "release-of-information"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct json *write_kind(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    static const struct field_codes codes = {"document", false};
    (void)field;
    for (size_t i = 0; i < KINDS; i++) {
        if (text_equal(kinds[i].kind, json_text(value)))
            return field_concept_of(job, &codes, kinds[i].document);
    }
    return NULL;
}

/* Every other document that we know is a note of some kind; of one that we do not know nothing is
 * said. */
static struct json *read_kind(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    const char *word = field_word_of(job, "document", node);
    const char *kind = word == NULL ? NULL : "progress-note";
    (void)field;
    (void)into;
    for (size_t i = 0; i < KINDS; i++) {
        if (text_equal(kinds[i].document, word))
            kind = kinds[i].kind;
    }
    json_mark(node);
    return kind == NULL ? NULL : json_new_text(job->arena, kind);
}

static const struct field_kind retracted_kind = {write_kind, read_kind};

const struct field map_retraction[] = {{"record_id", "identifier", &map_record_number, NULL},
                                       {NULL, "status", &field_constant, "entered-in-error"},
                                       {"record", "type", &retracted_kind, NULL},
                                       {"at", "date", &field_plain, NULL},
                                       {NULL, "author[0]", &map_own_clinic, NULL},
                                       {NULL, "title", &field_constant, "Retracted"},
                                       {NULL, "event[0].detail[0]", &field_of_referral, NULL},
                                       FIELD_END};
