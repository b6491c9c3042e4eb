/* rule: the invariants of the definitions. Called by the walk for each type and element.
 *
 * Three ways to answer one: a truth table over the children that are there, made by the generator
 * (fhir/model/definitions/presence.py); a native function for what every message meets
 * (validate/native.c); else the invariant's own FHIRPath, compiled when first needed and kept by
 * the validator. Where the published expression is known to be wrong, the table of corrections
 * stands in for it (docs/validator.md). Rules that the walk itself decides (ele-1, ref-1, dom-2 to
 * dom-5, txt-1, txt-2) are passed over. */
#include <string.h>

#include "fhir/validate/rule.h"
#include "fhir/validate/validate_internal.h"
#include "fhir/validate/words.h"

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
    } * of_types;    /* by type */
    bool *has_rules; /* by type */
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
    rules->has_rules = arena_array(arena, definition_type_count, sizeof *rules->has_rules);
    for (unsigned i = 0; i < definition_type_count; i++) {
        const struct definition_type *type = &definition_types[i];
        rules->of_types[i].first = use;
        for (unsigned j = type->constraint; j < type->constraint + type->constraint_count; j++) {
            struct rule *rule = &rules->rows[definition_constraint_lists[j]];
            if (rule->holds != validation_elsewhere)
                *use++ =
                    (struct rule_use){rule, &definition_presences[definition_presence_lists[j]]};
        }
        rules->of_types[i].count = (unsigned)(use - rules->of_types[i].first);
        rules->has_rules[i] = rules->of_types[i].count > 0;
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

const bool *validation_rules_types(const struct rules *rules)
{
    return rules->has_rules;
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

/* Rules of one message have so many steps together; what took too many is refused, since nobody
 * knows whether it is right. */
static void too_costly(struct validation *run, const struct subject *subject)
{
    if (!run->is_costly)
        validation_add(run, ISSUE_ERROR, ISSUE_TOO_COSTLY, subject->place, NULL,
                       subject->node != NULL ? subject->node : subject->companion,
                       "more content under costly rules than is checked in one message",
                       "fewer or smaller resources of this kind in one message");
    run->is_costly = true;
}

static void not_evaluated(struct validation *run, const struct subject *subject,
                          const struct rule *rule, const struct fhirpath_fault *fault)
{
    const struct json *node = subject->node != NULL ? subject->node : subject->companion;
    if (fault->kind == FHIRPATH_FAULT_LIMIT && run->options->steps_max != 0) {
        too_costly(run, subject);
        return;
    }
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

/* Takes what the last evaluation spent off what is left; false: nothing is. */
static bool has_steps(struct validation *run, const struct subject *subject)
{
    enum { BEGINNING = 8 }; /* steps that an evaluation is worth as such */
    size_t spent = BEGINNING + (run->session == NULL ? 0 : fhirpath_session_spent(run->session));
    run->steps_left -= spent < run->steps_left ? spent : run->steps_left;
    if (run->steps_left == 0)
        too_costly(run, subject);
    return run->steps_left > 0;
}

struct fhirpath_session *validation_session(struct validation *run, const struct subject *subject)
{
    if (run->options->steps_max != 0 && !has_steps(run, subject))
        return NULL;
    const struct scope *root = root_of(run->scope);
    struct fhirpath_input input = {
        .resource = run->scope->resource,
        .root_resource = root->resource,
        .context = subject->node,
        .companion = subject->companion,
        .type = subject->type,
        .bundle = root->bundle == NULL ? NULL : bundle_resource(root->bundle),
        .steps_max = run->steps_left < FHIRPATH_STEPS_MAX ? run->steps_left : 0,
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
    if (session == NULL)
        return;
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
