/* message: which of several codings is read, in every order of them; and that no list whose order
 * R4 gives no meaning changes what a record says. */
#include "fhir/field.h"
#include "lib/foreign.h"
#include "lib/random_record.h"

#define CODING(system, code, more) "{'system':'" system "','code':'" code "'" more "}"
#define CM "http://hl7.org/fhir/sid/icd-10-cm"
#define SCT "http://snomed.info/sct"
#define LOINC "http://loinc.org"
#define CHOSEN ",'userSelected':true"

/* ---- one concept, each order of its codings ---- */

enum { CODINGS_MAX = 3, ORDERS = 6 };
static const size_t orders[ORDERS][CODINGS_MAX] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                                   {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

struct concept {
    const char *form;                 /* of the message, with %s for the codings */
    const char *codings[CODINGS_MAX]; /* ends with NULL when fewer */
    const char *list, *field;         /* LIST NULL: a field of the record */
    const char *expected;             /* NULL: nothing is read */
};

static const char *in_order(struct arena *arena, const char *const *codings, const size_t *order)
{
    struct text text = text_new(arena, 4096);
    for (size_t i = 0; i < CODINGS_MAX; i++) {
        if (codings[order[i]] != NULL)
            text_print(&text, "%s%s", text.length == 0 ? "" : ",", codings[order[i]]);
    }
    return text.at;
}

/* FORM with TEXT where its %s stands. */
static const char *put_in(struct arena *arena, const char *form, const char *text)
{
    const char *gap = strstr(form, "%s");
    return arena_join(arena, arena_copy_n(arena, form, (size_t)(gap - form)), text, gap + 2, NULL);
}

#define REFERRAL_WITH(order_more, entries)                                                         \
    MESSAGE(HEADER(EVENT("add-service-request"), "") ",{'resource':{'resourceType':"               \
                                                     "'ServiceRequest','id':'s1','identifier':[{"  \
                                                     "'value':'X-1'}],'status':'active','intent':" \
                                                     "'order','subject':{'reference':"             \
                                                     "'Patient/p1'},'authoredOn':'2026-08-24'"     \
                                                     "," order_more "}}," PATIENT entries)
#define DIAGNOSIS(more)                                                                            \
    REFERRAL_WITH("'code':{'text':'Massage'},'reasonReference':[{'reference':'Condition/c1'}]",    \
                  ",{'resource':{'resourceType':'Condition','id':'c1','subject':{'reference':"     \
                  "'Patient/p1'},'code':{'coding':[%s]" more "}}}")
#define SERVICE REFERRAL_WITH("'code':{'coding':[%s]}", "")
#define TECHNIQUE REFERRAL_WITH("'code':{'text':'Massage'},'orderDetail':[{'coding':[%s]}]", "")
#define BODY_AREA REFERRAL_WITH("'code':{'text':'Massage'},'bodySite':[{'coding':[%s]}]", "")
#define LEVEL                                                                                      \
    REFERRAL_WITH("'code':{'text':'Massage'}",                                                     \
                  ",{'resource':{'resourceType':'Flag','id':'f1','status':'active','subject':{"    \
                  "'reference':'Patient/p1'},'code':{'text':'Pregnant'},'category':[{'coding':["   \
                  "%s]}]}}")
#define GOAL                                                                                       \
    REFERRAL_WITH("'code':{'text':'Massage'}",                                                     \
                  ",{'resource':{'resourceType':'Goal','id':'g1','lifecycleStatus':'active',"      \
                  "'subject':{'reference':'Patient/p1'},'description':{'text':'Sleep'},'target':[" \
                  "{'measure':{'coding':[%s]},'detailQuantity':{'value':3}}]}}")
#define OURS(system) "https://refgate.invalid/fhir/CodeSystem/" system

static const struct concept concepts[] = {
    /* the vocabulary prefers ICD-10-CM, then ICD-10, then SNOMED CT */
    {DIAGNOSIS(""),
     {CODING(SCT, "81680005", CHOSEN), CODING(CM, "M54.2", ""),
      CODING("http://hl7.org/fhir/sid/icd-10", "M54.2", "")},
     "diagnoses",
     "code_system",
     "icd-10-cm"},
    {DIAGNOSIS(""),
     {CODING(SCT, "81680005", ""), CODING(CM, "M54.2", "")},
     "diagnoses",
     "code",
     "M54.2"},
    {DIAGNOSIS(""),
     {CODING(SCT, "81680005", ""), CODING("urn:x", "A", "")},
     "diagnoses",
     "code",
     "81680005"},
    {DIAGNOSIS(""),
     {CODING("urn:oid:2.16.840.1.113883.6.90", "M54.2", ""), CODING(SCT, "81680005", "")},
     "diagnoses",
     "code_system",
     "icd-10-cm"},
    /* within one list what a user chose */
    {DIAGNOSIS(""),
     {CODING(CM, "M54.2", ""), CODING(CM, "M54.81", CHOSEN), CODING(CM, "M53.1", "")},
     "diagnoses",
     "code",
     "M54.81"},
    {DIAGNOSIS(""),
     {CODING(CM, "M54.2", ",'display':'Cervicalgia'"),
      CODING(SCT, "81680005", ",'display':'Neck pain'")},
     "diagnoses",
     "text",
     "Cervicalgia"},
    {DIAGNOSIS(",'text':'Stiff neck'"),
     {CODING(CM, "M54.2", ",'display':'Cervicalgia'")},
     "diagnoses",
     "text",
     "Stiff neck"},
    {DIAGNOSIS(""), {CODING("urn:x", "A", "")}, "diagnoses", "code", NULL},
    /* a user's choice between two of one system */
    {SERVICE,
     {CODING(SCT, "308447003", ""), CODING(SCT, "387854002", CHOSEN)},
     NULL,
     "service",
     "massage-therapy"},
    {SERVICE,
     {CODING(SCT, "308447003", CHOSEN), CODING(SCT, "387854002", "")},
     NULL,
     "service",
     "physiotherapy"},
    {BODY_AREA,
     {CODING(SCT, "45048000", ""), CODING(SCT, "16982005", CHOSEN), CODING("urn:x", "N", CHOSEN)},
     "body_areas",
     "area",
     "shoulder"},
    {BODY_AREA,
     {CODING(SCT, "45048000", CHOSEN), CODING(SCT, "16982005", "")},
     "body_areas",
     "area",
     "neck"},
    {BODY_AREA,
     {CODING(SCT, "45048000", ""), CODING(SCT, "16982005", "")},
     "body_areas",
     "area",
     "neck"}, /* the first by alphabet, whatever the order */
    /* our own code says exactly our word */
    {LEVEL,
     {CODING("urn:x", "high", CHOSEN), CODING(OURS("precaution-level"), "do-not-treat", ""),
      CODING("http://terminology.hl7.org/CodeSystem/flag-category", "safety", "")},
     "precautions",
     "level",
     "do-not-treat"},
    {GOAL,
     {CODING(LOINC, "72514-3", ""), CODING(LOINC, "38208-5", CHOSEN)},
     "goals",
     "measure",
     "pain-reported"},
    {GOAL,
     {CODING(OURS("measure"), "stress-now", ""), CODING(LOINC, "38208-5", CHOSEN)},
     "goals",
     "measure",
     "stress-now"},
};

static void check_order(const struct concept *concept, const size_t *order)
{
    struct world *world = open_world();
    const char *codings = in_order(&world->arena, concept->codings, order);
    struct message_inbound in = take(world, put_in(&world->arena, concept->form, codings));
    const struct json *object =
        concept->list == NULL ? in.record : json_first(json_get(in.record, concept->list));
    const char *found = json_get_text(object, concept->field);
    if (!text_equal(found, concept->expected))
        fail_msg("%s of [%s] is %s, not %s", concept->field, codings,
                 found == NULL ? "nothing" : found,
                 concept->expected == NULL ? "nothing" : concept->expected);
    close_world(world);
}

static void a_concept_says_the_same_in_every_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof concepts / sizeof *concepts; i++) {
        for (size_t order = 0; order < ORDERS; order++)
            check_order(&concepts[i], orders[order]);
    }
}

/* Of several ways to say the same, what is not read is told. */
static void the_other_codings_are_told(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        take(world, put_in(&world->arena, DIAGNOSIS(""),
                           CODING(SCT, "81680005", "") "," CODING(CM, "M54.2", "")));
    const struct json *told = received(&in, "Condition.code.coding[0]");
    assert_string_equal(json_get_text(told, "system"), SCT);
    assert_string_equal(json_get_text(told, "code"), "81680005");
    assert_null(strstr(json_print(&world->arena, json_get(in.record, "received")), "M54.2"));
    close_world(world);
}

/* A technique and what goes beside it are one word: that of which the other is a part. */
static void a_word_is_what_most_codings_belong_to(void **state)
{
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < coding_row_count; i++) {
        const struct coding_row *row = &coding_rows[i];
        if (strcmp(row->kind, "technique") != 0)
            continue;
        struct field_job job = {.context = &world->context, .arena = &world->arena};
        struct json *concept =
            field_concept_of(&job, &(struct field_codes){"technique", false}, row->key);
        struct json *turned = json_new_list(&world->arena);
        struct json *codings = json_get(concept, "coding");
        for (size_t place = json_count(codings); place > 0; place--)
            json_push(turned, json_copy(&world->arena, json_at(codings, place - 1)));
        json_replace(&world->arena, concept, "coding", turned);
        assert_string_equal(field_word_of(&job, "technique", concept), row->key);
    }
    close_world(world);
}

/* ---- all lists of a rich message, in any order ---- */

static const char rich[] =
    "{'resourceType':'Bundle','id':'b-1','type':'message','timestamp':'2026-08-24T10:00:00Z',"
    "'entry':[" HEADER(
        EVENT("add-service-request"),
        "") ",{'resource':{'resourceType':"
            "'ServiceRequest','id':'s1','status':'active','intent':'order','authoredOn':'2026-08-"
            "24',"
            "'identifier':[{'use':'old','value':'OLD'},{'type':{'coding':[{'code':'PGN'}]},'value':"
            "'G'},"
            "{'type':{'coding':[{'code':'PLAC'},{'system':'urn:l','code':'ORD'}]},'value':'R-1'},"
            "{'type':{'coding':[{'code':'FILL'}]},'value':'F-1'}],"
            "'code':{'coding':[" CODING(SCT, "387854002", "") "," CODING(
                SCT, "308447003",
                CHOSEN) "]},"
                        "'subject':{'reference':'Patient/"
                        "p1'},'requester':{'reference':'PractitionerRole/r1'},"
                        "'reasonReference':[{'reference':'Condition/"
                        "c1'}],'orderDetail':[{'coding':[" CODING(SCT, "231107005", "") "," CODING(
                            SCT, "398074008",
                            "") "]}],"
                                "'bodySite':[{'coding':[" CODING(SCT, "45048000", "") "," CODING(
                                    SCT, "122494005",
                                    "") "]}]}},"
                                        "{'resource':{'resourceType':'Patient','id':'p1','meta':{'"
                                        "security':["
                                        "{'system':'http://terminology.hl7.org/CodeSystem/"
                                        "v3-ActCode','code':'MH'},"
                                        "{'system':'http://terminology.hl7.org/CodeSystem/"
                                        "v3-ActCode','code':'SDV'},"
                                        "{'system':'http://terminology.hl7.org/CodeSystem/"
                                        "v3-ActCode','code':'DELAU'}]},"
                                        "'identifier':[{'type':{'coding':[{'code':'SS'}]},'system':"
                                        "'http://hl7.org/fhir/sid/us-ssn',"
                                        "'value':'123-45-6789'},"
                                        "{'type':{'coding':[{'system':'urn:l','code':'X'},{'code':'"
                                        "MR'}]},'system':'urn:h','value':'7',"
                                        "'use':'usual'},{'type':{'coding':[{'code':'MR'}]},'system'"
                                        ":'urn:h','value':'8'},"
                                        "{'type':{'coding':[{'code':'MR'}]},'system':'urn:h','"
                                        "value':'6','use':'old'},"
                                        "{'type':{'coding':[{'code':'MR'}]},'system':'urn:o','"
                                        "value':'O-1','assigner':{'identifier':{"
                                        "'system':'http://hl7.org/fhir/sid/"
                                        "us-npi','value':'9900000040'}}},"
                                        "{'type':{'coding':[{'code':'MR'}]},'system':'urn:p','"
                                        "value':'P-1','assigner':{'identifier':{"
                                        "'system':'http://hl7.org/fhir/sid/"
                                        "us-npi','value':'9900000032'}}},"
                                        "{'type':{'coding':[{'code':'PI'}]},'system':'urn:i','"
                                        "value':'5'},{'value':'4'}],"
                                        "'name':[{'use':'maiden','family':'Born','given':['Jane']},"
                                        "{'use':'nickname','given':['JJ']},"
                                        "{'use':'usual','family':'Roe','given':['Jane','Q']},{'use'"
                                        ":'usual','family':'Row'},"
                                        "{'use':'official','family':'Gone','period':{'end':'2020'}}"
                                        "],"
                                        "'telecom':[{'system':'fax','value':'1'},{'system':'phone',"
                                        "'value':'2','use':'old'},"
                                        "{'system':'phone','value':'3','use':'mobile','rank':2},{'"
                                        "system':'phone','value':'4','use':"
                                        "'mobile','rank':2},{'system':'phone','value':'5','use':'"
                                        "home'},{'system':'email','value':'a'},"
                                        "{'system':'email','value':'b'}],"
                                        "'address':[{'use':'old','text':'O'},{'use':'home','type':'"
                                        "postal','text':'PO Box'},"
                                        "{'use':'home','line':['12 Elm St','Apt "
                                        "4'],'city':'Springfield','state':'IL'},"
                                        "{'use':'home','line':['9 Oak "
                                        "St'],'city':'Springfield','state':'IL'}],"
                                        "'communication':[{'language':{'coding':[{'system':'urn:"
                                        "ietf:bcp:47','code':'en'}]}},"
                                        "{'language':{'coding':[{'system':'urn:l','code':'spa'},{'"
                                        "system':'urn:ietf:bcp:47','code':"
                                        "'es'}]},'preferred':true}],'birthDate':'1980-02-03','"
                                        "gender':'female'}},"
                                        "{'resource':{'resourceType':'Condition','id':'c1','"
                                        "subject':{'reference':'Patient/p1'},"
                                        "'code':{'coding':[" CODING(SCT, "81680005", CHOSEN) "," CODING(
                                            CM, "M54.2",
                                            "") "," CODING(CM, "M54.81",
                                                           "") "," CODING("urn:x", "A",
                                                                          "") "]}}},"
                                                                              "{'resource':{'"
                                                                              "resourceType':'"
                                                                              "PractitionerRole','"
                                                                              "id':'r1','"
                                                                              "practitioner':{'"
                                                                              "reference':"
                                                                              "'Practitioner/"
                                                                              "d1'},'specialty':[{'"
                                                                              "coding':"
                                                                              "[" CODING(
                                                                                  "http://nucc.org/"
                                                                                  "provider-"
                                                                                  "taxonomy",
                                                                                  "225700000X",
                                                                                  "") "]},{'coding'"
                                                                                      ":"
                                                                                      "[" CODING(
                                                                                          "http://"
                                                                                          "nucc."
                                                                                          "org/"
                                                                                          "provider"
                                                                                          "-"
                                                                                          "taxonom"
                                                                                          "y",
                                                                                          "111N0000"
                                                                                          "0"
                                                                                          "X",
                                                                                          "") "]}]}"
                                                                                              "}"
                                                                                              ","
                                                                                              "{'"
                                                                                              "reso"
                                                                                              "u"
                                                                                              "rce'"
                                                                                              ":"
                                                                                              "{'"
                                                                                              "reso"
                                                                                              "u"
                                                                                              "rceT"
                                                                                              "y"
                                                                                              "pe':"
                                                                                              "'"
                                                                                              "Prac"
                                                                                              "t"
                                                                                              "itio"
                                                                                              "n"
                                                                                              "er',"
                                                                                              "'"
                                                                                              "id':"
                                                                                              "'"
                                                                                              "d1',"
                                                                                              "'"
                                                                                              "iden"
                                                                                              "t"
                                                                                              "ifie"
                                                                                              "r"
                                                                                              "':[{"
                                                                                              "'"
                                                                                              "syst"
                                                                                              "e"
                                                                                              "m':"
                                                                                              "'htt"
                                                                                              "p"
                                                                                              "://"
                                                                                              "hl7."
                                                                                              "org/"
                                                                                              "fhir"
                                                                                              "/"
                                                                                              "sid/"
                                                                                              "us-"
                                                                                              "npi'"
                                                                                              ","
                                                                                              "'val"
                                                                                              "u"
                                                                                              "e':'"
                                                                                              "1234"
                                                                                              "5"
                                                                                              "6789"
                                                                                              "3"
                                                                                              "'},{"
                                                                                              "'"
                                                                                              "syst"
                                                                                              "e"
                                                                                              "m':"
                                                                                              "'htt"
                                                                                              "p"
                                                                                              "://"
                                                                                              "hl7."
                                                                                              "org/"
                                                                                              "fhir"
                                                                                              "/"
                                                                                              "sid/"
                                                                                              "us-"
                                                                                              "npi'"
                                                                                              ","
                                                                                              "'val"
                                                                                              "u"
                                                                                              "e':'"
                                                                                              "9900"
                                                                                              "0"
                                                                                              "0007"
                                                                                              "3"
                                                                                              "','"
                                                                                              "use'"
                                                                                              ":"
                                                                                              "'old"
                                                                                              "'"
                                                                                              "},{'"
                                                                                              "syst"
                                                                                              "e"
                                                                                              "m':'"
                                                                                              "urn:"
                                                                                              "l','"
                                                                                              "valu"
                                                                                              "e"
                                                                                              "':"
                                                                                              "'77'"
                                                                                              "}"
                                                                                              "],'"
                                                                                              "name"
                                                                                              "'"
                                                                                              ":[{'"
                                                                                              "use'"
                                                                                              ":"
                                                                                              "'old"
                                                                                              "'"
                                                                                              ",'"
                                                                                              "text"
                                                                                              "'"
                                                                                              ":'"
                                                                                              "Dr."
                                                                                              " Bef"
                                                                                              "o"
                                                                                              "re'}"
                                                                                              ","
                                                                                              "{'"
                                                                                              "use'"
                                                                                              ":"
                                                                                              "'off"
                                                                                              "i"
                                                                                              "cial"
                                                                                              "'"
                                                                                              ",'"
                                                                                              "text"
                                                                                              "'"
                                                                                              ":'"
                                                                                              "Dr."
                                                                                              " Now"
                                                                                              "'"
                                                                                              ",'"
                                                                                              "fami"
                                                                                              "l"
                                                                                              "y':"
                                                                                              "'Now"
                                                                                              "'"
                                                                                              ",'"
                                                                                              "give"
                                                                                              "n"
                                                                                              "':['"
                                                                                              "Ann'"
                                                                                              "]"
                                                                                              "},{'"
                                                                                              "use'"
                                                                                              ":"
                                                                                              "'usu"
                                                                                              "a"
                                                                                              "l','"
                                                                                              "text"
                                                                                              "'"
                                                                                              ":'"
                                                                                              "Anni"
                                                                                              "e"
                                                                                              "'}],"
                                                                                              "'"
                                                                                              "tele"
                                                                                              "c"
                                                                                              "om':"
                                                                                              "["
                                                                                              "{'"
                                                                                              "syst"
                                                                                              "e"
                                                                                              "m':'"
                                                                                              "phon"
                                                                                              "e"
                                                                                              "','"
                                                                                              "valu"
                                                                                              "e"
                                                                                              "':"
                                                                                              "'70'"
                                                                                              ","
                                                                                              "'use"
                                                                                              "'"
                                                                                              ":'"
                                                                                              "home"
                                                                                              "'"
                                                                                              "},{'"
                                                                                              "syst"
                                                                                              "e"
                                                                                              "m':'"
                                                                                              "phon"
                                                                                              "e"
                                                                                              "','"
                                                                                              "valu"
                                                                                              "e"
                                                                                              "':'"
                                                                                              "71',"
                                                                                              "'"
                                                                                              "use'"
                                                                                              ":"
                                                                                              "'wor"
                                                                                              "k"
                                                                                              "'}]}"
                                                                                              "}"
                                                                                              "]}";

/* Given names and lines of an address have an order. */
static bool is_unordered(const struct json *list)
{
    static const char *const keys[] = {"identifier",    "name",   "telecom",   "address",  "entry",
                                       "communication", "coding", "specialty", "security", NULL};
    const char *key = json_key(list);
    for (size_t i = 0; key != NULL && keys[i] != NULL; i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

/* A copy of NODE with each list shuffled; the MessageHeader stays the first entry. */
static struct json *shuffled(struct random_maker *maker, const struct json *node)
{
    struct arena *arena = maker->arena;
    struct json *items[64];
    size_t count = 0;
    if (json_kind(node) == JSON_OBJECT) {
        struct json *object = json_new_object(arena);
        for (struct json *member = json_first(node); member != NULL; member = json_next(member))
            json_set(arena, object, json_key(member), shuffled(maker, member));
        return object;
    }
    if (json_kind(node) != JSON_LIST)
        return json_copy(arena, node);
    for (struct json *item = json_first(node); item != NULL && count < 64; item = json_next(item))
        items[count++] = shuffled(maker, item);
    size_t fixed = text_equal(json_key(node), "entry") ? 1 : 0;
    struct json *list = json_new_list(arena);
    for (size_t i = 0; i < count; i++) {
        size_t left = count - i;
        size_t pick =
            is_unordered(node) && i >= fixed ? i + random_below(maker, (unsigned)left) : i;
        struct json *chosen = items[pick];
        items[pick] = items[i];
        json_push(list, chosen);
    }
    return list;
}

static int compare_texts(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* The JSON of ENTRY without the numbers of places, which shuffling changes. */
static const char *without_places(struct arena *arena, const struct json *entry)
{
    struct text text = text_new(arena, 4096);
    for (const char *at = json_print(arena, entry); *at != '\0';) {
        text_print(&text, "%c", *at);
        at += *at == '[' ? 1 + strspn(at + 1, "0123456789") : 1;
    }
    return text.at;
}

/* What is told, sorted. */
static const char *told(struct arena *arena, const struct json *record)
{
    enum { LINES_MAX = 200 };
    const char *lines[LINES_MAX];
    size_t count = 0;
    struct text all = text_new(arena, 1 << 16);
    for (struct json *entry = json_first(json_get(record, "received"));
         entry != NULL && count < LINES_MAX; entry = json_next(entry))
        lines[count++] = without_places(arena, entry);
    qsort(lines, count, sizeof *lines, compare_texts);
    for (size_t i = 0; i < count; i++)
        text_print(&all, "%s\n", lines[i]);
    return all.at;
}

static const char *said(struct arena *arena, const struct message_inbound *in)
{
    struct json *record = json_copy(arena, in->record);
    json_remove(record, "received");
    return arena_print(arena, "%s\n%s\n%s", json_print(arena, record),
                       in->claims == NULL ? "" : json_print(arena, in->claims),
                       told(arena, in->record));
}

static void no_order_changes_the_record(void **state)
{
    struct world *world = open_world();
    struct json *bundle = parse(&world->arena, rich);
    unsigned seeds = getenv("SEEDS") == NULL ? 200 : (unsigned)atoi(getenv("SEEDS"));
    (void)state;
    world->context.partner = "lakeside";
    struct message_inbound first;
    assert_true(message_read(&world->context, bundle, &first, &world->findings));
    const char *expected = said(&world->arena, &first);
    assert_string_equal(json_get_text(first.record, "client_id"), "7");
    assert_string_equal(json_get_text(first.record, "client_family_name"), "Roe");
    assert_string_equal(json_get_text(first.record, "client_phone"), "3");
    assert_string_equal(json_get_text(first.record, "client_language"), "es");
    assert_string_equal(json_get_text(first.record, "service"), "physiotherapy");
    assert_string_equal(json_get_text(first.record, "written_by"), "lakeside/1234567893");
    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct random_maker maker = {.arena = &world->arena, .state = seed};
        struct message_inbound in;
        assert_true(message_read(&world->context, shuffled(&maker, bundle), &in, &world->findings));
        assert_string_equal(said(&world->arena, &in), expected);
    }
    close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_concept_says_the_same_in_every_order),
        cmocka_unit_test(the_other_codings_are_told),
        cmocka_unit_test(a_word_is_what_most_codings_belong_to),
        cmocka_unit_test(no_order_changes_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
