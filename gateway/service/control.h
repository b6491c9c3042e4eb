/* control: commands to a running service, through DIR/control.sock (mode 0600).
 *
 * One JSON object a line each way: {"args":[...],"cwd":"...","input":"..."} and
 * {"exit":n,"out":"...","err":"..."}. The service runs the same handlers as the command line, on
 * its thread pool, so a slow command never holds up a loop. */
#ifndef GATEWAY_SERVICE_CONTROL_H
#define GATEWAY_SERVICE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "gateway/command/command.h"
#include "gateway/data_folder/data_folder.h"
#include "gateway/runtime/fault.h"

struct uv_loop_s;
struct control;

/* Serves DIR/control.sock on LOOP until control_stop. The office must outlive it and may be
 * replaced by changing *OFFICE on the loop's thread. */
struct control *control_start(struct uv_loop_s *loop, struct office *office,
                              const struct command_set *commands, const char *dir,
                              struct arena *arena, struct fault *ret_fault);
/* Stops listening; open calls end first. ON_STOPPED runs on the loop. */
void control_stop(struct control *control, void (*on_stopped)(void *owner), void *owner);

/* Whether somebody takes commands on the folder's socket. */
bool control_is_served(struct arena *arena, const char *dir);
/* The client's side: true when a service answered; its output is in call->out and call->err and
 * *ret_exit is its exit code. False: no service runs on this folder. Blocking. */
bool control_ask(struct command_call *call, const char *const *arguments, size_t count,
                 int *ret_exit);

#endif
