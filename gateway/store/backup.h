/* backup: a consistent copy of a store while a service writes to it, and a look at all of a store.
 * Part of the store's contract (store/rows.h); any process, on a reader's connection.
 *
 * A copy is the database as one moment shows it and the journal's segments up to the last whole
 * group: what was promised and is not yet in the database is done from there when the copy is
 * opened, as after a crash. Segments are not removed while a copy is held. */
#ifndef GATEWAY_STORE_BACKUP_H
#define GATEWAY_STORE_BACKUP_H

#include "gateway/store/rows.h"

struct store_segment {
    const char *name; /* of the file in the journal's folder */
    const char *path;
    uint64_t length; /* what counts of it */
};

struct store_copy {
    const char *database; /* a file of its own */
    uint64_t database_length;
    const char *journal; /* the name of the journal's folder beside the store; NULL: none */
    struct store_segment *segments;
    size_t segment_count;
    int hold; /* keeps the segments; -1: nothing to keep */
};

/* Writes the database to FILE, which must not exist, and lists the segments. */
bool store_copy_take(struct store *reader, const char *file, struct arena *arena,
                     struct store_copy *ret_copy, struct fault *ret_fault);
/* Lets go of the segments. FILE is the caller's. */
void store_copy_release(struct store_copy *copy);

/* What a store holds, read to the last byte. */
enum { STORE_DAMAGES_MAX = 50 };
struct store_report {
    int64_t schema, records, referrals, received, sent, waiting, audits, payloads;
    const char *damages[STORE_DAMAGES_MAX]; /* for a person, a sentence each */
    size_t damage_count;                    /* of all there are; more than the first are not told */
};
/* False with the first thing that is wrong: a damaged database, journal or key, a payload that is
 * missing or not whole. The report names all that can still be found out. */
bool store_examine(struct store *store, struct store_report *ret_report, struct arena *arena,
                   struct fault *ret_fault);

/* What a repair found and did. */
struct store_repair {
    const char *index;  /* what was wrong with an index, which was made again; NULL: nothing */
    const char *damage; /* why part of the journal was given up; NULL: all of it was read */
    int64_t groups;     /* of the journal that were done */
    bool is_needed;     /* else the store was whole and nothing was changed */
};
/* Brings a store of this version that a start refuses back as far as its bytes go: indexes are made
 * again from their rows, and what is damaged in the journal is given up with all behind it. A new
 * epoch begins then, so that partners are asked for what is missing. Before anything is changed a
 * copy of it as it is is made in the new folder KEPT. Nothing else has the store open. False with
 * what stands against it, as tables of the database that cannot be read. */
bool store_mend(const char *path, const char *kept, struct arena *arena,
                struct store_repair *ret_repair, struct fault *ret_fault);

#endif
