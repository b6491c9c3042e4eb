/* unit: see unit.h. An atom is defined by a number and a code over earlier atoms; parsing recurses
 * into that code, which ends because the table only refers upward. */
#include "fhir/fhirpath/unit.h"

#include <string.h>

enum { DEPTH_MAX = 8, EXPONENT_MAX = 24 };

struct atom {
    const char *symbol;
    bool is_metric;        /* takes prefixes */
    signed char dimension; /* of a base atom; -1: defined by `number` and `code` */
    const char *number, *code;
};

#define BASE(symbol, dimension)                                                                    \
    {                                                                                              \
        symbol, true, dimension, NULL, NULL                                                        \
    }
#define METRIC(symbol, number, code)                                                               \
    {                                                                                              \
        symbol, true, -1, number, code                                                             \
    }
#define PLAIN(symbol, number, code)                                                                \
    {                                                                                              \
        symbol, false, -1, number, code                                                            \
    }
#define ARBITRARY(symbol)                                                                          \
    {                                                                                              \
        symbol, false, DIMENSION_ARBITRARY, NULL, NULL                                             \
    }
#define ARBITRARY_METRIC(symbol)                                                                   \
    {                                                                                              \
        symbol, true, DIMENSION_ARBITRARY, NULL, NULL                                              \
    }

static const struct atom atoms[] = {
    BASE("m", DIMENSION_LENGTH),
    BASE("s", DIMENSION_TIME),
    BASE("g", DIMENSION_MASS),
    BASE("rad", DIMENSION_ANGLE),
    BASE("K", DIMENSION_TEMPERATURE),
    BASE("C", DIMENSION_CHARGE),
    BASE("cd", DIMENSION_LUMINOSITY),
    BASE("mol", DIMENSION_SUBSTANCE),
    /* dimensionless */
    PLAIN("10*", "10", "1"),
    PLAIN("10^", "10", "1"),
    PLAIN("%", "0.01", "1"),
    PLAIN("[ppth]", "0.001", "1"),
    PLAIN("[ppm]", "0.000001", "1"),
    PLAIN("[ppb]", "0.000000001", "1"),
    PLAIN("[pi]", "3.1415926535897932384626433832795", "1"),
    /* time */
    PLAIN("min", "60", "s"),
    PLAIN("h", "60", "min"),
    PLAIN("d", "24", "h"),
    PLAIN("wk", "7", "d"),
    PLAIN("a", "365.25", "d"),
    PLAIN("a_j", "365.25", "d"),
    PLAIN("mo", "30.4375", "d"),
    PLAIN("mo_j", "30.4375", "d"),
    METRIC("Hz", "1", "s-1"),
    /* angle */
    PLAIN("deg", "0.017453292519943295769236907684886", "rad"),
    PLAIN("gon", "0.9", "deg"),
    METRIC("sr", "1", "rad2"),
    /* length, area, volume */
    PLAIN("[in_i]", "2.54", "cm"),
    PLAIN("[ft_i]", "12", "[in_i]"),
    PLAIN("[yd_i]", "3", "[ft_i]"),
    PLAIN("[mi_i]", "5280", "[ft_i]"),
    PLAIN("[sin_i]", "1", "[in_i]2"),
    PLAIN("[sft_i]", "1", "[ft_i]2"),
    PLAIN("[cin_i]", "1", "[in_i]3"),
    METRIC("l", "1", "dm3"),
    METRIC("L", "1", "dm3"),
    METRIC("ar", "100", "m2"),
    PLAIN("[gal_us]", "231", "[cin_i]"),
    PLAIN("[foz_us]", "29.5735295625", "mL"),
    PLAIN("[cup_us]", "236.5882365", "mL"),
    PLAIN("[tbs_us]", "14.78676478125", "mL"),
    PLAIN("[tsp_us]", "4.92892159375", "mL"),
    PLAIN("[drp]", "0.05", "mL"),
    PLAIN("[Ch]", "0.333333333333333333333333333", "mm"),
    PLAIN("[diop]", "1", "m-1"),
    /* mass */
    METRIC("t", "1000", "kg"),
    METRIC("u", "0.0000000000000000000000016605402", "g"),
    PLAIN("[gr]", "64.79891", "mg"),
    PLAIN("[lb_av]", "453.59237", "g"),
    PLAIN("[oz_av]", "28.349523125", "g"),
    PLAIN("[stone_av]", "6350.29318", "g"),
    /* mechanics, pressure, energy */
    METRIC("N", "1", "kg.m.s-2"),
    METRIC("Pa", "1", "N.m-2"),
    METRIC("J", "1", "N.m"),
    METRIC("W", "1", "J.s-1"),
    METRIC("bar", "100000", "Pa"),
    PLAIN("atm", "101325", "Pa"),
    METRIC("m[Hg]", "133322", "Pa"),
    METRIC("m[H2O]", "9806.65", "Pa"),
    PLAIN("[psi]", "6894.757293168", "Pa"),
    METRIC("gf", "0.00980665", "N"),
    PLAIN("[lbf_av]", "4.4482216152605", "N"),
    METRIC("dyn", "0.00001", "N"),
    METRIC("erg", "0.0000001", "J"),
    METRIC("cal", "4.184", "J"),
    METRIC("cal_th", "4.184", "J"),
    PLAIN("[Cal]", "1", "kcal_th"),
    METRIC("P", "0.1", "Pa.s"),
    /* electricity, light, radiation */
    METRIC("A", "1", "C.s-1"),
    METRIC("V", "1", "J.C-1"),
    METRIC("Ohm", "1", "V.A-1"),
    METRIC("S", "1", "A.V-1"),
    METRIC("F", "1", "C.V-1"),
    METRIC("T", "1", "V.s.m-2"),
    METRIC("H", "1", "V.s.A-1"),
    METRIC("lm", "1", "cd.sr"),
    METRIC("lx", "1", "lm.m-2"),
    METRIC("Bq", "1", "s-1"),
    METRIC("Gy", "1", "J.kg-1"),
    METRIC("Sv", "1", "J.kg-1"),
    PLAIN("[degR]", "0.55555555555555555555555555555", "K"),
    /* chemistry */
    METRIC("eq", "1", "mol"),
    METRIC("osm", "1", "mol"),
    METRIC("kat", "1", "mol.s-1"),
    METRIC("U", "1", "umol.min-1"),
    ARBITRARY("[pH]"),
    ARBITRARY_METRIC("[iU]"),
    ARBITRARY_METRIC("[IU]"),
    ARBITRARY("[arb'U]"),
    ARBITRARY("[CFU]"),
    ARBITRARY("[MET]"),
    ARBITRARY_METRIC("Cel"),
    ARBITRARY("[degF]"),
    ARBITRARY("[APGAR]"),
    ARBITRARY_METRIC("B"),
};

static const struct prefix {
    const char *symbol;
    const char *number;
} prefixes[] = {
    {"da", "10"},   {"Y", "1e24"},     {"Z", "1e21"},  {"E", "1e18"},  {"P", "1e15"},
    {"T", "1e12"},  {"G", "1e9"},      {"M", "1e6"},   {"k", "1000"},  {"h", "100"},
    {"d", "0.1"},   {"c", "0.01"},     {"m", "0.001"}, {"u", "1e-6"},  {"n", "1e-9"},
    {"p", "1e-12"}, {"f", "1e-15"},    {"a", "1e-18"}, {"z", "1e-21"}, {"y", "1e-24"},
    {"Ki", "1024"}, {"Mi", "1048576"},
};

struct reader {
    const char *at;
    int depth; /* of parentheses and of atoms defined by others */
};

static struct unit unit_one(void)
{
    return (struct unit){.numerator = decimal_of(1), .denominator = decimal_of(1)};
}

static bool number_of(const char *text, struct decimal *ret_number)
{
    return decimal_parse(text, strlen(text), ret_number);
}

static bool multiply(struct unit *unit, const struct unit *factor)
{
    if (unit->arbitrary != NULL && factor->arbitrary != NULL &&
        unit->arbitrary != factor->arbitrary)
        return false;
    if (factor->arbitrary != NULL)
        unit->arbitrary = factor->arbitrary;
    for (int i = 0; i < DIMENSIONS; i++) {
        int exponent = unit->dimension[i] + factor->dimension[i];
        if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
            return false;
        unit->dimension[i] = (signed char)exponent;
    }
    return decimal_multiply(unit->numerator, factor->numerator, &unit->numerator) &&
           decimal_multiply(unit->denominator, factor->denominator, &unit->denominator);
}

static struct unit inverse(const struct unit *unit)
{
    struct unit turned = *unit;
    turned.numerator = unit->denominator;
    turned.denominator = unit->numerator;
    for (int i = 0; i < DIMENSIONS; i++)
        turned.dimension[i] = (signed char)-unit->dimension[i];
    return turned;
}

static bool raise(const struct unit *base, int exponent, struct unit *ret_power)
{
    struct unit factor = exponent < 0 ? inverse(base) : *base;
    struct unit power = unit_one();
    int count = exponent < 0 ? -exponent : exponent;
    for (int i = 0; i < count; i++) {
        if (!multiply(&power, &factor))
            return false;
    }
    *ret_power = power;
    return true;
}

/* ---- atoms ---- */

static const struct atom *find_atom(const char *symbol, size_t length)
{
    for (size_t i = 0; i < sizeof atoms / sizeof *atoms; i++) {
        if (strncmp(atoms[i].symbol, symbol, length) == 0 && atoms[i].symbol[length] == '\0')
            return &atoms[i];
    }
    return NULL;
}

static bool parse_code(struct reader *reader, char closing, struct unit *ret_unit);

static bool expand(const struct atom *atom, int depth, struct unit *ret_unit)
{
    struct unit unit = unit_one();
    struct unit factor = unit_one();
    if (atom->dimension >= 0) {
        unit.dimension[atom->dimension] = 1;
        unit.arbitrary = atom->dimension == DIMENSION_ARBITRARY ? atom->symbol : NULL;
        *ret_unit = unit;
        return true;
    }
    struct reader reader = {atom->code, depth + 1};
    if (!number_of(atom->number, &factor.numerator) || !parse_code(&reader, '\0', &unit) ||
        !multiply(&unit, &factor))
        return false;
    *ret_unit = unit;
    return true;
}

static bool expand_prefixed(const char *symbol, size_t length, int depth, struct unit *ret_unit)
{
    const struct atom *atom = find_atom(symbol, length);
    if (atom != NULL)
        return expand(atom, depth, ret_unit);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t prefix_length = strlen(prefixes[i].symbol);
        if (length <= prefix_length || strncmp(symbol, prefixes[i].symbol, prefix_length) != 0)
            continue;
        atom = find_atom(symbol + prefix_length, length - prefix_length);
        if (atom == NULL || !atom->is_metric)
            continue;
        struct unit factor = unit_one();
        return number_of(prefixes[i].number, &factor.numerator) && expand(atom, depth, ret_unit) &&
               multiply(ret_unit, &factor);
    }
    return false;
}

/* ---- codes: component, exponent, `.` and `/`, parentheses, annotations ---- */

/* Bytes of the symbol at AT: up to an exponent or a separator; in brackets anything goes. */
static size_t symbol_length(const char *at)
{
    size_t length = 0;
    bool in_brackets = false;
    if (strncmp(at, "10*", 3) == 0 || strncmp(at, "10^", 3) == 0)
        return 3;
    for (; at[length] != '\0'; length++) {
        char c = at[length];
        if (c == '[' || c == ']')
            in_brackets = c == '[';
        else if (!in_brackets && strchr("./(){}+-0123456789", c) != NULL)
            break;
    }
    return length;
}

static bool parse_exponent(struct reader *reader, int *ret_exponent)
{
    bool negative = *reader->at == '-';
    if (*reader->at == '-' || *reader->at == '+')
        reader->at++;
    else if (*reader->at < '0' || *reader->at > '9') {
        *ret_exponent = 1;
        return true;
    }
    int exponent = 0;
    const char *start = reader->at;
    while (*reader->at >= '0' && *reader->at <= '9' && exponent <= EXPONENT_MAX)
        exponent = exponent * 10 + (*reader->at++ - '0');
    *ret_exponent = negative ? -exponent : exponent;
    return reader->at > start && exponent <= EXPONENT_MAX;
}

static bool skip_annotation(struct reader *reader)
{
    if (*reader->at != '{')
        return true;
    const char *end = strchr(reader->at, '}');
    if (end == NULL)
        return false;
    reader->at = end + 1;
    return true;
}

static bool parse_integer(struct reader *reader, struct unit *ret_unit)
{
    size_t length = strspn(reader->at, "0123456789");
    struct unit unit = unit_one();
    if (!decimal_parse(reader->at, length, &unit.numerator) || decimal_is_zero(unit.numerator))
        return false;
    reader->at += length;
    *ret_unit = unit;
    return true;
}

static bool parse_component(struct reader *reader, struct unit *ret_unit)
{
    bool is_power_of_ten = strncmp(reader->at, "10*", 3) == 0 || strncmp(reader->at, "10^", 3) == 0;
    if (*reader->at == '{') {
        *ret_unit = unit_one();
        return skip_annotation(reader);
    }
    if (*reader->at == '(') {
        reader->at++;
        return ++reader->depth < DEPTH_MAX && parse_code(reader, ')', ret_unit);
    }
    if (!is_power_of_ten && *reader->at >= '0' && *reader->at <= '9')
        return parse_integer(reader, ret_unit) && skip_annotation(reader);
    size_t length = symbol_length(reader->at);
    struct unit atom;
    int exponent;
    if (length == 0 || !expand_prefixed(reader->at, length, reader->depth, &atom))
        return false;
    reader->at += length;
    return parse_exponent(reader, &exponent) && raise(&atom, exponent, ret_unit) &&
           skip_annotation(reader);
}

static bool parse_code(struct reader *reader, char closing, struct unit *ret_unit)
{
    struct unit product = unit_one();
    bool divide = *reader->at == '/';
    if (reader->depth > DEPTH_MAX)
        return false;
    if (divide)
        reader->at++;
    for (;;) {
        struct unit part;
        if (!parse_component(reader, &part))
            return false;
        if (divide)
            part = inverse(&part);
        if (!multiply(&product, &part))
            return false;
        if (*reader->at != '.' && *reader->at != '/')
            break;
        divide = *reader->at++ == '/';
    }
    if (*reader->at != closing)
        return false;
    if (closing != '\0')
        reader->at++;
    *ret_unit = product;
    return true;
}

bool unit_parse(const char *code, struct unit *ret_unit)
{
    struct reader reader = {code, 0};
    return strlen(code) < UNIT_TEXT_MAX && parse_code(&reader, '\0', ret_unit);
}

/* ---- comparing ---- */

bool unit_same_dimension(const struct unit *one, const struct unit *other)
{
    return memcmp(one->dimension, other->dimension, sizeof one->dimension) == 0 &&
           one->arbitrary == other->arbitrary;
}

bool unit_is_one(const struct unit *unit)
{
    struct unit one = unit_one();
    return unit_same_dimension(unit, &one) &&
           decimal_compare(unit->numerator, unit->denominator) == 0;
}

/* ---- the calendar ---- */

static const struct calendar {
    const char *word, *code; /* singular; UCUM code of the same length, or NULL */
} calendar[] = {
    [UNIT_YEAR] = {"year", NULL},    [UNIT_MONTH] = {"month", NULL},
    [UNIT_WEEK] = {"week", "wk"},    [UNIT_DAY] = {"day", "d"},
    [UNIT_HOUR] = {"hour", "h"},     [UNIT_MINUTE] = {"minute", "min"},
    [UNIT_SECOND] = {"second", "s"}, [UNIT_MILLISECOND] = {"millisecond", "ms"},
};

bool unit_of_calendar_word(const char *word, size_t length, enum moment_unit *ret_unit)
{
    for (size_t i = 0; i < sizeof calendar / sizeof *calendar; i++) {
        size_t singular = strlen(calendar[i].word);
        bool is_plural = length == singular + 1 && word[singular] == 's';
        if ((length != singular && !is_plural) || strncmp(word, calendar[i].word, singular) != 0)
            continue;
        *ret_unit = (enum moment_unit)i;
        return true;
    }
    return false;
}

bool unit_of_time_code(const char *code, enum moment_unit *ret_unit)
{
    for (size_t i = 0; i < sizeof calendar / sizeof *calendar; i++) {
        if (calendar[i].code == NULL || strcmp(code, calendar[i].code) != 0)
            continue;
        *ret_unit = (enum moment_unit)i;
        return true;
    }
    return unit_of_calendar_word(code, strlen(code), ret_unit);
}

bool unit_parse_calendar(const char *word, struct unit *ret_unit)
{
    enum moment_unit which;
    if (!unit_of_calendar_word(word, strlen(word), &which))
        return false;
    if (calendar[which].code != NULL)
        return unit_parse(calendar[which].code, ret_unit);
    struct unit unit = unit_one();
    unit.dimension[DIMENSION_CALENDAR] = 1;
    unit.numerator = decimal_of(which == UNIT_YEAR ? 12 : 1);
    *ret_unit = unit;
    return true;
}
