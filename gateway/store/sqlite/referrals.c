/* referrals: referrals and their track in the embedded store. */
#include "gateway/store/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateway/store/sqlite/sqlite_internal.h"

#define REFERRAL(member, type) COLUMN(struct store_referral, member, type)
/* What never changes stands first: store_set_referral writes from filler on. */
static const struct column referral_columns[] = {
    REFERRAL(id, COLUMN_WHOLE),
    REFERRAL(placer, COLUMN_TEXT),
    REFERRAL(number, COLUMN_TEXT),
    REFERRAL(role, COLUMN_TEXT),
    REFERRAL(client, COLUMN_CLIENT),
    REFERRAL(created_ms, COLUMN_WHOLE),
    REFERRAL(filler, COLUMN_TEXT),
    REFERRAL(partner, COLUMN_PARTNER),
    REFERRAL(filler_number, COLUMN_TEXT),
    REFERRAL(service, COLUMN_TEXT),
    REFERRAL(priority, COLUMN_TEXT),
    REFERRAL(task_status, COLUMN_TEXT),
    REFERRAL(business_status, COLUMN_SELDOM_TEXT),
    REFERRAL(reason_code, COLUMN_SELDOM_TEXT),
    REFERRAL(reason, COLUMN_SELDOM_TEXT),
    REFERRAL(abort_status, COLUMN_SELDOM_TEXT),
    REFERRAL(visits_done, COLUMN_SELDOM_WHOLE),
    REFERRAL(visits_total, COLUMN_WHOLE),
    REFERRAL(valid_until, COLUMN_TEXT),
    REFERRAL(authored_at, COLUMN_TEXT),
    REFERRAL(changed_ms, COLUMN_WHOLE),
    REFERRAL(corrected_by, COLUMN_SELDOM_LINK),
    REFERRAL(client_facts, COLUMN_TEXT),
    REFERRAL(tick, COLUMN_TICK),
};
enum { UNCHANGING_COLUMNS = 6 };

static const char *owner_of(const void *row)
{
    const struct store_referral *referral = row;
    return text_equal(referral->role, "placer") ? STORE_OWN : referral->partner;
}

static const struct table referrals =
    TABLE_OF_CLIENTS("referral", store_referral, referral_columns, IDS_REFERRAL, owner_of);

#define EVENT(member, type) COLUMN(struct store_event, member, type)
static const struct column event_columns[] = {
    EVENT(seq, COLUMN_WHOLE),          EVENT(referral, COLUMN_LINK), EVENT(message, COLUMN_LINK),
    EVENT(at_ms, COLUMN_WHOLE),        EVENT(what, COLUMN_TEXT),     EVENT(by, COLUMN_TEXT),
    EVENT(detail, COLUMN_SELDOM_TEXT), EVENT(tick, COLUMN_TICK),
};
static const struct table events = TABLE_WITH_IDS("event", store_event, event_columns, IDS_EVENT);

int64_t store_next_referral(struct store *store)
{
    return sqlite_next_id(store, IDS_REFERRAL);
}

static void know_given(struct store *store, const struct store_referral *referral)
{
    if (referral->filler_number != NULL && text_equal(referral->role, "placer"))
        store->state.knows_given = KNOWN_YES;
}

void store_set_referral(struct store *store, const struct store_referral *referral)
{
    know_given(store, referral);
    sqlite_update(store, &referrals, UNCHANGING_COLUMNS, referral);
}

void store_set_referral_client(struct store *store, const struct store_referral *referral)
{
    sqlite_run(store, "UPDATE referral SET client=nullif(?, 0) WHERE id=?", "ii",
               sqlite_client_made(store, owner_of(referral), referral->client), referral->id);
}

bool store_get_referral(struct store *store, struct arena *arena, int64_t id,
                        struct store_referral *ret_referral)
{
    return sqlite_select_one(store, arena, &referrals, ret_referral, "WHERE id=?", "i", id);
}

size_t store_referrals_numbered(struct store *store, struct arena *arena, const char *number,
                                struct store_referral **ret_referrals)
{
    int64_t *rows;
    size_t count = sqlite_rows_of(store, arena, KEY_NUMBER, number, NULL, NULL, &rows);
    struct store_referral *found = arena_array(arena, count, sizeof *found);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (store_get_referral(store, arena, rows[i], &found[kept]) &&
            text_equal(found[kept].number, number))
            kept++;
    }
    *ret_referrals = found;
    return kept;
}

bool store_find_referral(struct store *store, struct arena *arena, const char *placer,
                         const char *number, struct store_referral *ret_referral)
{
    struct store_referral *found;
    size_t count = store_referrals_numbered(store, arena, number, &found);
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(found[i].placer, placer))
            continue;
        *ret_referral = found[i];
        return true;
    }
    return false;
}

int64_t store_add_referral(struct store *store, const struct store_referral *referral)
{
    struct arena arena = ARENA_EMPTY;
    struct store_referral seen;
    if (store_find_referral(store, &arena, referral->placer, referral->number, &seen))
        sqlite_refuse(store, "a referral of this number is there already");
    arena_free(&arena);
    int64_t id = sqlite_insert(store, &referrals, referral);
    know_given(store, referral);
    if (id != 0)
        sqlite_key_referral(store, referral, id);
    return id;
}

/* Numbers that we gave as fillers end in the referral's own id (effect.c), so that no index of them
 * is needed. */
static bool find_filled(struct store *store, struct arena *arena, const char *number,
                        struct store_referral *ret_referral)
{
    const char *dash = strrchr(number, '-');
    int64_t id = dash == NULL ? 0 : strtoll(dash + 1, NULL, 10);
    return id > 0 && store_get_referral(store, arena, id, ret_referral) &&
           text_equal(ret_referral->filler_number, number) &&
           text_equal(ret_referral->role, "filler");
}

/* Referrals that we placed and a filler gave this number. Where there was never one, as in a clinic
 * that only receives, nobody is asked. A reader cannot know. */
static size_t find_given(struct store *store, struct arena *arena, const char *number,
                         struct store_referral **ret_referrals)
{
    enum sqlite_known *known = &store->state.knows_given;
    if (*known == KNOWN_NOT_YET || store->is_reader)
        *known = sqlite_number(store,
                               "SELECT EXISTS (SELECT 1 FROM referral WHERE filler_number IS NOT "
                               "NULL AND role='placer')",
                               "") != 0
                     ? KNOWN_YES
                     : KNOWN_NO;
    *ret_referrals = NULL;
    if (*known == KNOWN_NO)
        return 0;
    return sqlite_select(store, arena, &referrals, ret_referrals,
                         "WHERE filler_number=? AND role='placer'", "t", number);
}

size_t store_referrals_filled(struct store *store, struct arena *arena, const char *number,
                              struct store_referral **ret_referrals)
{
    struct store_referral *given;
    struct store_referral filled;
    size_t count = find_given(store, arena, number, &given);
    *ret_referrals = given;
    if (!find_filled(store, arena, number, &filled))
        return count;
    struct store_referral *all = arena_array(arena, count + 1, sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = given[i];
    all[count] = filled;
    *ret_referrals = all;
    return count + 1;
}

size_t store_referrals(struct store *store, struct arena *arena,
                       struct store_referral **ret_referrals)
{
    return sqlite_select(store, arena, &referrals, ret_referrals, "ORDER BY id", "");
}

size_t store_referral_rows(struct store *store, struct arena *arena, int64_t after, bool is_back,
                           size_t limit, struct store_referral **ret_referrals)
{
    if (is_back)
        return sqlite_select(store, arena, &referrals, ret_referrals,
                             "WHERE id<? ORDER BY id DESC LIMIT ?", "ii",
                             after == 0 ? INT64_MAX : after, (int64_t)limit);
    return sqlite_select(store, arena, &referrals, ret_referrals, "WHERE id>? ORDER BY id LIMIT ?",
                         "ii", after, (int64_t)limit);
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
