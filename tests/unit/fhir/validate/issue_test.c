/* issue: lists of issues and their forms. */
#include "fhir/validate/issue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static struct issue an_error(const char *path)
{
    return (struct issue){.severity = ISSUE_ERROR,
                          .code = ISSUE_VALUE,
                          .path = path,
                          .found = "text that is no date",
                          .expected = "YYYY-MM-DD",
                          .nearest = "2020",
                          .value = "secret"};
}

static void counts_and_stops_at_the_ceiling(void **state)
{
    (void)state;
    struct issue_list list = issue_list_new(&arena);
    list.count_max = 3;
    assert_true(issue_list_passes(&list));
    for (int i = 0; i < 5; i++)
        issue_add(&list, an_error("Patient.birthDate"));
    issue_add(&list, (struct issue){.severity = ISSUE_WARNING, .found = "x"});
    assert_int_equal(list.count, 3);
    assert_int_equal(list.errors, 5);
    assert_int_equal(list.warnings, 1);
    assert_int_equal(list.left_out, 3);
    assert_false(issue_list_passes(&list));
    struct json *outcome = issue_outcome(&arena, &list);
    assert_int_equal(json_count(json_get(outcome, "issue")), 4);
    arena_reset(&arena);
}

static void lists_errors_before_anything_else_when_full(void **state)
{
    (void)state;
    struct issue_list list = issue_list_new(&arena);
    list.count_max = 2;
    for (int i = 0; i < 3; i++)
        issue_add(&list, (struct issue){.severity = ISSUE_WARNING, .found = "x"});
    for (int i = 0; i < 3; i++)
        issue_add(&list, an_error("Patient.birthDate"));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].severity, ISSUE_ERROR);
    assert_int_equal(list.items[1].severity, ISSUE_ERROR);
    assert_int_equal(list.errors, 3);
    arena_reset(&arena);
}

/* Who reads from the top reads first what must be mended, in each form. */
static void every_form_has_errors_first(void **state)
{
    (void)state;
    struct issue_list list = issue_list_new(&arena);
    issue_add(&list, (struct issue){.severity = ISSUE_WARNING, .path = "a", .found = "x"});
    issue_add(&list, an_error("b"));
    issue_add(&list, (struct issue){.severity = ISSUE_INFORMATION, .path = "c", .found = "x"});
    issue_add(&list, an_error("d"));
    const struct json *items = json_get(issue_outcome(&arena, &list), "issue");
    static const char *const paths[] = {"b", "d", "a", "c"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(json_text(json_first(json_get(json_at(items, i), "expression"))),
                            paths[i]);
    struct text out = text_new(&arena, 4000);
    issue_print(&list, "f", &out);
    assert_true(strstr(out.at, " d: ") < strstr(out.at, " a: "));
    out = text_new(&arena, 4000);
    issue_print_line(&list, "f", &out);
    assert_true(strstr(out.at, "\"d\"") < strstr(out.at, "\"a\""));
    arena_reset(&arena);
}

static void hides_values_unless_asked(void **state)
{
    (void)state;
    struct issue_list list = issue_list_new(&arena);
    issue_add(&list, an_error("Patient.birthDate"));
    assert_string_equal(issue_sentence(&arena, &list.items[0]),
                        "found text that is no date; expected YYYY-MM-DD; did you mean 2020?");
    list.shows_values = true;
    struct issue *shown = issue_add(&list, an_error("Patient.birthDate"));
    assert_non_null(strstr(issue_sentence(&arena, shown), "secret"));
    arena_reset(&arena);
}

static void places_issues_in_the_order_of_the_text(void **state)
{
    (void)state;
    const char *text = "{\"a\":1,\n \"\xc3\xa9\":[2,\n3]}";
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(&arena, text, strlen(text), NULL, &document, &fault));
    struct issue_list list = issue_list_new(&arena);
    struct issue issue = an_error("x");
    issue.node = json_at(json_get(document.root, "\xc3\xa9"), 1);
    issue_add(&list, issue);
    issue.node = json_get(document.root, "\xc3\xa9");
    issue_add(&list, issue);
    issue.node = NULL;
    issue_add(&list, issue);
    issue.node = json_get(document.root, "a");
    issue_add(&list, issue);
    issue_list_place(&list, &document);
    static const int places[][2] = {{1, 1}, {1, 6}, {2, 6}, {3, 1}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(list.items[i].line, places[i][0]);
        assert_int_equal(list.items[i].column, places[i][1]);
    }
    arena_reset(&arena);
}

/* Long lines, letters of several bytes and a byte-order mark: as json_place says one by one. */
static void places_many_issues_as_json_place_does(void **state)
{
    (void)state;
    struct text text = text_new(&arena, 100000);
    text_add(&text, "\xef\xbb\xbf{\"\xc3\xa9\":0");
    for (int i = 0; i < 300; i++)
        text_print(&text, ",%s\"name%d%s\" : %d", i % 7 == 0 ? "\n\n" : "   ", i,
                   i % 3 == 0 ? "\xe2\x82\xac" : "", i);
    text_add(&text, "}");
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(&arena, text.at, text.length, NULL, &document, &fault));
    struct issue_list list = issue_list_new(&arena);
    for (struct json *node = json_first(document.root); node != NULL; node = json_next(node)) {
        struct issue issue = an_error("x");
        issue.node = node;
        issue_add(&list, issue);
    }
    issue_list_place(&list, &document);
    assert_int_equal(list.count, 301);
    for (size_t i = 0; i < list.count; i++) {
        int line;
        int column;
        json_place(&document, list.items[i].node, &line, &column);
        assert_int_equal(list.items[i].line, line);
        assert_int_equal(list.items[i].column, column);
    }
    arena_reset(&arena);
}

static void makes_an_operation_outcome(void **state)
{
    (void)state;
    struct issue_list list = issue_list_new(&arena);
    struct json *fine = issue_outcome(&arena, &list);
    struct json *only = json_first(json_get(fine, "issue"));
    assert_string_equal(json_get_text(only, "severity"), "information");
    struct issue issue = an_error("Patient.birthDate");
    issue.key = "per-1";
    issue.line = 3;
    issue.column = 4;
    issue_add(&list, issue);
    struct json *item = json_first(json_get(issue_outcome(&arena, &list), "issue"));
    assert_string_equal(json_get_text(item, "severity"), "error");
    assert_string_equal(json_get_text(item, "code"), "value");
    assert_string_equal(json_text(json_first(json_get(item, "expression"))), "Patient.birthDate");
    assert_string_equal(json_text(json_find(item, "details", "text", NULL)), "per-1");
    assert_int_equal(json_count(json_get(item, "extension")), 2);
    arena_reset(&arena);
}

static void prints_a_table_and_a_line(void **state)
{
    (void)state;
    struct issue_list list = issue_list_new(&arena);
    struct issue issue = an_error("Patient.birthDate");
    issue.line = 12;
    issue.column = 7;
    issue_add(&list, issue);
    issue.severity = ISSUE_WARNING;
    issue.line = 2;
    issue_add(&list, issue);
    struct text out = text_new(&arena, 4000);
    issue_print(&list, "a.json", &out);
    assert_string_equal(out.at,
                        "a.json: not valid (1 error, 1 warning)\n"
                        "  12:7  error    Patient.birthDate: found text that is no date; expected "
                        "YYYY-MM-DD; did you mean 2020?\n"
                        "  2:7   warning  Patient.birthDate: found text that is no date; expected "
                        "YYYY-MM-DD; did you mean 2020?\n");
    struct text line = text_new(&arena, 4000);
    issue_print_line(&list, "a\"b.json", &line);
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(&arena, line.at, line.length, NULL, &document, &fault));
    assert_string_equal(json_get_text(document.root, "file"), "a\"b.json");
    assert_false(json_true(json_get(document.root, "valid")));
    assert_string_equal(json_number(json_get(document.root, "errors")), "1");
    assert_int_equal(json_count(json_get(document.root, "issue")), 2);
    arena_reset(&arena);
}

static void turns_a_json_fault_into_an_issue(void **state)
{
    (void)state;
    struct json_document document;
    struct json_fault fault;
    assert_false(json_parse(&arena, "{\"a\":1,}", 8, NULL, &document, &fault));
    struct issue_list list = issue_list_new(&arena);
    issue_add_json_fault(&list, &fault);
    assert_int_equal(list.items[0].severity, ISSUE_FATAL);
    assert_int_equal(list.items[0].column, 8);
    assert_int_equal(list.errors, 1);
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_stops_at_the_ceiling),
        cmocka_unit_test(lists_errors_before_anything_else_when_full),
        cmocka_unit_test(every_form_has_errors_first),
        cmocka_unit_test(hides_values_unless_asked),
        cmocka_unit_test(places_issues_in_the_order_of_the_text),
        cmocka_unit_test(places_many_issues_as_json_place_does),
        cmocka_unit_test(makes_an_operation_outcome),
        cmocka_unit_test(prints_a_table_and_a_line),
        cmocka_unit_test(turns_a_json_fault_into_an_issue),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
