/* message_standing: what modifier elements of valid messages do. Each case is a message that would
 * be filed whole, with one element more or another code: nothing of it becomes a plain fact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/mapping.h"

struct world {
    struct arena arena;
    struct fhir_context context;
    struct finding_list findings;
    struct message_inbound in;
};

/* Single quotes stand for double ones; @1, @2 are the pieces that a case puts in. */
static struct json *parse(struct arena *arena, const char *quoted, const char *one,
                          const char *other)
{
    struct json_document document;
    struct json_fault fault;
    struct text text = text_new(arena, 1 << 16);
    for (const char *at = quoted; *at != '\0'; at++) {
        if (at[0] == '@' && (at[1] == '1' || at[1] == '2')) {
            text_add(&text, at[1] == '1' ? one : other);
            at++;
        } else {
            text_add_n(&text, at, 1);
        }
    }
    for (char *at = text.at; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    if (!json_parse(arena, text.at, text.length, NULL, &document, &fault))
        fail_msg("%s at %d:%d in %s", fault.found, fault.line, fault.column, text.at);
    return document.root;
}

static bool take(struct world *world, const char *message, const char *one, const char *other)
{
    memset(world, 0, sizeof *world);
    world->context = mapping_context(&world->arena, mapping_directory(&world->arena), "standing");
    world->findings = finding_list_new(&world->arena);
    bool is_read = message_read(&world->context, parse(&world->arena, message, one, other),
                                &world->in, &world->findings);
    return is_read && world->in.content != MESSAGE_REFUSED;
}

/* "diagnoses[0].standing" of the record; NULL: there is no such text. */
static const char *at(const struct json *node, const char *path)
{
    char name[64];
    while (node != NULL && *path != '\0') {
        size_t length = strcspn(path, ".[");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        node = length == 0 ? node : json_get(node, name);
        path += length;
        if (*path == '[') {
            node = json_at(node, strtoul(path + 1, NULL, 10));
            path = strchr(path, ']') + 1;
        }
        path += *path == '.';
    }
    return json_text(node) != NULL ? json_text(node) : json_number(node);
}

/* What is told at PATH, which says WORDS (NULL: anything). */
static bool is_told(const struct world *world, const char *path, const char *words)
{
    const struct json *list =
        world->in.record != NULL ? json_get(world->in.record, "received") : world->in.received;
    for (const struct json *entry = json_first(list); entry != NULL; entry = json_next(entry)) {
        const char *text = json_get_text(entry, "text");
        if (text_equal(json_get_text(entry, "path"), path) &&
            (words == NULL || (text != NULL && strstr(text, words) != NULL)))
            return true;
    }
    return false;
}

#define HEADER(event)                                                                              \
    "{'resource':{'resourceType':'MessageHeader','id':'h','eventCoding':{'system':"                \
    "'https://refgate.invalid/fhir/CodeSystem/message-event','code':'" event "'},"                 \
    "'sender':{'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':'9900000024'}},"    \
    "'source':{'endpoint':'https://lakeside.example/fhir'}}}"
#define PATIENT                                                                                    \
    ",{'resource':{'resourceType':'Patient','id':'p1','identifier':[{'value':'77'}],"              \
    "'name':[{'family':'Roe'}],'birthDate':'1980-02-03'@2}}"
#define SUBJECT "'subject':{'reference':'Patient/p1'}"
#define BUNDLE(entries)                                                                            \
    "{'resourceType':'Bundle','id':'b','type':'message','timestamp':'2026-10-01T10:00:00Z',"       \
    "'entry':[" entries "]}"
#define LOINC(code) "'code':{'coding':[{'system':'http://loinc.org','code':'" code "'}]}"

/* An order with everything beside it, in which @1 stands for more entries. */
#define ORDER(members)                                                                             \
    ",{'resource':{'resourceType':'ServiceRequest','id':'s1','identifier':[{'value':'X-1'}],"      \
    "'code':{'text':'Massage'},'authoredOn':'2026-09-30T09:00:00Z'," SUBJECT "," members "}}"
static const char referral[] =
    BUNDLE(HEADER("add-service-request") ORDER("'status':'active','intent':'order'") PATIENT "@1");
static const char order[] = BUNDLE(HEADER("add-service-request") ORDER("@1") PATIENT);

/* A note in which @1 stands for more entries. */
#define NOTE(members)                                                                              \
    ",{'resource':{'resourceType':'Composition','id':'c1','type':{'coding':[{'system':"            \
    "'http://loinc.org','code':'11506-3'}]},'date':'2026-09-30T09:00:00Z','title':'Note',"         \
    "'author':[{'display':'Dr. X'}]," SUBJECT "," members "}}"
static const char note[] =
    BUNDLE(HEADER("notify-add-service-record") NOTE("'status':'final'") PATIENT "@1");
static const char composition[] = BUNDLE(HEADER("notify-add-service-record") NOTE("@1") PATIENT);

/* ---- what must not be filed at all ---- */

static void an_order_that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *members, *at;
    } cases[] = {
        {"'status':'active','intent':'order','doNotPerform':true", "ServiceRequest.doNotPerform"},
        {"'status':'active','intent':'order','_doNotPerform':{'id':'x'}",
         "ServiceRequest.doNotPerform"},
        {"'status':'draft','intent':'order'", "ServiceRequest.status"},
        {"'status':'unknown','intent':'order'", "ServiceRequest.status"},
        {"'_status':{'id':'x'},'intent':'order'", "ServiceRequest.status"},
        {"'status':'active','intent':'option'", "ServiceRequest.intent"},
        {"'status':'active','intent':'directive'", "ServiceRequest.intent"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        if (take(&world, order, cases[i].members, ""))
            fail_msg("%s was taken", cases[i].members);
        assert_int_equal(world.findings.count, 0);
        assert_string_equal(world.in.refused_at, cases[i].at);
        assert_null(world.in.record);
        arena_free(&world.arena);
    }
}

#define TASK(status)                                                                               \
    ",{'resource':{'resourceType':'Task','id':'t1','status':'" status "','intent':'order',"        \
    "'focus':{'reference':'ServiceRequest/s1'},'for':{'reference':'Patient/p1'}}}"

static void a_new_order_goes_by_its_task(void **state)
{
    (void)state;
    static const struct {
        const char *task;
        enum message_content content;
    } cases[] = {
        {TASK("requested"), MESSAGE_RECORD}, {TASK("accepted"), MESSAGE_RECORD},
        {TASK("draft"), MESSAGE_REFUSED},    {TASK("rejected"), MESSAGE_REFUSED},
        {TASK("failed"), MESSAGE_REFUSED},   {TASK("cancelled"), MESSAGE_RECORD_CANCEL},
        {TASK("on-hold"), MESSAGE_RECORD},   {TASK("entered-in-error"), MESSAGE_RECORD_CANCEL},
        {TASK("completed"), MESSAGE_RECORD}, {TASK("sundry"), MESSAGE_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        take(&world, referral, cases[i].task, "");
        if (world.in.content != cases[i].content)
            fail_msg("%s: content %d", cases[i].task, (int)world.in.content);
        bool is_fact =
            strstr(cases[i].task, "requested") != NULL || strstr(cases[i].task, "accepted") != NULL;
        bool is_told_of = !is_fact && cases[i].content != MESSAGE_REFUSED;
        assert_int_equal(is_told(&world, "Task.status", NULL), is_told_of);
        arena_free(&world.arena);
    }
}

static void an_order_entered_in_error_takes_back(void **state)
{
    struct world world;
    (void)state;
    assert_true(take(&world, order, "'status':'entered-in-error','intent':'order'", ""));
    assert_int_equal(world.in.content, MESSAGE_RECORD_CANCEL);
    assert_string_equal(world.in.move.move, "cancel");
    assert_string_equal(world.in.referral.number, "X-1");
    arena_free(&world.arena);
}

static void rules_of_others_are_refused(void **state)
{
    (void)state;
    static const char *const members[] = {
        "'status':'active','intent':'order','implicitRules':'https://x.example/rules'",
        "'status':'active','intent':'order','_implicitRules':{'id':'x'}"};
    struct world world;
    for (size_t i = 0; i < 2; i++) {
        assert_false(take(&world, order, members[i], ""));
        assert_int_equal(world.findings.count, 1);
        assert_non_null(strstr(world.findings.items[0].found, "implicitRules"));
        arena_free(&world.arena);
    }
    assert_false(take(&world, order, "'status':'active','intent':'order'",
                      ",'implicitRules':'https://x.example/rules'"));
    assert_non_null(strstr(world.findings.items[0].found, "https://x.example/rules"));
    arena_free(&world.arena);
}

static void a_modifier_extension_is_found_wherever_it_stands(void **state)
{
    (void)state;
#define UNKNOWN "'modifierExtension':[{'url':'https://x.example/m','valueBoolean':true}]"
    static const char *const entries[] = {
        ",{'resource':{'resourceType':'Flag','status':'active'," UNKNOWN "}}",
        ",{'resource':{'resourceType':'Basic','contained':[{'resourceType':'Flag'," UNKNOWN "}]}}",
        ",{'resource':{'resourceType':'Goal','target':[{'dueDate':'2026-12-01'," UNKNOWN "}]}}",
        ",{'resource':{'resourceType':'CarePlan','activity':[{'detail':{" UNKNOWN "}}]}}",
        ",{'resource':{'resourceType':'Bundle','entry':[{'resource':{'resourceType':'Flag',"
        "" UNKNOWN "}}]}}",
    };
    static const char *const paths[] = {
        "Flag.modifierExtension", "Flag.modifierExtension", "Goal.target[0].modifierExtension",
        "CarePlan.activity[0].detail.modifierExtension", "Flag.modifierExtension"};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct world world;
        assert_false(take(&world, referral, entries[i], ""));
        assert_int_equal(world.findings.count, 1);
        assert_non_null(strstr(world.findings.items[0].found, "https://x.example/m"));
        assert_string_equal(world.findings.items[0].path, paths[i]);
        arena_free(&world.arena);
    }
}

/* ---- the record itself ---- */

static void a_record_has_a_standing(void **state)
{
    (void)state;
    static const struct {
        const char *message, *members, *standing;
    } cases[] = {
        {order, "'status':'active','intent':'order'", NULL},
        {order, "'status':'on-hold','intent':'original-order'", NULL},
        {order, "'status':'active','intent':'plan'", "proposed"},
        {order, "'status':'active','intent':'proposal'", "proposed"},
        {composition, "'status':'final'", NULL},
        {composition, "'status':'amended'", NULL},
        {composition, "'status':'preliminary'", "preliminary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, cases[i].message, cases[i].members, ""));
        const char *standing = at(world.in.record, "standing");
        if (!text_equal(standing, cases[i].standing))
            fail_msg("%s: %s", cases[i].members, standing == NULL ? "none" : standing);
        arena_free(&world.arena);
    }
}

/* NHS BaRS and Ontario write an order as a plan, or a proposal. */
static void dialects_of_an_order(void **state)
{
    (void)state;
    static const struct {
        const char *system, *code, *intent, *standing;
    } cases[] = {
        {"https://fhir.nhs.uk/CodeSystem/message-events-bars", "servicerequest-request", "plan",
         NULL},
        {"https://fhir.nhs.uk/CodeSystem/message-events-bars", "servicerequest-request", "proposal",
         "proposed"},
        {"https://ehealthontario.ca/fhir/CodeSystem/message-event-code", "add-service-request",
         "proposal", NULL},
        {"http://ehealthontario.ca/fhir/message-events", "add-service-request", "proposal", NULL},
        {"https://ehealthontario.ca/fhir/CodeSystem/message-event-code", "add-service-request",
         "plan", "proposed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        struct arena arena = ARENA_EMPTY;
        const char *ours = "'https://refgate.invalid/fhir/CodeSystem/"
                           "message-event','code':'add-service-request'";
        const char *start = strstr(order, ours);
        const char *message =
            arena_print(&arena, "%.*s'%s','code':'%s'%s", (int)(start - order), order,
                        cases[i].system, cases[i].code, start + strlen(ours));
        const char *members =
            arena_print(&arena, "'status':'active','intent':'%s'", cases[i].intent);
        assert_true(take(&world, message, members, ""));
        assert_true(text_equal(at(world.in.record, "standing"), cases[i].standing));
        assert_int_equal(is_told(&world, "ServiceRequest.intent", cases[i].intent),
                         cases[i].standing == NULL);
        arena_free(&world.arena);
        arena_free(&arena);
    }
}

static void what_is_known_of_the_client_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *members, *path, *words;
    } cases[] = {
        {",'active':false", "Patient.active", "no longer uses"},
        {",'deceasedBoolean':true", "Patient.deceasedBoolean", "has died"},
        {",'deceasedDateTime':'2026-09-01'", "Patient.deceasedDateTime", "has died: call"},
        {",'deceasedDateTime':'2026-09-01'", "Patient.deceasedDateTime", "2026-09-01"},
        {",'link':[{'other':{'reference':'Patient/p9'},'type':'replaced-by'}]", "Patient.link",
         "replaced"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, order, "'status':'active','intent':'order'", cases[i].members));
        if (!is_told(&world, cases[i].path, cases[i].words))
            fail_msg("%s: %s", cases[i].members,
                     json_print(&world.arena, json_get(world.in.record, "received")));
        assert_string_equal(
            json_get_text(json_first(json_get(world.in.record, "received")), "path"),
            cases[i].path); /* before everything else */
        assert_null(world.in.set_aside);
        arena_free(&world.arena);
    }
    struct world world;
    assert_true(take(&world, order, "'status':'active','intent':'order'",
                     ",'active':true,'deceasedBoolean':false"));
    assert_false(is_told(&world, "Patient.active", NULL));
    assert_false(is_told(&world, "Patient.deceasedBoolean", NULL));
    arena_free(&world.arena);
}

/* Whoever has left a clinic does not work there. */
static void a_role_that_is_over_names_no_place(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        bool is_there;
    } cases[] = {
        {"'active':true", true},
        {"'period':{'start':'2020-01-01','end':'2027-01-01'}", true},
        {"'active':false", false},
        {"'period':{'end':'2026-09-30'}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        struct arena arena = ARENA_EMPTY;
        const char *role = arena_print(
            &arena,
            ",{'resource':{'resourceType':'PractitionerRole','id':'r1','practitioner':{'display':"
            "'Dr. New'},'organization':{'display':'Northside'},%s}}",
            cases[i].members);
        assert_true(take(&world,
                         BUNDLE(HEADER("add-service-request") ORDER(
                             "'status':'active','intent':'order','requester':{'reference':"
                             "'PractitionerRole/r1'}") PATIENT "@1"),
                         role, ""));
        bool is_there = false;
        for (const struct json *claim = json_first(world.in.claims); claim != NULL;
             claim = json_next(claim))
            is_there = is_there || json_get(claim, "works_at") != NULL;
        assert_int_equal(is_there, cases[i].is_there);
        arena_free(&world.arena);
        arena_free(&arena);
    }
}

/* ---- items that keep their place ---- */

#define CODED(name, word) "'" name "':{'coding':[{'code':'" word "'}]}"
#define CONDITION(members)                                                                         \
    ",{'resource':{'resourceType':'Condition','code':{'text':'Strain'}," SUBJECT "," members "}}"
#define FLAG(members)                                                                              \
    ",{'resource':{'resourceType':'Flag','code':{'text':'Blood thinner'}," SUBJECT "," members "}" \
    "}"
#define GOAL(members)                                                                              \
    ",{'resource':{'resourceType':'Goal','description':{'text':'Lift 10 kg'}," SUBJECT "," members \
    "}}"
#define PAIN(members)                                                                              \
    ",{'resource':{'resourceType':'Observation'," LOINC(                                           \
        "72514-3") "," SUBJECT ",'effectiveDateTime':'2026-09-30','valueQuantity':{'value':7,'"    \
                   "code':'{score}'},"                                                             \
                   "'encounter':{'reference':'Encounter/e1'}," members "}}"
#define TECHNIQUE(members)                                                                         \
    ",{'resource':{'resourceType':'Procedure','code':{'coding':[{'system':"                        \
    "'https://refgate.invalid/fhir/CodeSystem/technique','code':'swedish'}]}," SUBJECT "," members \
    "}}"

static void items_have_a_standing(void **state)
{
    (void)state;
    static const struct {
        const char *message, *more, *item, *standing;
    } cases[] = {
        {referral, CONDITION(CODED("verificationStatus", "confirmed")), "diagnoses[0]", NULL},
        {referral, CONDITION(CODED("clinicalStatus", "recurrence")), "diagnoses[0]", NULL},
        {referral, CONDITION(CODED("verificationStatus", "refuted")), "diagnoses[0]", "refuted"},
        {referral, CONDITION(CODED("verificationStatus", "provisional")), "diagnoses[0]",
         "preliminary"},
        {referral, CONDITION(CODED("verificationStatus", "unconfirmed")), "diagnoses[0]",
         "preliminary"},
        {referral, CONDITION(CODED("verificationStatus", "differential")), "diagnoses[0]",
         "preliminary"},
        {referral, CONDITION(CODED("clinicalStatus", "inactive")), "diagnoses[0]", "inactive"},
        {referral, CONDITION(CODED("clinicalStatus", "remission")), "diagnoses[0]", "inactive"},
        {referral, CONDITION(CODED("clinicalStatus", "resolved")), "diagnoses[0]", "resolved"},
        {referral, FLAG("'status':'active'"), "precautions[0]", NULL},
        {referral, FLAG("'status':'inactive'"), "precautions[0]", "inactive"},
        {referral, GOAL("'lifecycleStatus':'active'"), "goals[0]", NULL},
        {referral, GOAL("'lifecycleStatus':'accepted'"), "goals[0]", NULL},
        {referral, GOAL("'lifecycleStatus':'proposed'"), "goals[0]", "proposed"},
        {referral, GOAL("'lifecycleStatus':'planned'"), "goals[0]", "proposed"},
        {referral, GOAL("'lifecycleStatus':'rejected'"), "goals[0]", "rejected"},
        {referral, GOAL("'lifecycleStatus':'cancelled'"), "goals[0]", "cancelled"},
        {referral, GOAL("'lifecycleStatus':'on-hold'"), "goals[0]", "inactive"},
        {referral, GOAL("'lifecycleStatus':'completed'"), "goals[0]", "resolved"},
        {note, PAIN("'status':'final'"), "measurements[0]", NULL},
        {note, PAIN("'status':'amended'"), "measurements[0]", NULL},
        {note, PAIN("'status':'preliminary'"), "measurements[0]", "preliminary"},
        {note, TECHNIQUE("'status':'completed'"), "techniques[0]", NULL},
        {note, TECHNIQUE("'status':'not-done'"), "techniques[0]", "not-done"},
        {note, TECHNIQUE("'status':'preparation'"), "techniques[0]", "proposed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, cases[i].message, cases[i].more, ""));
        const struct json *list =
            json_get(world.in.record,
                     arena_copy_n(&world.arena, cases[i].item, strcspn(cases[i].item, "[")));
        const char *standing = json_get_text(json_first(list), "standing");
        if (json_first(list) == NULL || !text_equal(standing, cases[i].standing))
            fail_msg("%s: %s", cases[i].more, json_print(&world.arena, world.in.record));
        assert_null(world.in.set_aside);
        arena_free(&world.arena);
    }
}

/* What was ruled out is never the main diagnosis. */
static void facts_go_before_what_is_none(void **state)
{
    struct world world;
    (void)state;
    assert_true(take(&world, referral,
                     CONDITION(CODED("verificationStatus", "refuted"))
                         CONDITION(CODED("verificationStatus", "provisional"))
                             CONDITION("'onsetDateTime':'2026-09-01'"),
                     ""));
    assert_string_equal(at(world.in.record, "diagnoses[0].since"), "2026-09-01");
    assert_null(at(world.in.record, "diagnoses[0].standing"));
    assert_non_null(at(world.in.record, "diagnoses[1].standing"));
    assert_non_null(at(world.in.record, "diagnoses[2].standing"));
    arena_free(&world.arena);
}

/* A goal that our own words tell is given up or met is no goal of doubtful standing. */
static void a_goal_that_follows_from_its_achievement(void **state)
{
    struct world world;
    (void)state;
    assert_true(take(&world, referral,
                     GOAL("'lifecycleStatus':'cancelled','achievementStatus':{'coding':[{'system':"
                          "'http://terminology.hl7.org/CodeSystem/goal-achievement',"
                          "'code':'not-attainable'}]}"),
                     ""));
    assert_string_equal(at(world.in.record, "goals[0].status"), "not-attainable");
    assert_null(at(world.in.record, "goals[0].standing"));
    arena_free(&world.arena);
}

/* ---- what goes into no field ---- */

#define COVERAGE(members)                                                                          \
    ",{'resource':{'resourceType':'Coverage','subscriberId':'M-1','payor':[{'display':'Acme'}],"   \
    "'beneficiary':{'reference':'Patient/p1'}," members "}}"
#define CLAIM(members)                                                                             \
    ",{'resource':{'resourceType':'ClaimResponse','preAuthRef':'A-1','patient':{'reference':"      \
    "'Patient/p1'},'insurer':{'display':'Acme'}," members "}}"
#define SCAN(members)                                                                              \
    ",{'resource':{'resourceType':'DocumentReference','description':'MRI','content':[{"            \
    "'attachment':{'title':'mri.pdf','contentType':'application/pdf'}}]," SUBJECT "," members "}}"
#define VISIT(members)                                                                             \
    ",{'resource':{'resourceType':'Encounter','id':'e1'," SUBJECT ",'period':{'start':"            \
    "'2026-09-30T09:00:00Z'}," members "}}"
#define NEXT(members)                                                                              \
    ",{'resource':{'resourceType':'Appointment','start':'2026-10-07T09:00:00Z','participant':[{"   \
    "'actor':{'reference':'Patient/p1'},'status':'accepted'}]," members "}}"
#define ADVICE(members, detail)                                                                    \
    ",{'resource':{'resourceType':'CarePlan'," SUBJECT "," members ",'activity':[{'detail':{"      \
    "'description':'Heavy lifting'," detail "}}]}}"
#define ACTIVE "'status':'active','intent':'plan'"

static void what_is_no_fact_fills_no_field(void **state)
{
    (void)state;
    static const struct {
        const char *message, *more, *field, *path, *code;
    } cases[] = {
        {referral, CONDITION(CODED("verificationStatus", "entered-in-error")), "diagnoses[0].text",
         "Condition.verificationStatus", "entered-in-error"},
        {referral, FLAG("'status':'entered-in-error'"), "precautions[0].text", "Flag.status",
         "entered-in-error"},
        {referral, GOAL("'lifecycleStatus':'entered-in-error'"), "goals[0].text",
         "Goal.lifecycleStatus", "entered-in-error"},
        {referral, COVERAGE("'status':'cancelled'"), "member_id", "Coverage.status", "cancelled"},
        {referral, COVERAGE("'status':'entered-in-error'"), "payer", "Coverage.status",
         "entered-in-error"},
        {referral, CLAIM("'status':'cancelled','use':'preauthorization','outcome':'complete'"),
         "authorization_number", "ClaimResponse.status", "cancelled"},
        {referral, CLAIM("'status':'draft','use':'preauthorization','outcome':'complete'"),
         "authorization_number", "ClaimResponse.status", "draft"},
        {referral, CLAIM("'status':'active','use':'predetermination','outcome':'complete'"),
         "authorization_number", "ClaimResponse.use", "predetermination"},
        {referral, CLAIM("'status':'active','use':'preauthorization','outcome':'error'"),
         "authorization_number", "ClaimResponse.outcome", "error"},
        {referral, SCAN("'status':'superseded'"), "attachments[0].file", "DocumentReference.status",
         "superseded"},
        {referral, SCAN("'status':'current','docStatus':'entered-in-error'"), "attachments[0].file",
         "DocumentReference.docStatus", "entered-in-error"},
        {note, PAIN("'status':'entered-in-error'"), "measurements[0].value", "Observation.status",
         "entered-in-error"},
        {note, PAIN("'status':'cancelled'"), "measurements[0].value", "Observation.status",
         "cancelled"},
        {note, PAIN("'status':'registered'"), "measurements[0].value", "Observation.status",
         "registered"},
        {note, PAIN("'status':'unknown'"), "measurements[0].value", "Observation.status", NULL},
        {note, TECHNIQUE("'status':'entered-in-error'"), "techniques[0].technique",
         "Procedure.status", "entered-in-error"},
        {note, TECHNIQUE("'status':'stopped'"), "techniques[0].technique", "Procedure.status",
         "stopped"},
        {note, VISIT("'status':'planned'"), "visit_at", "Encounter.status", "planned"},
        {note, VISIT("'status':'cancelled'"), "visit_at", "Encounter.status", "cancelled"},
        {note, VISIT("'status':'entered-in-error'"), "visit_at", "Encounter.status",
         "entered-in-error"},
        {note, NEXT("'status':'cancelled'"), "next_visit_on", "Appointment.status", "cancelled"},
        {note, NEXT("'status':'noshow'"), "next_visit_on", "Appointment.status", "noshow"},
        {note, NEXT("'status':'entered-in-error'"), "next_visit_on", "Appointment.status",
         "entered-in-error"},
        {note, NEXT("'status':'fulfilled'"), "next_visit_on", "Appointment.status", "fulfilled"},
        {note, ADVICE("'status':'revoked','intent':'plan'", "'status':'not-started'"),
         "home_care[0]", "CarePlan.status", "revoked"},
        {note, ADVICE("'status':'draft','intent':'plan'", "'status':'not-started'"), "home_care[0]",
         "CarePlan.status", "draft"},
        {note, ADVICE("'status':'active','intent':'proposal'", "'status':'not-started'"),
         "home_care[0]", "CarePlan.intent", "proposal"},
        {note, ADVICE(ACTIVE, "'status':'not-started','doNotPerform':true"), "home_care[0]",
         "CarePlan.activity.detail.doNotPerform", NULL},
        {note, ADVICE(ACTIVE, "'status':'stopped'"), "home_care[0]",
         "CarePlan.activity.detail.status", "stopped"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, cases[i].message, cases[i].more, ""));
        if (at(world.in.record, cases[i].field) != NULL)
            fail_msg("%s: %s is filed", cases[i].more, cases[i].field);
        if (!is_told(&world, cases[i].path, "Not filed: "))
            fail_msg("%s: %s", cases[i].more, json_print(&world.arena, world.in.record));
        assert_non_null(world.in.set_aside);
        assert_non_null(strstr(world.in.set_aside, cases[i].path));
        if (cases[i].code != NULL)
            assert_non_null(strstr(world.in.set_aside, cases[i].code));
        arena_free(&world.arena);
    }
}

static void the_same_without_doubt_is_filed(void **state)
{
    (void)state;
    static const struct {
        const char *message, *more, *field;
    } cases[] = {
        {referral, COVERAGE("'status':'active'"), "member_id"},
        {referral, CLAIM("'status':'active','use':'preauthorization','outcome':'complete'"),
         "authorization_number"},
        {referral, SCAN("'status':'current'"), "attachments[0].file"},
        {note, VISIT("'status':'finished'"), "visit_at"},
        {note, VISIT("'status':'in-progress'"), "visit_at"},
        {note, NEXT("'status':'booked'"), "next_visit_on"},
        {note, ADVICE(ACTIVE, "'status':'not-started'"), "home_care[0]"},
        {note, ADVICE(ACTIVE, "'status':'in-progress','doNotPerform':false"), "home_care[0]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, cases[i].message, cases[i].more, ""));
        if (at(world.in.record, cases[i].field) == NULL)
            fail_msg("%s: %s is not filed", cases[i].more, cases[i].field);
        assert_null(world.in.set_aside);
        arena_free(&world.arena);
    }
}

/* The words of what must not be done are not left alone, as if they were advice. */
static void what_must_not_be_done_is_said_so(void **state)
{
    struct world world;
    (void)state;
    assert_true(
        take(&world, note, ADVICE(ACTIVE, "'status':'not-started','doNotPerform':true"), ""));
    assert_true(
        is_told(&world, "CarePlan.activity.detail.doNotPerform", "not to be done: Heavy lifting"));
    assert_false(is_told(&world, "CarePlan.activity.detail.description", NULL));
    arena_free(&world.arena);
}

/* "< 5" is no 5, and what has no value was not measured. */
static void a_limit_is_no_value(void **state)
{
    (void)state;
    static const struct {
        const char *message, *more, *field, *path;
    } cases[] = {
        {note,
         ",{'resource':{'resourceType':'Observation','status':'final'," LOINC(
             "72514-3") "," SUBJECT
                        ",'valueQuantity':{'value':5,'comparator':'<','code':'{score}'}}}",
         "measurements[0].measure", "Observation.valueQuantity.comparator"},
        {note,
         ",{'resource':{'resourceType':'Observation','status':'final'," LOINC(
             "72514-3") "," SUBJECT ",'dataAbsentReason':{'coding':[{'code':'not-performed'}]}}}",
         "measurements[0].measure", NULL},
        {referral,
         GOAL("'lifecycleStatus':'active','target':[{'detailQuantity':{'value':5,"
              "'comparator':'<=','code':'{score}'}}]"),
         "goals[0].target", "Goal.target.detailQuantity.comparator"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, cases[i].message, cases[i].more, ""));
        if (at(world.in.record, cases[i].field) != NULL)
            fail_msg("%s: %s is filed", cases[i].more, cases[i].field);
        if (cases[i].path != NULL)
            assert_true(is_told(&world, cases[i].path, "only a limit"));
        arena_free(&world.arena);
    }
}

/* Pain of 44 out of 10 is shown in no chart, and somebody asks. */
static void a_value_that_cannot_be_is_doubted(void **state)
{
    static const struct {
        const char *value, *standing;
    } cases[] = {{"44", "preliminary"}, {"-4", "preliminary"}, {"10", NULL}, {"0", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        char more[500];
        snprintf(more, sizeof more,
                 ",{'resource':{'resourceType':'Observation','status':'final'," LOINC(
                     "72514-3") "," SUBJECT ",'valueQuantity':{'value':%s,'code':'{score}'}}}",
                 cases[i].value);
        assert_true(take(&world, note, more, ""));
        assert_non_null(at(world.in.record, "measurements[0].measure"));
        assert_true(text_equal(at(world.in.record, "measurements[0].standing"), cases[i].standing));
        if (cases[i].standing != NULL) {
            assert_true(is_told(&world, "Observation.valueQuantity", "expected 0 to 10"));
            assert_string_equal(world.in.set_aside, "1 Observation.valueQuantity");
        }
        arena_free(&world.arena);
    }
}

/* Counted for the sender, in the codes of FHIR and without the client. */
static void the_sender_learns_how_many(void **state)
{
    struct world world;
    (void)state;
    assert_true(take(&world, note,
                     PAIN("'status':'entered-in-error'") PAIN("'status':'entered-in-error'")
                         NEXT("'status':'cancelled'"),
                     ""));
    assert_string_equal(world.in.set_aside,
                        "2 Observation.status entered-in-error, 1 Appointment.status cancelled");
    assert_true(is_told(&world, "Observation[1].status", "entered in error"));
    arena_free(&world.arena);
}

/* What a referral has no field for is judged, too, first of all and counted. */
static void what_has_no_field_is_judged(void **state)
{
    (void)state;
    static const struct {
        const char *more, *path, *summary;
    } cases[] = {
        {PAIN("'status':'entered-in-error'"), "Observation.status",
         "1 Observation.status entered-in-error"},
        {",{'resource':{'resourceType':'AllergyIntolerance','patient':{'reference':'Patient/p1'},"
         "'verificationStatus':{'coding':[{'code':'entered-in-error'}]},'code':{'text':'Latex'}}}",
         "AllergyIntolerance.verificationStatus",
         "1 AllergyIntolerance.verificationStatus entered-in-error"},
        {",{'resource':{'resourceType':'AllergyIntolerance','patient':{'reference':'Patient/p1'},"
         "'verificationStatus':{'coding':[{'code':'refuted'}]},'code':{'text':'Latex'}}}",
         "AllergyIntolerance.verificationStatus",
         "1 AllergyIntolerance.verificationStatus refuted"},
        {",{'resource':{'resourceType':'MedicationRequest'," SUBJECT
         ",'status':'active','doNotPerform':true,'medicationCodeableConcept':{'text':'A'}}}",
         "MedicationRequest.doNotPerform", "1 MedicationRequest.doNotPerform true"},
        {",{'resource':{'resourceType':'ClinicalImpression'," SUBJECT
         ",'status':'entered-in-error','summary':'S'}}",
         "ClinicalImpression.status", "1 ClinicalImpression.status entered-in-error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, referral, cases[i].more, ""));
        assert_true(is_told(&world, cases[i].path, "Not filed: "));
        const char *first =
            json_get_text(json_first(json_get(world.in.record, "received")), "path");
        assert_string_equal(first, cases[i].path);
        if (!text_equal(world.in.set_aside, cases[i].summary))
            fail_msg("%s, not %s", world.in.set_aside == NULL ? "nothing" : world.in.set_aside,
                     cases[i].summary);
        arena_free(&world.arena);
    }
}

static void what_a_list_removed_fills_no_field(void **state)
{
    struct world world;
    struct arena texts = ARENA_EMPTY;
    (void)state;
    static const char more[] =
        ",{'resource':{'resourceType':'Condition','id':'c7'," SUBJECT ",'code':{'text':'Old'}}}"
        ",{'resource':{'resourceType':'List','status':'current','mode':'changes'," SUBJECT
        ",'entry':[{'item':{'reference':'Condition/c7'}%s}]}}";
    assert_true(take(&world, referral, arena_print(&texts, more, ""), ""));
    const char *kept = json_print(&world.arena, json_get(world.in.record, "diagnoses"));
    assert_non_null(strstr(kept, "Old"));
    arena_free(&world.arena);
    assert_true(take(&world, referral, arena_print(&texts, more, ",'deleted':true"), ""));
    const struct json *diagnoses = json_get(world.in.record, "diagnoses");
    assert_true(diagnoses == NULL || strstr(json_print(&world.arena, diagnoses), "Old") == NULL);
    assert_true(is_told(&world, "List.entry.deleted", "Not filed: the sender's list says"));
    assert_string_equal(world.in.set_aside, "1 List.deleted");
    arena_free(&world.arena);
    arena_free(&texts);
}

/* ---- the other kinds of record ---- */

#define CLOSING(code) "'type':{'coding':[{'system':'http://loinc.org','code':'" code "'}]}"
#define DOCUMENT(code)                                                                             \
    ",{'resource':{'resourceType':'Composition','id':'c1','status':'final'," CLOSING(              \
        code) ",'date':'2026-09-30T09:00:00Z','title':'X','author':[{'display':'Dr. X'}]," SUBJECT \
              "}}"
static const char discharge[] =
    BUNDLE(HEADER("notify-add-service-record") DOCUMENT("18842-5") PATIENT "@1");
static const char conference[] =
    BUNDLE(HEADER("share-case-conference") DOCUMENT("34098-4") PATIENT "@1");

#define EPISODE(status)                                                                            \
    ",{'resource':{'resourceType':'EpisodeOfCare','status':'" status "','patient':{'reference':"   \
    "'Patient/p1'},'period':{'start':'2026-08-01','end':'2026-09-29'}}}"
#define TEAM(status)                                                                               \
    ",{'resource':{'resourceType':'CareTeam','status':'" status "'," SUBJECT                       \
    ",'participant':[{'role':[{'coding':[{'system':'https://refgate.invalid/fhir/CodeSystem/"      \
    "team-role','code':'follow-up'}]}],'member':{'display':'Dr. Next'}}]}}"
#define MEETING(status)                                                                            \
    ",{'resource':{'resourceType':'Encounter','status':'" status "'," SUBJECT                      \
    ",'period':{'start':'2026-09-30T09:00:00Z'}}}"
#define REPORT(status)                                                                             \
    ",{'resource':{'resourceType':'DiagnosticReport','status':'" status                            \
    "','code':{'text':'X'}," SUBJECT ",'result':[{'reference':'Observation/o1'}]}}"                \
    ",{'resource':{'resourceType':'Observation','id':'o1','status':'final'," LOINC(                \
        "72514-3") "," SUBJECT ",'valueQuantity':{'value':7,'code':'{score}'}}}"

static void discharges_and_conferences(void **state)
{
    (void)state;
    static const struct {
        const char *message, *more, *field, *value;
    } cases[] = {
        {discharge, EPISODE("finished"), "first_visit_on", "2026-08-01"},
        {discharge, EPISODE("active"), "first_visit_on", "2026-08-01"},
        {discharge, EPISODE("cancelled"), "first_visit_on", NULL},
        {discharge, EPISODE("entered-in-error"), "last_visit_on", NULL},
        {discharge, EPISODE("planned"), "first_visit_on", NULL},
        {discharge, TEAM("active"), "follow_up_with", "lakeside/dr-next"},
        {discharge, TEAM("inactive"), "follow_up_with", NULL},
        {discharge, TEAM("proposed"), "follow_up_with", NULL},
        {conference, MEETING("finished"), "status", "held"},
        {conference, MEETING("planned"), "status", "planned"},
        {conference, MEETING("cancelled"), "status", "cancelled"},
        {conference, MEETING("finished"), "held_at", "2026-09-30T09:00:00Z"},
        {conference, MEETING("entered-in-error"), "held_at", NULL},
        {note, REPORT("final"), "measurements[0].value", "7"},
        {note, REPORT("preliminary"), "measurements[0].value", "7"},
        {note, REPORT("entered-in-error"), "measurements[0].value", NULL},
        {note, REPORT("cancelled"), "measurements[0].value", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, cases[i].message, cases[i].more, ""));
        const char *value = at(world.in.record, cases[i].field);
        bool is_right = cases[i].value == NULL
                            ? value == NULL
                            : value != NULL && text_starts(value, cases[i].value);
        if (!is_right)
            fail_msg("%s: %s is %s", cases[i].more, cases[i].field, value);
        assert_int_equal(world.in.set_aside == NULL, cases[i].value != NULL);
        arena_free(&world.arena);
    }
}

static const char plan[] = BUNDLE(
    HEADER("share-care-plan") ",{'resource':{'resourceType':'CarePlan','id':'c1','title':'Plan',"
                              "'created':'2026-09-30T09:00:00Z'," SUBJECT ",@1}}" PATIENT);

static void plans(void **state)
{
    (void)state;
    static const struct {
        const char *members, *status, *standing;
    } cases[] = {
        {"'status':'active','intent':'plan'", "active", NULL},
        {"'status':'draft','intent':'plan'", "draft", NULL},
        {"'status':'revoked','intent':'order'", "cancelled", NULL},
        {"'status':'active','intent':'proposal'", "active", "proposed"},
        {"'status':'draft','intent':'option'", "draft", "proposed"},
        {"'status':'unknown','intent':'plan'", "active", "preliminary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, plan, cases[i].members, ""));
        if (!text_equal(at(world.in.record, "status"), cases[i].status) ||
            !text_equal(at(world.in.record, "standing"), cases[i].standing))
            fail_msg("%s: %s", cases[i].members, json_print(&world.arena, world.in.record));
        arena_free(&world.arena);
    }
    struct world world;
    assert_true(take(&world, plan,
                     "'status':'active','intent':'plan','activity':[{'detail':{'status':'"
                     "in-progress','description':'Walk'}},{'detail':{'status':'not-started',"
                     "'doNotPerform':true,'description':'Run'}},{'detail':{'status':'on-hold',"
                     "'description':'Swim'}},{'detail':{'status':'entered-in-error',"
                     "'description':'Fly'}}]",
                     ""));
    assert_int_equal(json_count(json_get(world.in.record, "steps")), 2);
    assert_string_equal(at(world.in.record, "steps[0].text"), "Walk");
    assert_string_equal(at(world.in.record, "steps[1].text"), "Swim");
    assert_string_equal(at(world.in.record, "steps[1].status"), "on-hold");
    assert_true(is_told(&world, "CarePlan.activity[1].detail.doNotPerform", "Run"));
    assert_true(is_told(&world, "CarePlan.activity[3].detail.status", "Fly"));
    arena_free(&world.arena);
}

static const char consent[] = BUNDLE(HEADER(
    "share-consent") ",{'resource':{'resourceType':'Consent','id':'k1','patient':{'reference':"
                     "'Patient/p1'},'dateTime':'2026-09-30T09:00:00Z','provision':{'type':"
                     "'permit'},@1}}" PATIENT);
#define PRIVACY CODED("scope", "patient-privacy")

static void consents(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        enum message_content content;
        const char *status;
    } cases[] = {
        {"'status':'active'," PRIVACY, MESSAGE_RECORD, "active"},
        {"'status':'inactive'," PRIVACY, MESSAGE_RECORD, "revoked"},
        {"'status':'draft'," PRIVACY, MESSAGE_RECORD, "draft"},
        {"'status':'proposed'," PRIVACY, MESSAGE_RECORD, "draft"},
        {"'status':'rejected'," PRIVACY, MESSAGE_RECORD, "revoked"},
        {"'status':'entered-in-error'," PRIVACY, MESSAGE_RETRACTION, NULL},
        {"'status':'active'," CODED("scope", "research"), MESSAGE_REFUSED, NULL},
        {"'status':'active'," CODED("scope", "treatment"), MESSAGE_REFUSED, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        take(&world, consent, cases[i].members, "");
        if (world.in.content != cases[i].content)
            fail_msg("%s: content %d", cases[i].members, (int)world.in.content);
        assert_true(text_equal(at(world.in.record, "status"), cases[i].status));
        arena_free(&world.arena);
    }
}

/* A permission with an exception or a limit that has no word here would permit more than it says.
 */
static void a_narrower_permission_permits_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *provision, *decision;
    } cases[] = {
        {"'type':'permit'", "allow"},
        {"'type':'deny'", "refuse"},
        {"'type':'permit','action':[{'coding':[{'code':'disclose'}]}]", "allow"},
        {"'type':'permit','provision':[{'type':'deny','securityLabel':[{'system':"
         "'http://terminology.hl7.org/CodeSystem/v3-ActCode','code':'HIV'}]}]",
         "allow"},
        {"'type':'permit','action':[{'coding':[{'code':'collect'}]}]", NULL},
        {"'type':'permit','code':[{'text':'blood tests'}]", NULL},
        {"'type':'permit','data':[{'meaning':'instance','reference':{'display':'x'}}]", NULL},
        {"'type':'permit','provision':[{'type':'deny','actor':[{'role':{'text':'x'},'reference':{"
         "'display':'Dr. X'}}]}]",
         NULL},
        {"'type':'permit','provision':[{'type':'deny','securityLabel':[{'code':'X'}]}]", NULL},
    };
    static const char message[] = BUNDLE(HEADER(
        "share-consent") ",{'resource':{'resourceType':'Consent','id':'k1','status':'active'"
                         "," PRIVACY
                         ",'patient':{'reference':'Patient/p1'},'dateTime':'2026-09-30T09:00:00Z',"
                         "'provision':{@1}}}" PATIENT);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        assert_true(take(&world, message, cases[i].provision, ""));
        if (!text_equal(at(world.in.record, "decision"), cases[i].decision))
            fail_msg("%s: %s", cases[i].provision, json_print(&world.arena, world.in.record));
        assert_int_equal(is_told(&world, "Consent.provision.type", "permits nothing"),
                         cases[i].decision == NULL);
        arena_free(&world.arena);
    }
}

/* A note may say of an order beside it what must not be done; that is told, and the note is filed.
 */
static void an_order_beside_a_note_does_not_refuse_it(void **state)
{
    struct world world;
    (void)state;
    assert_true(
        take(&world, note, ORDER("'status':'active','intent':'order','doNotPerform':true"), ""));
    assert_int_equal(world.in.content, MESSAGE_RECORD);
    assert_true(is_told(&world, "ServiceRequest.doNotPerform", "not to be done"));
    arena_free(&world.arena);
}

/* BSeR answers with the order in full: from whom it asks that is no new referral. */
static void an_order_sent_back_is_an_answer(void **state)
{
    (void)state;
    static const char task[] =
        ",{'resource':{'resourceType':'Task','id':'t1','status':'@2','intent':'order','focus':{"
        "'reference':'ServiceRequest/s1'},'for':{'reference':'Patient/p1'},'requester':{"
        "'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':'@1'}},'owner':{"
        "'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':'9900000024'}}}}";
    struct world world;
    struct arena arena = ARENA_EMPTY;
    const char *start = strstr(referral, "@1");
    const char *patient = strstr(referral, "@2");
    const char *message = arena_print(&arena, "%.*s%.*s%s%s", (int)(patient - referral), referral,
                                      (int)(start - patient - 2), patient + 2, task, start + 2);
    assert_true(take(&world, message, "9900000016", "rejected"));
    assert_int_equal(world.in.content, MESSAGE_MOVE);
    assert_string_equal(world.in.move.move, "decline");
    arena_free(&world.arena);
    assert_false(take(&world, message, "9900000024", "rejected")); /* of its own placer */
    assert_int_equal(world.in.content, MESSAGE_REFUSED);
    arena_free(&world.arena);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_that_is_none_is_refused),
        cmocka_unit_test(a_new_order_goes_by_its_task),
        cmocka_unit_test(an_order_entered_in_error_takes_back),
        cmocka_unit_test(rules_of_others_are_refused),
        cmocka_unit_test(a_modifier_extension_is_found_wherever_it_stands),
        cmocka_unit_test(a_record_has_a_standing),
        cmocka_unit_test(dialects_of_an_order),
        cmocka_unit_test(what_is_known_of_the_client_is_told),
        cmocka_unit_test(a_role_that_is_over_names_no_place),
        cmocka_unit_test(items_have_a_standing),
        cmocka_unit_test(facts_go_before_what_is_none),
        cmocka_unit_test(a_goal_that_follows_from_its_achievement),
        cmocka_unit_test(what_is_no_fact_fills_no_field),
        cmocka_unit_test(the_same_without_doubt_is_filed),
        cmocka_unit_test(what_must_not_be_done_is_said_so),
        cmocka_unit_test(a_limit_is_no_value),
        cmocka_unit_test(the_sender_learns_how_many),
        cmocka_unit_test(a_value_that_cannot_be_is_doubted),
        cmocka_unit_test(what_has_no_field_is_judged),
        cmocka_unit_test(what_a_list_removed_fills_no_field),
        cmocka_unit_test(discharges_and_conferences),
        cmocka_unit_test(plans),
        cmocka_unit_test(consents),
        cmocka_unit_test(a_narrower_permission_permits_nothing),
        cmocka_unit_test(an_order_beside_a_note_does_not_refuse_it),
        cmocka_unit_test(an_order_sent_back_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
