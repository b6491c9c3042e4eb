/* digest: known answers, and identifiers that never change. */
#include "certs/io/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void hashes_as_the_standard_says(void **state)
{
    (void)state;
    unsigned char digest[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    digest_sha256("abc", 3, digest); /* FIPS 180-4 example */
    digest_hex(digest, sizeof digest, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256("", 0, digest);
    digest_hex(digest, sizeof digest, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void names_by_uuid(void **state)
{
    (void)state;
    char uuid[DIGEST_UUID_TEXT];
    /* RFC 4122 appendix B name space of DNS names, known value of "www.example.com" */
    digest_uuid5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com", uuid);
    assert_string_equal(uuid, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    char other[DIGEST_UUID_TEXT];
    digest_uuid5("urn:any:text", "a", uuid);
    digest_uuid5("urn:any:text", "b", other);
    assert_string_not_equal(uuid, other);
    assert_int_equal(uuid[14], '5');
    assert_int_equal(strlen(uuid), 36);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_as_the_standard_says),
        cmocka_unit_test(names_by_uuid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
