/* message_read: messages of other systems, as docs/wire-profile.md says they are understood:
 * without fullUrl, with relative, contained and logical references, other events, no Task, text
 * only; what has no word of ours is told in `received`; what must not be processed is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/foreign.h"

/* No ids, no fullUrls, relative references, focus on the ServiceRequest, no Task, text-only
 * service. */
static void a_bare_order_is_understood(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world, MESSAGE(HEADER(EVENT("add-service-request"),
                              ",'focus':[{'reference':'ServiceRequest/s1'}]") "," ORDER "," PATIENT
                                                                              "," DOCTOR));
    assert_int_equal(in.content, MESSAGE_RECORD);
    assert_string_equal(in.message_id, "b-1");
    assert_string_equal(in.sender, "lakeside");
    assert_string_equal(in.source_endpoint, "https://lakeside.example/fhir");
    assert_string_equal(in.referral.number, "X-1");
    assert_string_equal(in.referral.placer, "lakeside");
    assert_string_equal(in.move.task_status, "requested");
    assert_string_equal(in.referral.client_number, "77");
    assert_string_equal(json_get_text(in.record, "record"), "referral");
    assert_string_equal(json_get_text(in.record, "record_id"), "X-1");
    assert_string_equal(json_get_text(in.record, "written_by"), "osei");
    assert_string_equal(json_get_text(in.record, "written_at"), "2026-08-24T09:12:00-04:00");
    assert_string_equal(json_get_text(in.record, "client_id"), "77");
    assert_string_equal(json_get_text(in.record, "client_given_names"), "Jane Q");
    assert_string_equal(json_get_text(in.record, "reason"), "Neck pain");
    assert_string_equal(json_get_text(in.record, "priority"), "routine"); /* by default */
    assert_null(json_get(in.record, "service"));
    assert_string_equal(json_get_text(received(&in, "ServiceRequest.code.text"), "text"),
                        "Massage please");
    assert_string_equal(json_get_text(in.record, "standing"), "proposed"); /* its intent is plan */
    close_world(world);
}

/* What the first reading marked as understood says nothing to the second. */
static void a_bundle_is_read_again(void **state)
{
    struct world *world = open_world();
    struct json *bundle =
        parse(&world->arena,
              MESSAGE(HEADER(EVENT("add-service-request"), "") "," ORDER "," PATIENT "," DOCTOR));
    struct message_inbound first;
    struct message_inbound second;
    (void)state;
    assert_true(message_read(&world->context, bundle, &first, &world->findings));
    assert_true(message_read(&world->context, bundle, &second, &world->findings));
    assert_string_equal(json_print(&world->arena, first.record),
                        json_print(&world->arena, second.record));
    close_world(world);
}

struct alias {
    const char *event, *ours;
};

static void events_of_other_dialects(void **state)
{
    static const struct alias aliases[] = {
        {"'eventUri':'https://refgate.invalid/fhir/CodeSystem/message-event#add-service-request'",
         "add-service-request"},
        {"'eventUri':'urn:hl7:I12'", "add-service-request"},
        {"'eventCoding':{'system':'http://terminology.hl7.org/CodeSystem/v2-0003','code':'I12'}",
         "add-service-request"},
        {"'eventCoding':{'system':'http://terminology.hl7.org/CodeSystem/v2-0003','code':'I13'}",
         "notify-update-service-request"},
        {"'eventCoding':{'system':'https://ehealthontario.ca/fhir/CodeSystem/message-event-code',"
         "'code':'notify-add-service-request'}",
         "add-service-request"},
        {"'eventCoding':{'system':'http://hl7.org/fhir/uv/cow/CodeSystem/temp','code':'new-order'}",
         "add-service-request"},
        {"'eventCoding':{'system':'https://fhir.nhs.uk/CodeSystem/message-events-bars',"
         "'code':'servicerequest-request'}",
         "add-service-request"},
    };
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        const char *text = arena_print(
            &world->arena, "%s%s%s",
            "{'resourceType':'Bundle','id':'b-1','type':'message','entry':[{'resource':{"
            "'resourceType':'MessageHeader'," SENDER "," SOURCE ",",
            aliases[i].event, "}}," ORDER "," PATIENT "," DOCTOR "]}");
        struct message_inbound in = take(world, text);
        assert_string_equal(in.event, aliases[i].ours);
        assert_string_equal(json_get_text(in.record, "record"), "referral");
    }
    close_world(world);
}

static void a_withdrawn_order(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        take(world, MESSAGE(HEADER("'eventCoding':{'system':'https://fhir.nhs.uk/CodeSystem/"
                                   "message-events-bars','code':'servicerequest-request'}",
                                   "") ",{'resource':{'resourceType':'ServiceRequest','id':'s1',"
                                       "'identifier':[{'value':'X-1'}],'status':'revoked',"
                                       "'intent':'plan','reasonCode':[{'text':'x'}],"
                                       "'subject':{'reference':'Patient/p1'}}}," PATIENT));
    assert_int_equal(in.content, MESSAGE_RECORD_CANCEL);
    assert_string_equal(in.move.move, "cancel");
    assert_string_equal(in.referral.number, "X-1");
    in =
        take(world,
             MESSAGE(HEADER(EVENT("notify-cancel-service-request"),
                            "") ","
                                "{'resource':{'resourceType':'Task','id':'t1','status':'cancelled',"
                                "'intent':'order','identifier':[{'value':'X-1'}],"
                                "'statusReason':{'coding':[{'display':'Changed mind'}]}}}"));
    assert_int_equal(in.content, MESSAGE_MOVE);
    assert_string_equal(in.event, "revoke-service-request");
    assert_string_equal(in.move.move, "cancel");
    assert_string_equal(in.move.reason, "Changed mind");
    close_world(world);
}

static void contained_and_logical_references(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world,
        MESSAGE(HEADER(
            EVENT("add-service-request"),
            "") ",{'fullUrl':'https://a.example/fhir/"
                "ServiceRequest/9','resource':{'resourceType':'ServiceRequest','contained':["
                "{'resourceType':'Patient','id':'p','name':[{'family':'Doe'}],"
                "'birthDate':'1990-01-01'},{'resourceType':'Practitioner','id':'d','name':["
                "{'family':'Strange','given':['Eve']}]}],'status':'active','intent':'order',"
                "'code':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/service-type',"
                "'code':'65'}]},'subject':{'reference':'#p'},'requester':{'reference':'#d'},"
                "'performer':[{'identifier':{'system':'http://hl7.org/fhir/sid/us-npi',"
                "'value':'9900000016'}}],'identifier':[{'system':'urn:x','value':'Y-2'}]}},"
                "{'fullUrl':'https://a.example/fhir/Task/4','resource':{'resourceType':'Task',"
                "'status':'requested','intent':'order','focus':{"
                "'reference':'https://a.example/fhir/ServiceRequest/9/_history/2'}}}"));
    assert_string_equal(json_get_text(in.record, "client_family_name"), "Doe");
    assert_string_equal(json_get_text(in.record, "service"), "physiotherapy");
    assert_string_equal(json_get_text(in.record, "referred_to"), "willow");
    const char *author = json_get_text(in.record, "written_by");
    const struct json *claim = json_first(in.claims);
    assert_true(text_starts(author, "lakeside/eve-strange-"));
    assert_string_equal(json_get_text(claim, "handle"), author);
    assert_string_equal(json_get_text(claim, "kind"), "person");
    assert_string_equal(json_get_text(claim, "name"), "Eve Strange");
    close_world(world);
}

/* On our own desk nobody claims anything: an NPI is an NPI. */
static void a_mapped_stranger_keeps_the_npi(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world, MESSAGE(HEADER(EVENT("add-service-request"),
                              "") "," ORDER "," PATIENT
                                  ",{'resource':{'resourceType':'Practitioner','id':'d1',"
                                  "'identifier':[{'system':'http://hl7.org/fhir/sid/us-npi',"
                                  "'value':'1234567893'}],'name':[{'text':'Zoë Ångström'}]}}"));
    assert_string_equal(json_get_text(in.record, "written_by"), "npi:1234567893");
    assert_null(in.claims);
    close_world(world);
}

#define WRITTEN_BY(person)                                                                         \
    MESSAGE(HEADER(EVENT("add-service-request"), "") "," ORDER "," PATIENT "," person)
#define PERSON(body) "{'resource':{'resourceType':'Practitioner','id':'d1'," body "}}"
#define WITH_NPI(npi, name)                                                                        \
    PERSON("'identifier':[{'system':'http://hl7.org/fhir/sid/us-npi','value':'" npi                \
           "'}],'name':[{'text':'" name "'}]")

static struct message_inbound from_lakeside(struct world *world, const char *quoted)
{
    world->context.partner = "lakeside";
    return take(world, quoted);
}

static const char *author(struct world *world, const char *quoted)
{
    struct message_inbound in = from_lakeside(world, quoted);
    return json_get_text(in.record, "written_by");
}

static void strangers_are_claims(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        from_lakeside(world, WRITTEN_BY(WITH_NPI("1234567893", "Zoë Ångström")));
    const struct json *claim = json_first(in.claims);
    assert_string_equal(json_get_text(in.record, "written_by"), "lakeside/1234567893");
    assert_string_equal(json_get_text(claim, "handle"), "lakeside/1234567893");
    assert_string_equal(json_get_text(claim, "name"), "Zoë Ångström");
    assert_string_equal(json_get_text(claim, "npi"), "1234567893");
    assert_null(json_next(claim));
    const struct json *shown = received(&in, "written_by");
    assert_string_equal(json_get_text(shown, "code"), "lakeside/1234567893");
    assert_string_equal(json_get_text(shown, "text"),
                        "Zoë Ångström (shown as claimed by lakeside)");
    close_world(world);
}

/* The author is somebody of the sender's clinic, whatever NPI the message gives. */
static void nobody_writes_in_the_name_of_others(void **state)
{
    struct world *world = open_world();
    (void)state;
    assert_string_equal(author(world, WRITTEN_BY(WITH_NPI("9900000073", "Dr. Osei"))), "osei");
    assert_string_equal(author(world, WRITTEN_BY(WITH_NPI("9900000057", "Inés"))), /* ours */
                        "lakeside/9900000057");
    assert_string_equal(author(world, WRITTEN_BY(WITH_NPI("9900000107", "Dr. O"))),
                        "lakeside/9900000107"); /* harbor's */
    assert_string_equal(author(world, WRITTEN_BY(WITH_NPI("9900000040", "Harbor"))),
                        "lakeside/9900000040"); /* a clinic's NPI */
    close_world(world);
}

static void strangers_do_not_become_one(void **state)
{
    static const char *const people[] = {
        PERSON("'name':[{'text':'José Ruiz'}]"),
        PERSON("'name':[{'text':'Jose Ruiz'}]"),
        PERSON("'name':[{'family':'Ruiz','given':['Jose']}]"),
        PERSON("'name':[{'text':'\u674e'}]"),
        PERSON("'name':[{'text':'\u738b'}]"),
        PERSON("'identifier':[{'system':'urn:a','value':'7'}],'name':[{'text':'Jose Ruiz'}]"),
        PERSON("'identifier':[{'system':'urn:b','value':'7'}],'name':[{'text':'Jose Ruiz'}]"),
        PERSON("'name':[{'text':'A very long name that goes on and on and on for a while, one'}]"),
        PERSON("'name':[{'text':'A very long name that goes on and on and on for a while, two'}]"),
    };
    enum { COUNT = sizeof people / sizeof *people };
    const char *seen[COUNT];
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const char *message =
            arena_print(&world->arena,
                        "{'resourceType':'Bundle','id':'b-1','type':'message',"
                        "'entry':[%s,%s,%s,%s]}",
                        HEADER(EVENT("add-service-request"), ""), ORDER, PATIENT, people[i]);
        seen[i] = author(world, message);
        assert_string_equal(seen[i], author(world, message)); /* the same again */
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(seen[i], seen[k]);
    }
    close_world(world);
}

/* Names are cut in whole characters; what nobody can read is no name. */
static void odd_names_are_made_readable(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct text long_name = text_new(&world->arena, 1 << 21);
    while (long_name.length < 1 << 20)
        text_add(&long_name, "\xc3\xa9\xe6\x9d\x8e");
    const char *names[] = {long_name.at, "\\u0007\\u001b[2J Kim\\n", " \\t "};
    for (size_t i = 0; i < 3; i++) {
        struct message_inbound in = from_lakeside(
            world, arena_print(&world->arena,
                               "{'resourceType':'Bundle','id':'b-1','type':'message',"
                               "'entry':[%s,%s,%s,{'resource':{'resourceType':'Practitioner',"
                               "'id':'d1','name':[{'text':'%s'}],'identifier':[{'system':"
                               "'http://hl7.org/fhir/sid/us-npi','value':'1234567893'}]}}]}",
                               HEADER(EVENT("add-service-request"), ""), ORDER, PATIENT, names[i]));
        const char *name = json_get_text(json_first(in.claims), "name");
        assert_string_equal(json_get_text(in.record, "written_by"), "lakeside/1234567893");
        if (i == 0)
            assert_in_range(strlen(name), 190, 200);
        else if (i == 1)
            assert_string_equal(name, "[2J Kim");
        else
            assert_null(name);
        assert_true(name == NULL || text_utf8_fault(name, strlen(name)) == strlen(name));
    }
    close_world(world);
}

/* However many people a message names, few claims are kept of it. */
static void a_crowd_is_shown_and_not_kept(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct text crowd = text_new(&world->arena, 1 << 20);
    for (int i = 0; i < 500; i++)
        text_print(&crowd, ",{'reference':'Practitioner/q%d'}", i);
    struct text entries = text_new(&world->arena, 1 << 20);
    for (int i = 0; i < 500; i++)
        text_print(&entries,
                   ",{'resource':{'resourceType':'Practitioner','id':'q%d','name':[{'text':"
                   "'Person %d'}]}}",
                   i, i);
    struct message_inbound in = from_lakeside(
        world,
        arena_print(&world->arena,
                    "{'resourceType':'Bundle','id':'b-1','type':'message','entry':[%s,%s,"
                    "{'resource':{'resourceType':'CarePlan','id':'c1','status':'active',"
                    "'intent':'plan','subject':{'reference':'Patient/p1'},'contributor':[{"
                    "'reference':'Practitioner/d1'}%s]}},%s%s]}",
                    HEADER(EVENT("share-care-plan"), ""), PATIENT, crowd.at, DOCTOR, entries.at));
    assert_true(json_count(in.claims) <= 200);
    close_world(world);
}

#define NOTE(sections, more)                                                                       \
    "{'resource':{'resourceType':'Composition','id':'c1','status':'final','type':{'coding':["      \
    "{'system':'http://loinc.org','code':'11506-3'}]},'subject':{'reference':'Patient/p1'},"       \
    "'date':'2026-09-02T11:20:00-04:00','author':[{'reference':'Practitioner/d1'}],'title':'N',"   \
    "'event':[{'detail':[{'identifier':{'value':'X-1'}}]}],'section':[" sections "]" more "}}"

/* Nothing is read from the narrative: it is shown as received, in plain text. */
static void narratives_are_shown_not_read(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        take(world, MESSAGE(HEADER(EVENT("notify-add-service-record"), "") "," NOTE(
                        "{'title':'S','code':{'coding':[{'system':'http://loinc.org',"
                        "'code':'61150-9'}]},'text':{'status':'generated','div':"
                        "'<div xmlns=\\'http://www.w3.org/1999/xhtml\\'><p>Ache &amp; "
                        "more</p><p>Two</p></div>'}}",
                        "") "," PATIENT "," DOCTOR));
    assert_string_equal(json_get_text(in.record, "record"), "progress-note");
    assert_string_equal(json_get_text(in.record, "note_kind"), "progress-note");
    assert_string_equal(json_get_text(in.record, "referral_id"), "X-1");
    assert_null(json_get(in.record, "subjective"));
    assert_string_equal(json_get_text(received(&in, "Composition.section[S].text"), "text"),
                        "Ache & more\nTwo");
    close_world(world);
}

static void unknown_codes_are_kept(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world,
        MESSAGE(HEADER(EVENT("notify-add-service-record"), "") "," NOTE(
            "", "") "," PATIENT "," DOCTOR
                    ",{'resource':{'resourceType':'Observation','id':'o1','status':'final','code':{"
                    "'coding':[{'system':'http://loinc.org','code':'29463-7','display':'Weight'}]},"
                    "'valueQuantity':{'value':70.50,'unit':'kg'}}},"
                    "{'resource':{'resourceType':'Observation','id':'o2','status':'final','code':{"
                    "'coding':[{'system':'http://loinc.org','code':'72514-3'}]},'valueQuantity':{"
                    "'value':4.0,'unit':'of 10','code':'{score}',"
                    "'system':'http://unitsofmeasure.org'},'effectiveDateTime':'2026-09-01'}},"
                    "{'resource':{'resourceType':'Observation','id':'o3','status':'final','code':{"
                    "'coding':[{'system':'http://loinc.org','code':'41343-5'}]},'valueQuantity':{"
                    "'value':120,'code':'deg','system':'http://unitsofmeasure.org'}}}"));
    const struct json *weight = received(&in, "Observation[0].code.coding");
    assert_string_equal(json_get_text(weight, "system"), "http://loinc.org");
    assert_string_equal(json_get_text(weight, "code"), "29463-7");
    assert_string_equal(json_get_text(weight, "text"), "Weight");
    assert_string_equal(json_get_text(received(&in, "Observation[0].valueQuantity"), "text"),
                        "70.50 kg");
    const struct json *pain = json_first(json_get(in.record, "measurements"));
    assert_string_equal(json_get_text(pain, "measure"), "pain-now");
    assert_string_equal(json_number(json_get(pain, "value")), "4.0");
    assert_string_equal(json_get_text(pain, "unit"), "of 10");
    assert_string_equal(json_get_text(pain, "measured_on"), "2026-09-01");
    const struct json *knee = json_next(pain);
    assert_string_equal(json_get_text(knee, "joint"), "knee");
    assert_string_equal(json_get_text(knee, "side"), "left");
    assert_string_equal(json_get_text(knee, "unit"), "degrees");
    close_world(world);
}

static void labels_arrive(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world,
        MESSAGE(HEADER(EVENT("notify-add-service-record"), "") "," NOTE(
            "", ",'meta':{'security':[{'system':'http://terminology.hl7.org/"
                "CodeSystem/v3-ActCode','code':'MH'},{'system':'http://"
                "terminology.hl7.org/CodeSystem/v3-ActCode','code':'NORDSCLCD'}]}") "," PATIENT
                                                                                    "," DOCTOR));
    assert_string_equal(json_text(json_first(json_get(in.record, "sensitivity"))), "mental-health");
    assert_string_equal(json_get_text(received(&in, "Composition.meta.security[1]"), "code"),
                        "NORDSCLCD");
    close_world(world);
}

/* BSeR: the result is a Task whose output is a document Bundle. */
static void a_document_as_result(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world,
        MESSAGE(HEADER("'eventCoding':{'system':'http://terminology.hl7.org/CodeSystem/v2-0003',"
                       "'code':'I15'}",
                       "") ",{'resource':{'resourceType':'Task','id':'t1','status':'completed',"
                           "'intent':'order','identifier':[{'type':{'coding':[{'code':'PLAC'}]},"
                           "'value':'X-1'},{'type':{'coding':[{'code':'FILL'}]},'value':'F-2'}]}},"
                           "{'resource':{'resourceType':'Bundle','type':'document','entry':[" NOTE(
                               "", "") "," PATIENT "," DOCTOR "]}}"));
    assert_int_equal(in.content, MESSAGE_RECORD);
    assert_string_equal(json_get_text(in.record, "record"), "progress-note");
    assert_string_equal(json_get_text(in.record, "referral_id"), "X-1");
    assert_string_equal(in.move.task_status, "completed");
    assert_string_equal(in.referral.filler_number, "F-2");
    close_world(world);
}

#define TASK(status, more)                                                                         \
    "{'resource':{'resourceType':'Task','id':'t1','status':'" status "','intent':'order',"         \
    "'identifier':[{'type':{'coding':[{'code':'PLAC'}]},'value':'R-1'}],'requester':{"             \
    "'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':'" more "'}},'owner':{"       \
    "'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':'9900000024'}}"

/* A filler cannot cancel: its cancelled Task answers an abort. BSeR asks for one by 5.2. */
static void cancelling_depends_on_the_side(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        take(world, MESSAGE(HEADER(EVENT("notify-update-process-request"),
                                   "") "," TASK("cancelled", "9900000016") "}}"));
    assert_string_equal(in.referral.placer, "willow");
    assert_string_equal(in.referral.filler, "lakeside");
    assert_string_equal(in.move.move, "abort-accept");
    in = take(world, MESSAGE(HEADER(EVENT("notify-update-process-request"),
                                    "") "," TASK("cancelled", "9900000024") "}}"));
    assert_string_equal(in.move.move, "cancel");
    in = take(world, MESSAGE(HEADER(EVENT("notify-update-process-request"), "") "," TASK(
                         "in-progress", "9900000016") ",'businessStatus':{'coding':[{'code':"
                                                      "'5.2'}]},'note':[{'text':'Hello'}]}}"));
    assert_string_equal(in.move.move, "abort");
    const struct json *note = json_first(in.received);
    assert_string_equal(json_get_text(note, "path"), "Task.note.text");
    assert_string_equal(json_get_text(note, "text"), "Hello");
    close_world(world);
}

static void what_must_not_be_processed(void **state)
{
    struct world *world = open_world();
    (void)state;
    refuse(world, "{'resourceType':'Bundle','type':'collection'}", "Bundle.type");
    refuse(world, "{'resourceType':'Patient'}", "Bundle.type");
    refuse(world, "{'resourceType':'Bundle','type':'message','entry':[]}",
           "Bundle.entry[0].resource");
    refuse(world, MESSAGE(HEADER(EVENT("sell-data"), "") "," ORDER "," PATIENT),
           "MessageHeader.event");
    refuse(world,
           MESSAGE(HEADER(EVENT("add-service-request"),
                          ",'definition':'https://refgate.invalid/fhir/MessageDefinition/"
                          "add-service-request|2'") "," ORDER "," PATIENT),
           "MessageHeader.definition");
    refuse(world, MESSAGE(HEADER(EVENT("add-service-request"), "") "," PATIENT), "Bundle.entry");
    refuse(world, MESSAGE(HEADER(EVENT("add-service-request"), "") "," ORDER), "Patient");
    refuse(world,
           MESSAGE(HEADER(EVENT("add-service-request"),
                          "") "," PATIENT
                              ",{'resource':{'resourceType':'ServiceRequest','modifierExtension':["
                              "{'url':'urn:not'}]," ORDER_BODY "}}"),
           "ServiceRequest.modifierExtension");
    close_world(world);
}

/* A newer minor, another base's definition, an unknown extension: no reason to refuse. */
static void what_is_kept(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in =
        take(world,
             MESSAGE(HEADER(EVENT("add-service-request"),
                            ",'definition':'http://ehealthontario.ca/fhir/MessageDefinition/x|7',"
                            "'extension':[{'url':'urn:colour','valueString':'blue'}]") "," ORDER
                                                                                       "," PATIENT
                                                                                       "," DOCTOR));
    const struct json *colour = received(&in, "MessageHeader.extension");
    assert_string_equal(json_get_text(colour, "system"), "urn:colour");
    assert_string_equal(json_get_text(colour, "text"), "blue");
    close_world(world);
}

static struct message_inbound take_extra(struct world *world, const char *name, const char *value)
{
    static const char start[] = MESSAGE(
        HEADER(EVENT("notify-add-service-record"),
               "") "," PATIENT "," DOCTOR
                   ",{'resource':{'resourceType':'Composition','id':'c1','status':'final','type':"
                   "{'text':'Note'},'subject':{'reference':'Patient/p1'},'date':'2026-09-02',"
                   "'author':[{'reference':'Practitioner/d1'}],'title':'N','extension':[{'url':"
                   "'https://refgate.invalid/fhir/StructureDefinition/record-field','extension':["
                   "{'url':'name','valueString':'@'},{'url':'value',%}]}]}}");
    const char *at = strchr(start, '@');
    const char *end = strchr(at, '%');
    return take(world, arena_print(&world->arena, "%.*s%s%.*s%s%s", (int)(at - start), start, name,
                                   (int)(end - at - 1), at + 1, value, end + 1));
}

/* A record-field may not set what a record is, nor anything private, nor a field to what it cannot
 * hold. */
static void extensions_set_no_more_than_they_may(void **state)
{
    static const char evil[] = "'valueString':'evil'";
    static const struct {
        const char *name, *value;
    } cases[] = {{"private_note", evil},
                 {"record", evil},
                 {"client_id", evil},
                 {"written_by", evil},
                 {"client_family_name", evil},
                 {"client_given_names", evil},
                 {"client_birth_date", evil},
                 {"nonsense", evil},
                 {"measurements", evil},
                 {"measurements[1].value", evil},
                 {"goals[99999999999].text", evil},
                 {"visit_number", evil},
                 {"visit_number", "'valueDecimal':1e999999"},
                 {"visit_number", "'valueInteger':-7"},
                 {"visit_at", evil},
                 {"next_visit_on", evil},
                 {"sensitivity", evil},
                 {"visit_kind", evil},
                 {"replaces_record_id", "'valueReference':{'reference':'evil'}"},
                 {"subjective", "'valueBoolean':true"},
                 {"client_phone", "'valueString':'\\nevil'"}};
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message_inbound in = take_extra(world, cases[i].name, cases[i].value);
        const struct json *set = json_get(in.record, cases[i].name);
        assert_true(set == NULL || strstr(json_print(&world->arena, set), "evil") == NULL);
        assert_true(json_number(set) == NULL && json_kind(set) != JSON_BOOLEAN);
        assert_non_null(
            strstr(json_print(&world->arena, json_get(in.record, "received")), "record-field"));
    }
    close_world(world);
}

static void extensions_set_what_they_may(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take_extra(world, "visit_number", "'valueInteger':7");
    assert_string_equal(json_number(json_get(in.record, "visit_number")), "7");
    in = take_extra(world, "sensitivity", "'valueString':'genetic'");
    assert_string_equal(json_text(json_first(json_get(in.record, "sensitivity"))), "genetic");
    in = take_extra(world, "replaces_record_id", "'valueString':'\u00c4 1'");
    assert_non_null(json_get_text(in.record, "replaces_record_id"));
    close_world(world);
}

/* ---- whom a record is about, and which referral it belongs to ---- */

#define JOE                                                                                        \
    "{'resourceType':'Patient','id':'p2','name':[{'family':'Smith'}],'birthDate':'1999-01-01'}"
#define NOTE_OF(subject, more, rest)                                                               \
    MESSAGE(HEADER(                                                                                \
        EVENT("notify-add-service-record"),                                                        \
        "") "," PATIENT "," DOCTOR ",{'resource':" JOE                                             \
            "},{'resource':{'resourceType':'Composition',"                                         \
            "'id':'c1','status':'final','type':{'text':'Note'},'subject':" subject                 \
            ",'date':'2026-09-02','author':[{'reference':'Practitioner/d1'}],'title':'N'" more     \
            "}}" rest)

static const char *told(const struct message_inbound *in, const char *field)
{
    return json_get_text(in->record, field);
}

static void the_client_is_whom_the_record_names(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(world, NOTE_OF("{'reference':'Patient/p2'}", "", ""));
    assert_string_equal(told(&in, "client_family_name"), "Smith");
    in = take(world, NOTE_OF("{'reference':'#p2'}", ",'contained':[" JOE "]", ""));
    assert_string_equal(told(&in, "client_family_name"), "Smith");
    assert_string_equal(told(&in, "client_birth_date"), "1999-01-01");
    in = take(world, NOTE_OF("{'identifier':{'system':'https://refgate.invalid/fhir/sid/9900000016/"
                             "client','value':'C-9'}}",
                             "", ""));
    const struct json *other = json_first(json_get(in.record, "client_other_ids"));
    assert_null(told(&in, "client_id")); /* whoever else stands in the message */
    assert_null(told(&in, "client_family_name"));
    assert_string_equal(json_get_text(other, "id"), "C-9");
    assert_string_equal(json_get_text(other, "issued_by"), "willow");
    close_world(world);
}

static void a_name_in_one_piece_is_a_name(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world, NOTE_OF("{'reference':'#p3'}",
                       ",'contained':[{'resourceType':'Patient','id':'p3','name':[{'text':'Joe "
                       "Smith'}]}]",
                       ""));
    assert_string_equal(told(&in, "client_family_name"), "Joe Smith");
    assert_null(told(&in, "client_given_names"));
    close_world(world);
}

static void what_is_about_another_client_is_told_and_not_read(void **state)
{
    struct world *world = open_world();
    (void)state;
    struct message_inbound in = take(
        world,
        NOTE_OF("{'reference':'Patient/p1'}", "",
                ",{'resource':{'resourceType':'Observation','id':'o1','status':'final','code':{"
                "'coding':[{'system':'http://loinc.org','code':'72514-3'}]},'subject':{'reference':"
                "'Patient/p2'},'valueQuantity':{'value':7,'unit':'/10'}}}"));
    assert_string_equal(told(&in, "client_family_name"), "Roe");
    assert_null(json_get(in.record, "measurements"));
    assert_string_equal(json_get_text(received(&in, "Observation"), "text"),
                        "not filed: it is about somebody else (Patient/p2)");
    close_world(world);
}

#define REFERRAL_FIELD(number)                                                                     \
    ",'extension':[{'url':'https://refgate.invalid/fhir/StructureDefinition/record-field',"        \
    "'extension':[{'url':'name','valueString':'referral_id'},{'url':'value','valueString':"        \
    "'" number "'}]}]"
#define DETAIL(number)                                                                             \
    ",'event':[{'detail':[{'type':'ServiceRequest','identifier':{'value':'" number "'}}]}]"
#define TASK_OF(number)                                                                            \
    ",{'resource':{'resourceType':'Task','id':'t1','status':'in-progress','intent':'order',"       \
    "'identifier':[{'type':{'coding':[{'code':'PLAC'}]},'value':'" number "'}]}}"

/* The referral that is looked up, whose client is compared, is the one that the record shows. */
static void a_record_belongs_to_one_referral(void **state)
{
    static const struct {
        const char *message, *shown, *placer, *number;
    } cases[] = {
        {NOTE_OF("{'reference':'Patient/p1'}", DETAIL("R-2"), TASK_OF("R-1")), "R-1", NULL, "R-1"},
        {NOTE_OF("{'reference':'Patient/p1'}", DETAIL("R-1") REFERRAL_FIELD("R-2"), ""), "R-1",
         NULL, "R-1"},
        {NOTE_OF("{'reference':'Patient/p1'}", DETAIL("R-1") REFERRAL_FIELD("willow:R-1"), ""),
         "willow:R-1", NULL, "R-1"},
        {NOTE_OF("{'reference':'Patient/p1'}", REFERRAL_FIELD("willow:R-3"), ""), "willow:R-3",
         "willow", "R-3"},
        {NOTE_OF("{'reference':'Patient/p1'}", REFERRAL_FIELD("urn:R-3"), ""), "urn:R-3", NULL,
         "urn:R-3"},
    };
    struct world *world = open_world();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message_inbound in = take(world, cases[i].message);
        assert_string_equal(told(&in, "referral_id"), cases[i].shown);
        assert_string_equal(in.referral.number, cases[i].number);
        assert_true(text_equal(in.referral.placer, cases[i].placer));
    }
    close_world(world);
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const odd[] = {
        "R\\u001b[2J", "R\\n1",     "R\\u009b",  "R\\u202e",        " ",       "R\\u200f1",
        "R\\u200b1",   "R\\u200d1", "R\\u00ad1", "R\\udb40\\udc41", "\\u3164", "R\\u26051\\ufe0f"};
    struct world *world = open_world();
    (void)state;
    char *longest = arena_alloc(&world->arena, 202);
    memset(longest, 'R', 200);
    for (size_t i = 0; i <= sizeof odd / sizeof *odd; i++) {
        const char *number = i == sizeof odd / sizeof *odd ? longest : odd[i];
        longest[200] = 'R';
        refuse(world,
               arena_print(
                   &world->arena, "%s%s%s",
                   "{'resourceType':'Bundle','id':'b-1','type':'message','entry':[" HEADER(
                       EVENT("notify-update-process-request"),
                       "") ",{'resource':{'resourceType':'Task','id':'t1','status':'accepted',"
                           "'intent':'order','identifier':[{'type':{'coding':[{'code':'FILL'}]},"
                           "'value':'",
                   number, "'}]}}]}"),
               "Task.identifier.value");
        refuse(
            world,
            arena_print(&world->arena, "%s%s%s",
                        "{'resourceType':'Bundle','id':'b-1','type':'message','entry':[" HEADER(
                            EVENT("add-service-request"),
                            "") ",{'resource':{'resourceType':'Patient','id':'p1','identifier':[{"
                                "'value':'",
                        number, "'}]}}," DOCTOR "," ORDER "]}"),
            "Patient.identifier.value");
    }
    close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_order_is_understood),
        cmocka_unit_test(a_bundle_is_read_again),
        cmocka_unit_test(events_of_other_dialects),
        cmocka_unit_test(a_withdrawn_order),
        cmocka_unit_test(contained_and_logical_references),
        cmocka_unit_test(a_mapped_stranger_keeps_the_npi),
        cmocka_unit_test(strangers_are_claims),
        cmocka_unit_test(nobody_writes_in_the_name_of_others),
        cmocka_unit_test(strangers_do_not_become_one),
        cmocka_unit_test(odd_names_are_made_readable),
        cmocka_unit_test(a_crowd_is_shown_and_not_kept),
        cmocka_unit_test(narratives_are_shown_not_read),
        cmocka_unit_test(unknown_codes_are_kept),
        cmocka_unit_test(labels_arrive),
        cmocka_unit_test(a_document_as_result),
        cmocka_unit_test(cancelling_depends_on_the_side),
        cmocka_unit_test(what_must_not_be_processed),
        cmocka_unit_test(the_client_is_whom_the_record_names),
        cmocka_unit_test(a_name_in_one_piece_is_a_name),
        cmocka_unit_test(what_is_about_another_client_is_told_and_not_read),
        cmocka_unit_test(a_record_belongs_to_one_referral),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(extensions_set_no_more_than_they_may),
        cmocka_unit_test(extensions_set_what_they_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
