/* admit: who is asking, and may they? The only maker of an admission.
 *
 * inbox_commit() takes a `struct admission`, and so does every read on behalf of a partner: it is
 * made here alone, from a verified certificate, so nothing reaches the store for a caller who was
 * not admitted. Called on a loop, before anything of the body is believed. */
#ifndef GATEWAY_INBOUND_ADMIT_H
#define GATEWAY_INBOUND_ADMIT_H

#include <stdbool.h>

#include "base/arena.h"
#include "fhir/message/message.h"
#include "gateway/runtime/fault.h"
#include "gateway/setup/setup.h"

struct admission; /* lives in the arena it was made in */

/* PARTNER: the name that certs found for the peer, or NULL or "" for a certificate that is good but
 * no partner's. NULL with the fault when the caller may not go on. */
const struct admission *admit_peer(const struct setup *setup, struct arena *arena,
                                   const char *partner, struct fault *ret_fault);
/* May this partner send this message? It speaks only for itself: the sender must be a clinic whose
 * partner it is, the destination us, and the kind of record one that we take from it. */
bool admit_message(const struct admission *admission, const struct setup *setup,
                   struct arena *arena, const struct message_inbound *message,
                   struct fault *ret_fault);
const char *admission_partner(const struct admission *admission);

#endif
