/* validate_rule: the invariants of the definitions.
 *
 * Three ways to answer one: a truth table over the children that are there, made by the generator
 * (fhir/definitions/presence.py); a native function for what every message meets; else the
 * invariant's own FHIRPath, compiled when first needed and kept by the validator. Where the
 * published expression is known to be wrong, the table of corrections stands in for it
 * (docs/validator.md). Rules that the walk itself decides (ele-1, ref-1, dom-2 to dom-5, txt-1,
 * txt-2) are passed over. */
#include <string.h>

#include "fhir/primitive.h"
#include "fhir/validate_rule.h"
#include "fhir/validate_run.h"
#include "fhir/validate_words.h"

/* ---- expressions that the published definitions have wrong ---- */

struct correction {
    const char *key, *published, *corrected;
};

#define NAME_PUBLISHED "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')"

static const struct correction corrections[] = {
    /* an absent name is no fault; the whole name must match */
    {NULL, NAME_PUBLISHED, "name.empty() or name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')"},
    /* an absent fullUrl is no fault */
    {"bdl-8", "fullUrl.contains('/_history/').not()",
     "fullUrl.empty() or fullUrl.contains('/_history/').not()"},
    /* the category is a CodeableConcept, not a text */
    {"con-3", NULL,
     "clinicalStatus.exists() or verificationStatus.coding.where(system = "
     "'http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = "
     "'entered-in-error').exists() or category.coding.where(system = "
     "'http://terminology.hl7.org/CodeSystem/condition-category' and code = "
     "'problem-list-item').empty()"},
    {"eld-19", NULL,
     "path.matches('^[^\\\\s\\\\.,:;\\\\\\'\"\\\\/"
     "|?!@#$%&*()\\\\[\\\\]{}]{1,64}(\\\\.[^\\\\s\\\\.,:;"
     "\\\\\\'\"\\\\/|?!@#$%&*()\\\\[\\\\]{}]{1,64}(\\\\[x\\\\])?(\\\\:[^\\\\s\\\\.]+)?)*$')"},
    {"eld-20", NULL, "path.matches('^[A-Za-z][A-Za-z0-9]*(\\\\.[a-z][A-Za-z0-9]*(\\\\[x])?)*$')"},
    /* a parameter's type may be the target itself */
    {"opd-3", NULL,
     "targetProfile.empty() or type = 'Reference' or type = 'canonical' or "
     "type.memberOf('http://hl7.org/fhir/ValueSet/resource-types')"},
    {"que-7", NULL, "operator != 'exists' or (answer is boolean)"},
    {"que-12", NULL, "enableWhen.count() < 2 or enableBehavior.exists()"},
    {"ras-2", NULL,
     "probability.empty() or (probability is decimal).not() or "
     "(probability as decimal) <= 100"},
    /* quantities that cannot be compared, since one has a code and the other has none, are no fault
     */
    {"rng-2", NULL, "low.empty() or high.empty() or iif(low > high, false, true)"},
    /* several `when` are allowed */
    {"tim-9", NULL,
     "offset.empty() or (when.exists() and when.where($this in ('C' | 'CM' | 'CD' | "
     "'CV')).empty())"},
};

static const char *corrected(const char *key, const char *expression)
{
    for (size_t i = 0; i < sizeof corrections / sizeof *corrections; i++) {
        const struct correction *row = &corrections[i];
        if ((row->key == NULL || strcmp(row->key, key) == 0) &&
            (row->published == NULL || strcmp(row->published, expression) == 0))
            return row->corrected;
    }
    return expression;
}

/* ---- native answers ---- */

static inline const char *text_of(const struct subject *subject, const char *name)
{
    return json_get_text(subject->node, name);
}

static bool has(const struct subject *subject, const char *name)
{
    return json_get(subject->node, name) != NULL;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; text != NULL && *words != NULL; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
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

static bool elsewhere(struct validation *run, const struct subject *subject)
{
    (void)run;
    (void)subject;
    return true;
}

static bool bdl_1(struct validation *run, const struct subject *subject)
{
    (void)run;
    static const char *const types[] = {"searchset", "history", NULL};
    return !has(subject, "total") || is_one_of(text_of(subject, "type"), types);
}

/* Of all entries: MEMBER is there; *ret_all, *ret_any. */
static inline void count_member(const struct subject *subject, const char *member, bool *ret_all,
                                bool *ret_any)
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
    return is_one_of(text_of(subject, "type"), types) ? all : !any;
}

static bool bdl_4(struct validation *run, const struct subject *subject)
{
    (void)run;
    static const char *const types[] = {"batch-response", "transaction-response", "history", NULL};
    bool all;
    bool any;
    count_member(subject, "response", &all, &any);
    return is_one_of(text_of(subject, "type"), types) ? all : !any;
}

static bool bdl_7(struct validation *run, const struct subject *subject)
{
    if (bundle_urls_differ(run->scope->index) || type_is(subject, "history"))
        return true;
    struct index urls = index_new(run->arena, json_count(json_get(subject->node, "entry")));
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
    const char *url = text_of(subject, "fullUrl");
    return url == NULL || strstr(url, "/_history/") == NULL;
}

static const struct json *first_of(const struct json *value)
{
    return json_kind(value) == JSON_LIST ? json_first(value) : value;
}

/* Of a contained resource a narrative is not asked for. */
static bool dom_6(struct validation *run, const struct subject *subject)
{
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
static struct index coding_index(struct arena *arena, const struct json *concept)
{
    const struct json *list = json_get(concept, "coding");
    struct index index = index_new(arena, json_count(list));
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
    struct index codings = coding_index(run->arena, json_get(subject->node, "code"));
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

/* Whether ONE is certainly not after OTHER, as FHIRPath's <= says: of two dates of unlike precision
 * that begin alike it says nothing, and nothing is not true. Values that are no dates were reported
 * already. */
static bool not_after(const char *one, const char *other)
{
    struct primitive_date date;
    int order;
    if (one == NULL || other == NULL || !primitive_date_read(one, &date) ||
        !primitive_date_read(other, &date))
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
        if (is_one_of(json_text(each), meals))
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
    {"dom-2", NULL, elsewhere},
    {"dom-3", NULL, elsewhere},
    {"dom-4", NULL, elsewhere},
    {"dom-5", NULL, elsewhere},
    {"dom-6", NULL, dom_6},
    {"drt-1", NULL, drt_1},
    {"ele-1", NULL, elsewhere},
    {"obs-7", NULL, obs_7},
    {"org-1", NULL, org_1},
    {"org-2", NULL, not_home},
    {"org-3", NULL, not_home},
    {"per-1", NULL, per_1},
    {"ref-1", NULL, elsewhere},
    {"sqty-1", NULL, sqty_1},
    {"tim-4", NULL, tim_4},
    {"tim-5", NULL, tim_5},
    {"tim-9", NULL, tim_9},
    {"txt-1", NULL, elsewhere},
    {"txt-2", NULL, elsewhere},
    {"inv-1", /* of Task; other types have other rules under this key */
     "lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn",
     task_inv_1},
};
const size_t validation_native_rule_count =
    sizeof validation_native_rules / sizeof *validation_native_rules;

/* ---- all rules ---- */

struct rule {
    const char *key;
    const char *expression;
    bool (*holds)(struct validation *run, const struct subject *subject); /* NULL: by FHIRPath */
    bool (*is_sure)(const struct json *context); /* to hold, before FHIRPath is asked; or NULL */
    const struct fhirpath *compiled;
    bool is_broken; /* the expression did not compile */
    bool is_error;
};

struct rule_use { /* a rule of a type */
    struct rule *rule;
    const struct definition_presence *presence; /* of no ranks: it does not answer */
};

struct rules {
    struct rule *rows; /* by constraint row */
    struct {
        const struct rule_use *first;
        unsigned count;
    } * of_types; /* by type */
};

static const struct native_rule *native_of(const char *key, const char *published)
{
    for (size_t i = 0; i < validation_native_rule_count; i++) {
        const struct native_rule *row = &validation_native_rules[i];
        if (strcmp(row->key, key) == 0 &&
            (row->published == NULL || strcmp(row->published, published) == 0))
            return row;
    }
    return NULL;
}

/* The rules of each type, without those that hold anyway. */
static void make_lists(struct arena *arena, struct rules *rules)
{
    size_t count = 0;
    for (unsigned i = 0; i < definition_type_count; i++)
        count += definition_types[i].constraint_count;
    struct rule_use *use = arena_array(arena, count + 1, sizeof *use);
    rules->of_types = arena_array(arena, definition_type_count, sizeof *rules->of_types);
    for (unsigned i = 0; i < definition_type_count; i++) {
        const struct definition_type *type = &definition_types[i];
        rules->of_types[i].first = use;
        for (unsigned j = type->constraint; j < type->constraint + type->constraint_count; j++) {
            struct rule *rule = &rules->rows[definition_constraint_lists[j]];
            if (rule->holds != elsewhere)
                *use++ =
                    (struct rule_use){rule, &definition_presences[definition_presence_lists[j]]};
        }
        rules->of_types[i].count = (unsigned)(use - rules->of_types[i].first);
    }
}

static void note_sure_rules(struct rule *rows)
{
    for (unsigned i = 0; i < definition_constraint_count; i++) {
        for (size_t j = 0; j < validation_sure_rule_count; j++) {
            if (strcmp(rows[i].key, validation_sure_rules[j].key) == 0)
                rows[i].is_sure = validation_sure_rules[j].holds;
        }
    }
}

struct rules *validation_rules_new(struct arena *arena)
{
    struct rules *rules = arena_alloc(arena, sizeof *rules);
    rules->rows = arena_array(arena, definition_constraint_count, sizeof *rules->rows);
    for (unsigned i = 0; i < definition_constraint_count; i++) {
        const struct definition_constraint *row = &definition_constraints[i];
        const char *published = definition_word(row->expression);
        struct rule *rule = &rules->rows[i];
        rule->key = definition_word(row->key);
        rule->expression = corrected(rule->key, published);
        rule->is_error = row->is_error;
        const struct native_rule *native = native_of(rule->key, published);
        if (native != NULL)
            rule->holds = native->holds;
    }
    note_sure_rules(rules->rows);
    make_lists(arena, rules);
    return rules;
}

const char *validation_rule_expression(const struct rules *rules, unsigned row)
{
    return rules->rows[row].expression;
}

static void not_met(struct validation *run, const struct subject *subject, const struct rule *rule)
{
    const struct json *node = subject->node != NULL ? subject->node : subject->companion;
    struct issue *issue =
        validation_add(run, rule->is_error ? ISSUE_ERROR : ISSUE_WARNING, ISSUE_INVARIANT,
                       subject->place, NULL, node, "content that breaks a rule", NULL);
    if (issue == NULL)
        return;
    issue->key = rule->key;
    issue->expected = validation_rule_words(rule->key);
    if (issue->expected == NULL)
        issue->expected =
            arena_print(run->arena, "content for which this is true: %s", rule->expression);
}

static void not_evaluated(struct validation *run, const struct subject *subject,
                          const struct rule *rule, const struct fhirpath_fault *fault)
{
    const struct json *node = subject->node != NULL ? subject->node : subject->companion;
    struct issue *issue =
        validation_add(run, ISSUE_WARNING, ISSUE_PROCESSING, subject->place, NULL, node,
                       "content for which a rule could not be evaluated", fault->message);
    if (issue != NULL)
        issue->key = rule->key;
}

static const struct scope *root_of(const struct scope *scope)
{
    while (scope->container != NULL)
        scope = scope->container;
    return scope;
}

struct fhirpath_session *validation_session(struct validation *run, const struct subject *subject)
{
    const struct scope *root = root_of(run->scope);
    struct fhirpath_input input = {
        .resource = run->scope->resource,
        .root_resource = root->resource,
        .context = subject->node,
        .companion = subject->companion,
        .type = subject->type,
        .bundle = root->bundle == NULL ? NULL : bundle_resource(root->bundle),
    };
    if (run->session == NULL)
        run->session = fhirpath_session_new(run->arena, &input);
    else
        *fhirpath_session_input(run->session) = input;
    return run->session;
}

static void check_by_path(struct validation *run, const struct subject *subject, struct rule *rule)
{
    struct fhirpath_fault fault;
    if (rule->is_sure != NULL && rule->is_sure(subject->node))
        return;
    if (rule->compiled == NULL && !rule->is_broken)
        rule->is_broken =
            !fhirpath_compile(run->validator->arena, rule->expression, &rule->compiled, &fault);
    if (rule->is_broken)
        return; /* a test proves that none is */
    struct fhirpath_session *session = validation_session(run, subject);
    switch (fhirpath_is_true(session, rule->compiled, &fault)) {
    case FHIRPATH_TRUE:
        return;
    case FHIRPATH_FALSE:
        not_met(run, subject, rule);
        return;
    case FHIRPATH_FAULTY:
        not_evaluated(run, subject, rule, &fault);
    }
}

static bool presence_holds(const struct definition_presence *presence, uint64_t seen)
{
    unsigned facts = 0;
    for (unsigned i = 0; i < presence->rank_count; i++)
        facts |= (unsigned)(seen >> presence->ranks[i] & 1) << i;
    return (presence->truth >> facts & 1) != 0;
}

static void check_rule(struct validation *run, const struct subject *subject, struct rule *rule)
{
    if (rule->holds == NULL)
        check_by_path(run, subject, rule);
    else if (!rule->holds(run, subject))
        not_met(run, subject, rule);
}

void validation_type_rules(struct validation *run, const struct subject *subject)
{
    const struct rules *rules = run->validator->rules;
    unsigned type = definition_type_index(subject->type);
    const struct rule_use *use = rules->of_types[type].first;
    const struct rule_use *end = use + rules->of_types[type].count;
    if (run->options->level == VALIDATE_STRUCTURE)
        return;
    for (; use < end; use++) {
        if (use->presence->rank_count == 0)
            check_rule(run, subject, use->rule);
        else if (!presence_holds(use->presence, subject->seen))
            not_met(run, subject, use->rule);
    }
}

void validation_element_rules(struct validation *run, const struct subject *subject,
                              const struct definition_element *element)
{
    if (run->options->level == VALIDATE_STRUCTURE)
        return;
    const uint16_t *row = &definition_constraint_lists[element->constraint];
    for (unsigned i = 0; i < element->constraint_count; i++)
        check_rule(run, subject, &run->validator->rules->rows[row[i]]);
}
