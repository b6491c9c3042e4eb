/* json: what cJSON would let pass is refused with its place; number text and places are kept. */
#include "fhir/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool parse(struct arena *arena, const char *text, struct json_document *document,
                  struct json_fault *fault)
{
    static const struct json_options options = {.bytes_max = 4096, .depth_max = 8, .index_base = 1};
    return json_parse(arena, text, strlen(text), &options, document, fault);
}

static void refuses_what_is_not_strict_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
        const char *path;
    } cases[] = {
        {"", 1, 1, NULL},
        {"{", 1, 2, NULL},
        {"{\"a\":1,}", 1, 8, NULL},
        {"{\"a\":1 \"b\":2}", 1, 8, "a"},
        {"{\"a\":1,\n\"b\":[1,2,{\"c\":1,\"c\":2}]}", 2, 17, "b[3].c"},
        {"{\"a\":01}", 1, 6, "a"},
        {"{\"a\":.5}", 1, 6, "a"},
        {"{\"a\":1.}", 1, 8, "a"},
        {"{\"a\":+1}", 1, 6, "a"},
        {"{\"a\":NaN}", 1, 6, "a"},
        {"{\"a\":\"\\u0000\"}", 1, 7, "a"},
        {"{\"a\":\"\\ud800x\"}", 1, 7, "a"},
        {"{\"a\":\"\\udc00\"}", 1, 7, "a"},
        {"{\"a\":\"\\x\"}", 1, 7, "a"},
        {"{\"a\":\"tab\there\"}", 1, 10, "a"},
        {"{\"a\":\"\xff\"}", 1, 7, NULL},
        {"{} x", 1, 4, NULL},
        {"{'a':1}", 1, 2, NULL},
        {"[[[[[[[[[1]]]]]]]]]", 1, 9, "[1][1][1][1][1][1][1][1]"},
        {"{\"a\":tru", 1, 9, "a"},
        {"{\"a\" 1}", 1, 6, "a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = ARENA_EMPTY;
        struct json_document document;
        struct json_fault fault;
        assert_false(parse(&arena, cases[i].text, &document, &fault));
        assert_int_equal(fault.line, cases[i].line);
        assert_int_equal(fault.column, cases[i].column);
        assert_non_null(fault.found);
        if (cases[i].path != NULL)
            assert_string_equal(fault.path, cases[i].path);
        arena_free(&arena);
    }
}

static void keeps_number_text_and_places(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct json_document document;
    struct json_fault fault;
    const char *text =
        "\xef\xbb\xbf{\"a\":1.00,\n \"b\":[-0.5e+10, 9007199254740993, \"é\", true]}";
    assert_true(parse(&arena, text, &document, &fault));
    assert_string_equal(json_number(json_get(document.root, "a")), "1.00");
    struct json *list = json_get(document.root, "b");
    assert_string_equal(json_number(json_at(list, 1)), "9007199254740993");
    int line;
    int column;
    json_place(&document, json_at(list, 3), &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 40);
    assert_string_equal(json_print(&arena, document.root),
                        "{\"a\":1.00,\"b\":[-0.5e+10,9007199254740993,\"é\",true]}");
    arena_free(&arena);
}

static void makes_and_compares_trees(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct json *object = json_new_object(&arena);
    json_set_text(&arena, object, "name", "O'Hara \"x\"\n");
    json_set(&arena, object, "value", json_new_number(&arena, "2.50"));
    struct json *list = json_set(&arena, object, "list", json_new_list(&arena));
    json_push(list, json_new_whole(&arena, 7));
    const char *text = json_print(&arena, object);
    assert_string_equal(text, "{\"name\":\"O'Hara \\\"x\\\"\\n\",\"value\":2.50,\"list\":[7]}");
    struct json_document document;
    struct json_fault fault;
    const char *other = "{\"list\":[7],\"value\":2.50,\"name\":\"O'Hara \\\"x\\\"\\n\"}";
    assert_true(parse(&arena, other, &document, &fault));
    assert_true(json_same(object, document.root));
    json_replace(&arena, object, "value", json_new_number(&arena, "2.5"));
    assert_false(json_same(object, document.root));
    assert_string_equal(
        json_print_pretty(&arena, object),
        "{\n  \"name\": \"O'Hara \\\"x\\\"\\n\",\n  \"value\": 2.5,\n  \"list\": [\n"
        "    7\n  ]\n}");
    arena_free(&arena);
}

/* An object of COUNT fields, the last one called LAST. */
static const char *many_fields(struct arena *arena, int count, const char *last)
{
    struct text text = text_new(arena, (size_t)1 << 24);
    text_add(&text, "{");
    for (int i = 0; i < count; i++)
        text_print(&text, "\"field%d\":%d,", i, i);
    text_print(&text, "\"%s\":0}", last);
    return text.at;
}

static void finds_a_repeated_field_among_many(void **state)
{
    (void)state;
    static const int counts[] = {1, 15, 16, 17, 31, 32, 33, 64, 65, JSON_MEMBERS_MAX - 1};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct arena arena = ARENA_EMPTY;
        struct json_document document;
        struct json_fault fault;
        const char *fine = many_fields(&arena, counts[i], "other");
        assert_true(json_parse(&arena, fine, strlen(fine), NULL, &document, &fault));
        const char *repeat = many_fields(&arena, counts[i], "field0");
        assert_false(json_parse(&arena, repeat, strlen(repeat), NULL, &document, &fault));
        assert_true(fault.is_repeat);
        assert_string_equal(fault.path, "field0");
        arena_free(&arena);
    }
}

/* The second `b` stands before the second `a`. */
static void tells_the_first_repeat_of_many(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct json_document document;
    struct json_fault fault;
    struct text text = text_new(&arena, 10000);
    text_add(&text, "{\"x\":[{\"a\":1,\"b\":2,");
    for (int i = 0; i < 40; i++)
        text_print(&text, "\"field%d\":{\"a\":[]},", i);
    size_t place = text.length;
    text_add(&text, "\"b\":3,\"a\":4}]}");
    assert_false(parse(&arena, text.at, &document, &fault));
    assert_true(fault.is_repeat);
    assert_string_equal(fault.path, "x[1].b");
    assert_int_equal(fault.offset, place);
    arena_free(&arena);
}

static void ceilings_have_words(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct json_document document;
    struct json_fault fault;
    struct json_options options = {.values_max = 100};
    struct text text = text_new(&arena, 10000);
    const char *wide = many_fields(&arena, JSON_MEMBERS_MAX, "other");
    assert_false(json_parse(&arena, wide, strlen(wide), NULL, &document, &fault));
    assert_string_equal(fault.found, "too many fields in one object");
    assert_string_equal(fault.expected, "at most 512");
    text_add(&text, "[0");
    for (int i = 0; i < 98; i++) /* with the list itself: 100 */
        text_add(&text, ",0");
    size_t length = text.length;
    text_add(&text, "]");
    assert_true(json_parse(&arena, text.at, text.length, &options, &document, &fault));
    text.length = length;
    text_add(&text, ",0]");
    assert_false(json_parse(&arena, text.at, text.length, &options, &document, &fault));
    assert_string_equal(fault.found, "too many values in one text");
    assert_string_equal(fault.expected, "at most 100 values");
    arena_free(&arena);
}

static void reads_text_that_does_not_end_in_nul(void **state)
{
    (void)state;
    static const char *const texts[] = {"4", "12.5", "[1,23]", "{\"a\":7}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena arena = ARENA_EMPTY;
        size_t length = strlen(texts[i]);
        char *exact = malloc(length);
        assert_non_null(exact);
        memcpy(exact, texts[i], length);
        struct json_document document;
        struct json_fault fault;
        assert_true(json_parse(&arena, exact, length, NULL, &document, &fault));
        assert_string_equal(json_print(&arena, document.root), texts[i]);
        free(exact);
        arena_free(&arena);
    }
}

/* Bytes are looked at sixteen at a time: whatever matters stands once at each place of a step. */
static void numbers_have_a_length(void **state)
{
    static const struct {
        const char *text, *found; /* NULL: taken */
    } cases[] = {{"[12345678]", NULL},
                 {"[-1234567]", NULL},
                 {"[1e99,1E-07]", NULL},
                 {"[123456789]", "a number that is too long"},
                 {"[0.1234567]", "a number that is too long"},
                 {"[1e999]", "an exponent of more than two digits"},
                 {"[-1E-007]", "an exponent of more than two digits"}};
    struct arena arena = ARENA_EMPTY;
    struct json_options options = {.number_max = 8};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_document document;
        struct json_fault fault = {.found = NULL};
        size_t length = strlen(cases[i].text);
        bool is_taken = json_parse(&arena, cases[i].text, length, &options, &document, &fault);
        assert_int_equal(is_taken, cases[i].found == NULL);
        assert_true(is_taken || strcmp(fault.found, cases[i].found) == 0);
        assert_true(json_parse(&arena, cases[i].text, length, NULL, &document, &fault));
    }
    arena_free(&arena);
}

static void reads_texts_of_every_length(void **state)
{
    (void)state;
    static const struct {
        const char *written, *read; /* read NULL: refused */
    } parts[] = {
        {"", ""},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC\\ud83D\\ude00", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xc3\xa9\x7f", "\xc3\xa9\x7f"},
        {"\x1f", NULL},
        {"\\ud83d\\u0041", NULL},
        {"\\q", NULL},
        {"\xff", NULL},
    };
    static const char filling[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        for (int before = 0; before <= 34; before++) {
            struct arena arena = ARENA_EMPTY;
            struct json_document document;
            struct json_fault fault;
            const char *text = arena_print(&arena, "{\"%.*s\":\"%.*s%s%.*s\"}", before + 1, filling,
                                           before, filling, parts[i].written, 34 - before, filling);
            bool is_right = json_parse(&arena, text, strlen(text), NULL, &document, &fault);
            assert_int_equal(is_right, parts[i].read != NULL);
            if (is_right) {
                const struct json *member = json_first(document.root);
                assert_memory_equal(json_key(member), filling, (size_t)before + 1);
                assert_string_equal(json_text(member),
                                    arena_print(&arena, "%.*s%s%.*s", before, filling,
                                                parts[i].read, 34 - before, filling));
            }
            arena_free(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_repeated_field_among_many),
        cmocka_unit_test(tells_the_first_repeat_of_many),
        cmocka_unit_test(ceilings_have_words),
        cmocka_unit_test(numbers_have_a_length),
        cmocka_unit_test(reads_texts_of_every_length),
        cmocka_unit_test(reads_text_that_does_not_end_in_nul),
        cmocka_unit_test(refuses_what_is_not_strict_json),
        cmocka_unit_test(keeps_number_text_and_places),
        cmocka_unit_test(makes_and_compares_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
