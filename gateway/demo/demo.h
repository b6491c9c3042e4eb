/* demo: four practices on loopback and a client's whole way between them, told step by step. */
#ifndef GATEWAY_DEMO_DEMO_H
#define GATEWAY_DEMO_DEMO_H

#include <stdbool.h>

#include "gateway/command/command.h"

/* ROOT NULL: a temporary folder, removed at the end. ONCE: stop when the story is told, else watch
 * over the four until Ctrl-C. AS_JSON: one object a line. Returns 0 when everything expected was
 * seen. */
int demo_run(const char *root, bool once, bool as_json, const struct command_set *commands);

#endif
