/* message: which of several codings is read, in every order of them. */
#include "fhir/field/field.h"
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
#define CODED(system, code) "{'coding':[" CODING(system, code, "") "]}"
#define LEVELS                                                                                     \
    REFERRAL_WITH("'code':{'text':'Massage'}",                                                     \
                  ",{'resource':{'resourceType':'Flag','id':'f1','status':'active','subject':{"    \
                  "'reference':'Patient/p1'},'code':{'text':'Pregnant'},'category':[%s]}}")
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
    /* the strictest, be it of one category or of several */
    {LEVEL,
     {CODING(OURS("precaution-level"), "caution", ""),
      CODING(OURS("precaution-level"), "do-not-treat", ""),
      CODING(OURS("precaution-level"), "avoid-area", "")},
     "precautions",
     "level",
     "do-not-treat"},
    {LEVELS,
     {CODED(OURS("precaution-level"), "caution"), CODED(OURS("precaution-level"), "do-not-treat"),
      CODED(OURS("precaution-level"), "avoid-area")},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_concept_says_the_same_in_every_order),
        cmocka_unit_test(the_other_codings_are_told),
        cmocka_unit_test(a_word_is_what_most_codings_belong_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
