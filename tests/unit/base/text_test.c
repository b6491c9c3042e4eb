/* text: numbers as they would be printed, up to where the text is full; heads of whole characters;
 * one of a list of words. */
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

static void a_text_is_one_of_the_words_only_as_a_whole(void **state)
{
    static const char *const none[] = {NULL};
    static const char *const words[] = {"left", "right", "", NULL};
    (void)state;
    assert_true(text_is_one_of("left", words));
    assert_true(text_is_one_of("right", words));
    assert_true(text_is_one_of("", words));
    assert_false(text_is_one_of("lef", words));
    assert_false(text_is_one_of("left ", words));
    assert_false(text_is_one_of("Left", words));
    assert_false(text_is_one_of(NULL, words));
    assert_false(text_is_one_of("left", none));
    assert_false(text_is_one_of(NULL, none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_written_as_they_are),
        cmocka_unit_test(a_head_is_whole_characters),
        cmocka_unit_test(a_text_is_one_of_the_words_only_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
