/* named: names of resources, as they give them. See message/named.h for who asks. */
#include "fhir/message/named.h"

#include <string.h>

/* ---- names ---- */

static const char *human_name(struct field_job *job, const struct json *resource)
{
    const struct json *name = json_first(json_get(resource, "name"));
    const char *text = json_get_text(name, "text");
    const char *given = json_text(json_first(json_get(name, "given")));
    const char *family = json_get_text(name, "family");
    if (text != NULL || family == NULL)
        return text != NULL ? text : given;
    return given == NULL ? family : arena_print(job->arena, "%.100s %.100s", given, family);
}

static const char *number_of(const struct json *resource)
{
    const struct json *identifier = json_get(resource, "identifier");
    if (json_kind(identifier) == JSON_LIST)
        identifier = json_first(identifier);
    return json_get_text(identifier, "value");
}

static const char *name_of(struct field_job *job, const struct json *resource)
{
    const char *name = json_get_text(resource, "name"); /* of an organization, a place, a group */
    if (name == NULL)
        name = human_name(job, resource);
    return name != NULL ? name : number_of(resource);
}

/* Of a post who holds it, else where it is. */
static const char *name_of_role(struct field_job *job, const struct json *role)
{
    static const char *const members[] = {"practitioner", "organization"};
    for (size_t i = 0; i < 2; i++) {
        const struct json *reference = json_get(role, members[i]);
        const struct json *who = reference == NULL ? NULL : entries_resource(job, reference, role);
        const char *name = who == NULL ? json_get_text(reference, "display") : name_of(job, who);
        if (name != NULL)
            return name;
    }
    return json_get_text(role, "id");
}

/* ---- what is worth telling ---- */

static const char *const people[] = {
    "Organization", "Practitioner",      "PractitionerRole", "RelatedPerson",
    "Group",        "HealthcareService", "Device",           NULL};
/* Under these a Patient is named for what they did, not as whom it is about. */
static const char *const deeds[] = {"author", "requester", "performer", "member",   "payor",
                                    "owner",  "source",    "asserter",  "attester", NULL};
static const char *const links[] = {"targetReference", "target", "replaces", "basedOn", NULL};

const char *named_target(struct field_job *job, const char *key, const struct message_entry *entry)
{
    if (entries_is(entry, "PractitionerRole"))
        return name_of_role(job, entry->resource);
    if (text_is_one_of(entry->type, people))
        return name_of(job, entry->resource);
    if (entries_is(entry, "Patient") && text_is_one_of(key, deeds))
        return entry->is_strangers ? "another patient" : "the client";
    bool is_link = text_is_one_of(key, links) && entry->resource != job->main;
    return is_link ? number_of(entry->resource) : NULL;
}
