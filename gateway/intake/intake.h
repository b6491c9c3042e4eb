/* intake: takes the clinic's own records, from the drop folder records/out and from `send`.
 *
 * A text is read, each record of it is handed to the outward chain in a transaction of its own, and
 * the file ends in records/sent or, with NAME.why.txt beside it, in records/refused. Of CSV and
 * NDJSON the good rows go and only the bad ones are refused. A crash between the commit and the
 * move is harmless: the same record again is known. Blocking: runs on a pool thread or in a
 * command. */
#ifndef GATEWAY_INTAKE_INTAKE_H
#define GATEWAY_INTAKE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/finding.h"
#include "gateway/data_folder/data_folder.h"
#include "gateway/exchange/attachment.h"
#include "gateway/outbound/outbound.h"

struct intake_record {         /* what became of one record */
    const char *kind, *number; /* NULL when they could not be read */
    int row;
    struct flow_report report;
};

struct intake_report {
    struct intake_record *items;
    size_t count, room;
    size_t refused;
    struct fault fault; /* of the store: nothing more was taken */
};

/* Takes every record of TEXT. FOLDER: where its attachments lie; once it says has_changed, nothing
 * more was taken. NOW_MS: the present. */
struct intake_report intake_take(const struct office *office, struct arena *arena, const char *name,
                                 const char *text, size_t length, struct attachment_folder *folder,
                                 int64_t now_ms, struct finding_list *findings);

/* What intake_take would find wrong with TEXT beside its attachments; takes nothing. */
void intake_check(const struct office *office, struct arena *arena, const char *name,
                  const char *text, size_t length, int64_t now_ms, struct finding_list *findings);

struct intake; /* the drop folder's memory: which file looked how, since when */

/* NULL without memory. For one thread at a time. */
struct intake *intake_new(void);
void intake_free(struct intake *intake);
/* Looks once at records/out and takes what has settled. Returns how many files it dealt with. */
size_t intake_sweep(struct intake *intake, const struct office *office);

#endif
