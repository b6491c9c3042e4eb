/* move_read: what a received message says of its referral without a record: a move of the
 * Task, or that a record of the sender's was a mistake.
 *
 * Called by message_read, and by message_record_read for the Task beside a record. Everything read
 * lives in the arena of the job. */
#include <string.h>

#include "fhir/codes/reason.h"
#include "fhir/field/choice.h"
#include "fhir/field/standing.h"
#include "fhir/map/map.h"
#include "fhir/message/event.h"
#include "fhir/message/message.h"
#include "fhir/message/message_internal.h"
#include "fhir/message/received.h"

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

void move_take(struct field_job *job, const struct json *local, struct message_move *move)
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
const char *move_status_of_order(const struct message_entry *order)
{
    const char *status = order == NULL ? NULL : json_get_text(order->resource, "status");
    if (text_equal(status, "revoked") || text_equal(status, "entered-in-error"))
        return "cancelled";
    return status == NULL ? NULL : text_equal(status, "active") ? "requested" : status;
}

/* A client told in full beside a move is not kept; what has no word of ours is still told. */
static void read_client(struct field_job *job, const struct message_split *split)
{
    struct message_entry *patient = split->client.entry;
    if (patient == NULL)
        return;
    struct json *client = json_new_object(job->arena);
    job->resource = patient->resource;
    field_read(job, map_patient, patient->resource, client);
    standing_tell(job, patient->resource, "Patient", patient->resource, NULL);
    if (job->referral.client_number == NULL && text_equal(job->clinic, job->referral.placer))
        job->referral.client_number = json_get_text(client, "client_id");
}

static bool is_filler(const struct field_job *job, const char *sender)
{
    return sender != NULL && text_equal(sender, job->referral.filler) &&
           !text_equal(sender, job->referral.placer);
}

void move_read(struct field_job *job, const struct message_split *split, struct message_inbound *in)
{
    const char *named = in->move.move;
    in->content = MESSAGE_MOVE;
    if (split->order != NULL) {
        job->resource = split->order->resource;
        field_read(job, map_withdrawn, split->order->resource, json_new_object(job->arena));
    }
    struct json *task = read_task(job, split->task);
    struct json *abort = split->abort == NULL ? NULL : read_task(job, split->abort);
    move_take(job, split->task == NULL && abort != NULL ? abort : task, &in->move);
    if (split->task == NULL && abort == NULL)
        in->move.task_status = move_status_of_order(split->order);
    read_client(job, split);
    in->received = received_list(job);
    if (named != NULL)
        return;
    in->is_by_status = abort == NULL;
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
bool retraction_is(const struct message_split *split)
{
    const struct message_entry *main = split->main;
    return main != NULL &&
           !entries_is(main, "ServiceRequest") && /* an order is taken back as a whole */
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
bool retraction_read(struct field_job *job, const struct message_split *split,
                     struct message_inbound *in, struct finding_list *findings)
{
    struct json *main = split->main->resource;
    bool is_document = entries_is(split->main, "Composition");
    const struct json *identifier =
        choice_best(job, json_get(main, "identifier"), choice_of_value, NULL);
    struct json *local = json_new_object(job->arena);
    job->resource = main;
    if (is_document)
        field_read(job, map_retraction, main, local);
    in->content = MESSAGE_RETRACTION;
    in->retracted_kind = is_document ? json_get_text(local, "record") : split->kind;
    in->retracted_number = json_get_text(identifier, "value");
    if (in->retracted_number == NULL)
        in->retracted_number = json_get_text(main, "id");
    in->retracted_code = retraction_code(job, split->header);
    return in->retracted_number != NULL ||
           message_refuse(findings, arena_print(job->arena, "%s.identifier", split->main->type),
                          "no number of the record that is retracted", "its identifier");
}
