/* message_read: whose a resource is, and which of several a record means. Each case is one message
 * of another system; entries stand in the worst order. */
#include "lib/foreign.h"

#define ENTRY(resource) "{'resource':" resource "}"
#define AT(url, resource) "{'fullUrl':'" url "','resource':" resource "}"
#define PERSON(id, family, number)                                                                 \
    "{'resourceType':'Patient','id':'" id "','identifier':[{'type':{'coding':[{'system':"          \
    "'http://terminology.hl7.org/CodeSystem/v2-0203','code':'MR'}]},'system':'urn:oid:1.2.3',"     \
    "'value':'" number "'}],'name':[{'family':'" family "','given':['Ann']}]}"
#define SMITH ENTRY(PERSON("p2", "Smith", "12"))
#define ROE ENTRY(PERSON("p1", "Roe", "11"))
#define REQUEST(subject, more)                                                                     \
    "{'resourceType':'ServiceRequest','id':'s1','identifier':[{'value':'X-1'}],'status':'active'," \
    "'intent':'order','code':{'text':'Massage'},'authoredOn':'2026-08-24T09:12:00-04:00',"         \
    "'requester':{'reference':'Practitioner/d1'},'subject':" subject more "}"
#define ICD(code)                                                                                  \
    "'code':{'coding':[{'system':'http://hl7.org/fhir/sid/icd-10-cm','code':'" code "'}]}"
#define CONDITION(id, code, subject)                                                               \
    "{'resourceType':'Condition','id':'" id "','subject':" subject "," ICD(code) "}"
#define TO(reference) "{'reference':'" reference "'}"
#define NOTE(more)                                                                                 \
    "{'resourceType':'Composition','id':'c1','identifier':{'value':'N-1'},'status':'final',"       \
    "'type':{'text':'Note'},'date':'2026-08-24T09:12:00-04:00','author':[" TO(                     \
        "Practitioner/d1") "],'title':'Note','event':[{'detail':[{'type':'ServiceRequest','"       \
                           "identifier':{'value':"                                                 \
                           "'X-1'}}]}]" more "}"
#define PAIN(id, more)                                                                             \
    "{'resourceType':'Observation','id':'" id "','status':'final','code':{'coding':[{'system':"    \
    "'http://loinc.org','code':'72514-3'}]},'valueQuantity':{'value':7,'code':'{score}'}" more "}"
#define MASSAGE(id, minutes, more)                                                                 \
    "{'resourceType':'Procedure','id':'" id "','status':'completed','code':{'coding':[{'system':"  \
    "'http://snomed.info/sct','code':'387854002'}],'text':'" minutes "'}" more "}"
#define VISIT(id, start)                                                                           \
    "{'resourceType':'Encounter','id':'" id "','status':'finished','class':{'code':'AMB'},"        \
    "'subject':" TO("Patient/p1") ",'period':{'start':'" start "'}}"
#define REFERRAL(entries)                                                                          \
    MESSAGE(HEADER(EVENT("add-service-request"),                                                   \
                   ",'focus':[{'reference':'ServiceRequest/s1'}]") "," entries "," DOCTOR)
#define RECORD(entries)                                                                            \
    MESSAGE(HEADER(EVENT("notify-add-service-record"),                                             \
                   ",'focus':[{'reference':'Composition/c1'}]") "," entries "," DOCTOR)

/* The items of LIST by MEMBER, "M54.2 M54.5"; "" when there are none. */
static const char *items(struct arena *arena, const struct json *record, const char *list,
                         const char *member)
{
    struct text text = text_new(arena, 4000);
    for (const struct json *item = json_first(json_get(record, list)); item != NULL;
         item = json_next(item)) {
        const char *word = json_get_text(item, member);
        if (word == NULL)
            word = json_number(json_get(item, member));
        text_print(&text, "%s%s", text.length == 0 ? "" : " ", word == NULL ? "?" : word);
    }
    return text.at;
}

struct list_case {
    const char *message, *list, *member, *expected;
};

static void check_lists(const struct list_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct world *world = open_world();
        struct message_inbound in = take(world, cases[i].message);
        const char *found = cases[i].member == NULL
                                ? json_get_text(in.record, cases[i].list)
                                : items(&world->arena, in.record, cases[i].list, cases[i].member);
        if (!text_equal(found, cases[i].expected))
            fail_msg("case %zu: %s is %s, not %s", i + 1, cases[i].list,
                     found == NULL ? "nothing" : found,
                     cases[i].expected == NULL ? "nothing" : cases[i].expected);
        close_world(world);
    }
}
#define CHECK(cases) check_lists(cases, sizeof(cases) / sizeof *(cases))

#define CLIENT(entries, family)                                                                    \
    {                                                                                              \
        REFERRAL(entries), "client_family_name", NULL, family                                      \
    }

static void the_client_is_the_subject(void **state)
{
    static const struct list_case cases[] = {
        CLIENT(ROE "," ENTRY(REQUEST(TO("Patient/p2"), "")) "," SMITH, "Smith"),
        CLIENT(ROE "," ENTRY(REQUEST(TO("#p2"), ",'contained':[" PERSON("p2", "Smith", "12") "]")),
               "Smith"),
        CLIENT(ROE "," ENTRY(
                   REQUEST("{'identifier':{'system':'urn:oid:1.2.3','value':'12'}}", "")) "," SMITH,
               "Smith"),
        CLIENT(ROE "," ENTRY(REQUEST("{'reference':'https://x.example/Patient/9','identifier':{"
                                     "'system':'urn:oid:1.2.3','value':'12'}}",
                                     "")) "," SMITH,
               "Smith"),
        /* one id on two servers */
        CLIENT(AT("https://a.example/Patient/p", PERSON("p", "Roe", "11")) "," AT(
                   "https://b.example/ServiceRequest/s1",
                   REQUEST(TO("Patient/p"), "")) "," AT("https://b.example/Patient/p",
                                                        PERSON("p", "Smith", "12")),
               "Smith"),
        CLIENT(AT("https://a.example/Patient/p", PERSON("p", "Roe", "11")) "," ENTRY(REQUEST(
                   TO("https://b.example/Patient/p"), "")) "," AT("https://b.example/Patient/p",
                                                                  PERSON("p", "Smith", "12")),
               "Smith"),
        /* two versions, one named */
        CLIENT(AT("https://a.example/Patient/p",
                  "{'resourceType':'Patient','id':'p','meta':{'versionId':'2'},'name':[{"
                  "'family':'Smith'}]}") "," AT("https://a.example/Patient/p",
                                                "{'resourceType':'Patient','id':'p','meta':"
                                                "{"
                                                "'versionId':'1'},'name':[{'family':'Old'}]"
                                                "}") "," ENTRY(REQUEST(TO("https://"
                                                                          "a.example/"
                                                                          "Patient/p"),
                                                                       "")),
               "Smith"),
        CLIENT(AT("https://a.example/Patient/p",
                  "{'resourceType':'Patient','id':'p','meta':{'versionId':'2'},'name':[{"
                  "'family':'Smith'}]}") "," AT("https://a.example/Patient/p",
                                                "{'resourceType':'Patient','id':'p','meta':"
                                                "{"
                                                "'versionId':'1'},'name':[{'family':'Old'}]"
                                                "}") "," ENTRY(REQUEST(TO("https://"
                                                                          "a.example/"
                                                                          "Patient/p/"
                                                                          "_history/1"),
                                                                       "")),
               "Old"),
    };
    (void)state;
    CHECK(cases);
}

static void nobody_else_is_taken_for_the_client(void **state)
{
    struct world *world = open_world();
    (void)state;
    refuse(world, REFERRAL(ROE "," ENTRY(REQUEST(TO("Patient/p9"), ""))), "Patient");
    refuse(world, REFERRAL(ROE "," ENTRY(REQUEST(TO("https://other.example/Patient/p1"), ""))),
           "Patient");
    refuse(world,
           REFERRAL(AT("https://a.example/Patient/p1", PERSON("p1", "Roe", "11")) "," ENTRY(
               REQUEST(TO("https://b.example/Patient/p1"), ""))),
           "Patient");
    refuse(world,
           REFERRAL(ROE "," ENTRY(REQUEST(TO("Group/g1"), "")) "," ENTRY(
               "{'resourceType':'Group','id':'g1','type':'person','actual':true}")),
           "subject");
    refuse(world,
           REFERRAL(ROE "," SMITH "," ENTRY(REQUEST(TO("Patient/p1"), "")) "," ENTRY(
               "{'resourceType':'Task','id':'t1','status':'requested','intent':'order',"
               "'focus':{'reference':'ServiceRequest/s1'},'for':{'reference':'Patient/p2'}}")),
           "Task.for");
    close_world(world);
}

#define ORDER_OF_P1 ENTRY(REQUEST(TO("Patient/p1"), ""))
#define DIAGNOSES(entries, codes)                                                                  \
    {                                                                                              \
        REFERRAL(entries), "diagnoses", "code", codes                                              \
    }

#define INSURED(id, family, given)                                                                 \
    "{'resourceType':'Patient','id':'" id "','identifier':[{'type':{'coding':[{'system':"          \
    "'http://terminology.hl7.org/CodeSystem/v2-0203','code':'MB'}]},'system':'urn:oid:9.8.7',"     \
    "'value':'FAM-1'}],'name':[{'family':'" family "','given':['" given "']}]}"

static void only_what_is_the_clients_enters(void **state)
{
    static const struct list_case cases[] = {
        DIAGNOSES(ROE "," SMITH "," ORDER_OF_P1
                      "," ENTRY(CONDITION("k1", "M54.2", TO("Patient/p2"))),
                  ""),
        DIAGNOSES(ROE "," ORDER_OF_P1 "," ENTRY(CONDITION("k1", "M54.2", TO("Patient/p9"))), ""),
        DIAGNOSES(ROE "," ORDER_OF_P1 "," ENTRY(CONDITION("k1", "M54.2", TO("Group/g1"))) "," ENTRY(
                      "{'resourceType':'Group','id':'g1','type':'person','actual':true}"),
                  ""),
        DIAGNOSES(ROE "," ORDER_OF_P1
                      "," ENTRY(CONDITION("k1", "M54.2", TO("https://other.example/Patient/p1"))),
                  ""),
        /* named by the order, and yet about somebody else */
        DIAGNOSES(
            ROE "," SMITH "," ENTRY(REQUEST(
                TO("Patient/p1"), ",'reasonReference':[" TO(
                                      "Condition/k1") "]")) "," ENTRY(CONDITION("k1", "M54.2",
                                                                                TO("Patient/p2"))),
            ""),
        /* two of one household have one member number */
        DIAGNOSES(ENTRY(INSURED("p1", "Roe", "Ann")) "," ENTRY(INSURED(
                      "p2", "Roe", "Ben")) "," ORDER_OF_P1
                                           "," ENTRY(CONDITION("k1", "M54.2", TO("Patient/p2"))),
                  ""),
        /* a copy of the client, and a link to another resource of theirs */
        DIAGNOSES(ROE "," ORDER_OF_P1
                      "," ENTRY("{'resourceType':'Condition','id':'k1','contained':[" PERSON(
                          "me", "Roe", "11") "],'subject':{'reference':'#me'}," ICD("M54.2") "}"),
                  "M54.2"),
        DIAGNOSES(ENTRY("{'resourceType':'Patient','id':'p0','active':true,'link':[{'other':{"
                        "'reference':'Patient/p1'},'type':'seealso'}]}") "," ROE "," ORDER_OF_P1
                                                                         "," ENTRY(CONDITION(
                                                                             "k1", "M54.2",
                                                                             TO("Patient/p0"))),
                  "M54.2"),
        DIAGNOSES(ROE "," ORDER_OF_P1 "," ENTRY(CONDITION(
                      "k1", "M54.2", "{'identifier':{'system':'urn:oid:1.2.3','value':'11'}}")),
                  "M54.2"),
        /* contained in the order */
        DIAGNOSES(ROE "," ENTRY(REQUEST(
                      TO("Patient/p1"),
                      ",'contained':[" CONDITION("k1", "M54.2", TO("Patient/p1")) "," CONDITION(
                          "k2", "M54.5",
                          TO("Patient/p1")) "],'reasonReference':[" TO("#k2") "," TO("#k1") "]")),
                  "M54.5 M54.2"),
        {RECORD(ROE "," SMITH "," ENTRY(NOTE(",'subject':{'reference':'Patient/p1'}")) "," ENTRY(
             PAIN("o1", ",'subject':{'reference':'Patient/p1'},'focus':[{'reference':"
                        "'Patient/p2'}]"))),
         "measurements", "value", ""},
        {RECORD(ROE "," SMITH "," ENTRY(NOTE(",'subject':{'reference':'Patient/p1'}")) "," ENTRY(
             PAIN("o1", ""))),
         "measurements", "value", ""}, /* it does not say whose it is, and there are two */
        {RECORD(ROE "," SMITH "," ENTRY(
             NOTE(",'subject':{'reference':'Patient/p1'},'section':[{"
                  "'entry':[{'reference':'Observation/o1'}]}]")) "," ENTRY(PAIN("o1", ""))),
         "measurements", "value", "7"},
        {RECORD(ROE "," SMITH "," ENTRY(NOTE(",'subject':{'reference':'Patient/p1'}")) "," ENTRY(
             "{'resourceType':'Appointment','id':'a1','status':'booked','start':"
             "'2026-09-01T10:00:00Z','participant':[{'actor':{'reference':"
             "'Patient/p2'},'status':'accepted'}]}")),
         "next_visit_on", NULL, NULL},
        {REFERRAL(ROE "," SMITH "," ORDER_OF_P1 "," ENTRY(
             "{'resourceType':'Coverage','id':'v1','status':'active','subscriberId':"
             "'S-9','beneficiary':{'reference':'Patient/p2'},'payor':[{'display':"
             "'Acme'}]}")),
         "member_id", NULL, NULL},
    };
    (void)state;
    CHECK(cases);
}

/* Of another person only that is told, and never what is said of them. */
static void a_stranger_is_not_described(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(world, REFERRAL(ROE "," SMITH "," ORDER_OF_P1 "," ENTRY(
                                                CONDITION("k1", "B20", TO("Patient/p2")))));
    const char *text = json_print(&world->arena, in.record);
    assert_null(strstr(text, "B20"));
    assert_null(strstr(text, "Smith"));
    assert_string_equal(json_get_text(received(&in, "Condition"), "text"),
                        "not filed: it is about somebody else (Patient/p2)");
    assert_string_equal(json_get_text(received(&in, "Patient[1]"), "text"),
                        "not filed: another person than the client");
    close_world(world);
}

#define K(number, code) ENTRY(CONDITION("k" number, code, TO("Patient/p1")))
#define VISIT_OF_P1(day) "'encounter':{'reference':'Encounter/" day "'},'subject':" TO("Patient/p1")

static void the_order_is_that_of_meaning(void **state)
{
    static const struct list_case cases[] = {
        DIAGNOSES(K("1", "M54.2") "," K("2", "M54.5") "," K("3", "I10") "," ROE "," ENTRY(REQUEST(
                      TO("Patient/p1"),
                      ",'reasonReference':[" TO("Condition/k2") "," TO("Condition/k1") "]")),
                  "M54.5 M54.2"), /* the third is not what the order is about */
        DIAGNOSES(K("1", "M54.2") "," K("2", "M54.5") "," ROE "," ENTRY(
                      "{'resourceType':'Encounter','id':'e1','status':'finished','class':{'code':"
                      "'AMB'},'subject':{'reference':'Patient/p1'},'diagnosis':[{'condition':{"
                      "'reference':'Condition/k1'},'rank':2},{'condition':{'reference':"
                      "'Condition/k2'},'rank':1}]}") "," ENTRY(REQUEST(TO("Patient/p1"),
                                                                       ",'encounter':{'reference':'"
                                                                       "Encounter/e1'}")),
                  "M54.5 M54.2"),
        {REFERRAL(ROE "," ENTRY(
             "{'resourceType':'Coverage','id':'v1','status':'active',"
             "'subscriberId':'S-1','beneficiary':{'reference':'Patient/p1'},"
             "'payor':[{'display':'Acme'}]}") "," ENTRY("{'resourceType':'Coverage','"
                                                        "id':'v2','status':'active',"
                                                        "'subscriberId':'S-2','"
                                                        "beneficiary':{'reference':'"
                                                        "Patient/p1'},"
                                                        "'payor':[{'display':'Best'}]"
                                                        "}") "," ENTRY(REQUEST(TO("Pa"
                                                                                  "ti"
                                                                                  "en"
                                                                                  "t/"
                                                                                  "p"
                                                                                  "1"),
                                                                               ",'"
                                                                               "insur"
                                                                               "ance'"
                                                                               ":"
                                                                               "[" TO(
                                                                                   "Coverage"
                                                                                   "/v2") "," TO("C"
                                                                                                 "o"
                                                                                                 "v"
                                                                                                 "e"
                                                                                                 "r"
                                                                                                 "a"
                                                                                                 "g"
                                                                                                 "e"
                                                                                                 "/"
                                                                                                 "v"
                                                                                                 "1") "]"))),
         "member_id", NULL, "S-2"},
        {RECORD(ROE "," ENTRY(MASSAGE("m1", "45", "," VISIT_OF_P1("e1"))) "," ENTRY(VISIT(
             "e1",
             "20"
             "26"
             "-0"
             "8-"
             "01"
             "T1"
             "0:"
             "00"
             ":0"
             "0"
             "Z")) "," ENTRY(VISIT("e2",
                                   "2026-08-24T10:00:00Z")) "," ENTRY(NOTE("," VISIT_OF_P1("e2"))) "," ENTRY(MASSAGE("m2",
                                                                                                                     "30",
                                                                                                                     "," VISIT_OF_P1(
                                                                                                                         "e2")))),
         "visit_at", NULL, "2026-08-24T10:00:00Z"},
        {RECORD(ROE "," ENTRY(MASSAGE("m1", "45", "," VISIT_OF_P1("e1"))) "," ENTRY(VISIT(
             "e1",
             "2026-08-"
             "01T10:00:"
             "00Z")) "," ENTRY(VISIT("e2",
                                     "2026-08-24T10:00:00Z")) "," ENTRY(NOTE("," VISIT_OF_P1("e"
                                                                                             "2")))),
         "techniques", "technique", ""},
        {RECORD(ROE "," ENTRY(NOTE(",'subject':" TO(
             "Patient/p1") ",'relatesTo':[{'code':'appends',"
                           "'targetReference':{'reference':'Composition/c7'}},{'code':"
                           "'replaces','targetReference':{'reference':'Composition/"
                           "c8'}}]")) "," ENTRY("{'resourceType':'Composition','id':'c8'"
                                                ",'identifier':{'value':'N-0'},"
                                                "'status':'final','type':{'text':'Note'}"
                                                ",'date':'2026-08-24','title':"
                                                "'Note'}")),
         "replaces_record_id", NULL, "N-0"},
    };
    (void)state;
    CHECK(cases);
}

#define FULL(id, family, given, birth, more)                                                       \
    "{'resourceType':'Patient','id':'" id "','name':[{'family':'" family "','given':['" given      \
    "']}],'birthDate':'" birth "'" more "}"
#define OF_HOUSEHOLD ",'identifier':[{'system':'urn:fam','value':'HH-1'}]"
#define MRN(value, more)                                                                           \
    ",'identifier':[{'type':{'coding':[{'code':'MR'}]},'system':'urn:mr','value':'" value "'" more \
    "}]"

/* What a household shares makes nobody the client, nor does a name with another number. */
static void what_contradicts_outweighs_what_is_shared(void **state)
{
    static const struct list_case cases[] = {
        DIAGNOSES(ENTRY(FULL("p1", "Marsh", "Dana", "1984-03-09", OF_HOUSEHOLD)) "," ENTRY(
                      FULL("p2", "Marsh", "Tim", "2015-01-01",
                           OF_HOUSEHOLD)) "," ORDER_OF_P1
                                          "," ENTRY(CONDITION("k1", "M54.2", TO("Patient/p2"))),
                  ""),
        DIAGNOSES(ENTRY(FULL("p1", "Marsh", "Dana", "1984-03-09", MRN("1", ""))) "," ENTRY(
                      FULL("p2", "Marsh", "Dana", "1984-03-09",
                           MRN("2", ""))) "," ORDER_OF_P1
                                          "," ENTRY(CONDITION("k1", "M54.2", TO("Patient/p2"))),
                  ""),
        DIAGNOSES(
            ENTRY(FULL("p1", "Marsh", "Dana", "1984-03-09", MRN("1", ""))) "," ENTRY(FULL(
                "p2", "Other", "Person", "1950-01-01",
                MRN("1", ",'use':'old'"))) "," ORDER_OF_P1
                                           "," ENTRY(CONDITION("k1", "M54.2", TO("Patient/p2"))),
            ""),
        DIAGNOSES(
            ENTRY(FULL("p1", "Marsh", "Sam", "1984-03-09", ",'gender':'male'")) "," ENTRY(
                FULL("p2", "Marsh", "Sam", "1984-03-09",
                     ",'gender':'female'")) "," ORDER_OF_P1
                                            "," ENTRY(CONDITION("k1", "M54.2", TO("Patient/p2"))),
            ""),
        DIAGNOSES(ENTRY(FULL("p1", "Marsh", "Dana", "1984-03-09", MRN("1", ""))) "," ENTRY(
                      FULL("p2", "Wedd", "Dana", "1984-03-09",
                           MRN("1", ""))) "," ORDER_OF_P1
                                          "," ENTRY(CONDITION("k1", "M54.2", TO("Patient/p2"))),
                  "M54.2"), /* a new family name, the same number */
        /* twins: their numbers are not known yet */
        DIAGNOSES(
            ENTRY(FULL("p1", "Marsh", "Dana", "2026-08-01",
                       ",'identifier':[{'type':{'coding':[{'code':'MR'}]},'system':'urn:mr'}"
                       "]")) "," ENTRY(FULL("p2", "Marsh", "Tim", "2026-08-01",
                                            ",'identifier':[{'type':{'coding':[{'code':'MR'}]"
                                            "},'system':"
                                            "'urn:mr'}]")) "," ORDER_OF_P1
                                                           "," ENTRY(CONDITION("k1", "M54.2",
                                                                               TO("Patient/p2"))),
            ""),
        /* two servers have a patient of that id, and neither is in the message */
        DIAGNOSES(
            AT("https://a.example/ServiceRequest/s1",
               REQUEST("{'reference':'Patient/5','identifier':{'system':'urn:mr','value':'1'}}",
                       "")) "," ENTRY(CONDITION("k1", "M54.2", TO("https://b.example/Patient/5"))),
            ""),
        DIAGNOSES(
            AT("https://a.example/ServiceRequest/s1",
               REQUEST("{'reference':'Patient/5','identifier':{'system':'urn:mr','value':'1'}}",
                       "")) "," ENTRY(CONDITION("k1", "M54.2", TO("https://a.example/Patient/5"))),
            "M54.2"),
        DIAGNOSES(ENTRY(FULL("p1", "Marsh", "Dana", "1984-03-09", OF_HOUSEHOLD)) "," ENTRY(FULL(
                      "p2", "Marsh", "Tim", "2015-01-01",
                      OF_HOUSEHOLD)) "," ORDER_OF_P1
                                     "," ENTRY(CONDITION(
                                         "k1", "M54.2",
                                         "{'identifier':{'system':'urn:fam','value':'HH-1'}}")),
                  ""),
    };
    (void)state;
    CHECK(cases);
}

#define CONTAINED_ROLE                                                                             \
    ",'contained':[{'resourceType':'PractitionerRole','id':'r','practitioner':{'reference':'#d'}}" \
    ","                                                                                            \
    "{'resourceType':'Practitioner','id':'d','identifier':[{'system':"                             \
    "'http://hl7.org/fhir/sid/us-npi','value':'9900000073'}],'name':[{'family':'Osei'}]}],"        \
    "'performer':[{'reference':'#r'}]"
#define LAKESIDE "'identifier':[{'system':'http://hl7.org/fhir/sid/us-npi','value':'9900000024'}]"

static void who_is_meant_is_found_behind_what_is_named(void **state)
{
    static const struct list_case cases[] = {
        {REFERRAL(ROE "," ENTRY(REQUEST(TO("Patient/p1"), CONTAINED_ROLE))), "referred_to", NULL,
         "osei"},
        {REFERRAL(ROE "," ENTRY(REQUEST(
             TO("Patient/p1"),
             ",'performer':[" TO(
                 "PractitionerRole/"
                 "r") "]")) "," ENTRY("{'resourceType':'PractitionerRole','id':'r','organization'"
                                      ":" TO("Organization/o") "}") "," ENTRY("{'resourceType':'"
                                                                              "Organization','id':"
                                                                              "'o'," LAKESIDE "}")),
         "referred_to", NULL, "lakeside"},
        {REFERRAL(ROE "," ENTRY(REQUEST(
             TO("Patient/p1"),
             ",'performer':[" TO(
                 "HealthcareService"
                 "/h") "]")) "," ENTRY("{'resourceType':'HealthcareService','id':'h','providedBy'"
                                       ":" TO("Organization/o") "}") "," ENTRY("{'resourceType':'"
                                                                               "Organization','id':"
                                                                               "'o'," LAKESIDE
                                                                               "}")),
         "referred_to", NULL, "lakeside"},
    };
    (void)state;
    CHECK(cases);
}

static void a_referral_is_named_by_what_is_one(void **state)
{
    static const struct list_case cases[] = {
        {RECORD(ROE
                "," ENTRY("{'resourceType':'Composition','id':'c1','identifier':{'value':'N-1'},"
                          "'status':'final','type':{'text':'N'},'date':'2026-08-24','title':'N',"
                          "'subject':{'reference':'Patient/p1'},'event':[{'detail':[{'type':"
                          "'Procedure','identifier':{'value':'PR-1'}},{'type':'ServiceRequest',"
                          "'identifier':{'value':'X-1'}}]}]}")),
         "referral_id", NULL, "X-1"},
        {REFERRAL(
             ROE "," ENTRY("{'resourceType':'ServiceRequest','id':'s0','identifier':[{"
                           "'value':"
                           "'X-0'}],'status':'active','intent':'order','subject':{'"
                           "reference':"
                           "'Patient/p1'},'requester':{'reference':'Practitioner/"
                           "d1'}}") "," ENTRY(REQUEST(TO("Patient/p1"),
                                                      ",'basedOn':[" TO("ServiceRequest/s0") "]"))),
         "reply_to_referral_id", NULL, NULL}, /* of the same clinic: it answers nobody */
    };
    (void)state;
    CHECK(cases);
}

#define TWO_FOCI(one, other)                                                                       \
    MESSAGE(HEADER(EVENT("notify-add-service-record"),                                             \
                   ",'focus':[" TO(one) "," TO(                                                    \
                       other) "]") "," ROE                                                         \
                                   "," ENTRY(NOTE(",'subject':" TO("Patient/p1"))) "," ENTRY(      \
                                       "{'resourceType':'Composition','id':'c2',"                  \
                                       "'status':'final','type':{'text':'N'},'subject':"           \
                                       "{'reference':'Patient/p1'},'date':'2026-08-24',"           \
                                       "'title':'N'}"))

static void nothing_of_a_message_is_passed_over(void **state)
{
    struct world *world = open_world();
    (void)state;
    refuse(world, TWO_FOCI("Composition/c1", "Composition/c2"), "MessageHeader.focus");
    struct message_inbound in = take(
        world, REFERRAL(ROE "," ENTRY(REQUEST(TO("Patient/p1"), "")) "," ENTRY(
                   "{'resourceType':'Task','id':'t1','status':'requested','intent':'order','code':{"
                   "'coding':[{'code':'abort'}]},'focus':{'reference':'ServiceRequest/s1'}}")));
    assert_int_equal(in.content, MESSAGE_MOVE); /* stop, not: begin */
    assert_string_equal(in.move.move, "abort");
    in = take(world,
              REFERRAL(ROE "," ENTRY(REQUEST(TO("Patient/p1"), "")) "," ENTRY(
                  "{'resourceType':'Task','id':'t1','status':'requested','intent':'order','focus':{"
                  "'reference':'ServiceRequest/s1'},'requester':" TO("Patient/p1") "}")));
    assert_string_equal(json_get_text(received(&in, "Task.requester"), "text"), "the client");
    in = take(world,
              RECORD(ROE "," SMITH "," ENTRY(NOTE(",'subject':" TO(
                  "Patient/p1") ",'section':[{'title':'Her brother',"
                                "'focus':" TO("Patient/p2") ",'text':{'status':'additional','div':"
                                                            "'<div>Ill</div>'}}]"))));
    assert_string_equal(json_get_text(received(&in, "Composition.section"), "text"),
                        "not filed: this section is about somebody else");
    close_world(world);
}

#define REASON(code, text)                                                                         \
    "{'coding':[{'system':'http://snomed.info/sct','code':'1'},{'system':"                         \
    "'http://hl7.org/fhir/sid/icd-10-cm','code':'" code "'}],'text':'" text "'}"

/* An order may say what it is about by the codes of its reasons, without a Condition. */
static void coded_reasons_are_diagnoses(void **state)
{
    static const struct list_case cases[] = {
        DIAGNOSES(ROE "," ENTRY(REQUEST(
                      TO("Patient/p1"),
                      ",'reasonCode':[" REASON("M54.5", "back") "," REASON("M54.2", "neck") "]")),
                  "M54.5 M54.2"),
        {REFERRAL(ROE "," ENTRY(
             REQUEST(TO("Patient/p1"), ",'reasonCode':[" REASON("M54.5", "back") "]"))),
         "reason", NULL, "back"},
        DIAGNOSES(ROE "," ENTRY(
                      REQUEST(TO("Patient/p1"), ",'reasonCode':[{'text':'back, neck (M54.2)'}]")),
                  ""),
        DIAGNOSES(ROE "," K("1", "M54.6") "," ENTRY(
                      REQUEST(TO("Patient/p1"),
                              ",'reasonReference':[" TO("Condition/k1") "],'reasonCode':[" REASON(
                                  "M54.5", "back") "]")),
                  "M54.6"),
        /* a problem list beside it is not what the order is about */
        DIAGNOSES(ROE "," K("1", "I10") "," ENTRY(
                      REQUEST(TO("Patient/p1"), ",'reasonCode':[" REASON("M54.5", "back") "]")),
                  "M54.5"),
    };
    (void)state;
    CHECK(cases);
}

/* The id at the end of a fullUrl names a resource that has none of its own. */
static void a_record_without_number_goes_by_its_id(void **state)
{
    static const struct list_case cases[] = {
        {RECORD(ROE
                "," AT("https://a.example/Composition/c1",
                       "{'resourceType':'Composition','status':'final','type':{'text':'Note'},"
                       "'subject':{'reference':'Patient/p1'},'date':'2026-08-24','title':'N'}")),
         "record_id", NULL, "c1"},
    };
    (void)state;
    CHECK(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_subject),
        cmocka_unit_test(nobody_else_is_taken_for_the_client),
        cmocka_unit_test(only_what_is_the_clients_enters),
        cmocka_unit_test(a_stranger_is_not_described),
        cmocka_unit_test(the_order_is_that_of_meaning),
        cmocka_unit_test(what_contradicts_outweighs_what_is_shared),
        cmocka_unit_test(who_is_meant_is_found_behind_what_is_named),
        cmocka_unit_test(a_referral_is_named_by_what_is_one),
        cmocka_unit_test(nothing_of_a_message_is_passed_over),
        cmocka_unit_test(coded_reasons_are_diagnoses),
        cmocka_unit_test(a_record_without_number_goes_by_its_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
