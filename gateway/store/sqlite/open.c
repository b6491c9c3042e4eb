/* open: opening and closing the embedded store: durability, schema, checks, recovery.
 *
 * WAL with synchronous=FULL is demanded, not asked for; the folder is synced by hand after the
 * store is made, because SQLite passes over an error there. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "gateway/runtime/file.h"
#include "gateway/runtime/log.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum { CHECKED_AT_START_BYTES = 64 << 20 };

void sqlite_forget(struct store *store)
{
    for (size_t i = 0; i < SQLITE_IDS; i++)
        store->state.last_ids[i] = -1;
    store->state.knows_audit = false;
    store->state.knows_given = KNOWN_NOT_YET;
    store->state.has_early_cancels = KNOWN_NOT_YET;
    store->state.has_early_retractions = KNOWN_NOT_YET;
    store->client_memo.id = 0;
    sqlite_forget_partners(store);
    sqlite_forget_keys(store);
}

/* The answer of a pragma as text, "" when there is none. The statement is stepped to its end: an
 * error during `journal_mode=WAL` shows only there. */
static void pragma(struct store *store, const char *sql, char *ret_answer, size_t room)
{
    sqlite3_stmt *statement = NULL;
    ret_answer[0] = '\0';
    int code = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
            snprintf(ret_answer, room, "%s", (const char *)sqlite3_column_text(statement, 0));
    }
    if (code != SQLITE_DONE)
        sqlite_note_error(store, code);
    sqlite3_finalize(statement);
}

/* Somebody else's file, or a disk mounted to be read only: nothing is wrong with the store itself.
 */
static bool is_denied(const char *path, int rights)
{
    return access(path, rights) != 0 && (errno == EACCES || errno == EROFS);
}

static const char *why_not_opened(struct store *store, struct arena *arena, const char *path,
                                  const char *why, enum fault_kind *ret_kind)
{
    bool is_full = (store->error & 0xff) == SQLITE_FULL ||
                   (store->error != SQLITE_OK && sqlite3_system_errno(store->database) == ENOSPC);
    *ret_kind = FAULT_store_broken;
    if (is_full) {
        *ret_kind = FAULT_store_full;
        return arena_print(arena,
                           "the store %s cannot be opened now: its disk is full. Nothing is lost; "
                           "free space and start again",
                           path);
    }
    if (is_denied(path, R_OK | W_OK) || is_denied(file_folder(arena, path), W_OK)) {
        *ret_kind = FAULT_forbidden;
        return arena_print(arena,
                           "the store %s cannot be opened: this user may not read and write it, or "
                           "its folder. Nothing is wrong with it; whose it is and how to mend that "
                           "says refgate check",
                           path);
    }
    return arena_print(
        arena,
        "the store %s cannot be used: %s. Nothing was changed; `refgate repair` mends "
        "what it can, else restore a backup with `refgate restore --replace FILE` "
        "(both keep this store aside), or see docs/operations.md",
        path, why);
}

static bool refuse(struct store *store, struct arena *arena, const char *path, const char *why,
                   struct fault *ret_fault)
{
    enum fault_kind kind;
    const char *sentence = why_not_opened(store, arena, path, why, &kind);
    store_close(store);
    return fault_set(ret_fault, kind, sentence);
}

static bool sync_folder(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool synced = fsync(folder) == 0;
    close(folder);
    return synced;
}

/* Counting its memory costs SQLite a lock for every piece of it, and nobody asks. */
static void set_up_sqlite(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool connect_to(const char *path, int flags, struct store **ret_store, struct arena *arena,
                       struct fault *ret_fault)
{
    static pthread_once_t is_set_up = PTHREAD_ONCE_INIT;
    struct store *store;
    pthread_once(&is_set_up, set_up_sqlite);
    if (strlen(path) >= sizeof store->path) {
        fault_set(ret_fault, FAULT_settings, "the path of the data folder is too long for a store");
        return false;
    }
    store = calloc(1, sizeof *store);
    if (store == NULL) {
        fault_set(ret_fault, FAULT_internal, "there is no memory left");
        return false;
    }
    snprintf(store->path, sizeof store->path, "%s", path);
    sqlite_forget(store);
    store->serial = 1; /* no statement is known to the first group */
    int code = sqlite3_open_v2(path, &store->database, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return refuse(store, arena, path, arena_copy(arena, sqlite3_errstr(code)), ret_fault);
    if (!sqlite_gather_open(store))
        return refuse(store, arena, path, "SQLite has no memory left", ret_fault);
    sqlite3_extended_result_codes(store->database, 1);
    sqlite3_busy_timeout(store->database, BUSY_MS);
    *ret_store = store;
    return true;
}

/* ---- the epoch ---- */

const char *store_epoch(struct store *store)
{
    struct arena arena = ARENA_EMPTY;
    const char **texts;
    if (store->epoch != NULL)
        return store->epoch;
    size_t count =
        sqlite_texts(store, &arena, &texts, "SELECT value FROM meta WHERE key='epoch'", "");
    snprintf(store->epoch_text, sizeof store->epoch_text, "%s", count == 1 ? texts[0] : "");
    arena_free(&arena);
    if (!store_failed(store))
        store->epoch = store->epoch_text;
    return store->epoch_text;
}

void store_begin_epoch(struct store *store)
{
    static const char letters[] = "abcdefghjkmnpqrstvwxyz0123456789";
    unsigned char random[STORE_EPOCH_TEXT];
    char epoch[STORE_EPOCH_TEXT];
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        sqlite_note_error(store, SQLITE_ERROR);
        return;
    }
    for (size_t i = 0; i + 1 < sizeof epoch; i++)
        epoch[i] = letters[random[i] % (sizeof letters - 1)];
    epoch[sizeof epoch - 1] = '\0';
    store->epoch = NULL;
    /* What waited when the backup was taken may have left since: as after a try that was cut short.
     */
    sqlite_run(store,
               "UPDATE message SET attempts=1 WHERE direction='out' AND attempts=0 AND state IN "
               "('queued','held','parked')",
               "");
    sqlite_run(store,
               "INSERT INTO meta (key, value) VALUES ('epoch', ?1) ON CONFLICT (key) DO UPDATE SET "
               "value=?1",
               "t", epoch);
}

/* ---- durability ---- */

static const char *demand_durability(struct store *store)
{
    char answer[64];
    pragma(store, "PRAGMA journal_mode=WAL", answer, sizeof answer);
    if (store_failed(store))
        return store->error_text;
    if (strcmp(answer, "wal") != 0)
        return "the file system does not allow a write-ahead log";
    pragma(store, "PRAGMA synchronous=FULL", answer, sizeof answer);
    pragma(store, "PRAGMA synchronous", answer, sizeof answer);
    if (strcmp(answer, "2") != 0)
        return "full synchronisation cannot be switched on";
    return store_failed(store) ? store->error_text : NULL;
}

/* A value that may not stand where it does, in a row that can be read: all else goes on. */
static bool is_of_one_row(const char *damage)
{
    return text_starts(damage, "CHECK constraint failed in ") ||
           text_starts(damage, "NULL value in ");
}

/* A store small enough to be read in a moment is checked whole at start; `refgate check` always
 * does. */
static bool looks_whole(struct store *store, const char *path, struct arena *arena)
{
    struct stat file;
    const char **damages;
    bool is_small = stat(path, &file) == 0 && file.st_size <= CHECKED_AT_START_BYTES;
    size_t count = sqlite_texts(store, arena, &damages,
                                is_small ? "PRAGMA quick_check" : "PRAGMA schema_version", "");
    for (size_t i = 0; is_small && i < count; i++) {
        if (is_of_one_row(damages[i]))
            log_event(LOG_LEVEL_ERROR, "store-damaged", "why", damages[i], "what",
                      "some row of it has changed by itself; the service goes on without: refgate "
                      "check names it, and a backup may hold it",
                      NULL);
        else if (!text_equal(damages[i], "ok"))
            return false;
    }
    return !store_failed(store);
}

/* ---- opening ---- */

static bool open_file(const char *path, struct store **ret_store, struct arena *arena,
                      struct fault *ret_fault)
{
    char answer[64];
    mode_t mask = umask(0077);
    bool opened =
        connect_to(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, ret_store, arena, ret_fault);
    if (opened)
        pragma(*ret_store, "PRAGMA cache_size=-10240", answer, sizeof answer);
    if (opened && sqlite_version(*ret_store) == 0)
        pragma(*ret_store, "PRAGMA auto_vacuum=INCREMENTAL", answer, sizeof answer);
    const char *why = opened ? demand_durability(*ret_store) : NULL;
    umask(mask);
    return opened && (why == NULL || refuse(*ret_store, arena, path, why, ret_fault));
}

/* What was broken off while it was made, at whatever moment: goes on from there. Its first page may
 * be there already, whose kind of vacuum only a vacuum changes. */
static void finish_making(struct store *store)
{
    char answer[64];
    pragma(store, "PRAGMA auto_vacuum", answer, sizeof answer);
    if (strcmp(answer, "2") == 0)
        return;
    pragma(store, "PRAGMA auto_vacuum=INCREMENTAL", answer, sizeof answer);
    sqlite_plain(store, "VACUUM");
}

/* A journal whose database is gone: a new one would pass over what was promised in it. */
static bool has_lost_its_database(const char *path, struct arena *arena, struct fault *ret_fault)
{
    struct store named = {.database = NULL};
    char folder[PATH_MAX + 16];
    if (access(path, F_OK) == 0 || strlen(path) >= sizeof named.path)
        return false;
    snprintf(named.path, sizeof named.path, "%s", path);
    sqlite_journal_folder(&named, folder, sizeof folder);
    if (access(folder, F_OK) != 0)
        return false;
    fault_set(ret_fault, FAULT_store_broken,
              arena_print(arena,
                          "the store cannot be used: %s is not there, and its journal %s is, which "
                          "holds what was promised. Put that store.db back, or restore a backup "
                          "with `refgate restore --replace FILE` (it keeps the journal aside)",
                          file_base(path), folder));
    return true;
}

/* What another version made: a newer one may hold what we would lose. */
static bool refuse_version(struct store *store, struct arena *arena, const char *path,
                           struct fault *ret_fault)
{
    long version = sqlite_version(store);
    long newest = sqlite_newest_version();
    const char *way_out =
        version > newest
            ? "a newer refgate made it. Nothing was changed; run that version, or go back to what "
              "was kept before the upgrade (docs/operations.md, Upgrading)"
            : "an older refgate made it. It is upgraded when the service starts, or a command "
              "writes while none runs; until then use the version that made it";
    const char *sentence = arena_print(
        arena, "the store %s cannot be used: found schema version %ld, expected %ld: %s", path,
        version, newest, way_out);
    store_close(store);
    return fault_set(ret_fault, FAULT_store_broken, sentence);
}

static const char *recover(struct store *store)
{
    int64_t groups;
    if (!sqlite_recover(store, &groups))
        return store->error_text;
    if (groups > 0)
        log_number(LOG_LEVEL_INFO, "store-recovered", "groups", groups, "what",
                   "promised and not yet in the database; done again from the journal", NULL);
    if (store->journal != NULL && journal_is_torn(store->journal))
        log_event(LOG_LEVEL_INFO, "store-recovered", "what",
                  "the end of the journal was torn; it was never promised and is cut off", NULL);
    return NULL;
}

bool store_open(const char *path, struct store **ret_store, struct arena *arena,
                struct fault *ret_fault)
{
    struct store *store = NULL;
    if (has_lost_its_database(path, arena, ret_fault) || !open_file(path, &store, arena, ret_fault))
        return false;
    if (!looks_whole(store, path, arena))
        return refuse(store, arena, path, "its content is damaged", ret_fault);
    if (sqlite_version(store) > sqlite_newest_version())
        return refuse_version(store, arena, path, ret_fault);
    bool is_new = sqlite_version(store) == 0;
    if (is_new)
        finish_making(store);
    const char *why = is_new ? NULL : recover(store);
    if (why == NULL)
        why = sqlite_upgrade(store, arena);
    if (why != NULL)
        return refuse(store, arena, path, why, ret_fault);
    if (!sync_folder(path)) /* the log was made just now, as after every whole close */
        return refuse(store, arena, path, "its folder cannot be synced to disk", ret_fault);
    sqlite_start_living(store);
    *ret_store = store;
    return true;
}

bool store_open_reader(const char *path, struct store **ret_store, struct arena *arena,
                       struct fault *ret_fault)
{
    int64_t groups;
    if (!connect_to(path, SQLITE_OPEN_READONLY, ret_store, arena, ret_fault))
        return false;
    (*ret_store)->is_reader = true;
    if (sqlite_version(*ret_store) == 0 && !store_failed(*ret_store))
        return refuse(*ret_store, arena, path,
                      "making it was broken off; run `refgate init` again, or start the service, "
                      "which finishes it",
                      ret_fault);
    long version = sqlite_version(*ret_store);
    if (version != 0 && version != sqlite_newest_version())
        return refuse_version(*ret_store, arena, path, ret_fault);
    if (sqlite_recover(*ret_store, &groups)) {
        sqlite_start_living(*ret_store);
        return true;
    }
    const char *why = arena_copy(arena, (*ret_store)->error_text);
    return refuse(*ret_store, arena, path, why, ret_fault);
}

bool sqlite_open_as_it_is(const char *path, struct store **ret_store, struct arena *arena,
                          struct fault *ret_fault)
{
    return connect_to(path, SQLITE_OPEN_READWRITE, ret_store, arena, ret_fault);
}

bool store_serve(struct store *store, struct fault *ret_fault)
{
    uint64_t id;
    store->error = SQLITE_OK;
    bool served = getrandom(&id, sizeof id, 0) == sizeof id && sqlite_serve(store, id);
    if (served)
        store->checkpointer = checkpointer_start(store);
    if (served && store->checkpointer != NULL)
        return true;
    if ((store->error & 0xff) == SQLITE_FULL)
        return fault_set(ret_fault, FAULT_store_full, NULL);
    return fault_set(ret_fault, FAULT_store_broken,
                     store->error == SQLITE_OK ? "the store's helper cannot be started"
                                               : store->error_text);
}

void store_close(struct store *store)
{
    struct fault fault;
    if (store == NULL)
        return;
    if (store->is_serving && store->is_open)
        store_commit(store, &fault);
    checkpointer_stop(store->checkpointer);
    sqlite_forget_partners(store);
    sqlite_forget_keys(store);
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        sqlite3_finalize(store->cache[i].statement);
    sqlite3_close(store->database);
    journal_free(store->journal);
    free(store);
}
