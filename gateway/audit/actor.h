/* actor: who did something here: a person of ours (a handle of directory.csv), or a user of this
 * machine.
 *
 * Called by the commands, in the service or in a process of their own. A user is written
 * `user:NAME`, when a person names one, or `os:NAME`, as the system itself says who asked; so
 * neither is ever taken for a handle. Only a handle crosses the wire. */
#ifndef GATEWAY_AUDIT_ACTOR_H
#define GATEWAY_AUDIT_ACTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "gateway/runtime/fault.h"
#include "gateway/setup/setup.h"

/* "os:NAME"; the number where /etc/passwd has no name. */
const char *actor_of_system(struct arena *arena, uid_t user);
/* GIVEN: what a person wrote with --by, or NULL; CALLER: "os:NAME" of who asks, or NULL. False with
 * the nearest handle of ours when nobody is meant by it. */
bool actor_choose(const struct setup *setup, struct arena *arena, const char *given,
                  const char *caller, const char **ret_by, struct fault *ret_fault);
/* What a partner may learn: the handle; NULL for a user, who is the clinic's own matter. */
const char *actor_on_wire(const char *by);

#endif
