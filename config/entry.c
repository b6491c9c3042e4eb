/* entry: see entry.h. libyaml gives events; a small reader with one function a position in the text
 * takes them. The first fault of syntax ends the reading: what follows it would be guesswork. */
#include "config/entry.h"

#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one just taken; freed by the next take */
    bool has_event;
    struct arena *arena;
    struct finding_list *findings;
    struct entry_list *list;
};

static int one_based(size_t from_zero)
{
    return from_zero > 1000000000 ? 1000000000 : (int)from_zero + 1;
}

static void fault_at(struct reader *reader, yaml_mark_t mark, const char *path, const char *found,
                     const char *expected)
{
    finding_add(reader->findings, (struct finding){.path = path,
                                                   .line = one_based(mark.line),
                                                   .column = one_based(mark.column),
                                                   .found = found,
                                                   .expected = expected,
                                                   .says_line = true});
}

/* What libyaml says, and what a person can do about it. `at_start`: the place worth showing is
 * where the broken thing began, not where the text ended. */
static const struct {
    const char *problem, *found, *expected;
    bool at_start;
} explained[] = {
    {"found unexpected end of stream", "a quote that is never closed", "the closing quote", true},
    {"could not find expected ':'", "a line without `: `", "lines of the form `key: value`", true},
    {"mapping values are not allowed in this context", "a second `: ` or a line moved in",
     "one `key: value` a line, at the left edge; a value that holds `: ` stands in quotes", false},
    {"did not find expected key", "a line that is no key", "lines of the form `key: value`", false},
    {"did not find expected ',' or ']'", "a list that is never closed",
     "[a, b] with its closing bracket", true},
    {"found character that cannot start any token", "a sign that no value may begin with",
     "the value in quotes", false},
    {"found unknown escape character", "a backslash before a letter that has no meaning",
     "two backslashes, or single quotes", false},
};

static void fault_of_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem == NULL ? "text that is no YAML" : parser->problem;
    bool has_start = parser->context != NULL;
    for (size_t i = 0; i < sizeof explained / sizeof *explained; i++) {
        if (strcmp(problem, explained[i].problem) != 0)
            continue;
        bool at_start = explained[i].at_start && has_start;
        fault_at(reader, at_start ? parser->context_mark : parser->problem_mark, NULL,
                 explained[i].found, explained[i].expected);
        return;
    }
    yaml_mark_t mark = parser->error == YAML_READER_ERROR ? parser->mark : parser->problem_mark;
    fault_at(reader, mark, NULL, arena_print(reader->arena, "broken YAML (%s)", problem),
             "lines of the form `key: value`");
}

/* The next event into reader->event; false after a fault. */
static bool take(struct reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = yaml_parser_parse(&reader->parser, &reader->event) != 0;
    if (!reader->has_event)
        fault_of_syntax(reader);
    return reader->has_event;
}

/* Anchors, aliases and tags say something that settings do not need and that can grow. */
static bool decorated(struct reader *reader)
{
    const yaml_event_t *event = &reader->event;
    bool anchor = event->type == YAML_ALIAS_EVENT;
    bool tag = false;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor != NULL;
        tag = event->data.scalar.tag != NULL;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor != NULL;
        tag = event->data.sequence_start.tag != NULL;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor != NULL;
        tag = event->data.mapping_start.tag != NULL;
    }
    if (anchor)
        fault_at(reader, event->start_mark, NULL, "an anchor or alias (& or *)",
                 "the value itself; put it in quotes if it begins with such a sign");
    else if (tag)
        fault_at(reader, event->start_mark, NULL, "a tag (!)",
                 "the value itself; put it in quotes if it begins with such a sign");
    return anchor || tag;
}

/* The scalar at hand, copied; false when it holds what no setting may hold. */
static bool scalar(struct reader *reader, const char *key, struct entry_value *ret_value)
{
    const yaml_event_t *event = &reader->event;
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            fault_at(reader, event->start_mark, key, "a control character or line break in a value",
                     "a text of one line");
            return false;
        }
    }
    ret_value->text = arena_copy_n(reader->arena, text, length);
    ret_value->line = one_based(event->start_mark.line);
    ret_value->column = one_based(event->start_mark.column);
    ret_value->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return true;
}

static void add_value(struct reader *reader, struct entry *entry, struct entry_value value)
{
    size_t size = sizeof *entry->values;
    entry->values = arena_room(reader->arena, entry->values, size, entry->count, &entry->room, 1);
    entry->values[entry->count++] = value;
}

/* The items of a list, up to and with its end. */
static bool items(struct reader *reader, struct entry *entry)
{
    entry->is_list = true;
    for (;;) {
        struct entry_value value;
        if (!take(reader) || decorated(reader))
            return false;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        if (reader->event.type != YAML_SCALAR_EVENT) {
            fault_at(reader, reader->event.start_mark, entry->key, "a group inside a list",
                     "one text an item; put it in quotes if it holds `: `");
            return false;
        }
        if (entry->count == ENTRY_ITEMS_MAX) {
            fault_at(reader, reader->event.start_mark, entry->key, "more than 1000 items",
                     "a shorter list");
            return false;
        }
        if (!scalar(reader, entry->key, &value))
            return false;
        add_value(reader, entry, value);
    }
}

static bool value_of(struct reader *reader, struct entry *entry)
{
    struct entry_value value;
    if (!take(reader) || decorated(reader))
        return false;
    if (reader->event.type == YAML_SEQUENCE_START_EVENT)
        return items(reader, entry);
    if (reader->event.type != YAML_SCALAR_EVENT) {
        fault_at(reader, reader->event.start_mark, entry->key, "a group of keys",
                 "a value or a list of values; all keys stand at the left edge");
        return false;
    }
    if (!scalar(reader, entry->key, &value))
        return false;
    add_value(reader, entry, value);
    return true;
}

/* The scalar at hand as the key of a new entry. A second use of a key is a fault, but reading goes
 * on. */
static bool key_of(struct reader *reader, struct entry *ret_entry)
{
    struct entry_value value;
    if (reader->event.type != YAML_SCALAR_EVENT) {
        fault_at(reader, reader->event.start_mark, NULL, "a list or group where a key should stand",
                 "lines of the form `key: value`");
        return false;
    }
    if (!scalar(reader, NULL, &value))
        return false;
    memset(ret_entry, 0, sizeof *ret_entry);
    ret_entry->key = value.text;
    ret_entry->line = value.line;
    ret_entry->column = value.column;
    return true;
}

static void add_entry(struct reader *reader, struct entry entry)
{
    struct entry_list *list = reader->list;
    size_t size = sizeof *list->items;
    list->items = arena_room(reader->arena, list->items, size, list->count, &list->room, 16);
    list->items[list->count++] = entry;
}

static bool is_new(struct reader *reader, const struct entry *entry)
{
    for (size_t i = 0; i < reader->list->count; i++) {
        const struct entry *earlier = &reader->list->items[i];
        if (strcmp(earlier->key, entry->key) != 0)
            continue;
        finding_add(reader->findings,
                    (struct finding){.path = entry->key,
                                     .line = entry->line,
                                     .column = entry->column,
                                     .found = arena_print(
                                         reader->arena, "the key a second time (first on line %d)",
                                         earlier->line),
                                     .expected = "each key once",
                                     .says_line = true});
        return false;
    }
    return true;
}

static bool mapping(struct reader *reader)
{
    for (;;) {
        struct entry entry;
        if (!take(reader) || decorated(reader))
            return false;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (reader->list->count == ENTRY_KEYS_MAX) {
            fault_at(reader, reader->event.start_mark, NULL, "more than 1000 keys", "fewer keys");
            return false;
        }
        if (!key_of(reader, &entry) || !value_of(reader, &entry))
            return false;
        if (is_new(reader, &entry))
            add_entry(reader, entry);
    }
}

/* The one document of the text. An empty document is a plain empty scalar. */
static bool document(struct reader *reader)
{
    if (!take(reader) || decorated(reader))
        return false;
    bool is_empty = reader->event.type == YAML_SCALAR_EVENT &&
                    reader->event.data.scalar.length == 0 &&
                    reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (reader->event.type == YAML_MAPPING_START_EVENT) {
        if (!mapping(reader))
            return false;
    } else if (!is_empty) {
        fault_at(reader, reader->event.start_mark, NULL, "text without a key",
                 "lines of the form `key: value`");
        return false;
    }
    return take(reader); /* the end of the document */
}

static bool stream(struct reader *reader)
{
    if (!take(reader) || !take(reader)) /* the start of the stream, then of the first document */
        return false;
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return true;
    if (!document(reader) || !take(reader))
        return false;
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return true;
    fault_at(reader, reader->event.start_mark, NULL, "a second document (---)",
             "one document; take the line of dashes out");
    return false;
}

/* What libyaml would report in words that help nobody: bytes that are no text, and tabs. */
static bool readable(struct arena *arena, const char *text, size_t length,
                     struct finding_list *findings)
{
    size_t bad = text_utf8_fault(text, length);
    int line = 1;
    bool indenting = true;
    for (size_t i = 0; i < length; i++) {
        bool tab = text[i] == '\t' && indenting;
        if (i == bad || text[i] == '\0' || tab) {
            const char *found = tab ? "a tab at the start of a line"
                                    : arena_print(arena, "the byte 0x%02x", (unsigned char)text[i]);
            const char *expected = tab ? "spaces: YAML allows no tabs there" : "text in UTF-8";
            finding_add(findings,
                        (struct finding){
                            .line = line, .found = found, .expected = expected, .says_line = true});
            return false;
        }
        if (text[i] == '\n') {
            line++;
            indenting = true;
        } else if (text[i] != ' ') {
            indenting = false;
        }
    }
    return true;
}

bool entry_read(struct arena *arena, const char *text, size_t length, struct finding_list *findings,
                struct entry_list *ret_list)
{
    *ret_list = (struct entry_list){NULL, 0, 0};
    if (!readable(arena, text, length, findings))
        return false;
    struct reader reader = {.arena = arena, .findings = findings, .list = ret_list};
    size_t faults = findings->count;
    if (yaml_parser_initialize(&reader.parser) == 0) {
        finding_add(findings, (struct finding){.found = "no memory to read the file in",
                                               .expected = "some free memory"});
        return false;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    bool good = stream(&reader);
    if (reader.has_event)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return good && findings->count == faults;
}
