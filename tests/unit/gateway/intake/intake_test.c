/* intake: one text of records into the store, each for itself; and the drop folder seen from
 * inside, where time is a setting of nought. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "gateway/intake/intake.h"
#include "gateway/intake/wait.h"
#include "gateway/runtime/file.h"
#include "lib/clinic.h"

struct bench {
    struct clinic *clinic;
    struct office office;
    struct intake *intake;
};

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->clinic = clinic_new("willow", "drop_settle_ms: 0\ndrop_give_up_ms: 0\n");
    bench->office = clinic_office(bench->clinic);
    bench->intake = intake_new();
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;
    intake_free(bench->intake);
    writer_stop(bench->office.writer);
    clinic_free(bench->clinic);
    free(bench);
    return 0;
}

static struct intake_report take(struct bench *bench, const char *name, const char *text)
{
    struct clinic *clinic = bench->clinic;
    clinic->findings = finding_list_new(&clinic->arena);
    struct attachment_folder folder = {.path = clinic->folder};
    return intake_take(&bench->office, &clinic->arena, name, text, strlen(text), &folder,
                       clinic_ms(CLINIC_NOW), &clinic->findings);
}

static size_t records(struct bench *bench)
{
    struct store_record *rows;
    return store_records(bench->clinic->store, &bench->clinic->arena, NULL, NULL, NULL, &rows);
}

static const char *referral(struct bench *bench, const char *number)
{
    return clinic_referral(bench->clinic, number, "alvarez", "riverbend");
}

/* ---- one text ---- */

static void one_record(void **state)
{
    struct bench *bench = *state;
    struct intake_report report = take(bench, "r.json", referral(bench, "R-1"));
    assert_int_equal(report.count, 1);
    assert_int_equal(report.refused, 0);
    assert_int_equal(report.items[0].report.answer, FLOW_ACCEPTED);
    assert_string_equal(report.items[0].number, "R-1");
    assert_int_equal(report.items[0].row, 0);
    report = take(bench, "r.json", referral(bench, "R-1"));
    assert_int_equal(report.items[0].report.answer, FLOW_KNOWN);
    assert_int_equal(report.refused, 0);
    assert_int_equal(records(bench), 1);
}

static void lines_stand_for_themselves(void **state)
{
    struct bench *bench = *state;
    struct arena *arena = &bench->clinic->arena;
    const char *bad =
        clinic_replaced(bench->clinic, referral(bench, "R-2"), "massage-therapy", "x");
    const char *text =
        arena_print(arena, "%s\n%s\n{\n%s\n", referral(bench, "R-1"), bad, referral(bench, "R-3"));
    struct intake_report report = take(bench, "r.ndjson", text);
    assert_int_equal(report.count, 3);
    assert_int_equal(report.items[0].row, 1);
    assert_int_equal(report.items[1].row, 2);
    assert_int_equal(report.items[1].report.answer, FLOW_REFUSED);
    assert_int_equal(report.items[2].row, 4);
    assert_true(report.refused >= 2);
    assert_int_equal(records(bench), 2);
    bool is_third_named = false;
    for (size_t i = 0; i < bench->clinic->findings.count; i++)
        is_third_named = is_third_named || bench->clinic->findings.items[i].row == 3;
    assert_true(is_third_named);
}

static void what_cannot_be_read_is_refused(void **state)
{
    struct bench *bench = *state;
    static const char *const texts[] = {"", "{", "[]", "7", "nonsense", "{}", "{\"record\":\"x\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct intake_report report = take(bench, "r.json", texts[i]);
        if (report.refused == 0 || bench->clinic->findings.count == 0)
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(report.fault.kind, FAULT_none);
    }
    assert_int_equal(records(bench), 0);
}

static void a_missing_attachment_refuses_its_record(void **state)
{
    struct bench *bench = *state;
    const char *text =
        clinic_replaced(bench->clinic, referral(bench, "R-1"), "\"reason\"",
                        "\"attachments\":[{\"title\":\"Scan\",\"file\":\"none.pdf\"}],\"reason\"");
    struct intake_report report = take(bench, "r.json", text);
    assert_int_equal(report.refused, 1);
    assert_string_equal(bench->clinic->findings.items[0].path, "attachments[1].file");
    assert_int_equal(bench->clinic->findings.count, 1);
    assert_int_equal(records(bench), 0);
    take(bench, "r.json", clinic_replaced(bench->clinic, text, "massage-therapy", "message"));
    assert_int_equal(bench->clinic->findings.count, 2); /* it hides no other fault */
    assert_string_equal(bench->clinic->findings.items[1].path, "service");
    assert_int_equal(records(bench), 0);
}

static void a_broken_store_stops_the_text(void **state)
{
    struct bench *bench = *state;
    struct arena *arena = &bench->clinic->arena;
    struct fault fault;
    struct store *reader;
    assert_true(store_open_reader(arena_print(arena, "%s/store.db", bench->clinic->folder), &reader,
                                  arena, &fault));
    struct writer *kept = bench->office.writer;
    bench->office.writer = writer_inline(reader); /* writing to it fails */
    struct intake_report report =
        take(bench, "r.ndjson",
             arena_print(arena, "%s\n%s\n", referral(bench, "R-1"), referral(bench, "R-2")));
    assert_int_equal(report.fault.kind, FAULT_store_broken);
    assert_int_equal(report.count, 1); /* the second was not tried */
    writer_stop(bench->office.writer);
    bench->office.writer = kept;
    store_close(reader);
}

/* ---- the drop folder ---- */

static size_t names_in(struct bench *bench, const char *folder)
{
    DIR *open_folder =
        opendir(arena_print(&bench->clinic->arena, "%s/records/%s", bench->clinic->folder, folder));
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(open_folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(open_folder);
    return count;
}

static size_t marks(struct bench *bench)
{
    DIR *open_folder =
        opendir(arena_print(&bench->clinic->arena, "%s/records/out", bench->clinic->folder));
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(open_folder)) != NULL;)
        count += strncmp(entry->d_name, ".served-", 8) == 0;
    closedir(open_folder);
    return count;
}

static void drop(struct bench *bench, const char *name, const char *text)
{
    clinic_put(bench->clinic, arena_print(&bench->clinic->arena, "records/out/%s", name), text);
}

static void a_file_is_taken_at_the_second_look(void **state)
{
    struct bench *bench = *state;
    drop(bench, "r.json", referral(bench, "R-1"));
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 0);
    assert_int_equal(records(bench), 0);
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 1);
    assert_int_equal(records(bench), 1);
    assert_int_equal(names_in(bench, "out"), 0);
    assert_int_equal(names_in(bench, "sent"), 1);
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 0);
}

static void a_change_starts_the_waiting_anew(void **state)
{
    struct bench *bench = *state;
    drop(bench, "r.json", "{");
    intake_sweep(bench->intake, &bench->office);
    drop(bench, "r.json", referral(bench, "R-1"));
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 0);
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 1);
    assert_int_equal(names_in(bench, "refused"), 0);
}

static void files_go_in_the_order_of_their_names(void **state)
{
    struct bench *bench = *state;
    struct store_record *rows;
    static const char *const names[] = {"b.json", "c.json", "a.json"};
    for (int i = 0; i < 3; i++)
        drop(bench, names[i],
             referral(bench, arena_print(&bench->clinic->arena, "R-%c", names[i][0])));
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 3);
    store_records(bench->clinic->store, &bench->clinic->arena, NULL, NULL, NULL, &rows);
    assert_string_equal(rows[0].number, "R-a");
    assert_string_equal(rows[2].number, "R-c");
}

static void a_new_memory_does_no_harm(void **state)
{
    struct bench *bench = *state;
    drop(bench, "r.json", referral(bench, "R-1"));
    intake_sweep(bench->intake, &bench->office);
    intake_free(bench->intake);
    bench->intake = intake_new();
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 0);
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 1);
    assert_int_equal(records(bench), 1);
}

static void many_files(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 150; i++)
        drop(bench, arena_print(&bench->clinic->arena, "r-%03d.json", i),
             referral(bench, arena_print(&bench->clinic->arena, "R-%d", i)));
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(intake_sweep(bench->intake, &bench->office), 150);
    assert_int_equal(records(bench), 150);
    assert_int_equal(names_in(bench, "sent"), 150);
}

/* ---- attachments ---- */

static const char *attaching(struct bench *bench, const char *number, const char *file)
{
    const char *list = arena_print(&bench->clinic->arena,
                                   "\"attachments\":[{\"title\":\"Scan\",\"file\":\"%s\"}],"
                                   "\"reason\"",
                                   file);
    return clinic_replaced(bench->clinic, referral(bench, number), "\"reason\"", list);
}

static bool is_in(struct bench *bench, const char *folder, const char *name)
{
    return file_exists(arena_print(&bench->clinic->arena, "%s/records/%s/%s", bench->clinic->folder,
                                   folder, name));
}

static void sweep_twice(struct bench *bench)
{
    intake_sweep(bench->intake, &bench->office);
    intake_sweep(bench->intake, &bench->office);
}

static void be_patient(struct bench *bench)
{
    ((struct setup *)(uintptr_t)bench->office.setup)->config.drop_give_up_ms = 60000;
}

static void a_record_waits_for_what_it_attaches(void **state)
{
    struct bench *bench = *state;
    struct intake_waiting *waiting;
    be_patient(bench);
    drop(bench, "Scan.pdf", "%PDF-1.4");
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    sweep_twice(bench);
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(records(bench), 0);
    assert_int_equal(intake_wait_list(bench->office.setup, &bench->clinic->arena, &waiting), 1);
    assert_string_equal(waiting[0].file, "records/out/r.json");
    assert_non_null(strstr(waiting[0].why, "attachments[1].file: found scan.pdf"));
    assert_non_null(strstr(waiting[0].why, "did you mean Scan.pdf"));
    assert_null(strstr(waiting[0].why, "service"));
    drop(bench, "scan.pdf", "%PDF-1.4");
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(records(bench), 0); /* somebody may still be writing it */
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(records(bench), 1);
    assert_int_equal(names_in(bench, "out"), 1);
    assert_true(is_in(bench, "sent", "r.json") && is_in(bench, "sent", "scan.pdf"));
}

/* While it waits for one thing, it says what else is wrong. */
static void a_record_that_waits_tells_all_its_faults(void **state)
{
    struct bench *bench = *state;
    struct intake_waiting *waiting;
    const char *text = attaching(bench, "R-1", "scan.pdf");
    be_patient(bench);
    drop(bench, "r.json", clinic_replaced(bench->clinic, text, "massage-therapy", "message"));
    sweep_twice(bench);
    sweep_twice(bench);
    assert_int_equal(intake_wait_list(bench->office.setup, &bench->clinic->arena, &waiting), 1);
    assert_non_null(strstr(waiting[0].why, "attachments[1].file: found scan.pdf"));
    assert_non_null(strstr(waiting[0].why, "service: found"));
    drop(bench, "r.json", text);
    sweep_twice(bench);
    assert_int_equal(intake_wait_list(bench->office.setup, &bench->clinic->arena, &waiting), 1);
    assert_null(strstr(waiting[0].why, "service: found"));
}

static void a_document_waits_for_its_record(void **state)
{
    struct bench *bench = *state;
    be_patient(bench);
    drop(bench, "scan.pdf", "%PDF-1.4");
    drop(bench, "letter.txt", "Dear Dr. Osei, thank you for this record.");
    drop(bench, "letter.rtf", "{\\rtf1\\ansi Dear Dr. Osei}");
    sweep_twice(bench);
    assert_int_equal(names_in(bench, "out"), 3);
    assert_int_equal(names_in(bench, "refused"), 0);
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    drop(bench, "s.json", attaching(bench, "R-2", "letter.txt"));
    sweep_twice(bench);
    assert_int_equal(records(bench), 2);
    assert_int_equal(names_in(bench, "out"), 1);
}

/* Only when it is given up, and then it is refused with its reason. */
static void a_record_whose_attachment_never_comes(void **state)
{
    struct bench *bench = *state; /* its patience is nought */
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    sweep_twice(bench);
    assert_int_equal(records(bench), 0);
    assert_true(is_in(bench, "refused", "r.json") && is_in(bench, "refused", "r.json.why.txt"));
    assert_int_equal(names_in(bench, "out"), 0);
}

static void a_file_that_no_record_names_stays_and_is_told(void **state)
{
    struct bench *bench = *state;
    struct intake_waiting *waiting;
    drop(bench, "scan.pdf", "%PDF-1.4");
    sweep_twice(bench);
    sweep_twice(bench);
    assert_true(is_in(bench, "out", "scan.pdf"));
    assert_int_equal(intake_wait_list(bench->office.setup, &bench->clinic->arena, &waiting), 1);
    assert_non_null(strstr(waiting[0].why, "no record in records/out attaches"));
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    sweep_twice(bench);
    assert_int_equal(records(bench), 1);
    assert_int_equal(names_in(bench, "out"), 0);
    assert_int_equal(intake_wait_list(bench->office.setup, &bench->clinic->arena, &waiting), 0);
}

/* A scan that two records name is there for both; it goes when the second has gone. */
static void two_records_may_attach_one_file(void **state)
{
    struct bench *bench = *state;
    be_patient(bench);
    drop(bench, "scan.pdf", "%PDF-1.4");
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    intake_sweep(bench->intake, &bench->office);
    drop(bench, "s.json", attaching(bench, "R-2", "scan.pdf"));
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(records(bench), 1);
    assert_true(is_in(bench, "out", "scan.pdf"));
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(records(bench), 2);
    assert_int_equal(names_in(bench, "out"), 0);
}

/* A record that is wrong otherwise comes back, and its scan with it: the next record that names a
 * scan.pdf may be another client's. */
static void what_a_refused_record_attached_goes_with_it(void **state)
{
    struct bench *bench = *state;
    be_patient(bench);
    drop(bench, "scan.pdf", "%PDF-1.4");
    drop(bench, "r.json",
         clinic_replaced(bench->clinic, attaching(bench, "R-1", "scan.pdf"), "massage-therapy",
                         "x"));
    sweep_twice(bench);
    assert_true(is_in(bench, "refused", "r.json") && is_in(bench, "refused", "scan.pdf"));
    assert_int_equal(names_in(bench, "out"), 0);
}

/* The scanner calls every scan alike: one that went with a record is not there for the next, even
 * while it cannot be moved away. */
static int64_t clock_ms;

static int64_t read_clock(const struct clock *clock)
{
    (void)clock;
    return clock_ms;
}

static void a_scan_serves_no_record_that_comes_later(void **state)
{
    struct bench *bench = *state;
    ((struct setup *)(uintptr_t)bench->office.setup)->clock.monotonic_ms = read_clock;
    be_patient(bench);
    drop(bench, "half.json", "{");
    drop(bench, "scan.pdf", "%PDF-1.4 of R-1");
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    sweep_twice(bench);
    assert_int_equal(records(bench), 1);
    assert_true(is_in(bench, "out", "scan.pdf")); /* half.json may name it */
    clock_ms++;
    drop(bench, "s.json", attaching(bench, "R-2", "scan.pdf"));
    sweep_twice(bench);
    assert_int_equal(records(bench), 1);
    assert_true(is_in(bench, "out", "s.json.waits.txt"));
    drop(bench, "scan.pdf", "%PDF-1.4 of R-2, another size");
    sweep_twice(bench);
    assert_int_equal(records(bench), 2);
}

static void a_notice_goes_with_its_file_and_nobody_elses_does(void **state)
{
    struct bench *bench = *state;
    drop(bench, "scan.pdf", "%PDF-1.4");
    drop(bench, "my.waits.txt", "a list of my own");
    sweep_twice(bench);
    assert_true(is_in(bench, "out", "scan.pdf.waits.txt"));
    unlink(arena_print(&bench->clinic->arena, "%s/records/out/scan.pdf", bench->clinic->folder));
    sweep_twice(bench);
    assert_int_equal(names_in(bench, "out"), 2); /* which no record names either, and is told so */
    assert_true(is_in(bench, "out", "my.waits.txt"));
    assert_true(is_in(bench, "out", "my.waits.txt.waits.txt"));
}

/* Another service looks at the folder: what an earlier one used is not there for what came since.
 */
static void restart(struct bench *bench)
{
    intake_free(bench->intake);
    bench->intake = intake_new();
}

static void a_scan_that_served_is_known_after_a_restart(void **state)
{
    struct bench *bench = *state;
    ((struct setup *)(uintptr_t)bench->office.setup)->clock.monotonic_ms = read_clock;
    be_patient(bench);
    drop(bench, "half.json", "{");
    drop(bench, "scan.pdf", "%PDF-1.4 of R-1");
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    sweep_twice(bench);
    assert_int_equal(records(bench), 1);
    restart(bench);
    usleep(20000); /* the file system's clock has a coarse tick */
    drop(bench, "s.json", attaching(bench, "R-2", "scan.pdf"));
    sweep_twice(bench);
    sweep_twice(bench);
    assert_int_equal(records(bench), 1);
    assert_true(is_in(bench, "out", "s.json.waits.txt"));
    drop(bench, "half.json", referral(bench, "R-3"));
    clock_ms++;
    sweep_twice(bench);
    clock_ms++;
    intake_sweep(bench->intake, &bench->office);
    assert_true(is_in(bench, "sent", "scan.pdf"));
    drop(bench, "scan.pdf", "%PDF-1.4 of R-2, another size");
    sweep_twice(bench);
    assert_int_equal(records(bench), 3);
    sweep_twice(bench);
    assert_int_equal(names_in(bench, "out"), 0);
    assert_int_equal(marks(bench), 0);
}

/* What was dropped with it may have it, also when the service ended in between. */
static void a_restart_takes_nothing_from_those_who_came_in_time(void **state)
{
    struct bench *bench = *state;
    be_patient(bench);
    drop(bench, "scan.pdf", "%PDF-1.4");
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    intake_sweep(bench->intake, &bench->office);
    drop(bench, "s.json", attaching(bench, "R-2", "scan.pdf"));
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(records(bench), 1);
    restart(bench);
    sweep_twice(bench);
    assert_int_equal(records(bench), 2);
}

/* A row that cannot be read attaches nothing that we could know: what stands in it goes with it. */
static void a_scan_of_a_record_that_cannot_be_read_goes_with_it(void **state)
{
    struct bench *bench = *state;
    be_patient(bench);
    drop(bench, "scan.pdf", "%PDF-1.4 of Rosa");
    drop(bench, "my scan.pdf", "%PDF-1.4 of somebody else");
    drop(bench, "a.csv",
         "record,record_id,attachments.1.title,attachments.1.file\n"
         "progress-note,N-1,\"Scan\" x,scan.pdf\n");
    drop(bench, "b.json", "{\"record\":\"referral\",,\"attachments\":\"my scan.pdf \"}");
    sweep_twice(bench);
    ((struct setup *)(uintptr_t)bench->office.setup)->config.drop_give_up_ms = 0;
    sweep_twice(bench);
    assert_true(is_in(bench, "refused", "a.csv") && is_in(bench, "refused", "scan.pdf"));
    assert_true(is_in(bench, "refused", "b.json") && is_in(bench, "refused", "my scan.pdf"));
    assert_int_equal(names_in(bench, "out"), 0);
    assert_int_equal(marks(bench), 0);
}

/* ---- between the look and the taking ---- */

static struct bench *swapping;
static const char *swapped_name, *swapped_text;

/* Asked for when a record has been read and is about to be taken. */
static int64_t swap_at_the_clock(const struct clock *clock)
{
    (void)clock;
    if (swapped_name != NULL)
        drop(swapping, swapped_name, swapped_text);
    swapped_name = NULL;
    return clinic_ms(CLINIC_NOW);
}

static void swap(struct bench *bench, const char *name, const char *text)
{
    ((struct setup *)(uintptr_t)bench->office.setup)->clock.wall_ms = swap_at_the_clock;
    swapping = bench;
    swapped_name = name;
    swapped_text = text;
}

static void a_scan_that_is_replaced_under_the_record_is_looked_at_again(void **state)
{
    struct bench *bench = *state;
    be_patient(bench);
    drop(bench, "scan.pdf", "%PDF-1.4 of R-1");
    drop(bench, "r.json", attaching(bench, "R-1", "scan.pdf"));
    intake_sweep(bench->intake, &bench->office);
    swap(bench, "scan.pdf", "%PDF-1.4 half a page");
    intake_sweep(bench->intake, &bench->office);
    assert_null(swapped_name);
    assert_int_equal(records(bench), 0);
    assert_true(is_in(bench, "out", "r.json") && is_in(bench, "out", "scan.pdf"));
    assert_int_equal(names_in(bench, "refused"), 0);
    sweep_twice(bench);
    assert_int_equal(records(bench), 1);
    assert_int_equal(names_in(bench, "out"), 0);
    assert_int_equal(marks(bench), 0);
}

static void a_record_that_is_replaced_while_it_is_taken_is_two(void **state)
{
    struct bench *bench = *state;
    drop(bench, "r.json", referral(bench, "R-1"));
    intake_sweep(bench->intake, &bench->office);
    swap(bench, "r.json", referral(bench, "R-2222"));
    intake_sweep(bench->intake, &bench->office);
    assert_int_equal(records(bench), 1);
    assert_true(is_in(bench, "out", "r.json") && is_in(bench, "sent", "r.json"));
    sweep_twice(bench);
    assert_int_equal(records(bench), 2);
    assert_true(is_in(bench, "sent", "r.json.2"));
    assert_int_equal(names_in(bench, "out"), 0);
}

static void a_long_notice_is_written_once_and_goes(void **state)
{
    struct bench *bench = *state;
    struct arena *arena = &bench->clinic->arena;
    const char *folder = arena_print(arena, "%s/records/out", bench->clinic->folder);
    struct text why = text_new(arena, 1 << 20);
    for (int i = 0; i < 4000; i++)
        text_print(&why, "r.csv: row %d: attachments[1].file: found nothing\n", i);
    assert_true(intake_wait_say(arena, folder, "r.csv", why.at));
    assert_false(intake_wait_say(arena, folder, "r.csv", why.at));
    intake_wait_end(arena, folder, "r.csv");
    assert_false(is_in(bench, "out", "r.csv.waits.txt"));
    drop(bench, "r.csv.waits.txt", why.at); /* of an earlier version */
    intake_wait_end(arena, folder, "r.csv");
    assert_false(is_in(bench, "out", "r.csv.waits.txt"));
}

static void somebodys_own_file_is_no_notice(void **state)
{
    struct bench *bench = *state;
    struct arena *arena = &bench->clinic->arena;
    const char *folder = arena_print(arena, "%s/records/out", bench->clinic->folder);
    size_t length;
    struct intake_waiting *waiting;
    drop(bench, "r.csv", "record");
    drop(bench, "r.csv.waits.txt", "what r.csv waits for");
    assert_true(intake_wait_say(arena, folder, "r.csv", "r.csv: found nothing\n"));
    assert_false(intake_wait_say(arena, folder, "r.csv", "r.csv: found nothing\n"));
    assert_int_equal(intake_wait_list(bench->office.setup, arena, &waiting), 1);
    assert_string_equal(waiting[0].why, "r.csv: found nothing\n");
    intake_wait_end(arena, folder, "r.csv");
    assert_int_equal(names_in(bench, "out"), 2);
    assert_string_equal(file_read(arena, arena_print(arena, "%s/r.csv.waits.txt", folder), 1000,
                                  &length, &bench->clinic->findings),
                        "what r.csv waits for");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_record),
        TEST(lines_stand_for_themselves),
        TEST(what_cannot_be_read_is_refused),
        TEST(a_missing_attachment_refuses_its_record),
        TEST(a_broken_store_stops_the_text),
        TEST(a_file_is_taken_at_the_second_look),
        TEST(a_change_starts_the_waiting_anew),
        TEST(files_go_in_the_order_of_their_names),
        TEST(a_new_memory_does_no_harm),
        TEST(many_files),
        TEST(a_record_waits_for_what_it_attaches),
        TEST(a_record_that_waits_tells_all_its_faults),
        TEST(a_document_waits_for_its_record),
        TEST(a_record_whose_attachment_never_comes),
        TEST(a_file_that_no_record_names_stays_and_is_told),
        TEST(two_records_may_attach_one_file),
        TEST(what_a_refused_record_attached_goes_with_it),
        TEST(a_scan_serves_no_record_that_comes_later),
        TEST(a_notice_goes_with_its_file_and_nobody_elses_does),
        TEST(a_scan_that_served_is_known_after_a_restart),
        TEST(a_restart_takes_nothing_from_those_who_came_in_time),
        TEST(a_scan_of_a_record_that_cannot_be_read_goes_with_it),
        TEST(a_scan_that_is_replaced_under_the_record_is_looked_at_again),
        TEST(a_record_that_is_replaced_while_it_is_taken_is_two),
        TEST(a_long_notice_is_written_once_and_goes),
        TEST(somebodys_own_file_is_no_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
