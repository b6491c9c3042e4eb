/* whose: is a record about the client of the referral it names?
 *
 * Asked by the flow before a record of ours leaves, and by effect.c of a record that came. What the
 * two say is compared (fhir/client/match.h); two numbers of one clinic that a link row joins are
 * one client. Reads the store only, inside the caller's transaction. */
#ifndef GATEWAY_REFERRAL_WHOSE_H
#define GATEWAY_REFERRAL_WHOSE_H

#include <stdbool.h>

#include "base/arena.h"
#include "fhir/client/match.h"
#include "gateway/store/store.h"

/* Notes, discharges, plans and conferences are asked about; a referral says itself who it is for.
 */
bool whose_is_asked(const char *kind);
/* Of the referral, as its placer wrote it last, at least what is said of the client; NULL: the
 * store does not give it back. */
const struct json *whose_referral(struct store *store, struct arena *arena,
                                  const struct store_referral *referral);
/* True when RECORD, written at CLINIC, is about another client than REFERRAL. OUR: our handle. */
bool whose_differs(struct store *store, struct arena *arena, const char *our,
                   const struct json *record, const char *clinic,
                   const struct store_referral *referral, struct client_difference *ret_difference);
/* "found Smith; referral LFP-88231 is of Núñez-O'Hara, María José", with its birth date or number
 * where that is what differs. */
const char *whose_say(struct arena *arena, const struct store_referral *referral,
                      const struct json *referral_record,
                      const struct client_difference *difference);
/* Notes what an accepted record says of its client, whose number is OWNER's: STORE_OWN or a
 * partner. Before anything else of the record is written. */
void whose_note(struct store *store, const char *owner, const struct json *record);

#endif
