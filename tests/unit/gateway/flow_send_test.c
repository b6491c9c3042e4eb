/* flow_send: to whom a record of ours goes, and what it waits for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/store/sqlite.h"
#include "lib/clinic.h"

#define OSEI_NPI "9900000073"
#define OBRIEN_NPI "9900000107"
#define ALVAREZ_NPI "9900000057"

static int start(void **state)
{
    struct clinic *willow = clinic_new("willow", "");
    clinic_send(willow, clinic_consent(willow, "K-1", "alvarez", "willow",
                                       "\"lakeside\",\"harbor\",\"riverbend\""));
    *state = willow;
    return 0;
}

/* FROM refers to Willow; the author's NPI in the message is replaced. */
static void refer(struct clinic *willow, const char *from, const char *by, const char *number,
                  const char *npi, const char *other_npi)
{
    struct clinic *placer = clinic_new(from, "");
    struct store_message message;
    clinic_send(placer, clinic_consent(placer, "K-1", by, from, "\"willow\""));
    clinic_send(placer, clinic_referral(placer, number, by, "willow"));
    const char *body = clinic_outgoing(placer, "willow", &message);
    body = clinic_replaced(willow, arena_copy(&willow->arena, body), npi, other_npi);
    assert_string_equal(clinic_receive(willow, from, body).row.response_code, "ok");
    clinic_free(placer);
}

static void is_for(const struct flow_report *report, const char *clinic)
{
    assert_int_equal(report->answer, FLOW_ACCEPTED);
    assert_int_equal(report->count, 1);
    assert_string_equal(report->recipients[0].clinic, clinic);
}

/* Whoever Harbor names as the writer of its referral: Lakeside's physician, one of ours, a
 * stranger. */
static void a_reply_goes_to_the_clinic_that_asked(void **state)
{
    static const char *const writers[] = {OSEI_NPI, ALVAREZ_NPI, "1234567893", OBRIEN_NPI};
    struct clinic *willow = *state;
    struct fault fault;
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        const char *number = arena_print(&willow->arena, "R-%zu", i + 1);
        refer(willow, "harbor", "obrien", number, OBRIEN_NPI, writers[i]);
        if (!clinic_move(willow, number, "accept", &fault))
            fail_msg("%s", fault_sentence(&fault));
        const char *note = arena_print(&willow->arena, "N-%zu", i + 1);
        struct flow_report report =
            clinic_send(willow, clinic_note(willow, note, "alvarez", number, 1));
        is_for(&report, "harbor");
        assert_true(report.recipients[0].is_queued);
        struct store_message message;
        clinic_outgoing(willow, "harbor", &message);
        assert_string_equal(message.kind, "progress-note");
        const char *end = arena_print(&willow->arena, "D-%zu", i + 1);
        report = clinic_send(willow, clinic_discharge(willow, end, "alvarez", number));
        is_for(&report, "harbor");
    }
    assert_int_equal(
        sqlite_number(willow->store,
                      "SELECT count(*) FROM message WHERE direction='out' AND partner='lakeside'",
                      ""),
        0);
}

/* What the placer writes goes to the clinic that was asked, wherever its therapist works now. */
static void the_placer_writes_to_the_clinic_it_asked(void **state)
{
    struct clinic *willow = *state;
    size_t length;
    clinic_send(willow, clinic_referral(willow, "W-1", "alvarez", "tanaka"));
    const char *people = file_read(&willow->arena, "tests/records/good/directory.csv", 1 << 20,
                                   &length, &willow->findings);
    clinic_put(willow, "directory.csv",
               clinic_replaced(willow, people, "9900000099,riverbend", "9900000099,harbor"));
    clinic_load(willow);
    struct flow_report report =
        clinic_send(willow, clinic_note(willow, "N-1", "alvarez", "willow:W-1", 1));
    is_for(&report, "riverbend");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reply_goes_to_the_clinic_that_asked, start, clinic_stop),
        cmocka_unit_test_setup_teardown(the_placer_writes_to_the_clinic_it_asked, start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
