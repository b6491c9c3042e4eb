/* partners: partners are rows, and other tables hold their ids; callers of the store speak
 * names. Who calls it: sqlite.c for the columns of rows, the query files for what they look up.
 *
 * A connection knows all partners in memory: there are as many as files in partners/, and a few
 * that were removed. The writer forgets them when what it added is undone; a reader reads them
 * again before each question, because another connection may have added one. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateway/store/partners.h"
#include "gateway/store/sqlite/sqlite_internal.h"

/* The name that callers see: of a partner that was removed, one that no partner can have, so that
 * nothing of it goes to the next one of its name. */
static const char *shown(struct arena *arena, const char *name, bool is_retired, int64_t id)
{
    return is_retired ? arena_print(arena, "%s (removed, %lld)", name, (long long)id)
                      : arena_copy(arena, name);
}

static bool is_nobody(const char *name)
{
    return name == NULL || *name == '\0';
}

/* Where NAME stands among the sorted ones, or would. */
static size_t place_of(const struct partners *partners, const char *name)
{
    size_t low = 0;
    size_t high = partners->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(partners->sorted[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remember(struct store *store, int64_t id, const char *name)
{
    struct partners *partners = &store->partners;
    size_t count = partners->count;
    size_t at = place_of(partners, name);
    partners->sorted = arena_room(&partners->arena, partners->sorted, sizeof *partners->sorted,
                                  count, &partners->room, 16);
    memmove(partners->sorted + at + 1, partners->sorted + at,
            (count - at) * sizeof *partners->sorted);
    partners->sorted[at] = (struct partner_row){id, name};
    partners->count++;
    partners->last = NULL;
    partners->newest = id > partners->newest ? id : partners->newest;
    store->state.partners = (int64_t)partners->count;
}

static void load(struct store *store)
{
    static const char sql[] = "SELECT id, name, retired_ms IS NOT NULL FROM partner";
    struct partners *partners = &store->partners;
    sqlite3_stmt *statement = sqlite_statement(store, sql);
    sqlite_forget_partners(store);
    if (statement == NULL)
        return;
    store->state.partners = 0;
    while (sqlite_step(store, statement)) {
        int64_t id = sqlite3_column_int64(statement, 0);
        const char *name = (const char *)sqlite3_column_text(statement, 1);
        remember(store, id,
                 shown(&partners->arena, name, sqlite3_column_int(statement, 2) != 0, id));
    }
    sqlite_finish(statement);
    if (store_failed(store))
        store->state.partners = PARTNERS_UNKNOWN;
}

void sqlite_forget_partners(struct store *store)
{
    arena_free(&store->partners.arena);
    store->partners = (struct partners){.count = 0};
    store->state.partners = PARTNERS_UNKNOWN;
}

/* What was undone took rows with it: then the state says another number than is known. */
static struct partners *known(struct store *store)
{
    if (store->state.partners != (int64_t)store->partners.count)
        load(store);
    return &store->partners;
}

/* The rows of one message name the same partner a dozen times. */
static int64_t find(struct partners *partners, const char *name)
{
    if (partners->last != NULL && strcmp(partners->last->name, name) == 0)
        return partners->last->id;
    size_t at = place_of(partners, name);
    if (at == partners->count || strcmp(partners->sorted[at].name, name) != 0)
        return 0;
    partners->last = &partners->sorted[at];
    return partners->last->id;
}

int64_t sqlite_partner(struct store *store, const char *name)
{
    if (is_nobody(name))
        return 0;
    int64_t id = find(known(store), name);
    if (id != 0 || !store->is_reader)
        return id;
    load(store);
    return find(&store->partners, name);
}

int64_t sqlite_partner_made(struct store *store, const char *name)
{
    int64_t id = sqlite_partner(store, name);
    if (id != 0 || is_nobody(name) || store->is_reader || store_failed(store))
        return id;
    id = store->partners.newest + 1;
    sqlite_run(store, "INSERT INTO partner (id, name) VALUES (?, ?)", "it", id, name);
    if (store_failed(store))
        return 0;
    remember(store, id, arena_copy(&store->partners.arena, name));
    return id;
}

int64_t store_partner_row(struct store *store, const char *name)
{
    return sqlite_partner_made(store, name);
}

const char *sqlite_partner_name(struct store *store, int64_t id)
{
    const struct partners *partners = known(store);
    size_t at = 0;
    while (at < partners->count && partners->sorted[at].id != id)
        at++;
    return at < partners->count ? partners->sorted[at].name : "";
}

/* ---- renaming and removing (partners.h) ---- */

struct store_partner_use store_partner_use(struct store *store, const char *name)
{
    static const char open[] =
        "SELECT count(*) FROM referral WHERE partner=? AND task_status NOT IN ('completed', "
        "'rejected', 'cancelled', 'failed', 'entered-in-error')";
    static const char waits[] = "SELECT count(*) FROM message WHERE partner=? AND " WAITING;
    int64_t row = sqlite_partner(store, name);
    if (row == 0)
        return (struct store_partner_use){.is_known = false};
    return (struct store_partner_use){.is_known = true,
                                      .open_referrals = sqlite_number(store, open, "i", row),
                                      .waiting_messages = sqlite_number(store, waits, "i", row)};
}

/* What is remembered by name is read again. */
static void forget_names(struct store *store)
{
    sqlite_forget_partners(store);
    store->client_memo.id = 0;
}

bool store_rename_partner(struct store *store, const char *from, const char *to)
{
    int64_t row = sqlite_partner(store, from);
    if (sqlite_partner(store, to) != 0)
        return false;
    if (row == 0)
        return true;
    sqlite_run(store, "UPDATE partner SET name=? WHERE id=?", "ti", to, row);
    forget_names(store);
    return true;
}

bool store_was_renamed(struct store *store, const char *from, const char *to)
{
    return sqlite_partner(store, from) == 0 &&
           sqlite_number(
               store,
               "SELECT count(*) FROM audit WHERE what='partner-renamed' AND subject=? AND "
               "detail=?",
               "tt", from, to) > 0;
}

void store_retire_partner(struct store *store, const char *name, int64_t at_ms)
{
    int64_t row = sqlite_partner(store, name);
    if (row == 0)
        return;
    sqlite_run(store, "UPDATE partner SET retired_ms=? WHERE id=?", "ii", at_ms, row);
    forget_names(store);
}
