/* split: see message/split.h. Tolerances: docs/wire-profile.md, "What is understood". */
#include "fhir/message/split.h"

#include <string.h>

#include "fhir/map/map.h"
#include "fhir/map/people.h"
#include "fhir/message/choose.h"
#include "fhir/message/event.h"

/* ---- the entries ---- */

static struct message_entry *focus_of(struct field_job *job, struct json *header, const char *type)
{
    for (struct json *focus = json_first(json_get(header, "focus")); focus != NULL;
         focus = json_next(focus)) {
        struct message_entry *entry = entries_resolve_in(job, focus, header);
        if (entry != NULL && strcmp(entry->type, type) == 0)
            return entry;
    }
    return NULL;
}

static struct message_entry *focus_or_first(struct field_job *job, struct json *header,
                                            const char *type)
{
    struct message_entry *entry = focus_of(job, header, type);
    return entry != NULL ? entry : choose_first(job, type, NULL);
}

static bool has_code(const struct message_entry *task, const char *code)
{
    return field_has_code(json_get(task->resource, "code"), NULL, code);
}

static bool is_of_referral(const struct message_entry *task)
{
    return !has_code(task, "conference-action") && !has_code(task, "abort");
}

/* A Task that is neither an action of a conference nor an abort. */
static struct message_entry *find_task(struct field_job *job, struct json *header)
{
    struct message_entry *task = focus_of(job, header, "Task");
    return task != NULL && is_of_referral(task) ? task : choose_first(job, "Task", is_of_referral);
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
    bool is_stop = split->abort != NULL && split->task == NULL; /* of an order that is told again */
    bool is_full = split->order != NULL && is_full_order(split->order->resource) && !is_stop;
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

/* ---- the order ---- */

/* Of a message's orders, and of what each refers to, that are looked at; a real one has a few. */
enum { ORDERS_MAX = 64, EARLIER_MAX = 16 };

static bool refers_to(struct field_job *job, const struct json *list, const struct json *holder,
                      const struct message_entry *order)
{
    size_t count = 0;
    for (struct json *item = json_first(list); item != NULL && count < EARLIER_MAX;
         item = json_next(item), count++) {
        struct json *reference = json_get(item, "reference");
        if (entries_resolve_in(job, json_kind(reference) == JSON_OBJECT ? reference : item,
                               holder) == order)
            return true;
    }
    return false;
}

/* Whether another order of the message builds upon ORDER or replaces it. */
static bool is_earlier(struct field_job *job, const struct message_entry *order)
{
    size_t count = 0;
    for (struct message_entry *other = entries_next(job, "ServiceRequest", NULL);
         other != NULL && count < ORDERS_MAX;
         other = entries_next(job, "ServiceRequest", other), count++) {
        const struct json *resource = other->resource;
        if (other != order && (refers_to(job, json_get(resource, "basedOn"), resource, order) ||
                               refers_to(job, json_get(resource, "replaces"), resource, order)))
            return true;
    }
    return false;
}

/* Whether a plan of the message has ORDER as one of its activities: it is the plan's own. */
static bool is_planned(struct field_job *job, const struct message_entry *order)
{
    size_t count = 0;
    for (struct message_entry *plan = entries_next(job, "CarePlan", NULL);
         plan != NULL && count < ORDERS_MAX; plan = entries_next(job, "CarePlan", plan), count++) {
        if (refers_to(job, json_get(plan->resource, "activity"), plan->resource, order))
            return true;
    }
    return false;
}

/* The order that no other one follows; of several the first by what they say. */
static struct message_entry *find_any_order(struct field_job *job)
{
    struct message_entry *only = NULL;
    size_t count = 0;
    size_t latest = 0;
    size_t planned = 0;
    for (struct message_entry *order = entries_next(job, "ServiceRequest", NULL);
         order != NULL && count < ORDERS_MAX; order = entries_next(job, "ServiceRequest", order)) {
        count++;
        bool is_of_plan = is_planned(job, order);
        planned += is_of_plan;
        if (is_of_plan || is_earlier(job, order))
            continue;
        latest++;
        only = order;
    }
    if (latest == 1 || planned > 0)
        return only;
    return choose_first(job, "ServiceRequest", NULL);
}

static bool is_order(const struct message_entry *entry)
{
    return entry != NULL && entries_is(entry, "ServiceRequest");
}

static struct message_entry *find_order(struct field_job *job, const struct message_split *split)
{
    struct message_entry *order = focus_of(job, split->header, "ServiceRequest");
    const struct json *task = split->task == NULL ? NULL : split->task->resource;
    if (order == NULL && task != NULL) {
        order = entries_resolve_in(job, json_get(task, "focus"), task);
        if (!is_order(order))
            order = entries_resolve_in(job, json_first(json_get(task, "basedOn")), task);
    }
    return is_order(order) ? order : find_any_order(job);
}

struct message_split split_message(struct field_job *job, struct json *header, const char *event)
{
    struct message_split split = {.header = header};
    split.task = find_task(job, header);
    split.abort = find_abort(job);
    split.order = find_order(job, &split);
    choose_record(job, &split, event);
    const struct message_entry *const places[CLIENT_PLACES] = {split.main, split.order, split.task};
    split.client = client_of(job, places);
    return split;
}

/* ---- one thing a message ---- */

static bool is_repeated(struct field_job *job, const struct message_split *split, const char *type)
{
    const struct message_entry *first = NULL;
    for (struct json *focus = json_first(json_get(split->header, "focus")); focus != NULL;
         focus = json_next(focus)) {
        const struct message_entry *entry = entries_resolve_in(job, focus, split->header);
        bool counts = entry != NULL && strcmp(entry->type, type) == 0 &&
                      (strcmp(type, "Task") != 0 || is_of_referral(entry));
        if (counts && first != NULL && entry != first)
            return true;
        first = counts ? entry : first;
    }
    return false;
}

const char *split_repeated(struct field_job *job, const struct message_split *split)
{
    static const char *const types[] = {"ServiceRequest", "Task",    "Composition",
                                        "CarePlan",       "Consent", NULL};
    if (json_next(json_first(json_get(split->header, "focus"))) == NULL)
        return NULL; /* as nearly always */
    for (size_t i = 0; types[i] != NULL; i++) {
        if (is_repeated(job, split, types[i]))
            return types[i];
    }
    return NULL;
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
    if (job->referral.number == NULL)
        take_placer(job, choice_best(job, list, identifier_of_order, "PLAC"), resource);
    if (job->referral.filler_number == NULL)
        take_filler(job, choice_best(job, list, identifier_of_order, "FILL"), resource);
}

/* A number without a type is the placer's. */
static void take_any_number(struct field_job *job, struct json *resource)
{
    struct json *list = json_get(resource, "identifier");
    if (job->referral.number == NULL)
        take_placer(job, choice_best(job, list, identifier_of_order, NULL), resource);
}

/* A logical Reference that does not say that it means something else. */
static bool may_be_order(const struct json *reference)
{
    const char *type = json_get_text(reference, "type");
    return type == NULL || strcmp(type, "ServiceRequest") == 0 || strcmp(type, "Task") == 0;
}

static void take_reference(struct field_job *job, struct json *reference, struct json *container)
{
    struct message_entry *entry =
        reference == NULL ? NULL : entries_resolve_in(job, reference, container);
    if (entry != NULL && entries_is(entry, "ServiceRequest"))
        take_any_number(job, entry->resource);
    else if (entry == NULL && reference != NULL && may_be_order(reference))
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

static void take_from_events(struct field_job *job, struct json *composition)
{
    for (struct json *event = json_first(json_get(composition, "event")); event != NULL;
         event = json_next(event)) {
        for (struct json *detail = json_first(json_get(event, "detail"));
             detail != NULL && job->referral.number == NULL; detail = json_next(detail))
            take_reference(job, detail, composition);
    }
}

/* A DocumentReference has no basedOn: it names its referral among what it is related to. */
static void take_related(struct field_job *job, const struct json *resource, struct json *holder)
{
    struct json *item = json_first(json_get(json_get(resource, "context"), "related"));
    for (; item != NULL; item = json_next(item)) {
        if (text_equal(json_get_text(item, "type"), "ServiceRequest") ||
            is_order(entries_resolve_in(job, item, holder)))
            take_reference(job, item, holder);
    }
}

static void take_from_entries(struct field_job *job, const struct message_split *split,
                              const struct message_entry *entries, size_t count)
{
    for (size_t i = 0; i < count && job->referral.number == NULL; i++) {
        const struct message_entry *entry = &entries[i];
        struct json *holder = entry->container != NULL ? entry->container : entry->resource;
        struct json *based_on = json_get(entry->resource, "basedOn");
        if (split->order != NULL && entry->resource == split->order->resource)
            continue;
        take_reference(job, json_kind(based_on) == JSON_LIST ? json_first(based_on) : based_on,
                       holder);
        if (entries_is(entry, "DocumentReference"))
            take_related(job, entry->resource, holder);
    }
}

/* A record names its referral where its resources are based on it. */
static void take_based_on(struct field_job *job, const struct message_split *split)
{
    if (split->main != NULL && entries_is(split->main, "CarePlan"))
        take_from_plan(job, split->main->resource);
    if (split->main != NULL && entries_is(split->main, "Composition") &&
        strcmp(split->kind, "case-conference") != 0) {
        take_from_events(job, split->main->resource);
    }
    take_from_entries(job, split, job->entries->entries, job->entries->count);
    take_from_entries(job, split, job->entries->contained, job->entries->contained_count);
}

static void take_side(struct field_job *job, struct json *resource, const char *member,
                      const char **side)
{
    struct json *found = *side != NULL ? NULL : json_get(resource, member);
    struct json *reference = people_choose(job, found, resource, NULL);
    const char *handle = reference == NULL ? NULL : people_handle(job, reference, resource);
    if (handle != NULL)
        *side = people_clinic(job, handle);
}

void split_referral(struct field_job *job, const struct message_split *split, const char *sender)
{
    struct json *task = split->task != NULL ? split->task->resource : NULL;
    struct json *order = split->order != NULL ? split->order->resource : NULL;
    struct json *abort = split->abort != NULL ? split->abort->resource : NULL;
    struct message_referral *referral = &job->referral;
    take_numbers(job, order); /* what it says of itself goes before what its Task says */
    take_numbers(job, task);
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
