/* message_read: Bundles with values of the wrong kind in any place are read or refused, never more.
 * SEEDS=N tries more. Of use under the sanitizers above all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/random_record.h"

static unsigned count_nodes(const struct json *node)
{
    unsigned count = 1;
    for (struct json *item = json_first(node); item != NULL; item = json_next(item))
        count += count_nodes(item);
    return count;
}

static struct json *odd_value(struct random_maker *maker)
{
    static const char *const texts[] = {
        "",  "x",    "#",        "urn:uuid:",
        "/", "2026", "Patient/", "https://refgate.invalid/fhir/sid//record"};
    struct arena *arena = maker->arena;
    struct json *list = json_new_list(arena);
    switch (random_below(maker, 7)) {
    case 0:
        return json_new_null(arena);
    case 1:
        return json_new_number(arena, "-1e99");
    case 2:
        return json_new_object(arena);
    case 3:
        return list;
    case 4:
        json_push(list, json_new_text(arena, "y"));
        json_push(list, json_new_null(arena));
        return list;
    case 5:
        return json_new_boolean(arena, true);
    default:
        return json_new_text(arena, RANDOM_OF(maker, texts));
    }
}

/* A copy of NODE in which the node numbered *COUNTDOWN is another value. */
static struct json *mangled(struct random_maker *maker, const struct json *node,
                            unsigned *countdown)
{
    enum json_kind kind = json_kind(node);
    if ((*countdown)-- == 0)
        return odd_value(maker);
    if (kind != JSON_LIST && kind != JSON_OBJECT)
        return json_copy(maker->arena, node);
    struct json *copy =
        kind == JSON_LIST ? json_new_list(maker->arena) : json_new_object(maker->arena);
    for (struct json *item = json_first(node); item != NULL; item = json_next(item)) {
        struct json *value = mangled(maker, item, countdown);
        if (kind == JSON_LIST)
            json_push(copy, value);
        else
            json_set(maker->arena, copy, json_key(item), value);
    }
    return copy;
}

static void read_mangled(struct arena *arena, const struct directory *directory,
                         const struct mapping_samples *samples, unsigned seed)
{
    const struct mapping_sample *sample = &samples->items[seed % samples->count];
    struct fhir_context context = mapping_context(arena, directory, sample->name);
    struct random_maker maker = {arena, seed * 7919u + 3, "", 0};
    struct json *bundle = mapping_bundle(&context, samples, sample->record);
    struct finding_list findings = finding_list_new(arena);
    struct message_inbound in;
    for (unsigned i = 0; i < 1 + seed % 4; i++) {
        unsigned place = 1 + random_below(&maker, count_nodes(bundle) - 1);
        bundle = mangled(&maker, bundle, &place);
    }
    if (message_read(&context, bundle, &in, &findings)) {
        assert_int_equal(findings.count, 0);
        assert_true(in.record == NULL || json_get_text(in.record, "record") != NULL);
    } else {
        assert_int_equal(findings.count, 1);
    }
}

static void odd_values_do_no_harm(void **state)
{
    struct arena fixed = ARENA_EMPTY;
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&fixed);
    struct mapping_samples samples = mapping_samples(&fixed);
    unsigned seeds = getenv("SEEDS") == NULL ? 2000 : (unsigned)atoi(getenv("SEEDS"));
    (void)state;
    for (unsigned seed = 0; seed < seeds; seed++) {
        read_mangled(&arena, directory, &samples, seed);
        arena_reset(&arena);
    }
    arena_free(&arena);
    arena_free(&fixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_values_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
