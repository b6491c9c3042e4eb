/* writer: groups of units in one transaction, a unit that fails undone alone, a full queue, a full
 * disk and a broken store; with its thread and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <uv.h>

#include "gateway/store/sqlite/sqlite_internal.h"
#include "lib/clinic.h"

enum { WORKERS = 8, UNITS_EACH = 40 };

struct job { /* a unit that adds one person, in one of several ways */
    struct unit unit;
    struct arena arena;
    char handle[32];
    enum way { GOOD, REFUSES, MISTAKEN, BREAKS, SLOW, DAMAGED } way;
    atomic_bool *gate; /* SLOW: waits until it opens */
    int done;          /* calls of done() */
    int runs;          /* calls of run() */
};

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
}

static bool run(struct unit *unit, struct store *store)
{
    struct job *job = (struct job *)unit;
    store_put_place(store,
                    &(struct store_place){.handle = job->handle, .kind = "person", .name = "P"});
    job->runs++;
    switch (job->way) {
    case REFUSES:
        return fault_set(&unit->fault, FAULT_conflict,
                         arena_print(unit->arena, "no %s", job->handle));
    case MISTAKEN: /* against a rule of the schema */
        store_add_event(store, &(struct store_event){.referral = 1, .what = NULL});
        return true;
    case BREAKS: /* the disk takes nothing more */
        limit_files(1);
        return true;
    case SLOW:
        while (!*job->gate)
            usleep(200);
        return true;
    case DAMAGED: /* reads a table whose page has rotted */
        store_add_link(store, "C-1", "lakeside", job->handle);
        return true;
    case GOOD:
        break;
    }
    return true;
}

static void done(struct unit *unit)
{
    ((struct job *)unit)->done++;
}

static struct job job_of(const char *handle, enum way way)
{
    struct job job = {.unit = {.run = run, .done = done}, .way = way};
    snprintf(job.handle, sizeof job.handle, "%s", handle);
    return job;
}

static size_t people(struct clinic *clinic)
{
    struct store_place *rows;
    struct store *reader;
    struct fault fault;
    assert_true(store_open_reader(arena_print(&clinic->arena, "%s/store.db", clinic->folder),
                                  &reader, &clinic->arena, &fault));
    size_t count = store_places(reader, &clinic->arena, "person", "", &rows);
    store_close(reader);
    return count;
}

static bool call(struct writer *writer, struct job *job)
{
    job->unit.arena = &job->arena;
    bool written = writer_call(writer, &job->unit);
    return written;
}

/* ---- both kinds ---- */

static void check_units(struct clinic *clinic, struct writer *writer)
{
    struct job good = job_of("a", GOOD);
    struct job refused = job_of("b", REFUSES);
    struct job other = job_of("c", GOOD);
    assert_true(call(writer, &good));
    assert_int_equal(good.unit.fault.kind, FAULT_none);
    assert_false(call(writer, &refused));
    assert_int_equal(refused.unit.fault.kind, FAULT_conflict);
    assert_string_equal(refused.unit.fault.sentence, "no b");
    assert_true(call(writer, &other));
    assert_int_equal(people(clinic), 2);
    arena_free(&refused.arena);
}

static void without_a_thread(void **state)
{
    struct writer *writer = writer_inline(((struct clinic *)*state)->store);
    check_units(*state, writer);
    writer_stop(writer);
}

static void with_its_thread(void **state)
{
    struct clinic *clinic = *state;
    struct writer *writer = writer_start(clinic->store, 100, NULL, NULL);
    check_units(clinic, writer);
    while (writer_figures(writer).units < 3)
        usleep(200);
    writer_stop(writer);
}

/* ---- groups ---- */

struct crowd {
    struct writer *writer;
    int number;
    size_t written, refused;
};

static void *call_many(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < UNITS_EACH; i++) {
        char handle[32];
        snprintf(handle, sizeof handle, "p-%d-%d", crowd->number, i);
        struct job job = job_of(handle, i % 5 == 4 ? REFUSES : GOOD);
        bool written = call(crowd->writer, &job);
        crowd->written += written;
        crowd->refused += !written && job.unit.fault.kind == FAULT_conflict;
        arena_free(&job.arena);
    }
    return NULL;
}

static void many_threads_share_groups_and_refusals_stay_alone(void **state)
{
    struct clinic *clinic = *state;
    struct writer *writer = writer_start(clinic->store, 1000, NULL, NULL);
    struct crowd crowds[WORKERS];
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        crowds[i] = (struct crowd){.writer = writer, .number = i};
        pthread_create(&threads[i], NULL, call_many, &crowds[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowds[i].written, UNITS_EACH * 4 / 5);
        assert_int_equal(crowds[i].refused, UNITS_EACH / 5);
    }
    assert_int_equal(people(clinic), WORKERS * UNITS_EACH * 4 / 5);
    struct writer_figures figures = writer_figures(writer);
    while (figures.units < WORKERS * UNITS_EACH) {
        usleep(200); /* the last group is counted after its callers were told */
        figures = writer_figures(writer);
    }
    assert_int_equal(figures.units, WORKERS * UNITS_EACH);
    assert_true(figures.groups <= figures.units);
    writer_stop(writer);
}

/* ---- a loop's units ---- */

struct bench {
    uv_loop_t loop;
    struct writer *writer;
    struct writer_port *port;
    atomic_bool gate;
};

static void open_bench(struct bench *bench, struct clinic *clinic, size_t queue_max)
{
    uv_loop_init(&bench->loop);
    bench->gate = false;
    bench->writer = writer_start(clinic->store, queue_max, NULL, NULL);
    bench->port = writer_port_open(&bench->loop);
}

static void close_bench(struct bench *bench)
{
    writer_port_close(bench->port);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    writer_stop(bench->writer);
}

static void wait_done(struct bench *bench, const struct job *last)
{
    while (last->done == 0)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

static bool post(struct bench *bench, struct job *job)
{
    job->unit.arena = &job->arena;
    return writer_post(bench->writer, bench->port, &job->unit);
}

static void what_waits_becomes_one_group(void **state)
{
    struct clinic *clinic = *state;
    struct bench bench;
    struct job slow = job_of("slow", SLOW);
    struct job jobs[20];
    open_bench(&bench, clinic, 100);
    slow.gate = &bench.gate;
    assert_true(post(&bench, &slow));
    for (int i = 0; i < 20; i++) {
        char handle[32];
        snprintf(handle, sizeof handle, "p-%d", i);
        jobs[i] = job_of(handle, i == 7 ? REFUSES : GOOD);
        assert_true(post(&bench, &jobs[i]));
    }
    assert_int_equal(people(clinic), 0); /* nothing is promised before the commit */
    bench.gate = true;
    wait_done(&bench, &jobs[19]);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].unit.fault.kind, i == 7 ? FAULT_conflict : FAULT_none);
    }
    assert_int_equal(people(clinic), 20);
    struct writer_figures figures = writer_figures(bench.writer);
    while (figures.units < 21) {
        usleep(200);
        figures = writer_figures(bench.writer);
    }
    assert_true(figures.groups <= 3);
    assert_true(figures.largest >= 18);
    arena_free(&jobs[7].arena);
    close_bench(&bench);
}

static void a_full_queue_takes_nothing_more(void **state)
{
    struct clinic *clinic = *state;
    struct bench bench;
    struct job slow = job_of("slow", SLOW);
    struct job jobs[40];
    size_t taken = 0;
    open_bench(&bench, clinic, 16);
    slow.gate = &bench.gate;
    assert_true(post(&bench, &slow));
    usleep(20000); /* the writer has taken it, most likely; either way at most 16 more may wait */
    for (int i = 0; i < 40; i++) {
        char handle[32];
        snprintf(handle, sizeof handle, "p-%d", i);
        jobs[i] = job_of(handle, GOOD);
        if (post(&bench, &jobs[taken]))
            taken++;
    }
    assert_true(taken >= 15 && taken <= 16);
    bench.gate = true;
    wait_done(&bench, &jobs[taken - 1]);
    struct job after = job_of("after", GOOD);
    assert_true(post(&bench, &after));
    wait_done(&bench, &after);
    assert_int_equal(after.unit.fault.kind, FAULT_none);
    close_bench(&bench);
}

static void stopping_writes_what_waits(void **state)
{
    struct clinic *clinic = *state;
    struct bench bench;
    struct job jobs[30];
    open_bench(&bench, clinic, 100);
    for (int i = 0; i < 30; i++) {
        char handle[32];
        snprintf(handle, sizeof handle, "p-%d", i);
        jobs[i] = job_of(handle, GOOD);
        assert_true(post(&bench, &jobs[i]));
    }
    writer_stop(bench.writer);
    assert_int_equal(people(clinic), 30);
    wait_done(&bench, &jobs[29]);
    writer_port_close(bench.port);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench.loop), 0);
}

/* ---- failures of the store ---- */

static void note_broken(void *owner, const char *why)
{
    assert_non_null(why);
    atomic_fetch_add((atomic_int *)owner, 1);
}

static void a_broken_store_fails_the_group_and_ends_the_writing(void **state)
{
    struct clinic *clinic = *state;
    atomic_int broken = 0;
    struct writer *writer = writer_start(clinic->store, 100, note_broken, &broken);
    struct job breaks = job_of("x", BREAKS);
    struct job later = job_of("y", GOOD);
    assert_false(call(writer, &breaks));
    limit_files(RLIM_INFINITY);
    assert_int_equal(breaks.unit.fault.kind, FAULT_store_broken);
    assert_int_equal(broken, 1);
    assert_false(call(writer, &later));
    assert_int_equal(later.unit.fault.kind, FAULT_store_broken);
    assert_int_equal(broken, 1); /* told once */
    assert_false(writer_post(writer, NULL, &later.unit));
    assert_int_equal(people(clinic), 0);
    writer_stop(writer);
    arena_free(&breaks.arena);
    arena_free(&later.arena);
}

static void every_unit_of_a_failed_group_hears_of_it(void **state)
{
    struct clinic *clinic = *state;
    struct bench bench;
    struct job slow = job_of("slow", SLOW);
    struct job jobs[5] = {job_of("a", GOOD), job_of("b", REFUSES), job_of("c", BREAKS),
                          job_of("d", GOOD), job_of("e", GOOD)};
    open_bench(&bench, clinic, 100);
    slow.gate = &bench.gate;
    post(&bench, &slow);
    usleep(20000);
    for (int i = 0; i < 5; i++)
        post(&bench, &jobs[i]);
    bench.gate = true;
    wait_done(&bench, &jobs[4]);
    limit_files(RLIM_INFINITY);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].unit.fault.kind, FAULT_store_broken);
        arena_free(&jobs[i].arena);
    }
    assert_true(people(clinic) <= 1); /* the slow one, when it was a group of its own */
    arena_free(&slow.arena);
    close_bench(&bench);
}

/* A mistake of ours in one unit is no reason to refuse the others, nor to stop. */
static void a_mistaken_unit_fails_alone(void **state)
{
    struct clinic *clinic = *state;
    struct bench bench;
    struct job slow = job_of("slow", SLOW);
    struct job jobs[5] = {job_of("a", GOOD), job_of("b", REFUSES), job_of("c", MISTAKEN),
                          job_of("d", GOOD), job_of("e", GOOD)};
    static const enum fault_kind kinds[5] = {FAULT_none, FAULT_conflict, FAULT_internal, FAULT_none,
                                             FAULT_none};
    open_bench(&bench, clinic, 100);
    slow.gate = &bench.gate;
    post(&bench, &slow);
    for (int i = 0; i < 5; i++)
        post(&bench, &jobs[i]);
    bench.gate = true;
    wait_done(&bench, &jobs[4]);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].unit.fault.kind, kinds[i]);
        arena_free(&jobs[i].arena);
    }
    writer_settle(bench.writer);
    assert_int_equal(people(clinic), 4);
    struct job after = job_of("after", GOOD);
    assert_true(post(&bench, &after));
    wait_done(&bench, &after);
    assert_int_equal(after.unit.fault.kind, FAULT_none);
    arena_free(&slow.arena);
    close_bench(&bench);
}

/* The first page of TABLE is something else from now on, on the disk and for this connection. */
static void rot(struct clinic *clinic, const char *table)
{
    unsigned char rubbish[4096];
    struct store *store = clinic->store;
    const char *path = arena_print(&clinic->arena, "%s/store.db", clinic->folder);
    int64_t page =
        sqlite_number(store, "SELECT rootpage FROM sqlite_master WHERE name=?", "t", table);
    int64_t size = sqlite_number(store, "PRAGMA page_size", "");
    memset(rubbish, 0x5a, sizeof rubbish);
    sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, rubbish, sizeof rubbish, (off_t)((page - 1) * size)),
                     sizeof rubbish);
    close(file);
    sqlite3_db_release_memory(store->database);
}

/* What needs the damaged page is refused for now, again and again; all else goes on. */
static void a_damaged_page_hinders_only_what_needs_it(void **state)
{
    struct clinic *clinic = *state;
    struct bench bench;
    struct job slow = job_of("slow", SLOW);
    rot(clinic, "client_link");
    open_bench(&bench, clinic, 100);
    slow.gate = &bench.gate;
    post(&bench, &slow);
    for (int round = 0; round < 3; round++) {
        struct job jobs[3] = {job_of(round == 0   ? "a0"
                                     : round == 1 ? "a1"
                                                  : "a2",
                                     GOOD),
                              job_of("b", DAMAGED),
                              job_of(round == 0   ? "c0"
                                     : round == 1 ? "c1"
                                                  : "c2",
                                     GOOD)};
        for (int i = 0; i < 3; i++)
            post(&bench, &jobs[i]);
        bench.gate = true;
        wait_done(&bench, &jobs[2]);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(jobs[i].done, 1);
            if (jobs[i].unit.fault.kind != (i == 1 ? FAULT_store_damaged : FAULT_none))
                fail_msg("round %d, job %d: %s", round, i, fault_sentence(&jobs[i].unit.fault));
            arena_free(&jobs[i].arena);
        }
    }
    assert_int_equal(fault_http_status(FAULT_store_damaged), 503);
    writer_settle(bench.writer);
    assert_int_equal(people(clinic), 7);
    arena_free(&slow.arena);
    close_bench(&bench);
}

/* Readers follow by themselves when nothing comes any more; who calls may read at once. */
static void readers_see_what_was_promised(void **state)
{
    struct clinic *clinic = *state;
    struct bench bench;
    struct job posted = job_of("posted", GOOD);
    struct job called = job_of("called", GOOD);
    open_bench(&bench, clinic, 100);
    assert_true(post(&bench, &posted));
    wait_done(&bench, &posted);
    while (people(clinic) != 1)
        usleep(1000);
    assert_true(call(bench.writer, &called));
    assert_int_equal(people(clinic), 2);
    arena_free(&posted.arena);
    arena_free(&called.arena);
    close_bench(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)
/* On a store that serves, whose writer promises through the journal. */
#define SERVING(name) cmocka_unit_test_setup_teardown(name, clinic_start_serving, clinic_stop)

/* A group of such units does not run once more for each of them. */
static void many_that_need_a_damaged_page_are_few_rounds(void **state)
{
    enum { MANY = 60, ROUNDS = 20 };
    struct clinic *clinic = *state;
    struct bench bench;
    struct job slow = job_of("slow", SLOW);
    struct job first = job_of("first", GOOD);
    struct job jobs[MANY];
    rot(clinic, "client_link");
    open_bench(&bench, clinic, 100);
    slow.gate = &bench.gate;
    post(&bench, &slow);
    post(&bench, &first);
    for (int i = 0; i < MANY; i++) {
        jobs[i] = job_of("b", DAMAGED);
        post(&bench, &jobs[i]);
    }
    bench.gate = true;
    wait_done(&bench, &jobs[MANY - 1]);
    assert_int_equal(first.unit.fault.kind, FAULT_none);
    assert_in_range(first.runs, 1, ROUNDS);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].unit.fault.kind, FAULT_store_damaged);
        arena_free(&jobs[i].arena);
    }
    arena_free(&first.arena);
    arena_free(&slow.arena);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_thread),
        TEST(with_its_thread),
        TEST(many_threads_share_groups_and_refusals_stay_alone),
        TEST(what_waits_becomes_one_group),
        TEST(a_full_queue_takes_nothing_more),
        TEST(stopping_writes_what_waits),
        TEST(a_broken_store_fails_the_group_and_ends_the_writing),
        TEST(every_unit_of_a_failed_group_hears_of_it),
        TEST(a_mistaken_unit_fails_alone),
        TEST(a_damaged_page_hinders_only_what_needs_it),
        TEST(many_that_need_a_damaged_page_are_few_rounds),
        SERVING(with_its_thread),
        SERVING(many_threads_share_groups_and_refusals_stay_alone),
        SERVING(stopping_writes_what_waits),
        SERVING(a_broken_store_fails_the_group_and_ends_the_writing),
        SERVING(every_unit_of_a_failed_group_hears_of_it),
        SERVING(a_mistaken_unit_fails_alone),
        SERVING(a_damaged_page_hinders_only_what_needs_it),
        SERVING(readers_see_what_was_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
