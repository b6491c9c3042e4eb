/* deliver: who is sent to next, what an answer means, and when to try again.
 *
 * Decisions only: no socket and no timer, so that the same code runs in the service
 * (delivery/sender.c moves the bytes) and in the simulator. deliver_claim and deliver_settle run
 * inside store transactions on the writer thread; the pace of a partner (struct deliver_pace)
 * belongs to loop 0. Order is kept per referral and partner and nothing wider. A time-out is
 * "unknown", never "failed": the same bytes with the same ids go again, and the receiver's ledger
 * makes them one effect. */
#ifndef GATEWAY_DELIVERY_DELIVER_H
#define GATEWAY_DELIVERY_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

/* ---- one message ---- */

struct deliver_item {
    struct store_message message; /* state "sending" */
    const char *body;
    size_t length;
    const char *operation;   /* of the partner's base that takes it */
    const char *correlation; /* X-Correlation-Id: the same for all messages of a referral */
};

/* Takes up to SLOTS due messages of a partner and marks them as being sent. What may no longer go
 * under its grant returns to the tray with its reason instead; *RET_WITHDRAWN lists it, because it
 * may be made anew for whoever still may have it, or else the partner has to learn what it said of
 * a Task (attempt_claim). */
size_t deliver_claim(struct store *store, const struct setup *setup, struct arena *arena,
                     const char *partner, int64_t now_ms, size_t slots,
                     struct deliver_item **ret_items, struct store_message **ret_withdrawn,
                     size_t *ret_withdrawn_count);

enum deliver_outcome {
    DELIVER_ANSWERED,       /* an HTTP answer came */
    DELIVER_CANNOT_CONNECT, /* nothing was sent */
    DELIVER_UNKNOWN         /* sent or half sent, no whole answer */
};

struct deliver_result {
    enum deliver_outcome outcome;
    int status; /* HTTP, when answered */
    const char *body;
    size_t length;
    long retry_after_s;   /* 0: none given */
    const char *sentence; /* what happened, for a person */
    int64_t connect_us, tls_us, first_byte_us, total_us;
};

/* What became of it. */
enum deliver_verdict {
    DELIVER_DONE,     /* accepted by the partner's gateway and its business rules */
    DELIVER_REJECTED, /* the partner's business rules said no: never sent again unchanged */
    DELIVER_LATER,    /* tried again later */
    DELIVER_PARKED    /* waits for a person */
};

/* Writes the attempt and the message's next state. RANDOM: 0..UINT32_MAX for the jitter. */
enum deliver_verdict deliver_settle(struct store *store, const struct setup *setup,
                                    struct arena *arena, int64_t message,
                                    const struct deliver_result *result, int64_t now_ms,
                                    uint32_t random);

/* Wait before try number TRIES + 1: first_retry_ms doubled TRIES - 1 times, at most retry_max_ms,
 * full jitter: between 0 and that. */
int64_t deliver_wait_ms(const struct config *config, int64_t tries, uint32_t random);

/* ---- one partner's pace: slow start, and a breaker that probes ---- */

struct deliver_pace {
    unsigned in_flight;
    unsigned window;         /* messages allowed at once; 0 counts as 1 */
    unsigned failures;       /* in a row, of the connection */
    int64_t closed_until_ms; /* monotonic; while it lies ahead nothing is sent */
    int64_t paused_until_ms; /* likewise: the partner has asked for it (Retry-After) */
    bool is_probing;         /* one message is on its way to see whether the partner is back */
};

/* Is this a planned pause of the partner (its setting maintenance)? */
bool deliver_is_resting(const struct setup *setup, const struct partner *partner);
/* How many more messages may be sent to the partner now. */
size_t deliver_slots(const struct deliver_pace *pace, const struct config *config,
                     const struct partner *partner, int64_t monotonic_ms);
/* COUNT exchanges with the partner have begun; each is followed by one deliver_ended(). */
void deliver_started(struct deliver_pace *pace, size_t count);
void deliver_ended(struct deliver_pace *pace, const struct config *config,
                   const struct partner *partner, const struct deliver_result *result,
                   int64_t monotonic_ms, uint32_t random);
/* The breaker is open: the partner cannot be reached. */
bool deliver_is_open(const struct deliver_pace *pace, int64_t monotonic_ms);
/* From when on something may be sent, by the breaker and by what the partner asked for. */
int64_t deliver_opens_ms(const struct deliver_pace *pace, int64_t monotonic_ms);

#endif
