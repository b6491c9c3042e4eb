/* backup: a gateway in one file, taken while it runs, and the way back.
 *
 * Who calls it: commands/backup.c, in the command's own process: the service may run when a backup
 * is taken and must not when one is restored. In the file (archive.h): the store with every
 * message, record, attachment, track and audit row that was promised when the command began; the
 * journal's part of it; settings, partners, directory and profiles. Never keys: neither keys/ nor
 * ca/. */
#ifndef GATEWAY_BACKUP_BACKUP_H
#define GATEWAY_BACKUP_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/fault.h"
#include "gateway/store/upkeep.h"

struct backup_facts {
    const char *taken, *version, *org; /* of the file; org may be NULL */
    size_t files;
    uint64_t bytes;
    struct store_report store; /* not of backup_make */
};

bool backup_make(const char *dir, const char *path, const struct clock *clock, struct arena *arena,
                 struct backup_facts *ret_facts, struct fault *ret_fault);
/* Unpacks it beside itself, reads all of it as a start would, and leaves nothing. */
bool backup_verify(const char *path, struct arena *arena, struct backup_facts *ret_facts,
                   struct fault *ret_fault);

struct backup_restored {
    struct backup_facts facts;
    const char *kept;  /* folder where the store that stood there is now; NULL: there was none */
    const char **left; /* settings files that were there already and stay as they are */
    size_t left_count;
};
/* Into DIR, made when it is not there; its lock is the caller's. An existing store is moved aside
 * only with REPLACE. The store appears last and in one step: a restore that was broken off can
 * simply be done again. */
bool backup_restore(const char *path, const char *dir, bool replace, const struct clock *clock,
                    struct arena *arena, struct backup_restored *ret_restored,
                    struct fault *ret_fault);

#endif
