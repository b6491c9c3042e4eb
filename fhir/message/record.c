/* record: the Bundle of a local record: which resources each kind of record carries.
 * The tables stand in fhir/map/; here a table per kind puts them together (message/kind.c). */
#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/map/map.h"
#include "fhir/map/people.h"
#include "fhir/message/consent.h"
#include "fhir/message/event.h"
#include "fhir/message/header.h"
#include "fhir/message/kind.h"
#include "fhir/message/message.h"
#include "fhir/record/record.h"

/* ---- security labels ---- */

static struct json *labels_of(struct field_job *job)
{
    struct json *words = json_get(job->record, "sensitivity");
    struct json *labels = json_new_list(job->arena);
    for (struct json *word = json_first(words); word != NULL; word = json_next(word)) {
        const struct coding_row *row = field_row(job, "sensitivity", json_text(word));
        if (row != NULL)
            json_push(labels, field_new_coding(job, row->system, row->code, row->display));
    }
    if (json_first(labels) == NULL)
        return NULL;
    const struct coding_row *restricted = field_row(job, "confidentiality", "restricted");
    if (restricted != NULL)
        json_push(labels,
                  field_new_coding(job, restricted->system, restricted->code, restricted->display));
    return labels;
}

/* ---- whose referral ---- */

static const char *handle_clinic(struct field_job *job, const char *field)
{
    const char *handle = json_get_text(job->record, field);
    return handle == NULL ? NULL : people_clinic(job, handle);
}

/* A referral is its own; a note belongs to the one the caller knows, else to a number alone. */
static void set_referral(struct field_job *job, const struct message_record_options *options)
{
    if (strcmp(job->kind, "referral") == 0) {
        const struct message_referral *known = options->referral;
        job->referral =
            (struct message_referral){.placer = job->clinic,
                                      .number = json_get_text(job->record, "record_id"),
                                      .filler = handle_clinic(job, "referred_to"),
                                      .filler_number = known == NULL ? NULL : known->filler_number};
        return;
    }
    if (options->referral != NULL)
        job->referral = *options->referral;
    else
        job->referral.number = json_get_text(job->record, "referral_id");
}

/* ---- parts ---- */

static bool is_wanted(const struct field_job *job, const struct map_part *part)
{
    if (part->is_wanted != NULL)
        return part->is_wanted(job->record);
    return part->local == NULL || json_first(json_get(job->record, part->local)) != NULL;
}

/* Items of plain words are seen as {word}. */
static const struct json *item_object(struct field_job *job, const struct json *item)
{
    if (json_kind(item) == JSON_OBJECT)
        return item;
    struct json *object = json_new_object(job->arena);
    json_set(job->arena, object, "word", json_copy(job->arena, item));
    return object;
}

static void write_items(struct field_job *job, const struct map_part *part)
{
    job->list = part->local;
    job->index = 0;
    for (struct json *item = json_first(json_get(job->record, part->local)); item != NULL;
         item = json_next(item)) {
        const char *name = arena_print(job->arena, "%s/%zu", part->name, job->index + 1);
        map_add_part(job, part, item_object(job, item), name);
        job->index++;
    }
    job->list = NULL;
}

static void write_part(struct field_job *job, const struct map_part *part)
{
    if (!is_wanted(job, part))
        return;
    if (part->write != NULL)
        part->write(job, part);
    else if (part->local != NULL)
        write_items(job, part);
    else
        map_add_part(job, part, job->record, part->name);
}

/* ---- the whole ---- */

static void write_main(struct field_job *job, const struct message_kind *kind)
{
    job->resource = job->main;
    field_write(job, kind->rows, job->record, job->main);
}

static const char *event_of(const struct message_kind *kind, const struct json *record)
{
    bool is_cancelled = text_equal(json_get_text(record, "status"), "cancelled");
    if (kind->event_cancelled != NULL && is_cancelled)
        return kind->event_cancelled;
    bool is_corrected = json_get(record, "replaces_record_id") != NULL;
    return is_corrected ? kind->event_corrected : kind->event;
}

static bool has_task(const struct message_kind *kind, const struct message_record_options *options)
{
    return kind->task == MESSAGE_TASK_ALWAYS ||
           (kind->task == MESSAGE_TASK_MOVED && options->task_status != NULL);
}

static void write_body(struct field_job *job, const struct message_kind *kind)
{
    struct json *patient = entries_add(job, "Patient", "Patient", true);
    job->resource = patient;
    field_write(job, map_patient, job->record, patient);
    if (kind->prepare != NULL)
        kind->prepare(job);
    write_main(job, kind);
    for (const struct map_part *part = kind->parts; part->type != NULL; part++)
        write_part(job, part);
    consent_write_evidence(job, kind->evidence_link);
    if (kind->finish != NULL)
        kind->finish(job);
}

/* An item that somebody else said was refuted, cancelled or not final is not sent as a fact. */
static void drop_standing(struct arena *arena, struct json *record)
{
    struct json *dropped = json_new_list(arena);
    for (struct json *list = json_first(record); list != NULL; list = json_next(list)) {
        struct json *item = json_kind(list) == JSON_LIST ? json_first(list) : NULL;
        while (item != NULL) {
            struct json *next = json_next(item);
            if (!record_is_fact(item))
                json_move(list, item, dropped);
            item = next;
        }
    }
}

/* The record as it is mapped: with defaults, without what never leaves the clinic. */
static struct json *prepared(const struct fhir_context *context, const struct json *record)
{
    struct json *copy = json_copy(context->arena, record);
    record_fill_defaults(context->arena, copy, context->directory);
    json_remove(copy, "private_note");
    json_remove(copy, "received");
    json_remove(copy, "received_from");
    drop_standing(context->arena, copy);
    return copy;
}

static struct json *finish(struct field_job *job, const struct message_kind *kind,
                           struct json *header)
{
    const struct message_record_options *options = job->options;
    const char *at = json_get_text(job->record, "written_at");
    const char *main_first[] = {kind->name, entries_has(job, "Task") ? "Task" : NULL, NULL};
    const char *task_only[] = {"Task", NULL};
    struct message_envelope envelope = {.event = event_of(kind, job->record),
                                        .from = job->clinic,
                                        .author = json_get_text(job->record, "written_by"),
                                        .at = at,
                                        .recipients = options->recipients,
                                        .recipient_count = options->recipient_count};
    field_put_extras(job);
    header_write(job, header, &envelope, kind->is_task_first ? task_only : main_first);
    return header_bundle(job, at);
}

struct json *message_of_record(const struct fhir_context *context, const struct json *record,
                               const struct message_record_options *options)
{
    static const struct message_record_options none = {.recipients = NULL};
    struct field_job job = {.context = context,
                            .arena = context->arena,
                            .record = prepared(context, record),
                            .options = options == NULL ? &none : options};
    const struct message_kind *kind = message_kind_find(json_get_text(record, "record"));
    if (kind == NULL)
        return NULL;
    job.kind = kind->kind;
    job.clinic =
        job.options->sender != NULL ? job.options->sender : handle_clinic(&job, "written_by");
    job.task_status =
        job.options->task_status != NULL ? job.options->task_status : kind->task_status;
    set_referral(&job, job.options);
    job.labels = labels_of(&job);
    struct json *header = header_start(&job);
    struct json *task =
        has_task(kind, job.options) ? entries_add(&job, "Task", "Task", true) : NULL;
    job.main = entries_add(&job, kind->type, kind->name, true);
    write_body(&job, kind);
    if (task != NULL) {
        job.resource = task;
        field_write(&job, map_task, job.record, task);
    }
    return finish(&job, kind, header);
}
