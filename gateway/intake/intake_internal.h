/* intake_internal: what the files of the drop folder share: intake/drop_folder.c, which looks at
 * each file and takes the records, intake/document.c, which knows the files that they attach, and
 * intake/mark.c, which remembers those that have served. One thread at a time. */
#ifndef GATEWAY_INTAKE_INTAKE_INTERNAL_H
#define GATEWAY_INTAKE_INTAKE_INTERNAL_H

#include <stdint.h>

#include "gateway/intake/intake.h"
#include "gateway/runtime/file.h"

enum look { LOOK_NOT_YET, LOOK_RECORD, LOOK_DOCUMENT };

enum went { WENT_NOWHERE, WENT_SENT, WENT_REFUSED };

struct seen { /* a file as it looked last time */
    char *name;
    struct file_identity as;
    long long changed_ns; /* it came here, or was written since: by the clock of the file system */
    int64_t since_ms;     /* monotonic */
    int64_t unchanged_ms; /* -1: it has just changed */
    enum look look;
    bool is_there;       /* in this sweep */
    bool is_wanted;      /* in this sweep: by a record that stays */
    enum went after;     /* where its record went; WENT_NOWHERE: none came yet */
    int64_t used_ms;     /* when the first was taken, monotonic */
    long long marked_ns; /* that, by the clock of the file system; 0: it has no mark */
    bool is_from_before; /* it served before this service ran: only marked_ns is right */
    bool is_told;        /* that no record names it */
    char *faults;        /* of a record that waits: what else is wrong with it; NULL: not looked */
};

struct intake {
    struct seen *files;
    size_t count, room;
};

struct sweep {
    struct intake *intake;
    const struct office *office;
    struct arena *arena; /* of one file */
    const char *out, *sent, *refused;
    int64_t now_ms; /* monotonic */
    size_t dealt_with;
    int64_t pending_since_ms; /* of the oldest file that cannot be read yet, and may be a record
                               * that names any document; INT64_MAX: none */
};

/* ---- intake/drop_folder.c ---- */

/* The file of this name as it looked; NULL: there is none, or none that a sweep looks at. */
struct seen *intake_find(struct intake *intake, const char *name);
/* Moves the file to records/sent or records/refused, under a name that is free there. False: it
 * stays, because it cannot be moved, or is not the one that was looked at. */
bool intake_move(const struct sweep *sweep, const struct seen *seen, enum went where);
/* Of a name that no sweep looks at. */
bool intake_is_left_alone(const char *name);
/* SEEN cannot be read yet. */
void intake_pending(struct sweep *sweep, const struct seen *seen);

/* ---- intake/document.c ---- */

/* It has not changed for drop_settle_ms. */
bool intake_is_settled(const struct sweep *sweep, const struct seen *seen);
/* Whether a file is a record, by its name, else by how it begins. */
enum look intake_look_of(const struct sweep *sweep, const char *name);
/* Some file that RECORDS, which stand in the file SEEN, attach is not there yet: they wait for it
 * together, and say so, with what else is wrong in TEXT. False once they waited long enough: then
 * each record is refused. */
bool intake_waits(struct sweep *sweep, struct seen *seen, const struct record_list *records,
                  const char *text, size_t length);
/* The records of the file SEEN stay in the folder for now, and so does what they attach. */
void intake_stay(struct sweep *sweep, const struct seen *seen, const struct record_list *records);
/* What RECORDS attach is marked before they are taken. False: it cannot be, and they must wait. */
bool intake_mark(struct sweep *sweep, const struct record_list *records);
/* They were not taken. */
void intake_unmark(struct sweep *sweep, const struct record_list *records);
/* What they attached follows them: by REPORT to records/sent or to records/refused. */
void intake_use(struct sweep *sweep, const struct record_list *records,
                const struct intake_report *report);
/* Some of TEXT was refused, perhaps because it cannot be read: documents that stand in it, and that
 * no other record had, go to records/refused. */
void intake_use_refused(struct sweep *sweep, const char *text, size_t length);
/* What becomes of a file that is no record, when all records were looked at. */
void intake_settle_document(struct sweep *sweep, struct seen *seen);

/* ---- intake/mark.c ---- */

/* False: the folder cannot be written. */
bool intake_mark_write(const struct sweep *sweep, struct seen *seen);
/* Of a document that this service sees for the first time: what an earlier one knew of it. */
void intake_mark_read(const struct sweep *sweep, struct seen *seen);
void intake_mark_end(const struct sweep *sweep, struct seen *seen);
/* Whether NAME is a mark; one whose document has gone goes. */
bool intake_mark_tidy(const struct sweep *sweep, const char *name);

#endif
