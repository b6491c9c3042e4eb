/* gather: rows that are added gather here, and go into the database many at a time.
 *
 * While the store serves, sqlite_insert only notes a row for the journal and names its place here.
 * A statement that reads or changes the table otherwise comes behind them (sqlite.c), and so does
 * the sync: then one statement a table takes its rows out of the group's notes, through a virtual
 * table. A row costs half of what a statement of its own would: opening the table and its indexes,
 * finding its end, and handing over the values are done once. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "gateway/store/journal/note.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum {
    COLUMNS_MAX = 32, /* of a table */
    FEW = 3           /* rows up to this are inserted one by one */
};

struct view { /* the virtual table: the rows of store->gathering */
    sqlite3_vtab base;
    struct store *store;
};

struct place { /* where a statement that reads it stands */
    sqlite3_vtab_cursor base;
    const struct gathered *rows;
    struct store *store;
    size_t row;
    struct note values[COLUMNS_MAX]; /* of that row */
    int count;
};

static int open_view(sqlite3 *database, void *owner, int words, const char *const *word,
                     sqlite3_vtab **ret_view, char **ret_error)
{
    char sql[COLUMNS_MAX * 8];
    int length = snprintf(sql, sizeof sql, "CREATE TABLE gathered (c0");
    (void)words;
    (void)word;
    (void)ret_error;
    for (int i = 1; i < COLUMNS_MAX; i++)
        length += snprintf(sql + length, sizeof sql - (size_t)length, ",c%d", i);
    snprintf(sql + length, sizeof sql - (size_t)length, ")");
    int code = sqlite3_declare_vtab(database, sql);
    struct view *view = code == SQLITE_OK ? calloc(1, sizeof *view) : NULL;
    if (view == NULL)
        return code == SQLITE_OK ? SQLITE_NOMEM : code;
    view->store = owner;
    *ret_view = &view->base;
    return SQLITE_OK;
}

static int close_view(sqlite3_vtab *view)
{
    free(view);
    return SQLITE_OK;
}

static int choose_way(sqlite3_vtab *view, sqlite3_index_info *way)
{
    (void)view;
    way->estimatedCost = GATHERED_MAX;
    return SQLITE_OK;
}

static int open_place(sqlite3_vtab *view, sqlite3_vtab_cursor **ret_place)
{
    struct place *place = calloc(1, sizeof *place);
    if (place == NULL)
        return SQLITE_NOMEM;
    place->store = ((struct view *)view)->store;
    *ret_place = &place->base;
    return SQLITE_OK;
}

static int close_place(sqlite3_vtab_cursor *place)
{
    free(place);
    return SQLITE_OK;
}

static int columns_of(const struct gathered *rows)
{
    int count = 0;
    for (size_t i = 0; i < rows->table->column_count; i++)
        count += sqlite_has_column(&rows->table->columns[i], rows->form);
    return count;
}

/* The values of a row are taken at once: a table has its columns in another order. */
static void go_to_row(struct place *place)
{
    const unsigned char *end;
    int taken = 0;
    if (place->row >= place->rows->count)
        return;
    const unsigned char *at =
        journal_noted(place->store->journal, place->rows->places[place->row], &end);
    while (taken < place->count && note_take(&at, end, &place->values[taken]))
        taken++;
    place->count = taken;
}

static int first_row(sqlite3_vtab_cursor *cursor, int number, const char *text, int count,
                     sqlite3_value **values)
{
    struct place *place = (struct place *)cursor;
    (void)number;
    (void)text;
    (void)count;
    (void)values;
    place->rows = place->store->gathering;
    place->row = 0;
    place->count = columns_of(place->rows);
    go_to_row(place);
    return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *cursor)
{
    struct place *place = (struct place *)cursor;
    place->row++;
    go_to_row(place);
    return SQLITE_OK;
}

static int is_behind(sqlite3_vtab_cursor *cursor)
{
    const struct place *place = (const struct place *)cursor;
    return place->row >= place->rows->count;
}

static int row_id(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret_id)
{
    *ret_id = (sqlite3_int64)((struct place *)cursor)->row;
    return SQLITE_OK;
}

static int give_value(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct place *place = (const struct place *)cursor;
    const struct note *note = &place->values[column];
    if (column >= place->count)
        return SQLITE_CORRUPT;
    if (note->kind == NOTE_WHOLE)
        sqlite3_result_int64(context, note->whole);
    else if (note->kind == NOTE_TEXT)
        sqlite3_result_text64(context, note->bytes, note->length, SQLITE_STATIC, SQLITE_UTF8);
    else if (note->kind == NOTE_BLOB)
        sqlite3_result_blob64(context, note->bytes, note->length, SQLITE_STATIC);
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xConnect = open_view,
    .xBestIndex = choose_way,
    .xDisconnect = close_view,
    .xDestroy = close_view,
    .xOpen = open_place,
    .xClose = close_place,
    .xFilter = first_row,
    .xNext = next_row,
    .xEof = is_behind,
    .xColumn = give_value,
    .xRowid = row_id,
};

/* Called by SQLite while a statement is prepared, for each thing it does. */
static int see_table(void *owner, int action, const char *table, const char *column,
                     const char *database, const char *trigger)
{
    static const char *const names[SQLITE_IDS] = {
        [IDS_RECORD] = "record",   [IDS_REFERRAL] = "referral", [IDS_MESSAGE] = "message",
        [IDS_ATTEMPT] = "attempt", [IDS_EVENT] = "event",       [IDS_RELEASE] = "release",
        [IDS_AUDIT] = "audit",     [IDS_PAYLOAD] = "payload",   [IDS_CLIENT] = "client",
    };
    struct store *store = owner;
    bool is_row = action == SQLITE_READ || action == SQLITE_INSERT || action == SQLITE_UPDATE ||
                  action == SQLITE_DELETE;
    (void)column;
    (void)database;
    (void)trigger;
    for (unsigned i = 0; is_row && i < SQLITE_IDS; i++) {
        if (text_equal(names[i], table))
            store->touched |= 1u << i;
    }
    return SQLITE_OK;
}

bool sqlite_gather_open(struct store *store)
{
    return sqlite3_create_module_v2(store->database, "gathered", &module, store, NULL) ==
               SQLITE_OK &&
           sqlite3_set_authorizer(store->database, see_table, store) == SQLITE_OK;
}

/* ---- into the database ---- */

static void insert_one(struct store *store, sqlite3_stmt *statement, const struct gathered *rows,
                       size_t row)
{
    const unsigned char *end;
    const unsigned char *at = journal_noted(store->journal, rows->places[row], &end);
    struct note note;
    for (int i = 0; i < columns_of(rows); i++) {
        if (!note_take(&at, end, &note) || !sqlite_bind_note(statement, i + 1, &note))
            sqlite_note_error(store, SQLITE_CORRUPT);
    }
    sqlite_step(store, statement);
    sqlite3_reset(statement);
}

static void insert_each(struct store *store, const struct gathered *rows)
{
    const struct cached *one = sqlite_inserting(store, rows->table, rows->form);
    for (size_t i = 0; one != NULL && i < rows->count && !store_failed(store); i++)
        insert_one(store, one->statement, rows, i);
}

static void insert_all(struct store *store, struct gathered *rows)
{
    if (rows->count <= FEW || rows->table->column_count > COLUMNS_MAX) {
        insert_each(store, rows);
        return;
    }
    const struct cached *all = sqlite_inserting_gathered(store, rows->table, rows->form);
    store->gathering = rows;
    if (all == NULL)
        return;
    sqlite_step(store, all->statement);
    sqlite3_reset(all->statement);
}

void sqlite_gather(struct store *store, const struct table *table, enum sqlite_form form,
                   size_t place)
{
    struct gathered *rows = &store->gathered[table->ids][form];
    if (rows->count == GATHERED_MAX)
        sqlite_insert_gathered(store, 1u << table->ids);
    rows->table = table;
    rows->form = form;
    rows->places[rows->count++] = place;
    store->has_gathered |= 1u << table->ids;
}

void sqlite_insert_gathered(struct store *store, unsigned tables)
{
    tables &= store->has_gathered;
    store->has_gathered &= ~tables;
    for (; tables != 0; tables &= tables - 1) {
        struct gathered *rows = store->gathered[__builtin_ctz(tables)];
        for (int form = 0; form < SQLITE_FORMS; form++) {
            if (rows[form].count > 0)
                insert_all(store, &rows[form]);
            rows[form].count = 0;
        }
    }
}

void sqlite_drop_gathered(struct store *store)
{
    store->has_gathered = 0;
    for (size_t i = 0; i < SQLITE_IDS; i++) {
        for (int form = 0; form < SQLITE_FORMS; form++)
            store->gathered[i][form].count = 0;
    }
}
