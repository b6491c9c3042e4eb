/* actor: who may be named as having done something, and what of it a partner learns. */
#include "gateway/audit/actor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/clinic.h"

static void a_person_of_ours_or_a_user(void **state)
{
    struct clinic *clinic = *state;
    static const struct {
        const char *given, *by, *fault;
    } rows[] = {
        {NULL, "os:desk", NULL},
        {"alvarez", "alvarez", NULL},
        {"user:maria.desk", "user:maria.desk", NULL},
        {"os:desk", "os:desk", NULL},
        {"os:root", NULL, "you are os:desk"},
        {"user:", NULL, "expected a person of willow"},
        {"user:a b", NULL, "user:NAME"},
        {"alvares", NULL, "did you mean alvarez?"},
        {"osei", NULL, "who works at lakeside"},
        {"willow", NULL, "a clinic"},
        {"", NULL, "expected a person of willow"},
        {"alvarez\x1b[2J", NULL, "expected a person"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *by = NULL;
        struct fault fault = {FAULT_none, NULL};
        bool is_right =
            actor_choose(clinic->setup, &clinic->arena, rows[i].given, "os:desk", &by, &fault);
        assert_int_equal(is_right, rows[i].fault == NULL);
        if (is_right)
            assert_string_equal(by, rows[i].by);
        else if (strstr(fault_sentence(&fault), rows[i].fault) == NULL)
            fail_msg("%s", fault_sentence(&fault));
    }
}

static void a_user_is_not_told_to_partners(void **state)
{
    (void)state;
    assert_string_equal(actor_on_wire("alvarez"), "alvarez");
    assert_null(actor_on_wire("os:desk"));
    assert_null(actor_on_wire("user:maria"));
    assert_null(actor_on_wire(NULL));
}

static void the_system_knows_who_asks(void **state)
{
    struct clinic *clinic = *state;
    assert_string_equal(actor_of_system(&clinic->arena, 0), "os:root");
    assert_string_equal(actor_of_system(&clinic->arena, 3999999999u), "os:3999999999");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_person_of_ours_or_a_user),
        TEST(a_user_is_not_told_to_partners),
        TEST(the_system_knows_who_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
