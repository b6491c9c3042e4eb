/* attempt: one attempt to send, and what must follow it among the messages around it.
 *
 * Before an attempt, what may no longer go as it was made is made anew for whoever may still have
 * it; behind it, the partner's answer decides about the messages that stand upon this one. Claiming
 * and settling themselves are deliver.c's, the making of messages is the flow's. Called by the
 * courier and the simulator, inside a store transaction. */
#ifndef GATEWAY_DELIVERY_ATTEMPT_H
#define GATEWAY_DELIVERY_ATTEMPT_H

#include "gateway/delivery/deliver.h"
#include "gateway/outbound/outbound.h"

/* deliver_claim, and what must follow it: what may no longer go as it was made is made anew for
 * whoever still may have it; when that is nobody, and it was a note of ours that moved a Task, the
 * partner still learns where the Task stands. */
size_t attempt_claim(const struct flow *flow, const char *partner, size_t slots,
                     struct deliver_item **ret_items);
/* deliver_settle, and what must follow it: what a note that the partner will not take said of the
 * Task is told without it. */
enum deliver_verdict attempt_settle(const struct flow *flow, int64_t message,
                                    const struct deliver_result *result, uint32_t random);

#endif
