/* coverage: insurer, member and claim number <-> Coverage; the authorisation <-> ClaimResponse. */
#include "fhir/entries/entries.h"
#include "fhir/map/identifier.h"
#include "fhir/map/part.h"
#include "fhir/map/timing.h"

static const char absent[] = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/* Both resources must name the insurer; where the record has none, they say that it is unknown. */
static struct json *write_payer(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    const char *payer = json_get_text(value, "payer");
    struct json *reference = json_new_object(job->arena);
    (void)field;
    if (payer != NULL) {
        json_set_text(job->arena, reference, "display", payer);
        return reference;
    }
    struct json *extensions = json_put(reference, "extension", json_new_list(job->arena));
    struct json *extension = json_push(extensions, json_new_object(job->arena));
    json_set_text(job->arena, extension, "url", absent);
    json_set_text(job->arena, extension, "valueCode", "unknown");
    return reference;
}

/* The name shown, else the name of the insurer's Organization. */
static struct json *read_payer(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    struct json *organization = entries_resource(job, node, job->resource);
    struct json *name = json_get(organization, "name");
    (void)field;
    if (name == NULL)
        name = json_get(node, "display");
    if (text_equal(json_get_text(json_first(json_get(node, "extension")), "url"), absent))
        json_mark(node);
    if (json_text(name) == NULL)
        return NULL;
    if (json_get(into, "payer") == NULL)
        json_put(into, "payer", json_copy_nodes(job->arena, name));
    if (json_same(json_get(into, "payer"), name)) {
        json_mark(name);
        json_mark(json_get(node, "display"));
    }
    return NULL;
}

static const struct field_kind payer = {write_payer, read_payer};

/* Where there is no subscriberId, the insurer's number of the member may stand in an identifier. */
static struct json *write_nothing(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    (void)job;
    (void)field;
    (void)value;
    return NULL;
}

static bool judge_member(struct field_job *job, struct json *identifier, const void *option,
                         struct choice *ret_choice)
{
    return field_has_code(json_get(identifier, "type"), NULL, "MB") &&
           choice_of_value(job, identifier, option, ret_choice);
}

static struct json *read_member(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    struct json *identifier = choice_best(job, node, judge_member, NULL);
    struct json *value = json_get(identifier, "value");
    (void)field;
    if (json_get(into, "member_id") == NULL || json_same(json_get(into, "member_id"), value))
        json_mark(identifier);
    return json_copy_nodes(job->arena, value);
}

static const struct field_kind member_number = {write_nothing, read_member};

const struct field map_coverage[] = {{NULL, "status", &field_constant, "active"},
                                     {"claim_number", "identifier", &map_bare_number, NULL},
                                     {"member_id", "subscriberId", &field_plain, NULL},
                                     {"member_id", "identifier", &member_number, NULL},
                                     {NULL, "beneficiary", &field_link, "Patient"},
                                     {NULL, "payor[0]", &payer, NULL},
                                     FIELD_END};

/* ---- the authorisation ---- */

static const struct field_code professional = {"http://terminology.hl7.org/CodeSystem/claim-type",
                                               "professional", "Professional", NULL};
static const struct field_code visits = {"/CodeSystem/adjudication", "authorized-visits",
                                         "Visits authorised", "Visits authorised"};

static struct json *write_visits(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    static const struct field category = {NULL, "category", &field_fixed_concept, &visits};
    struct json *item = json_new_object(job->arena);
    (void)field;
    json_put(item, "itemSequence", json_new_whole(job->arena, 1));
    struct json *list = json_put(item, "adjudication", json_new_list(job->arena));
    struct json *adjudication = json_push(list, json_new_object(job->arena));
    json_put(adjudication, "category", category.kind->write(job, &category, value));
    json_put(adjudication, "value", json_copy_nodes(job->arena, value));
    return item;
}

static struct json *read_visits(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    struct json *adjudication = json_first(json_get(node, "adjudication"));
    struct json *count = field_count(job->arena, json_get(adjudication, "value"), 0);
    (void)field;
    (void)into;
    if (!field_has_code(json_get(adjudication, "category"), NULL, visits.code) || count == NULL)
        return NULL;
    json_mark(adjudication);
    json_mark(json_get(node, "itemSequence"));
    return count;
}

static const struct field_kind authorized_visits = {write_visits, read_visits};

static struct json *write_created(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    (void)field;
    return json_copy_nodes(job->arena, json_get(value, "written_at"));
}

/* The day of the order: ClaimResponse asks for one, the record does not know another. */
static struct json *read_created(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    (void)job;
    (void)field;
    if (json_same(json_get(into, "written_at"), node))
        json_mark(node);
    return NULL;
}

static const struct field_kind created = {write_created, read_created};

const struct field map_claim_response[] = {
    {NULL, "status", &field_constant, "active"},
    {NULL, "type", &field_fixed_concept, &professional},
    {NULL, "use", &field_constant, "preauthorization"},
    {NULL, "patient", &field_link, "Patient"},
    {NULL, "created", &created, NULL},
    {NULL, "insurer", &payer, NULL},
    {NULL, "outcome", &field_constant, "complete"},
    {"authorization_number", "preAuthRef", &field_plain, NULL},
    {"authorization_expires", "preAuthPeriod.end", &map_day, "last"},
    {"authorized_visits", "item[+]", &authorized_visits, NULL},
    FIELD_END};
