/* run: the service itself, and the demonstration of four of them. */
#include "gateway/commands/table.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/demo/demo.h"
#include "gateway/service/service.h"

static int serve(struct command_call *call)
{
    const char *ready = command_option(call, "ready-fd");
    if (command_has(call, "now")) {
        text_add(&call->err, "refgate serve: found --now; expected none: the service goes by the "
                             "clock of this machine\n");
        return fault_exit_code(FAULT_usage);
    }
    return gateway_run(call->dir, ready == NULL ? -1 : (int)strtol(ready, NULL, 10), call->set);
}

static int demo(struct command_call *call)
{
    const char *root = call->word_count == 0 ? NULL : command_path(call, call->words[0]);
    return demo_run(root, command_has(call, "once"), command_has(call, "json"), call->set);
}

static const struct command_option demo_options[] = {
    {"once", NULL, "stop when the story is told; exit 0 when all of it was seen", false},
    {NULL, NULL, NULL, false},
};
static const struct command_option serve_options[] = {
    {"ready-fd", "N", "write \"ready PORT\" to this descriptor once partners can connect", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_run[] = {
    {"serve", "", "run the gateway", COMMAND_HERE, 0, 0, serve, serve_options},
    {"demo", "[DIR]", "four practices on loopback and a client's way between them", COMMAND_HERE, 0,
     1, demo, demo_options},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
