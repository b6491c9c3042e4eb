/* job: one message being made or read: what every step of it shares.
 *
 * Made on the stack by message_record, message_move and message_read; handed through the entries,
 * the mapping tables and the kinds of field. Everything it points to lives in the arena of the
 * context. One job belongs to one thread. */
#ifndef FHIR_ENTRIES_JOB_H
#define FHIR_ENTRIES_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "fhir/entries/context.h"

struct message_entries; /* fhir/entries/entries.h */
struct message_entry;
struct message_client;
struct people;
struct standing_notes; /* fhir/field/standing.h */
struct choose_roots;   /* fhir/message/choose.c */

/* One message being made or read. */
struct field_job {
    const struct fhir_context *context;
    struct arena *arena; /* of the context */
    struct message_entries *entries;
    struct json *record; /* the local record with its defaults; inbound: as far as it is read */
    const char *kind;    /* of the record: "referral", ... */
    const char *clinic;  /* handle of the clinic that wrote the record */
    struct message_referral referral;
    struct json *main;     /* the main resource of the record */
    struct json *resource; /* the resource at hand: its `contained` takes what a field needs */
    const char *list;      /* outbound: the list whose item is at hand, or NULL */
    size_t index;          /* of that item, 0-based */
    /* outbound */
    const char *target;      /* name of the entry that a Provenance is about */
    const char *giver;       /* name of the entry of who gave a consent */
    struct json *extras;     /* record-field extensions for the main resource, or NULL */
    struct json *labels;     /* meta.security of everything made from the record, or NULL */
    const char *task_status; /* of the referral's Task, or NULL */
    const struct message_record_options *options;
    /* inbound */
    const char *their_base; /* canonical base of the sender, or NULL */
    const struct json *bundle;
    const char *endpoint;   /* of the sender, or NULL */
    const char *their_name; /* of the sender, as it writes it, or NULL */
    const char *to;         /* the clinic that the message is addressed to, or NULL */
    const char *moment;     /* when the message was made, as it says itself, or NULL */
    struct people *people;  /* named so far */
    struct json *claims;    /* list of what the partner says of strangers */
    size_t claim_count;
    struct json *attachments;            /* {file, data, ...} in the record's order, or NULL */
    struct json *move;                   /* what a record's Task says of visits, or NULL */
    const char *partner;                 /* whose claims they are */
    const struct message_entry *visit;   /* the Encounter that the record is of, or NULL */
    const char *standing;                /* of the items read of the resource at hand, or NULL */
    bool keeps_standing;                 /* some item has one */
    bool is_withdrawn;                   /* the order or its Task takes the record back */
    struct standing_notes *notes;        /* of what is no plain fact, or NULL */
    struct choose_roots *roots;          /* of what the record names, or NULL */
    const struct message_client *client; /* NULL: not known yet */
    /* Whether REFERENCE, in the resource of HOLDER, means the client; NULL: not known yet. */
    bool (*is_client)(struct field_job *job, const struct message_entry *holder,
                      const struct json *reference);
};

#endif
