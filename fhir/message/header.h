/* header: MessageHeader and the Bundle around a message, outbound. */
#ifndef FHIR_MESSAGE_HEADER_H
#define FHIR_MESSAGE_HEADER_H

#include "fhir/field/field.h"

struct message_envelope {
    const char *event;
    const char *from;              /* handle of the sending clinic */
    const char *author;            /* handle of a person, told in full; or NULL */
    const char *actor;             /* the same, told by the handle alone; or NULL */
    const char *at;                /* time with offset */
    const char *const *recipients; /* handles of clinics or people */
    size_t recipient_count;
    const char *to_endpoint; /* of the only recipient, when it is known better than by its handle */
    const char *reason;      /* code of why it is sent, or NULL */
    const char *reason_system; /* under the base; NULL: MOVE_SYSTEM */
};

/* Starts the Bundle of JOB: its first entry is the MessageHeader, still empty. */
struct json *header_start(struct field_job *job);
/* Writes the MessageHeader. FOCUS: names of entries, ended by NULL. */
void header_write(struct field_job *job, struct json *header,
                  const struct message_envelope *envelope, const char *const *focus);
/* The Bundle of all entries. */
struct json *header_bundle(struct field_job *job, const char *at);

/* Moves of a referral's Task, as MessageHeader.reason tells them (base/CodeSystem/move). */
#define MOVE_SYSTEM "/CodeSystem/move"

#endif
