/* statement: the statements of the embedded store: their SQL, made from a table's columns
 * where it is about rows, and the statement itself, prepared once a connection and found again by
 * the address of what it was made from. Called by sqlite.c and sqlite/gather.c. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "gateway/store/sqlite/sqlite_internal.h"

/* ---- SQL ---- */

/* Adds NAME to a list, with a comma before it unless it is the first one. */
static size_t add_name(char *sql, size_t length, const char *name)
{
    bool is_first = sql[length - 1] == ' ' || sql[length - 1] == '(';
    return length +
           (size_t)snprintf(sql + length, SQL_MAX - length, "%s%s", is_first ? "" : ",", name);
}

static void select_sql(const struct table *table, const char *rest, char *sql)
{
    size_t length = (size_t)snprintf(sql, SQL_MAX, "SELECT ");
    for (size_t i = 0; i < table->column_count; i++)
        length = add_name(sql, length, table->columns[i].name);
    snprintf(sql + length, SQL_MAX - length, " FROM %s %s", table->name, rest);
}

static void update_sql(const struct table *table, size_t skip, char *sql)
{
    size_t length = (size_t)snprintf(sql, SQL_MAX, "UPDATE %s SET ", table->name);
    for (size_t i = skip; i < table->column_count; i++) {
        length = add_name(sql, length, table->columns[i].name);
        length += (size_t)snprintf(sql + length, SQL_MAX - length, "=?");
    }
    snprintf(sql + length, SQL_MAX - length, " WHERE %s=?", table->columns[0].name);
}

static void insert_sql(const struct table *table, enum sqlite_form form, char *sql)
{
    size_t length = (size_t)snprintf(sql, SQL_MAX, "INSERT INTO %s (", table->name);
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (!sqlite_has_column(&table->columns[i], form))
            continue;
        length = add_name(sql, length, table->columns[i].name);
        count++;
    }
    length += (size_t)snprintf(sql + length, SQL_MAX - length, ") VALUES (");
    for (size_t i = 0; i < count; i++)
        length = add_name(sql, length, "?");
    snprintf(sql + length, SQL_MAX - length, ")");
}

/* ---- rows that gathered ---- */

/* How many columns of this form come before the one called NAME; -1: none is. */
static int place_of(const struct table *table, enum sqlite_form form, const char *name)
{
    int place = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (!sqlite_has_column(&table->columns[i], form))
            continue;
        if (strcmp(table->columns[i].name, name) == 0)
            return place;
        place++;
    }
    return -1;
}

/* All columns of the table in its own order, what is not written by its default: so SQLite makes
 * each value where the row wants it, and need not move it once more. A row that may not be ends the
 * whole transaction (writer.c), so nothing need be kept for undoing the rows before it. */
static void insert_gathered_sql(struct store *store, const struct table *table,
                                enum sqlite_form form, char *sql)
{
    static const char columns_of[] =
        "SELECT name, ifnull(dflt_value, 'NULL') FROM pragma_table_info(?) ORDER BY cid";
    char values[SQL_MAX] = " ";
    size_t values_length = 1;
    size_t length = (size_t)snprintf(sql, SQL_MAX, "INSERT OR FAIL INTO %s (", table->name);
    sqlite3_stmt *statement = sqlite_statement(store, columns_of);
    if (statement == NULL)
        return;
    sqlite3_bind_text(statement, 1, table->name, -1, SQLITE_STATIC);
    while (sqlite_step(store, statement)) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const char *otherwise = (const char *)sqlite3_column_text(statement, 1);
        char value[16];
        int place = place_of(table, form, name);
        snprintf(value, sizeof value, "c%d", place);
        length = add_name(sql, length, name);
        values_length = add_name(values, values_length, place < 0 ? otherwise : value);
    }
    sqlite_finish(statement);
    snprintf(sql + length, SQL_MAX - length, ") SELECT%s FROM gathered", values);
}

/* ---- statements ---- */

/* What a statement does. */
enum verb {
    VERB_LITERAL,
    VERB_SELECT,
    VERB_UPDATE,
    VERB_INSERT,                               /* and the form */
    VERB_GATHERED = VERB_INSERT + SQLITE_FORMS /* likewise */
};

/* What it is made from. TEXT: all of the SQL, or what follows the columns. */
struct source {
    const void *key; /* an address; that of the table where there is no text */
    enum verb verb;
    const struct table *table;
    const char *text;
    size_t skip; /* columns that are not updated */
};

static struct cached *cache_slot(struct store *store, const struct source *source)
{
    size_t at = (((uintptr_t)source->key >> 3) + ((uintptr_t)source->table >> 4) + source->verb) %
                STATEMENTS_MAX;
    for (size_t i = 0; i < STATEMENTS_MAX; i++, at = (at + 1) % STATEMENTS_MAX) {
        struct cached *slot = &store->cache[at];
        if (slot->key == NULL || (slot->key == source->key && slot->table == source->table &&
                                  slot->verb == (int)source->verb))
            return slot;
    }
    return NULL;
}

static void make_sql(struct store *store, const struct source *source, char *sql)
{
    if (source->verb >= VERB_GATHERED)
        insert_gathered_sql(store, source->table, (enum sqlite_form)(source->verb - VERB_GATHERED),
                            sql);
    else if (source->verb >= VERB_INSERT)
        insert_sql(source->table, (enum sqlite_form)(source->verb - VERB_INSERT), sql);
    else if (source->verb == VERB_UPDATE)
        update_sql(source->table, source->skip, sql);
    else if (source->verb == VERB_SELECT)
        select_sql(source->table, source->text, sql);
    else
        snprintf(sql, SQL_MAX, "%s", source->text);
}

/* Which of the columns behind the first SKIP ones name partners or clients. */
static unsigned names_in(const struct table *table, size_t skip)
{
    unsigned names = 0;
    for (size_t i = skip; table != NULL && i < table->column_count; i++) {
        enum column_type type = table->columns[i].type;
        if (type == COLUMN_PARTNER || type == COLUMN_ORIGIN || type == COLUMN_CLIENT)
            names |= 1u << i;
    }
    return names;
}

/* All of our SQL fits our tables: where it does not, their definitions in the database have changed
 * by themselves, which hinders what needs the table and nothing else. */
static void note_unprepared(struct store *store, int code)
{
    sqlite_note_error(store, code);
    if (code != SQLITE_ERROR || store->error != code)
        return;
    store->error = SQLITE_CORRUPT;
    snprintf(store->error_text, sizeof store->error_text,
             "the definition of a table in it is damaged: %s", sqlite3_errmsg(store->database));
}

static struct cached *prepare(struct store *store, const struct source *source)
{
    char sql[SQL_MAX];
    make_sql(store, source, sql);
    struct cached *slot = cache_slot(store, source); /* not before: the SQL may ask for another */
    if (slot == NULL)
        sqlite_note_error(store, SQLITE_FULL);
    if (store_failed(store))
        return NULL;
    store->touched = 0;
    int code = sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &slot->statement, NULL);
    if (code != SQLITE_OK) {
        note_unprepared(store, code);
        return NULL;
    }
    slot->key = source->key;
    slot->table = source->table;
    slot->verb = (int)source->verb;
    slot->touches = store->touched;
    slot->names = names_in(source->table, source->skip);
    return slot;
}

static struct cached *found_or_prepared(struct store *store, const struct source *source)
{
    if (store_failed(store))
        return NULL;
    struct cached *slot = cache_slot(store, source);
    return slot != NULL && slot->key != NULL ? slot : prepare(store, source);
}

/* One that reads: behind the rows that gathered. */
static struct cached *reading(struct store *store, const struct source *source)
{
    struct cached *slot = found_or_prepared(store, source);
    if (slot == NULL || (slot->touches & store->has_gathered) == 0)
        return slot;
    sqlite_insert_gathered(store, slot->touches);
    return store_failed(store) ? NULL : slot;
}

struct cached *sqlite_literal(struct store *store, const char *sql)
{
    return reading(store, &(struct source){.key = sql, .verb = VERB_LITERAL, .text = sql});
}

sqlite3_stmt *sqlite_statement(struct store *store, const char *sql)
{
    struct cached *slot = sqlite_literal(store, sql);
    return slot == NULL ? NULL : slot->statement;
}

struct cached *sqlite_selecting(struct store *store, const struct table *table, const char *rest)
{
    return reading(store, &(struct source){.key = rest,
                                           .verb = VERB_SELECT,
                                           .table = table,
                                           .text = rest,
                                           .skip = table->column_count});
}

struct cached *sqlite_updating(struct store *store, const struct table *table, size_t skip)
{
    return reading(
        store, &(struct source){.key = table, .verb = VERB_UPDATE, .table = table, .skip = skip});
}

struct cached *sqlite_inserting(struct store *store, const struct table *table,
                                enum sqlite_form form)
{
    return found_or_prepared(
        store,
        &(struct source){.key = table, .verb = (enum verb)(VERB_INSERT + form), .table = table});
}

struct cached *sqlite_inserting_gathered(struct store *store, const struct table *table,
                                         enum sqlite_form form)
{
    return found_or_prepared(
        store,
        &(struct source){.key = table, .verb = (enum verb)(VERB_GATHERED + form), .table = table});
}
