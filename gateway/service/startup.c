/* startup: see service/startup.h. */
#include "gateway/service/startup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/issue/install.h"
#include "config/folder.h"
#include "gateway/listener/listen.h"
#include "gateway/people/people.h"
#include "gateway/referral/recall.h"
#include "gateway/runtime/file.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/sandbox.h"
#include "gateway/store/store.h"
#include "gateway/tls/revocation.h"
#include "gateway/tls/tls.h"

enum { JUMP_MS = 60000, LOCK_TRIES = 100, LOCK_WAIT_US = 20 * 1000 };

static bool recover(struct opening *opening, struct fault *ret_fault)
{
    store_begin(opening->store);
    int64_t count =
        store_requeue_claimed(opening->store, clock_wall_ms(&opening->office->setup->clock));
    recall_ask(opening->store, opening->office->setup, opening->arena,
               clock_wall_ms(&opening->office->setup->clock));
    if (!store_commit(opening->store, ret_fault) || !store_serve(opening->store, ret_fault))
        return false;
    int64_t back_ms = store_clock_set_back_ms(opening->store);
    if (back_ms > JUMP_MS)
        log_number(LOG_LEVEL_WARNING, "clock-set", "seconds", -back_ms / 1000, "what",
                   "the wall clock stands before what it showed when the store was written last",
                   NULL);
    if (count > 0)
        log_number(LOG_LEVEL_INFO, "recovered", "queued_again", count, NULL);
    return true;
}

/* A command may hold the folder for a moment; another service holds it for good. */
static bool take_lock(struct opening *opening, struct fault *ret_fault)
{
    for (int tries = 1;; tries++) {
        ret_fault->kind = FAULT_none;
        if (office_lock(opening->dir, opening->arena, &opening->office->lock, ret_fault))
            return true;
        if (ret_fault->kind != FAULT_locked || tries == LOCK_TRIES)
            return false;
        usleep(LOCK_WAIT_US);
    }
}

/* Where the service writes: its folder, and what the folders in it may be links to. */
static void give_up_the_rest(struct opening *opening)
{
    static const char *const names[] = {"records/out", "records/in", "records/sent",
                                        "records/refused", "partners"};
    enum { COUNT = sizeof names / sizeof *names };
    const char *folders[COUNT + 1] = {opening->dir};
    for (unsigned i = 0; i < COUNT; i++)
        folders[i + 1] = setup_path(opening->office->setup, opening->arena, names[i]);
    setenv("SQLITE_TMPDIR", opening->dir, 1); /* large sorts must not spill client data elsewhere */
    harden_process(folders, opening->office->setup->config.sandbox ? COUNT + 1 : 0);
}

/* What partners said of people was read from this file before claims were kept in the store. */
static void put_received_aside(struct opening *opening)
{
    const struct setup *setup = opening->office->setup;
    const char *file = setup_path(setup, opening->arena, "directory.received.csv");
    const char *aside = setup_path(setup, opening->arena, "directory.received.csv.old");
    if (!file_exists(file))
        return;
    rename(file, aside); /* else it is told again at the next start */
    log_event(
        LOG_LEVEL_WARNING, "directory-received", "what",
        "directory.received.csv is no longer read and was put aside as "
        "directory.received.csv.old; whom partners name, and whom you confirm of them: refgate "
        "people list",
        NULL);
}

bool opening_open(struct opening *opening, struct finding_list *findings, struct fault *ret_fault)
{
    struct office *office = opening->office;
    if (!take_lock(opening, ret_fault) ||
        !office_is_restored(opening->dir, opening->arena, ret_fault))
        return false;
    if (!folder_is_private(opening->arena, opening->dir, findings) ||
        !setup_load(opening->dir, findings, &office->setup))
        return fault_set(ret_fault, FAULT_settings, NULL);
    watch_files(office->setup, opening->print);
    const struct config *config = &office->setup->config;
    log_set_level((enum log_level)config->log_level);
    log_open((enum log_format)config->log_format, (enum log_target)config->log_target);
    if (!listen_open(opening->arena, "listen", config->listen, &opening->socket, ret_fault))
        return false;
    give_up_the_rest(opening);
    struct identity_files files = tls_identity_files(office->setup, opening->arena);
    install_recover(&files, findings);
    revocation_fetch_missing(office->setup, NULL, findings);
    opening->context = tls_context(office->setup, findings);
    if (opening->context == NULL)
        return fault_set(ret_fault, FAULT_settings, NULL);
    setup_live_with(office->setup, NULL, findings);
    if (!store_open(office_store_path(office->setup, opening->arena), &opening->store,
                    opening->arena, ret_fault))
        return false;
    people_join(office->setup, opening->store, true);
    put_received_aside(opening);
    return recover(opening, ret_fault);
}
