/* message_read: what a record is told in another system's words: displays, several reasons and
 * notes, activities by code, days from times, sections. Each case is one message. */
#include "lib/foreign.h"

#define ENTRY(resource) "{'resource':" resource "}"
#define FOR_P1 "'subject':{'reference':'Patient/p1'}"
#define LOCAL(code, display)                                                                       \
    "{'coding':[{'system':'urn:oid:9.9.9','code':'" code "','display':'" display "'}]}"
#define REFERRAL_OF(order_more, entries)                                                           \
    MESSAGE(HEADER(                                                                                \
        EVENT("add-service-request"),                                                              \
        ",'focus':[{'reference':'ServiceRequest/s1'}]") ",{'resource':{"                           \
                                                        "'resourceType':'ServiceRequest','id':'"   \
                                                        "s1','identifier':[{'value':'X-1'}],"      \
                                                        "'status':'active','intent':'order','"     \
                                                        "code':{'text':'Massage'},"                \
                                                        "'authoredOn':'2026-08-24T09:12:00-04:00'" \
                                                        "," FOR_P1 ",'requester':{'reference':'"   \
                                                        "Practitioner/d1'}" order_more             \
                                                        "}}," PATIENT "," DOCTOR entries)
#define NOTE_OF(more, entries)                                                                     \
    MESSAGE(HEADER(                                                                                \
        EVENT("notify-add-service-record"),                                                        \
        ",'focus':[{'reference':'Composition/c1'}]") ",{'resource':{"                              \
                                                     "'resourceType':'Composition','id':'c1','"    \
                                                     "identifier':{'value':'N-1'},"                \
                                                     "'status':'final','type':{'text':'Note'},'"   \
                                                     "date':'2026-08-24T22:00:00-04:00',"          \
                                                     "'author':[{'reference':'Practitioner/"       \
                                                     "d1'}],'title':'Note'," FOR_P1                \
                                                     ",'event':[{'detail':[{'type':'"              \
                                                     "ServiceRequest','identifier':{'value':'X-1'" \
                                                     "}}]}]" more "}}," PATIENT                    \
                                                     "," DOCTOR entries)
#define VISIT(start)                                                                               \
    "," ENTRY("{'resourceType':'Encounter','id':'e1','status':'finished','class':{'code':"         \
              "'AMB'}," FOR_P1 ",'period':{'start':'" start "'}}")
#define PLAN_OF(more)                                                                              \
    MESSAGE(                                                                                       \
        HEADER(EVENT("share-care-plan"),                                                           \
               ",'focus':[{'reference':'CarePlan/k1'}]") ",{'resource':{'resourceType':"           \
                                                         "'CarePlan','id':'k1','identifier':[{'"   \
                                                         "value':'P-1'}],'status':'active',"       \
                                                         "'intent':'plan','title':'Plan'," FOR_P1  \
                                                         ",'created':'2026-08-24'" more            \
                                                         "}}," PATIENT "," DOCTOR)

/* The members of the record that a case is about, as JSON. */
static void check(const char *message, const char *member, const char *expected)
{
    struct world *world = open_world();
    struct message_inbound in = take(world, message);
    const struct json *found = json_get(in.record, member);
    const char *text = found == NULL ? "nothing" : json_print(&world->arena, found);
    const char *wanted = json_print(&world->arena, parse(&world->arena, expected));
    if (strcmp(text, strcmp(expected, "'nothing'") == 0 ? "nothing" : wanted) != 0)
        fail_msg("%s is %s, not %s", member, text, wanted);
    close_world(world);
}

struct meaning {
    const char *message, *member, *expected;
};

static void check_all(const struct meaning *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(cases[i].message, cases[i].member, cases[i].expected);
}
#define CHECK(cases) check_all(cases, sizeof(cases) / sizeof *(cases))

static void a_display_stands_in_for_text(void **state)
{
    static const struct meaning cases[] = {
        {REFERRAL_OF("", "," ENTRY("{'resourceType':'Flag','id':'f1','status':'active'," FOR_P1
                                   ",'code':" LOCAL("64859006", "Osteoporosis") "}")),
         "precautions", "[{'text':'Osteoporosis','level':'caution'}]"},
        {REFERRAL_OF("", "," ENTRY("{'resourceType':'Condition','id':'k1'," FOR_P1
                                   ",'code':" LOCAL("M54.2G", "Zervikalneuralgie") "}")),
         "diagnoses", "[{'text':'Zervikalneuralgie'}]"},
        {REFERRAL_OF("", "," ENTRY("{'resourceType':'Condition','id':'k1'," FOR_P1
                                   ",'code':{'text':'Neck pain'}}")),
         "diagnoses", "[{'text':'Neck pain'}]"},
        {REFERRAL_OF("",
                     "," ENTRY("{'resourceType':'Goal','id':'g1','lifecycleStatus':'active'," FOR_P1
                               ",'description':" LOCAL("G1", "Walk a mile") "}")),
         "goals", "[{'text':'Walk a mile'}]"},
        {REFERRAL_OF(",'reasonCode':[" LOCAL("R1", "Neck pain") "]", ""), "reason", "'Neck pain'"},
    };
    (void)state;
    CHECK(cases);
}

static void its_code_is_told(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        take(world,
             REFERRAL_OF("", "," ENTRY("{'resourceType':'Flag','id':'f1','status':'active'," FOR_P1
                                       ",'code':" LOCAL("64859006", "Osteoporosis") "}")));
    assert_string_equal(json_get_text(received(&in, "Flag.code.coding"), "code"), "64859006");
    close_world(world);
}

static void several_become_one_text(void **state)
{
    static const struct meaning cases[] = {
        {REFERRAL_OF(",'reasonCode':[{'text':'Neck pain'}," LOCAL("R2", "Headache") "]", ""),
         "reason", "'Neck pain; Headache'"},
        {REFERRAL_OF(",'note':[{'text':'First'},{'text':'Second'}]", ""), "notes",
         "'First\\nSecond'"},
        {PLAN_OF(",'note':[{'text':'First'},{'text':'Second'}]"), "notes", "'First\\nSecond'"},
    };
    (void)state;
    CHECK(cases);
}

#define ACTIVITY(detail) ",'activity':[{'detail':{'status':'scheduled'," detail "}}]"

static void an_activity_says_what_to_do_by_its_code(void **state)
{
    static const struct meaning cases[] = {
        {PLAN_OF(ACTIVITY("'code':{'text':'Ice 10 min'}")), "steps",
         "[{'text':'Ice 10 min','status':'scheduled'}]"},
        {PLAN_OF(ACTIVITY("'code':" LOCAL("I1", "Ice"))), "steps",
         "[{'text':'Ice','status':'scheduled'}]"},
        {PLAN_OF(ACTIVITY("'description':'Ice','scheduledString':'twice a day'")), "steps",
         "[{'text':'Ice, twice a day','status':'scheduled'}]"},
        {PLAN_OF(ACTIVITY("'code':{'coding':[{'system':'urn:oid:9.9.9','code':'1'}]}")), "steps",
         "'nothing'"},
        {NOTE_OF("", "," ENTRY("{'resourceType':'CarePlan','id':'k2','status':'active','intent':"
                               "'plan'," FOR_P1 ",'activity':[{'detail':{'status':'not-started',"
                               "'code':{'text':'Ice 10 min'}}}]}")),
         "home_care", "['Ice 10 min']"},
    };
    (void)state;
    CHECK(cases);
}

#define TREATMENT(code)                                                                            \
    "," ENTRY("{'resourceType':'Procedure','id':'t1','status':'completed'," FOR_P1                 \
              ",'code':{'coding':[{'system':'http://snomed.info/sct','code':'" code "'}]}}")

static void a_standard_code_alone_names_a_technique(void **state)
{
    static const struct meaning cases[] = {
        {NOTE_OF("", TREATMENT("398074008")), "techniques", "[{'technique':'hot-pack'}]"},
        {NOTE_OF("", TREATMENT("51998003")), "techniques",
         "[{'technique':'therapeutic-exercise'}]"},
        {NOTE_OF("", TREATMENT("387854002")), "techniques", "'nothing'"}, /* of several */
        {REFERRAL_OF(",'orderDetail':[{'coding':[{'system':'http://snomed.info/sct','code':"
                     "'398074008'}]}]",
                     ""),
         "techniques_requested", "['hot-pack']"},
    };
    (void)state;
    CHECK(cases);
}

#define PAIN(time)                                                                                 \
    "," ENTRY("{'resourceType':'Observation','id':'o1','status':'final'," FOR_P1                   \
              ",'code':{'coding':[{'system':'http://loinc.org','code':'72514-3'}]},"               \
              "'effectiveDateTime':'" time "','valueQuantity':{'value':4,'code':'{score}'}}")
#define MEASURED(day) "[{'measure':'pain-now','value':4,'measured_on':'" day "'}]"
#define BOOKED(start)                                                                              \
    "," ENTRY("{'resourceType':'Appointment','id':'a1','status':'booked','start':'" start          \
              "','end':'" start "','participant':[{'actor':{'reference':'Patient/p1'},"            \
              "'status':'accepted'}]}")

static void a_day_is_that_of_the_desk(void **state)
{
    static const struct meaning cases[] = {
        {NOTE_OF("", VISIT("2026-08-24T20:30:00-04:00") PAIN("2026-08-25T01:00:00Z")),
         "measurements", MEASURED("2026-08-24")},
        {NOTE_OF("", VISIT("2026-08-24T08:30:00+10:00") PAIN("2026-08-23T22:40:00Z")),
         "measurements", MEASURED("2026-08-24")},
        {NOTE_OF("", VISIT("2026-08-25T00:30:00Z") PAIN("2026-08-25T00:40:00Z")), "measurements",
         MEASURED("2026-08-24")}, /* by the time of the note */
        {NOTE_OF("", VISIT("2026-08-24T20:30:00-04:00") PAIN("2026-08-25T01:00:00+02:00")),
         "measurements", MEASURED("2026-08-25")}, /* that is how they write it */
        {NOTE_OF("", VISIT("2026-08-24T20:30:00-04:00") BOOKED("2026-09-01T01:30:00Z")),
         "next_visit_on", "'2026-08-31'"},
        {NOTE_OF("", VISIT("2026-08-24T20:30:00-04:00") BOOKED("2026-09-01T14:30:00Z")),
         "next_visit_on", "'2026-09-01'"},
    };
    (void)state;
    CHECK(cases);
}

#define PERIOD(start, end) ",'period':{'start':'" start "','end':'" end "'}"

static void a_field_of_days_holds_days(void **state)
{
    static const struct meaning cases[] = {
        {PLAN_OF(PERIOD("2026-08-02T02:00:00-04:00", "2026-12")), "starts_on", "'2026-08-02'"},
        {PLAN_OF(PERIOD("2026-08-02T02:00:00-04:00", "2026-12")), "ends_on", "'2026-12-31'"},
        {PLAN_OF(PERIOD("2026", "2028-02")), "starts_on", "'2026-01-01'"},
        {PLAN_OF(PERIOD("2026", "2028-02")), "ends_on", "'2028-02-29'"},
        {REFERRAL_OF("", "," ENTRY("{'resourceType':'Condition','id':'k1'," FOR_P1
                                   ",'onsetDateTime':'2026-08-01T03:00:00Z','code':{'text':"
                                   "'Pain'}}")),
         "diagnoses", "[{'text':'Pain','since':'2026-07-31'}]"},
        {REFERRAL_OF("", "," ENTRY("{'resourceType':'Condition','id':'k1'," FOR_P1
                                   ",'onsetDateTime':'2026','code':{'text':'Pain'}}")),
         "diagnoses", "[{'text':'Pain'}]"},
    };
    (void)state;
    CHECK(cases);
}

#define SECTION(heading, words)                                                                    \
    "{" heading ",'text':{'status':'additional','div':'<div xmlns=\\'http://www.w3.org/1999/"      \
    "xhtml\\'>" words "</div>'}}"
#define LOINC(code) "'code':{'coding':[{'system':'http://loinc.org','code':'" code "'}]}"

static void words_are_told_with_their_section(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world, NOTE_OF(",'section':[" SECTION("'title':'Subjective'," LOINC("61150-9"),
                                              "Better") "," SECTION(LOINC("61149-1"), "Full") "]",
                       ""));
    assert_string_equal(
        json_get_text(received(&in, "Composition.section[0: Subjective].text"), "text"), "Better");
    assert_string_equal(
        json_get_text(received(&in, "Composition.section[1: Objective].text"), "text"), "Full");
    close_world(world);
}

#define COVER(id, number, more)                                                                    \
    "," ENTRY("{'resourceType':'Coverage','id':'" id "','status':'active','subscriberId':'" number \
              "','beneficiary':{'reference':'Patient/p1'},'payor':[{'display':'Acme'}]" more "}")
#define AUTHORIZED(id, number, end)                                                                \
    "," ENTRY(                                                                                     \
        "{'resourceType':'ClaimResponse','id':'" id "','status':'active','type':{'text':"          \
        "'x'},'use':'preauthorization','patient':{'reference':'Patient/p1'},'created':"            \
        "'2026-08-01','insurer':{'display':'Acme'},'outcome':'complete','preAuthRef':'" number     \
        "','preAuthPeriod':{'end':'" end "'}}")
#define EPISODE(id, start, end)                                                                    \
    "," ENTRY("{'resourceType':'EpisodeOfCare','id':'" id "','status':'finished','patient':{"      \
              "'reference':'Patient/p1'}" PERIOD(start, end) "}")
#define DONE(id, code, more)                                                                       \
    "," ENTRY("{'resourceType':'Procedure','id':'" id "','status':'completed'," FOR_P1             \
              ",'code':{'coding':[{'system':'http://snomed.info/sct','code':'" code "'}]}" more    \
              "}")
#define AT_VISIT VISIT("2026-08-24T20:30:00-04:00")
#define HOT "398074008"
#define BOTH ",'insurance':[{'reference':'ClaimResponse/r1'},{'reference':'ClaimResponse/r2'}]"

static void what_is_over_does_not_count(void **state)
{
    static const struct meaning cases[] = {
        {REFERRAL_OF("",
                     COVER("v1", "OLD", PERIOD("2019-01-01", "2020-12-31")) COVER("v2", "NEW", "")),
         "member_id", "'NEW'"},
        {REFERRAL_OF("", COVER("v1", "OLD", PERIOD("2019-01-01", "2020-12-31"))), "member_id",
         "'nothing'"},
        {REFERRAL_OF("", COVER("v1", "LATER", PERIOD("2027-01-01", "2027-12-31"))
                             COVER("v2", "NEW", "")),
         "member_id", "'NEW'"},
        {REFERRAL_OF(BOTH,
                     AUTHORIZED("r1", "OLD", "2026-01-31") AUTHORIZED("r2", "NEW", "2026-12-31")),
         "authorization_number", "'NEW'"},
        {REFERRAL_OF("", AUTHORIZED("r1", "OLD", "2026-01-31")), "authorization_number", "'OLD'"},
        {NOTE_OF("", AT_VISIT BOOKED("2026-08-03T10:00:00-04:00")), "next_visit_on", "'nothing'"},
        {NOTE_OF("", AT_VISIT BOOKED("2026-08-24T20:30:00-04:00")), "next_visit_on", "'nothing'"},
        {NOTE_OF("",
                 AT_VISIT BOOKED("2026-08-03T10:00:00-04:00") BOOKED("2026-09-07T10:00:00-04:00")),
         "next_visit_on", "'2026-09-07'"},
        {NOTE_OF("", AT_VISIT DONE("t1", HOT, ",'performedDateTime':'2026-08-17'")), "techniques",
         "'nothing'"},
        {NOTE_OF("", AT_VISIT DONE("t1", HOT, ",'performedDateTime':'2026-08-25T00:40:00Z'")),
         "techniques", "[{'technique':'hot-pack'}]"},
        {NOTE_OF("", AT_VISIT DONE("t1", HOT, "")), "techniques", "[{'technique':'hot-pack'}]"},
    };
    (void)state;
    CHECK(cases);
}

#define DISCHARGE(entries)                                                                         \
    MESSAGE(HEADER(                                                                                \
        EVENT("notify-add-service-record"),                                                        \
        ",'focus':[{'reference':'Composition/c1'}]") ",{'resource':{"                              \
                                                     "'resourceType':'Composition','id':'c1','"    \
                                                     "identifier':{'value':'N-1'},"                \
                                                     "'status':'final','type':{'coding':[{'"       \
                                                     "system':'http://loinc.org','code':"          \
                                                     "'18842-5'}]},'date':'2026-08-24T22:00:00-"   \
                                                     "04:00','author':[{'reference':"              \
                                                     "'Practitioner/d1'}],'title':'Note'," FOR_P1  \
                                                     "}}," PATIENT "," DOCTOR entries)

static void the_latest_care_is_this_care(void **state)
{
    static const struct meaning cases[] = {
        {DISCHARGE(EPISODE("e1", "2020-01-01", "2020-03-01")
                       EPISODE("e2", "2026-06-01", "2026-08-20")),
         "first_visit_on", "'2026-06-01'"},
        {DISCHARGE(EPISODE("e2", "2026-06-01", "2026-08-20")
                       EPISODE("e1", "2020-01-01", "2020-03-01")),
         "last_visit_on", "'2026-08-20'"},
    };
    (void)state;
    CHECK(cases);
}

#define FILE_AT(id, more)                                                                          \
    "," ENTRY(                                                                                     \
        "{'resourceType':'DocumentReference','id':'" id "','status':'current'," FOR_P1             \
        ",'description':'MRI','content':[{'attachment':{'contentType':'application/pdf'" more      \
        "}}]}")
#define BINARY                                                                                     \
    "," ENTRY("{'resourceType':'Binary','id':'b9','contentType':'application/pdf','data':"         \
              "'JVBERg=='}")
#define MRI "[{'title':'MRI','file':'x.pdf','media_type':'application/pdf'}]"

static void a_file_is_there_or_not_listed(void **state)
{
    static const struct meaning cases[] = {
        {REFERRAL_OF("", FILE_AT("d2", ",'title':'x.pdf','url':'Binary/b9'") BINARY), "attachments",
         MRI},
        {REFERRAL_OF("", BINARY FILE_AT("d2", ",'url':'Binary/b9'")), "attachments",
         "[{'title':'MRI','file':'MRI','media_type':'application/pdf'}]"},
        {REFERRAL_OF("", FILE_AT("d2", ",'title':'x.pdf','url':'https://a.example/x.pdf'")),
         "attachments", "'nothing'"},
        {REFERRAL_OF("", FILE_AT("d2", "")), "attachments", "'nothing'"},
        {REFERRAL_OF("", FILE_AT("d2", ",'title':'x.pdf'")), "attachments", MRI},
    };
    (void)state;
    CHECK(cases);
}

#define REPORT(status)                                                                             \
    "," ENTRY("{'resourceType':'DiagnosticReport','id':'r1','status':'" status "'," FOR_P1         \
              ",'code':{'text':'MRI'},'presentedForm':[{'contentType':'application/pdf',"          \
              "'title':'x.pdf','data':'JVBERg=='}]}")

static void the_file_of_a_report_is_attached(void **state)
{
    static const struct meaning cases[] = {
        {REFERRAL_OF("", REPORT("final")), "attachments", MRI},
        {NOTE_OF("", REPORT("final")), "attachments", MRI},
        {REFERRAL_OF("", REPORT("entered-in-error")), "attachments", "'nothing'"},
    };
    (void)state;
    CHECK(cases);
}

static void its_bytes_come_along(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        take(world, REFERRAL_OF("", FILE_AT("d2", ",'title':'x.pdf','url':'Binary/b9'") BINARY));
    assert_string_equal(json_get_text(json_first(in.attachments), "data"), "JVBERg==");
    in = take(world, REFERRAL_OF("", FILE_AT("d2", ",'url':'https://a.example/x.pdf'")));
    assert_string_equal(json_get_text(received(&in, "DocumentReference"), "text"),
                        "not filed: a file of it is not in this message");
    assert_string_equal(
        json_get_text(received(&in, "DocumentReference.content.attachment.url"), "text"),
        "https://a.example/x.pdf");
    assert_null(in.attachments);
    close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_display_stands_in_for_text),
        cmocka_unit_test(its_code_is_told),
        cmocka_unit_test(several_become_one_text),
        cmocka_unit_test(an_activity_says_what_to_do_by_its_code),
        cmocka_unit_test(a_standard_code_alone_names_a_technique),
        cmocka_unit_test(a_day_is_that_of_the_desk),
        cmocka_unit_test(a_field_of_days_holds_days),
        cmocka_unit_test(words_are_told_with_their_section),
        cmocka_unit_test(what_is_over_does_not_count),
        cmocka_unit_test(the_latest_care_is_this_care),
        cmocka_unit_test(a_file_is_there_or_not_listed),
        cmocka_unit_test(the_file_of_a_report_is_attached),
        cmocka_unit_test(its_bytes_come_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
