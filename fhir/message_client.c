/* message_client: the client of a message, by real references. See message_client.h.
 *
 * Two Patient resources are one person when they share an identifier (system and value) that is no
 * household's, when one links to the other, or when full name and birth date are the same. */
#include "fhir/message_client.h"

#include <string.h>

#include "fhir/map/client_number.h"

/* ---- subjects ---- */

struct json *client_subject(const struct json *resource)
{
    static const char *const members[] = {"subject", "patient", "for", "beneficiary", NULL};
    struct json *subject = NULL;
    for (size_t i = 0; resource != NULL && subject == NULL && members[i] != NULL; i++)
        subject = json_get(resource, members[i]);
    return json_kind(subject) == JSON_OBJECT ? subject : NULL;
}

static const struct json *container_of(const struct message_entry *entry)
{
    return entry->container != NULL ? entry->container : entry->resource;
}

static struct message_client person_of(struct field_job *job, const struct json *reference,
                                       const struct message_entry *holder)
{
    struct message_client person = {.reference = reference, .container = container_of(holder)};
    person.entry = entries_resolve_in(job, reference, person.container);
    return person;
}

static struct message_entry *only_patient(const struct field_job *job)
{
    struct message_entry *patient = entries_next(job, "Patient", NULL);
    bool is_only = patient != NULL && entries_next(job, "Patient", patient) == NULL;
    return is_only ? patient : NULL;
}

struct message_client client_of(struct field_job *job,
                                const struct message_entry *const places[CLIENT_PLACES])
{
    for (size_t i = 0; i < CLIENT_PLACES; i++) {
        struct json *subject = places[i] == NULL ? NULL : client_subject(places[i]->resource);
        if (subject != NULL)
            return person_of(job, subject, places[i]);
    }
    return (struct message_client){.entry = only_patient(job)}; /* nothing names another */
}

/* ---- one person ---- */

enum { IDENTIFIERS_MAX = 64, NAMES_MAX = 8 }; /* of a Patient that are compared */

static bool same_identifier(const struct json *one, const struct json *other)
{
    const char *value = json_get_text(one, "value");
    const char *system = json_get_text(one, "system");
    return value != NULL && text_equal(value, json_get_text(other, "value")) && system != NULL &&
           text_equal(system, json_get_text(other, "system"));
}

static bool has_identifier(const struct json *patient, const struct json *wanted)
{
    size_t i = 0;
    for (const struct json *item = json_first(json_get(patient, "identifier"));
         item != NULL && i < IDENTIFIERS_MAX; item = json_next(item), i++) {
        if (same_identifier(item, wanted))
            return true;
    }
    return false;
}

static bool share_identifier(const struct json *one, const struct json *other)
{
    size_t i = 0;
    for (const struct json *item = json_first(json_get(one, "identifier"));
         item != NULL && i < IDENTIFIERS_MAX; item = json_next(item), i++) {
        if (client_number_is_personal(item) && has_identifier(other, item))
            return true;
    }
    return false;
}

/* "The other resource concerns the same actual patient", whatever the type of the link. */
static bool links_to(struct field_job *job, const struct message_entry *one,
                     const struct message_entry *other)
{
    size_t i = 0;
    for (const struct json *link = json_first(json_get(one->resource, "link"));
         link != NULL && i < IDENTIFIERS_MAX; link = json_next(link), i++) {
        if (entries_resolve_in(job, json_get(link, "other"), container_of(one)) == other)
            return true;
    }
    return false;
}

static bool has_name(const struct json *patient, const struct json *wanted)
{
    size_t i = 0;
    for (const struct json *name = json_first(json_get(patient, "name"));
         name != NULL && i < NAMES_MAX; name = json_next(name), i++) {
        if (json_same(json_get(name, "family"), json_get(wanted, "family")) &&
            json_same(json_get(name, "given"), json_get(wanted, "given")))
            return true;
    }
    return false;
}

static bool same_name_and_birth(const struct json *one, const struct json *other)
{
    const char *birth = json_get_text(one, "birthDate");
    size_t i = 0;
    if (birth == NULL || !text_equal(birth, json_get_text(other, "birthDate")))
        return false;
    for (const struct json *name = json_first(json_get(one, "name")); name != NULL && i < NAMES_MAX;
         name = json_next(name), i++) {
        if (json_get(name, "family") != NULL && json_get(name, "given") != NULL &&
            has_name(other, name))
            return true;
    }
    return false;
}

static bool is_patient(const struct message_entry *entry)
{
    return strcmp(entry->type, "Patient") == 0;
}

static bool are_one(struct field_job *job, const struct message_entry *one,
                    const struct message_entry *other)
{
    return one == other ||
           (is_patient(one) && is_patient(other) &&
            (share_identifier(one->resource, other->resource) || links_to(job, one, other) ||
             links_to(job, other, one) || same_name_and_birth(one->resource, other->resource)));
}

bool client_is_of(struct field_job *job, const struct message_client *client,
                  const struct message_entry *patient)
{
    return client->entry != NULL && are_one(job, client->entry, patient);
}

/* "Patient/5" at the end of a literal Reference without its version; NULL: none. */
static const char *tail_of(struct field_job *job, const struct json *reference)
{
    const char *text = json_get_text(reference, "reference");
    const char *type = text == NULL || text[0] == '#' ? NULL : strstr(text, "Patient/");
    const char *version = type == NULL ? NULL : strstr(type, "/_history/");
    return version == NULL ? type : arena_copy_n(job->arena, type, (size_t)(version - type));
}

/* Two literals that lead to nothing here: of the same server, as far as they say one. */
static bool same_literal(struct field_job *job, const struct json *one, const struct json *other)
{
    const char *text = json_get_text(one, "reference");
    const char *theirs = json_get_text(other, "reference");
    const char *tail = tail_of(job, one);
    if (text_equal(text, theirs))
        return text != NULL && text[0] != '#';
    bool is_relative = text_starts(text, "Patient/") || text_starts(theirs, "Patient/");
    return tail != NULL && is_relative && text_equal(tail, tail_of(job, other));
}

/* By what the References say, when one leads to nothing in the message. */
static bool are_named_alike(struct field_job *job, const struct message_client *one,
                            const struct message_client *other)
{
    const struct json *number = json_get(one->reference, "identifier");
    const struct json *theirs = json_get(other->reference, "identifier");
    if (one->entry == NULL && other->entry == NULL &&
        same_literal(job, one->reference, other->reference))
        return true;
    return (number != NULL && theirs != NULL && same_identifier(number, theirs)) ||
           (number != NULL && other->entry != NULL &&
            has_identifier(other->entry->resource, number)) ||
           (theirs != NULL && one->entry != NULL && has_identifier(one->entry->resource, theirs));
}

bool client_is_one(struct field_job *job, const struct message_client *one,
                   const struct message_client *other)
{
    if (one->entry != NULL && other->entry != NULL && are_one(job, one->entry, other->entry))
        return true;
    return are_named_alike(job, one, other);
}

/* ---- whose ---- */

static enum client_whose whose_of(struct field_job *job, const struct message_client *client,
                                  const struct message_entry *holder, const struct json *reference)
{
    struct message_client person = person_of(job, reference, holder);
    if (client_is_one(job, client, &person))
        return CLIENT_THEIRS;
    return person.entry != NULL ? CLIENT_ANOTHER : CLIENT_UNKNOWN;
}

static bool is_person(struct field_job *job, const struct json *reference,
                      const struct message_entry *holder)
{
    const struct message_entry *who = entries_resolve_in(job, reference, container_of(holder));
    const char *text = json_get_text(reference, "reference");
    if (who != NULL)
        return is_patient(who) || strcmp(who->type, "Group") == 0;
    return text_equal(json_get_text(reference, "type"), "Patient") ||
           (text != NULL && strstr(text, "Patient/") != NULL);
}

/* An Appointment is of the patients among those who come. */
static enum client_whose whose_appointment(struct field_job *job,
                                           const struct message_client *client,
                                           const struct message_entry *entry)
{
    enum client_whose whose = CLIENT_UNSAID;
    for (const struct json *comes = json_first(json_get(entry->resource, "participant"));
         comes != NULL && whose != CLIENT_THEIRS; comes = json_next(comes)) {
        const struct json *actor = json_get(comes, "actor");
        if (actor != NULL && is_person(job, actor, entry))
            whose = whose_of(job, client, entry, actor);
    }
    return whose;
}

/* An Observation that looks at somebody or something else is not about the client. */
static bool looks_elsewhere(struct field_job *job, const struct message_client *client,
                            const struct message_entry *entry)
{
    for (const struct json *focus = json_first(json_get(entry->resource, "focus")); focus != NULL;
         focus = json_next(focus)) {
        if (whose_of(job, client, entry, focus) != CLIENT_THEIRS)
            return true;
    }
    return false;
}

enum client_whose client_whose(struct field_job *job, const struct message_client *client,
                               const struct message_entry *entry)
{
    if (strcmp(entry->type, "Appointment") == 0)
        return whose_appointment(job, client, entry);
    const struct json *subject = client_subject(entry->resource);
    enum client_whose whose =
        subject == NULL ? CLIENT_UNSAID : whose_of(job, client, entry, subject);
    if (whose <= CLIENT_UNSAID && strcmp(entry->type, "Observation") == 0 &&
        looks_elsewhere(job, client, entry))
        return CLIENT_ANOTHER;
    return whose;
}

const char *client_named(struct field_job *job, const struct message_entry *entry)
{
    const struct json *subject = client_subject(entry->resource);
    const struct json *focus = json_first(json_get(entry->resource, "focus"));
    if (strcmp(entry->type, "Observation") == 0 && focus != NULL)
        subject = focus;
    const char *text = json_get_text(subject, "reference");
    if (text == NULL)
        text = json_text(json_find(subject, "identifier", "value", NULL));
    if (text == NULL)
        text = json_get_text(subject, "display");
    return text == NULL ? "nobody named" : arena_print(job->arena, "%.200s", text);
}
