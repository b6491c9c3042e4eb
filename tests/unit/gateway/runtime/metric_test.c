/* metric: the page that Prometheus reads, histograms, and the table itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/runtime/metric.h"

static const char *print(struct arena *arena, const struct metric_sheet *sheet)
{
    struct text page = text_new(arena, 1 << 20);
    metric_print(sheet, &page);
    return page.at;
}

static void values_stand_under_their_help(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct metric_sheet sheet;
    (void)state;
    metric_sheet_start(&sheet, &arena);
    metric_put(&sheet, METRIC_store_bytes, NULL, NULL, 4096);
    metric_put(&sheet, METRIC_messages, "willow", "queued", 3);
    metric_put(&sheet, METRIC_messages, "willow", "parked", 0);
    metric_put(&sheet, METRIC_certificate_days, "ourselves", "ca", -0.25);
    const char *page = print(&arena, &sheet);
    const char *messages =
        strstr(page, "# TYPE refgate_messages gauge\n"
                     "refgate_messages{partner=\"willow\",state=\"queued\"} 3\n"
                     "refgate_messages{partner=\"willow\",state=\"parked\"} 0\n");
    assert_non_null(messages);
    assert_non_null(strstr(page, "\nrefgate_certificate_days{partner=\"ourselves\",what=\"ca\"} "
                                 "-0.25\n"));
    assert_non_null(strstr(page, "\nrefgate_store_bytes 4096\n"));
    /* in the table's order, whatever the order of putting */
    assert_true(messages < strstr(page, "refgate_certificate_days{"));
    assert_true(strstr(page, "refgate_certificate_days{") < strstr(page, "\nrefgate_store_bytes "));
    /* what nobody put is not there */
    assert_null(strstr(page, "refgate_ready"));
    arena_free(&arena);
}

static void labels_are_escaped(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct metric_sheet sheet;
    char label[] = "a\"b\\c\nd";
    (void)state;
    metric_sheet_start(&sheet, &arena);
    metric_put(&sheet, METRIC_partner_breaker, label, NULL, 1);
    label[0] = 'x'; /* it was copied */
    assert_non_null(
        strstr(print(&arena, &sheet), "refgate_partner_breaker{partner=\"a\\\"b\\\\c\\nd\"} 1\n"));
    arena_free(&arena);
}

static void big_numbers_keep_their_digits(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct metric_sheet sheet;
    (void)state;
    metric_sheet_start(&sheet, &arena);
    metric_put(&sheet, METRIC_start_time_seconds, NULL, NULL, 1795449000.125);
    metric_put(&sheet, METRIC_disk_free_bytes, NULL, NULL, 81344147456.0);
    const char *page = print(&arena, &sheet);
    assert_non_null(strstr(page, "refgate_start_time_seconds 1795449000.12\n"));
    assert_non_null(strstr(page, "refgate_disk_free_bytes 81344147456\n"));
    arena_free(&arena);
}

static void histograms_grow_from_bound_to_bound(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct metric_sheet sheet;
    struct histogram times = {.total = 0};
    (void)state;
    histogram_add(&times, HISTOGRAM_TIME, 0);
    histogram_add(&times, HISTOGRAM_TIME, 500); /* a bound is part of its interval */
    histogram_add(&times, HISTOGRAM_TIME, 501);
    histogram_add(&times, HISTOGRAM_TIME, 90 * 1000 * 1000);
    metric_sheet_start(&sheet, &arena);
    metric_put_histogram(&sheet, METRIC_request_seconds, &times);
    times.total = 99; /* it was copied */
    const char *page = print(&arena, &sheet);
    assert_non_null(strstr(page, "# TYPE refgate_request_seconds histogram\n"
                                 "refgate_request_seconds_bucket{le=\"0.0005\"} 2\n"
                                 "refgate_request_seconds_bucket{le=\"0.001\"} 3\n"));
    assert_non_null(strstr(page, "refgate_request_seconds_bucket{le=\"30\"} 3\n"
                                 "refgate_request_seconds_bucket{le=\"+Inf\"} 4\n"
                                 "refgate_request_seconds_sum 90.001001\n"
                                 "refgate_request_seconds_count 4\n"));
    arena_free(&arena);
}

static void histograms_of_several_loops_add_up(void **state)
{
    struct histogram one = {.total = 0};
    struct histogram other = {.total = 0};
    (void)state;
    histogram_add(&one, HISTOGRAM_SIZE, 1);
    histogram_add(&other, HISTOGRAM_SIZE, 2);
    histogram_add(&other, HISTOGRAM_SIZE, 100000);
    histogram_merge(&one, &other);
    assert_int_equal(one.total, 3);
    assert_int_equal(one.sum, 100003);
    assert_int_equal(one.counts[0], 1);
    assert_int_equal(one.counts[1], 1);
    assert_int_equal(one.counts[HISTOGRAM_BOUNDS], 1);
}

static void bounds_grow(void **state)
{
    (void)state;
    for (int kind = HISTOGRAM_TIME; kind <= HISTOGRAM_SIZE; kind++) {
        const uint64_t *bounds = histogram_bounds((enum histogram_kind)kind);
        for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
            assert_true(bounds[i - 1] < bounds[i]);
    }
}

/* The naming rules of Prometheus, and ours: no label can hold anything about a client. */
static void the_table_keeps_to_the_rules(void **state)
{
    static const struct {
        const char *name, *type, *labels, *help;
    } rows[] = {
#define METRIC(name, type, labels, help) {#name, #type, labels, help},
#include "gateway/runtime/metric.def"
#undef METRIC
    };
    static const char *const known = " version partner state list what outcome why result status "
                                     "kind ";
    (void)state;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const char *name = rows[i].name;
        bool is_counter = strcmp(rows[i].type, "COUNTER") == 0;
        size_t length = strlen(name);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), length);
        assert_int_equal(is_counter, length > 6 && strcmp(name + length - 6, "_total") == 0);
        if (strcmp(rows[i].type, "TIMES") == 0)
            assert_string_equal(name + length - 8, "_seconds");
        assert_true(strlen(rows[i].help) > 10);
        assert_null(strchr(rows[i].help, '\n'));
        char labels[64];
        snprintf(labels, sizeof labels, "%s", rows[i].labels);
        for (char *label = strtok(labels, ","); label != NULL; label = strtok(NULL, ",")) {
            char padded[64];
            snprintf(padded, sizeof padded, " %s ", label);
            assert_non_null(strstr(known, padded));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_under_their_help),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(big_numbers_keep_their_digits),
        cmocka_unit_test(histograms_grow_from_bound_to_bound),
        cmocka_unit_test(histograms_of_several_loops_add_up),
        cmocka_unit_test(bounds_grow),
        cmocka_unit_test(the_table_keeps_to_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
