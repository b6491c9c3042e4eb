/* inbox: the inward hinge. A message of an admitted partner takes effect once, whatever arrives how
 * often; and one that was refused only for its order is judged anew when it comes again.
 *
 * Called inside a store transaction, on the writer thread. The ledger is the store's own unique
 * keys (partner, MessageHeader.id) and (partner, Bundle.id): the same message again gets the stored
 * answer, the same id with other content is a conflict. Message row, effect, track and audit go
 * together. */
#ifndef GATEWAY_INBOUND_INBOX_H
#define GATEWAY_INBOUND_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "fhir/message/message.h"
#include "gateway/inbound/admit.h"
#include "gateway/runtime/fault.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

/* What of a message can be worked out before its turn at the store: many loops may do that, the
 * writer is one. */
struct inbox_ready {
    bool is_made;
    unsigned char hash[STORE_HASH_BYTES]; /* of the body */
    const char *text;                     /* the record as JSON; NULL: it holds none */
};

struct inbox_item {
    const struct setup *setup;
    const struct admission *admission;
    const struct message_inbound *message;
    const struct json *bundle; /* parsed from body; NULL: parsed again if it is needed */
    const char *body;          /* as it came */
    size_t length;
    struct inbox_ready ready; /* by inbox_prepare; else inbox_commit does it */
    int64_t now_ms;
    struct arena *arena;
};

enum inbox_outcome {
    INBOX_TAKEN,   /* new, or too early before; *ret_row is its row, with what is to be answered */
    INBOX_REPLAY,  /* seen before; *ret_row is the row of the first time */
    INBOX_CONFLICT /* an id was used before for something else; *ret_fault says which */
};

/* Fills in ITEM->ready from the rest of it; on any thread. */
void inbox_prepare(struct inbox_item *item);
enum inbox_outcome inbox_commit(struct store *store, const struct inbox_item *item,
                                struct store_message *ret_row, struct fault *ret_fault);

#endif
