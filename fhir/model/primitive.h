/* primitive: the lexical rules of FHIR's primitive types (https://hl7.org/fhir/R4/datatypes.html).
 *
 * Hand-written scanners, one per type, called by the validator for every value; calendar-correct
 * for dates. Pure, no allocation; faults are constant. */
#ifndef FHIR_MODEL_PRIMITIVE_H
#define FHIR_MODEL_PRIMITIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "fhir/model/definitions.h"

struct primitive_fault {
    const char *found;    /* in words, without the value */
    const char *expected; /* what would be right */
    bool is_warning;      /* legal, but not wise */
};

/* Why TEXT of LENGTH bytes (of a JSON text, or a number as written) is no value of the type; NULL:
 * it is one. Booleans and JSON kinds are the caller's affair. XHTML has fhir/narrative/xhtml.h. */
const struct primitive_fault *primitive_check(enum definition_primitive primitive, const char *text,
                                              size_t length);

/* Most values are seen to be right by one of these; their false says nothing. Of a string or
 * markdown (one that begins with a letter of another script may be blank, and is looked at): */
static inline bool primitive_is_plain_string(const char *text, size_t length)
{
    return length > 0 && length <= 1048576 && (signed char)text[0] > ' ' &&
           text[length - 1] != ' ' && !bytes_have_below(text, length, ' ');
}

/* Of a code, and of what has no space in it: */
static inline bool primitive_is_one_word(const char *text, size_t length)
{
    return length > 0 && !bytes_have_below(text, length, ' ' + 1);
}

/* Of a uri: "urn:uuid:" and a uuid, no more behind it. */
bool primitive_is_uuid_urn(const char *text, size_t length);

/* The parts of a FHIR date or dateTime that the value has; months and days count from 1. */
struct primitive_date {
    int year, month, day; /* month or day 0: not given */
    bool has_time;
    int minute, second;   /* of the day, local */
    int zone;             /* minutes east of UTC */
    const char *fraction; /* digits of the second behind the point, in the text; NULL: none */
};
/* Reads a right date or dateTime; false when it is none. */
bool primitive_date_read(const char *text, struct primitive_date *ret_date);
/* Whether ONE is before (-1), after (1) or the same instant as (0) OTHER. False: it cannot be told,
 * because one of them is less precise, or is no date. */
bool primitive_date_order(const char *one, const char *other, int *ret_order);
/* TEXT begins with "http:" or "https:". */
static inline bool primitive_is_web_uri(const char *text)
{
    return text[0] == 'h' && text[1] == 't' && text[2] == 't' && text[3] == 'p' &&
           (text[4] == ':' || (text[4] == 's' && text[5] == ':'));
}

/* Bytes of a uri's scheme with its colon ("http:" is 5), 0 when it has none (RFC 3986 3.1). */
size_t primitive_uri_scheme(const char *text);

#endif
