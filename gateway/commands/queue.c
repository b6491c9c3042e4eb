/* queue: what waits to be sent, or was refused, and what a person may do about it; and taking back
 * records. */
#include "gateway/commands/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/audit/actor.h"
#include "gateway/audit/audit.h"
#include "gateway/commands/lists.h"
#include "gateway/outbound/outbound.h"
#include "gateway/outbound/release.h"

enum { LIST_MAX = 10000 }; /* of each state */

struct queueing {
    struct unit unit;
    struct command_call *call;
    const char *verb, *state; /* the state after it */
    int64_t number;
    struct store_message message;
};

/* What a person may change: nothing that a partner has accepted, except by sending it again
 * unchanged. */
static const struct {
    const char *verb, *from, *to;
} changes[] = {
    {"resend", "sent parked rejected held queued dropped", "queued"},
    {"hold", "queued parked", "held"},
    {"park", "queued held", "parked"},
    {"drop", "queued held parked", "dropped"},
    {"dismiss", "rejected", "dropped"},
};

/* What has arrived goes once more only by the grant it went by; what has not is asked at its try.
 */
static bool may_go_again(struct queueing *queueing, struct store *store, int64_t now_ms)
{
    struct unit *unit = &queueing->unit;
    const struct store_message *message = &queueing->message;
    const char *reason;
    if (!text_equal(message->state, "sent") || !text_equal(queueing->verb, "resend") ||
        release_again(queueing->call->office->setup, store, unit->arena, message, now_ms, &reason))
        return true;
    return fault_set(&unit->fault, FAULT_forbidden,
                     arena_print(unit->arena, "message %lld may not be sent again: %s",
                                 (long long)message->id, reason));
}

static bool make_change(struct queueing *queueing, struct store *store)
{
    struct store_message *message = &queueing->message;
    struct unit *unit = &queueing->unit;
    const struct setup *setup = queueing->call->office->setup;
    const char *reason = text_equal(queueing->verb, "dismiss")
                             ? arena_print(unit->arena, "%s; seen, and put aside", message->reason)
                             : arena_print(unit->arena, "%s by command", queueing->verb);
    struct flow flow = {setup, store, unit->arena, clock_wall_ms(&setup->clock), NULL};
    bool done = true;
    if (text_equal(queueing->verb, "drop")) {
        done = flow_give_up(&flow, message, queueing->call->caller, reason, &unit->fault);
    } else if (text_equal(queueing->verb, "resend")) {
        done = flow_resend(&flow, message, reason, &unit->fault);
    } else {
        message->state = queueing->state;
        message->reason = reason;
        message->cause = text_equal(queueing->verb, "park") ? STORE_CAUSE_BY_HAND : NULL;
        message->due_ms = flow.now_ms;
        store_set_message(store, message);
    }
    if (!done)
        return false;
    struct store_audit noted = {.at_ms = flow.now_ms,
                                .what = queueing->verb,
                                .partner = message->partner,
                                .subject = message->message_id,
                                .actor = queueing->call->caller,
                                .purpose = audit_purpose(message->kind),
                                .client = store_client_of(store, message)};
    audit_write(store, &noted);
    return true;
}

/* "queued parked": "queued or parked". */
static const char *any_of(struct arena *arena, const char *states)
{
    struct text out = text_new(arena, 100);
    while (*states != '\0') {
        size_t length = strcspn(states, " ");
        bool is_last = states[length] == '\0';
        text_print(&out, "%s%.*s",
                   out.length == 0 ? ""
                   : is_last       ? " or "
                                   : ", ",
                   (int)length, states);
        states += length + !is_last;
    }
    return out.at;
}

/* Its partner was removed: it goes to whoever serves the clinic now. */
static bool send_elsewhere(struct queueing *queueing, struct store *store)
{
    const struct setup *setup = queueing->call->office->setup;
    struct unit *unit = &queueing->unit;
    struct flow flow = {setup, store, unit->arena, clock_wall_ms(&setup->clock),
                        queueing->call->office->validator};
    bool is_queued;
    if (!flow_resend_elsewhere(&flow, &queueing->message, &is_queued, &unit->fault))
        return false;
    queueing->state = is_queued
                          ? "made anew for whoever serves the clinic now: refgate queue list"
                          : "withdrawn, and its record waits: refgate tray list says for what";
    return true;
}

static bool change(struct unit *unit, struct store *store)
{
    struct queueing *queueing = (struct queueing *)unit;
    struct store_message *message = &queueing->message;
    const char *from = "";
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (text_equal(changes[i].verb, queueing->verb)) {
            from = changes[i].from;
            queueing->state = changes[i].to;
        }
    }
    if (!store_get_message(store, unit->arena, queueing->number, message) ||
        !text_equal(message->direction, "out"))
        return fault_set(&unit->fault, FAULT_not_found,
                         arena_print(unit->arena,
                                     "found no message %lld of ours; expected a number that "
                                     "refgate queue list shows",
                                     (long long)queueing->number));
    if (strstr(from, message->state) == NULL)
        return fault_set(&unit->fault, FAULT_illegal_move,
                         arena_print(unit->arena,
                                     "message %lld is %s, so %s is not possible; expected one that "
                                     "is %s",
                                     (long long)message->id, message->state, queueing->verb,
                                     any_of(unit->arena, from)));
    if (text_equal(queueing->verb, "resend") &&
        folder_partner(&queueing->call->office->setup->partners, message->partner) == NULL)
        return send_elsewhere(queueing, store);
    if (message->payload == 0)
        return fault_set(&unit->fault, FAULT_illegal_move,
                         arena_print(unit->arena,
                                     "message %lld ended long ago and its bytes are no longer kept "
                                     "(payload_days); send the record anew",
                                     (long long)message->id));
    if (!may_go_again(queueing, store, clock_wall_ms(&queueing->call->office->setup->clock)))
        return false;
    return make_change(queueing, store);
}

static int change_message(struct command_call *call, const char *verb)
{
    struct queueing queueing = {
        .unit.run = change, .unit.arena = call->arena, .call = call, .verb = verb};
    long long number = 0;
    char rest;
    if (sscanf(call->words[0], "%lld%c", &number, &rest) != 1) {
        struct fault fault = {FAULT_usage,
                              arena_print(call->arena,
                                          "found \"%s\"; expected a number of refgate queue list",
                                          call->words[0])};
        return command_fail(call, &fault);
    }
    queueing.number = number;
    if (!writer_call(call->office->writer, &queueing.unit))
        return command_fail(call, &queueing.unit.fault);
    text_print(&call->out, "message %lld (%s for %s) is now %s\n", number, queueing.message.kind,
               queueing.message.partner, queueing.state);
    return 0;
}

static int resend(struct command_call *call)
{
    return change_message(call, "resend");
}

static int hold(struct command_call *call)
{
    return change_message(call, "hold");
}

static int park(struct command_call *call)
{
    return change_message(call, "park");
}

static int drop(struct command_call *call)
{
    return change_message(call, "drop");
}

/* What became of the referral was settled when the partner refused: only the list is shorter. */
static int dismiss(struct command_call *call)
{
    return change_message(call, "dismiss");
}

/* ---- what waits ---- */

static int by_turn(const void *left, const void *right)
{
    const struct store_message *a = left;
    const struct store_message *b = right;
    int64_t turn_a = a->turn == 0 ? a->id : a->turn;
    int64_t turn_b = b->turn == 0 ? b->id : b->turn;
    if (a->referral != b->referral)
        return a->referral < b->referral ? -1 : 1;
    return turn_a < turn_b ? -1 : turn_a > turn_b;
}

/* By the order of the store: a retraction waits for nothing and nothing for it, and what went to
 * the same partner or to the same clinic by way of another keeps its turn. */
static bool is_behind(const struct store_message *message, const struct store_message *stopped)
{
    bool is_same_place =
        text_equal(stopped->partner, message->partner) ||
        (message->recipient != NULL && text_equal(stopped->recipient, message->recipient));
    return is_same_place && !text_equal(message->kind, "retraction") &&
           !text_equal(stopped->kind, "retraction") && by_turn(stopped, message) < 0;
}

/* A queued message of a referral waits behind the first one that a person keeps back. STOPPED: in
 * the order of by_turn. */
static void say_behind(struct arena *arena, const struct store_message *stopped, size_t count,
                       struct store_message *message)
{
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (stopped[middle].referral < message->referral)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < count && stopped[low].referral == message->referral &&
           !is_behind(message, &stopped[low]))
        low++;
    if (message->referral == 0 || low == count || stopped[low].referral != message->referral)
        return;
    message->reason = arena_print(arena, "waits behind message %lld, which is %s",
                                  (long long)stopped[low].id, stopped[low].state);
}

struct waiting {
    struct store_message *messages;
    size_t count, room;
};

static void gather(struct store *store, struct arena *arena, const char *state,
                   struct waiting *waiting)
{
    struct store_message *messages;
    size_t count = store_unfinished(store, arena, state, LIST_MAX, &messages);
    for (size_t i = 0; i < count; i++) {
        waiting->messages = arena_room(arena, waiting->messages, sizeof *messages, waiting->count,
                                       &waiting->room, 64);
        waiting->messages[waiting->count++] = messages[i];
    }
}

static int list(struct command_call *call)
{
    static const char *const states[] = {"queued", "sending", "held", "parked", "rejected"};
    struct store *store;
    struct fault fault;
    struct waiting all = {.count = 0};
    struct waiting stopped = {.count = 0};
    if (!office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        gather(store, call->arena, states[i], &all);
    gather(store, call->arena, "held", &stopped);
    gather(store, call->arena, "parked", &stopped);
    if (stopped.count > 0)
        qsort(stopped.messages, stopped.count, sizeof *stopped.messages, by_turn);
    for (size_t i = 0; i < all.count && text_equal(all.messages[i].state, "queued"); i++)
        say_behind(call->arena, stopped.messages, stopped.count, &all.messages[i]);
    lists_messages(call, store, all.messages, all.count);
    store_close(store);
    return 0;
}

/* ---- retracting ---- */

struct retracting {
    struct unit unit;
    struct command_call *call;
    struct flow_retraction done;
};

static bool run_retract(struct unit *unit, struct store *store)
{
    struct retracting *retracting = (struct retracting *)unit;
    struct command_call *call = retracting->call;
    struct flow flow = {call->office->setup, store, unit->arena, clock_wall_ms(&call->clock),
                        call->office->validator};
    const char *by;
    return actor_choose(flow.setup, unit->arena, command_option(call, "by"), call->caller, &by,
                        &unit->fault) &&
           flow_retract(&flow, call->words[0], command_option(call, "reason"), by,
                        &retracting->done, &unit->fault);
}

static void print_retraction(struct command_call *call, const struct flow_retraction *done)
{
    text_print(&call->out, "%s %s %s: %s\n", done->kind, done->number,
               done->answer == FLOW_KNOWN ? "was retracted before" : "is retracted", done->code);
    for (size_t i = 0; i < done->count; i++)
        text_print(&call->out, "  for %s: %s%s\n", done->recipients[i].clinic,
                   done->recipients[i].is_queued ? "the retraction is on its way" : "not told: ",
                   done->recipients[i].is_queued ? "" : done->recipients[i].reason);
}

static void print_retraction_json(struct command_call *call, const struct flow_retraction *done)
{
    struct json *object = json_new_object(call->arena);
    json_set_text(call->arena, object, "record", done->kind);
    json_set_text(call->arena, object, "record_id", done->number);
    json_set_text(call->arena, object, "answer",
                  done->answer == FLOW_KNOWN ? "known already" : "retracted");
    json_set_text(call->arena, object, "reason", done->code);
    struct json *list = json_set(call->arena, object, "recipients", json_new_list(call->arena));
    for (size_t i = 0; i < done->count; i++) {
        struct json *item = json_push(list, json_new_object(call->arena));
        json_set_text(call->arena, item, "clinic", done->recipients[i].clinic);
        json_set_text(call->arena, item, "state",
                      done->recipients[i].is_queued ? "queued" : "not told");
        json_set_text(call->arena, item, "reason", done->recipients[i].reason);
    }
    lists_object(call, object);
}

static int retract(struct command_call *call)
{
    struct retracting retracting = {
        .unit.run = run_retract, .unit.arena = call->arena, .call = call};
    if (!writer_call(call->office->writer, &retracting.unit))
        return command_fail(call, &retracting.unit.fault);
    if (command_has(call, "json"))
        print_retraction_json(call, &retracting.done);
    else
        print_retraction(call, &retracting.done);
    return 0;
}

static const struct command_option retract_options[] = {
    {"reason", "CODE",
     "wrong-client (whoever got it is asked to destroy it), entered-in-error, duplicate or other",
     false},
    COMMAND_BY,
    {NULL, NULL, NULL, false},
};

#define ROW(name, arguments, help, words, run)                                                     \
    {                                                                                              \
        name, arguments, help, COMMAND_STORE, words, words, run, NULL                              \
    }
const struct command commands_queue[] = {
    ROW("queue list", "", "messages that have not arrived yet, and those that were refused", 0,
        list),
    ROW("queue resend", "NUMBER", "send it (again) now, unchanged and with the same ids", 1,
        resend),
    ROW("queue hold", "NUMBER", "keep it back until resend", 1, hold),
    ROW("queue park", "NUMBER",
        "stop trying until resend; what belongs behind it of the same referral waits too", 1, park),
    ROW("queue dismiss", "NUMBER", "a message that the partner refused was seen: list it no more",
        1, dismiss),
    ROW("queue drop", "NUMBER",
        "give it up for good: what stands upon it is withdrawn, and the referral goes back", 1,
        drop),
    {"records retract", "ID", "take back a record of ours, and tell whoever got it", COMMAND_STORE,
     1, 1, retract, retract_options},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
