/* practitioner: a person of the directory <-> Practitioner and PractitionerRole. */
#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/map/contact.h"
#include "fhir/map/human_name.h"
#include "fhir/map/part.h"
#include "fhir/map/people.h"
#include "fhir/map/people_kinds.h"

static const char npi_system[] = "http://hl7.org/fhir/sid/us-npi";

/* ---- numbers; who has no NPI is known by the handle, which only means something within the clinic
 */

static struct json *write_who(struct field_job *job, const struct field *field,
                              const struct json *value)
{
    const char *npi = json_get_text(value, "npi");
    const char *handle = json_get_text(value, "handle");
    struct json *list = json_new_list(job->arena);
    if (npi != NULL)
        json_push(list, field_new_identifier(job, "npi", npi_system, npi));
    else
        json_push(list, field_new_identifier(
                            job, NULL,
                            people_system(job, people_clinic(job, handle), field->option), handle));
    return list;
}

static bool judge_npi(struct field_job *job, struct json *identifier, const void *option,
                      struct choice *ret_choice)
{
    return people_is_npi(identifier) && choice_of_value(job, identifier, option, ret_choice);
}

/* OPTION: "person" or "clinic". */
static bool judge_handle(struct field_job *job, struct json *identifier, const void *option,
                         struct choice *ret_choice)
{
    return choice_of_value(job, identifier, option, ret_choice) &&
           people_system_clinic(job, json_get_text(identifier, "system"), option) != NULL;
}

static struct json *read_who(struct field_job *job, const struct field *field, struct json *node,
                             struct json *into)
{
    struct json *npi = choice_best(job, node, judge_npi, NULL);
    struct json *handle = choice_best(job, node, judge_handle, field->option);
    if (json_get(into, "npi") == NULL)
        json_put_text(job->arena, into, "npi", json_get_text(npi, "value"));
    json_mark(npi);
    json_mark(handle);
    if (handle == NULL || json_get(into, "their_handle") != NULL)
        return NULL;
    json_put_text(job->arena, into, "their_handle", json_get_text(handle, "value"));
    json_put_text(job->arena, into, "their_clinic",
                  people_system_clinic(job, json_get_text(handle, "system"), field->option));
    return NULL;
}

const struct field_kind map_who = {write_who, read_who};

/* ---- profession: none of several is said to be the main one, so the first by alphabet is read
 */

static const struct field_codes professions = {"specialty", false};
static const struct field profession = {"profession", "", &field_concept, &professions};

static struct json *write_profession(struct field_job *job, const struct field *field,
                                     const struct json *value)
{
    struct json *list = json_new_list(job->arena);
    (void)field;
    json_push(list, profession.kind->write(job, &profession, value));
    return json_first(list) == NULL ? NULL : list;
}

static bool judge_profession(struct field_job *job, struct json *concept, const void *option,
                             struct choice *ret_choice)
{
    (void)option;
    ret_choice->first = field_word_of(job, professions.kind, concept);
    return ret_choice->first != NULL;
}

static struct json *read_profession(struct field_job *job, const struct field *field,
                                    struct json *node, struct json *into)
{
    bool is_alone = json_kind(node) == JSON_LIST && json_next(json_first(node)) == NULL;
    struct json *concept =
        is_alone ? json_first(node) : choice_best(job, node, judge_profession, NULL);
    (void)field;
    return json_kind(concept) != JSON_OBJECT
               ? NULL
               : profession.kind->read(job, &profession, concept, into);
}

const struct field_kind map_profession = {write_profession, read_profession};

/* ---- roles ---- */

static struct json *write_role_link(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    const char *handle = json_get_text(value, "handle");
    return entries_reference(job,
                             arena_print(job->arena, "%s%s", (const char *)field->option, handle),
                             json_get_text(value, "name"));
}

/* The Practitioner of a role is read by map/people.c; here only its place is understood. */
static struct json *read_role_link(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    (void)field;
    if (entries_resource(job, node, job->resource) != NULL)
        json_mark(node);
    else if (json_get(into, "name") == NULL)
        json_put_text(job->arena, into, "name", json_get_text(node, "display"));
    return NULL;
}

static const struct field_kind role_link = {write_role_link, read_role_link};

static const struct human_name names = {"name", "family_name", "given_names", NULL};
static const struct contact contact = {"phone", "email", contact_uses_of_people};

const struct field map_practitioner[] = {{NULL, "identifier", &map_who, "person"},
                                         {NULL, "name", &map_human_name, &names},
                                         {NULL, "telecom", &map_contact, &contact},
                                         FIELD_END};

const struct field map_practitioner_role[] = {{NULL, "practitioner", &role_link, "Practitioner/"},
                                              {"works_at", "organization", &field_clinic, NULL},
                                              {"profession", "specialty", &map_profession, NULL},
                                              FIELD_END};
