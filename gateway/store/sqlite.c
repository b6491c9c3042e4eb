/* sqlite: one connection to the embedded store, its transactions, and rows made from tables.
 *
 * Who calls it: the query files beside it. WAL with synchronous=FULL is demanded, not asked for;
 * the folder is synced by hand after the store is made, because SQLite passes over an error there.
 * The automatic checkpoint is off: the writer checkpoints between groups (writer.c). */
#include "gateway/store/sqlite.h"

#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "store_schema.h" /* made at build time from schema/ */

enum { STATEMENTS_MAX = 256, BUSY_MS = 5000, SQL_MAX = 4096, CHECKED_AT_START_BYTES = 64 << 20 };

struct cached {      /* equal literals may share one address, so the table is part of the key */
    const void *key; /* address of the SQL literal, or of the table for inserts and updates */
    const struct table *table;
    char verb;
    sqlite3_stmt *statement;
};

struct store {
    sqlite3 *database;
    int error; /* first SQLite error since store_begin; SQLITE_OK when none */
    char error_text[200];
    struct cached cache[STATEMENTS_MAX];
};

bool store_failed(const struct store *store)
{
    return store->error != SQLITE_OK;
}

static void note_error(struct store *store, int code)
{
    if (store->error != SQLITE_OK)
        return;
    store->error = code;
    snprintf(store->error_text, sizeof store->error_text, "%s", sqlite3_errmsg(store->database));
}

/* ---- statements ---- */

static struct cached *cache_slot(struct store *store, const void *key, const struct table *table,
                                 char verb)
{
    size_t at = (((uintptr_t)key >> 3) + ((uintptr_t)table >> 4) + (size_t)verb) % STATEMENTS_MAX;
    for (size_t i = 0; i < STATEMENTS_MAX; i++, at = (at + 1) % STATEMENTS_MAX) {
        struct cached *slot = &store->cache[at];
        if (slot->key == NULL || (slot->key == key && slot->table == table && slot->verb == verb))
            return slot;
    }
    return NULL;
}

static void select_sql(const struct table *table, const char *rest, char *sql)
{
    size_t length = (size_t)snprintf(sql, SQL_MAX, "SELECT ");
    for (size_t i = 0; i < table->column_count; i++)
        length += (size_t)snprintf(sql + length, SQL_MAX - length, "%s%s", i == 0 ? "" : ",",
                                   table->columns[i].name);
    snprintf(sql + length, SQL_MAX - length, " FROM %s %s", table->name, rest);
}

static void insert_sql(const struct table *table, char *sql)
{
    size_t length = (size_t)snprintf(sql, SQL_MAX, "INSERT INTO %s (", table->name);
    for (size_t i = 1; i < table->column_count; i++)
        length += (size_t)snprintf(sql + length, SQL_MAX - length, "%s%s", i == 1 ? "" : ",",
                                   table->columns[i].name);
    length += (size_t)snprintf(sql + length, SQL_MAX - length, ") VALUES (");
    for (size_t i = 1; i < table->column_count; i++)
        length += (size_t)snprintf(sql + length, SQL_MAX - length, "%s?", i == 1 ? "" : ",");
    snprintf(sql + length, SQL_MAX - length, ")");
}

static void update_sql(const struct table *table, size_t skip, char *sql)
{
    size_t length = (size_t)snprintf(sql, SQL_MAX, "UPDATE %s SET ", table->name);
    for (size_t i = skip; i < table->column_count; i++)
        length += (size_t)snprintf(sql + length, SQL_MAX - length, "%s%s=?", i == skip ? "" : ",",
                                   table->columns[i].name);
    snprintf(sql + length, SQL_MAX - length, " WHERE %s=?", table->columns[0].name);
}

static sqlite3_stmt *prepare(struct store *store, struct cached *slot, const void *key,
                             const struct table *table, char verb, const char *sql)
{
    int code = sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &slot->statement, NULL);
    if (code != SQLITE_OK) {
        note_error(store, code);
        return NULL;
    }
    slot->key = key;
    slot->table = table;
    slot->verb = verb;
    return slot->statement;
}

/* The statement of a literal (verb 'q'), or of a table (verb 's' with the rest's address as the
 * key, 'i' and 'u' with the table's). NULL once an error stands. */
static sqlite3_stmt *statement_of(struct store *store, const void *key, char verb,
                                  const struct table *table, const char *text, size_t skip)
{
    char sql[SQL_MAX];
    if (store_failed(store))
        return NULL;
    struct cached *slot = cache_slot(store, key, table, verb);
    if (slot == NULL) {
        note_error(store, SQLITE_FULL);
        return NULL;
    }
    if (slot->key != NULL)
        return slot->statement;
    if (verb == 's')
        select_sql(table, text, sql);
    else if (verb == 'i')
        insert_sql(table, sql);
    else if (verb == 'u')
        update_sql(table, skip, sql);
    else
        snprintf(sql, sizeof sql, "%s", text);
    return prepare(store, slot, key, table, verb, sql);
}

static void bind_arguments(sqlite3_stmt *statement, const char *types, va_list arguments)
{
    for (int i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'i')
            sqlite3_bind_int64(statement, i + 1, va_arg(arguments, int64_t));
        else if (types[i] == 't')
            sqlite3_bind_text(statement, i + 1, va_arg(arguments, const char *), -1, SQLITE_STATIC);
        else if (types[i] == 'h')
            sqlite3_bind_blob(statement, i + 1, va_arg(arguments, const void *), STORE_HASH_BYTES,
                              SQLITE_STATIC);
    }
}

static void bind_column(sqlite3_stmt *statement, int at, const struct column *column,
                        const void *row)
{
    const char *member = (const char *)row + column->offset;
    switch (column->type) {
    case COLUMN_LINK:
        if (*(const int64_t *)(const void *)member == 0) {
            sqlite3_bind_null(statement, at);
            break;
        } /* fall through */
    case COLUMN_WHOLE:
        sqlite3_bind_int64(statement, at, *(const int64_t *)(const void *)member);
        break;
    case COLUMN_YES_NO:
        sqlite3_bind_int(statement, at, *(const bool *)member);
        break;
    case COLUMN_TEXT:
        sqlite3_bind_text(statement, at, *(const char *const *)(const void *)member, -1,
                          SQLITE_STATIC);
        break;
    case COLUMN_HASH:
        sqlite3_bind_blob(statement, at, member, STORE_HASH_BYTES, SQLITE_STATIC);
        break;
    }
}

static const char *column_text(struct arena *arena, sqlite3_stmt *statement, int at)
{
    if (sqlite3_column_type(statement, at) == SQLITE_NULL)
        return NULL;
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return arena_copy_n(arena, text, (size_t)sqlite3_column_bytes(statement, at));
}

static void read_column(struct arena *arena, sqlite3_stmt *statement, int at,
                        const struct column *column, void *row)
{
    char *member = (char *)row + column->offset;
    switch (column->type) {
    case COLUMN_LINK:
    case COLUMN_WHOLE:
        *(int64_t *)(void *)member = sqlite3_column_int64(statement, at);
        break;
    case COLUMN_YES_NO:
        *(bool *)member = sqlite3_column_int(statement, at) != 0;
        break;
    case COLUMN_TEXT:
        *(const char **)(void *)member = column_text(arena, statement, at);
        break;
    case COLUMN_HASH:
        if (sqlite3_column_bytes(statement, at) == STORE_HASH_BYTES)
            memcpy(member, sqlite3_column_blob(statement, at), STORE_HASH_BYTES);
        break;
    }
}

/* Steps once; true on a row. An error is noted. */
static bool step(struct store *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        note_error(store, code);
    return code == SQLITE_ROW;
}

static void finish(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

int64_t sqlite_insert(struct store *store, const struct table *table, const void *row)
{
    sqlite3_stmt *statement = statement_of(store, table, 'i', table, NULL, 0);
    if (statement == NULL)
        return 0;
    for (size_t i = 1; i < table->column_count; i++)
        bind_column(statement, (int)i, &table->columns[i], row);
    step(store, statement);
    finish(statement);
    return store_failed(store) ? 0 : sqlite3_last_insert_rowid(store->database);
}

void sqlite_update(struct store *store, const struct table *table, size_t skip, const void *row)
{
    sqlite3_stmt *statement = statement_of(store, table, 'u', table, NULL, skip);
    if (statement == NULL)
        return;
    for (size_t i = skip; i < table->column_count; i++)
        bind_column(statement, (int)(i - skip + 1), &table->columns[i], row);
    bind_column(statement, (int)(table->column_count - skip + 1), &table->columns[0], row);
    step(store, statement);
    finish(statement);
}

static size_t select_rows(struct store *store, struct arena *arena, const struct table *table,
                          void **ret_rows, size_t limit, sqlite3_stmt *statement)
{
    size_t count = 0;
    size_t room = 0;
    char *rows = NULL;
    while (count < limit && step(store, statement)) {
        if (count == room) {
            size_t bigger = room == 0 ? 8 : room * 2;
            rows = arena_grow(arena, rows, room * table->row_size, bigger * table->row_size);
            room = bigger;
        }
        for (size_t i = 0; i < table->column_count; i++)
            read_column(arena, statement, (int)i, &table->columns[i],
                        rows + count * table->row_size);
        count++;
    }
    *ret_rows = rows;
    return count;
}

size_t sqlite_select(struct store *store, struct arena *arena, const struct table *table,
                     void *ret_rows, const char *rest, const char *types, ...)
{
    sqlite3_stmt *statement = statement_of(store, rest, 's', table, rest, 0);
    *(void **)ret_rows = NULL;
    if (statement == NULL)
        return 0;
    va_list arguments;
    va_start(arguments, types);
    bind_arguments(statement, types, arguments);
    va_end(arguments);
    size_t count = select_rows(store, arena, table, ret_rows, SIZE_MAX, statement);
    finish(statement);
    return count;
}

bool sqlite_select_one(struct store *store, struct arena *arena, const struct table *table,
                       void *ret_row, const char *rest, const char *types, ...)
{
    sqlite3_stmt *statement = statement_of(store, rest, 's', table, rest, 0);
    if (statement == NULL)
        return false;
    va_list arguments;
    va_start(arguments, types);
    bind_arguments(statement, types, arguments);
    va_end(arguments);
    bool found = step(store, statement);
    if (found) {
        memset(ret_row, 0, table->row_size);
        for (size_t i = 0; i < table->column_count; i++)
            read_column(arena, statement, (int)i, &table->columns[i], ret_row);
    }
    finish(statement);
    return found;
}

void sqlite_run(struct store *store, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = statement_of(store, sql, 'q', NULL, sql, 0);
    if (statement == NULL)
        return;
    va_list arguments;
    va_start(arguments, types);
    bind_arguments(statement, types, arguments);
    va_end(arguments);
    step(store, statement);
    finish(statement);
}

int64_t sqlite_number(struct store *store, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = statement_of(store, sql, 'q', NULL, sql, 0);
    if (statement == NULL)
        return 0;
    va_list arguments;
    va_start(arguments, types);
    bind_arguments(statement, types, arguments);
    va_end(arguments);
    int64_t number = step(store, statement) ? sqlite3_column_int64(statement, 0) : 0;
    finish(statement);
    return number;
}

size_t sqlite_texts(struct store *store, struct arena *arena, const char ***ret_texts,
                    const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = statement_of(store, sql, 'q', NULL, sql, 0);
    *ret_texts = NULL;
    if (statement == NULL)
        return 0;
    va_list arguments;
    va_start(arguments, types);
    bind_arguments(statement, types, arguments);
    va_end(arguments);
    size_t count = 0;
    size_t room = 0;
    const char **texts = NULL;
    while (step(store, statement)) {
        if (count == room) {
            size_t bigger = room == 0 ? 8 : room * 2;
            texts = arena_grow(arena, texts, room * sizeof *texts, bigger * sizeof *texts);
            room = bigger;
        }
        texts[count++] = column_text(arena, statement, 0);
    }
    finish(statement);
    *ret_texts = texts;
    return count;
}

/* ---- payloads ---- */

int64_t payload_put(struct store *store, const void *bytes, size_t length)
{
    static const char sql[] = "INSERT INTO payload (bytes) VALUES (?)";
    sqlite3_stmt *statement = statement_of(store, sql, 'q', NULL, sql, 0);
    if (statement == NULL)
        return 0;
    sqlite3_bind_blob64(statement, 1, bytes, length, SQLITE_STATIC);
    step(store, statement);
    finish(statement);
    return store_failed(store) ? 0 : sqlite3_last_insert_rowid(store->database);
}

const char *payload_get(struct store *store, struct arena *arena, int64_t id, size_t *ret_length)
{
    static const char sql[] = "SELECT bytes FROM payload WHERE id=?";
    sqlite3_stmt *statement = statement_of(store, sql, 'q', NULL, sql, 0);
    const char *bytes = NULL;
    *ret_length = 0;
    if (statement == NULL)
        return NULL;
    sqlite3_bind_int64(statement, 1, id);
    if (step(store, statement)) {
        *ret_length = (size_t)sqlite3_column_bytes(statement, 0);
        const void *blob = sqlite3_column_blob(statement, 0);
        bytes = arena_copy_n(arena, blob == NULL ? "" : blob, *ret_length);
    }
    finish(statement);
    return bytes;
}

/* ---- transactions ---- */

static void plain(struct store *store, const char *sql)
{
    if (store_failed(store))
        return;
    int code = sqlite3_exec(store->database, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        note_error(store, code);
}

bool store_begin(struct store *store)
{
    store->error = SQLITE_OK;
    plain(store, "BEGIN IMMEDIATE");
    return !store_failed(store);
}

static enum fault_kind kind_of_error(int code)
{
    return (code & 0xff) == SQLITE_FULL ? FAULT_store_full : FAULT_store_broken;
}

bool store_commit(struct store *store, struct fault *ret_fault)
{
    plain(store, "COMMIT");
    if (!store_failed(store))
        return true;
    ret_fault->kind = kind_of_error(store->error);
    ret_fault->sentence = store->error_text;
    store_rollback(store);
    return false;
}

void store_rollback(struct store *store)
{
    if (sqlite3_get_autocommit(store->database) == 0)
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    store->error = SQLITE_OK;
}

void store_mark(struct store *store)
{
    plain(store, "SAVEPOINT unit");
}

void store_keep(struct store *store)
{
    plain(store, "RELEASE unit");
}

void store_undo(struct store *store)
{
    plain(store, "ROLLBACK TO unit");
    plain(store, "RELEASE unit");
}

/* ---- opening ---- */

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
        note_error(store, code);
    sqlite3_finalize(statement);
}

static bool refuse(struct store *store, struct arena *arena, const char *path, const char *why,
                   struct fault *ret_fault)
{
    const char *sentence = arena_print(
        arena,
        "the store %s cannot be used: %s. Nothing was changed; restore a backup with `refgate "
        "restore`, or see docs/operations.md",
        path, why);
    store_close(store);
    return fault_set(ret_fault, FAULT_store_broken, sentence);
}

static bool sync_folder(const char *path)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool synced = fsync(folder) == 0;
    close(folder);
    return synced;
}

static bool connect_to(const char *path, int flags, struct store **ret_store, struct arena *arena,
                       struct fault *ret_fault)
{
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return fault_set(ret_fault, FAULT_internal, "there is no memory left");
    int code = sqlite3_open_v2(path, &store->database, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return refuse(store, arena, path, arena_copy(arena, sqlite3_errstr(code)), ret_fault);
    sqlite3_extended_result_codes(store->database, 1);
    sqlite3_busy_timeout(store->database, BUSY_MS);
    *ret_store = store;
    return true;
}

/* Version 0 is an empty file. Newer than ours is refused: it may hold what we would lose. */
static const char *bring_schema_up(struct store *store)
{
    char answer[64];
    pragma(store, "PRAGMA user_version", answer, sizeof answer);
    long version = strtol(answer, NULL, 10);
    long newest = 0;
    for (const struct embedded_file *file = store_schema; file->name != NULL; file++)
        newest++;
    if (version > newest)
        return "it was made by a newer refgate";
    for (long next = version; next < newest && !store_failed(store); next++) {
        char stamp[64];
        snprintf(stamp, sizeof stamp, "PRAGMA user_version=%ld", next + 1);
        plain(store, "BEGIN IMMEDIATE");
        plain(store, store_schema[next].bytes);
        plain(store, stamp);
        plain(store, "COMMIT");
    }
    return store_failed(store) ? store->error_text : NULL;
}

static const char *demand_durability(struct store *store)
{
    char answer[64];
    pragma(store, "PRAGMA journal_mode=WAL", answer, sizeof answer);
    if (strcmp(answer, "wal") != 0)
        return "the file system does not allow a write-ahead log";
    pragma(store, "PRAGMA synchronous=FULL", answer, sizeof answer);
    pragma(store, "PRAGMA synchronous", answer, sizeof answer);
    if (strcmp(answer, "2") != 0)
        return "full synchronisation cannot be switched on";
    return store_failed(store) ? store->error_text : NULL;
}

/* A store small enough to be read in a moment is checked whole at start; `refgate check` always
 * does. */
static bool looks_whole(struct store *store, const char *path)
{
    struct stat file;
    char answer[256];
    bool is_small = stat(path, &file) == 0 && file.st_size <= CHECKED_AT_START_BYTES;
    pragma(store, is_small ? "PRAGMA quick_check(1)" : "PRAGMA schema_version", answer,
           sizeof answer);
    return !store_failed(store) && (!is_small || strcmp(answer, "ok") == 0);
}

bool store_open(const char *path, struct store **ret_store, struct arena *arena,
                struct fault *ret_fault)
{
    struct store *store = NULL;
    char answer[256];
    bool is_new = access(path, F_OK) != 0;
    mode_t mask = umask(0077);
    bool opened =
        connect_to(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &store, arena, ret_fault);
    if (!opened) {
        umask(mask);
        return false;
    }
    if (is_new)
        pragma(store, "PRAGMA auto_vacuum=INCREMENTAL", answer, sizeof answer);
    const char *why = demand_durability(store);
    umask(mask);
    if (why != NULL)
        return refuse(store, arena, path, why, ret_fault);
    if (!looks_whole(store, path))
        return refuse(store, arena, path, "its content is damaged", ret_fault);
    why = bring_schema_up(store);
    if (why != NULL)
        return refuse(store, arena, path, why, ret_fault);
    if (is_new && !sync_folder(path))
        return refuse(store, arena, path, "its folder cannot be synced to disk", ret_fault);
    *ret_store = store;
    return true;
}

bool store_open_reader(const char *path, struct store **ret_store, struct arena *arena,
                       struct fault *ret_fault)
{
    return connect_to(path, SQLITE_OPEN_READONLY, ret_store, arena, ret_fault);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        sqlite3_finalize(store->cache[i].statement);
    sqlite3_close(store->database);
    free(store);
}
