/* xhtml: one pass over a narrative, with a stack of open elements. See xhtml.h. */
#include "fhir/narrative/xhtml.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fhir/narrative/xhtml_table.h"

#define NAMESPACE "http://www.w3.org/1999/xhtml"

struct reader {
    struct arena *arena;
    const char *start;
    const char *at;
    const struct xhtml_element *open[XHTML_DEPTH_MAX];
    int depth;
    bool has_content;            /* some text that is not white space, or an image */
    bool done;                   /* the outermost element is closed */
    struct xhtml_span prefix;    /* of the outermost element: x of <x:div>; mostly empty */
    struct xhtml_name **links;   /* collected there; NULL: not asked for */
    struct xhtml_name **anchors; /* likewise */
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

/* WORD is one of the words of LIST, which spaces divide. */
static bool is_listed(const char *word, const char *list)
{
    size_t length = strlen(word);
    while (*list != '\0') {
        size_t next = strcspn(list, " ");
        if (next == length && memcmp(list, word, length) == 0)
            return true;
        list += next + (list[next] == ' ');
    }
    return false;
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

static struct xhtml_span take_name(struct reader *reader)
{
    struct xhtml_span name = {reader->at, 0};
    if (!is_name_start(*reader->at))
        return name;
    while (is_name_start(*reader->at) || (*reader->at >= '0' && *reader->at <= '9') ||
           *reader->at == '-' || *reader->at == '.' || *reader->at == ':')
        reader->at++;
    name.length = (size_t)(reader->at - name.at);
    return name;
}

/* A name as people may see it: short and plain, else only a word for it. */
static const char *shown(const struct reader *reader, struct xhtml_span name)
{
    if (name.length > 40)
        return "with a long name";
    return arena_print(reader->arena, "%.*s", (int)name.length, name.at);
}

/* XML 1.0, production Char. */
static bool is_character(unsigned long number)
{
    if (number < 0x20)
        return number == '\t' || number == '\n' || number == '\r';
    return number < 0xD800 || (number >= 0xE000 && number <= 0x10FFFF && (number | 1) != 0xFFFF);
}

/* &amp; &#9; &#x9; at *reader->at. Of named entities there are only those of XML. */
static bool take_entity(struct reader *reader)
{
    static const char *const names[] = {"amp;", "lt;", "gt;", "quot;", "apos;"};
    const char *at = reader->at + 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_starts(at, names[i])) {
            reader->at = at + strlen(names[i]);
            return true;
        }
    }
    if (*at != '#')
        return malformed(reader, "an & that is not written as &amp; or another entity of XML");
    bool hexadecimal = at[1] == 'x' || at[1] == 'X';
    at += hexadecimal ? 2 : 1;
    size_t length = strspn(at, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789");
    if (length == 0 || length > 8 || at[length] != ';')
        return malformed(reader, "a character number that does not end");
    if (!is_character(strtoul(at, NULL, hexadecimal ? 16 : 10)))
        return malformed(reader, "the number of no character");
    reader->at = at + length + 1;
    return true;
}

/* ---- attributes ---- */

static bool is_active_link(struct xhtml_span value)
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

static bool take_value(struct reader *reader, struct xhtml_span *ret_value)
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
    *ret_value = (struct xhtml_span){start, (size_t)(reader->at - start)};
    reader->at++;
    return true;
}

static bool is_space_inside(struct xhtml_span value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (is_space(value.at[i]))
            return true;
    }
    return false;
}

static bool is_web_address(struct xhtml_span value)
{
    return (value.length >= 5 && memcmp(value.at, "http:", 5) == 0) ||
           (value.length >= 6 && memcmp(value.at, "https:", 6) == 0);
}

static bool check_link(struct reader *reader, struct xhtml_span value)
{
    if (is_active_link(value))
        return fail(reader, "txt-1", "a link that runs a program", "a plain link");
    if (value.length == 0)
        return fail(reader, NULL, "a link to nowhere", "where the link leads to");
    if (is_web_address(value) && is_space_inside(value))
        return fail(reader, NULL, "white space in a link", "a link without spaces (write %20)");
    return true;
}

static void note_name(struct reader *reader, struct xhtml_name **names, struct xhtml_span value)
{
    if (names == NULL)
        return;
    struct xhtml_name *name = arena_alloc(reader->arena, sizeof *name);
    *name = (struct xhtml_name){arena_copy_n(reader->arena, value.at, value.length), *names};
    *names = name;
}

/* Remembers where a right attribute points to, and what it can be pointed at by. */
static void note_attribute(struct reader *reader, struct xhtml_span element,
                           struct xhtml_span attribute, struct xhtml_span value)
{
    bool is_link = xhtml_span_is(attribute, "href") || xhtml_span_is(attribute, "src");
    if (is_link && value.length > 1 && value.at[0] == '#')
        note_name(reader, reader->links, (struct xhtml_span){value.at + 1, value.length - 1});
    else if (xhtml_span_is(attribute, "id") ||
             (xhtml_span_is(attribute, "name") && xhtml_span_is(element, "a")))
        note_name(reader, reader->anchors, value);
}

static bool check_attribute(struct reader *reader, struct xhtml_span element,
                            struct xhtml_span attribute, struct xhtml_span value)
{
    if (!xhtml_may_have(element, attribute))
        return fail(reader, "txt-1",
                    arena_print(reader->arena, "the attribute %s on <%s>", shown(reader, attribute),
                                shown(reader, element)),
                    "only the attributes that a FHIR narrative may use");
    if (xhtml_span_is(attribute, "xmlns") && !xhtml_span_is(value, NAMESPACE))
        return fail(reader, NULL, "another namespace than XHTML's", "xmlns=\"" NAMESPACE "\"");
    bool is_link = xhtml_span_is(attribute, "href") || xhtml_span_is(attribute, "src");
    if (is_link && !check_link(reader, value))
        return false;
    note_attribute(reader, element, attribute, value);
    return true;
}

/* SEEN holds COUNT attributes of the element; NAME must be another one. */
static bool check_first_time(struct reader *reader, const struct xhtml_span *seen, size_t count,
                             struct xhtml_span name)
{
    if (count == XHTML_ATTRIBUTES_MAX)
        return malformed(reader, "too many attributes on one element");
    for (size_t i = 0; i < count; i++) {
        if (seen[i].length == name.length && memcmp(seen[i].at, name.at, name.length) == 0)
            return malformed(reader, "an attribute that the element already has");
    }
    return true;
}

/* ATTRIBUTE declares the namespace of the outermost element. */
static bool declares_namespace(const struct reader *reader, struct xhtml_span attribute,
                               struct xhtml_span value)
{
    static const char xmlns[] = "xmlns:";
    size_t length = sizeof xmlns - 1;
    if (reader->prefix.length == 0)
        return xhtml_span_is(attribute, "xmlns");
    return attribute.length == reader->prefix.length + length &&
           memcmp(attribute.at, xmlns, length) == 0 &&
           memcmp(attribute.at + length, reader->prefix.at, reader->prefix.length) == 0 &&
           xhtml_span_is(value, NAMESPACE);
}

/* All attributes up to `>` or `/>`; tells whether one of them was xmlns. */
static bool take_attributes(struct reader *reader, struct xhtml_span element,
                            bool *ret_has_namespace)
{
    struct xhtml_span seen[XHTML_ATTRIBUTES_MAX];
    size_t count = 0;
    *ret_has_namespace = false;
    for (;;) {
        bool spaced = is_space(*reader->at);
        skip_space(reader);
        if (*reader->at == '>' || *reader->at == '/')
            return true;
        struct xhtml_span attribute = take_name(reader);
        if (attribute.length == 0 || !spaced)
            return malformed(reader, "a tag that does not end");
        if (!check_first_time(reader, seen, count, attribute))
            return false;
        seen[count++] = attribute;
        skip_space(reader);
        if (*reader->at != '=')
            return malformed(reader, "an attribute without a value");
        reader->at++;
        skip_space(reader);
        struct xhtml_span value;
        if (!take_value(reader, &value) || !check_attribute(reader, element, attribute, value))
            return false;
        *ret_has_namespace = *ret_has_namespace || declares_namespace(reader, attribute, value);
    }
}

/* ---- tags ---- */

static bool is_open(const struct reader *reader, const struct xhtml_element *element)
{
    for (int i = 0; i < reader->depth; i++) {
        if (reader->open[i] == element)
            return true;
    }
    return false;
}

static bool is_inside(const struct reader *reader, unsigned flag)
{
    for (int i = 0; i < reader->depth; i++) {
        if ((reader->open[i]->flags & flag) != 0)
            return true;
    }
    return false;
}

static bool misplaced(struct reader *reader, const struct xhtml_element *element, const char *where)
{
    return fail(reader, NULL, arena_print(reader->arena, "<%s> inside %s", element->name, where),
                "elements nested as HTML wants them");
}

/* Whether ELEMENT may stand where we are. */
static bool check_nesting(struct reader *reader, const struct xhtml_element *element)
{
    if (reader->depth == 0)
        return true;
    const struct xhtml_element *parent = reader->open[reader->depth - 1];
    bool wrong_parent = element->parents != NULL && !is_listed(parent->name, element->parents);
    bool wrong_child = parent->children != NULL && !is_listed(element->name, parent->children);
    if (wrong_parent || wrong_child || (parent->flags & XHTML_EMPTY) != 0)
        return misplaced(reader, element, arena_print(reader->arena, "<%s>", parent->name));
    if ((element->flags & XHTML_BLOCK) != 0 && is_inside(reader, XHTML_PARAGRAPH))
        return misplaced(reader, element, "a paragraph");
    bool in_p = (element->flags & XHTML_NOT_IN_P) != 0 &&
                is_open(reader, xhtml_find_element((struct xhtml_span){"p", 1}));
    if (in_p || ((element->flags & XHTML_ONCE) != 0 && is_open(reader, element)))
        return misplaced(reader, element, in_p ? "<p>" : "itself");
    return true;
}

/* The element NAME, which opens here; NULL: it may not. */
static const struct xhtml_element *check_element(struct reader *reader, struct xhtml_span name)
{
    const struct xhtml_element *element = xhtml_find_element(name);
    if (reader->done) {
        malformed(reader, "a second outermost element");
    } else if (reader->depth == 0 && !xhtml_span_is(name, "div")) {
        fail(reader, NULL, "an outermost element that is no <div>", "one <div>");
    } else if (element == NULL) {
        fail(reader, "txt-1", arena_print(reader->arena, "the element <%s>", shown(reader, name)),
             "only the elements that a FHIR narrative may use");
    } else if (reader->depth == XHTML_DEPTH_MAX) {
        malformed(reader, "too many levels of elements");
    } else if (check_nesting(reader, element)) {
        reader->has_content = reader->has_content || xhtml_span_is(name, "img");
        return element;
    }
    return NULL;
}

/* The name of an element without the prefix that the outermost one has. */
static struct xhtml_span take_element_name(struct reader *reader)
{
    struct xhtml_span name = take_name(reader);
    if (reader->depth == 0 && !reader->done) {
        const char *colon = name.length == 0 ? NULL : memchr(name.at, ':', name.length);
        size_t length = colon == NULL ? 0 : (size_t)(colon - name.at);
        reader->prefix = (struct xhtml_span){name.at, length};
    }
    size_t length = reader->prefix.length;
    if (length > 0 && name.length > length + 1 && name.at[length] == ':' &&
        memcmp(name.at, reader->prefix.at, length) == 0)
        return (struct xhtml_span){name.at + length + 1, name.length - length - 1};
    return name;
}

static bool take_open_tag(struct reader *reader)
{
    const char *start = reader->at++;
    struct xhtml_span name = take_element_name(reader);
    if (name.length == 0) {
        reader->at = start;
        return malformed(reader, "a < that is not written as &lt;");
    }
    const struct xhtml_element *element = check_element(reader, name);
    bool has_namespace;
    if (element == NULL || !take_attributes(reader, name, &has_namespace))
        return false;
    if (reader->depth == 0 && !has_namespace)
        return fail(reader, NULL, "a <div> without namespace", "xmlns=\"" NAMESPACE "\"");
    bool is_empty = *reader->at == '/';
    reader->at += is_empty;
    if (*reader->at != '>')
        return malformed(reader, "a tag that does not end");
    reader->at++;
    if (!is_empty)
        reader->open[reader->depth++] = element;
    else if (reader->depth == 0)
        reader->done = true;
    return true;
}

static bool take_close_tag(struct reader *reader)
{
    reader->at += 2;
    struct xhtml_span name = take_element_name(reader);
    skip_space(reader);
    if (*reader->at != '>')
        return malformed(reader, "a closing tag that does not end");
    const char *open = reader->depth > 0 ? reader->open[reader->depth - 1]->name : "";
    if (!xhtml_span_is(name, open))
        return malformed(reader, arena_print(reader->arena, "</%s> where <%s> is open",
                                             shown(reader, name), open));
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
        if ((unsigned char)reader->at[i] <= ' ') /* XML has no other control characters */
            continue;
        if (reader->depth == 0)
            return malformed(reader, "text beside the <div>");
        reader->has_content = true;
    }
    reader->at += length;
    return true;
}

static bool read_all(struct reader *reader)
{
    while (*reader->at != '\0') {
        if (!(*reader->at == '<' ? take_markup(reader) : take_text(reader)))
            return false;
    }
    if (!reader->done)
        return malformed(reader, reader->depth == 0 ? "no <div>" : "an element that is not closed");
    if (!reader->has_content)
        return fail(reader, "txt-2", "a narrative without anything to read", "text or an image");
    return true;
}

bool xhtml_check(struct arena *arena, const char *text, struct xhtml_name **ret_links,
                 struct xhtml_fault *ret_fault)
{
    if (ret_links != NULL)
        *ret_links = NULL;
    struct reader reader = {
        .arena = arena, .start = text, .at = text, .fault = ret_fault, .links = ret_links};
    return read_all(&reader);
}

struct xhtml_name *xhtml_anchors(struct arena *arena, const char *text)
{
    struct xhtml_name *anchors = NULL;
    struct xhtml_fault fault;
    struct reader reader = {
        .arena = arena, .start = text, .at = text, .fault = &fault, .anchors = &anchors};
    read_all(&reader);
    return anchors;
}
