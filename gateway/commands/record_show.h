/* record_show: what `refgate records show` prints: one record as a person reads it. */
#ifndef GATEWAY_COMMANDS_RECORD_SHOW_H
#define GATEWAY_COMMANDS_RECORD_SHOW_H

#include "gateway/command/command.h"
#include "gateway/commands/shown.h"

/* ROW, whose text RECORD is. */
void desk_print_record(struct command_call *call, const struct shown *shown,
                       const struct store_record *row, const struct json *record);
int desk_show(struct command_call *call);

#endif
