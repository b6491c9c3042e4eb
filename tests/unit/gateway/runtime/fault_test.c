/* fault: every kind has what each caller asks of it, and what is shown never contradicts the kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/runtime/fault.h"

static void every_kind_is_whole(void **state)
{
    (void)state;
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        struct fault fault = {(enum fault_kind)kind, NULL};
        assert_true(strlen(fault_name(fault.kind)) > 1);
        assert_true(strlen(fault_sentence(&fault)) > 10);
        assert_true(strlen(fault_issue_code(fault.kind)) > 3);
        int status = fault_http_status(fault.kind);
        int code = fault_exit_code(fault.kind);
        /* What runs out soon is no refusal: only the exit code of `check` tells of it. */
        assert_int_equal(status == 200, kind == FAULT_none || kind == FAULT_runs_out);
        assert_int_equal(code == 0, kind == FAULT_none);
        assert_true(status == 200 || (status >= 400 && status < 600));
        assert_true(code >= 0 && code < 126);
        /* What may be tried again is answered so that a sender tries again. */
        if (fault_is_transient(fault.kind))
            assert_true(status >= 500 || status == 429);
    }
}

static void names_differ(void **state)
{
    (void)state;
    for (int one = 0; one < FAULT_KINDS; one++) {
        for (int other = one + 1; other < FAULT_KINDS; other++)
            assert_string_not_equal(fault_name((enum fault_kind)one),
                                    fault_name((enum fault_kind)other));
    }
}

static void a_sentence_of_its_own_wins(void **state)
{
    (void)state;
    struct fault fault;
    assert_false(fault_set(&fault, FAULT_conflict, "number 7 was used"));
    assert_int_equal(fault.kind, FAULT_conflict);
    assert_string_equal(fault_sentence(&fault), "number 7 was used");
    assert_false(fault_set(&fault, FAULT_conflict, NULL));
    assert_string_not_equal(fault_sentence(&fault), "number 7 was used");
}

static void what_partners_are_promised(void **state)
{
    (void)state;
    assert_int_equal(fault_http_status(FAULT_forbidden), 403);
    assert_int_equal(fault_http_status(FAULT_not_found), 404);
    assert_int_equal(fault_http_status(FAULT_conflict), 409);
    assert_int_equal(fault_http_status(FAULT_too_large), 413);
    assert_int_equal(fault_http_status(FAULT_unsupported), 422);
    assert_int_equal(fault_http_status(FAULT_busy), 503);
    assert_int_equal(fault_http_status(FAULT_store_full), 503);
    assert_int_equal(fault_http_status(FAULT_store_broken), 503);
    assert_string_equal(fault_issue_code(FAULT_busy), "throttled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_whole),
        cmocka_unit_test(names_differ),
        cmocka_unit_test(a_sentence_of_its_own_wins),
        cmocka_unit_test(what_partners_are_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
