/* xhtml: what a narrative may hold and what it may not. */
#include "fhir/narrative/xhtml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIV "<div xmlns=\"http://www.w3.org/1999/xhtml\">"

static bool check(const char *text, struct xhtml_fault *fault)
{
    static struct arena arena;
    arena_reset(&arena);
    memset(fault, 0, sizeof *fault);
    struct xhtml_name *links;
    return xhtml_check(&arena, text, &links, fault);
}

static void takes_the_safe_subset(void **state)
{
    (void)state;
    static const char *const texts[] = {
        DIV "text</div>",
        DIV "<p class='a' style=\"color: red\">a &amp; b &#39; &#160; &#xe9; "
            "&lt;&gt;&quot;&apos;</p></div>",
        DIV "<table border=\"1\"><tbody><tr><td nowrap=\"nowrap\" colspan=\"2\">1</td></tr>"
            "</tbody></table></div>",
        DIV "<img src=\"#a\" alt=\"b\"/></div>",
        DIV "<a href=\"http://example.org\" name='x'>a</a><br/><hr /></div>",
        DIV "<!-- <script> -->text</div>",
        "<x:div xmlns:x=\"http://www.w3.org/1999/xhtml\"><x:p>text</x:p></x:div>",
        DIV "<![CDATA[a < b]]></div>",
        "<?xml version=\"1.0\"?> \n" DIV "\xc3\xa9</div>\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct xhtml_fault fault;
        if (!check(texts[i], &fault))
            fail_msg("%s: %s", texts[i], fault.found);
    }
}

static void knows_every_element_and_attribute_of_the_narrative_page(void **state)
{
    (void)state;
    static const char elements[] =
        "a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn "
        "div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub "
        "sup table tbody td tfoot th thead tr tt ul var";
    static const char attributes[] =
        "abbr accesskey align axis char charoff class colspan dir headers id lang rowspan scope "
        "span style tabindex title valign width xml:lang xml:space xmlns:x";
    static const char pairs[] =
        "a.charset a.coords a.href a.hreflang a.name a.rel a.rev a.shape a.type area.alt "
        "area.coords area.href area.nohref area.shape blockquote.cite img.alt img.border "
        "img.height img.ismap img.longdesc img.src img.usemap img.width map.name pre.space q.cite "
        "table.border table.cellpadding table.cellspacing table.frame table.rules table.summary "
        "table.width td.nowrap";
    const struct {
        const char *words, *format;
    } lists[] = {{elements, DIV "<%s/>x</div>"}, {attributes, DIV "<p %s=\"1\">x</p></div>"}};
    char word[40];
    char text[300];
    struct xhtml_fault fault;
    int used;
    for (size_t i = 0; i < 2; i++) {
        for (const char *at = lists[i].words; sscanf(at, "%39s%n", word, &used) == 1; at += used) {
            size_t length = 0;
            const char *hole = strstr(lists[i].format, "%s");
            length = (size_t)snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - lists[i].format),
                                      lists[i].format, word, hole + 2);
            assert_true(length < sizeof text);
            bool is_known = check(text, &fault) || strncmp(fault.found, "<", 1) == 0;
            if (!is_known) /* "<td> inside <div>" is known, too */
                fail_msg("%s: %s", text, fault.found);
        }
    }
    for (const char *at = pairs; sscanf(at, "%39s%n", word, &used) == 1; at += used) {
        char *point = strchr(word, '.');
        *point = '\0';
        bool is_cell = strcmp(word, "td") == 0;
        snprintf(text, sizeof text, DIV "%s<%s %s=\"1\"/>%s x</div>", is_cell ? "<table><tr>" : "",
                 word, point + 1, is_cell ? "</tr></table>" : "");
        if (!check(text, &fault))
            fail_msg("%s: %s", text, fault.found);
    }
}

static void refuses_everything_else(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key; /* key NULL: not well-formed or no narrative at all */
    } cases[] = {
        {"", NULL},
        {"text", NULL},
        {"<div>no namespace</div>", NULL},
        {"<div xmlns=\"http://example.org\">x</div>", NULL},
        {"<p xmlns=\"http://www.w3.org/1999/xhtml\">x</p>", NULL},
        {DIV "x", NULL},
        {DIV "x</div><div/>", NULL},
        {DIV "x</div>y", NULL},
        {DIV "<p>x</div>", NULL},
        {DIV "<b>x</i></div>", NULL},
        {DIV "a & b</div>", NULL},
        {DIV "a &nope</div>", NULL},
        {DIV "a < b</div>", NULL},
        {DIV "<p class=a>x</p></div>", NULL},
        {DIV "<p class>x</p></div>", NULL},
        {DIV "<p class=\"a\"id=\"b\">x</p></div>", NULL},
        {DIV "<!-- x</div>", NULL},
        {DIV "a&nbsp;b</div>", NULL},
        {DIV "a&#xzz;b</div>", NULL},
        {DIV "<p><div>x</div></p></div>", NULL},
        {DIV "<p><b><table><tr><td>x</td></tr></table></b></p></div>", NULL},
        {DIV "<p><p>x</p></p></div>", NULL},
        {DIV "<b>x<i><b>y</b></i></b></div>", NULL},
        {DIV "<ul><p>x</p></ul></div>", NULL},
        {DIV "<li>x</li></div>", NULL},
        {DIV "<tr><td>x</td></tr></div>", NULL},
        {DIV "<table><td>x</td></table></div>", NULL},
        {DIV "<br><b>x</b></br></div>", NULL},
        {DIV "<p", NULL},
        {DIV "<p class=\"", NULL},
        {DIV "</p></div></div>", NULL},
        {DIV "<script>x</script></div>", "txt-1"},
        {DIV "<P>x</P></div>", "txt-1"},
        {"<x:div xmlns:y=\"http://www.w3.org/1999/xhtml\">x</x:div>", NULL},
        {"<x:div xmlns:x=\"http://example.org\">x</x:div>", NULL},
        {"<x:div xmlns=\"http://www.w3.org/1999/xhtml\">x</x:div>", NULL},
        {"<x:div xmlns:x=\"http://www.w3.org/1999/xhtml\"><y:p>x</y:p></x:div>", "txt-1"},
        {"<x:div xmlns:x=\"http://www.w3.org/1999/xhtml\"><x:script/></x:div>", "txt-1"},
        {"<:div>x</:div>", NULL},
        {DIV "<form/>x</div>", "txt-1"},
        {DIV "<iframe src=\"x\"/>x</div>", "txt-1"},
        {DIV "<p onclick=\"x\">x</p></div>", "txt-1"},
        {DIV "<p href=\"x\">x</p></div>", "txt-1"},
        {DIV "<a href=\"javascript:x\">x</a></div>", "txt-1"},
        {DIV "<a href=\" JavaScript:x\">x</a></div>", "txt-1"},
        {DIV "<!DOCTYPE x>x</div>", "txt-1"},
        {DIV "<?php x?>x</div>", "txt-1"},
        {DIV "<p id=\"a\" class=\"b\" id=\"c\">x</p></div>", NULL},
        {DIV "a&#0;</div>", NULL},
        {DIV "a&#xd800;</div>", NULL},
        {DIV "a&#xfffe;</div>", NULL},
        {DIV "a&#x110000;</div>", NULL},
        {DIV "<a href=\"\">x</a></div>", NULL},
        {DIV "<a href=\"http://example.org/a b\">x</a></div>", NULL},
        {DIV "</div>", "txt-2"},
        {DIV " \n <p> </p></div>", "txt-2"},
        {DIV "\v</div>", "txt-2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xhtml_fault fault;
        if (check(cases[i].text, &fault))
            fail_msg("taken: %s", cases[i].text);
        assert_non_null(fault.found);
        if (cases[i].key == NULL)
            assert_null(fault.key);
        else
            assert_string_equal(fault.key, cases[i].key);
    }
}

static void refuses_too_many_levels(void **state)
{
    (void)state;
    char text[4096] = DIV;
    for (int i = 0; i < XHTML_DEPTH_MAX; i++)
        strcat(text, "<span>");
    struct xhtml_fault fault;
    assert_false(check(text, &fault));
    assert_string_equal(fault.found, "too many levels of elements");
}

static void refuses_too_many_attributes(void **state)
{
    (void)state;
    char text[4096] = DIV "<p";
    for (int i = 0; i <= XHTML_ATTRIBUTES_MAX; i++)
        sprintf(text + strlen(text), " xmlns:a%d=\"x\"", i);
    strcat(text, ">x</p></div>");
    struct xhtml_fault fault;
    assert_false(check(text, &fault));
    assert_string_equal(fault.found, "too many attributes on one element");
}

static bool has_name(const struct xhtml_name *names, const char *text)
{
    while (names != NULL && strcmp(names->text, text) != 0)
        names = names->next;
    return names != NULL;
}

static void tells_links_and_what_they_may_point_at(void **state)
{
    (void)state;
    static struct arena arena;
    static const char text[] =
        DIV "<p id=\"a\">href=\"#no\"</p><a name='b' href=\"#a\">x</a>"
            "<a href=\"#\">y</a><a href=\"c#d\">z</a><img src=\"#e\"/></div>";
    struct xhtml_name *links;
    struct xhtml_fault fault;
    assert_true(xhtml_check(&arena, text, &links, &fault));
    assert_true(has_name(links, "a"));
    assert_true(has_name(links, "e"));
    assert_null(links->next->next);
    struct xhtml_name *anchors = xhtml_anchors(&arena, text);
    assert_true(has_name(anchors, "a"));
    assert_true(has_name(anchors, "b"));
    assert_null(anchors->next->next);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_safe_subset),
        cmocka_unit_test(knows_every_element_and_attribute_of_the_narrative_page),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(refuses_too_many_levels),
        cmocka_unit_test(refuses_too_many_attributes),
        cmocka_unit_test(tells_links_and_what_they_may_point_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
