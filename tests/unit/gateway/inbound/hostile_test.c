/* hostile: what one message costs grows with its bytes and no faster, whatever it is full of. Each
 * shape of tests/lib/hostile.h goes through all stages of the service at one size and at twice
 * that; CPU time, so that it holds beside other load. A shape that seems to grow faster is measured
 * again, longer and with larger messages, before it is called a fault: what left a cache costs more
 * once, what is quadratic costs four times at any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>

#include "lib/hostile.h"

enum {
    SMALL = 240 << 10,
    LARGER = 4 * SMALL, /* of a shape that seemed to grow faster */
    MOST_GROWTH_PERCENT = 250,
    QUICK_ROUNDS = 3,
    QUICK_US = 5000,
    ROUNDS = 5, /* likewise */
    ROUND_US = 200000,
    ATTEMPTS = 3 /* what shares the processor's cache comes and goes; quadratic work stays */
};

/* CPU of one run of BODY: of so many runs that they take LEAST_US, their mean. */
static double cost(struct hostile *hostile, const char *body, double least_us)
{
    size_t length = strlen(body);
    double start = hostile_now_us();
    double taken = 0;
    unsigned runs = 0;
    while (runs == 0 || taken < least_us) {
        hostile_run(hostile, body, length);
        taken = hostile_now_us() - start;
        runs++;
    }
    return taken / runs;
}

static int by_size(const void *one, const void *other)
{
    double left = *(const double *)one;
    double right = *(const double *)other;
    return (left > right) - (left < right);
}

/* How many times the double of SIZE costs, the median of COUNT rounds; both run by turns. */
static double growth(struct hostile *hostile, const struct hostile_shape *shape, size_t size,
                     int count, double least_us)
{
    struct arena arena = ARENA_EMPTY;
    const char *small = hostile_body(&arena, hostile->body, shape, size);
    const char *large = hostile_body(&arena, hostile->body, shape, 2 * size);
    double ratios[ROUNDS];
    for (int i = 0; i < count; i++) {
        double one = cost(hostile, small, least_us);
        ratios[i] = cost(hostile, large, least_us) / one;
    }
    arena_free(&arena);
    qsort(ratios, (size_t)count, sizeof *ratios, by_size);
    return ratios[count / 2];
}

static void twice_the_bytes_cost_twice_the_time(void **state)
{
    (void)state;
    /* No ceiling but the bytes, so that no stage is spared. */
    struct hostile *hostile = hostile_new("json_values_max: 10000000\n");
    for (int i = 0; i < HOSTILE_SHAPES; i++) {
        const struct hostile_shape *shape = &hostile_shapes[i];
        double times = growth(hostile, shape, SMALL, QUICK_ROUNDS, QUICK_US);
        for (int k = 0; k < ATTEMPTS && times * 100 > MOST_GROWTH_PERCENT; k++)
            times = growth(hostile, shape, LARGER, ROUNDS, ROUND_US);
        if (times * 100 > MOST_GROWTH_PERCENT)
            fail_msg("%s: %.2f times the CPU for twice the bytes (%s)", shape->name, times,
                     hostile->ended);
    }
    hostile_free(hostile);
}

/* The largest body that the settings allow, with the ceilings that hold by default. */
static void the_largest_message_is_judged_soon(void **state)
{
    (void)state;
    struct hostile *hostile = hostile_new("");
    for (int i = 0; i < HOSTILE_SHAPES; i++) {
        struct arena arena = ARENA_EMPTY;
        const char *body = hostile_body(&arena, hostile->body, &hostile_shapes[i],
                                        hostile->willow->setup->config.body_max_bytes);
        double start = hostile_now_us();
        hostile_run(hostile, body, strlen(body));
        double taken_ms = (hostile_now_us() - start) / 1e3;
        if (taken_ms > 5000) /* about 0.2 s; sanitizers are much slower */
            fail_msg("%s: %.0f ms", hostile_shapes[i].name, taken_ms);
        arena_free(&arena);
    }
    hostile_free(hostile);
}

int main(void)
{
    /* Memory that was freed is kept: what the kernel does to get it anew is not what is measured.
     */
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twice_the_bytes_cost_twice_the_time),
        cmocka_unit_test(the_largest_message_is_judged_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
