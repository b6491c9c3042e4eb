/* header: see message/header.h. FHIR R4 messaging.html; interop profile in
 * docs/wire-profile.md. */
#include "fhir/message/header.h"

#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/map/map.h"
#include "fhir/map/people.h"
#include "fhir/message/event.h"

/* The sender's Organization says how it is reached: it is the one with an Endpoint. */
static void add_endpoint(struct field_job *job, const char *from)
{
    const struct directory_entry *sender = directory_find(job->context->directory, from);
    struct json *row = json_new_object(job->arena);
    if (sender == NULL || sender->is_person)
        return;
    json_set_text(job->arena, row, "handle", from);
    field_write(job, map_endpoint, row,
                entries_add(job, "Endpoint", arena_print(job->arena, "Endpoint/%s", from), false));
}

struct json *header_start(struct field_job *job)
{
    entries_new(job);
    struct json *header = entries_add(job, "MessageHeader", "MessageHeader", true);
    add_endpoint(job, job->clinic);
    return header;
}

static void write_destination(struct field_job *job, struct json *list,
                              const struct message_envelope *envelope, const char *recipient)
{
    const char *clinic = people_clinic(job, recipient);
    struct json *destination = json_push(list, json_new_object(job->arena));
    json_set_text(job->arena, destination, "name", people_name(job, clinic));
    json_set_text(job->arena, destination, "endpoint",
                  envelope->to_endpoint != NULL ? envelope->to_endpoint
                                                : people_endpoint(job, clinic));
    json_set(job->arena, destination, "receiver", people_reference(job, clinic));
}

static void write_source(struct field_job *job, struct json *header,
                         const struct message_envelope *envelope)
{
    struct json *source = json_new_object(job->arena);
    const char *endpoint = people_endpoint(job, envelope->from);
    json_set_text(job->arena, source, "name", people_name(job, envelope->from));
    json_set_text(job->arena, source, "software", "refgate");
    json_set_text(job->arena, source, "endpoint", endpoint);
    json_set(job->arena, header, "source", source);
}

static void write_author(struct field_job *job, struct json *header,
                         const struct message_envelope *envelope)
{
    const struct directory_entry *author =
        directory_meet(job->context->directory, job->arena, envelope->author);
    if (author != NULL && author->is_person)
        json_set(job->arena, header, "author", people_reference(job, envelope->author));
    else if (envelope->actor != NULL)
        json_set(job->arena, header, "author",
                 entries_logical_reference(job, "Practitioner",
                                           people_system(job, envelope->from, "person"),
                                           envelope->actor));
}

static void write_reason(struct field_job *job, struct json *header,
                         const struct message_envelope *envelope)
{
    const char *system = envelope->reason_system;
    const char *code = envelope->reason;
    if (code == NULL)
        return;
    struct json *concept = field_new_concept(job, NULL);
    field_add_coding(job, concept, field_uri(job, system == NULL ? MOVE_SYSTEM : system), code,
                     field_sentence(job, code));
    json_set(job->arena, header, "reason", concept);
}

void header_write(struct field_job *job, struct json *header,
                  const struct message_envelope *envelope, const char *const *focus)
{
    json_set(
        job->arena, header, "eventCoding",
        field_new_coding(job, field_uri(job, "/CodeSystem/message-event"), envelope->event, NULL));
    if (envelope->recipient_count > 0) {
        struct json *list = json_set(job->arena, header, "destination", json_new_list(job->arena));
        for (size_t i = 0; i < envelope->recipient_count; i++)
            write_destination(job, list, envelope, envelope->recipients[i]);
    }
    json_set(job->arena, header, "sender", people_reference(job, envelope->from));
    write_author(job, header, envelope);
    write_source(job, header, envelope);
    write_reason(job, header, envelope);
    if (focus != NULL && focus[0] != NULL) {
        struct json *list = json_set(job->arena, header, "focus", json_new_list(job->arena));
        for (size_t i = 0; focus[i] != NULL; i++)
            json_push(list, entries_reference(job, focus[i], NULL));
    }
    json_set_text(job->arena, header, "definition",
                  arena_print(job->arena, "%s/MessageDefinition/%s|%d", job->context->base,
                              envelope->event, MESSAGE_WIRE_VERSION));
}

struct json *header_bundle(struct field_job *job, const char *at)
{
    const struct fhir_context *context = job->context;
    struct json *bundle = json_new_object(job->arena);
    json_set_text(job->arena, bundle, "resourceType", "Bundle");
    json_set_text(job->arena, bundle, "id", context->make_id(context->maker, job->arena, "Bundle"));
    if (job->labels != NULL) {
        struct json *meta = json_set(job->arena, bundle, "meta", json_new_object(job->arena));
        json_set(job->arena, meta, "security", json_copy(job->arena, job->labels));
    }
    json_set_text(job->arena, bundle, "type", "message");
    json_set_text(job->arena, bundle, "timestamp", at);
    json_set(job->arena, bundle, "entry", job->entries->list);
    return bundle;
}
