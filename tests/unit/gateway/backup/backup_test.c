/* backup: what was promised is in the file, whether the database has it already or only the
 * journal; a file that is not whole is refused with its reason; a restore replaces nothing by
 * itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "gateway/backup/archive.h"
#include "gateway/backup/backup.h"
#include "lib/rows.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

static const char *in(struct clinic *clinic, const char *name)
{
    return arena_print(ARENA, "%s/%s", clinic->folder, name);
}

static int64_t add(struct clinic *clinic, const char *id)
{
    struct store_message message = rows_message(clinic, "lakeside", id);
    message.direction = "in";
    message.state = "done";
    return rows_add_message(clinic, message);
}

static void promise(struct clinic *clinic, const char *id)
{
    struct fault fault;
    clinic_begin(clinic);
    add(clinic, id);
    assert_true(store_sync(STORE, &fault));
}

static const char *take(struct clinic *clinic, const char *name)
{
    struct backup_facts facts;
    struct fault fault = {FAULT_none, NULL};
    const char *path = in(clinic, name);
    if (!backup_make(clinic->folder, path, &clinic->setup->clock, ARENA, &facts, &fault))
        fail_msg("%s", fault_sentence(&fault));
    return path;
}

/* The data folder NAME beside, restored from PATH. */
static struct backup_restored bring_back(struct clinic *clinic, const char *path, const char *name)
{
    struct backup_restored restored;
    struct fault fault = {FAULT_none, NULL};
    assert_true(file_make_folder(in(clinic, name), 0700));
    if (!backup_restore(path, in(clinic, name), false, &clinic->setup->clock, ARENA, &restored,
                        &fault))
        fail_msg("%s", fault_sentence(&fault));
    return restored;
}

static void must_hold(struct clinic *clinic, const char *folder, const char *const *ids,
                      size_t count)
{
    struct store *store;
    struct fault fault;
    struct store_message message;
    size_t length;
    assert_true(store_open(arena_print(ARENA, "%s/store.db", folder), &store, ARENA, &fault));
    for (size_t i = 0; i < count; i++) {
        assert_true(store_find_inbound(store, ARENA, "lakeside", ids[i], &message));
        const char *bytes = payload_get(store, ARENA, message.payload, &length);
        assert_non_null(bytes);
        assert_string_equal(bytes, ids[i]);
    }
    store_close(store);
}

static void what_only_the_journal_holds_is_in_it(void **state)
{
    static const char *const ids[] = {"one", "two", "three"};
    struct clinic *clinic = *state;
    struct fault fault;
    assert_true(store_serve(STORE, &fault));
    clinic_begin(clinic);
    add(clinic, "one");
    clinic_commit(clinic);
    promise(clinic, "two");
    promise(clinic, "three"); /* the database's transaction is still open */
    const char *path = take(clinic, "backup.tar");
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    struct backup_restored restored = bring_back(clinic, path, "again");
    assert_int_equal(restored.facts.store.received, 3);
    assert_int_equal(restored.facts.store.payloads, 3);
    assert_string_equal(restored.facts.org, "willow");
    must_hold(clinic, in(clinic, "again"), ids, 3);
}

static void it_is_possible_before_any_service_ran(void **state)
{
    static const char *const ids[] = {"one"};
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    add(clinic, "one");
    clinic_commit(clinic);
    bring_back(clinic, take(clinic, "backup.tar"), "again");
    must_hold(clinic, in(clinic, "again"), ids, 1);
}

static void settings_go_with_it_and_keys_do_not(void **state)
{
    struct clinic *clinic = *state;
    assert_true(file_make_folder(in(clinic, "keys"), 0700));
    assert_true(file_make_folder(in(clinic, "ca"), 0700));
    clinic_put(clinic, "keys/gateway.key", "secret");
    clinic_put(clinic, "ca/ca.key", "secret");
    bring_back(clinic, take(clinic, "backup.tar"), "again");
    assert_true(file_exists(in(clinic, "again/settings.yaml")));
    assert_true(file_exists(in(clinic, "again/directory.csv")));
    assert_true(file_exists(in(clinic, "again/partners/lakeside.yaml")));
    assert_false(file_exists(in(clinic, "again/keys/gateway.key")));
    assert_false(file_exists(in(clinic, "again/ca")));
    assert_false(file_exists(in(clinic, "again/.restore.tmp")));
}

static void no_file_is_overwritten(void **state)
{
    struct clinic *clinic = *state;
    struct backup_facts facts;
    struct fault fault = {FAULT_none, NULL};
    clinic_put(clinic, "backup.tar", "somebody's");
    assert_false(backup_make(clinic->folder, in(clinic, "backup.tar"), &clinic->setup->clock, ARENA,
                             &facts, &fault));
    assert_int_equal(fault.kind, FAULT_conflict);
    size_t length;
    assert_string_equal(file_read(ARENA, in(clinic, "backup.tar"), 100, &length, &clinic->findings),
                        "somebody's");
}

static void a_store_that_is_there_is_only_moved_aside(void **state)
{
    static const char *const later[] = {"one", "two"};
    static const char *const ids[] = {"one"};
    struct clinic *clinic = *state;
    struct backup_restored restored;
    struct fault fault = {FAULT_none, NULL};
    clinic_begin(clinic);
    add(clinic, "one");
    clinic_commit(clinic);
    const char *path = take(clinic, "backup.tar");
    bring_back(clinic, path, "again");
    clinic_begin(clinic);
    add(clinic, "two");
    clinic_commit(clinic);
    store_close(STORE);
    STORE = NULL;
    assert_false(backup_restore(path, clinic->folder, false, &clinic->setup->clock, ARENA,
                                &restored, &fault));
    assert_int_equal(fault.kind, FAULT_conflict);
    must_hold(clinic, clinic->folder, later, 2);
    assert_true(backup_restore(path, clinic->folder, true, &clinic->setup->clock, ARENA, &restored,
                               &fault));
    must_hold(clinic, clinic->folder, ids, 1);
    must_hold(clinic, restored.kept, later, 2);
    assert_int_equal(restored.left_count, 5); /* settings, directory, three partners */
}

/* ---- files that are not whole ---- */

static bool is_refused(struct clinic *clinic, const char *path, struct fault *ret_fault)
{
    struct backup_facts facts;
    *ret_fault = (struct fault){FAULT_none, NULL};
    return !backup_verify(path, ARENA, &facts, ret_fault);
}

static void write_file(struct clinic *clinic, const char *bytes, size_t length)
{
    assert_true(file_replace(in(clinic, "bad.tar"), bytes, length, 0600));
}

static void every_change_of_a_byte_is_found(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    size_t length;
    clinic_begin(clinic);
    add(clinic, "one");
    clinic_commit(clinic);
    const char *path = take(clinic, "backup.tar");
    char *bytes = file_read(ARENA, path, 1 << 30, &length, &clinic->findings);
    for (size_t at = 3; at < length; at += 7919) {
        bytes[at] ^= 0x41;
        write_file(clinic, bytes, length);
        bytes[at] ^= 0x41;
        if (!is_refused(clinic, in(clinic, "bad.tar"), &fault))
            fail_msg("a changed byte at %zu of %zu was not found", at, length);
        assert_non_null(strstr(fault_sentence(&fault), "cannot be used"));
    }
    assert_false(is_refused(clinic, path, &fault));
}

static void a_file_that_is_cut_off_is_refused(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    size_t length;
    const char *path = take(clinic, "backup.tar");
    const char *bytes = file_read(ARENA, path, 1 << 30, &length, &clinic->findings);
    const size_t lengths[] = {0,         1, 511, 512, 5000, length / 2, length - 2000, length - 600,
                              length - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_file(clinic, bytes, lengths[i]);
        assert_true(is_refused(clinic, in(clinic, "bad.tar"), &fault));
        assert_non_null(strstr(fault_sentence(&fault), "cut off"));
    }
}

static void other_files_are_refused(void **state)
{
    static const char *const names[] = {"../outside", "/etc/outside", ".hidden", "a/../b", "a//b"};
    struct clinic *clinic = *state;
    struct fault fault;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unlink(in(clinic, "bad.tar"));
        struct archive *archive = archive_new(ARENA, in(clinic, "bad.tar"), 0, &fault);
        archive_add_bytes(archive, names[i], "x", 1);
        assert_true(archive_end(archive, &fault));
        assert_true(is_refused(clinic, in(clinic, "bad.tar"), &fault));
        assert_non_null(strstr(fault_sentence(&fault), "no backup of refgate"));
    }
    clinic_put(clinic, "bad.tar",
               "not a tar file at all, although it is long enough for a head "
               "when it is repeated often enough, which it is not");
    assert_true(is_refused(clinic, in(clinic, "bad.tar"), &fault));
    assert_true(is_refused(clinic, in(clinic, "absent.tar"), &fault));
    assert_false(file_exists(in(clinic, "outside")));
}

/* A backup whose sums fit and whose store is damaged. */
static void a_damaged_store_in_it_is_refused(void **state)
{
    struct clinic *clinic = *state;
    struct backup_restored restored;
    struct fault fault = {FAULT_none, NULL};
    static const char head[] = "{\"format\":1,\"version\":\"0\",\"taken\":\"then\"}";
    struct archive *archive = archive_new(ARENA, in(clinic, "bad.tar"), 0, &fault);
    archive_add_bytes(archive, "refgate-backup.json", head, strlen(head));
    archive_add_bytes(archive, "store.db", "not a database", 14);
    assert_true(archive_end(archive, &fault));
    assert_true(file_make_folder(in(clinic, "again"), 0700));
    assert_false(backup_restore(in(clinic, "bad.tar"), in(clinic, "again"), false,
                                &clinic->setup->clock, ARENA, &restored, &fault));
    assert_false(file_exists(in(clinic, "again/store.db")));
    assert_false(file_exists(in(clinic, "again/.restore.tmp")));
}

static void a_missing_payload_is_found(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    clinic_begin(clinic);
    add(clinic, "one");
    struct store_message message;
    assert_true(store_find_inbound(STORE, ARENA, "lakeside", "one", &message));
    message.message_id = "other";
    message.bundle_id = "b-other";
    message.id = 0;
    message.payload = 77;
    store_add_message(STORE, &message);
    clinic_commit(clinic);
    assert_true(is_refused(clinic, take(clinic, "backup.tar"), &fault));
    assert_non_null(strstr(fault_sentence(&fault), "payload 77"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)
    const struct CMUnitTest tests[] = {
        TEST(what_only_the_journal_holds_is_in_it),
        TEST(it_is_possible_before_any_service_ran),
        TEST(settings_go_with_it_and_keys_do_not),
        TEST(no_file_is_overwritten),
        TEST(a_store_that_is_there_is_only_moved_aside),
        TEST(every_change_of_a_byte_is_found),
        TEST(a_file_that_is_cut_off_is_refused),
        TEST(other_files_are_refused),
        TEST(a_damaged_store_in_it_is_refused),
        TEST(a_missing_payload_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
