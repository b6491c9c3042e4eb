/* payload: payloads of the embedded store. While the store serves they go to the journal and
 * are named by their place there, which is never below 1 << 32; else to table payload, whose ids
 * never get that far. */
#include "gateway/store/sqlite/sqlite_internal.h"

static const int64_t first_in_journal = (int64_t)1 << 32;

int64_t sqlite_payload_sum(const void *bytes, size_t length)
{
    return (int64_t)checksum_of(bytes, length, length);
}

static int64_t put(struct store *store, const void *bytes, size_t length,
                   const unsigned char *sha256, bool seldom)
{
    static const char sql[] = "INSERT INTO payload (id, bytes, sum) VALUES (?, ?, ?)";
    if (store_failed(store))
        return 0;
    if (store->is_serving)
        return journal_put(store->journal, bytes, length, sha256, seldom);
    sqlite3_stmt *statement = sqlite_statement(store, sql);
    if (statement == NULL)
        return 0;
    int64_t id = sqlite_next_id(store, IDS_PAYLOAD);
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_blob64(statement, 2, bytes, length, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, sqlite_payload_sum(bytes, length));
    sqlite_step(store, statement);
    sqlite_finish(statement);
    store->state.last_ids[IDS_PAYLOAD] = id;
    return store_failed(store) ? 0 : id;
}

int64_t payload_put(struct store *store, const void *bytes, size_t length)
{
    return put(store, bytes, length, NULL, false);
}

int64_t payload_keep(struct store *store, const void *bytes, size_t length,
                     const unsigned char *sha256)
{
    return put(store, bytes, length, sha256, true);
}

bool sqlite_has_sums(struct store *store)
{
    if (!store->has_sums)
        store->has_sums = sqlite3_table_column_metadata(store->database, NULL, "payload", "sum",
                                                        NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
    return store->has_sums;
}

const char *payload_get(struct store *store, struct arena *arena, int64_t id, size_t *ret_length)
{
    static const char summed[] = "SELECT bytes, sum FROM payload WHERE id=?";
    static const char old[] = "SELECT bytes, NULL FROM payload WHERE id=?";
    const char *bytes = NULL;
    *ret_length = 0;
    if (id >= first_in_journal)
        return sqlite_has_journal(store) ? journal_get(store->journal, arena, id, ret_length)
                                         : NULL;
    sqlite3_stmt *statement = sqlite_statement(store, sqlite_has_sums(store) ? summed : old);
    if (statement == NULL)
        return NULL;
    sqlite3_bind_int64(statement, 1, id);
    if (sqlite_step(store, statement)) {
        *ret_length = (size_t)sqlite3_column_bytes(statement, 0);
        const void *blob = sqlite3_column_blob(statement, 0);
        bool is_whole = sqlite3_column_type(statement, 1) == SQLITE_NULL ||
                        sqlite3_column_int64(statement, 1) ==
                            sqlite_payload_sum(blob == NULL ? "" : blob, *ret_length);
        if (is_whole)
            bytes = arena_copy_n(arena, blob == NULL ? "" : blob, *ret_length);
    }
    sqlite_finish(statement);
    return bytes;
}
