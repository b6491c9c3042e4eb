/* organization: a clinic of the directory <-> Organization and Endpoint. */
#include "fhir/entries/entries.h"
#include "fhir/map/contact.h"
#include "fhir/map/part.h"
#include "fhir/map/people.h"
#include "fhir/map/people_kinds.h"

static const struct contact contact = {"phone", "email", contact_uses_of_people};
static const struct field_code messaging = {
    "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "hl7-fhir-msg",
    "HL7 FHIR Messaging", NULL};
static const struct field_code payload = {"/CodeSystem/payload", "referral-messages",
                                          "Referral messages (FHIR R4)",
                                          "Referral messages (FHIR R4)"};

static struct json *write_endpoint(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    (void)field;
    return json_new_text(job->arena, people_endpoint(job, json_get_text(value, "handle")));
}

/* The address belongs to the MessageHeader (source.endpoint); it is read there. */
static const struct field_kind endpoint_address = {write_endpoint, field_read_elsewhere};

static struct json *write_endpoint_link(struct field_job *job, const struct field *field,
                                        const struct json *value)
{
    const char *name = arena_print(job->arena, "Endpoint/%s", json_get_text(value, "handle"));
    (void)field;
    return entries_has(job, name) ? entries_reference(job, name, NULL) : NULL;
}

static struct json *read_endpoint_link(struct field_job *job, const struct field *field,
                                       struct json *node, struct json *into)
{
    struct message_entry *entry = entries_resolve(job, node);
    (void)field;
    (void)into;
    if (entry == NULL)
        return NULL;
    json_mark(node);
    field_read(job, map_endpoint, entry->resource, json_new_object(job->arena));
    return NULL;
}

static const struct field_kind endpoint_link = {write_endpoint_link, read_endpoint_link};

const struct field map_organization[] = {
    {NULL, "identifier", &map_who, "clinic"},      {"name", "name", &field_plain, NULL},
    {"profession", "type", &map_profession, NULL}, {NULL, "telecom", &map_contact, &contact},
    {NULL, "endpoint[+]", &endpoint_link, NULL},   FIELD_END};

const struct field map_endpoint[] = {
    {NULL, "status", &field_constant, "active"},
    {NULL, "connectionType", &field_fixed_coding, &messaging},
    {NULL, "payloadType[0]", &field_fixed_concept, &payload},
    {NULL, "payloadMimeType[+]", &field_constant, "application/fhir+json"},
    {NULL, "address", &endpoint_address, NULL},
    FIELD_END};
