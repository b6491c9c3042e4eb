/* map: `refgate map`: records to Bundles and back, with nothing sent and no service needed. */
#ifndef GATEWAY_COMMANDS_MAP_H
#define GATEWAY_COMMANDS_MAP_H

#include "gateway/command/command.h"

int map_command(struct command_call *call);

#endif
