/* messages: messages, their attempts and what is due, in the embedded store. */
#include "gateway/store/sqlite/sqlite.h"

#include <string.h>

#include "base/text.h"
#include "gateway/store/lived.h"
#include "gateway/store/partners.h"

#define MESSAGE(member, type) COLUMN(struct store_message, member, type)
/* What never changes stands first: store_set_message writes from state on. */
static const struct column message_columns[] = {
    MESSAGE(id, COLUMN_WHOLE),
    MESSAGE(direction, COLUMN_TEXT),
    MESSAGE(partner, COLUMN_PARTNER),
    MESSAGE(message_id, COLUMN_TEXT),
    MESSAGE(bundle_id, COLUMN_TEXT),
    MESSAGE(hash, COLUMN_HASH),
    MESSAGE(event, COLUMN_TEXT),
    MESSAGE(kind, COLUMN_TEXT),
    MESSAGE(recipient, COLUMN_TEXT),
    MESSAGE(record, COLUMN_SELDOM_LINK),
    MESSAGE(created_ms, COLUMN_WHOLE),
    MESSAGE(response_to, COLUMN_TEXT),
    MESSAGE(payload, COLUMN_WHOLE),
    MESSAGE(turn, COLUMN_SELDOM_LINK),
    MESSAGE(referral, COLUMN_LINK),
    MESSAGE(state, COLUMN_TEXT),
    MESSAGE(reason, COLUMN_SELDOM_TEXT),
    MESSAGE(due_ms, COLUMN_WHOLE),
    MESSAGE(attempts, COLUMN_SELDOM_WHOLE),
    MESSAGE(settled_ms, COLUMN_LINK),
    MESSAGE(response_code, COLUMN_TEXT),
    MESSAGE(response_issues, COLUMN_SELDOM_TEXT),
    MESSAGE(lived_ms, COLUMN_WHOLE),
    MESSAGE(moved_from, COLUMN_SELDOM_TEXT),
    MESSAGE(refusals, COLUMN_SELDOM_WHOLE),
    MESSAGE(cause, COLUMN_SELDOM_TEXT),
    MESSAGE(answer_mark, COLUMN_SELDOM_TEXT),
    MESSAGE(tick, COLUMN_TICK),
};
enum { UNCHANGING_COLUMNS = 14 };
static const struct table messages =
    TABLE_WITH_IDS("message", store_message, message_columns, IDS_MESSAGE);

#define ATTEMPT(member, type) COLUMN(struct store_attempt, member, type)
static const struct column attempt_columns[] = {
    ATTEMPT(id, COLUMN_WHOLE),
    ATTEMPT(message, COLUMN_WHOLE),
    ATTEMPT(at_ms, COLUMN_WHOLE),
    ATTEMPT(outcome, COLUMN_TEXT),
    ATTEMPT(status, COLUMN_WHOLE),
    ATTEMPT(detail, COLUMN_TEXT),
    ATTEMPT(connect_us, COLUMN_WHOLE),
    ATTEMPT(tls_us, COLUMN_WHOLE),
    ATTEMPT(first_byte_us, COLUMN_WHOLE),
    ATTEMPT(total_us, COLUMN_WHOLE),
};
static const struct table attempts =
    TABLE_WITH_IDS("attempt", store_attempt, attempt_columns, IDS_ATTEMPT);

int64_t store_next_message(struct store *store)
{
    return sqlite_next_id(store, IDS_MESSAGE);
}

/* ---- whose turn it is: the order of a referral's messages to one clinic, whoever serves it ----
 */

/* A parked message keeps its place: what follows it would only be refused for its order. */
static bool is_open(const char *state)
{
    static const char *const open_states[] = {"queued", "sending", "held", "parked", NULL};
    return text_is_one_of(state, open_states);
}

/* A retraction is about what was sent, wherever the rest of its referral waits: it waits for
 * nothing, and nothing waits for it. */
#define IN_ORDER "kind<>'retraction'"

static bool has_order(const struct store_message *message)
{
    return text_equal(message->direction, "out") && message->referral != 0 &&
           !text_equal(message->kind, "retraction");
}

static void set_behind(struct store *store, int64_t id, bool behind)
{
    sqlite_run(store, "UPDATE message SET behind=? WHERE id=?", "ii", (int64_t)behind, id);
}

#define TURN "coalesce(turn,id)"
/* The clinic may be with another partner by now, or its people be known by their names alone. */
#define SAME_PLACE "(partner=? OR recipient=?)"

static int64_t turn_of(const struct store_message *message, int64_t id)
{
    return message->turn == 0 ? id : message->turn;
}

/* The nearest open message of the same referral before or behind it; 0: there is none. */
static int64_t open_before(struct store *store, const struct store_message *message, int64_t id)
{
    return sqlite_number(store,
                         "SELECT id FROM message WHERE referral=? AND " SAME_PLACE " AND " TURN
                         "<? AND " WAITING " AND " IN_ORDER " ORDER BY " TURN " DESC LIMIT 1",
                         "iiti", message->referral, sqlite_partner(store, message->partner),
                         message->recipient, turn_of(message, id));
}

static int64_t open_after(struct store *store, const struct store_message *message, int64_t id)
{
    return sqlite_number(store,
                         "SELECT id FROM message WHERE referral=? AND " SAME_PLACE " AND " TURN
                         ">? AND " WAITING " AND " IN_ORDER " ORDER BY " TURN " LIMIT 1",
                         "iiti", message->referral, sqlite_partner(store, message->partner),
                         message->recipient, turn_of(message, id));
}

/* It is open now and was not: whatever was first behind it steps back. */
static void step_in(struct store *store, const struct store_message *message)
{
    bool is_behind = open_before(store, message, message->id) != 0;
    int64_t next = is_behind ? 0 : open_after(store, message, message->id);
    set_behind(store, message->id, is_behind);
    if (next != 0)
        set_behind(store, next, true);
}

/* It had its turn and is not open any more: the next has. */
static void step_out(struct store *store, const struct store_message *message)
{
    int64_t next = open_after(store, message, message->id);
    if (next != 0)
        set_behind(store, next, false);
}

void store_set_message(struct store *store, const struct store_message *message)
{
    static const char before[] = "SELECT " WAITING " + 2*behind FROM message WHERE id=?";
    bool is_out = text_equal(message->direction, "out");
    bool is_ordered = has_order(message);
    int64_t stood = is_out ? sqlite_number(store, before, "i", message->id) : 0;
    bool was = is_ordered && (stood & 1) != 0;
    bool is = is_open(message->state);
    sqlite_update(store, &messages, UNCHANGING_COLUMNS, message);
    if (is_ordered && is && !was)
        step_in(store, message);
    else if (was && !is && stood < 2)
        step_out(store, message);
    if (!is_ordered && stood >= 2)
        set_behind(store, message->id, false);
}

bool store_get_message(struct store *store, struct arena *arena, int64_t id,
                       struct store_message *ret_message)
{
    return sqlite_select_one(store, arena, &messages, ret_message, "WHERE id=?", "i", id);
}

/* The message among those that may have the key whose texts are the same indeed. */
static bool find_message(struct store *store, struct arena *arena, enum key_tag tag,
                         const char *partner, const char *id, struct store_message *ret_message)
{
    struct store_message row;
    int64_t *rows;
    size_t count = sqlite_messages_of(store, arena, tag, partner, id, &rows);
    for (size_t i = 0; i < count; i++) {
        if (!store_get_message(store, arena, rows[i], &row) ||
            !text_equal(row.direction, tag == KEY_OUTBOUND ? "out" : "in") ||
            !text_equal(tag == KEY_BUNDLE ? row.bundle_id : row.message_id, id) ||
            (partner != NULL && !text_equal(row.partner, partner)))
            continue;
        *ret_message = row;
        return true;
    }
    return false;
}

bool store_find_inbound(struct store *store, struct arena *arena, const char *partner,
                        const char *message_id, struct store_message *ret_message)
{
    return find_message(store, arena, KEY_INBOUND, partner, message_id, ret_message);
}

bool store_find_inbound_bundle(struct store *store, struct arena *arena, const char *partner,
                               const char *bundle_id, struct store_message *ret_message)
{
    return find_message(store, arena, KEY_BUNDLE, partner, bundle_id, ret_message);
}

bool store_find_outbound(struct store *store, struct arena *arena, const char *message_id,
                         struct store_message *ret_message)
{
    return find_message(store, arena, KEY_OUTBOUND, NULL, message_id, ret_message);
}

/* The ledger: an id stands once for each partner, and once among ours. */
static bool is_taken(struct store *store, const struct store_message *message)
{
    struct arena arena = ARENA_EMPTY;
    struct store_message seen;
    bool taken =
        text_equal(message->direction, "in")
            ? store_find_inbound(store, &arena, message->partner, message->message_id, &seen) ||
                  store_find_inbound_bundle(store, &arena, message->partner, message->bundle_id,
                                            &seen)
            : store_find_outbound(store, &arena, message->message_id, &seen);
    arena_free(&arena);
    return taken;
}

/* The newest is behind all others, unless it takes the turn of one that was withdrawn. */
static void take_turn(struct store *store, const struct store_message *message, int64_t id)
{
    struct store_message added = *message;
    added.id = id;
    if (message->turn != 0)
        step_in(store, &added);
    else if (open_before(store, message, id) != 0)
        set_behind(store, id, true);
}

int64_t store_add_message(struct store *store, const struct store_message *message)
{
    if (is_taken(store, message))
        sqlite_refuse(store, "a message of this id is there already");
    struct store_message row = *message;
    if (row.lived_ms == 0)
        row.lived_ms = store_lived_ms(store);
    int64_t id = sqlite_insert(store, &messages, &row);
    if (id != 0)
        sqlite_key_message(store, message, id);
    if (id != 0 && has_order(message) && is_open(message->state))
        take_turn(store, message, id);
    return id;
}

size_t store_messages(struct store *store, struct arena *arena, const char *direction,
                      const char *state, int64_t referral, size_t limit,
                      struct store_message **ret_messages)
{
    if (referral != 0)
        return sqlite_select(store, arena, &messages, ret_messages,
                             "WHERE (?1 IS NULL OR direction=?1) AND (?2 IS NULL OR state=?2) "
                             "AND referral=?3 ORDER BY id DESC LIMIT ?4",
                             "ttii", direction, state, referral, (int64_t)limit);
    return sqlite_select(store, arena, &messages, ret_messages,
                         "WHERE (?1 IS NULL OR direction=?1) AND (?2 IS NULL OR state=?2) "
                         "ORDER BY id DESC LIMIT ?3",
                         "tti", direction, state, (int64_t)limit);
}

size_t store_message_rows(struct store *store, struct arena *arena, const char *direction,
                          const char *state, int64_t before, size_t limit,
                          struct store_message **ret_messages)
{
    return sqlite_select(store, arena, &messages, ret_messages,
                         "WHERE id<?1 AND (?2 IS NULL OR direction=?2) AND "
                         "(?3 IS NULL OR state=?3) ORDER BY id DESC LIMIT ?4",
                         "itti", before == 0 ? INT64_MAX : before, direction, state,
                         (int64_t)limit);
}

size_t store_unfinished(struct store *store, struct arena *arena, const char *state, size_t limit,
                        struct store_message **ret_messages)
{
    if (text_equal(state, "rejected")) /* the words of the index message_rejected */
        return sqlite_select(store, arena, &messages, ret_messages,
                             "WHERE state='rejected' AND direction='out' ORDER BY id DESC LIMIT ?",
                             "i", (int64_t)limit);
    return sqlite_select(store, arena, &messages, ret_messages,
                         "WHERE " WAITING " AND state=? AND direction='out' ORDER BY id DESC "
                         "LIMIT ?",
                         "ti", state, (int64_t)limit);
}

size_t store_waiting_for(struct store *store, struct arena *arena, const char *partner,
                         struct store_message **ret_messages)
{
    return sqlite_select(store, arena, &messages, ret_messages,
                         "WHERE " WAITING " AND partner=? ORDER BY id DESC", "i",
                         sqlite_partner(store, partner));
}

size_t store_due(struct store *store, struct arena *arena, const char *partner, int64_t now_ms,
                 size_t limit, struct store_message **ret_messages)
{
    return sqlite_select(store, arena, &messages, ret_messages,
                         "WHERE state='queued' AND behind=0 AND partner=?1 AND due_ms<=?2 "
                         "ORDER BY due_ms, id LIMIT ?3",
                         "iii", sqlite_partner(store, partner), now_ms, (int64_t)limit);
}

size_t store_queued_of_client(struct store *store, struct arena *arena, const char *client,
                              struct store_message **ret_messages)
{
    struct store_message *all = NULL;
    struct store_message *some;
    struct store_record *records;
    size_t total = 0;
    size_t record_count = sqlite_records_of(store, arena, client, &records);
    for (size_t i = 0; i < record_count; i++) {
        size_t count = sqlite_select(store, arena, &messages, &some,
                                     "WHERE record=? AND direction='out' AND state IN "
                                     "('queued','held') ORDER BY id",
                                     "i", records[i].id);
        all = arena_grow(arena, all, total * sizeof *all, (total + count) * sizeof *all);
        if (count > 0)
            memcpy(all + total, some, count * sizeof *all);
        total += count;
    }
    *ret_messages = all;
    return total;
}

size_t store_messages_of_record(struct store *store, struct arena *arena, int64_t record,
                                struct store_message **ret_messages)
{
    return sqlite_select(store, arena, &messages, ret_messages,
                         "WHERE record=? AND direction='out' ORDER BY id", "i", record);
}

/* A move that is parked was refused by a partner that did not serve the clinic, or never reached.
 */
#define FOLLOWS "(state='queued' OR state='held' OR (state='parked' AND record IS NULL))"

size_t store_routes(struct store *store, struct arena *arena, struct store_message **ret_messages)
{
    return sqlite_select(
        store, arena, &messages, ret_messages,
        "WHERE direction='out' AND " FOLLOWS " AND " WAITING " GROUP BY partner, recipient", "");
}

size_t store_queued_on_route(struct store *store, struct arena *arena, const char *partner,
                             const char *recipient, struct store_message **ret_messages)
{
    return sqlite_select(store, arena, &messages, ret_messages,
                         "WHERE direction='out' AND " FOLLOWS " AND " WAITING
                         " AND partner=? AND recipient=? ORDER BY " TURN,
                         "it", sqlite_partner(store, partner), recipient);
}

size_t store_behind(struct store *store, struct arena *arena, const struct store_message *message,
                    struct store_message **ret_messages)
{
    return sqlite_select(store, arena, &messages, ret_messages,
                         "WHERE referral=? AND " SAME_PLACE " AND " TURN ">? AND " WAITING
                         " ORDER BY " TURN,
                         "iiti", message->referral, sqlite_partner(store, message->partner),
                         message->recipient, turn_of(message, message->id));
}

int64_t store_count_withdrawn(struct store *store, int64_t record, const char *recipient)
{
    return sqlite_number(store,
                         "SELECT count(*) FROM message WHERE record=? AND recipient=? AND "
                         "state='withdrawn'",
                         "it", record, recipient);
}

bool store_was_tried(struct store *store, int64_t referral)
{
    return sqlite_number(store,
                         "SELECT count(*) FROM message WHERE referral=? AND direction='out' AND "
                         "kind='referral' AND attempts>0",
                         "i", referral) > 0;
}

int64_t store_next_due(struct store *store, const char *partner)
{
    return sqlite_number(store,
                         "SELECT due_ms FROM message WHERE state='queued' AND behind=0 AND "
                         "partner=? ORDER BY due_ms LIMIT 1",
                         "i", sqlite_partner(store, partner));
}

int64_t store_requeue_claimed(struct store *store, int64_t now_ms)
{
    int64_t claimed =
        sqlite_number(store, "SELECT count(*) FROM message WHERE state='sending' AND " WAITING, "");
    if (claimed > 0)
        sqlite_run(store,
                   "UPDATE message SET state='queued', due_ms=?, tick=?, "
                   "reason='the gateway stopped while it was being sent; sent again with the same "
                   "ids' WHERE state='sending' AND " WAITING,
                   "ii", now_ms, sqlite_tick(store));
    return claimed;
}

void store_hasten(struct store *store, const char *partner, int64_t now_ms)
{
    sqlite_run(store,
               "UPDATE message SET due_ms=?2 WHERE state='queued' AND behind=0 AND partner=?1 "
               "AND due_ms>?2",
               "ii", sqlite_partner(store, partner), now_ms);
}

void store_add_attempt(struct store *store, const struct store_attempt *attempt)
{
    sqlite_insert(store, &attempts, attempt);
}

size_t store_attempts(struct store *store, struct arena *arena, int64_t message,
                      struct store_attempt **ret_attempts)
{
    return sqlite_select(store, arena, &attempts, ret_attempts, "WHERE message=? ORDER BY id", "i",
                         message);
}
