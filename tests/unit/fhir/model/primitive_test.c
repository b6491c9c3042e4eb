/* primitive: the lexical rule of each type, right values and wrong ones. */
#include "fhir/model/primitive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct primitive_fault *check(enum definition_primitive primitive, const char *text)
{
    return primitive_check(primitive, text, strlen(text));
}

static bool is_right(enum definition_primitive primitive, const char *text)
{
    const struct primitive_fault *fault = check(primitive, text);
    return fault == NULL || fault->is_warning;
}

struct values {
    enum definition_primitive primitive;
    const char *right[12]; /* up to the first NULL */
    const char *wrong[20];
};

static const struct values table[] = {
    {PRIMITIVE_DATE,
     {"2020", "2020-02", "2020-02-29", "1905-08-23", "0001-01-01"},
     {"", "20", "2020-", "2020-13", "2020-00", "2021-02-29", "1900-02-29", "2020-04-31", "2020-1-5",
      "2020-02-29T", "20200229", "0000", "2020-02-29 ", "2020-02-00"}},
    {PRIMITIVE_DATETIME,
     {"2020", "2020-02", "2020-02-29", "2020-02-29T23:59:59Z", "2020-02-29T00:00:00.123456+14:00",
      "2016-12-31T23:59:60Z", "2020-02-29T00:00:00-05:30"},
     {"2020-02T10:00:00Z", "2020-02-29T10:00:00", "2020-02-29T10:00Z", "2020-02-29T24:00:00Z",
      "2020-02-29T10:60:00Z", "2020-02-29T10:00:61Z", "2020-02-29T10:00:00+14:01",
      "2020-02-29T10:00:00.Z", "2020-02-29T10:00:00Zx", "2020-02-29t10:00:00z",
      "2020-02-29 10:00:00Z", "2021-02-29T10:00:00Z", "2020-02-29T10:00:00+0530"}},
    {PRIMITIVE_INSTANT,
     {"2020-02-29T23:59:59Z", "2020-02-29T23:59:59.1+01:00"},
     {"2020", "2020-02-29", "2020-02-29T23:59:59", "2020-02-30T23:59:59Z", ""}},
    {PRIMITIVE_TIME,
     {"00:00:00", "23:59:59", "12:30:00.5", "23:59:60"},
     {"24:00:00", "12:30", "12:30:00.", "1:30:00", "12:30:00Z", "", "12:60:00"}},
    {PRIMITIVE_INTEGER,
     {"0", "-1", "2147483647", "-2147483648", "-0"},
     {"2147483648", "-2147483649", "1.0", "1e3", "99999999999999999999"}},
    {PRIMITIVE_UNSIGNEDINT, {"0", "2147483647"}, {"-1", "2147483648", "0.5"}},
    {PRIMITIVE_POSITIVEINT, {"1", "2147483647"}, {"0", "-1", "2147483648", "1e2"}},
    {PRIMITIVE_DECIMAL, {"0", "-0.010", "1e400", "1.00", "123456789012345678901"}, {NULL}},
    {PRIMITIVE_STRING, {"a", " a ", "\xc3\xa9", "a\nb"}, {""}},
    {PRIMITIVE_MARKDOWN, {"# a\n\n* b"}, {""}},
    {PRIMITIVE_CODE,
     {"a", "a b", "a-b", "\xc3\xa9 \xc3\xa9"},
     {"", " a", "a ", "a  b", "\t", "a\n b", "a\tb"}},
    {PRIMITIVE_CODE, /* a no-break space binds, but is no code; em space, next line, zero width */
     {"\xe7\x97\x9b", "CHEST\xc2\xa0", "a\xe2\x80\xaf\xc3\xa9"},
     {"\xc2\xa0", "\xe2\x80\x83", "\xe3\x80\x80\xe3\x80\x80", "\xc2\x85", "\xef\xbb\xbf",
      "\xc2\xa0 \xc2\xa0", "\xc3\xa9\xe2\x80\x83", "a\xe2\x80\x83\xc3\xa9"}},
    {PRIMITIVE_ID,
     {"a", "A-1.b", "1234567890123456789012345678901234567890123456789012345678901234"},
     {"", "a b", "a_b", "a/b", "\xc3\xa9",
      "12345678901234567890123456789012345678901234567890123456789012345"}},
    {PRIMITIVE_BASE64BINARY,
     {"AAAA", "AAA=", "AA==", "AAAA AAAA", "AA\nAA"},
     {"", "A", "AAAAA", "A===", "AA=A", "####", "=", " "}},
    {PRIMITIVE_URI,
     {"http://example.org/a", "urn:oid:2.16.840", "a/b",
      "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "Patient/1", "#a"},
     {"", "a b", "http://example.org/a b", "urn:uuid:53fefa32", "oid:1.2", "uuid:1",
      "urn:uuid:53FEFA32-fcbb-4ff8-8a92-55ee120877b7", "urn:oid:3.1", "urn:oid:1.02",
      "urn:oid:1.2.", "urn:oid:1"}},
    {PRIMITIVE_CANONICAL, {"http://a/b|1.0", "#x"}, {"", "a b", "Questionnaire/1"}},
    {PRIMITIVE_OID, {"urn:oid:1.2.3", "urn:oid:2.16.0.1"}, {"", "1.2.3", "urn:oid:1.a"}},
    {PRIMITIVE_UUID,
     {"urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"},
     {"", "53fefa32-fcbb-4ff8-8a92-55ee120877b7", "urn:uuid:53fefa32-fcbb-4ff8-8a92"}},
};

static void takes_right_values_and_refuses_wrong_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct values *values = &table[i];
        for (size_t j = 0; j < 12 && values->right[j] != NULL; j++) {
            if (!is_right(values->primitive, values->right[j]))
                fail_msg("type %d refuses %s", values->primitive, values->right[j]);
        }
        for (size_t j = 0; j < 20 && values->wrong[j] != NULL; j++) {
            if (is_right(values->primitive, values->wrong[j]))
                fail_msg("type %d takes \"%s\"", values->primitive, values->wrong[j]);
            assert_non_null(check(values->primitive, values->wrong[j])->expected);
        }
    }
}

static void warns_of_what_is_legal_but_unwise(void **state)
{
    (void)state;
    assert_true(check(PRIMITIVE_STRING, "  ")->is_warning);
    assert_true(check(PRIMITIVE_STRING, " a")->is_warning);
    assert_true(check(PRIMITIVE_STRING, "a\x01")->is_warning);
    assert_true(check(PRIMITIVE_DECIMAL, "1234567890123456789")->is_warning);
    assert_null(check(PRIMITIVE_DECIMAL, "0.000000000000000000000001"));
    assert_null(check(PRIMITIVE_MARKDOWN, "    code"));
    assert_null(check(PRIMITIVE_BOOLEAN, "anything"));
}

static void limits_texts_to_a_megabyte(void **state)
{
    (void)state;
    char *text = malloc(1048578);
    assert_non_null(text);
    memset(text, 'a', 1048577);
    text[1048577] = '\0';
    assert_false(is_right(PRIMITIVE_STRING, text));
    text[1048576] = '\0';
    assert_true(is_right(PRIMITIVE_STRING, text));
    free(text);
}

static void orders_dates(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        int order; /* 2: cannot be told */
    } rows[] = {
        {"2020", "2021", -1},
        {"2020-05", "2020-04", 1},
        {"2020-05-01", "2020-05-01", 0},
        {"2020", "2020-05", 2},
        {"2020-05-01", "2020-05-01T10:00:00Z", 2},
        {"2020-05-02", "2020-05-01T10:00:00Z", 1},
        {"2020-05-01T10:00:00Z", "2020-05-01T12:00:00+02:00", 0},
        {"2020-05-01T10:00:00Z", "2020-05-01T12:00:00+01:00", -1},
        {"2020-05-01T10:00:00.5Z", "2020-05-01T10:00:00.49Z", 1},
        {"2020-05-01T10:00:00.50Z", "2020-05-01T10:00:00.5Z", 0},
        {"2020-05-01T10:00:00Z", "2020-05-01T10:00:00.001Z", -1},
        {"2019-12-31T23:30:00-01:00", "2020-01-01T00:29:59Z", 1},
        {"2020-02-29T00:00:00Z", "2020-03-01T00:00:00Z", -1},
        {"nonsense", "2020", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int order = 99;
        bool told = primitive_date_order(rows[i].one, rows[i].other, &order);
        assert_int_equal(told, rows[i].order != 2);
        if (told)
            assert_int_equal(order, rows[i].order);
    }
}

static void finds_schemes(void **state)
{
    (void)state;
    assert_int_equal(primitive_uri_scheme("http://a"), 5);
    assert_int_equal(primitive_uri_scheme("urn:x"), 4);
    assert_int_equal(primitive_uri_scheme("urn:"), 4);
    assert_int_equal(primitive_uri_scheme("urns:x"), 5);
    assert_int_equal(primitive_uri_scheme("urn"), 0);
    assert_int_equal(primitive_uri_scheme("a/b:c"), 0);
    assert_int_equal(primitive_uri_scheme("1a:b"), 0);
    assert_int_equal(primitive_uri_scheme(""), 0);
}

static bool is_hexadecimal(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_of_id(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.';
}

/* Bytes are looked at sixteen at a time: every byte stands once at every place. */
static void looks_at_every_byte(void **state)
{
    (void)state;
    static const char uuid[] = "urn:uuid:0123abcd-4567-89ef-0a1b-2c3d4e5f6789";
    static const char id[] = "abcdefghijklmnopqrstuvwxyz-.ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    char text[sizeof id];
    for (size_t at = strlen("urn:uuid:"); at < sizeof uuid - 1; at++) {
        for (int c = 1; c < 256; c++) {
            memcpy(text, uuid, sizeof uuid);
            text[at] = (char)c;
            bool fits = uuid[at] == '-' ? c == '-' : is_hexadecimal(c);
            assert_int_equal(is_right(PRIMITIVE_URI, text), fits);
        }
    }
    for (size_t length = 1; length < sizeof id; length++) {
        for (size_t at = 0; at < length; at++) {
            for (int c = 1; c < 256; c++) {
                memcpy(text, id, length);
                text[length] = '\0';
                text[at] = (char)c;
                assert_int_equal(is_right(PRIMITIVE_ID, text), is_of_id(c));
                assert_int_equal(is_right(PRIMITIVE_URL, text),
                                 c > ' ' || c < '\t' || (c > '\r' && c < ' '));
            }
        }
    }
}

/* What is seen to be right at once is right by the rule, and of one byte that is out of place
 * nothing is overlooked. */
static void sees_at_once_only_what_is_right(void **state)
{
    (void)state;
    char text[48];
    for (size_t length = 1; length < sizeof text; length++) {
        for (size_t at = 0; at < length; at++) {
            for (int c = 1; c < 256; c++) {
                memset(text, 'x', length);
                text[length] = '\0';
                text[at] = (char)c;
                bool is_inner_space = c == ' ' && at > 0 && at + 1 < length;
                assert_int_equal(primitive_is_plain_string(text, length),
                                 (c > ' ' && (at > 0 || c < 0x80)) || is_inner_space);
                assert_int_equal(primitive_is_one_word(text, length), c > ' ');
                if (primitive_is_plain_string(text, length)) {
                    assert_true(is_right(PRIMITIVE_STRING, text));
                    assert_true(is_right(PRIMITIVE_MARKDOWN, text));
                }
                if (primitive_is_one_word(text, length)) {
                    if (c < 0x80) /* above, one byte alone is no text */
                        assert_true(is_right(PRIMITIVE_CODE, text));
                    assert_true(is_right(PRIMITIVE_URI, text));
                }
            }
        }
    }
    assert_false(primitive_is_plain_string("", 0));
    assert_false(primitive_is_one_word("", 0));
}

static void knows_uuids_and_the_web(void **state)
{
    (void)state;
    static const char uuid[] = "urn:uuid:0123abcd-4567-89ef-0a1b-2c3d4e5f6789#a";
    const size_t length = sizeof uuid - sizeof "#a";
    char text[sizeof uuid] = "";
    assert_true(primitive_is_uuid_urn(uuid, length));
    assert_false(primitive_is_uuid_urn(uuid, length + 2));
    assert_false(primitive_is_uuid_urn(uuid, length - 1));
    for (size_t at = 0; at < length; at++) {
        memcpy(text, uuid, length);
        text[at] = 'X';
        assert_false(primitive_is_uuid_urn(text, length));
    }
    assert_true(primitive_is_web_uri("http:"));
    assert_true(primitive_is_web_uri("https://a"));
    assert_false(primitive_is_web_uri("httpx:"));
    assert_false(primitive_is_web_uri("https"));
    assert_false(primitive_is_web_uri("htt"));
    assert_false(primitive_is_web_uri(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_right_values_and_refuses_wrong_ones),
        cmocka_unit_test(warns_of_what_is_legal_but_unwise),
        cmocka_unit_test(limits_texts_to_a_megabyte),
        cmocka_unit_test(orders_dates),
        cmocka_unit_test(finds_schemes),
        cmocka_unit_test(looks_at_every_byte),
        cmocka_unit_test(sees_at_once_only_what_is_right),
        cmocka_unit_test(knows_uuids_and_the_web),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
