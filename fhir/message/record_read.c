/* record_read: a received record in local words: its client, its main resource and its
 * parts, by the tables that write them.
 *
 * Called by message_read. Everything read lives in the arena of the job. */
#include <string.h>

#include "fhir/field/choice.h"
#include "fhir/map/map.h"
#include "fhir/map/people.h"
#include "fhir/message/choose.h"
#include "fhir/message/consent.h"
#include "fhir/message/judge.h"
#include "fhir/message/kind.h"
#include "fhir/message/labels.h"
#include "fhir/message/message.h"
#include "fhir/message/message_internal.h"
#include "fhir/message/received.h"
#include "fhir/message/when.h"
#include "fhir/record/record.h"
#include "fhir/record/vocabulary.h"

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

/* The word of standing of an item: by what is said of it, else by its time. */
static const char *word_for(const struct field_job *job, const struct message_entry *entry)
{
    const char *word = standing_word(entry->type, entry->resource);
    return word != NULL ? word : when_standing(job, entry->type, entry->resource);
}

static void read_resource(struct field_job *job, const struct map_part *part,
                          struct message_entry *entry)
{
    entry->is_taken = true;
    job->resource = entry->container != NULL ? entry->container : entry->resource;
    if (part->read != NULL) {
        part->read(job, part, entry->resource);
    } else if (part->local == NULL) {
        field_read(job, part->rows, entry->resource, job->record);
    } else {
        struct json *item = json_new_object(job->arena);
        field_read(job, part->rows, entry->resource, item);
        if (json_first(item) != NULL)
            json_put_text(job->arena, item, "standing", word_for(job, entry));
        job->keeps_standing = job->keeps_standing || !record_is_fact(item);
        add_item(job, part, item);
    }
    standing_tell(job, job->resource, part->type, entry->resource, part->rows);
}

static void read_part(struct field_job *job, const struct map_part *part)
{
    struct message_choice choice = choose_part(job, part);
    bool is_one = part->local == NULL && part->read == NULL;
    for (size_t i = 0; i < (is_one && choice.count > 1 ? 1 : choice.count); i++)
        read_resource(job, part, choice.entries[i]);
    if (strcmp(part->type, "Encounter") == 0 && choice.count > 0)
        job->visit = choice.entries[0];
}

static void read_patient_resource(struct field_job *job, struct json *patient)
{
    job->resource = patient;
    field_read(job, map_patient, patient, job->record);
    standing_tell(job, patient, "Patient", patient, NULL);
}

/* A number in the reference itself that the Patient does not say: one more of this client. */
static void read_subject_number(struct field_job *job, const struct message_client *client)
{
    struct json *identifier = json_get(client->reference, "identifier");
    struct json *patient = json_new_object(job->arena);
    if (json_get_text(identifier, "value") == NULL || client->entry != NULL)
        return;
    struct json *list = json_put(patient, "identifier", json_new_list(job->arena));
    json_push(list, json_copy_nodes(job->arena, identifier));
    job->resource = patient;
    field_read(job, map_patient, patient, job->record);
}

static void read_patient(struct field_job *job, const struct message_client *client)
{
    if (client->entry != NULL) {
        client->entry->is_taken = true;
        read_patient_resource(job, client->entry->resource);
    }
    read_subject_number(job, client);
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

/* In the order of R4's request-priority. */
static int urgency(const char *priority)
{
    static const char *const words[] = {"routine", "urgent", "asap", "stat"};
    for (int i = 0; i < 4; i++) {
        if (text_equal(words[i], priority))
            return i;
    }
    return -1;
}

/* The more urgent one of the order's and its Task's counts; the other is told. */
static void take_more_urgent(struct field_job *job, const struct message_split *split)
{
    static const char field[] = "priority";
    struct json *of_task = split->task == NULL ? NULL : json_get(split->task->resource, field);
    struct json *of_order = json_get(job->main, field);
    if (of_order == NULL || urgency(json_text(of_task)) <= urgency(json_text(of_order)) ||
        json_get(job->record, field) == NULL)
        return;
    json_replace(job->arena, job->record, field, json_new_lasting(job->arena, json_text(of_task)));
    json_mark(of_task);
    json_unmark(of_order);
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

/* Of results without a document: the one that the message is about, or the only one. */
static const struct message_entry *result_of(struct field_job *job,
                                             const struct message_split *split)
{
    static const char *const types[] = {"DiagnosticReport", "QuestionnaireResponse",
                                        "DocumentReference", "Observation", "Procedure"};
    enum { TYPES = sizeof types / sizeof *types };
    const struct json *focus = json_first(json_get(split->header, "focus"));
    for (; focus != NULL; focus = json_next(focus)) {
        const struct message_entry *entry = entries_resolve_in(job, focus, split->header);
        for (size_t i = 0; entry != NULL && i < TYPES; i++) {
            if (strcmp(entry->type, types[i]) == 0)
                return entry;
        }
    }
    for (size_t i = 0; i < TYPES; i++) {
        const struct message_entry *first = entries_next(job, types[i], NULL);
        if (first != NULL)
            return entries_next(job, types[i], first) == NULL ? first : NULL;
    }
    return NULL;
}

/* Sent again in another message it is the same record: its number and time are the result's own. */
static const char *number_of_result(struct field_job *job, const struct message_split *split)
{
    static const char *const times[] = {"issued", "authored", "date", NULL};
    const struct message_entry *result = result_of(job, split);
    if (result == NULL)
        return NULL;
    for (size_t i = 0; times[i] != NULL && json_get(job->record, "written_at") == NULL; i++) {
        const char *time = json_get_text(result->resource, times[i]);
        if (time != NULL && strchr(time, 'T') != NULL)
            json_put_text(job->arena, job->record, "written_at", time);
    }
    struct json *list = json_get(result->resource, "identifier");
    struct json *identifier =
        json_kind(list) == JSON_OBJECT ? list : choice_best(job, list, choice_of_value, NULL);
    if (identifier == NULL)
        identifier = json_get(result->resource, "masterIdentifier");
    json_mark(json_get(identifier, "value"));
    return identifier != NULL ? json_get_text(identifier, "value") : result->id;
}

static void name_record(struct field_job *job, const struct message_split *split,
                        const struct message_inbound *in)
{
    const char *number = json_get_text(job->record, "record_id");
    if (strcmp(job->kind, "referral") == 0)
        number = job->referral.number;
    if (number == NULL && split->main != NULL)
        number = split->main->id;
    if (number == NULL && split->main == NULL && strcmp(job->kind, "referral") != 0)
        number = number_of_result(job, split);
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

void record_read_message(struct field_job *job, const struct message_split *split,
                         struct message_inbound *in)
{
    const struct message_kind *kind = message_kind_find(split->kind);
    job->kind = kind->kind;
    job->record = json_new_object(job->arena);
    const struct message_entry *const roots[] = {split->main, split->order, split->task,
                                                 entries_of_resource(job, split->header)};
    job->client = &split->client;
    job->is_client = client_is_meant;
    read_patient(job, &split->client);
    read_main(job, kind, split);
    take_more_urgent(job, split);
    choose_name(job, roots, sizeof roots / sizeof roots[0]);
    choose_set_aside(job, &split->client);
    judge_reports(job);
    judge_lists(job);
    judge_replaced(job);
    in->consents = consent_read_evidence(job);
    for (const struct map_part *part = kind->parts; part->type != NULL; part++)
        read_part(job, part);
    bool has_files = strcmp(job->kind, "consent") != 0; /* whose form is its own */
    for (const struct map_part *part = map_file_parts; part->type != NULL && has_files; part++)
        read_part(job, part);
    field_read_extras(job, json_get(job->main, "extension"), job->record); /* those of items */
    labels_read(job);
    if (kind->finish_reading != NULL)
        kind->finish_reading(job);
    judge_others(job);
    judge_sort(job);
    const char *standing = judge_record(job, split);
    name_record(job, split, in);
    if (job->referral.placer != NULL)
        job->referral.client_number = placers_number(job);
    struct json *task = job->move == NULL ? json_new_object(job->arena) : job->move;
    json_put_text(job->arena, task, "task_status", job->task_status);
    move_take(job, task, &in->move);
    if (in->move.task_status == NULL && strcmp(job->kind, "referral") == 0)
        in->move.task_status = move_status_of_order(split->order);
    struct json *received = claim_tell(job, received_list(job));
    record_fill_defaults(job->arena, job->record, job->context->directory);
    map_tidy_diagnoses(job);
    in->record = in_order(job, job->record, record_kind_find(job->kind), false);
    json_put_text(job->arena, in->record, "standing", standing);
    if (received != NULL)
        json_put(in->record, "received", received);
    in->set_aside = standing_summary(job);
}
