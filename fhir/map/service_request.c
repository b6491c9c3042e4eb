/* service_request: a referral <-> ServiceRequest. */
#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/map/part.h"
#include "fhir/map/people.h"
#include "fhir/map/timing.h"

/* ---- the service asked for: two codes each ---- */

struct service {
    const char *word, *display;
    const char *kinds[2], *keys[2]; /* rows of the code tables */
};

static const struct service services[] = {
    {"massage-therapy",
     "Massage therapy",
     {"service", "procedure"},
     {"massage-therapy", "massage"}},
    {"physiotherapy",
     "Physiotherapy",
     {"service", "procedure"},
     {"physiotherapy", "referral-to-physical-therapy"}},
    {"chiropractic",
     "Chiropractic",
     {"service", "procedure"},
     {"chiropractic", "referral-to-chiropractic"}},
    {"general-practice",
     "General practice",
     {"service", "procedure"},
     {"general-practice", "referral-to-physician"}},
    {"evaluation", "Evaluation", {"procedure", NULL}, {"evaluation", NULL}},
};
enum { SERVICES = sizeof services / sizeof services[0] };

static struct json *service_concept(struct field_job *job, const struct service *service)
{
    const struct coding *coding = job->context->coding;
    struct json *concept = field_new_concept(job, NULL);
    for (size_t i = 0; i < 2 && service->keys[i] != NULL; i++) {
        const struct coding_row *row = NULL;
        while ((row = coding_next(coding, service->kinds[i], service->keys[i], row)) != NULL)
            field_add_row(job, concept, row);
    }
    json_put_text(job->arena, concept, "text", service->display);
    return concept;
}

static struct json *write_service(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    (void)field;
    for (size_t i = 0; i < SERVICES; i++) {
        if (text_equal(json_text(value), services[i].word))
            return service_concept(job, &services[i]);
    }
    return NULL;
}

static bool is_row(const struct json *concept, const struct coding_row *row, bool is_selected)
{
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding)) {
        if (text_equal(json_get_text(coding, "code"), row->code) &&
            text_equal(json_get_text(coding, "system"), row->system) &&
            (!is_selected || json_true(json_get(coding, "userSelected"))))
            return true;
    }
    return false;
}

static bool has_key(struct field_job *job, const struct json *concept, const char *kind,
                    const char *key, bool is_selected)
{
    const struct coding_row *row = NULL;
    while (key != NULL && (row = coding_next(job->context->coding, kind, key, row)) != NULL) {
        if (is_row(concept, row, is_selected))
            return true;
    }
    return false;
}

static bool has_selected(const struct json *concept)
{
    const struct json *coding = json_first(json_get(concept, "coding"));
    while (coding != NULL && !json_true(json_get(coding, "userSelected")))
        coding = json_next(coding);
    return coding != NULL;
}

/* The service of the first key that the codings of a concept name, what a user chose before other
 * codes, main codes before second ones. */
static const struct service *service_of(struct field_job *job, struct json *concept)
{
    for (size_t place = has_selected(concept) ? 0 : 2; place < 4; place++) {
        for (size_t i = 0; i < SERVICES; i++) {
            const struct service *service = &services[i];
            if (has_key(job, concept, service->kinds[place % 2], service->keys[place % 2],
                        place < 2))
                return service;
        }
    }
    return NULL;
}

static struct json *read_service(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    const struct service *service = service_of(job, node);
    (void)field;
    (void)into;
    if (service == NULL)
        return NULL;
    field_mark_concept(job, node, service_concept(job, service));
    return json_new_lasting(job->arena, service->word);
}

static const struct field_kind service_word = {write_service, read_service};

/* ---- what R4 has no element for: a note that tells it, with the value beside it ---- */

static const char *avoid_text(struct field_job *job, const struct json *words)
{
    struct text text = text_new(job->arena, 8192);
    text_add(&text, "Do not use: ");
    for (struct json *word = json_first(words); word != NULL; word = json_next(word))
        text_print(&text, "%s%s", word == json_first(words) ? "" : ", ",
                   field_display(job, "technique", json_text(word)));
    text_add(&text, ".");
    return text.at;
}

static struct json *told(struct field_job *job, const char *name, const struct json *value,
                         const char *sentence)
{
    struct json *note = json_new_object(job->arena);
    struct json *extensions = json_put(note, "extension", json_new_list(job->arena));
    if (json_kind(value) == JSON_LIST) {
        for (struct json *item = json_first(value); item != NULL; item = json_next(item))
            json_push(extensions, field_new_extra(job, name, item));
    } else {
        json_push(extensions, field_new_extra(job, name, value));
    }
    json_set_text(job->arena, note, "text", sentence);
    return note;
}

static struct json *write_told(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    const char *name = field->option;
    const struct json *member = json_get(value, name);
    if (member == NULL || (json_kind(member) == JSON_LIST && json_first(member) == NULL))
        return NULL;
    if (strcmp(name, "techniques_to_avoid") == 0)
        return told(job, name, member, avoid_text(job, member));
    return told(job, name, member,
                arena_print(job->arena, "Please report after every %s visits.",
                            json_number(member) == NULL ? "few" : json_number(member)));
}

/* Notes with a record-field are read from it; their text only tells the same. */
static struct json *read_told(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    struct json *extensions = json_get(node, "extension");
    (void)field;
    if (json_first(extensions) == NULL)
        return NULL;
    field_read_extras(job, extensions, into);
    if (json_marked(json_first(extensions)))
        json_mark(json_get(node, "text"));
    return NULL;
}

static const struct field_kind told_in_note = {write_told, read_told};

/* ---- the referral that this one answers ---- */

static const struct field_number other_referral = {"ServiceRequest", true, false};
static const struct field other_field = {"reply_to_referral_id", "", &field_number,
                                         &other_referral};

static struct json *write_answered(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    (void)field;
    return field_number.write(job, &other_field, value);
}

/* An earlier order of the same clinic is no referral that it answers. */
static struct json *read_answered(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    struct message_entry *order = entries_resolve(job, node);
    struct json *requester = order == NULL ? NULL : json_get(order->resource, "requester");
    const char *by = requester == NULL ? NULL : people_handle(job, requester, order->resource);
    (void)field;
    if (by != NULL && text_equal(people_clinic(job, by), job->clinic))
        return NULL;
    return field_number.read(job, &other_field, node, into);
}

static const struct field_kind answered = {write_answered, read_answered};

/* ---- the table ---- */

static const struct field_word statuses[] = {
    {"active", "active"},       {"on-hold", "on-hold"},
    {"cancelled", "revoked"},   {"cancelled", "entered-in-error"}, /* only read */
    {"completed", "completed"}, {NULL, NULL}};
static const struct field_code patient_referral = {"http://snomed.info/sct", "3457005",
                                                   "Patient referral", "Referral"};
static const struct field_codes techniques = {"technique", false};
static const struct field_codes professions = {"specialty", false};
static const struct field_number own = {"ServiceRequest", false, false};
static const struct field_unit visits = {"{#}", "visits", 1};

const struct field map_service_request[] = {
    {"sensitivity", "meta.security[]", &field_sensitivity, NULL},
    {"referral_id", "extension[+]", &field_extra, NULL},
    {NULL, "identifier[+]", &map_placer_number, NULL},
    {NULL, "identifier[+]", &map_filler_number, NULL},
    {"replaces_record_id", "replaces[0]", &field_number, &own},
    {"reply_to_referral_id", "basedOn[0]", &answered, NULL},
    {"status", "status", &field_word, statuses},
    {NULL, "intent", &field_constant, "order"},
    {NULL, "category[0]", &field_fixed_concept, &patient_referral},
    {"priority", "priority", &field_word, NULL},
    {"service", "code", &service_word, NULL},
    {"techniques_requested", "orderDetail[]", &field_concept, &techniques},
    {"visits_requested", "quantityQuantity", &field_measured, &visits},
    {NULL, "subject", &field_link, "Patient"},
    {NULL, "occurrenceTiming", &map_timing, NULL},
    {"written_at", "authoredOn", &field_plain, NULL},
    {"written_by", "requester", &field_person, NULL},
    {"profession_wanted", "performerType", &field_concept, &professions},
    {"referred_to", "performer", &field_one_person, NULL},
    {"reason", "reasonCode", &map_words_of_all, NULL},
    {"body_areas", "bodySite[]", &field_site, NULL},
    {NULL, "note[+]", &told_in_note, "techniques_to_avoid"},
    {NULL, "note[+]", &told_in_note, "report_every_visits"},
    {"notes", "note[+]", &map_note, NULL},
    {"notes", "note", &map_notes, "\n"},
    FIELD_END};
