/* FHIRPath beyond the public suite: faults and their places, limits, lenient evaluation for
 * published invariants, primitives with extensions, references, sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "fhir/fhirpath/fhirpath.h"
#include "fhir/model/definitions.h"

static const char patient[] =
    "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"contained\":[{\"resourceType\":\"Organization\","
    "\"id\":\"o1\",\"name\":\"Lakeside\"}],\"name\":[{\"use\":\"official\",\"family\":\"Baum\","
    "\"given\":[\"Ana\",null,\"Lu\"],\"_given\":[null,{\"extension\":[{\"url\":\"http://x/absent\","
    "\"valueCode\":\"masked\"}]}]},{\"use\":\"usual\",\"given\":[\"Annie\"]}],\"_birthDate\":{"
    "\"extension\":[{\"url\":\"http://x/"
    "about\",\"valueString\":\"spring\"}]},\"gender\":\"female\","
    "\"deceasedBoolean\":false,\"multipleBirthInteger\":2,\"managingOrganization\":{\"reference\":"
    "\"#o1\"},\"generalPractitioner\":[{\"reference\":\"Practitioner/d1\"},{\"reference\":"
    "\"Organization/far\"}]}";

struct setting {
    struct arena arena;
    const struct json *root;
    struct fhirpath_input input;
};

static const struct json *parsed(struct arena *arena, const char *text)
{
    struct json_document document;
    struct json_fault fault;
    if (!json_parse(arena, text, strlen(text), NULL, &document, &fault))
        fail_msg("%s", fault.found);
    return document.root;
}

static int set_up(void **state)
{
    static struct setting setting;
    memset(&setting, 0, sizeof setting);
    setting.root = parsed(&setting.arena, patient);
    setting.input.resource = setting.root;
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;
    arena_free(&setting->arena);
    return 0;
}

/* The values as text, by commas; a value without text is `<type>`; a fault is "!kind". */
static const char *evaluated(struct setting *setting, const char *text)
{
    const struct fhirpath *expression;
    struct fhirpath_fault fault;
    struct fhirpath_result result;
    struct text out = text_new(&setting->arena, 10000);
    if (!fhirpath_compile(&setting->arena, text, &expression, &fault) ||
        !fhirpath_evaluate(&setting->arena, expression, &setting->input, &result, &fault)) {
        static const char *const kinds[] = {"none", "syntax", "semantic", "execution", "limit"};
        text_print(&out, "!%s", kinds[fault.kind]);
        return out.at;
    }
    for (size_t i = 0; i < result.count; i++) {
        const struct fhirpath_value *value = &result.values[i];
        text_add(&out, i > 0 ? "," : "");
        if (value->text != NULL)
            text_add(&out, value->text);
        else
            text_print(&out, "<%s>", value->type);
    }
    return out.at;
}

struct row {
    const char *expression, *expected;
};

static void assert_rows(struct setting *setting, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = evaluated(setting, rows[i].expression);
        if (strcmp(found, rows[i].expected) != 0)
            fail_msg("%s: found %s; expected %s", rows[i].expression, found, rows[i].expected);
    }
}

#define ASSERT_ROWS(setting, rows) assert_rows(setting, rows, sizeof rows / sizeof *rows)

/* ---- faults ---- */

static void test_faults_say_where(void **state)
{
    struct setting *setting = *state;
    static const struct {
        const char *text;
        enum fhirpath_fault_kind kind;
        int line, column;
    } rows[] = {{"name.", FHIRPATH_FAULT_SYNTAX, 1, 6},
                {"name given", FHIRPATH_FAULT_SYNTAX, 1, 6},
                {"(1 + 2", FHIRPATH_FAULT_SYNTAX, 1, 7},
                {"1 +", FHIRPATH_FAULT_SYNTAX, 1, 4},
                {"'\xc3\xa4\xc3\xb6' + 'open", FHIRPATH_FAULT_SYNTAX, 1, 8},
                {"name\n  .first(1)", FHIRPATH_FAULT_SEMANTIC, 2, 4},
                {"name.frist()", FHIRPATH_FAULT_SEMANTIC, 1, 6},
                {"'a\\q'", FHIRPATH_FAULT_SYNTAX, 1, 4},
                {"'\\ud800'", FHIRPATH_FAULT_SYNTAX, 1, 8},
                {"@2015-02-30", FHIRPATH_FAULT_SYNTAX, 1, 1},
                {"name is Nothing", FHIRPATH_FAULT_SEMANTIC, 1, 9},
                {"name.ofType(1)", FHIRPATH_FAULT_SEMANTIC, 1, 13},
                {"3000000000", FHIRPATH_FAULT_SEMANTIC, 1, 1},
                {"1 # 2", FHIRPATH_FAULT_SYNTAX, 1, 3},
                {"$that", FHIRPATH_FAULT_SYNTAX, 1, 1},
                {"", FHIRPATH_FAULT_SYNTAX, 1, 1},
                {"/* open", FHIRPATH_FAULT_SYNTAX, 1, 1},
                {"iif(true)", FHIRPATH_FAULT_SEMANTIC, 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fhirpath *expression;
        struct fhirpath_fault fault;
        if (fhirpath_compile(&setting->arena, rows[i].text, &expression, &fault))
            fail_msg("%s was taken", rows[i].text);
        if (fault.kind != rows[i].kind || fault.line != rows[i].line ||
            fault.column != rows[i].column)
            fail_msg("%s: %s (kind %d, line %d, column %d)", rows[i].text, fault.message,
                     (int)fault.kind, fault.line, fault.column);
        assert_non_null(fault.message);
    }
}

static void test_faults_of_data(void **state)
{
    struct setting *setting = *state;
    static const struct row rows[] = {{"name.given.length()", "!execution"},
                                      {"name.single()", "!execution"},
                                      {"name + 1", "!execution"},
                                      {"1 < 'a'", "!execution"},
                                      {"%nothing", "!semantic"},
                                      {"now()", "!execution"},
                                      {"'a'.matches('(')", "!execution"},
                                      {"gender.memberOf('http://nowhere')", ""},
                                      {"conformsTo('http://nowhere')", "!execution"},
                                      {"name.given and true", "!execution"}};
    ASSERT_ROWS(setting, rows);
}

/* ---- limits ---- */

static void test_depth_is_bounded(void **state)
{
    struct setting *setting = *state;
    struct text deep = text_new(&setting->arena, 100000);
    for (int i = 0; i < 5000; i++)
        text_add(&deep, "(");
    assert_string_equal(evaluated(setting, deep.at), "!limit");
    deep = text_new(&setting->arena, 100000);
    for (int i = 0; i < 5000; i++)
        text_add(&deep, "-");
    text_add(&deep, "1");
    assert_string_equal(evaluated(setting, deep.at), "!limit");
    deep = text_new(&setting->arena, 100000);
    text_add(&deep, "a");
    for (int i = 0; i < 5000; i++)
        text_add(&deep, ".a");
    assert_string_equal(evaluated(setting, deep.at), "!limit");
    deep = text_new(&setting->arena, 200000);
    for (int i = 0; i < 70000; i++)
        text_add(&deep, " ");
    assert_string_equal(evaluated(setting, deep.at), "!limit");
}

static void test_work_is_bounded(void **state)
{
    struct setting *setting = *state;
    setting->input.steps_max = 200000;
    setting->input.memory_max = 4 * 1024 * 1024;
    static const struct row rows[] = {
        {"repeat($this.children() | $index.toString())", "!limit"},
        {"(1|2|3|4|5|6|7|8|9|10).select((1|2|3|4|5|6|7|8|9|10).select((1|2|3|4|5|6|7|8|9|10)"
         ".select((1|2|3|4|5|6|7|8|9|10).select((1|2|3|4|5|6|7|8|9|10).select($this + 1)))))"
         ".count()",
         "!limit"},
        {"(1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20|21|22|23|24|25|26|27|28|29|30)"
         ".aggregate($total & $total & 'aa', 'a').length()",
         "!limit"},
        {"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$')",
         "!limit"},
        {"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.replaceMatches('(a|aa)+$', 'x')",
         "!limit"}};
    ASSERT_ROWS(setting, rows);
    setting->input.steps_max = 0;
    assert_string_equal(evaluated(setting, "repeat(name).count()"), "2");
}

/* A session that ran into its limit works again. */
static void test_session_recovers(void **state)
{
    struct setting *setting = *state;
    const struct fhirpath *endless;
    const struct fhirpath *simple;
    struct fhirpath_fault fault;
    setting->input.steps_max = 1000;
    assert_true(fhirpath_compile(&setting->arena, "repeat(%resource.descendants() | $this & 'x')",
                                 &endless, &fault));
    assert_true(fhirpath_compile(&setting->arena, "name.exists()", &simple, &fault));
    struct fhirpath_session *session = fhirpath_session_new(&setting->arena, &setting->input);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(fhirpath_is_true(session, endless, &fault), FHIRPATH_FAULTY);
        assert_int_equal(fhirpath_is_true(session, simple, &fault), FHIRPATH_TRUE);
    }
}

static void test_warm_session_allocates_nothing(void **state)
{
    struct setting *setting = *state;
    const struct fhirpath *expression;
    struct fhirpath_fault fault;
    assert_true(fhirpath_compile(&setting->arena,
                                 "name.where(use = 'official').given.first() = 'Ana' and "
                                 "(identifier.count() + name.count()) > 0 and "
                                 "gender.matches('^f')",
                                 &expression, &fault));
    struct fhirpath_session *session = fhirpath_session_new(&setting->arena, &setting->input);
    assert_int_equal(fhirpath_is_true(session, expression, &fault), FHIRPATH_TRUE);
    size_t used = setting->arena.used;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fhirpath_is_true(session, expression, &fault), FHIRPATH_TRUE);
    assert_int_equal(setting->arena.used, used);
}

/* ---- the tree ---- */

static void test_primitives_and_extensions(void **state)
{
    struct setting *setting = *state;
    static const struct row rows[] = {
        {"name[0].given.count()", "3"},
        {"name[0].given.select(hasValue())", "true,false,true"},
        {"name[0].given[1].extension('http://x/absent').value", "masked"},
        {"name.given.extension.url", "http://x/absent"},
        {"birthDate.exists()", "true"},
        {"birthDate.hasValue()", "false"},
        {"birthDate.extension('http://x/about').value", "spring"},
        {"birthDate.children().count()", "1"},
        {"birthDate = '2000'", "false"},
        {"birthDate < @2020", ""},
        {"deceased", "false"},
        {"deceased is boolean", "true"},
        {"deceased.not()", "true"},
        {"multipleBirth + 1", "3"},
        {"multipleBirth.type().name", "integer"},
        {"deceasedBoolean", ""},
        {"gender.getValue().type().namespace", "System"},
        {"Patient.name.family", "Baum"},
        {"Organization.name", ""},
        {"Resource.id", "p1"},
        {"DomainResource.contained.name", "Lakeside"},
        {"contained.ofType(Organization).name", "Lakeside"},
        {"contained.ofType(Patient)", ""},
        {"name.given.join('+')", "Ana+Lu+Annie"},
        {"descendants().where($this is Extension).count()", "2"},
        {"unknown", ""}};
    ASSERT_ROWS(setting, rows);
}

static void test_published_invariants(void **state)
{
    struct setting *setting = *state;
    static const struct row rows[] = {
        /* `as` on many items, and Boolean for boolean: only strict evaluation refuses them */
        {"%resource.descendants().as(code).count()", "4"},
        {"deceased is Boolean", "true"},
        {"deceased.is(System.Boolean)", "false"},
        {"contained.where((('#'+id in (%resource.descendants().reference | "
         "%resource.descendants().as(canonical) | %resource.descendants().as(uri) | "
         "%resource.descendants().as(url))) or descendants().where(reference = '#').exists())"
         ".not()).trace('unmatched', id).empty()",
         "true"},
        {"managingOrganization.select(reference.startsWith('#').not() or "
         "(reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids')))",
         "true"}};
    ASSERT_ROWS(setting, rows);
    setting->input.strict = true;
    static const struct row strict[] = {
        {"name.as(HumanName)", "!execution"}, {"name.givn", "!semantic"},
        {"deceasedBoolean", "!semantic"},     {"deceased is Boolean", "false"},
        {"children().first()", "!semantic"},  {"name.startsWith('a')", "!semantic"},
        {"contained.anything", ""},           {"Observation.value", "!semantic"}};
    ASSERT_ROWS(setting, strict);
}

static void test_references(void **state)
{
    struct setting *setting = *state;
    setting->input.bundle =
        parsed(&setting->arena,
               "{\"resourceType\":\"Bundle\",\"entry\":[{\"fullUrl\":\"urn:uuid:1\",\"resource\":{"
               "\"resourceType\":\"Practitioner\",\"id\":\"d1\",\"active\":true}}]}");
    static const struct row rows[] = {
        {"managingOrganization.resolve().name", "Lakeside"},
        {"generalPractitioner.resolve().active", "true"},
        {"generalPractitioner.where(resolve() is Practitioner).count()", "1"},
        {"generalPractitioner.where(resolve() is Organization).count()", "0"},
        {"'urn:uuid:1'.resolve().id", "d1"},
        {"'#missing'.resolve()", ""},
        {"'#'.resolve().id", "p1"},
        {"'Practitioner/d1/_history/2'.resolve().id", "d1"}};
    ASSERT_ROWS(setting, rows);
    setting->input.guess_references = true;
    static const struct row guessed[] = {
        {"generalPractitioner.where(resolve() is Organization).count()", "1"},
        {"generalPractitioner.where(resolve() is Patient).count()", "0"},
        {"generalPractitioner[1].resolve().name", ""}};
    ASSERT_ROWS(setting, guessed);
}

static void test_subtypes(void **state)
{
    struct setting *setting = *state;
    setting->input.resource =
        parsed(&setting->arena,
               "{\"resourceType\":\"Observation\",\"extension\":[{\"url\":\"http://x/age\","
               "\"valueAge\":{\"value\":40,\"unit\":\"years\",\"system\":"
               "\"http://unitsofmeasure.org\",\"code\":\"a\"}}],\"status\":\"final\","
               "\"code\":{\"text\":\"x\"}}");
    static const struct row rows[] = {
        {"Observation.extension('http://x/age').value is Age", "true"},
        {"Observation.extension('http://x/age').value is Quantity", "true"},
        {"Observation.extension('http://x/age').value is Duration", "false"},
        {"Observation.extension('http://x/age').value > 39 'a'", "true"},
        {"Observation.extension('http://x/age').value.ofType(Quantity).unit", "years"},
        {"status is string", "true"},
        {"status.ofType(string)", ""},
        {"status.memberOf('http://hl7.org/fhir/ValueSet/observation-status')", "true"},
        {"Observation is DomainResource", "true"}};
    ASSERT_ROWS(setting, rows);
}

/* Every invariant of the definitions compiles, and runs on its own type without a fault. */
static void test_every_invariant(void **state)
{
    struct setting *setting = *state;
    struct fhirpath_session *session = fhirpath_session_new(&setting->arena, &setting->input);
    struct fhirpath_input *input = fhirpath_session_input(session);
    unsigned count = 0;
    for (unsigned type = 1; type < definition_type_count; type++) {
        const struct definition_type *row = &definition_types[type];
        input->context = json_new_object(&setting->arena);
        input->type = row;
        for (unsigned i = 0; i < row->constraint_count; i++) {
            const struct definition_constraint *constraint =
                &definition_constraints[definition_constraint_lists[row->constraint + i]];
            const char *text = definition_word(constraint->expression);
            const struct fhirpath *expression;
            struct fhirpath_fault fault;
            if (!fhirpath_compile(&setting->arena, text, &expression, &fault))
                fail_msg("%s: %s: %s", definition_word(constraint->key), text, fault.message);
            if (fhirpath_is_true(session, expression, &fault) == FHIRPATH_FAULTY)
                fail_msg("%s: %s: %s", definition_word(constraint->key), text, fault.message);
            count++;
        }
    }
    assert_true(count > 700);
}

/* Trees that no FHIR resource has: the validator evaluates on them before it has told anyone. */
static void test_malformed_trees(void **state)
{
    struct setting *setting = *state;
    setting->input.resource = parsed(
        &setting->arena,
        "{\"resourceType\":\"Patient\",\"name\":[[{\"given\":[\"A\"]}],7,null,\"x\",{\"given\":{}}]"
        ","
        "\"_gender\":[[]],\"gender\":{\"a\":1},\"birthDate\":[\"2000\",\"2001\"],\"deceased\":true,"
        "\"deceasedBoolean\":\"yes\",\"multipleBirthInteger\":99999999999,\"contained\":{},"
        "\"telecom\":[{\"rank\":1.5,\"period\":[]}],\"_active\":7,\"active\":null,\"text\":[1]}");
    static const struct row rows[] = {{"name.count()", "4"},
                                      {"name.given.count()", "1"},
                                      {"name.given.given", ""},
                                      {"gender.exists()", "true"},
                                      {"gender = 'male'", "false"},
                                      {"birthDate.count()", "2"},
                                      {"deceased = true", "false"},
                                      {"multipleBirth + 1", ""},
                                      {"telecom.rank + 1", ""},
                                      {"telecom.period.start", ""},
                                      {"active", ""},
                                      {"contained.id", ""},
                                      {"text.`div`.exists()", "false"},
                                      {"descendants().count() > 0", "true"},
                                      {"name.value", ""},
                                      {"name ~ name", "true"}};
    ASSERT_ROWS(setting, rows);
    setting->input.resource = parsed(&setting->arena, "[[{\"a\":1}],2]");
    static const struct row lists[] = {{"a", ""}, {"children().count()", "0"}, {"Patient", ""}};
    ASSERT_ROWS(setting, lists);
}

static void test_context_of_an_element(void **state)
{
    struct setting *setting = *state;
    const struct json *names = json_get(setting->root, "name");
    const struct fhirpath *expression;
    struct fhirpath_fault fault;
    setting->input.context = json_first(names);
    setting->input.type = definition_find("HumanName");
    assert_string_equal(evaluated(setting, "family & %resource.id & %context.use"),
                        "Baump1official");
    /* a primitive that is there only by its companion */
    setting->input.context = NULL;
    setting->input.companion = json_get(setting->root, "_birthDate");
    setting->input.type = definition_find("date");
    assert_string_equal(evaluated(setting, "hasValue() or (children().count() > id.count())"),
                        "true");
    assert_true(fhirpath_compile(&setting->arena, "hasValue()", &expression, &fault));
    struct fhirpath_session *session = fhirpath_session_new(&setting->arena, &setting->input);
    assert_int_equal(fhirpath_is_true(session, expression, &fault), FHIRPATH_FALSE);
}

static void test_texts(void **state)
{
    struct setting *setting = *state;
    static const struct row rows[] = {
        {"'\xc3\x84pfel'.lower()", "\xc3\xa4pfel"},
        {"'gr\xc3\xbc\xc3\x9f'.length()", "4"},
        {"'gr\xc3\xbcn'.substring(2, 1)", "\xc3\xbc"},
        {"'gr\xc3\xbcn'.indexOf('n')", "3"},
        {"'abcabc'.lastIndexOf('bc')", "4"},
        {"'\\u00e4' = '\xc3\xa4'", "true"},
        {"'\\ud83d\\ude00'.length()", "1"},
        {"'a1b22'.replaceMatches('([a-z])(\\\\d)', '$2$1$$')", "1a$2b$2"},
        {"'Abc'.matches('^abc$', 'i')", "true"},
        {"'ff00'.decode('hex')", ""},
        {"'\xc3\xa4'.encode('hex').decode('hex')", "\xc3\xa4"},
        {"'a\tb'.escape('json')", "a\\tb"},
        {"'a&b'.escape('html').unescape('html')", "a&b"},
        {"'x'.encode('rot13')", "!execution"}};
    ASSERT_ROWS(setting, rows);
}

static void test_now_is_an_argument(void **state)
{
    struct setting *setting = *state;
    setting->input.now = "2026-11-23T23:30:00-05:00";
    static const struct row rows[] = {{"now()", "2026-11-23T23:30:00-05:00"},
                                      {"today()", "2026-11-23"},
                                      {"timeOfDay()", "23:30:00"},
                                      {"today() + 1 month", "2026-12-23"}};
    ASSERT_ROWS(setting, rows);
}

static bool answer(void *asked, const char *function, const struct json *node, const char *type,
                   const char *url, bool *ret_answer)
{
    unsigned *calls = asked;
    (*calls)++;
    assert_non_null(node);
    assert_non_null(type);
    *ret_answer = strcmp(function, "memberOf") == 0;
    return strcmp(url, "http://x/known") == 0;
}

static void test_questions_to_the_caller(void **state)
{
    struct setting *setting = *state;
    unsigned calls = 0;
    setting->input.ask = answer;
    setting->input.asked = &calls;
    static const struct row rows[] = {{"gender.memberOf('http://x/known')", "true"},
                                      {"conformsTo('http://x/known')", "false"},
                                      {"gender.memberOf('http://x/other')", ""}};
    ASSERT_ROWS(setting, rows);
    assert_int_equal(calls, 3);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_faults_say_where),
        TEST(test_faults_of_data),
        TEST(test_depth_is_bounded),
        TEST(test_work_is_bounded),
        TEST(test_session_recovers),
        TEST(test_warm_session_allocates_nothing),
        TEST(test_primitives_and_extensions),
        TEST(test_published_invariants),
        TEST(test_references),
        TEST(test_subtypes),
        TEST(test_every_invariant),
        TEST(test_malformed_trees),
        TEST(test_context_of_an_element),
        TEST(test_texts),
        TEST(test_now_is_an_argument),
        TEST(test_questions_to_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
