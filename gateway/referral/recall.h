/* recall: what a restored gateway asks of its partners, and how one that is asked answers.
 *
 * A backup lacks what came after it, and the partners count that as delivered. So a gateway whose
 * store begins a new epoch queues one message to each partner (kind RECALL_KIND, `POST
 * BASE/$send-again`): which message of the partner it holds as the newest one. The partner sends
 * again what it delivered since then, with the same ids, as far as consents still allow, and
 * answers where its referrals with us stand. What then differs is named for a person (`refgate
 * referrals differ`): what a partner says moves nothing here. Called inside a transaction of the
 * store. */
#ifndef GATEWAY_REFERRAL_RECALL_H
#define GATEWAY_REFERRAL_RECALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "fhir/json/json.h"
#include "gateway/referral/settle.h"
#include "gateway/runtime/fault.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

#define RECALL_KIND "send-again"
#define RECALL_OPERATION "$send-again"

/* At a start, and when partners may have been added: queues the question to each partner that has
 * not been asked in this epoch. Returns to how many. */
size_t recall_ask(struct store *store, const struct setup *setup, struct arena *arena,
                  int64_t now_ms);
/* A partner asks: queues what it lacks; *RET_ANSWER is the body of the answer. An epoch is answered
 * by sending once, and another one not before that had time to go; else false with the fault. Its
 * restore may have taken what it was to send us after one of ours: then we ask it again, too. */
bool recall_answer(struct store *store, struct arena *arena, const char *org, const char *partner,
                   const struct json *question, int64_t now_ms, const char **ret_answer,
                   struct fault *ret_fault);
/* The partner has answered; how many of its referrals stand differently here. */
size_t recall_learn(struct store *store, struct arena *arena, const char *partner,
                    const struct json *answer, int64_t now_ms);

/* What differs still, of all that was told: RET_TOLD in ARENA. */
size_t recall_differences(struct store *store, struct arena *arena, struct store_told **ret_told);
/* What a person can do about it. */
const char *recall_advice(struct arena *arena, const struct store_told *told, const char *org);

#endif
