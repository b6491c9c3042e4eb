/* message_split: see message_split.h. Tolerances: docs/wire-profile.md, "What is understood". */
#include "fhir/message_split.h"

#include <string.h>

#include "fhir/map/identifier.h"
#include "fhir/message_event.h"
#include "fhir/message_people.h"

/* ---- the entries ---- */

static struct message_entry *focus_of(struct field_job *job, struct json *header, const char *type)
{
    for (struct json *focus = json_first(json_get(header, "focus")); focus != NULL;
         focus = json_next(focus)) {
        struct message_entry *entry = entries_resolve(job, focus);
        if (entry != NULL && strcmp(entry->type, type) == 0)
            return entry;
    }
    return NULL;
}

static struct message_entry *focus_or_first(struct field_job *job, struct json *header,
                                            const char *type)
{
    struct message_entry *entry = focus_of(job, header, type);
    return entry != NULL ? entry : entries_next(job, type, NULL);
}

static bool has_code(const struct message_entry *task, const char *code)
{
    return field_has_code(json_get(task->resource, "code"), NULL, code);
}

/* The first Task that is neither an action of a conference nor an abort. */
static struct message_entry *find_task(struct field_job *job, struct json *header)
{
    struct message_entry *task = focus_of(job, header, "Task");
    if (task != NULL && !has_code(task, "conference-action") && !has_code(task, "abort"))
        return task;
    for (task = entries_next(job, "Task", NULL); task != NULL;
         task = entries_next(job, "Task", task)) {
        if (!has_code(task, "conference-action") && !has_code(task, "abort"))
            return task;
    }
    return NULL;
}

static struct message_entry *find_abort(struct field_job *job)
{
    struct message_entry *task = entries_next(job, "Task", NULL);
    while (task != NULL && !has_code(task, "abort"))
        task = entries_next(job, "Task", task);
    return task;
}

/* ---- the kind of record ---- */

/* Whether a ServiceRequest says what is asked for, and not only its number. */
static bool is_full_order(const struct json *order)
{
    static const char *const members[] = {"code", "reasonCode", "reasonReference", "authoredOn"};
    for (size_t i = 0; order != NULL && i < 4; i++) {
        if (json_get(order, members[i]) != NULL)
            return true;
    }
    return false;
}

static const char *kind_of_composition(const struct json *composition)
{
    const struct json *type = json_get(composition, "type");
    if (field_has_code(type, NULL, "18842-5"))
        return "discharge-summary";
    if (field_has_code(type, NULL, "34098-4"))
        return "case-conference";
    return "progress-note";
}

static bool holds_results(const struct field_job *job)
{
    static const char *const types[] = {"Observation",           "Procedure",
                                        "DiagnosticReport",      "DocumentReference",
                                        "QuestionnaireResponse", NULL};
    for (size_t i = 0; types[i] != NULL; i++) {
        if (entries_next(job, types[i], NULL) != NULL)
            return true;
    }
    return false;
}

static bool is_referral_event(const char *event)
{
    return text_equal(event, EVENT_REFERRAL) || text_equal(event, EVENT_REFERRAL_UPDATE) ||
           text_equal(event, EVENT_REFERRAL_CANCEL);
}

static void choose_record(struct field_job *job, struct message_split *split, const char *event)
{
    struct message_entry *composition = focus_or_first(job, split->header, "Composition");
    struct message_entry *plan = focus_of(job, split->header, "CarePlan");
    struct message_entry *consent = focus_of(job, split->header, "Consent");
    bool is_full = split->order != NULL && is_full_order(split->order->resource);
    if (is_referral_event(event) && is_full) {
        split->main = split->order;
        split->kind = "referral";
    } else if (text_equal(event, EVENT_PLAN) || plan != NULL) {
        split->main = focus_or_first(job, split->header, "CarePlan");
        split->kind = split->main == NULL ? NULL : "treatment-plan";
    } else if (text_equal(event, EVENT_CONSENT) || consent != NULL) {
        split->main = focus_or_first(job, split->header, "Consent");
        split->kind = split->main == NULL ? NULL : "consent";
    } else if (composition != NULL && !is_referral_event(event)) {
        split->main = composition;
        split->kind = kind_of_composition(composition->resource);
    } else if (!is_referral_event(event) && holds_results(job)) {
        split->kind = "progress-note"; /* results without a document of their own */
    }
}

/* ---- the client ---- */

static const char *const subject_names[] = {"subject", "patient", "for", NULL};

/* The record brings its client along, whoever else stands in the message. */
static bool is_contained(const struct message_entry *entry, const struct json *subject)
{
    return text_starts(json_get_text(subject, "reference"), "#") &&
           json_get(entry->resource, "contained") != NULL;
}

static struct message_entry *find_patient(struct field_job *job, const struct message_split *split)
{
    const struct message_entry *places[] = {split->main, split->order, split->task};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; places[i] != NULL && subject_names[j] != NULL; j++) {
            struct json *subject = json_get(places[i]->resource, subject_names[j]);
            struct message_entry *entry = subject == NULL ? NULL : entries_resolve(job, subject);
            if (entry != NULL && strcmp(entry->type, "Patient") == 0)
                return entry;
            if (places[i] == split->main && is_contained(places[i], subject))
                return NULL;
        }
    }
    return entries_next(job, "Patient", NULL);
}

struct message_split split_message(struct field_job *job, struct json *header, const char *event)
{
    struct message_split split = {.header = header};
    split.task = find_task(job, header);
    split.abort = find_abort(job);
    split.order = focus_of(job, header, "ServiceRequest");
    if (split.order == NULL && split.task != NULL) {
        split.order = entries_resolve(job, json_get(split.task->resource, "focus"));
        if (split.order == NULL)
            split.order =
                entries_resolve(job, json_first(json_get(split.task->resource, "basedOn")));
    }
    if (split.order == NULL || strcmp(split.order->type, "ServiceRequest") != 0)
        split.order = entries_next(job, "ServiceRequest", NULL);
    choose_record(job, &split, event);
    split.patient = find_patient(job, &split);
    return split;
}

/* ---- the referral ---- */

static const char *clinic_of_identifier(struct field_job *job, struct json *identifier,
                                        struct json *container)
{
    const char *clinic = people_system_clinic(job, json_get_text(identifier, "system"), "record");
    struct json *assigner = json_get(identifier, "assigner");
    if (clinic != NULL || assigner == NULL)
        return clinic;
    const char *handle = people_handle(job, assigner, container);
    return handle == NULL ? NULL : people_clinic(job, handle);
}

static void take_placer(struct field_job *job, struct json *identifier, struct json *container)
{
    struct message_referral *referral = &job->referral;
    if (referral->number != NULL || json_get_text(identifier, "value") == NULL)
        return;
    referral->number = json_get_text(identifier, "value");
    if (referral->placer == NULL)
        referral->placer = clinic_of_identifier(job, identifier, container);
}

static void take_filler(struct field_job *job, struct json *identifier, struct json *container)
{
    struct message_referral *referral = &job->referral;
    if (referral->filler_number != NULL || json_get_text(identifier, "value") == NULL)
        return;
    referral->filler_number = json_get_text(identifier, "value");
    if (referral->filler == NULL)
        referral->filler = clinic_of_identifier(job, identifier, container);
}

static void take_numbers(struct field_job *job, struct json *resource)
{
    struct json *list = json_get(resource, "identifier");
    take_placer(job, choice_best(job, list, identifier_of_order, "PLAC"), resource);
    take_filler(job, choice_best(job, list, identifier_of_order, "FILL"), resource);
}

/* A number without a type is the placer's. */
static void take_any_number(struct field_job *job, struct json *resource)
{
    struct json *list = json_get(resource, "identifier");
    take_placer(job, choice_best(job, list, identifier_of_order, NULL), resource);
}

static void take_reference(struct field_job *job, struct json *reference, struct json *container)
{
    struct message_entry *entry = reference == NULL ? NULL : entries_resolve(job, reference);
    if (entry != NULL && strcmp(entry->type, "ServiceRequest") == 0)
        take_any_number(job, entry->resource);
    else if (entry == NULL && reference != NULL)
        take_placer(job,
                    choice_best(job, json_get(reference, "identifier"), identifier_of_order, NULL),
                    container);
}

/* A plan names its referral among what supports it. */
static void take_from_plan(struct field_job *job, struct json *plan)
{
    for (struct json *item = json_first(json_get(plan, "supportingInfo")); item != NULL;
         item = json_next(item)) {
        if (text_equal(json_get_text(item, "type"), "ServiceRequest"))
            take_reference(job, item, plan);
    }
}

/* A record names its referral where its resources are based on it. */
static void take_based_on(struct field_job *job, const struct message_split *split)
{
    if (split->main != NULL && strcmp(split->main->type, "CarePlan") == 0)
        take_from_plan(job, split->main->resource);
    if (split->main != NULL && strcmp(split->main->type, "Composition") == 0 &&
        strcmp(split->kind, "case-conference") != 0) {
        struct json *event = json_first(json_get(split->main->resource, "event"));
        take_reference(job, json_first(json_get(event, "detail")), split->main->resource);
    }
    for (size_t i = 0; i < job->entries->count && job->referral.number == NULL; i++) {
        struct json *resource = job->entries->entries[i].resource;
        if (split->order != NULL && resource == split->order->resource)
            continue;
        struct json *based_on = json_get(resource, "basedOn");
        struct json *reference = json_kind(based_on) == JSON_LIST ? json_first(based_on) : based_on;
        take_reference(job, reference, resource);
    }
}

static void take_side(struct field_job *job, struct json *resource, const char *member,
                      const char **side)
{
    struct json *found = json_get(resource, member);
    struct json *reference = json_kind(found) == JSON_LIST ? json_first(found) : found;
    const char *handle =
        *side != NULL || reference == NULL ? NULL : people_handle(job, reference, resource);
    if (handle != NULL)
        *side = people_clinic(job, handle);
}

void split_referral(struct field_job *job, const struct message_split *split, const char *sender)
{
    struct json *task = split->task != NULL ? split->task->resource : NULL;
    struct json *order = split->order != NULL ? split->order->resource : NULL;
    struct json *abort = split->abort != NULL ? split->abort->resource : NULL;
    struct message_referral *referral = &job->referral;
    take_numbers(job, task);
    take_numbers(job, order);
    take_numbers(job, abort);
    take_any_number(job, order);
    if (task != NULL) {
        take_reference(job, json_get(task, "focus"), task);
        take_reference(job, json_first(json_get(task, "basedOn")), task);
        take_any_number(job, task);
    }
    take_based_on(job, split);
    if (text_equal(split->kind, "referral")) {
        if (referral->number == NULL)
            referral->number = json_get_text(order, "id");
        if (referral->placer == NULL)
            referral->placer = sender;
    }
    take_side(job, task, "requester", &referral->placer);
    take_side(job, order, "requester", &referral->placer);
    take_side(job, task, "owner", &referral->filler);
    take_side(job, order, "performer", &referral->filler);
    take_side(job, abort, "requester", &referral->placer);
    take_side(job, abort, "owner", &referral->filler);
}
