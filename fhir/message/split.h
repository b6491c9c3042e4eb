/* split: which resource of a received Bundle is what. */
#ifndef FHIR_MESSAGE_SPLIT_H
#define FHIR_MESSAGE_SPLIT_H

#include "fhir/message/client.h"

struct message_split {
    struct json *header;
    struct message_entry *task;  /* the referral's Task, or NULL */
    struct message_entry *abort; /* a Task with code abort, or NULL */
    struct message_entry *order; /* ServiceRequest, or NULL */
    struct message_entry *main;  /* main resource of a record, or NULL: the Bundle holds none */
    struct message_client client;
    const char *kind; /* of record; NULL: none */
};

/* Sorts the entries of the indexed Bundle of JOB. EVENT: ours, for what content leaves open. */
struct message_split split_message(struct field_job *job, struct json *header, const char *event);
/* What the header's focus names more than once, of what a message may be about: "ServiceRequest";
 * NULL: nothing. */
const char *split_repeated(struct field_job *job, const struct message_split *split);
/* Takes the numbers of the referral and its two sides from Task, ServiceRequest and references. */
void split_referral(struct field_job *job, const struct message_split *split, const char *sender);

#endif
