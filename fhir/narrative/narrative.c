/* narrative: see narrative.h. */
#include "fhir/narrative/narrative.h"

#include <string.h>

static void add_escaped(struct text *text, const char *more)
{
    for (const char *at = more; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '&')
            text_add(text, "&amp;");
        else if (byte == '<')
            text_add(text, "&lt;");
        else if (byte == '>')
            text_add(text, "&gt;");
        else if (byte == '\n')
            text_add(text, "<br/>");
        else if (byte >= 0x20 || byte == '\t')
            text_add_n(text, at, 1);
    }
}

struct narrative narrative_start(struct arena *arena)
{
    struct narrative narrative = {text_new(arena, NARRATIVE_BYTES_MAX)};
    text_add(&narrative.text, "<div xmlns=\"http://www.w3.org/1999/xhtml\">");
    return narrative;
}

static void add_label(struct text *text, const char *label)
{
    if (label == NULL)
        return;
    text_add(text, "<b>");
    add_escaped(text, label);
    text_add(text, ":</b> ");
}

void narrative_paragraph(struct narrative *narrative, const char *label, const char *text)
{
    if (text_is_blank(text))
        return;
    text_add(&narrative->text, "<p>");
    add_label(&narrative->text, label);
    add_escaped(&narrative->text, text);
    text_add(&narrative->text, "</p>");
}

void narrative_list(struct narrative *narrative, const char *label)
{
    if (label != NULL) {
        text_add(&narrative->text, "<p>");
        add_label(&narrative->text, label);
        text_add(&narrative->text, "</p>");
    }
    text_add(&narrative->text, "<ul>");
}

void narrative_item(struct narrative *narrative, const char *text)
{
    text_add(&narrative->text, "<li>");
    add_escaped(&narrative->text, text);
    text_add(&narrative->text, "</li>");
}

void narrative_end_list(struct narrative *narrative)
{
    text_add(&narrative->text, "</ul>");
}

struct json *narrative_element(struct arena *arena, struct narrative *narrative)
{
    text_add(&narrative->text, "</div>");
    if (narrative->text.full || text_is_blank(narrative_plain(arena, narrative->text.at)))
        return NULL;
    struct json *element = json_new_object(arena);
    json_set_text(arena, element, "status", "generated");
    json_set_text(arena, element, "div", narrative->text.at);
    return element;
}

/* ---- back to plain text ---- */

struct entity {
    const char *name, *text;
};
static const struct entity entities[] = {{"&amp;", "&"},   {"&lt;", "<"},   {"&gt;", ">"},
                                         {"&quot;", "\""}, {"&apos;", "'"}, {"&#39;", "'"},
                                         {"&nbsp;", " "},  {"&#160;", " "}, {NULL, NULL}};

static size_t add_entity(struct text *text, const char *at)
{
    for (const struct entity *entity = entities; entity->name != NULL; entity++) {
        if (text_starts(at, entity->name)) {
            text_add(text, entity->text);
            return strlen(entity->name);
        }
    }
    text_add_n(text, at, 1);
    return 1;
}

/* Elements that end a line. */
static bool ends_line(const char *tag)
{
    static const char *const names[] = {"<br", "</p", "</li", "</tr", "</div", "</h", "</td", NULL};
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strncmp(tag, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static void end_line(struct text *text, const char *tag)
{
    if (text->length > 0 && text->at[text->length - 1] != '\n')
        text_add(text, strncmp(tag, "</td", 4) == 0 ? " " : "\n");
}

char *narrative_plain(struct arena *arena, const char *div)
{
    struct text text = text_new(arena, NARRATIVE_BYTES_MAX);
    for (const char *at = div; *at != '\0';) {
        if (*at == '<') {
            const char *end = strchr(at, '>');
            if (ends_line(at))
                end_line(&text, at);
            at = end == NULL ? at + strlen(at) : end + 1;
        } else if (*at == '&') {
            at += add_entity(&text, at);
        } else {
            text_add_n(&text, at, 1);
            at++;
        }
    }
    while (text.length > 0 && text.at[text.length - 1] == '\n')
        text.at[--text.length] = '\0';
    return text.at;
}
