/* intake_parts: what the files of the drop folder share: intake_folder.c, which looks at each file
 * and takes the records, and intake_document.c, which knows the files that they attach. One thread
 * at a time. */
#ifndef GATEWAY_INTAKE_PARTS_H
#define GATEWAY_INTAKE_PARTS_H

#include <stdint.h>

#include "gateway/intake.h"

enum look { LOOK_NOT_YET, LOOK_RECORD, LOOK_DOCUMENT };

struct seen { /* a file as it looked last time */
    char *name;
    long long size, modified_ns;
    unsigned long long inode;
    int64_t since_ms;     /* monotonic */
    int64_t unchanged_ms; /* -1: it has just changed */
    enum look look;
    bool is_there;  /* in this sweep */
    bool is_wanted; /* in this sweep: by a record that stays */
    bool is_used;   /* by a record that was taken */
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
    bool is_pending; /* a record stays for now; it may name any document */
};

/* ---- intake_folder.c ---- */

/* The file of this name as it looked; NULL: there is none, or none that a sweep looks at. */
struct seen *intake_find(struct intake *intake, const char *name);
void intake_move_to_sent(const struct sweep *sweep, const char *name);

/* ---- intake_document.c ---- */

/* It has not changed for drop_settle_ms. */
bool intake_is_settled(const struct sweep *sweep, const struct seen *seen);
/* Whether a file is a record, by its name, else by how it begins. */
enum look intake_look_of(const struct sweep *sweep, const char *name);
/* Some file that RECORDS, which stand in the file NAME, attach is not there yet: they wait for it
 * together, and say so. False once they waited long enough: then each record is refused. */
bool intake_waits(struct sweep *sweep, const char *name, const struct record_list *records,
                  int64_t unchanged_ms);
/* The records stay in the folder for now, and so does what they attach. */
void intake_stay(struct sweep *sweep, const struct record_list *records);
/* The attachments of those that REPORT says were taken have done their work. */
void intake_use(struct sweep *sweep, const struct record_list *records,
                const struct intake_report *report);
/* What becomes of a file that is no record, when all records were looked at. */
void intake_settle_document(struct sweep *sweep, struct seen *seen);

#endif
