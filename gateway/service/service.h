/* service: the running service: owns the parts, starts them, reloads them, stops them.
 *
 * Loop 0 owns the listener, the courier, the drop folder, the export, the control socket and the
 * timers; the writer thread owns the store. DIR/lock is held from start to end, so a second service
 * on the same folder is refused. */
#ifndef GATEWAY_SERVICE_SERVICE_H
#define GATEWAY_SERVICE_SERVICE_H

#include "base/arena.h"
#include "base/finding.h"
#include "gateway/command/command.h"
#include "gateway/runtime/fault.h"

/* Runs until SIGTERM or SIGINT; returns the exit code. READY_FD: a descriptor that gets one line
 * "ready PORT" once partners can connect and is then closed; -1: none. Findings of the settings go
 * to stderr. COMMANDS: what control.sock runs. */
int gateway_run(const char *dir, int ready_fd, const struct command_set *commands);

#endif
