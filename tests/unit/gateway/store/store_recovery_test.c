/* store recovery: a store that served and was cut off at any moment holds, when it is opened again,
 * what was promised and nothing else; what cannot be made good is refused in words. The crash is a
 * copy of the folder while the store is open: no close, no commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "gateway/audit/audit.h"
#include "gateway/store/backup.h"
#include "lib/clinic.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

/* ---- a disk that is full, for the database alone ---- */

static bool is_database_full;
static int dies_at; /* so many-th write is the last thing the process does; 0: lives on */

ssize_t pwrite64(int file, const void *bytes, size_t length, off_t offset)
{
    if (dies_at > 0 && --dies_at == 0)
        kill(getpid(), SIGKILL);
    if (is_database_full) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, file, bytes, length, offset);
}

/* ---- a store that serves, and its copies ---- */

static int start(void **state)
{
    struct clinic *clinic = clinic_new("willow", "");
    struct fault fault;
    is_database_full = false;
    *state = clinic;
    return store_serve(STORE, &fault) ? 0 : 1;
}

/* A line of shell that knows the clinic's folder as $DIR and a copy in it as $COPY. */
static void run(struct clinic *clinic, const char *name, const char *script)
{
    setenv("DIR", clinic->folder, 1);
    setenv("COPY", arena_print(ARENA, "%s/%s", clinic->folder, name), 1);
    assert_int_equal(system(script), 0);
}

/* What a crash leaves, in DIR/NAME. */
static void crash(struct clinic *clinic, const char *name)
{
    run(clinic, name, "mkdir \"$COPY\" && cp -a \"$DIR\"/store.* \"$COPY\"");
}

static bool open_copy(struct clinic *clinic, const char *name, struct store **ret_store,
                      struct fault *ret_fault)
{
    const char *path = arena_print(ARENA, "%s/%s/store.db", clinic->folder, name);
    return store_open(path, ret_store, ARENA, ret_fault);
}

static struct store *reopen(struct clinic *clinic, const char *name)
{
    struct store *store;
    struct fault fault;
    if (!open_copy(clinic, name, &store, &fault))
        fail_msg("%s", fault_sentence(&fault));
    return store;
}

/* ---- messages to work with ---- */

static struct store_message message_of(struct clinic *clinic, int number)
{
    return (struct store_message){.direction = "in",
                                  .partner = "lakeside",
                                  .message_id = arena_print(ARENA, "m-%d", number),
                                  .bundle_id = arena_print(ARENA, "b-%d", number),
                                  .event = "e",
                                  .kind = "referral",
                                  .state = "done",
                                  .created_ms = number};
}

static void add(struct clinic *clinic, int number)
{
    struct store_message message = message_of(clinic, number);
    const char *body = arena_print(ARENA, "body of message %d", number);
    message.payload = payload_put(STORE, body, strlen(body));
    assert_true(store_add_message(STORE, &message) > 0);
    audit_add(STORE, number, "received", "lakeside", message.message_id, "referral");
}

static void promise(struct clinic *clinic)
{
    struct fault fault;
    assert_true(store_sync(STORE, &fault));
}

static void add_promised(struct clinic *clinic, int number)
{
    assert_true(store_begin(STORE));
    add(clinic, number);
    promise(clinic);
}

static bool has(struct clinic *clinic, struct store *store, int number)
{
    struct store_message message;
    size_t length;
    if (!store_find_inbound(store, ARENA, "lakeside", arena_print(ARENA, "m-%d", number), &message))
        return false;
    const char *body = payload_get(store, ARENA, message.payload, &length);
    assert_non_null(body);
    assert_string_equal(body, arena_print(ARENA, "body of message %d", number));
    return true;
}

/* Exactly the messages 1..COUNT, each once, the audit whole. */
static void check(struct clinic *clinic, struct store *store, int count)
{
    struct store_message *messages;
    int64_t rows;
    int64_t bad;
    assert_int_equal(store_messages(store, ARENA, NULL, NULL, 0, 1000, &messages), count);
    for (int i = 1; i <= count; i++)
        assert_true(has(clinic, store, i));
    assert_false(has(clinic, store, count + 1));
    assert_true(audit_verify(store, &rows, &bad));
    assert_int_equal(rows, count);
    assert_int_equal(store_count_audits(store), count);
}

static void check_copy(struct clinic *clinic, const char *name, int count)
{
    struct store *store = reopen(clinic, name);
    check(clinic, store, count);
    store_close(store);
}

/* ---- tests ---- */

static void what_was_promised_is_there_after_a_crash(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    crash(clinic, "nothing");
    add_promised(clinic, 1);
    crash(clinic, "first");
    assert_true(store_begin(STORE));
    add(clinic, 2);
    assert_true(store_commit(STORE, &fault));
    crash(clinic, "committed");
    for (int i = 3; i <= 6; i++)
        add_promised(clinic, i);
    assert_true(store_begin(STORE));
    add(clinic, 7); /* not promised */
    crash(clinic, "behind");
    check_copy(clinic, "nothing", 0);
    check_copy(clinic, "first", 1);
    check_copy(clinic, "committed", 2);
    check_copy(clinic, "behind", 6);
    check_copy(clinic, "behind", 6); /* and it stays so */
}

/* Most rows say nothing in many of their columns, and are written without them. */
static void check_sayings(struct clinic *clinic, struct store *store, int count)
{
    struct store_message message;
    for (int i = 1; i <= count; i++) {
        bool says = i % 3 == 0;
        assert_true(store_get_message(store, ARENA, i, &message));
        assert_string_equal(message.message_id, arena_print(ARENA, "m-%d", i));
        assert_int_equal(message.created_ms, i);
        assert_int_equal(message.turn, says ? i : 0);
        assert_int_equal(message.attempts, says ? 2 : 0);
        assert_int_equal(message.refusals, 0);
        assert_null(message.moved_from);
        if (says)
            assert_string_equal(message.reason, "no answer");
        else
            assert_null(message.reason);
    }
}

static void say(struct clinic *clinic, int number)
{
    struct store_message message = message_of(clinic, number);
    if (number % 3 == 0) {
        message.turn = number;
        message.attempts = 2;
        message.reason = "no answer";
    }
    assert_int_equal(store_add_message(STORE, &message), number);
}

static void rows_say_what_they_said(void **state)
{
    enum { MANY = 24, COUNT = MANY + 3 }; /* many of each form at once, then a few */
    struct clinic *clinic = *state;
    assert_true(store_begin(STORE));
    for (int i = 1; i <= MANY; i++)
        say(clinic, i);
    promise(clinic);
    assert_true(store_begin(STORE));
    for (int i = MANY + 1; i <= COUNT; i++)
        say(clinic, i);
    promise(clinic);
    check_sayings(clinic, STORE, COUNT);
    crash(clinic, "copy");
    struct store *store = reopen(clinic, "copy");
    check_sayings(clinic, store, COUNT);
    store_close(store);
}

static void it_goes_on_after_a_crash(void **state)
{
    struct clinic *clinic = *state;
    struct store *first = STORE;
    struct fault fault;
    add_promised(clinic, 1);
    crash(clinic, "copy");
    STORE = reopen(clinic, "copy");
    assert_true(store_serve(STORE, &fault));
    add_promised(clinic, 2);
    run(clinic, "copy-of-it", "cp -a \"$DIR/copy\" \"$COPY\"");
    check(clinic, STORE, 2);
    check_copy(clinic, "copy-of-it", 2);
    store_close(STORE);
    STORE = first;
}

static void a_crash_while_recovering_does_no_harm(void **state)
{
    struct clinic *clinic = *state;
    for (int i = 1; i <= 3; i++)
        add_promised(clinic, i);
    crash(clinic, "copy");
    is_database_full = true; /* the recovery stops in the middle */
    struct store *store;
    struct fault fault;
    assert_false(open_copy(clinic, "copy", &store, &fault));
    assert_int_equal(fault.kind, FAULT_store_full);
    is_database_full = false;
    check_copy(clinic, "copy", 3);
}

static void what_a_unit_took_back_is_not_done_again(void **state)
{
    struct clinic *clinic = *state;
    struct store_message again = message_of(clinic, 1);
    assert_true(store_begin(STORE));
    add(clinic, 1);
    store_mark(STORE);
    add(clinic, 2);
    store_undo(STORE);
    store_mark(STORE);
    assert_int_equal(store_add_message(STORE, &again), 0); /* the id is taken */
    assert_true(store_refused(STORE));
    store_undo(STORE);
    store_mark(STORE);
    add(clinic, 2);
    store_keep(STORE);
    promise(clinic);
    crash(clinic, "copy");
    check(clinic, STORE, 2);
    check_copy(clinic, "copy", 2);
}

static void a_torn_end_is_cut_off(void **state)
{
    struct clinic *clinic = *state;
    add_promised(clinic, 1);
    add_promised(clinic, 2);
    crash(clinic, "copy");
    const char *path = arena_print(ARENA, "%s/copy/store.journal/00000001", clinic->folder);
    int file = open(path, O_RDWR);
    static const char lost[40];
    off_t at = 32;
    for (off_t next = 0; next < 65536; next++) { /* the last byte that is not zero */
        char found = 0;
        if (pread(file, &found, 1, next) == 1 && found != 0)
            at = next;
    }
    assert_int_equal(pwrite(file, lost, sizeof lost, at + 1 - (off_t)sizeof lost), sizeof lost);
    close(file);
    check_copy(clinic, "copy", 1);
}

static const char *refused(struct clinic *clinic, const char *name)
{
    struct store *store;
    struct fault fault;
    assert_false(open_copy(clinic, name, &store, &fault));
    assert_int_equal(fault.kind, FAULT_store_broken);
    assert_non_null(strstr(fault_sentence(&fault), "restore"));
    return fault_sentence(&fault);
}

static void damage_is_refused_with_the_way_out(void **state)
{
    struct clinic *clinic = *state;
    for (int i = 1; i <= 3; i++)
        add_promised(clinic, i);
    crash(clinic, "rotten");
    crash(clinic, "missing");
    const char *path = arena_print(ARENA, "%s/rotten/store.journal/00000001", clinic->folder);
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, "rot", 3, 60), 3); /* in the first of three groups */
    close(file);
    assert_non_null(strstr(refused(clinic, "rotten"), "00000001 is damaged"));
    run(clinic, "missing", "rm -r \"$COPY/store.journal\"");
    assert_non_null(strstr(refused(clinic, "missing"), "journal"));
}

/* ---- repair ---- */

static struct store_repair mend(struct clinic *clinic, const char *name)
{
    struct store_repair repair;
    struct fault fault;
    const char *path = arena_print(ARENA, "%s/%s/store.db", clinic->folder, name);
    const char *kept = arena_print(ARENA, "%s/%s/store.before-1", clinic->folder, name);
    if (!store_mend(path, kept, ARENA, &repair, &fault))
        fail_msg("%s", fault_sentence(&fault));
    assert_int_equal(access(kept, F_OK) == 0, repair.is_needed);
    return repair;
}

/* The first COUNT messages are there, and the next one is taken and outlives a crash of its own. */
static void check_goes_on(struct clinic *clinic, const char *name, int count)
{
    struct fault fault;
    struct store *own = STORE;
    STORE = reopen(clinic, name);
    check(clinic, STORE, count);
    assert_true(*store_epoch(STORE) != '\0');
    assert_true(store_serve(STORE, &fault));
    add_promised(clinic, count + 1);
    store_close(STORE);
    STORE = own;
    check_copy(clinic, name, count + 1);
}

static void damage_in_the_journal_is_repaired(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    add_promised(clinic, 1);
    assert_true(store_commit(STORE, &fault));
    for (int i = 2; i <= 4; i++)
        add_promised(clinic, i);
    crash(clinic, "whole");
    crash(clinic, "rotten");
    crash(clinic, "missing");
    assert_false(mend(clinic, "whole").is_needed);
    run(clinic, "rotten",
        "sed -i 's/body of message 3/body of message X/' \"$COPY/store.journal/00000001\"");
    assert_non_null(strstr(refused(clinic, "rotten"), "00000001 is damaged"));
    struct store_repair repair = mend(clinic, "rotten");
    assert_int_equal(repair.groups, 1);
    assert_non_null(strstr(repair.damage, "00000001 is damaged"));
    check_goes_on(clinic, "rotten", 2);
    run(clinic, "missing", "rm -r \"$COPY/store.journal\"");
    refused(clinic, "missing");
    assert_non_null(mend(clinic, "missing").damage);
    struct store *store = reopen(clinic, "missing"); /* rows are there, their bytes are not */
    assert_true(*store_epoch(store) != '\0' && store_serve(store, &fault));
    store_close(store);
}

/* Killed at each write of the repair: the next one goes on. */
static void a_repair_that_was_broken_off_is_done_again(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    add_promised(clinic, 1);
    assert_true(store_commit(STORE, &fault));
    for (int i = 2; i <= 4; i++)
        add_promised(clinic, i);
    crash(clinic, "rotten");
    run(clinic, "rotten",
        "sed -i 's/body of message 3/body of message X/' \"$COPY/store.journal/00000001\"");
    bool is_done = false;
    for (int write = 1; !is_done; write += KILLS_APART) {
        int status;
        run(clinic, "copy", "rm -rf \"$COPY\" && cp -a \"$DIR/rotten\" \"$COPY\"");
        pid_t child = fork();
        if (child == 0) {
            dies_at = write;
            mend(clinic, "copy");
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        is_done = WIFEXITED(status);
        run(clinic, "copy", "rm -rf \"$COPY\"/store.before-1");
        if (!is_done)
            mend(clinic, "copy");
        check_goes_on(clinic, "copy", 2);
    }
}

/* What is promised in a new file must be missed when that file is gone, whoever took it. */
static void a_last_segment_that_is_missing_is_damage(void **state)
{
    struct clinic *clinic = *state;
    const size_t much = 64 << 20;
    char *bytes = calloc(1, much);
    add_promised(clinic, 1);
    assert_true(store_begin(STORE));
    assert_true(payload_put(STORE, bytes, much) > 0);
    free(bytes);
    add(clinic, 2);
    promise(clinic);
    add_promised(clinic, 3);
    crash(clinic, "whole");
    crash(clinic, "missing");
    check_copy(clinic, "whole", 3);
    run(clinic, "missing",
        "test -e \"$COPY/store.journal/00000002\" && "
        "rm \"$COPY/store.journal/00000002\"");
    assert_non_null(strstr(refused(clinic, "missing"), "00000002 cannot be read"));
}

/* The database cannot follow into the new file: nothing is promised there. */
static void nothing_is_promised_in_a_segment_that_the_database_does_not_know(void **state)
{
    struct clinic *clinic = *state;
    const size_t much = 64 << 20;
    struct fault fault;
    char *bytes = calloc(1, much);
    assert_true(store_begin(STORE));
    assert_true(payload_put(STORE, bytes, much) > 0);
    free(bytes);
    add(clinic, 1);
    is_database_full = true;
    promise(clinic); /* in the old one */
    assert_false(store_begin(STORE));
    assert_false(store_sync(STORE, &fault));
    assert_int_equal(fault.kind, FAULT_store_full);
    is_database_full = false;
    crash(clinic, "copy");
    check_copy(clinic, "copy", 1);
    add_promised(clinic, 2);
    crash(clinic, "after");
    check_copy(clinic, "after", 2);
}

/* An older journal beside a newer database, as after half a restore. */
static void a_journal_behind_the_database_is_refused(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    add_promised(clinic, 1);
    crash(clinic, "older");
    add_promised(clinic, 2);
    assert_true(store_commit(STORE, &fault));
    crash(clinic, "newer");
    run(clinic, "newer",
        "rm -r \"$COPY/store.journal\" && cp -a \"$DIR/older/store.journal\" \"$COPY\"");
    assert_non_null(strstr(refused(clinic, "newer"), "older than the database"));
}

static void a_journal_without_its_database_is_not_taken_over(void **state)
{
    struct clinic *clinic = *state;
    add_promised(clinic, 1);
    crash(clinic, "copy");
    run(clinic, "copy", "rm \"$COPY\"/store.db*");
    assert_non_null(strstr(refused(clinic, "copy"), "store.db is not there"));
    run(clinic, "copy", "test ! -e \"$COPY/store.db\"");
}

/* ---- the database cannot follow ---- */

static void promised_groups_outlive_a_full_database(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    add_promised(clinic, 1);
    add_promised(clinic, 2);
    is_database_full = true;
    store_commit(STORE, &fault);
    assert_false(store_begin(STORE)); /* nothing more is promised while it cannot follow */
    assert_false(store_sync(STORE, &fault));
    assert_int_equal(fault.kind, FAULT_store_full);
    crash(clinic, "full");
    is_database_full = false;
    check_copy(clinic, "full", 2);
    add_promised(clinic, 3);
    check(clinic, STORE, 3);
    assert_true(store_commit(STORE, &fault));
    crash(clinic, "after");
    check_copy(clinic, "after", 3);
}

static void a_roll_back_keeps_what_was_promised(void **state)
{
    struct clinic *clinic = *state;
    add_promised(clinic, 1);
    assert_true(store_begin(STORE));
    add(clinic, 9);
    store_rollback(STORE);
    assert_true(store_begin(STORE));
    check(clinic, STORE, 1);
    add(clinic, 2);
    promise(clinic);
    crash(clinic, "copy");
    check(clinic, STORE, 2);
    check_copy(clinic, "copy", 2);
}

/* ---- keys of many rows ---- */

static void check_many(struct clinic *clinic, struct store *store, int count)
{
    struct store_message again = message_of(clinic, 3);
    for (int i = 1; i <= count; i += 97)
        assert_true(has(clinic, store, i));
    assert_true(has(clinic, store, count));
    assert_false(has(clinic, store, count + 1));
    assert_true(store_begin(store));
    assert_int_equal(store_add_message(store, &again), 0);
    assert_true(store_refused(store));
    store_rollback(store);
}

enum { MANY = 70000, GROUP = 500 };

static void fill_with_ids(struct clinic *clinic)
{
    struct fault fault;
    for (int i = 1; i <= MANY; i++) {
        if (i % GROUP == 1)
            assert_true(store_begin(STORE));
        struct store_message message = message_of(clinic, i);
        message.payload = payload_put(STORE, "", 0);
        const char *body = arena_print(ARENA, "body of message %d", i);
        if (i % 97 == 1 || i == MANY)
            message.payload = payload_put(STORE, body, strlen(body));
        store_add_message(STORE, &message);
        if (i % GROUP == 0)
            assert_true(i % (4 * GROUP) == 0 ? store_commit(STORE, &fault)
                                             : store_sync(STORE, &fault));
    }
}

/* More than fit in memory: older ones are found in their runs, before and after a crash. */
static void ids_are_known_for_ever(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    fill_with_ids(clinic);
    crash(clinic, "copy");
    check_many(clinic, STORE, MANY);
    check_many(clinic, STORE, MANY); /* after the roll-back, too */
    struct store *store = reopen(clinic, "copy");
    check_many(clinic, store, MANY);
    store_close(store);
    struct store *reader;
    assert_true(store_open_reader(arena_print(ARENA, "%s/copy/store.db", clinic->folder), &reader,
                                  ARENA, &fault));
    assert_true(has(clinic, reader, 1));
    assert_true(has(clinic, reader, MANY));
    store_close(reader);
}

/* Runs SQL on the copy's database, as a disk that forgets would. */
static void spoil(struct clinic *clinic, const char *name, const char *sql)
{
    setenv("SQL", sql, 1);
    run(clinic, name,
        "/usr/bin/python3 -c 'import os, sqlite3\n"
        "c = sqlite3.connect(os.environ[\"COPY\"] + \"/store.db\")\n"
        "c.executescript(os.environ[\"SQL\"]); c.commit(); c.close()'");
}

/* Keys are made again while a unit runs that is undone: the run ends with the last row there is. */
static void a_row_that_was_undone_is_not_taken_for_known(void **state)
{
    struct clinic *clinic = *state;
    struct store *first = STORE;
    struct fault fault;
    fill_with_ids(clinic);
    crash(clinic, "copy");
    spoil(clinic, "copy", "DELETE FROM key_page");
    STORE = reopen(clinic, "copy");
    assert_true(store_serve(STORE, &fault));
    assert_true(store_begin(STORE));
    store_mark(STORE);
    assert_true(has(clinic, STORE, 1));
    add(clinic, MANY + 2);
    store_undo(STORE);
    assert_true(store_commit(STORE, &fault));
    add_promised(clinic, MANY + 1);
    assert_true(store_commit(STORE, &fault));
    store_close(STORE);
    STORE = reopen(clinic, "copy");
    assert_true(has(clinic, STORE, MANY + 1));
    store_close(STORE);
    STORE = first;
}

/* What is wrong with the pages of keys is made good from the rows: no id is forgotten. */
static void damaged_keys_are_made_again(void **state)
{
    static const char *const damages[] = {
        "UPDATE key_page SET entries=zeroblob(length(entries))",
        "UPDATE key_page SET entries=substr(entries, 1, 80) || x'00' || substr(entries, 82)",
        "DELETE FROM key_page WHERE first>0",
        "DELETE FROM key_page",
        "UPDATE key_page SET first=first+1000000 WHERE first>0",
        "UPDATE key_page SET run=run+50",
        "UPDATE key_run SET filter=substr(filter, 1, 99) || x'00' || substr(filter, 101)",
        "UPDATE key_run SET upto=upto+1000",
        "UPDATE key_run SET filter=x''",
    };
    struct clinic *clinic = *state;
    struct fault fault;
    fill_with_ids(clinic);
    assert_true(store_commit(STORE, &fault));
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        run(clinic, "copy", "rm -rf \"$COPY\"");
        crash(clinic, "copy");
        spoil(clinic, "copy", damages[i]);
        struct store *store = reopen(clinic, "copy");
        check_many(clinic, store, MANY);
        assert_true(store_begin(store));
        assert_true(store_commit(store, &fault));
        store_close(store);
        store = reopen(clinic, "copy");
        check_many(clinic, store, MANY);
        store_close(store);
    }
}

/* ---- the first moments ---- */

/* Opens, or makes, the store in a process that dies at its AT-th write; false when it lived. */
static bool dies_opening(struct clinic *clinic, const char *path, int at)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store;
        struct fault fault;
        dies_at = at;
        if (store_open(path, &store, ARENA, &fault) && store_serve(store, &fault))
            store_close(store);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

static void a_store_whose_making_was_broken_off_is_finished(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    bool died = true;
    for (int at = 1; died; at++) {
        const char *name = arena_print(ARENA, "new-%d", at);
        const char *path = arena_print(ARENA, "%s/%s/store.db", clinic->folder, name);
        run(clinic, name, "mkdir \"$COPY\"");
        died = dies_opening(clinic, path, at);
        struct store *store = reopen(clinic, name);
        assert_true(store_serve(store, &fault));
        assert_true(store_begin(store));
        struct store_message message = message_of(clinic, 1);
        message.payload = payload_put(store, "", 0);
        assert_true(store_add_message(store, &message) > 0);
        assert_true(store_commit(store, &fault));
        store_close(store);
    }
    run(clinic, "empty", "mkdir \"$COPY\" && : >\"$COPY/store.db\"");
    store_close(reopen(clinic, "empty"));
}

/* ---- readers ---- */

static void a_reader_sees_bytes_that_are_only_in_the_journal(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    struct store *reader;
    assert_true(store_open_reader(arena_print(ARENA, "%s/store.db", clinic->folder), &reader, ARENA,
                                  &fault));
    add_promised(clinic, 1);
    assert_true(has(clinic, STORE, 1)); /* the writer at once */
    assert_false(has(clinic, reader, 1));
    assert_true(store_commit(STORE, &fault));
    assert_true(has(clinic, reader, 1));
    store_close(reader);
}

static void a_reader_of_before_the_first_service_finds_the_journal(void **state)
{
    struct clinic *clinic = clinic_new("harbor", "");
    struct fault fault;
    struct store *reader;
    (void)state;
    assert_true(store_open_reader(arena_print(ARENA, "%s/store.db", clinic->folder), &reader, ARENA,
                                  &fault));
    assert_true(store_serve(STORE, &fault));
    add_promised(clinic, 1);
    assert_true(store_commit(STORE, &fault));
    assert_true(has(clinic, reader, 1));
    store_close(reader);
    clinic_free(clinic);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_promised_is_there_after_a_crash),
        TEST(rows_say_what_they_said),
        TEST(it_goes_on_after_a_crash),
        TEST(a_crash_while_recovering_does_no_harm),
        TEST(what_a_unit_took_back_is_not_done_again),
        TEST(a_torn_end_is_cut_off),
        TEST(damage_is_refused_with_the_way_out),
        TEST(damage_in_the_journal_is_repaired),
        TEST(a_repair_that_was_broken_off_is_done_again),
        TEST(a_last_segment_that_is_missing_is_damage),
        TEST(nothing_is_promised_in_a_segment_that_the_database_does_not_know),
        TEST(a_journal_behind_the_database_is_refused),
        TEST(a_journal_without_its_database_is_not_taken_over),
        TEST(promised_groups_outlive_a_full_database),
        TEST(a_roll_back_keeps_what_was_promised),
        TEST(ids_are_known_for_ever),
        TEST(damaged_keys_are_made_again),
        TEST(a_row_that_was_undone_is_not_taken_for_known),
        TEST(a_store_whose_making_was_broken_off_is_finished),
        TEST(a_reader_sees_bytes_that_are_only_in_the_journal),
        TEST(a_reader_of_before_the_first_service_finds_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
