/* rule: the invariants that are answered without FHIRPath, always or where they certainly
 * hold, for the rules and for the test that proves each by its expression. Private to
 * fhir/validate*.c and that test. */
#ifndef FHIR_VALIDATE_RULE_H
#define FHIR_VALIDATE_RULE_H

#include <stdbool.h>
#include <stddef.h>

struct json;
struct subject;
struct validation;

/* ---- validate/native.c ---- */

struct native_rule {
    const char *key;
    const char *published; /* only of the constraint with this expression; NULL: of every one */
    bool (*holds)(struct validation *run, const struct subject *subject);
};

extern const struct native_rule validation_native_rules[];
extern const size_t validation_native_rule_count;

/* True: the rule is decided by the walk itself. */
bool validation_elsewhere(struct validation *run, const struct subject *subject);

/* ---- validate/sure.c ---- */

struct sure_rule {
    const char *key;
    bool (*holds)(const struct json *context); /* false: ask FHIRPath */
};

extern const struct sure_rule validation_sure_rules[];
extern const size_t validation_sure_rule_count;

#endif
