/* record_show: one record in words, whoever wrote it.
 *
 * Every field is shown, in the order of the record, under its own name; so nothing that a partner
 * sent is hidden, and a field that is new tomorrow needs nothing here. Handles become names, times
 * local. With --json the record is printed as it is kept. */
#include "gateway/commands/record_show.h"

#include <ctype.h>
#include <string.h>

#include "base/visible.h"
#include "fhir/codes/reason.h"
#include "fhir/json/tree.h"
#include "fhir/record/vocabulary.h"
#include "gateway/commands/consent_list.h"
#include "gateway/commands/lists.h"
#include "gateway/outbound/outbound.h"

enum { LABEL_WIDTH = 22, VALUE_MAX = 1 << 20 };

/* ---- finding it ---- */

struct finding_one {
    const struct shown *shown;
    const char *kind; /* "" of KIND:NUMBER; NULL: any */
    const char *number;
    struct store_record found;
    const char *also; /* the other one, when there are two */
    size_t count;
};

static void look_at(struct finding_one *finding, const char *clinic, const char *kind)
{
    const struct shown *shown = finding->shown;
    struct store_record row;
    if (!store_find_record(shown->store, shown->arena, clinic, kind, finding->number, &row) ||
        (finding->count > 0 && row.id == finding->found.id))
        return;
    if (finding->count++ > 0) {
        finding->also = arena_print(shown->arena, "%s of %s", kind, clinic);
        return;
    }
    finding->found = row;
}

static void look_at_clinic(struct finding_one *finding, const char *clinic)
{
    for (size_t i = 0; i < record_kind_count; i++) {
        if (finding->kind == NULL || text_equal(finding->kind, record_kinds[i].name))
            look_at(finding, clinic, record_kinds[i].name);
    }
}

/* Our own records and those of every clinic of the directory, each by its key. */
static void look_everywhere(struct finding_one *finding)
{
    const struct directory *directory = finding->shown->setup->directory;
    look_at_clinic(finding, finding->shown->setup->config.org);
    for (size_t i = 0; i < directory_count(directory); i++) {
        const struct directory_entry *entry = directory_at(directory, i);
        if (!entry->is_person)
            look_at_clinic(finding, entry->handle);
    }
}

/* "W-1", "progress-note:W-1", "willow:W-1". */
static void look(struct finding_one *finding, const char *id)
{
    const char *colon = strchr(id, ':');
    finding->number = id;
    look_everywhere(finding);
    if (finding->count > 0 || colon == NULL)
        return;
    const char *before = arena_copy_n(finding->shown->arena, id, (size_t)(colon - id));
    finding->number = colon + 1;
    if (record_kind_find(before) != NULL) {
        finding->kind = before;
        look_everywhere(finding);
    } else {
        look_at_clinic(finding, before);
    }
}

/* By its number; else by the number of a row of `records to-match`. */
static bool find(const struct shown *shown, struct command_call *call,
                 struct store_record *ret_record, struct fault *ret_fault)
{
    const char *id = call->words[0];
    struct finding_one finding = {.shown = shown};
    struct store_match match;
    struct flow flow = {shown->setup, shown->store, shown->arena, clock_wall_ms(&call->clock),
                        NULL};
    look(&finding, id);
    if (finding.count == 1 &&
        store_get_record(shown->store, shown->arena, finding.found.id, ret_record))
        return true;
    if (finding.count > 1)
        return fault_set(ret_fault, FAULT_usage,
                         arena_print(shown->arena,
                                     "found several records %s: %s of %s, %s; expected KIND:NUMBER "
                                     "or CLINIC:NUMBER, such as %s:%s",
                                     id, finding.found.kind, finding.found.clinic, finding.also,
                                     text_equal(finding.found.clinic, shown->setup->config.org)
                                         ? finding.found.kind
                                         : finding.found.clinic,
                                     finding.number));
    return flow_find_match(&flow, id, &match, ret_record, ret_fault) ||
           fault_set(ret_fault, FAULT_not_found,
                     arena_print(shown->arena,
                                 "found no record %s; expected a record of refgate records list, "
                                 "or a number of refgate records to-match",
                                 id));
}

/* ---- values in words ---- */

/* "client_birth_date": "Client birth date". */
static const char *label_of(struct arena *arena, const char *name)
{
    char *label = arena_copy(arena, name);
    for (char *at = label; *at != '\0'; at++)
        *at = *at == '_' ? ' ' : *at;
    label[0] = (char)toupper((unsigned char)label[0]);
    return label;
}

static const char *text_value(const struct shown *shown, const struct record_field *field,
                              const char *value)
{
    if (field != NULL && field->type == RECORD_TIME)
        return shown_written_time(shown->arena, value);
    if (field == NULL || field->type != RECORD_HANDLE)
        return value;
    const char *name = shown_somebody(shown, value);
    return text_equal(name, value) ? value : arena_print(shown->arena, "%s (%s)", name, value);
}

/* Words that need no label inside an item: "neck, left". */
static bool speaks_for_itself(const char *name)
{
    static const char *const names[] = {"text",    "code",    "measure", "value", "unit",
                                        "area",    "side",    "level",   "who",   "technique",
                                        "finding", "goal_id", "name",    "id",    NULL};
    return text_is_one_of(name, names);
}

static const char *value_of(const struct shown *shown, const struct record_shape *shape,
                            const struct record_field *field, const struct json *node);

static const char *item_value(const struct shown *shown, const struct record_shape *shape,
                              const struct json *item)
{
    struct text out = text_new(shown->arena, VALUE_MAX);
    for (const struct json *member = json_first(item); member != NULL; member = json_next(member)) {
        const char *name = json_key(member);
        const struct record_field *field = shape == NULL ? NULL : record_field_find(shape, name);
        const char *value = value_of(shown, NULL, field, member);
        bool is_unit = text_equal(name, "unit");
        text_add(&out, out.length == 0 ? "" : is_unit ? " " : ", ");
        if (!speaks_for_itself(name))
            text_print(&out, "%s ", label_of(shown->arena, name));
        text_add(&out, value);
    }
    return out.at;
}

/* SHAPE: of the items of a list. */
static const char *value_of(const struct shown *shown, const struct record_shape *shape,
                            const struct record_field *field, const struct json *node)
{
    switch (json_kind(node)) {
    case JSON_TEXT:
        return text_value(shown, field, json_text(node));
    case JSON_NUMBER:
        return json_number(node);
    case JSON_BOOLEAN:
        return json_true(node) ? "yes" : "no";
    case JSON_OBJECT:
        return item_value(shown, shape, node);
    case JSON_LIST: {
        struct text out = text_new(shown->arena, VALUE_MAX);
        for (const struct json *item = json_first(node); item != NULL; item = json_next(item))
            text_print(&out, "%s%s", out.length == 0 ? "" : ", ",
                       value_of(shown, shape, field, item));
        return out.at;
    }
    default:
        return "-";
    }
}

/* ---- printing ---- */

/* A value of several lines goes on under its first one. */
static void print_value(struct command_call *call, const char *label, const char *value)
{
    text_print(&call->out, "%-*s ", LABEL_WIDTH, label);
    while (true) {
        size_t length = strcspn(value, "\n");
        struct arena arena = ARENA_EMPTY;
        visible_add_line(&call->out, arena_copy_n(&arena, value, length));
        arena_free(&arena);
        text_add(&call->out, "\n");
        if (value[length] == '\0' || value[length + 1] == '\0')
            return;
        value += length + 1;
        text_print(&call->out, "%*s", LABEL_WIDTH + 1, "");
    }
}

static void print_member(struct command_call *call, const struct shown *shown,
                         const struct record_shape *shape, const struct json *member)
{
    const char *name = json_key(member);
    const struct record_field *field = record_field_find(shape, name);
    const struct record_shape *item_shape = field == NULL ? NULL : field->item;
    const char *label = visible_line(shown->arena, label_of(shown->arena, name), CELL_MAX);
    bool has_items = json_kind(member) == JSON_LIST && json_kind(json_first(member)) == JSON_OBJECT;
    if (!has_items) {
        print_value(call, label, value_of(shown, item_shape, field, member));
        return;
    }
    for (const struct json *item = json_first(member); item != NULL; item = json_next(item)) {
        print_value(call, label, value_of(shown, item_shape, field, item));
        label = "";
    }
}

static const char *origin_words(const struct shown *shown, const struct store_record *row)
{
    if (text_equal(row->origin, STORE_OWN))
        return "our own, taken";
    return arena_print(shown->arena, "received from %s", row->origin);
}

/* What a consent calls itself is not what it is worth: it may have been withdrawn since. */
static void print_worth(struct command_call *call, const struct shown *shown,
                        const struct store_record *row, const struct json *record)
{
    if (!text_equal(row->kind, "consent") || !text_equal(row->origin, STORE_OWN))
        return;
    text_print(
        &call->out, "today: %s\n",
        visible_line(shown->arena, consent_worth(call, shown, row, record).said, LAST_CELL_MAX));
}

void desk_print_record(struct command_call *call, const struct shown *shown,
                       const struct store_record *row, const struct json *record)
{
    struct store_match match;
    const struct record_shape *shape = record_kind_find(row->kind);
    struct arena *arena = shown->arena;
    text_print(&call->out, "%s %s of %s\n", row->kind,
               visible_line(arena, row->number, LAST_CELL_MAX), row->clinic);
    text_print(&call->out, "%s\n",
               shown_zoned(arena, shown->setup,
                           arena_print(arena, "%s %s", origin_words(shown, row),
                                       shown_time(arena, row->accepted_ms))));
    if (store_get_match(shown->store, arena, row->id, &match) &&
        !text_equal(match.state, "attached")) {
        text_print(&call->out, "%s: ", match.state);
        visible_add_line(&call->out, match.what);
        text_add(&call->out, "\n");
    }
    const char *caution = shown_caution(arena, record);
    if (caution != NULL) {
        text_add(&call->out, "take care: ");
        visible_add_line(&call->out, caution);
        text_add(&call->out, "\n");
    }
    if (row->retracted != NULL)
        text_print(&call->out, "retracted: %s\n", reason_of_retraction(arena, row->retracted));
    print_worth(call, shown, row, record);
    text_add(&call->out, "\n");
    for (const struct json *member = json_first(record); member != NULL; member = json_next(member))
        print_member(call, shown, shape, member);
}

int desk_show(struct command_call *call)
{
    struct store *store;
    struct fault fault;
    struct store_record row = {.id = 0};
    if (!office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    struct shown shown = lists_shown(call, store, call->arena);
    bool found = find(&shown, call, &row, &fault);
    const struct json *record = found ? tree_of(call->arena, row.text) : NULL;
    if (found && record == NULL)
        fault_set(&fault, FAULT_store_broken,
                  arena_print(call->arena, "%s %s cannot be read from the store; see refgate check",
                              row.kind, row.number));
    else if (found && command_has(call, "json"))
        lists_object(call, record);
    else if (found)
        desk_print_record(call, &shown, &row, record);
    store_close(store);
    return record == NULL ? command_fail(call, &fault) : 0;
}
