/* client: who the client of a received message is, and which of its resources are about
 * them.
 *
 * The client is whom the subject of the record (else of the order, else of the Task) means: an
 * entry, a contained Patient, a number, or somebody outside the message; never just any Patient of
 * the Bundle. What says that it is about somebody else, a Group, or nobody known, is not the
 * client's. Used by message_split, message_record_read and message_choose while a message is read.
 * Lives in the arena of the job. */
#ifndef FHIR_MESSAGE_CLIENT_H
#define FHIR_MESSAGE_CLIENT_H

#include "fhir/entries/entries.h"

struct message_client {
    struct message_entry *entry;  /* of the Patient, contained ones too; NULL: not in the message */
    const struct json *reference; /* what named the client; NULL: nothing did */
    const struct json *container; /* the resource in which the reference stands */
};

enum client_whose {
    CLIENT_THEIRS,
    CLIENT_UNSAID,  /* it has no subject */
    CLIENT_ANOTHER, /* somebody else's, a Group's, a thing's */
    CLIENT_UNKNOWN  /* its subject is not in the message and not named as the client is */
};

/* PLACES: main resource, order, Task, in this order; NULL where there is none. */
enum { CLIENT_PLACES = 3 };
struct message_client client_of(struct field_job *job,
                                const struct message_entry *const places[CLIENT_PLACES]);

/* The subject of a resource (subject, patient, for, beneficiary), or NULL. */
struct json *client_subject(const struct json *resource);
enum client_whose client_whose(struct field_job *job, const struct message_client *client,
                               const struct message_entry *entry);
/* Whether both References, each from its resource, mean one person as far as can be told. */
bool client_is_one(struct field_job *job, const struct message_client *one,
                   const struct message_client *other);
/* The same for one Reference that HOLDER has. */
enum client_whose client_of_reference(struct field_job *job, const struct message_client *client,
                                      const struct message_entry *holder,
                                      const struct json *reference);
/* Whether the Patient of an entry is the client. */
bool client_is_of(struct field_job *job, const struct message_client *client,
                  struct message_entry *patient);
/* "Patient/p2", a number or a name: what ENTRY says that it is about. */
const char *client_named(struct field_job *job, const struct message_entry *entry);
/* Of the job's client: for the tables, which do not know how a client is told. */
bool client_is_meant(struct field_job *job, const struct message_entry *holder,
                     const struct json *reference);

#endif
