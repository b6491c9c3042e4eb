/* hash: every byte of a text counts, at each length, and none around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

enum { LONGEST = 40, AROUND = 8 };

/* A byte at a time, as the definition of a word says. */
static uint64_t word_of(const char *at, size_t length)
{
    uint64_t word = 0;
    for (size_t i = 0; i < length; i++)
        word |= (uint64_t)(unsigned char)at[i] << 8 * i;
    return word;
}

static void fill(char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)(0x81 + 37 * i);
}

static void what_is_left_of_a_text_is_its_last_bytes(void **state)
{
    char text[LONGEST];
    (void)state;
    fill(text, sizeof text);
    for (size_t whole = 0; whole <= LONGEST; whole++) {
        for (size_t length = 0; length <= 8 && length <= whole; length++)
            assert_true(hash_rest(text + whole - length, length, whole) ==
                        word_of(text + whole - length, length));
    }
}

static void a_hash_is_of_all_bytes_and_no_others(void **state)
{
    const struct hash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    char bytes[AROUND + LONGEST + AROUND];
    (void)state;
    for (size_t length = 1; length <= LONGEST; length++) {
        fill(bytes, sizeof bytes);
        char *text = bytes + AROUND;
        uint64_t plain = hash_text(text, length);
        uint64_t keyed = hash_keyed(&key, text, length);
        text[-1] ^= 1;
        text[length] ^= 1;
        assert_true(hash_text(text, length) == plain);
        assert_true(hash_keyed(&key, text, length) == keyed);
        for (size_t i = 0; i < length; i++) {
            text[i] ^= 1;
            assert_true(hash_text(text, length) != plain);
            assert_true(hash_keyed(&key, text, length) != keyed);
            text[i] ^= 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_of_a_text_is_its_last_bytes),
        cmocka_unit_test(a_hash_is_of_all_bytes_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
