/* config: settings are read by the table, every kind of mistake is refused with its place, and what
 * is written reads back as the same settings. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool load(struct arena *arena, const char *text, struct finding_list *findings,
                 struct config *config)
{
    struct config_text from = {.file = "settings.yaml", .text = text, .length = strlen(text)};
    *findings = finding_list_new(arena);
    return config_load(arena, &from, findings, config, NULL);
}

static void defaults_are_those_of_the_table(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings;
    struct config config;
    assert_true(load(&arena, "org: willow\n", &findings, &config));
    assert_int_equal(findings.count, 0);
    assert_string_equal(config.org, "willow");
    assert_string_equal(config.listen, "0.0.0.0:8443");
    assert_string_equal(config.canonical_base, "https://refgate.invalid/fhir");
    assert_int_equal(config.loops, 1);
    assert_int_equal(config.first_retry_ms, 2000);
    assert_int_equal(config.retry_max_ms, 15 * 60 * 1000);
    assert_int_equal(config.park_after_hours, 72);
    assert_int_equal(config.ledger_days, 30);
    assert_int_equal(config.body_max_bytes, 8 * 1024 * 1024);
    assert_int_equal(config.log_level, CONFIG_LOG_INFO);
    arena_free(&arena);
}

static void takes_what_the_file_says(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings;
    struct config config;
    assert_true(load(&arena,
                     "\xef\xbb\xbf# ours\n---\norg: \"no\"\nlisten: '[::1]:0'\nlog_level: error\n"
                     "loops: 2 # two cores\ntime_zone: -05:00\ncode_map:\n"
                     "attachments_max_bytes: 0\n",
                     &findings, &config));
    assert_string_equal(config.org, "no");
    assert_string_equal(config.listen, "[::1]:0");
    assert_string_equal(config.time_zone, "-05:00");
    assert_string_equal(config.code_map, "");
    assert_int_equal(config.log_level, CONFIG_LOG_ERROR);
    assert_int_equal(config.loops, 2);
    assert_int_equal(config.attachments_max_bytes, 0);
    arena_free(&arena);
}

struct bad_case {
    const char *text;
    const char *says; /* how the first finding begins when printed */
};

static const struct bad_case bad_cases[] = {
    /* keys */
    {"org: a\nlistn: 1:1\n",
     "settings.yaml:2: listn: found an unknown key; expected a setting (docs/settings.md lists "
     "them); did you mean listen\n"},
    {"org: a\nHEADER_MAX_BYTE: 1\n", "settings.yaml:2: HEADER_MAX_BYTE: found an unknown key"},
    {"org: a\n\"\": 1\n", "settings.yaml:2: : found an unknown key"},
    {"org: a\nloops: 1\nloops: 2\n",
     "settings.yaml:3: loops: found the key a second time (first on line 2); expected each key "
     "once\n"},
    {"", "settings.yaml: org: found no such key in the file; expected a handle"},
    {"# nothing but words\n", "settings.yaml: org: found no such key in the file"},
    {"? [a, b]\n: c\n", "settings.yaml:1: found a list or group where a key should stand"},
    {"{org: a}: b\n", "settings.yaml:1: found a list or group where a key should stand"},
    /* types and ranges */
    {"org: a\nloops: two\n",
     "settings.yaml:2: loops: found two; expected a number of loops from 1 to 64\n"},
    {"org: a\nloops: 0\n", "settings.yaml:2: loops: found 0; expected a number of loops from 1"},
    {"org: a\nloops: 65\n", "settings.yaml:2: loops: found 65; expected"},
    {"org: a\nloops: -1\n", "settings.yaml:2: loops: found -1; expected"},
    {"org: a\nloops: 1.5\n", "settings.yaml:2: loops: found 1.5; expected"},
    {"org: a\nloops: 1e1\n", "settings.yaml:2: loops: found 1e1; expected"},
    {"org: a\nloops: 0x2\n", "settings.yaml:2: loops: found 0x2; expected"},
    {"org: a\nloops: \"2\"\n", "settings.yaml:2: loops: found \"2\"; expected"},
    {"org: a\nloops:\n", "settings.yaml:2: loops: found nothing; expected"},
    {"org: a\nloops: 4294967297\n", "settings.yaml:2: loops: found 4294967297; expected"},
    {"org: a\nbody_max_bytes: 99999999999999999999999\n",
     "settings.yaml:2: body_max_bytes: found 99999999999999999999999; expected a number of bytes"},
    {"org: a\nfirst_retry_ms: 2s\n",
     "settings.yaml:2: first_retry_ms: found 2s; expected a number of milliseconds"},
    {"org: a\nlog_level: warn\n",
     "settings.yaml:2: log_level: found warn; expected one of debug, info, warning, error; did you "
     "mean warning\n"},
    {"org: a\nlog_level: INFO\n",
     "settings.yaml:2: log_level: found INFO; expected one of debug, info, warning, error; did you "
     "mean info\n"},
    {"org: a\nlisten: 8443\n", "settings.yaml:2: listen: found 8443; expected HOST:PORT"},
    {"org: a\nlisten: host:99999\n", "settings.yaml:2: listen: found host:99999; expected"},
    {"org: a\nlisten: ::1:8443\n", "settings.yaml:2: listen: found ::1:8443; expected"},
    {"org: a\nlisten: ho st:1\n", "settings.yaml:2: listen: found ho st:1; expected"},
    {"org: ../etc\n", "settings.yaml:1: org: found ../etc; expected a handle"},
    {"org: .hidden\n", "settings.yaml:1: org: found .hidden; expected a handle"},
    {"org: a\ncanonical_base: http://x.example\n",
     "settings.yaml:2: canonical_base: found http://x.example; expected a web address"},
    {"org: a\ncanonical_base: https://x.example/\n", "settings.yaml:2: canonical_base: found"},
    {"org: a\ncanonical_base: https://\n", "settings.yaml:2: canonical_base: found"},
    {"org: a\ncanonical_base: https://x/y?z\n", "settings.yaml:2: canonical_base: found"},
    {"org: a\ntime_zone: ../../etc/passwd\n", "settings.yaml:2: time_zone: found"},
    {"org: a\ntime_zone: +15:00\n", "settings.yaml:2: time_zone: found +15:00; expected"},
    {"org: a\ntime_zone: -05:61\n", "settings.yaml:2: time_zone: found"},
    {"org: a\nserver_names: [gw.example, '*.example']\n",
     "settings.yaml:2: server_names[2]: found \"*.example\"; expected a list, each item a DNS "
     "name"},
    {"org: a\nserver_names: gw.example\n",
     "settings.yaml:2: server_names: found gw.example; expected a list"},
    {"org: a\natna_compat: 1\n", "settings.yaml:2: atna_compat: found 1; expected true or false"},
    {"org: a\ncert_file:\n", "settings.yaml:2: cert_file: found nothing; expected the path of a"},
    {"org: a\ncert_file: keys/\n", "settings.yaml:2: cert_file: found keys/; expected the path"},
    {"org: [a]\n", "settings.yaml:1: org: found a list; expected a handle"},
    {"org: a\nlimits:\n  loops: 2\n",
     "settings.yaml:3: limits: found a group of keys; expected a value or a list of values"},
    {"org: a\nloops: [[1]]\n", "settings.yaml:2: loops: found a group inside a list"},
    {"org: \"a\\nb\"\n", "settings.yaml:1: org: found a control character or line break"},
    {"org: \"a\\0b\"\n", "settings.yaml:1: org: found a control character or line break"},
    /* text that is not what it looks like */
    {"org: a\n\tloops: 2\n",
     "settings.yaml:2: found a tab at the start of a line; expected spaces"},
    {"org: a\nloops: 2\n  \t# x\n", "settings.yaml:3: found a tab at the start of a line"},
    {"org: a\nlisten: \"1:1\n", "settings.yaml:2: found a quote that is never closed"},
    {"org: a\nloops 2\nlisten: a:1\n", "settings.yaml:2: found a line without"},
    {"org: a\n listen: b\n", "settings.yaml:2: found a second `: ` or a line moved in"},
    {"org: [a\nloops: 2\n", "settings.yaml:1: found a list that is never closed"},
    {"org: a: b\n", "settings.yaml:1: found a second `: `"},
    {"org: @a\n", "settings.yaml:1: found a sign that no value may begin with"},
    {"just words\n", "settings.yaml:1: found text without a key"},
    {"- a\n- b\n", "settings.yaml:1: found text without a key"},
    {"org: a\n---\norg: b\n", "settings.yaml:2: found a second document (---)"},
    {"org: \xc3\x28\n", "settings.yaml:1: found the byte 0xc3; expected text in UTF-8"},
    {"org: a\nlisten: \"\xed\xa0\x80\"\n", "settings.yaml:2: found the byte 0xed"},
    /* YAML that grows or loops */
    {"org: &x a\nlisten: *x\n", "settings.yaml:1: found an anchor or alias (& or *)"},
    {"org: *x\n", "settings.yaml:1: found an anchor or alias"},
    {"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "settings.yaml:1: found an anchor or alias"},
    {"&a a: &b {*a : *b}\n", "settings.yaml:1: found an anchor or alias"},
    {"<<: {org: a}\n", "settings.yaml:1: <<: found a group of keys"},
    {"org: !!python/object a\n", "settings.yaml:1: found a tag (!)"},
    {"org: !x a\n", "settings.yaml:1: found a tag (!)"},
    {"%YAML 9.9\n---\norg: a\n", "settings.yaml:1: found broken YAML"},
    /* rules between settings */
    {"org: a\nfirst_retry_ms: 5000\nretry_max_ms: 1000\n",
     "settings.yaml:3: retry_max_ms: found 1000; expected at least first_retry_ms (5000)\n"},
    {"org: a\npark_after_hours: 720\nledger_days: 29\n",
     "settings.yaml:3: ledger_days: found 29 days; expected at least park_after_hours (720)"},
    {"org: a\nbody_max_bytes: 65536\n",
     "settings.yaml: attachments_max_bytes: found 4194304; expected at most three quarters"},
    {"org: a\nconnections_max: 100\n", "settings.yaml: connections_per_partner_max: found 11000"},
    {"org: a\nconnect_deadline_ms: 60000\n", "settings.yaml:2: connect_deadline_ms: found 60000"},
    {"org: a\ndrop_give_up_ms: 100\n", "settings.yaml:2: drop_give_up_ms: found 100; expected at"},
};

static void refuses_each_mistake_at_its_place(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    int wrong = 0;
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        struct finding_list findings;
        struct config config;
        struct text line = text_new(&arena, 4096);
        if (load(&arena, bad_cases[i].text, &findings, &config))
            fail_msg("case %zu was taken: %s", i, bad_cases[i].text);
        assert_true(findings.count > 0);
        finding_print(&findings.items[0], &line);
        if (!text_starts(line.at, bad_cases[i].says)) {
            print_error("case %zu says\n  %sinstead of\n  %s\n", i, line.at, bad_cases[i].says);
            wrong++;
        }
        arena_reset(&arena);
    }
    assert_int_equal(wrong, 0);
    arena_free(&arena);
}

static void reports_every_fault_at_once(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings;
    struct config config;
    assert_false(load(&arena, "loops: 0\nlog_level: loud\nlistn: a:1\n", &findings, &config));
    assert_int_equal(findings.count, 4);
    assert_int_equal(findings.items[1].line, 2);
    assert_string_equal(findings.items[3].path, "org");
    arena_free(&arena);
}

/* Deep or long input ends quickly and with a finding, not with a full stack or memory. */
static void stays_small_on_hostile_text(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings;
    struct config config;
    struct text deep = text_new(&arena, 200000);
    text_add(&deep, "org: ");
    for (int i = 0; i < 100000; i++)
        text_add(&deep, "[");
    assert_false(load(&arena, deep.at, &findings, &config));
    struct text many = text_new(&arena, 200000);
    for (int i = 0; i < 1001; i++)
        text_print(&many, "k%d: 1\n", i);
    assert_false(load(&arena, many.at, &findings, &config));
    assert_string_equal(findings.items[0].found, "more than 1000 keys");
    arena_free(&arena);
}

static void the_environment_wins_over_the_file(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct config config;
    static const char text[] = "org: willow\nloops: 2\n";
    static const char *const good[] = {"PATH=/bin",
                                       "REFGATE_LOOPS=3",
                                       "REFGATE_LISTEN=a:1",
                                       "REFGATE_DIR=/srv",
                                       "REFGATE_PORT=tcp://10.0.0.1:80",
                                       NULL};
    struct config_text from = {"settings.yaml", text, strlen(text), good};
    struct option_origin *origins = arena_array(&arena, config_options()->count, sizeof *origins);
    assert_true(config_load(&arena, &from, &findings, &config, origins));
    assert_int_equal(config.loops, 3);
    assert_string_equal(config.listen, "a:1");
    const struct option_table *table = config_options();
    assert_int_equal(origins[option_find(table, "loops") - table->rows].source,
                     OPTION_FROM_ENVIRONMENT);
    assert_int_equal(origins[option_find(table, "org") - table->rows].source, OPTION_FROM_FILE);
    assert_int_equal(origins[option_find(table, "org") - table->rows].line, 1);
    assert_int_equal(origins[option_find(table, "ca_file") - table->rows].source,
                     OPTION_FROM_DEFAULT);
    assert_string_equal(option_origin(&origins[option_find(table, "loops") - table->rows], &arena),
                        "environment");
    assert_string_equal(option_origin(&origins[option_find(table, "org") - table->rows], &arena),
                        "line 1");
    static const char *const bad[] = {"REFGATE_LOPS=3", "REFGATE_LOOPS=x", "REFGATE_PORT=443",
                                      "REFGATE_DIRS=x", NULL};
    from.environment = bad;
    assert_false(config_load(&arena, &from, &findings, &config, NULL));
    assert_int_equal(findings.count, 4);
    assert_string_equal(findings.items[0].nearest, "loops");
    assert_string_equal(findings.items[0].file, "environment REFGATE_...");
    arena_free(&arena);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct config config = config_defaults(&arena);
    struct config again;
    assert_true(option_set(config_options(), &arena, "org", "willow", &findings, &config));
    assert_true(option_set(config_options(), &arena, "listen", "[::]:9443", &findings, &config));
    assert_true(option_set(config_options(), &arena, "cert_file", "a b: #\"c", &findings, &config));
    assert_true(option_set(config_options(), &arena, "log_level", "debug", &findings, &config));
    assert_true(option_set(config_options(), &arena, "park_after_hours", "48", &findings, &config));
    const char *text = config_write(&arena, &config);
    assert_non_null(strstr(text, "\norg: willow\n"));
    assert_non_null(strstr(text, "\n#loops: 1\n"));
    assert_true(load(&arena, text, &findings, &again));
    for (size_t i = 0; i < config_options()->count; i++) {
        const struct option *row = &config_options()->rows[i];
        if (!option_equal(row, &arena, &config, &again))
            fail_msg("%s came back as %s", row->key, option_value(row, &arena, &again));
    }
    arena_free(&arena);
}

static void an_edit_leaves_the_rest_of_the_file_alone(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct config config = config_defaults(&arena);
    const struct option *loops = option_find(config_options(), "loops");
    assert_true(option_set(config_options(), &arena, "loops", "4", &findings, &config));
    assert_string_equal(option_edit(loops, &arena, "# mine\nloops: 2 # old\norg: a", &config),
                        "# mine\nloops: 4\norg: a");
    assert_string_equal(option_edit(loops, &arena, "loops:\n  2\n- 3\n#loops: 1\n", &config),
                        "loops: 4\n#loops: 1\n");
    assert_string_equal(option_edit(loops, &arena, "org: a\n#loops: 2", &config),
                        "org: a\n#loops: 2\nloops: 4\n");
    assert_string_equal(option_edit(loops, &arena, "", &config), "loops: 4\n");
    arena_free(&arena);
}

static void names_what_a_reload_cannot_change(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings;
    struct config running, wanted;
    assert_true(load(&arena, "org: a\n", &findings, &running));
    assert_true(load(&arena, "org: a\nfirst_retry_ms: 5000\n", &findings, &wanted));
    assert_null(config_needs_restart(&arena, &running, &wanted));
    assert_true(load(&arena, "org: a\nloops: 2\nlisten: a:1\n", &findings, &wanted));
    assert_string_equal(config_needs_restart(&arena, &running, &wanted), "listen, loops");
    arena_free(&arena);
}

/* Each row by itself: its default lies in its range, its key tells its unit, its help is a
 * sentence. */
static void every_row_is_sound(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    static const struct {
        const char *unit, *suffix;
    } units[] = {
        {"milliseconds", "_ms"}, {"hours", "_hours"}, {"days", "_days"}, {"bytes", "_bytes"}};
    const struct option_table *table = config_options();
    for (size_t i = 0; i < table->count; i++) {
        const struct option *row = &table->rows[i];
        struct finding_list findings = finding_list_new(&arena);
        struct config config = config_defaults(&arena);
        if (row->kind == OPTION_SECTION)
            continue;
        assert_true(text_ends(row->help, "."));
        assert_ptr_equal(option_find(table, row->key), row);
        if (row->start != NULL)
            assert_true(option_set(table, &arena, row->key, row->start, &findings, &config));
        for (size_t j = 0; j < sizeof units / sizeof *units; j++) {
            if (row->unit != NULL && strcmp(row->unit, units[j].unit) == 0)
                assert_true(text_ends(row->key, units[j].suffix));
        }
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_table),
        cmocka_unit_test(takes_what_the_file_says),
        cmocka_unit_test(refuses_each_mistake_at_its_place),
        cmocka_unit_test(reports_every_fault_at_once),
        cmocka_unit_test(stays_small_on_hostile_text),
        cmocka_unit_test(the_environment_wins_over_the_file),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(an_edit_leaves_the_rest_of_the_file_alone),
        cmocka_unit_test(names_what_a_reload_cannot_change),
        cmocka_unit_test(every_row_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
