/* kind: what each kind of record is on the wire: its main resource, parts, event and Task.
 * Constant tables, walked outbound by message/record.c and inbound by message/read.c. */
#ifndef FHIR_MESSAGE_KIND_H
#define FHIR_MESSAGE_KIND_H

#include "fhir/map/map.h"

enum message_task {
    MESSAGE_TASK_NEVER,
    MESSAGE_TASK_MOVED, /* when the record moved the referral */
    MESSAGE_TASK_ALWAYS
};

struct message_kind {
    const char *kind;         /* "referral" */
    const char *type;         /* of the main resource */
    const char *name;         /* of its entry */
    const struct field *rows; /* of the main resource */
    const struct map_part *parts;
    const char *event, *event_corrected;
    const char *event_cancelled; /* or NULL */
    enum message_task task;
    const char *task_status;   /* when the caller gives none, or NULL */
    bool is_task_first;        /* the focus is the Task alone */
    const char *evidence_link; /* path for references to consents sent along, or NULL */
    /* Outbound, before the main resource is filled. NULL: nothing. */
    void (*prepare)(struct field_job *job);
    /* When all parts are written, and when all are read. NULL: nothing more. */
    void (*finish)(struct field_job *job);
    void (*finish_reading)(struct field_job *job);
};

/* NULL: no such kind. */
const struct message_kind *message_kind_find(const char *kind);

#endif
