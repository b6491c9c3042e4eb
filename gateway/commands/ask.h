/* ask: `partner add` without --url, typed at a terminal, asks for what it needs. The answers become
 * the options of the call, so that they are checked as options are. Runs in the caller's process.
 */
#ifndef GATEWAY_COMMANDS_ASK_H
#define GATEWAY_COMMANDS_ASK_H

#include <stdbool.h>

struct command_call;

/* Is there somebody to ask, and something to be asked? */
bool ask_is_wanted(const struct command_call *call);
/* False when the person broke off or the CA is not the right one: nothing is to be done. */
bool ask_partner(struct command_call *call);

#endif
