/* manual: docs/settings.md and the example files say what the tables of settings say. With
 * REFGATE_WRITE_MANUAL set (by `./dev docs`) they are written anew instead of compared. */
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

enum { PAGE_MAX = 512 * 1024 };

static const char *read_page(struct arena *arena, const char *name)
{
    char *page = arena_alloc(arena, PAGE_MAX);
    FILE *file = fopen(name, "r");
    if (file == NULL)
        return "";
    size_t length = fread(page, 1, PAGE_MAX - 1, file);
    fclose(file);
    assert_true(length < PAGE_MAX - 1);
    return page;
}

static void hold_page(struct arena *arena, const char *name, const char *wanted)
{
    if (getenv("REFGATE_WRITE_MANUAL") != NULL) {
        FILE *file = fopen(name, "w");
        assert_non_null(file);
        assert_true(fputs(wanted, file) >= 0);
        assert_int_equal(fclose(file), 0);
    } else if (strcmp(read_page(arena, name), wanted) != 0) {
        fail_msg("%s differs from the tables; run ./dev docs", name);
    }
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
    const char *page = read_page(&arena, "docs/settings.md");
    page = renew(&arena, page, "settings.yaml", config_options());
    page = renew(&arena, page, "partners/NAME.yaml", partner_options());
    hold_page(&arena, "docs/settings.md", page);
    arena_free(&arena);
}

static void the_examples_are_written_by_the_tables(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct config config = config_defaults(&arena);
    struct partner partner;
    assert_true(option_set(config_options(), &arena, "org", "willow", &findings, &config));
    hold_page(&arena, "config/examples/settings.yaml", config_write(&arena, &config));
    assert_true(partner_new(&arena, "lakeside", &findings, &partner));
    assert_true(
        partner_set(&arena, &partner, "url", "https://gw.lakeside.example:8443/fhir", &findings));
    assert_true(partner_set(&arena, &partner, "ca_file", "keys/lakeside-ca.crt", &findings));
    assert_true(partner_set(&arena, &partner, "contacts",
                            "Referral desk +1 555 0110 referrals@lakeside.example", &findings));
    assert_true(partner_settle(&arena, &partner, "lakeside.yaml", &findings));
    hold_page(&arena, "config/examples/lakeside.yaml", partner_write(&arena, &partner));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_printed_from_the_tables),
        cmocka_unit_test(the_examples_are_written_by_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
