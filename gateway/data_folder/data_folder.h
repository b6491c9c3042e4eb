/* data_folder: what a command may use of a gateway: its settings, its store, its writer.
 *
 * The running service makes one for the commands that come through control.sock; a command run
 * while no service runs makes one in its own process, holding DIR/lock. So the same handler works
 * either way. */
#ifndef GATEWAY_DATA_FOLDER_DATA_FOLDER_H
#define GATEWAY_DATA_FOLDER_DATA_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "fhir/validate/validate.h"
#include "gateway/runtime/fault.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"
#include "gateway/store/writer.h"

/* Where a restore unpacks; gone when it is done. */
#define OFFICE_RESTORING ".restore.tmp"

struct office {
    struct setup *setup;
    struct writer *writer;
    struct validator *validator; /* for units only: one thread at a time runs them */
    struct arena validator_arena;
    struct store *store;         /* only when made by office_open: used through the writer */
    int lock;                    /* file descriptor of DIR/lock; -1 when the service holds it */
    void (*reload)(void *owner); /* of a running service: take the changed files; NULL: none runs */
    void (*wake)(void *owner); /* something may be due for delivery or export; NULL: nobody waits */
    void *owner;
};

/* Takes DIR/lock. False with FAULT_locked when another process holds it. *ret_lock stays open as
 * long as the lock is needed. */
bool office_lock(const char *dir, struct arena *arena, int *ret_lock, struct fault *ret_fault);
/* False when a restore was broken off after it had put the store aside: a new store must not take
 * its place. Under the lock. */
bool office_is_restored(const char *dir, struct arena *arena, struct fault *ret_fault);
/* For a command in its own process: lock, settings, store. Findings of the settings go to FINDINGS.
 */
bool office_open(const char *dir, struct arena *arena, struct finding_list *findings,
                 struct office *ret_office, struct fault *ret_fault);
void office_close(struct office *office);
/* A store connection for reading; store_close it. */
bool office_reader(const struct office *office, struct arena *arena, struct store **ret_store,
                   struct fault *ret_fault);
const char *office_store_path(const struct setup *setup, struct arena *arena);

#endif
