/* quota: each limit holds at its border, comes back with time or room, and changes while it is in
 * use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "gateway/http/quota.h"

enum { THREADS = 4, TURNS = 20000 };

/* The reason is asked for where it matters. */
static unsigned take(struct quota *quota, int64_t now_ms)
{
    enum quota_reason reason;
    return quota_take(quota, now_ms, &reason);
}

static const struct quota_figures *figures_of(struct quotas *quotas, struct arena *arena)
{
    const struct quota_figures *figures = quotas_count(quotas, arena);
    assert_non_null(figures);
    return figures;
}

static void nothing_is_limited_by_default(void **state)
{
    (void)state;
    struct quotas *quotas = quotas_new();
    struct quota *quota = quotas_find(quotas, "lakeside");
    assert_ptr_equal(quotas_find(quotas, "lakeside"), quota);
    assert_ptr_not_equal(quotas_find(quotas, "harbor"), quota);
    for (int i = 0; i < 1000; i++) {
        assert_true(quota_enter(quota));
        assert_int_equal(take(quota, 0), 0);
    }
    assert_int_equal(quota_body_max(quota), 0);
    quotas_free(quotas);
}

static void connections_are_counted_and_given_back(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct quotas *quotas = quotas_new();
    struct quota *quota = quotas_find(quotas, "lakeside");
    quotas_set(quotas, "lakeside", &(struct quota_limits){.connections_max = 2});
    assert_true(quota_enter(quota));
    assert_true(quota_enter(quota));
    for (int i = 0; i < 100; i++)
        assert_false(quota_enter(quota)); /* those turned away take no place */
    quota_leave(quota);
    assert_true(quota_enter(quota));
    quotas_set(quotas, "lakeside", &(struct quota_limits){.connections_max = 1});
    assert_false(quota_enter(quota)); /* what is open stays, nothing comes in */
    quotas_set(quotas, "lakeside", &(struct quota_limits){.connections_max = 4});
    assert_true(quota_enter(quota));
    assert_int_equal(figures_of(quotas, &arena)->connections, 3);
    assert_int_equal(figures_of(quotas, &arena)->refused[QUOTA_CONNECTIONS], 101);
    arena_free(&arena);
    quotas_free(quotas);
}

static void memory_is_held_and_given_back(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct quotas *quotas = quotas_new();
    struct quota *quota = quotas_find(quotas, "lakeside");
    bool is_little;
    quotas_set(quotas, "lakeside", &(struct quota_limits){.held_bytes_max = 10 << 20});
    assert_true(quota_hold(quota, 1 << 20, &is_little));
    assert_true(is_little);
    assert_true(quota_hold(quota, 9 << 20, &is_little));
    assert_false(is_little);
    for (int i = 0; i < 100; i++)
        assert_false(quota_hold(quota, 1, &is_little)); /* what is refused is not held */
    quota_give(quota, 9 << 20);
    assert_true(quota_hold(quota, 9 << 20, &is_little));
    assert_int_equal(figures_of(quotas, &arena)->refused[QUOTA_MEMORY], 100);
    arena_free(&arena);
    quotas_free(quotas);
}

static void half_a_queue_is_enough(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct quotas *quotas = quotas_new();
    struct quota *quota = quotas_find(quotas, "lakeside");
    assert_true(quota_queue(quota, 2));
    assert_true(quota_queue(quota, 2));
    for (int i = 0; i < 10; i++)
        assert_false(quota_queue(quota, 2));
    assert_true(quota_queue(quotas_find(quotas, "harbor"), 2));
    quota_unqueue(quota);
    assert_true(quota_queue(quota, 2));
    assert_int_equal(figures_of(quotas, &arena)->refused[QUOTA_QUEUE], 10);
    arena_free(&arena);
    quotas_free(quotas);
}

static void time_beyond_an_ordinary_request_is_a_debt_that_fades(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct quotas *quotas = quotas_new();
    struct quota *quota = quotas_find(quotas, "lakeside");
    enum quota_reason reason;
    int64_t now_ms = 1000;
    for (int i = 0; i < 100000; i++)
        quota_worked(quota, 20000, now_ms); /* ordinary ones cost nothing, however many */
    assert_int_equal(take(quota, now_ms), 0);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(take(quota, now_ms), 0);
        quota_worked(quota, 140000, now_ms);
    }
    assert_int_equal(quota_take(quota, now_ms, &reason),
                     1); /* 1.08 s; a quarter of one fades in one */
    assert_int_equal(reason, QUOTA_TIME);
    assert_int_equal(take(quota, now_ms + 300), 1);
    assert_int_equal(take(quota, now_ms + 400), 0);
    quota_worked(quota, 2520000, now_ms + 400);
    assert_int_equal(take(quota, now_ms + 400), 10);
    assert_int_equal(take(quota, now_ms + 20000), 0);
    assert_int_equal(figures_of(quotas, &arena)->refused[QUOTA_TIME], 3);
    arena_free(&arena);
    quotas_free(quotas);
}

static void a_rate_lets_a_burst_through_and_then_one_at_a_time(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct quotas *quotas = quotas_new();
    struct quota *quota = quotas_find(quotas, "lakeside");
    const struct quota_limits limits = {.requests_per_minute_max = 60, .burst_max = 3};
    int64_t now_ms = 5000000;
    quotas_set(quotas, "lakeside", &limits);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(quota, now_ms), 0);
    assert_int_equal(take(quota, now_ms), 1);
    assert_int_equal(take(quota, now_ms + 999), 1);
    quotas_set(quotas, "lakeside", &limits); /* a reload gives nothing away */
    assert_int_equal(take(quota, now_ms + 999), 1);
    assert_int_equal(take(quota, now_ms + 1000), 0);
    assert_int_equal(take(quota, now_ms + 1000), 1);
    now_ms += 1000000; /* the bucket holds three and no more */
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(quota, now_ms), 0);
    assert_int_equal(take(quota, now_ms), 1);
    assert_int_equal(figures_of(quotas, &arena)->refused[QUOTA_RATE], 5);
    arena_free(&arena);
    quotas_free(quotas);
}

static void the_wait_is_long_enough(void **state)
{
    (void)state;
    static const unsigned rates[] = {1, 2, 7, 59, 61, 999, 1000000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct quotas *quotas = quotas_new();
        struct quota *quota = quotas_find(quotas, "lakeside");
        quotas_set(quotas, "lakeside",
                   &(struct quota_limits){.requests_per_minute_max = rates[i], .burst_max = 1});
        assert_int_equal(take(quota, 0), 0);
        unsigned wait_s = take(quota, 0);
        assert_in_range(wait_s, 1, 60);
        assert_int_equal(take(quota, wait_s * 1000), 0);
        quotas_free(quotas);
    }
}

static void a_minute_is_the_burst_unless_one_is_named(void **state)
{
    (void)state;
    struct quotas *quotas = quotas_new();
    struct quota *quota = quotas_find(quotas, "lakeside");
    quotas_set(quotas, "lakeside", &(struct quota_limits){.requests_per_minute_max = 10});
    int taken = 0;
    while (take(quota, 100) == 0)
        taken++;
    assert_int_equal(taken, 10);
    assert_int_equal(take(quota, 50), 6); /* a clock that goes back fills nothing */
    quotas_set(quotas, "lakeside", &(struct quota_limits){.requests_per_minute_max = 20});
    assert_int_equal(take(quota, 100), 0); /* another rate begins anew */
    quotas_free(quotas);
}

static void bodies_are_noted(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct quotas *quotas = quotas_new();
    struct quota *quota = quotas_find(quotas, "lakeside");
    quotas_find(quotas, "harbor");
    quotas_set(quotas, "lakeside", &(struct quota_limits){.body_bytes_max = 1000});
    assert_int_equal(quota_body_max(quota), 1000);
    quota_note_large(quota);
    const struct quota_figures *figures = figures_of(quotas, &arena);
    assert_int_equal(figures->refused[QUOTA_BODY], 1);
    assert_string_equal(quota_reason_name(QUOTA_BODY), "body");
    assert_string_equal(figures->next->partner, "harbor");
    assert_int_equal(figures->next->refused[QUOTA_BODY], 0);
    assert_null(figures->next->next);
    arena_free(&arena);
    quotas_free(quotas);
}

static void *come_and_go(void *argument)
{
    struct quota *quota = argument;
    for (int i = 0; i < TURNS; i++) {
        quota_enter(quota);
        take(quota, 0);
        quota_leave(quota);
    }
    return NULL;
}

static void loops_share_one_row(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct quotas *quotas = quotas_new();
    pthread_t threads[THREADS];
    quotas_set(quotas, "lakeside", &(struct quota_limits){.requests_per_minute_max = 100});
    struct quota *quota = quotas_find(quotas, "lakeside");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, quota), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    const struct quota_figures *figures = figures_of(quotas, &arena);
    assert_int_equal(figures->connections, 0);
    assert_int_equal(figures->refused[QUOTA_RATE], THREADS * TURNS - 100);
    arena_free(&arena);
    quotas_free(quotas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_limited_by_default),
        cmocka_unit_test(connections_are_counted_and_given_back),
        cmocka_unit_test(memory_is_held_and_given_back),
        cmocka_unit_test(half_a_queue_is_enough),
        cmocka_unit_test(time_beyond_an_ordinary_request_is_a_debt_that_fades),
        cmocka_unit_test(a_rate_lets_a_burst_through_and_then_one_at_a_time),
        cmocka_unit_test(the_wait_is_long_enough),
        cmocka_unit_test(a_minute_is_the_burst_unless_one_is_named),
        cmocka_unit_test(bodies_are_noted),
        cmocka_unit_test(loops_share_one_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
