/* figures: counts for /metrics, over what the store holds. Read on a connection of their
 * own, off every loop. */
#include "gateway/store/figures.h"
#include "gateway/store/sqlite/sqlite.h"

static const struct column waiting_columns[] = {
    {"partner", COLUMN_PARTNER, offsetof(struct store_waiting, partner)},
    {"state", COLUMN_TEXT, offsetof(struct store_waiting, state)},
    {"count", COLUMN_WHOLE, offsetof(struct store_waiting, count)},
    {"oldest", COLUMN_WHOLE, offsetof(struct store_waiting, oldest_ms)},
};
static const struct table waiting =
    TABLE("(SELECT partner, state, count(*) AS count, "
          "min(CASE WHEN lived_ms > 0 THEN lived_ms ELSE created_ms END) AS oldest FROM message "
          "WHERE " WAITING " GROUP BY 1, 2)",
          store_waiting, waiting_columns);

/* Of the columns beside a single max() SQLite takes the values of the row that has it. */
static const struct column failing_columns[] = {
    {"partner", COLUMN_PARTNER, offsetof(struct store_failing, partner)},
    {"message", COLUMN_WHOLE, offsetof(struct store_failing, message)},
    {"tries", COLUMN_WHOLE, offsetof(struct store_failing, tries)},
};
static const struct table failing =
    TABLE("(SELECT partner, id AS message, max(attempts - refusals) AS tries FROM message "
          "WHERE " WAITING " AND (state='queued' OR state='sending') AND attempts > refusals "
          "GROUP BY 1)",
          store_failing, failing_columns);

static const struct column standing_columns[] = {
    {"role", COLUMN_TEXT, offsetof(struct store_standing, role)},
    {"task_status", COLUMN_TEXT, offsetof(struct store_standing, task_status)},
    {"abort_status", COLUMN_TEXT, offsetof(struct store_standing, abort_status)},
    {"count", COLUMN_WHOLE, offsetof(struct store_standing, count)},
    {"unanswered", COLUMN_WHOLE, offsetof(struct store_standing, unanswered)},
    {"unmoved", COLUMN_WHOLE, offsetof(struct store_standing, unmoved)},
};
static const struct table standing = TABLE(
    "(SELECT role, task_status, CASE abort_status WHEN 'requested' THEN "
    "abort_status END AS abort_status, count(*) AS count, sum(changed_ms < ?1) AS unanswered, "
    "sum(changed_ms < ?2) AS unmoved FROM referral GROUP BY 1, 2, 3)",
    store_standing, standing_columns);

size_t store_count_waiting(struct store *store, struct arena *arena,
                           struct store_waiting **ret_waiting)
{
    return sqlite_select(store, arena, &waiting, ret_waiting, "ORDER BY 1, 2", "");
}

size_t store_count_failing(struct store *store, struct arena *arena,
                           struct store_failing **ret_failing)
{
    return sqlite_select(store, arena, &failing, ret_failing, "ORDER BY 1", "");
}

int64_t store_count_rejected(struct store *store)
{
    return sqlite_number(
        store, "SELECT count(*) FROM message WHERE state='rejected' AND direction='out'", "");
}

size_t store_count_standing(struct store *store, struct arena *arena, int64_t answer_before_ms,
                            int64_t step_before_ms, struct store_standing **ret_standing)
{
    return sqlite_select(store, arena, &standing, ret_standing, "ORDER BY 1, 2", "ii",
                         answer_before_ms, step_before_ms);
}

int64_t store_count_tray(struct store *store)
{
    return sqlite_number(store, "SELECT count(*) FROM release WHERE state='waiting'", "");
}

int64_t store_count_to_match(struct store *store)
{
    return sqlite_number(store, "SELECT count(*) FROM to_match WHERE state='to match'", "");
}
