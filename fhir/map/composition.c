/* composition: notes, discharge summaries and conferences <-> Composition. The sections stand in
 * composition_section.c. */
#include <string.h>

#include "fhir/map/identifier.h"
#include "fhir/map/section.h"
#include "fhir/map/visit.h"
#include "fhir/record/vocabulary.h"

/* ---- type ---- */

struct document {
    const char *kind; /* of record */
    const char *key;  /* of code tables, kind document */
    const char *title;
};
static const struct document documents[] = {
    {"progress-note", "progress-note", "Progress note"},
    {"discharge-summary", "discharge-summary", "Discharge summary"},
    {"case-conference", "conference-note", "Case conference"},
    {NULL, NULL, NULL}};

static const struct document *document_of(const struct field_job *job)
{
    const struct document *document = documents;
    while (document->kind != NULL && strcmp(document->kind, job->kind) != 0)
        document++;
    return document;
}

static const struct field_codes document_codes = {"document", false};

static const char *type_key(const struct field_job *job, const struct json *record)
{
    const char *note_kind = json_get_text(record, "note_kind");
    return note_kind != NULL ? note_kind : document_of(job)->key;
}

static struct json *write_type(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    (void)field;
    return field_concept_of(job, &document_codes, type_key(job, value));
}

static bool is_note_kind(const char *word)
{
    const struct record_field *field =
        record_field_find(record_kind_find("progress-note"), "note_kind");
    return field != NULL && text_is_one_of(word, field->words);
}

static struct json *read_type(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    const char *word = field_word_of(job, "document", node);
    (void)field;
    if (word != NULL && strcmp(job->kind, "progress-note") == 0 && is_note_kind(word))
        json_set_text(job->arena, into, "note_kind", word);
    if (word != NULL && strcmp(word, type_key(job, into)) == 0)
        field_mark_word(job, node, &document_codes, word, NULL);
    return NULL;
}

static const struct field_kind document_type = {write_type, read_type};

/* ---- status: follows from the record ---- */

static const char *status_of(const struct json *record)
{
    if (text_equal(json_get_text(record, "status"), "planned"))
        return "preliminary";
    return json_get(record, "replaces_record_id") != NULL ? "amended" : "final";
}

static struct json *write_status(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)field;
    return json_new_text(job->arena, status_of(value));
}

/* Compared when all is read (section_finish_reading): the record's state stands in other resources.
 */
static struct json *read_later(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    (void)job;
    (void)field;
    (void)node;
    (void)into;
    return NULL;
}

static const struct field_kind document_status = {write_status, read_later};

/* ---- title ---- */

static const char *title_of(struct field_job *job, const struct json *record)
{
    const char *visit = json_number(json_get(record, "visit_number"));
    const char *title = document_of(job)->title;
    return visit == NULL ? title : arena_print(job->arena, "%s, visit %s", title, visit);
}

static struct json *write_title(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    (void)field;
    return json_new_text(job->arena, title_of(job, value));
}

static const struct field_kind document_title = {write_title, read_later};

void composition_finish_reading(struct field_job *job)
{
    struct json *title = json_get(job->main, "title");
    struct json *status = json_get(job->main, "status");
    struct json *degree = json_get(job->main, "confidentiality");
    if (job->main == NULL)
        return;
    section_read(job);
    if (text_equal(json_text(title), title_of(job, job->record)))
        json_mark(title);
    if (text_equal(json_text(status), status_of(job->record)))
        json_mark(status);
    if (text_equal(json_text(degree), "R") && json_get(job->record, "sensitivity") != NULL)
        json_mark(degree);
}

/* ---- confidentiality: restricted with the labels ---- */

static struct json *write_confidentiality(struct field_job *job, const struct field *field,
                                          const struct json *value)
{
    (void)field;
    (void)value;
    return job->labels == NULL ? NULL : json_new_text(job->arena, "R");
}

static const struct field_kind confidentiality = {write_confidentiality, read_later};

/* ---- the referral: as the record writes it, or as its placer does ---- */

static const struct field_number referral_number = {"ServiceRequest", true, false};
static const struct field referral_field = {"referral_id", "", &field_number, &referral_number};

static struct json *write_referral_id(struct field_job *job, const struct field *field,
                                      const struct json *value)
{
    (void)field;
    if (job->referral.number == NULL || text_equal(json_text(value), job->referral.number))
        return field_number.write(job, &referral_field, value);
    field_keep(job, "referral_id", value); /* "lakeside:R-1" */
    return field_of_referral.write(job, &referral_field, value);
}

static struct json *read_referral_id(struct field_job *job, const struct field *field,
                                     struct json *node, struct json *into)
{
    struct json *number = json_get(json_get(node, "identifier"), "value");
    (void)field;
    if (number == NULL)
        return field_number.read(job, &referral_field, node, into);
    if (!text_equal(json_get_text(node, "type"), "ServiceRequest") &&
        !text_equal(json_text(number), job->referral.number))
        return NULL;
    json_mark(node);
    return json_copy_nodes(job->arena, number); /* always the placer's, so it goes without a name */
}

const struct field_kind map_referral_id = {write_referral_id, read_referral_id};

/* ---- the record that this one corrects ---- */

static const struct field_number replaced = {NULL, false, true};

static struct json *write_replaced(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    static const struct field number = {NULL, "", &field_number, &replaced};
    struct json *relation = json_new_object(job->arena);
    (void)field;
    json_set_text(job->arena, relation, "code", "replaces");
    json_put(relation, "targetIdentifier", number.kind->write(job, &number, value));
    return relation;
}

static struct json *read_replaced(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    static const struct field_number referred = {"Composition", false, false};
    static const struct field bare = {NULL, "", &field_number, &replaced};
    static const struct field reference = {NULL, "", &field_number, &referred};
    struct json *identifier = json_get(node, "targetIdentifier");
    struct json *target = identifier != NULL ? identifier : json_get(node, "targetReference");
    (void)field;
    if (target == NULL || !text_equal(json_get_text(node, "code"), "replaces"))
        return NULL;
    struct json *value =
        field_number.read(job, identifier != NULL ? &bare : &reference, target, into);
    if (value != NULL)
        json_mark(node);
    return value;
}

static const struct field_kind relates = {write_replaced, read_replaced};

#define COMMON_ROWS                                                                                \
    {"sensitivity", "meta.security[]", &field_sensitivity, NULL},                                  \
        {"record_id", "identifier", &map_record_number, NULL},                                     \
        {"replaces_record_id", "relatesTo[+]", &relates, NULL},                                    \
        {NULL, "status", &document_status, NULL}, {NULL, "type", &document_type, NULL},            \
        {NULL, "subject", &field_link, "Patient"}, {"written_at", "date", &field_plain, NULL},     \
        {"written_by", "author", &field_one_person, "author"},                                     \
        {NULL, "title", &document_title, NULL}, {NULL, "confidentiality", &confidentiality, NULL}, \
    {                                                                                              \
        NULL, "custodian", &map_own_clinic, NULL                                                   \
    }

/* A note or discharge summary belongs to one referral. */
const struct field map_composition[] = {
    COMMON_ROWS, {"referral_id", "event[0].detail[0]", &map_referral_id, NULL}, FIELD_END};

static const struct field_number discussed = {"ServiceRequest", true, false};

/* A conference talks about several. */
const struct field map_conference[] = {
    COMMON_ROWS,
    {"referral_id", "extension[+]", &field_extra, NULL},
    {"related_referral_ids", "event[0].detail[]", &field_number, &discussed},
    FIELD_END};
