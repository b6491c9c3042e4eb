/* store upgrade: a store that an older version left, with promises that are in its journal only,
 * opens without loss; what it was is kept beside it; an upgrade that is killed at any moment is
 * simply started again. The stores are those of tests/stores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/audit/audit.h"
#include "gateway/delivery/deliver.h"
#include "gateway/store/backup.h"
#include "gateway/store/lived.h"
#include "gateway/store/retention.h"
#include "gateway/store/sqlite/sqlite_internal.h"
#include "lib/clinic.h"

#define ARENA (&clinic->arena)

/* ---- a kill before the next step on the disk ---- */

static int steps_left = -1; /* -1: no kill is planned */

static void step(void)
{
    if (steps_left >= 0 && steps_left-- == 0)
        kill(getpid(), SIGKILL);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off_t offset)
{
    step();
    return syscall(SYS_pwrite64, file, bytes, length, offset);
}

int fsync(int file)
{
    step();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    step();
    return (int)syscall(SYS_fdatasync, file);
}

int rename(const char *from, const char *to)
{
    step();
    return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
    step();
    return (int)syscall(SYS_unlink, path);
}

/* ---- an old store, in DIR/NAME ---- */

static void run(struct clinic *clinic, const char *name, const char *script)
{
    setenv("COPY", arena_print(ARENA, "%s/%s", clinic->folder, name), 1);
    setenv("DIR", clinic->folder, 1);
    setenv("OLD", SOURCE_DIR "/tests/stores/4", 1);
    assert_int_equal(system(script), 0);
}

static const char *path_of(struct clinic *clinic, const char *name)
{
    return arena_print(ARENA, "%s/%s", clinic->folder, name);
}

static void make_old(struct clinic *clinic, const char *name)
{
    struct fault fault;
    struct store *store;
    size_t length;
    struct finding_list findings = finding_list_new(ARENA);
    run(clinic, name,
        "mkdir \"$COPY\" && cp -r \"$OLD\"/store.journal \"$COPY\" && : >\"$COPY\"/store.db");
    const char *sql =
        file_read(ARENA, SOURCE_DIR "/tests/stores/4/store.sql", 1 << 20, &length, &findings);
    assert_non_null(sql);
    assert_true(sqlite_open_as_it_is(path_of(clinic, arena_print(ARENA, "%s/store.db", name)),
                                     &store, ARENA, &fault));
    sqlite_plain(store, sql);
    assert_false(store_failed(store));
    store_close(store);
}

static bool open_store(struct clinic *clinic, const char *name, struct store **ret_store,
                       struct fault *ret_fault)
{
    return store_open(path_of(clinic, arena_print(ARENA, "%s/store.db", name)), ret_store, ARENA,
                      ret_fault);
}

static struct store *opened(struct clinic *clinic, const char *name)
{
    struct store *store;
    struct fault fault;
    if (!open_store(clinic, name, &store, &fault))
        fail_msg("%s", fault_sentence(&fault));
    return store;
}

static bool exists(struct clinic *clinic, const char *name)
{
    return file_exists(path_of(clinic, name));
}

/* ---- what must be in it ---- */

static void check_inbound(struct clinic *clinic, struct store *store, const char *partner,
                          const char *number)
{
    struct store_message message;
    size_t length;
    assert_true(
        store_find_inbound(store, ARENA, partner, arena_print(ARENA, "m-%s", number), &message));
    assert_string_equal(message.partner, partner);
    assert_string_equal(payload_get(store, ARENA, message.payload, &length),
                        arena_print(ARENA, "body of %s", number));
}

static void check_referrals(struct clinic *clinic, struct store *store)
{
    struct store_referral referral;
    struct store_event *events;
    struct store_referral *numbered;
    assert_true(store_find_referral(store, ARENA, "willow", "R-1", &referral));
    assert_string_equal(referral.partner, "lakeside");
    assert_string_equal(referral.client, "C-1");
    assert_string_equal(referral.task_status, "accepted");
    assert_int_equal(store_events(store, ARENA, referral.id, &events), 2);
    assert_int_equal(store_referrals_filled(store, ARENA, "lakeside-F-1", &numbered), 1);
    assert_true(store_find_referral(store, ARENA, "willow", "R-2", &referral));
    assert_string_equal(referral.partner, "");
    assert_true(store_find_referral(store, ARENA, "harbor", "H-1", &referral));
    assert_string_equal(referral.partner, "harbor");
    assert_string_equal(referral.client, "HC-9");
    assert_true(store_has_early_cancel(store, "harbor", "harbor", "H-77"));
}

static void check_records(struct clinic *clinic, struct store *store)
{
    struct store_record record;
    struct store_record *records;
    struct store_release *releases;
    const char **numbers;
    assert_int_equal(store_records(store, ARENA, NULL, NULL, STORE_OWN, &records), 3);
    assert_int_equal(store_records(store, ARENA, "C-1", NULL, NULL, &records), 3);
    assert_int_equal(store_records(store, ARENA, "HC-9", NULL, "harbor", &records), 1);
    assert_true(store_find_record(store, ARENA, "lakeside", "progress-note", "N-1", &record));
    assert_string_equal(record.origin, "lakeside");
    assert_int_equal(store_releases(store, ARENA, "C-1", "sent", &releases), 1);
    assert_string_equal(releases[0].partner, "lakeside");
    assert_int_equal(store_releases(store, ARENA, NULL, "waiting", &releases), 1);
    assert_string_equal(releases[0].client, "C-2");
    assert_string_equal(releases[0].partner, "");
    assert_int_equal(store_links(store, ARENA, "C-1", "lakeside", &numbers), 1);
    assert_string_equal(numbers[0], "LC-5");
}

static void check(struct clinic *clinic, struct store *store)
{
    struct store_message *messages;
    struct store_report report;
    struct fault fault;
    int64_t rows;
    int64_t bad;
    assert_int_equal(store_messages(store, ARENA, NULL, NULL, 0, 100, &messages), 5);
    check_inbound(clinic, store, "harbor", "2");
    check_inbound(clinic, store, "lakeside", "3");
    assert_int_equal(store_due(store, ARENA, "harbor", 5000, 9, &messages), 1);
    assert_string_equal(messages[0].message_id, "m-4");
    check_referrals(clinic, store);
    check_records(clinic, store);
    assert_true(audit_verify(store, &rows, &bad));
    assert_int_equal(rows, 7);
    assert_true(store_examine(store, &report, ARENA, &fault));
    assert_int_equal(report.schema, sqlite_newest_version());
}

/* The store as it was, with all that was promised. */
static void check_copy(struct clinic *clinic, const char *name)
{
    struct store *copy;
    struct fault fault;
    struct store_report report;
    const char *path = path_of(clinic, arena_print(ARENA, "%s/store.db", name));
    assert_true(sqlite_open_as_it_is(path, &copy, ARENA, &fault));
    assert_true(store_examine(copy, &report, ARENA, &fault));
    assert_int_equal(report.schema, 4);
    assert_int_equal(report.received + report.sent, 5);
    assert_int_equal(report.audits, 7);
    assert_int_equal(sqlite_number(copy, "SELECT count(*) FROM meta WHERE key='before'", ""), 0);
    store_close(copy);
}

/* ---- tests ---- */

static void test_an_old_store_opens_without_loss(void **state)
{
    struct clinic *clinic = *state;
    make_old(clinic, "old");
    struct store *store = opened(clinic, "old");
    check(clinic, store);
    assert_int_equal(sqlite_number(store, "SELECT count(*) FROM meta WHERE key='before'", ""), 0);
    store_close(store);
    check_copy(clinic, "old/store.before-4");
    assert_false(exists(clinic, "old/store.before-4.part"));
    store = opened(clinic, "old");
    check(clinic, store);
    store_close(store);
    assert_false(exists(clinic, "old/store.before-4-2"));
}

static void test_an_upgraded_store_goes_on(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    struct store_message again = {.direction = "in",
                                  .partner = "harbor",
                                  .message_id = "m-2",
                                  .bundle_id = "b-9",
                                  .event = "e",
                                  .kind = "referral",
                                  .state = "done"};
    make_old(clinic, "old");
    struct store *store = opened(clinic, "old");
    assert_true(store_serve(store, &fault));
    assert_true(store_begin(store));
    assert_int_equal(store_add_message(store, &again), 0); /* the ledger knows it */
    store_rollback(store);
    assert_true(store_begin(store));
    again.message_id = "m-9";
    assert_true(store_add_message(store, &again) > 0);
    audit_add(store, 2000, "received", "harbor", "m-9", "referral");
    assert_true(store_sync(store, &fault));
    run(clinic, "killed",
        "mkdir \"$COPY\" && cp -a \"$DIR\"/old/store.db* "
        "\"$DIR\"/old/store.journal \"$COPY\"");
    store_close(store);
    store = opened(clinic, "killed");
    int64_t rows;
    int64_t bad;
    struct store_message message;
    assert_true(store_find_inbound(store, ARENA, "harbor", "m-9", &message));
    assert_true(audit_verify(store, &rows, &bad));
    assert_int_equal(rows, 8);
    store_close(store);
    check_copy(clinic, "old/store.before-4");
}

/* By the wall clock of this machine all of it is half a century old. */
static void test_a_clock_far_ahead_ends_nothing_at_an_upgrade(void **state)
{
    static const int64_t day_ms = 86400 * 1000;
    struct clinic *clinic = *state;
    struct fault fault;
    struct store_old *old;
    struct store_message *waiting;
    struct store_sweep sweep = {.message = 0};
    struct deliver_result result = {.outcome = DELIVER_CANNOT_CONNECT, .sentence = "no"};
    make_old(clinic, "old");
    struct store *store;
    const char *file = path_of(clinic, "old/store.db");
    assert_true(sqlite_open_as_it_is(file, &store, ARENA, &fault));
    sqlite_plain(store, "UPDATE message SET created_ms=1000, attempts=10, settled_ms=CASE WHEN "
                        "settled_ms IS NULL THEN NULL ELSE 1000 END");
    sqlite_plain(store, "UPDATE record SET accepted_ms=1000");
    assert_false(store_failed(store));
    store_close(store);
    store = opened(clinic, "old");
    struct store_ages ages = {.payload_before_ms = store_lived_ms(store) - day_ms,
                              .row_before_ms = store_lived_ms(store) - day_ms};
    while (!sweep.is_done)
        assert_int_equal(store_find_old(store, ARENA, &ages, 100, &sweep, &old), 0);
    assert_true(store_begin(store));
    size_t count = store_messages(store, ARENA, "out", "queued", 0, 100, &waiting);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(deliver_settle(store, clinic->setup, ARENA, waiting[i].id, &result,
                                        clock_wall_ms(&clinic->setup->clock), 0),
                         DELIVER_LATER);
    assert_true(store_commit(store, &fault));
    store_close(store);
}

/* What somebody kept under that name before stays. */
static void test_a_copy_that_is_there_already_stays(void **state)
{
    struct clinic *clinic = *state;
    make_old(clinic, "old");
    assert_true(file_make_folder(path_of(clinic, "old/store.before-4"), 0700));
    struct store *store = opened(clinic, "old");
    check(clinic, store);
    store_close(store);
    check_copy(clinic, "old/store.before-4-2");
    assert_false(exists(clinic, "old/store.before-4/store.db"));
}

static void check_words(const char *sentence, long found)
{
    char words[80];
    snprintf(words, sizeof words, "found schema version %ld, expected %ld", found,
             sqlite_newest_version());
    assert_non_null(strstr(sentence, words));
}

static void test_a_newer_store_is_refused_and_left_alone(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    struct store *store;
    make_old(clinic, "old");
    assert_true(sqlite_open_as_it_is(path_of(clinic, "old/store.db"), &store, ARENA, &fault));
    sqlite_plain(store, "PRAGMA user_version=999");
    store_close(store);
    assert_false(open_store(clinic, "old", &store, &fault));
    check_words(fault_sentence(&fault), 999);
    assert_non_null(strstr(fault_sentence(&fault), "newer refgate"));
    assert_true(sqlite_open_as_it_is(path_of(clinic, "old/store.db"), &store, ARENA, &fault));
    assert_int_equal(sqlite_number(store, "SELECT count(*) FROM message", ""), 2);
    store_close(store);
}

static void test_a_reader_waits_for_the_upgrade(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    struct store *reader;
    make_old(clinic, "old");
    assert_false(store_open_reader(path_of(clinic, "old/store.db"), &reader, ARENA, &fault));
    check_words(fault_sentence(&fault), 4);
}

/* False when it came to its end before. */
static bool is_killed_at(struct clinic *clinic, const char *name, int steps)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct store *store;
        struct fault fault;
        steps_left = steps;
        _exit(open_store(clinic, name, &store, &fault) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void test_an_upgrade_killed_at_any_step_is_started_again(void **state)
{
    struct clinic *clinic = *state;
    int steps = 0;
    make_old(clinic, "old");
    for (bool killed = true; killed; steps += KILLS_APART) {
        run(clinic, "killed", "rm -rf \"$COPY\" && cp -a \"$DIR\"/old \"$COPY\"");
        killed = is_killed_at(clinic, "killed", steps);
        struct store *store = opened(clinic, "killed");
        check(clinic, store);
        store_close(store);
        check_copy(clinic, "killed/store.before-4");
        assert_false(exists(clinic, "killed/store.before-4-2"));
        assert_false(exists(clinic, "killed/store.before-4.part"));
    }
    print_message("%d kills\n", steps);
    assert_true(steps > 20);
}

/* Each start is killed a little later than the one before, on the same store. */
static void test_an_upgrade_killed_again_and_again(void **state)
{
    struct clinic *clinic = *state;
    make_old(clinic, "old");
    for (int steps = 3; is_killed_at(clinic, "old", steps); steps += 7)
        ;
    struct store *store = opened(clinic, "old");
    check(clinic, store);
    store_close(store);
    check_copy(clinic, "old/store.before-4");
    assert_false(exists(clinic, "old/store.before-4-2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_old_store_opens_without_loss, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_an_upgraded_store_goes_on, clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_clock_far_ahead_ends_nothing_at_an_upgrade,
                                        clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_copy_that_is_there_already_stays, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_newer_store_is_refused_and_left_alone, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_reader_waits_for_the_upgrade, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_an_upgrade_killed_at_any_step_is_started_again,
                                        clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_an_upgrade_killed_again_and_again, clinic_start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
