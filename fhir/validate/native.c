/* native: the invariants that every message meets, answered by a look at the tree instead
 * of FHIRPath. Each function is named after its invariant and says what the published expression
 * says; validate_rule_test.c proves each against that expression. Called by validate/rule.c through
 * the table at the end; reads the tree and owns nothing. Any thread, each with a validation of its
 * own.
 *
 * The rules are those of https://hl7.org/fhir/R4, on the page of their type. */
#include <string.h>

#include "fhir/model/primitive.h"
#include "fhir/validate/rule.h"
#include "fhir/validate/validate_internal.h"

static inline const char *text_of(const struct subject *subject, const char *name)
{
    return json_get_text(subject->node, name);
}

static bool has(const struct subject *subject, const char *name)
{
    return json_get(subject->node, name) != NULL;
}

static bool type_is(const struct subject *subject, const char *type)
{
    const char *found = text_of(subject, "type");
    return found != NULL && strcmp(found, type) == 0;
}

static const struct json *first_entry(const struct subject *subject)
{
    return json_first(json_get(subject->node, "entry"));
}

bool validation_elsewhere(struct validation *run, const struct subject *subject)
{
    (void)run;
    (void)subject;
    return true;
}

static bool bdl_1(struct validation *run, const struct subject *subject)
{
    (void)run;
    static const char *const types[] = {"searchset", "history", NULL};
    return !has(subject, "total") || text_is_one_of(text_of(subject, "type"), types);
}

/* Of all entries: MEMBER is there; *ret_all, *ret_any. */
static inline __attribute__((always_inline)) void
count_member(const struct subject *subject, const char *member, bool *ret_all, bool *ret_any)
{
    *ret_all = true;
    *ret_any = false;
    for (const struct json *entry = first_entry(subject); entry != NULL; entry = json_next(entry)) {
        bool there = json_get(entry, member) != NULL;
        *ret_all = *ret_all && there;
        *ret_any = *ret_any || there;
    }
}

static bool bdl_2(struct validation *run, const struct subject *subject)
{
    (void)run;
    bool all;
    bool any;
    count_member(subject, "search", &all, &any);
    return !any || type_is(subject, "searchset");
}

static bool bdl_3(struct validation *run, const struct subject *subject)
{
    (void)run;
    static const char *const types[] = {"batch", "transaction", "history", NULL};
    bool all;
    bool any;
    count_member(subject, "request", &all, &any);
    return text_is_one_of(text_of(subject, "type"), types) ? all : !any;
}

static bool bdl_4(struct validation *run, const struct subject *subject)
{
    (void)run;
    static const char *const types[] = {"batch-response", "transaction-response", "history", NULL};
    bool all;
    bool any;
    count_member(subject, "response", &all, &any);
    return text_is_one_of(text_of(subject, "type"), types) ? all : !any;
}

static bool bdl_7(struct validation *run, const struct subject *subject)
{
    if (bundle_urls_differ(run->scope->index) || type_is(subject, "history"))
        return true;
    struct index urls = index_new(run->arena, &run->validator->secret,
                                  json_count(json_get(subject->node, "entry")));
    for (const struct json *entry = first_entry(subject); entry != NULL; entry = json_next(entry)) {
        const char *url = json_get_text(entry, "fullUrl");
        const char *version = json_text(json_find(entry, "resource", "meta", "versionId", NULL));
        if (url == NULL)
            continue;
        if (version != NULL)
            url = arena_print(run->arena, "%s%s", url, version);
        if (index_add(&urls, url, entry)->count > 1)
            return false;
    }
    return true;
}

static bool bdl_9(struct validation *run, const struct subject *subject)
{
    (void)run;
    const struct json *identifier = json_get(subject->node, "identifier");
    return !type_is(subject, "document") ||
           (json_get(identifier, "system") != NULL && json_get(identifier, "value") != NULL);
}

static bool bdl_10(struct validation *run, const struct subject *subject)
{
    (void)run;
    return !type_is(subject, "document") || has(subject, "timestamp");
}

static bool is_led_by(const struct subject *subject, const char *resource_type)
{
    const struct json *resource = json_get(first_entry(subject), "resource");
    const char *type = json_get_text(resource, "resourceType");
    return type != NULL && strcmp(type, resource_type) == 0;
}

static bool bdl_11(struct validation *run, const struct subject *subject)
{
    (void)run;
    return !type_is(subject, "document") || is_led_by(subject, "Composition");
}

static bool bdl_12(struct validation *run, const struct subject *subject)
{
    (void)run;
    return !type_is(subject, "message") || is_led_by(subject, "MessageHeader");
}

static bool bdl_8(struct validation *run, const struct subject *subject)
{
    (void)run;
    const struct json *url = json_get(subject->node, "fullUrl");
    return json_text(url) == NULL || memchr(url->text, '/', json_length(url)) == NULL ||
           strstr(url->text, "/_history/") == NULL;
}

static const struct json *first_of(const struct json *value)
{
    return json_kind(value) == JSON_LIST ? json_first(value) : value;
}

/* Best practice, told only to who asks: nearly every resource that is exchanged breaks it. Of a
 * contained resource a narrative is not asked for. */
static bool dom_6(struct validation *run, const struct subject *subject)
{
    if (!run->options->notes_best_practice)
        return true;
    const struct json *text = first_of(json_get(subject->node, "text"));
    return run->scope->container != NULL || first_of(json_get(text, "div")) != NULL;
}

/* What makes two codings equal, as one text; members in any order. */
static const char *coding_text(struct arena *arena, const struct json *coding)
{
    static const char *const parts[] = {"id",      "system",       "version",  "code",
                                        "display", "userSelected", "extension"};
    struct text text = text_new(arena, (size_t)1 << 20);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const struct json *part = json_get(coding, parts[i]);
        if (part == NULL)
            continue;
        text_print(&text, " %zu=", i);
        if (json_text(part) != NULL)
            text_add_json(&text, json_text(part));
        else
            text_add(&text, json_print(arena, part));
    }
    return text.at;
}

/* The codings of CONCEPT by their text. */
static struct index coding_index(const struct validation *run, const struct json *concept)
{
    struct arena *arena = run->arena;
    const struct json *list = json_get(concept, "coding");
    struct index index = index_new(arena, &run->validator->secret, json_count(list));
    for (const struct json *each = json_first(list); each != NULL; each = json_next(each))
        index_add(&index, coding_text(arena, each), each);
    return index;
}

static bool has_value(const struct json *object)
{
    for (const struct json *at = json_first(object); at != NULL; at = json_next(at)) {
        if (strncmp(json_key(at) + (*json_key(at) == '_'), "value", 5) == 0)
            return true;
    }
    return false;
}

static bool obs_7(struct validation *run, const struct subject *subject)
{
    const struct json *component = json_first(json_get(subject->node, "component"));
    if (component == NULL || !has_value(subject->node))
        return true;
    struct index codings = coding_index(run, json_get(subject->node, "code"));
    for (; component != NULL; component = json_next(component)) {
        const struct json *coding = json_first(json_get(json_get(component, "code"), "coding"));
        for (; coding != NULL; coding = json_next(coding)) {
            if (index_find(&codings, coding_text(run->arena, coding)) != NULL)
                return false;
        }
    }
    return true;
}

static bool org_1(struct validation *run, const struct subject *subject)
{
    (void)run;
    return has(subject, "identifier") || has(subject, "name") || has(subject, "_name");
}

static bool not_home(struct validation *run, const struct subject *subject)
{
    (void)run;
    const char *use = text_of(subject, "use");
    return use == NULL || strcmp(use, "home") != 0;
}

/* Two times of the same form with the same zone, told by their text. */
static bool is_in_order(const char *one, const char *other)
{
    enum { TIME = sizeof "2000-01-01T00:00:00" - 1 };
    return strnlen(one, TIME) == TIME && strnlen(other, TIME) == TIME && one[TIME] != '.' &&
           strcmp(one + TIME, other + TIME) == 0 && memcmp(one, other, TIME) <= 0;
}

/* Whether ONE is certainly not after OTHER, as FHIRPath's <= says: of two dates of unlike precision
 * that begin alike it says nothing, and nothing is not true. Values that are no dates were reported
 * already. */
static bool not_after(const char *one, const char *other)
{
    struct primitive_date date;
    int order;
    if (one == NULL || other == NULL || is_in_order(one, other) ||
        !primitive_date_read(one, &date) || !primitive_date_read(other, &date))
        return true;
    return primitive_date_order(one, other, &order) && order <= 0;
}

static bool per_1(struct validation *run, const struct subject *subject)
{
    (void)run;
    return not_after(text_of(subject, "start"), text_of(subject, "end"));
}

static bool sqty_1(struct validation *run, const struct subject *subject)
{
    (void)run;
    return !has(subject, "comparator") && !has(subject, "_comparator");
}

/* A quantity with a code has a UCUM unit and a value. */
static bool drt_1(struct validation *run, const struct subject *subject)
{
    (void)run;
    if (!has(subject, "code") && !has(subject, "_code"))
        return true;
    const char *system = text_of(subject, "system");
    return system != NULL && strcmp(system, "http://unitsofmeasure.org") == 0 &&
           (has(subject, "value") || has(subject, "_value"));
}

static bool is_negative(const struct subject *subject, const char *name)
{
    const char *number = json_number(json_get(subject->node, name));
    return number != NULL && *number == '-' && number[strspn(number, "-0.")] >= '1' &&
           number[strspn(number, "-0.")] <= '9';
}

static bool tim_4(struct validation *run, const struct subject *subject)
{
    (void)run;
    return !is_negative(subject, "duration");
}

static bool tim_5(struct validation *run, const struct subject *subject)
{
    (void)run;
    return !is_negative(subject, "period");
}

/* An offset belongs to a `when` that is none of the meals themselves. */
static bool tim_9(struct validation *run, const struct subject *subject)
{
    (void)run;
    static const char *const meals[] = {"C", "CM", "CD", "CV", NULL};
    if (!has(subject, "offset") && !has(subject, "_offset"))
        return true;
    const struct json *when = json_get(subject->node, "when");
    for (const struct json *each = json_first(when); each != NULL; each = json_next(each)) {
        if (text_is_one_of(json_text(each), meals))
            return false;
    }
    return when != NULL || has(subject, "_when");
}

static bool task_inv_1(struct validation *run, const struct subject *subject)
{
    (void)run;
    return not_after(text_of(subject, "authoredOn"), text_of(subject, "lastModified"));
}

const struct native_rule validation_native_rules[] = {
    {"bdl-1", NULL, bdl_1},
    {"bdl-10", NULL, bdl_10},
    {"bdl-11", NULL, bdl_11},
    {"bdl-12", NULL, bdl_12},
    {"bdl-2", NULL, bdl_2},
    {"bdl-3", NULL, bdl_3},
    {"bdl-4", NULL, bdl_4},
    {"bdl-7", NULL, bdl_7},
    {"bdl-8", NULL, bdl_8},
    {"bdl-9", NULL, bdl_9},
    {"dom-2", NULL, validation_elsewhere},
    {"dom-3", NULL, validation_elsewhere},
    {"dom-4", NULL, validation_elsewhere},
    {"dom-5", NULL, validation_elsewhere},
    {"dom-6", NULL, dom_6},
    {"drt-1", NULL, drt_1},
    {"ele-1", NULL, validation_elsewhere},
    {"obs-7", NULL, obs_7},
    {"org-1", NULL, org_1},
    {"org-2", NULL, not_home},
    {"org-3", NULL, not_home},
    {"per-1", NULL, per_1},
    {"ref-1", NULL, validation_elsewhere},
    {"sqty-1", NULL, sqty_1},
    {"tim-4", NULL, tim_4},
    {"tim-5", NULL, tim_5},
    {"tim-9", NULL, tim_9},
    {"txt-1", NULL, validation_elsewhere},
    {"txt-2", NULL, validation_elsewhere},
    {"inv-1", /* of Task; other types have other rules under this key */
     "lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn",
     task_inv_1},
};
const size_t validation_native_rule_count =
    sizeof validation_native_rules / sizeof *validation_native_rules;
