/* client: the client of a message, by real references. See message/client.h; whether two
 * Patients are one person stands in message_person. */
#include "fhir/message/client.h"

#include <string.h>

#include "fhir/entries/reference.h"
#include "fhir/map/map.h"
#include "fhir/message/person.h"

/* ---- subjects ---- */

struct json *client_subject(const struct json *resource)
{
    struct json *subject = json_get(resource, "subject");
    if (subject == NULL)
        subject = json_get(resource, "patient");
    if (subject == NULL)
        subject = json_get(resource, "for");
    if (subject == NULL)
        subject = json_get(resource, "beneficiary");
    if (json_kind(subject) == JSON_LIST) /* of an Account */
        subject = json_first(subject);
    return json_kind(subject) == JSON_OBJECT ? subject : NULL;
}

/* How many Patients of the message have this number. */
static size_t count_with_number(struct field_job *job, const struct json *identifier)
{
    size_t count = 0;
    for (struct message_entry *patient = entries_next(job, "Patient", NULL); patient != NULL;
         patient = entries_next(job, "Patient", patient))
        count += person_has_number(job, patient->resource, identifier);
    return count;
}

static struct message_client person_of(struct field_job *job, const struct json *reference,
                                       const struct message_entry *holder)
{
    struct message_client person = {.reference = reference, .container = entries_holder(holder)};
    const struct json *identifier = json_get(reference, "identifier");
    person.entry = entries_resolve_in(job, reference, person.container);
    bool is_by_number = json_get(reference, "reference") == NULL;
    if (is_by_number && person.entry != NULL && entries_is(person.entry, "Patient") &&
        count_with_number(job, identifier) != 1)
        person.entry = NULL; /* a household's, or an old one */
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

bool client_is_of(struct field_job *job, const struct message_client *client,
                  struct message_entry *patient)
{
    return client->entry != NULL && person_is_one(job, client->entry, patient);
}

/* The literal Reference without its version, with the server of the entry that it stands in where
 * it is relative; NULL: it is none, or of what it stands in. */
static const char *full_literal(struct field_job *job, const struct message_client *person)
{
    const char *text = json_get_text(person->reference, "reference");
    const char *version = text == NULL ? NULL : strstr(text, "/_history/");
    const struct message_entry *holder = entries_of_resource(job, person->container);
    size_t base = holder == NULL ? 0 : reference_base(holder);
    if (text == NULL || text[0] == '#')
        return NULL;
    if (version != NULL)
        text = arena_copy_n(job->arena, text, (size_t)(version - text));
    return base == 0 || strchr(text, ':') != NULL
               ? text
               : field_join(job, arena_copy_n(job->arena, holder->full_url, base), text, "");
}

/* Two literals that lead to nothing here. */
static bool same_literal(struct field_job *job, const struct message_client *one,
                         const struct message_client *other)
{
    const char *text = full_literal(job, one);
    const char *theirs = full_literal(job, other);
    if (text == NULL || theirs == NULL || text_equal(text, theirs))
        return text != NULL && theirs != NULL;
    /* one is relative where nothing says of which server: as good as the other, if that is home */
    bool is_short = strchr(text, ':') == NULL;
    const char *relative = is_short ? text : theirs;
    const char *full = is_short ? theirs : text;
    size_t length = strlen(full) - (strlen(relative) < strlen(full) ? strlen(relative) : 0);
    return strchr(relative, ':') == NULL && text_ends(full, relative) && length > 0 &&
           full[length - 1] == '/' && reference_is_home(job, full, length);
}

/* Of this Patient, and of no other one in the message. */
static bool is_number_of(struct field_job *job, const struct message_entry *patient,
                         const struct json *identifier)
{
    return identifier != NULL && person_has_number(job, patient->resource, identifier) &&
           count_with_number(job, identifier) <= 1;
}

/* By what the References say, where one leads to nothing in the message. */
static bool are_named_alike(struct field_job *job, const struct message_client *one,
                            const struct message_client *other)
{
    const struct json *number = json_get(one->reference, "identifier");
    const struct json *theirs = json_get(other->reference, "identifier");
    if (one->entry != NULL)
        return is_number_of(job, one->entry, theirs);
    if (other->entry != NULL)
        return is_number_of(job, other->entry, number);
    return same_literal(job, one, other) ||
           (number != NULL && theirs != NULL && client_number_is_personal(number) &&
            person_same_number(number, theirs));
}

bool client_is_one(struct field_job *job, const struct message_client *one,
                   const struct message_client *other)
{
    return one->entry != NULL && other->entry != NULL ? person_is_one(job, one->entry, other->entry)
                                                      : are_named_alike(job, one, other);
}

/* ---- whose ---- */

enum client_whose client_of_reference(struct field_job *job, const struct message_client *client,
                                      const struct message_entry *holder,
                                      const struct json *reference)
{
    struct message_client person = person_of(job, reference, holder);
    if (client_is_one(job, client, &person))
        return CLIENT_THEIRS;
    return person.entry != NULL ? CLIENT_ANOTHER : CLIENT_UNKNOWN;
}

static bool is_patient(const struct message_entry *entry)
{
    return entries_is(entry, "Patient");
}

static bool is_person(struct field_job *job, const struct json *reference,
                      const struct message_entry *holder)
{
    const struct message_entry *who = entries_resolve_in(job, reference, entries_holder(holder));
    const char *text = json_get_text(reference, "reference");
    if (who != NULL)
        return is_patient(who) || entries_is(who, "Group");
    return text_equal(json_get_text(reference, "type"), "Patient") ||
           (text != NULL && strstr(text, "Patient/") != NULL);
}

enum { COMING_MAX = 200 }; /* to an Appointment, of whom the client is looked for */

/* An Appointment is of the patients among those who come. */
static enum client_whose whose_appointment(struct field_job *job,
                                           const struct message_client *client,
                                           const struct message_entry *entry)
{
    enum client_whose whose = CLIENT_UNSAID;
    size_t count = 0;
    for (const struct json *comes = json_first(json_get(entry->resource, "participant"));
         comes != NULL && whose != CLIENT_THEIRS && count < COMING_MAX;
         comes = json_next(comes), count++) {
        const struct json *actor = json_get(comes, "actor");
        enum client_whose found = actor != NULL && is_person(job, actor, entry)
                                      ? client_of_reference(job, client, entry, actor)
                                      : CLIENT_UNSAID;
        if (found == CLIENT_THEIRS || found > whose)
            whose = found;
    }
    return count == COMING_MAX && whose != CLIENT_THEIRS ? CLIENT_UNKNOWN : whose;
}

/* An Observation that looks at somebody or something else is not about the client. */
static bool looks_elsewhere(struct field_job *job, const struct message_client *client,
                            const struct message_entry *entry)
{
    for (const struct json *focus = json_first(json_get(entry->resource, "focus")); focus != NULL;
         focus = json_next(focus)) {
        if (client_of_reference(job, client, entry, focus) != CLIENT_THEIRS)
            return true;
    }
    return false;
}

/* A document of somebody else's record. */
static bool is_of_other_source(struct field_job *job, const struct message_client *client,
                               const struct message_entry *entry)
{
    const struct json *source = json_find(entry->resource, "context", "sourcePatientInfo", NULL);
    return source != NULL && client_of_reference(job, client, entry, source) != CLIENT_THEIRS;
}

enum client_whose client_whose(struct field_job *job, const struct message_client *client,
                               const struct message_entry *entry)
{
    if (entries_is(entry, "Appointment"))
        return whose_appointment(job, client, entry);
    const struct json *subject = client_subject(entry->resource);
    enum client_whose whose =
        subject == NULL ? CLIENT_UNSAID : client_of_reference(job, client, entry, subject);
    if (whose <= CLIENT_UNSAID && entries_is(entry, "Observation") &&
        looks_elsewhere(job, client, entry))
        return CLIENT_ANOTHER;
    if (whose <= CLIENT_UNSAID && entries_is(entry, "DocumentReference") &&
        is_of_other_source(job, client, entry))
        return CLIENT_ANOTHER;
    return whose;
}

const char *client_named(struct field_job *job, const struct message_entry *entry)
{
    const struct json *subject = client_subject(entry->resource);
    const struct json *focus = json_first(json_get(entry->resource, "focus"));
    if (entries_is(entry, "Observation") && focus != NULL)
        subject = focus;
    else if (subject == NULL)
        subject = json_find(entry->resource, "context", "sourcePatientInfo", NULL);
    const char *text = json_get_text(subject, "reference");
    if (text == NULL)
        text = json_text(json_find(subject, "identifier", "value", NULL));
    if (text == NULL)
        text = json_get_text(subject, "display");
    return text == NULL ? "nobody named" : arena_print(job->arena, "%.200s", text);
}

bool client_is_meant(struct field_job *job, const struct message_entry *holder,
                     const struct json *reference)
{
    return client_of_reference(job, job->client, holder, reference) == CLIENT_THEIRS;
}
