/* message_standing: what modifier elements of a received message do. See message_standing.h. */
#include "fhir/message_standing.h"

#include <string.h>

#include "fhir/message_entries.h"
#include "fhir/message_received.h"
#include "fhir/record.h"
#include "fhir/record_vocabulary.h"

/* ---- notes ---- */

enum { NOTES_MAX = 100, TOLD_MAX = 300, SUMMARY_MAX = 1000, PATH_MAX = 2048, STEPS_MAX = 100000 };

struct note {
    const struct json *root, *object; /* the resource, and what of it says so */
    const char *type, *element;       /* of the object; what says so */
    const char *code;                 /* one that the table knows, or NULL */
    const char *text;
    bool is_aside;
};

struct standing_notes {
    struct note notes[NOTES_MAX];
    size_t count, left_out;
};

static void add_note(struct field_job *job, struct note note)
{
    if (job->notes == NULL)
        job->notes = arena_alloc(job->arena, sizeof *job->notes);
    if (job->notes->count < NOTES_MAX)
        job->notes->notes[job->notes->count++] = note;
    else
        job->notes->left_out++;
}

/* "This visit" -> "this visit"; abbreviations stay. */
static const char *within(struct arena *arena, const char *sentence)
{
    char *text = arena_copy(arena, sentence);
    if (text[0] >= 'A' && text[0] <= 'Z' && (text[1] == ' ' || (text[1] >= 'a' && text[1] <= 'z')))
        text[0] = (char)(text[0] - 'A' + 'a');
    return text;
}

/* The value itself, where it is no code that the meaning tells ("2026-01-01"). */
static const char *value_of(const struct standing_said *said)
{
    bool is_plain = said->row->code == NULL && json_text(said->node) != NULL;
    return is_plain ? json_text(said->node) : NULL;
}

static const char *say(struct arena *arena, const char *before, const char *meaning,
                       const char *value)
{
    if (value == NULL)
        return arena_print(arena, "%s%s", before, meaning);
    return arena_print(arena, "%s%s: %.*s", before, meaning, (int)text_utf8_head(value, TOLD_MAX),
                       value);
}

static void note_said(struct field_job *job, const struct json *root, const char *type,
                      const struct json *object, const struct standing_said *said, const char *what,
                      bool is_aside)
{
    struct arena *arena = job->arena;
    const char *value = what != NULL ? what : value_of(said);
    const char *meaning = is_aside ? within(arena, said->row->meaning) : said->row->meaning;
    add_note(job, (struct note){.root = root,
                                .object = object,
                                .type = type,
                                .element = said->element,
                                .code = said->row->code,
                                .is_aside = is_aside,
                                .text = say(arena, is_aside ? "Not filed: " : "", meaning, value)});
    json_mark(said->node);
}

/* ---- resources ---- */

/* Whether items of the list have a word of standing. */
static bool keeps_standing(const struct field_job *job, const struct map_part *part)
{
    const struct record_field *list =
        part->local == NULL ? NULL : record_field_find(record_kind_find(job->kind), part->local);
    return list != NULL && list->item != NULL && record_field_find(list->item, "standing") != NULL;
}

/* Whether the part has a word of its own for what the element says ("cancelled", of a meeting). */
static bool has_word(const struct field *rows, const struct standing_said *said)
{
    for (const struct field *row = rows; row->path != NULL; row++) {
        if (row->kind == &field_word && row->local != NULL && row->option != NULL &&
            strcmp(row->path, said->element) == 0)
            return field_word_back(row->option, said->code) != NULL;
    }
    return false;
}

bool standing_admits(struct field_job *job, const struct map_part *part,
                     struct message_entry *entry)
{
    struct standing_said said = standing_of(part->type, entry->resource);
    if (entry->is_no_fact)
        return false;
    if (said.row == NULL || said.row->act < STANDING_KEPT || has_word(part->rows, &said) ||
        (said.row->act == STANDING_KEPT && keeps_standing(job, part)))
        return true;
    note_said(job, entries_holder(entry), part->type, entry->resource, &said, NULL, true);
    entry->is_no_fact = true;
    return false;
}

const char *standing_word(const char *type, const struct json *resource)
{
    const struct standing_type *elements = standing_type_of(type);
    struct standing_said said;
    for (size_t i = 0; standing_at(elements, resource, i, &said); i++) {
        if (said.row != NULL && said.row->act == STANDING_KEPT && !json_marked(said.node))
            return said.row->word;
    }
    return NULL;
}

void standing_tell(struct field_job *job, const struct json *root, const char *type,
                   struct json *object, const struct field *rows)
{
    const struct standing_type *elements = standing_type_of(type);
    struct standing_said said;
    for (size_t i = 0; standing_at(elements, object, i, &said); i++) {
        if (said.row == NULL || (rows != NULL && has_word(rows, &said)))
            continue;
        if (said.row->act == STANDING_TOLD)
            note_said(job, root, type, object, &said, NULL, false);
        else if (said.row->act == STANDING_KEPT || said.row->meaning == NULL)
            json_mark(said.node);
    }
}

bool standing_sets_aside(struct field_job *job, const struct json *root, const char *type,
                         const struct json *object, struct json *what)
{
    struct standing_said said = standing_of(type, object);
    if (said.row == NULL || said.row->act < STANDING_ASIDE)
        return false;
    note_said(job, root, type, object, &said, json_text(what), true);
    if (json_text(what) != NULL && strlen(json_text(what)) <= TOLD_MAX)
        json_mark(what);
    return true;
}

void standing_leave_out(struct field_job *job, const struct json *root, const char *type,
                        const struct json *object, const char *element, const char *text)
{
    add_note(job, (struct note){.root = root,
                                .object = object,
                                .type = type,
                                .element = element,
                                .is_aside = true,
                                .text = text});
}

bool standing_is_limit(struct field_job *job, const struct json *quantity)
{
    struct standing_said said = standing_of("Quantity", quantity);
    if (said.row == NULL || said.row->act < STANDING_ASIDE)
        return false;
    bool was_marked = json_marked(said.node);
    note_said(job, job->resource, "Quantity", quantity, &said, NULL, true);
    if (!was_marked)
        json_unmark(said.node); /* "<5 mm" is told as one */
    return true;
}

static void set_results_aside(struct field_job *job, const struct message_entry *report)
{
    for (const struct json *result = json_first(json_get(report->resource, "result"));
         result != NULL; result = json_next(result)) {
        struct message_entry *entry = entries_resolve_in(job, result, entries_holder(report));
        if (entry != NULL && entry->aside == NULL && entries_is(entry, "Observation"))
            entry->aside = "not filed: its report does not hold";
    }
}

void standing_of_reports(struct field_job *job)
{
    static const char type[] = "DiagnosticReport";
    for (struct message_entry *report = entries_next_or_contained(job, type, NULL); report != NULL;
         report = entries_next_or_contained(job, type, report)) {
        if (report->aside != NULL)
            continue;
        if (standing_sets_aside(job, entries_holder(report), type, report->resource, NULL))
            set_results_aside(job, report);
        else
            standing_tell(job, entries_holder(report), type, report->resource, NULL);
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
    standing_leave_out(
        job, entries_holder(list), "List", item, "deleted",
        say(job->arena, "Not filed: ", "the sender's list says that this was removed", name));
}

void standing_of_lists(struct field_job *job)
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
        note_said(job, entries_holder(entry), entry->type, entry->resource, &said, NULL, true);
        entry->is_no_fact = true;
        return;
    }
}

void standing_of_others(struct field_job *job)
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

void standing_sort(struct field_job *job)
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
    const struct message_entry *const all[] = {split->main, split->order,
                                               is_referral ? split->task : NULL};
    struct standing_said heaviest = {.row = NULL};
    for (size_t i = 0; i < 3; i++) {
        struct standing_said said =
            all[i] == NULL ? heaviest : standing_of(all[i]->type, all[i]->resource);
        /* elsewhere the order is only named; of a move it counts that it forbids something */
        bool is_beside = i == 1 && !is_referral &&
                         (split->kind != NULL || !text_equal(said.element, "doNotPerform"));
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

bool standing_allows(struct field_job *job, const struct message_split *split,
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
    in->refused = within(job->arena, said.row->meaning);
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
    if (said.row != NULL && !is_plain_task(job, said.code))
        note_said(job, task->resource, "Task", task->resource, &said, NULL, false);
}

const char *standing_of_record(struct field_job *job, const struct message_split *split)
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

/* ---- telling ---- */

/* Looking for a node within its resource; STEPS are shared by all that are looked for, so that no
 * message makes it long. */
struct looking {
    const struct json *node;
    struct text *path;
    size_t *steps;
};

static void add_step(struct text *path, const struct json *from, const struct json *child,
                     size_t index)
{
    if (json_kind(from) == JSON_OBJECT)
        text_print(path, ".%s", json_key(child));
    else if (json_next(json_first(from)) != NULL)
        text_print(path, "[%zu]", index);
}

static bool find_path(const struct looking *looking, const struct json *from)
{
    struct text *path = looking->path;
    size_t length = path->length;
    size_t index = 0;
    for (const struct json *child = json_first(from); child != NULL && *looking->steps > 0;
         child = json_next(child), index++) {
        --*looking->steps;
        if (json_first(child) == NULL)
            continue;
        add_step(path, from, child, index);
        if (child == looking->node || find_path(looking, child))
            return true;
        path->length = length;
        path->at[length] = '\0';
    }
    return false;
}

static const char *path_of(struct field_job *job, const struct note *note, size_t *steps)
{
    struct text path = text_new(job->arena, PATH_MAX);
    const struct message_entry *entry = entries_of_resource(job, note->root);
    if (entry != NULL)
        received_root(job, entry, &path);
    else
        text_add(&path, json_get_text(note->root, "resourceType"));
    if (note->root != note->object)
        find_path(&(struct looking){note->object, &path, steps}, note->root);
    text_print(&path, ".%s", note->element);
    return path.at;
}

void standing_put(struct field_job *job, struct json *list)
{
    size_t steps = STEPS_MAX;
    for (size_t i = 0; job->notes != NULL && i < job->notes->count; i++) {
        const struct note *note = &job->notes->notes[i];
        struct json *entry = json_push(list, json_new_object(job->arena));
        json_put_text(job->arena, entry, "path", path_of(job, note, &steps));
        json_put_text(job->arena, entry, "code", note->code);
        json_put_text(job->arena, entry, "text", note->text);
    }
}

static bool is_alike(const struct note *one, const struct note *other)
{
    return one->is_aside == other->is_aside && strcmp(one->type, other->type) == 0 &&
           strcmp(one->element, other->element) == 0 && text_equal(one->code, other->code);
}

/* How many notes are like number FIRST; 0: one before it was. */
static size_t count_alike(const struct standing_notes *notes, size_t first)
{
    size_t count = 0;
    for (size_t i = 0; i < notes->count; i++) {
        if (!is_alike(&notes->notes[i], &notes->notes[first]))
            continue;
        if (i < first)
            return 0;
        count++;
    }
    return count;
}

static void add_count(struct text *text, size_t count, const char *what, const char *code)
{
    if (count > 0)
        text_print(text, "%s%zu %s%s%s", text->length == 0 ? "" : ", ", count, what,
                   code == NULL ? "" : " ", code == NULL ? "" : code);
}

static size_t count_aside(const struct message_entries *all, bool is_strangers)
{
    size_t aside = 0;
    for (size_t i = 0; i < all->count; i++)
        aside += all->entries[i].aside != NULL && all->entries[i].is_strangers == is_strangers;
    for (size_t i = 0; i < all->contained_count; i++)
        aside += all->contained[i].aside != NULL && all->contained[i].is_strangers == is_strangers;
    return aside;
}

const char *standing_summary(struct field_job *job)
{
    struct text text = text_new(job->arena, SUMMARY_MAX);
    for (size_t i = 0; job->notes != NULL && i < job->notes->count; i++) {
        const struct note *note = &job->notes->notes[i];
        if (note->is_aside)
            add_count(&text, count_alike(job->notes, i),
                      arena_print(job->arena, "%s.%s", note->type, note->element), note->code);
    }
    add_count(&text, job->notes == NULL ? 0 : job->notes->left_out, "more", NULL);
    add_count(&text, count_aside(job->entries, true), "about somebody else", NULL);
    add_count(&text, count_aside(job->entries, false), "not of this record", NULL);
    return text.length == 0 ? NULL : text.at;
}
