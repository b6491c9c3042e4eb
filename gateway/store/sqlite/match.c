/* match: received records that wait for a person to match them, in the embedded store. */
#include "gateway/store/sqlite/sqlite.h"

#include "gateway/store/rows.h"

#define MATCH(member, type) COLUMN(struct store_match, member, type)
static const struct column match_columns[] = {
    MATCH(record, COLUMN_WHOLE), MATCH(referral, COLUMN_WHOLE),   MATCH(message, COLUMN_WHOLE),
    MATCH(what, COLUMN_TEXT),    MATCH(at_ms, COLUMN_WHOLE),      MATCH(state, COLUMN_TEXT),
    MATCH(by, COLUMN_TEXT),      MATCH(decided_ms, COLUMN_WHOLE),
};
enum { UNCHANGING_COLUMNS = 5 };
static const struct table matches = TABLE("to_match", store_match, match_columns);

void store_add_match(struct store *store, const struct store_match *match)
{
    store_apply(store); /* its record may wait to go in, and is referred to */
    sqlite_run(store,
               "INSERT INTO to_match (record, referral, message, state, what, at_ms) "
               "VALUES (?, ?, ?, ?, ?, ?)",
               "iiitti", match->record, match->referral, match->message, match->state, match->what,
               match->at_ms);
}

void store_set_match(struct store *store, const struct store_match *match)
{
    sqlite_update(store, &matches, UNCHANGING_COLUMNS, match);
}

bool store_get_match(struct store *store, struct arena *arena, int64_t record,
                     struct store_match *ret_match)
{
    return sqlite_select_one(store, arena, &matches, ret_match, "WHERE record=?", "i", record);
}

size_t store_matches(struct store *store, struct arena *arena, const char *state,
                     struct store_match **ret_matches)
{
    return sqlite_select(store, arena, &matches, ret_matches,
                         "WHERE ?1 IS NULL OR state=?1 ORDER BY record", "t", state);
}

void store_attach_record(struct store *store, int64_t record, int64_t referral)
{
    sqlite_run(store, "UPDATE record SET referral=nullif(?, 0), exported=0 WHERE id=?", "ii",
               referral, record);
}
