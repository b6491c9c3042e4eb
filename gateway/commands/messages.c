/* messages: what was sent and received, and each attempt, for whoever looks into a delivery. */
#include <stdio.h>

#include "gateway/command/command.h"
#include "gateway/commands/lists.h"

static const char *const directions[] = {"in", "out"};
static const char *const states[] = {"queued",    "sending", "held", "parked",  "sent", "rejected",
                                     "withdrawn", "dropped", "done", "refused", "early"};

/* Page by page for programs; a table, which is as wide as its widest cell, needs all at once.
 * Returns whether there are more. */
static bool print_messages(struct command_call *call, struct store *store, size_t limit)
{
    struct arena arena = ARENA_EMPTY;
    struct store_message *messages;
    size_t page = command_has(call, "json") ? STORE_PAGE : limit;
    int64_t before = 0;
    bool has_more = true;
    while (has_more && limit > 0) {
        size_t wanted = limit < page ? limit : page;
        size_t count =
            store_message_rows(store, &arena, command_option(call, "direction"),
                               command_option(call, "state"), before, wanted + 1, &messages);
        has_more = count > wanted;
        count = has_more ? wanted : count;
        lists_messages(call, store, messages, count);
        before = has_more ? messages[count - 1].id : 0;
        limit -= count;
        arena_reset(&arena);
    }
    arena_free(&arena);
    return has_more;
}

static int messages_list(struct command_call *call)
{
    struct store *store;
    struct fault fault;
    size_t limit;
    if (!lists_word(call, "direction", directions, sizeof directions / sizeof *directions,
                    &fault) ||
        !lists_word(call, "state", states, sizeof states / sizeof *states, &fault) ||
        !lists_limit(call, &limit, &fault) ||
        !office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    bool has_more = print_messages(call, store, limit);
    store_close(store);
    if (has_more)
        lists_say_cut(call, limit, "--direction, --state, or referrals show ID");
    return 0;
}

static bool read_number(struct command_call *call, long long *ret_id, struct fault *ret_fault)
{
    char rest;
    if (sscanf(call->words[0], "%lld%c", ret_id, &rest) == 1)
        return true;
    return fault_set(ret_fault, FAULT_usage,
                     arena_print(call->arena,
                                 "found \"%s\"; expected a number of refgate messages list",
                                 call->words[0]));
}

static bool show_bytes(struct command_call *call, struct store *store,
                       const struct store_message *message, struct fault *ret_fault)
{
    size_t length;
    const char *body = store_message_bytes(store, call->arena, message, &length);
    if (body != NULL) {
        text_print(&call->out, "%s\n", body);
        return true;
    }
    bool is_past = message->payload == 0;
    return fault_set(ret_fault, is_past ? FAULT_not_found : FAULT_store_broken,
                     arena_print(call->arena,
                                 is_past
                                     ? "the bytes of message %lld are no longer kept (payload_days)"
                                     : "the bytes of message %lld cannot be read from the store; "
                                       "see refgate check",
                                 (long long)message->id));
}

static bool show_message(struct command_call *call, struct store *store, long long id,
                         struct fault *ret_fault)
{
    struct store_message message;
    struct store_attempt *attempts;
    if (!store_get_message(store, call->arena, id, &message))
        return fault_set(
            ret_fault, FAULT_not_found,
            arena_print(call->arena,
                        "found no message %lld; expected a number of refgate messages list", id));
    if (command_has(call, "body"))
        return show_bytes(call, store, &message, ret_fault);
    size_t count = store_attempts(store, call->arena, id, &attempts);
    lists_message(call, store, &message, attempts, count);
    return true;
}

static int messages_show(struct command_call *call)
{
    struct store *store;
    struct fault fault;
    long long id = 0;
    if (!read_number(call, &id, &fault) ||
        !office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    bool is_shown = show_message(call, store, id, &fault);
    store_close(store);
    return is_shown ? 0 : command_fail(call, &fault);
}

static const struct command_option list_options[] = {
    {"direction", "in|out", "only received ones, or only ours", false},
    {"state", "STATE",
     "of ours: queued, sending, held, parked, sent, rejected, withdrawn or dropped; of received "
     "ones: done, refused or early",
     false},
    LISTS_LIMIT,
    {NULL, NULL, NULL, false},
};
static const struct command_option show_options[] = {
    {"body", NULL, "print the Bundle itself", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_messages[] = {
    {"messages list", "", "what was sent and received", COMMAND_STORE, 0, 0, messages_list,
     list_options},
    {"messages show", "NUMBER", "one message and every attempt to send it", COMMAND_STORE, 1, 1,
     messages_show, show_options},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
