/* outbound_internal: what the files of the flow share. Not for anyone else. */
#ifndef GATEWAY_OUTBOUND_OUTBOUND_INTERNAL_H
#define GATEWAY_OUTBOUND_OUTBOUND_INTERNAL_H

#include "fhir/message/message.h"
#include "gateway/outbound/outbound.h"
#include "gateway/outbound/release.h"

enum { FLOW_AHEAD_MAX_MS = 5 * 60 * 1000 }; /* a record may be dated so far ahead of our clock */

/* Finds referrals in the store for record checks, and remembers the last one found. */
struct flow_lookup {
    const struct flow *flow;
    struct record_referrals referrals; /* hand this to record_check */
    struct record_referral found;      /* the last one; number NULL: none */
};
struct flow_lookup *flow_lookup_new(const struct flow *flow);

/* The referral that PLACER gave this number, or that a record of this number corrected. */
bool flow_find_placed(const struct flow *flow, const char *placer, const char *number,
                      struct store_referral *ret_referral);

/* Those that a person may mean by ID ("R-1", "lakeside:R-1"). */
size_t flow_referrals_called(const struct flow *flow, const char *id,
                             struct store_referral **ret_referrals);

/* Why a record of ours may be about another client than REFERRAL (id 0: none) and those it names as
 * related; NULL: nothing contradicts. */
const char *flow_doubt(const struct flow *flow, const struct json *record,
                       const struct store_referral *referral);

/* Whether the number of a consent's client may be a slip: it is another person's here, or nobody's
 * while one of this name and birth date has another; of a withdrawal or refusal also that it ends
 * nothing. */
void flow_warn_client(const struct flow *flow, const struct json *consent,
                      struct finding_list *warnings);
/* What is worth a second look in a right record; REFERRAL: the one it belongs to (id 0: none). */
struct finding_list flow_warnings(const struct flow *flow, const struct record *record,
                                  const struct record_rules *rules,
                                  const struct store_referral *referral);

/* True when the Bundle is what we would take ourselves and what PARTNER asked for; else *ret_reason
 * says what is wrong with it. */
bool flow_is_valid(const struct flow *flow, const char *partner, const struct json *bundle,
                   const char **ret_reason);
/* A referral as messages name it. */
struct message_referral flow_message_referral(const struct store_referral *referral);
/* Queues the message that tells the partner of a move (after track_apply). False when the partner
 * is no longer admitted: nothing is sent, the fault says why. MOVED_FROM: where the referral stood
 * before (track_standing), if it may be put back there; else NULL. */
bool flow_tell(const struct flow *flow, const struct store_referral *referral, const char *word,
               const struct track_details *details, const char *moved_from,
               struct fault *ret_fault);

/* What a note or discharge of ours does to the Task of the referral that we fill; NULL: nothing. */
const struct track_move *flow_note_move(const struct json *record,
                                        const struct store_referral *referral);
/* Makes that move, when it is possible now, and counts the visits. Returns it, or NULL. */
const struct track_move *flow_move_by_note(const struct flow *flow, const struct json *record,
                                           struct store_referral *referral);
/* When the note itself must wait for everybody, the partner still learns that the Task moved: ids,
 * status and count need no consent of their own. */
void flow_tell_move_alone(const struct flow *flow, const struct json *record,
                          const struct store_referral *referral, const struct track_move *move,
                          const struct flow_report *report);

/* A record row made ready for release again and again. One that cannot be read has no tree: it
 * waits, and flow_decide says so. */
struct flow_loaded {
    struct store_record row;
    const struct json *tree;
    struct store_referral referral; /* id 0: none */
    const char *doubt;              /* that it is about the referral's client; NULL: none */
    int64_t turn;                   /* that its message takes (outbox.h) */
    bool is_held;                   /* the message is kept back until a person says */
};
bool flow_load(const struct flow *flow, int64_t record, struct flow_loaded *ret_loaded);
/* Decides one tray row now and notes the outcome in it; the caller writes it. True when the message
 * was queued. */
bool flow_decide(const struct flow *flow, struct flow_loaded *loaded,
                 const struct release_consents *consents, struct store_release *release);
/* The row that NUMBER is, of those WAITING; 0: none, so that it is a record's. */
int64_t flow_tray_row(const struct store_release *waiting, size_t count, const char *number);
/* What waits in the tray or the queue of the record numbered NUMBER, of the same kind and client,
 * is dropped: CORRECTION takes its place. */
void flow_drop_replaced(const struct flow *flow, const struct store_record *correction,
                        const char *number);
/* The number of a record of ours that came before ROW and already takes its place; NULL: none. */
const char *flow_correction_of(const struct flow *flow, const struct store_record *row);
/* A fresh tray row of such a record. */
void flow_drop_corrected(const struct flow *flow, const struct store_record *row,
                         const char *correction, struct store_release *release);

/* The referral is with PARTNER, which serves its clinic now. */
void flow_note_partner(const struct flow *flow, const struct store_referral *referral,
                       const char *partner);

#endif
