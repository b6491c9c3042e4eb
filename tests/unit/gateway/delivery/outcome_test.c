/* outcome: what is said of an exchange that failed, and what counts as unsent, from the facts
 * alone: the cases that a real exchange cannot be brought to. The others are in transmit_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/delivery/outcome.h"

static void each_end_has_its_sentence(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct transmit_limits limits = transmit_limits_default();
    struct outcome_facts facts = {.end = OUTCOME_END_NAME,
                                  .partner = "lakeside",
                                  .host = "gw.example",
                                  .place = "gw.example:443",
                                  .tls_error = "",
                                  .reason = "",
                                  .verdict = VERDICT_no_handshake,
                                  .limits = &limits};
    assert_string_equal(outcome_say(&arena, &facts),
                        "cannot connect to gw.example:443: the name gw.example is not known");
    facts.end = OUTCOME_END_TIME;
    assert_string_equal(outcome_say(&arena, &facts),
                        "cannot connect to gw.example:443: nobody answered within 10000 ms");
    arena_free(&arena);
}

static void only_a_refusal_before_the_answer_is_unsent(void **state)
{
    (void)state;
    struct outcome_facts facts = {.end = OUTCOME_END_OTHER,
                                  .verdict = VERDICT_no_handshake,
                                  .may_have_sent = true,
                                  .new_connection = true};
    /* An alert about something else, in the middle of an answer, leaves it unknown. */
    facts.tls_error = "error:0A000438:SSL routines::tlsv1 alert internal error, errno 0";
    assert_int_equal(outcome_of(&facts), TRANSMIT_BROKEN);
    facts.tls_error = "error:0A000418:SSL routines::tlsv1 alert unknown ca, errno 0";
    assert_int_equal(outcome_of(&facts), TRANSMIT_TLS_REFUSED);
    facts.has_head = true;
    assert_int_equal(outcome_of(&facts), TRANSMIT_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_has_its_sentence),
        cmocka_unit_test(only_a_refusal_before_the_answer_is_unsent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
