/* partner_state: what the courier knows of one partner beside its settings: whether something may
 * be due, how sending goes (deliver.h), what was told about it. Kept from the first message on,
 * over reloads, until the courier stops. On loop 0. */
#ifndef GATEWAY_DELIVERY_PARTNER_STATE_H
#define GATEWAY_DELIVERY_PARTNER_STATE_H

#include "gateway/delivery/deliver.h"

enum { PACE_OUTCOMES = 4 }; /* of deliver_settle: done, rejected, later, parked */

struct pace {
    struct pace *next;
    struct deliver_pace sending;
    bool is_wanted;      /* something of it may be due */
    int64_t next_due_ms; /* wall; the first of what is not due yet; 0: nothing known */
    bool is_down;        /* told so; told again when it is back */
    uint64_t outcomes[PACE_OUTCOMES];
    char name[];
};

/* The pace of partner NAME in LIST, made when there is none; NULL: no memory. */
struct pace *pace_of(struct pace **list, const char *name);
void pace_free(struct pace *list);
/* Something may be due now. */
bool pace_is_wanted(const struct pace *pace, int64_t wall_ms);
/* COUNT messages were claimed for SLOTS free slots; the next is due at NEXT_DUE_MS (0: none). */
void pace_claimed(struct pace *pace, size_t slots, size_t count, int64_t next_due_ms);
/* How long until something may be sent, were it by time alone; INT64_MAX: not by time. */
int64_t pace_wait_ms(const struct pace *pace, int64_t wall_ms, int64_t monotonic_ms);

enum pace_edge { PACE_SAME, PACE_DOWN, PACE_BACK };

/* After an exchange: whether the partner has gone down or come back since this was last asked. */
enum pace_edge pace_edge(struct pace *pace, int64_t monotonic_ms);

#endif
