/* read: a received message Bundle in local words. See message.h.
 *
 * The Bundle is indexed, sorted (message_split), and read by the same tables that write (fhir/map).
 * What the tables understood is marked; what is left becomes `received` (message_received). */
#include <string.h>

#include "fhir/codes/reason.h"
#include "fhir/map/people.h"
#include "fhir/message/event.h"
#include "fhir/message/header.h"
#include "fhir/message/judge.h"
#include "fhir/message/message_internal.h"
#include "fhir/message/number.h"
#include "fhir/message/received.h"
#include "fhir/model/primitive.h"

bool message_refuse(struct finding_list *findings, const char *path, const char *found,
                    const char *expected)
{
    finding_add(findings, (struct finding){.path = path, .found = found, .expected = expected});
    return false;
}

/* ---- what cannot be processed at all ---- */

static bool are_rules(const struct json *node)
{
    return json_has_key(node, "modifierExtension") || json_has_key(node, "implicitRules") ||
           json_has_key(node, "_implicitRules");
}

/* One word of the object says of nearly all that none of its members is one of these. */
static bool may_have_rules(const struct json *object)
{
    return json_may_have_key(object, "modifierExtension") ||
           json_may_have_key(object, "implicitRules") ||
           json_may_have_key(object, "_implicitRules");
}

/* The first modifierExtension or implicitRules beneath PARENT: R4
 * extensibility.html#modifierExtension and resource.html#implicitRules, what is not understood must
 * not be processed. On the way the marks of an earlier reading are taken off. */
static const struct json *look_over(const struct json *parent)
{
    bool may_say = may_have_rules(parent);
    for (struct json *node = parent->child; node != NULL; node = node->next) {
        json_unmark(node);
        if (may_say && are_rules(node))
            return node;
        const struct json *found = node->child == NULL ? NULL : look_over(node);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* A node on the way to what was found. */
struct step {
    const struct step *above;
    const struct json *node;
    size_t index; /* of an item */
    bool is_item;
};

/* From the resource that holds it: "Flag[1].modifierExtension". */
static void print_step(const struct field_job *job, const struct step *step, struct text *path)
{
    const char *type = json_get_text(step->node, "resourceType");
    const struct message_entry *entry = type == NULL ? NULL : entries_of_resource(job, step->node);
    if (entry != NULL) {
        entries_path(job, entry, path);
    } else if (type != NULL || step->above == NULL) {
        text_add(path, type == NULL ? "Bundle" : type);
    } else {
        print_step(job, step->above, path);
        if (step->is_item)
            text_print(path, "[%zu]", step->index);
        else
            text_print(path, ".%s", json_key(step->node));
    }
}

static bool find_step(const struct field_job *job, const struct step *step,
                      const struct json *found, struct text *path)
{
    struct step below = {.above = step, .is_item = json_kind(step->node) == JSON_LIST};
    if (step->node == found) {
        print_step(job, step, path);
        return true;
    }
    for (below.node = json_first(step->node); below.node != NULL;
         below.node = json_next(below.node)) {
        if (find_step(job, &below, found, path))
            return true;
        below.index++;
    }
    return false;
}

/* "the modifierExtension URL" with the path of the element, or NULL. */
static const char *rules_in(const struct field_job *job, const struct json *bundle,
                            const char **ret_path)
{
    enum { PATH_MAX_LENGTH = 2048 };
    struct arena *arena = job->arena;
    const struct json *found = look_over(bundle);
    if (found == NULL)
        return NULL;
    struct text path = text_new(arena, PATH_MAX_LENGTH);
    find_step(job, &(struct step){.node = bundle}, found, &path);
    *ret_path = path.at;
    bool is_extension = json_has_key(found, "modifierExtension");
    const char *url = is_extension ? json_get_text(json_first(found), "url") : json_text(found);
    return arena_print(arena, "%s %s",
                       is_extension ? "the modifierExtension" : "implicitRules, which are",
                       url == NULL ? "without url" : url);
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
        return message_refuse(findings, "Bundle.type", "no message Bundle",
                              "a Bundle of the type \"message\"");
    if (!entries_index(job, bundle))
        return message_refuse(findings, "Bundle.entry", "too many entries",
                              arena_print(job->arena, "at most %d", MESSAGE_ENTRIES_MAX));
    if (find_header(job) == NULL)
        return message_refuse(findings, "Bundle.entry[0].resource", "no MessageHeader",
                              "a MessageHeader as the first entry");
    const char *path = NULL;
    const char *rules = rules_in(job, bundle, &path);
    if (rules != NULL)
        return message_refuse(findings, path, rules,
                              "neither modifierExtension nor implicitRules, because they may "
                              "change the meaning of everything; send it without them");
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

/* Who names no sender (R4 allows that) is who the certificate says, where that partner has one
 * clinic alone. A sender that is named, and not known, is nobody. */
static const char *clinic_of_certificate(const struct field_job *job, const struct json *header)
{
    const struct directory *directory = job->context->directory;
    const char *clinic = NULL;
    if (job->context->partner == NULL || json_get(header, "sender") != NULL)
        return NULL;
    for (size_t i = 0; i < directory_count(directory); i++) {
        const struct directory_entry *entry = directory_at(directory, i);
        if (entry->is_person || !text_equal(directory_partner(directory, entry, job->context->org),
                                            job->context->partner))
            continue;
        if (clinic != NULL)
            return NULL;
        clinic = entry->handle;
    }
    return clinic;
}

/* A file on our desk has no certificate: then who placed or wrote it sent it. */
static const char *clinic_of_author(struct field_job *job, const struct message_split *split)
{
    static const char *const members[] = {"requester", "author", NULL};
    if (job->context->partner != NULL || split->main == NULL ||
        json_get(split->header, "sender") != NULL)
        return NULL;
    for (size_t i = 0; members[i] != NULL; i++) {
        struct json *who = json_get(split->main->resource, members[i]);
        if (json_kind(who) == JSON_LIST)
            who = json_first(who);
        if (who != NULL)
            return people_clinic(job, people_handle(job, who, split->main->resource));
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

/* The clinic of one destination: its receiver's, else that of its endpoint; NULL: none we know. */
static const char *clinic_addressed(struct field_job *job, struct json *header,
                                    struct json *destination)
{
    struct json *receiver = json_get(destination, "receiver");
    const char *handle = receiver == NULL ? NULL : people_handle(job, receiver, header);
    const char *endpoint = json_get_text(destination, "endpoint");
    const char *clinic = endpoint == NULL ? NULL : strstr(endpoint, "/clinic/");
    if (handle == NULL && clinic != NULL)
        handle = clinic + strlen("/clinic/");
    return handle == NULL || directory_meet(job->context->directory, job->arena, handle) == NULL
               ? NULL
               : people_clinic(job, handle);
}

/* Of several, our own: R4 gives their order no meaning. Else the first by alphabet. */
static const char *destination_of(struct field_job *job, struct json *header)
{
    const char *found = NULL;
    for (struct json *destination = json_first(json_get(header, "destination"));
         destination != NULL; destination = json_next(destination)) {
        const char *clinic = clinic_addressed(job, header, destination);
        json_mark(destination);
        if (clinic == NULL || (found != NULL && text_equal(found, job->context->org)))
            continue;
        if (found == NULL || text_equal(clinic, job->context->org) || strcmp(clinic, found) < 0)
            found = clinic;
    }
    return found;
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

static bool is_later(const char *one, const char *other)
{
    int order = 0;
    if (one == NULL || other == NULL)
        return one != NULL;
    return primitive_date_order(one, other, &order) ? order > 0 : strcmp(one, other) > 0;
}

/* When a message without a time of its own was made: not before anything it holds was written. */
static const char *latest_of(struct field_job *job)
{
    static const char *const times[][2] = {{"ServiceRequest", "authoredOn"},
                                           {"Task", "authoredOn"},
                                           {"Task", "lastModified"},
                                           {"Composition", "date"},
                                           {"CarePlan", "created"}};
    const char *latest = NULL;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct message_entry *entry = entries_next(job, times[i][0], NULL);
        for (; entry != NULL; entry = entries_next(job, times[i][0], entry)) {
            const char *time = json_get_text(entry->resource, times[i][1]);
            latest = is_later(time, latest) ? time : latest;
        }
    }
    return latest;
}

static void read_header(struct field_job *job, struct json *header, const struct json *bundle,
                        struct message_inbound *in)
{
    struct json *source = json_get(header, "source");
    struct json *author = json_get(header, "author");
    job->their_base = base_of(job, header);
    job->endpoint = json_get_text(source, "endpoint");
    job->moment = json_get_text(bundle, "timestamp");
    if (job->moment == NULL)
        job->moment = latest_of(job);
    in->bundle_id = json_get_text(bundle, "id");
    in->message_id = json_get_text(header, "id");
    if (in->message_id == NULL)
        in->message_id = in->bundle_id;
    if (in->message_id == NULL)
        in->message_id = json_get_text(json_get(bundle, "identifier"), "value");
    in->event = event_read(header, &in->event_as_sent);
    in->sender = sender_of(job, header);
    if (in->sender == NULL)
        in->sender = clinic_of_certificate(job, header);
    in->sender_name = sender_name(job, header);
    job->their_name = in->sender_name;
    job->partner = partner_of(job, in->sender);
    in->source_endpoint = json_get_text(source, "endpoint");
    in->destination = destination_of(job, header);
    job->to = in->destination;
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

static bool is_withdrawn(const struct field_job *job, const struct json *record, const char *event)
{
    return job->is_withdrawn || text_equal(event, EVENT_REFERRAL_CANCEL) ||
           text_equal(json_get_text(record, "status"), "cancelled");
}

static const char *clinic_at(struct field_job *job, struct json *task, const char *member)
{
    struct json *reference = json_get(task, member);
    const char *handle = reference == NULL ? NULL : people_handle(job, reference, task);
    return handle == NULL ? NULL : people_clinic(job, handle);
}

/* Whom the order asks sends it back in full with his answer, to the clinic that asked: that is no
 * new order. (People may be elsewhere by our directory than by the sender's.) */
static bool is_answer(struct field_job *job, const struct message_split *split,
                      const struct message_inbound *in)
{
    if (split->task == NULL || in->sender == NULL || !text_equal(split->kind, "referral"))
        return false;
    const char *requester = clinic_at(job, split->task->resource, "requester");
    return requester != NULL && !text_equal(requester, in->sender) &&
           (in->destination == NULL || text_equal(requester, in->destination)) &&
           text_equal(clinic_at(job, split->task->resource, "owner"), in->sender);
}

/* Order and Task of one message are about one person, and that is a Patient. */
static bool check_client(struct field_job *job, const struct message_split *split,
                         struct finding_list *findings)
{
    const struct message_client *client = &split->client;
    const struct message_entry *const others[] = {split->order, split->task};
    if (client->entry != NULL && !entries_is(client->entry, "Patient"))
        return message_refuse(findings, "subject",
                              arena_print(job->arena, "a %.64s", client->entry->type),
                              "one Patient, because a record is about one client");
    for (size_t i = 0; i < 2; i++) {
        if (others[i] == NULL || client->reference == NULL)
            continue;
        enum client_whose whose = client_whose(job, client, others[i]);
        if (whose == CLIENT_ANOTHER || whose == CLIENT_UNKNOWN)
            return message_refuse(
                findings, i == 0 ? "ServiceRequest.subject" : "Task.for",
                client_named(job, others[i]),
                "the same client as in the rest of the message; send one client a message");
    }
    return true;
}

static bool check_focus(struct field_job *job, const struct message_split *split,
                        struct finding_list *findings)
{
    const char *type = split_repeated(job, split);
    return type == NULL ||
           message_refuse(findings, "MessageHeader.focus",
                          arena_print(job->arena, "more than one %s", type),
                          "one order, move or record a message; send each in a message of its own");
}

static bool read_content(struct field_job *job, const struct message_split *split,
                         struct message_inbound *in, struct finding_list *findings)
{
    if (split->kind == NULL) {
        if (split->task == NULL && split->abort == NULL && split->order == NULL)
            return message_refuse(findings, "Bundle.entry", "neither a Task nor a ServiceRequest",
                                  "one of them, or a record");
        if (judge_message(job, split, in))
            move_read(job, split, in);
        return true;
    }
    if (retraction_is(split))
        return retraction_read(job, split, in, findings);
    if (is_answer(job, split, in)) {
        move_read(job, split, in);
        return true;
    }
    if (!judge_message(job, split, in))
        return true;
    in->content = MESSAGE_RECORD;
    record_read_message(job, split, in);
    if (!has_identity(in->record))
        return message_refuse(findings, "Patient", "no identity of the client",
                              "a number or a name of the client");
    if (strcmp(split->kind, "referral") == 0 && is_withdrawn(job, in->record, in->event)) {
        in->content = MESSAGE_RECORD_CANCEL;
        json_replace(job->arena, in->record, "status", json_new_text(job->arena, "cancelled"));
        in->move.move = "cancel";
        in->move.task_status = "cancelled";
    }
    return true;
}

bool message_read(const struct fhir_context *context, const struct json *bundle,
                  struct message_inbound *ret_inbound, struct finding_list *findings)
{
    struct message_inbound in = {.content = MESSAGE_RECORD};
    struct field_job job = {
        .context = context, .arena = context->arena, .kind = "", .bundle = bundle};
    if (!check_bundle(&job, bundle, findings))
        return false;
    struct json *header = find_header(&job);
    read_header(&job, header, bundle, &in);
    if (event_version(&job, header) > MESSAGE_WIRE_VERSION)
        return message_refuse(findings, "MessageHeader.definition",
                              json_get_text(header, "definition"),
                              arena_print(job.arena, "version %d", MESSAGE_WIRE_VERSION));
    if (!read_reply(&job, header, &in)) {
        if (in.event == NULL)
            return message_refuse(findings, "MessageHeader.event",
                                  in.event_as_sent == NULL ? "no event" : in.event_as_sent,
                                  "an event of our CapabilityStatement");
        struct message_split split = split_message(&job, header, in.event);
        if (in.sender == NULL)
            in.sender = clinic_of_author(&job, &split);
        job.clinic = in.sender;
        split_referral(&job, &split, in.sender);
        if (!check_focus(&job, &split, findings) || !check_client(&job, &split, findings) ||
            !read_content(&job, &split, &in, findings))
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
