/* Random expressions on random resources: whatever they say, evaluation ends within its bounds and
 * answers the same again. Expressions are grown from the grammar (most are well formed) or by
 * breaking such ones. REFGATE_RANDOM_RUNS and REFGATE_RANDOM_SEED choose how many and which;
 * docs/fhirpath.md has the figures of the long run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"
#include "fhir/fhirpath/fhirpath.h"
#include "fhirpath/grow.h"

static const char resource[] =
    "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"coding\":[{"
    "\"system\":\"http://loinc.org\",\"code\":\"72514-3\"},{\"code\":\"pain\"}],\"text\":\"Pain\"},"
    "\"subject\":{\"reference\":\"Patient/p\"},\"effectiveDateTime\":\"2026-02-28T10:30:00Z\","
    "\"valueQuantity\":{\"value\":4.50,\"unit\":\"cm\",\"system\":\"http://unitsofmeasure.org\","
    "\"code\":\"cm\"},\"_issued\":{\"extension\":[{\"url\":\"http://x\",\"valueString\":\"y\"}]},"
    "\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"c\",\"name\":[{\"given\":[\"A\",null,"
    "\"B\"],\"_given\":[null,{\"id\":\"g\"}]}],\"birthDate\":\"1974\"}],\"component\":[{\"code\":{"
    "\"text\":\"left\"},\"valueInteger\":3},{\"code\":{\"text\":\"right\"},\"valueString\":\"x\"}]"
    "}";

static long setting(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtol(text, NULL, 10);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct tally {
    unsigned long kinds[5]; /* by enum fhirpath_fault_kind; [0]: evaluated */
    double slowest;
    size_t memory;
};

/* Answers of one evaluation as a number, to compare with those of the next. */
static uint64_t fingerprint(const struct fhirpath_result *result)
{
    uint64_t hash = result->count;
    for (size_t i = 0; i < result->count; i++) {
        const char *text = result->values[i].text;
        for (; text != NULL && *text != '\0'; text++)
            hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    }
    return hash;
}

static void run_one(struct arena *arena, const char *text, const struct fhirpath_input *input,
                    struct tally *tally)
{
    const struct fhirpath *expression;
    struct fhirpath_fault fault;
    struct fhirpath_result first = {0};
    struct fhirpath_result second = {0};
    double start = seconds();
    if (!fhirpath_compile(arena, text, &expression, &fault)) {
        assert_true(fault.kind != FHIRPATH_FAULT_NONE && fault.line >= 1 && fault.column >= 1);
        tally->kinds[fault.kind]++;
        return;
    }
    bool done = fhirpath_evaluate(arena, expression, input, &first, &fault);
    double time = seconds() - start;
    tally->slowest = time > tally->slowest ? time : tally->slowest;
    tally->memory = arena->used > tally->memory ? arena->used : tally->memory;
    tally->kinds[done ? 0 : fault.kind]++;
    if (!done)
        assert_non_null(fault.message);
    if (time > 2.0)
        fail_msg("%s: %.1f s", text, time);
    struct fhirpath_fault again;
    assert_int_equal(fhirpath_evaluate(arena, expression, input, &second, &again), done);
    if (done && fingerprint(&first) != fingerprint(&second))
        fail_msg("%s: another answer the second time", text);
}

static void test_random_expressions(void **state)
{
    (void)state;
    long runs = setting("REFGATE_RANDOM_RUNS", 20000);
    struct grower grower = {.random = (uint64_t)setting("REFGATE_RANDOM_SEED", 7)};
    struct arena lasting = ARENA_EMPTY;
    struct arena arena = ARENA_EMPTY;
    struct tally tally = {{0}, 0, 0};
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(&lasting, resource, strlen(resource), NULL, &document, &fault));
    struct fhirpath_input input = {.resource = document.root,
                                   .now = "2026-11-23T12:00:00Z",
                                   .steps_max = 50 * 1000,
                                   .memory_max = 8 * 1024 * 1024};
    double start = seconds();
    for (long i = 0; i < runs; i++) {
        input.strict = i % 8 == 0;
        input.guess_references = i % 3 == 0;
        run_one(&arena, grow_expression(&grower, &arena), &input, &tally);
        arena_reset(&arena);
    }
    print_message("%ld random expressions in %.1f s: %lu evaluated, %lu syntax, %lu semantic, "
                  "%lu execution, %lu limit; slowest %.3f s, most memory %zu KB\n",
                  runs, seconds() - start, tally.kinds[0], tally.kinds[1], tally.kinds[2],
                  tally.kinds[3], tally.kinds[4], tally.slowest, tally.memory / 1024);
    assert_true(tally.kinds[0] > (unsigned long)runs / 10);
    arena_free(&arena);
    arena_free(&lasting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_expressions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
