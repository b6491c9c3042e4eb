/* narrative: text into XHTML and back to plain text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "fhir/narrative/narrative.h"

static void text_is_escaped(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct narrative narrative = narrative_start(&arena);
    (void)state;
    narrative_paragraph(&narrative, "A&B", "1 < 2 > 0 & \"quoted\"\nnext\x01 line");
    narrative_list(&narrative, NULL);
    narrative_item(&narrative, "<script>x</script>");
    narrative_end_list(&narrative);
    struct json *element = narrative_element(&arena, &narrative);
    assert_string_equal(json_get_text(element, "status"), "generated");
    assert_string_equal(json_get_text(element, "div"),
                        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>A&amp;B:</b> 1 &lt; 2 "
                        "&gt; 0 &amp; \"quoted\"<br/>next line</p><ul><li>&lt;script&gt;x"
                        "&lt;/script&gt;</li></ul></div>");
    arena_free(&arena);
}

static void nothing_readable_is_no_narrative(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct narrative narrative = narrative_start(&arena);
    (void)state;
    narrative_paragraph(&narrative, NULL, "  ");
    narrative_paragraph(&narrative, NULL, NULL);
    assert_null(narrative_element(&arena, &narrative));
    arena_free(&arena);
}

static void plain_text_comes_back(void **state)
{
    struct arena arena = ARENA_EMPTY;
    (void)state;
    assert_string_equal(narrative_plain(&arena, "<div><p>One &amp; two</p><ul><li>a</li><li>b</li>"
                                                "</ul><table><tr><td>x</td><td>y</td></tr></table>"
                                                "</div>"),
                        "One & two\na\nb\nx y ");
    assert_string_equal(narrative_plain(&arena, "broken <p"), "broken ");
    assert_string_equal(narrative_plain(&arena, "&unknown; &lt;"), "&unknown; <");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(nothing_readable_is_no_narrative),
        cmocka_unit_test(plain_text_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
