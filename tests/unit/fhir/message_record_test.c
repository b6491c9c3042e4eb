/* message_record: every sample record becomes a Bundle that is read back as the same record, and
 * the Bundles stay as they are (tests/golden; REGENERATE=1 writes them anew). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/mapping.h"

static struct json *reparse(struct arena *arena, const struct json *tree)
{
    struct json_document document;
    struct json_fault fault;
    const char *text = json_print(arena, tree);
    assert_true(json_parse(arena, text, strlen(text), NULL, &document, &fault));
    return document.root;
}

/* What travels of a record: all but the private note. */
static struct json *travelling(struct arena *arena, const struct json *record)
{
    struct json *copy = json_copy(arena, record);
    json_remove(copy, "private_note");
    return copy;
}

/* Says which fields differ; the test runner cuts long messages off. */
static void differ(struct arena *arena, const struct fhir_context *context, const char *name,
                   const struct json *sent, const struct json *read)
{
    fprintf(stderr, "%s\nsent     %s\nreceived %s\n", name,
            record_canonical(arena, sent, context->directory, false),
            read == NULL ? "nothing" : record_canonical(arena, read, context->directory, false));
    fail_msg("%s is not the same after the round trip", name);
}

static void check_round_trip(const struct fhir_context *context,
                             const struct mapping_sample *sample, const struct json *bundle)
{
    struct arena *arena = context->arena;
    struct finding_list findings = finding_list_new(arena);
    struct message_inbound in;
    if (!message_read(context, reparse(arena, bundle), &in, &findings))
        fail_msg("%s: not read: %s", sample->name, findings.items[0].found);
    if (json_get(in.record, "received") != NULL) {
        fprintf(stderr, "%s\n", json_print_pretty(arena, json_get(in.record, "received")));
        fail_msg("%s: something of our own was not understood", sample->name);
    }
    struct json *sent = travelling(arena, sample->record);
    record_fill_defaults(arena, sent, context->directory);
    if (in.record == NULL || !record_same(arena, sent, in.record, context->directory))
        differ(arena, context, sample->name, sent, in.record);
}

static void check_golden(struct arena *arena, const struct mapping_sample *sample,
                         const struct json *bundle)
{
    size_t length = 0;
    const char *kind = json_get_text(sample->record, "record");
    const char *path = arena_print(arena, "tests/golden/%s/%s.bundle.json", kind, sample->name);
    const char *text = arena_print(arena, "%s\n", json_print_pretty(arena, bundle));
    if (getenv("REGENERATE") != NULL) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    const char *golden = mapping_file(arena, path, &length);
    if (golden == NULL)
        fail_msg("%s is missing: REGENERATE=1 makes it", path);
    if (strcmp(golden, text) != 0)
        fail_msg("%s is not what is made now; REGENERATE=1, then look at the difference", path);
}

static void samples_go_round(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    (void)state;
    assert_true(samples.count >= 26);
    for (size_t i = 0; i < samples.count; i++) {
        const struct mapping_sample *sample = &samples.items[i];
        struct fhir_context context = mapping_context(&arena, directory, sample->name);
        struct json *bundle = mapping_bundle(&context, &samples, sample->record);
        if (bundle == NULL && getenv("PARTLY") != NULL)
            continue;
        assert_non_null(bundle);
        check_golden(&arena, sample, bundle);
        check_round_trip(&context, sample, bundle);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_go_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
