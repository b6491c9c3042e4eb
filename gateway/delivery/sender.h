/* sender: moves what is due to the partners. deliver.c decides, transmit.c moves the bytes.
 *
 * Belongs to loop 0. One look at a time claims what is due for every partner with free slots; each
 * answer is settled in the store before the next message of its referral may go. A timer wakes it
 * for the next retry, courier_wake() for fresh messages. */
#ifndef GATEWAY_DELIVERY_SENDER_H
#define GATEWAY_DELIVERY_SENDER_H

#include "certs/tls/context.h"
#include "gateway/delivery/partner_state.h"
#include "gateway/runtime/histogram.h"
#include "gateway/setup/setup.h"
#include "gateway/store/writer.h"

struct uv_loop_s;
struct courier;

/* Told on the loop; each may be NULL. */
struct courier_watcher {
    /* A partner's server showed this certificate. */
    void (*on_served)(void *owner, const struct verify_peer *peer);
    /* DOWN: the partner cannot be reached and nothing is sent for a while; else it is back. */
    void (*on_edge)(void *owner, const char *partner, bool down, const char *why);
    /* A message was parked: it waits for a person. */
    void (*on_parked)(void *owner, const char *partner, int64_t message, const char *why);
    /* A partner will not take a message, for good. */
    void (*on_rejected)(void *owner, const char *partner, int64_t message);
    void *owner;
};

/* Figures of one partner. */
struct courier_figures {
    struct courier_figures *next;
    const char *partner; /* lives as long as the courier */
    unsigned in_flight;
    enum { COURIER_IN_USE, COURIER_DOWN, COURIER_TRIES } state;
    uint64_t outcomes[PACE_OUTCOMES]; /* by courier_outcome_name() */
};

/* Holds SETUP and CONTEXT; WRITER must outlive it. NULL: no memory. */
struct courier *courier_start(struct uv_loop_s *loop, struct setup *setup, struct context *context,
                              struct writer *writer);
/* Before the loop runs; copied. */
void courier_watch(struct courier *courier, const struct courier_watcher *watcher);
/* What it did so far; the list lives in ARENA. */
struct courier_figures *courier_count(const struct courier *courier, struct arena *arena);
/* `done`, `rejected`, `later`, `parked` */
const char *courier_outcome_name(size_t outcome);
/* Times of the exchanges that were answered. */
const struct histogram *courier_times(const struct courier *courier);
/* There may be something to send; looked at in the next turn of the loop. */
void courier_wake(struct courier *courier);
/* What is sent from now on uses these; partners whose settings changed get fresh connections. */
void courier_use(struct courier *courier, struct setup *setup, struct context *context);
/* Breaks off what is under way (it is sent again after the next start) and frees it. */
void courier_stop(struct courier *courier, void (*on_stopped)(void *owner), void *owner);

#endif
