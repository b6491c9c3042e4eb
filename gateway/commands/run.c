/* run: the service itself, and the demonstration of four of them. */
#include "gateway/commands/command.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"

static int serve(struct command_call *call)
{
    const char *ready = command_option(call, "ready-fd");
    return gateway_run(call->dir, ready == NULL ? -1 : atoi(ready));
}

static const struct command_option serve_options[] = {
    {"ready-fd", "N", "write \"ready PORT\" to this descriptor once partners can connect", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_run[] = {
    {"serve", "", "run the gateway", COMMAND_HERE, 0, 0, serve, serve_options},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
