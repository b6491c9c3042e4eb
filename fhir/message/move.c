/* move: moves of a referral's Task, retractions and replies, outbound. They need no consent
 * of their own, so they carry nothing but numbers, states, a visit count and a short reason
 * (docs/wire-profile.md). */
#include <string.h>

#include "base/date.h"
#include "fhir/codes/reason.h"
#include "fhir/entries/entries.h"
#include "fhir/map/map.h"
#include "fhir/message/event.h"
#include "fhir/message/header.h"
#include "fhir/message/message.h"

struct move_row {
    const char *move, *event;
    bool is_abort;
    const char *abort_status; /* of the Task that asks for the abort */
};

static const struct move_row moves[] = {
    {"cancel", EVENT_REFERRAL_CANCEL, false, NULL},
    {"abort", EVENT_ABORT, true, "requested"},
    {"abort-accept", EVENT_TASK, true, "accepted"},
    {"abort-decline", EVENT_TASK, true, "rejected"},
    {NULL, EVENT_TASK, false, NULL}, /* every other move */
};

static const struct move_row *row_of(const char *move)
{
    const struct move_row *row = moves;
    while (row->move != NULL && strcmp(row->move, move) != 0)
        row++;
    return row;
}

static void set_number(struct field_job *job, struct json *object, const char *key,
                       const char *number)
{
    if (number != NULL)
        json_set(job->arena, object, key, json_new_number(job->arena, number));
}

/* When the partner authored the Task; NULL when what it said is no moment, such as 2026, which
 * cannot be held against ours. */
static const char *authored_at(const struct message_move *move, struct date_time *ret_authored)
{
    bool is_moment =
        move->authored_at != NULL && date_time_parse(move->authored_at, ret_authored) == DATE_RIGHT;
    return is_moment ? move->authored_at : NULL;
}

/* A Task is not changed before it was authored (inv-1), though whoever authored it may have a clock
 * ahead of ours. */
static const char *changed_at(const struct message_move *move)
{
    struct date_time authored, at;
    bool is_ahead = authored_at(move, &authored) != NULL && move->at != NULL &&
                    date_time_parse(move->at, &at) == DATE_RIGHT &&
                    date_time_compare(authored, at) > 0;
    return is_ahead ? move->authored_at : move->at;
}

static struct json *local_side(struct field_job *job, const struct message_move *move)
{
    struct json *local = json_new_object(job->arena);
    struct date_time authored;
    json_set_text(job->arena, local, "task_status", move->task_status);
    json_set_text(job->arena, local, "reason_code", move->reason_code);
    json_set_text(job->arena, local, "reason", move->reason);
    json_set_text(job->arena, local, "business_status", move->business_status);
    json_set_text(job->arena, local, "authored_at", authored_at(move, &authored));
    json_set_text(job->arena, local, "at", changed_at(move));
    set_number(job, local, "visits_done", move->visits_done);
    set_number(job, local, "visits_total", move->visits_total);
    return local;
}

static void write_task(struct field_job *job, const char *name, const struct json *local)
{
    struct json *task = entries_add(job, "Task", name, false);
    job->resource = task;
    field_write(job, map_move, local, task);
}

/* The Task that asks for an abort, and on "accept" the referral's own Task as it now stands. */
static void write_abort(struct field_job *job, const struct move_row *row, struct json *local,
                        const struct message_move *move)
{
    struct json *abort = json_copy(job->arena, local);
    json_set(job->arena, abort, "is_abort", json_new_boolean(job->arena, true));
    json_replace(job->arena, abort, "task_status", json_new_text(job->arena, row->abort_status));
    write_task(job, "Abort", abort);
    if (strcmp(move->move, "abort-accept") == 0 && move->task_status != NULL)
        write_task(job, "Task", local);
}

static void write_withdrawn(struct field_job *job, const struct json *local)
{
    if (job->referral.client_number == NULL)
        return; /* a ServiceRequest needs a subject */
    struct json *order = entries_add(job, "ServiceRequest", "ServiceRequest", false);
    job->resource = order;
    field_write(job, map_withdrawn, local, order);
}

struct json *message_of_move(const struct fhir_context *context, const struct message_move *move)
{
    struct field_job job = {.context = context,
                            .arena = context->arena,
                            .kind = "",
                            .clinic = move->from,
                            .referral = move->referral};
    const struct move_row *row = row_of(move->move);
    struct json *header = header_start(&job);
    struct json *local = local_side(&job, move);
    if (strcmp(move->move, "cancel") == 0)
        write_withdrawn(&job, local);
    if (row->is_abort)
        write_abort(&job, row, local, move);
    else
        write_task(&job, "Task", local);
    const char *focus[] = {row->is_abort ? "Abort" : "Task",
                           row->is_abort && entries_has(&job, "Task") ? "Task" : NULL, NULL};
    const char *recipients[] = {move->to};
    struct message_envelope envelope = {.event = row->event,
                                        .from = move->from,
                                        .actor = move->by,
                                        .at = move->at,
                                        .recipients = recipients,
                                        .recipient_count = move->to == NULL ? 0 : 1,
                                        .reason = move->move};
    header_write(&job, header, &envelope, focus);
    return header_bundle(&job, move->at);
}

/* ---- retractions ---- */

struct json *message_of_retraction(const struct fhir_context *context,
                                   const struct message_retraction *retraction)
{
    struct field_job job = {.context = context,
                            .arena = context->arena,
                            .kind = "",
                            .clinic = retraction->from,
                            .referral = retraction->referral};
    struct json *header = header_start(&job);
    struct json *local = json_new_object(job.arena);
    json_set_text(job.arena, local, "record", retraction->kind);
    json_set_text(job.arena, local, "record_id", retraction->number);
    json_set_text(job.arena, local, "at", retraction->at);
    job.resource = entries_add(&job, "Composition", "Composition", false);
    field_write(&job, map_retraction, local, job.resource);
    const char *focus[] = {"Composition", NULL};
    const char *recipients[] = {retraction->to};
    struct message_envelope envelope = {.event = EVENT_RECORD_UPDATE,
                                        .from = retraction->from,
                                        .actor = retraction->by,
                                        .at = retraction->at,
                                        .recipients = recipients,
                                        .recipient_count = retraction->to == NULL ? 0 : 1,
                                        .reason = retraction->code,
                                        .reason_system = REASON_SYSTEM};
    header_write(&job, header, &envelope, focus);
    return header_bundle(&job, retraction->at);
}

/* ---- replies ---- */

static void write_outcome(struct field_job *job, const struct json *issues)
{
    struct json *outcome = entries_add(job, "OperationOutcome", "OperationOutcome", false);
    json_set(job->arena, outcome, "issue", json_copy(job->arena, issues));
}

struct json *message_of_reply(const struct fhir_context *context, const struct message_reply *reply)
{
    struct field_job job = {
        .context = context, .arena = context->arena, .kind = "", .clinic = reply->from};
    struct json *header = header_start(&job);
    struct json *response = json_new_object(job.arena);
    const char *recipients[] = {reply->to};
    struct message_envelope envelope = {.event = reply->event,
                                        .from = reply->from,
                                        .at = reply->at,
                                        .recipients = recipients,
                                        .recipient_count = reply->to == NULL ? 0 : 1,
                                        .to_endpoint = reply->to_endpoint};
    json_set_text(job.arena, response, "identifier", reply->answers);
    json_set_text(job.arena, response, "code", reply->code);
    if (json_first(reply->issues) != NULL) {
        write_outcome(&job, reply->issues);
        json_set(job.arena, response, "details", entries_reference(&job, "OperationOutcome", NULL));
    }
    json_set(job.arena, header, "response", response);
    header_write(&job, header, &envelope, NULL);
    return header_bundle(&job, reply->at);
}
