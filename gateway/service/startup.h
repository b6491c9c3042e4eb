/* startup: what a start does before anything runs: lock, settings, listening socket, giving up what
 * the service does not need, keys, store, what a crash left. Called once, by service/service.c on
 * the main thread, which has no other yet; blocks. When it fails the process ends, so nothing is
 * undone: nothing was promised, and the system takes the rest back. */
#ifndef GATEWAY_SERVICE_STARTUP_H
#define GATEWAY_SERVICE_STARTUP_H

#include "gateway/data_folder/data_folder.h"
#include "gateway/maintenance/expiry.h"

struct opening {
    const char *dir;
    struct arena *arena;   /* of the service's whole life */
    struct office *office; /* gets its lock and its setup */
    /* What was opened; the caller's to close. */
    struct store *store;
    struct context *context;
    int socket;
    unsigned char print[WATCH_PRINT_BYTES]; /* of the files that were read */
};

/* FINDINGS also gets what is faulty in our keys or trust and does not keep us from starting. */
bool opening_open(struct opening *opening, struct finding_list *findings, struct fault *ret_fault);

#endif
