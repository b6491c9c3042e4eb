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

static const struct json *sample_of(const struct mapping_samples *samples, const char *name)
{
    for (size_t i = 0; i < samples->count; i++) {
        if (text_starts(samples->items[i].name, name))
            return samples->items[i].record;
    }
    fail_msg("no sample %s", name);
    return NULL;
}

static struct message_inbound read_bundle(const struct fhir_context *context,
                                          const struct json *bundle)
{
    struct message_inbound in;
    struct finding_list findings = finding_list_new(context->arena);
    if (!message_read(context, reparse(context->arena, bundle), &in, &findings))
        fail_msg("%s", findings.items[0].found);
    return in;
}

/* A consent sent along is evidence: it comes back as it was, beside the record and not as one. */
static void consents_travel_as_evidence(void **state)
{
    static const char *const names[] = {"01-", "02-", "11-", "12-"};
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    const struct json *consents[] = {sample_of(&samples, "13-"), sample_of(&samples, "18-")};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fhir_context context = mapping_context(&arena, directory, names[i]);
        const struct json *record = sample_of(&samples, names[i]);
        struct message_record_options options = {.consents = consents, .consent_count = 2};
        struct message_inbound in =
            read_bundle(&context, message_of_record(&context, record, &options));
        assert_int_equal(json_count(in.consents), 2);
        assert_null(json_get(in.record, "received"));
        struct json *first = json_first(in.consents);
        assert_string_equal(json_get_text(first, "record_id"), "WSM-C-0501");
        assert_string_equal(json_get_text(first, "written_by"), "alvarez");
        assert_int_equal(json_count(json_get(first, "share_with")), 3);
        assert_string_equal(json_get_text(json_next(first), "given_by"), "guardian");
        assert_string_equal(json_get_text(json_next(first), "given_by_name"), "Layla al-Zahra");
        assert_string_equal(json_get_text(json_next(first), "decision"), "refuse");
    }
    arena_free(&arena);
}

static void attachments_travel_inline(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "attachment");
    struct json *record = json_copy(&arena, sample_of(&samples, "23-"));
    struct message_attachment bytes = {"SGVsbG8=", "9/+ei3uy4Jtwk1pdeF4MxdnQq/A=", 5};
    struct message_record_options options = {.attachments = &bytes, .attachment_count = 1};
    (void)state;
    struct message_inbound in =
        read_bundle(&context, message_of_record(&context, record, &options));
    struct json *attachment = json_first(in.attachments);
    assert_string_equal(json_get_text(attachment, "file"), "xray-report.pdf");
    assert_string_equal(json_get_text(attachment, "media_type"), "application/pdf");
    assert_string_equal(json_get_text(attachment, "data"), "SGVsbG8=");
    assert_string_equal(json_get_text(attachment, "hash"), bytes.hash_base64);
    assert_string_equal(json_number(json_get(attachment, "size")), "5");
    /* att-1 wants a content type; what the record does not say is not made up */
    json_remove(json_first(json_get(record, "attachments")), "media_type");
    in = read_bundle(&context, message_of_record(&context, record, &options));
    assert_null(json_get(json_first(json_get(in.record, "attachments")), "media_type"));
    arena_free(&arena);
}

/* Where the main resource of a kind names its attachments. */
static const struct json *attachment_link(const struct json *main)
{
    const struct json *link = json_first(json_get(main, "supportingInfo"));
    while (link != NULL && json_next(link) != NULL)
        link = json_next(link);
    const struct json *section = json_first(json_get(main, "section"));
    for (; section != NULL; section = json_next(section)) {
        if (text_equal(json_get_text(section, "title"), "Attachments"))
            link = json_first(json_get(section, "entry"));
    }
    return link;
}

static const struct json *resource_of(const struct json *bundle, const char *type)
{
    const struct json *entry = json_first(json_get(bundle, "entry"));
    while (entry != NULL &&
           !text_equal(json_get_text(json_get(entry, "resource"), "resourceType"), type))
        entry = json_next(entry);
    return json_get(entry, "resource");
}

/* Of one title, too, they stay two, in their order, with their own bytes. */
static void attachments_travel_with_every_kind(void **state)
{
    static const char list[] =
        "[{\"title\":\"Scan\",\"file\":\"a.pdf\",\"media_type\":\"application/pdf\"},"
        "{\"title\":\"Scan\",\"file\":\"b.pdf\"}]";
    static const struct {
        const char *sample, *type;
    } rows[] = {{"01-", "ServiceRequest"},
                {"02-", "Composition"},
                {"08-", "Composition"},
                {"11-", "CarePlan"},
                {"12-", "Composition"}};
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    const struct message_attachment bytes[] = {{"SGVsbG8=", "9/+ei3uy4Jtwk1pdeF4MxdnQq/A=", 5},
                                               {"YQ==", "hvfkN/qlp/zhXR3cuerq6jd2Z7g=", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fhir_context context = mapping_context(&arena, directory, rows[i].sample);
        struct json *record = json_copy(&arena, sample_of(&samples, rows[i].sample));
        struct json_document document;
        struct json_fault fault;
        assert_true(json_parse(&arena, list, strlen(list), NULL, &document, &fault));
        json_set(&arena, record, "attachments", json_copy(&arena, document.root));
        struct message_record_options options = {.attachments = bytes, .attachment_count = 2};
        struct json *bundle = message_of_record(&context, record, &options);
        const struct json *link = attachment_link(resource_of(bundle, rows[i].type));
        assert_non_null(json_get_text(link, "reference"));
        struct message_inbound in = read_bundle(&context, bundle);
        assert_null(json_get(in.record, "received"));
        assert_true(json_same(json_get(in.record, "attachments"), document.root));
        assert_string_equal(json_get_text(json_at(in.attachments, 0), "data"), bytes[0].base64);
        assert_string_equal(json_get_text(json_at(in.attachments, 1), "data"), bytes[1].base64);
    }
    arena_free(&arena);
}

/* Written as clinics of the United States write them; nothing is converted on the way. */
static void units_and_other_techniques_go_round(void **state)
{
    static const char measurements[] =
        "[{\"measure\":\"grip-strength\",\"side\":\"left\",\"value\":80.5,\"unit\":\"lb\"},"
        "{\"measure\":\"neck-disability-index\",\"value\":62,\"unit\":\"%\"},"
        "{\"measure\":\"range-of-motion\",\"joint\":\"jaw\",\"motion\":\"opening\",\"value\":1.5,"
        "\"unit\":\"in\"}]";
    static const char techniques[] =
        "[{\"technique\":\"other\",\"text\":\"Cupping\",\"minutes\":5},"
        "{\"technique\":\"swedish\",\"minutes\":10}]";
    static const char *const codes[] = {"[lb_av]", "%", "[in_i]"};
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "units");
    struct json *record = json_copy(&arena, sample_of(&samples, "02-"));
    struct json_document document;
    struct json_fault fault;
    (void)state;
    assert_true(json_parse(&arena, measurements, strlen(measurements), NULL, &document, &fault));
    json_replace(&arena, record, "measurements", json_copy(&arena, document.root));
    assert_true(json_parse(&arena, techniques, strlen(techniques), NULL, &document, &fault));
    json_replace(&arena, record, "techniques", json_copy(&arena, document.root));
    struct json *bundle = message_of_record(&context, record, NULL);
    size_t found = 0;
    for (const struct json *entry = json_first(json_get(bundle, "entry")); entry != NULL;
         entry = json_next(entry)) {
        const struct json *resource = json_get(entry, "resource");
        const char *code = json_get_text(json_get(resource, "valueQuantity"), "code");
        if (code != NULL && found < 3 && text_equal(code, codes[found]))
            found++;
        if (text_equal(json_get_text(json_get(resource, "code"), "text"), "Cupping"))
            found += 10;
    }
    assert_int_equal(found, 13);
    struct message_inbound in = read_bundle(&context, bundle);
    assert_null(json_get(in.record, "received"));
    assert_true(json_same(json_get(in.record, "techniques"), document.root));
    assert_string_equal(json_get_text(json_first(json_get(in.record, "measurements")), "unit"),
                        "lb");
    arena_free(&arena);
}

/* Labels stand on everything made from the record, and on the Bundle. */
static void labels_stand_on_everything(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "labels");
    const struct json *record = sample_of(&samples, "22-");
    struct json *bundle = mapping_bundle(&context, &samples, record);
    (void)state;
    assert_non_null(json_find(bundle, "meta", "security", NULL));
    for (struct json *entry = json_first(json_get(bundle, "entry")); entry != NULL;
         entry = json_next(entry)) {
        const struct json *resource = json_get(entry, "resource");
        const char *type = json_get_text(resource, "resourceType");
        bool is_directory = strcmp(type, "Practitioner") == 0 || strcmp(type, "Endpoint") == 0 ||
                            strcmp(type, "PractitionerRole") == 0 ||
                            strcmp(type, "Organization") == 0;
        const char *code = json_text(json_find(resource, "meta", "security", "code", NULL));
        assert_true(text_equal(code, is_directory ? NULL : "MH"));
    }
    arena_free(&arena);
}

static void private_notes_stay(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "private");
    (void)state;
    const char *text =
        json_print(&arena, mapping_bundle(&context, &samples, sample_of(&samples, "22-")));
    assert_null(strstr(text, "Cried"));
    assert_null(strstr(text, "private"));
    arena_free(&arena);
}

/* What somebody said was refuted or not final would arrive as a fact. */
static void what_is_no_fact_is_not_sent(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct fhir_context context = mapping_context(&arena, mapping_directory(&arena), "standing");
    struct json *record = json_new_object(&arena);
    struct json *list = json_set(&arena, record, "diagnoses", json_new_list(&arena));
    (void)state;
    json_set_text(&arena, record, "record", "referral");
    json_set_text(&arena, record, "record_id", "S-1");
    json_set_text(&arena, record, "written_by", "osei");
    json_set_text(&arena, record, "standing", "proposed");
    for (int i = 0; i < 3; i++) {
        struct json *item = json_push(list, json_new_object(&arena));
        json_set_text(&arena, item, "text", i == 1 ? "Strain" : "Fracture");
        json_set_text(&arena, item, "standing", i == 1 ? NULL : "refuted");
    }
    const char *sent = json_print(&arena, message_of_record(&context, record, NULL));
    assert_non_null(strstr(sent, "Strain"));
    assert_null(strstr(sent, "Fracture"));
    assert_null(strstr(sent, "proposed"));
    arena_free(&arena);
}

/* The identifier of the visit in the message of RECORD, with FIELD another. */
static struct json *visit_identifier(const struct fhir_context *context, const struct json *record,
                                     const char *field, const char *value, struct json **ret_bundle)
{
    struct json *other = json_copy(context->arena, record);
    json_replace(context->arena, other, field, json_new_text(context->arena, value));
    *ret_bundle = message_of_record(context, other, NULL);
    struct json *entry = json_first(json_get(*ret_bundle, "entry"));
    while (entry != NULL &&
           !text_equal(json_get_text(json_get(entry, "resource"), "resourceType"), "Encounter"))
        entry = json_next(entry);
    assert_non_null(entry);
    return json_first(json_get(json_get(entry, "resource"), "identifier"));
}

/* Visit 1 of one client or referral is another than visit 1 of the next, and says nothing of them.
 */
static void visit_numbers_are_of_one_referral(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct mapping_samples samples = mapping_samples(&arena);
    struct fhir_context context = mapping_context(&arena, mapping_directory(&arena), "visit");
    const struct json *record = sample_of(&samples, "02-");
    struct json *bundle = NULL;
    (void)state;
    const char *first =
        json_get_text(visit_identifier(&context, record, "client_id", "C-77", &bundle), "system");
    const char *again =
        json_get_text(visit_identifier(&context, record, "client_id", "C-77", &bundle), "system");
    const char *client =
        json_get_text(visit_identifier(&context, record, "client_id", "C-78", &bundle), "system");
    const char *referral =
        json_get_text(visit_identifier(&context, record, "referral_id", "R-78", &bundle), "system");
    assert_string_equal(first, again);
    assert_string_not_equal(first, client);
    assert_string_not_equal(first, referral);
    assert_null(strstr(first, "C-77"));
    assert_true(text_starts(first, "https://refgate.invalid/fhir/sid/9900000016/visit/"));
    struct json *identifier = visit_identifier(&context, record, "client_id", "C-77", &bundle);
    json_replace(&arena, identifier, "system", /* as it was written at first */
                 json_new_text(&arena, "https://refgate.invalid/fhir/sid/visit-number"));
    struct message_inbound in = read_bundle(&context, bundle);
    assert_string_equal(json_number(json_get(in.record, "visit_number")), "1");
    assert_null(json_get(in.record, "received"));
    arena_free(&arena);
}

/* What the caller says of the Task goes with the note, and comes back. */
static void a_note_moves_the_task(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "task");
    struct message_referral referral = {"lakeside", "LFP-88231", "willow", "F-1", NULL};
    struct message_record_options options = {.referral = &referral,
                                             .task_status = "in-progress",
                                             .visits_done = "1",
                                             .visits_total = "6"};
    (void)state;
    struct message_inbound in =
        read_bundle(&context, message_of_record(&context, sample_of(&samples, "02-"), &options));
    assert_string_equal(in.move.task_status, "in-progress");
    assert_string_equal(in.move.visits_done, "1");
    assert_string_equal(in.move.visits_total, "6");
    assert_string_equal(in.referral.placer, "lakeside");
    assert_string_equal(in.referral.filler, "willow");
    assert_string_equal(in.referral.filler_number, "F-1");
    assert_string_equal(in.event, "notify-add-service-record");
    arena_free(&arena);
}

/* A clinic's own codes go along, without a text where their row has none, and do not disturb. */
static void own_codes_go_along(void **state)
{
    static const char map[] = "key,system,code,display,unit,kind\n"
                              "swedish,http://www.ama-assn.org/go/cpt,97124,,,technique\n"
                              "massage-therapy,urn:own:services,M1,Own massage,,service\n"
                              "trapezius,urn:own:sites,T9,Trapezius,,bodysite\n";
    static const char *const names[] = {"01-", "02-"};
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    struct finding_list findings = finding_list_new(&arena);
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fhir_context context = mapping_context(&arena, directory, names[i]);
        context.coding = coding_with_map(&arena, map, sizeof map - 1, "codes.csv", &findings);
        assert_int_equal(findings.count, 0);
        struct mapping_sample sample = {names[i], NULL};
        sample.record = json_copy(&arena, sample_of(&samples, names[i]));
        struct json *bundle = mapping_bundle(&context, &samples, sample.record);
        const char *text = json_print(&arena, bundle);
        assert_non_null(strstr(text, i == 0 ? "\"code\":\"M1\",\"display\":\"Own massage\""
                                            : "\"code\":\"97124\"}"));
        assert_non_null(strstr(text, "\"code\":\"T9\""));
        check_round_trip(&context, &sample, bundle);
    }
    arena_free(&arena);
}

/* Whoever has left the clinic since does not take the record along: it is sent in the name of the
 * clinic that holds it, and the reader shows the writer as claimed by that. */
static void a_writer_who_left_speaks_for_nobody_else(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "left");
    const struct json *record = sample_of(&samples, "01-referral");
    struct message_record_options options = {.sender = "harbor"};
    (void)state;
    context.partner = "harbor";
    struct message_inbound in =
        read_bundle(&context, message_of_record(&context, record, &options));
    assert_string_equal(in.sender, "harbor");
    assert_string_equal(in.referral.placer, "harbor");
    assert_int_equal(in.content, MESSAGE_RECORD);
    assert_string_not_equal(json_get_text(in.record, "written_by"), "osei");
    arena_free(&arena);
}

/* A partner with another canonical base is understood as well. */
static void another_base_is_understood(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct mapping_samples samples = mapping_samples(&arena);
    (void)state;
    for (size_t i = 0; i < samples.count; i++) {
        struct fhir_context theirs = mapping_context(&arena, directory, samples.items[i].name);
        struct fhir_context ours = theirs;
        theirs.base = "https://fhir.partner.example/r4";
        ours.base = "https://our.example/fhir";
        struct json *bundle = mapping_bundle(&theirs, &samples, samples.items[i].record);
        check_round_trip(&ours, &samples.items[i], bundle);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_go_round),
        cmocka_unit_test(consents_travel_as_evidence),
        cmocka_unit_test(attachments_travel_inline),
        cmocka_unit_test(attachments_travel_with_every_kind),
        cmocka_unit_test(units_and_other_techniques_go_round),
        cmocka_unit_test(labels_stand_on_everything),
        cmocka_unit_test(what_is_no_fact_is_not_sent),
        cmocka_unit_test(private_notes_stay),
        cmocka_unit_test(visit_numbers_are_of_one_referral),
        cmocka_unit_test(a_note_moves_the_task),
        cmocka_unit_test(own_codes_go_along),
        cmocka_unit_test(another_base_is_understood),
        cmocka_unit_test(a_writer_who_left_speaks_for_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
