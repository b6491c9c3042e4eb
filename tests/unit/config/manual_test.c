/* manual: docs/settings.md says what the tables of settings say. With REFGATE_WRITE_MANUAL set (by
 * `./dev docs`) the tables of the page are written anew instead of compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/partner.h"

static const char page_file[] = "docs/settings.md";

enum { PAGE_MAX = 512 * 1024 };

static const char *read_page(struct arena *arena)
{
    char *page = arena_alloc(arena, PAGE_MAX);
    FILE *file = fopen(page_file, "r");
    assert_non_null(file);
    size_t length = fread(page, 1, PAGE_MAX - 1, file);
    fclose(file);
    assert_true(length > 0 && length < PAGE_MAX - 1);
    return page;
}

/* PAGE with what stands between the marks of NAME replaced by the manual of TABLE. */
static const char *renew(struct arena *arena, const char *page, const char *name,
                         const struct option_table *table)
{
    const char *first = arena_print(arena, "<!-- begin of %s, printed by ./dev docs -->\n", name);
    const char *last = arena_print(arena, "<!-- end of %s -->\n", name);
    const char *from = strstr(page, first);
    const char *to = strstr(page, last);
    struct text out = text_new(arena, PAGE_MAX);
    assert_non_null(from);
    assert_non_null(to);
    from += strlen(first);
    text_add_n(&out, page, (size_t)(from - page));
    option_manual(table, arena, &out);
    text_add(&out, "\n");
    text_add(&out, to);
    return out.at;
}

static void the_page_is_printed_from_the_tables(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    const char *page = read_page(&arena);
    const char *wanted = renew(&arena, page, "settings.yaml", config_options());
    wanted = renew(&arena, wanted, "partners/NAME.yaml", partner_options());
    if (getenv("REFGATE_WRITE_MANUAL") != NULL) {
        FILE *file = fopen(page_file, "w");
        assert_non_null(file);
        assert_true(fputs(wanted, file) >= 0);
        assert_int_equal(fclose(file), 0);
    } else if (strcmp(page, wanted) != 0) {
        fail_msg("%s differs from the tables; run ./dev docs", page_file);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_printed_from_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
