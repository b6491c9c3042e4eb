/* main: the one program. Parses the arguments, runs the command here or hands it to the service
 * that holds the store, prints what it answers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/visible.h"
#include "gateway/audit/actor.h"
#include "gateway/commands/table.h"
#include "gateway/runtime/file.h"
#include "gateway/runtime/sandbox.h"
#include "gateway/service/control.h"

enum { INPUT_MAX_BYTES = 64 << 20, LOCKED_TRIES = 50, LOCKED_WAIT_US = 100 * 1000 };

/* Standard input is the caller's: when a word is "-" the handler gets its text. */
static void read_input(struct command_call *call, struct finding_list *findings)
{
    for (size_t i = 0; i < call->word_count; i++) {
        if (strcmp(call->words[i], "-") == 0 && call->input == NULL)
            call->input =
                file_read(call->arena, "-", INPUT_MAX_BYTES, &call->input_length, findings);
    }
}

static int run_with_store(struct command_call *call, const char *const *arguments, size_t count,
                          struct finding_list *findings)
{
    struct office office;
    struct fault fault = {FAULT_none, NULL};
    int code;
    read_input(call, findings);
    for (int tries = 0; tries < LOCKED_TRIES; tries++) {
        if (control_ask(call, arguments, count, &code))
            return code;
        fault.kind = FAULT_none;
        if (office_open(call->dir, call->arena, findings, &office, &fault))
            break;
        if (fault.kind != FAULT_locked) /* else a service is starting or another command runs */
            break;
        usleep(LOCKED_WAIT_US);
    }
    if (fault.kind != FAULT_none) {
        command_findings(call, findings);
        return command_fail(call, &fault);
    }
    call->office = &office;
    code = call->command->run(call);
    office_close(&office);
    return code;
}

/* Root works on a data folder as its owner, so that nothing in it becomes root's alone. */
static bool become_owner(struct command_call *call)
{
    const char *why;
    bool is_service = strcmp(call->command->name, "serve") == 0;
    if (!file_exists(arena_print(call->arena, "%s/settings.yaml", call->dir)) ||
        harden_user(call->dir, is_service, call->arena, &why))
        return true;
    text_print(&call->err, "refgate: %s\n", why);
    return false;
}

static bool is_no_folder(struct command_call *call)
{
    struct stat about;
    if (stat(call->dir, &about) != 0 || S_ISDIR(about.st_mode))
        return false;
    text_print(&call->err,
               "refgate: -d: found %s, which is no folder; expected a data folder, made by refgate "
               "init\n",
               call->dir);
    return true;
}

/* Somebody else's data folder is named as that, before its files are missed one by one. */
static bool may_enter(struct command_call *call)
{
    struct stat about;
    bool is_closed = access(call->dir, R_OK | X_OK) != 0 && errno == EACCES;
    if (!is_closed || strcmp(call->command->name, "init") == 0 || stat(call->dir, &about) != 0)
        return true;
    const char *owner = actor_of_system(call->arena, about.st_uid) + strlen("os:");
    text_print(&call->err,
               "refgate: the data folder %s belongs to %s, and you are %s: sudo -u %s refgate %s "
               "...\n",
               call->dir, owner, actor_of_system(call->arena, geteuid()) + strlen("os:"), owner,
               call->command->name);
    return false;
}

static int run(struct command_call *call, const char *const *arguments, size_t count)
{
    struct finding_list findings = finding_list_new(call->arena);
    if (call->command == NULL)
        return 0;
    if (is_no_folder(call))
        return fault_exit_code(FAULT_usage);
    if (!may_enter(call) || !become_owner(call))
        return fault_exit_code(FAULT_forbidden);
    if (call->command->place == COMMAND_HERE)
        return call->command->run(call);
    return run_with_store(call, arguments, count, &findings);
}

/* What commands print holds the words of partners; a terminal gets them as text only. */
static void show(const char *text, FILE *stream)
{
    char escape[VISIBLE_ESCAPE_MAX];
    while (*text != '\0') {
        size_t plain = visible_plain(text);
        fwrite(text, 1, plain, stream);
        text += plain;
        if (*text == '\0')
            break;
        text += visible_escape(text, escape);
        fputs(escape, stream);
    }
}

static void empty(struct text *text)
{
    text->at[0] = '\0';
    text->length = 0;
    text->full = false;
}

/* What is wrong comes first, on a terminal as in a pipe: a result may be long, and what is only
 * worth a second look stands with the results. */
static void show_call(struct command_call *call)
{
    show(call->err.at, stderr);
    show(call->out.at, stdout);
    empty(&call->out);
    empty(&call->err);
}

int main(int count, char **arguments)
{
    struct arena arena = ARENA_EMPTY;
    struct command_call call;
    char cwd[4096];
    const char *const *words = (const char *const *)arguments + 1;
    size_t word_count = count > 0 ? (size_t)count - 1 : 0;
    int code = fault_exit_code(FAULT_usage);
    bool parsed = command_parse(&commands_all, &arena, words, word_count, &call);
    call.cwd = getcwd(cwd, sizeof cwd);
    call.show = show_call;
    call.caller = actor_of_system(&arena, getuid());
    if (parsed)
        code = run(&call, words, word_count);
    show_call(&call);
    if (fflush(stdout) != 0 && code == 0)
        code = fault_exit_code(FAULT_unreadable);
    arena_free(&arena);
    return code;
}
