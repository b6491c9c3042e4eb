/* commit: transactions of the embedded store, and doing again what a crash took from the
 * database but not from the journal. The rules stand in sqlite/sqlite_internal.h.
 *
 * A failure of the disk undoes the database's whole transaction, groups that were promised among
 * it: those are then done again from the journal before anything else is (store_begin). A failed
 * sync is never retried: the store is broken until it is opened anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/runtime/clock.h"
#include "gateway/store/journal/note.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum { TEXTS_MAX = 1024 };

static enum fault_kind kind_of_error(int code)
{
    int kind = code & 0xff;
    if (kind == SQLITE_CORRUPT)
        return FAULT_store_damaged;
    return kind == SQLITE_FULL ? FAULT_store_full : FAULT_store_broken;
}

static void note_journal(struct store *store, enum journal_result result)
{
    if (store_failed(store) || result == JOURNAL_DONE)
        return;
    store->error = result == JOURNAL_FULL ? SQLITE_FULL : SQLITE_IOERR;
    snprintf(store->error_text, sizeof store->error_text, "%s", journal_error(store->journal));
}

/* ---- doing a group again ---- */

struct again { /* one group */
    struct store *store;
    const char *texts[TEXTS_MAX];
    size_t lengths[TEXTS_MAX];
    unsigned count;
    unsigned last; /* number + 1 of the statement prepared; 0: none */
    sqlite3_stmt *statement;
};

bool sqlite_bind_note(sqlite3_stmt *statement, int at, const struct note *note)
{
    int code = SQLITE_OK;
    if (note->kind == NOTE_WHOLE)
        code = sqlite3_bind_int64(statement, at, note->whole);
    else if (note->kind == NOTE_TEXT)
        code = sqlite3_bind_text64(statement, at, note->bytes, note->length, SQLITE_STATIC,
                                   SQLITE_UTF8);
    else if (note->kind == NOTE_BLOB)
        code = sqlite3_bind_blob64(statement, at, note->bytes, note->length, SQLITE_STATIC);
    else
        code = note->kind == NOTE_NULL ? sqlite3_bind_null(statement, at) : SQLITE_MISUSE;
    return code == SQLITE_OK;
}

static bool prepare_again(struct again *again, unsigned number)
{
    if (number >= again->count)
        return false;
    if (again->last == number + 1)
        return true;
    sqlite3_finalize(again->statement);
    again->statement = NULL;
    again->last = number + 1;
    return sqlite3_prepare_v2(again->store->database, again->texts[number],
                              (int)again->lengths[number], &again->statement, NULL) == SQLITE_OK;
}

static bool change_again(struct again *again, const struct note *change, const unsigned char **at,
                         const unsigned char *end)
{
    struct note note;
    if (!prepare_again(again, change->statement))
        return false;
    for (unsigned i = 0; i < change->values; i++) {
        if (!note_take(at, end, &note) || !sqlite_bind_note(again->statement, (int)i + 1, &note))
            return false;
    }
    bool done = sqlite3_step(again->statement) == SQLITE_DONE;
    sqlite3_reset(again->statement);
    sqlite3_clear_bindings(again->statement);
    return done;
}

static bool do_again(struct store *store, const struct journal_group *group)
{
    struct again again = {.store = store};
    const unsigned char *at = group->changes;
    const unsigned char *end = at + group->length;
    struct note note;
    bool done = true;
    while (done && at < end && (done = note_take(&at, end, &note))) {
        if (note.kind == NOTE_CHANGE) {
            done = change_again(&again, &note, &at, end);
        } else if (note.kind == NOTE_STATEMENT && again.count < TEXTS_MAX) {
            again.texts[again.count] = note.bytes;
            again.lengths[again.count++] = note.length;
        } else {
            done = false;
        }
    }
    if (!done)
        sqlite_note_error(store, sqlite3_errcode(store->database) == SQLITE_FULL ? SQLITE_FULL
                                                                                 : SQLITE_CORRUPT);
    sqlite3_finalize(again.statement);
    return done;
}

/* ---- the order of commits ---- */

static int64_t last_tick(struct store *store)
{
    return sqlite_number(store, "SELECT value FROM meta WHERE key='tick'", "");
}

int64_t sqlite_tick(struct store *store)
{
    if (store->tick == 0) {
        struct clock clock = clock_system();
        int64_t now_ms = clock_wall_ms(&clock);
        int64_t last = last_tick(store);
        store->tick = now_ms > last ? now_ms : last + 1;
    }
    return store->tick;
}

/* The last statement of a group. */
static void take_tick(struct store *store)
{
    if (store->has_changes && !store_failed(store))
        sqlite_run(store, "UPDATE meta SET value=? WHERE key='tick'", "i", sqlite_tick(store));
    store->has_changes = false;
    store->tick = 0;
}

/* ---- where the database stands ---- */

static const char place_sql[] = "INSERT INTO meta (key, value) VALUES ('journal', ?1) "
                                "ON CONFLICT (key) DO UPDATE SET value=?1";

static void write_place(struct store *store, const struct journal_place *place)
{
    char value[100];
    sqlite3_stmt *statement = sqlite_statement(store, place_sql);
    if (statement == NULL)
        return;
    snprintf(value, sizeof value, "%016llx %u %llu %016llx %llu",
             (unsigned long long)journal_id(store->journal), place->segment,
             (unsigned long long)place->offset, (unsigned long long)place->chain,
             (unsigned long long)place->last);
    sqlite3_bind_text(statement, 1, value, -1, SQLITE_STATIC);
    sqlite_step(store, statement);
    sqlite_finish(statement);
}

/* How many audit rows were ever added. The rows of a group that is done again count, too. */
static void write_audits(struct store *store)
{
    sqlite3_stmt *statement = sqlite_statement(
        store, "UPDATE meta SET value=max(value, ifnull((SELECT max(seq) FROM audit), 0)) "
               "WHERE key='audits'");
    if (statement == NULL)
        return;
    sqlite_step(store, statement);
    sqlite_finish(statement);
    store->has_audits = false;
}

void sqlite_journal_folder(const struct store *store, char *ret_folder, size_t room)
{
    size_t length = strlen(store->path);
    if (length > 3 && strcmp(store->path + length - 3, ".db") == 0)
        length -= 3;
    snprintf(ret_folder, room, "%.*s.journal", (int)length, store->path);
}

static bool open_journal(struct store *store, uint64_t id)
{
    char folder[PATH_MAX + 16];
    sqlite_journal_folder(store, folder, sizeof folder);
    store->journal = journal_new(folder, id);
    if (store->journal != NULL)
        return true;
    store->error = SQLITE_NOMEM;
    return false;
}

/* The journal's place in the database; false when there is no journal, or with an error noted. */
static bool read_place(struct store *store, struct journal_place *ret_place)
{
    unsigned long long id, offset, chain;
    unsigned long long last = 0;
    unsigned segment;
    sqlite3_stmt *statement = sqlite_statement(store, "SELECT value FROM meta WHERE key='journal'");
    if (statement == NULL)
        return false;
    bool found = sqlite_step(store, statement) &&
                 sscanf((const char *)sqlite3_column_text(statement, 0), "%llx %u %llu %llx %llu",
                        &id, &segment, &offset, &chain, &last) == 5;
    sqlite_finish(statement);
    if (!found)
        return false;
    *ret_place = (struct journal_place){segment, offset, chain, last};
    return store->journal != NULL || open_journal(store, id);
}

bool sqlite_has_journal(struct store *store)
{
    return store->journal != NULL || read_place(store, &store->applied);
}

/* ---- the database's transaction ---- */

static void begin_database(struct store *store)
{
    if (store->is_open)
        return;
    sqlite_plain(store, "BEGIN IMMEDIATE");
    store->is_open = !store_failed(store);
}

static void roll_back_database(struct store *store)
{
    if (sqlite3_get_autocommit(store->database) == 0)
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    store->is_open = false;
    store->has_changes = false;
    store->tick = 0;
    sqlite_drop_gathered(store);
    if (store->has_groups)
        store->is_behind = true;
    store->has_groups = false;
    if (store->is_serving)
        journal_drop(store->journal);
    sqlite_forget(store);
}

static bool commit_database(struct store *store)
{
    struct journal_place place = store->applied;
    if (!store->is_open)
        return true;
    sqlite_seal_keys(store);
    sqlite_note_lived(store);
    if (store->has_audits)
        write_audits(store);
    if (store->has_groups) {
        place = journal_end(store->journal);
        write_place(store, &place);
    }
    sqlite_plain(store, "COMMIT");
    if (store_failed(store))
        return false;
    store->is_open = false;
    store->has_groups = false;
    store->applied = place;
    if (store->checkpointer != NULL)
        checkpointer_look(store->checkpointer, store);
    return true;
}

/* Does the groups behind `applied`, in an open transaction. At a start it is not known whether the
 * disk has all that can be read. */
static bool do_groups(struct store *store, bool is_start, int64_t *ret_groups)
{
    struct journal_group group;
    enum journal_result result = journal_seek(store->journal, &store->applied);
    *ret_groups = 0;
    while (result == JOURNAL_DONE) {
        result = journal_next(store->journal, &group);
        if (result != JOURNAL_DONE)
            break;
        if (!do_again(store, &group))
            return false;
        if (is_start)
            note_journal(store, journal_secure(store->journal));
        if (store_failed(store))
            return false;
        ++*ret_groups;
    }
    if (result == JOURNAL_END)
        return true;
    note_journal(store, JOURNAL_BROKEN);
    return false;
}

/* What was promised and then lost with the database's transaction is done again, and committed:
 * nothing more is promised while the database cannot follow. */
static bool catch_up(struct store *store)
{
    int64_t groups;
    struct journal_place end = journal_end(store->journal);
    begin_database(store);
    bool done = !store_failed(store) && do_groups(store, false, &groups);
    struct journal_place reached = journal_end(store->journal);
    if (done && (reached.segment != end.segment || reached.offset != end.offset)) {
        store->error = SQLITE_IOERR;
        snprintf(store->error_text, sizeof store->error_text,
                 "the journal: what was written to it cannot be read again");
        done = false;
    }
    journal_drop(store->journal);
    journal_seek(store->journal, &end);
    store->has_groups = done;
    if (!done || !commit_database(store)) {
        roll_back_database(store);
        return false;
    }
    store->is_behind = false;
    return true;
}

bool sqlite_recover(struct store *store, int64_t *ret_groups)
{
    *ret_groups = 0;
    store->error = SQLITE_OK;
    if (!read_place(store, &store->applied))
        return !store_failed(store);
    if (store->is_reader)
        return true;
    begin_database(store);
    if (store_failed(store) || !do_groups(store, true, ret_groups)) {
        roll_back_database(store);
        return false;
    }
    struct journal_place end = journal_end(store->journal);
    if (*ret_groups > 0) {
        write_audits(store);
        write_place(store, &end);
    }
    sqlite_plain(store, "COMMIT");
    store->is_open = false;
    store->applied = end;
    sqlite_forget(store);
    return !store_failed(store);
}

/* Does what can be read. False when the database does not take it. */
static bool do_readable(struct store *store, struct arena *arena, int64_t *ret_groups,
                        const char **ret_damage)
{
    struct journal_group group;
    enum journal_result result = journal_seek(store->journal, &store->applied);
    bool is_lost = result == JOURNAL_BROKEN;
    while (result == JOURNAL_DONE) {
        result = journal_next(store->journal, &group);
        if (result != JOURNAL_DONE)
            break;
        if (!do_again(store, &group))
            return false;
        note_journal(store, journal_secure(store->journal));
        ++*ret_groups;
    }
    if (result != JOURNAL_END)
        *ret_damage = arena_copy(arena, journal_error(store->journal));
    if (is_lost)
        note_journal(store, journal_go_on(store->journal));
    return !store_failed(store);
}

/* The new epoch comes with it: should this be broken off, either it is still refused or partners
 * are asked. */
static void commit_salvaged(struct store *store, bool is_damaged)
{
    struct journal_place end = journal_end(store->journal);
    write_audits(store);
    write_place(store, &end);
    if (is_damaged)
        store_begin_epoch(store);
    sqlite_plain(store, "COMMIT");
    store->is_open = false;
    store->applied = end;
    sqlite_forget(store);
    if (is_damaged && !store_failed(store))
        note_journal(store, journal_give_up(store->journal));
}

bool sqlite_salvage(struct store *store, struct arena *arena, int64_t *ret_groups,
                    const char **ret_damage)
{
    *ret_groups = 0;
    *ret_damage = NULL;
    store->error = SQLITE_OK;
    if (!read_place(store, &store->applied))
        return !store_failed(store);
    begin_database(store);
    if (store_failed(store) || !do_readable(store, arena, ret_groups, ret_damage)) {
        roll_back_database(store);
        return false;
    }
    commit_salvaged(store, *ret_damage != NULL);
    return !store_failed(store);
}

static void commit_place(struct store *store, const struct journal_place *place)
{
    begin_database(store);
    write_place(store, place);
    sqlite_plain(store, "COMMIT");
    store->is_open = false;
    store->applied = *place;
}

/* The journal's name is in the database before its first file is made, so that a start that was
 * broken off leaves nothing that belongs to nobody. */
static bool name_journal(struct store *store, uint64_t id)
{
    struct journal_place nowhere = {.chain = id};
    if (!open_journal(store, id))
        return false;
    if (journal_bytes(store->journal) == 0)
        commit_place(store, &nowhere);
    else {
        store->error = SQLITE_CANTOPEN;
        snprintf(store->error_text, sizeof store->error_text,
                 "the journal beside it belongs to another store: put that store.db back, or move "
                 "the journal's folder away");
    }
    return !store_failed(store);
}

bool sqlite_serve(struct store *store, uint64_t id)
{
    if (store->journal == NULL && !name_journal(store, id))
        return false;
    note_journal(store, journal_start(store->journal));
    struct journal_place place = journal_end(store->journal);
    commit_place(store, &place);
    store->is_serving = !store_failed(store);
    return store->is_serving;
}

/* ---- store/rows.h ---- */

void store_turn_journal_at(struct store *store, uint64_t bytes)
{
    journal_turn_at(store->journal, bytes);
}

bool store_begin(struct store *store)
{
    store->error = SQLITE_OK;
    if (store->is_behind && !catch_up(store))
        return false;
    begin_database(store);
    return !store_failed(store);
}

static bool give_up(struct store *store, struct fault *ret_fault)
{
    ret_fault->kind = kind_of_error(store->error);
    ret_fault->sentence = store->error_text;
    store_rollback(store);
    return false;
}

void store_apply(struct store *store)
{
    sqlite_insert_gathered(store, SQLITE_ALL_GATHERED);
}

/* The journal has turned to a new file: the database comes along before anything is promised in it,
 * so that a file which is then missing is missed. What was promised so far stays promised. */
static void follow_turn(struct store *store)
{
    bool has_turned = journal_end(store->journal).segment != store->applied.segment;
    if (store->has_groups && has_turned && !commit_database(store))
        store_rollback(store);
}

bool store_sync(struct store *store, struct fault *ret_fault)
{
    if (!store->is_serving)
        return store_commit(store, ret_fault);
    store_apply(store);
    take_tick(store);
    if (!store_failed(store)) {
        bool has_group = journal_has_group(store->journal);
        note_journal(store, journal_sync(store->journal));
        store->has_groups = store->has_groups || (has_group && !store_failed(store));
    }
    store->serial++;
    store->state.statements = 0;
    if (store_failed(store))
        return give_up(store, ret_fault);
    follow_turn(store);
    return true;
}

bool store_commit(struct store *store, struct fault *ret_fault)
{
    if (store->is_serving && !store_sync(store, ret_fault))
        return false;
    take_tick(store);
    if (!store_failed(store) && commit_database(store))
        return true;
    bool is_promised = store->is_serving && kind_of_error(store->error) == FAULT_store_full;
    give_up(store, ret_fault);
    return is_promised; /* it is in the journal: the database follows when there is space */
}

void store_rollback(struct store *store)
{
    roll_back_database(store);
    store->serial++;
    store->state.statements = 0;
    store->error = SQLITE_OK;
}

/* ---- marks ---- */

void store_mark(struct store *store)
{
    if (store->is_serving)
        store->state.mark = journal_mark(store->journal);
    sqlite_insert_gathered(store, SQLITE_ALL_GATHERED);
    store->marked = store->state;
    sqlite_plain(store, "SAVEPOINT unit");
}

void store_keep(struct store *store)
{
    sqlite_plain(store, "RELEASE unit");
}

void store_undo(struct store *store)
{
    if (store_refused(store)) /* the statement had no effect; the transaction stands */
        store->error = SQLITE_OK;
    sqlite_drop_gathered(store);
    sqlite_plain(store, "ROLLBACK TO unit");
    sqlite_plain(store, "RELEASE unit");
    store->state = store->marked;
    store->client_memo.id = 0;
    if (!store->is_serving)
        return;
    journal_cut(store->journal, store->state.mark);
    store->serial++; /* statements told in what was cut are told again */
}
