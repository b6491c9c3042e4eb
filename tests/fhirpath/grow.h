/* grow: random FHIRPath expressions from a seed, for the random test and the fuzz target over
 * trees.
 *
 * grow_expression() makes a text from the grammar, with element names and literals that fit the
 * sample resources; one in four is then broken at a random place. The same seed grows the same
 * texts. */
#ifndef TESTS_FHIRPATH_GROW_H
#define TESTS_FHIRPATH_GROW_H

#include <stdint.h>
#include <string.h>

#include "base/text.h"

struct grower {
    uint64_t random; /* seed and state; 0 becomes 1 */
};

static inline unsigned grow_number(struct grower *grower, unsigned below)
{
    uint64_t x = grower->random == 0 ? 1 : grower->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    grower->random = x;
    return (unsigned)((x * 2685821657736338717u) >> 33) % below;
}

static const char *const grow_members[] = {
    "code",      "coding",    "system",    "text",       "value",        "component",   "status",
    "contained", "name",      "given",     "id",         "birthDate",    "effective",   "issued",
    "subject",   "resolve()", "extension", "url",        "unit",         "Observation", "Patient",
    "nothing",   "`div`",     "reference", "children()", "descendants()"};
static const char *const grow_literals[] = {"1",
                                            "0",
                                            "2147483647",
                                            "1.50",
                                            "0.00000001",
                                            "'a'",
                                            "''",
                                            "'4.5 cm'",
                                            "'\\u00e4 b'",
                                            "true",
                                            "false",
                                            "{}",
                                            "@2026",
                                            "@2026-02",
                                            "@2026-02-28",
                                            "@T10:30",
                                            "@2026-02-28T10:30:00Z",
                                            "4 'cm'",
                                            "2 days",
                                            "1 month",
                                            "3 'mg/dL'",
                                            "$this",
                                            "$index",
                                            "$total",
                                            "%resource",
                                            "%context",
                                            "%ucum",
                                            "%`vs-x`",
                                            "'(a+)+$'",
                                            "'[a-z]*'",
                                            "-1",
                                            "1e",
                                            "99999999999999999999.5"};
static const char *const grow_operators[] = {
    " + ",  " - ",        " * ",   " / ",  " div ", " mod ",    " & ", " | ",
    " = ",  " != ",       " ~ ",   " !~ ", " < ",   " <= ",     " > ", " >= ",
    " in ", " contains ", " and ", " or ", " xor ", " implies "};
static const char *const grow_types[] = {"Quantity",     "string",   "System.String",
                                         "FHIR.Patient", "Resource", "CodeableConcept",
                                         "dateTime",     "Boolean"};

static const struct {
    const char *name;
    int least, most, takes_type;
} grow_functions[] = {
#define TAKES_VALUES 0
#define TAKES_LAMBDA 0
#define TAKES_TYPE 1
#define FUNCTION(name, least, most, takes, needs, gives, run) {name, least, most, takes},
#include "fhir/fhirpath/function.def"
#undef FUNCTION
#undef TAKES_VALUES
#undef TAKES_LAMBDA
#undef TAKES_TYPE
};

#define GROW_PICK(grower, list) ((list)[grow_number(grower, sizeof(list) / sizeof *(list))])

static inline void grow_part(struct grower *grower, struct text *out, int depth);

static inline void grow_call(struct grower *grower, struct text *out, int depth)
{
    unsigned row = grow_number(grower, sizeof grow_functions / sizeof *grow_functions);
    int most = grow_functions[row].most > 3 ? 3 : grow_functions[row].most;
    int least = grow_functions[row].least;
    int count = least + (int)grow_number(grower, (unsigned)(most - least + 1));
    text_print(out, "%s(", grow_functions[row].name);
    for (int i = 0; i < count; i++) {
        text_add(out, i > 0 ? ", " : "");
        if (grow_functions[row].takes_type)
            text_add(out, GROW_PICK(grower, grow_types));
        else
            grow_part(grower, out, depth - 1);
    }
    text_add(out, ")");
}

static inline void grow_path(struct grower *grower, struct text *out, int depth)
{
    unsigned length = grow_number(grower, 4);
    text_add(out, GROW_PICK(grower, grow_members));
    for (unsigned i = 0; i < length; i++) {
        unsigned kind = grow_number(grower, 8);
        if (kind < 3) {
            text_print(out, ".%s", GROW_PICK(grower, grow_members));
        } else if (kind < 7 && depth > 0) {
            text_add(out, ".");
            grow_call(grower, out, depth);
        } else {
            text_print(out, "[%u]", grow_number(grower, 3));
        }
    }
}

static inline void grow_part(struct grower *grower, struct text *out, int depth)
{
    unsigned kind = depth <= 0 ? grow_number(grower, 4) : grow_number(grower, 12);
    if (kind < 2) {
        text_add(out, GROW_PICK(grower, grow_literals));
    } else if (kind < 6) {
        grow_path(grower, out, depth);
    } else if (kind < 8) {
        grow_part(grower, out, depth - 1);
        text_add(out, GROW_PICK(grower, grow_operators));
        grow_part(grower, out, depth - 1);
    } else if (kind == 8) {
        text_add(out, "(");
        grow_part(grower, out, depth - 1);
        text_add(out, ").");
        grow_call(grower, out, depth);
    } else if (kind == 9) {
        text_add(out, grow_number(grower, 2) ? "-" : "+");
        grow_part(grower, out, depth - 1);
    } else if (kind == 10) {
        text_add(out, "(");
        grow_part(grower, out, depth - 1);
        text_print(out, "%s%s)", grow_number(grower, 2) ? " is " : " as ",
                   GROW_PICK(grower, grow_types));
    } else {
        grow_call(grower, out, depth);
    }
}

/* Swaps, drops or doubles bytes; may leave text that is no UTF-8. */
static inline void grow_break(struct grower *grower, struct text *out)
{
    static const char bytes[] = "'`()[]{}.,+-@%$/* \\0aT\xc3";
    if (out->length == 0)
        return;
    size_t at = grow_number(grower, (unsigned)out->length);
    unsigned kind = grow_number(grower, 3);
    if (kind == 0)
        out->at[at] = bytes[grow_number(grower, sizeof bytes - 1)];
    else if (kind == 1)
        memmove(out->at + at, out->at + at + 1, out->length - at);
    else
        out->at[at] = '\0';
}

static inline const char *grow_expression(struct grower *grower, struct arena *arena)
{
    struct text out = text_new(arena, 20000);
    grow_part(grower, &out, 4);
    if (grow_number(grower, 4) == 0)
        grow_break(grower, &out);
    return out.at;
}

#endif
