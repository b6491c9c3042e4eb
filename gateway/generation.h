/* generation: settings, keys and trust of a running service, read again and checked as one. The
 * reload reads the next one on a pool thread (blocks: files, perhaps a fetched list) and the
 * gateway's loop swaps it in; a faulty one changes nothing. */
#ifndef GATEWAY_GENERATION_H
#define GATEWAY_GENERATION_H

#include "certs/context.h"
#include "gateway/setup.h"
#include "gateway/watch.h"

struct generation {
    struct setup *setup;                    /* held; NULL: it is faulty */
    struct context *context;                /* held; NULL like the setup */
    unsigned char print[WATCH_PRINT_BYTES]; /* of the files it was read from */
    char why[256];                          /* it is faulty, in a sentence */
};

/* Reads DIR; what is wrong goes to the log and to standard error. A setup that is worse than NOW's,
 * as setup_is_worse() has it, is faulty too. */
void generation_read(const char *dir, const struct setup *now, struct generation *ret_generation);
/* Every finding on standard error. */
void generation_print_findings(const struct finding_list *findings);

#endif
