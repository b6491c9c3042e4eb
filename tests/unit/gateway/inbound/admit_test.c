/* admit: a certificate makes a partner, and a partner speaks only for itself, to us, of what it
 * may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/inbound/admit.h"
#include "lib/clinic.h"

static void refuse_peer(struct clinic *clinic, const char *name, const char *word)
{
    struct fault fault = {FAULT_none, NULL};
    assert_null(admit_peer(clinic->setup, &clinic->arena, name, &fault));
    assert_int_equal(fault.kind, FAULT_forbidden);
    assert_non_null(strstr(fault_sentence(&fault), word));
}

static void only_partners_are_admitted(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    const struct admission *admission =
        admit_peer(clinic->setup, &clinic->arena, "lakeside", &fault);
    assert_string_equal(admission_partner(admission), "lakeside");
    refuse_peer(clinic, NULL, "no partner");
    refuse_peer(clinic, "", "no partner");
    refuse_peer(clinic, "Lakeside", "no partner");
    refuse_peer(clinic, "lakeside ", "no partner");
    refuse_peer(clinic, "willow", "no partner"); /* we are no partner of ours */
    refuse_peer(clinic, "osei", "no partner");
    clinic_put(clinic, "partners/lakeside.yaml",
               arena_print(&clinic->arena,
                           "url: https://127.0.0.1:1/fhir\npins: [%064d]\ndisabled: true\n", 0));
    clinic_load(clinic);
    refuse_peer(clinic, "lakeside", "disabled");
}

static enum fault_kind ask(struct clinic *clinic, const char *partner, const char *sender,
                           const char *destination, const char *kind)
{
    struct fault fault = {FAULT_none, NULL};
    struct json *record = NULL;
    if (kind != NULL) {
        record = json_new_object(&clinic->arena);
        json_set_text(&clinic->arena, record, "record", kind);
    }
    struct message_inbound message = {
        .message_id = "m-1", .sender = sender, .destination = destination, .record = record};
    const struct admission *admission = admit_peer(clinic->setup, &clinic->arena, partner, &fault);
    bool admitted = admit_message(admission, clinic->setup, &clinic->arena, &message, &fault);
    assert_int_equal(admitted, fault.kind == FAULT_none);
    return fault.kind;
}

static void a_partner_speaks_only_for_itself(void **state)
{
    struct clinic *clinic = *state;
    assert_int_equal(ask(clinic, "lakeside", "lakeside", "willow", "referral"), FAULT_none);
    assert_int_equal(ask(clinic, "lakeside", "lakeside", NULL, NULL), FAULT_none);
    assert_int_equal(ask(clinic, "lakeside", "harbor", "willow", "referral"), FAULT_forbidden);
    assert_int_equal(ask(clinic, "lakeside", "willow", "willow", "referral"), FAULT_forbidden);
    assert_int_equal(ask(clinic, "lakeside", NULL, "willow", "referral"), FAULT_forbidden);
    assert_int_equal(ask(clinic, "lakeside", "nobody", "willow", "referral"), FAULT_forbidden);
}

static void a_message_without_any_id_is_refused(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault = {FAULT_none, NULL};
    struct message_inbound message = {.sender = "lakeside"};
    const struct admission *admission =
        admit_peer(clinic->setup, &clinic->arena, "lakeside", &fault);
    assert_false(admit_message(admission, clinic->setup, &clinic->arena, &message, &fault));
    assert_int_equal(fault.kind, FAULT_invalid);
}

static void it_speaks_to_us(void **state)
{
    struct clinic *clinic = *state;
    assert_int_equal(ask(clinic, "lakeside", "lakeside", "harbor", "referral"), FAULT_not_found);
    assert_int_equal(ask(clinic, "lakeside", "lakeside", "lakeside", "referral"), FAULT_not_found);
}

static void of_what_it_may(void **state)
{
    struct clinic *clinic = *state;
    clinic_put(clinic, "partners/lakeside.yaml",
               arena_print(&clinic->arena,
                           "url: https://127.0.0.1:1/fhir\npins: [%064d]\nreceive: [referral]\n",
                           0));
    clinic_load(clinic);
    assert_int_equal(ask(clinic, "lakeside", "lakeside", "willow", "referral"), FAULT_none);
    assert_int_equal(ask(clinic, "lakeside", "lakeside", "willow", "progress-note"),
                     FAULT_forbidden);
    assert_int_equal(ask(clinic, "lakeside", "lakeside", "willow", NULL), FAULT_none); /* a move */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_partners_are_admitted),
        TEST(a_partner_speaks_only_for_itself),
        TEST(a_message_without_any_id_is_refused),
        TEST(it_speaks_to_us),
        TEST(of_what_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
