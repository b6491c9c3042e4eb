/* cancels: cancels that came before their referral. There are hardly ever any, so a store
 * remembers that there are none, and a new referral costs no look at the table. */
#include "gateway/store/retention.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum { DROPPED_AT_ONCE = 256 };

void store_add_early_cancel(struct store *store, const char *partner, const char *placer,
                            const char *number, int64_t at_ms)
{
    sqlite_run(store,
               "INSERT INTO early_cancel (partner, placer, number, at_ms) VALUES (?, ?, ?, ?) "
               "ON CONFLICT DO UPDATE SET at_ms=excluded.at_ms",
               "itti", sqlite_partner_made(store, partner), placer, number, at_ms);
    store->state.has_early_cancels = KNOWN_YES;
}

static bool has_any(struct store *store)
{
    if (store->state.has_early_cancels == KNOWN_NOT_YET) {
        bool has = sqlite_number(store, "SELECT EXISTS (SELECT 1 FROM early_cancel)", "") != 0;
        if (!store_failed(store))
            store->state.has_early_cancels = has ? KNOWN_YES : KNOWN_NO;
    }
    return store->state.has_early_cancels == KNOWN_YES;
}

bool store_has_early_cancel(struct store *store, const char *partner, const char *placer,
                            const char *number)
{
    return has_any(store) &&
           sqlite_number(store,
                         "SELECT 1 FROM early_cancel WHERE partner=? AND placer=? AND number=?",
                         "itt", sqlite_partner(store, partner), placer, number) != 0;
}

bool store_drop_early_cancels(struct store *store, int64_t before_ms)
{
    static const char which[] = "SELECT EXISTS (SELECT 1 FROM early_cancel WHERE at_ms<?)";
    if (!has_any(store) || sqlite_number(store, which, "i", before_ms) == 0)
        return false;
    sqlite_run(store,
               "DELETE FROM early_cancel WHERE (partner, placer, number) IN (SELECT partner, "
               "placer, number FROM early_cancel WHERE at_ms<? ORDER BY at_ms, partner, placer, "
               "number LIMIT ?)",
               "ii", before_ms, (int64_t)DROPPED_AT_ONCE);
    store->state.has_early_cancels = KNOWN_NOT_YET;
    return !store_failed(store);
}
