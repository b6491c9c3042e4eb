/* answer_files: what a partner answered stands once in records/in, and is made again under the same
 * name when a crash kept it from being noted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "fhir/json/tree.h"
#include "gateway/export/answer_files.h"
#include "gateway/runtime/file.h"
#include "gateway/store/answers.h"
#include "gateway/store/sqlite/sqlite_internal.h"
#include "lib/clinic.h"

struct bench {
    struct clinic *willow, *lakeside;
    struct office office; /* of lakeside, who placed the referral */
    struct alarm_texts news;
};

/* The newest message of FROM arrives at TO. */
static void carry(struct clinic *from, struct clinic *to)
{
    struct store_message message;
    const char *body = clinic_outgoing(from, to->setup->config.org, &message);
    clinic_receive(to, from->setup->config.org, body);
}

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->willow = clinic_new("willow", "");
    bench->lakeside = clinic_new("lakeside", "");
    bench->office = clinic_office(bench->lakeside);
    clinic_send(bench->lakeside,
                clinic_consent(bench->lakeside, "K-1", "osei", "lakeside", "\"willow\""));
    clinic_send(bench->lakeside, clinic_referral(bench->lakeside, "R-1", "osei", "willow"));
    carry(bench->lakeside, bench->willow);
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;
    writer_stop(bench->office.writer);
    clinic_free(bench->willow);
    clinic_free(bench->lakeside);
    free(bench);
    return 0;
}

static void moves(struct bench *bench, struct clinic *from, struct clinic *to, const char *word)
{
    struct fault fault = {FAULT_none, NULL};
    (void)bench;
    if (!clinic_move(from, "R-1", word, &fault))
        fail_msg("%s: %s", word, fault_sentence(&fault));
    carry(from, to);
}

static size_t sweep(struct bench *bench)
{
    bench->news = (struct alarm_texts){.arena = &bench->lakeside->arena};
    return answer_files_sweep(&bench->office, &bench->news);
}

static const char *path_of(struct bench *bench, const char *name)
{
    return arena_print(&bench->lakeside->arena, "%s/records/in/%s", bench->lakeside->folder, name);
}

static const struct json *file(struct bench *bench, const char *name)
{
    size_t length;
    const char *text = file_read(&bench->lakeside->arena, path_of(bench, name), 10000, &length,
                                 &bench->lakeside->findings);
    assert_non_null(text);
    return tree_of_n(&bench->lakeside->arena, text, length);
}

static void each_answer_is_a_file(void **state)
{
    struct bench *bench = *state;
    moves(bench, bench->willow, bench->lakeside, "accept");
    moves(bench, bench->willow, bench->lakeside, "decline");
    assert_int_equal(sweep(bench), 2);
    const struct json *first = file(bench, "willow--answer--R-1--1.json");
    const struct json *second = file(bench, "willow--answer--R-1--2.json");
    assert_string_equal(json_get_text(first, "record"), "answer");
    assert_string_equal(json_get_text(first, "referral_id"), "R-1");
    assert_string_equal(json_get_text(first, "move"), "accept");
    assert_null(json_get(first, "code"));
    assert_string_equal(json_get_text(second, "move"), "decline");
    assert_string_equal(json_get_text(second, "code"), "client-choice");
    assert_string_equal(json_get_text(second, "by"), "willow");
    assert_string_equal(json_number(json_get(second, "visits_total")), "6");
    assert_int_equal(sweep(bench), 0);
}

static void a_notice_names_the_referral_and_nothing_of_the_client(void **state)
{
    struct bench *bench = *state;
    moves(bench, bench->willow, bench->lakeside, "decline");
    assert_int_equal(sweep(bench), 1);
    assert_string_equal(bench->news.items[0].referral, "R-1");
    assert_string_equal(bench->news.items[0].partner, "willow");
    assert_string_equal(bench->news.items[0].move, "decline");
    assert_string_equal(bench->news.items[0].sentence,
                        "referral R-1: declined by willow: The client's choice");
}

/* The same message once more is a duplicate, and so is saying again where the referral stands. */
static void a_duplicate_makes_no_second_file(void **state)
{
    struct bench *bench = *state;
    moves(bench, bench->willow, bench->lakeside, "accept");
    carry(bench->willow, bench->lakeside);
    assert_int_equal(sweep(bench), 1);
    assert_false(file_exists(path_of(bench, "willow--answer--R-1--2.json")));
}

/* A crash between the file and its mark, and between the commit and the file. */
static void what_was_not_noted_is_written_again(void **state)
{
    struct bench *bench = *state;
    struct clinic *clinic = bench->lakeside;
    moves(bench, bench->willow, bench->lakeside, "accept");
    assert_int_equal(sweep(bench), 1);
    assert_int_equal(unlink(path_of(bench, "willow--answer--R-1--1.json")), 0);
    clinic_begin(clinic);
    sqlite_plain(clinic->store, "UPDATE answer SET exported=0");
    clinic_commit(clinic);
    assert_int_equal(sweep(bench), 1);
    assert_string_equal(json_get_text(file(bench, "willow--answer--R-1--1.json"), "move"),
                        "accept");
    assert_false(file_exists(path_of(bench, "willow--answer--R-1--2.json")));
}

/* The clinic that was asked hears of a cancel in the same way. */
static void a_cancel_of_the_placer_is_a_file_there(void **state)
{
    struct bench *bench = *state;
    struct office willow = clinic_office(bench->willow);
    moves(bench, bench->lakeside, bench->willow, "cancel");
    struct alarm_texts news = {.arena = &bench->willow->arena};
    assert_int_equal(answer_files_sweep(&willow, &news), 1);
    assert_string_equal(news.items[0].move, "cancel");
    assert_true(file_exists(arena_print(&bench->willow->arena,
                                        "%s/records/in/lakeside--answer--lakeside%%3AR-1--1.json",
                                        bench->willow->folder)));
    writer_stop(willow.writer);
}

/* Both clinics count their referrals from R-1: what one partner says of both is two files. */
static void the_same_number_of_two_clinics_is_two_files(void **state)
{
    struct bench *bench = *state;
    struct fault fault = {FAULT_none, NULL};
    clinic_send(bench->willow,
                clinic_consent(bench->willow, "K-1", "alvarez", "willow", "\"lakeside\""));
    clinic_send(bench->willow, clinic_referral(bench->willow, "R-1", "alvarez", "lakeside"));
    carry(bench->willow, bench->lakeside);
    if (!clinic_move(bench->willow, "lakeside:R-1", "accept", &fault))
        fail_msg("%s", fault_sentence(&fault));
    carry(bench->willow, bench->lakeside);
    if (!clinic_move(bench->willow, "willow:R-1", "cancel", &fault))
        fail_msg("%s", fault_sentence(&fault));
    carry(bench->willow, bench->lakeside);
    assert_int_equal(sweep(bench), 2);
    const struct json *ours = file(bench, "willow--answer--R-1--1.json");
    const struct json *theirs = file(bench, "willow--answer--willow%3AR-1--1.json");
    assert_string_equal(json_get_text(ours, "move"), "accept");
    assert_string_equal(json_get_text(ours, "placer"), "lakeside");
    assert_string_equal(json_get_text(theirs, "move"), "cancel");
    assert_string_equal(json_get_text(theirs, "placer"), "willow");
    assert_string_equal(json_get_text(theirs, "referral_id"), "R-1");
}

/* A whole page of them (folders stand where the files would) hides none behind it. */
static void what_cannot_be_written_starves_nothing(void **state)
{
    struct bench *bench = *state;
    struct clinic *clinic = bench->lakeside;
    struct store_answer answer = {.referral = 1, .clinic = "willow", .move = "accept"};
    clinic_begin(clinic);
    for (int i = 1; i <= STORE_ANSWERS_PAGE + 1; i++) {
        store_add_answer(clinic->store, &answer);
        if (i <= STORE_ANSWERS_PAGE)
            file_make_folder(
                path_of(bench, arena_print(&clinic->arena, "willow--answer--R-1--%d.json", i)),
                0700);
    }
    clinic_commit(clinic);
    assert_int_equal(sweep(bench), 1);
    assert_int_equal(json_count(file(bench, "willow--answer--R-1--51.json")) > 0, 1);
    assert_int_equal(sweep(bench), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, start, stop)
        ROW(each_answer_is_a_file),
        ROW(a_notice_names_the_referral_and_nothing_of_the_client),
        ROW(a_duplicate_makes_no_second_file),
        ROW(what_was_not_noted_is_written_again),
        ROW(a_cancel_of_the_placer_is_a_file_there),
        ROW(the_same_number_of_two_clinics_is_two_files),
        ROW(what_cannot_be_written_starves_nothing),
#undef ROW
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
