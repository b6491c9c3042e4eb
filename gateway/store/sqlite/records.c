/* records: records, the tray, links and the audit trail in the embedded store. */
#include "gateway/store/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fhir/record/vocabulary.h"
#include "gateway/store/lived.h"
#include "gateway/store/sqlite/sqlite_internal.h"

#define RECORD(member, type) COLUMN(struct store_record, member, type)
static const struct column record_columns[] = {
    RECORD(id, COLUMN_WHOLE),
    RECORD(clinic, COLUMN_TEXT),
    RECORD(kind, COLUMN_TEXT),
    RECORD(number, COLUMN_TEXT),
    RECORD(origin, COLUMN_ORIGIN),
    RECORD(client, COLUMN_CLIENT),
    RECORD(referral, COLUMN_LINK),
    RECORD(accepted_ms, COLUMN_WHOLE),
    RECORD(payload, COLUMN_WHOLE),
    RECORD(attachments, COLUMN_SELDOM_LINK),
    RECORD(hash, COLUMN_HASH),
    RECORD(exported, COLUMN_YES_NO),
    RECORD(retracted, COLUMN_SELDOM_TEXT),
    RECORD(retracted_ms, COLUMN_SELDOM_WHOLE),
    RECORD(lived_ms, COLUMN_WHOLE),
    RECORD(replaces, COLUMN_SELDOM_TEXT),
};
static const char *owner_of(const void *row)
{
    return ((const struct store_record *)row)->origin;
}

static const struct table records =
    TABLE_OF_CLIENTS("record", store_record, record_columns, IDS_RECORD, owner_of);

#define RELEASE(member, type) COLUMN(struct store_release, member, type)
static const struct column release_columns[] = {
    RELEASE(id, COLUMN_WHOLE),           RELEASE(record, COLUMN_WHOLE),
    RELEASE(recipient, COLUMN_TEXT),     RELEASE(addressed_as, COLUMN_TEXT),
    RELEASE(client, COLUMN_CLIENT),      RELEASE(partner, COLUMN_PARTNER),
    RELEASE(state, COLUMN_TEXT),         RELEASE(reason, COLUMN_TEXT),
    RELEASE(decided_ms, COLUMN_WHOLE),   RELEASE(message, COLUMN_LINK),
    RELEASE(confirmed_by, COLUMN_TEXT),  RELEASE(confirmed_what, COLUMN_TEXT),
    RELEASE(confirmed_ms, COLUMN_WHOLE), RELEASE(granted_to, COLUMN_TEXT),
    RELEASE(consents, COLUMN_TEXT),      RELEASE(again_ms, COLUMN_LINK),
};
static const struct table releases =
    TABLE_WITH_IDS("release", store_release, release_columns, IDS_RELEASE);

#define AUDIT(member, type) COLUMN(struct store_audit, member, type)
static const struct column audit_columns[] = {
    AUDIT(seq, COLUMN_WHOLE),    AUDIT(at_ms, COLUMN_WHOLE),
    AUDIT(what, COLUMN_TEXT),    AUDIT(partner, COLUMN_PARTNER),
    AUDIT(subject, COLUMN_TEXT), AUDIT(detail, COLUMN_TEXT),
    AUDIT(hash, COLUMN_HASH),    AUDIT(tick, COLUMN_TICK),
    AUDIT(actor, COLUMN_TEXT),   AUDIT(purpose, COLUMN_TEXT),
    AUDIT(client, COLUMN_LINK),  AUDIT(partner_name, COLUMN_SELDOM_TEXT),
};
static const struct table audits = TABLE_WITH_IDS("audit", store_audit, audit_columns, IDS_AUDIT);

static void add_text(struct store *store, struct arena *arena, struct store_record *record)
{
    size_t length;
    record->text = store_record_text(store, arena, record, &length);
}

static bool row_of(struct store *store, struct arena *arena, int64_t id,
                   struct store_record *ret_record)
{
    return sqlite_select_one(store, arena, &records, ret_record, "WHERE id=?", "i", id);
}

bool store_find_record(struct store *store, struct arena *arena, const char *clinic,
                       const char *kind, const char *number, struct store_record *ret_record)
{
    struct store_record row;
    int64_t *rows;
    size_t count = sqlite_rows_of(store, arena, KEY_RECORD, clinic, kind, number, &rows);
    for (size_t i = 0; i < count; i++) {
        if (!row_of(store, arena, rows[i], &row) || !text_equal(row.clinic, clinic) ||
            !text_equal(row.kind, kind) || !text_equal(row.number, number))
            continue;
        *ret_record = row;
        return true;
    }
    return false;
}

int64_t store_add_record(struct store *store, const struct store_record *record)
{
    struct arena arena = ARENA_EMPTY;
    struct store_record seen;
    if (store_find_record(store, &arena, record->clinic, record->kind, record->number, &seen))
        sqlite_refuse(store, "a record of this number is there already");
    arena_free(&arena);
    struct store_record row = *record;
    if (row.lived_ms == 0)
        row.lived_ms = store_lived_ms(store);
    int64_t id = sqlite_insert(store, &records, &row);
    if (id != 0)
        sqlite_key_record(store, record, id);
    return id;
}

bool store_get_record_row(struct store *store, struct arena *arena, int64_t id,
                          struct store_record *ret_record)
{
    return row_of(store, arena, id, ret_record);
}

size_t store_record_rows(struct store *store, struct arena *arena, int64_t after, bool is_back,
                         size_t limit, struct store_record **ret_records)
{
    if (is_back)
        return sqlite_select(store, arena, &records, ret_records,
                             "WHERE id<? ORDER BY id DESC LIMIT ?", "ii",
                             after == 0 ? INT64_MAX : after, (int64_t)limit);
    return sqlite_select(store, arena, &records, ret_records, "WHERE id>? ORDER BY id LIMIT ?",
                         "ii", after, (int64_t)limit);
}

bool store_get_record(struct store *store, struct arena *arena, int64_t id,
                      struct store_record *ret_record)
{
    if (!row_of(store, arena, id, ret_record))
        return false;
    add_text(store, arena, ret_record);
    return true;
}

bool store_find_correction(struct store *store, struct arena *arena, const struct store_record *row,
                           struct store_record *ret_record)
{
    return sqlite_select_one(store, arena, &records, ret_record,
                             "WHERE client=? AND replaces<>'' AND replaces=? AND kind=? "
                             "ORDER BY id DESC LIMIT 1",
                             "itt", sqlite_client(store, STORE_OWN, row->client), row->number,
                             row->kind);
}

static int by_id(const void *one, const void *other)
{
    int64_t left = ((const struct store_record *)one)->id;
    int64_t right = ((const struct store_record *)other)->id;
    return (left > right) - (left < right);
}

size_t sqlite_records_of(struct store *store, struct arena *arena, const char *client,
                         struct store_record **ret_records)
{
    struct store_client *clients;
    struct store_record *all = NULL;
    struct store_record *some;
    size_t total = 0;
    size_t client_count = sqlite_clients_numbered(store, arena, client, &clients);
    for (size_t i = 0; i < client_count; i++) {
        size_t count = sqlite_select(store, arena, &records, &some, "WHERE client=? ORDER BY id",
                                     "i", clients[i].id);
        all = arena_grow(arena, all, total * sizeof *all, (total + count) * sizeof *all);
        if (count > 0)
            memcpy(all + total, some, count * sizeof *all);
        total += count;
    }
    if (client_count > 1)
        qsort(all, total, sizeof *all, by_id);
    *ret_records = all;
    return total;
}

/* A kind that has changed by itself is still in the record's text: a consent is never passed over.
 */
static bool is_of_kind(struct store *store, struct arena *arena, const struct store_record *row,
                       const char *kind)
{
    size_t length;
    if (kind == NULL || text_equal(row->kind, kind))
        return true;
    if (record_kind_find(row->kind) != NULL)
        return false;
    const char *text = payload_get(store, arena, row->payload, &length);
    return text != NULL && strstr(text, arena_print(arena, "\"record\":\"%s\"", kind)) != NULL;
}

/* Those of a kind and from somewhere (NULL: any) move to the front; returns how many. */
static size_t keep_records(struct store *store, struct arena *arena, struct store_record *found,
                           size_t count, const char *kind, const char *origin)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_of_kind(store, arena, &found[i], kind) &&
            (origin == NULL || text_equal(found[i].origin, origin)))
            found[kept++] = found[i];
    }
    return kept;
}

size_t store_records(struct store *store, struct arena *arena, const char *client, const char *kind,
                     const char *origin, struct store_record **ret_records)
{
    size_t count = client != NULL
                       ? sqlite_records_of(store, arena, client, ret_records)
                       : sqlite_select(store, arena, &records, ret_records,
                                       "WHERE ?1 IS NULL OR kind=?1 ORDER BY id", "t", kind);
    count = keep_records(store, arena, *ret_records, count, kind, origin);
    for (size_t i = 0; i < count; i++)
        add_text(store, arena, &(*ret_records)[i]);
    return count;
}

size_t store_older_records(struct store *store, struct arena *arena, const char *client,
                           struct store_record **ret_records)
{
    size_t count = sqlite_select(store, arena, &records, ret_records,
                                 "WHERE client=? AND origin IS NULL AND replaces IS NULL "
                                 "ORDER BY id",
                                 "i", sqlite_client(store, STORE_OWN, client));
    for (size_t i = 0; i < count; i++)
        add_text(store, arena, &(*ret_records)[i]);
    return count;
}

size_t store_unexported(struct store *store, struct arena *arena, int64_t after,
                        struct store_record **ret_records)
{
    size_t count = sqlite_select(store, arena, &records, ret_records,
                                 "WHERE exported=0 AND id>? ORDER BY id LIMIT ?", "ii", after,
                                 (int64_t)STORE_EXPORT_PAGE);
    for (size_t i = 0; i < count; i++)
        add_text(store, arena, &(*ret_records)[i]);
    return count;
}

void store_set_exported(struct store *store, int64_t record)
{
    sqlite_run(store, "UPDATE record SET exported=1 WHERE id=?", "i", record);
}

void store_set_unexported(struct store *store, int64_t record)
{
    sqlite_run(store, "UPDATE record SET exported=0 WHERE id=?", "i", record);
}

int64_t store_add_release(struct store *store, const struct store_release *release)
{
    int64_t id = sqlite_insert(store, &releases, release);
    sqlite_insert_gathered(store, 1u << IDS_RELEASE); /* a second one of a recipient shows now */
    return store_failed(store) ? 0 : id;
}

int64_t store_next_release(struct store *store)
{
    return sqlite_next_id(store, IDS_RELEASE);
}

bool store_get_release(struct store *store, struct arena *arena, int64_t id,
                       struct store_release *ret_release)
{
    return sqlite_select_one(store, arena, &releases, ret_release, "WHERE id=?", "i", id);
}

void store_set_release(struct store *store, const struct store_release *release)
{
    sqlite_update(store, &releases, 5, release);
}

size_t store_releases(struct store *store, struct arena *arena, const char *client,
                      const char *state, struct store_release **ret_releases)
{
    if (client != NULL)
        return sqlite_select(store, arena, &releases, ret_releases,
                             "WHERE client=?1 AND (?2 IS NULL OR state=?2) ORDER BY id", "it",
                             sqlite_client(store, STORE_OWN, client), state);
    return sqlite_select(store, arena, &releases, ret_releases,
                         "WHERE ?1 IS NULL OR state=?1 ORDER BY id", "t", state);
}

bool store_find_release(struct store *store, struct arena *arena, int64_t message,
                        struct store_release *ret_release)
{
    return sqlite_select_one(store, arena, &releases, ret_release, "WHERE message=?", "i", message);
}

size_t store_releases_of_record(struct store *store, struct arena *arena, int64_t record,
                                struct store_release **ret_releases)
{
    return sqlite_select(store, arena, &releases, ret_releases, "WHERE record=? ORDER BY id", "i",
                         record);
}

size_t store_waiting_clients(struct store *store, struct arena *arena, const char ***ret_clients)
{
    return sqlite_texts(store, arena, ret_clients,
                        "SELECT number FROM client WHERE id IN "
                        "(SELECT client FROM release WHERE state='waiting')",
                        "");
}

size_t store_again_clients(struct store *store, struct arena *arena, int64_t now_ms,
                           const char ***ret_clients)
{
    return sqlite_texts(store, arena, ret_clients,
                        "SELECT number FROM client WHERE id IN (SELECT client FROM release "
                        "WHERE state='waiting' AND again_ms<=?)",
                        "i", now_ms);
}

void store_add_link(struct store *store, const char *client, const char *clinic, const char *number)
{
    sqlite_run(store,
               "INSERT INTO client_link (client, clinic, number) VALUES (?, ?, ?) "
               "ON CONFLICT DO NOTHING",
               "itt", sqlite_client_made(store, STORE_OWN, client), clinic, number);
}

void store_remove_link(struct store *store, const char *client, const char *clinic,
                       const char *number)
{
    sqlite_run(store, "DELETE FROM client_link WHERE client=? AND clinic=? AND number=?", "itt",
               sqlite_client(store, STORE_OWN, client), clinic, number);
}

size_t store_links(struct store *store, struct arena *arena, const char *client, const char *clinic,
                   const char ***ret_numbers)
{
    return sqlite_texts(store, arena, ret_numbers,
                        "SELECT number FROM client_link WHERE client=? AND clinic=?", "it",
                        sqlite_client(store, STORE_OWN, client), clinic);
}

void store_add_audit(struct store *store, const struct store_audit *audit)
{
    sqlite_insert(store, &audits, audit);
    memcpy(store->state.audit, audit->hash, STORE_HASH_BYTES);
    store->state.knows_audit = true;
    store->has_audits = true;
}

bool store_last_audit(struct store *store, unsigned char ret_hash[STORE_HASH_BYTES])
{
    struct arena arena = ARENA_EMPTY;
    struct store_audit last;
    bool found = store->state.knows_audit ||
                 sqlite_select_one(store, &arena, &audits, &last, "ORDER BY seq DESC LIMIT 1", "");
    if (found && !store->state.knows_audit)
        memcpy(store->state.audit, last.hash, STORE_HASH_BYTES);
    if (found)
        memcpy(ret_hash, store->state.audit, STORE_HASH_BYTES);
    store->state.knows_audit = found && !store->is_reader;
    arena_free(&arena);
    return found;
}

size_t store_audits(struct store *store, struct arena *arena, int64_t after_seq, size_t limit,
                    struct store_audit **ret_audits)
{
    return sqlite_select(store, arena, &audits, ret_audits, "WHERE seq>? ORDER BY seq LIMIT ?",
                         "ii", after_seq, (int64_t)limit);
}

int64_t store_count_audits(struct store *store)
{
    return sqlite_next_id(store, IDS_AUDIT) - 1;
}
