/* command: parses a command line by the table of commands, runs the handler, and prints help and
 * tables. See command.h. */
#include "gateway/command/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/nearest.h"
#include "base/visible.h"
#include "gateway/command/manual.h"

/* Every command takes these. */
static const struct command_option common_options[] = {
    {"d", "DIR", "data folder; default $REFGATE_DIR, else the current folder", false},
    {"json", NULL, "print JSON, one object a line", false},
    {"now", "TIME", "take TIME (2026-09-02T11:20:00-04:00) as the present", false},
    {NULL, NULL, NULL, false},
};

const struct command_option *command_common_options(void)
{
    return common_options;
}

/* ---- help ---- */

static void help_options(struct text *out, const struct command_option *option)
{
    for (; option != NULL && option->name != NULL; option++) {
        const char *dashes = strlen(option->name) == 1 ? "-" : "--";
        struct arena arena = ARENA_EMPTY;
        const char *left = arena_print(&arena, "%s%s %s", dashes, option->name,
                                       option->value == NULL ? "" : option->value);
        text_print(out, "  %-28s %s\n", left, option->help);
        arena_free(&arena);
    }
}

static void help_all(const struct command_set *set, struct text *out)
{
    text_add(out, "refgate " REFGATE_VERSION
                  ": referrals and progress notes between clinics, over mutual TLS\n\n"
                  "usage: refgate COMMAND [OPTIONS] [ARGUMENTS]\n\n");
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            struct arena arena = ARENA_EMPTY;
            const char *left = arena_print(&arena, "%s %s", command->name, command->arguments);
            text_print(out, "  %-40s %s\n", left, command->help);
            arena_free(&arena);
        }
    }
    text_add(out, "\nEvery command takes\n");
    help_options(out, common_options);
    text_add(out, "  --help                       with a command: its options\n");
}

static bool is_of_group(const struct command *command, const char *word)
{
    size_t length = strlen(word);
    return strncmp(command->name, word, length) == 0 && command->name[length] == ' ';
}

/* The commands that begin with WORD, such as those of `refgate tray`. False: there are none. */
static bool help_group(const struct command_set *set, struct text *out, const char *word)
{
    bool has_any = false;
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            struct arena arena = ARENA_EMPTY;
            if (!is_of_group(command, word))
                continue;
            has_any = true;
            text_print(out, "  refgate %-32s %s\n",
                       arena_print(&arena, "%s %s", command->name, command->arguments),
                       command->help);
            arena_free(&arena);
        }
    }
    return has_any;
}

static void help_command(struct text *out, const struct command *command)
{
    text_print(out, "usage: refgate %s%s%s\n%s\n\n", command->name,
               command->arguments[0] == '\0' ? "" : " ", command->arguments, command->help);
    help_options(out, command->options);
    help_options(out, common_options);
}

static void print_version(struct text *out)
{
    text_add(out,
             "refgate " REFGATE_VERSION
             "\nThis material contains content from LOINC (http://loinc.org). LOINC is copyright "
             "Regenstrief Institute, Inc. and the LOINC Committee and is available at no cost "
             "under the license at http://loinc.org/license\n"
             "SNOMED CT content: the Global Patient Set, (c) SNOMED International, CC BY 4.0.\n");
}

/* ---- finding the command ---- */

/* How many of the words the command's name takes, 0 when they do not match. */
static size_t name_words(const struct command *command, const char *const *words, size_t count)
{
    const char *name = command->name;
    size_t taken = 0;
    while (*name != '\0') {
        size_t length = strcspn(name, " ");
        if (taken >= count || strlen(words[taken]) != length ||
            strncmp(words[taken], name, length) != 0)
            return 0;
        taken++;
        name += length + (name[length] == ' ');
    }
    return taken;
}

static const struct command *find_command(const struct command_set *set, const char *const *words,
                                          size_t count, size_t *ret_taken)
{
    const struct command *best = NULL;
    *ret_taken = 0;
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            size_t taken = name_words(command, words, count);
            if (taken > *ret_taken) {
                *ret_taken = taken;
                best = command;
            }
        }
    }
    return best;
}

/* WORD and, when there is one, the word behind it, against every name and every first word. */
static const char *nearest_command(const struct command_set *set, struct arena *arena,
                                   const char *const *words, size_t count)
{
    const char *said = count > 1 ? arena_print(arena, "%s %s", words[0], words[1]) : words[0];
    struct nearest both = nearest_start(said);
    struct nearest first = nearest_start(words[0]);
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            nearest_try(&both, command->name);
            nearest_try(&first, arena_copy_n(arena, command->name, strcspn(command->name, " ")));
        }
    }
    return both.best != NULL ? both.best : first.best;
}

static bool is_first_word_listed(const struct text *out, const char *word)
{
    const char *at = out->at;
    size_t length = strlen(word);
    while ((at = strstr(at, word)) != NULL) {
        if ((at == out->at || at[-1] == ' ') && (at[length] == ',' || at[length] == '\0'))
            return true;
        at += length;
    }
    return false;
}

/* "serve, check, referrals ...": what may stand first. */
static const char *first_words(const struct command_set *set, struct arena *arena)
{
    struct text words = text_new(arena, COMMAND_OUTPUT_MAX);
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            const char *word = arena_copy_n(arena, command->name, strcspn(command->name, " "));
            if (!is_first_word_listed(&words, word))
                text_print(&words, "%s%s", words.length == 0 ? "" : ", ", word);
        }
    }
    return words.at;
}

/* The first word is known, and what stands behind it is not. */
static void unknown_in_group(struct command_call *call, const char *const *words, size_t count,
                             const char *near, const char *commands)
{
    if (count == 1)
        text_print(&call->err, "refgate %s: found nothing behind it; expected one of\n%s", words[0],
                   commands);
    else if (near != NULL && strncmp(near, words[0], strlen(words[0])) == 0)
        text_print(&call->err,
                   "refgate %s: found \"%s\"; did you mean refgate %s? Expected one of\n%s",
                   words[0], words[1], near, commands);
    else
        text_print(&call->err, "refgate %s: found \"%s\"; expected one of\n%s", words[0], words[1],
                   commands);
}

static bool unknown_command(struct command_call *call, const char *const *words, size_t count)
{
    struct text group = text_new(call->arena, COMMAND_OUTPUT_MAX);
    const char *near = count == 0 ? NULL : nearest_command(call->set, call->arena, words, count);
    if (count > 0 && help_group(call->set, &group, words[0])) {
        unknown_in_group(call, words, count, near, group.at);
        return false;
    }
    if (count == 0)
        text_add(&call->err, "refgate: found no command");
    else
        text_print(&call->err, "refgate: found the command \"%s\"", words[0]);
    if (near != NULL)
        text_print(&call->err, "; did you mean refgate %s", near);
    text_print(&call->err, "; expected one of %s. refgate --help says what each does\n",
               first_words(call->set, call->arena));
    return false;
}

/* ---- options ---- */

static const struct command_option *option_in(const struct command_option *option, const char *name)
{
    for (; option != NULL && option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0)
            return option;
    }
    return NULL;
}

static const struct command_option *find_option(const struct command *command, const char *name)
{
    const struct command_option *option = option_in(common_options, name);
    return option != NULL || command == NULL ? option : option_in(command->options, name);
}

/* "-d", "--json", "--out=DIR", "--JSON" by a slip; but "-3" and "-name.given" are words, such as a
 * FHIRPath expression. */
static bool is_option(const char *argument)
{
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    size_t dashes = strspn(argument, "-");
    size_t letters = strspn(argument + dashes, dashes == 2 ? capitals : capitals + 26);
    char after = argument[dashes + letters];
    return dashes > 0 && dashes < 3 && letters > 0 && (after == '\0' || after == '=');
}

static const char *option_written(struct arena *arena, const struct command_option *option)
{
    return arena_print(arena, "%s%s%s%s", strlen(option->name) == 1 ? "-" : "--", option->name,
                       option->value == NULL ? "" : " ",
                       option->value == NULL ? "" : option->value);
}

/* Names the nearest of those that the command takes, and all of them. */
static bool unknown_option(struct command_call *call, const char *name)
{
    const struct command_option *const tables[] = {call->command->options, common_options};
    struct nearest nearest = nearest_start(name);
    struct text all = text_new(call->arena, COMMAND_OUTPUT_MAX);
    for (size_t i = 0; i < 2; i++) {
        for (const struct command_option *at = tables[i]; at != NULL && at->name != NULL; at++) {
            nearest_try(&nearest, at->name);
            text_print(&all, "%s%s", all.length == 0 ? "" : ", ", option_written(call->arena, at));
        }
    }
    text_print(&call->err, "refgate %s: found the option %s%s, which it does not take",
               call->command->name, strlen(name) == 1 ? "-" : "--", name);
    if (nearest.best != NULL)
        text_print(&call->err, "; did you mean --%s", nearest.best);
    text_print(&call->err, "; expected one of %s\n", all.at);
    return false;
}

static bool take_option(struct command_call *call, const char *const *arguments, size_t count,
                        size_t *at)
{
    const char *name = arguments[*at] + (text_starts(arguments[*at], "--") ? 2 : 1);
    const char *equals = strchr(name, '=');
    if (equals != NULL)
        name = arena_copy_n(call->arena, name, (size_t)(equals - name));
    const struct command_option *option = find_option(call->command, name);
    size_t room = sizeof call->values / sizeof *call->values;
    if (option == NULL)
        return unknown_option(call, name);
    if (call->value_count == room) {
        text_print(&call->err, "refgate %s: found more than %zu options; expected fewer\n",
                   call->command->name, room);
        return false;
    }
    const char *value = equals == NULL ? "" : equals + 1;
    if (option->value != NULL && equals == NULL) {
        if (*at + 1 >= count) {
            text_print(&call->err, "refgate %s: found %s without a value; expected %s\n",
                       call->command->name, arguments[*at], option->value);
            return false;
        }
        value = arguments[++*at];
    }
    call->values[call->value_count++] = (struct command_value){option, value};
    return true;
}

/* Splits the arguments into words and options; the command's name is found first, from the words
 * before any option, because the options depend on it. */
static bool split(struct command_call *call, const char *const *arguments, size_t count,
                  size_t from)
{
    const char **words = arena_array(call->arena, count + 1, sizeof *words);
    bool only_words = false;
    for (size_t i = from; i < count; i++) {
        if (!only_words && strcmp(arguments[i], "--") == 0)
            only_words = true;
        else if (only_words || !is_option(arguments[i]))
            words[call->word_count++] = arguments[i];
        else if (!take_option(call, arguments, count, &i))
            return false;
    }
    call->words = words;
    return true;
}

static bool check_word_count(struct command_call *call)
{
    const struct command *command = call->command;
    if (call->word_count >= command->words_min && call->word_count <= command->words_max)
        return true;
    if (call->word_count > command->words_max)
        text_print(
            &call->err, "refgate %s: found \"%s\", which is too much; expected refgate %s%s%s\n",
            command->name, call->words[command->words_max], command->name,
            command->arguments[0] == '\0' ? " and nothing behind it" : " ", command->arguments);
    else
        text_print(&call->err, "refgate %s: found %zu %s; expected refgate %s %s\n", command->name,
                   call->word_count, call->word_count == 1 ? "argument" : "arguments",
                   command->name, command->arguments);
    return false;
}

static bool use_common_options(struct command_call *call)
{
    const char *dir = command_option(call, "d");
    const char *now = command_option(call, "now");
    if (dir != NULL)
        call->dir = dir;
    if (now == NULL)
        return true;
    struct date_time time;
    if (date_time_parse(now, &time) != DATE_RIGHT) {
        text_print(&call->err,
                   "refgate: found --now %s; expected a time such as "
                   "2026-09-02T11:20:00-04:00\n",
                   now);
        return false;
    }
    call->clock = clock_fixed(time.seconds * 1000 + time.nanoseconds / 1000000);
    return true;
}

/* What stands alone, for the build: no command, so no option of one. */
static bool print_manual(struct command_call *call, const char *const *arguments, size_t count)
{
    if (count == 1 && strcmp(arguments[0], "--man") == 0)
        manual_page(call->set, &call->out);
    else if (count == 2 && strcmp(arguments[0], "--completion") == 0 &&
             strcmp(arguments[1], "bash") == 0)
        manual_completion(call->set, &call->out);
    else
        return false;
    call->command = NULL;
    return true;
}

/* True when ARGUMENTS, of which the first LEADING are words, ask for the version or for help. */
static bool print_help(struct command_call *call, const char *const *arguments, size_t count,
                       size_t leading)
{
    for (size_t i = 0; i < count && strcmp(arguments[i], "--") != 0; i++) {
        if (strcmp(arguments[i], "--version") == 0) {
            print_version(&call->out);
            return true;
        }
        if (strcmp(arguments[i], "--help") != 0 && strcmp(arguments[i], "-h") != 0)
            continue;
        if (call->command != NULL)
            help_command(&call->out, call->command);
        else if (leading == 0 || !help_group(call->set, &call->out, arguments[0]))
            help_all(call->set, &call->out);
        return true;
    }
    return false;
}

bool command_parse(const struct command_set *set, struct arena *arena, const char *const *arguments,
                   size_t count, struct command_call *ret_call)
{
    struct command_call *call = ret_call;
    const char *dir = getenv("REFGATE_DIR");
    size_t leading = 0;
    size_t taken;
    memset(call, 0, sizeof *call);
    call->set = set;
    call->arena = arena;
    call->dir = dir == NULL || dir[0] == '\0' ? "." : dir;
    call->clock = clock_system();
    call->out = text_new(arena, COMMAND_OUTPUT_MAX);
    call->err = text_new(arena, COMMAND_OUTPUT_MAX);
    while (leading < count && !is_option(arguments[leading]))
        leading++;
    if (print_manual(call, arguments, count))
        return true;
    call->command = find_command(set, arguments, leading, &taken);
    if (print_help(call, arguments, count, leading)) {
        call->command = NULL;
        return true;
    }
    if (call->command == NULL)
        return unknown_command(call, arguments, leading);
    return split(call, arguments, count, taken) && check_word_count(call) &&
           use_common_options(call);
}

const char *command_option(const struct command_call *call, const char *name)
{
    for (size_t i = call->value_count; i-- > 0;) {
        if (strcmp(call->values[i].option->name, name) == 0)
            return call->values[i].value;
    }
    return NULL;
}

bool command_has(const struct command_call *call, const char *name)
{
    return command_option(call, name) != NULL;
}

size_t command_all(const struct command_call *call, const char *name,
                   const char *const **ret_values)
{
    const char **values = arena_array(call->arena, call->value_count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < call->value_count; i++) {
        if (strcmp(call->values[i].option->name, name) == 0)
            values[count++] = call->values[i].value;
    }
    *ret_values = values;
    return count;
}

const char *command_path_in(const struct command_call *call, struct arena *arena, const char *file)
{
    if (file[0] == '/' || call->cwd == NULL || strcmp(file, "-") == 0)
        return file;
    return arena_print(arena, "%s/%s", call->cwd, file);
}

const char *command_path(const struct command_call *call, const char *file)
{
    return command_path_in(call, call->arena, file);
}

/* ---- answers ---- */

void command_show(struct command_call *call)
{
    if (call->show != NULL)
        call->show(call);
}

int command_fail(struct command_call *call, const struct fault *fault)
{
    text_add(&call->err, "refgate: ");
    visible_add_line(&call->err, fault_sentence(fault));
    text_add(&call->err, "\n");
    return fault_exit_code(fault->kind);
}

void command_findings(struct command_call *call, const struct finding_list *findings)
{
    bool as_json = command_has(call, "json");
    for (size_t i = 0; i < findings->count; i++) {
        if (as_json)
            finding_print_json(&findings->items[i], &call->err);
        else
            finding_print(&findings->items[i], &call->err);
    }
}

struct command_table command_table(struct arena *arena, size_t columns)
{
    struct command_table table = {.arena = arena, .columns = columns};
    return table;
}

void command_cell(struct command_table *table, const char *text)
{
    bool is_last = (table->count + 1) % table->columns == 0;
    table->cells = arena_room(table->arena, table->cells, sizeof *table->cells, table->count,
                              &table->room, 64);
    table->cells[table->count++] =
        text == NULL || text[0] == '\0'
            ? "-"
            : visible_line(table->arena, text, is_last ? LAST_CELL_MAX : CELL_MAX);
}

void command_print_table(const struct command_table *table, struct text *out)
{
    size_t *widths = arena_array(table->arena, table->columns, sizeof *widths);
    for (size_t i = 0; i < table->count; i++) {
        size_t width = text_utf8_length(table->cells[i]);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        text_add(out, table->cells[i]);
        if (column + 1 == table->columns) {
            text_add(out, "\n");
            continue;
        }
        size_t pad = widths[column] - text_utf8_length(table->cells[i]) + 2;
        text_print(out, "%*s", (int)pad, "");
    }
}
