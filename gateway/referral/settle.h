/* settle: what a person decides about a referral that a partner said stands otherwise (recall.h).
 *
 * A partner's word moves nothing here, and may be invented; so a person who has talked to it either
 * leaves the referral as it stands here, or sets it to where the partner has it. Either way the
 * partner is sent nothing, the difference is listed no more, and who said so why is in the audit.
 * Called inside a transaction of the store, by `refgate referrals settle`. */
#ifndef GATEWAY_REFERRAL_SETTLE_H
#define GATEWAY_REFERRAL_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/runtime/fault.h"
#include "gateway/store/store.h"

struct settle_choice {
    const char *id;      /* "R-1" or "lakeside:R-1" */
    const char *partner; /* who said it; NULL: whoever did */
    const char *by, *reason;
    bool takes_theirs; /* the referral is set to where the partner has it */
    int64_t now_ms;
};

bool settle_difference(struct store *store, struct arena *arena, const struct settle_choice *choice,
                       struct store_told *ret_told, struct fault *ret_fault);

#endif
