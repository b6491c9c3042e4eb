/* differ: referrals that stand otherwise at a partner, as it said after a restore, and what a
 * person decides about each. */
#include "gateway/commands/table.h"

#include <string.h>

#include "gateway/audit/actor.h"
#include "gateway/commands/lists.h"
#include "gateway/referral/recall.h"

enum { REASON_MAX = 200 };

/* What partners said after a restore, and what stands otherwise here (gateway/referral/recall.h).
 */
static int differ(struct command_call *call)
{
    static const char *const headings[] = {"REFERRAL", "FROM", "PARTNER", "HERE", "THERE", "DO"};
    struct arena *arena = call->arena;
    struct store *store;
    struct fault fault;
    struct store_told *told;
    if (!office_reader(call->office, arena, &store, &fault))
        return command_fail(call, &fault);
    size_t count = recall_differences(store, arena, &told);
    store_close(store);
    struct command_table table = lists_table(arena, headings, 6);
    for (size_t i = 0; i < count; i++) {
        const char *here = told[i].ours == NULL ? "not here" : told[i].ours;
        const char *advice = recall_advice(arena, &told[i], call->office->setup->config.org);
        const char *const cells[] = {told[i].number, told[i].placer, told[i].partner,
                                     here,           told[i].status, advice};
        static const char *const names[] = {"referral", "from", "partner", "here", "there", "do"};
        struct json *object = json_new_object(arena);
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            json_set_text(arena, object, names[k], cells[k]);
            command_cell(&table, cells[k]);
        }
        if (command_has(call, "json"))
            lists_object(call, object);
    }
    if (!command_has(call, "json"))
        command_print_table(&table, &call->out);
    return 0;
}

/* ---- settled by a person ---- */

struct settling {
    struct unit unit;
    struct command_call *call;
    struct store_told told;
};

static bool run_settle(struct unit *unit, struct store *store)
{
    struct settling *settling = (struct settling *)unit;
    struct command_call *call = settling->call;
    struct settle_choice choice = {.id = call->words[0],
                                   .partner = command_option(call, "partner"),
                                   .reason = command_option(call, "reason"),
                                   .takes_theirs = command_has(call, "as-there"),
                                   .now_ms = clock_wall_ms(&call->clock)};
    return actor_choose(call->office->setup, unit->arena, command_option(call, "by"), call->caller,
                        &choice.by, &unit->fault) &&
           settle_difference(store, unit->arena, &choice, &settling->told, &unit->fault);
}

static bool is_reason_right(struct command_call *call, struct fault *ret_fault)
{
    const char *reason = command_option(call, "reason");
    size_t length = reason == NULL ? 0 : strlen(reason);
    return (length > 0 && length <= REASON_MAX) ||
           fault_set(ret_fault, FAULT_usage,
                     arena_print(call->arena,
                                 "--reason: found %zu characters; expected 1 to %d: what was "
                                 "agreed, and with whom",
                                 length, (int)REASON_MAX));
}

static int settle(struct command_call *call)
{
    struct settling settling = {.unit = {.run = run_settle, .arena = call->arena}, .call = call};
    struct fault fault;
    if (!is_reason_right(call, &fault))
        return command_fail(call, &fault);
    if (!writer_call(call->office->writer, &settling.unit))
        return command_fail(call, &settling.unit.fault);
    const struct store_told *told = &settling.told;
    if (command_has(call, "as-there"))
        text_print(&call->out, "referral %s is %s here, too, as %s has it\n", told->number,
                   told->status, told->partner);
    else
        text_print(&call->out, "what %s said about referral %s is settled; it stands as before\n",
                   told->partner, told->number);
    return 0;
}

static const struct command_option settle_options[] = {
    COMMAND_BY,
    {"reason", "TEXT", "what was agreed, and with whom; it stays here, in at most 200 characters",
     false},
    {"as-there", NULL, "set the referral to where the partner has it; nothing is sent", false},
    {"partner", "NAME", "who said it, when several did", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_differ[] = {
    {"referrals differ", "",
     "referrals that stand otherwise at a partner, as it said after a restore", COMMAND_STORE, 0, 0,
     differ, NULL},
    {"referrals settle", "ID",
     "the two of you have agreed about one that differs: it is listed no more", COMMAND_STORE, 1, 1,
     settle, settle_options},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
