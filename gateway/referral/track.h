/* track: where each referral stands, and which moves are possible from there (track.def).
 *
 * Called by flow.c inside a transaction of the store, for our own moves and for the partner's. A
 * move changes the referral row and adds a line to its track in the same transaction. Pure but for
 * the store handed in. */
#ifndef GATEWAY_REFERRAL_TRACK_H
#define GATEWAY_REFERRAL_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "fhir/json/json.h"
#include "gateway/runtime/fault.h"
#include "gateway/store/store.h"

enum track_side { TRACK_PLACER, TRACK_FILLER };
enum track_reason { TRACK_REASON_NONE, TRACK_REASON_MAY, TRACK_REASON_MUST };
/* What a move's message is to those behind it (track.def). */
enum track_bond { TRACK_ALONE, TRACK_CARRIES, TRACK_ASKS };

struct track_move {
    const char *word;
    enum track_side who;
    const char *from; /* Task states, separated by spaces */
    const char *to;   /* "": stays */
    enum track_bond bond;
    enum track_reason reason; /* does whoever makes it give one? */
    const char *sentence;
};

/* What a move says beside its word; NULL and 0 where it says nothing. */
struct track_details {
    const char *by;          /* handle, or a user (actor.h) */
    const char *reason_code; /* of reasons.csv */
    const char *reason;      /* words beside "other", a partner's without a code; of a note: why */
    const char *business_status;
    int64_t visits_done, visits_total;
    int64_t message; /* row of the message that carried it; 0 for none */
    int64_t at_ms;
};

const struct track_move *track_find(const char *word);
/* The word of `refgate referrals` for it; NULL: it is not made by command. */
const char *track_command(const struct track_move *move);
/* The move by which WHO brings a Task from FROM to TO; NULL when there is none. */
const struct track_move *track_between(enum track_side who, const char *from, const char *to);
/* The move of the same side that must have come before MOVE, when the Task still is FROM: who says
 * no more than Task.status may leave it out. NULL: MOVE is possible at once, or by no one move. */
const struct track_move *track_implied(const struct track_move *move, const char *from);
/* Can the same side, behind MADE, have brought the Task to TO? */
bool track_leads_on(const struct track_move *made, const char *to);
bool track_is_over(const char *task_status);
/* Our side of a referral, and the other one. */
enum track_side track_ours(const struct store_referral *referral);
/* Is the move possible now? On false *ret_fault says what can be done instead. */
bool track_allows(const struct track_move *move, enum track_side who,
                  const struct store_referral *referral, struct arena *arena,
                  struct fault *ret_fault);
/* Makes the move: changes *referral and its row, adds a line to the track. Call track_allows first.
 */
void track_apply(struct store *store, struct store_referral *referral,
                 const struct track_move *move, const struct track_details *details,
                 struct arena *arena);
/* Counts beyond this are no counts of visits; what a partner says of such is not taken. */
enum { TRACK_VISITS_MAX = 999 };
/* Makes a move that only follows from what was said: TOLD, a Task state. */
void track_imply(struct store *store, struct store_referral *referral,
                 const struct track_move *implied, const char *told,
                 const struct track_details *details, struct arena *arena);
/* RECORD corrects what was asked for: lists and overdue dates go by it from now on. The caller
 * writes the row. */
void track_correct(struct store_referral *referral, const struct json *record);
/* Visits that a note or discharge says were kept; the referral's count only grows. */
void track_count_visits(struct store *store, struct store_referral *referral,
                        const struct json *record);
/* A line without a move, such as "progress-note sent". */
void track_note(struct store *store, int64_t referral, const char *what,
                const struct track_details *details);
/* A cancel that the filler has not confirmed: the state it was made in, else NULL. The filler may
 * have started meanwhile; then its word stands, and the cancel is undone. */
const char *track_unconfirmed_cancel(const struct store_referral *referral, struct arena *arena);
/* Their accept crossed our cancel: it counts if the cancel is refused. */
void track_accept_behind_cancel(struct store *store, struct store_referral *referral,
                                const struct track_details *details, struct arena *arena);
/* What became of our cancel at the filler's: confirmed, or refused (then the referral stands as
 * before). */
void track_cancel_answered(struct store *store, struct store_referral *referral, bool is_confirmed,
                           const struct track_details *details, struct arena *arena);
/* Where a referral stands, as one text, and putting it back there: a move of ours was given up that
 * the partner never took. */
const char *track_standing(struct arena *arena, const struct store_referral *referral);
void track_put_back(struct store *store, struct store_referral *referral, const char *standing,
                    const struct track_details *details, struct arena *arena);
/* The placer has asked to stop what had begun, and has no answer yet. */
bool track_is_stop_asked(const struct store_referral *referral);
/* The one list a referral stands in: "to answer", "waiting for an answer", "to start", "under way",
 * "on hold", "not sent yet", "closed". */
const char *track_list(const struct store_referral *referral);
/* All of them, each once. */
const char *const *track_lists(size_t *ret_count);

#endif
