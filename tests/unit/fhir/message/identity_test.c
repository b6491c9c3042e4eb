/* message: who is meant, of the many numbers, names, telephones and addresses that other systems
 * send: by type, use, period and preference, and never by their order. Cases are Patients (or
 * orders) of one element each; the last test shuffles all lists of one that has everything. */
#include "lib/foreign.h"

#define TABLE_0203 "http://terminology.hl7.org/CodeSystem/v2-0203"
#define TYPED(code) "'type':{'coding':[{'system':'" TABLE_0203 "','code':'" code "'}]}"
#define MR(value, more) "{" TYPED("MR") ",'system':'urn:oid:1.2.3','value':'" value "'" more "}"
#define NUMBER(system, value, more) "{'system':'" system "','value':'" value "'" more "}"

/* A referral of 24 August 2026 whose client is PATIENT (members of the resource). */
static struct message_inbound referral_of(struct world *world, const char *patient)
{
    return take(world,
                arena_print(&world->arena,
                            "{'resourceType':'Bundle','id':'b-1','type':'message',"
                            "'timestamp':'2026-08-24T10:00:00-04:00','entry':[%s,%s,%s,"
                            "{'resource':{'resourceType':'Patient','id':'p1',%s}}]}",
                            HEADER(EVENT("add-service-request"), ""), ORDER, DOCTOR, patient));
}

struct read_case {
    const char *patient, *field, *expected; /* NULL: the field is not there */
};

static void check_cases(const struct read_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct world *world = open_world();
        struct message_inbound in = referral_of(world, cases[i].patient);
        const char *found = json_get_text(in.record, cases[i].field);
        if (!text_equal(found, cases[i].expected))
            fail_msg("%s of %s is %s, not %s", cases[i].field, cases[i].patient,
                     found == NULL ? "nothing" : found,
                     cases[i].expected == NULL ? "nothing" : cases[i].expected);
        close_world(world);
    }
}
#define CHECK(cases) check_cases(cases, sizeof(cases) / sizeof *(cases))

/* ---- numbers ---- */

#define IDENTIFIERS(list) "'name':[{'family':'Roe'}],'identifier':[" list "]"
#define ENDED(end) ",'period':{'end':'" end "'}"
#define CLIENT_OF(npi) "https://refgate.invalid/fhir/sid/" npi "/client"

static void the_record_number_is_the_client_number(void **state)
{
    static const struct read_case cases[] = {
        {IDENTIFIERS(NUMBER("http://hl7.org/fhir/sid/us-ssn", "123-45-6789",
                            "," TYPED("SS")) "," MR("77", "")),
         "client_id", "77"},
        {IDENTIFIERS(MR("77", "") "," NUMBER("urn:x", "5", "," TYPED("PI"))), "client_id", "77"},
        {IDENTIFIERS(NUMBER("urn:x", "5", "," TYPED("PI")) "," NUMBER("urn:y", "6", "")),
         "client_id", "5"},
        {IDENTIFIERS(NUMBER("urn:y", "6", "")), "client_id", "6"},
        {IDENTIFIERS(
             "{'type':{'text':'MRN'},'system':'urn:a','value':'M'}," NUMBER("urn:b", "N", "")),
         "client_id", "M"},
        {IDENTIFIERS("{'type':{'coding':[{'system':'urn:local','code':'HOSP'}]},'value':'H'}"),
         "client_id", "H"},
        {IDENTIFIERS(MR("77", ",'use':'usual'") "," MR("78", ",'use':'official'")), "client_id",
         "77"},
        {IDENTIFIERS(MR("T", ",'use':'temp'") "," MR("S", ",'use':'secondary'") "," MR("77", "")),
         "client_id", "77"},
        {IDENTIFIERS(MR("T", ",'use':'temp'") "," NUMBER("urn:x", "7", ",'use':'usual'")),
         "client_id", "7"},
        {IDENTIFIERS(MR("S", ",'use':'secondary'") "," NUMBER("urn:x", "5", "," TYPED("PI"))),
         "client_id", "5"},
        {IDENTIFIERS(MR("S", ",'use':'secondary'") "," NUMBER("urn:x", "5", "")), "client_id", "S"},
        {IDENTIFIERS(MR("T", ",'use':'temp'")), "client_id", "T"},
        {IDENTIFIERS(NUMBER("urn:t", "T", "," TYPED("MRT")) "," NUMBER("urn:u", "7", "")),
         "client_id", "7"},
    };
    (void)state;
    CHECK(cases);
}

static void current_numbers_come_before_old_ones(void **state)
{
    static const struct read_case cases[] = {
        {IDENTIFIERS(MR("1", ",'use':'old'") "," MR("2", "")), "client_id", "2"},
        {IDENTIFIERS(MR("1", ENDED("2020")) "," MR("2", "")), "client_id", "2"},
        {IDENTIFIERS(MR("1", ENDED("2026-08-24T13:59:59Z")) "," MR("2", "")), "client_id", "2"},
        {IDENTIFIERS(MR("1", ENDED("2026-08-24T14:00:01Z")) "," MR("2", ENDED("2026-08-23"))),
         "client_id", "1"},
        {IDENTIFIERS(MR("1", ",'period':{'start':'2026-09-01'}") "," MR("2", "")), "client_id",
         "2"},
        {IDENTIFIERS(MR("1", ",'period':{'start':'2026-09-01'}") "," MR("2", ",'use':'old'")),
         "client_id", "1"},
        {IDENTIFIERS(MR("1", ",'use':'old'") "," NUMBER("urn:x", "5", "," TYPED("PI"))),
         "client_id", "5"},
        {IDENTIFIERS(MR("1", ",'use':'old'")), "client_id", "1"},
        {IDENTIFIERS(MR("1", ",'period':{'start':'2010'}") "," MR("2", ",'period':{'start':'"
                                                                       "2020'}")),
         "client_id", "2"},
    };
    (void)state;
    CHECK(cases);
}

/* A health number of the state is the client's and no clinic's: where there is no other. */
static void health_numbers_of_the_state_come_last(void **state)
{
    static const struct read_case cases[] = {
        {IDENTIFIERS(NUMBER("https://fhir.nhs.uk/Id/nhs-number", "943 476 5919",
                            "") "," NUMBER("urn:y", "6", "")),
         "client_id", "6"},
        {IDENTIFIERS(NUMBER("https://fhir.nhs.uk/Id/nhs-number", "943 476 5919", "")), "client_id",
         "943 476 5919"},
        {IDENTIFIERS(NUMBER("urn:oid:2.16.840.1.113883.4.59", "1234",
                            "," TYPED("JHN") ",'assigner':"
                                             "{'display':'Ontario'}")),
         "client_id", "1234"},
        {IDENTIFIERS(NUMBER("https://fhir.infoway-inforoute.ca/NamingSystem/ca-on-patient-hcn",
                            "12", "," TYPED("JHN")) "," MR("77", "")),
         "client_id", "77"},
        {IDENTIFIERS(NUMBER("https://standards.digital.health.nz/ns/nhi-id", "ZAA0067",
                            "") "," NUMBER("urn:y", "6", "")),
         "client_id", "6"},
        {IDENTIFIERS(NUMBER("http://fhir.nl/fhir/NamingSystem/bsn", "999911120",
                            "") "," NUMBER("http://zh.nl/pnr", "P-77", "")),
         "client_id", "P-77"},
    };
    (void)state;
    CHECK(cases);
}

/* What the state, an insurer or an employer gave is no clinic's number, however it is told. */
static void numbers_of_the_state_and_of_insurers_are_never_read(void **state)
{
    static const char *const types[] = {"SS",  "SB",  "DL", "PPN",  "MC",  "MB", "NI",
                                        "TAX", "PRN", "EN", "NIIP", "NPI", "AN", "VN"};
    static const char *const systems[] = {
        "http://hl7.org/fhir/sid/us-ssn",
        "http://hl7.org/fhir/sid/us-medicare",
        "http://hl7.org/fhir/sid/us-mbi",
        "http://hl7.org/fhir/sid/us-npi",
        "http://hl7.org/fhir/sid/passport-USA",
        "urn:oid:2.16.840.1.113883.4.1",
        "urn:oid:2.16.840.1.113883.4.572",
        "urn:oid:2.16.840.1.113883.4.927",
        "urn:oid:2.16.840.1.113883.4.3.25",
        "urn:oid:2.16.840.1.113883.4.330.840",
        "2.16.840.1.113883.4.1",
        "https://acme.example/member-id",
        "https://acme.example/employee",
        "https://state.example/driver-license",
        "https://lakeside.example/ssn",
        "http://fhir.nl/fhir/NamingSystem/bsn",
        "http://fhir.de/sid/gkv/kvid-10",
        "http://fhir.de/NamingSystem/gkv/kvid-10",
        "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/ssin",
        "urn:oid:1.2.250.1.213.1.4.8",
        "urn:oid:1.2.208.176.1.2",
        "urn:oid:2.16.578.1.12.4.1.4.1",
        "urn:oid:1.2.752.129.2.1.3.1",
        "urn:oid:2.16.756.5.32",
        "urn:oid:1.2.40.0.10.1.4.3.1",
        "urn:oid:2.16.840.1.113883.2.9.4.3.2",
        "https://nha.gov.in/uidai",
    };
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof types / sizeof *types) + sizeof systems / sizeof *systems;
         i++) {
        size_t count = sizeof types / sizeof *types;
        const char *type = i < 2 * count ? types[i / 2] : NULL;
        const char *system = type == NULL ? systems[i - 2 * count] : "urn:x";
        const char *patient = arena_print(
            &world->arena,
            "'name':[{'family':'Roe'}],'identifier':[{%s%s%s%s'system':'%s','value':'9',"
            "'assigner':{'display':'Somebody'}}]",
            type == NULL ? "" : "'type':{'coding':[{",
            i % 2 == 0 || type == NULL ? "" : "'system':'" TABLE_0203 "',",
            type == NULL ? "" : arena_print(&world->arena, "'code':'%s'", type),
            type == NULL ? "" : "}]},", system);
        struct message_inbound in = referral_of(world, patient);
        assert_null(json_get(in.record, "client_id"));
        assert_null(json_get(in.record, "client_other_ids"));
        assert_true(text_starts(json_get_text(received(&in, "Patient.identifier"), "text"), "9"));
        assert_null(in.referral.client_number);
    }
    close_world(world);
}

static void what_is_old_or_of_another_sort_is_told_as_that(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = referral_of(
        world, IDENTIFIERS(MR("77", "") "," NUMBER(
                   "http://hl7.org/fhir/sid/us-ssn", "123",
                   "," TYPED("SS") ",'use':'official'") ","
                                                        "{'system':'urn:x','value':'1','use':'old',"
                                                        "'period':{'end':'2019'}}"));
    assert_string_equal(json_get_text(received(&in, "Patient.identifier[1]"), "text"),
                        "123 (SS, official)");
    assert_string_equal(json_get_text(received(&in, "Patient.identifier[2]"), "text"),
                        "1 (old, until 2019)");
    in = referral_of(world, IDENTIFIERS(MR("1", ",'use':'old'")));
    assert_string_equal(json_get_text(received(&in, "Patient.identifier.use"), "text"), "old");
    close_world(world);
}

/* The sender's own number first; the others with the clinic that gave them. */
static void the_number_is_the_senders(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = referral_of(
        world,
        IDENTIFIERS(MR(
            "H-1",
            ",'assigner':{'identifier':{'system':'http://hl7.org/fhir/sid/"
            "us-npi','value':'9900000040'}}") "," NUMBER(CLIENT_OF("9900000016"), "C-5",
                                                         "") "," MR("88", ",'assigner':{'"
                                                                          "identifier':{'system':"
                                                                          "'http://hl7.org/fhir/"
                                                                          "sid/us-npi',"
                                                                          "'value':'9900000024'}"
                                                                          "}") "," MR("77", "")));
    const struct json *other = json_first(json_get(in.record, "client_other_ids"));
    assert_string_equal(json_get_text(in.record, "client_id"), "88");
    assert_string_equal(json_get_text(other, "id"), "C-5");
    assert_string_equal(json_get_text(other, "issued_by"), "willow");
    other = json_next(other);
    assert_string_equal(json_get_text(other, "id"), "H-1");
    assert_string_equal(json_get_text(other, "issued_by"), "harbor");
    assert_null(json_next(other));
    assert_string_equal(json_get_text(received(&in, "Patient.identifier[3]"), "text"), "77 (MR)");
    close_world(world);
}

static void the_senders_address_in_a_system_tells_it(void **state)
{
    static const struct read_case cases[] = {
        {IDENTIFIERS(NUMBER("https://lakeside.example/mrn", "L",
                            "") "," NUMBER("https://other.example/mrn", "O", "")),
         "client_id", "L"},
        {IDENTIFIERS(NUMBER("https://lakeside.example.evil/mrn", "L",
                            "") "," NUMBER("https://other.example/mrn", "O", "")),
         "client_id", NULL}, /* whose is which? */
        {IDENTIFIERS(MR("L", ",'assigner':{'display':'LAKESIDE Family-Practice'}") "," MR(
             "O", ",'assigner':{'display':'Other Hospital'}")),
         "client_id", "L"},
    };
    (void)state;
    CHECK(cases);
}

/* An old number is after those that hold, whoever gave it. */
static void old_numbers_of_ours_are_last(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        referral_of(world, IDENTIFIERS(MR("77", "") "," NUMBER(
                               CLIENT_OF("9900000016"), "C-4",
                               ",'use':'old'") "," NUMBER(CLIENT_OF("9900000016"), "C-5", "")));
    const struct json *other = json_first(json_get(in.record, "client_other_ids"));
    assert_string_equal(json_get_text(other, "id"), "C-5");
    assert_string_equal(json_get_text(json_next(other), "id"), "C-4");
    received(&in, "Patient.identifier[1].use");
    close_world(world);
}

/* What is left of two names without their own letters may be the same. */
static void clinics_of_another_script_are_not_mixed_up(void **state)
{
    static const struct {
        const char *assigner, *number;
    } cases[] = {{"東京 Clinic", "77"}, {"大阪 Clinic", NULL}};
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message_inbound in =
            take(world,
                 arena_print(
                     &world->arena, "%s%s%s%s%s%s",
                     "{'resourceType':'Bundle','id':'b-1','type':'message','entry':[{"
                     "'resource':{'resourceType':'MessageHeader'," EVENT(
                         "add-service-request") "," SENDER ",'source':{'name':'東京 "
                                                "Clinic','endpoint':'urn:x'}}}," ORDER "," DOCTOR
                                                ",{'resource':{'resourceType':'Patient','id':'p1',",
                     "'name':[{'family':'Roe'}],'identifier':[{" TYPED("MR"),
                     ",'value':'77','assigner':{'display':'", cases[i].assigner, "'}}]", "}}]}"));
        assert_true(text_equal(json_get_text(in.record, "client_id"), cases[i].number));
    }
    close_world(world);
}

/* ---- names ---- */

#define NAMES(list) MR_ALONE ",'name':[" list "]"
#define MR_ALONE "'identifier':[" MR("77", "") "]"
#define NAMED(use, family, more) "{'use':'" use "','family':'" family "'" more "}"

static void the_name_is_the_official_one_that_holds(void **state)
{
    static const struct read_case cases[] = {
        {NAMES(
             NAMED("nickname", "N", "") "," NAMED("usual", "U", "") "," NAMED("official", "O", "")),
         "client_family_name", "O"},
        {NAMES("{'family':'P'}," NAMED("usual", "U", "")), "client_family_name", "U"},
        {NAMES(NAMED("nickname", "N", "") ",{'family':'P'}"), "client_family_name", "P"},
        {NAMES(NAMED("anonymous", "A", "") "," NAMED("nickname", "N", "")), "client_family_name",
         "N"},
        {NAMES(NAMED("maiden", "M", "") "," NAMED("usual", "U", "")), "client_family_name", "U"},
        {NAMES(NAMED("old", "X", "") "," NAMED("maiden", "M", "")), "client_family_name", NULL},
        {NAMES(NAMED("official", "X", ENDED("2020-05-01")) "," NAMED("nickname", "N", "")),
         "client_family_name", "N"},
        {NAMES(NAMED("official", "X", ",'period':{'start':'2027'}") "," NAMED("usual", "U", "")),
         "client_family_name", "U"},
        {NAMES("{'use':'official','_family':{'extension':[{'url':'http://hl7.org/fhir/"
               "StructureDefinition/data-absent-reason','valueCode':'masked'}]}}," NAMED("usual",
                                                                                         "U", "")),
         "client_family_name", "U"},
        {NAMES("{'use':'usual','text':'Jane Roe'}"), "client_family_name", "Jane Roe"},
        {NAMES("{'use':'official','text':'Jane Q Roe'},{'family':'Roe','given':['Jane']}"),
         "client_family_name", "Roe"},
        {NAMES("{'use':'official','text':'Ann Other'},{'family':'Roe','given':['Jane']}"),
         "client_family_name", "Ann Other"},
        {NAMES("{'use':'official','text':'Jane Roe'}," NAMED("maiden", "Jane", "")),
         "client_family_name", "Jane Roe"},
        {NAMES("{'given':['Jane','Q'],'prefix':['Ms']}"), "client_given_names", "Jane Q"},
        {NAMES("{'given':['Jane'],'text':'Jane'}"), "client_family_name", NULL},
    };
    (void)state;
    CHECK(cases);
}

static void other_names_are_told_with_their_use(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = referral_of(
        world, NAMES(NAMED("maiden", "Born", ",'given':['Jane']") "," NAMED(
                   "official", "Roe", ",'given':['Jane'],'prefix':['Dr.'],'suffix':['III']")));
    assert_string_equal(json_get_text(received(&in, "Patient.name[0].use"), "text"), "maiden");
    assert_string_equal(json_get_text(received(&in, "Patient.name[0].family"), "text"), "Born");
    assert_string_equal(json_get_text(received(&in, "Patient.name[1].prefix"), "text"), "Dr.");
    assert_string_equal(json_get_text(received(&in, "Patient.name[1].suffix"), "text"), "III");
    assert_null(strstr(json_print(&world->arena, in.record), "Patient.name[1].family"));
    close_world(world);
}

#define WRITTEN(code)                                                                              \
    "'extension':[{'url':'http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation',"    \
    "'valueCode':'" code "'}]"

static void a_name_in_several_scripts(void **state)
{
    static const char scripts[] =
        NAMES("{" WRITTEN("SYL") ",'family':'ヤマダ','given':['ハナコ']},{" WRITTEN(
            "ABC") ",'family':'Yamada','given':['Hanako']},{" WRITTEN("IDE") ",'family':'山田',"
                                                                             "'given':['花子']}");
    static const struct read_case cases[] = {
        {scripts, "client_family_name", "山田"},
        {scripts, "client_given_names", "花子"},
        {scripts, "client_name_in_latin", "Hanako Yamada"},
        {NAMES("{" WRITTEN("ABC") ",'family':'Yamada'}"), "client_family_name", "Yamada"},
        {NAMES("{" WRITTEN("ABC") ",'family':'Yamada'}"), "client_name_in_latin", NULL},
    };
    (void)state;
    CHECK(cases);
}

/* ---- telephone, e-mail, address, language, birth date ---- */

#define POINTS(list) MR_ALONE ",'telecom':[" list "]"
#define POINT(system, value, more) "{'system':'" system "','value':'" value "'" more "}"

static void telephone_and_mail_are_the_preferred_ones(void **state)
{
    static const struct read_case cases[] = {
        {POINTS(POINT("fax", "1", "") "," POINT("pager", "2", "") "," POINT(
             "sms", "3", "") "," POINT("url", "4", "")),
         "client_phone", NULL},
        {POINTS(POINT("phone", "1", ",'use':'old'") "," POINT("phone", "2", ",'use':'work'")),
         "client_phone", "2"},
        {POINTS(POINT("phone", "1", ENDED("2025-01-01")) "," POINT("phone", "2", ",'use':'temp'")),
         "client_phone", "2"},
        {POINTS(POINT("phone", "1", ",'use':'old'")), "client_phone", NULL},
        {POINTS(POINT("phone", "1", ",'rank':2") "," POINT("phone", "2", ",'rank':1")),
         "client_phone", "2"},
        {POINTS(POINT("phone", "1", ",'use':'home'") "," POINT("phone", "2",
                                                               ",'use':'work','rank':1")),
         "client_phone", "2"},
        {POINTS(POINT("phone", "1", ",'use':'work'") "," POINT("phone", "2", ",'use':'mobile'")),
         "client_phone", "2"},
        {POINTS(POINT("phone", "1", ",'use':'mobile'") "," POINT("phone", "2", ",'use':'home'")),
         "client_phone", "2"},
        {POINTS(
             POINT("email", "old@x.example", ",'use':'old'") "," POINT("email", "a@x.example", "")),
         "client_email", "a@x.example"},
        {POINTS("{'value':'5'}"), "client_phone", NULL},
    };
    (void)state;
    CHECK(cases);
}

static void another_telephone_is_told_with_its_use(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        referral_of(world, POINTS(POINT("phone", "1", "") "," POINT(
                               "phone", "2", ",'use':'old','rank':3") "," POINT("fax", "3", "")));
    assert_string_equal(json_get_text(received(&in, "Patient.telecom[1]"), "text"),
                        "2 (old, preference 3)");
    assert_string_equal(json_get_text(received(&in, "Patient.telecom[2]"), "system"), "fax");
    close_world(world);
}

#define ADDRESSES(list) MR_ALONE ",'address':[" list "]"

static void the_address_is_where_the_client_lives(void **state)
{
    static const struct read_case cases[] = {
        {ADDRESSES("{'line':['12 Elm St','Apt 4'],'city':'Springfield','state':'IL',"
                   "'postalCode':'62701','country':'US'}"),
         "client_address", "12 Elm St, Apt 4, Springfield, IL 62701, US"},
        {ADDRESSES("{'city':'Köln','postalCode':'50667'}"), "client_address", "Köln, 50667"},
        {ADDRESSES("{'text':'By the lake','line':['12 Elm St']}"), "client_address", "By the lake"},
        {ADDRESSES("{'use':'work','text':'W'},{'use':'home','text':'H'}"), "client_address", "H"},
        {ADDRESSES("{'use':'old','text':'O'},{'text':'N'}"), "client_address", "N"},
        {ADDRESSES("{'use':'home','text':'E','period':{'end':'2026-08-01'}},{'use':'temp','text':"
                   "'T'}"),
         "client_address", "T"},
        {ADDRESSES("{'use':'billing','text':'B'}"), "client_address", NULL},
        {ADDRESSES("{'use':'home','type':'postal','text':'PO Box 1'},{'use':'home','type':"
                   "'physical','text':'12 Elm'}"),
         "client_address", "12 Elm"},
    };
    struct world *world = open_world();
    (void)state;
    CHECK(cases);
    struct message_inbound in = referral_of(
        world, ADDRESSES("{'text':'12 Elm St','line':['12 Elm St'],'city':'Springfield'}"));
    assert_string_equal(json_get_text(received(&in, "Patient.address.city"), "text"),
                        "Springfield");
    close_world(world);
}

#define SPEAKS(code, more)                                                                         \
    "{'language':{'coding':[{'system':'urn:ietf:bcp:47','code':'" code "'}]}" more "}"

static void language_birth_date_and_gender(void **state)
{
    static const struct read_case cases[] = {
        {MR_ALONE ",'communication':[" SPEAKS("en", "") "," SPEAKS("es", ",'preferred':true") "]",
         "client_language", "es"},
        {MR_ALONE ",'communication':[" SPEAKS("en", ",'preferred':false") "," SPEAKS("fr", "") "]",
         "client_language", "fr"},
        {MR_ALONE ",'communication':[{'language':{'coding':[{'system':'urn:x','code':'spa'},{"
                  "'system':'urn:ietf:bcp:47','code':'es'}],'text':'es-MX'}}]",
         "client_language", "es-MX"},
        {MR_ALONE ",'birthDate':'1980-02-03','_birthDate':{'extension':[{'url':'http://hl7.org/"
                  "fhir/StructureDefinition/patient-birthTime','valueDateTime':"
                  "'1980-02-03T04:05:00-05:00'}]}",
         "client_birth_date", "1980-02-03"},
        {MR_ALONE ",'_birthDate':{'extension':[{'url':'http://hl7.org/fhir/StructureDefinition/"
                  "data-absent-reason','valueCode':'unknown'}]}",
         "client_birth_date", NULL},
        {MR_ALONE ",'gender':'other'", "client_gender", "other"},
    };
    (void)state;
    CHECK(cases);
}

/* ---- numbers of orders ---- */

#define ORDER_NUMBERS(list)                                                                        \
    MESSAGE(HEADER(EVENT("add-service-request"), "") ",{'resource':{'resourceType':"               \
                                                     "'ServiceRequest','id':'s1','status':"        \
                                                     "'active','intent':'order','code':{'text':"   \
                                                     "'Massage'},'subject':{'reference':"          \
                                                     "'Patient/p1'},'authoredOn':'2026-08-24',"    \
                                                     "'requisition':{'value':'G-9'},"              \
                                                     "'identifier':[" list "]}}," PATIENT)
#define ORDER_NUMBER(code, value, more) "{" TYPED(code) ",'value':'" value "'" more "}"

static void an_old_order_number_is_not_the_number(void **state)
{
    static const struct {
        const char *message, *number, *filler_number;
    } cases[] = {
        {ORDER_NUMBERS(
             ORDER_NUMBER("PLAC", "OLD", ",'use':'old'") "," ORDER_NUMBER("PLAC", "R-1", "")),
         "R-1", NULL},
        {ORDER_NUMBERS(ORDER_NUMBER("PLAC", "OLD", ENDED("2026-08-01")) ",{'value':'R-1'}"), "R-1",
         NULL},
        {ORDER_NUMBERS("{'value':'ANY'}," ORDER_NUMBER("PLAC", "R-1", "")), "R-1", NULL},
        {ORDER_NUMBERS(ORDER_NUMBER("PGN", "GROUP", "") "," ORDER_NUMBER(
             "FILL", "F-1", "") "," ORDER_NUMBER("FILL", "F-0", ",'use':'old'") ",{'value':'R-1'}"),
         "R-1", "F-1"},
        {ORDER_NUMBERS(ORDER_NUMBER("PGN", "GROUP", "")), "s1", NULL},
        {ORDER_NUMBERS("{'value':'B','use':'secondary'},{'value':'R-1','use':'usual'}"), "R-1",
         NULL},
    };
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message_inbound in = take(world, cases[i].message);
        assert_string_equal(in.referral.number, cases[i].number);
        assert_string_equal(json_get_text(in.record, "record_id"), cases[i].number);
        assert_true(text_equal(in.referral.filler_number, cases[i].filler_number));
    }
    close_world(world);
}

/* ---- whom a message is for ---- */

#define RECEIVER(npi)                                                                              \
    "{'receiver':{'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':'" npi "'}},"    \
    "'endpoint':'https://x.example'}"

/* We are addressed as well as the first of the list. */
static void a_message_for_several_is_for_us(void **state)
{
    static const struct {
        const char *receivers, *org, *destination;
    } cases[] = {
        {RECEIVER("9900000040") "," RECEIVER("9900000016"), "willow", "willow"},
        {RECEIVER("9900000016") "," RECEIVER("9900000040"), "willow", "willow"},
        {RECEIVER("9900000040") "," RECEIVER("9900000032"), "willow", "harbor"},
        {RECEIVER("9900000032") "," RECEIVER("9900000040"), "willow", "harbor"},
        {RECEIVER("9900000032"), NULL, "riverbend"},
    };
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world->context.org = cases[i].org;
        struct message_inbound in = take(
            world, arena_print(&world->arena, "%s%s%s%s%s%s%s%s%s",
                               "{'resourceType':'Bundle','id':'b-1','type':'message',"
                               "'entry':[",
                               "{'resource':{'resourceType':'MessageHeader'," EVENT(
                                   "add-service-request") "," SENDER "," SOURCE ",'destination':[",
                               cases[i].receivers, "]}},", ORDER, ",", PATIENT, ",", DOCTOR "]}"));
        assert_string_equal(in.destination, cases[i].destination);
    }
    close_world(world);
}

/* Initials and call names say a given name again; alone they are all there is. */
static void a_given_name_is_not_said_twice(void **state)
{
#define QUALIFIED(code)                                                                            \
    "{'extension':[{'url':'http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier',"        \
    "'valueCode':'" code "'}]}"
    static const struct read_case cases[] = {
        {"'name':[{'family':'Jansen','given':['Johanna','J.'],'_given':[" QUALIFIED(
             "BR") "," QUALIFIED("IN") "]}]",
         "client_given_names", "Johanna"},
        {"'name':[{'family':'Jansen','given':['Jo','Johanna'],'_given':[" QUALIFIED(
             "CL") ",null]}]",
         "client_given_names", "Johanna"},
        {"'name':[{'family':'Jansen','given':['Johanna','Maria','Jo'],'_given':[null,"
         "null," QUALIFIED("CL") "]}]",
         "client_given_names", "Johanna Maria"},
        {"'name':[{'family':'Jansen','given':['J.'],'_given':[" QUALIFIED("IN") "]}]",
         "client_given_names", "J."},
    };
    (void)state;
    CHECK(cases);
}

/* Lakeside's certificate, and a header without `sender`. */
static void who_names_no_sender_is_whom_the_certificate_names(void **state)
{
    static const char *const senders[] = {"", ",'sender':{'display':'Somebody'}"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *world = open_world();
        world->context.partner = "lakeside";
        struct message_inbound in = take(
            world,
            arena_print(&world->arena,
                        MESSAGE("{'resource':{'resourceType':'MessageHeader',%s,%s%s}},%s,"
                                "%s,%s"),
                        EVENT("add-service-request"), SOURCE, senders[i], PATIENT, ORDER, DOCTOR));
        assert_int_equal(text_equal(in.sender, "lakeside"), i == 0);
        if (i == 0)
            assert_string_equal(json_get_text(in.record, "client_id"), "77");
        close_world(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record_number_is_the_client_number),
        cmocka_unit_test(current_numbers_come_before_old_ones),
        cmocka_unit_test(numbers_of_the_state_and_of_insurers_are_never_read),
        cmocka_unit_test(a_given_name_is_not_said_twice),
        cmocka_unit_test(who_names_no_sender_is_whom_the_certificate_names),
        cmocka_unit_test(health_numbers_of_the_state_come_last),
        cmocka_unit_test(what_is_old_or_of_another_sort_is_told_as_that),
        cmocka_unit_test(the_number_is_the_senders),
        cmocka_unit_test(clinics_of_another_script_are_not_mixed_up),
        cmocka_unit_test(old_numbers_of_ours_are_last),
        cmocka_unit_test(the_senders_address_in_a_system_tells_it),
        cmocka_unit_test(the_name_is_the_official_one_that_holds),
        cmocka_unit_test(other_names_are_told_with_their_use),
        cmocka_unit_test(a_name_in_several_scripts),
        cmocka_unit_test(telephone_and_mail_are_the_preferred_ones),
        cmocka_unit_test(another_telephone_is_told_with_its_use),
        cmocka_unit_test(the_address_is_where_the_client_lives),
        cmocka_unit_test(language_birth_date_and_gender),
        cmocka_unit_test(an_old_order_number_is_not_the_number),
        cmocka_unit_test(a_message_for_several_is_for_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
