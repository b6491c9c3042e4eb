/* retention: see retention.h. Every change is noted in the journal like any other, so that a
 * crash does it again; pages given back and runs of keys are not, because they mean nothing. */
#include "gateway/store/retention.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum {
    PAGES_A_SLICE = 64,
    PAGES_KEPT = 1024, /* free pages that are soon used again */
    FREE_SHARE = 8     /* one page in so many may be free */
};

/* Nothing waits for these; "withdrawn" counts for the ids of a later message, so its row stays. */
#define SETTLED "('sent','rejected','done','refused','early','withdrawn','dropped')"
#define OVER "('completed','rejected','cancelled','failed','entered-in-error')"

/* ---- finding ---- */

struct aged { /* a message or record, as retention sees it */
    int64_t id, payload, attachments, ended_ms;
    bool is_settled, is_over, is_withdrawn, is_newest; /* of messages only */
};

#define AGED(member, type) COLUMN(struct aged, member, type)
static const struct column message_columns[] = {
    AGED(id, COLUMN_WHOLE),         AGED(payload, COLUMN_WHOLE),
    AGED(ended_ms, COLUMN_WHOLE),   AGED(is_settled, COLUMN_YES_NO),
    AGED(is_over, COLUMN_YES_NO),   AGED(is_withdrawn, COLUMN_YES_NO),
    AGED(is_newest, COLUMN_YES_NO),
};
static const struct table aged_messages =
    TABLE("(SELECT m.id AS id, m.payload AS payload, "
          "CASE WHEN m.lived_ms > 0 THEN m.lived_ms ELSE "
          "max(m.created_ms, coalesce(m.settled_ms, 0)) END AS ended_ms, "
          "m.state IN " SETTLED " AS is_settled, m.state='withdrawn' AS is_withdrawn, "
          "(m.referral IS NULL OR coalesce(r.task_status IN " OVER ", 1)) AS is_over, "
          "m.id=(SELECT max(id) FROM message) AS is_newest "
          "FROM message AS m LEFT JOIN referral AS r ON r.id=m.referral)",
          aged, message_columns);

static const struct column record_columns[] = {
    AGED(id, COLUMN_WHOLE),
    AGED(payload, COLUMN_WHOLE),
    AGED(attachments, COLUMN_LINK),
    AGED(ended_ms, COLUMN_WHOLE),
};
static const struct table aged_records =
    TABLE("(SELECT id, payload, attachments, "
          "CASE WHEN lived_ms > 0 THEN lived_ms ELSE accepted_ms END AS ended_ms FROM record)",
          aged, record_columns);

static bool is_in_journal(int64_t payload)
{
    return payload >= (int64_t)1 << 32;
}

static bool judge_message(const struct aged *row, const struct store_ages *ages,
                          enum store_old_kind *ret_kind)
{
    bool may_go = row->is_settled && row->is_over;
    if (row->ended_ms >= ages->payload_before_ms)
        return false;
    *ret_kind = may_go ? STORE_OLD_PAYLOAD : STORE_OLD_MESSAGE;
    if (row->payload != 0)
        return may_go || is_in_journal(row->payload);
    *ret_kind = STORE_OLD_ROW;
    return may_go && !row->is_withdrawn && !row->is_newest && row->ended_ms < ages->row_before_ms;
}

static bool judge_record(const struct aged *row, const struct store_ages *ages,
                         enum store_old_kind *ret_kind)
{
    *ret_kind = STORE_OLD_RECORD;
    return row->ended_ms < ages->payload_before_ms &&
           (is_in_journal(row->payload) || is_in_journal(row->attachments));
}

static const struct kind { /* of rows that a walk visits */
    const struct table *table;
    bool (*judge)(const struct aged *row, const struct store_ages *ages,
                  enum store_old_kind *ret_kind);
} messages = {&aged_messages, judge_message}, records = {&aged_records, judge_record};

/* Looks at the next LIMIT rows behind *AFTER, which moves on. Rows stand in the order they came in,
 * so a page without an old one is the end: INT64_MAX. */
static size_t find(struct store *store, struct arena *arena, const struct kind *kind,
                   const struct store_ages *ages, size_t limit, int64_t *after,
                   struct store_old *old)
{
    struct aged *rows;
    size_t found = 0;
    bool has_old = false;
    size_t count = sqlite_select(store, arena, kind->table, &rows, "WHERE id>? ORDER BY id LIMIT ?",
                                 "ii", *after, (int64_t)limit);
    for (size_t i = 0; i < count; i++) {
        has_old = has_old || rows[i].ended_ms < ages->payload_before_ms;
        if (kind->judge(&rows[i], ages, &old[found].kind))
            old[found++].id = rows[i].id;
        *after = rows[i].id;
    }
    if (!has_old)
        *after = INT64_MAX;
    return found;
}

size_t store_find_old(struct store *reader, struct arena *arena, const struct store_ages *ages,
                      size_t limit, struct store_sweep *sweep, struct store_old **ret_old)
{
    struct store_old *old = arena_array(arena, limit, sizeof *old);
    *ret_old = old;
    if (sweep->message != INT64_MAX)
        return find(reader, arena, &messages, ages, limit, &sweep->message, old);
    size_t found = find(reader, arena, &records, ages, limit, &sweep->record, old);
    sweep->is_done = sweep->record == INT64_MAX;
    return found;
}

/* ---- letting go ---- */

static void drop_bytes(struct store *store, int64_t payload)
{
    if (payload != 0 && !is_in_journal(payload))
        sqlite_run(store, "DELETE FROM payload WHERE id=?", "i", payload);
}

/* The same bytes in the database; 0 when they cannot be read: then they stay where they are. */
static int64_t moved(struct store *store, struct arena *arena, int64_t payload)
{
    size_t length;
    const char *bytes = is_in_journal(payload) ? payload_get(store, arena, payload, &length) : NULL;
    if (bytes == NULL)
        return 0;
    int64_t id = sqlite_next_id(store, IDS_PAYLOAD);
    sqlite_run(store, "INSERT INTO payload (id, bytes, sum) VALUES (?, ?, ?)", "ibi", id, bytes,
               (int64_t)length, sqlite_payload_sum(bytes, length));
    store->state.last_ids[IDS_PAYLOAD] = id;
    return id;
}

static void let_go_of_message(struct store *store, struct arena *arena,
                              const struct store_ages *ages, int64_t id)
{
    struct aged row;
    enum store_old_kind kind;
    if (!sqlite_select_one(store, arena, &aged_messages, &row, "WHERE id=?", "i", id) ||
        !judge_message(&row, ages, &kind))
        return;
    if (kind == STORE_OLD_PAYLOAD) {
        drop_bytes(store, row.payload);
        sqlite_run(store, "UPDATE message SET payload=0 WHERE id=?", "i", id);
    } else if (kind == STORE_OLD_ROW) {
        sqlite_run(store, "DELETE FROM attempt WHERE message=?", "i", id);
        sqlite_run(store, "DELETE FROM message WHERE id=?", "i", id);
    } else {
        int64_t payload = moved(store, arena, row.payload);
        if (payload != 0)
            sqlite_run(store, "UPDATE message SET payload=? WHERE id=?", "ii", payload, id);
    }
}

static void move_record(struct store *store, struct arena *arena, int64_t id)
{
    struct aged row;
    if (!sqlite_select_one(store, arena, &aged_records, &row, "WHERE id=?", "i", id))
        return;
    int64_t payload = moved(store, arena, row.payload);
    int64_t attachments = moved(store, arena, row.attachments);
    if (payload != 0)
        sqlite_run(store, "UPDATE record SET payload=? WHERE id=?", "ii", payload, id);
    if (attachments != 0)
        sqlite_run(store, "UPDATE record SET attachments=? WHERE id=?", "ii", attachments, id);
}

void store_let_go(struct store *store, struct arena *arena, const struct store_ages *ages,
                  const struct store_old *old)
{
    if (old->kind == STORE_OLD_RECORD)
        move_record(store, arena, old->id);
    else
        let_go_of_message(store, arena, ages, old->id);
}

/* ---- space ---- */

uint32_t store_first_segment(struct store *reader)
{
    static const char sql[] =
        "SELECT min(at) FROM (SELECT min(payload) AS at FROM message WHERE payload>=1<<32 UNION "
        "ALL SELECT min(payload) FROM record WHERE payload>=1<<32 UNION ALL "
        "SELECT min(attachments) FROM record WHERE attachments>=1<<32)";
    int64_t groups;
    if (!sqlite_recover(reader, &groups) || reader->journal == NULL)
        return 0;
    uint32_t applied = reader->applied.segment; /* what follows is done again after a crash */
    int64_t first = sqlite_number(reader, sql, "");
    uint32_t segment = (uint32_t)(first >> 32);
    if (store_failed(reader))
        return 0;
    return segment != 0 && segment < applied ? segment : applied;
}

static uint32_t lowest_segment(const char *path)
{
    uint32_t lowest = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char *end;
        unsigned long number = strtoul(entry->d_name, &end, 10);
        if (*end == '\0' && number > 0 && number < UINT32_MAX && (lowest == 0 || number < lowest))
            lowest = (uint32_t)number;
    }
    closedir(folder);
    return lowest;
}

bool store_free_segment(struct store *store, uint32_t first)
{
    char path[PATH_MAX + 16];
    sqlite_journal_folder(store, path, sizeof path);
    uint32_t lowest = lowest_segment(path);
    if (store->journal == NULL || lowest == 0 || lowest >= first ||
        lowest >= store->applied.segment) /* the database may lack what is in it */
        return false;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_free = folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) == 0;
    bool removed = is_free && journal_remove_below(store->journal, lowest + 1) > 0;
    if (folder >= 0)
        close(folder);
    return removed;
}

/* Runs whose rows have all gone: their keys could only be false hints. The newest one stays, it
 * says how far keys were made. */
static void drop_runs(struct store *store)
{
    static const char which[] =
        "SELECT min(run) FROM key_run WHERE family=0 AND upto<(SELECT min(id) FROM message) AND "
        "run<(SELECT max(run) FROM key_run WHERE family=0)";
    int64_t run = sqlite_number(store, which, "");
    if (run == 0 || store_failed(store))
        return;
    char sql[160];
    snprintf(sql, sizeof sql,
             "DELETE FROM key_page WHERE run=%lld; DELETE FROM key_run WHERE run=%lld",
             (long long)run, (long long)run);
    sqlite_plain(store, sql);
    sqlite_drop_run(store, KEYS_LEDGER, run);
}

bool store_shrink(struct store *store)
{
    drop_runs(store);
    int64_t pages = sqlite_number(store, "PRAGMA page_count", "");
    int64_t unused = sqlite_number(store, "PRAGMA freelist_count", "");
    if (store_failed(store) || unused < PAGES_KEPT || unused < pages / FREE_SHARE)
        return false;
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", PAGES_A_SLICE);
    sqlite_plain(store, sql);
    return !store_failed(store);
}

static uint64_t bytes_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (uint64_t)about.st_blocks * 512 : 0;
}

uint64_t store_bytes(struct store *reader)
{
    char log[PATH_MAX + 8];
    snprintf(log, sizeof log, "%s-wal", reader->path);
    uint64_t journal = reader->journal == NULL ? 0 : journal_bytes(reader->journal);
    return bytes_of(reader->path) + bytes_of(log) + journal;
}
