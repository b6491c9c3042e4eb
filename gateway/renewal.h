/* renewal: the files of a data folder read as a new generation of settings, trust and keys, and
 * refused as a whole when it is worse than the one that runs. Blocking: on a pool thread. Called by
 * gateway.c at reload. */
#ifndef GATEWAY_RENEWAL_H
#define GATEWAY_RENEWAL_H

#include "base/finding.h"
#include "certs/context.h"
#include "gateway/setup.h"
#include "gateway/watch.h"

enum { RENEWAL_WHY_TEXT = 256 };

struct renewal {
    struct setup *setup; /* NULL: refused */
    struct context *context;
    unsigned char print[WATCH_PRINT_BYTES]; /* watch_files() of what was read */
    char why[RENEWAL_WHY_TEXT];             /* of a refusal */
};

/* Reads anew what RUNNING was read from. A refusal is logged, its findings go to stderr. */
void renewal_read(const struct setup *running, struct renewal *ret_renewal);
/* Findings of settings, for whoever started the service. */
void renewal_print(const struct finding_list *findings);

#endif
