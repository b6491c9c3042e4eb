/* clients: clients are rows, and other tables hold their ids; callers of the store speak
 * numbers. Who calls it: sqlite.c for the columns of rows, the query files for what they look up.
 *
 * A number is its owner's: ours and a partner's may be the same and mean two people. Rows are found
 * by the keyed hash of the number (keys.h); the one asked for last is remembered, because a message
 * asks for its client several times. */
#include <string.h>

#include "base/text.h"
#include "gateway/store/sqlite/sqlite_internal.h"

#define CLIENT(member, type) COLUMN(struct store_client, member, type)
static const struct column client_columns[] = {
    CLIENT(id, COLUMN_WHOLE),         CLIENT(owner, COLUMN_ORIGIN),
    CLIENT(number, COLUMN_TEXT),      CLIENT(state, COLUMN_TEXT),
    CLIENT(family_name, COLUMN_TEXT), CLIENT(given_names, COLUMN_TEXT),
    CLIENT(birth_date, COLUMN_TEXT),
};
enum { UNCHANGING_COLUMNS = 4 };
static const struct table clients =
    TABLE_WITH_IDS("client", store_client, client_columns, IDS_CLIENT);

static bool get(struct store *store, struct arena *arena, int64_t id,
                struct store_client *ret_client)
{
    return sqlite_select_one(store, arena, &clients, ret_client, "WHERE id=?", "i", id);
}

size_t sqlite_clients_numbered(struct store *store, struct arena *arena, const char *number,
                               struct store_client **ret_clients)
{
    int64_t *rows;
    size_t count = sqlite_rows_of(store, arena, KEY_CLIENT, number, NULL, NULL, &rows);
    struct store_client *found = arena_array(arena, count, sizeof *found);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (get(store, arena, rows[i], &found[kept]) && text_equal(found[kept].number, number))
            kept++;
    }
    *ret_clients = found;
    return kept;
}

static const char *owner_or_us(const char *owner)
{
    return owner == NULL || *owner == '\0' ? STORE_OWN : owner;
}

bool store_find_client(struct store *store, struct arena *arena, const char *owner,
                       const char *number, struct store_client *ret_client)
{
    struct store_client *found;
    if (number == NULL || *number == '\0')
        return false;
    size_t count = sqlite_clients_numbered(store, arena, number, &found);
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(found[i].owner, owner_or_us(owner)))
            continue;
        *ret_client = found[i];
        return true;
    }
    return false;
}

size_t store_clients_born(struct store *store, struct arena *arena, const char *birth_date,
                          size_t limit, struct store_client **ret_clients)
{
    return sqlite_select(store, arena, &clients, ret_clients,
                         "WHERE birth_date=? ORDER BY id DESC LIMIT ?", "ti", birth_date,
                         (int64_t)limit);
}

size_t store_client_rows(struct store *store, struct arena *arena, int64_t before, size_t limit,
                         struct store_client **ret_clients)
{
    return sqlite_select(store, arena, &clients, ret_clients, "WHERE id<? ORDER BY id DESC LIMIT ?",
                         "ii", before == 0 ? INT64_MAX : before, (int64_t)limit);
}

/* ---- the one asked for last ---- */

static bool is_last(const struct client_memo *memo, const char *owner, const char *number)
{
    return memo->id != 0 && strcmp(memo->owner, owner) == 0 && strcmp(memo->number, number) == 0;
}

static void remember(struct store *store, const char *owner, const char *number, int64_t id)
{
    struct client_memo *memo = &store->client_memo;
    memo->id = 0;
    if (store->is_reader || strlen(owner) >= sizeof memo->owner ||
        strlen(number) >= sizeof memo->number)
        return;
    memcpy(memo->owner, owner, strlen(owner) + 1);
    memcpy(memo->number, number, strlen(number) + 1);
    memo->id = id;
}

int64_t sqlite_client(struct store *store, const char *owner, const char *number)
{
    struct arena arena = ARENA_EMPTY;
    struct store_client client;
    owner = owner_or_us(owner);
    if (number == NULL)
        return 0;
    if (is_last(&store->client_memo, owner, number))
        return store->client_memo.id;
    int64_t id = store_find_client(store, &arena, owner, number, &client) ? client.id : 0;
    arena_free(&arena);
    if (id != 0)
        remember(store, owner, number, id);
    return id;
}

static int64_t add(struct store *store, const struct store_client *client)
{
    int64_t id = sqlite_insert(store, &clients, client);
    if (id == 0)
        return 0;
    sqlite_key_client(store, client->number, id);
    remember(store, owner_or_us(client->owner), client->number, id);
    return id;
}

int64_t sqlite_client_made(struct store *store, const char *owner, const char *number)
{
    int64_t id = sqlite_client(store, owner, number);
    if (id != 0 || number == NULL || *number == '\0' || store->is_reader || store_failed(store))
        return id;
    return add(store, &(struct store_client){
                          .owner = owner_or_us(owner), .number = number, .state = "active"});
}

const char *sqlite_client_number(struct store *store, struct arena *arena, int64_t id)
{
    struct store_client client;
    return get(store, arena, id, &client) ? client.number : "";
}

/* ---- store/rows.h ---- */

int64_t store_client_row(struct store *store, const char *owner, const char *number)
{
    return sqlite_client_made(store, owner, number);
}

bool store_get_client(struct store *store, struct arena *arena, int64_t id,
                      struct store_client *ret_client)
{
    return get(store, arena, id, ret_client);
}

void store_note_client(struct store *store, const struct store_client *client)
{
    struct arena arena = ARENA_EMPTY;
    struct store_client row = *client;
    struct store_client known;
    row.state = "active";
    if (row.number == NULL || *row.number == '\0')
        return;
    if (!store_find_client(store, &arena, row.owner, row.number, &known)) {
        add(store, &row);
    } else if (!text_equal(known.family_name, row.family_name) ||
               !text_equal(known.given_names, row.given_names) ||
               !text_equal(known.birth_date, row.birth_date)) {
        row.id = known.id;
        sqlite_update(store, &clients, UNCHANGING_COLUMNS, &row);
    }
    arena_free(&arena);
}

int64_t store_client_of(struct store *store, const struct store_message *message)
{
    if (message->record != 0)
        return sqlite_number(store, "SELECT client FROM record WHERE id=?", "i", message->record);
    if (message->referral != 0)
        return sqlite_number(store, "SELECT client FROM referral WHERE id=?", "i",
                             message->referral);
    return 0;
}
