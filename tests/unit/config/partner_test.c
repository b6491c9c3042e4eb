/* partner: files of the registry are read, every mistake is refused at its place, what is written
 * reads back, and what follows from other keys is settled. */
#include "config/partner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/window.h"

#define URL "url: https://lake.example:8443/fhir\n"
#define HEX32 "00112233445566778899aabbccddeeff"

static bool load(struct arena *arena, const char *text, struct finding_list *findings,
                 struct partner *partner)
{
    *findings = finding_list_new(arena);
    return partner_load(arena, "lakeside", "partners/lakeside.yaml", text, strlen(text), findings,
                        partner);
}

static void settles_what_is_left_out(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings;
    struct partner partner;
    assert_true(load(&arena, URL "ca_file: keys/lakeside.crt\n", &findings, &partner));
    assert_string_equal(partner.name, "lakeside");
    assert_int_equal(partner.style, PARTNER_MESSAGE);
    assert_int_equal(partner.crl_policy, PARTNER_CRL_AUTO);
    assert_int_equal(partner.san.count, 2);
    assert_string_equal(partner.san.items[0], "urn:refgate:org:lakeside");
    assert_string_equal(partner.san.items[1], "lake.example");
    assert_false(partner.disabled);
    assert_true(partner_may_send(&partner, "case-conference"));
    assert_false(partner_may_send(&partner, "case"));
    assert_false(partner_may_send(&partner, "consent"));
    assert_true(load(&arena,
                     "url: https://127.0.0.1:8443/fhir\nca_file: a\ncrl_files: [b]\nreceive: []\n"
                     "send: [referral]\n",
                     &findings, &partner));
    assert_int_equal(partner.san.count, 1);
    assert_false(partner_may_receive(&partner, "referral"));
    assert_true(partner_may_send(&partner, "referral"));
    assert_false(partner_may_send(&partner, "progress-note"));
    assert_true(load(&arena, "url: https://[::1]:8443/fhir\nca_file: a\n", &findings, &partner));
    assert_int_equal(partner.san.count, 1);
    arena_free(&arena);
}

static void pins_come_out_as_base64(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings;
    struct partner partner;
    assert_true(load(&arena,
                     URL "pins:\n- 00112233445566778899AABBCCDDEEFF" HEX32 "\n"
                         "- sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=\n",
                     &findings, &partner));
    assert_int_equal(partner.pins.count, 2);
    assert_string_equal(partner.pins.items[0],
                        "sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=");
    assert_string_equal(partner.pins.items[1],
                        "sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=");
    assert_int_equal(partner.san.count, 0);
    arena_free(&arena);
}

struct bad_case {
    const char *text;
    const char *says;
};

static const struct bad_case bad_cases[] = {
    {"ca_file: a\n", ": url: found nothing; expected a web address that begins with https://"},
    {"url: http://x.example/fhir\nca_file: a\n",
     ":1: url: found http://x.example/fhir; expected a"},
    {"url: https://u@x.example\nca_file: a\n", ":1: url: found https://u@x.example"},
    {"url: https://x.example:0x/a\nca_file: a\n", ":1: url: found"},
    {"url: https://[::1/a\nca_file: a\n", ":1: url: found https://[::1/a"},
    {URL, ": ca_file: found neither a CA file nor a pinned key"},
    {URL "ca_file: a\nstile: rest\n",
     ":3: stile: found an unknown key; expected a partner setting"},
    {URL "ca_file: a\nstyle: soap\n", ":3: style: found soap; expected one of message, rest"},
    {URL "ca_file: a\ndialect: bars1\n", ":3: dialect: found bars1"},
    {URL "ca_file: a\ndisabled: yes\n", ":3: disabled: found yes; expected true or false"},
    {URL "ca_file: a\ndisabled: \"true\"\n", ":3: disabled: found \"true\"; expected true or"},
    {URL "ca_file: a\nsan: urn:x:y\n", ":3: san: found urn:x:y; expected a list, each item a URI"},
    {URL "ca_file: a\nsan: [10.0.0.1]\n", ":3: san[1]: found 10.0.0.1; expected a list"},
    {URL "ca_file: a\nsan: [urn:x:y, '*.x.example']\n", ":3: san[2]: found \"*.x.example\""},
    {URL "ca_file: a\nsan: ['']\n", ":3: san[1]: found nothing"},
    {URL "pins: [abc]\n", ":2: pins[1]: found abc; expected a list, each item 64 hex digits"},
    {URL "pins: ['sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v9=']\n", ":2: pins[1]: found"},
    {URL "ca_file: a\nnext_pins: [" HEX32 HEX32 "]\n", ": next_pins: found a next pin without"},
    {URL "ca_file: a\ncrl_policy: hard\n", ": crl_policy: found hard without a revocation list"},
    {URL "ca_file: a\ncrl_url: ftp://x/y\n", ":3: crl_url: found ftp://x/y"},
    {URL "ca_file: a\nsend: [referal]\n", ":3: send[1]: found referal; expected a list of any of "},
    {URL "ca_file: a\nsend: referral\n", ":3: send: found referral; expected a list of any of"},
    {URL "ca_file: a\nin_flight_max: 300\n", ":3: in_flight_max: found 300; expected a number of"},
    {URL "ca_file: a\nmaintenance: [sunday 1-2]\n", ":3: maintenance[1]: found sunday 1-2"},
    {URL "ca_file: a\nmaintenance: [sun 01:00-25:00]\n", ":3: maintenance[1]: found sun 01:00-25"},
    {URL "ca_file: a\nprofiles: [us-core]\n", ":3: profiles[1]: found us-core; expected"},
    {URL "ca_file: a\nstyle: rest\n",
     ": style: found what this version does not do; expected message"},
    {URL "ca_file: a\nstaple: hard\n", ":3: staple: found hard; expected one of off, prefer"},
    {URL "pins: [sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=]\nstaple: require\n",
     ": staple: found an OCSP answer without a CA"},
    {URL "pins: [sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=]\ncrl_url: http://x/y.crl\n",
     ": crl_url: found a revocation list without a CA"},
    {URL "ca_file: a\nrequests_per_minute_max: -1\n", ":3: requests_per_minute_max: found -1"},
    {URL "ca_file: a\nrequests_burst_max: 5\n",
     ": requests_burst_max: found a burst without a rate"},
    {URL "ca_file: a\n" URL, ":3: url: found the key a second time (first on line 1)"},
};

static void refuses_each_mistake_at_its_place(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    int wrong = 0;
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        struct finding_list findings;
        struct partner partner;
        struct text line = text_new(&arena, 4096);
        if (load(&arena, bad_cases[i].text, &findings, &partner))
            fail_msg("case %zu was taken: %s", i, bad_cases[i].text);
        finding_print(&findings.items[0], &line);
        assert_true(text_starts(line.at, "partners/lakeside.yaml"));
        const char *says = line.at + strlen("partners/lakeside.yaml");
        if (!text_starts(says, bad_cases[i].says)) {
            print_error("case %zu says\n  %sinstead of\n  %s\n", i, says, bad_cases[i].says);
            wrong++;
        }
        arena_reset(&arena);
    }
    assert_int_equal(wrong, 0);
    arena_free(&arena);
}

static void names_must_be_safe_file_names(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct partner partner;
    static const char *const good[] = {"lakeside", "l", "9-to-5", "A.b_c"};
    static const char *const bad[] = {"",     ".",       "..",  "../x", "a/b",
                                      ".a",   "-a",      "a b", "a\n",  "caf\xc3\xa9",
                                      "self", "a.yaml.", "a:b", "~",    "a\\b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(partner_new(&arena, good[i], &findings, &partner));
    assert_int_equal(findings.count, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(partner_new(&arena, bad[i], &findings, &partner));
    assert_int_equal(findings.count, sizeof bad / sizeof *bad);
    arena_free(&arena);
}

static void what_flags_set_reads_back(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct partner partner, again;
    static const char *const flags[][2] = {
        {"url", "https://lake.example/fhir"},
        {"ca_file", "keys/partners/lake side.crt"},
        {"san", "urn:refgate:org:lakeside, lake.example"},
        {"contacts", "Dr. Åsa \"the\" Lindqvist: +1 555 0112"},
        {"maintenance", "daily 01:00-01:30"},
        {"receive", "referral,progress-note"},
        {"pins", HEX32 HEX32},
        {"disabled", "true"},
    };
    assert_true(partner_new(&arena, "lakeside", &findings, &partner));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        assert_true(partner_set(&arena, &partner, flags[i][0], flags[i][1], &findings));
    assert_false(partner_set(&arena, &partner, "style", "rset", &findings));
    assert_string_equal(findings.items[0].nearest, "rest");
    assert_true(partner_settle(&arena, &partner, "flags", &findings));
    const char *text = partner_write(&arena, &partner);
    assert_true(load(&arena, text, &findings, &again));
    for (size_t i = 0; i < partner_options()->count; i++) {
        const struct option *row = &partner_options()->rows[i];
        if (!option_equal(row, &arena, &partner, &again))
            fail_msg("%s came back as %s", row->key, option_value(row, &arena, &again));
    }
    arena_free(&arena);
}

static void windows_cover_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned weekday, minute;
        bool covered;
    } cases[] = {
        {"daily 01:00-01:30", 3, 60, true},        {"daily 01:00-01:30", 3, 89, true},
        {"daily 01:00-01:30", 3, 90, false},       {"daily 01:00-01:30", 3, 59, false},
        {"sat,sun 22:00-02:00", 6, 22 * 60, true}, {"sat,sun 22:00-02:00", 0, 60, true},
        {"sat,sun 22:00-02:00", 1, 119, true},     {"sat,sun 22:00-02:00", 1, 120, false},
        {"sat,sun 22:00-02:00", 6, 60, false},     {"sat,sun 22:00-02:00", 5, 23 * 60, false},
        {"mon 00:00-24:00", 1, 1439, true},        {"mon 00:00-24:00", 2, 0, false},
    };
    static const char *const bad[] = {"",
                                      "daily",
                                      "daily 1:00-2:00",
                                      "daily 01:00-01:00",
                                      "daily 24:00-01:00",
                                      "daily 01:60-02:00",
                                      "mon, tue 01:00-02:00",
                                      "monday 01:00-02:00",
                                      "mon,01:00-02:00",
                                      "mon 01:00-02:00 ",
                                      "mon 01:00 02:00"};
    struct window window;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(window_read(cases[i].text, &window));
        assert_int_equal(window_covers(&window, cases[i].weekday, cases[i].minute),
                         cases[i].covered);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(window_read(bad[i], &window));
}

static void a_partner_rests_in_its_windows(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings;
    struct partner partner;
    assert_true(load(&arena,
                     URL "ca_file: a\nmaintenance:\n- daily 01:00-01:30\n- sun 12:00-13:00\n",
                     &findings, &partner));
    assert_true(partner_in_maintenance(&partner, 0, 12 * 60));
    assert_true(partner_in_maintenance(&partner, 4, 65));
    assert_false(partner_in_maintenance(&partner, 4, 12 * 60));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settles_what_is_left_out),
        cmocka_unit_test(pins_come_out_as_base64),
        cmocka_unit_test(refuses_each_mistake_at_its_place),
        cmocka_unit_test(names_must_be_safe_file_names),
        cmocka_unit_test(what_flags_set_reads_back),
        cmocka_unit_test(windows_cover_what_they_say),
        cmocka_unit_test(a_partner_rests_in_its_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
