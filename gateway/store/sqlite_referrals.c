/* sqlite_referrals: referrals and their track in the embedded store. */
#include "gateway/store/sqlite.h"

#define REFERRAL(member, type)                                                                     \
    {                                                                                              \
#member, type, offsetof(struct store_referral, member)                                     \
    }
/* What never changes stands first: store_set_referral writes from partner on. */
static const struct column referral_columns[] = {
    REFERRAL(id, COLUMN_WHOLE),
    REFERRAL(placer, COLUMN_TEXT),
    REFERRAL(number, COLUMN_TEXT),
    REFERRAL(filler, COLUMN_TEXT),
    REFERRAL(role, COLUMN_TEXT),
    REFERRAL(client, COLUMN_TEXT),
    REFERRAL(created_ms, COLUMN_WHOLE),
    REFERRAL(partner, COLUMN_TEXT),
    REFERRAL(filler_number, COLUMN_TEXT),
    REFERRAL(service, COLUMN_TEXT),
    REFERRAL(priority, COLUMN_TEXT),
    REFERRAL(task_status, COLUMN_TEXT),
    REFERRAL(business_status, COLUMN_TEXT),
    REFERRAL(reason, COLUMN_TEXT),
    REFERRAL(abort_status, COLUMN_TEXT),
    REFERRAL(visits_done, COLUMN_WHOLE),
    REFERRAL(visits_total, COLUMN_WHOLE),
    REFERRAL(valid_until, COLUMN_TEXT),
    REFERRAL(authored_at, COLUMN_TEXT),
    REFERRAL(changed_ms, COLUMN_WHOLE),
};
enum { UNCHANGING_COLUMNS = 7 };
static const struct table referrals = TABLE("referral", store_referral, referral_columns);

#define EVENT(member, type)                                                                        \
    {                                                                                              \
#member, type, offsetof(struct store_event, member)                                        \
    }
static const struct column event_columns[] = {
    EVENT(seq, COLUMN_WHOLE),   EVENT(referral, COLUMN_LINK), EVENT(message, COLUMN_LINK),
    EVENT(at_ms, COLUMN_WHOLE), EVENT(what, COLUMN_TEXT),     EVENT(by, COLUMN_TEXT),
    EVENT(detail, COLUMN_TEXT),
};
static const struct table events = TABLE("event", store_event, event_columns);

int64_t store_add_referral(struct store *store, const struct store_referral *referral)
{
    return sqlite_insert(store, &referrals, referral);
}

void store_set_referral(struct store *store, const struct store_referral *referral)
{
    sqlite_update(store, &referrals, UNCHANGING_COLUMNS, referral);
}

bool store_get_referral(struct store *store, struct arena *arena, int64_t id,
                        struct store_referral *ret_referral)
{
    return sqlite_select_one(store, arena, &referrals, ret_referral, "WHERE id=?", "i", id);
}

bool store_find_referral(struct store *store, struct arena *arena, const char *placer,
                         const char *number, struct store_referral *ret_referral)
{
    return sqlite_select_one(store, arena, &referrals, ret_referral, "WHERE placer=? AND number=?",
                             "tt", placer, number);
}

size_t store_referrals_numbered(struct store *store, struct arena *arena, const char *number,
                                struct store_referral **ret_referrals)
{
    return sqlite_select(store, arena, &referrals, ret_referrals,
                         "WHERE number=?1 OR filler_number=?1 ORDER BY id", "t", number);
}

size_t store_referrals(struct store *store, struct arena *arena,
                       struct store_referral **ret_referrals)
{
    return sqlite_select(store, arena, &referrals, ret_referrals, "ORDER BY id", "");
}

int64_t store_count_filled(struct store *store)
{
    return sqlite_number(store, "SELECT count(*) FROM referral WHERE filler_number IS NOT NULL",
                         "");
}

void store_add_event(struct store *store, const struct store_event *event)
{
    sqlite_insert(store, &events, event);
}

size_t store_events(struct store *store, struct arena *arena, int64_t referral,
                    struct store_event **ret_events)
{
    return sqlite_select(store, arena, &events, ret_events, "WHERE referral=? ORDER BY seq", "i",
                         referral);
}
