/* context: what the making and the reading of a message are told from outside: whose gateway this
 * is, whom it knows, the referral a record belongs to, what else goes along.
 *
 * Given by the callers of message.h, reached through the job by every mapping table. All of it is
 * borrowed for the length of the call. */
#ifndef FHIR_ENTRIES_CONTEXT_H
#define FHIR_ENTRIES_CONTEXT_H

#include <stddef.h>

#include "base/arena.h"
#include "fhir/codes/coding.h"
#include "fhir/json/json.h"
#include "fhir/record/directory.h"

/* The canonical base every gateway starts with; understood whatever our own base is. */
#define MESSAGE_BASE_DEFAULT "https://refgate.invalid/fhir"

struct fhir_context {
    struct arena *arena;
    const struct directory *directory;
    const struct coding *coding;
    const char *base; /* canonical base of our code systems, extensions, events */
    const char *org;  /* our own clinic, or NULL: of several addressed, whether we are one */
    /* Inbound: the partner who was proven to send the message; what it says of people is its claim,
     * and its author is somebody of the sender's clinic or shown as claimed. NULL: a file that
     * somebody maps, whose people are whom the directory has. */
    const char *partner;
    /* UUID in text form for NAME (such as "MessageHeader", "Patient/1"), the same for the same name
     * within one message. The text lives in the arena. */
    const char *(*make_id)(void *maker, struct arena *arena, const char *name);
    void *maker;
    const char *(*endpoint_of)(
        void *maker,
        const char *clinic); /* URL of a clinic's system; NULL: base + /clinic/HANDLE */
};

/* A referral as both sides know it. Numbers are as the side that gave them wrote them. */
struct message_referral {
    const char *placer;        /* handle of the placing clinic */
    const char *number;        /* placer's number = referral_id */
    const char *filler;        /* handle of the filling clinic */
    const char *filler_number; /* NULL until the filler gave one */
    const char *client_number; /* the placer's number of the client, or NULL */
};

struct message_attachment { /* bytes of one attachment of the record, in the record's order */
    const char *base64;
    const char *hash_base64; /* SHA-1 of the bytes, FHIR Attachment.hash */
    long size;
};

struct message_record_options {
    const char *sender; /* handle of the clinic whose record it is, wherever its writer works by
                           now; NULL: the writer's */
    const char *const
        *recipients; /* handles of clinics or people, merged per clinic by the caller */
    size_t recipient_count;
    const struct message_referral *referral; /* the referral a note belongs to; NULL when none */
    const struct json *const *consents;      /* consent records sent along as evidence */
    size_t consent_count;
    const struct message_attachment *attachments;
    size_t attachment_count;
    const char *task_status; /* Task state after this record moved it, or NULL */
    const char *visits_done; /* "3" of "6", or NULL */
    const char *visits_total;
};

#endif
