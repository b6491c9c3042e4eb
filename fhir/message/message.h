/* message: which resources each message carries, and the Bundle around them, both ways.
 *
 * Outbound the gateway hands over a checked local record, or a move of a referral's Task, and gets
 * one self-contained message Bundle. Inbound it hands over a parsed Bundle and gets local words
 * back. Profile: docs/wire-profile.md (FHIR R4 4.0.1 messaging). Pure: ids come from a maker, times
 * are arguments; everything made lives in context->arena. */
#ifndef FHIR_MESSAGE_MESSAGE_H
#define FHIR_MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/finding.h"
#include "fhir/entries/context.h"

/* The Bundle of a checked local record. Never fails on a checked record. */
struct json *message_of_record(const struct fhir_context *context, const struct json *record,
                               const struct message_record_options *options);

/* What happens to a referral without a record of its own. */
struct message_move {
    const char *move; /* "accept" "decline" "start" "progress" "hold" "resume" "complete" "fail"
                         "cancel" (before start) "abort" (request) "abort-accept" "abort-decline" */
    struct message_referral referral;
    const char *from, *to;                  /* clinic handles */
    const char *by;                         /* handle of the person, or NULL: the clinic */
    const char *at;                         /* time with offset */
    const char *task_status;                /* R4 Task.status after the move */
    const char *business_status;            /* word, or NULL */
    const char *reason_code;                /* of reasons.csv, or NULL */
    const char *reason;                     /* words beside "other", or without a code; or NULL */
    const char *visits_done, *visits_total; /* for progress; NULL otherwise */
    const char *authored_at;                /* when the referral was written, or NULL */
};
struct json *message_of_move(const struct fhir_context *context, const struct message_move *move);

/* A record of the sender's is taken back: its number and why, and nothing that it said. */
struct message_retraction {
    const char *kind, *number;        /* of the record */
    const char *code;                 /* of reasons.csv */
    struct message_referral referral; /* the one it belongs to; number NULL: none */
    const char *from, *to;            /* clinic handles */
    const char *by;                   /* handle of the person, or NULL: the clinic */
    const char *at;                   /* time with offset */
};
struct json *message_of_retraction(const struct fhir_context *context,
                                   const struct message_retraction *retraction);

struct message_reply {
    const char *answers;       /* MessageHeader.id (or Bundle.id) of the message answered */
    const char *code;          /* ok | transient-error | fatal-error */
    const char *event;         /* event code of the message answered */
    const char *from, *to;     /* clinic handles */
    const char *to_endpoint;   /* source.endpoint of the message answered */
    const char *at;            /* time with offset */
    const struct json *issues; /* list of OperationOutcome.issue, or NULL */
};
struct json *message_of_reply(const struct fhir_context *context,
                              const struct message_reply *reply);

enum message_content {
    MESSAGE_RECORD,
    MESSAGE_MOVE,
    MESSAGE_RECORD_CANCEL,
    MESSAGE_REPLY,
    MESSAGE_RETRACTION,
    MESSAGE_REFUSED /* it says of itself that nothing of it may be filed as a fact */
};

/* What an incoming Bundle says. Texts live in the arena of the context, or are those of the Bundle.
 */
struct message_inbound {
    enum message_content content;
    bool is_by_status;      /* of a move: read from Task.status, no MessageHeader.reason names it */
    const char *message_id; /* MessageHeader.id, else Bundle.id */
    const char *bundle_id;  /* NULL when the Bundle has none */
    const char *event;      /* ours after the alias table; NULL: unknown */
    const char *event_as_sent;
    const char *sender;      /* handle of the sending clinic (NPI first); NULL: unknown */
    const char *sender_name; /* as shown by the sender, for a person to read */
    const char *source_endpoint;
    const char *destination;          /* handle of the clinic addressed, when it can be told */
    struct message_referral referral; /* number NULL when the message concerns none */
    struct json *record;              /* in our words, with `received`; NULL for moves */
    struct message_move move;         /* of MESSAGE_MOVE; also what a record says of the Task */
    const char *retracted_kind;       /* of MESSAGE_RETRACTION; NULL: it is not told */
    const char *retracted_number, *retracted_code;
    /* of MESSAGE_REFUSED: the element, what it says, what would be right */
    const char *refused_at, *refused, *expected;
    const char *set_aside;  /* what went into no field, for its sender; or NULL */
    const char *reply_code; /* of MESSAGE_REPLY */
    const char *reply_to;   /* MessageHeader.id answered */
    const struct json *reply_issues;
    struct json *received;    /* of a move: [{path, system, code, text}] without a word, or NULL */
    struct json *consents;    /* sent along, in local words: evidence, never records; or NULL */
    struct json *attachments; /* {file, media_type, data (base64), hash, size}, or NULL */
    struct json *claims;      /* what it says of people and clinics we do not know, or NULL:
                                 {handle: PARTNER/KEY, kind, name, ...}; decides nothing */
};

/* Reads a message Bundle into local words. Returns false with findings (FHIRPath paths) when the
 * sender must be told that it cannot be processed: no patient identity, neither Task nor
 * ServiceRequest, unknown event or major version, unknown modifierExtension, not a message Bundle.
 */
bool message_read(const struct fhir_context *context, const struct json *bundle,
                  struct message_inbound *ret_inbound, struct finding_list *findings);
/* Copies all that MESSAGE says into ARENA: the Bundle and the memory it was read in can be given
 * up. */
void message_keep(struct arena *arena, struct message_inbound *message);

#endif
