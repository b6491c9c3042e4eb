/* lists: what the list and show commands print: tables for people, one JSON object a line with
 * --json. */
#ifndef GATEWAY_COMMANDS_LISTS_H
#define GATEWAY_COMMANDS_LISTS_H

#include "fhir/json.h"
#include "gateway/commands/command.h"

/* A table that starts with headings. */
struct command_table lists_table(struct arena *arena, const char *const *headings, size_t columns);
/* One object as a line of call->out. */
void lists_object(struct command_call *call, const struct json *object);
void lists_messages(struct command_call *call, const struct store_message *messages, size_t count);
struct json *lists_message_objects(struct arena *arena, const struct store_message *messages,
                                   size_t count);
void lists_message(struct command_call *call, const struct store_message *message,
                   const struct store_attempt *attempts, size_t count);
/* All consents, or the one with this record_id (whole, as recorded). */
int lists_consents(struct command_call *call, const char *number);
void lists_tray(struct command_call *call, struct store *store, const struct store_release *waiting,
                size_t count);

#endif
