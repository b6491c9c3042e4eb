/* primitive: scanners for the lexical rules of primitive types. See primitive.h.
 *
 * Each rule is a function from text (which ends in NUL, and has no other) and its length to a
 * constant fault (NULL: right); the table at the end names the rule of each type. */
#include "fhir/model/primitive.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

#define FAULT(name, found, expected)                                                               \
    static const struct primitive_fault name = {found, expected, false}
#define ADVICE(name, found, expected)                                                              \
    static const struct primitive_fault name = {found, expected, true}

FAULT(empty_text, "an empty text", "a text with at least one character, or no element at all");
FAULT(long_text, "a text of more than 1 MB", "at most 1048576 characters");
ADVICE(blank_text, "a text of white space only", "a text with something to read");
ADVICE(padded_text, "white space at the start or end", "the text without it");
ADVICE(control_text, "a control character", "text without control characters");

/* ---- small scanners: each moves *AT behind what it takes ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

static bool is_space(char c) /* of XML and of \s in FHIR's regular expressions */
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool take(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

/* COUNT digits, no more needed behind them. */
static bool take_number(const char **at, int count, int *ret_number)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit((*at)[i]))
            return false;
        number = number * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *ret_number = number;
    return true;
}

/* ---- dates and times ---- */

FAULT(date_form, "text that is no date", "YYYY, YYYY-MM or YYYY-MM-DD");
FAULT(datetime_form, "text that is no dateTime",
      "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset such as +02:00");
FAULT(instant_form, "text that is no instant",
      "YYYY-MM-DDThh:mm:ss with Z or an offset such as +02:00");
FAULT(time_form, "text that is no time of day", "hh:mm:ss, such as 09:30:00");
FAULT(month_range, "a month that does not exist", "a month from 01 to 12");
FAULT(day_range, "a day that this month does not have", "a day of that month");
FAULT(year_range, "the year 0000", "a year from 0001 to 9999");
FAULT(zone_missing, "a time without time zone", "Z or an offset such as +02:00 at the end");
FAULT(zone_range, "a time zone that does not exist", "Z or an offset from -14:00 to +14:00");
FAULT(clock_range, "a time that does not exist", "hours 00-23, minutes 00-59, seconds 00-60");
FAULT(seconds_missing, "a time without seconds", "hh:mm:ss");

static int days_in_month(int year, int month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* YYYY[-MM[-DD]] at *AT. FORM is the fault of a text that does not even look like one. */
static const struct primitive_fault *take_date(const char **at, struct primitive_date *date,
                                               const struct primitive_fault *form)
{
    if (!take_number(at, 4, &date->year))
        return form;
    if (date->year == 0)
        return &year_range;
    if (!take(at, '-'))
        return NULL;
    if (!take_number(at, 2, &date->month))
        return form;
    if (date->month < 1 || date->month > 12)
        return &month_range;
    if (!take(at, '-'))
        return NULL;
    if (!take_number(at, 2, &date->day))
        return form;
    return date->day < 1 || date->day > days_in_month(date->year, date->month) ? &day_range : NULL;
}

/* hh:mm:ss[.f+] at *AT. */
static const struct primitive_fault *take_clock(const char **at, struct primitive_date *date,
                                                const struct primitive_fault *form)
{
    int hour;
    int minute;
    if (!take_number(at, 2, &hour) || !take(at, ':') || !take_number(at, 2, &minute))
        return form;
    if (!take(at, ':'))
        return &seconds_missing;
    if (!take_number(at, 2, &date->second))
        return form;
    if (hour > 23 || minute > 59 || date->second > 60)
        return &clock_range;
    date->minute = hour * 60 + minute;
    if (!take(at, '.'))
        return NULL;
    if (!is_digit(**at))
        return form;
    date->fraction = *at;
    while (is_digit(**at))
        (*at)++;
    return NULL;
}

static const struct primitive_fault *take_zone(const char **at, struct primitive_date *date,
                                               const struct primitive_fault *form)
{
    int hour;
    int minute;
    if (take(at, 'Z'))
        return NULL;
    if (**at == '\0')
        return &zone_missing;
    bool west = **at == '-';
    if (!take(at, '+') && !take(at, '-'))
        return form;
    if (!take_number(at, 2, &hour) || !take(at, ':') || !take_number(at, 2, &minute))
        return form;
    date->zone = (hour * 60 + minute) * (west ? -1 : 1);
    return hour > 14 || minute > 59 || (hour == 14 && minute > 0) ? &zone_range : NULL;
}

static const struct primitive_fault *take_datetime(const char **at, struct primitive_date *date,
                                                   const struct primitive_fault *form)
{
    const struct primitive_fault *fault = take_date(at, date, form);
    if (fault != NULL || **at != 'T')
        return fault;
    if (date->day == 0)
        return form;
    (*at)++;
    date->has_time = true;
    fault = take_clock(at, date, form);
    return fault != NULL ? fault : take_zone(at, date, form);
}

static const struct primitive_fault *date_rule(const char *text, size_t length)
{
    (void)length;
    struct primitive_date date = {0};
    const struct primitive_fault *fault = take_date(&text, &date, &date_form);
    return fault != NULL ? fault : *text != '\0' ? &date_form : NULL;
}

static const struct primitive_fault *datetime_rule(const char *text, size_t length)
{
    (void)length;
    struct primitive_date date = {0};
    const struct primitive_fault *fault = take_datetime(&text, &date, &datetime_form);
    return fault != NULL ? fault : *text != '\0' ? &datetime_form : NULL;
}

static const struct primitive_fault *instant_rule(const char *text, size_t length)
{
    (void)length;
    struct primitive_date date = {0};
    const struct primitive_fault *fault = take_datetime(&text, &date, &instant_form);
    return fault != NULL ? fault : *text != '\0' || !date.has_time ? &instant_form : NULL;
}

static const struct primitive_fault *time_rule(const char *text, size_t length)
{
    (void)length;
    struct primitive_date date = {0};
    const struct primitive_fault *fault = take_clock(&text, &date, &time_form);
    return fault != NULL ? fault : *text != '\0' ? &time_form : NULL;
}

bool primitive_date_read(const char *text, struct primitive_date *ret_date)
{
    struct primitive_date date = {0};
    if (take_datetime(&text, &date, &datetime_form) != NULL || *text != '\0')
        return false;
    *ret_date = date;
    return true;
}

static int sign_of(int64_t difference)
{
    return difference < 0 ? -1 : difference > 0;
}

/* Seconds since 0000-03-01T00:00Z of a date with time (civil calendar). */
static int64_t seconds_of(const struct primitive_date *date)
{
    int64_t year = date->month <= 2 ? date->year - 1 : date->year;
    int64_t month = date->month <= 2 ? date->month + 9 : date->month - 3;
    int64_t days =
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + date->day - 1;
    return (days * 1440 + date->minute - date->zone) * 60 + date->second;
}

static int fraction_order(const char *one, const char *other)
{
    for (;;) {
        int left = one != NULL && is_digit(*one) ? *one++ : '0';
        int right = other != NULL && is_digit(*other) ? *other++ : '0';
        if (left != right)
            return sign_of(left - right);
        if ((one == NULL || !is_digit(*one)) && (other == NULL || !is_digit(*other)))
            return 0;
    }
}

bool primitive_date_order(const char *one, const char *other, int *ret_order)
{
    struct primitive_date left;
    struct primitive_date right;
    if (!primitive_date_read(one, &left) || !primitive_date_read(other, &right))
        return false;
    if (left.has_time && right.has_time) {
        *ret_order = sign_of(seconds_of(&left) - seconds_of(&right));
        if (*ret_order == 0)
            *ret_order = fraction_order(left.fraction, right.fraction);
        return true;
    }
    const int parts[][2] = {
        {left.year, right.year}, {left.month, right.month}, {left.day, right.day}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i][0] == 0 || parts[i][1] == 0)
            break;
        *ret_order = sign_of(parts[i][0] - parts[i][1]);
        if (*ret_order != 0)
            return true;
    }
    *ret_order = 0;
    return left.has_time == right.has_time && (left.month == 0) == (right.month == 0) &&
           (left.day == 0) == (right.day == 0);
}

/* ---- numbers (their JSON syntax is already right) ---- */

FAULT(integer_form, "a number with a point or exponent", "a whole number");
FAULT(integer_range, "a whole number out of range", "a number from -2147483648 to 2147483647");
FAULT(unsigned_range, "a number below 0 or above 2147483647",
      "a whole number from 0 to 2147483647");
FAULT(positive_range, "a number below 1 or above 2147483647",
      "a whole number from 1 to 2147483647");
ADVICE(decimal_range, "a number of more than 18 digits", "at most 18 digits");

enum { WHOLE_DIGITS = 12 }; /* more are out of every range */

/* False when TEXT is no whole number; numbers out of range are brought to a range of their own. */
static bool whole(const char *text, int64_t *ret_value)
{
    bool negative = *text == '-';
    const char *at = text + negative;
    size_t digits = strspn(at, "0123456789");
    if (at[digits] != '\0')
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < digits && i < WHOLE_DIGITS; i++)
        value = value * 10 + (at[i] - '0');
    *ret_value = digits > WHOLE_DIGITS ? INT64_MAX / 2 : value;
    *ret_value = negative ? -*ret_value : *ret_value;
    return true;
}

static const struct primitive_fault *integer_rule(const char *text, size_t length)
{
    (void)length;
    int64_t value;
    if (!whole(text, &value))
        return &integer_form;
    return value < INT32_MIN || value > INT32_MAX ? &integer_range : NULL;
}

static const struct primitive_fault *unsigned_rule(const char *text, size_t length)
{
    (void)length;
    int64_t value;
    if (!whole(text, &value))
        return &integer_form;
    return value < 0 || value > INT32_MAX ? &unsigned_range : NULL;
}

static const struct primitive_fault *positive_rule(const char *text, size_t length)
{
    (void)length;
    int64_t value;
    if (!whole(text, &value))
        return &integer_form;
    return value < 1 || value > INT32_MAX ? &positive_range : NULL;
}

static const struct primitive_fault *decimal_rule(const char *text, size_t length)
{
    (void)length;
    int digits = 0;
    bool leading = true;
    for (; *text != '\0' && *text != 'e' && *text != 'E'; text++) {
        leading = leading && (*text == '0' || !is_digit(*text));
        digits += !leading && is_digit(*text);
    }
    return digits > 18 ? &decimal_range : NULL;
}

/* ---- texts ---- */

FAULT(code_form, "white space where a code has none",
      "a code without spaces at its ends and with single spaces inside");
FAULT(blank_code, "a code of white space only", "a code, or no element at all");
FAULT(id_form, "characters that an id does not have", "letters, digits, - and . only");
FAULT(id_length, "an id of more than 64 characters", "at most 64 characters");
FAULT(base64_form, "text that is no base64",
      "groups of four letters, digits, + and /, padded with =");

/* Why a text with control characters, or with white space at an end, is not as it should be. */
static const struct primitive_fault *string_advice(const char *text, size_t length)
{
    bool controls = false;
    if (text_is_blank(text))
        return &blank_text;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        controls = controls || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r');
    }
    if (controls)
        return &control_text;
    return is_space(text[0]) || is_space(text[length - 1]) ? &padded_text : NULL;
}

static const struct primitive_fault *string_rule(const char *text, size_t length)
{
    if (length == 0)
        return &empty_text;
    if (primitive_is_plain_string(text, length))
        return NULL;
    if (length > 1048576 && text_utf8_length(text) > 1048576)
        return &long_text;
    return string_advice(text, length);
}

static const struct primitive_fault *markdown_rule(const char *text, size_t length)
{
    const struct primitive_fault *fault = string_rule(text, length);
    return fault == &padded_text ? NULL : fault;
}

static bool is_ascii(const char *text, size_t length)
{
    unsigned char all = 0;
    for (size_t i = 0; i < length; i++)
        all |= (unsigned char)text[i];
    return all < 0x80;
}

/* Spaces that hold words together, and characters without width, may be part of a code: HL7 table
 * 0550 has one that ends in a no-break space. */
static bool is_code_space(unsigned point)
{
    bool binds =
        point == 0xa0 || point == 0x2007 || point == 0x202f || point == 0x200b || point == 0xfeff;
    return !binds && text_is_space(point);
}

/* "no leading or trailing whitespace, and no whitespace other than single spaces in the contents",
 * and something to see. */
static const struct primitive_fault *code_rule(const char *text, size_t length)
{
    if (length == 0)
        return &empty_text;
    if (primitive_is_one_word(text, length) && is_ascii(text, length))
        return NULL;
    if (text_is_blank(text))
        return &blank_code;
    bool was_space = true;
    while (*text != '\0') {
        bool is_plain = *text == ' ';
        bool space = is_code_space(text_utf8_next(&text));
        if (space && (was_space || !is_plain))
            return &code_form;
        was_space = space;
    }
    return was_space ? &code_form : NULL;
}

static const struct primitive_fault *id_rule(const char *text, size_t length)
{
    if (length == 0)
        return &empty_text;
    const char *end = text + length;
    for (; end - text >= BYTES_STEP; text += BYTES_STEP) {
        if (!bytes_are_id(text))
            return &id_form;
    }
    for (; text < end; text++) {
        if (!is_letter(*text) && !is_digit(*text) && *text != '-' && *text != '.')
            return &id_form;
    }
    return length > 64 ? &id_length : NULL;
}

static bool is_base64(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '+' || c == '/';
}

static const struct primitive_fault *base64_rule(const char *text, size_t length)
{
    if (length == 0)
        return &empty_text;
    size_t characters = 0;
    size_t padding = 0;
    for (; *text != '\0'; text++) {
        if (is_space(*text))
            continue;
        if (*text == '=')
            padding++;
        else if (padding > 0 || !is_base64(*text))
            return &base64_form;
        characters++;
    }
    return characters == 0 || characters % 4 != 0 || padding > 2 ? &base64_form : NULL;
}

/* ---- uris ---- */

FAULT(uri_space, "white space in a uri", "a uri without spaces (write %20)");
FAULT(uri_oid, "a uri that starts with oid:", "urn:oid: and the number");
FAULT(uri_uuid, "a uri that starts with uuid:", "urn:uuid: and the number");
FAULT(oid_start, "an oid without urn:oid:", "urn:oid:2.16.840.1.113883 and the like");
FAULT(oid_form, "an oid that is not well formed", "numbers from 0, 1 or 2 on, joined by points");
FAULT(uuid_start, "a uuid without urn:uuid:", "urn:uuid: and 36 characters");
FAULT(uuid_form, "a uuid that is not well formed",
      "8-4-4-4-12 lower-case hexadecimal digits after urn:uuid:");
FAULT(canonical_relative, "a canonical reference that is not absolute",
      "an absolute url, or # and the id of a contained resource");

size_t primitive_uri_scheme(const char *text)
{
    const char *at = text;
    if (text[0] == 'u' && text[1] == 'r' && text[2] == 'n' && text[3] == ':')
        return 4;
    if (!is_letter(*at))
        return 0;
    while (is_letter(*at) || is_digit(*at) || *at == '+' || *at == '-' || *at == '.')
        at++;
    return *at == ':' ? (size_t)(at - text) + 1 : 0;
}

/* TEXT of LENGTH bytes starts with PREFIX, which stands in the source. */
#define STARTS(text, length, prefix)                                                               \
    ((length) >= sizeof(prefix) - 1 && memcmp(text, prefix, sizeof(prefix) - 1) == 0)

/* Of the LENGTH bytes behind "urn:uuid:"; a fragment or version may follow. */
static const struct primitive_fault *uuid_part(const char *text, size_t length)
{
    enum { UUID_LENGTH = 36, FIRST = 0xdeff, SECOND = 0xff7b, LAST = 0xfff7 }; /* digits, not `-` */
    if (length < UUID_LENGTH || bytes_hex_bits(text) != FIRST ||
        bytes_hex_bits(text + BYTES_STEP) != SECOND ||
        bytes_hex_bits(text + UUID_LENGTH - BYTES_STEP) != LAST)
        return &uuid_form;
    if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
        return &uuid_form;
    text += UUID_LENGTH;
    return *text == '\0' || *text == '#' || *text == '|' ? NULL : &uuid_form;
}

bool primitive_is_uuid_urn(const char *text, size_t length)
{
    enum { START = sizeof "urn:uuid:" - 1, LENGTH = START + 36 };
    return length == LENGTH && memcmp(text, "urn:uuid:", START) == 0 &&
           uuid_part(text + START, LENGTH - START) == NULL;
}

/* Behind "urn:oid:". */
static const struct primitive_fault *oid_part(const char *text)
{
    if (*text < '0' || *text > '2' || text[1] != '.')
        return &oid_form;
    text++;
    while (*text == '.') {
        text++;
        if (!is_digit(*text) || (*text == '0' && is_digit(text[1])))
            return &oid_form;
        while (is_digit(*text))
            text++;
    }
    return *text == '\0' || *text == '|' || *text == '#' ? NULL : &oid_form;
}

static bool has_space(const char *text, size_t length)
{
    if (!bytes_have_below(text, length, ' ' + 1))
        return false;
    while (*text != '\0' && !is_space(*text))
        text++;
    return *text != '\0';
}

static const struct primitive_fault *uri_rule(const char *text, size_t length)
{
    if (length == 0)
        return &empty_text;
    if (has_space(text, length))
        return &uri_space;
    if (*text != 'u' && *text != 'o')
        return NULL;
    if (STARTS(text, length, "urn:uuid:"))
        return uuid_part(text + strlen("urn:uuid:"), length - strlen("urn:uuid:"));
    if (STARTS(text, length, "urn:oid:"))
        return oid_part(text + strlen("urn:oid:"));
    if (STARTS(text, length, "uuid:"))
        return &uri_uuid;
    return STARTS(text, length, "oid:") ? &uri_oid : NULL;
}

static const struct primitive_fault *canonical_rule(const char *text, size_t length)
{
    const struct primitive_fault *fault = uri_rule(text, length);
    if (fault != NULL)
        return fault;
    return *text != '#' && primitive_uri_scheme(text) == 0 ? &canonical_relative : NULL;
}

static const struct primitive_fault *oid_rule(const char *text, size_t length)
{
    if (length > 0 && !STARTS(text, length, "urn:oid:"))
        return &oid_start;
    return uri_rule(text, length);
}

static const struct primitive_fault *uuid_rule(const char *text, size_t length)
{
    if (length > 0 && !STARTS(text, length, "urn:uuid:"))
        return &uuid_start;
    return uri_rule(text, length);
}

static const struct primitive_fault *(*const rules[])(const char *text, size_t length) = {
    [PRIMITIVE_BASE64BINARY] = base64_rule,
    [PRIMITIVE_CANONICAL] = canonical_rule,
    [PRIMITIVE_CODE] = code_rule,
    [PRIMITIVE_DATE] = date_rule,
    [PRIMITIVE_DATETIME] = datetime_rule,
    [PRIMITIVE_DECIMAL] = decimal_rule,
    [PRIMITIVE_ID] = id_rule,
    [PRIMITIVE_INSTANT] = instant_rule,
    [PRIMITIVE_INTEGER] = integer_rule,
    [PRIMITIVE_MARKDOWN] = markdown_rule,
    [PRIMITIVE_OID] = oid_rule,
    [PRIMITIVE_POSITIVEINT] = positive_rule,
    [PRIMITIVE_STRING] = string_rule,
    [PRIMITIVE_TIME] = time_rule,
    [PRIMITIVE_UNSIGNEDINT] = unsigned_rule,
    [PRIMITIVE_URI] = uri_rule,
    [PRIMITIVE_URL] = uri_rule,
    [PRIMITIVE_UUID] = uuid_rule,
};

const struct primitive_fault *primitive_check(enum definition_primitive primitive, const char *text,
                                              size_t length)
{
    if ((size_t)primitive >= sizeof rules / sizeof *rules || rules[primitive] == NULL)
        return NULL;
    return rules[primitive](text, length);
}
