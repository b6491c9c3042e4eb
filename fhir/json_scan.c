/* json_scan: strict JSON (RFC 8259), byte by byte, without a tree. See json_scan.h. */
#include "fhir/json_scan.h"

#include <stdint.h>
#include <string.h>

enum { FEW_KEYS = 16 }; /* in one object: compared one by one; more are looked up in a table */

struct frame { /* one open object or list */
    const char *key;
    size_t key_length; /* of the member being read */
    int index;         /* of the item being read */
    bool is_list;
    size_t keys_from;   /* first of this object's keys in scan.keys */
    uint32_t *places;   /* of many keys: open-addressing table of key numbers + 1, else NULL */
    size_t place_count; /* a power of two, at least twice the keys */
};

struct key {
    const char *at;
    size_t length;
    uint32_t hash;
};

struct scan {
    struct arena *arena;
    const char *text;
    const char *at;
    const char *end;
    const struct json_options *options;
    struct json_fault *fault;
    struct frame frames[JSON_DEPTH_MAX + 1];
    int depth;
    struct key *keys; /* of all open objects, innermost last */
    size_t key_count, key_room;
    unsigned *offsets;
    size_t nodes, node_room;
};

static const char *scan_path(const struct scan *scan)
{
    struct text path = text_new(scan->arena, 1024);
    for (int i = 0; i < scan->depth; i++) {
        const struct frame *frame = &scan->frames[i];
        if (frame->is_list) {
            text_print(&path, "[%d]", frame->index + scan->options->index_base);
        } else if (frame->key != NULL) {
            if (path.length > 0)
                text_add(&path, ".");
            text_add_n(&path, frame->key, frame->key_length);
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

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four hexadecimal digits at AT, or -1. */
static int escape_unit(const struct scan *scan, const char *at)
{
    int unit = 0;
    if (scan->end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool scan_unicode_escape(struct scan *scan)
{
    const char *start = scan->at - 2;
    int unit = escape_unit(scan, scan->at);
    if (unit < 0)
        return fail_at(scan, start, "an escape that is not complete",
                       "\\u and four hexadecimal digits");
    if (unit == 0)
        return fail_at(scan, start, "the escape \\u0000", "text without NUL characters");
    scan->at += 4;
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return fail_at(scan, start, "half of a surrogate pair", "both halves");
    if (unit < 0xd800 || unit > 0xdbff)
        return true;
    int low = scan->end - scan->at >= 6 && scan->at[0] == '\\' && scan->at[1] == 'u'
                  ? escape_unit(scan, scan->at + 2)
                  : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return fail_at(scan, start, "half of a surrogate pair", "both halves");
    scan->at += 6;
    return true;
}

static bool scan_escape(struct scan *scan)
{
    if (scan->end - scan->at < 2) {
        scan->at = scan->end;
        return fail(scan, "", "the rest of an escape");
    }
    char kind = scan->at[1];
    if (kind == 'u') {
        scan->at += 2;
        return scan_unicode_escape(scan);
    }
    if (memchr("\"\\/bfnrt", kind, 8) == NULL)
        return fail(scan, "an unknown escape", "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    scan->at += 2;
    return true;
}

/* Which of eight bytes are ", \\ or control characters: their highest bit is set. Bytes of 0x80 and
 * above are plain here (text_utf8_fault looked at them). */
static uint64_t special_bytes(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101ull;
    const uint64_t highs = 0x8080808080808080ull;
    uint64_t quote = bytes ^ ones * '"';
    uint64_t backslash = bytes ^ ones * '\\';
    uint64_t found = (quote - ones) & ~quote;
    found |= (backslash - ones) & ~backslash;
    found |= (bytes - ones * 0x20) & ~bytes;
    return found & highs;
}

static void skip_plain(struct scan *scan)
{
    while (scan->end - scan->at >= 8) {
        uint64_t bytes;
        memcpy(&bytes, scan->at, sizeof bytes);
        if (special_bytes(bytes) != 0)
            return;
        scan->at += 8;
    }
}

static bool scan_text(struct scan *scan)
{
    scan->at++;
    skip_plain(scan);
    while (scan->at < scan->end) {
        unsigned char byte = (unsigned char)*scan->at;
        if (byte == '"') {
            scan->at++;
            return true;
        }
        if (byte == '\\') {
            if (!scan_escape(scan))
                return false;
            skip_plain(scan);
        } else if (byte < 0x20) {
            return fail(scan, byte == '\n' ? "a line end inside a text" : "a control character",
                        byte == '\n' ? "a closing quotation mark, or \\n"
                                     : "an escape such as \\n");
        } else {
            scan->at++;
        }
    }
    return fail(scan, "", "a closing quotation mark");
}

static bool digits(struct scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > start;
}

static bool scan_number(struct scan *scan)
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
    return true;
}

static bool scan_word(struct scan *scan, const char *word)
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

static void add_node(struct scan *scan)
{
    if (scan->nodes == scan->node_room) {
        size_t room = scan->node_room * 2;
        scan->offsets = arena_grow(scan->arena, scan->offsets, scan->node_room * sizeof(unsigned),
                                   room * sizeof(unsigned));
        scan->node_room = room;
    }
    scan->offsets[scan->nodes++] = (unsigned)(scan->at - scan->text);
}

static uint32_t hash_of(const char *at, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)at[i]) * 16777619u;
    return hash;
}

static bool same_key(const struct key *one, const struct key *other)
{
    return one->hash == other->hash && one->length == other->length &&
           memcmp(one->at, other->at, one->length) == 0;
}

/* Where KEY is, or would go, in the table of FRAME. */
static uint32_t *key_place(const struct scan *scan, const struct frame *frame,
                           const struct key *key)
{
    size_t place = key->hash & (frame->place_count - 1);
    while (frame->places[place] != 0 && !same_key(&scan->keys[frame->places[place] - 1], key))
        place = (place + 1) & (frame->place_count - 1);
    return &frame->places[place];
}

static bool has_key(const struct scan *scan, const struct frame *frame, const struct key *key)
{
    if (frame->places != NULL)
        return *key_place(scan, frame, key) != 0;
    for (size_t i = frame->keys_from; i < scan->key_count; i++) {
        if (same_key(&scan->keys[i], key))
            return true;
    }
    return false;
}

/* Makes the table, or doubles it, and enters the keys that the object has so far. */
static void make_places(struct scan *scan, struct frame *frame)
{
    frame->place_count = frame->places == NULL ? 4 * FEW_KEYS : 2 * frame->place_count;
    frame->places = arena_array(scan->arena, frame->place_count, sizeof *frame->places);
    for (size_t i = frame->keys_from; i < scan->key_count; i++)
        *key_place(scan, frame, &scan->keys[i]) = (uint32_t)i + 1;
}

/* Adds the key just read to the innermost object; false when that object has it already. Keys with
 * escapes never come here: scan_key refuses them. */
static bool add_key(struct scan *scan, const char *at, size_t length)
{
    struct frame *frame = &scan->frames[scan->depth - 1];
    struct key key = {at, length, hash_of(at, length)};
    if (has_key(scan, frame, &key))
        return false;
    if (scan->key_count == scan->key_room) {
        size_t room = scan->key_room * 2;
        scan->keys = arena_grow(scan->arena, scan->keys, scan->key_room * sizeof *scan->keys,
                                room * sizeof *scan->keys);
        scan->key_room = room;
    }
    scan->keys[scan->key_count++] = key;
    size_t count = scan->key_count - frame->keys_from;
    if (frame->places != NULL && 2 * count <= frame->place_count)
        *key_place(scan, frame, &key) = (uint32_t)scan->key_count;
    else if (count > FEW_KEYS)
        make_places(scan, frame);
    return true;
}

static bool scan_key(struct scan *scan)
{
    struct frame *frame = &scan->frames[scan->depth - 1];
    if (scan->at >= scan->end)
        return fail(scan, "", "a field name in quotation marks");
    if (*scan->at != '"')
        return fail(scan, *scan->at == ',' ? "a second comma" : "something else than a field name",
                    "a field name in quotation marks");
    const char *start = scan->at;
    if (!scan_text(scan))
        return false;
    size_t length = (size_t)(scan->at - start) - 2;
    frame->key = start + 1;
    frame->key_length = length;
    if (memchr(start + 1, '\\', length) != NULL)
        return fail_at(scan, start, "an escape in a field name", "the name in plain letters");
    if (!add_key(scan, start + 1, length)) {
        scan->fault->is_repeat = true;
        return fail_at(scan, start, "the field a second time", "each field once");
    }
    skip_space(scan);
    if (scan->at >= scan->end || *scan->at != ':')
        return fail(scan, "no colon after the field name", "a colon");
    scan->at++;
    return true;
}

static bool scan_open(struct scan *scan, bool is_list)
{
    int depth_max = scan->options->depth_max > 0 ? scan->options->depth_max : JSON_DEPTH_MAX;
    if (scan->depth >= depth_max || scan->depth >= JSON_DEPTH_MAX)
        return fail(scan, "too many levels", "fewer levels of { and [");
    scan->frames[scan->depth++] = (struct frame){.is_list = is_list, .keys_from = scan->key_count};
    scan->at++;
    return true;
}

static void scan_close(struct scan *scan)
{
    scan->depth--;
    scan->key_count = scan->frames[scan->depth].keys_from;
    scan->at++;
}

/* After a value: takes a comma or closes what is open. Sets *ret_done at the end of the text's
 * value. */
static bool scan_after_value(struct scan *scan, bool *ret_done)
{
    for (;;) {
        if (scan->depth == 0) {
            *ret_done = true;
            return true;
        }
        struct frame *frame = &scan->frames[scan->depth - 1];
        char close = frame->is_list ? ']' : '}';
        skip_space(scan);
        if (scan->at < scan->end && *scan->at == close) {
            scan_close(scan);
            continue;
        }
        if (scan->at >= scan->end || *scan->at != ',')
            return fail(scan, "no comma after a value",
                        frame->is_list ? "a comma or ]" : "a comma or }");
        scan->at++;
        skip_space(scan);
        if (frame->is_list) {
            frame->index++;
            if (scan->at < scan->end && *scan->at == ',')
                return fail(scan, "a second comma", "a value");
            return true;
        }
        return scan_key(scan);
    }
}

static bool scan_scalar(struct scan *scan)
{
    char c = *scan->at;
    if (c == '"')
        return scan_text(scan);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(scan);
    if (c == 't')
        return scan_word(scan, "true");
    if (c == 'f')
        return scan_word(scan, "false");
    if (c == 'n')
        return scan_word(scan, "null");
    if (c == ',')
        return fail(scan, "a comma without a value", "a value");
    return scan_word(scan, "true");
}

static bool scan_value(struct scan *scan, bool *ret_done)
{
    skip_space(scan);
    if (scan->at >= scan->end)
        return fail(scan, "", scan->depth == 0 ? "one { } object" : "a value");
    add_node(scan);
    if (*scan->at != '{' && *scan->at != '[')
        return scan_scalar(scan) && scan_after_value(scan, ret_done);
    bool is_list = *scan->at == '[';
    if (!scan_open(scan, is_list))
        return false;
    skip_space(scan);
    if (scan->at < scan->end && *scan->at == (is_list ? ']' : '}')) {
        scan_close(scan);
        return scan_after_value(scan, ret_done);
    }
    return is_list || scan_key(scan);
}

static bool scan_all(struct scan *scan)
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
        if (!scan_value(scan, &done))
            return false;
    }
    skip_space(scan);
    if (scan->at < scan->end)
        return fail(scan, "more text after the value", "nothing more");
    return true;
}

bool json_scan(struct arena *arena, const char *text, size_t length,
               const struct json_options *options, struct json_scan *ret_scan,
               struct json_fault *ret_fault)
{
    static const struct json_options defaults = {0, 0, 0};
    struct scan scan = {.arena = arena,
                        .text = text,
                        .at = text,
                        .end = text + length,
                        .options = options == NULL ? &defaults : options,
                        .fault = ret_fault,
                        .key_room = 64,
                        .node_room = length / 16 + 16};
    memset(ret_fault, 0, sizeof *ret_fault);
    if (length > UINT32_MAX)
        return fail_at(&scan, text, "a text that is too long", "at most 4 GB");
    scan.keys = arena_array(arena, scan.key_room, sizeof *scan.keys);
    scan.offsets = arena_array(arena, scan.node_room, sizeof *scan.offsets);
    if (!scan_all(&scan))
        return false;
    *ret_scan = (struct json_scan){scan.nodes, scan.offsets};
    return true;
}
