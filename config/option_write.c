/* option_write: values back to text, whole files with their help as comments, the printed manual,
 * and the change of one line in a file that a person keeps. See option.h. */
#include <stdio.h>
#include <string.h>

#include "config/option.h"

enum { FILE_TEXT_MAX = 1024 * 1024, COMMENT_WIDTH = 96 };

static uint64_t load_number(const struct option *option, const void *member)
{
    if (option->kind == OPTION_COUNT)
        return *(const unsigned *)member;
    if (option->kind == OPTION_BYTES)
        return *(const size_t *)member;
    return *(const uint64_t *)member;
}

/* Can TEXT stand in a YAML file without quotes and mean itself? A narrow yes; anything else is
 * quoted. */
static bool stands_plain(const char *text)
{
    static const char *const taken[] = {"true", "false", "yes", "no", "on", "off", "null"};
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "-_./:+@$";
    if (*text == '\0' || text[strspn(text, safe)] != '\0' || strchr("-:@+", text[0]) != NULL)
        return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcasecmp(text, taken[i]) == 0)
            return false;
    }
    return text[strlen(text) - 1] != ':';
}

/* A JSON string is a quoted YAML scalar too (YAML 1.2 section 1.3). */
static void add_text(struct text *out, const char *value)
{
    if (stands_plain(value))
        text_add(out, value);
    else
        text_add_json(out, value);
}

static void add_list(struct text *out, const struct option_list *list)
{
    text_add(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        text_add(out, i == 0 ? "" : ", ");
        add_text(out, list->items[i]);
    }
    text_add(out, "]");
}

static void add_set(struct text *out, const struct option *option, struct arena *arena,
                    unsigned bits)
{
    const char *words[OPTION_WORDS_MAX];
    size_t count = option_words(option, arena, words);
    const char *between = "";
    text_add(out, "[");
    for (size_t i = 0; i < count; i++) {
        if ((bits >> i & 1u) == 0)
            continue;
        text_print(out, "%s%s", between, words[i]);
        between = ", ";
    }
    text_add(out, "]");
}

static void add_word(struct text *out, const struct option *option, struct arena *arena,
                     const void *member)
{
    const char *words[OPTION_WORDS_MAX];
    unsigned word;
    size_t count = option_words(option, arena, words);
    memcpy(&word, member, sizeof word);
    text_add(out, word < count ? words[word] : "");
}

static void add_value(struct text *out, const struct option *option, struct arena *arena,
                      const void *object)
{
    const void *member = (const char *)object + option->offset;
    switch (option->kind) {
    case OPTION_TEXT:
        add_text(out, *(const char *const *)member);
        break;
    case OPTION_LIST:
        add_list(out, member);
        break;
    case OPTION_FLAG:
        text_add(out, *(const bool *)member ? "true" : "false");
        break;
    case OPTION_WORD:
        add_word(out, option, arena, member);
        break;
    case OPTION_SET:
        add_set(out, option, arena, *(const unsigned *)member);
        break;
    case OPTION_COUNT:
    case OPTION_BYTES:
    case OPTION_TIME:
        text_print(out, "%llu", (unsigned long long)load_number(option, member));
        break;
    case OPTION_SECTION:
        break;
    }
}

const char *option_value(const struct option *option, struct arena *arena, const void *object)
{
    struct text out = text_new(arena, FILE_TEXT_MAX);
    add_value(&out, option, arena, object);
    return out.at;
}

const char *option_origin(const struct option_origin *origin, struct arena *arena)
{
    switch (origin->source) {
    case OPTION_FROM_FILE:
        return arena_print(arena, "line %d", origin->line);
    case OPTION_FROM_ENVIRONMENT:
        return "environment";
    case OPTION_FROM_DEFAULT:
        break;
    }
    return "default";
}

bool option_equal(const struct option *option, struct arena *arena, const void *one,
                  const void *other)
{
    return strcmp(option_value(option, arena, one), option_value(option, arena, other)) == 0;
}

/* The default as a file would hold it; NULL when the key must be given. */
static const char *default_value(const struct option *option, struct arena *arena)
{
    struct text out = text_new(arena, 1000);
    if (option->start == NULL)
        return NULL;
    if (option->kind == OPTION_TEXT)
        add_text(&out, option->start);
    else if (option->kind == OPTION_SET || option->kind == OPTION_LIST)
        text_print(&out, "[%s]", option->start);
    else
        text_add(&out, option->start);
    return out.at;
}

/* SET defaults are written without spaces in the tables. */
static bool is_default(const struct option *option, struct arena *arena, const char *value)
{
    const char *start = default_value(option, arena);
    if (start == NULL)
        return false;
    while (*value != '\0' && *start != '\0') {
        if (*value == *start)
            start++;
        else if (*value != ' ')
            return false;
        value++;
    }
    return *value == *start;
}

/* HELP as comment lines, broken at spaces. */
static void add_comment(struct text *out, const char *help)
{
    while (*help != '\0') {
        size_t length = strlen(help);
        if (length > COMMENT_WIDTH) {
            for (length = COMMENT_WIDTH; length > 0 && help[length] != ' ';)
                length--;
        }
        text_print(out, "# %.*s\n", (int)length, help);
        help += length;
        help += *help == ' ';
    }
}

static bool has_range(const struct option *option)
{
    return option->kind == OPTION_COUNT || option->kind == OPTION_BYTES ||
           option->kind == OPTION_TIME;
}

static void write_row(const struct option *row, struct arena *arena, const void *object,
                      struct text *out)
{
    const char *value = option_value(row, arena, object);
    text_add(out, "\n");
    add_comment(out, row->help);
    if (has_range(row))
        text_print(out, "# From %llu to %llu %s.\n", (unsigned long long)row->min,
                   (unsigned long long)row->max, row->unit);
    if (row->kind == OPTION_WORD || row->kind == OPTION_SET)
        add_comment(out, arena_print(arena, "Value: %s.", option_expected(row, arena)));
    text_print(out, "%s%s: %s\n", is_default(row, arena, value) ? "#" : "", row->key, value);
}

void option_write(const struct option_table *table, struct arena *arena, const void *object,
                  struct text *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option *row = &table->rows[i];
        if (row->kind == OPTION_SECTION)
            text_print(out, "\n# ---- %s ----\n", row->key);
        else
            write_row(row, arena, object, out);
    }
}

/* The line that begins with `KEY:` at the left edge; NULL when there is none. */
static const char *find_line(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            return line;
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return NULL;
}

/* The first line behind LINE that is no continuation of its value: items and broken lines are
 * indented or begin with a dash. */
static const char *next_key(const char *line)
{
    do {
        line = strchr(line, '\n');
        line = line == NULL ? "" : line + 1;
    } while (*line == ' ' || (*line == '-' && line[1] == ' '));
    return line;
}

const char *option_edit(const struct option *option, struct arena *arena, const char *text,
                        const void *object)
{
    struct text out = text_new(arena, FILE_TEXT_MAX);
    const char *line = find_line(text, option->key);
    text_add_n(&out, text, line == NULL ? strlen(text) : (size_t)(line - text));
    if (out.length > 0 && !text_ends(out.at, "\n"))
        text_add(&out, "\n");
    text_print(&out, "%s: ", option->key);
    add_value(&out, option, arena, object);
    text_add(&out, "\n");
    if (line != NULL)
        text_add(&out, next_key(line));
    return out.at;
}

/* A vertical bar would end the cell. */
static void add_cell(struct text *out, const char *cell)
{
    for (; *cell != '\0'; cell++) {
        if (*cell == '|')
            text_add(out, "\\");
        text_add_n(out, cell, 1);
    }
    text_add(out, " | ");
}

static void manual_row(const struct option *row, struct arena *arena, struct text *out)
{
    const char *start = default_value(row, arena);
    text_print(out, "| `%s` | ", row->key);
    add_cell(out, option_expected(row, arena));
    add_cell(out, start == NULL ? "must be given" : arena_print(arena, "`%s`", start));
    add_cell(out, row->when == OPTION_LIVE ? "yes" : "no");
    add_cell(out, row->help);
    out->at[--out->length] = '\0'; /* the space after the last bar */
    text_add(out, "\n");
}

void option_manual(const struct option_table *table, struct arena *arena, struct text *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option *row = &table->rows[i];
        if (row->kind != OPTION_SECTION) {
            manual_row(row, arena, out);
            continue;
        }
        text_print(out, "\n### %s\n\n", row->key);
        text_add(out, "| key | value | default | taken at reload | what it is for |\n");
        text_add(out, "| --- | --- | --- | --- | --- |\n");
    }
}
