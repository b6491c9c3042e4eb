/* consent_list: what `refgate consent list` and `consent show` print. */
#ifndef GATEWAY_COMMANDS_CONSENT_LIST_H
#define GATEWAY_COMMANDS_CONSENT_LIST_H

#include "gateway/commands/command.h"

int consent_list(struct command_call *call);
int consent_show(struct command_call *call);

#endif
