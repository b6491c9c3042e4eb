/* export: what partners sent appears once in records/in, under a name that harms nobody, and again
 * if it is lost before it was marked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "fhir/json/tree.h"
#include "gateway/export/export.h"
#include "gateway/runtime/file.h"
#include "lib/clinic.h"

struct bench {
    struct clinic *clinic;
    struct office office;
    struct alarm_texts news;
};

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->clinic = clinic_new("willow", "");
    bench->office = clinic_office(bench->clinic);
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;
    writer_stop(bench->office.writer);
    clinic_free(bench->clinic);
    free(bench);
    return 0;
}

static size_t sweep(struct bench *bench)
{
    bench->news = (struct alarm_texts){.arena = &bench->clinic->arena};
    return export_sweep(&bench->office, &bench->news);
}

static void add_with(struct bench *bench, const char *number, const char *text,
                     const char *attachments)
{
    struct clinic *clinic = bench->clinic;
    struct store_record record = {.clinic = "lakeside",
                                  .kind = "referral",
                                  .number = number,
                                  .origin = "lakeside",
                                  .client = ""};
    clinic_begin(clinic);
    record.payload = payload_put(clinic->store, text, strlen(text));
    if (attachments != NULL)
        record.attachments = payload_put(clinic->store, attachments, strlen(attachments));
    store_add_record(clinic->store, &record);
    clinic_commit(clinic);
}

static void add(struct bench *bench, const char *number, const char *text)
{
    add_with(bench, number, text, NULL);
}

static const char *in(struct bench *bench, const char *name)
{
    return arena_print(&bench->clinic->arena, "%s/records/in/%s", bench->clinic->folder, name);
}

static void records_are_written_once(void **state)
{
    struct bench *bench = *state;
    struct stat about;
    size_t length;
    add(bench, "R-1", "{\"record\":\"referral\",\"record_id\":\"R-1\",\"n\":1.50}");
    add(bench, "R-2", "{\"record_id\":\"R-2\"}");
    assert_int_equal(sweep(bench), 2);
    assert_int_equal(sweep(bench), 0);
    const char *path = in(bench, "lakeside--referral--R-1.json");
    const char *text =
        file_read(&bench->clinic->arena, path, 10000, &length, &bench->clinic->findings);
    assert_non_null(strstr(text, "\"n\": 1.50"));
    assert_int_equal(text[length - 1], '\n');
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void what_cannot_be_written_is_tried_again(void **state)
{
    struct bench *bench = *state;
    char *folder = arena_print(&bench->clinic->arena, "%s/records/in", bench->clinic->folder);
    char *away = arena_print(&bench->clinic->arena, "%s/records/away", bench->clinic->folder);
    add(bench, "R-1", "{}");
    assert_int_equal(rename(folder, away), 0);
    assert_int_equal(sweep(bench), 0);
    assert_int_equal(rename(away, folder), 0);
    assert_int_equal(sweep(bench), 1);
    assert_true(file_exists(in(bench, "lakeside--referral--R-1.json")));
}

static void what_cannot_be_read_stops_nothing_else(void **state)
{
    struct bench *bench = *state;
    struct store_record lost = {.clinic = "lakeside",
                                .kind = "referral",
                                .number = "R-0",
                                .origin = "lakeside",
                                .client = "",
                                .payload = 4242};
    clinic_begin(bench->clinic);
    store_add_record(bench->clinic->store, &lost);
    clinic_commit(bench->clinic);
    add(bench, "R-1", "{}");
    assert_int_equal(sweep(bench), 1);
    assert_true(file_exists(in(bench, "lakeside--referral--R-1.json")));
    assert_false(file_exists(in(bench, "lakeside--referral--R-0.json")));
}

static void more_than_one_page(void **state)
{
    struct bench *bench = *state;
    size_t written = 0;
    for (int i = 0; i < 230; i++)
        add(bench, arena_print(&bench->clinic->arena, "R-%d", i), "{}");
    for (size_t page; (page = sweep(bench)) > 0;)
        written += page;
    assert_int_equal(written, 230);
}

static void names_harm_nobody(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *number, *name;
    } names[] = {{"R-1", "lakeside--referral--R-1.json"},
                 {"a/b", "lakeside--referral--a%2Fb.json"},
                 {"../../etc/passwd", "lakeside--referral--..%2F..%2Fetc%2Fpasswd.json"},
                 {"a b\n\"'", "lakeside--referral--a%20b%0A%22%27.json"},
                 {"\xc3\xa9", "lakeside--referral--%C3%A9.json"},
                 {"%41", "lakeside--referral--%2541.json"},
                 {"", "lakeside--referral--.json"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(
            export_name(&bench->clinic->arena, "lakeside", "referral", names[i].number),
            names[i].name);
    assert_string_equal(export_name(&bench->clinic->arena, ".hidden", "x", "1"),
                        "%2Ehidden--x--1.json");
}

/* What a program opens that reads the record is beside it. */
static void a_record_names_its_files_as_they_are(void **state)
{
    static const char list[] =
        "[{\"file\":\"../../etc/passwd\",\"data\":\"aGk=\"},{\"file\":\"scan.pdf\",\"data\":"
        "\"aGk=\"},{\"data\":\"aGk=\"},{\"file\":\"scan.pdf\",\"data\":\"aGk=\"}]";
    static const char text[] = "{\"attachments\":[{\"file\":\"../../etc/"
                               "passwd\"},{\"file\":\"scan.pdf\"},{\"title\":\"x\"},"
                               "{\"file\":\"scan.pdf\"}]}";
    static const char *const names[] = {"%2E.%2F..%2Fetc%2Fpasswd", "scan.pdf", "unnamed",
                                        "scan~2.pdf"};
    struct bench *bench = *state;
    struct arena *arena = &bench->clinic->arena;
    struct finding_list findings = finding_list_new(arena);
    size_t length;
    add_with(bench, "R-1", text, list);
    assert_int_equal(sweep(bench), 1);
    const char *read =
        file_read(arena, in(bench, "lakeside--referral--R-1.json"), 10000, &length, &findings);
    const struct json *item = json_first(json_get(tree_of(arena, read), "attachments"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++, item = json_next(item)) {
        assert_string_equal(json_get_text(item, "file"), names[i]);
        assert_true(file_exists(
            arena_print(arena, "%s/%s", in(bench, "lakeside--referral--R-1.files"), names[i])));
    }
}

/* A received number may have 200 characters of any kind; two long ones stay two, and files can hold
 * them. */
static void long_numbers_stay_different_and_writable(void **state)
{
    struct bench *bench = *state;
    struct arena *arena = &bench->clinic->arena;
    struct text one = text_new(arena, 1000);
    for (int i = 0; i < 199; i++)
        text_add(&one, i % 3 == 0 ? "\xc3\xa9" : "/");
    const char *first = arena_print(arena, "%s1", one.at);
    const char *second = arena_print(arena, "%s2", one.at);
    const char *name = export_name(arena, "lakeside", "referral", first);
    assert_string_not_equal(name, export_name(arena, "lakeside", "referral", second));
    assert_true(strlen(name) <= 255);
    add(bench, first, "{}");
    add(bench, second, "{}");
    assert_int_equal(sweep(bench), 2);
}

/* Two of one title are two files that open by their kind; names too long for a file stay two; and
 * written once more they are called the same. */
static void attachments_of_one_name_stay_apart(void **state)
{
    struct bench *bench = *state;
    struct arena *arena = &bench->clinic->arena;
    struct text one = text_new(arena, 1000);
    for (int i = 0; i < 30; i++)
        text_add(&one, "\xc3\xa9l\xc3\xa9phant");
    const char *list = arena_print(
        arena,
        "[{\"file\":\"MRI report\",\"media_type\":\"application/pdf\",\"data\":\"YQ==\"},"
        "{\"file\":\"MRI report\",\"media_type\":\"application/pdf\",\"data\":\"Yg==\"},"
        "{\"file\":\"MRI report.pdf\",\"data\":\"Yw==\"},"
        "{\"file\":\"%s1.pdf\",\"data\":\"ZA==\"},{\"file\":\"%s2.pdf\",\"data\":\"ZQ==\"}]",
        one.at, one.at);
    static const char *const starts[] = {"MRI%20report.pdf", "MRI%20report~2.pdf",
                                         "MRI%20report~3.pdf", "%C3%A9l%C3%A9phant", "%C3%A9"};
    static const char *const bytes[] = {"a", "b", "c", "d", "e"};
    const char *text = "{\"attachments\":[]}";
    struct finding_list findings = finding_list_new(arena);
    struct json *record = json_copy(arena, tree_of(arena, text));
    json_replace(arena, record, "attachments", json_copy(arena, tree_of(arena, list)));
    add_with(bench, "R-1", json_print(arena, record), list);
    add_with(bench, "R-2", json_print(arena, record), list);
    assert_int_equal(sweep(bench), 2);
    for (int pass = 1; pass <= 2; pass++) {
        const char *stem = in(bench, arena_print(arena, "lakeside--referral--R-%d", pass));
        size_t length;
        const char *read =
            file_read(arena, arena_print(arena, "%s.json", stem), 10000, &length, &findings);
        const struct json *item = json_first(json_get(tree_of(arena, read), "attachments"));
        for (size_t i = 0; i < 5; i++, item = json_next(item)) {
            const char *name = json_get_text(item, "file");
            assert_non_null(name);
            assert_true(text_starts(name, starts[i]) && text_ends(name, ".pdf"));
            assert_string_equal(file_read(arena, arena_join(arena, stem, ".files/", name, NULL), 10,
                                          &length, &findings),
                                bytes[i]);
        }
    }
}

/* A whole page of them hides none behind it. */
static void what_cannot_be_read_starves_nothing(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < STORE_EXPORT_PAGE; i++)
        add(bench, arena_print(&bench->clinic->arena, "R-%d", i), "no record");
    add(bench, "R-last", "{}");
    assert_int_equal(sweep(bench), 1);
    assert_true(file_exists(in(bench, "lakeside--referral--R-last.json")));
    assert_int_equal(sweep(bench), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_are_written_once),
        TEST(what_cannot_be_written_is_tried_again),
        TEST(what_cannot_be_read_stops_nothing_else),
        TEST(what_cannot_be_read_starves_nothing),
        TEST(more_than_one_page),
        TEST(names_harm_nobody),
        TEST(a_record_names_its_files_as_they_are),
        TEST(long_numbers_stay_different_and_writable),
        TEST(attachments_of_one_name_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
