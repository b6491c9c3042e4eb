/* metric: see metric.h. */
#include "gateway/runtime/metric.h"

#include <math.h>
#include <string.h>

enum metric_type { GAUGE, COUNTER, TIMES, SIZES };

static const struct row {
    const char *name;
    enum metric_type type;
    const char *labels, *help;
} rows[METRIC_COUNT] = {
#define METRIC(name, type, labels, help) {"refgate_" #name, type, labels, help},
#include "gateway/runtime/metric.def"
#undef METRIC
};

static const char *const type_names[] = {"gauge", "counter", "histogram", "histogram"};

struct metric_sample {
    struct metric_sample *next;
    const char *labels[2];
    double value;
    const struct histogram *histogram; /* NULL: a value */
};

void metric_sheet_start(struct metric_sheet *sheet, struct arena *arena)
{
    sheet->arena = arena;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        sheet->first[i] = NULL;
        sheet->end[i] = &sheet->first[i];
    }
}

static struct metric_sample *add(struct metric_sheet *sheet, enum metric metric)
{
    struct metric_sample *sample = arena_alloc(sheet->arena, sizeof *sample);
    *sheet->end[metric] = sample;
    sheet->end[metric] = &sample->next;
    return sample;
}

void metric_put(struct metric_sheet *sheet, enum metric metric, const char *first,
                const char *second, double value)
{
    struct metric_sample *sample = add(sheet, metric);
    sample->labels[0] = arena_copy(sheet->arena, first);
    sample->labels[1] = arena_copy(sheet->arena, second);
    sample->value = value;
}

void metric_put_histogram(struct metric_sheet *sheet, enum metric metric,
                          const struct histogram *histogram)
{
    struct histogram *copy = arena_alloc(sheet->arena, sizeof *copy);
    *copy = *histogram;
    add(sheet, metric)->histogram = copy;
}

/* ---- printing ---- */

static void print_value(struct text *out, double value)
{
    if (value == floor(value) && fabs(value) < 1e15)
        text_print(out, " %.0f\n", value);
    else
        text_print(out, " %.12g\n", value);
}

/* Label values: backslash, quote and line end are escaped. */
static void print_quoted(struct text *out, const char *value)
{
    text_add(out, "\"");
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            text_add(out, "\\n");
        else if (*value == '"' || *value == '\\')
            text_print(out, "\\%c", *value);
        else
            text_add_n(out, value, 1);
    }
    text_add(out, "\"");
}

static void print_labels(struct text *out, const char *names, const char *const values[2])
{
    if (names[0] == '\0')
        return;
    text_add(out, "{");
    for (size_t i = 0; i < 2 && names[0] != '\0'; i++) {
        size_t length = strcspn(names, ",");
        text_print(out, "%s%.*s=", i == 0 ? "" : ",", (int)length, names);
        print_quoted(out, values[i] == NULL ? "" : values[i]);
        names += length + (names[length] == ',');
    }
    text_add(out, "}");
}

static void print_histogram(struct text *out, const struct row *row,
                            const struct histogram *histogram)
{
    bool is_time = row->type == TIMES;
    double unit = is_time ? 1e6 : 1;
    const uint64_t *bounds = histogram_bounds(is_time ? HISTOGRAM_TIME : HISTOGRAM_SIZE);
    unsigned long long below = 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        below += histogram->counts[i];
        text_print(out, "%s_bucket{le=\"%g\"} %llu\n", row->name, (double)bounds[i] / unit, below);
    }
    text_print(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum", row->name,
               (unsigned long long)histogram->total, row->name);
    print_value(out, (double)histogram->sum / unit);
    text_print(out, "%s_count %llu\n", row->name, (unsigned long long)histogram->total);
}

void metric_print(const struct metric_sheet *sheet, struct text *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const struct row *row = &rows[i];
        const struct metric_sample *sample = sheet->first[i];
        if (sample == NULL)
            continue;
        text_print(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
                   type_names[row->type]);
        for (; sample != NULL; sample = sample->next) {
            if (sample->histogram != NULL) {
                print_histogram(out, row, sample->histogram);
                continue;
            }
            text_add(out, row->name);
            print_labels(out, row->labels, sample->labels);
            print_value(out, sample->value);
        }
    }
}

void metric_manual(struct text *out)
{
    text_add(out, "| metric | type | labels | what it tells |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < METRIC_COUNT; i++)
        text_print(out, "| `%s` | %s | %s | %s |\n", rows[i].name, type_names[rows[i].type],
                   rows[i].labels[0] == '\0' ? "-" : rows[i].labels, rows[i].help);
}
