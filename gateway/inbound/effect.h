/* effect: what a partner's message changes here: a referral arrives, a Task moves, a note is filed.
 *
 * A note about another client than its referral moves the Task, so that both sides agree, and is
 * kept apart from the referral until a person matches it (outbound/match.c).
 *
 * Called by inbox.c inside the transaction: first check (reads only), then, when nothing stands
 * against it, apply (writes). A message that is refused has no effect, and its refusal is what is
 * answered. One thing is kept of it: a cancel of a referral that never came is remembered, because
 * a copy of that referral may still be on its way (its sender gave it up and took it back). When it
 * comes it is filed as cancelled, and is nobody's work. A retraction of a record that never came is
 * kept in mind likewise, and is no fault. */
#ifndef GATEWAY_INBOUND_EFFECT_H
#define GATEWAY_INBOUND_EFFECT_H

#include "gateway/inbound/inbox.h"
#include "gateway/referral/track.h"

/* What check found out and apply needs. */
struct effect {
    struct store_referral referral;   /* id 0: none */
    const struct track_move *move;    /* NULL: the Task does not move */
    const struct track_move *implied; /* made first, though nobody said so; or NULL */
    struct track_details details;
    const char *kind;              /* of the record, or the move's word */
    bool is_behind_cancel;         /* an accept that crossed our cancel */
    bool is_known_record;          /* filed before with the same content: nothing to do */
    bool is_early_cancel;          /* of a referral that never came: refused, and kept in mind */
    bool is_cancelled;             /* a referral that was cancelled before it came */
    struct store_record retracted; /* what a retraction is about; id 0: nothing that is here */
    const char *contradiction;     /* about another client than its referral: for a person here */
    const char *contradicted;      /* the field, for its sender */
    int64_t to_match;              /* the referral contradicted */
    bool corrects_client; /* a referral is about somebody else than its placer said first */
    struct store_message returned; /* a record of ours that they give back; id 0: none */
};

/* False, with the fault that is answered, when something stands against it. */
bool effect_check(struct store *store, const struct inbox_item *item, struct effect *ret_effect,
                  struct fault *ret_fault);
/* MESSAGE: its id is set, it is added afterwards; its referral is filled in. */
void effect_apply(struct store *store, const struct inbox_item *item, struct effect *effect,
                  struct store_message *message);
/* Of a message that is refused. */
void effect_remember(struct store *store, const struct inbox_item *item,
                     const struct effect *effect);

#endif
