/* keys: look-up keys of the embedded store: made, loaded, and found again. keys_run.c turns them
 * into runs.
 *
 * Keys are derived from rows. Those of the rows behind the newest run are in memory only and made
 * again when a connection first needs them; a run is written in the database's own transaction,
 * together with the number of the last row it covers. So nothing of it needs the journal.
 *
 * A key that is not found is a duplicate let in, so pages and filters carry checksums, a page names
 * the key that the next one begins with, and a run the row that the one before it ended with. What
 * does not fit is told, and the keys are made again from all rows; the damaged runs are replaced at
 * the next commit. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateway/runtime/log.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum { TEXTS = 3, KEY_TEXT_MAX = 4096 };

static const enum key_family_name families[KEY_TAGS] = {
    [KEY_INBOUND] = KEYS_LEDGER, [KEY_BUNDLE] = KEYS_LEDGER,  [KEY_OUTBOUND] = KEYS_LEDGER,
    [KEY_RECORD] = KEYS_RECORDS, [KEY_CLIENT] = KEYS_CLIENTS, [KEY_NUMBER] = KEYS_RECORDS,
};

/* ---- making ---- */

static int64_t hash_of(struct store *store, struct key_memo *memo, const unsigned char *bytes,
                       size_t length)
{
    if (memo->length == length && memcmp(memo->bytes, bytes, length) == 0)
        return memo->key;
    int64_t key = (int64_t)(checksum_keyed(store->secret, bytes, length) >> 1);
    if (length > KEY_MEMO_MAX)
        return key;
    memcpy(memo->bytes, bytes, length);
    memo->length = length;
    memo->key = key;
    return key;
}

/* The texts are separated by NUL, which no text holds; what is too long is cut, as hints may be. */
static int64_t key_of(struct store *store, enum key_tag tag, const char *const texts[TEXTS])
{
    unsigned char bytes[KEY_TEXT_MAX];
    size_t length = 0;
    bytes[length++] = (unsigned char)tag;
    for (int i = 0; i < TEXTS && texts[i] != NULL; i++) {
        size_t more = strlen(texts[i]) + 1;
        more = more < KEY_TEXT_MAX - length ? more : KEY_TEXT_MAX - length;
        memcpy(bytes + length, texts[i], more);
        length += more;
    }
    return hash_of(store, &store->key_memos[tag], bytes, length);
}

static void add(struct store *store, enum key_tag tag, const char *one, const char *two,
                const char *three, int64_t row)
{
    const char *texts[TEXTS] = {one, two, three};
    if (one != NULL)
        keys_add(store->families[families[tag]].fresh, key_of(store, tag, texts), row);
}

static void know(struct store *store, enum key_family_name family, int table, int64_t row)
{
    int64_t *known = &store->families[family].known[table];
    *known = row > *known ? row : *known;
}

/* Before a family is loaded nothing is kept of it: loading reads the rows. */
static bool is_loaded(const struct store *store, enum key_family_name family)
{
    return store->families[family].fresh != NULL;
}

/* A row's id as a text of a key. */
struct row_text {
    char text[24];
};

static struct row_text text_of_row(int64_t id)
{
    struct row_text row = {{0}};
    char *at = row.text + sizeof row.text - 1;
    for (; id > 0; id /= 10) /* each message asks for it four times, which printf makes dear */
        *--at = (char)('0' + id % 10);
    memmove(row.text, at, strlen(at) + 1);
    return row;
}

/* MESSAGE names its partner by the text of its row. */
static void key_message(struct store *store, const struct store_message *message, int64_t id)
{
    if (text_equal(message->direction, "in")) {
        add(store, KEY_INBOUND, message->partner, message->message_id, NULL, id);
        add(store, KEY_BUNDLE, message->partner, message->bundle_id, NULL, id);
    } else {
        add(store, KEY_OUTBOUND, message->message_id, NULL, NULL, id);
    }
    know(store, KEYS_LEDGER, 0, id);
}

void sqlite_key_message(struct store *store, const struct store_message *message, int64_t id)
{
    if (!is_loaded(store, KEYS_LEDGER))
        return;
    struct row_text partner = text_of_row(sqlite_partner(store, message->partner));
    struct store_message row = {.direction = message->direction,
                                .partner = partner.text,
                                .message_id = message->message_id,
                                .bundle_id = message->bundle_id};
    key_message(store, &row, id);
}

void sqlite_key_record(struct store *store, const struct store_record *record, int64_t id)
{
    if (!is_loaded(store, KEYS_RECORDS))
        return;
    add(store, KEY_RECORD, record->clinic, record->kind, record->number, id);
    know(store, KEYS_RECORDS, 0, id);
}

void sqlite_key_client(struct store *store, const char *number, int64_t id)
{
    if (!is_loaded(store, KEYS_CLIENTS))
        return;
    add(store, KEY_CLIENT, number, NULL, NULL, id);
    know(store, KEYS_CLIENTS, 0, id);
}

void sqlite_key_referral(struct store *store, const struct store_referral *referral, int64_t id)
{
    if (!is_loaded(store, KEYS_RECORDS))
        return;
    add(store, KEY_NUMBER, referral->number, NULL, NULL, id);
    know(store, KEYS_RECORDS, 1, id);
}

/* ---- loading ---- */

static const char *text_at(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

static void scan_messages(struct store *store, sqlite3_stmt *statement, int64_t id)
{
    struct store_message message = {.direction = text_at(statement, 1),
                                    .partner = text_at(statement, 2),
                                    .message_id = text_at(statement, 3),
                                    .bundle_id = text_at(statement, 4)};
    key_message(store, &message, id);
}

static void scan_records(struct store *store, sqlite3_stmt *statement, int64_t id)
{
    struct store_record record = {.clinic = text_at(statement, 1),
                                  .kind = text_at(statement, 2),
                                  .number = text_at(statement, 3)};
    sqlite_key_record(store, &record, id);
}

static void scan_clients(struct store *store, sqlite3_stmt *statement, int64_t id)
{
    sqlite_key_client(store, text_at(statement, 1), id);
}

static void scan_referrals(struct store *store, sqlite3_stmt *statement, int64_t id)
{
    struct store_referral referral = {.number = text_at(statement, 1)};
    sqlite_key_referral(store, &referral, id);
}

static const struct scan {
    enum key_family_name family;
    int table;
    const char *sql;
    void (*take)(struct store *store, sqlite3_stmt *statement, int64_t id);
} scans[] = {
    {KEYS_LEDGER, 0, "SELECT id, direction, partner, message_id, bundle_id FROM message WHERE id>?",
     scan_messages},
    {KEYS_RECORDS, 0, "SELECT id, clinic, kind, number FROM record WHERE id>?", scan_records},
    {KEYS_RECORDS, 1, "SELECT id, number FROM referral WHERE id>?", scan_referrals},
    {KEYS_CLIENTS, 0, "SELECT id, number FROM client WHERE id>?", scan_clients},
};

static void scan_rows(struct store *store, enum key_family_name family)
{
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++) {
        sqlite3_stmt *statement =
            scans[i].family == family ? sqlite_statement(store, scans[i].sql) : NULL;
        if (statement == NULL)
            continue;
        sqlite3_bind_int64(statement, 1, store->families[family].known[scans[i].table]);
        while (sqlite_step(store, statement))
            scans[i].take(store, statement, sqlite3_column_int64(statement, 0));
        sqlite_finish(statement);
    }
}

void sqlite_know_run(struct key_family *family, int64_t number, const unsigned char *filter)
{
    size_t count = family->filters.count;
    int64_t *runs = realloc(family->runs, (count + 1) * sizeof *runs);
    if (runs == NULL)
        abort(); /* as an arena without memory */
    runs[count] = number;
    family->runs = runs;
    keys_filters_add(&family->filters, filter);
    memset(family->absent, 0, sizeof family->absent);
}

/* Of what stands in a row beside the bytes, and of the bytes. */
uint64_t sqlite_key_sum(const int64_t *numbers, size_t count, const unsigned char *bytes,
                        size_t length)
{
    uint64_t sum = length;
    for (size_t i = 0; i < count; i++) {
        unsigned char number[8];
        checksum_put64(number, (uint64_t)numbers[i]);
        sum = checksum_of(number, sizeof number, sum);
    }
    return checksum_of(bytes, length, sum);
}

/* Reads the next run of a family; false when it is not whole, or not the next one. */
static bool load_run(struct store *store, enum key_family_name name, sqlite3_stmt *statement)
{
    struct key_family *family = &store->families[name];
    const int64_t numbers[4] = {sqlite3_column_int64(statement, 0), (int64_t)name,
                                sqlite3_column_int64(statement, 1),
                                sqlite3_column_int64(statement, 2)};
    const unsigned char *filter = sqlite3_column_blob(statement, 3);
    if (sqlite3_column_bytes(statement, 3) != KEYS_FILTER_BYTES + KEY_RUN_END ||
        sqlite_key_sum(numbers, 4, filter, KEYS_FILTER_BYTES + KEY_RUN_END - 8) !=
            checksum_get64(filter + KEYS_FILTER_BYTES + KEY_RUN_END - 8))
        return false;
    int64_t before = (int64_t)checksum_get64(filter + KEYS_FILTER_BYTES);
    if (family->filters.count > 0 && before != family->known[0])
        return false;
    sqlite_know_run(family, numbers[0], filter);
    know(store, name, 0, numbers[2]);
    know(store, name, 1, numbers[3]);
    return true;
}

static bool load_runs(struct store *store, enum key_family_name name)
{
    bool is_whole = true;
    sqlite3_stmt *statement = sqlite_statement(
        store, "SELECT run, upto, upto_other, filter FROM key_run WHERE family=? ORDER BY run");
    if (statement == NULL)
        return true;
    sqlite3_bind_int(statement, 1, (int)name);
    while (is_whole && sqlite_step(store, statement))
        is_whole = load_run(store, name, statement);
    sqlite_finish(statement);
    return is_whole;
}

static void load_secret(struct store *store)
{
    sqlite3_stmt *statement = sqlite_statement(store, "SELECT value FROM meta WHERE key='secret'");
    if (statement == NULL || store->has_secret)
        return;
    store->has_secret =
        sqlite_step(store, statement) && sqlite3_column_bytes(statement, 0) == CHECKSUM_KEY_BYTES;
    if (store->has_secret)
        memcpy(store->secret, sqlite3_column_blob(statement, 0), CHECKSUM_KEY_BYTES);
    else
        sqlite_note_error(store, SQLITE_CORRUPT);
    sqlite_finish(statement);
}

static void forget_family(struct key_family *family)
{
    keys_free(family->fresh);
    keys_filters_free(&family->filters);
    free(family->runs);
    *family = (struct key_family){.fresh = NULL};
}

void sqlite_forget_keys(struct store *store)
{
    for (size_t i = 0; i < KEY_FAMILIES; i++)
        forget_family(&store->families[i]);
}

static void begin_family(struct key_family *family)
{
    forget_family(family);
    family->fresh = keys_new();
    if (family->fresh == NULL)
        abort(); /* as an arena without memory */
}

/* All keys of a family from its rows, whatever the runs say. */
static void remake(struct store *store, enum key_family_name name)
{
    struct key_family *family = &store->families[name];
    log_event(
        LOG_LEVEL_ERROR, "store-damaged", "what",
        "look-up keys in store.db have changed by themselves", "why",
        "they are made again from the rows; nothing is lost, but the disk may be failing: run "
        "refgate check, and make a backup",
        NULL);
    begin_family(family);
    scan_rows(store, name);
    family->is_remade = true;
}

/* What another connection wrote since is seen too: a reader looks each time. NULL with an error
 * noted: a family is loaded whole or not at all, for what is missing would be taken for new. */
static struct key_family *family_of(struct store *store, enum key_family_name name)
{
    struct key_family *family = &store->families[name];
    bool is_first = !is_loaded(store, name);
    if (is_first) {
        load_secret(store);
        begin_family(family);
        if (!load_runs(store, name))
            remake(store, name);
    }
    if (is_first || store->is_reader)
        scan_rows(store, name);
    if (!store_failed(store))
        return family;
    if (is_first || store->is_reader)
        forget_family(family);
    return NULL;
}

/* ---- finding ---- */

struct found {
    struct arena *arena;
    int64_t *rows;
    size_t count, room;
};

static void add_found(struct found *found, int64_t row)
{
    found->rows =
        arena_room(found->arena, found->rows, sizeof *found->rows, found->count, &found->room, 4);
    found->rows[found->count++] = row;
}

/* Adds what a page holds of the key; false when the page is not whole. RET_UNTIL: the next page's
 * first key. */
static bool search_page(sqlite3_stmt *statement, int64_t run, int64_t key, struct found *found,
                        int64_t *ret_until)
{
    const int64_t numbers[3] = {run, sqlite3_column_int64(statement, 1),
                                sqlite3_column_int64(statement, 2)};
    const unsigned char *at = sqlite3_column_blob(statement, 0);
    size_t length = (size_t)sqlite3_column_bytes(statement, 0);
    if (length < KEY_PAGE_END || length % KEYS_ENTRY_BYTES != 0 ||
        sqlite_key_sum(numbers, 3, at, length - 8) != checksum_get64(at + length - 8))
        return false;
    for (size_t left = length - KEY_PAGE_END; left > 0; left -= KEYS_ENTRY_BYTES) {
        if ((int64_t)checksum_get64(at) == key)
            add_found(found, (int64_t)checksum_get64(at + 8));
        at += KEYS_ENTRY_BYTES;
    }
    *ret_until = (int64_t)checksum_get64(at);
    return true;
}

/* Retention drops runs, and a reader may still know of them. */
static bool is_dropped(struct store *store, int64_t run)
{
    return sqlite_number(store, "SELECT count(*) FROM key_run WHERE run=?", "i", run) == 0;
}

/* False when a page that it needs is not whole, or not there. */
static bool search_run(struct store *store, int64_t run, int64_t key, struct found *found)
{
    static const char sql[] =
        "SELECT entries, first, first_row FROM key_page WHERE run=?1 AND first<=?2 AND first>="
        "ifnull((SELECT max(first) FROM key_page WHERE run=?1 AND first<?2), ?2)";
    bool is_whole = true;
    int64_t until = 0;
    sqlite3_stmt *statement = sqlite_statement(store, sql);
    if (statement == NULL)
        return true;
    sqlite3_bind_int64(statement, 1, run);
    sqlite3_bind_int64(statement, 2, key);
    while (is_whole && sqlite_step(store, statement))
        is_whole = search_page(statement, run, key, found, &until);
    sqlite_finish(statement);
    return (is_whole && until > key) || (until == 0 && is_dropped(store, run)) ||
           store_failed(store);
}

/* A message asks for each of its keys twice: before it is judged, and when it is added. */
static bool search_runs(struct store *store, struct key_family *family, int64_t key,
                        struct found *found)
{
    const struct keys_filters *filters = &family->filters;
    int64_t *absent = &family->absent[key % KEYS_ABSENT];
    size_t before = found->count;
    if (key != 0 && *absent == key)
        return true;
    for (size_t i = 0; (i = keys_filters_next(filters, key, i)) < filters->count; i++) {
        if (!search_run(store, family->runs[i], key, found))
            return false;
    }
    if (found->count == before && !store_failed(store))
        *absent = key;
    return true;
}

static int by_size(const void *one, const void *other)
{
    int64_t left = *(const int64_t *)one;
    int64_t right = *(const int64_t *)other;
    return (left > right) - (left < right);
}

static bool search(struct store *store, struct key_family *family, int64_t key, struct found *found)
{
    int64_t row;
    size_t at = 0;
    while (keys_next(family->fresh, key, &at, &row))
        add_found(found, row);
    return search_runs(store, family, key, found);
}

static void expect(struct store *store, enum key_tag tag, const char *one, const char *two,
                   const char *three)
{
    const char *texts[TEXTS] = {one, two, three};
    const struct keys *fresh = store->families[families[tag]].fresh;
    if (fresh != NULL)
        keys_expect(fresh, key_of(store, tag, texts));
}

void store_expect(struct store *store, const struct store_expected *expected)
{
    struct row_text partner = text_of_row(sqlite_partner(store, expected->partner));
    expect(store, KEY_INBOUND, partner.text, expected->message_id, NULL);
    expect(store, KEY_BUNDLE, partner.text, expected->bundle_id, NULL);
    if (expected->number != NULL) {
        expect(store, KEY_RECORD, expected->clinic, expected->kind, expected->number);
        expect(store, KEY_NUMBER, expected->number, NULL, NULL);
    }
    if (expected->client != NULL)
        expect(store, KEY_CLIENT, expected->client, NULL, NULL);
}

static size_t sort_found(struct found *found)
{
    size_t count = 0;
    if (found->count > 1)
        qsort(found->rows, found->count, sizeof *found->rows, by_size);
    for (size_t i = 0; i < found->count; i++) {
        if (count == 0 || found->rows[count - 1] != found->rows[i])
            found->rows[count++] = found->rows[i];
    }
    return count;
}

size_t sqlite_rows_of(struct store *store, struct arena *arena, enum key_tag tag, const char *one,
                      const char *two, const char *three, int64_t **ret_rows)
{
    const char *texts[TEXTS] = {one, two, three};
    struct key_family *family = family_of(store, families[tag]);
    struct found found = {.arena = arena};
    *ret_rows = NULL;
    if (family == NULL)
        return 0;
    int64_t key = key_of(store, tag, texts);
    if (!search(store, family, key, &found)) {
        found.count = 0;
        remake(store, families[tag]);
        search(store, family, key, &found);
    }
    *ret_rows = found.rows;
    return sort_found(&found);
}

size_t sqlite_messages_of(struct store *store, struct arena *arena, enum key_tag tag,
                          const char *partner, const char *id, int64_t **ret_rows)
{
    if (tag == KEY_OUTBOUND)
        return sqlite_rows_of(store, arena, tag, id, NULL, NULL, ret_rows);
    struct row_text row = text_of_row(sqlite_partner(store, partner));
    return sqlite_rows_of(store, arena, tag, row.text, id, NULL, ret_rows);
}

bool sqlite_keys_are_whole(struct store *store)
{
    struct arena arena = ARENA_EMPTY;
    struct found found = {.arena = &arena};
    bool is_whole = true;
    int64_t until = 0;
    for (int i = 0; i < KEY_FAMILIES && is_whole; i++) {
        begin_family(&store->families[i]);
        is_whole = load_runs(store, (enum key_family_name)i);
        forget_family(&store->families[i]);
    }
    sqlite3_stmt *statement = sqlite_statement(
        store, "SELECT entries, first, first_row, run FROM key_page ORDER BY run, first");
    while (is_whole && statement != NULL && sqlite_step(store, statement)) {
        int64_t first = sqlite3_column_int64(statement, 1);
        is_whole = (first == 0 || first == until) &&
                   search_page(statement, sqlite3_column_int64(statement, 3), -1, &found, &until);
    }
    if (statement != NULL)
        sqlite_finish(statement);
    arena_free(&arena);
    return is_whole;
}
