/* json_scan: strict JSON (RFC 8259), in one pass. See json_scan.h. */
#include "fhir/json_scan.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "fhir/json_text.h"

enum { FEW_KEYS = 16 }; /* in one object: compared one by one; more are looked up in a table */

struct frame { /* one open object or list */
    struct json_seat seat;
    bool is_list;
    int index;           /* of the item being read */
    unsigned key_count;  /* read so far */
    uint64_t seen;       /* bit h: a key whose hash ends in these six bits was there */
    const char **places; /* of many keys: open-addressing table of them, else NULL */
    size_t place_count;  /* a power of two, at least twice the keys */
};

struct scan {
    const char *text;
    const char *at;
    const char *end;
    char *out; /* where the next decoded text goes; there is room for all that can come */
    struct arena *arena;
    const struct json_options *options;
    struct json_fault *fault;
    struct json *root;
    struct json_nodes nodes;
    int depth; /* frames[0] holds the root */
    struct frame frames[JSON_DEPTH_MAX + 1];
};

static const char *scan_path(const struct scan *scan)
{
    struct text path = text_new(scan->arena, 1024);
    for (int i = 1; i <= scan->depth; i++) {
        const struct frame *frame = &scan->frames[i];
        if (frame->is_list) {
            text_print(&path, "[%d]", frame->index + scan->options->index_base);
        } else if (frame->seat.key != NULL) {
            if (path.length > 0)
                text_add(&path, ".");
            text_add(&path, frame->seat.key);
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

static bool fail_at(struct scan *scan, const char *at, const char *found, const char *expected)
{
    struct json_fault *fault = scan->fault;
    fault->found = found;
    fault->expected = expected;
    fault->path = scan_path(scan);
    fault->offset = (size_t)(at - scan->text);
    json_scan_place(scan->text, fault->offset, &fault->line, &fault->column);
    return false;
}

static bool fail(struct scan *scan, const char *found, const char *expected)
{
    if (scan->at >= scan->end)
        found = "the text ends here";
    return fail_at(scan, scan->at, found, expected);
}

/* ---- white space ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_some_space(struct scan *scan)
{
    const char *at = scan->at;
    const char *end = scan->end;
    const uint64_t eight_spaces = BYTES_ONES * ' ';
    while (at < end && is_space(*at)) {
        at++;
        while (end - at >= 8 && bytes_word(at) == eight_spaces)
            at += 8;
    }
    scan->at = at;
}

static inline void skip_space(struct scan *scan)
{
    if (scan->at < scan->end && (unsigned char)*scan->at <= ' ')
        skip_some_space(scan);
}

/* ---- values ---- */

/* The text whose opening mark is at AT; its copy starts where `out` stood. */
static bool read_text(struct scan *scan)
{
    struct json_text_fault fault;
    char *out;
    const char *behind = json_text_read(scan->at + 1, scan->end, scan->out, &out, &fault);
    if (behind == NULL) {
        scan->at = fault.at;
        return fail(scan, fault.found, fault.expected);
    }
    scan->at = behind;
    scan->out = out + 1;
    return true;
}

static bool digits(struct scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > start;
}

/* The number at AT; its copy starts where `out` stood. */
static bool read_number(struct scan *scan)
{
    const char *start = scan->at;
    if (*scan->at == '-')
        scan->at++;
    if (scan->at < scan->end && *scan->at == '0') {
        scan->at++;
        if (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
            return fail_at(scan, start, "a number that starts with 0", "the number without it");
    } else if (!digits(scan)) {
        return fail(scan, "a sign without digits", "a number");
    }
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!digits(scan))
            return fail(scan, "no digit after the point", "a digit");
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        if (!digits(scan))
            return fail(scan, "no digit after the exponent sign", "a digit");
    }
    size_t length = (size_t)(scan->at - start);
    memcpy(scan->out, start, length);
    scan->out[length] = '\0';
    scan->out += length + 1;
    return true;
}

static bool read_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);
    size_t left = (size_t)(scan->end - scan->at);
    if (left < length && strncmp(scan->at, word, left) == 0) {
        scan->at = scan->end;
        return fail(scan, "", "a value");
    }
    if (left < length || strncmp(scan->at, word, length) != 0)
        return fail(scan, "a word without quotation marks",
                    "a value in quotation marks, or a number");
    scan->at += length;
    return true;
}

/* A text, number or word at AT into *VALUE. */
static bool read_scalar(struct scan *scan, struct json_value *value)
{
    char c = *scan->at;
    char *copy = scan->out;
    if (c == 't' || c == 'f') {
        value->kind = JSON_BOOLEAN;
        value->is_true = c == 't';
        return read_word(scan, c == 't' ? "true" : "false");
    }
    if (c == 'n')
        return read_word(scan, "null");
    if (c == ',')
        return fail(scan, "a comma without a value", "a value");
    value->kind = c == '"' ? JSON_TEXT : JSON_NUMBER;
    if (c == '"'                             ? !read_text(scan)
        : c == '-' || (c >= '0' && c <= '9') ? !read_number(scan)
                                             : !read_word(scan, "true"))
        return false;
    value->text = copy;
    value->length = (size_t)(scan->out - copy) - 1;
    return true;
}

/* ---- keys ---- */

/* Where KEY is, or would go, in the table of FRAME. The hash is of all bytes of the key: who
 * writes thousands of members chooses their names. */
static const char **key_place(const struct frame *frame, const char *key)
{
    uint32_t hash = 2166136261u;
    for (const char *at = key; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    size_t place = hash & (frame->place_count - 1);
    while (frame->places[place] != NULL && strcmp(frame->places[place], key) != 0)
        place = (place + 1) & (frame->place_count - 1);
    return &frame->places[place];
}

/* Makes the table, or doubles it, and enters the keys of the members that are there. */
static void make_places(struct scan *scan, struct frame *frame)
{
    frame->place_count = frame->places == NULL ? 4 * FEW_KEYS : 2 * frame->place_count;
    frame->places = arena_array(scan->arena, frame->place_count, sizeof *frame->places);
    struct json *member = json_first(frame->seat.parent);
    for (; member != NULL; member = json_next(member))
        *key_place(frame, json_key(member)) = json_key(member);
}

static bool has_key(const struct frame *frame, const char *key, uint32_t hash)
{
    if ((frame->seen >> (hash & 63) & 1) == 0)
        return false;
    const struct json *member = json_first(frame->seat.parent);
    while (member != NULL && strcmp(json_key(member), key) != 0)
        member = json_next(member);
    return member != NULL;
}

/* Notes KEY as one of the innermost object's; false when that object has it already. */
static bool add_key(struct scan *scan, struct frame *frame, const char *key, uint32_t hash)
{
    if (frame->key_count >= FEW_KEYS) {
        if (2 * (size_t)(frame->key_count + 1) > frame->place_count)
            make_places(scan, frame);
        const char **place = key_place(frame, key);
        if (*place != NULL)
            return false;
        *place = key;
    } else if (has_key(frame, key, hash)) {
        return false;
    }
    frame->seen |= 1ull << (hash & 63);
    frame->key_count++;
    return true;
}

static bool read_key(struct scan *scan)
{
    struct frame *frame = &scan->frames[scan->depth];
    if (scan->at >= scan->end)
        return fail(scan, "", "a field name in quotation marks");
    if (*scan->at != '"')
        return fail(scan, *scan->at == ',' ? "a second comma" : "something else than a field name",
                    "a field name in quotation marks");
    const char *start = scan->at;
    char *key = scan->out;
    if (!read_text(scan))
        return false;
    size_t length = (size_t)(scan->out - key) - 1;
    uint32_t hash = hash_name(key, length);
    frame->seat.key = key;
    frame->seat.key_length = length;
    frame->seat.key_hash = hash;
    size_t written = (size_t)(scan->at - start) - 2;
    if (written != length) {
        frame->seat.key = arena_copy_n(scan->arena, start + 1, written);
        return fail_at(scan, start, "an escape in a field name", "the name in plain letters");
    }
    if (!add_key(scan, frame, key, hash)) {
        scan->fault->is_repeat = true;
        return fail_at(scan, start, "the field a second time", "each field once");
    }
    skip_space(scan);
    if (scan->at >= scan->end || *scan->at != ':')
        return fail(scan, "no colon after the field name", "a colon");
    scan->at++;
    return true;
}

/* ---- structure ---- */

static bool open_frame(struct scan *scan, struct json_value *value)
{
    int depth_max = scan->options->depth_max > 0 ? scan->options->depth_max : JSON_DEPTH_MAX;
    bool is_list = *scan->at == '[';
    if (scan->depth >= depth_max || scan->depth >= JSON_DEPTH_MAX)
        return fail(scan, "too many levels", "fewer levels of { and [");
    value->kind = is_list ? JSON_LIST : JSON_OBJECT;
    struct json *node = json_node_add(&scan->nodes, &scan->frames[scan->depth].seat, value);
    if (scan->depth == 0)
        scan->root = node;
    struct frame *frame = &scan->frames[++scan->depth];
    frame->seat = (struct json_seat){.parent = node};
    frame->is_list = is_list;
    frame->index = 0;
    frame->key_count = 0;
    frame->seen = 0;
    frame->places = NULL;
    frame->place_count = 0;
    scan->at++;
    return true;
}

/* After a value: takes a comma or closes what is open. Sets *ret_done at the end of the text's
 * value. */
static bool read_after_value(struct scan *scan, bool *ret_done)
{
    while (scan->depth > 0) {
        struct frame *frame = &scan->frames[scan->depth];
        char close = frame->is_list ? ']' : '}';
        skip_space(scan);
        if (scan->at < scan->end && *scan->at == close) {
            scan->depth--;
            scan->at++;
            continue;
        }
        if (scan->at >= scan->end || *scan->at != ',')
            return fail(scan, "no comma after a value",
                        frame->is_list ? "a comma or ]" : "a comma or }");
        scan->at++;
        skip_space(scan);
        if (!frame->is_list)
            return read_key(scan);
        frame->index++;
        if (scan->at < scan->end && *scan->at == ',')
            return fail(scan, "a second comma", "a value");
        return true;
    }
    *ret_done = true;
    return true;
}

static bool read_value(struct scan *scan, bool *ret_done)
{
    skip_space(scan);
    if (scan->at >= scan->end)
        return fail(scan, "", scan->depth == 0 ? "one { } object" : "a value");
    struct json_value value = {JSON_NULL, .offset = (int)(scan->at - scan->text)};
    if (*scan->at != '{' && *scan->at != '[') {
        if (!read_scalar(scan, &value))
            return false;
        struct json *node = json_node_add(&scan->nodes, &scan->frames[scan->depth].seat, &value);
        if (scan->depth == 0)
            scan->root = node;
        return read_after_value(scan, ret_done);
    }
    if (!open_frame(scan, &value))
        return false;
    skip_space(scan);
    bool is_list = value.kind == JSON_LIST;
    if (scan->at < scan->end && *scan->at == (is_list ? ']' : '}')) {
        scan->depth--;
        scan->at++;
        return read_after_value(scan, ret_done);
    }
    return is_list || read_key(scan);
}

static bool read_all(struct scan *scan)
{
    size_t length = (size_t)(scan->end - scan->text);
    if (scan->options->bytes_max > 0 && length > scan->options->bytes_max)
        return fail_at(scan, scan->text, "a text that is too long",
                       arena_print(scan->arena, "at most %zu bytes", scan->options->bytes_max));
    size_t bad = text_utf8_fault(scan->text, length);
    if (bad < length)
        return fail_at(scan, scan->text + bad, "bytes that are not UTF-8", "UTF-8 text");
    if (length >= 3 && memcmp(scan->text, "\xef\xbb\xbf", 3) == 0)
        scan->at += 3;
    bool done = false;
    while (!done) {
        if (!read_value(scan, &done))
            return false;
    }
    skip_space(scan);
    if (scan->at < scan->end)
        return fail(scan, "more text after the value", "nothing more");
    return true;
}

struct json *json_scan(struct arena *arena, const char *text, size_t length,
                       const struct json_options *options, struct json_fault *ret_fault)
{
    static const struct json_options defaults = {0, 0, 0};
    struct scan scan;
    scan.text = scan.at = text;
    scan.end = text + length;
    scan.arena = arena;
    scan.options = options == NULL ? &defaults : options;
    scan.fault = ret_fault;
    scan.root = NULL;
    scan.nodes = (struct json_nodes){.arena = arena, .bytes = length};
    scan.depth = 0;
    scan.frames[0].seat = (struct json_seat){.parent = NULL};
    memset(ret_fault, 0, sizeof *ret_fault);
    if (length > INT_MAX) {
        fail_at(&scan, text, "a text that is too long", "at most 2 GB");
        return NULL;
    }
    /* Each text and number, with the NUL behind it, takes no more here than in the input, but for a
     * number that ends it. */
    scan.out = arena_raw(arena, length + 1);
    return read_all(&scan) ? scan.root : NULL;
}
