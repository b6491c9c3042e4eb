/* client_match: what of two records contradicts, and what is kept to compare. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "fhir/client/match.h"

static const struct json *parse(struct arena *arena, const char *text)
{
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(arena, text, strlen(text), NULL, &document, &fault));
    return document.root;
}

/* Willow's record beside Lakeside's referral of Ann Smith, C-1 there. */
static const struct {
    const char *record, *path;
} rows[] = {
    {"{}", NULL},
    {"{\"client_id\":\"W-77\"}", NULL},
    {"{\"client_id\":\"W-77\",\"client_family_name\":\"SMITH\"}", NULL},
    {"{\"client_family_name\":\"Jones\",\"client_birth_date\":\"1950-01-01\"}",
     "client_family_name"},
    {"{\"client_given_names\":\"Jane\"}", "client_given_names"},
    {"{\"client_birth_date\":\"1984-03-10\"}", "client_birth_date"},
    {"{\"client_birth_date\":\"1984-03\"}", NULL},
    {"{\"client_other_ids\":[{\"id\":\"C-2\",\"issued_by\":\"lakeside\"}]}", "client_id"},
    {"{\"client_other_ids\":[{\"id\":\"C-2\",\"issued_by\":\"lakeside\"},{\"id\":\"C-1\","
     "\"issued_by\":\"lakeside\"}]}",
     NULL},
    {"{\"client_other_ids\":[{\"id\":\"C-2\",\"issued_by\":\"harbor\"}]}", NULL},
    {"{\"client_id\":\"W-2\"}", NULL},
};

static void compares_what_both_say(void **state)
{
    static const char referral[] =
        "{\"client_id\":\"C-1\",\"client_family_name\":\"Smith\",\"client_given_names\":\"Ann\","
        "\"client_birth_date\":\"1984-03-09\",\"reason\":\"Neck pain\","
        "\"client_other_ids\":[{\"id\":\"H-9\",\"issued_by\":\"harbor\"}]}";
    struct arena arena = ARENA_EMPTY;
    const struct json *whole = parse(&arena, referral);
    const struct json *facts = client_facts(&arena, whole);
    (void)state;
    assert_null(json_get(facts, "reason"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct json *const sides[] = {whole, facts};
        for (size_t side = 0; side < 2; side++) {
            struct client_told one = {parse(&arena, rows[i].record), "willow"};
            struct client_told other = {sides[side], "lakeside"};
            struct client_difference difference = {.path = NULL};
            assert_int_equal(client_differs(&one, &other, &difference), rows[i].path != NULL);
            if (rows[i].path != NULL)
                assert_string_equal(difference.path, rows[i].path);
        }
    }
    assert_string_equal(client_shown(&arena, facts), "Smith, Ann");
    arena_free(&arena);
}

/* Whatever a partner sends, what is kept is small, and compares as the whole does. */
static void facts_are_small(void **state)
{
    enum { LONG = 1 << 20 };
    struct arena arena = ARENA_EMPTY;
    struct text text = text_new(&arena, 8 * LONG);
    (void)state;
    text_add(&text, "{\"client_family_name\":\"");
    for (size_t i = 0; i < LONG; i++)
        text_add(&text, "ä");
    text_add(&text, "\",\"client_other_ids\":[");
    for (size_t i = 0; i < 1000; i++)
        text_print(&text, "%s{\"id\":\"%zu\",\"issued_by\":\"x\"}", i == 0 ? "" : ",", i);
    text_add(&text, "]}");
    const struct json *whole = parse(&arena, text.at);
    const struct json *facts = client_facts(&arena, whole);
    struct client_difference difference;
    assert_true(strlen(json_print(&arena, facts)) < 5000);
    assert_false(client_differs_in_person(whole, facts, &difference));
    assert_true(strlen(client_shown(&arena, whole)) < 200);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_what_both_say),
        cmocka_unit_test(facts_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
