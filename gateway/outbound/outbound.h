/* outbound: the way of what leaves, from a record to a message in the outbox.
 *
 *   record -> check -> release (consent -> grant) -> message -> validate -> OUTBOX -> delivery
 *
 * Left of the outbox is a chain of calls that may be thrown away; right of it are only states that
 * survive a power cut. Every function runs inside a store transaction: as a unit of the writer, or
 * in the simulator. The way of what arrives is receive.h's. */
#ifndef GATEWAY_OUTBOUND_OUTBOUND_H
#define GATEWAY_OUTBOUND_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"
#include "fhir/record/record.h"
#include "fhir/validate/validate.h"
#include "gateway/referral/track.h"
#include "gateway/runtime/fault.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

/* What every step of a transaction needs. */
struct flow {
    const struct setup *setup;
    struct store *store;
    struct arena *arena;
    int64_t now_ms;
    struct validator
        *validator; /* of the thread that writes; NULL: messages are not checked again */
};

/* ---- outward ---- */

enum flow_answer {
    FLOW_ACCEPTED, /* on its way, or waiting in the tray, for each recipient */
    FLOW_KNOWN,    /* the same record was accepted before: nothing to do */
    FLOW_REFUSED   /* see the findings */
};

struct flow_recipient {
    const char *clinic;
    bool is_queued;
    const char *reason; /* why it waits */
};

struct flow_report {
    enum flow_answer answer;
    struct flow_recipient *recipients;
    size_t count;
    struct finding_list warnings; /* of an accepted one: worth a second look, kept nothing back */
};

/* What flow_send would find wrong with a record, without taking it: false with all findings. */
bool flow_check(const struct flow *flow, const struct record *record,
                struct finding_list *findings);
/* Takes one local record of our clinic, as read (record_read). ATTACHMENTS: the JSON list made by
 * attachment_load, or NULL. */
struct flow_report flow_send(const struct flow *flow, const struct record *record,
                             const struct json *attachments, struct finding_list *findings);
/* A person says that a record that waits is about the client of its referral. NUMBER: of its row in
 * the tray, or its record_id. BY: who says so. What became of it then, for each recipient. */
bool flow_confirm(const struct flow *flow, const char *number, const char *by,
                  struct flow_report *ret_report, struct fault *ret_fault);
/* Why the record of this row of the tray waits, beside consent and partner: its referral does not
 * stand so that it may go, or its client is in doubt. NULL: neither. Changes nothing. */
const char *flow_hold(const struct flow *flow, const struct store_release *waiting);
/* What a person decides about a received record that contradicts the client of its referral. */
enum flow_match {
    FLOW_ATTACH,     /* it is about that client: it belongs to the referral */
    FLOW_KEEP_APART, /* it belongs to nobody here */
    FLOW_RETURN      /* the same, and its sender is told */
};

/* ID: the number of the record, or its record_id. An attached one may be kept apart again, and the
 * other way round; a returned one stays returned. */
bool flow_match(const struct flow *flow, const char *id, enum flow_match decision, const char *by,
                struct store_record *ret_record, struct fault *ret_fault);
/* Finds one of the list, whatever was decided about it. */
bool flow_find_match(const struct flow *flow, const char *id, struct store_match *ret_match,
                     struct store_record *ret_record, struct fault *ret_fault);
/* Makes a move of our side of a referral and tells the partner. ID: the placer's number, the
 * filler's, or `clinic:number`. */
bool flow_move(const struct flow *flow, const char *id, const char *word,
               const struct track_details *details, struct store_referral *ret_referral,
               struct fault *ret_fault);
/* Takes back a record of ours: whatever waits of it is dropped, and each clinic that got it, or may
 * have, is told. Once done it is final; done again (answer FLOW_KNOWN), those are told that could
 * not be before. */
struct flow_retraction {
    enum flow_answer answer;
    const char *kind, *number, *code;
    struct flow_recipient *recipients; /* is_queued: told; else the reason why not */
    size_t count;
};
bool flow_retract(const struct flow *flow, const char *id, const char *code, const char *by,
                  struct flow_retraction *ret_retraction, struct fault *ret_fault);
/* The referral that a person means by ID. */
bool flow_find_referral(const struct flow *flow, const char *id,
                        struct store_referral *ret_referral, struct fault *ret_fault);
/* The one that a person means who makes the move WORD: a number that we use ourselves may be a
 * partner's, too, and then only one of the two can be accepted. */
bool flow_find_to_move(const struct flow *flow, const char *id, const char *word,
                       struct store_referral *ret_referral, struct fault *ret_fault);
/* A person (BY) gives up a message that waits, and with it what stands upon it (sequence.h). A
 * referral that may have arrived is cancelled at the partner, too. */
bool flow_give_up(const struct flow *flow, struct store_message *message, const char *by,
                  const char *reason, struct fault *ret_fault);
/* A person sends a message again, unchanged; a referral that was given up is placed again. False
 * when its move no longer stands here. */
bool flow_resend(const struct flow *flow, struct store_message *message, const char *reason,
                 struct fault *ret_fault);
/* A person sends on a message whose partner was removed: withdrawn, and made anew for whoever
 * serves the clinic now; a record for which that may not be, or nobody, waits in the tray. False
 * when it is a move for which nobody is there, and it is as it was. */
bool flow_resend_elsewhere(const struct flow *flow, struct store_message *message,
                           bool *ret_is_queued, struct fault *ret_fault);
/* Consents, partners or the date have changed: releases what may now go, stops what may not. CLIENT
 * NULL: everybody. Returns how many messages were queued. */
size_t flow_reconsider(const struct flow *flow, const char *client);
/* The same for those clients of whom something may go from now on: a consent that was dated ahead
 * of the clock comes into force. */
size_t flow_reconsider_due(const struct flow *flow);
/* Takes records of ours out of the tray for good. NUMBER: of a row in the tray, or a record_id,
 * which means its rows for all recipients. BY: who decided; REASON: why, or NULL. A referral that
 * was never sent is cancelled with it. False with the fault when nothing of this number waits;
 * *ret_count: how many rows. */
bool flow_drop(const struct flow *flow, const char *number, const char *by, const char *reason,
               size_t *ret_count, struct fault *ret_fault);

/* ---- around an attempt to send (attempt.h) ---- */

/* WITHDRAWN is made anew for whoever may have it now, and takes its turn. False: it waits. */
bool flow_make_anew(const struct flow *flow, const struct store_message *withdrawn);
/* MESSAGE is a move that waits for a partner which no longer serves its clinic: withdrawn, and
 * queued anew for the one that does. False: it is nothing of the kind, and as it was. */
bool flow_follow(const struct flow *flow, struct store_message *message);
/* After a message was taken back: tells the partner, by status alone, what it would have said of a
 * Task. */
void flow_tell_instead(const struct flow *flow, const struct store_message *withdrawn);

#endif
