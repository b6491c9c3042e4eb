/* consent: a consent record <-> Consent, the person who gave it <-> RelatedPerson, who wrote it
 * down and when it was taken back <-> Provenance. FHIR R4 consent.html; ppc-1 and ppc-2 hold by the
 * table. */
#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/field/standing.h"
#include "fhir/map/identifier.h"
#include "fhir/map/people.h"
#include "fhir/map/timing.h"
#include "fhir/map/visit.h"
#include "fhir/narrative/narrative.h"

/* ---- who gave it ---- */

static struct json *write_giver(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    (void)field;
    if (text_equal(json_get_text(value, "given_by"), "client")) {
        if (json_get(value, "given_by_name") != NULL)
            field_keep(job, "given_by_name", json_get(value, "given_by_name"));
        return entries_reference(job, "Patient", NULL);
    }
    return entries_has(job, job->giver) ? entries_reference(job, job->giver, NULL) : NULL;
}

static struct json *read_giver(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    struct json *who = entries_resource(job, node, job->resource);
    const char *type = json_get_text(who, "resourceType");
    (void)field;
    if (text_equal(type, "Patient")) {
        json_set_text(job->arena, into, "given_by", "client");
        json_mark(node);
    } else if (text_equal(type, "RelatedPerson") &&
               !standing_sets_aside(job, who, type, who, NULL)) {
        field_read(job, map_consent_giver, who, into);
        json_mark(node);
    }
    return NULL;
}

static const struct field_kind giver = {write_giver, read_giver};

static const struct field_term givers[] = {
    {"guardian", "Guardian", "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "GUARD"},
    {"representative", "Representative", NULL, NULL},
    {NULL, NULL, NULL, NULL}};
static const struct field_terms giver_terms = {"consent-giver", givers};

const struct field map_consent_giver[] = {
    {NULL, "patient", &field_link, "Patient"},
    {"given_by", "relationship[0]", &field_local_concept, &giver_terms},
    {"given_by_name", "name[0].text", &field_plain, NULL},
    FIELD_END};

/* ---- the clinic that may send ---- */

static struct json *write_from(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    const char *clinic = people_clinic(job, json_text(value));
    struct json *reference = people_organization(job, clinic);
    (void)field;
    if (reference == NULL || !text_equal(clinic, json_text(value)))
        field_keep(job, "share_from", value); /* a person: R4 has only Organization here */
    return reference;
}

static struct json *read_from(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    struct json *handle = field_clinic.read(job, field, node, into);
    json_mark(node);
    return handle;
}

static const struct field_kind share_from = {write_from, read_from};

/* ---- who may receive ---- */

static const struct field_code recipient_role = {
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient",
    NULL};
static const struct field role_rows[] = {{NULL, "role", &field_fixed_concept, &recipient_role},
                                         FIELD_END};

static struct json *write_actor(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    struct json *actor = json_new_object(job->arena);
    (void)field;
    field_write(job, role_rows, value, actor);
    json_put(actor, "reference", people_reference(job, json_text(value)));
    return actor;
}

static struct json *read_actor(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    struct json *reference = json_get(node, "reference");
    (void)field;
    if (!field_has_code(json_get(node, "role"), NULL, recipient_role.code))
        return NULL;
    const char *handle = reference == NULL ? NULL : people_handle(job, reference, job->resource);
    if (handle == NULL)
        return NULL;
    field_read(job, role_rows, node, into);
    json_mark(reference);
    return json_new_lasting(job->arena, handle);
}

static const struct field_kind actor = {write_actor, read_actor};

/* ---- which kinds of record: their document types ---- */

struct cover {
    const char *word, *key; /* of code tables, kind document; NULL: a code of ours */
};
static const struct cover covers[] = {{"all", NULL},
                                      {"referral", "referral-note"},
                                      {"progress-note", "progress-note"},
                                      {"discharge-summary", "discharge-summary"},
                                      {"case-conference", "conference-note"},
                                      {"treatment-plan", "plan-of-care"},
                                      {NULL, NULL}};

static struct json *write_cover(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    (void)field;
    for (const struct cover *cover = covers; cover->word != NULL; cover++) {
        if (!text_equal(json_text(value), cover->word))
            continue;
        const struct coding_row *row = field_row(job, "document", cover->key);
        return row != NULL ? field_new_coding(job, row->system, row->code, row->display)
                           : field_new_coding(job, field_uri(job, "/CodeSystem/record-kind"),
                                              cover->word, "Every kind of record");
    }
    return NULL;
}

static struct json *read_cover(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    const struct coding_row *row = field_find_row(job, "document", node);
    const char *system = json_get_text(node, "system");
    (void)field;
    (void)into;
    for (const struct cover *cover = covers; cover->word != NULL; cover++) {
        bool is_it = row != NULL && cover->key != NULL
                         ? strcmp(row->key, cover->key) == 0
                         : cover->key == NULL &&
                               field_is_ours(job, system, "/CodeSystem/record-kind") &&
                               text_equal(json_get_text(node, "code"), cover->word);
        if (!is_it)
            continue;
        json_mark(node);
        return json_new_lasting(job->arena, cover->word);
    }
    return NULL;
}

static const struct field_kind cover_code = {write_cover, read_cover};

/* ---- the rule that follows: opt in, opt in with restrictions, opt out ---- */

static struct json *write_rule(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    bool is_refusal = text_equal(json_get_text(value, "decision"), "refuse");
    bool is_restricted = json_first(json_get(value, "excludes")) != NULL;
    const char *key = is_refusal      ? "opt-out"
                      : is_restricted ? "opt-in-with-restrictions"
                                      : "opt-in";
    const struct coding_row *row = field_row(job, "consent", key);
    struct json *concept = field_new_concept(job, NULL);
    (void)field;
    if (row != NULL)
        field_add_row(job, concept, row);
    return concept;
}

static struct json *read_rule(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    field_mark_concept(job, node, write_rule(job, field, into));
    return NULL;
}

static const struct field_kind policy_rule = {write_rule, read_rule};

static struct json *write_policy(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)field;
    (void)value;
    return json_new_text(job->arena, field_uri(job, "/policy/client-consent"));
}

static struct json *read_policy(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    (void)field;
    (void)into;
    if (field_is_ours(job, json_text(node), "/policy/client-consent"))
        json_mark(node);
    return NULL;
}

static const struct field_kind policy = {write_policy, read_policy};

/* ---- what must not be sent: a nested provision that denies ---- */

static const struct field_codes labels = {"sensitivity", false};

static struct json *write_excludes(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    static const struct field rows[] = {{NULL, "type", &field_constant, "deny"},
                                        {"excludes", "securityLabel[]", &field_coding, &labels},
                                        FIELD_END};
    struct json *provision = json_new_object(job->arena);
    (void)field;
    if (json_first(json_get(value, "excludes")) == NULL)
        return NULL;
    field_write(job, rows, value, provision);
    return provision;
}

static struct json *read_excludes(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    static const struct field rows[] = {{NULL, "type", &field_constant, "deny"},
                                        {"excludes", "securityLabel[]", &field_coding, &labels},
                                        FIELD_END};
    (void)field;
    if (text_equal(json_get_text(node, "type"), "deny"))
        field_read(job, rows, node, into);
    return NULL;
}

static const struct field_kind excludes = {write_excludes, read_excludes};

/* ---- the decision: a permission that is narrower than our words can say is none ---- */

static const struct field_word decisions[] = {
    {"allow", "permit"}, {"refuse", "deny"}, {NULL, NULL}};

static bool has_only(const struct json *object, const char *const *names)
{
    for (const struct json *member = json_first(object); member != NULL;
         member = json_next(member)) {
        if (!text_is_one_of(json_key(member), names))
            return false;
    }
    return true;
}

/* A nested provision that denies labels we know, and nothing else, is `excludes`. One that denies
 * without any denies everything, which is no exception. */
static bool is_exclusion(struct field_job *job, const struct json *provision)
{
    static const char *const names[] = {"id", "type", "securityLabel", NULL};
    if (!has_only(provision, names) || !text_equal(json_get_text(provision, "type"), "deny") ||
        json_first(json_get(provision, "securityLabel")) == NULL)
        return false;
    for (const struct json *label = json_first(json_get(provision, "securityLabel")); label != NULL;
         label = json_next(label)) {
        if (field_find_row(job, labels.kind, label) == NULL)
            return false;
    }
    return true;
}

static bool is_disclosure(const struct json *provision)
{
    const struct json *action = json_first(json_get(provision, "action"));
    bool is_any = action == NULL;
    for (; action != NULL && !is_any; action = json_next(action))
        is_any = field_has_code(action, NULL, "disclose");
    return is_any;
}

/* To certain content or resources, for something else than disclosing, or with exceptions that have
 * no word of ours. */
static bool is_narrower(struct field_job *job, const struct json *provision)
{
    static const char *const names[] = {"id",        "extension",  "type",    "period",
                                        "actor",     "action",     "purpose", "class",
                                        "provision", "dataPeriod", NULL};
    if (!has_only(provision, names) || !is_disclosure(provision))
        return true;
    for (const struct json *inner = json_first(json_get(provision, "provision")); inner != NULL;
         inner = json_next(inner)) {
        if (!is_exclusion(job, inner))
            return true;
    }
    return false;
}

static struct json *write_decision(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    return field_word.write(job, field, value);
}

static struct json *read_decision(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    const struct json *provision = json_get(job->main, "provision");
    if (!text_equal(json_text(node), "permit") || !is_narrower(job, provision))
        return field_word.read(job, field, node, into);
    standing_leave_out(job, job->main, "Consent.provision", provision, "type",
                       "Not filed: this consent permits less than can be said here, so it permits "
                       "nothing");
    json_mark(node);
    return NULL;
}

static const struct field_kind decision = {write_decision, read_decision};

/* ---- when it holds: whole days ---- */

static struct json *write_edge(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    return map_day.write(job, field, value);
}

/* A permission that begins or ends at an hour holds on the whole days within; a refusal on every
 * day that it touches. */
static struct json *read_edge(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    struct json *day = map_day.read(job, field, node, into);
    bool is_refusal = text_equal(json_get_text(into, "decision"), "refuse");
    bool is_first = strcmp(field->option, "first") == 0;
    const char *hour = json_text(node) == NULL ? NULL : strchr(json_text(node), 'T');
    if (is_refusal || hour == NULL || text_starts(hour, is_first ? "T00:00" : "T23:59"))
        return day;
    long count = is_first ? 1 : -1;
    return json_new_lasting(job->arena, timing_days_after(job, json_text(day), count));
}

static const struct field_kind edge = {write_edge, read_edge};

/* ---- the table ---- */

/* Of the last two rows only reading makes use: they permit nothing. */
static const struct field_word statuses[] = {{"active", "active"},    {"revoked", "inactive"},
                                             {"draft", "draft"},      {"draft", "proposed"},
                                             {"revoked", "rejected"}, {NULL, NULL}};
static const struct field_code privacy = {"http://terminology.hl7.org/CodeSystem/consentscope",
                                          "patient-privacy", "Privacy Consent", NULL};
static const struct field_code consent_form = {"http://loinc.org", "59284-0", "Patient Consent",
                                               NULL};
static const struct field_code disclosure = {"http://terminology.hl7.org/CodeSystem/v3-ActCode",
                                             "IDSCL", "information disclosure", NULL};
static const struct field_code disclose = {"http://terminology.hl7.org/CodeSystem/consentaction",
                                           "disclose", "Disclose", NULL};
static const struct field_codes purposes = {"purpose", false};

/* What has no element of its own is told here, with its value in a record-field beside it. */
static struct json *write_narrative(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    struct narrative narrative = narrative_start(job->arena);
    (void)field;
    narrative_paragraph(&narrative, "Decision", json_get_text(value, "decision"));
    narrative_paragraph(&narrative, "Given by", json_get_text(value, "given_by"));
    narrative_paragraph(&narrative, "How", json_get_text(value, "method"));
    narrative_paragraph(&narrative, "Notes", json_get_text(value, "notes"));
    return narrative_element(job->arena, &narrative);
}

static struct json *read_narrative(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    (void)job;
    (void)field;
    (void)node;
    (void)into;
    return NULL; /* nothing is read from text */
}

static const struct field_kind narrative_text = {write_narrative, read_narrative};

const struct field map_consent[] = {{"sensitivity", "meta.security[]", &field_sensitivity, NULL},
                                    {NULL, "text", &narrative_text, NULL},
                                    {"method", "extension[+]", &field_extra, NULL},
                                    {"notes", "extension[+]", &field_extra, NULL},
                                    {"referral_id", "extension[+]", &field_extra, NULL},
                                    {"replaces_record_id", "extension[+]", &field_extra, NULL},
                                    {"record_id", "identifier", &map_record_number, "list"},
                                    {"status", "status", &field_word, statuses},
                                    {NULL, "scope", &field_fixed_concept, &privacy},
                                    {NULL, "category[0]", &field_fixed_concept, &consent_form},
                                    {NULL, "category[1]", &field_fixed_concept, &disclosure},
                                    {NULL, "patient", &field_link, "Patient"},
                                    {"written_at", "dateTime", &field_plain, NULL},
                                    {NULL, "performer[0]", &giver, NULL},
                                    {"share_from", "organization[0]", &share_from, NULL},
                                    {"form_file", "sourceAttachment.title", &field_plain, NULL},
                                    {NULL, "policy[0].uri", &policy, NULL},
                                    {"decision", "provision.type", &decision, decisions},
                                    {"valid_from", "provision.period.start", &edge, "first"},
                                    {"valid_until", "provision.period.end", &edge, "last"},
                                    {"share_with", "provision.actor[]", &actor, NULL},
                                    {NULL, "provision.action[0]", &field_fixed_concept, &disclose},
                                    {"purposes", "provision.purpose[]", &field_coding, &purposes},
                                    {"covers", "provision.class[]", &cover_code, NULL},
                                    {"records_from", "provision.dataPeriod.start", &edge, "first"},
                                    {"records_until", "provision.dataPeriod.end", &edge, "last"},
                                    {NULL, "provision.provision[+]", &excludes, NULL},
                                    {NULL, "policyRule", &policy_rule, NULL},
                                    FIELD_END};
