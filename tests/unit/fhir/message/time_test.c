/* message_read: what is over, declined, without a day, no count or somebody else's, in messages
 * that are valid and that a gateway of ours would not write. Each case is one message. */
#include "lib/foreign.h"

#define ENTRY(resource) ",{'resource':" resource "}"
#define FOR_P1 "'subject':{'reference':'Patient/p1'}"
#define REFERRAL_OF(more, entries)                                                                 \
    MESSAGE(HEADER(                                                                                \
        EVENT("add-service-request"),                                                              \
        ",'focus':[{'reference':'ServiceRequest/s1'}]") ",{'resource':{"                           \
                                                        "'resourceType':'ServiceRequest','id':'"   \
                                                        "s1','identifier':[{'value':'X-1'}],"      \
                                                        "'status':'active','intent':'order','"     \
                                                        "code':{'text':'Massage'},"                \
                                                        "'authoredOn':'2026-08-24T09:12:00-04:00'" \
                                                        "," FOR_P1 ",'requester':{'reference':'"   \
                                                        "Practitioner/d1'}" more "}}," PATIENT     \
                                                        "," DOCTOR entries)
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
                                                     "," DOCTOR VISIT entries)
#define VISIT                                                                                      \
    ENTRY("{'resourceType':'Encounter','id':'e1','status':'finished','class':{'code':'AMB'}"       \
          "," FOR_P1 ",'period':{'start':'2026-08-24T20:30:00-04:00'}}")

struct expected {
    const char *message, *member, *value; /* as JSON; "'nothing'": it is not there */
};

static void check(const struct expected *expected)
{
    struct world *world = open_world();
    struct message_inbound in = take(world, expected->message);
    const struct json *found = json_get(in.record, expected->member);
    const char *text = found == NULL ? "\"nothing\"" : json_print(&world->arena, found);
    const char *wanted = json_print(&world->arena, parse(&world->arena, expected->value));
    if (strcmp(text, wanted) != 0)
        fail_msg("%s is %s, not %s", expected->member, text, wanted);
    close_world(world);
}
#define CHECK(cases)                                                                               \
    for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++)                                   \
    check(&(cases)[i])

#define PAIN_CONDITION(more)                                                                       \
    ENTRY("{'resourceType':'Condition','id':'k1'," FOR_P1 ",'code':{'text':'Pain'}" more "}")
#define RESOLVED "[{'text':'Pain','standing':'resolved'}]"
#define OSTEOPOROSIS(more)                                                                         \
    ENTRY("{'resourceType':'Flag','id':'f1','status':'active'," FOR_P1                             \
          ",'code':{'text':'Osteoporosis'}" more "}")

static void what_is_over_keeps_its_place_and_is_no_fact(void **state)
{
    static const struct expected cases[] = {
        {REFERRAL_OF("", PAIN_CONDITION(",'abatementDateTime':'2020-01-01'")), "diagnoses",
         RESOLVED},
        {REFERRAL_OF("", PAIN_CONDITION(",'abatementString':'years ago'")), "diagnoses", RESOLVED},
        {REFERRAL_OF("", PAIN_CONDITION(",'abatementPeriod':{'end':'2020-01-01'}")), "diagnoses",
         RESOLVED},
        {REFERRAL_OF("", PAIN_CONDITION(",'_abatementDateTime':{'extension':[{'url':'urn:x',"
                                        "'valueCode':'unknown'}]}")),
         "diagnoses", RESOLVED},
        {REFERRAL_OF("", PAIN_CONDITION(",'abatementDateTime':'2027-01-01'")), "diagnoses",
         "[{'text':'Pain'}]"},
        {REFERRAL_OF("", OSTEOPOROSIS(",'period':{'start':'2019-01-01','end':'2020-01-01'}")),
         "precautions", "[{'text':'Osteoporosis','level':'caution','standing':'inactive'}]"},
        {REFERRAL_OF("", OSTEOPOROSIS(",'period':{'start':'2019-01-01','end':'2027-01-01'}")),
         "precautions", "[{'text':'Osteoporosis','level':'caution'}]"},
    };
    (void)state;
    CHECK(cases);
}

#define HOME_CARE(more)                                                                            \
    ENTRY("{'resourceType':'CarePlan','id':'k2','status':'active','intent':'plan'," FOR_P1         \
          ",'activity':[{'detail':{'status':'not-started','description':'Ice'}}]" more "}")
#define BOOKED(status)                                                                             \
    ENTRY("{'resourceType':'Appointment','id':'a1','status':'booked','start':'2026-09-01T10:00"    \
          ":00-04:00','end':'2026-09-01T10:30:00-04:00','participant':[{'actor':{'reference':"     \
          "'Practitioner/d1'},'status':'declined'},{'actor':{'reference':'Patient/p1'},"           \
          "'status':'" status "'}]}")

static void what_ended_or_was_declined_is_in_no_field(void **state)
{
    static const struct expected cases[] = {
        {NOTE_OF("", HOME_CARE(",'period':{'end':'2025-02-01'}")), "home_care", "'nothing'"},
        {NOTE_OF("", HOME_CARE(",'period':{'end':'2026-12-01'}")), "home_care", "['Ice']"},
        {NOTE_OF("", BOOKED("declined")), "next_visit_on", "'nothing'"},
        {NOTE_OF("", BOOKED("accepted")), "next_visit_on", "'2026-09-01'"},
    };
    (void)state;
    CHECK(cases);
}

#define PAIN(time, quantity)                                                                       \
    ENTRY("{'resourceType':'Observation','id':'o1','status':'final'," FOR_P1                       \
          ",'code':{'coding':[{'system':'http://loinc.org','code':'72514-3'}]}" time               \
          ",'valueQuantity':{" quantity "}}")
#define FOUR "'value':4,'code':'{score}'"
#define FOUR_ON(day) "[{'measure':'pain-now','value':4,'measured_on':'" day "'}]"
#define FOUR_SOME_DAY                                                                              \
    "[{'measure':'pain-now','value':4,'measured_on':'2026-08-24','standing':'preliminary'}]"

static void a_measurement_of_no_one_day_is_not_of_the_visit(void **state)
{
    static const struct expected cases[] = {
        {NOTE_OF("", PAIN("", FOUR)), "measurements", FOUR_ON("2026-08-24")},
        {NOTE_OF("", PAIN(",'effectiveDateTime':'2026-07'", FOUR)), "measurements", FOUR_SOME_DAY},
        {NOTE_OF("", PAIN(",'_effectiveDateTime':{'extension':[{'url':'urn:x','valueCode':'y'}]}",
                          FOUR)),
         "measurements", FOUR_SOME_DAY},
        {NOTE_OF("", PAIN(",'effectivePeriod':{'start':'2026-07-01','end':'2026-07-09'}", FOUR)),
         "measurements", FOUR_SOME_DAY},
        {NOTE_OF("", PAIN(",'effectiveTiming':{'code':{'text':'daily'}}", FOUR)), "measurements",
         FOUR_SOME_DAY},
        {NOTE_OF("", PAIN(",'effectivePeriod':{'start':'2026-07-01T09:00:00-04:00',"
                          "'end':'2026-07-01T10:00:00-04:00'}",
                          FOUR)),
         "measurements", FOUR_ON("2026-07-01")},
        {NOTE_OF("", PAIN(",'effectiveInstant':'2026-07-02T01:00:00Z'", FOUR)), "measurements",
         FOUR_ON("2026-07-01")},
    };
    (void)state;
    CHECK(cases);
}

#define CANNOT_BE(unit)                                                                            \
    "[{'measure':'pain-now','value':44," unit                                                      \
    "'measured_on':'2026-08-24','standing':'preliminary'}]"

static void what_cannot_be_is_seen_in_whatever_words_the_unit_is(void **state)
{
    static const struct expected cases[] = {
        {NOTE_OF("", PAIN("", "'value':44,'unit':'points','code':'{score}'")), "measurements",
         CANNOT_BE("'unit':'points',")},
        {NOTE_OF("", PAIN("", "'value':44,'unit':'/10'")), "measurements",
         CANNOT_BE("'unit':'/10',")},
        {NOTE_OF("", PAIN("", "'value':44,'unit':'mm','code':'mm'")), "measurements",
         "[{'measure':'pain-now','value':44,'unit':'mm','measured_on':'2026-08-24'}]"},
    };
    (void)state;
    CHECK(cases);
}

#define VISITS(number) ",'quantityQuantity':{'value':" number ",'code':'{#}'}"
#define REPEAT(members) ",'occurrenceTiming':{'repeat':{" members "}}"
#define WEEKS(number)                                                                              \
    REPEAT("'boundsDuration':{'value':" number ",'code':'wk'},'frequency':1,'period':1,"           \
           "'periodUnit':'wk'")

#define AUTHORIZED(number)                                                                         \
    ENTRY("{'resourceType':'ClaimResponse','id':'r1','status':'active','type':{'text':'x'},"       \
          "'use':'preauthorization','patient':{'reference':'Patient/p1'},'created':'2026-08-01',"  \
          "'insurer':{'display':'Acme'},'outcome':'complete','preAuthRef':'A-1','item':[{"         \
          "'itemSequence':1,'adjudication':[{'category':{'coding':[{'system':"                     \
          "'https://refgate.invalid/fhir/CodeSystem/adjudication','code':'authorized-visits'}]},"  \
          "'value':" number "}]}]}")

static void a_count_counts(void **state)
{
    static const struct expected cases[] = {
        {REFERRAL_OF(VISITS("6"), ""), "visits_requested", "6"},
        {REFERRAL_OF(VISITS("6.0"), ""), "visits_requested", "6"},
        {REFERRAL_OF(VISITS("1.2E1"), ""), "visits_requested", "12"},
        {REFERRAL_OF(VISITS("-6"), ""), "visits_requested", "'nothing'"},
        {REFERRAL_OF(VISITS("0"), ""), "visits_requested", "'nothing'"},
        {REFERRAL_OF(VISITS("6.5"), ""), "visits_requested", "'nothing'"},
        {REFERRAL_OF(VISITS("1e99"), ""), "visits_requested", "'nothing'"},
        {REFERRAL_OF("", AUTHORIZED("12")), "authorized_visits", "12"},
        {REFERRAL_OF("", AUTHORIZED("-5")), "authorized_visits", "'nothing'"},
        {REFERRAL_OF(WEEKS("4"), ""), "weeks", "4"},
        {REFERRAL_OF(WEEKS("-4"), ""), "weeks", "'nothing'"},
        {REFERRAL_OF(REPEAT("'duration':-30,'durationUnit':'min'"), ""), "minutes_per_visit",
         "'nothing'"},
        {REFERRAL_OF(REPEAT("'dayOfWeek':['mon'],'frequency':1,'period':1,'periodUnit':'d'"), ""),
         "visits_per_week", "'nothing'"}, /* seven a week, and on Mondays */
    };
    (void)state;
    CHECK(cases);
}

#define TASK_TO(code)                                                                              \
    ENTRY("{'resourceType':'Task','id':'t1','status':'requested','intent':'order','code':{"        \
          "'coding':[{'system':'http://hl7.org/fhir/CodeSystem/task-code','code':'" code "'}]},"   \
          "'focus':{'reference':'ServiceRequest/s1'},'for':{'reference':'Patient/p1'}}")

static void a_task_that_asks_for_something_else_is_no_new_order(void **state)
{
    static const char *const messages[] = {REFERRAL_OF("", TASK_TO("suspend")),
                                           REFERRAL_OF("", TASK_TO("resume"))};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *world = open_world();
        struct message_inbound in = take(world, messages[i]);
        assert_int_equal(in.content, MESSAGE_REFUSED);
        assert_string_equal(in.refused_at, "Task.code");
        close_world(world);
    }
    struct world *world = open_world();
    struct message_inbound in = take(world, REFERRAL_OF("", TASK_TO("replace")));
    assert_string_equal(json_get_text(received(&in, "Task.code"), "code"), "replace");
    close_world(world);
}

/* ---- files ---- */

#define PICTURE(id, status, title)                                                                 \
    ENTRY("{'resourceType':'Media','id':'" id "','status':'" status "'," FOR_P1                    \
          ",'content':{'contentType':'image/png','title':'" title "','data':'iVBORw0KGgo='}}")
#define LETTER(status)                                                                             \
    ENTRY("{'resourceType':'Communication','id':'m1','status':'" status "'," FOR_P1                \
          ",'payload':[{'contentString':'Call me'},{'contentAttachment':{'contentType':"           \
          "'application/pdf','title':'b.pdf','data':'JVBERg=='}}]}")
#define FILE_OF(name, type) "{'title':'" name "','file':'" name "','media_type':'" type "'}"

static void files_of_pictures_and_messages_are_attached(void **state)
{
    static const struct expected cases[] = {
        {REFERRAL_OF("", PICTURE("m1", "completed", "a.png")), "attachments",
         "[" FILE_OF("a.png", "image/png") "]"},
        {REFERRAL_OF("", PICTURE("m2", "completed", "c.png") PICTURE("m1", "completed", "a.png")),
         "attachments", "[" FILE_OF("a.png", "image/png") "," FILE_OF("c.png", "image/png") "]"},
        {REFERRAL_OF("", PICTURE("m1", "entered-in-error", "a.png")), "attachments", "'nothing'"},
        {REFERRAL_OF("", LETTER("completed")), "attachments",
         "[" FILE_OF("b.pdf", "application/pdf") "]"},
        {NOTE_OF("", LETTER("in-progress")), "attachments",
         "[" FILE_OF("b.pdf", "application/pdf") "]"},
        {REFERRAL_OF("", LETTER("not-done")), "attachments", "'nothing'"},
    };
    (void)state;
    CHECK(cases);
}

#define DOCUMENT(id, title, more)                                                                  \
    ENTRY("{'resourceType':'DocumentReference','id':'" id "','status':'current'," FOR_P1           \
          ",'description':'" title "','content':[{'attachment':{'contentType':'image/png',"        \
          "'title':'" title "','data':'iVBORw0KGgo='}}]" more "}")
#define REPLACES(id)                                                                               \
    ",'relatesTo':[{'code':'replaces','target':{'reference':'DocumentReference/" id "'}}]"

static void what_another_takes_the_place_of_is_in_no_field(void **state)
{
    static const struct expected cases[] = {
        {REFERRAL_OF("", DOCUMENT("d1", "a.png", "") DOCUMENT("d2", "c.png", REPLACES("d1"))),
         "attachments", "[" FILE_OF("c.png", "image/png") "]"},
        {REFERRAL_OF("",
                     DOCUMENT("d1", "a.png", "") DOCUMENT("d2", "c.png",
                                                          REPLACES("d1") ",'docStatus':'entered-in-"
                                                                         "error'")),
         "attachments", "[" FILE_OF("a.png", "image/png") "]"},
        {NOTE_OF("", HOME_CARE("") ENTRY("{'resourceType':'CarePlan','id':'k3','status':'active',"
                                         "'intent':'plan'," FOR_P1 ",'replaces':[{'reference':"
                                         "'CarePlan/k2'}],'activity':[{'detail':{'status':"
                                         "'not-started','description':'Heat'}}]}")),
         "home_care", "['Heat']"},
    };
    (void)state;
    CHECK(cases);
}

/* ---- somebody else's ---- */

#define STRANGER                                                                                   \
    ENTRY("{'resourceType':'Patient','id':'p2','name':[{'family':'Stranger'}],"                    \
          "'birthDate':'1955-05-05'}")
#define THEIRS(type, member, more)                                                                 \
    ENTRY("{'resourceType':'" type "','id':'z1','" member "':{'reference':'Patient/p2'}" more "}")

/* Whatever type it is of: `received` says that it is not filed, and nothing that it says. */
static void nothing_of_somebody_else_is_repeated(void **state)
{
    static const char *const messages[] = {
        REFERRAL_OF("", STRANGER THEIRS("AllergyIntolerance", "patient", ",'code':{'text':'HIS'}")),
        REFERRAL_OF("", STRANGER THEIRS("QuestionnaireResponse", "subject",
                                        ",'item':[{'linkId':'1','text':'HIS'}]")),
        REFERRAL_OF("", STRANGER THEIRS("MedicationRequest", "subject",
                                        ",'medicationCodeableConcept':{'text':'HIS'}")),
        REFERRAL_OF("",
                    STRANGER ENTRY("{'resourceType':'Account','id':'z1','name':'HIS','subject':[{"
                                   "'reference':'Patient/p2'}]}")),
        REFERRAL_OF(",'contained':[{'resourceType':'Immunization','id':'z1','patient':{"
                    "'reference':'Patient/p2'},'vaccineCode':{'text':'HIS'}}]",
                    STRANGER),
        NOTE_OF(",'section':[{'title':'Newborn','focus':{'reference':'Patient/p2'},'extension':[{"
                "'url':'https://refgate.invalid/fhir/StructureDefinition/record-field',"
                "'extension':[{'url':'name','valueString':'subjective'},{'url':'value',"
                "'valueString':'HIS'}]}]}]",
                STRANGER),
    };
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        struct world *world = open_world();
        struct message_inbound in = take(world, messages[i]);
        json_remove(in.record, strstr(messages[i], "Newborn") == NULL ? "" : "received");
        if (strstr(json_print(&world->arena, in.record), "HIS") != NULL)
            fail_msg("case %zu: %s", i, json_print(&world->arena, in.record));
        close_world(world);
    }
}

/* ---- whom it is for ---- */

#define TO_HARBOR_OR_US                                                                            \
    ",'performer':[{'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':"              \
    "'9900000040'}},{'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':"             \
    "'9900000016'}}]"
#define TO(npi)                                                                                    \
    ",'destination':[{'endpoint':'https://a.example','receiver':{'identifier':{'system':"          \
    "'http://hl7.org/fhir/sid/us-npi','value':'" npi "'}}}]"
#define ADDRESSED(npi)                                                                             \
    MESSAGE(HEADER(EVENT("add-service-request"),                                                   \
                   TO(npi)) ",{'resource':{'resourceType':"                                        \
                            "'ServiceRequest','id':'s1'," ORDER_BODY TO_HARBOR_OR_US "}}," PATIENT \
                            "," DOCTOR)

static void of_several_asked_it_is_the_one_addressed(void **state)
{
    static const struct expected cases[] = {
        {ADDRESSED("9900000016"), "referred_to", "'willow'"},
        {ADDRESSED("9900000040"), "referred_to", "'harbor'"},
    };
    (void)state;
    CHECK(cases);
}

/* `refgate map` of a file: nobody's certificate says who sent it, and the numbers are a refgate's.
 */
static void who_placed_a_file_without_sender_sent_it(void **state)
{
    static const struct expected file = {
        "{'resourceType':'Bundle','id':'b-1','type':'message','entry':[{'resource':{"
        "'resourceType':'MessageHeader'," EVENT(
            "add-service-request") "," SOURCE "}}"
                                   ",{'resource':{'resourceType':'ServiceRequest','id':'s1'"
                                   "," ORDER_BODY "}}," DOCTOR
                                   ",{'resource':{'resourceType':'Patient','id':'p1','identifier':["
                                   "{'system':"
                                   "'https://refgate.invalid/fhir/sid/9900000024/"
                                   "client','value':'77'}],"
                                   "'name':[{'family':'Roe'}]}}]}",
        "client_id", "'77'"};
    (void)state;
    check(&file);
}

/* ---- a consent's hours ---- */

#define CONSENT_OF(type, start, end)                                                               \
    MESSAGE(HEADER(EVENT("share-consent"), ",'focus':[{'reference':'Consent/c1'}]") ENTRY(         \
        "{'resourceType':'Consent','id':'c1','identifier':[{'value':'C-1'}],'status':'active',"    \
        "'scope':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/consentscope',"       \
        "'code':'patient-privacy'}]},'category':[{'text':'x'}],'patient':{'reference':"            \
        "'Patient/p1'},'dateTime':'2026-08-01T10:00:00-04:00','provision':{'type':'" type          \
        "','period':{'start':'" start "','end':'" end "'}}}") "," PATIENT)

static void a_permission_holds_on_whole_days_alone(void **state)
{
    static const struct expected cases[] = {
        {CONSENT_OF("permit", "2026-08-02T08:00:00-04:00", "2026-08-10T10:00:00-04:00"),
         "valid_from", "'2026-08-03'"},
        {CONSENT_OF("permit", "2026-08-02T08:00:00-04:00", "2026-09-01T10:00:00-04:00"),
         "valid_until", "'2026-08-31'"},
        {CONSENT_OF("permit", "2026-08-02T00:00:00-04:00", "2026-08-10T23:59:59-04:00"),
         "valid_from", "'2026-08-02'"},
        {CONSENT_OF("permit", "2026-08-02T00:00:00-04:00", "2026-08-10T23:59:59-04:00"),
         "valid_until", "'2026-08-10'"},
        {CONSENT_OF("deny", "2026-08-02T08:00:00-04:00", "2026-08-10T10:00:00-04:00"), "valid_from",
         "'2026-08-02'"},
        {CONSENT_OF("deny", "2026-08-02T08:00:00-04:00", "2026-08-10T10:00:00-04:00"),
         "valid_until", "'2026-08-10'"},
        {CONSENT_OF("permit", "2026-08-02", "2026-08-10"), "valid_until", "'2026-08-10'"},
    };
    (void)state;
    CHECK(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_over_keeps_its_place_and_is_no_fact),
        cmocka_unit_test(what_ended_or_was_declined_is_in_no_field),
        cmocka_unit_test(a_measurement_of_no_one_day_is_not_of_the_visit),
        cmocka_unit_test(what_cannot_be_is_seen_in_whatever_words_the_unit_is),
        cmocka_unit_test(a_count_counts),
        cmocka_unit_test(a_task_that_asks_for_something_else_is_no_new_order),
        cmocka_unit_test(files_of_pictures_and_messages_are_attached),
        cmocka_unit_test(what_another_takes_the_place_of_is_in_no_field),
        cmocka_unit_test(nothing_of_somebody_else_is_repeated),
        cmocka_unit_test(of_several_asked_it_is_the_one_addressed),
        cmocka_unit_test(who_placed_a_file_without_sender_sent_it),
        cmocka_unit_test(a_permission_holds_on_whole_days_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
