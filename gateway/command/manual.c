/* manual: see manual.h. */
#include "gateway/command/manual.h"

#include <string.h>

#include "gateway/command/command.h"

/* ---- the page ---- */

/* man(7): a backslash is an escape, a dash a hyphen, a leading dot or quote a macro. */
static void add_escaped(struct text *out, const char *words)
{
    if (words[0] == '.' || words[0] == '\'')
        text_add(out, "\\&");
    for (; *words != '\0'; words++) {
        if (*words == '\\')
            text_add(out, "\\e");
        else if (*words == '-')
            text_add(out, "\\-");
        else
            text_add_n(out, words, 1);
    }
}

static void add_options(struct text *out, const struct command_option *option)
{
    for (; option != NULL && option->name != NULL; option++) {
        text_add(out, ".TP\n\\fB");
        text_add(out, strlen(option->name) == 1 ? "\\-" : "\\-\\-");
        add_escaped(out, option->name);
        text_add(out, "\\fR");
        if (option->value != NULL) {
            text_add(out, " \\fI");
            add_escaped(out, option->value);
            text_add(out, "\\fR");
        }
        text_add(out, "\n");
        add_escaped(out, option->help);
        text_add(out, option->is_repeated ? " (may be given several times)\n" : "\n");
    }
}

static void add_command(struct text *out, const struct command *command)
{
    text_add(out, ".SS \"refgate ");
    add_escaped(out, command->name);
    if (command->arguments[0] != '\0') {
        text_add(out, " ");
        add_escaped(out, command->arguments);
    }
    text_add(out, "\"\n");
    add_escaped(out, command->help);
    text_add(out, "\n");
    add_options(out, command->options);
}

static void add_exit_codes(struct text *out)
{
    bool told[256] = {false};
    text_add(out, ".SH EXIT STATUS\n");
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        const struct fault fault = {(enum fault_kind)kind, NULL};
        int code = fault_exit_code(fault.kind);
        if (told[code & 255])
            continue;
        told[code & 255] = true;
        text_print(out, ".TP\n\\fB%d\\fR\n", code);
        add_escaped(out, fault_sentence(&fault));
        text_add(out, "\n");
    }
}

void manual_page(const struct command_set *set, struct text *out)
{
    text_add(out, ".TH REFGATE 1 \"\" \"refgate " REFGATE_VERSION "\" \"User Commands\"\n"
                  ".SH NAME\nrefgate \\- referrals and progress notes between clinics, over mutual "
                  "TLS\n.SH SYNOPSIS\n.B refgate\n.I COMMAND\n[\\fIOPTIONS\\fR] "
                  "[\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n"
                  "Each practice runs one gateway on a data folder. The service is \\fBrefgate "
                  "serve\\fR; every other command works whether it runs or not.\n"
                  ".SH OPTIONS\nEvery command takes these.\n");
    add_options(out, command_common_options());
    text_add(out, ".TP\n\\fB\\-\\-help\\fR\nthe commands; with a command: its options\n.TP\n"
                  "\\fB\\-\\-version\\fR\nthe version, and whose code tables are in it\n"
                  ".SH COMMANDS\n");
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++)
            add_command(out, command);
    }
    add_exit_codes(out);
    text_add(out,
             ".SH ENVIRONMENT\n.TP\n\\fBREFGATE_DIR\\fR\nthe data folder, when \\fB\\-d\\fR is "
             "not given\n.TP\n\\fBREFGATE_\\fIKEY\\fR\na setting, in place of what "
             "settings.yaml says\n.SH FILES\n.TP\n\\fISETTINGS\\fR\n\\fBsettings.yaml\\fR in "
             "the data folder; each key is explained in it\n.SH SEE ALSO\n"
             "/usr/share/doc/refgate/operations.md\n");
}

/* ---- completion ---- */

/* The word after the one that starts at AT, or the end. */
static const char *next_word(const char *at)
{
    at += strcspn(at, " ");
    return *at == ' ' ? at + 1 : at;
}

/* Every word that may follow PREFIX ("" or "cert " ...), once. */
static void add_followers(const struct command_set *set, struct text *out, const char *prefix)
{
    struct arena arena = ARENA_EMPTY;
    struct text said = text_new(&arena, 64 * 1024);
    size_t length = strlen(prefix);
    text_add(&said, " ");
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            if (strncmp(command->name, prefix, length) != 0)
                continue;
            const char *word = command->name + length;
            const char *padded = arena_print(&arena, " %.*s ", (int)strcspn(word, " "), word);
            if (strstr(said.at, padded) == NULL)
                text_add(&said, padded + 1);
        }
    }
    text_add(out, said.at + 1);
    arena_free(&arena);
}

/* One `case` line for each beginning of a command that has words behind it. */
static void add_beginnings(const struct command_set *set, struct text *out)
{
    struct arena arena = ARENA_EMPTY;
    struct text done = text_new(&arena, 64 * 1024);
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            for (const char *at = next_word(command->name); *at != '\0'; at = next_word(at)) {
                const char *prefix =
                    arena_copy_n(&arena, command->name, (size_t)(at - command->name));
                const char *mark = arena_print(&arena, "|%s|", prefix);
                if (strstr(done.at, mark) != NULL)
                    continue;
                text_add(&done, mark);
                text_print(out, "        '%s') words='", prefix);
                add_followers(set, out, prefix);
                text_add(out, "' ;;\n");
            }
        }
    }
    arena_free(&arena);
}

static void add_option_words(struct text *out, const struct command_option *option)
{
    for (; option != NULL && option->name != NULL; option++)
        text_print(out, "%s%s ", strlen(option->name) == 1 ? "-" : "--", option->name);
}

static void add_option_lines(const struct command_set *set, struct text *out)
{
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            if (command->options == NULL)
                continue;
            text_print(out, "        '%s ') options='", command->name);
            add_option_words(out, command->options);
            text_add(out, "' ;;\n");
        }
    }
}

void manual_completion(const struct command_set *set, struct text *out)
{
    text_add(out, "# bash completion of refgate; printed by refgate --completion bash\n"
                  "_refgate() {\n"
                  "    local current=\"${COMP_WORDS[COMP_CWORD]}\" said='' words='' options='' i\n"
                  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        [[ ${COMP_WORDS[i]} == -* ]] && break\n"
                  "        said+=\"${COMP_WORDS[i]} \"\n"
                  "    done\n"
                  "    case \"$said\" in\n"
                  "        '') words='");
    add_followers(set, out, "");
    text_add(out, "' ;;\n");
    add_beginnings(set, out);
    text_add(out, "    esac\n    case \"$said\" in\n");
    add_option_lines(set, out);
    text_add(out, "    esac\n    if [[ $current == -* ]]; then\n        words=\"$options --help ");
    add_option_words(out, command_common_options());
    text_add(out, "\"\n    fi\n"
                  "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                  "    [[ ${#COMPREPLY[@]} == 0 ]] && mapfile -t COMPREPLY < <(compgen -f -- "
                  "\"$current\")\n"
                  "}\n"
                  "complete -o filenames -F _refgate refgate\n");
}
