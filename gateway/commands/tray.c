/* tray: records of ours that wait, and what a person may say about them. */
#include "gateway/commands/table.h"

#include <string.h>

#include "gateway/audit/actor.h"
#include "gateway/commands/lists.h"
#include "gateway/outbound/outbound.h"

enum { REASON_MAX = 200 };

static struct json *object_of(const struct shown *shown, const struct store_release *waiting,
                              const struct store_record *record, const struct shown_client *client)
{
    struct arena *arena = shown->arena;
    struct json *object = json_new_object(arena);
    json_set(arena, object, "number", json_new_whole(arena, (long)waiting->id));
    json_set_text(arena, object, "record_id", record->number);
    json_set_text(arena, object, "record", record->kind);
    json_set_text(arena, object, "for", waiting->addressed_as);
    json_set_text(arena, object, "clinic", waiting->recipient);
    shown_add_client(arena, object, client);
    json_set_text(arena, object, "since", clock_text(arena, record->accepted_ms));
    json_set_text(arena, object, "reason", waiting->reason);
    json_set_text(arena, object, "confirmed_by", waiting->confirmed_by);
    return object;
}

static void print_row(struct command_call *call, const struct shown *shown,
                      const struct store_release *waiting, struct command_table *table)
{
    struct arena *arena = shown->arena;
    struct store_record record = {.kind = NULL, .origin = STORE_OWN, .client = waiting->client};
    store_get_record_row(shown->store, arena, waiting->record, &record);
    struct shown_client client = shown_client_of_record(shown, &record);
    if (command_has(call, "json")) {
        lists_object(call, object_of(shown, waiting, &record, &client));
        return;
    }
    command_cell(table, arena_print(arena, "%lld", (long long)waiting->id));
    command_cell(table, arena_print(arena, "%s %s", record.kind, record.number));
    command_cell(table, shown_place(shown, waiting->recipient, waiting->addressed_as));
    command_cell(table, shown_name(arena, &client));
    command_cell(table, client.birth_date);
    command_cell(table, shown_time(arena, record.accepted_ms));
    command_cell(table, waiting->reason);
}

static int list(struct command_call *call)
{
    const char *since = shown_zoned(call->arena, call->office->setup, "SINCE");
    const char *const headings[] = {"NUMBER", "RECORD", "FOR",          "CLIENT",
                                    "BORN",   since,    "WAITS BECAUSE"};
    struct listing listing;
    struct fault fault;
    struct store_release *waiting;
    if (!lists_begin(&listing, call, headings, 7, &fault))
        return command_fail(call, &fault);
    struct shown shown = lists_shown(call, listing.store, &listing.arena);
    size_t count = store_releases(listing.store, call->arena, NULL, "waiting", &waiting);
    for (size_t i = 0; i < count; i++) {
        print_row(call, &shown, &waiting[i], &listing.table);
        arena_reset(&listing.arena);
    }
    lists_end(&listing);
    return 0;
}

struct confirming {
    struct unit unit;
    struct command_call *call;
    struct flow_report report;
};

static bool run_confirm(struct unit *unit, struct store *store)
{
    struct confirming *confirming = (struct confirming *)unit;
    struct command_call *call = confirming->call;
    struct flow flow = {call->office->setup, store, unit->arena, clock_wall_ms(&call->clock),
                        call->office->validator};
    const char *by;
    return actor_choose(flow.setup, unit->arena, command_option(call, "by"), call->caller, &by,
                        &unit->fault) &&
           flow_confirm(&flow, call->words[0], by, &confirming->report, &unit->fault);
}

static int confirm(struct command_call *call)
{
    struct confirming confirming = {.unit = {.run = run_confirm, .arena = call->arena},
                                    .call = call};
    if (!writer_call(call->office->writer, &confirming.unit))
        return command_fail(call, &confirming.unit.fault);
    for (size_t i = 0; i < confirming.report.count; i++) {
        const struct flow_recipient *recipient = &confirming.report.recipients[i];
        if (command_has(call, "json")) {
            struct json *object = json_new_object(call->arena);
            json_set_text(call->arena, object, "clinic", recipient->clinic);
            json_set_text(call->arena, object, "state",
                          recipient->is_queued ? "queued" : "waiting");
            json_set_text(call->arena, object, "reason", recipient->reason);
            lists_object(call, object);
            continue;
        }
        text_print(&call->out, "for %s: %s%s\n", recipient->clinic,
                   recipient->is_queued ? "on its way" : "waits: ",
                   recipient->is_queued ? "" : recipient->reason);
    }
    return 0;
}

static const struct command_option confirm_options[] = {
    COMMAND_BY,
    {NULL, NULL, NULL, false},
};

/* ---- drop ---- */

struct dropping {
    struct unit unit;
    struct command_call *call;
    size_t count;
};

static bool run_drop(struct unit *unit, struct store *store)
{
    struct dropping *dropping = (struct dropping *)unit;
    struct command_call *call = dropping->call;
    struct flow flow = {call->office->setup, store, unit->arena, clock_wall_ms(&call->clock),
                        call->office->validator};
    const char *by;
    return actor_choose(flow.setup, unit->arena, command_option(call, "by"), call->caller, &by,
                        &unit->fault) &&
           flow_drop(&flow, call->words[0], by, command_option(call, "reason"), &dropping->count,
                     &unit->fault);
}

static int drop(struct command_call *call)
{
    struct dropping dropping = {.unit = {.run = run_drop, .arena = call->arena}, .call = call};
    const char *reason = command_option(call, "reason");
    struct fault fault;
    if (reason != NULL && strlen(reason) > REASON_MAX) {
        fault_set(&fault, FAULT_usage,
                  arena_print(call->arena, "--reason: found %zu characters; expected at most %d",
                              strlen(reason), (int)REASON_MAX));
        return command_fail(call, &fault);
    }
    if (!writer_call(call->office->writer, &dropping.unit))
        return command_fail(call, &dropping.unit.fault);
    text_print(&call->out, "%s is dropped: it will not be sent (%zu %s)\n", call->words[0],
               dropping.count, dropping.count == 1 ? "recipient" : "recipients");
    return 0;
}

static const struct command_option drop_options[] = {
    COMMAND_BY,
    {"reason", "TEXT", "why; it stays here, in at most 200 characters", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_tray[] = {
    {"tray list", "", "records that wait, and for what", COMMAND_STORE, 0, 0, list, NULL},
    {"tray confirm", "NUMBER", "the record is about the right client, although it seems not to be",
     COMMAND_STORE, 1, 1, confirm, confirm_options},
    {"tray drop", "NUMBER", "never send this record", COMMAND_STORE, 1, 1, drop, drop_options},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
