/* issue: lists of issues, and their forms for machines and people. See issue.h. */
#include "fhir/validate/issue.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_EXTENSION "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
#define COLUMN_EXTENSION "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"

static const char *const severity_words[] = {"fatal", "error", "warning", "information"};

static const char *const code_words[] = {
    [ISSUE_STRUCTURE] = "structure",
    [ISSUE_REQUIRED] = "required",
    [ISSUE_VALUE] = "value",
    [ISSUE_CODE_INVALID] = "code-invalid",
    [ISSUE_INVARIANT] = "invariant",
    [ISSUE_NOT_FOUND] = "not-found",
    [ISSUE_INVALID] = "invalid",
    [ISSUE_EXTENSION] = "extension",
    [ISSUE_NOT_SUPPORTED] = "not-supported",
    [ISSUE_TOO_LONG] = "too-long",
    [ISSUE_TOO_COSTLY] = "too-costly",
    [ISSUE_PROCESSING] = "processing",
    [ISSUE_INFORMATIONAL] = "informational",
};

struct issue_list issue_list_new(struct arena *arena)
{
    return (struct issue_list){.arena = arena, .count_max = ISSUE_COUNT_MAX};
}

/* Of a full list: the last issue that is no error, to make room for one; NULL: none is left. */
static struct issue *last_lesser(struct issue_list *list)
{
    while (list->kept < list->count) {
        struct issue *issue = &list->items[list->count - ++list->kept];
        if (issue->severity > ISSUE_ERROR)
            return issue;
    }
    return NULL;
}

struct issue *issue_add(struct issue_list *list, struct issue issue)
{
    list->errors += issue.severity <= ISSUE_ERROR;
    list->warnings += issue.severity == ISSUE_WARNING;
    if (list->count >= list->count_max) {
        list->left_out++;
        struct issue *place = issue.severity <= ISSUE_ERROR ? last_lesser(list) : NULL;
        if (place != NULL)
            *place = issue;
        return place;
    }
    list->items =
        arena_room(list->arena, list->items, sizeof *list->items, list->count, &list->room, 16);
    if (!list->shows_values)
        issue.value = NULL;
    list->items[list->count] = issue;
    return &list->items[list->count++];
}

bool issue_list_passes(const struct issue_list *list)
{
    return list->errors == 0;
}

/* ---- order and places ---- */

struct placed {
    size_t offset;
    struct issue issue;
    size_t order; /* as added: keeps the sort stable */
};

static int by_offset(const void *one, const void *other)
{
    const struct placed *left = one;
    const struct placed *right = other;
    if (left->offset != right->offset)
        return left->offset < right->offset ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

/* Eight bytes of ASCII without a line end: eight columns. */
static bool is_plain(const char *at)
{
    const uint64_t ones = 0x0101010101010101ull;
    const uint64_t highs = 0x8080808080808080ull;
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    uint64_t line_end = eight ^ ones * '\n';
    return ((eight | ((line_end - ones) & ~line_end)) & highs) == 0;
}

/* Lines and columns of ascending offsets in one pass over the text. */
static void count_lines(struct placed *placed, size_t count, const struct json_document *document)
{
    const char *text = document->text;
    size_t at = document->length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    int line = 1;
    int column = 1;
    for (size_t i = 0; i < count; i++) {
        while (at < placed[i].offset && at < document->length) {
            if (placed[i].offset - at >= 8 && document->length - at >= 8 && is_plain(text + at)) {
                column += 8;
                at += 8;
            } else if (text[at] == '\n') {
                line++;
                column = 1;
                at++;
            } else {
                column += ((unsigned char)text[at++] & 0xc0) != 0x80;
            }
        }
        placed[i].issue.line = line;
        placed[i].issue.column = column;
    }
}

void issue_list_place(struct issue_list *list, const struct json_document *document)
{
    if (list->count == 0)
        return;
    struct placed *placed = arena_array(list->arena, list->count, sizeof *placed);
    for (size_t i = 0; i < list->count; i++) {
        placed[i].issue = list->items[i];
        placed[i].order = i;
        placed[i].offset =
            list->items[i].node == NULL ? 0 : json_offset(document, list->items[i].node);
    }
    qsort(placed, list->count, sizeof *placed, by_offset);
    count_lines(placed, list->count, document);
    for (size_t i = 0; i < list->count; i++)
        list->items[i] = placed[i].issue;
}

/* What must be mended before what may be, each in the order of the text. */
static const struct issue *const *errors_first(const struct issue_list *list, size_t *ret_count)
{
    const struct issue **in_order = arena_array(list->arena, list->count + 1, sizeof *in_order);
    *ret_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].severity <= ISSUE_ERROR)
            in_order[(*ret_count)++] = &list->items[i];
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].severity > ISSUE_ERROR)
            in_order[(*ret_count)++] = &list->items[i];
    }
    return in_order;
}

/* ---- words ---- */

static const char *severity_word(enum issue_severity severity)
{
    return severity_words[severity];
}

static const char *code_word(enum issue_code code)
{
    return code_words[code];
}

const char *issue_sentence(struct arena *arena, const struct issue *issue)
{
    struct text text = text_new(arena, 4096);
    if (issue->key != NULL)
        text_print(&text, "%s: ", issue->key);
    text_print(&text, "found %s", issue->found);
    if (issue->value != NULL)
        text_print(&text, " (%.200s)", issue->value);
    if (issue->expected != NULL)
        text_print(&text, "; expected %s", issue->expected);
    if (issue->nearest != NULL)
        text_print(&text, "; did you mean %s?", issue->nearest);
    if (issue->profile != NULL)
        text_print(&text, " [%s]", issue->profile);
    return text.at;
}

/* ---- OperationOutcome ---- */

static void add_place(struct arena *arena, struct json *list, const char *url, int number)
{
    struct json *extension = json_push(list, json_new_object(arena));
    json_set_text(arena, extension, "url", url);
    json_set(arena, extension, "valueInteger", json_new_whole(arena, number));
}

static struct json *make_item(struct arena *arena, const struct issue *issue)
{
    struct json *item = json_new_object(arena);
    if (issue->line > 0) {
        struct json *extensions = json_set(arena, item, "extension", json_new_list(arena));
        add_place(arena, extensions, LINE_EXTENSION, issue->line);
        add_place(arena, extensions, COLUMN_EXTENSION, issue->column);
    }
    json_set_text(arena, item, "severity", severity_word(issue->severity));
    json_set_text(arena, item, "code", code_word(issue->code));
    if (issue->key != NULL) {
        struct json *details = json_set(arena, item, "details", json_new_object(arena));
        json_set_text(arena, details, "text", issue->key);
    }
    json_set_text(arena, item, "diagnostics", issue_sentence(arena, issue));
    if (issue->path != NULL) {
        struct json *paths = json_set(arena, item, "expression", json_new_list(arena));
        json_push(paths, json_new_text(arena, issue->path));
    }
    return item;
}

static struct json *plain_item(struct arena *arena, const char *severity, const char *code,
                               const char *sentence)
{
    struct json *item = json_new_object(arena);
    json_set_text(arena, item, "severity", severity);
    json_set_text(arena, item, "code", code);
    json_set_text(arena, item, "diagnostics", sentence);
    return item;
}

static const char *left_out_sentence(struct arena *arena, const struct issue_list *list)
{
    return arena_print(arena, "%zu more issues were found and are not listed", list->left_out);
}

/* OperationOutcome.issue as a list; an empty one holds a single "information: all is well". */
static struct json *items_of(struct arena *arena, const struct issue_list *list)
{
    struct json *items = json_new_list(arena);
    size_t count;
    const struct issue *const *in_order = errors_first(list, &count);
    for (size_t i = 0; i < count; i++)
        json_push(items, make_item(arena, in_order[i]));
    if (list->left_out > 0)
        json_push(items,
                  plain_item(arena, "information", "too-costly", left_out_sentence(arena, list)));
    return items;
}

struct json *issue_outcome(struct arena *arena, const struct issue_list *list)
{
    struct json *outcome = json_new_object(arena);
    json_set_text(arena, outcome, "resourceType", "OperationOutcome");
    struct json *items = items_of(arena, list);
    if (json_first(items) == NULL) /* issue is 1..* */
        json_push(items, plain_item(arena, "information", "informational", "No issues found"));
    json_set(arena, outcome, "issue", items);
    return outcome;
}

/* ---- for people and for lines ---- */

static int width_of_places(const struct issue_list *list)
{
    int width = 0;
    for (size_t i = 0; i < list->count; i++) {
        char place[32];
        int length =
            snprintf(place, sizeof place, "%d:%d", list->items[i].line, list->items[i].column);
        width = length > width ? length : width;
    }
    return width;
}

void issue_print(const struct issue_list *list, const char *file, struct text *out)
{
    int width = width_of_places(list);
    text_print(out, "%s: %s", file, issue_list_passes(list) ? "valid" : "not valid");
    if (list->errors + list->warnings > 0)
        text_print(out, " (%zu error%s, %zu warning%s)", list->errors, list->errors == 1 ? "" : "s",
                   list->warnings, list->warnings == 1 ? "" : "s");
    text_add(out, "\n");
    size_t count;
    const struct issue *const *in_order = errors_first(list, &count);
    for (size_t i = 0; i < count; i++) {
        const struct issue *issue = in_order[i];
        char place[32] = "";
        if (issue->line > 0)
            snprintf(place, sizeof place, "%d:%d", issue->line, issue->column);
        text_print(out, "  %-*s  %-7s  %s: %s\n", width, place,
                   issue->severity == ISSUE_INFORMATION ? "note" : severity_word(issue->severity),
                   issue->path == NULL ? "the text" : issue->path,
                   issue_sentence(list->arena, issue));
    }
    if (list->left_out > 0)
        text_print(out, "  %s\n", left_out_sentence(list->arena, list));
}

void issue_print_line(const struct issue_list *list, const char *file, struct text *out)
{
    text_add(out, "{\"file\":");
    text_add_json(out, file);
    text_print(out, ",\"valid\":%s,\"errors\":%zu,\"warnings\":%zu,\"issue\":",
               issue_list_passes(list) ? "true" : "false", list->errors, list->warnings);
    text_add(out, json_print(list->arena, items_of(list->arena, list)));
    text_add(out, "}\n");
}

void issue_add_json_fault(struct issue_list *list, const struct json_fault *fault)
{
    issue_add(list, (struct issue){.severity = ISSUE_FATAL,
                                   .code = ISSUE_STRUCTURE,
                                   .path = fault->path,
                                   .line = fault->line,
                                   .column = fault->column,
                                   .found = fault->found,
                                   .expected = fault->expected});
}
