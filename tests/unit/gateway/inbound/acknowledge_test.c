/* acknowledge: answers are valid FHIR, say what was refused and where, and are the same from the
 * same row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fhir/validate/validate.h"
#include "gateway/inbound/acknowledge.h"
#include "gateway/inbound/reply_template.h"
#include "lib/clinic.h"

static const struct json *valid(struct clinic *clinic, const char *text)
{
    struct json_document document;
    struct json_fault fault;
    struct issue_list issues = issue_list_new(&clinic->arena);
    struct validate_options options = {.level = VALIDATE_ALL};
    struct validator *validator = validator_new(&clinic->arena);
    assert_true(json_parse(&clinic->arena, text, strlen(text), NULL, &document, &fault));
    if (!validate_text(validator, &clinic->arena, text, strlen(text), &options, &issues))
        fail_msg("%s", text);
    return document.root;
}

static struct store_message row_with(const char *code, const char *issues)
{
    struct store_message row = {.direction = "in",
                                .partner = "lakeside",
                                .recipient = "lakeside",
                                .message_id = "11111111-1111-4111-8111-111111111111",
                                .bundle_id = "22222222-2222-4222-8222-222222222222",
                                .event = "add-service-request",
                                .response_code = code,
                                .response_issues = issues,
                                .response_to = "https://lakeside.example/fhir",
                                .created_ms = 1700000000000};
    return row;
}

static void every_fault_becomes_an_outcome(void **state)
{
    struct clinic *clinic = *state;
    for (int kind = 1; kind < FAULT_KINDS; kind++) {
        struct fault fault = {(enum fault_kind)kind, NULL};
        const struct json *outcome =
            valid(clinic, acknowledge_fault(&clinic->arena, &fault, "Bundle.entry[0]"));
        const struct json *issue = json_first(json_get(outcome, "issue"));
        assert_string_equal(json_get_text(issue, "code"), fault_issue_code(fault.kind));
        assert_string_equal(json_get_text(issue, "severity"), "error");
        assert_string_equal(json_text(json_first(json_get(issue, "expression"))),
                            "Bundle.entry[0]");
        assert_string_equal(json_get_text(json_get(issue, "details"), "text"),
                            fault_sentence(&fault));
        valid(clinic, acknowledge_fault(&clinic->arena, &fault, NULL));
    }
}

static void findings_become_issues(void **state)
{
    struct clinic *clinic = *state;
    struct finding_list findings = finding_list_new(&clinic->arena);
    finding_add(&findings, (struct finding){.path = "Bundle.entry[1]",
                                            .found = "a \"quote\" and\ttab",
                                            .expected = "none"});
    finding_add(&findings, (struct finding){.found = "nothing"});
    const struct json *outcome =
        valid(clinic, acknowledge_findings(&clinic->arena, FAULT_unsupported, &findings));
    assert_int_equal(json_count(json_get(outcome, "issue")), 2);
}

static void the_answer_names_what_it_answers(void **state)
{
    struct clinic *clinic = *state;
    struct store_message row = row_with("ok", NULL);
    const struct json *bundle =
        valid(clinic, acknowledge_message(clinic->setup, &clinic->arena, &row));
    const struct json *header = json_find(bundle, "entry", "resource", NULL);
    assert_string_equal(json_get_text(header, "resourceType"), "MessageHeader");
    assert_string_equal(json_get_text(json_get(header, "response"), "identifier"), row.message_id);
    assert_string_equal(json_get_text(json_get(header, "response"), "code"), "ok");
    assert_null(json_get(json_get(header, "response"), "details"));
    assert_string_equal(json_text(json_find(header, "destination", "endpoint", NULL)),
                        row.response_to);
}

static void a_refusal_carries_its_reasons(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault = {FAULT_illegal_move, "referral R-1 is completed"};
    struct store_message row = row_with("fatal-error", acknowledge_issue(&clinic->arena, &fault));
    const char *text = acknowledge_message(clinic->setup, &clinic->arena, &row);
    const struct json *bundle = valid(clinic, text);
    const struct json *header = json_find(bundle, "entry", "resource", NULL);
    const char *details = json_text(json_find(header, "response", "details", "reference", NULL));
    assert_non_null(details);
    bool is_there = false;
    for (const struct json *entry = json_first(json_get(bundle, "entry")); entry != NULL;
         entry = json_next(entry))
        is_there = is_there || text_equal(json_get_text(entry, "fullUrl"), details);
    assert_true(is_there);
    assert_non_null(strstr(text, "referral R-1 is completed"));
}

static void the_same_row_gives_the_same_bytes(void **state)
{
    struct clinic *clinic = *state;
    struct store_message row = row_with("ok", NULL);
    const char *first = acknowledge_message(clinic->setup, &clinic->arena, &row);
    clinic->setup->clock = clock_fixed(clinic_ms("2026-12-24T00:00:00Z"));
    assert_string_equal(acknowledge_message(clinic->setup, &clinic->arena, &row), first);
    row.message_id = "33333333-3333-4333-8333-333333333333";
    assert_string_not_equal(acknowledge_message(clinic->setup, &clinic->arena, &row), first);
}

static void what_a_row_lacks_is_no_crash(void **state)
{
    struct clinic *clinic = *state;
    struct store_message row = row_with("ok", "this is no JSON");
    row.response_to = NULL;
    row.event = NULL;
    row.recipient = NULL;
    assert_non_null(acknowledge_message(clinic->setup, &clinic->arena, &row));
}

static const char *by_form(struct clinic *clinic, struct acknowledge_forms *forms,
                           const struct store_message *row)
{
    size_t length;
    const char *text = acknowledge_by_form(forms, clinic->setup, &clinic->arena, row, &length);
    assert_int_equal(strlen(text), length);
    return text;
}

/* Also the second time, when the form is there, and with texts that look like a form's own. */
static void a_form_gives_the_same_bytes(void **state)
{
    struct clinic *clinic = *state;
    static const char *const ids[] = {"11111111-1111-4111-8111-111111111111", "A \"quoted\" id\t",
                                      "00000000-0000-5000-8000-000000000001", "Zs\xc3\xb3"};
    static const char *const endpoints[] = {"https://lakeside.example/fhir", NULL,
                                            "https://x/00000000-0000-5000-8000-000000000003", ""};
    static const char *const events[] = {"add-service-request", "", NULL};
    static const char *const recipients[] = {"lakeside", "nobody-we-know", NULL};
    struct acknowledge_forms *forms = acknowledge_forms_new(&clinic->arena, clinic->setup);
    for (int i = 0; i < 2 * 4 * 4 * 3 * 3; i++) {
        struct store_message row = row_with("ok", NULL);
        row.message_id = ids[i / 2 % 4];
        row.response_to = endpoints[i / 8 % 4];
        row.event = events[i / 32 % 3];
        row.recipient = recipients[i / 96 % 3];
        row.created_ms += i * 1000;
        assert_string_equal(by_form(clinic, forms, &row),
                            acknowledge_message(clinic->setup, &clinic->arena, &row));
    }
    struct fault fault = {FAULT_illegal_move, "referral R-1 is completed"};
    struct store_message refused =
        row_with("fatal-error", acknowledge_issue(&clinic->arena, &fault));
    assert_string_equal(by_form(clinic, forms, &refused),
                        acknowledge_message(clinic->setup, &clinic->arena, &refused));
    acknowledge_forms_end(forms);
}

/* A partner that names another endpoint in each message. */
static void forms_do_not_pile_up(void **state)
{
    struct clinic *clinic = *state;
    struct acknowledge_forms *forms = acknowledge_forms_new(&clinic->arena, clinic->setup);
    for (int i = 0; i < 4000; i++) {
        struct store_message row = row_with("ok", NULL);
        row.response_to = arena_print(&clinic->arena, "https://lakeside.example/%d", i);
        const char *text = by_form(clinic, forms, &row);
        assert_non_null(strstr(text, row.response_to));
    }
    acknowledge_forms_end(forms);
}

/* After a reload answers say what the new generation knows, whichever a request began with. */
static void a_form_is_of_its_generation(void **state)
{
    struct clinic *clinic = *state;
    struct clinic *other = clinic_new("willow", "canonical_base: https://other.example/fhir\n");
    struct acknowledge_forms *forms = acknowledge_forms_new(&clinic->arena, clinic->setup);
    struct store_message row = row_with("ok", NULL);
    by_form(clinic, forms, &row);
    assert_string_equal(by_form(other, forms, &row),
                        acknowledge_message(other->setup, &other->arena, &row));
    acknowledge_forms_use(forms, other->setup);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(by_form(other, forms, &row),
                            acknowledge_message(other->setup, &other->arena, &row));
        assert_string_equal(by_form(clinic, forms, &row),
                            acknowledge_message(clinic->setup, &clinic->arena, &row));
    }
    acknowledge_forms_end(forms);
    clinic_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_fault_becomes_an_outcome),    TEST(findings_become_issues),
        TEST(the_answer_names_what_it_answers),  TEST(a_refusal_carries_its_reasons),
        TEST(the_same_row_gives_the_same_bytes), TEST(what_a_row_lacks_is_no_crash),
        TEST(a_form_gives_the_same_bytes),       TEST(forms_do_not_pile_up),
        TEST(a_form_is_of_its_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
