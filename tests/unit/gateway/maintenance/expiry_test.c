/* watch: when a certificate or list is worth a warning, what was said already, what partners
 * showed, and when changed files have settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/maintenance/expiry.h"
#include "gateway/runtime/file.h"
#include "lib/throwaway.h"

enum { DAY = 86400 };
static const int64_t now = 1800000000;

static struct watch_term term_of(int64_t days_left, int64_t life_days)
{
    return (struct watch_term){.kind = WATCH_CERTIFICATE,
                               .since = now + (days_left - life_days) * DAY,
                               .until = now + days_left * DAY};
}

static int step_of(int64_t days_left, int64_t life_days)
{
    struct watch_term term = term_of(days_left, life_days);
    return watch_step(&term, now);
}

/* ---- steps ---- */

static void a_year_warns_five_times(void **state)
{
    static const struct {
        int days, step;
    } cases[] = {{365, -1}, {61, -1}, {60, 60}, {31, 60}, {30, 30}, {15, 30}, {14, 14},
                 {8, 14},   {7, 7},   {2, 7},   {1, 1},   {0, 0},   {-5, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(step_of(cases[i].days, 365), cases[i].step);
}

static void the_last_second_counts(void **state)
{
    struct watch_term term = {.since = now - 300 * DAY, .until = now + 1};
    (void)state;
    assert_int_equal(watch_step(&term, now), 1);
    assert_int_equal(watch_step(&term, now + 1), 0);
    term.until = now + 60 * DAY + 1;
    assert_int_equal(watch_step(&term, now), -1);
}

static void what_is_short_lived_warns_in_its_second_half(void **state)
{
    (void)state;
    assert_int_equal(step_of(29, 30), -1); /* a list that is made anew every month */
    assert_int_equal(step_of(14, 30), 14);
    assert_int_equal(step_of(6, 7), -1);
    assert_int_equal(step_of(3, 7), -1);
    assert_int_equal(step_of(1, 7), 1);
    assert_int_equal(step_of(46, 47), -1);
    assert_int_equal(step_of(20, 47), -1);
    assert_int_equal(step_of(14, 47), 14);
    assert_int_equal(step_of(1, 1), -1);
    assert_int_equal(step_of(0, 1), 0);
}

static void of_unknown_age_every_step_counts(void **state)
{
    struct watch_term term = {.kind = WATCH_SERVED, .partner = "p", .until = now + 50 * DAY};
    (void)state;
    assert_int_equal(watch_step(&term, now), 60);
}

/* ---- news ---- */

static void each_step_is_news_once(void **state)
{
    struct watch_told *told = watch_told_new();
    struct watch_term term = term_of(50, 365);
    struct watch_term other = term;
    (void)state;
    assert_true(watch_is_news(told, &term, 60));
    assert_false(watch_is_news(told, &term, 60));
    assert_true(watch_is_news(told, &term, 30));
    assert_false(watch_is_news(told, &term, 30));
    assert_true(watch_is_news(told, &term, 0));
    assert_false(watch_is_news(told, &term, 0));
    other.partner = "lakeside";
    other.kind = WATCH_CA;
    other.name = "CN=x";
    assert_true(watch_is_news(told, &other, 0));
    other.name = "CN=y";
    assert_true(watch_is_news(told, &other, 0));
    assert_false(watch_is_news(told, &other, 0));
    watch_told_free(told);
}

static void a_renewed_one_starts_anew(void **state)
{
    struct watch_told *told = watch_told_new();
    struct watch_term term = term_of(5, 365);
    (void)state;
    assert_true(watch_is_news(told, &term, 7));
    term.until += 365 * DAY;
    assert_false(watch_is_news(told, &term, -1)); /* nothing is due */
    term.until -= 300 * DAY;
    assert_true(watch_is_news(told, &term, 60));
    watch_told_free(told);
    watch_told_free(NULL);
}

static void sentences_say_what_to_do(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct watch_term term = term_of(20, 365);
    (void)state;
    assert_non_null(strstr(watch_say(&arena, &term, now), "our certificate runs out in 20 days"));
    assert_non_null(strstr(watch_say(&arena, &term, now), "refgate cert renew"));
    term.kind = WATCH_SERVED;
    term.partner = "lakeside";
    assert_non_null(strstr(watch_say(&arena, &term, now), "partner lakeside shows runs out"));
    term.kind = WATCH_CRL;
    term.name = "CN=ca";
    term.until = now - DAY;
    assert_non_null(strstr(watch_say(&arena, &term, now), "revocation list of CN=ca"));
    assert_non_null(strstr(watch_say(&arena, &term, now), "ran out on 2027-01-14"));
    term.kind = WATCH_CA;
    term.partner = NULL;
    assert_non_null(strstr(watch_say(&arena, &term, now), "the CA that issued ours"));
    arena_free(&arena);
}

/* ---- as served ---- */

static void another_certificate_is_noticed(void **state)
{
    struct watch_served *served = watch_served_new();
    struct arena arena = ARENA_EMPTY;
    char long_name[TRUST_NAME_MAX + 2];
    (void)state;
    assert_true(watch_served_note(served, "lakeside", now + DAY, now));
    assert_false(watch_served_note(served, "lakeside", now + DAY, now + 5));
    assert_true(watch_served_note(served, "lakeside", now + 2 * DAY, now + 9));
    assert_true(watch_served_note(served, "harbor", now + DAY, now));
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_false(watch_served_note(served, long_name, now, now));
    const char *text = watch_served_write(served, &arena);
    struct watch_served *again = watch_served_new();
    watch_served_read(again, text);
    assert_false(watch_served_note(again, "lakeside", now + 2 * DAY, now));
    assert_false(watch_served_note(again, "harbor", now + DAY, now));
    watch_served_free(again);
    watch_served_free(served);
    watch_served_free(NULL);
    arena_free(&arena);
}

static void a_damaged_file_is_read_as_far_as_it_goes(void **state)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        "partner,not_after,seen",
                                        "partner,not_after,seen\nlakeside",
                                        "h\nlakeside,\nharbor,x,y\n,,,\nharbor,12\n",
                                        "h\n,5,6\n\n\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct watch_served *served = watch_served_new();
        watch_served_read(served, texts[i]);
        assert_true(watch_served_note(served, "lakeside", now, now));
        watch_served_free(served);
    }
}

/* ---- files ---- */

static void files_are_taken_when_they_have_settled(void **state)
{
    struct watch_look look = {.is_started = false};
    unsigned char first[WATCH_PRINT_BYTES] = {1};
    unsigned char second[WATCH_PRINT_BYTES] = {2};
    unsigned char third[WATCH_PRINT_BYTES] = {3};
    (void)state;
    assert_false(
        watch_has_changed(&look, first, 1000, 2000)); /* what stands at the start is taken */
    assert_false(watch_has_changed(&look, first, 9000, 2000));
    assert_false(watch_has_changed(&look, second, 10000, 2000));
    assert_false(watch_has_changed(&look, second, 11999, 2000));
    assert_false(watch_has_changed(&look, third, 12000, 2000)); /* still being written */
    assert_false(watch_has_changed(&look, third, 13999, 2000));
    assert_true(watch_has_changed(&look, third, 14000, 2000));
    watch_taken(&look, third);
    assert_false(watch_has_changed(&look, third, 20000, 2000));
    assert_false(watch_has_changed(&look, second, 21000, 2000));
    assert_false(watch_has_changed(&look, third, 22000, 2000)); /* and back: nothing to do */
    assert_false(watch_has_changed(&look, third, 30000, 2000));
    assert_true(watch_has_changed(&look, second, 31000, 0));
}

struct folder {
    char path[64];
    struct setup setup;
    struct arena arena;
};

static struct folder *folder_new(void)
{
    struct folder *folder = calloc(1, sizeof *folder);
    static const char *const crl[] = {"lists/one.crl"};
    static struct partner partner;
    strcpy(folder->path, "/tmp/refgate-watch-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->setup.dir = folder->path;
    folder->setup.config = config_defaults(&folder->arena);
    partner = (struct partner){.name = "p", .ca_file = "", .crl_files = {crl, 1}};
    folder->setup.partners = (struct partner_list){&partner, 1};
    assert_true(file_make_folder(arena_print(&folder->arena, "%s/partners", folder->path), 0700));
    assert_true(file_make_folder(arena_print(&folder->arena, "%s/lists", folder->path), 0700));
    return folder;
}

static void folder_free(struct folder *folder)
{
    nftw(folder->path, throwaway_unlink, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&folder->arena);
    free(folder);
}

static void put(struct folder *folder, const char *name, const char *text)
{
    const char *path = arena_print(&folder->arena, "%s/%s", folder->path, name);
    assert_true(file_replace(path, text, strlen(text), 0600));
}

static bool has_changed(const struct folder *folder, unsigned char print[WATCH_PRINT_BYTES])
{
    unsigned char fresh[WATCH_PRINT_BYTES];
    watch_files(&folder->setup, fresh);
    bool changed = memcmp(fresh, print, sizeof fresh) != 0;
    memcpy(print, fresh, sizeof fresh);
    return changed;
}

static void every_file_of_a_reload_is_seen(void **state)
{
    static const char *const names[] = {"settings.yaml",   "directory.csv",   "keys.crt",
                                        "partners/a.yaml", "partners/b.yaml", "partners/a.ca.crt",
                                        "lists/one.crl"};
    struct folder *folder = folder_new();
    unsigned char print[WATCH_PRINT_BYTES] = {0};
    (void)state;
    folder->setup.config.cert_file = "keys.crt";
    assert_true(has_changed(folder, print));
    assert_false(has_changed(folder, print));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put(folder, names[i], "one");
        assert_true(has_changed(folder, print));
        assert_false(has_changed(folder, print));
        put(folder, names[i], "two"); /* the same size */
        assert_true(has_changed(folder, print));
        chmod(arena_print(&folder->arena, "%s/%s", folder->path, names[i]), 0644);
        assert_true(has_changed(folder, print)); /* a key that others can read now */
        unlink(arena_print(&folder->arena, "%s/%s", folder->path, names[i]));
        assert_true(has_changed(folder, print));
    }
    put(folder, "partners/.a.yaml.swp", "an editor at work");
    put(folder, "records.json", "no setting");
    put(folder, "directory.received.csv", "of an earlier refgate");
    assert_false(has_changed(folder, print));
    folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year_warns_five_times),
        cmocka_unit_test(the_last_second_counts),
        cmocka_unit_test(what_is_short_lived_warns_in_its_second_half),
        cmocka_unit_test(of_unknown_age_every_step_counts),
        cmocka_unit_test(each_step_is_news_once),
        cmocka_unit_test(a_renewed_one_starts_anew),
        cmocka_unit_test(sentences_say_what_to_do),
        cmocka_unit_test(another_certificate_is_noticed),
        cmocka_unit_test(a_damaged_file_is_read_as_far_as_it_goes),
        cmocka_unit_test(files_are_taken_when_they_have_settled),
        cmocka_unit_test(every_file_of_a_reload_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
