/* message_labels: a label of any resource holds for the record; what has no word of ours is told.
 */
#include "lib/foreign.h"

#define ACT_CODE "http://terminology.hl7.org/CodeSystem/v3-ActCode"
#define LABEL(code) "{'system':'" ACT_CODE "','code':'" code "'}"
#define DEGREE(code)                                                                               \
    "{'system':'http://terminology.hl7.org/CodeSystem/v3-Confidentiality','code':'" code "'}"
#define META(labels) "'meta':{'security':[" labels "]}"

/* Places that may have a label, each with a member before it. */
enum place { NOWHERE, BUNDLE, HEADER_OF_IT, ORDER_ITSELF, CLIENT, DIAGNOSIS, CLINICIAN, PLACES };

static const char *at(enum place here, enum place place, const char *labels)
{
    return here == place ? labels : "'language':'en'";
}

/* A referral with LABELS (a member of a resource) at PLACE. */
static struct message_inbound labelled(struct world *world, enum place place, const char *labels)
{
    return take(
        world,
        arena_print(
            &world->arena,
            "{'resourceType':'Bundle','id':'b-1','type':'message',%s,'entry':[{'resource':{"
            "'resourceType':'MessageHeader',%s,%s,%s,%s}},{'resource':{'resourceType':"
            "'ServiceRequest','id':'s1',%s,%s,'reasonReference':[{'reference':'Condition/c1'}]}},"
            "{'resource':{'resourceType':'Patient','id':'p1',%s,'name':[{'family':'Roe'}]}},"
            "{'resource':{'resourceType':'Condition','id':'c1',%s,'subject':{'reference':"
            "'Patient/p1'},'code':{'text':'Neck pain'}}},{'resource':{'resourceType':"
            "'Practitioner','id':'d1',%s,'name':[{'text':'Dr. Osei'}]}}]}",
            at(place, BUNDLE, labels), EVENT("add-service-request"), SENDER, SOURCE,
            at(place, HEADER_OF_IT, labels), at(place, ORDER_ITSELF, labels), ORDER_BODY,
            at(place, CLIENT, labels), at(place, DIAGNOSIS, labels), at(place, CLINICIAN, labels)));
}

static const char *sensitivity(struct world *world, const struct message_inbound *in)
{
    const struct json *list = json_get(in->record, "sensitivity");
    return list == NULL ? "" : json_print(&world->arena, list);
}

static bool is_told(const struct message_inbound *in, const char *code)
{
    const struct json *entry = json_first(json_get(in->record, "received"));
    while (entry != NULL && !text_equal(json_get_text(entry, "code"), code))
        entry = json_next(entry);
    return entry != NULL;
}

static void a_label_holds_wherever_it_stands(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = labelled(world, NOWHERE, "");
    assert_string_equal(sensitivity(world, &in), "");
    for (enum place place = BUNDLE; place < PLACES; place++) {
        in = labelled(world, place, META(LABEL("PSY") "," LABEL("HIV") "," DEGREE("R")));
        assert_string_equal(sensitivity(world, &in), "[\"psychiatry\",\"hiv\"]");
        assert_false(is_told(&in, "HIV"));
        assert_false(is_told(&in, "R"));
    }
    close_world(world);
}

static void what_has_no_word_is_told(void **state)
{
    static const char *const codes[] = {"DELAU", "REDACT", "NORDSCLCD", "SPI", "MASK"};
    struct world *world = open_world();
    (void)state;
    for (enum place place = BUNDLE; place < PLACES; place++) {
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
            struct message_inbound in =
                labelled(world, place,
                         arena_print(&world->arena, META("{'system':'" ACT_CODE "','code':'%s'}"),
                                     codes[i]));
            assert_string_equal(sensitivity(world, &in), "");
            assert_true(is_told(&in, codes[i]));
        }
        struct message_inbound in = labelled(world, place, META(DEGREE("R")));
        assert_true(is_told(&in, "R"));
        in = labelled(world, place, META(LABEL("HIV") "," DEGREE("V")));
        assert_true(is_told(&in, "V"));
        in = labelled(world, place, META(LABEL("HIV") ",{'system':'urn:x','code':'R'}"));
        assert_true(is_told(&in, "R")); /* of another system it is another thing */
    }
    struct message_inbound in = labelled(world, BUNDLE, META(LABEL("DELAU")));
    received(&in, "Bundle.meta.security[0]");
    close_world(world);
}

/* Consent rules look at our words alone: alcohol is a kind of substance use. */
static void a_narrower_label_is_its_wider_word(void **state)
{
    static const char *const pairs[][2] = {
        {"ETHUD", "[\"substance-use\"]"},
        {"OPIOIDUD", "[\"substance-use\"]"},
        {"ETH", "[\"substance-use\"]"},
        {"VIO", "[\"abuse\"]"},
        {"STD", "[\"reproductive-health\"]"},
        {"EMOTDIS", "[\"behavioral-health\"]"},
        {"SICKLE", "[\"genetic\"]"},
        {"42CFRPart2", "[\"substance-use\"]"},
        {"HIPAAPsyNotes", "[\"psychotherapy-note\"]"},
        {"Title38Section7332", "[\"substance-use\",\"hiv\",\"genetic\"]"}};
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct message_inbound in = labelled(
            world, CLIENT,
            arena_print(&world->arena, META("{'system':'" ACT_CODE "','code':'%s'}"), pairs[i][0]));
        assert_string_equal(sensitivity(world, &in), pairs[i][1]);
        assert_true(is_told(&in, pairs[i][0]));
    }
    struct message_inbound in =
        labelled(world, CLIENT, META("{'system':'http://hl7.org/fhir/v3/ActCode','code':'MH'}"));
    assert_string_equal(sensitivity(world, &in), "[\"mental-health\"]");
    close_world(world);
}

static void the_label_of_a_document_holds_too(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world, MESSAGE(HEADER(EVENT("add-service-request"),
                              "") "," ORDER "," PATIENT "," DOCTOR
                                  ",{'resource':{'resourceType':'DocumentReference','id':"
                                  "'f1','status':'current','subject':{'reference':'Patient/p1'},"
                                  "'securityLabel':[{'coding':[" DEGREE("R") "]},{'coding':[" LABEL(
                                      "SDV") "]}],'content':[{'attachment':{'title':'a.pdf'}}]}}"));
    assert_string_equal(sensitivity(world, &in), "[\"abuse\"]");
    close_world(world);
}

/* Restricted beside a word says no more than that; alone it says more. */
static void a_degree_belongs_to_what_it_stands_on(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world, MESSAGE(HEADER(
                   EVENT("add-service-request"),
                   "") "," ORDER "," DOCTOR
                       ",{'resource':{'resourceType':'Patient','id':'p1'," META(LABEL(
                           "HIV")) ",'name':[{'family':'Roe'}]}},{'resource':{'resourceType':"
                                   "'Condition','id':'c1'," META(DEGREE(
                                       "R")) ",'subject':{'reference':'Patient/p1'},'code':{'text':"
                                             "'Neck pain'}}}"));
    assert_string_equal(sensitivity(world, &in), "[\"hiv\"]");
    received(&in, "Condition.meta.security[0]");
    close_world(world);
}

/* The same words in every order of the same labels. */
static void the_order_of_labels_says_nothing(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound one = labelled(world, CLIENT, META(LABEL("SUD") "," LABEL("MH")));
    struct message_inbound other = labelled(world, CLIENT, META(LABEL("MH") "," LABEL("SUD")));
    assert_string_equal(sensitivity(world, &one), sensitivity(world, &other));
    close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_holds_wherever_it_stands),
        cmocka_unit_test(what_has_no_word_is_told),
        cmocka_unit_test(a_narrower_label_is_its_wider_word),
        cmocka_unit_test(the_label_of_a_document_holds_too),
        cmocka_unit_test(a_degree_belongs_to_what_it_stands_on),
        cmocka_unit_test(the_order_of_labels_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
