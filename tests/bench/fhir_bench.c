/* fhir_bench: what scanning, parsing and validating FHIR resources costs, by CPU time of one
 * thread.
 *
 *   fhir_bench [--seconds N] FILE...
 *
 * One line a step: microseconds a resource, resources and megabytes a CPU second, the best of many
 * rounds over all files. Also start-up (making a validator and the first check) and peak memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "fhir/validate/validate.h"

enum { FILES_MAX = 8192 };

struct sample {
    char *text;
    size_t length;
};

struct set {
    struct sample samples[FILES_MAX];
    size_t count, bytes;
};

enum step { PARSE, STRUCTURE, ALL, OUTCOME, STEPS };

static const char *const step_words[] = {"scan and parse", "... and structure, values, references",
                                         "... and all invariants",
                                         "... and an OperationOutcome as text"};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool read_file(const char *path, struct sample *ret_sample)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    bool whole = text != NULL && fread(text, 1, (size_t)length, file) == (size_t)length;
    fclose(file);
    if (!whole) {
        free(text);
        return false;
    }
    text[length] = '\0';
    *ret_sample = (struct sample){text, (size_t)length};
    return true;
}

static void run(struct validator *validator, struct arena *arena, const struct sample *sample,
                enum step step)
{
    struct json_document document;
    struct json_fault fault;
    arena_reset(arena);
    if (!json_parse(arena, sample->text, sample->length, NULL, &document, &fault) || step == PARSE)
        return;
    struct validate_options options = {.level =
                                           step == STRUCTURE ? VALIDATE_STRUCTURE : VALIDATE_ALL};
    struct issue_list issues = issue_list_new(arena);
    validate_document(validator, arena, &document, &options, &issues);
    if (step == OUTCOME)
        json_print(arena, issue_outcome(arena, &issues));
}

static double best_round(struct validator *validator, struct arena *arena, const struct set *set,
                         enum step step, double seconds)
{
    double best = 1e9;
    double until = cpu_seconds() + seconds;
    do {
        double start = cpu_seconds();
        for (size_t i = 0; i < set->count; i++)
            run(validator, arena, &set->samples[i], step);
        double took = cpu_seconds() - start;
        best = took < best ? took : best;
    } while (cpu_seconds() < until);
    return best;
}

static void print_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %ld KB\n", usage.ru_maxrss);
}

int main(int argc, char **argv)
{
    static struct set set;
    double seconds = 2;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--seconds") == 0) {
        seconds = atof(argv[2]);
        first = 3;
    }
    for (int i = first; i < argc && set.count < FILES_MAX; i++) {
        if (!read_file(argv[i], &set.samples[set.count])) {
            fprintf(stderr, "fhir_bench: cannot read %s\n", argv[i]);
            return 2;
        }
        set.bytes += set.samples[set.count++].length;
    }
    if (set.count == 0) {
        fprintf(stderr, "usage: fhir_bench [--seconds N] FILE...\n");
        return 2;
    }
    struct arena keep = ARENA_EMPTY;
    struct arena arena = ARENA_EMPTY;
    double start = cpu_seconds();
    struct validator *validator = validator_new(&keep);
    run(validator, &arena, &set.samples[0], ALL);
    printf("start-up and first resource %.0f us\n", (cpu_seconds() - start) * 1e6);
    printf("%zu resources, %.1f KB each\n", set.count,
           (double)set.bytes / 1024 / (double)set.count);
    for (enum step step = PARSE; step < STEPS; step++) {
        double took = best_round(validator, &arena, &set, step, seconds);
        printf("%-38s %8.2f us each %10.0f a CPU second %8.1f MB/s\n", step_words[step],
               took / (double)set.count * 1e6, (double)set.count / took,
               (double)set.bytes / took / 1e6);
    }
    print_memory();
    return 0;
}
