/* upgrade: a store of an older version is brought to the schema of this one.
 *
 * Called by store_open, under the lock of the data folder, when nothing of the journal waits to be
 * done: what was promised is done with the statements it was promised in. First the store as it was
 * is kept beside it, in a folder store.before-VERSION that holds a database and its journal and was
 * read to the last byte; then each file of schema/ is one transaction. A start that is broken off
 * at any moment goes on with the next one: the folder has its name only when it is whole, and the
 * `before` row of table meta, which the last step takes away, says which one it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/folder.h"
#include "gateway/runtime/file.h"
#include "gateway/runtime/log.h"
#include "gateway/store/backup.h"
#include "gateway/store/sqlite/sqlite_internal.h"
#include "store_schema.h" /* made at build time from schema/ */

long sqlite_newest_version(void)
{
    long newest = 0;
    while (store_schema[newest].name != NULL)
        newest++;
    return newest;
}

long sqlite_version(struct store *store)
{
    return (long)sqlite_number(store, "PRAGMA user_version", "");
}

/* ---- the copy ---- */

struct keeping {
    struct store *store;
    struct arena *arena;
    const char *beside; /* the folder of the store */
    const char *name;   /* of the copy's folder in it */
};

static bool cannot_keep(const struct keeping *keeping, const char *why)
{
    struct store *store = keeping->store;
    if (!store_failed(store))
        store->error = errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR;
    snprintf(store->error_text, sizeof store->error_text,
             "a copy of it as it was before the upgrade cannot be kept in %s: %s", keeping->name,
             why);
    return false;
}

static bool sync_path(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool synced = file >= 0 && fsync(file) == 0;
    if (file >= 0)
        close(file);
    return synced;
}

/* A segment that is full is never written again: another name for it is a copy of it. */
static bool keep_segments(const struct keeping *keeping, const struct store_copy *copy,
                          const char *folder)
{
    if (!file_make_folder(folder, 0700))
        return false;
    for (size_t i = 0; i < copy->segment_count; i++) {
        const struct store_segment *segment = &copy->segments[i];
        const char *to = arena_print(keeping->arena, "%s/%s", folder, segment->name);
        bool is_last = i + 1 == copy->segment_count;
        if ((is_last || link(segment->path, to) != 0) &&
            !file_copy(segment->path, to, segment->length))
            return false;
    }
    return sync_path(folder);
}

/* Reads the copy to its last byte, as `refgate restore --verify` does. */
static bool verify(const struct keeping *keeping, const char *file)
{
    struct store *copy;
    struct store_report report;
    struct fault fault;
    if (!sqlite_open_as_it_is(file, &copy, keeping->arena, &fault))
        return cannot_keep(keeping, fault_sentence(&fault));
    sqlite_plain(copy, "DELETE FROM meta WHERE key='before'");
    bool whole = !store_failed(copy) && store_examine(copy, &report, keeping->arena, &fault);
    if (!whole)
        cannot_keep(keeping, store_failed(copy) ? store_error(copy) : fault_sentence(&fault));
    store_close(copy);
    return whole;
}

static bool fill(const struct keeping *keeping, const char *folder)
{
    struct arena *arena = keeping->arena;
    const char *file = arena_print(arena, "%s/%s", folder, file_base(keeping->store->path));
    struct store_copy copy;
    struct fault fault;
    if (!file_make_folder(folder, 0700))
        return cannot_keep(keeping, strerror(errno));
    if (!store_copy_take(keeping->store, file, arena, &copy, &fault))
        return cannot_keep(keeping, fault_sentence(&fault));
    bool kept = copy.journal == NULL ||
                keep_segments(keeping, &copy, arena_print(arena, "%s/%s", folder, copy.journal));
    store_copy_release(&copy);
    if (!kept)
        return cannot_keep(keeping, strerror(errno));
    return verify(keeping, file) &&
           ((sync_path(file) && sync_path(folder)) || cannot_keep(keeping, strerror(errno)));
}

/* What shows whether anybody wrote to the store since. */
static const char *state_of(const struct keeping *keeping)
{
    static const char sql[] =
        "SELECT ifnull((SELECT value FROM meta WHERE key='audits'), 0) || ' ' "
        "|| ifnull((SELECT value FROM meta WHERE key='journal'), '')";
    const char **texts;
    size_t count = sqlite_texts(keeping->store, keeping->arena, &texts, sql, "");
    return count == 0 ? "" : texts[0];
}

/* The name that an earlier start chose, or the first one that is free: then it is written down, so
 * that a folder of this name, once it is there, is known to be whole and of this store. */
static void choose_name(struct keeping *keeping, long version)
{
    static const char written[] = "SELECT value FROM meta WHERE key='before'";
    const char **texts;
    const char *state = state_of(keeping);
    size_t count = sqlite_texts(keeping->store, keeping->arena, &texts, written, "");
    const char *behind = count == 0 ? NULL : strchr(texts[0], ' ');
    if (behind != NULL && strcmp(behind + 1, state) == 0) {
        keeping->name = arena_copy_n(keeping->arena, texts[0], (size_t)(behind - texts[0]));
        return;
    }
    keeping->name = arena_print(keeping->arena, "store.before-%ld", version);
    for (int i = 2; file_exists(folder_path(keeping->arena, keeping->beside, keeping->name)); i++)
        keeping->name = arena_print(keeping->arena, "store.before-%ld-%d", version, i);
    sqlite_run(keeping->store, "INSERT OR REPLACE INTO meta (key, value) VALUES ('before', ?)", "t",
               arena_print(keeping->arena, "%s %s", keeping->name, state));
}

static bool keep_copy(struct store *store, struct arena *arena, long version)
{
    struct keeping keeping = {
        .store = store, .arena = arena, .beside = file_folder(arena, store->path)};
    choose_name(&keeping, version);
    const char *folder = folder_path(arena, keeping.beside, keeping.name);
    const char *part = arena_print(arena, "%s.part", folder);
    if (store_failed(store))
        return false;
    if (file_exists(folder))
        return true;
    file_remove_folder(part); /* of a start that was broken off */
    log_event(LOG_LEVEL_INFO, "store-upgrade", "what", "a copy of the store is made first", "copy",
              folder, NULL);
    if (!fill(&keeping, part))
        return false;
    return file_move(part, folder) || cannot_keep(&keeping, strerror(errno));
}

/* ---- the steps ---- */

static void make_secret(struct store *store)
{
    unsigned char secret[CHECKSUM_KEY_BYTES];
    sqlite3_stmt *statement =
        sqlite_statement(store, "INSERT INTO meta (key, value) VALUES ('secret', ?)");
    if (statement == NULL)
        return;
    if (getrandom(secret, sizeof secret, 0) != sizeof secret)
        sqlite_note_error(store, SQLITE_ERROR);
    sqlite3_bind_blob(statement, 1, secret, sizeof secret, SQLITE_STATIC);
    sqlite_step(store, statement);
    sqlite_finish(statement);
}

static void take_step(struct store *store, long version)
{
    char stamp[64];
    sqlite_plain(store, store_schema[version - 1].bytes);
    snprintf(stamp, sizeof stamp, "PRAGMA user_version=%ld", version);
    sqlite_plain(store, stamp);
}

/* In one transaction: a store that is broken off while it is made holds nothing. */
static void make(struct store *store)
{
    sqlite_plain(store, "BEGIN IMMEDIATE");
    for (long version = 1; version <= sqlite_newest_version(); version++) {
        take_step(store, version);
        if (version == 1)
            make_secret(store);
    }
    sqlite_plain(store, "COMMIT");
}

static void upgrade(struct store *store, long version)
{
    long newest = sqlite_newest_version();
    while (version++ < newest && !store_failed(store)) {
        sqlite_plain(store, "BEGIN IMMEDIATE");
        take_step(store, version);
        if (version == newest)
            sqlite_plain(store, "DELETE FROM meta WHERE key='before'");
        sqlite_plain(store, "COMMIT");
        if (!store_failed(store))
            log_number(LOG_LEVEL_INFO, "store-upgrade", "version", version, NULL);
    }
    sqlite_forget(store);
}

const char *sqlite_upgrade(struct store *store, struct arena *arena)
{
    long version = sqlite_version(store);
    if (version == 0)
        make(store);
    else if (version < sqlite_newest_version() && keep_copy(store, arena, version))
        upgrade(store, version);
    return store_failed(store) ? store->error_text : NULL;
}
