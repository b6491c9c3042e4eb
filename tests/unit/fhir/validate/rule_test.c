/* validate_rule: every invariant compiles; every one that is answered without FHIRPath answers as
 * its FHIRPath does, on contexts where it holds and where it does not. */
#include "fhir/validate/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fhir/fhirpath/fhirpath.h"
#include "fhir/validate/validate_internal.h"

static struct arena arena;

static const struct fhirpath *compile(const char *expression)
{
    const struct fhirpath *compiled;
    struct fhirpath_fault fault;
    if (!fhirpath_compile(&arena, expression, &compiled, &fault))
        fail_msg("%s: %s", expression, fault.message);
    return compiled;
}

static void every_expression_compiles(void **state)
{
    (void)state;
    struct rules *rules = validation_rules_new(&arena);
    for (unsigned i = 0; i < definition_constraint_count; i++) {
        compile(definition_word(definition_constraints[i].expression));
        compile(validation_rule_expression(rules, i));
    }
    arena_reset(&arena);
}

/* ---- truth tables ---- */

static struct json *some_value(const struct definition_type *type)
{
    if (type->kind != DEFINITION_PRIMITIVE) {
        struct json *object = json_new_object(&arena);
        json_set_text(&arena, object, "id", "a");
        return object;
    }
    switch (type->primitive) {
    case PRIMITIVE_BOOLEAN:
        return json_new_boolean(&arena, false);
    case PRIMITIVE_DECIMAL:
    case PRIMITIVE_INTEGER:
    case PRIMITIVE_POSITIVEINT:
    case PRIMITIVE_UNSIGNEDINT:
        return json_new_number(&arena, "1");
    default:
        return json_new_text(&arena, "2020");
    }
}

/* An object of TYPE with the elements of the set bits of FACTS. */
static struct json *object_with(const struct definition_type *type,
                                const struct definition_presence *presence, unsigned facts)
{
    struct json *object = json_new_object(&arena);
    json_set_text(&arena, object, "id", "a");
    for (unsigned i = 0; i < presence->rank_count; i++) {
        if ((facts >> i & 1) == 0)
            continue;
        const struct definition_element *element =
            &definition_elements[type->element + presence->ranks[i]];
        const struct definition_choice *choice = &definition_choices[element->choice];
        struct json *value = some_value(definition_type_of(choice));
        if (element->is_list) {
            struct json *list = json_new_list(&arena);
            json_push(list, value);
            value = list;
        }
        json_set(&arena, object, definition_word(choice->key), value);
    }
    return object;
}

static bool path_says(const char *expression, const struct definition_type *type,
                      const struct json *context, const struct json *resource)
{
    struct fhirpath_input input = {.resource = resource, .context = context, .type = type};
    struct fhirpath_session *session = fhirpath_session_new(&arena, &input);
    struct fhirpath_fault fault;
    enum fhirpath_truth truth = fhirpath_is_true(session, compile(expression), &fault);
    if (truth == FHIRPATH_FAULTY)
        fail_msg("%s: %s", expression, fault.message);
    return truth == FHIRPATH_TRUE;
}

static void truth_tables_answer_as_their_expressions(void **state)
{
    (void)state;
    unsigned tables = 0;
    for (unsigned t = 1; t < definition_type_count; t++) {
        const struct definition_type *type = &definition_types[t];
        for (unsigned i = type->constraint; i < type->constraint + type->constraint_count; i++) {
            if (definition_presence_lists[i] == 0)
                continue;
            const struct definition_presence *presence =
                &definition_presences[definition_presence_lists[i]];
            const char *expression =
                definition_word(definition_constraints[definition_constraint_lists[i]].expression);
            for (unsigned facts = 0; facts < 1u << presence->rank_count; facts++) {
                struct json *object = object_with(type, presence, facts);
                bool table = (presence->truth >> facts & 1) != 0;
                if (path_says(expression, type, object, object) != table)
                    fail_msg("%s with children %x: %s", definition_type_name(type), facts,
                             expression);
            }
            arena_reset(&arena);
            tables++;
        }
    }
    assert_true(tables >= 69);
}

/* ---- native rules ---- */

struct native_case {
    const char *key;  /* of the rule */
    const char *type; /* of the context */
    const char *text; /* the context */
    bool holds;
};

static const struct native_case cases[] = {
    {"bdl-1", "Bundle", "{'type':'collection'}", true},
    {"bdl-1", "Bundle", "{'type':'searchset','total':1}", true},
    {"bdl-1", "Bundle", "{'type':'history','total':1}", true},
    {"bdl-1", "Bundle", "{'type':'message','total':1}", false},
    {"bdl-2", "Bundle", "{'type':'searchset','entry':[{'search':{'mode':'match'}}]}", true},
    {"bdl-2", "Bundle", "{'type':'message','entry':[{'search':{'mode':'match'}}]}", false},
    {"bdl-2", "Bundle", "{'type':'message','entry':[{'fullUrl':'a'}]}", true},
    {"bdl-3", "Bundle", "{'type':'batch','entry':[{'request':{'url':'a'}}]}", true},
    {"bdl-3", "Bundle", "{'type':'batch','entry':[{'request':{'url':'a'}},{'fullUrl':'a'}]}",
     false},
    {"bdl-3", "Bundle", "{'type':'message','entry':[{'request':{'url':'a'}}]}", false},
    {"bdl-3", "Bundle", "{'type':'message','entry':[{'fullUrl':'a'}]}", true},
    {"bdl-3", "Bundle", "{'type':'message'}", true},
    {"bdl-4", "Bundle", "{'type':'batch-response','entry':[{'response':{'status':'1'}}]}", true},
    {"bdl-4", "Bundle", "{'type':'history','entry':[{'fullUrl':'a'}]}", false},
    {"bdl-4", "Bundle", "{'type':'message','entry':[{'response':{'status':'1'}}]}", false},
    {"bdl-7", "Bundle", "{'type':'message','entry':[{'fullUrl':'a'},{'fullUrl':'b'}]}", true},
    {"bdl-7", "Bundle", "{'type':'message','entry':[{'fullUrl':'a'},{'fullUrl':'a'}]}", false},
    {"bdl-7", "Bundle", "{'type':'history','entry':[{'fullUrl':'a'},{'fullUrl':'a'}]}", true},
    {"bdl-7", "Bundle",
     "{'type':'message','entry':[{'fullUrl':'a','resource':{'resourceType':'Basic','meta':{"
     "'versionId':'1'}}},{'fullUrl':'a','resource':{'resourceType':'Basic','meta':{'versionId':'2'"
     "}}}]}",
     true},
    {"bdl-9", "Bundle", "{'type':'document','identifier':{'system':'a','value':'b'}}", true},
    {"bdl-9", "Bundle", "{'type':'document','identifier':{'value':'b'}}", false},
    {"bdl-9", "Bundle", "{'type':'message'}", true},
    {"bdl-10", "Bundle", "{'type':'document','timestamp':'2020-01-01T00:00:00Z'}", true},
    {"bdl-10", "Bundle", "{'type':'document'}", false},
    {"bdl-10", "Bundle", "{'type':'message'}", true},
    {"bdl-11", "Bundle",
     "{'type':'document','entry':[{'resource':{'resourceType':'Composition'}}]}", true},
    {"bdl-11", "Bundle", "{'type':'document','entry':[{'resource':{'resourceType':'Basic'}}]}",
     false},
    {"bdl-11", "Bundle", "{'type':'message','entry':[{'resource':{'resourceType':'Basic'}}]}",
     true},
    {"bdl-12", "Bundle",
     "{'type':'message','entry':[{'resource':{'resourceType':'MessageHeader'}}]}", true},
    {"bdl-12", "Bundle", "{'type':'message','entry':[{'resource':{'resourceType':'Basic'}}]}",
     false},
    {"bdl-8", "Bundle.entry", "{'fullUrl':'http://a/Patient/1'}", true},
    {"bdl-8", "Bundle.entry", "{'fullUrl':'http://a/Patient/1/_history/2'}", false},
    {"drt-1", "Duration", "{'value':1}", true},
    {"drt-1", "Duration", "{'value':1,'code':'d','system':'http://unitsofmeasure.org'}", true},
    {"drt-1", "Duration", "{'code':'d','system':'http://unitsofmeasure.org'}", false},
    {"drt-1", "Duration", "{'value':1,'code':'d'}", false},
    {"drt-1", "Duration", "{'value':1,'code':'d','system':'http://other'}", false},
    {"sqty-1", "Quantity", "{'value':1}", true},
    {"sqty-1", "Quantity", "{'value':1,'comparator':'<'}", false},
    {"sqty-1", "Quantity", "{'value':1,'_comparator':{'extension':[{'url':'http://a.b/c'}]}}",
     false},
    {"tim-4", "Timing.repeat", "{'duration':0}", true},
    {"tim-4", "Timing.repeat", "{'duration':-0.0}", true},
    {"tim-4", "Timing.repeat", "{'duration':-0.01}", false},
    {"tim-4", "Timing.repeat", "{'duration':-1e-3}", false},
    {"tim-4", "Timing.repeat", "{'count':1}", true},
    {"tim-5", "Timing.repeat", "{'period':1.5}", true},
    {"tim-5", "Timing.repeat", "{'period':-1.5}", false},
    {"tim-5", "Timing.repeat", "{'count':1}", true},
    {"tim-9", "Timing.repeat", "{'offset':5,'when':['MORN','EVE']}", true},
    {"tim-9", "Timing.repeat", "{'offset':5,'when':['MORN','CD']}", false},
    {"tim-9", "Timing.repeat", "{'offset':5}", false},
    {"tim-9", "Timing.repeat", "{'when':['CD']}", true},
    {"inv-1", "Task", "{'authoredOn':'2020-01-01','lastModified':'2020-01-02'}", true},
    {"inv-1", "Task", "{'authoredOn':'2020-01-02','lastModified':'2020-01-01'}", false},
    {"inv-1", "Task", "{'authoredOn':'2020-01-02'}", true},
    {"inv-1", "Task", "{'lastModified':'2020-01-02'}", true},
    {"inv-1", "Task",
     "{'authoredOn':'2020-01-02T10:00:00Z','lastModified':'2020-01-02T11:00:00+02:00'}", false},
    {"dom-6", "Patient", "{'text':{'div':'<div/>'}}", true},
    {"dom-6", "Patient", "{'text':{'status':'generated'}}", false},
    {"dom-6", "Patient", "{'active':true}", false},
    {"obs-7", "Observation", "{'valueString':'a'}", true},
    {"obs-7", "Observation",
     "{'code':{'coding':[{'code':'a'}]},'component':[{'code':{'coding':[{'code':'a'}]}}]}", true},
    {"obs-7", "Observation",
     "{'valueString':'x','code':{'coding':[{'code':'a'},{'code':'b'}]},'component':[{'code':{"
     "'coding':[{'code':'c'}]}},{'code':{'coding':[{'code':'b'}]}}]}",
     false},
    {"obs-7", "Observation",
     "{'_valueString':{'id':'x'},'code':{'coding':[{'code':'a','system':'s'}]},'component':[{"
     "'code':{'coding':[{'code':'a','system':'t'}]}}]}",
     true},
    {"org-1", "Organization", "{'name':'a'}", true},
    {"org-1", "Organization", "{'identifier':[{'value':'a'}]}", true},
    {"org-1", "Organization", "{'_name':{'id':'a'}}", true},
    {"org-1", "Organization", "{'active':true}", false},
    {"org-2", "Address", "{'use':'home'}", false},
    {"org-2", "Address", "{'use':'work'}", true},
    {"org-2", "Address", "{'city':'a'}", true},
    {"org-3", "ContactPoint", "{'use':'home'}", false},
    {"org-3", "ContactPoint", "{'use':'work'}", true},
    {"per-1", "Period", "{'start':'2020-01-01'}", true},
    {"per-1", "Period", "{'end':'2020-01-01'}", true},
    {"per-1", "Period", "{'start':'2020-01-01','end':'2020-01-01'}", true},
    {"per-1", "Period", "{'start':'2020-01-02','end':'2020-01-01'}", false},
    {"per-1", "Period", "{'start':'2020','end':'2021-05'}", true},
    {"per-1", "Period", "{'start':'2022','end':'2021-05'}", false},
    {"per-1", "Period", "{'start':'2021','end':'2021-05'}", false},
    {"per-1", "Period", "{'start':'2021-05-01T10:00:00Z','end':'2021-05-01'}", false},
    {"per-1", "Period", "{'start':'2020-01-01T10:00:00Z','end':'2020-01-01T11:30:00+02:00'}",
     false},
    {"per-1", "Period", "{'start':'2020-01-01T10:00:00Z','end':'2020-01-01T12:00:00+02:00'}", true},
    {"per-1", "Period", "{'start':'2020-01-01T10:00:00Z','end':'2020-01-01T10:00:00Z'}", true},
    {"per-1", "Period", "{'start':'2020-01-01T10:00:01Z','end':'2020-01-01T10:00:00Z'}", false},
    {"per-1", "Period", "{'start':'2020-01-01T23:59:60Z','end':'2020-01-02T00:00:00Z'}", true},
    {"per-1", "Period", "{'start':'2020-01-01T10:00:00+02:00','end':'2020-01-01T11:00:00+02:00'}",
     true},
    {"per-1", "Period", "{'start':'2020-01-01T10:00:00.2Z','end':'2020-01-01T10:00:00.1Z'}", false},
};

/* The text with ' for ", parsed. */
static struct json *parse(const char *text)
{
    char *copy = arena_copy(&arena, text);
    for (char *at = copy; *at != '\0'; at++) {
        if (*at == '\'')
            *at = '"';
    }
    struct json_document document;
    struct json_fault fault;
    if (!json_parse(&arena, copy, strlen(copy), NULL, &document, &fault))
        fail_msg("%s: %s", text, fault.found);
    return document.root;
}

static const struct native_rule *native(const char *key)
{
    for (size_t i = 0; i < validation_native_rule_count; i++) {
        if (strcmp(validation_native_rules[i].key, key) == 0)
            return &validation_native_rules[i];
    }
    fail_msg("no native rule %s", key);
    return NULL;
}

/* The expression to compare a rule with; where that is known to be wrong, the corrected one. */
static const char *published(const char *key)
{
    if (strcmp(key, "tim-9") == 0) /* its `when` may repeat */
        return "offset.empty() or (when.exists() and when.where($this in ('C' | 'CM' | 'CD' | "
               "'CV')).empty())";
    if (strcmp(key, "inv-1") == 0)
        return native(key)->published;
    for (unsigned i = 0; i < definition_constraint_count; i++) {
        if (strcmp(definition_word(definition_constraints[i].key), key) == 0)
            return definition_word(definition_constraints[i].expression);
    }
    fail_msg("no invariant %s", key);
    return NULL;
}

static void native_rules_answer_as_their_expressions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct native_case *row = &cases[i];
        const struct definition_type *type = definition_find(row->type);
        struct json *context = parse(row->text);
        if (type->kind == DEFINITION_RESOURCE)
            json_set_text(&arena, context, "resourceType", row->type);
        struct scope scope = {.resource = context, .type = type};
        struct validator validator = {.arena = &arena};
        struct validate_options options = {.notes_best_practice = true};
        struct validation run = {
            .validator = &validator, .arena = &arena, .scope = &scope, .options = &options};
        struct subject subject = {.node = context, .type = type};
        if (native(row->key)->holds(&run, &subject) != row->holds)
            fail_msg("native %s on %s", row->key, row->text);
        if (path_says(published(row->key), type, context, context) != row->holds)
            fail_msg("FHIRPath %s on %s", row->key, row->text);
        arena_reset(&arena);
    }
}

static bool has_case(const char *key, bool holds)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].holds == holds && strcmp(cases[i].key, key) == 0)
            return true;
    }
    return false;
}

static bool by_the_walk(const char *key)
{
    static const char *const keys[] = {"dom-2", "dom-3", "dom-4", "dom-5",
                                       "ele-1", "ref-1", "txt-1", "txt-2"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

static void every_native_rule_is_proved_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < validation_native_rule_count; i++) {
        const char *key = validation_native_rules[i].key;
        if (!by_the_walk(key) && !(has_case(key, true) && has_case(key, false)))
            fail_msg("%s has no case for both answers", key);
    }
}

/* ---- rules that certainly hold ---- */

struct sure_case {
    const char *key;
    const char *type;
    const char *text;
    bool is_sure;
    bool holds; /* as FHIRPath says */
};

#define STATUS(code)                                                                               \
    "'verificationStatus':{'coding':[{'system':"                                                   \
    "'http://terminology.hl7.org/CodeSystem/condition-ver-status','code':'" code "'}]}"
#define SCOPE(code) "{'scope':{'coding':[{'system':'something','code':'" code "'}]}"

static const struct sure_case sure_cases[] = {
    {"con-3", "Condition", "{'clinicalStatus':{'text':'a'}}", true, true},
    {"con-3", "Condition", "{'id':'a'}", false, true},
    {"con-3", "Condition",
     "{'category':[{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/condition-category',"
     "'code':'problem-list-item'}]}]}",
     false, false},
    {"con-4", "Condition", "{'clinicalStatus':{'text':'a'}}", true, true},
    {"con-4", "Condition", "{'abatementString':'a'}", false, false},
    {"con-4", "Condition", "{'_abatementString':{'extension':[{'url':'http://a.b/c'}]}}", false,
     false},
    {"con-5", "Condition", "{" STATUS("confirmed") ",'clinicalStatus':{'text':'a'}}", true, true},
    {"con-5", "Condition", "{" STATUS("entered-in-error") "}", false, true},
    {"con-5", "Condition", "{" STATUS("entered-in-error") ",'clinicalStatus':{'text':'a'}}", false,
     false},
    {"con-5", "Condition", "{'verificationStatus':{'coding':[{'code':'confirmed'},{'id':'a'}]}}",
     false, true},
    {"con-5", "Condition", "{'clinicalStatus':{'text':'a'}}", true, true},
    {"con-5", "Condition", "{'verificationStatus':{'text':'a'},'clinicalStatus':{'text':'a'}}",
     true, true},
    {"ppc-2", "Consent", SCOPE("patient-privacy") ",'patient':{'display':'a'}}", true, true},
    {"ppc-2", "Consent", SCOPE("patient-privacy") "}", false, false},
    {"ppc-3", "Consent", SCOPE("research") ",'patient':{'display':'a'}}", true, true},
    {"ppc-3", "Consent", SCOPE("research") "}", false, false},
    {"ppc-4", "Consent", SCOPE("adr") ",'patient':{'display':'a'}}", true, true},
    {"ppc-4", "Consent", SCOPE("adr") "}", false, false},
    {"ppc-5", "Consent", SCOPE("treatment") ",'patient':{'display':'a'}}", true, true},
    {"ppc-5", "Consent", SCOPE("treatment") "}", false, false},
};

static const struct sure_rule *sure(const char *key)
{
    size_t i = 0;
    while (i < validation_sure_rule_count && strcmp(validation_sure_rules[i].key, key) != 0)
        i++;
    assert_true(i < validation_sure_rule_count);
    return &validation_sure_rules[i];
}

static const char *expression_of(const char *key)
{
    const struct rules *rules = validation_rules_new(&arena);
    unsigned i = 0;
    while (strcmp(definition_word(definition_constraints[i].key), key) != 0)
        i++;
    return validation_rule_expression(rules, i);
}

static void sure_rules_hold_by_their_expressions(void **state)
{
    (void)state;
    bool proved[16] = {false};
    assert_true(validation_sure_rule_count <= sizeof proved);
    for (size_t i = 0; i < sizeof sure_cases / sizeof *sure_cases; i++) {
        const struct sure_case *row = &sure_cases[i];
        const struct definition_type *type = definition_find(row->type);
        struct json *context = parse(row->text);
        json_set_text(&arena, context, "resourceType", row->type);
        if (sure(row->key)->holds(context) != row->is_sure)
            fail_msg("sure %s on %s", row->key, row->text);
        if (path_says(expression_of(row->key), type, context, context) != row->holds)
            fail_msg("FHIRPath %s on %s", row->key, row->text);
        proved[sure(row->key) - validation_sure_rules] |= !row->holds;
        arena_reset(&arena);
    }
    for (size_t i = 0; i < validation_sure_rule_count; i++) {
        if (!proved[i])
            fail_msg("%s has no case that breaks it", validation_sure_rules[i].key);
    }
}

/* ---- rules that the walk decides ---- */

struct walk_case {
    const char *key;
    const char *type;  /* of the context of the rule */
    const char *where; /* member path of the context, NULL: the resource */
    const char *resource;
    bool holds;
};

#define REFERS(contained)                                                                          \
    "{'resourceType':'Observation','status':'final','code':{'text':'x'},'contained':[" contained   \
    "],'subject':{'reference':'#p'}}"

static const struct walk_case walk_cases[] = {
    {"dom-2", "Observation", NULL, REFERS("{'resourceType':'Patient','id':'p'}"), true},
    {"dom-2", "Observation", NULL,
     REFERS("{'resourceType':'Patient','id':'p','contained':[{'resourceType':'Basic','code':{"
            "'text':'x'}}]}"),
     false},
    {"dom-3", "Observation", NULL, REFERS("{'resourceType':'Patient','id':'p'}"), true},
    {"dom-3", "Observation", NULL,
     REFERS("{'resourceType':'Patient','id':'p'},{'resourceType':'Patient','id':'q'}"), false},
    {"dom-3", "Observation", NULL,
     REFERS("{'resourceType':'Patient','id':'p','managingOrganization':{'reference':'#o'}},{"
            "'resourceType':'Organization','id':'o','name':'x'}"),
     true},
    {"dom-3", "Observation", NULL,
     REFERS("{'resourceType':'Patient','id':'p'},{'resourceType':'Provenance','id':'q','target':[{"
            "'reference':'#'}],'recorded':'2020-01-01T00:00:00Z','agent':[{'who':{'display':'x'}}]"
            "}"),
     true},
    {"dom-4", "Observation", NULL, REFERS("{'resourceType':'Patient','id':'p'}"), true},
    {"dom-4", "Observation", NULL,
     REFERS("{'resourceType':'Patient','id':'p','meta':{'versionId':'1'}}"), false},
    {"dom-4", "Observation", NULL,
     REFERS("{'resourceType':'Patient','id':'p','meta':{'lastUpdated':'2020-01-01T00:00:00Z'}}"),
     false},
    {"dom-5", "Observation", NULL,
     REFERS("{'resourceType':'Patient','id':'p','meta':{'security':[{'code':'R'}]}}"), false},
    {"dom-5", "Observation", NULL,
     REFERS("{'resourceType':'Patient','id':'p','meta':{'tag':[{'code':'R'}]}}"), true},
    {"ref-1", "Reference", "subject", REFERS("{'resourceType':'Patient','id':'p'}"), true},
    {"ref-1", "Reference", "subject",
     "{'resourceType':'Observation','status':'final','code':{'text':'x'},'subject':{'reference':"
     "'#p'}}",
     false},
    {"ref-1", "Reference", "subject",
     "{'resourceType':'Observation','status':'final','code':{'text':'x'},'subject':{'reference':"
     "'Patient/p'}}",
     true},
    {"ele-1", "CodeableConcept", "code",
     "{'resourceType':'Observation','status':'final','code':{'text':'x'}}", true},
    {"ele-1", "CodeableConcept", "code",
     "{'resourceType':'Observation','status':'final','code':{'id':'x'}}", false},
    {"ele-1", "CodeableConcept", "code",
     "{'resourceType':'Observation','status':'final','code':{'id':'x','extension':[{'url':"
     "'http://a.b/c','valueCode':'x'}]}}",
     true},
};

static bool validator_says(const struct walk_case *row, const struct json *resource)
{
    struct validator *validator = validator_new(&arena);
    struct issue_list issues = issue_list_new(&arena);
    validate_resource(validator, &arena, resource, NULL, &issues);
    for (size_t i = 0; i < issues.count; i++) {
        if (issues.items[i].key != NULL && strcmp(issues.items[i].key, row->key) == 0)
            return false;
    }
    return true;
}

static void the_walk_decides_as_the_expressions_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof walk_cases / sizeof *walk_cases; i++) {
        const struct walk_case *row = &walk_cases[i];
        struct json *resource = parse(row->resource);
        const struct json *context = row->where == NULL ? resource : json_get(resource, row->where);
        if (validator_says(row, resource) != row->holds)
            fail_msg("validator: %s on %s", row->key, row->resource);
        if (path_says(published(row->key), definition_find(row->type), context, resource) !=
            row->holds)
            fail_msg("FHIRPath: %s on %s", row->key, row->resource);
        arena_reset(&arena);
    }
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_expression_compiles),
        cmocka_unit_test(truth_tables_answer_as_their_expressions),
        cmocka_unit_test(native_rules_answer_as_their_expressions),
        cmocka_unit_test(every_native_rule_is_proved_both_ways),
        cmocka_unit_test(sure_rules_hold_by_their_expressions),
        cmocka_unit_test(the_walk_decides_as_the_expressions_do),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
