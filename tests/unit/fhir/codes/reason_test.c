/* reason: codes that a person may give, what is said of others, and how words are cut and shown. */
#include "fhir/codes/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/* COUNT times LETTER. */
static const char *many(struct arena *arena, const char *letter, size_t count)
{
    struct text text = text_new(arena, 10000);
    for (size_t i = 0; i < count; i++)
        text_add(&text, letter);
    return text.at;
}

static void a_person_gives_a_code(void **state)
{
    struct arena arena = ARENA_EMPTY;
    const struct {
        enum reason_use use;
        const char *code, *text;
        bool is_needed;
        const char *fault; /* NULL: right */
    } rows[] = {
        {REASON_OF_MOVE, "no-capacity", NULL, true, NULL},
        {REASON_OF_MOVE, NULL, NULL, false, NULL},
        {REASON_OF_MOVE, "other", "We move house", true, NULL},
        {REASON_OF_MOVE, "other", many(&arena, "\xc3\xa9", 200), true, NULL},
        {REASON_OF_MOVE, NULL, NULL, true, "found none; expected one of no-capacity, "},
        {REASON_OF_MOVE, "no-capacty", NULL, true, "did you mean no-capacity?"},
        {REASON_OF_MOVE, "no-capacty", NULL, true, "cannot-reach-client, client-choice"},
        {REASON_OF_MOVE, "zzz", NULL, true, "duplicate, other"},
        {REASON_OF_MOVE, "", NULL, true, "found \"\""},
        {REASON_OF_MOVE, "wrong-client", NULL, true, "expected one of no-capacity"},
        {REASON_OF_MOVE, "no-capacity", "full", true, "only with --reason other"},
        {REASON_OF_MOVE, NULL, "full", false, "without --reason"},
        {REASON_OF_MOVE, "other", NULL, true, "--text: found nothing"},
        {REASON_OF_MOVE, "other", "  ", true, "--text: found nothing"},
        {REASON_OF_MOVE, "other", "a\nb", true, "one line of plain text"},
        {REASON_OF_MOVE, "other", "a\xff", true, "not UTF-8"},
        {REASON_OF_MOVE, "other", many(&arena, "\xc3\xa9", 201), true, "found 201 characters"},
        {REASON_OF_RETRACTION, "wrong-client", NULL, true, NULL},
        {REASON_OF_RETRACTION, "other", NULL, true, NULL},
        {REASON_OF_RETRACTION, "no-capacity", NULL, true, "wrong-client, entered-in-error"},
        {REASON_OF_RETRACTION, "wrong-clinet", NULL, true, "did you mean wrong-client?"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *fault =
            reason_fault(&arena, rows[i].use, rows[i].code, rows[i].text, rows[i].is_needed);
        if (rows[i].fault == NULL)
            assert_null(fault);
        else if (fault == NULL || strstr(fault, rows[i].fault) == NULL)
            fail_msg("row %zu: %s", i, fault == NULL ? "no fault" : fault);
    }
    arena_free(&arena);
}

static void words_are_cut_at_a_character(void **state)
{
    struct arena arena = ARENA_EMPTY;
    (void)state;
    assert_string_equal(reason_cut(&arena, "a\tb\x1b[1m"), "a b [1m");
    assert_string_equal(reason_cut(&arena, many(&arena, "\xe2\x82\xac", 300)),
                        many(&arena, "\xe2\x82\xac", 200));
    assert_null(reason_cut(&arena, NULL));
    assert_null(reason_cut(&arena, " \n "));
    arena_free(&arena);
}

static void a_reason_reads_as_a_sentence(void **state)
{
    struct arena arena = ARENA_EMPTY;
    (void)state;
    assert_string_equal(reason_sentence(&arena, "no-capacity", NULL), "No capacity");
    assert_string_equal(reason_sentence(&arena, "other", "We move"), "Other reason: We move");
    assert_string_equal(reason_sentence(&arena, NULL, "Full"), "in their words: Full");
    assert_string_equal(reason_sentence(&arena, "wrong-client", NULL),
                        "Written about the wrong client");
    assert_null(reason_sentence(&arena, NULL, NULL));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_gives_a_code),
        cmocka_unit_test(words_are_cut_at_a_character),
        cmocka_unit_test(a_reason_reads_as_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
