/* trace: well-formed and broken traceparent values (W3C Trace Context section 3.2), and ids made
 * from message ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/runtime/trace.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
#define UUID "550E8400-e29b-41d4-a716-446655440000"

static void a_good_one_is_kept(void **state)
{
    static const char *const good[] = {"00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-00",
                                       "cc-" TRACE "-" SPAN "-01",
                                       "cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like"};
    char id[TRACE_ID_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        trace_of(good[i], UUID, id);
        assert_string_equal(id, TRACE);
    }
}

static void a_broken_one_counts_as_none(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-0g",
        "00-" TRACE "-" SPAN "-01-more", /* version 00 has nothing behind the flags */
        "00-" TRACE "-" SPAN "-011",
        "cc-" TRACE "-" SPAN "-01.more",
        "ff-" TRACE "-" SPAN "-01",
        "0-" TRACE "-" SPAN "-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319\n-" SPAN "-01",
        "00-" TRACE "0-" SPAN "-01",
    };
    char id[TRACE_ID_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        trace_of(bad[i], UUID, id);
        assert_string_equal(id, "550e8400e29b41d4a716446655440000");
    }
}

static void every_message_id_gives_one(void **state)
{
    static const char *const ids[] = {"",
                                      "7",
                                      "not-a-uuid",
                                      "550e8400-e29b-41d4-a716-44665544000",
                                      "550e8400-e29b-41d4-a716-44665544000g",
                                      "550e8400xe29b-41d4-a716-446655440000",
                                      "00000000-0000-0000-0000-000000000000"};
    char id[TRACE_ID_TEXT];
    char again[TRACE_ID_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        trace_of(NULL, ids[i], id);
        trace_of("nonsense", ids[i], again);
        assert_int_equal(strlen(id), 32);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        assert_true(strspn(id, "0") < 32);
        assert_string_equal(id, again);
    }
    trace_of(NULL, "7", id);
    trace_of(NULL, "8", again);
    assert_string_not_equal(id, again);
}

static void what_is_sent_can_be_read(void **state)
{
    char value[TRACE_PARENT_TEXT];
    char id[TRACE_ID_TEXT];
    (void)state;
    trace_parent(TRACE, 3, value);
    assert_string_equal(value, "00-" TRACE "-0000000000000003-01");
    trace_parent(TRACE, 0, value); /* a span of zeros would be refused */
    trace_of(value, UUID, id);
    assert_string_equal(id, TRACE);
}

/* What a partner makes an id of may be a name. */
static void only_a_uuid_is_logged(void **state)
{
    static const char uuid[] = "5be20cc3-b288-588d-85e2-d0767bbbcf90";
    (void)state;
    assert_string_equal(trace_id_to_log(uuid), uuid);
    assert_null(trace_id_to_log("Roe-Jane-1980-02-03"));
    assert_null(trace_id_to_log("5be20cc3-b288-588d-85e2-d0767bbbcf9"));
    assert_null(trace_id_to_log(""));
    assert_null(trace_id_to_log(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_is_kept),         cmocka_unit_test(a_broken_one_counts_as_none),
        cmocka_unit_test(every_message_id_gives_one), cmocka_unit_test(what_is_sent_can_be_read),
        cmocka_unit_test(only_a_uuid_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
