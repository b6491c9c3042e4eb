/* keys_run: the look-up keys of the embedded store written as runs, which keys.c reads.
 *
 * A run holds up to KEYS_MOST keys of one family, sorted, in pages, and a filter that says which
 * keys it may hold. Runs are written inside the commit, in the database's own transaction, by
 * whichever thread commits. When memory or disk runs short the keys stay in memory, or the commit
 * fails and is tried again: no key is ever forgotten. */
#include <stdlib.h>
#include <string.h>

#include "gateway/store/sqlite/sqlite_internal.h"

/* COUNT entries from FIRST on, the first page of a run from 0 on; the next one begins with UNTIL.
 */
static void write_page(struct store *store, int64_t run, int64_t first,
                       const struct key_entry *entries, size_t count, int64_t until)
{
    unsigned char bytes[KEY_PAGE_BYTES + KEY_PAGE_END];
    size_t length = count * KEYS_ENTRY_BYTES;
    const int64_t numbers[3] = {run, first, entries[0].row};
    sqlite3_stmt *statement = sqlite_statement(
        store, "INSERT INTO key_page (run, first, first_row, entries) VALUES (?, ?, ?, ?)");
    if (statement == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        checksum_put64(bytes + KEYS_ENTRY_BYTES * i, (uint64_t)entries[i].hash);
        checksum_put64(bytes + KEYS_ENTRY_BYTES * i + 8, (uint64_t)entries[i].row);
    }
    checksum_put64(bytes + length, (uint64_t)until);
    checksum_put64(bytes + length + 8, sqlite_key_sum(numbers, 3, bytes, length + 8));
    sqlite3_bind_int64(statement, 1, run);
    sqlite3_bind_int64(statement, 2, first);
    sqlite3_bind_int64(statement, 3, entries[0].row);
    sqlite3_bind_blob(statement, 4, bytes, (int)(length + KEY_PAGE_END), SQLITE_STATIC);
    sqlite_step(store, statement);
    sqlite_finish(statement);
}

static void write_pages(struct store *store, int64_t run, const struct key_entry *entries,
                        size_t count)
{
    for (size_t i = 0; i < count; i += KEYS_PAGE) {
        bool is_last = count - i <= KEYS_PAGE;
        write_page(store, run, i == 0 ? 0 : entries[i].hash, entries + i,
                   is_last ? count - i : KEYS_PAGE,
                   is_last ? INT64_MAX : entries[i + KEYS_PAGE].hash);
    }
}

/* The last row of a family's table; an undone unit may have made keys of rows beyond it. */
static int64_t last_row(struct store *store, enum key_family_name name, int table)
{
    static const enum sqlite_ids ids[KEY_FAMILIES][KEY_TABLES_MAX] = {
        [KEYS_LEDGER] = {IDS_MESSAGE, IDS_MESSAGE},
        [KEYS_RECORDS] = {IDS_RECORD, IDS_REFERRAL},
        [KEYS_CLIENTS] = {IDS_CLIENT, IDS_CLIENT},
    };
    int64_t known = store->families[name].known[table];
    int64_t last = sqlite_next_id(store, ids[name][table]) - 1;
    return last < known ? last : known;
}

static void know_last_run(struct store *store)
{
    int64_t last = sqlite_number(store, "SELECT max(run) FROM key_run", "");
    store->last_run = last > store->last_run ? last : store->last_run;
}

/* The row of a run; its number, 0 with an error noted. FILTER has room for what stands behind it.
 */
static int64_t write_filter(struct store *store, enum key_family_name name, unsigned char *filter,
                            int64_t before)
{
    know_last_run(store);
    int64_t numbers[4] = {store->last_run + 1, (int64_t)name, last_row(store, name, 0),
                          last_row(store, name, 1)};
    sqlite3_stmt *statement = sqlite_statement(
        store, "INSERT INTO key_run (run, family, upto, upto_other, filter) VALUES "
               "(?, ?, ?, ?, ?)");
    if (statement == NULL)
        return 0;
    checksum_put64(filter + KEYS_FILTER_BYTES, (uint64_t)before);
    checksum_put64(filter + KEYS_FILTER_BYTES + KEY_RUN_END - 8,
                   sqlite_key_sum(numbers, 4, filter, KEYS_FILTER_BYTES + KEY_RUN_END - 8));
    for (int i = 0; i < 4; i++)
        sqlite3_bind_int64(statement, i + 1, numbers[i]);
    sqlite3_bind_blob(statement, 5, filter, KEYS_FILTER_BYTES + KEY_RUN_END, SQLITE_STATIC);
    sqlite_step(store, statement);
    sqlite_finish(statement);
    return store_failed(store) ? 0 : numbers[0];
}

static void write_run(struct store *store, enum key_family_name name,
                      const struct key_entry *entries, size_t count, int64_t before)
{
    struct key_family *family = &store->families[name];
    unsigned char *filter = malloc(KEYS_FILTER_BYTES + KEY_RUN_END);
    if (filter == NULL) { /* the keys must not be forgotten: the commit fails, and is tried again */
        sqlite_note_error(store, SQLITE_NOMEM);
        return;
    }
    keys_filter_fill(filter, entries, count);
    int64_t run = write_filter(store, name, filter, before);
    if (run != 0)
        write_pages(store, run, entries, count);
    if (run != 0)
        sqlite_know_run(family, run, filter);
    free(filter);
}

static void delete_runs(struct store *store, enum key_family_name name)
{
    static const char *const sqls[] = {
        "DELETE FROM key_page WHERE run IN (SELECT run FROM key_run WHERE family=?1) OR "
        "run NOT IN (SELECT run FROM key_run)",
        "DELETE FROM key_run WHERE family=?1"};
    know_last_run(store);
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *statement = sqlite_statement(store, sqls[i]);
        if (statement == NULL)
            return;
        sqlite3_bind_int(statement, 1, (int)name);
        sqlite_step(store, statement);
        sqlite_finish(statement);
    }
}

/* The row up to which runs that are there already go. */
static int64_t sealed_to(struct store *store, enum key_family_name name)
{
    sqlite3_stmt *statement =
        sqlite_statement(store, "SELECT max(upto) FROM key_run WHERE family=?");
    if (statement == NULL)
        return 0;
    sqlite3_bind_int(statement, 1, (int)name);
    int64_t row = sqlite_step(store, statement) ? sqlite3_column_int64(statement, 0) : 0;
    sqlite_finish(statement);
    return row;
}

/* Every key of a family that is in memory becomes a run, or some. */
static void seal(struct store *store, enum key_family_name name)
{
    struct key_family *family = &store->families[name];
    struct key_entry *entries = keys_sorted(family->fresh);
    size_t count = keys_count(family->fresh);
    if (entries == NULL)
        return; /* they stay in memory; tried again at the next commit */
    int64_t before = sealed_to(store, name);
    for (size_t at = 0; at < count && !store_failed(store); at += KEYS_MOST) {
        write_run(store, name, entries + at, count - at < KEYS_MOST ? count - at : KEYS_MOST,
                  before);
        before = last_row(store, name, 0);
    }
    free(entries);
    if (!store_failed(store))
        keys_clear(family->fresh);
}

void sqlite_seal_keys(struct store *store)
{
    for (int i = 0; i < KEY_FAMILIES && !store_failed(store); i++) {
        struct key_family *family = &store->families[i];
        if (family->fresh != NULL && family->is_remade)
            delete_runs(store, (enum key_family_name)i);
        if (store_failed(store))
            return;
        family->is_remade = false;
        if (family->fresh != NULL && keys_count(family->fresh) >= KEYS_FULL)
            seal(store, (enum key_family_name)i);
    }
}

void sqlite_drop_run(struct store *store, enum key_family_name name, int64_t run)
{
    struct key_family *family = &store->families[name];
    size_t at = 0;
    while (at < family->filters.count && family->runs[at] != run)
        at++;
    if (at == family->filters.count)
        return;
    keys_filters_drop(&family->filters, at);
    memmove(family->runs + at, family->runs + at + 1,
            (family->filters.count - at) * sizeof *family->runs);
}
