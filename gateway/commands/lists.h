/* lists: what the list and show commands print: tables for people, one JSON object a line with
 * --json. */
#ifndef GATEWAY_COMMANDS_LISTS_H
#define GATEWAY_COMMANDS_LISTS_H

#include "fhir/json/json.h"
#include "gateway/command/command.h"
#include "gateway/commands/shown.h"

/* Rows that a table shows when no --limit is given. */
enum { LISTS_SHOWN = 500 };

/* A list under way: what its rows are read from and printed to. */
struct listing {
    struct command_call *call;
    struct store *store;
    struct arena arena; /* of a row, or of a page of rows */
    struct command_table table;
    const char *client; /* whom --client names; NULL: everybody */
    size_t printed;     /* rows of that client, which the lists that take --client count */
};
/* Opens the store and starts the table; false with a fault, and nothing to end. */
bool lists_begin(struct listing *listing, struct command_call *call, const char *const *headings,
                 size_t columns, struct fault *ret_fault);
/* Closes what was opened and prints the table, unless the rows went out as JSON. Says so when there
 * is nothing about the client asked for. */
void lists_end(struct listing *listing);

/* A table that starts with headings. */
struct command_table lists_table(struct arena *arena, const char *const *headings, size_t columns);
/* One object as a line of call->out. */
void lists_object(struct command_call *call, const struct json *object);
/* Rows in words, with texts in ARENA. */
struct shown lists_shown(const struct command_call *call, struct store *store, struct arena *arena);

/* ---- what a list is asked for ---- */
/* False when --OPTION is given and is none of the words; the fault names them. */
bool lists_word(const struct command_call *call, const char *option, const char *const *words,
                size_t count, struct fault *ret_fault);
/* --limit N, else LISTS_SHOWN; JSON, which programs read, has as many as one call can print. */
bool lists_limit(const struct command_call *call, size_t *ret_limit, struct fault *ret_fault);
#define LISTS_LIMIT                                                                                \
    {                                                                                              \
        "limit", "N", "the newest N, at most 100000; default: 500, with --json 100000", false      \
    }
/* There are older ones than the newest LIMIT; PART: how to ask for some of them. */
void lists_say_cut(struct command_call *call, size_t limit, const char *part);

/* ---- messages ---- */
void lists_messages(struct command_call *call, struct store *store,
                    const struct store_message *messages, size_t count);
struct json *lists_message_objects(const struct shown *shown, const struct store_message *messages,
                                   size_t count);
/* "lakeside, Dr. Ama Osei", of a message of ours. */
const char *lists_recipient(const struct shown *shown, const struct store_message *message);
void lists_message(struct command_call *call, struct store *store,
                   const struct store_message *message, const struct store_attempt *attempts,
                   size_t count);

#endif
