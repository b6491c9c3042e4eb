/* lists: see lists.h. */
#include "gateway/commands/lists.h"

#include <string.h>

#include "base/visible.h"
#include "gateway/outbox.h"
#include "gateway/tree.h"

struct command_table lists_table(struct arena *arena, const char *const *headings, size_t columns)
{
    struct command_table table = command_table(arena, columns);
    for (size_t i = 0; i < columns; i++)
        command_cell(&table, headings[i]);
    return table;
}

void lists_object(struct command_call *call, const struct json *object)
{
    text_print(&call->out, "%s\n", json_print(call->arena, object));
}

/* ---- messages ---- */

/* Of one that was tried. */
static const char *waiting_words(const struct store_message *message)
{
    if (outbox_was_delivered(message))
        return "to be sent again";
    if (text_starts(message->reason, "cannot connect"))
        return "cannot connect, retrying";
    return message->refusals > 0 ? "too early there, retrying" : "no clear answer, retrying";
}

/* A message that waits says for what: the queue, an answer, a way to connect, or its turn. */
static const char *state_words(const struct store_message *message)
{
    if (text_equal(message->state, "queued") && message->attempts == 0)
        return "queued";
    if (text_equal(message->state, "queued") && message->refusals > 0)
        return "came too early, retrying";
    if (text_equal(message->state, "queued"))
        return waiting_words(message);
    if (text_equal(message->state, "sending"))
        return "waiting for an answer";
    return message->state;
}

static struct json *message_object(struct arena *arena, const struct store_message *message)
{
    struct json *object = json_new_object(arena);
    json_set(arena, object, "number", json_new_whole(arena, (long)message->id));
    json_set_text(arena, object, "direction", message->direction);
    json_set_text(arena, object, "partner", message->partner);
    json_set_text(arena, object, "clinic", message->recipient);
    json_set_text(arena, object, "event", message->event);
    json_set_text(arena, object, "kind", message->kind);
    json_set_text(arena, object, "message_id", message->message_id);
    json_set_text(arena, object, "bundle_id", message->bundle_id);
    json_set_text(arena, object, "state", message->state);
    json_set_text(arena, object, "shown_as", state_words(message));
    json_set_text(arena, object, "reason", message->reason);
    json_set(arena, object, "attempts", json_new_whole(arena, (long)message->attempts));
    json_set_text(arena, object, "response", message->response_code);
    json_set_text(arena, object, "created", clock_text(arena, message->created_ms));
    if (message->settled_ms != 0)
        json_set_text(arena, object, "settled", clock_text(arena, message->settled_ms));
    if (text_equal(message->state, "queued"))
        json_set_text(arena, object, "due", clock_text(arena, message->due_ms));
    return object;
}

struct json *lists_message_objects(struct arena *arena, const struct store_message *messages,
                                   size_t count)
{
    struct json *list = json_new_list(arena);
    for (size_t i = 0; i < count; i++)
        json_push(list, message_object(arena, &messages[i]));
    return list;
}

void lists_messages(struct command_call *call, const struct store_message *messages, size_t count)
{
    static const char *const headings[] = {"NUMBER", "WAY",   "PARTNER", "KIND",
                                           "STATE",  "TRIES", "CREATED", "REASON"};
    struct command_table table = lists_table(call->arena, headings, 8);
    for (size_t i = 0; i < count; i++) {
        const struct store_message *message = &messages[i];
        if (command_has(call, "json")) {
            lists_object(call, message_object(call->arena, message));
            continue;
        }
        command_cell(&table, arena_print(call->arena, "%lld", (long long)message->id));
        command_cell(&table, message->direction);
        command_cell(&table, message->partner);
        command_cell(&table, message->kind);
        command_cell(&table, state_words(message));
        command_cell(&table, arena_print(call->arena, "%lld", (long long)message->attempts));
        command_cell(&table, clock_text(call->arena, message->created_ms));
        command_cell(&table, message->reason);
    }
    if (!command_has(call, "json"))
        command_print_table(&table, &call->out);
}

static struct json *attempt_objects(struct arena *arena, const struct store_attempt *attempts,
                                    size_t count)
{
    struct json *list = json_new_list(arena);
    for (size_t i = 0; i < count; i++) {
        struct json *object = json_push(list, json_new_object(arena));
        json_set_text(arena, object, "at", clock_text(arena, attempts[i].at_ms));
        json_set_text(arena, object, "outcome", attempts[i].outcome);
        if (attempts[i].status != 0)
            json_set(arena, object, "status", json_new_whole(arena, (long)attempts[i].status));
        json_set_text(arena, object, "detail", attempts[i].detail);
        json_set(arena, object, "connect_us", json_new_whole(arena, (long)attempts[i].connect_us));
        json_set(arena, object, "tls_us", json_new_whole(arena, (long)attempts[i].tls_us));
        json_set(arena, object, "first_byte_us",
                 json_new_whole(arena, (long)attempts[i].first_byte_us));
        json_set(arena, object, "total_us", json_new_whole(arena, (long)attempts[i].total_us));
    }
    return list;
}

/* Milliseconds; NULL for a step that was not come to, or not needed on a kept connection. */
static const char *milliseconds(struct arena *arena, int64_t us)
{
    return us == 0 ? NULL : arena_print(arena, "%.1f", (double)us / 1000);
}

static void print_attempts(struct command_call *call, const struct store_attempt *attempts,
                           size_t count)
{
    static const char *const headings[] = {"AT",  "OUTCOME",    "STATUS", "CONNECTED MS",
                                           "TLS", "FIRST BYTE", "ALL",    "DETAIL"};
    struct arena *arena = call->arena;
    struct command_table table = lists_table(arena, headings, 8);
    for (size_t i = 0; i < count; i++) {
        const struct store_attempt *at = &attempts[i];
        command_cell(&table, clock_text(arena, at->at_ms));
        command_cell(&table, at->outcome);
        command_cell(&table,
                     at->status == 0 ? NULL : arena_print(arena, "%lld", (long long)at->status));
        command_cell(&table, milliseconds(arena, at->connect_us));
        command_cell(&table, milliseconds(arena, at->tls_us));
        command_cell(&table, milliseconds(arena, at->first_byte_us));
        command_cell(&table, milliseconds(arena, at->total_us));
        command_cell(&table, at->detail);
    }
    command_print_table(&table, &call->out);
}

void lists_message(struct command_call *call, const struct store_message *message,
                   const struct store_attempt *attempts, size_t count)
{
    struct json *object = message_object(call->arena, message);
    if (command_has(call, "json")) {
        json_set(call->arena, object, "track", attempt_objects(call->arena, attempts, count));
        lists_object(call, object);
        return;
    }
    for (const struct json *member = json_first(object); member != NULL;
         member = json_next(member)) {
        const char *value = json_text(member) != NULL ? json_text(member) : json_number(member);
        text_print(&call->out, "%-12s ", json_key(member));
        visible_add_line(&call->out, value);
        text_add(&call->out, "\n");
    }
    text_add(&call->out, "\n");
    print_attempts(call, attempts, count);
}

/* ---- consents and the tray ---- */

static const char *words(struct arena *arena, const struct json *list)
{
    struct text out = text_new(arena, 1000);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item))
        text_print(&out, "%s%s", out.length == 0 ? "" : ", ", json_text(item));
    return out.at;
}

static void consent_cells(struct command_table *table, const struct json *consent)
{
    static const char *const fields[] = {"record_id", "client_id", "status", "decision"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        command_cell(table, json_get_text(consent, fields[i]));
    command_cell(table, words(table->arena, json_get(consent, "share_with")));
    command_cell(table, words(table->arena, json_get(consent, "covers")));
    command_cell(table, json_get_text(consent, "valid_from"));
    command_cell(table, json_get_text(consent, "valid_until"));
}

int lists_consents(struct command_call *call, const char *number)
{
    static const char *const headings[] = {"CONSENT",    "CLIENT", "STATUS", "DECISION",
                                           "SHARE WITH", "COVERS", "FROM",   "UNTIL"};
    struct store *store;
    struct fault fault;
    struct store_record *rows;
    size_t shown = 0;
    if (!office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    size_t count = store_records(store, call->arena, NULL, "consent", STORE_OWN, &rows);
    store_close(store);
    struct command_table table = lists_table(call->arena, headings, 8);
    for (size_t i = 0; i < count; i++) {
        if (number != NULL && !text_equal(rows[i].number, number))
            continue;
        const struct json *consent = tree_of(call->arena, rows[i].text);
        shown++;
        if (consent == NULL) {
            text_print(&call->err,
                       "refgate: consent %s cannot be read from the store; see refgate check\n",
                       rows[i].number);
            continue;
        }
        if (command_has(call, "json"))
            lists_object(call, consent);
        else if (number != NULL)
            text_print(&call->out, "%s\n", json_print_pretty(call->arena, consent));
        else
            consent_cells(&table, consent);
    }
    if (number != NULL && shown == 0) {
        fault_set(&fault, FAULT_not_found,
                  arena_print(call->arena,
                              "found no consent %s; expected a number of refgate consent list",
                              number));
        return command_fail(call, &fault);
    }
    if (number == NULL && !command_has(call, "json"))
        command_print_table(&table, &call->out);
    return 0;
}

void lists_tray(struct command_call *call, struct store *store, const struct store_release *waiting,
                size_t count)
{
    static const char *const headings[] = {"NUMBER", "RECORD", "KIND",         "FOR",
                                           "CLIENT", "SINCE",  "WAITS BECAUSE"};
    struct command_table table = lists_table(call->arena, headings, 7);
    for (size_t i = 0; i < count; i++) {
        struct store_record record = {.kind = NULL};
        store_get_record(store, call->arena, waiting[i].record, &record);
        const char *since = clock_text(call->arena, record.accepted_ms);
        if (command_has(call, "json")) {
            struct json *object = json_new_object(call->arena);
            json_set(call->arena, object, "number",
                     json_new_whole(call->arena, (long)waiting[i].id));
            json_set_text(call->arena, object, "record_id", record.number);
            json_set_text(call->arena, object, "record", record.kind);
            json_set_text(call->arena, object, "for", waiting[i].addressed_as);
            json_set_text(call->arena, object, "clinic", waiting[i].recipient);
            json_set_text(call->arena, object, "client_id", waiting[i].client);
            json_set_text(call->arena, object, "since", since);
            json_set_text(call->arena, object, "reason", waiting[i].reason);
            json_set_text(call->arena, object, "confirmed_by", waiting[i].confirmed_by);
            lists_object(call, object);
            continue;
        }
        command_cell(&table, arena_print(call->arena, "%lld", (long long)waiting[i].id));
        command_cell(&table, record.number);
        command_cell(&table, record.kind);
        command_cell(&table, waiting[i].addressed_as);
        command_cell(&table, waiting[i].client);
        command_cell(&table, since);
        command_cell(&table, waiting[i].reason);
    }
    if (!command_has(call, "json"))
        command_print_table(&table, &call->out);
}
