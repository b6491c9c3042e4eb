/* claims: what partners say of people and clinics, and which of it was confirmed. See
 * store/rows.h, "claims and places".
 *
 * A message of somebody known costs one look at an index, and a claim that comes again changes its
 * row once a day, so the hot path and the journal do not grow with them. */
#include "gateway/store/sqlite/sqlite.h"

#define CLAIM(member, type) COLUMN(struct store_claim, member, type)
static const struct column claim_columns[] = {
    CLAIM(id, COLUMN_WHOLE),        CLAIM(partner, COLUMN_PARTNER), CLAIM(key, COLUMN_TEXT),
    CLAIM(kind, COLUMN_TEXT),       CLAIM(name, COLUMN_TEXT),       CLAIM(npi, COLUMN_TEXT),
    CLAIM(profession, COLUMN_TEXT), CLAIM(works_at, COLUMN_TEXT),   CLAIM(first_ms, COLUMN_WHOLE),
    CLAIM(last_ms, COLUMN_WHOLE),   CLAIM(state, COLUMN_TEXT),      CLAIM(handle, COLUMN_TEXT),
    CLAIM(by, COLUMN_TEXT),         CLAIM(decided_ms, COLUMN_LINK),
};
static const struct table claims = TABLE("claim", store_claim, claim_columns);

#define PLACE(member, type) COLUMN(struct store_place, member, type)
static const struct column place_columns[] = {
    PLACE(handle, COLUMN_TEXT),     PLACE(kind, COLUMN_TEXT),       PLACE(name, COLUMN_TEXT),
    PLACE(npi, COLUMN_TEXT),        PLACE(profession, COLUMN_TEXT), PLACE(works_at, COLUMN_TEXT),
    PLACE(partner, COLUMN_PARTNER), PLACE(by, COLUMN_TEXT),         PLACE(decided_ms, COLUMN_WHOLE),
};
static const struct table places = TABLE("place", store_place, place_columns);

/* ---- seen in a message ---- */

static void see_again(struct store *store, int64_t partner, const struct store_claim *claim)
{
    sqlite_run(store, "UPDATE claim SET last_ms=? WHERE partner=? AND key=?", "iit", claim->last_ms,
               partner, claim->key);
    sqlite_run(store,
               "UPDATE claim SET name=?, profession=?, works_at=? "
               "WHERE partner=? AND key=? AND state='new'",
               "tttit", claim->name, claim->profession, claim->works_at, partner, claim->key);
}

enum store_seen store_see_claim(struct store *store, const struct store_claim *claim)
{
    int64_t partner = sqlite_partner_made(store, claim->partner);
    int64_t last_ms =
        sqlite_number(store, "SELECT last_ms FROM claim WHERE partner=? AND key=? AND kind=?",
                      "itt", partner, claim->key, claim->kind);
    if (last_ms != 0) {
        if (claim->last_ms - last_ms >= STORE_CLAIM_SEEN_MS)
            see_again(store, partner, claim);
        return STORE_SEEN_BEFORE;
    }
    if (sqlite_number(store, "SELECT 1 FROM claim WHERE partner=? AND key=?", "it", partner,
                      claim->key) != 0)
        return STORE_SEEN_OTHERWISE;
    sqlite_run(store,
               "INSERT INTO claim (partner, key, kind, name, npi, profession, works_at, first_ms, "
               "last_ms, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'new')",
               "ittttttii", partner, claim->key, claim->kind, claim->name, claim->npi,
               claim->profession, claim->works_at, claim->first_ms, claim->last_ms);
    return STORE_SEEN_FIRST;
}

void store_trim_claims(struct store *store, const char *partner)
{
    int64_t row = sqlite_partner(store, partner);
    int64_t over = sqlite_number(store, "SELECT count(*) FROM claim WHERE partner=?", "i", row) -
                   STORE_CLAIMS_OF_PARTNER_MAX;
    if (over > 0)
        sqlite_run(store,
                   "DELETE FROM claim WHERE id IN (SELECT id FROM claim WHERE partner=? AND "
                   "state='new' ORDER BY last_ms, id LIMIT ?)",
                   "ii", row, over);
    over = sqlite_number(store, "SELECT count(*) FROM claim", "") - STORE_CLAIMS_MAX;
    if (over > 0)
        sqlite_run(store,
                   "DELETE FROM claim WHERE id IN (SELECT id FROM claim WHERE state='new' "
                   "ORDER BY last_ms, id LIMIT ?)",
                   "i", over);
}

/* ---- looked at and decided by a person ---- */

size_t store_claims(struct store *store, struct arena *arena,
                    const struct store_claims_asked *asked, struct store_claim **ret_claims)
{
    int64_t partner = sqlite_partner(store, asked->partner);
    if (asked->partner != NULL && partner == 0)
        return 0;
    return sqlite_select(store, arena, &claims, ret_claims,
                         "WHERE id>?1 AND (?2 IS NULL OR state=?2) AND (?3=0 OR partner=?3) "
                         "AND (?4=0 OR handle IS NOT NULL) ORDER BY id LIMIT ?5",
                         "itiii", asked->after, asked->state, partner, (int64_t)asked->only_decided,
                         (int64_t)STORE_PAGE);
}

bool store_find_claim(struct store *store, struct arena *arena, const char *partner,
                      const char *key, struct store_claim *ret_claim)
{
    return sqlite_select_one(store, arena, &claims, ret_claim, "WHERE partner=? AND key=?", "it",
                             sqlite_partner(store, partner), key);
}

void store_decide_claim(struct store *store, const struct store_claim *claim)
{
    sqlite_run(store, "UPDATE claim SET state=?, handle=?, by=?, decided_ms=? WHERE id=?", "tttii",
               claim->state, claim->handle, claim->by, claim->decided_ms, claim->id);
}

int64_t store_count_claims_of(struct store *store, const char *handle)
{
    return sqlite_number(store, "SELECT count(*) FROM claim WHERE handle=?", "t", handle);
}

/* ---- places ---- */

void store_put_place(struct store *store, const struct store_place *place)
{
    sqlite_run(store,
               "INSERT OR REPLACE INTO place (handle, kind, name, npi, profession, works_at, "
               "partner, by, decided_ms) VALUES (?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?)",
               "ttttttiti", place->handle, place->kind, place->name, place->npi, place->profession,
               place->works_at, sqlite_partner_made(store, place->partner), place->by,
               place->decided_ms);
}

void store_drop_place(struct store *store, const char *handle)
{
    sqlite_run(store, "DELETE FROM place WHERE handle=?", "t", handle);
}

bool store_find_place(struct store *store, struct arena *arena, const char *handle,
                      struct store_place *ret_place)
{
    return sqlite_select_one(store, arena, &places, ret_place, "WHERE handle=?", "t", handle);
}

size_t store_places(struct store *store, struct arena *arena, const char *kind, const char *after,
                    struct store_place **ret_places)
{
    return sqlite_select(store, arena, &places, ret_places,
                         "WHERE kind=? AND handle>? ORDER BY handle LIMIT ?", "tti", kind, after,
                         (int64_t)STORE_PAGE);
}
