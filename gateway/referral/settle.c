/* settle: see settle.h. */
#include "gateway/referral/settle.h"

#include <string.h>

#include "base/text.h"
#include "gateway/audit/audit.h"
#include "gateway/referral/recall.h"
#include "gateway/referral/track.h"

/* ---- which difference ---- */

static bool is_meant(const struct settle_choice *choice, const struct store_told *told)
{
    const char *colon = strchr(choice->id, ':');
    size_t length = strlen(told->placer);
    bool is_whole = colon != NULL && (size_t)(colon - choice->id) == length &&
                    strncmp(choice->id, told->placer, length) == 0 &&
                    text_equal(colon + 1, told->number);
    return (is_whole || text_equal(choice->id, told->number)) &&
           (choice->partner == NULL || text_equal(choice->partner, told->partner));
}

static bool find(struct store *store, struct arena *arena, const struct settle_choice *choice,
                 struct store_told *ret_told, struct fault *ret_fault)
{
    struct store_told *told;
    size_t found = 0;
    size_t count = recall_differences(store, arena, &told);
    for (size_t i = 0; i < count; i++) {
        if (!is_meant(choice, &told[i]))
            continue;
        *ret_told = told[i];
        found++;
    }
    if (found == 1)
        return true;
    if (found == 0)
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(arena,
                                     "found no difference about %.100s; expected a referral that "
                                     "refgate referrals differ lists",
                                     choice->id));
    return fault_set(ret_fault, FAULT_not_found,
                     arena_print(arena,
                                 "found %zu differences about %.100s; expected the placer before "
                                 "the number (%s:%s), or --partner NAME",
                                 found, choice->id, ret_told->placer, ret_told->number));
}

/* ---- taking theirs ---- */

/* Where a Task may stand that both sides have; what only one side knows of ("draft") is nothing to
 * take over. */
static bool is_shared_state(const char *status)
{
    static const char *const states[] = {"requested", "received", "accepted",  "in-progress",
                                         "on-hold",   "rejected", "cancelled", "completed",
                                         "failed",    NULL};
    return text_is_one_of(status, states);
}

/* Something of ours about it is still to come to the partner. */
static const struct store_message *first_open(struct store *store, struct arena *arena,
                                              const struct store_referral *referral)
{
    static const char *const open_states[] = {"queued", "sending", "held", "parked"};
    for (size_t i = 0; i < sizeof open_states / sizeof *open_states; i++) {
        struct store_message *messages;
        if (store_messages(store, arena, "out", open_states[i], referral->id, 1, &messages) > 0)
            return messages;
    }
    return NULL;
}

static bool take_theirs(struct store *store, struct arena *arena,
                        const struct settle_choice *choice, const struct store_told *told,
                        struct fault *ret_fault)
{
    struct store_referral referral;
    struct track_details details = {
        .by = choice->by, .reason = choice->reason, .at_ms = choice->now_ms};
    if (!store_find_referral(store, arena, told->placer, told->number, &referral))
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(arena,
                                     "referral %s is not here, so there is nothing to set: get it "
                                     "first (refgate referrals differ says how), or settle it "
                                     "without --as-there",
                                     told->number));
    if (!is_shared_state(told->status))
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(arena,
                                     "%s has referral %s as \"%.40s\", which is nothing to take "
                                     "over; settle it without --as-there",
                                     told->partner, told->number, told->status));
    const struct store_message *waiting = first_open(store, arena, &referral);
    if (waiting != NULL)
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(arena,
                                     "message %lld (%s) about referral %s is still %s; let it go "
                                     "or drop it first (refgate queue list)",
                                     (long long)waiting->id, waiting->kind, told->number,
                                     waiting->state));
    if (text_equal(referral.partner, ""))
        referral.partner = told->partner;
    track_put_back(store, &referral, told->status, &details, arena);
    track_note(store, referral.id,
               arena_print(arena, "set to %s, as %s has it", told->status, told->partner),
               &details);
    return true;
}

bool settle_difference(struct store *store, struct arena *arena, const struct settle_choice *choice,
                       struct store_told *ret_told, struct fault *ret_fault)
{
    if (!find(store, arena, choice, ret_told, ret_fault) ||
        (choice->takes_theirs && !take_theirs(store, arena, choice, ret_told, ret_fault)))
        return false;
    ret_told->settled_by = choice->by;
    ret_told->settled_why = choice->reason;
    ret_told->settled_ms = choice->now_ms;
    store_settle_told(store, ret_told);
    struct store_audit noted = {
        .at_ms = choice->now_ms,
        .what = "settled",
        .partner = ret_told->partner,
        .subject = arena_print(arena, "%s:%s", ret_told->placer, ret_told->number),
        .detail = arena_print(arena, "%s: %s", choice->takes_theirs ? ret_told->status : "as here",
                              choice->reason),
        .actor = choice->by};
    audit_write(store, &noted);
    return true;
}
