/* visible: what a terminal would obey is shown instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/visible.h"

static void a_value_stays_on_its_line(void **state)
{
    static const struct {
        const char *value, *shown;
    } cases[] = {
        {"Núñez-O'Hara, María José", "Núñez-O'Hara, María José"},
        {"\x1b[2J\x1b]0;owned\x07", "\\u001b[2J\\u001b]0;owned\\u0007"},
        {"Smith\nreferral R-9 accepted", "Smith\\nreferral R-9 accepted"},
        {"a\tb\rc", "a\\tb\\rc"},
        {"\xc2\x9b\x33\x31m", "\\u009b31m"}, /* CSI as one C1 character */
        {"abc\xe2\x80\xae"
         "fed",
         "abc\\u202efed"},                                  /* right-to-left override */
        {"\xe2\x81\xa6x\xe2\x80\xa8y", "\\u2066x\\u2028y"}, /* isolate, line separator */
        {"R\xe2\x80\x8f-\xd8\x9c"
         "1",
         "R\\u200f-\\u061c1"}, /* right-to-left mark, Arabic letter mark */
        {"R\xe2\x80\x8b-\xc2\xad\xef\xbb\xbf"
         "1",
         "R\\u200b-\\u00ad\\ufeff1"},             /* no width */
        {"\xe3\x85\xa4", "\\u3164"},              /* a filler alone is a blank name */
        {"R\xf3\xa0\x81\x81", "R\\udb40\\udc41"}, /* a tag, as JSON writes it */
        {"\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae",
         "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae"}, /* spelling */
        {"\x7f", "\\u007f"},
        {"\xff\xc3(", "\\ufffd\\ufffd("}, /* not UTF-8 */
        {"😀 שלום", "😀 שלום"},
        {"", ""},
    };
    struct arena arena = ARENA_EMPTY;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = text_new(&arena, 1000);
        visible_add_line(&text, cases[i].value);
        assert_string_equal(text.at, cases[i].shown);
        assert_string_equal(visible_line(&arena, cases[i].value, 1000), cases[i].shown);
    }
    arena_free(&arena);
}

static void output_keeps_its_lines_and_no_other_control(void **state)
{
    char escape[VISIBLE_ESCAPE_MAX];
    const char *text = "one\n\ttwo\x1b[1m";
    (void)state;
    size_t plain = visible_plain(text);
    assert_int_equal(plain, 8);
    assert_int_equal(visible_escape(text + plain, escape), 1);
    assert_string_equal(escape, "\\u001b");
    assert_int_equal(visible_plain(text + plain + 1), 3);
}

static void a_long_value_is_cut_between_characters(void **state)
{
    struct arena arena = ARENA_EMPTY;
    (void)state;
    assert_string_equal(visible_line(&arena, "ééééé", 5), "ééééé");
    assert_string_equal(visible_line(&arena, "éééééé", 5), "éééé…");
    assert_string_equal(visible_line(&arena, "abcd\x1bzz", 5), "abcd…");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_stays_on_its_line),
        cmocka_unit_test(output_keeps_its_lines_and_no_other_control),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
