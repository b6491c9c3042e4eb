/* sqlite: the rows of tables, and the values of the statements that read and write them.
 *
 * Who calls it: the query files beside it. A statement (sqlite/statement.c) that changes rows is
 * noted, with its values, in the journal's group while the store serves (sqlite/commit.c does it
 * again after a crash). */
#include "gateway/store/sqlite/sqlite.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateway/store/journal/note.h"
#include "gateway/store/sqlite/sqlite_internal.h"

bool store_failed(const struct store *store)
{
    return store->error != SQLITE_OK;
}

bool store_refused(const struct store *store)
{
    int kind = store->error & 0xff;
    return kind == SQLITE_CONSTRAINT || kind == SQLITE_MISMATCH || kind == SQLITE_TOOBIG;
}

bool store_is_damaged(const struct store *store)
{
    return (store->error & 0xff) == SQLITE_CORRUPT;
}

const char *store_error(const struct store *store)
{
    return store->error_text;
}

void sqlite_note_error(struct store *store, int code)
{
    if (store->error != SQLITE_OK)
        return;
    store->error = code;
    snprintf(store->error_text, sizeof store->error_text, "%s", sqlite3_errmsg(store->database));
}

void sqlite_refuse(struct store *store, const char *why)
{
    if (store->error != SQLITE_OK)
        return;
    store->error = SQLITE_CONSTRAINT_UNIQUE;
    snprintf(store->error_text, sizeof store->error_text, "%s", why);
}

void sqlite_plain(struct store *store, const char *sql)
{
    sqlite_insert_gathered(store, SQLITE_ALL_GATHERED);
    if (store_failed(store))
        return;
    int code = sqlite3_exec(store->database, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        sqlite_note_error(store, code);
}

/* ---- values: bound to the statement and, of a change, noted for the journal ---- */

enum { NAMED_MAX = 8 }; /* in a row; there are at most two */

/* Handed on by address: it is asked for each value of each row. */
struct binding {
    struct store *store;
    sqlite3_stmt *statement; /* NULL: only noted */
    struct journal *journal; /* NULL: not noted */
    const int64_t *named;    /* keys of the partners and clients that the next columns name */
};

static struct binding reading(struct store *store, const struct cached *slot)
{
    return (struct binding){store, slot->statement, NULL, NULL};
}

static struct binding changing(struct store *store, struct cached *slot)
{
    store->has_changes = true;
    if (!store->is_serving)
        return reading(store, slot);
    if (slot->serial != store->serial) {
        note_statement(store->journal, sqlite3_sql(slot->statement));
        slot->serial = store->serial;
        slot->number = store->state.statements++;
    }
    note_change(store->journal, slot->number,
                (unsigned)sqlite3_bind_parameter_count(slot->statement));
    return (struct binding){store, slot->statement, store->journal, NULL};
}

static void bind_null(const struct binding *binding, int at)
{
    if (binding->statement != NULL)
        sqlite3_bind_null(binding->statement, at);
    if (binding->journal != NULL)
        note_null(binding->journal);
}

static void bind_whole(const struct binding *binding, int at, int64_t value)
{
    if (binding->statement != NULL)
        sqlite3_bind_int64(binding->statement, at, value);
    if (binding->journal != NULL)
        note_whole(binding->journal, value);
}

static void bind_text(const struct binding *binding, int at, const char *value)
{
    if (value == NULL) {
        bind_null(binding, at);
        return;
    }
    size_t length = strlen(value);
    if (binding->statement != NULL)
        sqlite3_bind_text64(binding->statement, at, value, length, SQLITE_STATIC, SQLITE_UTF8);
    if (binding->journal != NULL)
        note_bytes(binding->journal, NOTE_TEXT, value, length);
}

static void bind_blob(const struct binding *binding, int at, const void *value, size_t length)
{
    if (binding->statement != NULL)
        sqlite3_bind_blob64(binding->statement, at, value, length, SQLITE_STATIC);
    if (binding->journal != NULL)
        note_bytes(binding->journal, NOTE_BLOB, value, length);
}

static void bind_arguments(const struct binding *binding, const char *types, va_list arguments)
{
    for (int i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'i')
            bind_whole(binding, i + 1, va_arg(arguments, int64_t));
        else if (types[i] == 't')
            bind_text(binding, i + 1, va_arg(arguments, const char *));
        else if (types[i] == 'h')
            bind_blob(binding, i + 1, va_arg(arguments, const void *), STORE_HASH_BYTES);
        else if (types[i] == 'b') {
            const void *bytes = va_arg(arguments, const void *);
            bind_blob(binding, i + 1, bytes, (size_t)va_arg(arguments, int64_t));
        }
    }
}

/* Binds what the caller was given behind TYPES; va_start works in that function only. */
#define BIND_GIVEN(binding, types)                                                                 \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, types);                                                                \
        bind_arguments(binding, types, arguments);                                                 \
        va_end(arguments);                                                                         \
    } while (false)

static void bind_link(const struct binding *binding, int at, int64_t id)
{
    if (id == 0)
        bind_null(binding, at);
    else
        bind_whole(binding, at, id);
}

/* The partner that a COLUMN_PARTNER or COLUMN_ORIGIN of ROW names; NULL: ourselves. */
static const char *partner_in(const struct column *column, const void *row)
{
    const char *name = *(const char *const *)(const void *)((const char *)row + column->offset);
    return column->type == COLUMN_ORIGIN && text_equal(name, STORE_OWN) ? NULL : name;
}

static const char *client_in(const struct column *column, const void *row)
{
    return *(const char *const *)(const void *)((const char *)row + column->offset);
}

static const char *owner_in(const struct table *table, const void *row)
{
    return table->owner == NULL ? STORE_OWN : table->owner(row);
}

/* The keys of the partners and clients that the columns NAMES of ROW name. Whom the store does not
 * know yet becomes a row, before the row that names him is noted. */
static void find_named(struct store *store, const struct table *table, unsigned names,
                       const void *row, int64_t ret_named[NAMED_MAX])
{
    for (size_t count = 0; names != 0 && count < NAMED_MAX; names &= names - 1, count++) {
        const struct column *column = &table->columns[__builtin_ctz(names)];
        ret_named[count] =
            column->type == COLUMN_CLIENT
                ? sqlite_client_made(store, owner_in(table, row), client_in(column, row))
                : sqlite_partner_made(store, partner_in(column, row));
    }
}

/* All zero: nobody made one, and none is written. */
static bool is_hash(const char *bytes)
{
    static const char none[STORE_HASH_BYTES];
    return memcmp(bytes, none, sizeof none) != 0;
}

static void bind_column(struct binding *binding, int at, const struct column *column,
                        const void *row)
{
    const char *member = (const char *)row + column->offset;
    switch (column->type) {
    case COLUMN_LINK:
    case COLUMN_SELDOM_LINK:
        bind_link(binding, at, *(const int64_t *)(const void *)member);
        break;
    case COLUMN_PARTNER:
    case COLUMN_ORIGIN:
    case COLUMN_CLIENT:
        bind_link(binding, at, *binding->named++);
        break;
    case COLUMN_TICK:
        bind_whole(binding, at, sqlite_tick(binding->store));
        break;
    case COLUMN_WHOLE:
    case COLUMN_SELDOM_WHOLE:
        bind_whole(binding, at, *(const int64_t *)(const void *)member);
        break;
    case COLUMN_YES_NO:
        bind_whole(binding, at, *(const bool *)member);
        break;
    case COLUMN_TEXT:
    case COLUMN_SELDOM_TEXT:
        bind_text(binding, at, *(const char *const *)(const void *)member);
        break;
    case COLUMN_HASH:
        bind_blob(binding, at, member, is_hash(member) ? STORE_HASH_BYTES : 0);
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

static const char *column_partner(struct store *store, struct arena *arena, sqlite3_stmt *statement,
                                  int at, const char *none)
{
    if (sqlite3_column_type(statement, at) == SQLITE_NULL)
        return none;
    return arena_copy(arena, sqlite_partner_name(store, sqlite3_column_int64(statement, at)));
}

static void read_column(struct store *store, struct arena *arena, sqlite3_stmt *statement, int at,
                        const struct column *column, void *row)
{
    char *member = (char *)row + column->offset;
    switch (column->type) {
    case COLUMN_LINK:
    case COLUMN_SELDOM_LINK:
    case COLUMN_TICK:
    case COLUMN_WHOLE:
    case COLUMN_SELDOM_WHOLE:
        *(int64_t *)(void *)member = sqlite3_column_int64(statement, at);
        break;
    case COLUMN_YES_NO:
        *(bool *)member = sqlite3_column_int(statement, at) != 0;
        break;
    case COLUMN_TEXT:
    case COLUMN_SELDOM_TEXT:
        *(const char **)(void *)member = column_text(arena, statement, at);
        break;
    case COLUMN_PARTNER:
        *(const char **)(void *)member = column_partner(store, arena, statement, at, "");
        break;
    case COLUMN_CLIENT:
        *(const char **)(void *)member =
            sqlite_client_number(store, arena, sqlite3_column_int64(statement, at));
        break;
    case COLUMN_ORIGIN:
        *(const char **)(void *)member = column_partner(store, arena, statement, at, STORE_OWN);
        break;
    case COLUMN_HASH:
        if (sqlite3_column_bytes(statement, at) == STORE_HASH_BYTES)
            memcpy(member, sqlite3_column_blob(statement, at), STORE_HASH_BYTES);
        break;
    }
}

bool sqlite_step(struct store *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        sqlite_note_error(store, code);
    return code == SQLITE_ROW;
}

void sqlite_finish(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* The values stay where they were: all are bound anew before the next step. */
static void change_row(struct store *store, sqlite3_stmt *statement)
{
    sqlite_step(store, statement);
    sqlite3_reset(statement);
}

/* ---- rows ---- */

/* Another connection may have added partners since. */
static void look_again(struct store *store)
{
    if (store->is_reader)
        sqlite_forget_partners(store);
}

int64_t sqlite_next_id(struct store *store, enum sqlite_ids ids)
{
    static const char *const last[SQLITE_IDS] = {
        [IDS_RECORD] = "SELECT max(id) FROM record",
        [IDS_REFERRAL] = "SELECT max(id) FROM referral",
        [IDS_MESSAGE] = "SELECT max(id) FROM message",
        [IDS_ATTEMPT] = "SELECT max(id) FROM attempt",
        [IDS_EVENT] = "SELECT max(seq) FROM event",
        [IDS_RELEASE] = "SELECT max(id) FROM release",
        /* Rows that somebody took away leave a gap. */
        [IDS_AUDIT] = ("SELECT max(value, ifnull((SELECT max(seq) FROM audit), 0)) FROM meta "
                       "WHERE key='audits'"),
        [IDS_PAYLOAD] = "SELECT max(id) FROM payload",
        [IDS_CLIENT] = "SELECT max(id) FROM client",
    };
    int64_t *id = &store->state.last_ids[ids];
    if (*id < 0)
        *id = sqlite_number(store, last[ids], "");
    return *id + 1;
}

static enum sqlite_form form_of(const struct table *table, const void *row)
{
    enum sqlite_form form = FORM_WHOLE;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const void *member = (const char *)row + column->offset;
        if (sqlite_has_column(column, FORM_SHORT))
            continue;
        if (column->type == COLUMN_SELDOM_TEXT ? *(const char *const *)member != NULL
                                               : *(const int64_t *)member != 0)
            return FORM_WHOLE;
        form = FORM_SHORT;
    }
    return form;
}

static void bind_row(struct binding *binding, const struct table *table, enum sqlite_form form,
                     const void *row, int64_t id)
{
    int at = 1;
    bind_whole(binding, at++, id);
    for (size_t i = 1; i < table->column_count; i++) {
        if (sqlite_has_column(&table->columns[i], form))
            bind_column(binding, at++, &table->columns[i], row);
    }
}

/* While the store serves, the row is only noted, and gathers. */
static void insert_row(struct store *store, struct cached *slot, const struct table *table,
                       enum sqlite_form form, const void *row, int64_t id)
{
    int64_t named[NAMED_MAX];
    find_named(store, table, slot->names, row, named);
    struct binding binding = changing(store, slot);
    binding.named = named;
    if (!store->is_serving) {
        bind_row(&binding, table, form, row, id);
        change_row(store, slot->statement);
        return;
    }
    size_t place = journal_mark(store->journal).changes;
    binding.statement = NULL;
    bind_row(&binding, table, form, row, id);
    sqlite_gather(store, table, form, place);
}

int64_t sqlite_insert(struct store *store, const struct table *table, const void *row)
{
    enum sqlite_form form = form_of(table, row);
    struct cached *slot = sqlite_inserting(store, table, form);
    if (slot == NULL)
        return 0;
    int64_t id = *(const int64_t *)(const void *)((const char *)row + table->columns[0].offset);
    int64_t next = sqlite_next_id(store, table->ids);
    id = id == 0 ? next : id;
    insert_row(store, slot, table, form, row, id);
    if (id >= next)
        store->state.last_ids[table->ids] = id;
    return store_failed(store) ? 0 : id;
}

void sqlite_update(struct store *store, const struct table *table, size_t skip, const void *row)
{
    struct cached *slot = sqlite_updating(store, table, skip);
    if (slot == NULL)
        return;
    int64_t named[NAMED_MAX];
    find_named(store, table, slot->names, row, named);
    struct binding binding = changing(store, slot);
    binding.named = named;
    for (size_t i = skip; i < table->column_count; i++)
        bind_column(&binding, (int)(i - skip + 1), &table->columns[i], row);
    bind_column(&binding, (int)(table->column_count - skip + 1), &table->columns[0], row);
    change_row(store, slot->statement);
}

static size_t select_rows(struct store *store, struct arena *arena, const struct table *table,
                          void **ret_rows, size_t limit, sqlite3_stmt *statement)
{
    size_t count = 0;
    size_t room = 0;
    char *rows = NULL;
    while (count < limit && sqlite_step(store, statement)) {
        rows = arena_room(arena, rows, table->row_size, count, &room, 8);
        for (size_t i = 0; i < table->column_count; i++)
            read_column(store, arena, statement, (int)i, &table->columns[i],
                        rows + count * table->row_size);
        count++;
    }
    *ret_rows = rows;
    return count;
}

size_t sqlite_select(struct store *store, struct arena *arena, const struct table *table,
                     void *ret_rows, const char *rest, const char *types, ...)
{
    struct cached *slot = sqlite_selecting(store, table, rest);
    *(void **)ret_rows = NULL;
    if (slot == NULL)
        return 0;
    look_again(store);
    struct binding binding = reading(store, slot);
    BIND_GIVEN(&binding, types);
    size_t count = select_rows(store, arena, table, ret_rows, SIZE_MAX, slot->statement);
    sqlite_finish(slot->statement);
    return count;
}

bool sqlite_select_one(struct store *store, struct arena *arena, const struct table *table,
                       void *ret_row, const char *rest, const char *types, ...)
{
    struct cached *slot = sqlite_selecting(store, table, rest);
    if (slot == NULL)
        return false;
    look_again(store);
    struct binding binding = reading(store, slot);
    BIND_GIVEN(&binding, types);
    bool found = sqlite_step(store, slot->statement);
    if (found) {
        memset(ret_row, 0, table->row_size);
        for (size_t i = 0; i < table->column_count; i++)
            read_column(store, arena, slot->statement, (int)i, &table->columns[i], ret_row);
    }
    sqlite_finish(slot->statement);
    return found;
}

void sqlite_run(struct store *store, const char *sql, const char *types, ...)
{
    struct cached *slot = sqlite_literal(store, sql);
    if (slot == NULL)
        return;
    struct binding binding = changing(store, slot);
    BIND_GIVEN(&binding, types);
    sqlite_step(store, slot->statement);
    sqlite_finish(slot->statement);
}

int64_t sqlite_number(struct store *store, const char *sql, const char *types, ...)
{
    struct cached *slot = sqlite_literal(store, sql);
    if (slot == NULL)
        return 0;
    struct binding binding = reading(store, slot);
    BIND_GIVEN(&binding, types);
    int64_t number =
        sqlite_step(store, slot->statement) ? sqlite3_column_int64(slot->statement, 0) : 0;
    sqlite_finish(slot->statement);
    return number;
}

size_t sqlite_texts(struct store *store, struct arena *arena, const char ***ret_texts,
                    const char *sql, const char *types, ...)
{
    struct cached *slot = sqlite_literal(store, sql);
    *ret_texts = NULL;
    if (slot == NULL)
        return 0;
    struct binding binding = reading(store, slot);
    BIND_GIVEN(&binding, types);
    size_t count = 0;
    size_t room = 0;
    const char **texts = NULL;
    while (sqlite_step(store, slot->statement)) {
        texts = arena_room(arena, texts, sizeof *texts, count, &room, 8);
        texts[count++] = column_text(arena, slot->statement, 0);
    }
    sqlite_finish(slot->statement);
    *ret_texts = texts;
    return count;
}
