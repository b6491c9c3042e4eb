/* value: one table of data types for each kind of parameter. See search/value.h. */
#include "fhir/search/value.h"

#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/moment.h"

static void give(struct search_maker *maker, struct search_value value)
{
    value.code = maker->code;
    value.kind = maker->kind;
    value.group = maker->group;
    value.component = maker->component;
    maker->take(maker->taker, &value);
}

/* Texts of the tree live long enough; computed ones go with the next evaluation. */
static const char *lasting(struct search_maker *maker, const struct fhirpath_value *found)
{
    return found->node != NULL ? found->text : arena_copy(maker->arena, found->text);
}

/* ---- token ---- */

static void give_token(struct search_maker *maker, const char *system, const char *text)
{
    if (text != NULL)
        give(maker, (struct search_value){.text = text, .system = system});
}

static void make_coding(struct search_maker *maker, const struct json *coding)
{
    give_token(maker, json_get_text(coding, "system"), json_get_text(coding, "code"));
}

static void make_concept(struct search_maker *maker, const struct json *concept)
{
    const struct json *coding = json_first(json_get(concept, "coding"));
    for (; coding != NULL; coding = json_next(coding))
        make_coding(maker, coding);
}

static void make_identifier(struct search_maker *maker, const struct json *identifier)
{
    give_token(maker, json_get_text(identifier, "system"), json_get_text(identifier, "value"));
}

static void make_contact(struct search_maker *maker, const struct json *contact)
{
    give_token(maker, NULL, json_get_text(contact, "value"));
}

/* ---- folding ---- */

/* The plain letter of a letter of Latin-1 or Latin Extended-A with its accent; 0: none. */
static char plain_letter(unsigned code)
{
    static const char latin1[] = "aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0\0"
                                 "aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0y";
    static const char extended[] = "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii\0\0jjkk\0"
                                   "llllllllllnnnnnnnnnoooooo\0\0rrrrrrssssssssttttttuuuuuuuuuuuu"
                                   "wwyyyzzzzzzs";
    _Static_assert(sizeof latin1 == 0x40 + 1 && sizeof extended == 0x80 + 1, "one a letter");
    if (code >= 0xc0 && code <= 0xff)
        return latin1[code - 0xc0];
    return code >= 0x100 && code <= 0x17f ? extended[code - 0x100] : '\0';
}

/* TEXT as search_value.folded holds it. */
static char *fold(struct arena *arena, const char *text)
{
    char *folded = arena_alloc(arena, strlen(text) + 1);
    char *out = folded;
    bool gap = false;
    while (*text != '\0') {
        const char *start = text;
        unsigned code = text_utf8_next(&text);
        char plain = plain_letter(code);
        if (code == ' ' || code == '\t' || code == '\n' || code == '\r' || code == 0xa0) {
            gap = out > folded;
            continue;
        }
        if (gap)
            *out++ = ' ';
        gap = false;
        if (code >= 'A' && code <= 'Z')
            *out++ = (char)(code | 0x20);
        else if (plain != '\0')
            *out++ = plain;
        else if (code < 0x300 || code > 0x36f) /* combining accents are dropped */
            out = mempcpy(out, start, (size_t)(text - start));
    }
    return folded;
}

/* ---- string ---- */

static void give_string(struct search_maker *maker, const char *text)
{
    if (text != NULL)
        give(maker, (struct search_value){.text = text, .folded = fold(maker->arena, text)});
}

static void give_member(struct search_maker *maker, const struct json *object, const char *key)
{
    const struct json *member = json_get(object, key);
    if (json_kind(member) != JSON_LIST) {
        give_string(maker, json_text(member));
        return;
    }
    for (const struct json *item = json_first(member); item != NULL; item = json_next(item))
        give_string(maker, json_text(item));
}

static void make_name(struct search_maker *maker, const struct json *name)
{
    static const char *const parts[] = {"text", "family", "given", "prefix", "suffix"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        give_member(maker, name, parts[i]);
}

static void make_address(struct search_maker *maker, const struct json *address)
{
    static const char *const parts[] = {"text",  "line",       "city",   "district",
                                        "state", "postalCode", "country"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        give_member(maker, address, parts[i]);
}

/* ---- date ---- */

static bool read_moment(const char *text, int zone_minutes, struct moment *ret_moment)
{
    if (text == NULL || !moment_parse(text, strlen(text), MOMENT_DATETIME, ret_moment))
        return false;
    if (!ret_moment->has_zone) {
        ret_moment->has_zone = true;
        ret_moment->zone_minutes = (short)zone_minutes;
    }
    return true;
}

/* One end of the range of MOMENT as UTC text; the calendar's own ends stay where they are. */
static const char *instant(struct arena *arena, const struct moment *moment, bool high)
{
    enum { MILLISECOND_DIGITS = 17 };
    char room[MOMENT_TEXT_MAX];
    struct moment end;
    struct moment utc;
    if (!moment_boundary(moment, high, MILLISECOND_DIGITS, &end))
        return NULL;
    if (moment_add(&end, -end.zone_minutes, UNIT_MINUTE, &utc))
        end = utc;
    end.zone_minutes = 0;
    return arena_copy(arena, moment_print(&end, room));
}

bool search_date_range(struct arena *arena, const char *text, int zone_minutes,
                       const char **ret_low, const char **ret_high)
{
    struct moment moment;
    if (!read_moment(text, zone_minutes, &moment))
        return false;
    *ret_low = instant(arena, &moment, false);
    *ret_high = instant(arena, &moment, true);
    return true;
}

static void give_date(struct search_maker *maker, const char *text)
{
    struct search_value value = {.text = text};
    if (search_date_range(maker->arena, text, maker->zone_minutes, &value.low, &value.high))
        give(maker, value);
}

static void make_period(struct search_maker *maker, const struct json *period)
{
    const char *start = json_get_text(period, "start");
    const char *end = json_get_text(period, "end");
    struct search_value value = {.text = start != NULL ? start : end};
    const char *other;
    bool has_start =
        search_date_range(maker->arena, start, maker->zone_minutes, &value.low, &other);
    bool has_end = search_date_range(maker->arena, end, maker->zone_minutes, &other, &value.high);
    if (!has_start)
        value.low = NULL;
    if (!has_end)
        value.high = NULL;
    if (has_start || has_end)
        give(maker, value);
}

/* From the first to the last event, or the period that bounds the repetition. */
static void make_timing(struct search_maker *maker, const struct json *timing)
{
    struct search_value value = {.text = NULL};
    const struct json *event = json_first(json_get(timing, "event"));
    for (; event != NULL; event = json_next(event)) {
        const char *low;
        const char *high;
        if (!search_date_range(maker->arena, json_text(event), maker->zone_minutes, &low, &high))
            continue;
        if (value.text == NULL)
            value.text = json_text(event);
        value.low = value.low == NULL || strcmp(low, value.low) < 0 ? low : value.low;
        value.high = value.high == NULL || strcmp(high, value.high) > 0 ? high : value.high;
    }
    if (value.text != NULL)
        give(maker, value);
    make_period(maker, json_get(json_get(timing, "repeat"), "boundsPeriod"));
}

/* ---- reference ---- */

static bool is_id_part(const char *text, size_t length)
{
    return length > 0 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                        "-.") >= length;
}

/* `[base/]Type/id[/_history/v]` */
static void read_target(struct search_maker *maker, struct search_value *value)
{
    const char *text = value->text;
    const char *history = strstr(text, "/_history/");
    size_t length = history == NULL ? strlen(text) : (size_t)(history - text);
    size_t slash = length;
    while (slash > 0 && text[slash - 1] != '/')
        slash--;
    if (slash < 2 || !is_id_part(text + slash, length - slash))
        return;
    size_t type = slash - 1;
    while (type > 0 && text[type - 1] != '/')
        type--;
    const char *name = arena_copy_n(maker->arena, text + type, slash - 1 - type);
    const struct definition_type *found = definition_find(name);
    if (found == NULL || found->kind != DEFINITION_RESOURCE)
        return;
    value->target_type = name;
    value->target_id = arena_copy_n(maker->arena, text + slash, length - slash);
}

static void give_reference(struct search_maker *maker, const char *text)
{
    struct search_value value = {.text = text};
    if (text == NULL || text[0] == '#')
        return; /* a contained resource is found by its container only */
    read_target(maker, &value);
    give(maker, value);
}

static void make_reference(struct search_maker *maker, const struct json *reference)
{
    give_reference(maker, json_get_text(reference, "reference"));
}

/* An entry of the Bundle itself: what it is, as a reference. */
static void make_resource(struct search_maker *maker, const struct json *resource)
{
    const char *type = json_get_text(resource, "resourceType");
    const char *id = json_get_text(resource, "id");
    if (type != NULL && id != NULL)
        give_reference(maker, arena_print(maker->arena, "%s/%s", type, id));
}

/* ---- quantity ---- */

static void make_quantity(struct search_maker *maker, const struct json *quantity)
{
    const char *code = json_get_text(quantity, "code");
    const char *number = json_number(json_get(quantity, "value"));
    if (number == NULL)
        return;
    give(maker,
         (struct search_value){.text = number,
                               .system = json_get_text(quantity, "system"),
                               .unit = code != NULL ? code : json_get_text(quantity, "unit")});
}

static void make_range(struct search_maker *maker, const struct json *range)
{
    make_quantity(maker, json_get(range, "low"));
    make_quantity(maker, json_get(range, "high"));
}

static void make_money(struct search_maker *maker, const struct json *money)
{
    const char *number = json_number(json_get(money, "value"));
    if (number != NULL)
        give(maker, (struct search_value){.text = number,
                                          .system = "urn:iso:std:iso:4217",
                                          .unit = json_get_text(money, "currency")});
}

/* ---- the tables ---- */

static const struct row { /* the first row of a type is also what a composite's component takes */
    const char *type;
    enum search_kind kind;
    void (*make)(struct search_maker *maker, const struct json *node);
} rows[] = {
    {"CodeableConcept", SEARCH_TOKEN, make_concept},
    {"Coding", SEARCH_TOKEN, make_coding},
    {"Identifier", SEARCH_TOKEN, make_identifier},
    {"ContactPoint", SEARCH_TOKEN, make_contact},
    {"HumanName", SEARCH_STRING, make_name},
    {"Address", SEARCH_STRING, make_address},
    {"Period", SEARCH_DATE, make_period},
    {"Timing", SEARCH_DATE, make_timing},
    {"Reference", SEARCH_REFERENCE, make_reference},
    {"Quantity", SEARCH_QUANTITY, make_quantity},
    {"Age", SEARCH_QUANTITY, make_quantity},
    {"Duration", SEARCH_QUANTITY, make_quantity},
    {"Distance", SEARCH_QUANTITY, make_quantity},
    {"Count", SEARCH_QUANTITY, make_quantity},
    {"Range", SEARCH_QUANTITY, make_range},
    {"Money", SEARCH_QUANTITY, make_money},
};

static const char *bare_type(const struct fhirpath_value *found)
{
    const char *dot = strchr(found->type, '.');
    return dot == NULL ? found->type : dot + 1;
}

static const struct row *find_row(const char *type)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(type, rows[i].type) == 0)
            return &rows[i];
    }
    return NULL;
}

static void make_primitive(struct search_maker *maker, const struct fhirpath_value *found)
{
    const char *text = lasting(maker, found);
    switch (maker->kind) {
    case SEARCH_TOKEN:
        give_token(maker, NULL, text);
        return;
    case SEARCH_STRING:
        give_string(maker, text);
        return;
    case SEARCH_DATE:
        give_date(maker, text);
        return;
    case SEARCH_REFERENCE:
        give_reference(maker, text);
        return;
    case SEARCH_URI:
        give(maker, (struct search_value){.text = text});
        return;
    case SEARCH_QUANTITY:
        give(maker, (struct search_value){.text = text});
        return;
    }
}

void search_make(struct search_maker *maker, const struct fhirpath_value *found)
{
    const struct row *row = find_row(bare_type(found));
    if (row != NULL && row->kind == maker->kind)
        row->make(maker, found->node);
    else if (row == NULL && found->text != NULL)
        make_primitive(maker, found);
    else if (maker->kind == SEARCH_REFERENCE)
        make_resource(maker, found->node);
}

/* Of primitives: a date type is a date, a text a string, a code a token. */
static enum search_kind kind_of_primitive(const char *type)
{
    if (strcmp(type, "date") == 0 || strcmp(type, "dateTime") == 0 || strcmp(type, "instant") == 0)
        return SEARCH_DATE;
    return strcmp(type, "string") == 0 || strcmp(type, "markdown") == 0 ? SEARCH_STRING
                                                                        : SEARCH_TOKEN;
}

void search_make_any(struct search_maker *maker, const struct fhirpath_value *found)
{
    const char *type = bare_type(found);
    const struct row *row = find_row(type);
    struct search_maker fitting = *maker;
    fitting.kind = row != NULL ? row->kind : kind_of_primitive(type);
    search_make(&fitting, found);
}
