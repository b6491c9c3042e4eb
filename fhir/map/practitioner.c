/* practitioner: a person of the directory <-> Practitioner and PractitionerRole. */
#include "fhir/map/map.h"
#include "fhir/map/people.h"
#include "fhir/message_entries.h"
#include "fhir/message_people.h"

static const char npi_system[] = "http://hl7.org/fhir/sid/us-npi";

static struct json *write_npi(struct field_job *job, const struct field *field,
                              const struct json *value)
{
    (void)field;
    return field_new_identifier(job, "npi", npi_system, json_text(value));
}

static struct json *read_npi(struct field_job *job, const struct field *field, struct json *node,
                             struct json *into)
{
    const char *npi = json_get_text(node, "value");
    (void)field;
    (void)into;
    if (!text_equal(json_get_text(node, "system"), npi_system) || !directory_npi_valid(npi))
        return NULL;
    json_mark(node);
    return json_new_lasting(job->arena, npi);
}

const struct field_kind map_npi = {write_npi, read_npi};

/* Who has no NPI is known by the handle, which only means something within the clinic. */
static struct json *write_handle(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    const char *handle = json_get_text(value, "handle");
    if (json_get(value, "npi") != NULL)
        return NULL;
    return field_new_identifier(
        job, NULL, people_system(job, people_clinic(job, handle), field->option), handle);
}

static struct json *read_handle(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    const char *clinic = people_system_clinic(job, json_get_text(node, "system"), field->option);
    if (clinic == NULL || json_get_text(node, "value") == NULL)
        return NULL;
    json_mark(node);
    json_put_text(job->arena, into, "their_handle", json_get_text(node, "value"));
    json_put_text(job->arena, into, "their_clinic", clinic);
    return NULL;
}

const struct field_kind map_handle = {write_handle, read_handle};

static struct json *write_role_link(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    const char *handle = json_get_text(value, "handle");
    return entries_reference(job,
                             arena_print(job->arena, "%s%s", (const char *)field->option, handle),
                             json_get_text(value, "name"));
}

/* The Practitioner of a role is read by message_people.c; here only its place is understood. */
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

static const struct field_codes professions = {"specialty", false};

const struct field map_practitioner[] = {{"npi", "identifier[+]", &map_npi, NULL},
                                         {NULL, "identifier[+]", &map_handle, "person"},
                                         {"name", "name[0].text", &field_plain, NULL},
                                         {"family_name", "name[0].family", &field_plain, NULL},
                                         {"given_names", "name[0].given", &field_words, NULL},
                                         {"phone", "telecom[+]", &field_contact, "phone"},
                                         {"email", "telecom[+]", &field_contact, "email"},

                                         FIELD_END};

const struct field map_practitioner_role[] = {
    {NULL, "practitioner", &role_link, "Practitioner/"},
    {"works_at", "organization", &field_clinic, NULL},
    {"profession", "specialty[0]", &field_concept, &professions},
    FIELD_END};
