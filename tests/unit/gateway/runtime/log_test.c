/* log: whatever a value holds, an event is one line of JSON, and no line grows without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fhir/json/json.h"
#include "gateway/runtime/log.h"

static char said[65536];

/* Runs SAY with standard error going into said[]. */
static size_t listen_to(void (*say)(const void *with), const void *with)
{
    char path[] = "/tmp/refgate-log-XXXXXX";
    int file = mkstemp(path);
    int kept = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
    say(with);
    dup2(kept, STDERR_FILENO);
    close(kept);
    ssize_t length = pread(file, said, sizeof said - 1, 0);
    said[length] = '\0';
    close(file);
    unlink(path);
    return (size_t)length;
}

static const struct json *line_of(struct arena *arena, size_t length)
{
    struct json_document document;
    struct json_fault fault;
    assert_true(length > 0 && said[length - 1] == '\n');
    assert_ptr_equal(strchr(said, '\n'), said + length - 1); /* one line */
    if (!json_parse(arena, said, length, NULL, &document, &fault))
        fail_msg("no JSON: %s", said);
    return document.root;
}

static void say_value(const void *with)
{
    log_event(LOG_LEVEL_WARNING, "tested", "value", (const char *)with, "after", "x", NULL);
}

static void odd_values_stay_one_line(void **state)
{
    (void)state;
    static const char *const values[] = {"plain",
                                         "two\nlines",
                                         "cr\r\nlf",
                                         "quote \" and \\ back",
                                         "\x1b[31mred",
                                         "\x01\x02\x7f",
                                         "",
                                         ("Zs\xc3\xb3"
                                          "fia"),
                                         "tab\there",
                                         "{\"level\":\"error\"}"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct arena arena = ARENA_EMPTY;
        const struct json *line = line_of(&arena, listen_to(say_value, values[i]));
        assert_string_equal(json_get_text(line, "event"), "tested");
        assert_string_equal(json_get_text(line, "level"), "warning");
        assert_string_equal(json_get_text(line, "after"), "x");
        assert_int_equal(strlen(json_get_text(line, "at")), 24);
        assert_null(strchr(json_get_text(line, "value"), '\x1b'));
        arena_free(&arena);
    }
}

/* Cut at a byte, a letter of more bytes may not be left in half. */
static void long_values_are_cut_and_stay_utf8(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        struct arena arena = ARENA_EMPTY;
        struct text value = text_new(&arena, 10000);
        for (size_t i = 0; i < shift; i++)
            text_add(&value, "x");
        for (int i = 0; i < 1000; i++)
            text_add(&value, "\xf0\x9d\x84\x9e");
        const struct json *line = line_of(&arena, listen_to(say_value, value.at));
        assert_true(strlen(json_get_text(line, "value")) <= 204);
        assert_string_equal(json_get_text(line, "after"), "x");
        arena_free(&arena);
    }
}

static void invalid_utf8_is_no_broken_line(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    line_of(&arena, listen_to(say_value, "broken \xff\xc3 text"));
    arena_free(&arena);
}

static void say_much(const void *with)
{
    const char *v = with;
    log_event(LOG_LEVEL_ERROR, "much", "a", v, "b", v, "c", v, "d", v, "e", v, "f", v, "g", v, "h",
              v, "i", v, "j", v, "k", v, "l", v, "m", v, NULL);
}

static void many_values_are_one_whole_line(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    char value[260];
    memset(value, '"', sizeof value);
    value[sizeof value - 1] = '\0';
    size_t length = listen_to(say_much, value);
    assert_true(length <= 2048);
    line_of(&arena, length);
    arena_free(&arena);
}

static void say_number(const void *with)
{
    log_number(LOG_LEVEL_INFO, "counted", "count", *(const long long *)with, "partner", "x", NULL);
}

static void numbers_are_numbers(void **state)
{
    (void)state;
    static const long long numbers[] = {0, -7, 9223372036854775807LL};
    for (size_t i = 0; i < 3; i++) {
        struct arena arena = ARENA_EMPTY;
        char digits[32];
        snprintf(digits, sizeof digits, "%lld", numbers[i]);
        const struct json *line = line_of(&arena, listen_to(say_number, &numbers[i]));
        assert_string_equal(json_number(json_get(line, "count")), digits);
        assert_string_equal(json_get_text(line, "partner"), "x");
        arena_free(&arena);
    }
}

static void say_all(const void *with)
{
    (void)with;
    log_event(LOG_LEVEL_DEBUG, "d", NULL);
    log_event(LOG_LEVEL_INFO, "i", NULL);
    log_event(LOG_LEVEL_WARNING, "w", NULL);
    log_event(LOG_LEVEL_ERROR, "e", NULL);
}

static void what_is_below_the_level_is_not_said(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_WARNING);
    listen_to(say_all, NULL);
    assert_null(strstr(said, "\"d\""));
    assert_null(strstr(said, "\"i\""));
    assert_non_null(strstr(said, "\"w\""));
    assert_non_null(strstr(said, "\"e\""));
    log_set_level(LOG_LEVEL_INFO);
}

static size_t lines(void)
{
    size_t count = 0;
    for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

static void say_in_turns(const void *with)
{
    (void)with;
    log_gather();
    log_event(LOG_LEVEL_INFO, "first", NULL);
    log_event(LOG_LEVEL_INFO, "second", NULL);
}

static void say_the_rest(const void *with)
{
    (void)with;
    log_flush();
}

static void say_warning(const void *with)
{
    (void)with;
    log_event(LOG_LEVEL_INFO, "third", NULL);
    log_event(LOG_LEVEL_WARNING, "fourth", NULL);
}

static void gathered_lines_go_out_in_order(void **state)
{
    (void)state;
    assert_int_equal(listen_to(say_in_turns, NULL), 0);
    listen_to(say_the_rest, NULL);
    assert_int_equal(lines(), 2);
    assert_true(strstr(said, "first") < strstr(said, "second"));
    assert_int_equal(listen_to(say_the_rest, NULL), 0);
    listen_to(say_warning, NULL);
    assert_int_equal(lines(), 2);
    assert_true(strstr(said, "third") < strstr(said, "fourth"));
    log_gather_end();
    listen_to(say_all, NULL);
    assert_int_equal(lines(), 3);
}

/* More than fits goes out in between, in whole lines. */
static void say_a_hundred(const void *with)
{
    log_gather();
    for (int i = 0; i < 100; i++)
        log_number(LOG_LEVEL_INFO, "much", "number", i, "value", (const char *)with, NULL);
    log_gather_end();
}

static void much_is_said_in_whole_lines(void **state)
{
    (void)state;
    char value[150];
    struct arena arena = ARENA_EMPTY;
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    listen_to(say_a_hundred, value);
    assert_int_equal(lines(), 100);
    char *line = said;
    for (int i = 0; i < 100; i++) {
        char *end = strchr(line, '\n');
        struct json_document document;
        struct json_fault fault;
        assert_true(json_parse(&arena, line, (size_t)(end - line), NULL, &document, &fault));
        char digits[8];
        snprintf(digits, sizeof digits, "%d", i);
        assert_string_equal(json_number(json_get(document.root, "number")), digits);
        assert_int_equal(strlen(json_get_text(document.root, "at")), 24);
        line = end + 1;
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_values_stay_one_line),
        cmocka_unit_test(long_values_are_cut_and_stay_utf8),
        cmocka_unit_test(invalid_utf8_is_no_broken_line),
        cmocka_unit_test(many_values_are_one_whole_line),
        cmocka_unit_test(numbers_are_numbers),
        cmocka_unit_test(what_is_below_the_level_is_not_said),
        cmocka_unit_test(gathered_lines_go_out_in_order),
        cmocka_unit_test(much_is_said_in_whole_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
