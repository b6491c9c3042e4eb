/* message_read: a received message Bundle in local words. See message.h.
 *
 * The Bundle is indexed, sorted (message_split), and read by the same tables that write (fhir/map).
 * What the tables understood is marked; what is left becomes `received` (message_received). */
#include <string.h>

#include "fhir/map/map.h"
#include "fhir/message_claim.h"
#include "fhir/message_consent.h"
#include "fhir/message_entries.h"
#include "fhir/message_event.h"
#include "fhir/message_header.h"
#include "fhir/message_kind.h"
#include "fhir/message_number.h"
#include "fhir/message_people.h"
#include "fhir/message_received.h"
#include "fhir/message_split.h"
#include "fhir/reason.h"
#include "fhir/record.h"
#include "fhir/record_vocabulary.h"

static bool refuse(struct finding_list *findings, const char *path, const char *found,
                   const char *expected)
{
    finding_add(findings, (struct finding){.path = path, .found = found, .expected = expected});
    return false;
}

/* ---- what cannot be processed at all ---- */

/* The first modifierExtension among NODE, its siblings and all beneath them: R4
 * extensibility.html#modifierExtension, what is not understood must not be processed. On the way
 * the marks of an earlier reading are taken off. */
static const struct json *look_over(struct json *node)
{
    for (; node != NULL; node = node->next) {
        json_unmark(node);
        if (node->child == NULL)
            continue;
        if (json_has_key(node, "modifierExtension"))
            return node;
        const struct json *found = look_over(node->child);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static const char *modifier_in(const struct json *bundle)
{
    const struct json *modifier = look_over(json_first(bundle));
    const char *url = json_get_text(json_first(modifier), "url");
    return modifier != NULL && url == NULL ? "without url" : url;
}

static struct json *find_header(struct field_job *job)
{
    struct message_entry *entry = entries_next(job, "MessageHeader", NULL);
    return entry == NULL ? NULL : entry->resource;
}

static bool check_bundle(struct field_job *job, const struct json *bundle,
                         struct finding_list *findings)
{
    if (!text_equal(json_get_text(bundle, "resourceType"), "Bundle") ||
        !text_equal(json_get_text(bundle, "type"), "message"))
        return refuse(findings, "Bundle.type", "no message Bundle",
                      "a Bundle of the type \"message\"");
    if (!entries_index(job, bundle))
        return refuse(findings, "Bundle.entry", "too many entries",
                      arena_print(job->arena, "at most %d", MESSAGE_ENTRIES_MAX));
    if (find_header(job) == NULL)
        return refuse(findings, "Bundle.entry[0].resource", "no MessageHeader",
                      "a MessageHeader as the first entry");
    const char *modifier = modifier_in(bundle);
    if (modifier != NULL)
        return refuse(findings, "Bundle.entry",
                      arena_print(job->arena, "the modifierExtension %s", modifier),
                      "no modifierExtension, because it may change the meaning");
    return true;
}

/* ---- the envelope ---- */

static const char *sender_of(struct field_job *job, struct json *header)
{
    static const char *const members[] = {"sender", "responsible", "author", NULL};
    for (size_t i = 0; members[i] != NULL; i++) {
        struct json *reference = json_get(header, members[i]);
        const char *handle = reference == NULL ? NULL : people_handle(job, reference, header);
        if (handle == NULL)
            continue;
        json_mark(reference);
        return people_clinic(job, handle);
    }
    return NULL;
}

static const char *sender_name(struct field_job *job, struct json *header)
{
    const char *name = json_get_text(json_get(header, "source"), "name");
    const char *display = json_get_text(json_get(header, "sender"), "display");
    struct json *sender = entries_resource(job, json_get(header, "sender"), header);
    const char *found = json_get_text(sender, "name");
    return found != NULL ? found : display != NULL ? display : name;
}

static const char *destination_of(struct field_job *job, struct json *header)
{
    struct json *destination = json_first(json_get(header, "destination"));
    struct json *receiver = json_get(destination, "receiver");
    const char *handle = receiver == NULL ? NULL : people_handle(job, receiver, header);
    const char *endpoint = json_get_text(destination, "endpoint");
    const char *clinic = endpoint == NULL ? NULL : strstr(endpoint, "/clinic/");
    if (handle == NULL && clinic != NULL)
        handle = clinic + strlen("/clinic/");
    for (; destination != NULL; destination = json_next(destination)) {
        receiver = json_get(destination, "receiver");
        if (receiver != NULL)
            people_handle(job, receiver, header);
        json_mark(destination);
    }
    return handle == NULL || directory_meet(job->context->directory, job->arena, handle) == NULL
               ? NULL
               : people_clinic(job, handle);
}

/* Whose claims the people of this message are. */
static const char *partner_of(struct field_job *job, const char *sender)
{
    if (job->context->partner != NULL)
        return job->context->partner;
    const struct directory_entry *entry =
        sender == NULL ? NULL : directory_find(job->context->directory, sender);
    bool is_named = entry != NULL && entry->partner != NULL && strcmp(entry->partner, "self") != 0;
    return is_named ? entry->partner : sender;
}

static const char *move_named(struct field_job *job, struct json *header)
{
    struct json *concept = json_get(header, "reason");
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding)) {
        if (!field_is_ours(job, json_get_text(coding, "system"), MOVE_SYSTEM))
            continue;
        json_mark(concept);
        return json_get_text(coding, "code");
    }
    return NULL;
}

/* Who acted. A move names one of the sender's people by the handle there alone; who is not known
 * here is shown as claimed by the sender. */
static const char *author_of(struct field_job *job, struct json *header, const char *sender)
{
    struct json *author = json_get(header, "author");
    const struct json *identifier = json_get(author, "identifier");
    const char *clinic = people_system_clinic(job, json_get_text(identifier, "system"), "person");
    const char *handle = reason_cut(job->arena, json_get_text(identifier, "value"));
    if (clinic == NULL)
        return author == NULL ? NULL
                              : people_author(job, people_handle(job, author, header), sender);
    if (handle == NULL || !text_equal(clinic, sender))
        return NULL;
    const struct directory_entry *entry = directory_find(job->context->directory, handle);
    bool is_there =
        entry != NULL && entry->is_person && text_equal(people_clinic(job, entry->handle), sender);
    return is_there ? entry->handle : field_join(job, job->partner, "/", handle);
}

/* What the sender's own systems lie under, as its event shows. */
static const char *base_of(struct field_job *job, struct json *header)
{
    static const char tail[] = "/CodeSystem/message-event";
    const char *system = json_get_text(json_get(header, "eventCoding"), "system");
    if (!text_ends(system, tail))
        return NULL;
    return arena_copy_n(job->arena, system, strlen(system) - strlen(tail));
}

static void read_header(struct field_job *job, struct json *header, const struct json *bundle,
                        struct message_inbound *in)
{
    struct json *source = json_get(header, "source");
    struct json *author = json_get(header, "author");
    job->their_base = base_of(job, header);
    in->bundle_id = json_get_text(bundle, "id");
    in->message_id = json_get_text(header, "id");
    if (in->message_id == NULL)
        in->message_id = in->bundle_id;
    if (in->message_id == NULL)
        in->message_id = json_get_text(json_get(bundle, "identifier"), "value");
    in->event = event_read(header, &in->event_as_sent);
    in->sender = sender_of(job, header);
    in->sender_name = sender_name(job, header);
    job->partner = partner_of(job, in->sender);
    in->source_endpoint = json_get_text(source, "endpoint");
    in->destination = destination_of(job, header);
    in->move.move = move_named(job, header);
    in->move.by = author_of(job, header, in->sender);
    in->move.at = json_get_text(bundle, "timestamp");
    json_mark(source);
    json_mark(author);
    json_mark(json_get(header, "definition"));
    json_mark(json_get(header, "response"));
    json_mark(json_get(header, "focus"));
}

/* ---- replies ---- */

static bool read_reply(struct field_job *job, struct json *header, struct message_inbound *in)
{
    struct json *response = json_get(header, "response");
    if (response == NULL)
        return false;
    struct json *identifier = json_get(response, "identifier");
    in->content = MESSAGE_REPLY;
    in->reply_to = json_kind(identifier) == JSON_OBJECT ? json_get_text(identifier, "value")
                                                        : json_text(identifier);
    in->reply_code = json_get_text(response, "code");
    struct json *outcome = entries_resource(job, json_get(response, "details"), header);
    if (outcome == NULL && entries_next(job, "OperationOutcome", NULL) != NULL)
        outcome = entries_next(job, "OperationOutcome", NULL)->resource;
    in->reply_issues = json_get(outcome, "issue");
    return true;
}

/* ---- moves ---- */

struct move_status {
    const char *status, *move;
};
static const struct move_status moves_by_status[] = {{"received", "receive"},
                                                     {"accepted", "accept"},
                                                     {"ready", "accept"},
                                                     {"rejected", "decline"},
                                                     {"in-progress", "start"},
                                                     {"on-hold", "hold"},
                                                     {"completed", "complete"},
                                                     {"failed", "fail"},
                                                     {"cancelled", "cancel"},
                                                     {"entered-in-error", "cancel"},
                                                     {NULL, NULL}};

static const char *move_of_status(const char *status)
{
    for (const struct move_status *row = moves_by_status; row->status != NULL; row++) {
        if (text_equal(row->status, status))
            return row->move;
    }
    return NULL;
}

static const char *move_of_abort(const char *status)
{
    if (text_equal(status, "accepted") || text_equal(status, "completed"))
        return "abort-accept";
    return text_equal(status, "rejected") ? "abort-decline" : "abort";
}

static void take_move(struct field_job *job, const struct json *local, struct message_move *move)
{
    move->task_status = json_get_text(local, "task_status");
    move->reason_code = json_get_text(local, "reason_code");
    move->reason = json_get_text(local, "reason");
    move->business_status = json_get_text(local, "business_status");
    move->authored_at = json_get_text(local, "authored_at");
    move->visits_done = json_number(json_get(local, "visits_done"));
    move->visits_total = json_number(json_get(local, "visits_total"));
    if (json_get_text(local, "at") != NULL)
        move->at = json_get_text(local, "at");
    move->referral = job->referral;
}

static struct json *read_task(struct field_job *job, struct message_entry *task)
{
    struct json *local = json_new_object(job->arena);
    if (task == NULL)
        return local;
    job->resource = task->resource;
    task->is_taken = true;
    field_read(job, map_move, task->resource, local);
    return local;
}

/* A ServiceRequest alone also says where things stand. */
static const char *status_of_order(const struct message_entry *order)
{
    const char *status = order == NULL ? NULL : json_get_text(order->resource, "status");
    if (text_equal(status, "revoked") || text_equal(status, "entered-in-error"))
        return "cancelled";
    return status == NULL ? NULL : text_equal(status, "active") ? "requested" : status;
}

/* A client told in full beside a move is not kept; what has no word of ours is still told. */
static void read_client(struct field_job *job, const struct message_split *split)
{
    if (split->patient == NULL)
        return;
    struct json *client = json_new_object(job->arena);
    job->resource = split->patient->resource;
    field_read(job, map_patient, split->patient->resource, client);
    if (job->referral.client_number == NULL && text_equal(job->clinic, job->referral.placer))
        job->referral.client_number = json_get_text(client, "client_id");
}

static bool is_filler(const struct field_job *job, const char *sender)
{
    return sender != NULL && text_equal(sender, job->referral.filler) &&
           !text_equal(sender, job->referral.placer);
}

static void read_move(struct field_job *job, const struct message_split *split,
                      struct message_inbound *in)
{
    const char *named = in->move.move;
    in->content = MESSAGE_MOVE;
    if (split->order != NULL) {
        job->resource = split->order->resource;
        field_read(job, map_withdrawn, split->order->resource, json_new_object(job->arena));
    }
    struct json *task = read_task(job, split->task);
    struct json *abort = split->abort == NULL ? NULL : read_task(job, split->abort);
    take_move(job, split->task == NULL && abort != NULL ? abort : task, &in->move);
    if (split->task == NULL && abort == NULL)
        in->move.task_status = status_of_order(split->order);
    read_client(job, split);
    in->received = received_list(job);
    if (named != NULL)
        return;
    if (abort != NULL)
        in->move.move = move_of_abort(json_get_text(abort, "task_status"));
    else if (text_equal(in->move.business_status, "5.2")) /* BSeR: cancellation requested */
        in->move.move = "abort";
    else if (text_equal(in->move.task_status, "cancelled") && is_filler(job, in->sender))
        in->move.move = "abort-accept"; /* only a placer cancels by itself */
    else if (in->move.visits_done != NULL && text_equal(in->move.task_status, "in-progress"))
        in->move.move = "progress";
    else if (text_equal(in->event, EVENT_REFERRAL_CANCEL))
        in->move.move = "cancel";
    else
        in->move.move = move_of_status(in->move.task_status);
}

/* ---- retractions ---- */

/* A record of the sender's that says of itself that it was a mistake, in whichever message. */
static bool is_retraction(const struct message_split *split)
{
    const struct message_entry *main = split->main;
    return main != NULL &&
           (strcmp(main->type, "Composition") == 0 || strcmp(main->type, "CarePlan") == 0) &&
           text_equal(json_get_text(main->resource, "status"), "entered-in-error");
}

static const char *retraction_code(struct field_job *job, struct json *header)
{
    struct json *concept = json_get(header, "reason");
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding)) {
        const struct reason_row *row =
            reason_find(REASON_OF_RETRACTION, json_get_text(coding, "code"));
        if (row == NULL || !field_is_ours(job, json_get_text(coding, "system"), REASON_SYSTEM))
            continue;
        json_mark(concept);
        return row->code;
    }
    return "entered-in-error"; /* as its status says */
}

/* Whatever else it holds is not taken in: it was a mistake. */
static bool read_retraction(struct field_job *job, const struct message_split *split,
                            struct message_inbound *in, struct finding_list *findings)
{
    struct json *main = split->main->resource;
    bool is_plan = strcmp(split->main->type, "CarePlan") == 0;
    const struct json *identifier = json_get(main, "identifier");
    if (json_kind(identifier) == JSON_LIST)
        identifier = json_first(identifier);
    struct json *local = json_new_object(job->arena);
    job->resource = main;
    if (!is_plan)
        field_read(job, map_retraction, main, local);
    in->content = MESSAGE_RETRACTION;
    in->retracted_kind = is_plan ? split->kind : json_get_text(local, "record");
    in->retracted_number = json_get_text(identifier, "value");
    if (in->retracted_number == NULL)
        in->retracted_number = json_get_text(main, "id");
    in->retracted_code = retraction_code(job, split->header);
    return in->retracted_number != NULL ||
           refuse(findings, arena_print(job->arena, "%s.identifier", split->main->type),
                  "no number of the record that is retracted", "its identifier");
}

/* ---- records ---- */

static void add_item(struct field_job *job, const struct map_part *part, struct json *item)
{
    struct json *list = json_get(job->record, part->local);
    struct json *word = json_get(item, "word");
    if (json_first(item) == NULL)
        return;
    if (list == NULL)
        list = json_set(job->arena, job->record, part->local, json_new_list(job->arena));
    for (struct json *there = json_first(list); word != NULL && there != NULL;
         there = json_next(there)) {
        if (json_same(there, word))
            return;
    }
    json_push(list, word != NULL ? json_copy_nodes(job->arena, word) : item);
}

static void read_resource(struct field_job *job, const struct map_part *part,
                          struct message_entry *entry)
{
    entry->is_taken = true;
    job->resource = entry->resource;
    if (part->read != NULL) {
        part->read(job, part, entry->resource);
    } else if (part->local == NULL) {
        field_read(job, part->rows, entry->resource, job->record);
    } else {
        struct json *item = json_new_object(job->arena);
        field_read(job, part->rows, entry->resource, item);
        add_item(job, part, item);
    }
}

/* Says of itself that it is about somebody else than the record: another client of the message. */
static bool is_of_another(struct field_job *job, const struct message_entry *patient,
                          const struct message_entry *entry)
{
    const struct json *subject = json_get(entry->resource, "subject");
    if (subject == NULL)
        subject = json_get(entry->resource, "patient");
    const struct message_entry *meant = subject == NULL ? NULL : entries_resolve(job, subject);
    return meant != NULL && meant != patient && strcmp(meant->type, "Patient") == 0;
}

/* Patients of the message besides PATIENT, whom the record is about (NULL: no entry). */
static bool has_others(const struct field_job *job, const struct message_entry *patient)
{
    const struct message_entry *other = entries_next(job, "Patient", NULL);
    if (other != NULL && other == patient)
        other = entries_next(job, "Patient", other);
    return other != NULL;
}

static void read_part(struct field_job *job, const struct map_part *part,
                      const struct message_entry *patient, bool is_mixed)
{
    for (struct message_entry *entry = entries_next(job, part->type, NULL); entry != NULL;
         entry = entries_next(job, part->type, entry)) {
        if (entry->is_taken || (part->is_it != NULL && !part->is_it(job, entry->resource)) ||
            (is_mixed && is_of_another(job, patient, entry)))
            continue;
        read_resource(job, part, entry);
        if (part->local == NULL && part->read == NULL)
            return;
    }
}

/* A name that is told in one piece. */
static void read_whole_name(struct field_job *job, const struct json *patient)
{
    static const char family[] = "client_family_name";
    struct json *text = json_get(json_first(json_get(patient, "name")), "text");
    if (text == NULL || json_marked(text) || json_get(job->record, family) != NULL ||
        json_get(job->record, "client_given_names") != NULL)
        return;
    json_put_text(job->arena, job->record, family, json_text(text));
    json_mark(text);
}

static void read_patient_resource(struct field_job *job, struct json *patient)
{
    job->resource = patient;
    field_read(job, map_patient, patient, job->record);
    read_whole_name(job, patient);
}

/* A number in the reference itself that the Patient does not say: one more of this client. */
static void read_subject_number(struct field_job *job, const struct json *subject)
{
    struct json *identifier = json_get(subject, "identifier");
    struct json *patient = json_new_object(job->arena);
    if (json_get_text(identifier, "value") == NULL || entries_resolve(job, subject) != NULL)
        return;
    struct json *list = json_put(patient, "identifier", json_new_list(job->arena));
    json_push(list, json_copy_nodes(job->arena, identifier));
    job->resource = patient;
    field_read(job, map_patient, patient, job->record);
}

static void read_patient(struct field_job *job, const struct message_split *split)
{
    struct json *main = split->main == NULL ? NULL : split->main->resource;
    struct json *subject =
        json_get(main, "subject") != NULL ? json_get(main, "subject") : json_get(main, "patient");
    struct json *contained = split->patient != NULL ? NULL : entries_resource(job, subject, main);
    if (split->patient != NULL) {
        split->patient->is_taken = true;
        read_patient_resource(job, split->patient->resource);
    } else if (contained != NULL) {
        read_patient_resource(job, contained);
    }
    read_subject_number(job, subject);
}

static bool has_identity(const struct json *record)
{
    static const char *const fields[] = {"client_id", "client_family_name", "client_given_names",
                                         "client_other_ids", NULL};
    for (size_t i = 0; fields[i] != NULL; i++) {
        if (json_get(record, fields[i]) != NULL)
            return true;
    }
    return false;
}

static void read_main(struct field_job *job, const struct message_kind *kind,
                      const struct message_split *split)
{
    struct json *task = split->task == NULL ? NULL : split->task->resource;
    if (split->main != NULL) {
        job->main = split->main->resource;
        job->resource = job->main;
        split->main->is_taken = true;
        field_read_extras(job, json_get(job->main, "extension"), job->record);
        field_read(job, kind->rows, job->main, job->record);
    }
    if (task != NULL) {
        job->resource = task;
        split->task->is_taken = true;
        field_read(job, map_task, task, job->record);
    }
}

/* Nobody writes in the name of our people or of another partner's. */
static void name_author(struct field_job *job, const char *sender)
{
    const char *said = json_get_text(job->record, "written_by");
    const char *author = people_author(job, said, sender);
    if (!text_equal(said, author))
        json_replace(job->arena, job->record, "written_by", json_new_lasting(job->arena, author));
}

/* "R-1", or "lakeside:R-1", where lakeside is a clinic that we know. */
static struct message_referral referral_said(const struct field_job *job, const char *said)
{
    struct message_referral referral = {.number = said};
    const char *colon = strchr(said, ':');
    const char *clinic =
        colon == NULL ? NULL : arena_copy_n(job->arena, said, (size_t)(colon - said));
    if (clinic == NULL || directory_find(job->context->directory, clinic) == NULL)
        return referral;
    referral.placer = clinic;
    referral.number = colon + 1;
    return referral;
}

/* A record that is no referral belongs to the one that its message names: its own word for that may
 * be longer, and says nothing else. */
static void name_referral(struct field_job *job)
{
    static const char field[] = "referral_id";
    struct message_referral *named = &job->referral;
    const char *said = json_get_text(job->record, field);
    if (said != NULL && named->number == NULL) {
        struct message_referral found = referral_said(job, said);
        named->number = found.number;
        named->placer = found.placer != NULL ? found.placer : named->placer;
    } else if (said != NULL && !text_equal(referral_said(job, said).number, named->number)) {
        json_remove(job->record, field);
    }
    if (json_get(job->record, field) == NULL)
        json_put_text(job->arena, job->record, field, named->number);
}

static void name_record(struct field_job *job, const struct message_split *split,
                        const struct message_inbound *in)
{
    const char *number = json_get_text(job->record, "record_id");
    if (strcmp(job->kind, "referral") == 0)
        number = job->referral.number;
    if (number == NULL && split->main != NULL)
        number = json_get_text(split->main->resource, "id");
    if (number == NULL)
        number = in->message_id;
    json_put_text(job->arena, job->record, "record", job->kind);
    json_remove(job->record, "record_id");
    json_put_text(job->arena, job->record, "record_id", number);
    if (json_get(job->record, "written_at") == NULL)
        json_put_text(job->arena, job->record, "written_at", in->move.at);
    if (json_get(job->record, "written_by") == NULL)
        json_put_text(job->arena, job->record, "written_by",
                      in->move.by != NULL ? in->move.by : in->sender);
    name_author(job, in->sender);
    if (strcmp(job->kind, "referral") != 0)
        name_referral(job);
}

/* The members of OBJECT that its shape has, in the order of the vocabulary; they are moved. */
static struct json *in_order(struct field_job *job, struct json *object,
                             const struct record_shape *shape, bool is_item)
{
    struct json *sorted = json_new_object(job->arena);
    for (size_t i = 0;; i++) {
        const struct record_field *field =
            is_item ? (i < shape->count ? &shape->fields[i] : NULL) : record_field_at(shape, i);
        if (field == NULL)
            return sorted;
        struct json *value = json_member(object, field->name, field->length, field->hash);
        if (value == NULL)
            continue;
        if (field->item == NULL || json_kind(value) != JSON_LIST) {
            json_move(object, value, sorted);
            continue;
        }
        struct json *list = json_put_named(sorted, field->name, field->length, field->hash,
                                           json_new_list(job->arena));
        for (struct json *item = json_first(value); item != NULL; item = json_next(item))
            json_push(list, in_order(job, item, field->item, true));
    }
}

/* The placer's number of the client, which moves name. */
static const char *placers_number(const struct field_job *job)
{
    if (text_equal(job->clinic, job->referral.placer))
        return json_get_text(job->record, "client_id");
    for (struct json *other = json_first(json_get(job->record, "client_other_ids")); other != NULL;
         other = json_next(other)) {
        if (text_equal(json_get_text(other, "issued_by"), job->referral.placer))
            return json_get_text(other, "id");
    }
    return NULL;
}

static void read_record(struct field_job *job, const struct message_split *split,
                        struct message_inbound *in)
{
    const struct message_kind *kind = message_kind_find(split->kind);
    job->kind = kind->kind;
    job->record = json_new_object(job->arena);
    read_patient(job, split);
    read_main(job, kind, split);
    in->consents = consent_read_evidence(job);
    bool is_mixed = has_others(job, split->patient);
    for (const struct map_part *part = kind->parts; part->type != NULL; part++)
        read_part(job, part, split->patient, is_mixed);
    field_read_extras(job, json_get(job->main, "extension"), job->record); /* those of items */
    if (kind->finish_reading != NULL)
        kind->finish_reading(job);
    name_record(job, split, in);
    if (job->referral.placer != NULL)
        job->referral.client_number = placers_number(job);
    struct json *task = job->move == NULL ? json_new_object(job->arena) : job->move;
    json_put_text(job->arena, task, "task_status", job->task_status);
    take_move(job, task, &in->move);
    if (in->move.task_status == NULL && strcmp(job->kind, "referral") == 0)
        in->move.task_status = status_of_order(split->order);
    struct json *received = claim_tell(job, received_list(job));
    record_fill_defaults(job->arena, job->record, job->context->directory);
    in->record = in_order(job, job->record, record_kind_find(job->kind), false);
    if (received != NULL)
        json_put(in->record, "received", received);
}

static bool is_withdrawn(const struct json *record, const char *event)
{
    return text_equal(event, EVENT_REFERRAL_CANCEL) ||
           text_equal(json_get_text(record, "status"), "cancelled");
}

static bool read_content(struct field_job *job, const struct message_split *split,
                         struct message_inbound *in, struct finding_list *findings)
{
    if (split->kind == NULL) {
        if (split->task == NULL && split->abort == NULL && split->order == NULL)
            return refuse(findings, "Bundle.entry", "neither a Task nor a ServiceRequest",
                          "one of them, or a record");
        read_move(job, split, in);
        return true;
    }
    if (is_retraction(split))
        return read_retraction(job, split, in, findings);
    in->content = MESSAGE_RECORD;
    read_record(job, split, in);
    if (!has_identity(in->record))
        return refuse(findings, "Patient", "no identity of the client",
                      "a number or a name of the client");
    if (strcmp(split->kind, "referral") == 0 && is_withdrawn(in->record, in->event)) {
        in->content = MESSAGE_RECORD_CANCEL;
        in->move.move = "cancel";
        in->move.task_status = "cancelled";
    }
    return true;
}

bool message_read(const struct fhir_context *context, const struct json *bundle,
                  struct message_inbound *ret_inbound, struct finding_list *findings)
{
    struct message_inbound in = {.content = MESSAGE_RECORD};
    struct field_job job = {.context = context, .arena = context->arena, .kind = ""};
    if (!check_bundle(&job, bundle, findings))
        return false;
    struct json *header = find_header(&job);
    read_header(&job, header, bundle, &in);
    if (event_version(&job, header) > MESSAGE_WIRE_VERSION)
        return refuse(findings, "MessageHeader.definition", json_get_text(header, "definition"),
                      arena_print(job.arena, "version %d", MESSAGE_WIRE_VERSION));
    if (!read_reply(&job, header, &in)) {
        if (in.event == NULL)
            return refuse(findings, "MessageHeader.event",
                          in.event_as_sent == NULL ? "no event" : in.event_as_sent,
                          "an event of our CapabilityStatement");
        struct message_split split = split_message(&job, header, in.event);
        job.clinic = in.sender;
        split_referral(&job, &split, in.sender);
        if (!read_content(&job, &split, &in, findings))
            return false;
    }
    in.move.from = in.sender;
    in.move.to = in.destination;
    in.referral = job.referral;
    in.move.referral = job.referral;
    in.attachments = job.attachments;
    in.claims = job.claims;
    *ret_inbound = in;
    return number_check_all(job.arena, &in, findings);
}
