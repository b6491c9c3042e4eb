/* command: one table of what refgate can be told, used by the command line, the control socket,
 * --help, the manual page and shell completion.
 *
 * A handler reads its call and writes to call->out and call->err; it knows neither where it runs
 * nor who asked. Exit codes come from fault.def. */
#ifndef GATEWAY_COMMAND_COMMAND_H
#define GATEWAY_COMMAND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"
#include "base/text.h"
#include "gateway/data_folder/data_folder.h"

enum {
    COMMAND_OPTIONS_MAX = 16,
    COMMAND_WORDS_MAX = 10000,
    COMMAND_WORDS_ANY = INT32_MAX,
    COMMAND_OUTPUT_MAX = 256 << 20
};

struct command_option {
    const char *name;  /* without the dashes */
    const char *value; /* what to show for its value; NULL: it takes none */
    const char *help;
    bool is_repeated;
};

/* Who did it, as gateway/audit/actor.h takes it. */
#define COMMAND_BY                                                                                 \
    {                                                                                              \
        "by", "WHO",                                                                               \
            "a person of ours (a handle of directory.csv) or user:NAME; default: who runs this",   \
            false                                                                                  \
    }

enum command_place {
    COMMAND_HERE, /* in the caller's process, no store */
    COMMAND_STORE /* in the process that holds the store */
};

struct command_call;

struct command {
    const char *name;      /* "referrals accept" */
    const char *arguments; /* "ID", "FILE..." or "" */
    const char *help;
    enum command_place place;
    size_t words_min, words_max;
    int (*run)(struct command_call *call);
    const struct command_option *options; /* ended by a row without a name; NULL: none */
};

struct command_value {
    const struct command_option *option;
    const char *value; /* "" when it takes none */
};

struct command_call {
    const struct command_set *set;
    const struct command *command;
    struct arena *arena;
    const char *dir; /* data folder */
    const char *cwd; /* folder that relative file names are meant in */
    const char *const *words;
    size_t word_count;
    struct command_value values[64];
    size_t value_count;
    struct clock clock; /* real, or fixed by --now */
    const char *input;  /* standard input, when a word is "-" and the handler runs elsewhere */
    size_t input_length;
    const char *caller;    /* "os:NAME" of who asks (actor.h), as the system says */
    struct office *office; /* of COMMAND_STORE */
    struct text out, err;
    /* Prints what OUT and ERR hold and empties them. NULL: they are printed when all is done. */
    void (*show)(struct command_call *call);
};

/* All that refgate can be told: groups, each ended by a row without a name. The command line has it
 * of commands/table.h and hands it to whoever runs commands: the service, the demo. */
struct command_set {
    const struct command *const *groups;
    size_t count;
};

/* What every command takes: for the manual. */
const struct command_option *command_common_options(void);

/* Parses ARGUMENTS (without the program's name) as commands of SET into *ret_call; on false
 * call->err says what is wrong.
 * `--help`, `--version`, `--man` and `--completion bash` are answered here: true with command NULL
 * and the answer in call->out.
 */
bool command_parse(const struct command_set *set, struct arena *arena, const char *const *arguments,
                   size_t count, struct command_call *ret_call);
/* The value of an option, "" for one without value, NULL when not given. */
const char *command_option(const struct command_call *call, const char *name);
bool command_has(const struct command_call *call, const char *name);
/* All values of an option that may be given several times, in order; their number. */
size_t command_all(const struct command_call *call, const char *name,
                   const char *const **ret_values);
/* FILE as meant from the caller's folder. */
const char *command_path(const struct command_call *call, const char *file);
/* The same, in ARENA. */
const char *command_path_in(const struct command_call *call, struct arena *arena, const char *file);

/* Prints what the call has to say so far, where that can be done: a command of many files then
 * needs no memory for what it said about the first. */
void command_show(struct command_call *call);
/* Writes the fault's sentence to call->err and returns its exit code. */
int command_fail(struct command_call *call, const struct fault *fault);
/* Lets the running service, which there must be, read its files and its places again. Not 0: they
 * are faulty, as call->err says, and it goes on with what it had. *RET_LATER: settings that are
 * taken only after a restart, or NULL. */
int command_reload(struct command_call *call, const char **ret_later);
/* Findings to call->err, as lines or (with --json) as objects to call->out. */
void command_findings(struct command_call *call, const struct finding_list *findings);

/* A table for people, with columns as wide as needed. A cell stays on its line, whatever a partner
 * wrote in it, and is cut at CELL_MAX characters; in the last column, which holds reasons, at
 * LAST_CELL_MAX. --json has the whole text. */
enum { CELL_MAX = 64, LAST_CELL_MAX = 600 };
struct command_table {
    struct arena *arena;
    size_t columns;
    const char **cells;
    size_t count, room;
};
struct command_table command_table(struct arena *arena, size_t columns);
void command_cell(struct command_table *table, const char *text); /* NULL: "-" */
void command_print_table(const struct command_table *table, struct text *out);

#endif
