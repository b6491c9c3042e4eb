/* sqlite_examine: a store read to the last byte, and everything in it named that is not whole. See
 * backup.h. */
#include "gateway/store/backup.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "gateway/store/sqlite_store.h"

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

struct owner { /* of a payload; a store of an earlier version is examined, too */
    const char *what;
    const char *sql; /* id, payload, and two texts that a person knows it by */
    const char *remedy;
};

static const struct owner owners[] = {
    {"the bytes of message",
     "SELECT id, payload, direction, message_id FROM message "
     "WHERE payload<>0",
     "it is kept back; a backup may hold it"},
    {"the text of record",
     "SELECT id, payload, kind, clinic || ' ' || number FROM record WHERE payload<>0",
     "what belongs to it is kept back; a backup may hold it, or send it again under a new number"},
    {"the attachments of record",
     "SELECT id, attachments, kind, clinic || ' ' || number FROM record WHERE attachments<>0",
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
    size_t length;
    sqlite3_stmt *statement = sqlite_statement(store, owner->sql);
    while (statement != NULL && sqlite_step(store, statement)) {
        int64_t payload = sqlite3_column_int64(statement, 1);
        report->payloads++;
        if (payload_get(store, &one, payload, &length) == NULL)
            tell(report, arena_print(arena, "%s %lld (%s %s) are missing or damaged, %s: %s",
                                     owner->what, (long long)sqlite3_column_int64(statement, 0),
                                     (const char *)sqlite3_column_text(statement, 2),
                                     (const char *)sqlite3_column_text(statement, 3),
                                     place_of(arena, payload), owner->remedy));
        arena_reset(&one);
    }
    if (statement != NULL)
        sqlite_finish(statement);
    if (store_failed(store))
        tell_error(store, report, arena, "the store cannot be read");
    arena_free(&one);
}

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
    report->schema = sqlite_number(store, "PRAGMA user_version", "");
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
