/* retractions: records that were taken back, and retractions that came before their record.
 * There are hardly ever any of these, so a store remembers that there are none, and a new record
 * costs no look at the table. */
#include "gateway/store/retention.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum { DROPPED_AT_ONCE = 256 };

void store_retract_record(struct store *store, int64_t record, const char *code, int64_t at_ms)
{
    sqlite_run(store, "UPDATE record SET retracted=?, retracted_ms=? WHERE id=?", "tii", code,
               at_ms, record);
}

void store_add_early_retraction(struct store *store, const char *clinic, const char *kind,
                                const char *number, const char *code, int64_t at_ms)
{
    sqlite_run(store,
               "INSERT INTO early_retraction (clinic, number, kind, code, at_ms) VALUES "
               "(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at_ms=excluded.at_ms",
               "tttti", clinic, number, kind == NULL ? "" : kind, code, at_ms);
    store->state.has_early_retractions = KNOWN_YES;
}

static bool has_any(struct store *store)
{
    enum sqlite_known *known = &store->state.has_early_retractions;
    if (*known == KNOWN_NOT_YET) {
        bool has = sqlite_number(store, "SELECT EXISTS (SELECT 1 FROM early_retraction)", "") != 0;
        if (!store_failed(store))
            *known = has ? KNOWN_YES : KNOWN_NO;
    }
    return *known == KNOWN_YES;
}

const char *store_early_retraction(struct store *store, struct arena *arena, const char *clinic,
                                   const char *kind, const char *number)
{
    const char **codes;
    if (!has_any(store))
        return NULL;
    size_t count = sqlite_texts(store, arena, &codes,
                                "SELECT code FROM early_retraction WHERE clinic=? AND number=? AND "
                                "(kind=? OR kind='') ORDER BY kind DESC",
                                "ttt", clinic, number, kind);
    return count == 0 ? NULL : codes[0];
}

bool store_drop_early_retractions(struct store *store, int64_t before_ms)
{
    static const char which[] = "SELECT EXISTS (SELECT 1 FROM early_retraction WHERE at_ms<?)";
    if (!has_any(store) || sqlite_number(store, which, "i", before_ms) == 0)
        return false;
    sqlite_run(store,
               "DELETE FROM early_retraction WHERE (clinic, number, kind) IN (SELECT clinic, "
               "number, kind FROM early_retraction WHERE at_ms<? ORDER BY at_ms, clinic, number, "
               "kind LIMIT ?)",
               "ii", before_ms, (int64_t)DROPPED_AT_ONCE);
    store->state.has_early_retractions = KNOWN_NOT_YET;
    return !store_failed(store);
}
