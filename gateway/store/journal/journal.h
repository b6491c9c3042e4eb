/* journal: append-only files of what was promised: payloads, and beside them the changes of rows.
 *
 * Who uses it: the store alone (sqlite/commit.c), on the store's thread. Bytes gather in memory as
 * a group; journal_sync writes the group with one write and one fdatasync: from then on it is
 * durable, and only then may anyone be told. The rows themselves are in the database, which may lag
 * behind and is brought up to date from here after a crash (journal_next).
 *
 * On disk: FOLDER/NNNNNNNN, one file a segment of about 64 MB, space reserved ahead. A segment
 * starts with the journal's id and its own number. A group is a header, its payloads and its
 * changes; every payload has its own checksum, the header's covers the changes and is chained to
 * the group before it, so that a torn group, a group of another journal or a left-over of an
 * earlier life never counts. A payload is found by its position: segment << 32 | offset. */
#ifndef GATEWAY_STORE_JOURNAL_JOURNAL_H
#define GATEWAY_STORE_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct journal;

/* Between two groups: all before it is known to be whole. */
struct journal_place {
    uint32_t segment; /* 0: a journal that was never written */
    uint64_t offset;
    uint64_t chain; /* checksum of the group before */
    uint64_t last;  /* offset of that group; 0: it is in the segment before, or there is none */
};

enum journal_result {
    JOURNAL_DONE,
    JOURNAL_END,   /* journal_next: no whole group follows */
    JOURNAL_FULL,  /* no space; nothing was promised, it may be tried again */
    JOURNAL_BROKEN /* an input or output error, or what must be there is missing */
};

/* FOLDER need not exist. ID tells this journal's files from any other's. Nothing is opened yet. */
struct journal *journal_new(const char *folder, uint64_t id);
void journal_free(struct journal *journal);
/* For tests and the simulator: a segment counts as full at BYTES. */
void journal_turn_at(struct journal *journal, uint64_t bytes);
uint64_t journal_id(const struct journal *journal);
/* What the system said last, for a person; lives in the journal. */
const char *journal_error(const struct journal *journal);

/* ---- after a start: what follows PLACE ---- */

struct journal_group {
    const unsigned char *changes; /* valid until the next call */
    size_t length;
};
/* Puts the reading end at PLACE. JOURNAL_BROKEN when its segment is missing, too short or
 * another's, or when the group that ends there is not the one that PLACE was made of. */
enum journal_result journal_seek(struct journal *journal, const struct journal_place *place);
/* JOURNAL_BROKEN when there is damage: something that is not whole with whole groups behind it. */
enum journal_result journal_next(struct journal *journal, struct journal_group *ret_group);
/* Writes the group that journal_next gave once more and syncs it: after a sync that failed it may
 * be in memory only, although it can be read. */
enum journal_result journal_secure(struct journal *journal);
/* After JOURNAL_END: a group stands there that was begun and never promised. */
bool journal_is_torn(const struct journal *journal);
/* Where the reading end stands, which is where writing would go on. */
struct journal_place journal_end(const struct journal *journal);

/* After JOURNAL_BROKEN: what stands behind the reading end is given up, whatever it is. */
enum journal_result journal_give_up(struct journal *journal);
/* The same where not even the reading end is there: the journal goes on in a new file. */
enum journal_result journal_go_on(struct journal *journal);

/* ---- writing ---- */

/* Makes the journal ready to write behind its reading end (a new journal: makes the first segment);
 * what lies behind is cut off. */
enum journal_result journal_start(struct journal *journal);
/* Adds a payload to the group; returns its position. SHA256 of it, when it is known, saves summing
 * it up again; NULL: it is not. A group of payloads that are all read SELDOM is written past the
 * page cache. */
int64_t journal_put(struct journal *journal, const void *bytes, size_t length,
                    const unsigned char *sha256, bool seldom);
/* Adds LENGTH bytes to the group's changes: write them at the address returned, at once. */
unsigned char *journal_note(struct journal *journal, size_t length);
/* What was noted from FROM on (an offset, as in journal_mark); valid until the next note. */
const unsigned char *journal_noted(const struct journal *journal, size_t from,
                                   const unsigned char **ret_end);
bool journal_has_group(const struct journal *journal);
/* What the group holds so far, to cut it back to that. */
struct journal_mark {
    size_t payloads, changes;
    bool is_read_soon;
};
struct journal_mark journal_mark(const struct journal *journal);
void journal_cut(struct journal *journal, struct journal_mark mark);
/* Forgets the group. */
void journal_drop(struct journal *journal);
/* Writes the group and syncs it. On JOURNAL_FULL the group stays, to be dropped or tried again. */
enum journal_result journal_sync(struct journal *journal);

/* ---- reading payloads ---- */

/* Those of a group not yet synced too. NULL when it is not there or not whole. */
char *journal_get(struct journal *journal, struct arena *arena, int64_t position,
                  size_t *ret_length);

/* ---- giving space back ---- */

/* Removes whole segments below SEGMENT; returns how many. */
unsigned journal_remove_below(struct journal *journal, uint32_t segment);
/* Bytes of all segments as the file system counts them. */
uint64_t journal_bytes(const struct journal *journal);

#endif
