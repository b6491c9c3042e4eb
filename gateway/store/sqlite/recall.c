/* recall: what a restored store asks and is asked, as rows. See store/recall.h. Looks back over a
 * bounded number of rows, so that a partner's question has a bounded cost. */
#include "gateway/store/recall.h"

#include "base/text.h"
#include "gateway/store/sqlite/sqlite.h"

enum { ROWS_LOOKED_BACK = 20000 }; /* so that a partner's question costs a bounded scan */

struct id_row {
    int64_t id;
};
static const struct column id_columns[] = {{"id", COLUMN_WHOLE, offsetof(struct id_row, id)}};
static const struct table message_ids = TABLE("message", id_row, id_columns);
static const struct table referral_ids = TABLE("referral", id_row, id_columns);

#define TOLD(member, type) COLUMN(struct store_told, member, type)
static const struct column told_columns[] = {
    TOLD(partner, COLUMN_PARTNER), TOLD(placer, COLUMN_TEXT),      TOLD(number, COLUMN_TEXT),
    TOLD(status, COLUMN_TEXT),     TOLD(ours, COLUMN_TEXT),        TOLD(at_ms, COLUMN_WHOLE),
    TOLD(settled_by, COLUMN_TEXT), TOLD(settled_why, COLUMN_TEXT), TOLD(settled_ms, COLUMN_LINK),
};
static const struct table told_table = TABLE("told", store_told, told_columns);

const char *store_last_inbound(struct store *store, struct arena *arena, const char *partner)
{
    const char **ids;
    size_t count = sqlite_texts(store, arena, &ids,
                                "SELECT message_id FROM message WHERE direction='in' AND "
                                "state='done' AND partner=? ORDER BY id DESC LIMIT 1",
                                "i", sqlite_partner(store, partner));
    return count == 0 ? NULL : ids[0];
}

size_t store_delivered_since(struct store *store, struct arena *arena, const char *partner,
                             int64_t from_ms, struct store_message **ret_messages)
{
    struct id_row *rows;
    size_t kept = 0;
    size_t count =
        sqlite_select(store, arena, &message_ids, &rows,
                      "WHERE direction='out' AND state='sent' AND partner=?1 AND payload<>0 AND "
                      "kind<>'send-again' AND "
                      "CASE WHEN lived_ms>0 THEN lived_ms ELSE max(created_ms, "
                      "coalesce(settled_ms, 0)) END>=?2 AND "
                      "id>(SELECT max(id) FROM message)-?3 ORDER BY id",
                      "iii", sqlite_partner(store, partner), from_ms, (int64_t)ROWS_LOOKED_BACK);
    struct store_message *messages = arena_array(arena, count, sizeof *messages);
    for (size_t i = 0; i < count; i++)
        kept += store_get_message(store, arena, rows[i].id, &messages[kept]);
    *ret_messages = messages;
    return kept;
}

size_t store_referrals_with(struct store *store, struct arena *arena, const char *partner,
                            size_t limit, struct store_referral **ret_referrals)
{
    struct id_row *rows;
    size_t kept = 0;
    size_t count = sqlite_select(store, arena, &referral_ids, &rows,
                                 "WHERE partner=? ORDER BY id DESC LIMIT ?", "ii",
                                 sqlite_partner(store, partner), (int64_t)limit);
    struct store_referral *referrals = arena_array(arena, count, sizeof *referrals);
    for (size_t i = 0; i < count; i++)
        kept += store_get_referral(store, arena, rows[i].id, &referrals[kept]);
    *ret_referrals = referrals;
    return kept;
}

static const struct column early_columns[] = {
    {"placer", COLUMN_TEXT, offsetof(struct store_referral, placer)},
    {"number", COLUMN_TEXT, offsetof(struct store_referral, number)},
};
static const struct table early_table = TABLE("early_cancel", store_referral, early_columns);

size_t store_early_cancels_of(struct store *store, struct arena *arena, const char *partner,
                              size_t limit, struct store_referral **ret_referrals)
{
    return sqlite_select(store, arena, &early_table, ret_referrals,
                         "WHERE partner=? ORDER BY at_ms DESC, number LIMIT ?", "ii",
                         sqlite_partner(store, partner), (int64_t)limit);
}

const char *store_recalled(struct store *store, struct arena *arena, const char *partner,
                           int64_t *ret_again_ms)
{
    const char **epochs;
    int64_t row = sqlite_partner(store, partner);
    *ret_again_ms = sqlite_number(store, "SELECT again_ms FROM recalled WHERE partner=?", "i", row);
    size_t count =
        sqlite_texts(store, arena, &epochs, "SELECT epoch FROM recalled WHERE partner=?", "i", row);
    return count == 0 ? "" : epochs[0];
}

void store_set_recalled(struct store *store, const char *partner, const char *epoch,
                        int64_t again_ms)
{
    sqlite_run(store,
               "INSERT INTO recalled (partner, epoch, again_ms) VALUES (?1, ?2, ?3) ON CONFLICT "
               "(partner) DO UPDATE SET epoch=?2, again_ms=?3",
               "iti", sqlite_partner_made(store, partner), epoch, again_ms);
}

/* Those that were settled longest ago make room first, so that no partner fills the list for good.
 */
static bool make_room(struct store *store, int64_t partner)
{
    if (sqlite_number(store, "SELECT count(*) FROM told WHERE partner=?", "i", partner) <
        STORE_TOLD_MAX)
        return true;
    sqlite_run(store,
               "DELETE FROM told WHERE partner=?1 AND (placer, number) IN (SELECT placer, number "
               "FROM told WHERE partner=?1 AND settled_ms IS NOT NULL ORDER BY settled_ms, placer, "
               "number LIMIT 1)",
               "i", partner);
    return sqlite_number(store, "SELECT count(*) FROM told WHERE partner=?", "i", partner) <
           STORE_TOLD_MAX;
}

void store_add_told(struct store *store, const struct store_told *told)
{
    int64_t partner = sqlite_partner_made(store, told->partner);
    if (partner == 0 || !make_room(store, partner))
        return;
    sqlite_run(store,
               "INSERT INTO told (partner, placer, number, status, ours, at_ms) VALUES (?1, ?2, "
               "?3, ?4, ?5, ?6) ON CONFLICT (partner, placer, number) DO UPDATE SET "
               "settled_ms=CASE WHEN status=?4 AND ours IS ?5 THEN settled_ms END, status=?4, "
               "ours=?5, at_ms=?6",
               "itttti", partner, told->placer, told->number, told->status, told->ours,
               told->at_ms);
}

void store_drop_told(struct store *store, const char *partner, const char *placer,
                     const char *number)
{
    sqlite_run(store, "DELETE FROM told WHERE partner=? AND placer=? AND number=?", "itt",
               sqlite_partner(store, partner), placer, number);
}

void store_settle_told(struct store *store, const struct store_told *told)
{
    sqlite_run(store,
               "UPDATE told SET settled_by=?, settled_why=?, settled_ms=? WHERE partner=? AND "
               "placer=? AND number=?",
               "ttiitt", told->settled_by, told->settled_why, told->settled_ms,
               sqlite_partner(store, told->partner), told->placer, told->number);
}

size_t store_told(struct store *store, struct arena *arena, struct store_told **ret_told)
{
    return sqlite_select(store, arena, &told_table, ret_told, "ORDER BY partner, placer, number",
                         "");
}
