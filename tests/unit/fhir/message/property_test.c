/* message: records made at random from the vocabulary go round unchanged. SEEDS=N tries more of
 * them, OUT=DIR writes the Bundles (for tests/hapi). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/random_record.h"

static const char *const kinds[] = {"referral",        "progress-note",  "discharge-summary",
                                    "case-conference", "treatment-plan", "consent"};

static void differ(struct arena *arena, const struct directory *directory, const char *name,
                   const struct json *sent, const struct json *read)
{
    fprintf(stderr, "%s\nsent     %s\nreceived %s\n", name,
            record_canonical(arena, sent, directory, true),
            record_canonical(arena, read, directory, true));
    fail_msg("%s is not the same after the round trip", name);
}

/* What is kept holds in itself all that the message said. */
static void assert_kept(const struct message_inbound *one, const struct message_inbound *kept)
{
    void *before[sizeof *one / sizeof(void *)];
    void *after[sizeof *one / sizeof(void *)];
    memcpy(before, one, sizeof before);
    memcpy(after, kept, sizeof after);
    assert_int_equal(one->content, kept->content);
    for (size_t i = 1; i < sizeof *one / sizeof(void *); i++) { /* all but the first are pointers */
        assert_int_equal(before[i] == NULL, after[i] == NULL);
        assert_true(before[i] == NULL || before[i] != after[i]);
    }
}

/* Reads a message in memory that is given up before anyone looks at what it says. */
static struct message_inbound read_and_keep(struct arena *arena, const struct directory *directory,
                                            const char *name, const char *text)
{
    struct arena reading = ARENA_EMPTY;
    struct fhir_context context = mapping_context(&reading, directory, name);
    struct finding_list findings = finding_list_new(&reading);
    struct json_document document;
    struct json_fault fault;
    struct message_inbound in;
    assert_true(json_parse(&reading, text, strlen(text), NULL, &document, &fault));
    if (!message_read(&context, document.root, &in, &findings))
        fail_msg("%s: %s", name, findings.items[0].found);
    struct message_inbound kept = in;
    message_keep(arena, &kept);
    assert_kept(&in, &kept);
    arena_free(&reading);
    return kept;
}

static void round_trip(struct arena *arena, const struct directory *directory, const char *kind,
                       unsigned seed)
{
    const char *name = arena_print(arena, "%s-%u", kind, seed);
    struct fhir_context context = mapping_context(arena, directory, name);
    struct json *record = random_record(arena, kind, seed);
    const char *recipients[] = {"willow", "lakeside"};
    struct message_referral referral = {.placer = "lakeside",
                                        .number = json_get_text(record, "referral_id"),
                                        .filler = "willow",
                                        .filler_number = seed % 3 == 0 ? "F-1" : NULL};
    const struct json *consents[] = {random_record(arena, "consent", seed + 7)};
    const struct message_attachment bytes[] = {{"SGVsbG8=", "9/+ei3uy4Jtwk1pdeF4MxdnQq/A=", 5},
                                               {NULL, NULL, 0}};
    struct message_record_options options = {.recipients = recipients,
                                             .consents = consents,
                                             .consent_count = seed % 4 == 0 ? 1 : 0,
                                             .attachments = bytes,
                                             .attachment_count = seed % 4 == 1 ? 2 : 0,
                                             .recipient_count = seed % 3,
                                             .referral = seed % 2 == 0 ? &referral : NULL,
                                             .task_status = seed % 5 == 0 ? "in-progress" : NULL,
                                             .visits_done = seed % 5 == 0 ? "3" : NULL,
                                             .visits_total = seed % 10 == 0 ? "6" : NULL};
    struct json *bundle = message_of_record(&context, record, &options);
    mapping_write_out(arena, name, bundle);
    const char *text = json_print(arena, bundle);
    assert_null(json_get_text(record, "private_note") == NULL ? NULL
                                                              : strstr(text, "private_note"));
    struct message_inbound in = read_and_keep(arena, directory, name, text);
    json_remove(record, "private_note");
    record_fill_defaults(arena, record, directory);
    if (!record_same(arena, record, in.record, directory))
        differ(arena, directory, name, record, in.record);
}

static void random_records_go_round(void **state)
{
    struct arena fixed = ARENA_EMPTY;
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&fixed);
    unsigned seeds = getenv("SEEDS") == NULL ? 200 : (unsigned)atoi(getenv("SEEDS"));
    (void)state;
    for (unsigned seed = 0; seed < seeds; seed++) {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            round_trip(&arena, directory, kinds[i], seed);
            arena_reset(&arena);
        }
    }
    arena_free(&arena);
    arena_free(&fixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_records_go_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
