/* scan: strict JSON (RFC 8259), in one pass. See json/scan.h. */
#include "fhir/json/scan.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "fhir/json/text.h"

enum {
    FEW_KEYS = 32,  /* in one object: compared one by one; with more all are sorted at its end */
    ROW_MAX = 64,   /* nodes taken from the arena at once */
    NODE_BYTES = 24 /* of text make a node, about */
};

struct frame { /* one open object or list */
    struct json *node;
    const char *key;    /* read last in an object, else NULL */
    int index;          /* of the item being read in a list */
    unsigned key_count; /* read so far */
    uintptr_t seen;     /* json_name_bit() of its keys */
};

struct scan {
    const char *text; /* as given */
    char *copy;       /* of it, in which keys and texts are decoded; sixteen NULs follow */
    char *end;        /* of the copy */
    struct arena *arena;
    const struct json_options *options;
    struct json_fault *fault;
    struct json_text_fault text_fault;
    struct json *row; /* the next nodes */
    size_t row_left;
    size_t nodes_left; /* that may still be taken into rows */
    bool is_full;      /* none was left */
    int depth;         /* frames[0] stands for the text itself */
    int depth_max;
    struct frame frames[JSON_DEPTH_MAX + 1];
};

/* Where the next value goes; its parts stay in registers. */
struct seat {
    struct json **link; /* to it */
    struct json *last;  /* before it, or NULL */
    char *key;          /* of a member, else NULL */
    size_t key_length;
    uint32_t key_hash; /* hash_name() of it */
};

static bool is_list(const struct frame *frame)
{
    return frame->node->type == JSON_TYPE_LIST;
}

static const char *scan_path(const struct scan *scan)
{
    struct text path = text_new(scan->arena, 1024);
    for (int i = 1; i <= scan->depth; i++) {
        const struct frame *frame = &scan->frames[i];
        if (is_list(frame)) {
            text_print(&path, "[%d]", frame->index + scan->options->index_base);
        } else if (frame->key != NULL) {
            if (path.length > 0)
                text_add(&path, ".");
            text_add(&path, frame->key);
        }
    }
    return path.length == 0 ? NULL : path.at;
}

void json_scan_place(const char *text, size_t offset, int *ret_line, int *ret_column)
{
    int line = 1;
    int column = 1;
    size_t at = offset >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (; at < offset; at++) {
        if (text[at] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text[at] & 0xc0) != 0x80) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

static void note_fault(struct scan *scan, size_t offset, const char *found, const char *expected)
{
    struct json_fault *fault = scan->fault;
    fault->found = found;
    fault->expected = expected;
    fault->path = scan_path(scan);
    fault->offset = offset;
    json_scan_place(scan->text, offset, &fault->line, &fault->column);
}

/* AT is a place in the copy. Functions that read return what follows, or this: NULL. */
static char *fail_at(struct scan *scan, const char *at, const char *found, const char *expected)
{
    note_fault(scan, (size_t)(at - scan->copy), found, expected);
    return NULL;
}

static char *fail(struct scan *scan, const char *at, const char *found, const char *expected)
{
    return fail_at(scan, at, at >= scan->end ? "the text ends here" : found, expected);
}

/* ---- white space ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static __attribute__((noinline)) char *skip_some_space(char *at)
{
    const uint64_t eight_spaces = BYTES_ONES * ' ';
    while (is_space(*at)) {
        at++;
        while (bytes_word(at) == eight_spaces)
            at += 8;
    }
    return at;
}

static inline char *skip_space(char *at)
{
    return (unsigned char)*at <= ' ' ? skip_some_space(at) : at;
}

/* ---- nodes ---- */

static __attribute__((noinline)) void take_row(struct scan *scan, const char *at)
{
    size_t about = (size_t)(scan->end - at) / NODE_BYTES + 1;
    scan->row_left = about < ROW_MAX ? about : ROW_MAX;
    if (scan->row_left > scan->nodes_left) {
        scan->is_full = scan->nodes_left == 0;
        scan->row_left = scan->is_full ? 1 : scan->nodes_left;
    }
    scan->nodes_left -= scan->is_full ? 0 : scan->row_left;
    scan->row = arena_raw(scan->arena, scan->row_left * sizeof *scan->row);
}

static __attribute__((noinline)) char *too_many_values(struct scan *scan, const char *at)
{
    return fail(scan, at, "too many values in one text",
                arena_print(scan->arena, "at most %zu values", scan->options->values_max));
}

/* The node of a value that starts at AT, put at SEAT. */
static inline struct json *add_node(struct scan *scan, struct seat *seat, const char *at,
                                    enum json_type type, char *text, size_t length)
{
    if (scan->row_left == 0)
        take_row(scan, at);
    scan->row_left--;
    struct json *node = scan->row++;
    node->next = NULL;
    node->prev = seat->last;
    node->child = NULL;
    node->type = (int)type;
    node->text = text;
    node->offset = (int)(at - scan->copy);
    node->key = seat->key;
    json_note_key(node, seat->key_length, seat->key_hash);
    json_note_text(node, length);
    json_unmark(node);
    *seat->link = node;
    seat->link = &node->next;
    seat->last = node;
    return node;
}

/* ---- plain values ---- */

static char *text_fault(struct scan *scan)
{
    const struct json_text_fault *fault = &scan->text_fault;
    return fail(scan, fault->at, fault->found, fault->expected);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char *skip_digits(char *at)
{
    while (is_digit(*at))
        at++;
    return at;
}

static char *skip_exponent(struct scan *scan, char *at)
{
    enum { DIGITS_MAX = 2 };
    at += at[1] == '+' || at[1] == '-' ? 2 : 1;
    if (!is_digit(*at))
        return fail(scan, at, "no digit after the exponent sign", "a digit");
    char *end = skip_digits(at);
    if (scan->options->number_max != 0 && end - at > DIGITS_MAX)
        return fail_at(scan, at, "an exponent of more than two digits", "a smaller one");
    return end;
}

/* Behind the number at START. */
static char *skip_number(struct scan *scan, char *start)
{
    char *at = start + (*start == '-');
    if (*at == '0') {
        at++;
        if (is_digit(*at))
            return fail_at(scan, start, "a number that starts with 0", "the number without it");
    } else if (!is_digit(*at)) {
        return fail(scan, at, "a sign without digits", "a number");
    }
    at = skip_digits(at);
    if (*at == '.') {
        at++;
        if (!is_digit(*at))
            return fail(scan, at, "no digit after the point", "a digit");
        at = skip_digits(at);
    }
    if (*at == 'e' || *at == 'E')
        at = skip_exponent(scan, at);
    if (at != NULL && scan->options->number_max != 0 &&
        (size_t)(at - start) > scan->options->number_max)
        return fail_at(
            scan, start, "a number that is too long",
            arena_print(scan->arena, "at most %zu characters", scan->options->number_max));
    return at;
}

/* The number at START. Its text moves one byte to the front, onto what was read before, since a NUL
 * behind it would stand on what comes next. */
static char *read_number(struct scan *scan, struct seat *seat, char *start)
{
    char *at = skip_number(scan, start);
    if (at == NULL)
        return NULL;
    size_t length = (size_t)(at - start);
    memmove(start - 1, start, length);
    start[length - 1] = '\0';
    add_node(scan, seat, start, JSON_TYPE_NUMBER, start - 1, length);
    return at;
}

static char *skip_word(struct scan *scan, char *at, const char *word)
{
    size_t length = strlen(word);
    size_t left = (size_t)(scan->end - at);
    if (left < length && strncmp(at, word, left) == 0)
        return fail(scan, scan->end, "", "a value");
    if (left < length || strncmp(at, word, length) != 0)
        return fail(scan, at, "a word without quotation marks",
                    "a value in quotation marks, or a number");
    return at + length;
}

static char *read_word(struct scan *scan, struct seat *seat, char *start)
{
    char *at = skip_word(scan, start, *start == 'f' ? "false" : *start == 'n' ? "null" : "true");
    if (at != NULL)
        add_node(scan, seat, start,
                 *start == 'f'   ? JSON_TYPE_FALSE
                 : *start == 'n' ? JSON_TYPE_NULL
                                 : JSON_TYPE_TRUE,
                 NULL, 0);
    return at;
}

static __attribute__((noinline)) char *read_number_or_word(struct scan *scan, struct seat *seat,
                                                           char *at)
{
    if (*at == '-' || is_digit(*at))
        return read_number(scan, seat, at);
    if (at >= scan->end)
        return fail(scan, at, "", scan->depth == 0 ? "one { } object" : "a value");
    if (*at == ',')
        return fail(scan, at, "a comma without a value", "a value");
    return read_word(scan, seat, at);
}

static inline char *read_text(struct scan *scan, struct seat *seat, char *mark)
{
    size_t length;
    char *at = json_text_read(mark + 1, scan->end, &length, &scan->text_fault);
    if (at == NULL)
        return text_fault(scan);
    add_node(scan, seat, mark, JSON_TYPE_TEXT, mark + 1, length);
    return at;
}

/* ---- keys ---- */

/* By name; of equal names the first of the text comes first. */
static int by_key(const void *one, const void *other)
{
    const struct json *left = *(const struct json *const *)one;
    const struct json *right = *(const struct json *const *)other;
    size_t length = json_key_length(left);
    if (length != json_key_length(right))
        return length < json_key_length(right) ? -1 : 1;
    int order = memcmp(left->key, right->key, length);
    return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

/* The first member, in the order of the text, whose key stands before it already; NULL: none. Who
 * writes many members chooses their names, so they are sorted: no choice makes that slow. */
static const struct json *find_repeated(struct scan *scan, const struct frame *frame)
{
    const struct json **members =
        arena_raw(scan->arena, frame->key_count * sizeof(const struct json *));
    const struct json *found = NULL;
    size_t count = 0;
    for (const struct json *each = json_first(frame->node); each != NULL; each = json_next(each))
        members[count++] = each;
    qsort(members, count, sizeof(const struct json *), by_key);
    for (size_t i = 1; i < count; i++) {
        bool is_same = json_key_length(members[i]) == json_key_length(members[i - 1]) &&
                       strcmp(members[i]->key, members[i - 1]->key) == 0;
        if (is_same && (found == NULL || members[i]->offset < found->offset))
            found = members[i];
    }
    return found;
}

/* One of the few keys of the innermost object is this one. */
static __attribute__((noinline)) bool has_key(const struct frame *frame, const struct seat *seat)
{
    return json_search(frame->node, seat->key, seat->key_length, seat->key_hash) != NULL;
}

/* The key of SEAT is none that the innermost object has; of many keys that is asked at its end. */
static inline bool note_key(struct frame *frame, const struct seat *seat)
{
    uintptr_t bit = json_name_bit(seat->key_hash);
    if ((frame->seen & bit) != 0 && frame->key_count < FEW_KEYS && has_key(frame, seat))
        return false;
    frame->seen |= bit;
    frame->key_count++;
    return true;
}

static char *no_key(struct scan *scan, const char *at)
{
    return fail(scan, at, *at == ',' ? "a second comma" : "something else than a field name",
                "a field name in quotation marks");
}

static char *escaped_key(struct scan *scan, struct frame *frame, const char *mark, size_t written)
{
    frame->key = arena_copy_n(scan->arena, scan->text + (mark + 1 - scan->copy), written);
    return fail_at(scan, mark, "an escape in a field name", "the name in plain letters");
}

static char *repeated_key(struct scan *scan, const char *mark)
{
    scan->fault->is_repeat = true;
    return fail_at(scan, mark, "the field a second time", "each field once");
}

static char *too_many_keys(struct scan *scan, const char *mark)
{
    return fail_at(scan, mark, "too many fields in one object",
                   arena_print(scan->arena, "at most %d", JSON_MEMBERS_MAX));
}

/* The key at MARK, and the colon. */
static inline char *read_key(struct scan *scan, struct frame *frame, struct seat *seat, char *mark)
{
    size_t length;
    if (*mark != '"')
        return no_key(scan, mark);
    char *at = json_text_read(mark + 1, scan->end, &length, &scan->text_fault);
    if (at == NULL)
        return text_fault(scan);
    size_t written = (size_t)(at - mark) - 2;
    if (written != length)
        return escaped_key(scan, frame, mark, written);
    frame->key = seat->key = mark + 1;
    seat->key_length = length;
    seat->key_hash = hash_name(mark + 1, length);
    if (!note_key(frame, seat))
        return repeated_key(scan, mark);
    if (frame->key_count > JSON_MEMBERS_MAX)
        return too_many_keys(scan, mark);
    at = skip_space(at);
    return *at == ':' ? at + 1 : fail(scan, at, "no colon after the field name", "a colon");
}

/* ---- structure ---- */

static char *read_members(struct scan *scan, struct frame *frame, char *at);
static char *read_items(struct scan *scan, struct frame *frame, char *at);

/* The object or list that opens at AT. */
static char *read_tree(struct scan *scan, struct seat *seat, char *at)
{
    if (scan->depth >= scan->depth_max)
        return fail(scan, at, "too many levels", "fewer levels of { and [");
    enum json_type type = *at == '{' ? JSON_TYPE_OBJECT : JSON_TYPE_LIST;
    struct frame *frame = &scan->frames[++scan->depth];
    frame->node = add_node(scan, seat, at, type, NULL, 0);
    frame->key = NULL;
    at = type == JSON_TYPE_OBJECT ? read_members(scan, frame, at + 1)
                                  : read_items(scan, frame, at + 1);
    if (at != NULL)
        scan->depth--;
    return at;
}

/* The value at AT, and the white space behind it. */
static inline __attribute__((always_inline)) char *read_value(struct scan *scan, struct seat *seat,
                                                              char *at)
{
    if (*at == '"')
        at = read_text(scan, seat, at);
    else if (*at == '{' || *at == '[')
        at = read_tree(scan, seat, at);
    else
        at = read_number_or_word(scan, seat, at);
    if (at == NULL)
        return NULL;
    return scan->is_full ? too_many_values(scan, at) : skip_space(at);
}

/* The object of FRAME ends before AT. */
static __attribute__((noinline)) char *check_many_keys(struct scan *scan, struct frame *frame,
                                                       char *at)
{
    const struct json *repeated = find_repeated(scan, frame);
    if (repeated == NULL)
        return at;
    frame->key = repeated->key;
    return repeated_key(scan, repeated->key - 1);
}

/* What is behind the opening brace of FRAME. */
static char *read_members(struct scan *scan, struct frame *frame, char *at)
{
    struct seat seat = {.link = &frame->node->child};
    frame->seen = 0;
    frame->key_count = 0;
    at = skip_space(at);
    if (*at == '}')
        return at + 1;
    for (;;) {
        at = read_key(scan, frame, &seat, at);
        if (at == NULL)
            return NULL;
        at = read_value(scan, &seat, skip_space(at));
        if (at == NULL)
            return NULL;
        if (*at != ',')
            break;
        at = skip_space(at + 1);
    }
    if (*at != '}')
        return fail(scan, at, "no comma after a value", "a comma or }");
    frame->node->child->prev = seat.last;
    frame->node->names = frame->seen;
    return frame->key_count > FEW_KEYS ? check_many_keys(scan, frame, at + 1) : at + 1;
}

/* What is behind the opening bracket of FRAME. */
static char *read_items(struct scan *scan, struct frame *frame, char *at)
{
    struct seat seat = {.link = &frame->node->child};
    frame->index = 0;
    at = skip_space(at);
    if (*at == ']')
        return at + 1;
    for (;;) {
        at = read_value(scan, &seat, at);
        if (at == NULL)
            return NULL;
        if (*at != ',')
            break;
        at = skip_space(at + 1);
        frame->index++;
        if (*at == ',')
            return fail(scan, at, "a second comma", "a value");
    }
    if (*at != ']')
        return fail(scan, at, "no comma after a value", "a comma or ]");
    frame->node->child->prev = seat.last;
    return at + 1;
}

static struct json *read_all(struct scan *scan)
{
    size_t length = (size_t)(scan->end - scan->copy);
    struct json *root = NULL;
    struct seat seat = {.link = &root};
    char *at = scan->copy;
    if (length >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    at = read_value(scan, &seat, skip_space(at));
    if (at == NULL)
        return NULL;
    if (at < scan->end) {
        fail(scan, at, "more text after the value", "nothing more");
        return NULL;
    }
    return root;
}

/* The copy begins one byte behind its memory, for a text that begins with a number. */
static char *copy_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_raw(arena, 1 + length + BYTES_STEP);
    memcpy(copy + 1, text, length);
    memset(copy + 1 + length, 0, BYTES_STEP);
    return copy + 1;
}

static bool is_taken(struct scan *scan, size_t length)
{
    size_t bytes_max = scan->options->bytes_max;
    if (length > INT_MAX || (bytes_max > 0 && length > bytes_max)) {
        note_fault(scan, 0, "a text that is too long",
                   length > INT_MAX ? "at most 2 GB"
                                    : arena_print(scan->arena, "at most %zu bytes", bytes_max));
        return false;
    }
    size_t bad = text_utf8_fault(scan->text, length);
    if (bad < length)
        note_fault(scan, bad, "bytes that are not UTF-8", "UTF-8 text");
    return bad == length;
}

struct json *json_scan(struct arena *arena, const char *text, size_t length,
                       const struct json_options *options, struct json_fault *ret_fault)
{
    static const struct json_options defaults = {0};
    struct scan scan;
    scan.text = text;
    scan.arena = arena;
    scan.options = options == NULL ? &defaults : options;
    scan.fault = ret_fault;
    scan.row_left = 0;
    scan.nodes_left = scan.options->values_max == 0 ? SIZE_MAX : scan.options->values_max;
    scan.is_full = false;
    scan.depth = 0;
    scan.depth_max = scan.options->depth_max;
    if (scan.depth_max <= 0 || scan.depth_max > JSON_DEPTH_MAX)
        scan.depth_max = JSON_DEPTH_MAX;
    memset(ret_fault, 0, sizeof *ret_fault);
    if (!is_taken(&scan, length))
        return NULL;
    scan.copy = copy_text(arena, text, length);
    scan.end = scan.copy + length;
    return read_all(&scan);
}
