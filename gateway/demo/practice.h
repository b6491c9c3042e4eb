/* practice: four real gateways on loopback for the demo: made, started, watched, asked, stopped.
 *
 * Each is a `refgate serve` process of its own with its own folder and store. One that dies is
 * started again, and the demo says so. Single-threaded. */
#ifndef GATEWAY_DEMO_PRACTICE_H
#define GATEWAY_DEMO_PRACTICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "fhir/json/json.h"
#include "gateway/command/command.h"

enum { PRACTICES = 4 };

struct practice {
    const char *name; /* also its handle */
    const char *what; /* "massage" */
    const char *dir;
    const struct command_set *commands;
    unsigned port;
    pid_t pid;      /* 0: not running */
    bool is_wanted; /* it should run; false while the story has it down */
    int restarts;
};

/* A throw-away CA in ROOT/ca and the four practices beside it, each knowing the other three. False
 * with a sentence on stderr. */
bool practice_make_all(struct arena *arena, const char *root, const struct command_set *commands,
                       struct practice practices[PRACTICES]);
/* Starts it and waits until partners can connect. */
bool practice_start(struct practice *practice);
void practice_stop(struct practice *practice);
/* Starts again whoever died; TELL is called for each. */
void practice_watch(struct practice practices[PRACTICES],
                    void (*tell)(void *owner, const struct practice *practice), void *owner);
/* Runs a command at the practice; its output is *ret_out (in ARENA). Returns the exit code, or -1
 * when it is not running. */
int practice_ask(struct arena *arena, const struct practice *practice, const char *const *arguments,
                 const char **ret_out, const char **ret_err);

#endif
