/* foreign: messages of other systems, written by hand in a test and read. */
#ifndef TESTS_LIB_FOREIGN_H
#define TESTS_LIB_FOREIGN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/mapping.h"

/* Single quotes stand for double ones, so that the messages below can be read. */
static inline struct json *parse(struct arena *arena, const char *quoted)
{
    struct json_document document;
    struct json_fault fault;
    char *text = arena_copy(arena, quoted);
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\'')
            *at = '"';
    }
    if (!json_parse(arena, text, strlen(text), NULL, &document, &fault))
        fail_msg("%s at %d:%d in %s", fault.found, fault.line, fault.column, text);
    return document.root;
}

struct world {
    struct arena arena;
    struct fhir_context context;
    struct finding_list findings;
};

static inline struct world *open_world(void)
{
    struct world *world = calloc(1, sizeof *world);
    world->context = mapping_context(&world->arena, mapping_directory(&world->arena), "received");
    world->findings = finding_list_new(&world->arena);
    return world;
}

static inline void close_world(struct world *world)
{
    arena_free(&world->arena);
    free(world);
}

#define SENDER                                                                                     \
    "'sender':{'identifier':{'system':'http://hl7.org/fhir/sid/us-npi','value':'9900000024'}}"
#define SOURCE "'source':{'endpoint':'https://lakeside.example/fhir'}"
#define PATIENT                                                                                    \
    "{'resource':{'resourceType':'Patient','id':'p1','identifier':[{'type':{'coding':[{"           \
    "'system':'http://terminology.hl7.org/CodeSystem/v2-0203','code':'MR'}]},"                     \
    "'system':'urn:oid:1.2.3','value':'77'}],'name':[{'family':'Roe','given':['Jane','Q']}],"      \
    "'birthDate':'1980-02-03'}}"
#define ORDER_BODY                                                                                 \
    "'identifier':[{'value':'X-1'}],'status':'active','intent':'plan',"                            \
    "'code':{'text':'Massage please'},'subject':{'reference':'Patient/p1'},"                       \
    "'authoredOn':'2026-08-24T09:12:00-04:00',"                                                    \
    "'requester':{'reference':'Practitioner/d1'},'reasonCode':[{'text':'Neck pain'}]"
#define DOCTOR                                                                                     \
    "{'resource':{'resourceType':'Practitioner','id':'d1','identifier':[{"                         \
    "'system':'http://hl7.org/fhir/sid/us-npi','value':'9900000073'}],"                            \
    "'name':[{'text':'Dr. Ama Osei'}]}}"
#define HEADER(event, more)                                                                        \
    "{'resource':{'resourceType':'MessageHeader'," event "," SENDER "," SOURCE more "}}"
#define EVENT(code)                                                                                \
    "'eventCoding':{'system':'https://refgate.invalid/fhir/CodeSystem/"                            \
    "message-event','code':'" code "'}"
#define MESSAGE(entries)                                                                           \
    "{'resourceType':'Bundle','id':'b-1','type':'message','entry':[" entries "]}"
#define ORDER "{'resource':{'resourceType':'ServiceRequest','id':'s1'," ORDER_BODY "}}"

static inline struct message_inbound take(struct world *world, const char *quoted)
{
    struct message_inbound in;
    if (!message_read(&world->context, parse(&world->arena, quoted), &in, &world->findings))
        fail_msg("%s: %s; expected %s", world->findings.items[0].path,
                 world->findings.items[0].found, world->findings.items[0].expected);
    return in;
}

static inline void refuse(struct world *world, const char *quoted, const char *path)
{
    struct message_inbound in;
    world->findings.count = 0;
    assert_false(
        message_read(&world->context, parse(&world->arena, quoted), &in, &world->findings));
    assert_int_equal(world->findings.count, 1);
    assert_string_equal(world->findings.items[0].path, path);
}

static inline const struct json *received(const struct message_inbound *in, const char *path)
{
    for (struct json *entry = json_first(json_get(in->record, "received")); entry != NULL;
         entry = json_next(entry)) {
        if (text_equal(json_get_text(entry, "path"), path))
            return entry;
    }
    fail_msg("nothing received at %s", path);
    return NULL;
}

#endif
