/* command: whatever is misspelt of the table of commands is named with the nearest and the right
 * ones, for every command and every option. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/commands/table.h"

static struct arena arena;

static int reset(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

/* The words of NAME, and then WORD; their number. */
static size_t words_of(const char *name, const char *word, const char **ret_words)
{
    size_t count = 0;
    for (size_t length; *name != '\0'; name += length + (name[length] == ' ')) {
        length = strcspn(name, " ");
        ret_words[count++] = arena_copy_n(&arena, name, length);
    }
    if (word != NULL)
        ret_words[count++] = word;
    return count;
}

static const char *refusal_of(const char *name, const char *word)
{
    const char *words[8];
    struct command_call *call = arena_alloc(&arena, sizeof *call);
    assert_false(command_parse(&commands_all, &arena, words, words_of(name, word, words), call));
    return call->err.at;
}

/* With its last two letters changed places. */
static const char *slip(const char *word)
{
    char *text = arena_copy(&arena, word);
    size_t end = strlen(text);
    char last = text[end - 1];
    text[end - 1] = text[end - 2];
    text[end - 2] = last;
    return text;
}

static void each_command(void (*hold)(const struct command *command))
{
    const struct command_set *set = &commands_all;
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++)
            hold(command);
    }
}

static void hold_slip_of_name(const struct command *command)
{
    const char *words[8];
    size_t count = words_of(slip(command->name), NULL, words);
    struct command_call *call = arena_alloc(&arena, sizeof *call);
    if (command_parse(&commands_all, &arena, words, count, call))
        return; /* "reload state": the shorter one takes words */
    assert_non_null(strstr(call->err.at, count == 1 || call->command == NULL
                                             ? "did you mean refgate "
                                             : "expected refgate "));
}

static void a_slip_in_a_command_is_named(void **state)
{
    (void)state;
    each_command(hold_slip_of_name);
}

static void hold_options(const struct command *command)
{
    const struct command_option *tables[] = {command->options, command_common_options()};
    const char *said = refusal_of(command->name, "--zzzzzz");
    assert_null(strstr(said, "did you mean"));
    for (size_t i = 0; i < 2; i++) {
        for (const struct command_option *at = tables[i]; at != NULL && at->name != NULL; at++) {
            assert_non_null(strstr(said, arena_print(&arena, "-%s", at->name)));
            if (strlen(at->name) < 4)
                continue;
            const char *near =
                refusal_of(command->name, arena_print(&arena, "--%s", slip(at->name)));
            assert_non_null(strstr(near, "did you mean --"));
            assert_non_null(strstr(near, arena_print(&arena, "--%s", at->name)));
        }
    }
}

static void an_unknown_option_is_named_with_the_right_ones(void **state)
{
    (void)state;
    each_command(hold_options);
    assert_non_null(strstr(refusal_of("check", "--JSON"), "did you mean --json"));
}

static void what_may_stand_first_is_listed_once(void **state)
{
    (void)state;
    const char *said = refusal_of("", "blah");
    const char *first = strstr(said, " referrals,");
    assert_non_null(first);
    assert_null(strstr(first + 1, " referrals,"));
    assert_non_null(strstr(said, " check, status,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_slip_in_a_command_is_named, reset),
        cmocka_unit_test_setup(an_unknown_option_is_named_with_the_right_ones, reset),
        cmocka_unit_test_setup(what_may_stand_first_is_listed_once, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
