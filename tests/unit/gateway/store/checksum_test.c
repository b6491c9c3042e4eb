/* checksum: both hashes give the numbers that their authors publish, and numbers lie on disk lowest
 * byte first. A change of either would make every journal and key index on disk unreadable. */
#include "gateway/store/journal/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void count_up(unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)i;
}

static void sums_are_xxh64(void **state)
{
    unsigned char bytes[100];
    (void)state;
    count_up(bytes, sizeof bytes);
    assert_true(checksum_of("", 0, 0) == 0xef46db3751d8e999u);
    assert_true(checksum_of("a", 1, 0) == 0xd24ec4f1a98c6e5bu);
    assert_true(checksum_of("abc", 3, 0) == 0x44bc2cf5ad770999u);
    assert_true(checksum_of(bytes, sizeof bytes, 7) == 0x80653e7e9b887cddu);
    assert_true(checksum_of(bytes + 1, 50, 0) != checksum_of(bytes, 50, 0));
}

/* vectors.h of the reference implementation: the key counts up, and so does the text. */
static void keyed_sums_are_siphash(void **state)
{
    unsigned char bytes[16];
    (void)state;
    count_up(bytes, sizeof bytes);
    assert_true(checksum_keyed(bytes, bytes, 0) == 0x726fdb47dd0e0e31u);
    assert_true(checksum_keyed(bytes, bytes, 1) == 0x74f839c593dc67fdu);
    assert_true(checksum_keyed(bytes, bytes, 15) == 0xa129ca6149be45e5u);
}

static void numbers_lie_lowest_byte_first(void **state)
{
    static const unsigned char expected[] = {8, 7, 6, 5, 4, 3, 2, 1};
    unsigned char bytes[8];
    (void)state;
    checksum_put64(bytes, 0x0102030405060708u);
    assert_memory_equal(bytes, expected, sizeof bytes);
    assert_true(checksum_get64(bytes) == 0x0102030405060708u);
    assert_true(checksum_get32(bytes) == 0x05060708u);
    checksum_put32(bytes, 0x0a0b0c0du);
    assert_true(checksum_get64(bytes) == 0x010203040a0b0c0du);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_xxh64),
        cmocka_unit_test(keyed_sums_are_siphash),
        cmocka_unit_test(numbers_lie_lowest_byte_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
