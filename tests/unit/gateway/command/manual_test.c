/* manual: docs/metrics.md and docs/refusals.md say what the tables of metrics and verdicts say, and
 * the manual page and completion name every command. With REFGATE_WRITE_MANUAL set (by `./dev
 * docs`) the documents are written anew instead of compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/verify/verdict.h"
#include "gateway/command/manual.h"
#include "gateway/commands/table.h"
#include "gateway/runtime/metric.h"

enum { PAGE_MAX = 512 * 1024 };
static const char begin[] = "<!-- begin, printed by ./dev docs -->\n";
static const char end[] = "<!-- end -->\n";

static const char *read_page(struct arena *arena, const char *name)
{
    char *page = arena_alloc(arena, PAGE_MAX);
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    assert_true(fread(page, 1, PAGE_MAX - 1, file) < PAGE_MAX - 1);
    fclose(file);
    return page;
}

/* What stands between the marks of page NAME must be TABLE. */
static void hold_table(struct arena *arena, const char *name, const char *table)
{
    const char *page = read_page(arena, name);
    const char *from = strstr(page, begin);
    const char *to = strstr(page, end);
    assert_non_null(from);
    assert_non_null(to);
    const char *wanted =
        arena_print(arena, "%.*s%s\n%s\n%s", (int)(from - page), page, begin, table, to);
    if (getenv("REFGATE_WRITE_MANUAL") == NULL) {
        if (strcmp(page, wanted) != 0)
            fail_msg("%s differs from its table; run ./dev docs", name);
        return;
    }
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(wanted, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void metrics_are_printed_from_their_table(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct text table = text_new(&arena, PAGE_MAX);
    (void)state;
    metric_manual(&table);
    hold_table(&arena, "docs/metrics.md", table.at);
    arena_free(&arena);
}

static const char *kind_words(enum verdict verdict)
{
    switch (verdict_kind(verdict)) {
    case VERDICT_KIND_ADMITTED:
        return "admitted";
    case VERDICT_KIND_STRANGER:
        return "answered 403";
    default:
        return "handshake refused";
    }
}

static void refusals_are_printed_from_their_table(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct text table = text_new(&arena, PAGE_MAX);
    (void)state;
    text_add(&table, "| verdict | towards a caller | TLS alert | what it means and what to do |\n"
                     "| --- | --- | --- | --- |\n");
    for (int verdict = 0; verdict < VERDICT_COUNT; verdict++)
        text_print(&table, "| `%s` | %s | %s | %s |\n", verdict_name((enum verdict)verdict),
                   kind_words((enum verdict)verdict), verdict_alert((enum verdict)verdict),
                   verdict_sentence((enum verdict)verdict));
    hold_table(&arena, "docs/refusals.md", table.at);
    arena_free(&arena);
}

/* As the manual page writes it: a hyphen that is one. */
static const char *as_heading(struct arena *arena, const char *name)
{
    struct text heading = text_new(arena, 200);
    text_add(&heading, ".SS \"refgate ");
    for (; *name != '\0'; name++)
        text_print(&heading, "%s%c", *name == '-' ? "\\" : "", *name);
    return heading.at;
}

static void the_manual_names_every_command(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct text page = text_new(&arena, PAGE_MAX);
    struct text completion = text_new(&arena, PAGE_MAX);
    const struct command_set *set = &commands_all;
    (void)state;
    manual_page(&commands_all, &page);
    manual_completion(&commands_all, &completion);
    assert_false(page.full);
    assert_false(completion.full);
    for (size_t i = 0; i < set->count; i++) {
        for (const struct command *command = set->groups[i]; command->name != NULL; command++) {
            const char *last = strrchr(command->name, ' ');
            last = last == NULL ? command->name : last + 1;
            assert_non_null(strstr(page.at, as_heading(&arena, command->name)));
            assert_non_null(strstr(completion.at, last));
            assert_true(strlen(command->help) > 0);
        }
    }
    for (const char *line = page.at; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        assert_true(line[0] != '\''); /* an accidental macro */
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_printed_from_their_table),
        cmocka_unit_test(refusals_are_printed_from_their_table),
        cmocka_unit_test(the_manual_names_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
