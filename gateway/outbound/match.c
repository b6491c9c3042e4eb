/* match: received records that contradict the client of the referral they name, and what a
 * person decides about them. effect.c puts them there. Runs inside a store transaction. */
#include <stdlib.h>
#include <string.h>

#include "certs/io/digest.h"
#include "fhir/json/tree.h"
#include "gateway/audit/audit.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/outbound/outbox.h"
#include "gateway/outbound/release.h"

/* ---- finding one ---- */

static bool load(const struct flow *flow, int64_t record, struct store_match *ret_match,
                 struct store_record *ret_record)
{
    return store_get_match(flow->store, flow->arena, record, ret_match) &&
           store_get_record(flow->store, flow->arena, record, ret_record);
}

/* By record_id; two clinics may have used it. */
static size_t find_named(const struct flow *flow, const char *id, int64_t *ret_record)
{
    struct store_match *all;
    struct store_match match;
    struct store_record record;
    size_t found = 0;
    size_t count = store_matches(flow->store, flow->arena, NULL, &all);
    for (size_t i = 0; i < count; i++) {
        if (!load(flow, all[i].record, &match, &record) || !text_equal(record.number, id))
            continue;
        *ret_record = record.id;
        found++;
    }
    return found;
}

bool flow_find_match(const struct flow *flow, const char *id, struct store_match *ret_match,
                     struct store_record *ret_record, struct fault *ret_fault)
{
    char *end;
    int64_t record = strtoll(id, &end, 10);
    if (end != id && *end == '\0' && load(flow, record, ret_match, ret_record))
        return true;
    size_t found = find_named(flow, id, &record);
    if (found == 1)
        return load(flow, record, ret_match, ret_record);
    return fault_set(ret_fault, FAULT_not_found,
                     arena_print(flow->arena,
                                 found == 0 ? "found no record %s to match; expected a number of "
                                              "refgate records to-match"
                                            : "found several records %s to match; expected the "
                                              "number of one in refgate records to-match",
                                 id));
}

/* ---- deciding ---- */

struct matching {
    const struct flow *flow;
    struct store_match *match;
    struct store_record *record;
    struct store_referral referral;
};

static const struct {
    enum flow_match decision;
    const char *from, *to, *said;
} decisions[] = {
    {FLOW_ATTACH, "to match, kept apart", "attached", "attached"},
    {FLOW_KEEP_APART, "to match, attached", "kept apart", "kept apart"},
    {FLOW_RETURN, "to match, kept apart", "returned", "returned to its sender"},
};

/* Their number of the client stands for ours as long as the record is attached: a person said so.
 * What other records have linked stays. BEFORE: how the record stood until now. */
static void link_client(const struct matching *matching, const char *before)
{
    const struct store_referral *referral = &matching->referral;
    const struct store_record *record = matching->record;
    struct store *store = matching->flow->store;
    if (track_ours(referral) != TRACK_PLACER || text_equal(record->client, ""))
        return;
    if (text_equal(matching->match->state, "attached"))
        store_add_link(store, referral->client, record->clinic, record->client);
    else if (text_equal(before, "attached"))
        store_remove_link(store, referral->client, record->clinic, record->client);
}

/* The refusal that the sender would have got, had a person been there to look. */
static const struct json *returned_issues(struct arena *arena, const struct matching *matching)
{
    struct json *issues = json_new_list(arena);
    struct json *issue = json_push(issues, json_new_object(arena));
    json_set_text(arena, issue, "severity", "error");
    json_set_text(arena, issue, "code", "business-rule");
    struct json *details = json_set(arena, issue, "details", json_new_object(arena));
    json_set_text(
        arena, details, "text",
        arena_print(arena,
                    "%s %s is returned: it seems to be about another client than referral "
                    "%s; send it again about the right one, with a new number",
                    matching->record->kind, matching->record->number, matching->referral.number));
    return issues;
}

static bool tell_sender(const struct matching *matching, struct fault *ret_fault)
{
    const struct flow *flow = matching->flow;
    const char *reason;
    struct store_message brought;
    char *space = arena_alloc(flow->arena, DIGEST_UUID_TEXT);
    if (!store_get_message(flow->store, flow->arena, matching->match->message, &brought))
        return fault_set(ret_fault, FAULT_illegal_move,
                         "the message that brought it ended long ago (ledger_days); call its "
                         "sender, and keep it apart");
    const struct grant *grant =
        release_reply(flow->setup, flow->arena, &matching->referral, &reason);
    if (grant == NULL)
        return fault_set(ret_fault, FAULT_forbidden, reason);
    digest_uuid5(
        "https://refgate.invalid/message",
        arena_print(flow->arena, "%s|returned|%s", flow->setup->config.org, brought.message_id),
        space);
    struct setup_ids ids = {.space = space};
    struct fhir_context context = setup_context(flow->setup, flow->arena, &ids);
    struct message_reply reply = {.answers = brought.message_id,
                                  .code = "fatal-error",
                                  .event = brought.event,
                                  .from = flow->setup->config.org,
                                  .to = grant_recipient(grant),
                                  .to_endpoint = brought.response_to,
                                  .at = clock_text(flow->arena, flow->now_ms),
                                  .issues = returned_issues(flow->arena, matching)};
    const struct json *bundle = message_of_reply(&context, &reply);
    if (!flow_is_valid(flow, grant_partner(grant), bundle, &reason))
        return fault_set(ret_fault, FAULT_internal, reason);
    struct outbox_item item = {.bundle = bundle,
                               .kind = OUTBOX_RETURN,
                               .referral = matching->referral.id,
                               .now_ms = clock_wall_ms(&flow->setup->clock)};
    outbox_commit(flow->store, flow->arena, grant, &item);
    return true;
}

static void note(const struct matching *matching, const char *said, const char *by)
{
    const struct flow *flow = matching->flow;
    struct track_details details = {.by = by, .at_ms = flow->now_ms};
    track_note(flow->store, matching->referral.id,
               arena_print(flow->arena, "%s %s %s", matching->record->kind,
                           matching->record->number, said),
               &details);
    struct store_audit noted = {.at_ms = flow->now_ms,
                                .what = said,
                                .partner = matching->record->origin,
                                .subject = matching->record->number,
                                .actor = by,
                                .client = store_client_row(flow->store, matching->record->origin,
                                                           matching->record->client)};
    audit_write(flow->store, &noted);
}

bool flow_match(const struct flow *flow, const char *id, enum flow_match decision, const char *by,
                struct store_record *ret_record, struct fault *ret_fault)
{
    struct store_match match = {.state = NULL};
    struct matching matching = {.flow = flow, .match = &match, .record = ret_record};
    size_t at = 0;
    if (!flow_find_match(flow, id, &match, ret_record, ret_fault))
        return false;
    if (ret_record->retracted != NULL)
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(flow->arena,
                                     "%s %s was retracted by %s, so nothing is to be decided",
                                     ret_record->kind, ret_record->number, ret_record->clinic));
    while (decisions[at].decision != decision)
        at++;
    if (strstr(decisions[at].from, match.state) == NULL)
        return fault_set(
            ret_fault, FAULT_illegal_move,
            arena_print(flow->arena, "%s %s is %s already%s", ret_record->kind, ret_record->number,
                        match.state,
                        decision == FLOW_RETURN && text_equal(match.state, "attached")
                            ? "; was that a mistake, run refgate records keep-apart first"
                            : ""));
    if (!store_get_referral(flow->store, flow->arena, match.referral, &matching.referral))
        return fault_set(ret_fault, FAULT_not_found, "its referral is not in the store");
    if (decision == FLOW_RETURN && !tell_sender(&matching, ret_fault))
        return false;
    const char *before = match.state;
    match.state = decisions[at].to;
    match.by = by;
    match.decided_ms = flow->now_ms;
    store_set_match(flow->store, &match);
    store_attach_record(flow->store, match.record, decision == FLOW_ATTACH ? match.referral : 0);
    link_client(&matching, before);
    note(&matching, decisions[at].said, by);
    return true;
}
