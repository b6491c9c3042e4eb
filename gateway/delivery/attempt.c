/* attempt: what may no longer go is made anew before an attempt; what stood upon a message follows
 * its answer. Runs inside a store transaction. */
#include "gateway/delivery/attempt.h"

#include "gateway/outbound/outbox.h"

/* What it drew back with it, or kept back, may go: when it was dropped its correction, when it was
 * made anew a note behind it. */
static void let_followers_go(const struct flow *flow, const struct store_message *withdrawn)
{
    struct store_record row;
    if (text_equal(withdrawn->kind, "referral") &&
        store_get_record(flow->store, flow->arena, withdrawn->record, &row))
        flow_reconsider(flow, row.client);
}

size_t attempt_claim(const struct flow *flow, const char *partner, size_t slots,
                     struct deliver_item **ret_items)
{
    struct store_message *withdrawn;
    size_t count;
    size_t claimed = deliver_claim(flow->store, flow->setup, flow->arena, partner, flow->now_ms,
                                   slots, ret_items, &withdrawn, &count);
    for (size_t i = 0; i < count; i++) {
        if (withdrawn[i].record == 0) /* a move that waits for its partner */
            flow_follow(flow, &withdrawn[i]);
        else if (!flow_make_anew(flow, &withdrawn[i]))
            flow_tell_instead(flow, &withdrawn[i]);
        let_followers_go(flow, &withdrawn[i]);
    }
    return claimed;
}

/* A partner that does not know the referral that we cancelled can do nothing with what stands
 * behind the cancel either: the referral counts as never sent. */
static void drop_behind_cancel(const struct flow *flow, const struct store_message *cancel)
{
    struct store_referral referral;
    struct store_record row;
    struct store_message *behind;
    if (text_equal(cancel->response_code, "ok") ||
        !store_get_referral(flow->store, flow->arena, cancel->referral, &referral) ||
        !text_equal(referral.task_status, "cancelled"))
        return;
    referral.partner = "";
    store_set_referral(flow->store, &referral);
    size_t count = outbox_withdraw_behind(flow->store, flow->arena, cancel, false,
                                          "its referral was cancelled before the partner had it",
                                          flow->now_ms, &behind);
    for (size_t i = 0; i < count; i++) {
        if (store_get_record(flow->store, flow->arena, behind[i].record, &row))
            flow_reconsider(flow, row.client);
    }
}

enum { ANEW_MAX = 5 };

/* After a restore a record may be made into another message under the ids of one that is forgotten
 * here: other consents go along, people have moved. Under ids of its own the partner knows the
 * record all the same. Else nothing that is sent again could ever get beyond this answer. */
static bool make_under_own_ids(const struct flow *flow, int64_t row,
                               const struct deliver_result *result)
{
    struct store_message message;
    if (result->outcome != DELIVER_ANSWERED || result->status != 409 ||
        store_epoch(flow->store)[0] == '\0' ||
        !store_get_message(flow->store, flow->arena, row, &message) || message.record == 0 ||
        !text_equal(message.state, "parked") ||
        store_count_withdrawn(flow->store, message.record, message.recipient) >= ANEW_MAX)
        return false;
    outbox_withdraw(flow->store, flow->arena, &message,
                    "the partner had another message of these ids before the restore; made anew "
                    "under ids of its own",
                    flow->now_ms);
    if (!flow_make_anew(flow, &message))
        flow_tell_instead(flow, &message);
    return true;
}

enum deliver_verdict attempt_settle(const struct flow *flow, int64_t message,
                                    const struct deliver_result *result, uint32_t random)
{
    struct store_message settled;
    enum deliver_verdict verdict = deliver_settle(flow->store, flow->setup, flow->arena, message,
                                                  result, flow->now_ms, random);
    if (verdict == DELIVER_PARKED && make_under_own_ids(flow, message, result))
        return DELIVER_LATER;
    if ((verdict != DELIVER_REJECTED && verdict != DELIVER_DONE) ||
        !store_get_message(flow->store, flow->arena, message, &settled))
        return verdict;
    if (verdict == DELIVER_REJECTED && settled.refusals == 0)
        flow_tell_instead(flow, &settled);
    if (verdict == DELIVER_DONE && text_equal(settled.kind, "cancel"))
        drop_behind_cancel(flow, &settled);
    return verdict;
}
