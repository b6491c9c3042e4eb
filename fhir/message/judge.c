/* judge: what the modifier elements of a message do to it as a whole, to the resources that
 * may be parts of its record, and to those that no field reads. Pure. */
#include "fhir/message/judge.h"

#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/record/record.h"
#include "fhir/record/vocabulary.h"

/* ---- parts of the record ---- */

/* Whether items of the list have a word of standing. */
static bool keeps_standing(const struct field_job *job, const struct map_part *part)
{
    const struct record_field *list =
        part->local == NULL ? NULL : record_field_find(record_kind_find(job->kind), part->local);
    return list != NULL && list->item != NULL && record_field_find(list->item, "standing") != NULL;
}

bool judge_part(struct field_job *job, const struct map_part *part, struct message_entry *entry)
{
    struct standing_said said = standing_of(part->type, entry->resource);
    if (entry->is_no_fact)
        return false;
    if (said.row == NULL || said.row->act < STANDING_KEPT || standing_has_word(part->rows, &said) ||
        (said.row->act == STANDING_KEPT && keeps_standing(job, part)))
        return true;
    standing_note(job, entries_holder(entry), part->type, entry->resource, &said, NULL, true);
    entry->is_no_fact = true;
    return false;
}

/* ---- what others say of a resource, and what it says against itself ---- */

static void set_results_aside(struct field_job *job, const struct message_entry *report)
{
    for (const struct json *result = json_first(json_get(report->resource, "result"));
         result != NULL; result = json_next(result)) {
        struct message_entry *entry = entries_resolve_in(job, result, entries_holder(report));
        if (entry != NULL && entry->aside == NULL && entries_is(entry, "Observation"))
            entry->aside = "not filed: its report does not hold";
    }
}

void judge_reports(struct field_job *job)
{
    static const char type[] = "DiagnosticReport";
    for (struct message_entry *report = entries_next_or_contained(job, type, NULL); report != NULL;
         report = entries_next_or_contained(job, type, report)) {
        report->is_no_fact =
            report->aside == NULL &&
            standing_sets_aside(job, entries_holder(report), type, report->resource, NULL);
        if (report->is_no_fact)
            set_results_aside(job, report);
    }
}

static void set_removed_aside(struct field_job *job, const struct message_entry *list,
                              const struct json *item)
{
    const struct json *reference = json_get(item, "item");
    struct message_entry *entry = entries_resolve_in(job, reference, entries_holder(list));
    const char *name = json_get_text(reference, "display");
    if (entry == NULL || entry->is_no_fact || entry->aside != NULL)
        return;
    entry->is_no_fact = true;
    name = name != NULL ? name : json_get_text(reference, "reference");
    standing_leave_out(job, entries_holder(list), "List", item, "deleted",
                       standing_say(job->arena, "Not filed: ",
                                    "the sender's list says that this was removed", name));
}

void judge_lists(struct field_job *job)
{
    static const char type[] = "List";
    for (struct message_entry *list = entries_next_or_contained(job, type, NULL); list != NULL;
         list = entries_next_or_contained(job, type, list)) {
        if (list->aside != NULL ||
            text_equal(json_get_text(list->resource, "status"), "entered-in-error"))
            continue;
        for (const struct json *item = json_first(json_get(list->resource, "entry")); item != NULL;
             item = json_next(item)) {
            if (json_true(json_get(item, "deleted")))
                set_removed_aside(job, list, item);
        }
    }
}

/* A later version that does not hold itself takes nothing's place. */
static void set_replaced_aside(struct field_job *job, const struct message_entry *later,
                               const struct json *reference)
{
    struct message_entry *entry = entries_resolve_in(job, reference, entries_holder(later));
    struct standing_said said = standing_of(later->type, later->resource);
    bool holds = later->aside == NULL && (said.row == NULL || said.row->act < STANDING_ASIDE);
    if (holds && entry != NULL && entry != later && !entry->is_taken && entry->aside == NULL &&
        strcmp(entry->type, later->type) == 0)
        entry->aside = "not filed: another one of this message takes its place";
}

void judge_replaced(struct field_job *job)
{
    static const char document[] = "DocumentReference";
    static const char plan[] = "CarePlan";
    for (struct message_entry *later = entries_next_or_contained(job, document, NULL);
         later != NULL; later = entries_next_or_contained(job, document, later)) {
        struct json *relation = json_first(json_get(later->resource, "relatesTo"));
        for (; relation != NULL; relation = json_next(relation)) {
            if (text_equal(json_get_text(relation, "code"), "replaces"))
                set_replaced_aside(job, later, json_get(relation, "target"));
        }
    }
    for (struct message_entry *later = entries_next_or_contained(job, plan, NULL); later != NULL;
         later = entries_next_or_contained(job, plan, later)) {
        struct json *earlier = json_first(json_get(later->resource, "replaces"));
        for (; earlier != NULL; earlier = json_next(earlier))
            set_replaced_aside(job, later, earlier);
    }
}

/* What resources of any type say against themselves, in the words of R4. */
static const struct {
    const char *element;
    struct standing_row row;
} against_itself[] = {
    {"doNotPerform", {"true", STANDING_ASIDE, NULL, "This is not to be done (\"do not perform\")"}},
    {"status", {"entered-in-error", STANDING_ASIDE, NULL, "This was entered in error"}},
    {"status", {"not-done", STANDING_ASIDE, NULL, "This was not done"}},
    {"status", {"not-taken", STANDING_ASIDE, NULL, "This was not taken"}},
    {"lifecycleStatus", {"entered-in-error", STANDING_ASIDE, NULL, "This was entered in error"}},
    {"verificationStatus", {"entered-in-error", STANDING_ASIDE, NULL, "This was entered in error"}},
    {"verificationStatus", {"refuted", STANDING_ASIDE, NULL, "This was ruled out"}},
};

/* The code itself, true, or the Coding that has CODE. */
static struct json *node_of_code(struct json *node, const char *code)
{
    if (json_kind(node) == JSON_BOOLEAN)
        return json_true(node) && strcmp(code, "true") == 0 ? node : NULL;
    if (json_kind(node) != JSON_OBJECT)
        return text_equal(json_text(node), code) ? node : NULL;
    struct json *coding = json_first(json_get(node, "coding"));
    while (coding != NULL && !text_equal(json_get_text(coding, "code"), code))
        coding = json_next(coding);
    return coding;
}

/* Most have none of these members. */
static bool may_speak_against_itself(const struct json *resource)
{
    return json_may_have_key(resource, "status") || json_may_have_key(resource, "doNotPerform") ||
           json_may_have_key(resource, "lifecycleStatus") ||
           json_may_have_key(resource, "verificationStatus");
}

static void judge_other(struct field_job *job, struct message_entry *entry)
{
    static const char *const by_others[] = {"Consent", "DiagnosticReport", "Provenance"};
    if (entry->is_taken || entry->aside != NULL || entry->is_no_fact ||
        !may_speak_against_itself(entry->resource))
        return;
    for (size_t i = 0; i < sizeof by_others / sizeof *by_others; i++) {
        if (strcmp(by_others[i], entry->type) == 0)
            return;
    }
    for (size_t i = 0; i < sizeof against_itself / sizeof *against_itself; i++) {
        struct standing_said said = {.row = &against_itself[i].row,
                                     .element = against_itself[i].element,
                                     .code = against_itself[i].row.code};
        said.node = node_of_code(json_get(entry->resource, said.element), said.code);
        if (said.node == NULL)
            continue;
        standing_note(job, entries_holder(entry), entry->type, entry->resource, &said, NULL, true);
        entry->is_no_fact = true;
        return;
    }
}

void judge_others(struct field_job *job)
{
    struct message_entries *all = job->entries;
    for (size_t i = 0; i < all->count; i++)
        judge_other(job, &all->entries[i]);
    for (size_t i = 0; i < all->contained_count; i++)
        judge_other(job, &all->contained[i]);
}

/* One list: what is no fact moves to its end. */
static void sort_list(struct json *list)
{
    struct json *item = json_first(list);
    for (size_t left = json_count(list); left > 0; left--) {
        struct json *next = json_next(item);
        if (!record_is_fact(item))
            json_move(list, item, list);
        item = next;
    }
}

void judge_sort(struct field_job *job)
{
    for (struct json *list = json_first(job->record); list != NULL && job->keeps_standing;
         list = json_next(list)) {
        if (json_kind(list) == JSON_LIST)
            sort_list(list);
    }
}

/* ---- the message as a whole ---- */

/* Dialects in which an order is written as something else, by whose system their events are of. */
struct dialect {
    const char *host, *intent;
};
static const struct dialect dialects[] = {
    {"://fhir.nhs.uk/", "plan"},
    {"://ehealthontario.ca/", "proposal"},
};

static bool is_order_there(const struct json *header, const char *intent)
{
    const char *system = json_get_text(json_get(header, "eventCoding"), "system");
    if (system == NULL)
        system = json_get_text(header, "eventUri");
    for (size_t i = 0; system != NULL && i < sizeof dialects / sizeof *dialects; i++) {
        if (strstr(system, dialects[i].host) != NULL && text_equal(dialects[i].intent, intent))
            return true;
    }
    return false;
}

static bool is_heavier(const struct standing_said *one, const struct standing_said *other)
{
    return one->row != NULL && (other->row == NULL || one->row->act > other->row->act);
}

/* The heaviest of what the main resource, the order and its Task say. */
static struct standing_said said_of_all(const struct message_split *split, const char **ret_type)
{
    bool is_referral = text_equal(split->kind, "referral");
    bool has_task = is_referral || split->kind == NULL;
    const struct message_entry *const all[] = {split->main, split->order,
                                               has_task ? split->task : NULL};
    static const char *const forbids[] = {NULL, "doNotPerform", "code"};
    struct standing_said heaviest = {.row = NULL};
    for (size_t i = 0; i < 3; i++) {
        struct standing_said said =
            all[i] == NULL ? heaviest : standing_of(all[i]->type, all[i]->resource);
        /* elsewhere the order is only named; of a move it counts that it forbids something */
        bool is_beside =
            i > 0 && !is_referral && (split->kind != NULL || !text_equal(said.element, forbids[i]));
        if (is_beside || !is_heavier(&said, &heaviest))
            continue;
        heaviest = said;
        *ret_type = all[i]->type;
    }
    return heaviest;
}

static const char *expected_of(const char *type)
{
    if (strcmp(type, "Consent") == 0)
        return "a consent with the scope patient-privacy; nothing was filed";
    return "an order to carry out (status active, intent order, Task requested); nothing was "
           "filed: "
           "call us when something is to be stopped or asked";
}

bool judge_message(struct field_job *job, const struct message_split *split,
                   struct message_inbound *in)
{
    const char *type = NULL;
    struct standing_said said = said_of_all(split, &type);
    if (said.row == NULL)
        return true;
    job->is_withdrawn = said.row->act == STANDING_WITHDRAWN;
    if (said.row->act != STANDING_REFUSED)
        return true;
    in->content = MESSAGE_REFUSED;
    in->refused_at = arena_print(job->arena, "%s.%s", type, said.element);
    in->refused = standing_within(job->arena, said.row->meaning);
    in->expected = expected_of(type);
    return false;
}

/* Whether the Task beside the record says nothing that the record does not say itself. */
static bool is_plain_task(const struct field_job *job, const char *status)
{
    const struct standing_row *row = standing_find("Task", "status", status);
    bool is_end = text_equal(status, "completed") && strcmp(job->kind, "discharge-summary") == 0;
    return row->act == STANDING_FACT || is_end ||
           text_equal(status, json_get_text(job->record, "status"));
}

static void tell_task(struct field_job *job, const struct message_entry *task)
{
    if (task == NULL)
        return;
    struct standing_said said = standing_of("Task", task->resource);
    if (said.row != NULL && said.row->act > STANDING_FIELD && !is_plain_task(job, said.code))
        standing_note(job, task->resource, "Task", task->resource, &said, NULL, false);
}

const char *judge_record(struct field_job *job, const struct message_split *split)
{
    const struct message_entry *main = split->main;
    if (main == NULL) {
        tell_task(job, split->task);
        return NULL;
    }
    const char *word = standing_word(main->type, main->resource);
    const char *intent = json_get_text(main->resource, "intent");
    bool is_order = split->main == split->order && is_order_there(split->header, intent);
    standing_tell(job, main->resource, main->type, main->resource, NULL);
    tell_task(job, split->task);
    if (!is_order)
        return word;
    json_unmark(json_get(main->resource, "intent")); /* told as it was said */
    return NULL;
}
