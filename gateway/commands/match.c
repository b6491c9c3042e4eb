/* match: received records that seem to be about another client than their referral, and what the
 * desk decides about them. */
#include "gateway/commands/table.h"

#include "fhir/client/match.h"
#include "fhir/json/tree.h"
#include "gateway/audit/actor.h"
#include "gateway/commands/lists.h"
#include "gateway/outbound/outbound.h"

static struct flow flow_of(struct command_call *call, struct store *store)
{
    return (struct flow){call->office->setup, store, call->arena, clock_wall_ms(&call->clock),
                         call->office->validator};
}

static struct json *object_of(const struct shown *shown, const struct store_match *match,
                              const struct store_record *record, const char *referral,
                              const struct shown_client *client)
{
    struct arena *arena = shown->arena;
    struct json *object = json_new_object(arena);
    json_set(arena, object, "number", json_new_whole(arena, (long)match->record));
    json_set_text(arena, object, "record_id", record->number);
    json_set_text(arena, object, "record", record->kind);
    json_set_text(arena, object, "clinic", record->clinic);
    shown_add_client(arena, object, client);
    json_set_text(arena, object, "referral", referral);
    json_set_text(arena, object, "state", match->state);
    json_set_text(arena, object, "reason", match->what);
    json_set_text(arena, object, "since", clock_text(arena, match->at_ms));
    json_set_text(arena, object, "by", match->by);
    return object;
}

/* Whom a record that is not attached yet is about, only the record itself says. */
static struct shown_client client_of(const struct shown *shown, const struct store_record *record)
{
    const struct json *tree = tree_of(shown->arena, record->text);
    return (struct shown_client){.name = client_shown(shown->arena, tree),
                                 .birth_date = json_get_text(tree, "client_birth_date"),
                                 .number = json_get_text(tree, "client_id")};
}

static void print_match(struct command_call *call, const struct shown *shown,
                        const struct store_match *match, struct command_table *table)
{
    struct arena *arena = shown->arena;
    struct store_record record = {.number = NULL};
    struct store_referral referral = {.number = NULL};
    store_get_record(shown->store, arena, match->record, &record);
    store_get_referral(shown->store, arena, match->referral, &referral);
    struct shown_client client = client_of(shown, &record);
    if (command_has(call, "json")) {
        lists_object(call, object_of(shown, match, &record, referral.number, &client));
        return;
    }
    command_cell(table, arena_print(arena, "%lld", (long long)match->record));
    command_cell(table, arena_print(arena, "%s %s", record.kind, record.number));
    command_cell(table, record.clinic);
    command_cell(table, shown_name(arena, &client));
    command_cell(table, client.birth_date);
    command_cell(table, referral.number);
    command_cell(table, match->state);
    command_cell(table, shown_time(arena, match->at_ms));
    command_cell(table, match->what);
}

static int list(struct command_call *call)
{
    const char *since = shown_zoned(call->arena, call->office->setup, "SINCE");
    const char *const headings[] = {"NUMBER",   "RECORD", "FROM", "CLIENT", "BORN",
                                    "REFERRAL", "STATE",  since,  "WHY"};
    struct listing listing;
    struct fault fault;
    struct store_match *matches;
    if (!lists_begin(&listing, call, headings, 9, &fault))
        return command_fail(call, &fault);
    const char *state = command_has(call, "all") ? NULL : "to match";
    size_t count = store_matches(listing.store, call->arena, state, &matches);
    struct shown shown = lists_shown(call, listing.store, &listing.arena);
    for (size_t i = 0; i < count; i++) {
        print_match(call, &shown, &matches[i], &listing.table);
        arena_reset(&listing.arena);
    }
    lists_end(&listing);
    return 0;
}

/* ---- deciding ---- */

struct deciding {
    struct unit unit;
    struct command_call *call;
    enum flow_match decision;
    struct store_record record;
};

static bool run_decide(struct unit *unit, struct store *store)
{
    struct deciding *deciding = (struct deciding *)unit;
    struct command_call *call = deciding->call;
    struct flow flow = flow_of(call, store);
    const char *by;
    return actor_choose(flow.setup, unit->arena, command_option(call, "by"), call->caller, &by,
                        &unit->fault) &&
           flow_match(&flow, call->words[0], deciding->decision, by, &deciding->record,
                      &unit->fault);
}

static int decide(struct command_call *call, enum flow_match decision, const char *said)
{
    struct deciding deciding = {
        .unit = {.run = run_decide, .arena = call->arena}, .call = call, .decision = decision};
    if (!writer_call(call->office->writer, &deciding.unit))
        return command_fail(call, &deciding.unit.fault);
    text_print(&call->out, "%s %s of %s is %s\n", deciding.record.kind, deciding.record.number,
               deciding.record.clinic, said);
    return 0;
}

static int attach(struct command_call *call)
{
    return decide(call, FLOW_ATTACH, "attached to its referral");
}

static int keep_apart(struct command_call *call)
{
    return decide(call, FLOW_KEEP_APART, "kept apart: it belongs to no referral");
}

static int give_back(struct command_call *call)
{
    return decide(call, FLOW_RETURN, "returned to its sender");
}

static const struct command_option list_options[] = {
    {"all", NULL, "also those that were decided about", false},
    {NULL, NULL, NULL, false},
};
static const struct command_option decide_options[] = {
    COMMAND_BY,
    {NULL, NULL, NULL, false},
};

#define ROW(name, arguments, help, words, run, options)                                            \
    {                                                                                              \
        name, arguments, help, COMMAND_STORE, words, words, run, options                           \
    }
const struct command commands_match[] = {
    ROW("records to-match", "", "received records that seem to be about another client", 0, list,
        list_options),
    ROW("records attach", "NUMBER", "it is about the client of its referral: take it", 1, attach,
        decide_options),
    ROW("records keep-apart", "NUMBER", "it is not: keep it, attached to nothing", 1, keep_apart,
        decide_options),
    ROW("records return", "NUMBER", "it is not: keep it apart and tell its sender", 1, give_back,
        decide_options),
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
