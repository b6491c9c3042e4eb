/* people: whom partners name, and what a person of ours makes of it. See gateway/people/people.h.
 *
 * A decision is in the store when the command ends, and a running service takes it at once, as it
 * takes changed settings. */
#include "gateway/people/people.h"
#include "gateway/commands/table.h"

#include <string.h>

#include "gateway/audit/actor.h"
#include "gateway/commands/lists.h"

/* ---- list and show ---- */

static const char *shown_as(struct arena *arena, const struct store_claim *claim)
{
    return arena_print(arena, "%s/%s", claim->partner, claim->key);
}

/* One of the migrated claims has no time. */
static const char *time_text(struct arena *arena, int64_t ms)
{
    return ms <= 1 ? NULL : clock_text(arena, ms);
}

static struct json *claim_object(struct arena *arena, const struct store_claim *claim)
{
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "claim", shown_as(arena, claim));
    json_set_text(arena, object, "partner", claim->partner);
    json_set_text(arena, object, "kind", claim->kind);
    json_set_text(arena, object, "name", claim->name);
    json_set_text(arena, object, "npi", claim->npi);
    json_set_text(arena, object, "profession", claim->profession);
    json_set_text(arena, object, "claimed_works_at", claim->works_at);
    json_set_text(arena, object, "state", claim->state);
    json_set_text(arena, object, "handle", claim->handle);
    json_set_text(arena, object, "by", claim->by);
    json_set_text(arena, object, "decided", time_text(arena, claim->decided_ms));
    json_set_text(arena, object, "first_seen", time_text(arena, claim->first_ms));
    json_set_text(arena, object, "last_seen", time_text(arena, claim->last_ms));
    return object;
}

static void claim_cells(struct command_table *table, const struct store_claim *claim)
{
    struct arena *arena = table->arena;
    command_cell(table, shown_as(arena, claim));
    command_cell(table, claim->kind);
    command_cell(table, claim->name);
    command_cell(table, claim->works_at);
    command_cell(table, claim->state);
    command_cell(table, claim->handle);
    command_cell(table, claim->last_ms <= 1 ? NULL : shown_time(arena, claim->last_ms));
}

static bool is_asked(const struct command_call *call, const struct store_claim *claim)
{
    const char *state = command_option(call, "state");
    if (state != NULL)
        return text_equal(state, "all") || text_equal(state, claim->state);
    return !text_equal(claim->state, "ignored");
}

static bool check_words(struct command_call *call, struct fault *ret_fault)
{
    static const char *const states[] = {"new", "confirmed", "merged", "ignored", "all"};
    const struct partner_list *partners = &call->office->setup->partners;
    const char **names = arena_array(call->arena, partners->count + 1, sizeof *names);
    for (size_t i = 0; i < partners->count; i++)
        names[i] = partners->items[i].name;
    return lists_word(call, "state", states, sizeof states / sizeof *states, ret_fault) &&
           lists_word(call, "partner", names, partners->count, ret_fault);
}

static void list_all(struct listing *listing)
{
    struct command_call *call = listing->call;
    struct store_claims_asked asked = {.partner = command_option(call, "partner")};
    struct store_claim *claims;
    size_t count;
    do {
        count = store_claims(listing->store, call->arena, &asked, &claims);
        for (size_t i = 0; i < count; i++) {
            if (!is_asked(call, &claims[i]))
                continue;
            if (command_has(call, "json"))
                lists_object(call, claim_object(call->arena, &claims[i]));
            else
                claim_cells(&listing->table, &claims[i]);
        }
        asked.after = count == 0 ? 0 : claims[count - 1].id;
    } while (count == STORE_PAGE);
}

static int list(struct command_call *call)
{
    const char *seen = shown_zoned(call->arena, call->office->setup, "LAST SEEN");
    const char *const headings[] = {"CLAIM", "KIND",   "NAME", "AT (CLAIMED)",
                                    "STATE", "HANDLE", seen};
    struct listing listing;
    struct fault fault;
    if (!check_words(call, &fault) || !lists_begin(&listing, call, headings, 7, &fault))
        return command_fail(call, &fault);
    list_all(&listing);
    lists_end(&listing);
    return 0;
}

static void print_object(struct command_call *call, const struct json *object)
{
    if (command_has(call, "json")) {
        lists_object(call, object);
        return;
    }
    for (const struct json *member = json_first(object); member != NULL; member = json_next(member))
        text_print(&call->out, "%-17s %s\n", json_key(member), json_text(member));
}

/* The confirmed person or clinic, and whether directory.csv lets it stand. */
static void add_place(struct command_call *call, struct store *store, const char *handle,
                      struct json *object)
{
    struct store_place place;
    const struct directory_entry *entry = directory_find(call->office->setup->directory, handle);
    if (handle == NULL || !store_find_place(store, call->arena, handle, &place))
        return;
    json_set_text(call->arena, object, "works_at", place.works_at);
    if (place.partner[0] != '\0')
        json_set_text(call->arena, object, "served_by", place.partner);
    if (entry == NULL || !text_equal(entry->name, place.name))
        json_set_text(call->arena, object, "left_out",
                      "directory.csv has a row of this handle or NPI, which wins");
}

static int show(struct command_call *call)
{
    const char *partner;
    const char *key;
    struct store *store;
    struct fault fault;
    struct store_claim claim;
    if (!office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    bool found = people_split(call->arena, call->words[0], &partner, &key) &&
                 store_find_claim(store, call->arena, partner, key, &claim);
    struct json *object = found ? claim_object(call->arena, &claim) : NULL;
    if (found)
        add_place(call, store, claim.handle, object);
    store_close(store);
    if (!found) {
        fault_set(&fault, FAULT_not_found,
                  arena_print(call->arena,
                              "found no claim \"%.100s\"; expected one of refgate people list",
                              call->words[0]));
        return command_fail(call, &fault);
    }
    print_object(call, object);
    return 0;
}

/* ---- decisions ---- */

struct deciding {
    struct unit unit;
    struct command_call *call;
    people_decision *decide;
    struct people_choice choice;
    struct store_claim claim;
};

static bool run_decision(struct unit *unit, struct store *store)
{
    struct deciding *deciding = (struct deciding *)unit;
    const struct command_call *call = deciding->call;
    const struct setup *setup = call->office->setup;
    return actor_choose(setup, unit->arena, command_option(call, "by"), call->caller,
                        &deciding->choice.by, &unit->fault) &&
           deciding->decide(store, setup, unit->arena, &deciding->choice, &deciding->claim,
                            &unit->fault);
}

/* A running service takes the decision at once. What is faulty in other files is told as reload
 * tells it, but does not make the decision one that failed. */
static int take(struct command_call *call)
{
    const char *ignored;
    if (call->office->reload == NULL)
        return 0;
    writer_settle(call->office->writer); /* the reload reads the store */
    command_reload(call, &ignored);
    return 0;
}

static int decide(struct command_call *call, people_decision *how, const char *handle)
{
    struct deciding deciding = {.unit.run = run_decision,
                                .unit.arena = call->arena,
                                .call = call,
                                .decide = how,
                                .choice = {.claim = call->words[0],
                                           .handle = handle,
                                           .works_at = command_option(call, "works-at"),
                                           .partner = command_option(call, "partner"),
                                           .now_ms = clock_wall_ms(&call->clock)}};
    if (!writer_call(call->office->writer, &deciding.unit))
        return command_fail(call, &deciding.unit.fault);
    const struct store_claim *claim = &deciding.claim;
    if (command_has(call, "json"))
        lists_object(call, claim_object(call->arena, claim));
    else if (claim->handle != NULL)
        text_print(&call->out, "%s (%s) is %s.\n", call->words[0], claim->name, claim->handle);
    else
        text_print(&call->out, "%s (%s) is %s.\n", call->words[0], claim->name, claim->state);
    return take(call);
}

static int confirm(struct command_call *call)
{
    int code = decide(call, people_confirm, command_option(call, "handle"));
    bool has_place = command_has(call, "works-at") || command_has(call, "partner");
    if (code == 0 && !has_place && !command_has(call, "json"))
        text_add(&call->out, "Nothing can be sent there yet: say --works-at CLINIC for a person, "
                             "--partner NAME for a clinic.\n");
    return code;
}

static int merge(struct command_call *call)
{
    return decide(call, people_merge, call->words[1]);
}

static int ignore(struct command_call *call)
{
    return decide(call, people_ignore, NULL);
}

/* ---- the table ---- */

static const struct command_option list_options[] = {
    {"state", "STATE", "only new, confirmed, merged or ignored ones; all: with the ignored", false},
    {"partner", "NAME", "only what this partner says", false},
    {NULL, NULL, NULL, false},
};
static const struct command_option confirm_options[] = {
    {"handle", "HANDLE", "the short name to be known by here; default: made of the name", false},
    {"works-at", "CLINIC", "of a person: the clinic, as we know it", false},
    {"partner", "NAME", "of a clinic: the partner whose system serves it", false},
    COMMAND_BY,
    {NULL, NULL, NULL, false},
};
static const struct command_option by_options[] = {COMMAND_BY, {NULL, NULL, NULL, false}};

#define ROW(name, arguments, help, words, run, options)                                            \
    {                                                                                              \
        name, arguments, help, COMMAND_STORE, words, words, run, options                           \
    }
const struct command commands_people[] = {
    ROW("people list", "", "people and clinics whom partners name and directory.csv does not know",
        0, list, list_options),
    ROW("people show", "CLAIM", "one of them, such as lakeside/1234567893", 1, show, NULL),
    ROW("people confirm", "CLAIM", "know them from now on, behind directory.csv", 1, confirm,
        confirm_options),
    ROW("people merge", "CLAIM HANDLE", "they are somebody whom we know already", 2, merge,
        by_options),
    ROW("people ignore", "CLAIM", "hide them, and forget what was confirmed", 1, ignore,
        by_options),
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
