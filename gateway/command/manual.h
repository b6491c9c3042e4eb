/* manual: the manual page and shell completion, made from the command table. Asked for by
 * `refgate --man` and `refgate --completion bash`; the build writes both into the package. */
#ifndef GATEWAY_COMMAND_MANUAL_H
#define GATEWAY_COMMAND_MANUAL_H

#include "gateway/command/command.h"

/* refgate(1), in the macros of man(7). */
void manual_page(const struct command_set *set, struct text *out);
/* For bash-completion: commands, their options, and file names. */
void manual_completion(const struct command_set *set, struct text *out);

#endif
