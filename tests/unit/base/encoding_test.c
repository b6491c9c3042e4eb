/* encoding: what is no UTF-8 is told by the name that its program gives it. */
#include "base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LITERAL(text) text, sizeof(text) - 1

static void tells_encodings_apart(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *part;
    } rows[] = {
        {LITERAL("name\nN\xfa\xf1"
                 "ez"),
         "Windows-1252"},
        {LITERAL("\x93quoted\x94"), "Windows-1252"},
        {LITERAL("\xff\xfe{\0\"\0"), "UTF-16"},
        {LITERAL("\xfe\xff\0{"), "UTF-16"},
        {LITERAL("a\0b"), "NUL"},
        {LITERAL("a\x81z"), "not UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_non_null(strstr(encoding_found(rows[i].text, rows[i].length), rows[i].part));
    assert_null(strstr(encoding_found(LITERAL("a\x81z")), "Windows"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_encodings_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
