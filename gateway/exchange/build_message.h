/* build_message: the one place where a record becomes its message, so that `map` prints what `send`
 * sends.
 *
 * Called by flow_send inside a transaction and by the map command without a store. Pure but for the
 * setup. */
#ifndef GATEWAY_EXCHANGE_BUILD_MESSAGE_H
#define GATEWAY_EXCHANGE_BUILD_MESSAGE_H

#include "base/arena.h"
#include "fhir/message/message.h"
#include "gateway/setup/setup.h"

struct compose_item {
    const struct json *record;     /* checked, defaults filled */
    const char *sender;            /* clinic of written_by */
    const char *const *recipients; /* handles */
    size_t recipient_count;
    const char *clinics; /* their clinics, separated by ';': part of the message's identity */
    const struct message_referral *referral; /* the one a note belongs to, or NULL */
    long visits_total;                       /* of that referral; 0: unknown */
    const struct json *consent;              /* evidence, or NULL */
    const struct json *attachments;          /* list of attachment_load, or NULL */
    int64_t taken_back; /* how often the message was taken back from the queue before */
};

struct json *compose_record(const struct setup *setup, struct arena *arena,
                            const struct compose_item *item);

#endif
