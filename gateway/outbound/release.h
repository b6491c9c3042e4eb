/* release: may this leave? The only maker of a grant, and nothing leaves without one.
 *
 * outbox_commit() takes a `struct grant`; only this file can make one, in three ways: for a
 * record, when every consent rule holds for that recipient now; for a reply within a partner's own
 * referral (status, ids, visit count, a short reason); for the retraction of a record that went
 * there. deliver asks again before each attempt, since consent can be withdrawn and partners can be
 * disabled while a message waits. Called inside a store transaction. */
#ifndef GATEWAY_OUTBOUND_RELEASE_H
#define GATEWAY_OUTBOUND_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "fhir/consent/consent.h"
#include "fhir/json/json.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

struct grant; /* lives in the arena it was made in */

/* The consents of one client in the order of acceptance, read once for all recipients of a record.
 */
struct release_consents {
    struct consent_given *given;
    const int64_t *rows;
    size_t count;
    bool is_whole; /* false: one cannot be read, and may be the one that forbids */
};
struct release_consents release_consents(struct store *store, struct arena *arena,
                                         const char *client);

/* Why a record must wait, in plain words, and when it is worth asking again (0: unknown). */
struct release_refusal {
    const char *reason;
    int64_t again_ms;
};

/* A record to RECIPIENT (clinic), written as ADDRESSED_AS (that clinic or people there, separated
 * by
 * ';'). NULL when it must wait. */
const struct grant *release_record(const struct setup *setup, struct arena *arena,
                                   const struct json *record,
                                   const struct release_consents *consents, const char *recipient,
                                   const char *addressed_as, int64_t now_ms,
                                   struct release_refusal *ret_refusal);
/* The question that release_record asks of the client's consents; its recipient is left open. */
struct consent_question release_question(const struct setup *setup, struct arena *arena,
                                         const struct json *record,
                                         const struct release_consents *consents, int64_t now_ms);
/* Why nothing may go to CLINIC whatever its consents say (no partner, disabled, not set up to be
 * sent a KIND); NULL: it may. */
const char *release_barrier(const struct setup *setup, struct arena *arena, const char *clinic,
                            const char *kind);
/* Task status, ids, visit count and a short reason to the other side of this referral. NULL with
 * the reason when no partner has the referral, or the one that serves the clinic at its other side,
 * by directory.csv as it is now, is not admitted. */
const struct grant *release_reply(const struct setup *setup, struct arena *arena,
                                  const struct store_referral *referral, const char **ret_reason);
/* Did this message of ours reach its partner, or may it have? A try without a whole answer may; one
 * that could not connect did not. */
bool release_may_have_gone(struct store *store, struct arena *arena,
                           const struct store_message *message);
/* The retraction of a record that the message COPY carried, or may have: to the very partner of
 * that copy, also while it is disabled (it waits then). NULL with the reason when it never left, or
 * the clinic is served by another partner now, who never had it. */
const struct grant *release_retraction(const struct setup *setup, struct store *store,
                                       struct arena *arena, const struct store_message *copy,
                                       const char **ret_reason);
/* May this queued message still go: to this partner and clinic, for the very handles it was made
 * for, by the very consents it rests on? False with the reason; what else may go now is for a new
 * message. */
bool release_again(const struct setup *setup, struct store *store, struct arena *arena,
                   const struct store_message *message, int64_t now_ms, const char **ret_reason);

/* The kind under which a retraction is queued. */
#define RELEASE_RETRACTION "retraction"

const char *grant_partner(const struct grant *grant);
const char *grant_recipient(const struct grant *grant);
/* Those of the handles that may receive, separated by ';'. */
const char *grant_addressed_as(const struct grant *grant);
/* The consent record that permits it, sent along as evidence; NULL for a reply. */
const struct json *grant_consent(const struct grant *grant);
/* The rows of all consents that it rests on, "12;15"; NULL for a reply. */
const char *grant_consent_rows(const struct grant *grant);
const char *
grant_basis(const struct grant *grant); /* for the audit: the consent's id, or "reply" */

#endif
