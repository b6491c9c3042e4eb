/* profile: differentials loaded from JSON, and what they add to the definitions. */
#include "fhir/validate/profile.h"

#include <stdio.h>

#include "lib/checker.h"

/* TEXT with ' for ". */
static const char *quoted(struct arena *where, const char *text)
{
    char *copy = arena_copy(where, text);
    for (char *at = copy; *at != '\0'; at++) {
        if (*at == '\'')
            *at = '"';
    }
    return copy;
}

#define BASE "http://example.org/StructureDefinition/"
#define PROFILE(name, type, base, elements)                                                        \
    "{'resourceType':'StructureDefinition','url':'" BASE name "','name':'x','status':'active',"    \
    "'kind':'resource','abstract':false,'type':'" type "','baseDefinition':'" base                 \
    "','derivation':'constraint','differential':{'element':[" elements "]}}"
#define CORE "http://hl7.org/fhir/StructureDefinition/"

static struct profile_set *load(const char *const *texts, size_t *ret_faults)
{
    struct profile_set *set = profile_set_new(&keep);
    struct finding_list findings = finding_list_new(&keep);
    for (; *texts != NULL; texts++) {
        const char *text = quoted(&keep, *texts);
        profile_set_add(set, text, strlen(text), "profile.json", &findings);
    }
    profile_set_link(set, &findings);
    struct text out = text_new(&keep, 4000);
    for (size_t i = 0; i < findings.count; i++)
        finding_print(&findings.items[i], &out);
    if (ret_faults != NULL)
        *ret_faults = findings.count;
    else if (findings.count > 0)
        fail_msg("%s", out.at);
    return set;
}

/* The first issue of a profile, or NULL. */
static const struct issue *check(const struct profile_set *set, const char *name, const char *text)
{
    arena_reset(&arena);
    const char *url = arena_print(&arena, BASE "%s", name);
    struct validate_options options = {
        .profiles = set, .profile_urls = &url, .profile_count = 1, .notes_must_support = true};
    struct issue_list issues = issue_list_new(&arena);
    const char *json = quoted(&arena, text);
    validate_text(validator, &arena, json, strlen(json), &options, &issues);
    struct issue_list *kept = arena_alloc(&arena, sizeof *kept);
    *kept = issues;
    for (size_t i = 0; i < kept->count; i++) {
        if (kept->items[i].profile != NULL)
            return &kept->items[i];
        if (kept->items[i].severity <= ISSUE_ERROR)
            fail_msg("%s: %s", text, issue_sentence(&arena, &kept->items[i]));
    }
    return NULL;
}

struct profile_case {
    const char *text;
    const char *path; /* of the first issue; NULL: none */
    const char *says; /* part of its sentence, or NULL */
};

static void check_all(const struct profile_set *set, const char *name,
                      const struct profile_case *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct issue *issue = check(set, name, rows[i].text);
        const char *sentence = issue == NULL ? "" : issue_sentence(&arena, issue);
        if (!text_equal(issue == NULL ? NULL : issue->path, rows[i].path))
            fail_msg("%s\n  wanted %s, got %s: %s", rows[i].text, rows[i].path,
                     issue == NULL ? "nothing" : issue->path, sentence);
        if (rows[i].says != NULL && strstr(sentence, rows[i].says) == NULL)
            fail_msg("%s\n  wanted \"%s\" in: %s", rows[i].text, rows[i].says, sentence);
    }
}

#define CHECK_ALL(set, name, rows) check_all(set, name, rows, sizeof(rows) / sizeof *(rows))

#define OBSERVATION(more)                                                                          \
    "{'resourceType':'Observation','status':'final','code':{'text':'x'}" more "}"
#define REQUEST(more)                                                                              \
    "{'resourceType':'ServiceRequest','status':'active','intent':'order','subject':{'reference':"  \
    "'Patient/1'}" more "}"

static void limits_and_values(void **state)
{
    (void)state;
    static const char *const texts[] = {
        PROFILE("request", "ServiceRequest", CORE "ServiceRequest",
                "{'id':'ServiceRequest','path':'ServiceRequest','constraint':[{'key':'x-1',"
                "'severity':'error','human':'a note beside a priority','expression':"
                "'priority.empty() or note.exists()'}]},"
                "{'id':'ServiceRequest.intent','path':'ServiceRequest.intent','fixedCode':'order'},"
                "{'id':'ServiceRequest.code','path':'ServiceRequest.code','min':1,"
                "'patternCodeableConcept':{'coding':[{'system':'http://a.b'}]}},"
                "{'id':'ServiceRequest.note','path':'ServiceRequest.note','max':'1'},"
                "{'id':'ServiceRequest.occurrence[x]','path':'ServiceRequest.occurrence[x]',"
                "'type':[{'code':'dateTime'}]},"
                "{'id':'ServiceRequest.subject','path':'ServiceRequest.subject','type':[{'code':"
                "'Reference','targetProfile':['" CORE "Patient']}]},"
                "{'id':'ServiceRequest.patientInstruction','path':"
                "'ServiceRequest.patientInstruction','maxLength':5},"
                "{'id':'ServiceRequest.requester','path':'ServiceRequest.requester','mustSupport':"
                "true}"),
        NULL};
    struct profile_set *set = load(texts, NULL);
#define CODE ",'code':{'coding':[{'system':'http://a.b','code':'c'}]}"
#define BY ",'requester':{'reference':'Practitioner/1'}"
    static const struct profile_case rows[] = {
        {REQUEST(CODE BY), NULL, NULL},
        {REQUEST(BY), "ServiceRequest.code", "found none code; expected at least 1"},
        {REQUEST(",'code':{'text':'x'}" BY), "ServiceRequest.code", "at least {"},
        {REQUEST(CODE BY ",'note':[{'text':'a'},{'text':'b'}]"), "ServiceRequest.note",
         "at most 1"},
        {REQUEST(CODE BY ",'occurrencePeriod':{'start':'2020'}"),
         "ServiceRequest.occurrence.ofType(Period)", "expected dateTime"},
        {REQUEST(CODE BY ",'occurrenceDateTime':'2020'"), NULL, NULL},
        {REQUEST(CODE BY ",'patientInstruction':'123456'"), "ServiceRequest.patientInstruction",
         "at most 5 characters"},
        {REQUEST(CODE BY ",'priority':'urgent'"), "ServiceRequest",
         "x-1: found content that breaks a rule; expected a note beside a priority"},
        {REQUEST(CODE), "ServiceRequest.requester", "must support"},
        {"{'resourceType':'ServiceRequest','status':'active','intent':'order','subject':{"
         "'reference':'Group/1'}" CODE BY "}",
         "ServiceRequest.subject.reference", "a reference to Patient"},
        {"{'resourceType':'ServiceRequest','status':'active','intent':'plan','subject':{"
         "'reference':'Patient/1'}" CODE BY "}",
         "ServiceRequest.intent", "exactly \"order\""},
        {"{'resourceType':'Patient'}", "Patient", "ServiceRequest"},
    };
    CHECK_ALL(set, "request", rows);
}

static void ranges_and_value_sets(void **state)
{
    (void)state;
    static const char *const texts[] = {
        PROFILE("ranged", "Observation", CORE "Observation",
                "{'id':'Observation.valueQuantity','path':'Observation.valueQuantity',"
                "'minValueQuantity':{'value':1,'system':'http://unitsofmeasure.org','code':'kg'},"
                "'maxValueQuantity':{'value':2,'system':'http://unitsofmeasure.org','code':'kg'}},"
                "{'id':'Observation.effectiveDateTime','path':'Observation.effectiveDateTime',"
                "'minValueDateTime':'2020-01-01'},"
                "{'id':'Observation.method','path':'Observation.method','binding':{'strength':"
                "'required','valueSet':'http://a.b/ValueSet/methods|1'}},"
                "{'id':'Observation.bodySite','path':'Observation.bodySite','binding':{'strength':"
                "'required','valueSet':'http://a.b/ValueSet/unknown'}}"),
        "{'resourceType':'ValueSet','url':'http://a.b/ValueSet/methods','compose':{'include':[{"
        "'system':'http://s','concept':[{'code':'x'}]},{'system':'http://whole'}]}}",
        NULL};
    struct profile_set *set = load(texts, NULL);
#define WEIGHT(value, unit)                                                                        \
    OBSERVATION(",'valueQuantity':{'value':" value                                                 \
                ",'system':'http://unitsofmeasure.org','code':'" unit "'}")
#define METHOD(system, code)                                                                       \
    OBSERVATION(",'method':{'coding':[{'system':'" system "','code':'" code "'}]}")
    static const struct profile_case rows[] = {
        {WEIGHT("1.5", "kg"), NULL, NULL},
        {WEIGHT("1500", "g"), NULL, NULL},
        {WEIGHT("0.999", "kg"), "Observation.value.ofType(Quantity)", "at least"},
        {WEIGHT("2001", "g"), "Observation.value.ofType(Quantity)", "at most"},
        {WEIGHT("5", "m"), NULL, NULL},
        {OBSERVATION(",'effectiveDateTime':'2019-12-31'"), "Observation.effective.ofType(dateTime)",
         "2020-01-01"},
        {METHOD("http://s", "x"), NULL, NULL},
        {METHOD("http://whole", "anything"), NULL, NULL},
        {METHOD("http://s", "y"), "Observation.method", "http://a.b/ValueSet/methods"},
        {METHOD("http://t", "x"), "Observation.method", "http://a.b/ValueSet/methods"},
        {OBSERVATION(",'bodySite':{'text':'anything'}"), NULL, NULL},
    };
    CHECK_ALL(set, "ranged", rows);
}

static void slices_by_value_and_pattern(void **state)
{
    (void)state;
    static const char *const texts[] = {
        PROFILE("sliced", "Observation", CORE "Observation",
                "{'id':'Observation.identifier','path':'Observation.identifier','slicing':{"
                "'discriminator':[{'type':'value','path':'system'}],'rules':'closed'}},"
                "{'id':'Observation.identifier:ours','path':'Observation.identifier','sliceName':"
                "'ours','min':1,'max':'1'},"
                "{'id':'Observation.identifier:ours.system','path':'Observation.identifier.system',"
                "'fixedUri':'http://ours'},"
                "{'id':'Observation.identifier:ours.value','path':'Observation.identifier.value',"
                "'min':1},"
                "{'id':'Observation.identifier:theirs','path':'Observation.identifier',"
                "'sliceName':'theirs'},"
                "{'id':'Observation.identifier:theirs.system','path':"
                "'Observation.identifier.system','fixedUri':'http://theirs'},"
                "{'id':'Observation.component','path':'Observation.component','slicing':{"
                "'discriminator':[{'type':'pattern','path':'code'}],'rules':'open'}},"
                "{'id':'Observation.component:low','path':'Observation.component','sliceName':"
                "'low','min':1},"
                "{'id':'Observation.component:low.code','path':'Observation.component.code',"
                "'patternCodeableConcept':{'coding':[{'code':'low'}]}},"
                "{'id':'Observation.component:low.value[x]','path':"
                "'Observation.component.value[x]','min':1,'type':[{'code':'Quantity'}]}"),
        NULL};
    struct profile_set *set = load(texts, NULL);
#define OURS ",'identifier':[{'system':'http://ours','value':'1'}"
#define LOW ",'component':[{'code':{'coding':[{'code':'low'}]}"
    static const struct profile_case rows[] = {
        {OBSERVATION(OURS "]" LOW ",'valueQuantity':{'value':1}}]"), NULL, NULL},
        {OBSERVATION(OURS ",{'system':'http://theirs'}]" LOW
                          ",'valueQuantity':{'value':1}},{'code':{'text':'free'}}]"),
         NULL, NULL},
        {OBSERVATION(LOW ",'valueQuantity':{'value':1}}]"), "Observation.identifier",
         "none identifier of the slice ours"},
        {OBSERVATION(OURS ",{'system':'http://else'}]" LOW ",'valueQuantity':{'value':1}}]"),
         "Observation.identifier[1]", "expected one of the slices ours, theirs"},
        {OBSERVATION(OURS ",{'system':'http://ours','value':'2'}]" LOW
                          ",'valueQuantity':{'value':1}}]"),
         "Observation.identifier", "2 identifier of the slice ours; expected at most 1"},
        {OBSERVATION(",'identifier':[{'system':'http://ours'}]" LOW
                     ",'valueQuantity':{'value':1}}]"),
         "Observation.identifier[0].value", "at least 1"},
        {OBSERVATION(OURS "]"), "Observation.component", "slice low"},
        {OBSERVATION(OURS "]" LOW "}]"), "Observation.component[0].value", "at least 1"},
        {OBSERVATION(OURS "]" LOW ",'valueString':'x'}]"),
         "Observation.component[0].value.ofType(string)", "expected Quantity"},
    };
    CHECK_ALL(set, "sliced", rows);
}

static void slices_by_type_existence_and_extension(void **state)
{
    (void)state;
    static const char *const texts[] = {
        PROFILE("typed", "Observation", CORE "Observation",
                "{'id':'Observation.extension','path':'Observation.extension','slicing':{"
                "'discriminator':[{'type':'value','path':'url'}],'rules':'open'}},"
                "{'id':'Observation.extension:side','path':'Observation.extension','sliceName':"
                "'side','min':1,'max':'1','type':[{'code':'Extension','profile':['" BASE
                "side']}]},"
                "{'id':'Observation.value[x]:valueQuantity','path':'Observation.value[x]',"
                "'sliceName':'valueQuantity','min':1},"
                "{'id':'Observation.value[x]:valueQuantity.unit','path':'Observation.value[x].unit'"
                ",'min':1},"
                "{'id':'Observation.performer','path':'Observation.performer','slicing':{"
                "'discriminator':[{'type':'exists','path':'display'}],'rules':'open'}},"
                "{'id':'Observation.performer:named','path':'Observation.performer','sliceName':"
                "'named','max':'1'},"
                "{'id':'Observation.performer:named.display','path':'Observation.performer.display'"
                ",'min':1},"
                "{'id':'Observation.performer:plain','path':'Observation.performer','sliceName':"
                "'plain','max':'1'},"
                "{'id':'Observation.performer:plain.display','path':'Observation.performer.display'"
                ",'max':'0'}"),
        "{'resourceType':'StructureDefinition','url':'" BASE "side','name':'x','status':'active',"
        "'kind':'complex-type','abstract':false,'type':'Extension','baseDefinition':'" CORE
        "Extension','derivation':'constraint','differential':{'element':[{'id':"
        "'Extension.valueCode','path':'Extension.valueCode','min':1,'patternCode':'left'}]}}",
        NULL};
    struct profile_set *set = load(texts, NULL);
#define SIDE ",'extension':[{'url':'" BASE "side','valueCode':'left'}]"
#define AMOUNT ",'valueQuantity':{'value':1,'unit':'m'}"
    static const struct profile_case rows[] = {
        {OBSERVATION(SIDE AMOUNT), NULL, NULL},
        {OBSERVATION(AMOUNT), "Observation.extension", "slice side"},
        {OBSERVATION(",'extension':[{'url':'" BASE "side','valueCode':'right'}]" AMOUNT),
         "Observation.extension[0].value.ofType(code)", "left"},
        {OBSERVATION(",'extension':[{'url':'" BASE "side','valueString':'left'}]" AMOUNT),
         "Observation.extension[0].value", "slice valueCode"},
        {OBSERVATION(SIDE ",'valueString':'x'"), "Observation.value", "slice valueQuantity"},
        {OBSERVATION(SIDE ",'valueQuantity':{'value':1}"),
         "Observation.value.ofType(Quantity).unit", "at least 1"},
        {OBSERVATION(SIDE AMOUNT ",'performer':[{'display':'a'},{'reference':'Patient/1'}]"), NULL,
         NULL},
        {OBSERVATION(SIDE AMOUNT ",'performer':[{'display':'a'},{'display':'b'}]"),
         "Observation.performer", "slice named"},
        {OBSERVATION(SIDE AMOUNT
                     ",'performer':[{'reference':'Patient/1'},{'reference':'Patient/2'}]"),
         "Observation.performer", "slice plain"},
    };
    CHECK_ALL(set, "typed", rows);
}

static void builds_on_other_profiles(void **state)
{
    (void)state;
    static const char *const texts[] = {
        PROFILE("child", "Patient", BASE "parent",
                "{'id':'Patient.name','path':'Patient.name','max':'1'},"
                "{'id':'Patient.identifier:npi.value','path':'Patient.identifier.value','min':1}"),
        PROFILE("parent", "Patient", CORE "Patient",
                "{'id':'Patient.name','path':'Patient.name','min':1},"
                "{'id':'Patient.identifier','path':'Patient.identifier','slicing':{'discriminator':"
                "[{'type':'value','path':'system'}],'rules':'open'}},"
                "{'id':'Patient.identifier:npi','path':'Patient.identifier','sliceName':'npi'},"
                "{'id':'Patient.identifier:npi.system','path':'Patient.identifier.system',"
                "'fixedUri':'http://npi'}"),
        PROFILE("bundle", "Bundle", CORE "Bundle",
                "{'id':'Bundle.entry','path':'Bundle.entry','slicing':{'discriminator':[{'type':"
                "'type','path':'resource'}],'rules':'open'}},"
                "{'id':'Bundle.entry:patient','path':'Bundle.entry','sliceName':'patient','min':1,"
                "'max':'1'},"
                "{'id':'Bundle.entry:patient.resource','path':'Bundle.entry.resource','min':1,"
                "'type':[{'code':'Patient','profile':['" BASE "child']}]}"),
        NULL};
    struct profile_set *set = load(texts, NULL);
    assert_int_equal(profile_set_count(set), 3);
    assert_string_equal(profile_type(profile_find(set, BASE "child")), "Patient");
    static const struct profile_case rows[] = {
        {"{'resourceType':'Patient','name':[{'text':'a'}]}", NULL, NULL},
        {"{'resourceType':'Patient','active':true}", "Patient.name", "at least 1"},
        {"{'resourceType':'Patient','name':[{'text':'a'},{'text':'b'}]}", "Patient.name",
         "at most 1"},
        {"{'resourceType':'Patient','name':[{'text':'a'}],'identifier':[{'system':'http://npi'}]}",
         "Patient.identifier[0].value", "at least 1"},
        {"{'resourceType':'Patient','name':[{'text':'a'}],'identifier':[{'system':'http://x'}]}",
         NULL, NULL},
    };
    CHECK_ALL(set, "child", rows);
#define ENTRIES(resources) "{'resourceType':'Bundle','type':'collection','entry':[" resources "]}"
#define ENTRY(n, resource)                                                                         \
    "{'fullUrl':'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b" n "','resource':" resource "}"
    static const struct profile_case bundles[] = {
        {ENTRIES(ENTRY("1", "{'resourceType':'Patient','name':[{'text':'a'}]}")), NULL, NULL},
        {ENTRIES(ENTRY("1", "{'resourceType':'Basic','code':{'text':'a'}}")), "Bundle.entry",
         "slice patient"},
        {ENTRIES(ENTRY("1", "{'resourceType':'Patient','active':true}")),
         "Bundle.entry[0].resource.name", "at least 1"},
    };
    CHECK_ALL(set, "bundle", bundles);
}

static void rules_inside_contained_resources_know_where_they_are(void **state)
{
    (void)state;
    static const char *const texts[] = {
        PROFILE("inside", "Patient", CORE "Patient",
                "{'id':'Patient.contained','path':'Patient.contained','constraint':[{'key':'x-1',"
                "'severity':'error','human':'at','expression':'%resource.active and "
                "%rootResource.active'}]},"
                "{'id':'Patient.contained.name','path':'Patient.contained.name','type':[{'code':"
                "'HumanName'}],'constraint':[{'key':'x-2','severity':'error','human':'in',"
                "'expression':'%resource.gender.exists() and %rootResource.active'}]}"),
        NULL};
    struct profile_set *set = load(texts, NULL);
#define INSIDE(more)                                                                               \
    "{'resourceType':'Patient','active':true,'contained':[{'resourceType':'Practitioner','id':"    \
    "'p','name':[{'text':'x'}]" more "}],'generalPractitioner':[{'reference':'#p'}]}"
    static const struct profile_case rows[] = {
        {INSIDE(",'gender':'male'"), NULL, NULL},
        {INSIDE(""), "Patient.contained[0].name[0]", "in"},
    };
    CHECK_ALL(set, "inside", rows);
}

static void follows_meta_profile_when_asked(void **state)
{
    (void)state;
    static const char *const texts[] = {PROFILE("named", "Patient", CORE "Patient",
                                                "{'id':'Patient.name','path':'Patient.name',"
                                                "'min':1}"),
                                        NULL};
    struct profile_set *set = load(texts, NULL);
    const char *text = quoted(&keep, "{'resourceType':'Patient','meta':{'profile':['" BASE
                                     "named','http://unknown']}}");
    struct validate_options options = {.profiles = set};
    arena_reset(&arena);
    struct issue_list issues = issue_list_new(&arena);
    assert_true(validate_text(validator, &arena, text, strlen(text), &options, &issues));
    options.checks_meta_profile = true;
    issues = issue_list_new(&arena);
    assert_false(validate_text(validator, &arena, text, strlen(text), &options, &issues));
}

static void says_what_is_wrong_with_a_profile(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{'resourceType':'StructureDefinition','url':'http://no.type'}",
        PROFILE("orphan", "Patient", BASE "nowhere", "{'id':'Patient','path':'Patient'}"),
        PROFILE("loop", "Patient", BASE "pool", "{'id':'Patient','path':'Patient'}"),
        PROFILE("pool", "Patient", BASE "loop", "{'id':'Patient','path':'Patient'}"),
        PROFILE("broken", "Patient", CORE "Patient",
                "{'id':'Patient','path':'Patient','constraint':[{'key':'k','expression':'a and "
                "('}]}"),
        PROFILE("element", "Patient", CORE "Patient",
                "{'id':'Patient.dateOfBirth','path':'Patient.dateOfBirth','min':1}"),
        PROFILE("type", "Person2", CORE "Patient", "{'id':'Person2','path':'Person2'}"),
        "{'resourceType':'Basic','code':{}}",
        "{'a':",
        NULL};
    size_t faults;
    struct profile_set *set = load(texts, &faults);
    assert_true(faults >= 7);
    const struct issue *issue = check(set, "orphan", "{'resourceType':'Patient','active':true}");
    assert_int_equal(issue->code, ISSUE_NOT_SUPPORTED);
    issue = check(set, "nothing", "{'resourceType':'Patient','active':true}");
    assert_int_equal(issue->code, ISSUE_NOT_SUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_and_values),
        cmocka_unit_test(ranges_and_value_sets),
        cmocka_unit_test(slices_by_value_and_pattern),
        cmocka_unit_test(slices_by_type_existence_and_extension),
        cmocka_unit_test(builds_on_other_profiles),
        cmocka_unit_test(rules_inside_contained_resources_know_where_they_are),
        cmocka_unit_test(follows_meta_profile_when_asked),
        cmocka_unit_test(says_what_is_wrong_with_a_profile),
    };
    return cmocka_run_group_tests(tests, checker_start, checker_stop);
}
