/* csv: RFC 4180 with the place of each cell; what is not quite CSV is refused with its place. */
#include "base/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct reading {
    struct arena arena;
    struct finding_list findings;
    struct csv csv;
    struct csv_row row;
};

static bool start(struct reading *reading, const char *text, size_t length)
{
    memset(reading, 0, sizeof *reading);
    reading->findings = finding_list_new(&reading->arena);
    return csv_start(&reading->csv, &reading->arena, text, length, &reading->findings);
}

static enum csv_answer next(struct reading *reading)
{
    return csv_next(&reading->csv, &reading->row, &reading->findings);
}

static void cell_is(const struct reading *reading, size_t index, const char *text, int line,
                    int column)
{
    assert_true(index < reading->row.count);
    const struct csv_cell *cell = &reading->row.cells[index];
    assert_string_equal(cell->text, text);
    assert_int_equal(cell->line, line);
    assert_int_equal(cell->column, column);
}

static void reads_cells_and_places(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf"
                               "a,\xc3\xa9\xc3\xa9,\"c,\"\"d\"\"\"\r\n"
                               "\"two\nlines\",x,\r\n"
                               "\r\n"
                               ", ,\n"
                               "\"\",last,\"\"";
    struct reading reading;
    assert_true(start(&reading, text, sizeof text - 1));
    assert_int_equal(next(&reading), CSV_ROW);
    assert_int_equal(reading.row.count, 3);
    cell_is(&reading, 0, "a", 1, 1);
    cell_is(&reading, 1, "\xc3\xa9\xc3\xa9", 1, 3);
    cell_is(&reading, 2, "c,\"d\"", 1, 6);
    assert_int_equal(csv_column(&reading.row, "a"), 0);
    assert_int_equal(csv_column(&reading.row, "b"), -1);
    assert_int_equal(next(&reading), CSV_ROW);
    cell_is(&reading, 0, "two\nlines", 2, 1);
    cell_is(&reading, 1, "x", 3, 8);
    cell_is(&reading, 2, "", 3, 10);
    assert_int_equal(reading.row.number, 2);
    assert_null(csv_value(&reading.row, 2));
    assert_null(csv_value(&reading.row, 9));
    assert_int_equal(next(&reading), CSV_ROW);
    assert_true(reading.row.is_blank);
    assert_int_equal(next(&reading), CSV_ROW);
    assert_true(reading.row.is_blank);
    assert_int_equal(next(&reading), CSV_ROW);
    assert_int_equal(reading.row.number, 5);
    assert_int_equal(reading.row.line, 6);
    cell_is(&reading, 0, "", 6, 1);
    cell_is(&reading, 1, "last", 6, 4);
    assert_int_equal(next(&reading), CSV_END);
    assert_int_equal(reading.findings.count, 0);
    arena_free(&reading.arena);
}

/* The header shows it, and a comma in it settles it; what is quoted does not count. */
static void reads_what_is_parted_by_semicolons_or_tabs(void **state)
{
    static const struct {
        const char *text, *cells[3];
    } rows[] = {
        {"record;record_id\r\nreferral;\"a;b\"\r\n", {"referral", "a;b", NULL}},
        {"record;record_id\nreferral;a, b\n", {"referral", "a, b", NULL}},
        {"\xef\xbb\xbfrecord\trecord_id\nreferral\ta;b\n", {"referral", "a;b", NULL}},
        {"\"a,b\";c\nx;\"y\"\n", {"x", "y", NULL}},
        {"record,list\nreferral,a;b\n", {"referral", "a;b", NULL}},
        {"record\na;b\n", {"a;b", NULL, NULL}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reading reading;
        assert_true(start(&reading, rows[i].text, strlen(rows[i].text)));
        assert_int_equal(next(&reading), CSV_ROW);
        assert_int_equal(next(&reading), CSV_ROW);
        for (size_t k = 0; rows[i].cells[k] != NULL; k++)
            assert_string_equal(reading.row.cells[k].text, rows[i].cells[k]);
        assert_int_equal(next(&reading), CSV_END);
        arena_free(&reading.arena);
    }
}

static void goes_on_behind_a_fault(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int row, line, column;
        const char *after; /* first cell of the next good row; NULL: none */
    } rows[] = {
        {"a\nb\"c,d\ne\n", 2, 2, 2, "e"},
        {"a\n\"b\nb\"c,d\ne\n", 2, 3, 3, "e"},
        {"a\nx,\"b\nc\nd\n", 2, 2, 3, NULL},
        {"a\n\"b\"\"\n", 2, 2, 1, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reading reading;
        assert_true(start(&reading, rows[i].text, strlen(rows[i].text)));
        assert_int_equal(next(&reading), CSV_ROW);
        assert_int_equal(next(&reading), CSV_FAULT);
        assert_int_equal(reading.findings.count, 1);
        assert_int_equal(reading.findings.items[0].row, rows[i].row);
        assert_int_equal(reading.findings.items[0].line, rows[i].line);
        assert_int_equal(reading.findings.items[0].column, rows[i].column);
        enum csv_answer answer = next(&reading);
        assert_int_equal(answer, rows[i].after == NULL ? CSV_END : CSV_ROW);
        if (rows[i].after != NULL)
            assert_string_equal(reading.row.cells[0].text, rows[i].after);
        arena_free(&reading.arena);
    }
}

static void refuses_bytes_that_are_no_text(void **state)
{
    (void)state;
    struct reading reading;
    assert_false(start(&reading, "a\nb\0c", 5));
    assert_int_equal(reading.findings.items[0].line, 2);
    assert_int_equal(reading.findings.items[0].column, 2);
    arena_free(&reading.arena);
    assert_false(start(&reading, "a\nb,\xe9\n", 6));
    assert_int_equal(reading.findings.items[0].line, 2);
    assert_int_equal(reading.findings.items[0].column, 3);
    arena_free(&reading.arena);
    assert_true(start(&reading, "", 0));
    assert_int_equal(next(&reading), CSV_END);
    arena_free(&reading.arena);
}

static void bounds_the_columns(void **state)
{
    (void)state;
    char wide[CSV_COLUMNS_MAX + 2];
    struct reading reading;
    memset(wide, ',', sizeof wide);
    assert_true(start(&reading, wide, CSV_COLUMNS_MAX - 1));
    assert_int_equal(next(&reading), CSV_ROW);
    assert_int_equal(reading.row.count, CSV_COLUMNS_MAX);
    arena_free(&reading.arena);
    assert_true(start(&reading, wide, CSV_COLUMNS_MAX));
    assert_int_equal(next(&reading), CSV_FAULT);
    arena_free(&reading.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_cells_and_places),
        cmocka_unit_test(reads_what_is_parted_by_semicolons_or_tabs),
        cmocka_unit_test(goes_on_behind_a_fault),
        cmocka_unit_test(refuses_bytes_that_are_no_text),
        cmocka_unit_test(bounds_the_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
