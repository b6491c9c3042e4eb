/* audit: the chain holds what was added, and every edit, deletion, insertion, swap and truncation
 * of it is found, at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/audit/audit.h"
#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

enum { ROWS = 40 };

static int start(void **state)
{
    struct clinic *clinic = clinic_new("willow", "");
    clinic_begin(clinic);
    for (int i = 0; i < ROWS; i++)
        audit_add(clinic->store, 1000 + i, i % 3 == 0 ? "sent" : "received", "lakeside",
                  arena_print(&clinic->arena, "m-%d", i), i % 2 == 0 ? NULL : "K-1");
    clinic_commit(clinic);
    *state = clinic;
    return 0;
}

static bool holds(struct clinic *clinic, int64_t *ret_bad)
{
    int64_t rows;
    return audit_verify(clinic->store, &rows, ret_bad);
}

static void change(struct clinic *clinic, const char *sql, int64_t number)
{
    clinic_begin(clinic);
    sqlite_run(clinic->store, sql, "i", number);
    clinic_commit(clinic);
}

static void an_untouched_chain_holds(void **state)
{
    struct clinic *clinic = *state;
    struct store_audit *rows;
    int64_t count;
    int64_t bad;
    assert_true(audit_verify(clinic->store, &count, &bad));
    assert_int_equal(count, ROWS);
    assert_int_equal(bad, 0);
    assert_int_equal(store_audits(clinic->store, &clinic->arena, 0, 100, &rows), ROWS);
    assert_int_equal(rows[0].seq, 1);
    assert_string_equal(rows[1].subject, "m-1");
    assert_string_equal(rows[1].detail, "K-1");
    assert_null(rows[0].detail);
    assert_int_equal(store_audits(clinic->store, &clinic->arena, 30, 5, &rows), 5);
    assert_int_equal(rows[0].seq, 31);
}

static void an_empty_chain_holds(void **state)
{
    (void)state;
    struct clinic *clinic = clinic_new("willow", "");
    unsigned char hash[STORE_HASH_BYTES];
    int64_t count;
    int64_t bad;
    assert_true(audit_verify(clinic->store, &count, &bad));
    assert_int_equal(count, 0);
    assert_false(store_last_audit(clinic->store, hash));
    clinic_free(clinic);
}

/* Each column of each row, changed alone. */
static void every_edit_is_found_at_its_row(void **state)
{
    struct clinic *clinic = *state;
    static const char *const edits[][2] = {
        {"UPDATE audit SET what='x'||what WHERE seq=?",
         "UPDATE audit SET what=substr(what,2) WHERE seq=?"},
        {"UPDATE audit SET partner=partner+1 WHERE seq=?",
         "UPDATE audit SET partner=partner-1 WHERE seq=?"},
        {"UPDATE audit SET actor='x' WHERE seq=?", "UPDATE audit SET actor=NULL WHERE seq=?"},
        {"UPDATE audit SET purpose='x' WHERE seq=?", "UPDATE audit SET purpose=NULL WHERE seq=?"},
        {"UPDATE audit SET client=7 WHERE seq=?", "UPDATE audit SET client=NULL WHERE seq=?"},
        {"UPDATE audit SET subject='x'||subject WHERE seq=?",
         "UPDATE audit SET subject=substr(subject,2) WHERE seq=?"},
        {"UPDATE audit SET detail=coalesce(detail,'')||'x' WHERE seq=?",
         "UPDATE audit SET detail=nullif(substr(detail,1,length(detail)-1),'') WHERE seq=?"},
        {"UPDATE audit SET at_ms=at_ms+1 WHERE seq=?",
         "UPDATE audit SET at_ms=at_ms-1 WHERE seq=?"},
        {"UPDATE audit SET hash=substr(hash,1,31)||x'ff' WHERE seq=?", NULL}};
    for (size_t e = 0; e < sizeof edits / sizeof *edits; e++) {
        for (int64_t row = 1; row <= ROWS; row++) {
            int64_t bad = 0;
            if (edits[e][1] == NULL) {
                if (row != 17)
                    continue;
                change(clinic, edits[e][0], row);
                assert_false(holds(clinic, &bad));
                assert_int_equal(bad, row);
                break;
            }
            change(clinic, edits[e][0], row);
            assert_false(holds(clinic, &bad));
            assert_int_equal(bad, row);
            change(clinic, edits[e][1], row);
            assert_true(holds(clinic, &bad));
        }
    }
}

/* Text that moves from one column to the next does not stay unseen. */
/* However long what stands before it. */
static void an_edit_behind_a_long_text_is_found(void **state)
{
    struct clinic *clinic = *state;
    int64_t bad = 0;
    char *detail = arena_alloc(&clinic->arena, 10001);
    memset(detail, 'x', 10000);
    clinic_begin(clinic);
    audit_write(clinic->store, &(struct store_audit){.at_ms = 9000,
                                                     .what = "queued",
                                                     .partner = "lakeside",
                                                     .subject = "m-99",
                                                     .detail = detail,
                                                     .actor = "alvarez"});
    clinic_commit(clinic);
    assert_true(holds(clinic, &bad));
    change(clinic, "UPDATE audit SET actor='osei' WHERE seq=?", ROWS + 1);
    assert_false(holds(clinic, &bad));
    assert_int_equal(bad, ROWS + 1);
}

static void a_shifted_border_is_found(void **state)
{
    struct clinic *clinic = *state;
    int64_t bad;
    change(clinic,
           "UPDATE audit SET what='receive', subject='d'||subject WHERE seq=? AND what='received'",
           2);
    assert_false(holds(clinic, &bad));
    assert_int_equal(bad, 2);
    change(clinic, "UPDATE audit SET what='received', subject=substr(subject,2) WHERE seq=?", 2);
    assert_true(holds(clinic, &bad));
    change(clinic, "UPDATE audit SET what='received'||char(10)||subject, subject='' WHERE seq=?",
           2);
    assert_false(holds(clinic, &bad));
}

static void every_deletion_is_found(void **state)
{
    struct clinic *clinic = *state;
    for (int64_t row = 1; row <= ROWS; row++) {
        int64_t bad = 0;
        store_begin(clinic->store);
        sqlite_run(clinic->store, "DELETE FROM audit WHERE seq=?", "i", row);
        if (holds(clinic, &bad))
            fail_msg("row %d was deleted unseen", (int)row);
        store_rollback(clinic->store);
    }
}

static void every_truncation_is_found(void **state)
{
    struct clinic *clinic = *state;
    for (int64_t kept = 0; kept < ROWS; kept++) {
        int64_t bad = 0;
        store_begin(clinic->store);
        sqlite_run(clinic->store, "DELETE FROM audit WHERE seq>?", "i", kept);
        if (holds(clinic, &bad))
            fail_msg("all rows behind %d were deleted unseen", (int)kept);
        assert_int_equal(bad, kept + 1);
        store_rollback(clinic->store);
    }
}

static void every_swap_is_found(void **state)
{
    struct clinic *clinic = *state;
    for (int64_t row = 1; row < ROWS; row++) {
        int64_t bad = 0;
        store_begin(clinic->store);
        sqlite_run(clinic->store, "UPDATE audit SET seq=-1 WHERE seq=?", "i", row);
        sqlite_run(clinic->store, "UPDATE audit SET seq=? WHERE seq=?", "ii", row, row + 1);
        sqlite_run(clinic->store, "UPDATE audit SET seq=? WHERE seq=-1", "i", row + 1);
        assert_false(store_failed(clinic->store));
        assert_false(holds(clinic, &bad));
        assert_int_equal(bad, row);
        store_rollback(clinic->store);
    }
}

static void a_copied_row_is_found(void **state)
{
    struct clinic *clinic = *state;
    int64_t bad;
    change(
        clinic,
        "INSERT INTO audit (at_ms, what, partner, subject, detail, hash, tick) SELECT at_ms, what, "
        "partner, subject, detail, hash, tick FROM audit WHERE seq=?",
        ROWS);
    assert_false(holds(clinic, &bad));
    assert_int_equal(bad, ROWS + 1);
}

static void it_goes_on_after_a_restart(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    int64_t bad;
    store_close(clinic->store);
    assert_true(store_open(arena_print(&clinic->arena, "%s/store.db", clinic->folder),
                           &clinic->store, &clinic->arena, &fault));
    clinic_begin(clinic);
    audit_add(clinic->store, 9000, "sent", NULL, NULL, NULL);
    clinic_commit(clinic);
    assert_true(holds(clinic, &bad));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_untouched_chain_holds),       TEST(an_empty_chain_holds),
        TEST(every_edit_is_found_at_its_row), TEST(an_edit_behind_a_long_text_is_found),
        TEST(a_shifted_border_is_found),      TEST(every_deletion_is_found),
        TEST(every_truncation_is_found),      TEST(every_swap_is_found),
        TEST(a_copied_row_is_found),          TEST(it_goes_on_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
