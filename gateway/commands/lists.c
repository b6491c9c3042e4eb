/* lists: the frame of a list command, and the table of messages that several of them print. See
 * lists.h. */
#include "gateway/commands/lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/visible.h"
#include "fhir/json/tree.h"
#include "gateway/outbound/outbox.h"

enum { LIMIT_MAX = 100000 };

struct command_table lists_table(struct arena *arena, const char *const *headings, size_t columns)
{
    struct command_table table = command_table(arena, columns);
    for (size_t i = 0; i < columns; i++)
        command_cell(&table, headings[i]);
    return table;
}

bool lists_begin(struct listing *listing, struct command_call *call, const char *const *headings,
                 size_t columns, struct fault *ret_fault)
{
    *listing = (struct listing){.call = call, .client = command_option(call, "client")};
    if (!office_reader(call->office, call->arena, &listing->store, ret_fault))
        return false;
    listing->table = lists_table(call->arena, headings, columns);
    return true;
}

void lists_end(struct listing *listing)
{
    arena_free(&listing->arena);
    store_close(listing->store);
    if (!command_has(listing->call, "json"))
        command_print_table(&listing->table, &listing->call->out);
    if (listing->printed == 0)
        shown_say_no_client(&listing->call->err, listing->client);
}

/* The text's own memory is given back at once: a list may be long. */
void lists_object(struct command_call *call, const struct json *object)
{
    struct arena arena = ARENA_EMPTY;
    text_print(&call->out, "%s\n", json_print(&arena, object));
    arena_free(&arena);
}

struct shown lists_shown(const struct command_call *call, struct store *store, struct arena *arena)
{
    return (struct shown){arena, store, call->office->setup};
}

/* "to answer, under way or closed" */
static const char *one_of(struct arena *arena, const char *const *words, size_t count)
{
    struct text out = text_new(arena, 1000);
    for (size_t i = 0; i < count; i++)
        text_print(&out, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
    return out.at;
}

bool lists_word(const struct command_call *call, const char *option, const char *const *words,
                size_t count, struct fault *ret_fault)
{
    const char *word = command_option(call, option);
    struct nearest nearest = nearest_start(word == NULL ? "" : word);
    for (size_t i = 0; word != NULL && i < count; i++) {
        if (text_equal(words[i], word))
            return true;
        nearest_try(&nearest, words[i]);
    }
    if (word == NULL)
        return true;
    return fault_set(ret_fault, FAULT_usage,
                     arena_print(call->arena, "--%s: found \"%.100s\"; expected %s%s%s%s", option,
                                 word, one_of(call->arena, words, count),
                                 nearest.best == NULL ? "" : "; did you mean \"",
                                 nearest.best == NULL ? "" : nearest.best,
                                 nearest.best == NULL ? "" : "\"?"));
}

bool lists_limit(const struct command_call *call, size_t *ret_limit, struct fault *ret_fault)
{
    const char *word = command_option(call, "limit");
    char *end = NULL;
    *ret_limit = command_has(call, "json") ? LIMIT_MAX : LISTS_SHOWN;
    if (word == NULL)
        return true;
    long long limit = strtoll(word, &end, 10);
    if (end == word || *end != '\0' || limit < 1 || limit > LIMIT_MAX)
        return fault_set(ret_fault, FAULT_usage,
                         arena_print(call->arena,
                                     "--limit: found \"%.100s\"; expected a number from 1 to %d",
                                     word, (int)LIMIT_MAX));
    *ret_limit = (size_t)limit;
    return true;
}

void lists_say_cut(struct command_call *call, size_t limit, const char *part)
{
    if (limit < LIMIT_MAX)
        text_print(&call->err, "refgate: only the newest %zu are shown; --limit N shows more\n",
                   limit);
    else
        text_print(&call->err,
                   "refgate: only the newest %zu are shown, and there are older ones; one call "
                   "shows no more, so ask for a part: %s\n",
                   limit, part);
}

/* ---- messages ---- */

/* Of one that was tried. */
static const char *waiting_words(const struct store_message *message)
{
    if (outbox_was_delivered(message))
        return "to be sent again";
    if (text_equal(message->cause, STORE_CAUSE_NOT_CONNECTED))
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
    if (text_equal(message->state, "sent"))
        return "delivered";
    return text_equal(message->state, "done") ? "taken" : message->state;
}

/* The person that a message of ours is addressed to, beside the clinic; NULL: the clinic itself. */
static const char *addressed_to(const struct shown *shown, const struct store_message *message)
{
    struct store_release release;
    return text_equal(message->direction, "out") && message->record != 0 &&
                   store_find_release(shown->store, shown->arena, message->id, &release)
               ? release.addressed_as
               : NULL;
}

static struct json *message_object(const struct shown *shown, const struct store_message *message)
{
    struct arena *arena = shown->arena;
    struct json *object = json_new_object(arena);
    struct shown_client client = shown_client_of_message(shown, message);
    json_set(arena, object, "number", json_new_whole(arena, (long)message->id));
    json_set_text(arena, object, "direction", message->direction);
    json_set_text(arena, object, "partner", message->partner);
    json_set_text(arena, object, "clinic", message->recipient);
    json_set_text(arena, object, "for", addressed_to(shown, message));
    json_set_text(arena, object, "event", message->event);
    json_set_text(arena, object, "kind", message->kind);
    json_set_text(arena, object, "about", shown_what(shown, message));
    shown_add_client(arena, object, &client);
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

struct json *lists_message_objects(const struct shown *shown, const struct store_message *messages,
                                   size_t count)
{
    struct json *list = json_new_list(shown->arena);
    for (size_t i = 0; i < count; i++)
        json_push(list, message_object(shown, &messages[i]));
    return list;
}

const char *lists_recipient(const struct shown *shown, const struct store_message *message)
{
    return shown_place(shown, message->recipient, addressed_to(shown, message));
}

/* "to lakeside, Dr. Ama Osei", "from willow"; a partner of another name than the clinic it serves
 * is named, too. */
static const char *way_of(const struct shown *shown, const struct store_message *message)
{
    if (text_equal(message->direction, "in"))
        return arena_print(shown->arena, "from %s", message->partner);
    const char *place = lists_recipient(shown, message);
    if (place == NULL)
        return arena_print(shown->arena, "to %s", message->partner);
    return text_equal(message->partner, message->recipient)
               ? arena_print(shown->arena, "to %s", place)
               : arena_print(shown->arena, "to %s (by %s)", place, message->partner);
}

static void message_cells(struct command_table *table, const struct shown *shown,
                          const struct store_message *message)
{
    struct arena *arena = shown->arena;
    struct shown_client client = shown_client_of_message(shown, message);
    command_cell(table, arena_print(arena, "%lld", (long long)message->id));
    command_cell(table, shown_what(shown, message));
    command_cell(table, way_of(shown, message));
    command_cell(table, shown_name(arena, &client));
    command_cell(table, client.birth_date);
    command_cell(table, state_words(message));
    command_cell(table, arena_print(arena, "%lld", (long long)message->attempts));
    command_cell(table, shown_time(arena, message->created_ms));
    command_cell(table, message->reason);
}

void lists_messages(struct command_call *call, struct store *store,
                    const struct store_message *messages, size_t count)
{
    const char *created = shown_zoned(call->arena, call->office->setup, "CREATED");
    const char *const headings[] = {"NUMBER", "WHAT",  "TO OR FROM", "CLIENT", "BORN",
                                    "STATE",  "TRIES", created,      "REASON"};
    struct command_table table = lists_table(call->arena, headings, 9);
    struct arena arena = ARENA_EMPTY;
    struct shown shown = lists_shown(call, store, &arena);
    for (size_t i = 0; i < count; i++) {
        if (command_has(call, "json"))
            lists_object(call, message_object(&shown, &messages[i]));
        else
            message_cells(&table, &shown, &messages[i]);
        arena_reset(&arena);
    }
    arena_free(&arena);
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
    struct arena *arena = call->arena;
    static const char *const headings[] = {"AT",  "OUTCOME",    "STATUS", "CONNECTED MS",
                                           "TLS", "FIRST BYTE", "ALL",    "DETAIL"};
    struct command_table table = lists_table(arena, headings, 8);
    for (size_t i = 0; i < count; i++) {
        const struct store_attempt *at = &attempts[i];
        command_cell(&table, clock_text(arena, at->at_ms)); /* by the second */
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

void lists_message(struct command_call *call, struct store *store,
                   const struct store_message *message, const struct store_attempt *attempts,
                   size_t count)
{
    struct shown shown = lists_shown(call, store, call->arena);
    struct json *object = message_object(&shown, message);
    if (command_has(call, "json")) {
        json_set(call->arena, object, "track", attempt_objects(call->arena, attempts, count));
        lists_object(call, object);
        return;
    }
    for (const struct json *member = json_first(object); member != NULL;
         member = json_next(member)) {
        const char *value = json_text(member) != NULL ? json_text(member) : json_number(member);
        text_print(&call->out, "%-17s ", json_key(member));
        visible_add_line(&call->out, value);
        text_add(&call->out, "\n");
    }
    text_add(&call->out, "\n");
    print_attempts(call, attempts, count);
}
