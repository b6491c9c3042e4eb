/* text: numbers as they would be printed, up to where the text is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

static void whole_numbers_are_written_as_they_are(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-10, "-10"},
        {1795475421337, "1795475421337"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    struct arena arena = ARENA_EMPTY;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = text_new(&arena, 64);
        text_add_whole(&text, cases[i].number);
        assert_string_equal(text.at, cases[i].text);
    }
    struct text text = text_new(&arena, 3);
    text_add_whole(&text, 12345);
    assert_string_equal(text.at, "123");
    assert_true(text.full);
    arena_free(&arena);
}

/* Never in the middle of a character. */
static void a_head_is_whole_characters(void **state)
{
    (void)state;
    assert_int_equal(text_utf8_head("", 3), 0);
    assert_int_equal(text_utf8_head("abc", 0), 0);
    assert_int_equal(text_utf8_head("abc", 2), 2);
    assert_int_equal(text_utf8_head("abc", 9), 3);
    assert_int_equal(text_utf8_head("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 2), 3);
    assert_int_equal(text_utf8_head("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 4), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_written_as_they_are),
        cmocka_unit_test(a_head_is_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
