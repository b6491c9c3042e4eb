/* validate: what is right passes; each kind of fault is said once, at its place, with its code. */
#include "lib/checker.h"

static struct issue_list check(const char *text)
{
    arena_reset(&arena);
    struct issue_list issues = issue_list_new(&arena);
    validate_text(validator, &arena, text, strlen(text), NULL, &issues);
    return issues;
}

struct fault_case {
    const char *text;
    const char *path; /* of the first error; NULL: no error */
    enum issue_code code;
    const char *key;     /* of an invariant, or NULL */
    const char *nearest; /* or NULL: not asked */
};

static void dump(const struct issue_list *issues)
{
    struct text out = text_new(&arena, 8000);
    issue_print(issues, "case", &out);
    print_error("%s", out.at);
}

static const struct issue *first_error(const struct issue_list *issues)
{
    for (size_t i = 0; i < issues->count; i++) {
        if (issues->items[i].severity <= ISSUE_ERROR)
            return &issues->items[i];
    }
    return NULL;
}

static bool fits(const struct fault_case *row, const struct issue *issue)
{
    if (row->path == NULL || issue == NULL)
        return row->path == NULL && issue == NULL;
    return text_equal(issue->path, row->path) && issue->code == row->code &&
           text_equal(issue->key, row->key) &&
           (row->nearest == NULL || text_equal(issue->nearest, row->nearest));
}

static void check_all(const struct fault_case *rows, size_t count)
{
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        struct issue_list issues = check(rows[i].text);
        if (fits(&rows[i], first_error(&issues)))
            continue;
        print_error("%s\n  wanted %s\n", rows[i].text, rows[i].path);
        dump(&issues);
        failed++;
    }
    assert_int_equal(failed, 0);
}

#define CHECK_ALL(rows) check_all(rows, sizeof(rows) / sizeof *(rows))

#define OBSERVATION(more)                                                                          \
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"}" more "}"
#define PATIENT(more) "{\"resourceType\":\"Patient\"" more "}"

static void says_what_is_wrong_with_the_structure(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {PATIENT(",\"active\":true"), NULL, 0, NULL, NULL},
        {PATIENT(",\"foo\":1"), "Patient.foo", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"nmae\":[]"), "Patient.nmae", ISSUE_STRUCTURE, NULL, "name"},
        {PATIENT(",\"name\":[{\"famly\":\"a\"}]"), "Patient.name[0].famly", ISSUE_STRUCTURE, NULL,
         "family"},
        {PATIENT(",\"Mr John Doe\":1"), "Patient", ISSUE_STRUCTURE, NULL, NULL},
        {"{\"resourceType\":\"Observation\",\"code\":{\"text\":\"x\"}}", "Observation.status",
         ISSUE_REQUIRED, NULL, NULL},
        {PATIENT(",\"name\":{\"family\":\"a\"}"), "Patient.name", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"active\":[true]"), "Patient.active", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"active\":\"true\""), "Patient.active", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"name\":[]"), "Patient.name", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"name\":[{}]"), "Patient.name[0]", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"name\":[\"a\"]"), "Patient.name[0]", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"name\":[null]"), "Patient.name[0]", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"active\":null"), "Patient.active", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"birthDate\":\"\""), "Patient.birthDate", ISSUE_VALUE, NULL, NULL},
        {PATIENT(",\"birthDate\":20200101"), "Patient.birthDate", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"birthDate\":{\"x\":1}"), "Patient.birthDate", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"resourceType2\":\"Patient\""), "Patient.resourceType2", ISSUE_STRUCTURE, NULL,
         NULL},
        {PATIENT(",\"name\":[{\"resourceType\":\"HumanName\",\"text\":\"a\"}]"),
         "Patient.name[0].resourceType", ISSUE_STRUCTURE, NULL, NULL},
        {"{\"id\":\"a\"}", "Resource", ISSUE_STRUCTURE, NULL, NULL},
        {"{\"resourceType\":1}", "Resource", ISSUE_STRUCTURE, NULL, NULL},
        {"{\"resourceType\":\"Patiend\"}", "Resource", ISSUE_STRUCTURE, NULL, "Patient"},
        {"{\"resourceType\":\"HumanName\"}", "Resource", ISSUE_STRUCTURE, NULL, NULL},
        {"{\"resourceType\":\"DomainResource\"}", "Resource", ISSUE_STRUCTURE, NULL, NULL},
        {"[]", "Resource", ISSUE_STRUCTURE, NULL, NULL},
        {"{\"resourceType\":\"Patient\",}", NULL, 0, NULL, NULL}, /* path NULL: see below */
    };
    check_all(rows, sizeof rows / sizeof *rows - 1);
    struct issue_list issues = check(rows[sizeof rows / sizeof *rows - 1].text);
    assert_int_equal(issues.items[0].severity, ISSUE_FATAL);
}

static void takes_exactly_one_choice(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {OBSERVATION(",\"valueString\":\"a\""), NULL, 0, NULL, NULL},
        {OBSERVATION(",\"valueString\":\"a\",\"valueBoolean\":true"), "Observation.value",
         ISSUE_STRUCTURE, NULL, NULL},
        {OBSERVATION(",\"valueString\":\"a\",\"_valueBoolean\":{\"id\":\"a\"}"),
         "Observation.value", ISSUE_STRUCTURE, NULL, NULL},
        {OBSERVATION(",\"value\":\"a\""), "Observation.value", ISSUE_STRUCTURE, NULL, NULL},
        {OBSERVATION(",\"valueMoney\":{\"value\":1}"), "Observation.valueMoney", ISSUE_STRUCTURE,
         NULL, NULL},
        {OBSERVATION(",\"valueQuantity\":{\"value\":\"1\"}"),
         "Observation.value.ofType(Quantity).value", ISSUE_STRUCTURE, NULL, NULL},
        {"{\"resourceType\":\"MedicationRequest\",\"status\":\"active\",\"intent\":\"order\","
         "\"subject\":{\"reference\":\"Patient/1\"}}",
         "MedicationRequest.medication", ISSUE_REQUIRED, NULL, NULL},
    };
    CHECK_ALL(rows);
}

static void reads_companions_and_padding(void **state)
{
    (void)state;
#define REASON "{\"extension\":[{\"url\":\"http://a.b/c\",\"valueCode\":\"unknown\"}]}"
    static const struct fault_case rows[] = {
        {PATIENT(",\"_birthDate\":" REASON), NULL, 0, NULL, NULL},
        {PATIENT(",\"birthDate\":\"2020\",\"_birthDate\":" REASON), NULL, 0, NULL, NULL},
        {PATIENT(",\"name\":[{\"given\":[\"a\",null],\"_given\":[null," REASON "]}]"), NULL, 0,
         NULL, NULL},
        {PATIENT(",\"name\":[{\"given\":[\"a\",null],\"_given\":[null,null]}]"),
         "Patient.name[0].given[1]", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"name\":[{\"given\":[null]}]"), "Patient.name[0].given[0]", ISSUE_STRUCTURE,
         NULL, NULL},
        {PATIENT(",\"name\":[{\"given\":[\"a\"],\"_given\":" REASON "}]"), "Patient.name[0].given",
         ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"_birthDate\":{\"id\":\"a\"}"), "Patient.birthDate", ISSUE_INVARIANT, "ele-1",
         NULL},
        {PATIENT(",\"_birthDate\":{\"_id\":" REASON "}"), "Patient.birthDate", ISSUE_INVARIANT,
         "ele-1", NULL},
        {PATIENT(",\"birthDate\":\"2020\",\"_birthDate\":{\"id\":\"a\"}"), NULL, 0, NULL, NULL},
        {PATIENT(",\"birthDate\":\"2020\",\"_birthDate\":null"), "Patient.birthDate",
         ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"birthDate\":null,\"_birthDate\":" REASON), "Patient.birthDate",
         ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"_birthDate\":null"), "Patient.birthDate", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"name\":[{\"given\":[\"a\"],\"_given\":null}]"), "Patient.name[0].given",
         ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"name\":[{\"given\":null,\"_given\":[" REASON "]}]"), "Patient.name[0].given",
         ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"birthDate\":\"2020\",\"_birthDate\":{\"extension\":null}"),
         "Patient.birthDate.extension", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"birthDate\":\"2020\",\"_birthDate\":{\"id\":null}"), "Patient.birthDate.id",
         ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"name\":[{\"given\":[null,\"b\"],\"_given\":[" REASON ",null]}]"), NULL, 0,
         NULL, NULL},
        {OBSERVATION(",\"valueString\":\"a\",\"_valueString\":null"),
         "Observation.value.ofType(string)", ISSUE_STRUCTURE, NULL, NULL},
        {OBSERVATION(",\"valueQuantity\":null"), "Observation.value.ofType(Quantity)",
         ISSUE_STRUCTURE, NULL, NULL},
        {OBSERVATION(",\"contained\":[null]"), "Observation.contained[0]", ISSUE_STRUCTURE, NULL,
         NULL},
        {PATIENT(",\"_birthDate\":{}"), "Patient.birthDate", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"_birthDate\":{\"value\":\"a\"}"), "Patient.birthDate.value", ISSUE_STRUCTURE,
         NULL, NULL},
        {PATIENT(",\"_birthDate\":\"a\""), "Patient.birthDate", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"_name\":[{\"id\":\"a\"}]"), "Patient._name", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"_foo\":{}"), "Patient._foo", ISSUE_STRUCTURE, NULL, NULL},
        {PATIENT(",\"_birthDate\":{\"extension\":[{\"url\":\"http://a.b/c\"}]}"),
         "Patient.birthDate.extension[0]", ISSUE_INVARIANT, "ext-1", NULL},
    };
    CHECK_ALL(rows);
}

static void checks_values_and_codes(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {PATIENT(",\"birthDate\":\"2021-02-29\""), "Patient.birthDate", ISSUE_VALUE, NULL, NULL},
        {PATIENT(",\"id\":\"a_b\""), "Patient.id", ISSUE_VALUE, NULL, NULL},
        {PATIENT(",\"gender\":\"femal\""), "Patient.gender", ISSUE_CODE_INVALID, NULL, "female"},
        {PATIENT(",\"gender\":\"female\""), NULL, 0, NULL, NULL},
        {PATIENT(",\"multipleBirthInteger\":1.5"), "Patient.multipleBirth.ofType(integer)",
         ISSUE_VALUE, NULL, NULL},
        {PATIENT(",\"text\":{\"status\":\"generated\",\"div\":\"<div>x</div>\"}"),
         "Patient.text.div", ISSUE_INVALID, NULL, NULL},
        {PATIENT(",\"text\":{\"status\":\"generated\",\"div\":\"<div "
                 "xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><script>x</script></div>\"}"),
         "Patient.text.div", ISSUE_INVARIANT, "txt-1", NULL},
        {PATIENT(",\"maritalStatus\":{\"id\":\"a\"}"), "Patient.maritalStatus", ISSUE_INVARIANT,
         "ele-1", NULL},
        {PATIENT(",\"maritalStatus\":{\"_id\":" REASON "}"), "Patient.maritalStatus",
         ISSUE_INVARIANT, "ele-1", NULL},
        {PATIENT(",\"maritalStatus\":{\"id\":\"a\",\"extension\":[{\"url\":\"http://a.b/c\","
                 "\"valueCode\":\"x\"}]}"),
         NULL, 0, NULL, NULL},
        {PATIENT(",\"maritalStatus\":{\"coding\":[{\"code\":\"\u00a0\"}]}"),
         "Patient.maritalStatus.coding[0].code", ISSUE_VALUE, NULL, NULL},
        {OBSERVATION(",\"referenceRange\":[{\"low\":{\"value\":1,\"comparator\":\"<\"}}]"),
         "Observation.referenceRange[0].low", ISSUE_INVARIANT, "sqty-1", NULL},
        {OBSERVATION(",\"valueQuantity\":{\"value\":1,\"comparator\":\"<\"}"), NULL, 0, NULL, NULL},
    };
    CHECK_ALL(rows);
}

#define CONDITION(status)                                                                          \
    "{\"resourceType\":\"Condition\",\"subject\":{\"reference\":\"Patient/1\"},"                   \
    "\"clinicalStatus\":" status "}"
#define CLINICAL "http://terminology.hl7.org/CodeSystem/condition-clinical"

static void assert_warns(const char *text, const char *path)
{
    struct issue_list issues = check(text);
    size_t found = 0;
    for (size_t i = 0; i < issues.count; i++)
        found +=
            text_equal(issues.items[i].path, path) && issues.items[i].severity == ISSUE_WARNING;
    assert_int_equal(found, 1);
    assert_null(first_error(&issues));
}

static void warns_of_what_others_let_pass(void **state)
{
    (void)state;
    assert_warns(PATIENT(",\"name\":[{\"text\":\"\u00a0\u3000\"}]"), "Patient.name[0].text");
    assert_warns(OBSERVATION(",\"subject\":{\"reference\":\"urn:uuid:1234\"}"),
                 "Observation.subject.reference");
    assert_warns(OBSERVATION(",\"subject\":{\"reference\":\"urn:oid:1.x\"}"),
                 "Observation.subject.reference");
}

#define CODE_SYSTEM(more)                                                                          \
    "{\"resourceType\":\"CodeSystem\",\"url\":\"http://a.b/c\",\"status\":\"draft\"," more "}"
#define PARAMETER(more)                                                                            \
    "{\"resourceType\":\"SearchParameter\",\"url\":\"http://a.b/c\",\"name\":\"C\","               \
    "\"status\":\"draft\",\"description\":\"c\",\"code\":\"c\"," more "}"
#define OWN "http://hl7.org/fhir/SearchParameter/"
#define PART "{\"definition\":\"http://a.b/d\",\"expression\":\"d\"}"
#define SERVER(definition, type)                                                                   \
    "{\"resourceType\":\"CapabilityStatement\",\"status\":\"draft\",\"date\":\"2020\","            \
    "\"kind\":\"requirements\",\"description\":\"c\",\"fhirVersion\":\"4.0.1\",\"format\":["       \
    "\"json\"],\"rest\":[{"                                                                        \
    "\"mode\":\"server\",\"resource\":[{\"type\":\"Patient\",\"searchParam\":[{\"name\":"          \
    "\"birthdate\",\"definition\":\"" definition "\",\"type\":\"" type "\"}]}]}]}"

static void checks_what_definitions_say(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {CODE_SYSTEM("\"supplements\":\"http://a.b/d\",\"content\":\"supplement\""), NULL, 0, NULL,
         NULL},
        {CODE_SYSTEM("\"supplements\":\"http://a.b/d\",\"content\":\"complete\""),
         "CodeSystem.content", ISSUE_INVALID, NULL, NULL},
        {PARAMETER("\"base\":[\"Patient\"],\"type\":\"composite\",\"expression\":\"a\","
                   "\"component\":[" PART "," PART "]"),
         NULL, 0, NULL, NULL},
        {PARAMETER("\"base\":[\"Patient\"],\"type\":\"composite\",\"expression\":\"a\","
                   "\"component\":[" PART "]"),
         "SearchParameter.component", ISSUE_INVALID, NULL, NULL},
        {PARAMETER("\"base\":[\"Organization\"],\"type\":\"string\",\"derivedFrom\":\"" OWN
                   "Organization-name\""),
         NULL, 0, NULL, NULL},
        {PARAMETER("\"base\":[\"Organization\"],\"type\":\"token\",\"derivedFrom\":\"" OWN
                   "Organization-name\""),
         "SearchParameter.type", ISSUE_INVALID, NULL, NULL},
        {PARAMETER("\"base\":[\"Organization\",\"Patient\"],\"type\":\"string\",\"derivedFrom\":"
                   "\"" OWN "Organization-name\""),
         "SearchParameter.base[1]", ISSUE_INVALID, NULL, NULL},
        {PARAMETER("\"base\":[\"Patient\"],\"type\":\"token\",\"derivedFrom\":\"" OWN "x\""), NULL,
         0, NULL, NULL},
        {SERVER(OWN "individual-birthdate", "date"), NULL, 0, NULL, NULL},
        {SERVER(OWN "Patient-active|4.0.1", "token"), NULL, 0, NULL, NULL},
        {SERVER(OWN "Patient-active|4.0.1", "date"),
         "CapabilityStatement.rest[0].resource[0].searchParam[0].type", ISSUE_INVALID, NULL, NULL},
    };
    CHECK_ALL(rows);
}

#define LINK(to)                                                                                   \
    PATIENT(",\"text\":{\"status\":\"generated\",\"div\":\"<div "                                  \
            "xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><p id=\\\"a\\\">x</p><a "                  \
            "href=\\\"#" to "\\\">y</a></div>\"},\"maritalStatus\":{\"id\":\"m\",\"text\":\"x\"}")

static void checks_where_narratives_link_to(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {LINK("a"), NULL, 0, NULL, NULL},
        {LINK("m"), NULL, 0, NULL, NULL},
        {LINK(""), NULL, 0, NULL, NULL},
        {LINK("b"), "Patient.text.div", ISSUE_INVALID, NULL, NULL},
    };
    CHECK_ALL(rows);
}

static void checks_concepts_with_their_system(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {CONDITION("{\"coding\":[{\"system\":\"" CLINICAL "\",\"code\":\"active\"}]}"), NULL, 0,
         NULL, NULL},
        {CONDITION("{\"coding\":[{\"system\":\"http://x.y\",\"code\":\"1\"},{\"system\":\"" CLINICAL
                   "\",\"code\":\"active\"}]}"),
         NULL, 0, NULL, NULL},
        {CONDITION("{\"coding\":[{\"system\":\"http://x.y\",\"code\":\"active\"}]}"),
         "Condition.clinicalStatus.coding[0].system", ISSUE_CODE_INVALID, NULL, NULL},
        {CONDITION("{\"coding\":[{\"code\":\"active\"}]}"),
         "Condition.clinicalStatus.coding[0].system", ISSUE_CODE_INVALID, NULL, NULL},
        {CONDITION("{\"coding\":[{\"system\":\"" CLINICAL "\",\"code\":\"activ\"}]}"),
         "Condition.clinicalStatus.coding[0].code", ISSUE_CODE_INVALID, NULL, "active"},
        {CONDITION("{\"text\":\"active\"}"), "Condition.clinicalStatus", ISSUE_CODE_INVALID, NULL,
         NULL},
    };
    CHECK_ALL(rows);
}

#define SUBJECT(reference) OBSERVATION(",\"subject\":{" reference "}")

static void checks_references(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {SUBJECT("\"reference\":\"Patient/1\""), NULL, 0, NULL, NULL},
        {SUBJECT("\"reference\":\"Patient/1/_history/2\""), NULL, 0, NULL, NULL},
        {SUBJECT("\"reference\":\"http://a.b/fhir/Patient/1\",\"type\":\"Patient\""), NULL, 0, NULL,
         NULL},
        {SUBJECT("\"reference\":\"urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7\""), NULL, 0, NULL,
         NULL},
        {SUBJECT("\"display\":\"somebody\""), NULL, 0, NULL, NULL},
        {SUBJECT("\"reference\":\"urn:uuid:1234\""), NULL, 0, NULL, NULL},
        {SUBJECT("\"reference\":\"http://a.b/Patient/1 2\""), "Observation.subject.reference",
         ISSUE_VALUE, NULL, NULL},
        {SUBJECT("\"reference\":\"Patient?identifier=a|b\""), NULL, 0, NULL, NULL},
        {SUBJECT("\"reference\":\"Practitioner/1\""), "Observation.subject.reference",
         ISSUE_STRUCTURE, NULL, NULL},
        {SUBJECT("\"reference\":\"http://a.b/fhir/Practitioner/1\""),
         "Observation.subject.reference", ISSUE_STRUCTURE, NULL, NULL},
        {SUBJECT("\"reference\":\"some patient\""), "Observation.subject.reference", ISSUE_VALUE,
         NULL, NULL},
        {SUBJECT("\"reference\":\"Patien/1\""), "Observation.subject.reference", ISSUE_VALUE, NULL,
         NULL},
        {SUBJECT("\"reference\":\"Patient/\""), "Observation.subject.reference", ISSUE_VALUE, NULL,
         NULL},
        {SUBJECT("\"reference\":\"Patient/a_b\""), "Observation.subject.reference", ISSUE_VALUE,
         NULL, NULL},
        {SUBJECT("\"type\":\"Practitioner\""), "Observation.subject.type", ISSUE_STRUCTURE, NULL,
         NULL},
        {SUBJECT("\"type\":\"Nonsense\""), "Observation.subject.type", ISSUE_VALUE, NULL, NULL},
        {SUBJECT("\"reference\":\"Patient/1\",\"type\":\"Group\""), "Observation.subject.type",
         ISSUE_STRUCTURE, NULL, NULL},
        {SUBJECT("\"reference\":\"#p\""), "Observation.subject.reference", ISSUE_INVARIANT, "ref-1",
         NULL},
    };
    CHECK_ALL(rows);
}

#define CONTAINED(id, more)                                                                        \
    "\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"" id "\"" more "}]"

static void checks_contained_resources(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {OBSERVATION("," CONTAINED("p", ",\"active\":true") ",\"subject\":{\"reference\":\"#p\"}"),
         NULL, 0, NULL, NULL},
        {OBSERVATION("," CONTAINED("pat", "") ",\"subject\":{\"reference\":\"#pta\"}"),
         "Observation.contained[0]", ISSUE_INVARIANT, "dom-3", NULL},
        {OBSERVATION("," CONTAINED("p", ",\"link\":[{\"type\":\"refer\",\"other\":{\"reference\":"
                                        "\"#\"}}]")),
         "Observation.contained[0].link[0].other.reference", ISSUE_STRUCTURE, NULL, NULL},
        {OBSERVATION("," CONTAINED("p", ",\"meta\":{\"versionId\":\"1\"}") ",\"subject\":{"
                                                                           "\"reference\":\"#p\"}"),
         "Observation.contained[0].meta.versionId", ISSUE_INVARIANT, "dom-4", NULL},
        {OBSERVATION("," CONTAINED(
             "p",
             ",\"meta\":{\"security\":[{\"code\":\"R\"}]}") ","
                                                            "\"subject\":{\"reference\":\"#p\"}"),
         "Observation.contained[0].meta.security", ISSUE_INVARIANT, "dom-5", NULL},
        {OBSERVATION("," CONTAINED("p", "," CONTAINED("q", "")) ",\"subject\":{\"reference\":"
                                                                "\"#p\"}"),
         "Observation.contained[0].contained", ISSUE_INVARIANT, "dom-2", NULL},
        {OBSERVATION("," CONTAINED("p", ",\"gender\":\"x\"") ",\"subject\":{\"reference\":\"#p\"}"),
         "Observation.contained[0].gender", ISSUE_CODE_INVALID, NULL, NULL},
        {OBSERVATION(",\"contained\":[{\"resourceType\":\"Medication\",\"id\":\"m\"}],"
                     "\"subject\":{\"reference\":\"#m\"}"),
         "Observation.subject.reference", ISSUE_STRUCTURE, NULL, NULL},
    };
    CHECK_ALL(rows);
}

static void checks_extensions(void **state)
{
    (void)state;
#define EXTENSION(inside) PATIENT(",\"extension\":[{" inside "}]")
    static const struct fault_case rows[] = {
        {EXTENSION("\"url\":\"http://a.b/c\",\"valueString\":\"x\""), NULL, 0, NULL, NULL},
        {EXTENSION("\"url\":\"http://a.b/c\",\"extension\":[{\"url\":\"d\",\"valueCode\":\"e\"}]"),
         NULL, 0, NULL, NULL},
        {EXTENSION("\"url\":\"http://a.b/c\""), "Patient.extension[0]", ISSUE_INVARIANT, "ext-1",
         NULL},
        {EXTENSION("\"url\":\"http://a.b/c\",\"valueString\":\"x\",\"extension\":[{\"url\":\"d\","
                   "\"valueCode\":\"e\"}]"),
         "Patient.extension[0]", ISSUE_INVARIANT, "ext-1", NULL},
        {EXTENSION("\"valueString\":\"x\""), "Patient.extension[0].url", ISSUE_REQUIRED, NULL,
         NULL},
        {EXTENSION("\"url\":\"c\",\"valueString\":\"x\""), "Patient.extension[0].url",
         ISSUE_EXTENSION, NULL, NULL},
    };
    CHECK_ALL(rows);
    struct issue_list issues =
        check(PATIENT(",\"modifierExtension\":[{\"url\":\"http://a.b/c\",\"valueBoolean\":true}]"));
    assert_int_equal(issues.errors, 0);
    bool warned = false;
    for (size_t i = 0; i < issues.count; i++)
        warned |= issues.items[i].code == ISSUE_NOT_SUPPORTED;
    assert_true(warned);
}

#define UUID1 "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"
#define UUID2 "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b8"
#define UUID3 "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b9"
#define ENTRY(url, resource) "{\"fullUrl\":\"" url "\",\"resource\":" resource "}"
#define HEADER(focus)                                                                              \
    "{\"resourceType\":\"MessageHeader\",\"eventUri\":\"http://a.b/e\",\"source\":{\"endpoint\":"  \
    "\"http://a.b/\"},\"focus\":[{\"reference\":\"" focus "\"}]}"
#define MESSAGE(entries)                                                                           \
    "{\"resourceType\":\"Bundle\",\"type\":\"message\",\"entry\":[" entries "]}"
#define LOCAL_PATIENT "{\"resourceType\":\"Patient\",\"active\":true}"

static void checks_bundles(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {MESSAGE(ENTRY(UUID1, HEADER(UUID2)) "," ENTRY(UUID2, LOCAL_PATIENT)), NULL, 0, NULL, NULL},
        {MESSAGE(ENTRY(UUID1, HEADER(UUID3)) "," ENTRY(UUID2, LOCAL_PATIENT)),
         "Bundle.entry[0].resource.focus[0].reference", ISSUE_NOT_FOUND, NULL, NULL},
        {MESSAGE(ENTRY(UUID2, LOCAL_PATIENT)), "Bundle", ISSUE_INVARIANT, "bdl-12", NULL},
        {"{\"resourceType\":\"Bundle\",\"type\":\"message\"}", "Bundle.entry", ISSUE_INVALID, NULL,
         NULL},
        {MESSAGE(ENTRY(UUID1, HEADER(UUID2)) "," ENTRY(UUID2, LOCAL_PATIENT) "," ENTRY(
             UUID2, LOCAL_PATIENT)),
         "Bundle", ISSUE_INVARIANT, "bdl-7", NULL},
        {MESSAGE(ENTRY(UUID1, HEADER(UUID2)) ",{\"resource\":" LOCAL_PATIENT "}"),
         "Bundle.entry[0].resource.focus[0].reference", ISSUE_NOT_FOUND, NULL, NULL},
        {"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{"
         "\"resource\":" LOCAL_PATIENT "}]}",
         "Bundle.entry[0].fullUrl", ISSUE_INVALID, NULL, NULL},
        {"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[" ENTRY(
             "Patient/1", LOCAL_PATIENT) "]}",
         "Bundle.entry[0].fullUrl", ISSUE_INVALID, NULL, NULL},
        {"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[" ENTRY(
             "http://a.b/Patient/1", "{\"resourceType\":\"Patient\",\"id\":\"2\"}") "]}",
         "Bundle.entry[0].fullUrl", ISSUE_INVALID, NULL, NULL},
        {"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"total\":1}", "Bundle",
         ISSUE_INVARIANT, "bdl-1", NULL},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{"
         "\"resource\":" LOCAL_PATIENT ",\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}}]}",
         NULL, 0, NULL, NULL},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{"
         "\"resource\":" LOCAL_PATIENT "}]}",
         "Bundle", ISSUE_INVARIANT, "bdl-3", NULL},
        {"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[" ENTRY(
             UUID1, "{\"resourceType\":\"Patient\",\"gender\":\"x\"}") "]}",
         "Bundle.entry[0].resource.gender", ISSUE_CODE_INVALID, NULL, NULL},
    };
    CHECK_ALL(rows);
}

static void resolves_relative_references_by_the_base_of_the_entry(void **state)
{
    (void)state;
#define SERVER_HEADER(focus)                                                                       \
    "{\"resourceType\":\"MessageHeader\",\"id\":\"h\",\"eventUri\":\"http://a.b/e\",\"source\":{"  \
    "\"endpoint\":\"http://a.b/\"},\"focus\":[{\"reference\":\"" focus "\"}]}"
#define PATIENT_1 "{\"resourceType\":\"Patient\",\"id\":\"1\",\"active\":true}"
    static const struct fault_case rows[] = {
        {MESSAGE(ENTRY("http://a.b/MessageHeader/h",
                       SERVER_HEADER("Patient/1")) "," ENTRY("http://a.b/Patient/1", PATIENT_1)),
         NULL, 0, NULL, NULL},
        {MESSAGE(ENTRY("http://a.b/MessageHeader/h",
                       SERVER_HEADER("Patient/1")) "," ENTRY("http://other/Patient/1", PATIENT_1)),
         "Bundle.entry[0].resource.focus[0].reference", ISSUE_NOT_FOUND, NULL, NULL},
        {MESSAGE(
             ENTRY(UUID1, SERVER_HEADER("Patient/1")) "," ENTRY("http://a.b/Patient/1", PATIENT_1)),
         "Bundle.entry[0].resource.focus[0].reference", ISSUE_NOT_FOUND, NULL, NULL},
        {MESSAGE(ENTRY(
             "http://a.b/MessageHeader/h",
             SERVER_HEADER("http://a.b/Patient/1/_history/4")) "," ENTRY("http://a.b/Patient/1",
                                                                         PATIENT_1)),
         NULL, 0, NULL, NULL},
    };
    CHECK_ALL(rows);
}

static void evaluates_invariants(void **state)
{
    (void)state;
    static const struct fault_case rows[] = {
        {PATIENT(",\"identifier\":[{\"period\":{\"start\":\"2020-02\",\"end\":\"2020-01\"}}]"),
         "Patient.identifier[0].period", ISSUE_INVARIANT, "per-1", NULL},
        {PATIENT(",\"identifier\":[{\"period\":{\"start\":\"2020-02-01T10:00:00Z\",\"end\":"
                 "\"2020-02-02\"}}]"),
         NULL, 0, NULL, NULL},
        {PATIENT(",\"contact\":[{\"gender\":\"male\"}]"), "Patient.contact[0]", ISSUE_INVARIANT,
         "pat-1", NULL},
        {OBSERVATION(",\"valueString\":\"a\",\"dataAbsentReason\":{\"text\":\"b\"}"), "Observation",
         ISSUE_INVARIANT, "obs-6", NULL},
        {"{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{\"code\":"
         "\"c\"}]},\"valueString\":\"a\",\"component\":[{\"code\":{\"coding\":[{\"code\":\"c\"}]},"
         "\"valueString\":\"b\"}]}",
         "Observation", ISSUE_INVARIANT, "obs-7", NULL},
        {OBSERVATION(",\"referenceRange\":[{\"type\":{\"text\":\"b\"}}]"),
         "Observation.referenceRange[0]", ISSUE_INVARIANT, "obs-3", NULL},
        {OBSERVATION(",\"component\":[{\"code\":{\"text\":\"a\"},\"referenceRange\":[{\"type\":{"
                     "\"text\":\"b\"}}]}]"),
         "Observation.component[0].referenceRange[0]", ISSUE_INVARIANT, "obs-3", NULL},
        {OBSERVATION(",\"valueQuantity\":{\"value\":1,\"code\":\"mg\"}"),
         "Observation.value.ofType(Quantity)", ISSUE_INVARIANT, "qty-3", NULL},
        {OBSERVATION(",\"valueRange\":{\"low\":{\"value\":5},\"high\":{\"value\":2}}"),
         "Observation.value.ofType(Range)", ISSUE_INVARIANT, "rng-2", NULL},
        {OBSERVATION(
             ",\"valueRange\":{\"low\":{\"value\":1,\"system\":\"http://unitsofmeasure.org\","
             "\"code\":\"mg\"},\"high\":{\"value\":2,\"unit\":\"mg\"}}"),
         NULL, 0, NULL, NULL},
        {"{\"resourceType\":\"Organization\",\"active\":true}", "Organization", ISSUE_INVARIANT,
         "org-1", NULL},
        {"{\"resourceType\":\"Organization\",\"name\":\"a\",\"telecom\":[{\"system\":\"phone\","
         "\"use\":\"home\",\"value\":\"1\"}]}",
         "Organization.telecom[0]", ISSUE_INVARIANT, "org-3", NULL},
        {"{\"resourceType\":\"Task\",\"status\":\"requested\",\"intent\":\"order\",\"authoredOn\":"
         "\"2020-02-01\",\"lastModified\":\"2020-01-01\"}",
         "Task", ISSUE_INVARIANT, "inv-1", NULL},
        {"{\"resourceType\":\"ServiceRequest\",\"status\":\"active\",\"intent\":\"order\","
         "\"subject\":{\"reference\":\"Patient/1\"},\"orderDetail\":[{\"text\":\"a\"}]}",
         "ServiceRequest", ISSUE_INVARIANT, "prr-1", NULL},
    };
    CHECK_ALL(rows);
}

static void gives_line_and_column_and_hides_values(void **state)
{
    (void)state;
    struct issue_list issues = check("{\"resourceType\":\"Patient\",\n  \"gender\": \"secret\"}");
    const struct issue *issue = first_error(&issues);
    assert_int_equal(issue->line, 2);
    assert_int_equal(issue->column, 13);
    assert_null(strstr(issue_sentence(&arena, issue), "secret"));
    arena_reset(&arena);
    issues = issue_list_new(&arena);
    issues.shows_values = true;
    const char *text = "{\"resourceType\":\"Patient\",\"gender\":\"secret\"}";
    assert_false(validate_text(validator, &arena, text, strlen(text), NULL, &issues));
    assert_non_null(strstr(issue_sentence(&arena, first_error(&issues)), "secret"));
}

static void obeys_its_options(void **state)
{
    (void)state;
    arena_reset(&arena);
    struct issue_list issues = issue_list_new(&arena);
    const char *text = PATIENT(",\"contact\":[{\"gender\":\"male\"}]");
    struct validate_options options = {.level = VALIDATE_STRUCTURE};
    assert_true(validate_text(validator, &arena, text, strlen(text), &options, &issues));
    options = (struct validate_options){.type = "Observation"};
    issues = issue_list_new(&arena);
    assert_false(validate_text(validator, &arena, text, strlen(text), &options, &issues));
    assert_int_equal(issues.items[0].code, ISSUE_STRUCTURE);
    issues = issue_list_new(&arena);
    struct json *made = json_new_object(&arena);
    json_set_text(&arena, made, "resourceType", "Patient");
    json_set_text(&arena, made, "birthDate", "x");
    assert_false(validate_resource(validator, &arena, made, NULL, &issues));
    assert_int_equal(issues.items[0].line, 0);
}

/* A narrative is good practice and asked for only on demand: what is to be mended is seen. */
static void tells_good_practice_only_to_who_asks(void **state)
{
    (void)state;
    const char *text = PATIENT(",\"active\":true");
    struct validate_options options = {.notes_best_practice = true};
    struct issue_list issues = check(text);
    assert_int_equal(issues.count, 0);
    assert_int_equal(issues.warnings, 0);
    issues = issue_list_new(&arena);
    assert_true(validate_text(validator, &arena, text, strlen(text), &options, &issues));
    assert_int_equal(issues.count, 1);
    assert_string_equal(issues.items[0].key, "dom-6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_wrong_with_the_structure),
        cmocka_unit_test(takes_exactly_one_choice),
        cmocka_unit_test(reads_companions_and_padding),
        cmocka_unit_test(checks_values_and_codes),
        cmocka_unit_test(checks_where_narratives_link_to),
        cmocka_unit_test(warns_of_what_others_let_pass),
        cmocka_unit_test(checks_what_definitions_say),
        cmocka_unit_test(checks_concepts_with_their_system),
        cmocka_unit_test(checks_references),
        cmocka_unit_test(checks_contained_resources),
        cmocka_unit_test(checks_extensions),
        cmocka_unit_test(checks_bundles),
        cmocka_unit_test(resolves_relative_references_by_the_base_of_the_entry),
        cmocka_unit_test(evaluates_invariants),
        cmocka_unit_test(gives_line_and_column_and_hides_values),
        cmocka_unit_test(obeys_its_options),
        cmocka_unit_test(tells_good_practice_only_to_who_asks),
    };
    return cmocka_run_group_tests(tests, checker_start, checker_stop);
}
