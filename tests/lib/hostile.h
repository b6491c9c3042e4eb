/* hostile: messages of an admitted partner that are meant to cost much, and what each stage of one
 * costs in CPU time. For tests/unit/gateway/inbound/hostile_test.c and tests/bench/hostile_bench.c.
 *
 * A shape is a valid referral with one thing in it again and again: it grows by pieces up to the
 * size asked for. Stages are those of the service, called in its order, without sockets. Header
 * only. */
#ifndef TESTS_LIB_HOSTILE_H
#define TESTS_LIB_HOSTILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fhir/validate/validate.h"
#include "gateway/exchange/check_message.h"
#include "gateway/inbound/acknowledge.h"
#include "lib/clinic.h"

/* ---- shapes ---- */

enum hostile_place { HOSTILE_ENTRY, HOSTILE_HEADER, HOSTILE_BUNDLE, HOSTILE_TASK, HOSTILE_ORDER };

struct hostile_shape {
    const char *name;
    enum hostile_place place;
    const char *before, *piece, *after; /* {n} in a piece is its number, {key} hostile_key() */
    size_t pieces_max;                  /* 0: as many as the size holds */
    const char *between, *other;        /* then, up to the same size again, other pieces; or NULL */
};

#define HOSTILE_RESOURCE(type, number)                                                             \
    "{\"fullUrl\":\"urn:uuid:00000000-0000-4000-8000-" number                                      \
    "\",\"resource\":{\"resourceType\":\"" type "\","
#define HOSTILE_FIRST "aaaaaaaaaaaa"
#define HOSTILE_BASIC HOSTILE_RESOURCE("Basic", HOSTILE_FIRST) "\"code\":{\"text\":\"x\"},"
#define HOSTILE_OBSERVED "\"status\":\"final\",\"code\":{\"text\":\"x\"}"

static const struct hostile_shape hostile_shapes[] = {
    {"members", HOSTILE_HEADER, "\"x\":{\"z\":1", ",\"k{n}\":1", "},", 0, NULL, NULL},
    {"members of equal hash", HOSTILE_HEADER, "\"x\":{\"z\":1", ",\"{key}\":1", "},", 0, NULL,
     NULL},
    {"members of equal ends", HOSTILE_HEADER, "\"x\":{\"z\":1", ",\"abcdefgh{12}abcdefgh\":1", "},",
     0, NULL, NULL},
    {"companions", HOSTILE_HEADER, "\"x\":{\"z\":1", ",\"_k{n}\":1,\"k{n}\":1", "},", 0, NULL,
     NULL},
    {"objects of 30 members", HOSTILE_HEADER, "\"x\":[1",
     ",{\"abcdefgh00abcdefgh\":1,\"abcdefgh01abcdefgh\":1,\"abcdefgh02abcdefgh\":1,"
     "\"abcdefgh03abcdefgh\":1,"
     "\"abcdefgh04abcdefgh\":1,\"abcdefgh05abcdefgh\":1,\"abcdefgh06abcdefgh\":1,"
     "\"abcdefgh07abcdefgh\":1,"
     "\"abcdefgh08abcdefgh\":1,\"abcdefgh09abcdefgh\":1,\"abcdefgh10abcdefgh\":1,"
     "\"abcdefgh11abcdefgh\":1,"
     "\"abcdefgh12abcdefgh\":1,\"abcdefgh13abcdefgh\":1,\"abcdefgh14abcdefgh\":1,"
     "\"abcdefgh15abcdefgh\":1,"
     "\"abcdefgh16abcdefgh\":1,\"abcdefgh17abcdefgh\":1,\"abcdefgh18abcdefgh\":1,"
     "\"abcdefgh19abcdefgh\":1,"
     "\"abcdefgh20abcdefgh\":1,\"abcdefgh21abcdefgh\":1,\"abcdefgh22abcdefgh\":1,"
     "\"abcdefgh23abcdefgh\":1,"
     "\"abcdefgh24abcdefgh\":1,\"abcdefgh25abcdefgh\":1,\"abcdefgh26abcdefgh\":1,"
     "\"abcdefgh27abcdefgh\":1,"
     "\"abcdefgh28abcdefgh\":1,\"abcdefgh29abcdefgh\":1}",
     "],", 0, NULL, NULL},
    {"small values", HOSTILE_HEADER, "\"x\":[1", ",1", "],", 0, NULL, NULL},
    {"deep", HOSTILE_HEADER, "\"x\":[1",
     ",[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
     "]]]]]]]]]",
     "],", 0, NULL, NULL},
    {"deep paths", HOSTILE_ENTRY,
     HOSTILE_RESOURCE(
         "Questionnaire",
         HOSTILE_FIRST) "\"status\":\"draft\",\"item\":[{\"linkId\":\"a\",\"type\":\"group\"}",
     ",{\"linkId\":\"l{n}\",\"type\":\"group\",\"item\":[{\"linkId\":\"m{n}\",\"type\":\"group\","
     "\"item\":["
     "{\"linkId\":\"n{n}\",\"type\":\"group\",\"item\":[{\"linkId\":\"o{n}\",\"type\":\"group\","
     "\"item\":["
     "{\"linkId\":\"p{n}\",\"type\":\"string\",\"bad\":1}]}]}]}]}",
     "]}}", 0, NULL, NULL},
    {"entries", HOSTILE_ENTRY, "", HOSTILE_RESOURCE("Basic", "{12}") "\"code\":{\"text\":\"x\"}}}",
     "", 0, NULL, NULL},
    {"entries up to the most", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Observation", "{12}") HOSTILE_OBSERVED ",\"note\":[{\"text\":\"x\"}]}}", "",
     450, NULL, NULL},
    {"entries with references", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Observation", "{12}") HOSTILE_OBSERVED
     ",\"subject\":{\"reference\":\"urn:uuid:00000000-0000-4000-8000-{12}\"}}}",
     "", 0, NULL, NULL},
    {"entries with versions", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Basic", "{12}") "\"meta\":{\"versionId\":\"1\"},\"code\":{\"text\":\"x\"}}}",
     "", 0, NULL, NULL},
    {"entries of one url", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Basic", HOSTILE_FIRST) "\"code\":{\"text\":\"x\"}}}", "", 0, NULL, NULL},
    {"people", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Practitioner", "{12}") "\"name\":[{\"family\":\"Name{n}\"}]}}", "", 0, NULL,
     NULL},
    {"people referred to", HOSTILE_HEADER,
     "\"destination\":[{\"endpoint\":\"https://a.example/x\"}",
     ",{\"endpoint\":\"https://a.example/{n}\",\"receiver\":{\"reference\":\"Organization/{n}\"}}",
     "],", 0, NULL, NULL},
    {"destinations", HOSTILE_HEADER, "\"destination\":[{\"endpoint\":\"https://a.example/x\"}",
     ",{\"endpoint\":\"https://a.example/{n}\",\"receiver\":{\"display\":\"Clinic {n}\"}}", "],", 0,
     NULL, NULL},
    {"destinations by number", HOSTILE_HEADER,
     "\"destination\":[{\"endpoint\":\"https://a.example/x\"}",
     ",{\"endpoint\":\"https://a.example/"
     "{n}\",\"receiver\":{\"identifier\":{\"system\":\"urn:x\",\"value\":\"{n}\"}}}",
     "],", 0, NULL, NULL},
    {"team of a practitioner", HOSTILE_ENTRY,
     HOSTILE_RESOURCE("CareTeam",
                      HOSTILE_FIRST) "\"participant\":[{\"member\":{\"display\":\"a\"}}",
     ",{\"member\":{\"display\":\"Person {n}\"}}", "]}}", 0, NULL, NULL},
    {"identifiers", HOSTILE_ENTRY, HOSTILE_BASIC "\"identifier\":[{\"value\":\"a\"}",
     ",{\"system\":\"urn:x\",\"value\":\"{n}\"}", "]}}", 0, NULL, NULL},
    {"identifiers of the order", HOSTILE_ORDER, "\"identifier\":[{\"value\":\"a\"}",
     ",{\"type\":{\"coding\":[{\"code\":\"FILL\"}]},\"system\":\"urn:x\"}", "],", 0, NULL, NULL},
    {"extensions", HOSTILE_ENTRY,
     HOSTILE_BASIC "\"extension\":[{\"url\":\"urn:x\",\"valueBoolean\":true}",
     ",{\"url\":\"urn:x:{n}\",\"valueString\":\"x\"}", "]}}", 0, NULL, NULL},
    {"fields of the record", HOSTILE_ORDER,
     "\"extension\":[{\"url\":\"urn:x\",\"valueBoolean\":true}",
     ",{\"url\":\"https://refgate.invalid/fhir/StructureDefinition/"
     "record-field\",\"extension\":[{\"url\":\"name\","
     "\"valueString\":\"diagnoses[9999].text\"},{\"url\":\"value\",\"valueString\":\"x\"}]}",
     "],", 0, NULL, NULL},
    {"notes", HOSTILE_ORDER, "\"note\":[{\"text\":\"a\"}", ",{\"text\":\"note {n}\"}", "],", 0,
     NULL, NULL},
    {"words", HOSTILE_ORDER, "\"orderDetail\":[{\"text\":\"a\"}", ",{\"text\":\"technique {n}\"}",
     "],", 0, NULL, NULL},
    {"codes", HOSTILE_ORDER, "\"orderDetail\":[{\"text\":\"a\"}",
     ",{\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"{n}\"}]}", "],", 0, NULL,
     NULL},
    {"reasons", HOSTILE_ORDER, "\"reasonCode\":[{\"text\":\"a\"}",
     ",{\"coding\":[{\"system\":\"http://hl7.org/fhir/sid/icd-10-cm\",\"code\":\"M{n}\"}]}", "],",
     0, NULL, NULL},
    {"contained", HOSTILE_ENTRY,
     HOSTILE_BASIC "\"subject\":{\"reference\":\"#c0\"},\"contained\":[{\"resourceType\":\"Basic\","
                   "\"id\":\"c0\",\"code\":{\"text\":\"x\"}}",
     ",{\"resourceType\":\"Basic\",\"id\":\"c{n}\",\"code\":{\"text\":\"x\"},\"subject\":{"
     "\"reference\":\"#\"}}",
     "]}}", 0, NULL, NULL},
    {"one contained, referred to", HOSTILE_ORDER,
     "\"contained\":[{\"resourceType\":\"Practitioner\",\"id\":\"c0\",\"name\":[{\"text\":\"a\"}]}",
     "", "],", 1, "],\"supportingInfo\":[{\"reference\":\"#c0\"}", ",{\"reference\":\"#c0\"}"},
    {"people contained in a team", HOSTILE_ENTRY,
     HOSTILE_RESOURCE(
         "CareTeam",
         HOSTILE_FIRST) "\"contained\":[{\"resourceType\":\"Practitioner\",\"id\":\"c0\"}],"
                        "\"participant\":[{\"member\":{\"reference\":\"#c0\"}}",
     ",{\"member\":{\"reference\":\"#c0\"},\"onBehalfOf\":{\"display\":\"x{n}\"}}", "]}}", 0, NULL,
     NULL},
    {"references to many entries", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Observation", "{12}") HOSTILE_OBSERVED "}}", "]}}", 900,
     "," HOSTILE_RESOURCE("Basic", HOSTILE_FIRST) "\"code\":{\"text\":\"x\"},\"extension\":[{"
                                                  "\"url\":\"urn:x\",\"valueBoolean\":true}",
     ",{\"url\":\"urn:x\",\"valueReference\":{\"reference\":\"Observation/{n}\"}}"},
    {"references to identifiers", HOSTILE_ENTRY, HOSTILE_BASIC "\"identifier\":[{\"value\":\"a\"}",
     ",{\"system\":\"urn:x\",\"value\":\"{n}\"}", "]}}", 0,
     "],\"extension\":[{\"url\":\"urn:x\",\"valueBoolean\":true}",
     ",{\"url\":\"urn:x\",\"valueReference\":{\"type\":\"Basic\",\"identifier\":{\"system\":\"urn:"
     "x\",\"value\":\"z{n}\"}}}"},
    {"references to contained", HOSTILE_ENTRY,
     HOSTILE_RESOURCE("CareTeam",
                      HOSTILE_FIRST) "\"contained\":[{\"resourceType\":\"Practitioner\",\"id\":"
                                     "\"c0\",\"name\":[{\"text\":\"x\"}]}",
     ",{\"resourceType\":\"Practitioner\",\"id\":\"c{n}\",\"name\":[{\"text\":\"x{n}\"}]}", "]}}",
     0, "],\"participant\":[{\"member\":{\"reference\":\"#c0\"}}",
     ",{\"member\":{\"reference\":\"#c{n}\"}}"},
    {"destinations contained", HOSTILE_HEADER,
     "\"contained\":[{\"resourceType\":\"Organization\",\"id\":\"c0\",\"name\":\"x\"}",
     ",{\"resourceType\":\"Organization\",\"id\":\"c{n}\",\"name\":\"x{n}\"}", "],", 0,
     "],\"destination\":[{\"endpoint\":\"https://a.example/x\"}",
     ",{\"endpoint\":\"https://a.example/x\",\"receiver\":{\"reference\":\"#c{n}\"}}"},
    {"numbers asked for again", HOSTILE_ORDER, "\"identifier\":[{\"value\":\"a\"}",
     ",{\"type\":{\"coding\":[{\"code\":\"FILL\"}]},\"system\":\"urn:x\"}", "],", 0,
     "],\"basedOn\":[{\"display\":\"x\"}", ",{\"reference\":\"ServiceRequest/{n}\"}"},
    {"fields of many items", HOSTILE_ORDER, "\"reasonCode\":[{\"text\":\"a\"}",
     ",{\"text\":\"reason {n}\"}", "],", 0,
     "],\"extension\":[{\"url\":\"urn:x\",\"valueBoolean\":true}",
     ",{\"url\":\"https://refgate.invalid/fhir/StructureDefinition/"
     "record-field\",\"extension\":[{\"url\":\"name\","
     "\"valueString\":\"diagnoses[9999].text\"},{\"url\":\"value\",\"valueString\":\"x\"}]}"},
    {"references", HOSTILE_ORDER, "\"supportingInfo\":[{\"display\":\"a\"}",
     ",{\"reference\":\"Observation/{n}\"}", "],", 0, NULL, NULL},
    {"references by number", HOSTILE_ORDER, "\"supportingInfo\":[{\"display\":\"a\"}",
     ",{\"type\":\"Observation\",\"identifier\":{\"system\":\"urn:x\",\"value\":\"{n}\"}}", "],", 0,
     NULL, NULL},
    {"narratives", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Basic",
                      "{12}") "\"text\":{\"status\":\"additional\",\"div\":\"<div "
                              "xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><p id=\\\"a{n}\\\">x<a "
                              "href=\\\"#a{n}\\\">y</a></p></div>\"},\"code\":{\"text\":\"x\"}}}",
     "", 0, NULL, NULL},
    {"one narrative", HOSTILE_ENTRY,
     HOSTILE_BASIC "\"text\":{\"status\":\"additional\",\"div\":\"<div "
                   "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">",
     "<p id=\\\"a{n}\\\">x<a href=\\\"#a{n}\\\">y</a></p>", "</div>\"}}}", 0, NULL, NULL},
    {"deep narrative", HOSTILE_ENTRY,
     HOSTILE_BASIC "\"text\":{\"status\":\"additional\",\"div\":\"<div "
                   "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">",
     "<ul><li>x", "</div>\"}}}", 0, NULL, NULL},
    {"codings", HOSTILE_ENTRY,
     HOSTILE_RESOURCE("Basic", HOSTILE_FIRST) "\"code\":{\"coding\":[{\"code\":\"a\"}",
     ",{\"system\":\"urn:x\",\"code\":\"c{n}\"}", "]}}}", 0, NULL, NULL},
    {"element ids", HOSTILE_ENTRY, HOSTILE_BASIC "\"identifier\":[{\"value\":\"a\"}",
     ",{\"id\":\"i{n}\",\"value\":\"1\"}", "]}}", 0, NULL, NULL},
    {"labels", HOSTILE_ORDER, "\"meta\":{\"security\":[{\"code\":\"R\"}",
     ",{\"system\":\"urn:x\",\"code\":\"c{n}\"}", "]},", 0, NULL, NULL},
    {"consents", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE(
         "Consent",
         "{12}") "\"status\":\"active\",\"scope\":{\"text\":\"x\"},\"category\":[{\"text\":\"x\"}],"
                 "\"patient\":{\"display\":\"x\"},\"policyRule\":{\"text\":\"x\"}}}"
                 "," HOSTILE_RESOURCE("Provenance",
                                      "{11}a") "\"target\":[{\"reference\":\"urn:uuid:00000000-"
                                               "0000-4000-8000-{12}\"}],\"recorded\":\"2026-01-"
                                               "01T00:00:00Z\",\"agent\":[{\"who\":{\"display\":"
                                               "\"x\"}}]}}",
     "", 0, NULL, NULL},
    {"questionnaire", HOSTILE_ENTRY,
     HOSTILE_RESOURCE(
         "Questionnaire",
         HOSTILE_FIRST) "\"status\":\"draft\",\"item\":[{\"linkId\":\"a\",\"type\":\"string\"}",
     ",{\"linkId\":\"l{n}\",\"type\":\"string\"}", "]}}", 0, NULL, NULL},
    {"definition", HOSTILE_ENTRY,
     HOSTILE_RESOURCE(
         "StructureDefinition",
         HOSTILE_FIRST) "\"url\":\"urn:x\",\"name\":\"X\",\"status\":\"draft\",\"kind\":"
                        "\"resource\",\"abstract\":false,\"type\":\"Basic\",\"snapshot\":{"
                        "\"element\":[{\"path\":\"Basic\",\"id\":\"Basic\",\"min\":0,\"max\":\"*\","
                        "\"definition\":\"x\",\"base\":{\"path\":\"x\",\"min\":0,\"max\":\"*\"}}",
     ",{\"id\":\"Basic.x{n}\",\"path\":\"Basic.x{n}\",\"min\":0,\"max\":\"*\",\"definition\":\"x\","
     "\"base\":{\"path\":\"x\",\"min\":0,\"max\":\"*\"}}",
     "]}}}", 0, NULL, NULL},
    {"code system", HOSTILE_ENTRY,
     HOSTILE_RESOURCE("CodeSystem", HOSTILE_FIRST) "\"status\":\"draft\",\"content\":\"complete\","
                                                   "\"concept\":[{\"code\":\"a\"}",
     ",{\"code\":\"c{n}\",\"display\":\"x\"}", "]}}", 0, NULL, NULL},
    {"wrong values", HOSTILE_ENTRY, HOSTILE_BASIC "\"identifier\":[{\"value\":\"a\"}",
     ",{\"use\":\"x{n}\"}", "]}}", 0, NULL, NULL},
    {"links", HOSTILE_BUNDLE, "\"link\":[{\"relation\":\"self\",\"url\":\"urn:x\"}",
     ",{\"relation\":\"r{n}\",\"url\":\"urn:x\"}", "],", 0, NULL, NULL},
    {"labels we know", HOSTILE_ORDER, "\"meta\":{\"security\":[{\"code\":\"R\"}",
     ",{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActCode\",\"code\":\"PSY\"}", "]},",
     0, NULL, NULL},
    {"techniques we know", HOSTILE_ORDER, "\"orderDetail\":[{\"text\":\"a\"}",
     ",{\"coding\":[{\"system\":\"https://refgate.invalid/fhir/CodeSystem/"
     "technique\",\"code\":\"trigger-point\"}]}",
     "],", 0, NULL, NULL},
    {"goals", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Goal", "{12}") "\"lifecycleStatus\":\"active\",\"description\":{\"text\":"
                                      "\"x{n}\"},\"subject\":{\"display\":\"x\"}}}",
     "", 950, NULL, NULL},
    {"conditions", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Condition",
                      "{12}") "\"code\":{\"text\":\"x{n}\"},\"subject\":{\"display\":\"x\"}}}",
     "", 950, NULL, NULL},
    {"flags", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Flag", "{12}") "\"status\":\"active\",\"code\":{\"text\":\"x{n}\"},"
                                      "\"subject\":{\"display\":\"x\"}}}",
     "", 950, NULL, NULL},
    {"coverages", HOSTILE_ENTRY, "",
     HOSTILE_RESOURCE("Coverage", "{12}") "\"status\":\"active\",\"beneficiary\":{\"display\":"
                                          "\"x\"},\"payor\":[{\"display\":\"p{n}\"}]}}",
     "", 950, NULL, NULL},
    {"body sites", HOSTILE_ORDER, "\"bodySite\":[{\"text\":\"a\"}",
     ",{\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"45048000\"}]}", "],", 0, NULL,
     NULL},
    {"body sites in words", HOSTILE_ORDER, "\"bodySite\":[{\"text\":\"a\"}",
     ",{\"text\":\"neck {n}\"}", "],", 0, NULL, NULL},
    {"telecoms", HOSTILE_ENTRY,
     HOSTILE_RESOURCE(
         "Organization",
         HOSTILE_FIRST) "\"name\":\"x\",\"telecom\":[{\"value\":\"1\",\"system\":\"phone\"}",
     ",{\"value\":\"{n}\",\"system\":\"phone\"}", "]}}", 0, NULL, NULL},
    {"inputs", HOSTILE_TASK, "\"input\":[{\"type\":{\"text\":\"a\"},\"valueString\":\"x\"}",
     ",{\"type\":{\"text\":\"a{n}\"},\"valueString\":\"x\"}", "],", 0, NULL, NULL},
    {"outputs", HOSTILE_TASK, "\"output\":[{\"type\":{\"text\":\"a\"},\"valueString\":\"x\"}",
     ",{\"type\":{\"coding\":[{\"system\":\"https://refgate.invalid/fhir/CodeSystem/"
     "task-output\",\"code\":\"visits-done\"}]},\"valueInteger\":{n}}",
     "],", 0, NULL, NULL},
    {"one attachment", HOSTILE_ENTRY,
     HOSTILE_RESOURCE("DocumentReference",
                      HOSTILE_FIRST) "\"status\":\"current\",\"content\":[{"
                                     "\"attachment\":{\"contentType\":\"application/"
                                     "pdf\",\"title\":\"a.pdf\",\"data\":\"",
     "SGVsbG8gd29ybGQh", "\"}}]}}", 0, NULL, NULL},
    {"one long text", HOSTILE_ORDER, "\"patientInstruction\":\"a", "abcdefghijklmnopqrstuvwxyz ",
     "\",", 0, NULL, NULL},
};
enum { HOSTILE_SHAPES = sizeof hostile_shapes / sizeof *hostile_shapes };

/* Names that all have one 32-bit FNV-1a hash: at each of 16 places either of two blocks that the
 * hash does not tell apart. */
static inline const char *hostile_key(size_t number)
{
    static char blocks[17][2][8];
    static char key[17 * 6 + 1];
    static bool is_made;
    uint32_t hash = 2166136261u;
    for (size_t place = 0; place < 17 && !is_made; place++) {
        enum { SLOTS = 1 << 20 };
        uint32_t *seen = calloc(SLOTS, sizeof *seen);
        for (uint32_t i = 1; blocks[place][1][0] == '\0'; i++) {
            char block[8];
            uint32_t state = hash;
            snprintf(block, sizeof block, "%06x", i);
            for (const char *at = block; *at != '\0'; at++)
                state = (state ^ (unsigned char)*at) * 16777619u;
            uint32_t other = seen[state % SLOTS];
            uint32_t again = hash;
            snprintf(blocks[place][0], 8, "%06x", other);
            for (const char *at = blocks[place][0]; *at != '\0'; at++)
                again = (again ^ (unsigned char)*at) * 16777619u;
            if (other != 0 && again == state) {
                memcpy(blocks[place][1], block, sizeof block);
                hash = state;
            }
            seen[state % SLOTS] = i;
        }
        free(seen);
    }
    is_made = true;
    for (size_t place = 0; place < 17; place++)
        memcpy(key + place * 6, blocks[place][number >> place & 1], 6);
    return key;
}

static inline void hostile_add_piece(struct text *text, const char *piece, size_t number)
{
    static const char *const marks[] = {"{n}", "{11}", "{12}", "{key}"};
    for (const char *at = piece; *at != '\0';) {
        size_t mark = 0;
        size_t plain = strcspn(at, "{");
        if (plain > 0) {
            text_add_n(text, at, plain);
            at += plain;
            continue;
        }
        while (mark < 4 && strncmp(at, marks[mark], strlen(marks[mark])) != 0)
            mark++;
        if (mark == 3)
            text_add(text, hostile_key(number));
        else if (mark < 3)
            text_print(text, "%0*zu", mark == 0 ? 1 : (int)mark + 10, number);
        else
            text_add_char(text, *at);
        at += mark < 4 ? strlen(marks[mark]) : 1;
    }
}

static inline void hostile_add_many(struct text *text, const char *piece, bool is_list, size_t most,
                                    size_t bytes)
{
    for (size_t i = 1; (most == 0 || i <= most) && text->length < bytes; i++) {
        if (is_list && i > 1)
            text_add(text, ",");
        hostile_add_piece(text, piece, i);
    }
}

static inline void hostile_add_pieces(struct text *text, const struct hostile_shape *shape,
                                      size_t bytes)
{
    bool is_list = shape->before[0] == '\0'; /* of entries: commas between them */
    bool has_other = shape->other != NULL;
    text_add(text, shape->before);
    hostile_add_many(text, shape->piece, is_list, shape->pieces_max, has_other ? bytes / 2 : bytes);
    if (has_other) {
        text_add(text, shape->between);
        hostile_add_many(text, shape->other, false, 0, bytes);
    }
    text_add(text, shape->after);
}

/* TEXT from AT on without its member NAME, `"name":`, if that stands before the next resource. */
static inline const char *hostile_without(struct arena *arena, const char *at, const char *name)
{
    const char *same = strstr(at, name);
    const char *end = strstr(at, "\"resource\":");
    if (same == NULL || (end != NULL && end < same))
        return at;
    const char *rest = same + strlen(name);
    int depth = 0;
    do {
        depth += *rest == '[' || *rest == '{';
        depth -= *rest == ']' || *rest == '}';
        rest++;
    } while (depth > 0 || (*rest != ',' && *rest != '}'));
    bool is_last = *rest == '}';
    return arena_print(arena, "%.*s%s", (int)(same - at - is_last), at, rest + !is_last);
}

/* The name and colon of the first member in TEXT. */
static inline const char *hostile_name(struct arena *arena, const char *text)
{
    const char *mark = strchr(text, '"');
    return arena_copy_n(arena, mark, (size_t)(strchr(mark, ':') - mark) + 1);
}

/* BODY, a referral, with pieces of SHAPE up to about BYTES. In ARENA. */
static inline const char *hostile_body(struct arena *arena, const char *body,
                                       const struct hostile_shape *shape, size_t bytes)
{
    static const char *const marks[] = {[HOSTILE_HEADER] = "\"resourceType\":\"MessageHeader\",",
                                        [HOSTILE_BUNDLE] = "\"resourceType\":\"Bundle\",",
                                        [HOSTILE_TASK] = "\"resourceType\":\"Task\",",
                                        [HOSTILE_ORDER] = "\"resourceType\":\"ServiceRequest\","};
    struct text text = text_new(arena, (size_t)1 << 30);
    bool is_entry = shape->place == HOSTILE_ENTRY;
    const char *rest = body + strlen(body) - 2; /* before the end of the entries */
    if (!is_entry)
        rest = strstr(body, marks[shape->place]) + strlen(marks[shape->place]);
    text_add_n(&text, body, (size_t)(rest - body));
    if (is_entry)
        text_add(&text, ",");
    hostile_add_pieces(&text, shape, bytes);
    if (!is_entry)
        rest = hostile_without(arena, rest, hostile_name(arena, shape->before));
    if (!is_entry && shape->other != NULL)
        rest = hostile_without(arena, rest, hostile_name(arena, shape->between));
    text_add(&text, rest);
    return text.at;
}

/* ---- stages ---- */

enum { HOSTILE_SCAN, HOSTILE_CHECK, HOSTILE_READ, HOSTILE_COMMIT, HOSTILE_COMPARE, HOSTILE_STAGES };
static const char *const hostile_stages[] = {"scan", "check", "read", "commit", "compare"};

struct hostile {
    struct clinic *willow, *lakeside;
    const char *body; /* Lakeside's referral to Willow */
    struct arena keep, scratch;
    struct validator *validator;
    double us[HOSTILE_STAGES]; /* CPU of the last run, by stage */
    const char *ended;         /* why it ended: "taken", "not JSON", "not valid", ... */
    const char *words;
    size_t memory, answer;
};

static inline double hostile_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* SETTINGS of the receiver, as clinic_new() takes them. */
static inline struct hostile *hostile_new(const char *settings)
{
    struct hostile *hostile = calloc(1, sizeof *hostile);
    struct store_message message;
    hostile->willow = clinic_new("willow", settings);
    hostile->lakeside = clinic_new("lakeside", "");
    clinic_send(hostile->lakeside,
                clinic_consent(hostile->lakeside, "K-1", "osei", "lakeside", "\"willow\""));
    clinic_send(hostile->lakeside, clinic_referral(hostile->lakeside, "R-1", "osei", "willow"));
    hostile->body = clinic_outgoing(hostile->lakeside, "willow", &message);
    hostile->validator = conform_validator(&hostile->keep);
    return hostile;
}

static inline void hostile_free(struct hostile *hostile)
{
    clinic_free(hostile->willow);
    clinic_free(hostile->lakeside);
    arena_free(&hostile->scratch);
    arena_free(&hostile->keep);
    free(hostile);
}

static inline const char *hostile_commit(struct hostile *hostile, const char *body, size_t length,
                                         struct message_inbound *message)
{
    struct clinic *willow = hostile->willow;
    struct store_message row;
    struct fault fault = {FAULT_none, NULL};
    const struct admission *admission =
        admit_peer(willow->setup, &hostile->scratch, "lakeside", &fault);
    if (!admit_message(admission, willow->setup, &hostile->scratch, message, &fault)) {
        hostile->words = fault_sentence(&fault);
        return "not admitted";
    }
    struct inbox_item item = {.setup = willow->setup,
                              .admission = admission,
                              .message = message,
                              .body = body,
                              .length = length,
                              .now_ms = clock_wall_ms(&willow->setup->clock),
                              .arena = &hostile->scratch};
    clinic_begin(willow);
    inbox_prepare(&item);
    message_keep(&hostile->scratch, message);
    enum inbox_outcome outcome = inbox_commit(willow->store, &item, &row, &fault);
    if (outcome == INBOX_TAKEN && row.reason != NULL)
        hostile->words = row.reason;
    store_rollback(willow->store);
    return outcome == INBOX_TAKEN ? row.state : "not taken";
}

static inline void hostile_note(struct hostile *hostile, int stage, double *start)
{
    double end = hostile_now_us();
    hostile->us[stage] += end - *start;
    *start = end;
}

/* BODY through all stages; the CPU time of each is added to hostile->us. */
static inline void hostile_run(struct hostile *hostile, const char *body, size_t length)
{
    struct arena *scratch = &hostile->scratch;
    struct json_document document;
    struct json_fault fault;
    struct setup_ids ids = {.space = "inbound"};
    struct message_inbound message;
    arena_reset(scratch);
    double start = hostile_now_us();
    struct json_options options = {.bytes_max = length,
                                   .values_max = hostile->willow->setup->config.json_values_max};
    bool is_json = json_parse(scratch, body, length, &options, &document, &fault);
    hostile->ended = "not JSON";
    hostile->words = is_json ? "" : fault.found;
    hostile_note(hostile, HOSTILE_SCAN, &start);
    if (!is_json)
        return;
    struct issue_list issues = issue_list_new(scratch);
    bool is_valid = conform_bundle(hostile->validator, scratch, hostile->willow->setup, NULL,
                                   &document, document.root, &issues);
    if (!is_valid)
        hostile->answer = strlen(json_print(scratch, issue_outcome(scratch, &issues)));
    hostile_note(hostile, HOSTILE_CHECK, &start);
    hostile->ended = is_valid ? "valid" : "not valid";
    hostile->words = is_valid ? "" : issue_sentence(scratch, &issues.items[0]);
    struct fhir_context context = setup_context(hostile->willow->setup, scratch, &ids);
    struct finding_list findings = finding_list_new(scratch);
    bool is_read = message_read(&context, document.root, &message, &findings);
    hostile_note(hostile, HOSTILE_READ, &start);
    if (!is_read) {
        hostile->ended = is_valid ? "not read" : "not valid, not read";
        hostile->words = findings.items[0].found;
        return;
    }
    const char *ended = hostile_commit(hostile, body, length, &message);
    hostile_note(hostile, HOSTILE_COMMIT, &start);
    if (is_valid)
        hostile->ended = ended;
    json_same(document.root, document.root);
    hostile_note(hostile, HOSTILE_COMPARE, &start);
    hostile->memory = scratch->used;
}

#endif
