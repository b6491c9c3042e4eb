/* encounter: a visit, and a case conference, <-> Encounter; first and last visit <-> EpisodeOfCare.
 */
#include <stdint.h>
#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/map/people.h"
#include "fhir/map/timing.h"
#include "fhir/map/visit.h"

/* ---- visit number: visit 3 of a referral is another than visit 3 of the next, so each referral of
 * each client has a system of its own. Its URI ends in a digest: neither of the two is in it. ----
 */

static const char every_visit_number[] = "/sid/visit-number"; /* as it was written at first */

/* FNV-1a, 64 bits, of TEXT and its end; what is sent must stay the same in every version. */
static uint64_t digest_more(uint64_t digest, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        digest = (digest ^ (unsigned char)*text) * 1099511628211u;
    return (digest ^ 0xff) * 1099511628211u;
}

static const char *visit_number_system(struct field_job *job)
{
    uint64_t digest = digest_more(14695981039346656037u, json_get_text(job->record, "client_id"));
    digest = digest_more(digest, json_get_text(job->record, "referral_id"));
    const char *system = people_system(job, job->clinic, "visit");
    return system == NULL
               ? field_uri(job, every_visit_number)
               : arena_print(job->arena, "%s/%016llx", system, (unsigned long long)digest);
}

static bool is_visit_number_system(struct field_job *job, const char *system)
{
    const char *end = system == NULL ? NULL : strrchr(system, '/');
    if (end == NULL || field_is_ours(job, system, every_visit_number))
        return end != NULL;
    const char *start = arena_copy_n(job->arena, system, (size_t)(end - system));
    return people_system_clinic(job, start, "visit") != NULL;
}

static struct json *write_visit_number(struct field_job *job, const struct field *field,
                                       const struct json *value)
{
    (void)field;
    return json_number(value) == NULL
               ? NULL
               : field_new_identifier(job, "visit-number", visit_number_system(job),
                                      json_number(value));
}

static struct json *read_visit_number(struct field_job *job, const struct field *field,
                                      struct json *node, struct json *into)
{
    const char *number = json_get_text(node, "value");
    (void)field;
    (void)into;
    if (!is_visit_number_system(job, json_get_text(node, "system")) || number == NULL ||
        strspn(number, "0123456789") != strlen(number) || strlen(number) > 4 || number[0] == '0' ||
        number[0] == '\0')
        return NULL;
    json_mark(node);
    return json_new_number(job->arena, number);
}

static const struct field_kind visit_number = {write_visit_number, read_visit_number};

/* ---- always the same for the record ---- */

static struct json *write_visit_time(struct field_job *job, const struct field *field,
                                     const struct json *value)
{
    (void)field;
    (void)value;
    return json_copy_nodes(job->arena, json_get(job->record, "visit_at"));
}

static struct json *read_visit_time(struct field_job *job, const struct field *field,
                                    struct json *node, struct json *into)
{
    (void)field;
    (void)into;
    if (text_equal(json_text(node), json_get_text(job->record, "visit_at")))
        json_mark(node);
    return NULL;
}

const struct field_kind map_visit_time = {write_visit_time, read_visit_time};

static struct json *write_own_clinic(struct field_job *job, const struct field *field,
                                     const struct json *value)
{
    (void)field;
    (void)value;
    return people_organization(job, job->clinic);
}

static struct json *read_own_clinic(struct field_job *job, const struct field *field,
                                    struct json *node, struct json *into)
{
    const char *handle = people_handle(job, node, job->resource);
    (void)field;
    (void)into;
    if (handle != NULL && text_equal(handle, job->clinic))
        json_mark(node);
    return NULL;
}

const struct field_kind map_own_clinic = {write_own_clinic, read_own_clinic};

/* ---- a visit ---- */

static const struct field_codes classes = {"visit-class", false};
static const struct field_unit minutes = {"min", "min", 1};

/* Only persons take part in an Encounter. */
static struct json *write_therapist(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    const struct json *writer = json_get(value, "written_by");
    const struct directory_entry *entry =
        directory_meet(job->context->directory, job->arena, json_text(writer));
    return entry == NULL || !entry->is_person ? NULL : field_person.write(job, field, writer);
}

static struct json *read_therapist(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    return map_author.read(job, field, node, into);
}

static const struct field_kind therapist = {write_therapist, read_therapist};

const struct field map_encounter[] = {{"visit_number", "identifier[+]", &visit_number, NULL},
                                      {NULL, "status", &field_constant, "finished"},
                                      {"visit_kind", "class", &field_coding, &classes},
                                      {NULL, "subject", &field_link, "Patient"},
                                      {NULL, "basedOn[0]", &field_of_referral, NULL},
                                      {NULL, "participant[0].individual", &therapist, NULL},
                                      {"visit_at", "period.start", &field_plain, NULL},
                                      {"visit_minutes", "length", &field_measured, &minutes},
                                      {NULL, "serviceProvider", &map_own_clinic, NULL},
                                      FIELD_END};

/* ---- a case conference; who took part and how stands in the CareTeam and the Composition ---- */

static const struct field_word conference_statuses[] = {
    {"planned", "planned"}, {"held", "finished"}, {"cancelled", "cancelled"}, {NULL, NULL}};
static const struct field_code conference = {"http://snomed.info/sct", "713126005",
                                             "Coordination of case conference", "Case conference"};
static const struct field_code meeting = {"http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB",
                                          "ambulatory", NULL};

static struct json *participant_type(struct field_job *job, const struct json *participant)
{
    bool is_chair = text_equal(json_get_text(participant, "role"), "chair");
    const struct coding_row *row =
        field_row(job, "participation", is_chair ? "main-performer" : "participant");
    struct json *concept = field_new_concept(job, NULL);
    if (row != NULL)
        field_add_row(job, concept, row);
    return concept;
}

static bool was_there(struct field_job *job, const struct json *participant)
{
    const char *how = json_get_text(participant, "attendance");
    const struct directory_entry *entry =
        directory_meet(job->context->directory, job->arena, json_get_text(participant, "who"));
    return entry != NULL && entry->is_person && !text_equal(how, "absent") &&
           !text_equal(how, "sent-report");
}

static struct json *write_participants(struct field_job *job, const struct field *field,
                                       const struct json *value)
{
    struct json *list = json_new_list(job->arena);
    (void)field;
    for (struct json *item = json_first(value); item != NULL; item = json_next(item)) {
        if (!was_there(job, item))
            continue;
        struct json *participant = json_push(list, json_new_object(job->arena));
        struct json *types = json_put(participant, "type", json_new_list(job->arena));
        json_push(types, participant_type(job, item));
        json_put(participant, "individual", people_reference(job, json_get_text(item, "who")));
    }
    return json_first(list) == NULL ? NULL : list;
}

static struct json *in_team(const struct field_job *job, const char *who)
{
    struct json *item = json_first(json_get(job->record, "participants"));
    while (item != NULL && !text_equal(json_get_text(item, "who"), who))
        item = json_next(item);
    return item;
}

/* The CareTeam was read before; who is only here is added to it. */
static struct json *read_participants(struct field_job *job, const struct field *field,
                                      struct json *node, struct json *into)
{
    (void)field;
    for (struct json *part = json_first(node); part != NULL; part = json_next(part)) {
        struct json *individual = json_get(part, "individual");
        const char *who = individual == NULL ? NULL : people_handle(job, individual, job->resource);
        if (who == NULL)
            continue;
        struct json *member = in_team(job, who);
        struct json *type = json_first(json_get(part, "type"));
        if (member == NULL) {
            struct json *list = json_get(into, "participants");
            if (list == NULL)
                list = json_put(into, "participants", json_new_list(job->arena));
            member = json_push(list, json_new_object(job->arena));
            json_set_text(job->arena, member, "who", who);
            if (field_has_code(type, NULL, "PPRF"))
                json_set_text(job->arena, member, "role", "chair");
        }
        json_mark(individual);
        field_mark_concept(job, type, participant_type(job, member));
    }
    return NULL;
}

static const struct field_kind participants = {write_participants, read_participants};

const struct field map_conference_encounter[] = {
    {"status", "status", &field_word, conference_statuses},
    {NULL, "class", &field_fixed_coding, &meeting},
    {NULL, "type[0]", &field_fixed_concept, &conference},
    {NULL, "subject", &field_link, "Patient"},
    {"participants", "participant", &participants, NULL},
    {"held_at", "period.start", &field_plain, NULL},
    {"minutes", "length", &field_measured, &minutes},
    {"place", "location[0].location.display", &field_plain, NULL},
    {NULL, "serviceProvider", &map_own_clinic, NULL},
    FIELD_END};

/* ---- first and last visit ---- */

const struct field map_episode[] = {{NULL, "status", &field_constant, "finished"},
                                    {NULL, "patient", &field_link, "Patient"},
                                    {NULL, "managingOrganization", &map_own_clinic, NULL},
                                    {"first_visit_on", "period.start", &map_day, "first"},
                                    {"last_visit_on", "period.end", &map_day, "last"},
                                    {NULL, "referralRequest[0]", &field_of_referral, NULL},
                                    FIELD_END};
