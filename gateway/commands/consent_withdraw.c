/* consent_withdraw: a client takes a consent back, without anybody writing JSON.
 *
 * The record that a person would have to write is made of the consent that is withdrawn: the same
 * client, recipients, kinds and purposes, with the status `revoked`; then it goes the way of every
 * record (flow_send), so that there is one rule about what a withdrawal ends. */
#include <string.h>

#include "fhir/client/match.h"
#include "fhir/json/tree.h"
#include "gateway/audit/actor.h"
#include "gateway/commands/consent_list.h"
#include "gateway/commands/lists.h"
#include "gateway/intake/local_times.h"
#include "gateway/outbound/outbound.h"

enum { NUMBER_MAX = 64, NUMBER_TRIES = 100 };

struct withdrawing {
    struct unit unit;
    struct command_call *call;
    struct shown shown;
    struct store_record row; /* of the consent */
    const struct json *consent;
    struct json *record; /* the withdrawal */
    struct flow_report report;
    const char *still; /* other consents of the client in force; NULL: none */
    size_t in_tray;
};

/* ---- what is withdrawn ---- */

static bool find_consent(struct withdrawing *withdrawing, struct store *store,
                         struct fault *ret_fault)
{
    struct command_call *call = withdrawing->call;
    const char *number = call->words[0];
    const char *org = call->office->setup->config.org;
    if (!store_find_record(store, call->arena, org, "consent", number, &withdrawing->row) ||
        !store_get_record(store, call->arena, withdrawing->row.id, &withdrawing->row))
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(call->arena,
                                     "found no consent %s; expected the CONSENT of a row of "
                                     "refgate consent list (of one client: --client NUMBER)",
                                     number));
    withdrawing->consent = tree_of(call->arena, withdrawing->row.text);
    return withdrawing->consent != NULL ||
           fault_set(ret_fault, FAULT_store_broken,
                     arena_print(call->arena,
                                 "consent %s cannot be read from the store; see refgate check",
                                 number));
}

/* A permission that nobody has withdrawn yet. */
static bool may_be_withdrawn(struct withdrawing *withdrawing, struct fault *ret_fault)
{
    struct command_call *call = withdrawing->call;
    const struct json *consent = withdrawing->consent;
    const char *status = json_get_text(consent, "status");
    const char *kind = text_equal(status, "revoked") ? "a withdrawal itself"
                       : text_equal(status, "draft") ? "a draft, which permits nothing"
                       : !text_equal(json_get_text(consent, "decision"), "allow")
                           ? "a refusal, which permits nothing"
                           : NULL;
    if (kind != NULL)
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(call->arena,
                                     "consent %s is %s; expected one that is in force (refgate "
                                     "consent list)",
                                     withdrawing->row.number, kind));
    const struct json *by =
        consent_worth(call, &withdrawing->shown, &withdrawing->row, consent).withdrawn;
    return by == NULL ||
           fault_set(ret_fault, FAULT_illegal_move,
                     arena_print(call->arena, "consent %s is withdrawn already, by %s",
                                 withdrawing->row.number, json_get_text(by, "record_id")));
}

/* ---- the withdrawal ---- */

/* A record is written by a person, so the name of a login will not do. */
static bool find_writer(struct withdrawing *withdrawing, const char **ret_by,
                        struct fault *ret_fault)
{
    struct command_call *call = withdrawing->call;
    const struct setup *setup = call->office->setup;
    const char *given = command_option(call, "by");
    if (given != NULL && !actor_choose(setup, call->arena, given, NULL, ret_by, ret_fault))
        return false;
    return (given != NULL && actor_on_wire(*ret_by) != NULL) ||
           fault_set(ret_fault, FAULT_usage,
                     arena_print(call->arena,
                                 "--by: found %s; expected who takes the withdrawal down, a person "
                                 "of %s by the short name in directory.csv",
                                 given == NULL ? "nothing" : given, setup->config.org));
}

static const char *free_number(struct withdrawing *withdrawing, struct store *store)
{
    struct command_call *call = withdrawing->call;
    static const char behind[] = "-withdrawn";
    struct store_record known;
    const char *stem = arena_copy_n(call->arena, withdrawing->row.number,
                                    strnlen(withdrawing->row.number, NUMBER_MAX - 14));
    const char *number = arena_join(call->arena, stem, behind, NULL);
    for (int i = 2;
         i < NUMBER_TRIES && store_find_record(store, call->arena, call->office->setup->config.org,
                                               "consent", number, &known);
         i++)
        number = arena_print(call->arena, "%s%s-%d", stem, behind, i);
    return number;
}

static bool is_in_list(const struct json *list, const char *word)
{
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (text_equal(json_text(item), word))
            return true;
    }
    return false;
}

/* --for HANDLE: those alone. */
static bool put_recipients(struct withdrawing *withdrawing, struct fault *ret_fault)
{
    struct command_call *call = withdrawing->call;
    const char *const *asked;
    const struct json *all = json_get(withdrawing->consent, "share_with");
    size_t count = command_all(call, "for", &asked);
    struct json *list = json_new_list(call->arena);
    for (size_t i = 0; i < count; i++) {
        if (!is_in_list(all, asked[i]))
            return fault_set(ret_fault, FAULT_usage,
                             arena_print(call->arena,
                                         "--for: found \"%s\"; expected one whom consent %s names "
                                         "in share_with (refgate consent show %s)",
                                         asked[i], withdrawing->row.number,
                                         withdrawing->row.number));
        json_push(list, json_new_text(call->arena, asked[i]));
    }
    if (count > 0)
        json_replace(call->arena, withdrawing->record, "share_with", list);
    return true;
}

static void put(struct withdrawing *withdrawing, const char *field, const char *text)
{
    json_remove(withdrawing->record, field);
    json_set_text(withdrawing->call->arena, withdrawing->record, field, text);
}

static bool make_record(struct withdrawing *withdrawing, struct store *store,
                        struct fault *ret_fault)
{
    static const char *const of_the_consent[] = {
        "replaces_record_id", "valid_until", "method", "form_file", "notes", "private_note"};
    struct command_call *call = withdrawing->call;
    const char *now = clock_text(call->arena, clock_wall_ms(&call->clock));
    const char *at = command_option(call, "at");
    const char *by;
    if (!find_writer(withdrawing, &by, ret_fault))
        return false;
    withdrawing->record = json_copy(call->arena, withdrawing->consent);
    for (size_t i = 0; i < sizeof of_the_consent / sizeof *of_the_consent; i++)
        json_remove(withdrawing->record, of_the_consent[i]);
    put(withdrawing, "record_id", free_number(withdrawing, store));
    put(withdrawing, "written_at", now);
    put(withdrawing, "written_by", by);
    put(withdrawing, "status", "revoked");
    put(withdrawing, "revoked_at", at == NULL ? now : local_times_text(call->arena, at));
    return put_recipients(withdrawing, ret_fault);
}

static bool refused(struct withdrawing *withdrawing, const struct finding_list *findings,
                    struct fault *ret_fault)
{
    struct command_call *call = withdrawing->call;
    struct text why = text_new(call->arena, 4000);
    for (size_t i = 0; i < findings->count; i++)
        text_print(&why, "%s%s: found %s; expected %s", i == 0 ? "" : "; ",
                   text_equal(findings->items[i].path, "revoked_at") ? "--at"
                                                                     : findings->items[i].path,
                   findings->items[i].found, findings->items[i].expected);
    return fault_set(ret_fault, FAULT_refused, why.at);
}

/* ---- what is left ---- */

static void look_around(struct withdrawing *withdrawing, struct store *store)
{
    struct command_call *call = withdrawing->call;
    struct store_record *rows;
    struct store_release *waiting;
    struct text still = text_new(call->arena, 1000);
    size_t count =
        store_records(store, call->arena, withdrawing->row.client, "consent", STORE_OWN, &rows);
    for (size_t i = 0; i < count; i++) {
        const struct json *consent = tree_of(call->arena, rows[i].text);
        if (consent == NULL ||
            !consent_worth(call, &withdrawing->shown, &rows[i], consent).is_in_force)
            continue;
        text_print(&still, "%s%s", still.length == 0 ? "" : ", ", rows[i].number);
    }
    withdrawing->still = still.length == 0 ? NULL : still.at;
    withdrawing->in_tray =
        store_releases(store, call->arena, withdrawing->row.client, "waiting", &waiting);
}

static bool withdraw(struct unit *unit, struct store *store)
{
    struct withdrawing *withdrawing = (struct withdrawing *)unit;
    struct command_call *call = withdrawing->call;
    struct flow flow = {call->office->setup, store, unit->arena, clock_wall_ms(&call->clock),
                        call->office->validator};
    struct finding_list findings = finding_list_new(unit->arena);
    withdrawing->shown = lists_shown(call, store, unit->arena);
    if (!find_consent(withdrawing, store, &unit->fault) ||
        !may_be_withdrawn(withdrawing, &unit->fault) ||
        !make_record(withdrawing, store, &unit->fault))
        return false;
    const struct record record = {.tree = withdrawing->record};
    withdrawing->report = flow_send(&flow, &record, NULL, &findings);
    if (withdrawing->report.answer != FLOW_ACCEPTED)
        return refused(withdrawing, &findings, &unit->fault);
    look_around(withdrawing, store);
    return true;
}

/* ---- what is said ---- */

static const char *names_of(struct arena *arena, const struct json *list)
{
    struct text out = text_new(arena, 1000);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item))
        text_print(&out, "%s%s", out.length == 0 ? "" : ", ", json_text(item));
    return out.at;
}

static void print_done(struct withdrawing *withdrawing, const char *client)
{
    struct command_call *call = withdrawing->call;
    text_print(&call->out, "consent %s of %s is withdrawn for %s (record %s)\n",
               withdrawing->row.number, client,
               names_of(call->arena, json_get(withdrawing->record, "share_with")),
               json_get_text(withdrawing->record, "record_id"));
    if (withdrawing->still != NULL)
        text_print(&call->out, "  still in force for this client: %s\n", withdrawing->still);
    if (withdrawing->in_tray > 0)
        text_print(&call->out, "  in the tray for this client: %zu (refgate tray list)\n",
                   withdrawing->in_tray);
    text_print(&call->out,
               "  what had left before stays where it is: refgate records list --client %s\n",
               withdrawing->row.client);
}

int consent_withdraw(struct command_call *call)
{
    struct withdrawing withdrawing = {.unit = {.run = withdraw, .arena = call->arena},
                                      .call = call};
    if (!writer_call(call->office->writer, &withdrawing.unit))
        return command_fail(call, &withdrawing.unit.fault);
    const struct shown_client client = {.name = client_shown(call->arena, withdrawing.record),
                                        .number = withdrawing.row.client};
    if (command_has(call, "json"))
        lists_object(call, withdrawing.record);
    else
        print_done(&withdrawing, shown_name(call->arena, &client));
    return 0;
}
