/* sqlite_internal: the inside of an embedded store, shared by the files that make it up. Not for
 * the query files (they use sqlite.h) nor for anyone outside gateway/store/.
 *
 * A store that serves (store_serve) promises through its journal: store_sync writes the group's
 * payloads and the changes of its rows there, and the database transaction stays open for the
 * groups that follow. store_commit closes it. What the database holds is told by the `journal` row
 * of table meta, in the same transaction: after a crash the groups behind that place are done
 * again. Other stores (commands while no service runs, the simulator) promise by the database's own
 * commit. */
#ifndef GATEWAY_STORE_SQLITE_SQLITE_INTERNAL_H
#define GATEWAY_STORE_SQLITE_SQLITE_INTERNAL_H

#include <limits.h>
#include <sqlite3.h>

#include "gateway/store/journal/checksum.h"
#include "gateway/store/journal/journal.h"
#include "gateway/store/journal/keys.h"
#include "gateway/store/sqlite/sqlite.h"

enum {
    STATEMENTS_MAX = 256,
    BUSY_MS = 5000,
    SQL_MAX = 4096,
    KEY_TABLES_MAX = 2,
    KEYS_ABSENT = 64,
    KEY_MEMO_MAX = 240,
    GATHERED_MAX = 256,
    PARTNERS_UNKNOWN = -1
};

struct cached {      /* equal literals may share one address, so the table is part of the key */
    const void *key; /* address of the SQL literal, or of the table for inserts and updates */
    const struct table *table;
    int verb;
    sqlite3_stmt *statement;
    unsigned serial; /* of the group that knows the statement by `number` */
    unsigned number;
    unsigned touches; /* tables whose rows gather, a bit each, that it reads or changes */
    unsigned names;   /* columns it writes that name partners or clients, a bit each */
};

enum sqlite_known { KNOWN_NOT_YET, KNOWN_NO, KNOWN_YES };

/* What undoing one unit puts back. */
struct sqlite_state {
    int64_t last_ids[SQLITE_IDS]; /* -1: not looked up yet */
    bool knows_audit;             /* `audit` is the hash of the last row */
    unsigned char audit[STORE_HASH_BYTES];
    struct journal_mark mark;
    unsigned statements;           /* that the group has told by their text */
    enum sqlite_known knows_given; /* a placed referral has a number of its filler's */
    enum sqlite_known has_early_cancels;
    enum sqlite_known has_early_retractions;
    int64_t partners; /* rows of them, as `struct partners` knows them; or PARTNERS_UNKNOWN */
};

/* The key asked for last, of one kind: a message asks for each of its keys three times. */
struct key_memo {
    unsigned char bytes[KEY_MEMO_MAX];
    size_t length; /* 0: none */
    int64_t key;
};

struct key_family {
    struct keys *fresh;            /* NULL: not loaded yet */
    int64_t *runs;                 /* their numbers in the database, */
    struct keys_filters filters;   /* and their filters in the same order */
    int64_t absent[KEYS_ABSENT];   /* keys that no run holds, as was found out lately; 0: none */
    int64_t known[KEY_TABLES_MAX]; /* rows up to these are in `fresh` or in a run */
    bool is_remade;                /* from the rows: the runs in the database are damaged */
};

/* A row that says nothing in its seldom columns is noted and inserted without them. */
enum sqlite_form { FORM_WHOLE, FORM_SHORT, SQLITE_FORMS };

struct gathered { /* rows of a table, in one form, that wait to be inserted */
    const struct table *table;
    enum sqlite_form form;
    size_t count;
    size_t places[GATHERED_MAX]; /* of their first values among the group's notes */
};

struct partner_row {
    int64_t id;
    const char *name; /* as callers see it */
};

struct partners { /* all of them */
    struct arena arena;
    struct partner_row *sorted;     /* by name */
    const struct partner_row *last; /* found last; NULL: none */
    size_t count, room;
    int64_t newest;
};

struct client_memo { /* the client asked for last */
    int64_t id;      /* 0: none */
    char owner[80], number[256];
};

struct sqlite_lived { /* lived time (lived.h) is from_ms and what has passed since opened_ms */
    int64_t from_ms, opened_ms; /* opened_ms: monotonic */
    int64_t noted_ms;           /* lived time of the last note; 0: none by this process */
    int64_t set_back_ms;
};

struct checkpointer;

struct store {
    sqlite3 *database;
    char path[PATH_MAX];
    int error; /* first SQLite error since store_begin; SQLITE_OK when none */
    char error_text[400];
    struct cached cache[STATEMENTS_MAX];
    bool is_reader;

    struct sqlite_state state, marked;
    struct sqlite_lived lived;
    const char *epoch; /* NULL: not looked up yet */
    char epoch_text[STORE_EPOCH_TEXT];
    struct key_family families[KEY_FAMILIES];
    struct key_memo key_memos[KEY_TAGS];
    struct partners partners;
    struct client_memo client_memo;
    unsigned touched;      /* by the statement being prepared, as in struct cached */
    unsigned has_gathered; /* the same for the tables that have rows in */
    struct gathered gathered[SQLITE_IDS][SQLITE_FORMS];
    const struct gathered *gathering; /* being inserted */
    bool has_sums;                    /* as sqlite_has_sums found once */
    int64_t last_run; /* of keys, ever: readers may know the ones before by their numbers */
    bool has_secret;
    unsigned char secret[CHECKSUM_KEY_BYTES]; /* of the look-up keys */

    struct journal *journal;      /* NULL: no service ever ran on this store */
    struct journal_place applied; /* what the committed database holds of it */
    bool is_serving;
    bool is_open;     /* a transaction of the database is open */
    bool has_groups;  /* it holds groups that are in the journal already */
    bool is_behind;   /* the journal holds groups that the database lost */
    bool has_audits;  /* rows were added to the audit since the last commit */
    bool has_changes; /* the group holds changes, and so takes a tick */
    int64_t tick;     /* of this group; 0: not taken yet */
    unsigned serial;  /* of the group */
    struct checkpointer *checkpointer;
};

/* ---- sqlite.c ---- */
void sqlite_note_error(struct store *store, int code);
/* Runs SQL that is not worth keeping and leaves no trace in the journal. */
void sqlite_plain(struct store *store, const char *sql);
/* True on a row; an error is noted. */
bool sqlite_step(struct store *store, sqlite3_stmt *statement);
void sqlite_finish(sqlite3_stmt *statement);
/* After what the database holds was rolled back: nothing remembered of it stands. */
void sqlite_forget(struct store *store);

/* ---- sqlite/statement.c ---- */
/* A row of this form is written with the column. */
static inline bool sqlite_has_column(const struct column *column, enum sqlite_form form)
{
    return form == FORM_WHOLE || column->type < COLUMN_SELDOM_WHOLE;
}
/* The statement of an SQL literal, prepared once. NULL once an error stands, as of all of these. */
sqlite3_stmt *sqlite_statement(struct store *store, const char *sql);
struct cached *sqlite_literal(struct store *store, const char *sql);
struct cached *sqlite_selecting(struct store *store, const struct table *table, const char *rest);
struct cached *sqlite_updating(struct store *store, const struct table *table, size_t skip);
/* Those that insert one row of a table, and all of its rows that gathered: what gathers need not be
 * there before. */
struct cached *sqlite_inserting(struct store *store, const struct table *table,
                                enum sqlite_form form);
struct cached *sqlite_inserting_gathered(struct store *store, const struct table *table,
                                         enum sqlite_form form);

/* ---- sqlite/open.c ---- */
/* For writing, of whichever version: nothing is upgraded or done again. */
bool sqlite_open_as_it_is(const char *path, struct store **ret_store, struct arena *arena,
                          struct fault *ret_fault);

/* ---- sqlite/upgrade.c ---- */
/* Of the schema: this refgate's, and the store's (0: it holds nothing yet). */
long sqlite_newest_version(void);
long sqlite_version(struct store *store);
/* Makes the schema, or brings an older one up. NULL when that is done, or what is wrong. */
const char *sqlite_upgrade(struct store *store, struct arena *arena);

/* ---- lived.c ---- */
/* When the store has been opened. */
void sqlite_start_living(struct store *store);
/* With a commit of the database. */
void sqlite_note_lived(struct store *store);

/* ---- sqlite/commit.c ---- */
/* Reads where the journal stands, and does the groups that the database lacks. False with the
 * reason in error_text. *RET_GROUPS: how many there were. */
bool sqlite_recover(struct store *store, int64_t *ret_groups);
/* The same for a store that this cannot be done for: what cannot be read of the journal is given
 * up. *RET_DAMAGE: why; NULL: all of it was read. */
bool sqlite_salvage(struct store *store, struct arena *arena, int64_t *ret_groups,
                    const char **ret_damage);
/* A reader that was there before the journal was made learns of it here. */
bool sqlite_has_journal(struct store *store);
/* STORE.journal beside STORE.db. */
void sqlite_journal_folder(const struct store *store, char *ret_folder, size_t room);
/* Promises through the journal from now on; ID names it when it is the first one. */
bool sqlite_serve(struct store *store, uint64_t id);

/* False when the note is no value. */
struct note;
bool sqlite_bind_note(sqlite3_stmt *statement, int at, const struct note *note);

/* ---- sqlite/backup.c ---- */
/* Reads the journal from where the database stands to the end of what is whole; false when what
 * follows is damaged. */
bool sqlite_walk(struct store *store, struct journal_place *ret_end);

/* ---- sqlite/payload.c ---- */
/* The checksum that stands beside bytes in table payload. */
int64_t sqlite_payload_sum(const void *bytes, size_t length);
/* False of a store that is not upgraded yet: its bytes and look-up keys have no checksums. */
bool sqlite_has_sums(struct store *store);

/* ---- sqlite/gather.c ---- */
/* Once, before a statement is prepared. */
bool sqlite_gather_open(struct store *store);
/* A row of TABLE, whose values are noted from PLACE on, is to be inserted. */
void sqlite_gather(struct store *store, const struct table *table, enum sqlite_form form,
                   size_t place);
/* Inserts what has gathered for these tables (bits by sqlite_ids); an error is noted. */
enum { SQLITE_ALL_GATHERED = (1 << SQLITE_IDS) - 1 };
void sqlite_insert_gathered(struct store *store, unsigned tables);
/* Forgets it: the notes are going to be cut. */
void sqlite_drop_gathered(struct store *store);

/* ---- sqlite/partners.c ---- */
void sqlite_forget_partners(struct store *store);

/* ---- sqlite/keys.c ---- */
enum {
    KEY_PAGE_BYTES = KEYS_PAGE * KEYS_ENTRY_BYTES,
    KEY_PAGE_END = 16, /* first key of the next page, checksum */
    KEY_RUN_END = 16   /* last row of the run before, checksum */
};
void sqlite_forget_keys(struct store *store);
/* Run NUMBER is there to be searched; FILTER is copied. */
void sqlite_know_run(struct key_family *family, int64_t number, const unsigned char *filter);
/* The checksum of a row: of the NUMBERS beside its bytes, and of the bytes. */
uint64_t sqlite_key_sum(const int64_t *numbers, size_t count, const unsigned char *bytes,
                        size_t length);
/* Are all pages and filters in the database whole? An error is noted. */
bool sqlite_keys_are_whole(struct store *store);

/* ---- sqlite/keys_run.c ---- */
/* Turns keys that are many into a run; inside a transaction of the database. */
void sqlite_seal_keys(struct store *store);
/* A run that is no longer in the database is not looked into either. */
void sqlite_drop_run(struct store *store, enum key_family_name name, int64_t run);

/* ---- sqlite/checkpoint.c ---- */
/* Copies the write-ahead log into the database on a thread of its own. NULL when it cannot start.
 */
struct checkpointer *checkpointer_start(struct store *store);
/* After a commit, on the store's thread. */
void checkpointer_look(struct checkpointer *checkpointer, struct store *store);
void checkpointer_stop(struct checkpointer *checkpointer);

#endif
