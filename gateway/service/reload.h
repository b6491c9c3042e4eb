/* reload: settings, keys and trust of a running service, read again and checked as one. The
 * reload reads the next one on a pool thread (blocks: files, perhaps a fetched list) and the
 * gateway's loop swaps it in. It is taken file by file: what is faulty stays as it was. */
#ifndef GATEWAY_SERVICE_RELOAD_H
#define GATEWAY_SERVICE_RELOAD_H

#include "certs/tls/context.h"
#include "gateway/maintenance/expiry.h"
#include "gateway/setup/setup.h"

struct generation {
    struct setup *setup;                    /* held; NULL: nothing of it can be taken */
    struct context *context;                /* held; NULL like the setup */
    unsigned char print[WATCH_PRINT_BYTES]; /* of the files it was read from */
    bool is_faulty;                         /* some file of it is, and was not before */
    char why[256];                          /* in a sentence */
};

/* Reads DIR; what is wrong goes to the log and to standard error, and stays as it is in NOW and in
 * CONTEXT. */
void generation_read(const char *dir, const struct setup *now, const struct context *context,
                     struct generation *ret_generation);
/* Every finding on standard error. */
void generation_print_findings(const struct finding_list *findings);

#endif
