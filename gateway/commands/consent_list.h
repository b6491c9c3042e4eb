/* consent_list: what `refgate consent list` and `consent show` print, and what a consent is worth.
 */
#ifndef GATEWAY_COMMANDS_CONSENT_LIST_H
#define GATEWAY_COMMANDS_CONSENT_LIST_H

#include "gateway/command/command.h"
#include "gateway/commands/shown.h"

/* What a consent of ours is worth now, by the rules that release asks. */
struct consent_worth {
    const char *said;             /* "in force", "withdrawn by K-2", "over", ... */
    const struct json *withdrawn; /* the withdrawal that ended it for everybody; NULL: none */
    bool is_in_force;             /* a permission, for somebody at least */
};
struct consent_worth consent_worth(const struct command_call *call, const struct shown *shown,
                                   const struct store_record *row, const struct json *consent);

int consent_list(struct command_call *call);
int consent_show(struct command_call *call);
/* consent_withdraw.c */
int consent_withdraw(struct command_call *call);

#endif
