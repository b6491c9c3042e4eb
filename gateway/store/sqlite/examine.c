/* examine: a store read to the last byte, and everything in it named that is not whole. See
 * backup.h. */
#include "gateway/store/backup.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fhir/json/json.h"
#include "gateway/store/sqlite/sqlite_internal.h"

static void tell(struct store_report *report, const char *damage)
{
    if (report->damage_count < STORE_DAMAGES_MAX)
        report->damages[report->damage_count] = damage;
    report->damage_count++;
}

/* Copies what the store said, which is overwritten by what it says next. */
static void tell_error(struct store *store, struct store_report *report, struct arena *arena,
                       const char *what)
{
    const char *why = store->error_text[0] == '\0' ? "an unknown error" : store->error_text;
    tell(report, arena_print(arena, "%s: %s", what, why));
    store->error = SQLITE_OK;
}

static bool database_is_whole(struct store *store, struct store_report *report, struct arena *arena)
{
    const char **lines;
    store->error = SQLITE_OK;
    size_t count = sqlite_texts(store, arena, &lines, "PRAGMA integrity_check(10)", "");
    if (store_failed(store))
        tell_error(store, report, arena, "the store cannot be read");
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(lines[i], "ok"))
            tell(report, arena_print(arena, "the store is damaged: %s", lines[i]));
    }
    return report->damage_count == 0;
}

static void examine_journal(struct store *store, struct store_report *report, struct arena *arena)
{
    struct journal_place end;
    if (sqlite_has_journal(store) && !sqlite_walk(store, &end))
        tell(report, arena_copy(arena, journal_error(store->journal)));
}

/* ---- payloads ---- */

struct payload { /* as its row names it */
    int64_t row, payload;
    bool is_bound; /* the row is of this version, and what it keeps of its bytes is compared */
};

static bool message_is_whole(struct store *store, struct arena *arena,
                             const struct payload *payload)
{
    size_t length;
    struct store_message message;
    if (!payload->is_bound)
        return payload_get(store, arena, payload->payload, &length) != NULL;
    return store_get_message(store, arena, payload->row, &message) &&
           store_message_bytes(store, arena, &message, &length) != NULL;
}

static bool record_is_whole(struct store *store, struct arena *arena, const struct payload *payload)
{
    size_t length;
    struct store_record row;
    if (!payload->is_bound)
        return payload_get(store, arena, payload->payload, &length) != NULL;
    return store_get_record(store, arena, payload->row, &row) && row.text != NULL;
}

/* Of a received record its text says nothing about them; a text that is damaged is told already. */
static bool attachments_are_whole(struct store *store, struct arena *arena,
                                  const struct payload *payload)
{
    size_t length;
    struct store_record row;
    struct json_document text;
    struct json_fault fault;
    const struct json *list;
    if (payload->payload != 0 && payload_get(store, arena, payload->payload, &length) == NULL)
        return false;
    if (!payload->is_bound || !store_get_record(store, arena, payload->row, &row) ||
        row.text == NULL || !text_equal(row.origin, STORE_OWN) ||
        !json_parse(arena, row.text, strlen(row.text), NULL, &text, &fault))
        return true;
    return store_record_attachments(store, arena, &row, text.root, &list);
}

struct owner { /* of a payload; a store of an earlier version is examined, too */
    const char *what;
    const char *sql; /* id, payload, and two texts that a person knows it by */
    bool (*is_whole)(struct store *store, struct arena *arena, const struct payload *payload);
    const char *remedy;
};

static const struct owner owners[] = {
    {"the bytes of message",
     "SELECT id, payload, direction, message_id FROM message "
     "WHERE payload<>0",
     message_is_whole, "it is kept back; a backup may hold it"},
    {"the text of record",
     "SELECT id, payload, kind, clinic || ' ' || number FROM record WHERE payload<>0",
     record_is_whole,
     "what belongs to it is kept back; a backup may hold it, or send it again under a new number"},
    {"the attachments of record",
     "SELECT id, attachments, kind, clinic || ' ' || number FROM record "
     "WHERE attachments<>0 OR origin IS NULL",
     attachments_are_whole,
     "it waits in the tray; a backup may hold them, or send it again under a new number"},
};

static const char *place_of(struct arena *arena, int64_t payload)
{
    if (payload < (int64_t)1 << 32)
        return arena_print(arena, "payload %lld of store.db", (long long)payload);
    return arena_print(arena, "store.journal/%08u at byte %u", (unsigned)(payload >> 32),
                       (unsigned)payload);
}

static void examine_payloads(struct store *store, const struct owner *owner,
                             struct store_report *report, struct arena *arena)
{
    struct arena one = ARENA_EMPTY;
    bool is_bound = report->schema == sqlite_newest_version();
    sqlite3_stmt *statement = sqlite_statement(store, owner->sql);
    while (statement != NULL && sqlite_step(store, statement)) {
        struct payload payload = {.row = sqlite3_column_int64(statement, 0),
                                  .payload = sqlite3_column_int64(statement, 1),
                                  .is_bound = is_bound};
        report->payloads += payload.payload != 0;
        if (!owner->is_whole(store, &one, &payload))
            tell(report, arena_print(arena, "%s %lld (%s %s) are missing or damaged, %s: %s",
                                     owner->what, (long long)payload.row,
                                     (const char *)sqlite3_column_text(statement, 2),
                                     (const char *)sqlite3_column_text(statement, 3),
                                     place_of(arena, payload.payload), owner->remedy));
        arena_reset(&one);
    }
    if (statement != NULL)
        sqlite_finish(statement);
    if (store_failed(store))
        tell_error(store, report, arena, "the store cannot be read");
    arena_free(&one);
}

/* ---- rows ---- */

/* Rows that no build of ours writes. A reader's connection passes over CHECK constraints. */
static const struct misfit {
    const char *what;
    const char *sql; /* id, what stands there */
} misfits[] = {
    {"the direction of message",
     "SELECT id, direction FROM message WHERE direction NOT IN ('in', 'out')"},
    {"the side of referral",
     "SELECT id, role FROM referral WHERE role NOT IN ('placer', 'filler')"},
    {"the state of tray row",
     "SELECT id, state FROM release WHERE state NOT IN ('waiting', 'sent', 'dropped')"},
    {"the state to match of record",
     "SELECT record, state FROM to_match WHERE state NOT IN ('to match', 'attached', 'kept apart', "
     "'returned')"},
    {"the state of message",
     "SELECT id, state FROM message WHERE state NOT IN ('queued', 'sending', 'held', 'parked', "
     "'sent', 'rejected', 'withdrawn', 'dropped', 'done', 'refused', 'early')"},
    {"the status of referral",
     "SELECT id, task_status FROM referral WHERE task_status NOT IN ('draft', 'requested', "
     "'received', 'accepted', 'ready', 'rejected', 'in-progress', 'on-hold', 'completed', "
     "'cancelled', 'failed', 'entered-in-error')"},
    /* Retention takes messages away that events and tray rows were about. */
    {"what belongs to a row of table",
     "SELECT rowid, \"table\" || ' in ' || parent FROM pragma_foreign_key_check "
     "WHERE parent<>'message'"},
};

static void examine_rows(struct store *store, const struct misfit *misfit,
                         struct store_report *report, struct arena *arena)
{
    sqlite3_stmt *statement = sqlite_statement(store, misfit->sql);
    while (statement != NULL && sqlite_step(store, statement))
        tell(report, arena_print(arena,
                                 "%s %lld has changed by itself (found \"%s\"): nothing is done "
                                 "with it; a backup may hold it",
                                 misfit->what, (long long)sqlite3_column_int64(statement, 0),
                                 (const char *)sqlite3_column_text(statement, 1)));
    if (statement != NULL)
        sqlite_finish(statement);
    if (store_failed(store))
        tell_error(store, report, arena, "the store cannot be read");
}

/* ---- look-up keys ---- */

static void examine_keys(struct store *store, struct store_report *report, struct arena *arena)
{
    if (sqlite_has_sums(store) && !sqlite_keys_are_whole(store))
        tell(report, "look-up keys in store.db have changed by themselves; the service makes them "
                     "again from the rows when it meets them");
    if (store_failed(store))
        tell_error(store, report, arena, "the store cannot be read");
}

static void count(struct store *store, struct store_report *report)
{
    report->records = sqlite_number(store, "SELECT count(*) FROM record", "");
    report->referrals = sqlite_number(store, "SELECT count(*) FROM referral", "");
    report->received =
        sqlite_number(store, "SELECT count(*) FROM message WHERE direction='in'", "");
    report->sent = sqlite_number(store, "SELECT count(*) FROM message WHERE direction='out'", "");
    report->waiting = sqlite_number(store, "SELECT count(*) FROM message WHERE " WAITING, "");
    report->audits = sqlite_number(store, "SELECT count(*) FROM audit", "");
}

bool store_examine(struct store *store, struct store_report *ret_report, struct arena *arena,
                   struct fault *ret_fault)
{
    *ret_report = (struct store_report){0};
    bool is_whole = database_is_whole(store, ret_report, arena);
    examine_journal(store, ret_report, arena);
    ret_report->schema = sqlite_version(store);
    bool is_ours = is_whole && ret_report->schema == sqlite_newest_version();
    for (size_t i = 0; is_ours && i < sizeof misfits / sizeof *misfits; i++)
        examine_rows(store, &misfits[i], ret_report, arena);
    for (size_t i = 0; is_whole && i < sizeof owners / sizeof *owners; i++)
        examine_payloads(store, &owners[i], ret_report, arena);
    if (is_whole)
        examine_keys(store, ret_report, arena);
    count(store, ret_report);
    if (store_failed(store))
        tell_error(store, ret_report, arena, "the store cannot be read");
    if (ret_report->damage_count == 0)
        return true;
    return fault_set(ret_fault, FAULT_store_broken, ret_report->damages[0]);
}
