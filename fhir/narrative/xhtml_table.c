/* xhtml_table: sorted tables and binary search. See xhtml_table.h. */
#include "fhir/narrative/xhtml_table.h"

#include <string.h>

static const struct xhtml_element elements[] = {
    /* sorted by name */
    {"a", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"abbr", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"acronym", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"address", XHTML_PARAGRAPH, NULL, NULL},
    {"area", XHTML_EMPTY, NULL, NULL},
    {"b", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"bdo", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"big", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"blockquote", XHTML_NOT_IN_P, NULL, NULL},
    {"br", XHTML_EMPTY, NULL, NULL},
    {"caption", XHTML_PARAGRAPH, "table", NULL},
    {"cite", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"code", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"col", 0, "colgroup table", NULL},
    {"colgroup", 0, "table", NULL},
    {"dd", XHTML_PARAGRAPH, "dl", NULL},
    {"dfn", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"div", XHTML_BLOCK, NULL, NULL},
    {"dl", 0, NULL, "dd dt"},
    {"dt", XHTML_PARAGRAPH, "dl", NULL},
    {"em", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"h1", XHTML_PARAGRAPH, NULL, NULL},
    {"h2", XHTML_PARAGRAPH, NULL, NULL},
    {"h3", XHTML_PARAGRAPH, NULL, NULL},
    {"h4", XHTML_PARAGRAPH, NULL, NULL},
    {"h5", XHTML_PARAGRAPH, NULL, NULL},
    {"h6", XHTML_PARAGRAPH, NULL, NULL},
    {"hr", XHTML_EMPTY, NULL, NULL},
    {"i", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"img", XHTML_EMPTY, NULL, NULL},
    {"kbd", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"li", 0, "ul ol", NULL},
    {"map", 0, NULL, "area"},
    {"ol", XHTML_BLOCK, NULL, "li"},
    {"p", XHTML_PARAGRAPH | XHTML_NOT_IN_P, NULL, NULL},
    {"pre", XHTML_PARAGRAPH | XHTML_BLOCK, NULL, NULL},
    {"q", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"samp", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"small", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"span", XHTML_PARAGRAPH, NULL, NULL},
    {"strong", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"sub", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"sup", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"table", XHTML_BLOCK, NULL, "tbody tr caption thead tfoot col colgroup"},
    {"tbody", 0, "table", "tr"},
    {"td", 0, "tr thead tfoot", NULL},
    {"tfoot", 0, "table", "tr"},
    {"th", 0, "tr thead tfoot", NULL},
    {"thead", 0, "table", "tr"},
    {"tr", 0, "table thead tfoot tbody", "td th"},
    {"tt", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
    {"ul", XHTML_BLOCK, NULL, "li"},
    {"var", XHTML_PARAGRAPH | XHTML_ONCE, NULL, NULL},
};

static const char *const attributes[] = {
    "abbr",     "accesskey", "align",  "axis",  "char",     "charoff",  "class", "colspan",
    "dir",      "headers",   "id",     "lang",  "rowspan",  "scope",    "span",  "style",
    "tabindex", "title",     "valign", "width", "xml:lang", "xml:space"};

static const char *const element_attributes[] = {"a.charset",
                                                 "a.coords",
                                                 "a.href",
                                                 "a.hreflang",
                                                 "a.name",
                                                 "a.rel",
                                                 "a.rev",
                                                 "a.shape",
                                                 "a.type",
                                                 "area.alt",
                                                 "area.coords",
                                                 "area.href",
                                                 "area.nohref",
                                                 "area.shape",
                                                 "blockquote.cite",
                                                 "img.alt",
                                                 "img.border",
                                                 "img.height",
                                                 "img.ismap",
                                                 "img.longdesc",
                                                 "img.src",
                                                 "img.usemap",
                                                 "img.width",
                                                 "map.name",
                                                 "pre.space",
                                                 "q.cite",
                                                 "table.border",
                                                 "table.cellpadding",
                                                 "table.cellspacing",
                                                 "table.frame",
                                                 "table.rules",
                                                 "table.summary",
                                                 "table.width",
                                                 "td.nowrap"};

/* Order of NAME and WORD; most words differ in their first letter. */
static int compare_word(struct xhtml_span name, const char *word)
{
    if (name.at[0] != word[0])
        return (unsigned char)name.at[0] < (unsigned char)word[0] ? -1 : 1;
    int order = strncmp(name.at, word, name.length);
    return order != 0 ? order : -(word[name.length] != '\0');
}

static bool is_in(struct xhtml_span name, const char *const *words, size_t count)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_word(name, words[middle]);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

const struct xhtml_element *xhtml_find_element(struct xhtml_span name)
{
    size_t low = 0;
    size_t high = sizeof elements / sizeof *elements;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_word(name, elements[middle].name);
        if (order == 0)
            return &elements[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool xhtml_may_have(struct xhtml_span element, struct xhtml_span attribute)
{
    if (is_in(attribute, attributes, sizeof attributes / sizeof *attributes))
        return true;
    if (attribute.length >= 5 && memcmp(attribute.at, "xmlns", 5) == 0)
        return true;
    char both[32];
    if (element.length + attribute.length + 1 >= sizeof both)
        return false;
    memcpy(both, element.at, element.length);
    both[element.length] = '.';
    memcpy(both + element.length + 1, attribute.at, attribute.length);
    struct xhtml_span name = {both, element.length + 1 + attribute.length};
    both[name.length] = '\0';
    return is_in(name, element_attributes, sizeof element_attributes / sizeof *element_attributes);
}
