/* xhtml: one pass over a narrative, with a stack of open elements. See xhtml.h. */
#include "fhir/xhtml.h"

#include <string.h>

#include "base/text.h"

#define NAMESPACE "http://www.w3.org/1999/xhtml"

/* Sorted, for bsearch. */
static const char *const elements[] = {
    "a",  "abbr",    "acronym", "address", "area",   "b",        "bdo", "big",   "blockquote",
    "br", "caption", "cite",    "code",    "col",    "colgroup", "dd",  "dfn",   "div",
    "dl", "dt",      "em",      "h1",      "h2",     "h3",       "h4",  "h5",    "h6",
    "hr", "i",       "img",     "kbd",     "li",     "map",      "ol",  "p",     "pre",
    "q",  "samp",    "small",   "span",    "strong", "sub",      "sup", "table", "tbody",
    "td", "tfoot",   "th",      "thead",   "tr",     "tt",       "ul",  "var"};

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

struct name {
    const char *at;
    size_t length;
};

struct reader {
    struct arena *arena;
    const char *start;
    const char *at;
    struct name open[XHTML_DEPTH_MAX];
    int depth;
    bool has_content; /* some text that is not white space, or an image */
    bool done;        /* the outermost element is closed */
    struct xhtml_fault *fault;
};

static bool fail(struct reader *reader, const char *key, const char *found, const char *expected)
{
    *reader->fault = (struct xhtml_fault){.key = key,
                                          .found = found,
                                          .expected = expected,
                                          .offset = (size_t)(reader->at - reader->start)};
    return false;
}

static bool malformed(struct reader *reader, const char *found)
{
    return fail(reader, NULL, found, "well-formed XHTML");
}

/* Order of NAME and WORD; most words differ in their first letter. */
static int compare_word(struct name name, const char *word)
{
    if (name.at[0] != word[0])
        return (unsigned char)name.at[0] < (unsigned char)word[0] ? -1 : 1;
    int order = strncmp(name.at, word, name.length);
    return order != 0 ? order : -(word[name.length] != '\0');
}

static bool is_in(struct name name, const char *const *words, size_t count)
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

static bool name_is(struct name name, const char *word)
{
    return name.at[0] == word[0] && strlen(word) == name.length &&
           memcmp(name.at, word, name.length) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct reader *reader)
{
    while (is_space(*reader->at))
        reader->at++;
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static struct name take_name(struct reader *reader)
{
    struct name name = {reader->at, 0};
    if (!is_name_start(*reader->at))
        return name;
    while (is_name_start(*reader->at) || (*reader->at >= '0' && *reader->at <= '9') ||
           *reader->at == '-' || *reader->at == '.' || *reader->at == ':')
        reader->at++;
    name.length = (size_t)(reader->at - name.at);
    return name;
}

/* A name as people may see it: short and plain, else only a word for it. */
static const char *shown(const struct reader *reader, struct name name)
{
    if (name.length > 40)
        return "with a long name";
    return arena_print(reader->arena, "%.*s", (int)name.length, name.at);
}

/* &name; &#1; &#x1; at *reader->at. */
static bool take_entity(struct reader *reader)
{
    const char *at = reader->at + 1;
    size_t length;
    if (*at == '#' && (at[1] == 'x' || at[1] == 'X')) {
        at += 2;
        length = strspn(at, "0123456789abcdefABCDEF");
    } else if (*at == '#') {
        at += 1;
        length = strspn(at, "0123456789");
    } else {
        length = strspn(at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    }
    if (length == 0 || length > 16 || at[length] != ';')
        return malformed(reader, "an & that is not written as &amp;");
    reader->at = at + length + 1;
    return true;
}

/* ---- attributes ---- */

static bool is_active_link(struct name value)
{
    static const char *const schemes[] = {"javascript:", "vbscript:", "data:text"};
    while (value.length > 0 && is_space(*value.at)) {
        value.at++;
        value.length--;
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);
        if (value.length >= length && strncasecmp(value.at, schemes[i], length) == 0)
            return true;
    }
    return false;
}

static bool take_value(struct reader *reader, struct name *ret_value)
{
    char quote = *reader->at;
    if (quote != '"' && quote != '\'')
        return malformed(reader, "an attribute value without quotation marks");
    const char *start = ++reader->at;
    while (*reader->at != quote) {
        if (*reader->at == '\0' || *reader->at == '<')
            return malformed(reader, "an attribute value that does not end");
        if (*reader->at != '&')
            reader->at++;
        else if (!take_entity(reader))
            return false;
    }
    *ret_value = (struct name){start, (size_t)(reader->at - start)};
    reader->at++;
    return true;
}

static bool may_have(struct name element, struct name attribute)
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
    struct name name = {both, element.length + 1 + attribute.length};
    both[name.length] = '\0';
    return is_in(name, element_attributes, sizeof element_attributes / sizeof *element_attributes);
}

static bool check_attribute(struct reader *reader, struct name element, struct name attribute,
                            struct name value)
{
    if (!may_have(element, attribute))
        return fail(reader, "txt-1",
                    arena_print(reader->arena, "the attribute %s on <%s>", shown(reader, attribute),
                                shown(reader, element)),
                    "only the attributes that a FHIR narrative may use");
    if (name_is(attribute, "xmlns") && !name_is(value, NAMESPACE))
        return fail(reader, NULL, "another namespace than XHTML's", "xmlns=\"" NAMESPACE "\"");
    bool is_link = name_is(attribute, "href") || name_is(attribute, "src");
    if (is_link && is_active_link(value))
        return fail(reader, "txt-1", "a link that runs a program", "a plain link");
    return true;
}

/* All attributes up to `>` or `/>`; tells whether one of them was xmlns. */
static bool take_attributes(struct reader *reader, struct name element, bool *ret_has_namespace)
{
    *ret_has_namespace = false;
    for (;;) {
        bool spaced = is_space(*reader->at);
        skip_space(reader);
        if (*reader->at == '>' || *reader->at == '/')
            return true;
        struct name attribute = take_name(reader);
        if (attribute.length == 0 || !spaced)
            return malformed(reader, "a tag that does not end");
        skip_space(reader);
        if (*reader->at != '=')
            return malformed(reader, "an attribute without a value");
        reader->at++;
        skip_space(reader);
        struct name value;
        if (!take_value(reader, &value) || !check_attribute(reader, element, attribute, value))
            return false;
        *ret_has_namespace = *ret_has_namespace || name_is(attribute, "xmlns");
    }
}

/* ---- tags ---- */

static bool check_element(struct reader *reader, struct name name)
{
    if (reader->done)
        return malformed(reader, "a second outermost element");
    if (reader->depth == 0 && !name_is(name, "div"))
        return fail(reader, NULL, "an outermost element that is no <div>", "one <div>");
    if (!is_in(name, elements, sizeof elements / sizeof *elements))
        return fail(reader, "txt-1",
                    arena_print(reader->arena, "the element <%s>", shown(reader, name)),
                    "only the elements that a FHIR narrative may use");
    if (reader->depth == XHTML_DEPTH_MAX)
        return malformed(reader, "too many levels of elements");
    reader->has_content = reader->has_content || name_is(name, "img");
    return true;
}

static bool take_open_tag(struct reader *reader)
{
    const char *start = reader->at++;
    struct name name = take_name(reader);
    if (name.length == 0) {
        reader->at = start;
        return malformed(reader, "a < that is not written as &lt;");
    }
    bool has_namespace;
    if (!check_element(reader, name) || !take_attributes(reader, name, &has_namespace))
        return false;
    if (reader->depth == 0 && !has_namespace)
        return fail(reader, NULL, "a <div> without namespace", "xmlns=\"" NAMESPACE "\"");
    bool is_empty = *reader->at == '/';
    reader->at += is_empty;
    if (*reader->at != '>')
        return malformed(reader, "a tag that does not end");
    reader->at++;
    if (!is_empty)
        reader->open[reader->depth++] = name;
    else if (reader->depth == 0)
        reader->done = true;
    return true;
}

static bool take_close_tag(struct reader *reader)
{
    reader->at += 2;
    struct name name = take_name(reader);
    skip_space(reader);
    if (*reader->at != '>')
        return malformed(reader, "a closing tag that does not end");
    struct name open = {"", 0};
    if (reader->depth > 0)
        open = reader->open[reader->depth - 1];
    if (open.length != name.length || memcmp(open.at, name.at, name.length) != 0)
        return malformed(reader, arena_print(reader->arena, "</%s> where <%s> is open",
                                             shown(reader, name), shown(reader, open)));
    reader->at++;
    reader->depth--;
    reader->done = reader->depth == 0;
    return true;
}

/* Moves behind END, which closes a comment or the like that starts here. */
static bool skip_to(struct reader *reader, const char *end)
{
    const char *found = strstr(reader->at, end);
    if (found == NULL)
        return malformed(reader, "a comment that does not end");
    reader->at = found + strlen(end);
    return true;
}

static bool take_markup(struct reader *reader)
{
    if (reader->at[1] == '/')
        return take_close_tag(reader);
    if (reader->at[1] != '!' && reader->at[1] != '?')
        return take_open_tag(reader);
    if (text_starts(reader->at, "<!--"))
        return skip_to(reader, "-->");
    if (text_starts(reader->at, "<![CDATA[") && reader->depth > 0) {
        reader->has_content = true;
        return skip_to(reader, "]]>");
    }
    if (text_starts(reader->at, "<?") && reader->depth == 0)
        return skip_to(reader, "?>");
    return fail(reader, "txt-1", "a declaration", "elements and text only");
}

static bool take_text(struct reader *reader)
{
    if (*reader->at == '&') {
        reader->has_content = true;
        return reader->depth > 0 ? take_entity(reader) : malformed(reader, "text beside the <div>");
    }
    size_t length = strcspn(reader->at, "<&");
    for (size_t i = 0; i < length && (!reader->has_content || reader->depth == 0); i++) {
        if (is_space(reader->at[i]))
            continue;
        if (reader->depth == 0)
            return malformed(reader, "text beside the <div>");
        reader->has_content = true;
    }
    reader->at += length;
    return true;
}

bool xhtml_check(struct arena *arena, const char *text, struct xhtml_fault *ret_fault)
{
    struct reader reader = {.arena = arena, .start = text, .at = text, .fault = ret_fault};
    while (*reader.at != '\0') {
        if (!(*reader.at == '<' ? take_markup(&reader) : take_text(&reader)))
            return false;
    }
    if (!reader.done)
        return malformed(&reader, reader.depth == 0 ? "no <div>" : "an element that is not closed");
    if (!reader.has_content)
        return fail(&reader, "txt-2", "a narrative without anything to read", "text or an image");
    return true;
}
