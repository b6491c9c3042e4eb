/* record_show: what `refgate records show` prints: one record as a person reads it. */
#ifndef GATEWAY_COMMANDS_RECORD_SHOW_H
#define GATEWAY_COMMANDS_RECORD_SHOW_H

#include "gateway/commands/command.h"

int desk_show(struct command_call *call);

#endif
