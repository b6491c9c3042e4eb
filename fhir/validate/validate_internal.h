/* validate_internal: what the parts of the validator share during one run. Private to
 * fhir/validate*.c and fhir/validate/profile*.c.
 *
 * The walk (validate/walk.c) goes over the tree once and calls the other parts for what it meets:
 * validate/plain.c for texts that are seen to be right at once, validate/value.c for primitives and
 * codes, validate/narrative.c for XHTML, validate/reference.c for references and contained
 * resources, validate/bundle.c for Bundles, validate/rule.c for invariants. Where an issue stands
 * is a chain of struct place on the stack; a path is only written when there is an issue. */
#ifndef FHIR_VALIDATE_VALIDATE_INTERNAL_H
#define FHIR_VALIDATE_VALIDATE_INTERNAL_H

#include <stdint.h>

#include "fhir/fhirpath/fhirpath.h"
#include "fhir/model/definitions.h"
#include "fhir/validate/index.h"
#include "fhir/validate/validate.h"

struct bundle; /* index of a Bundle's entries */

/* One step of a FHIRPath location; lives on the stack of the walk. */
struct place {
    const struct place *above; /* NULL: the outermost resource */
    const char *name;          /* element; of the outermost resource its type */
    const char *cast;          /* type of a choice: value.ofType(Quantity); or NULL */
    long index;                /* of a list item; -1: none */
};

/* The resource around what is being checked. */
struct scope {
    struct scope *container; /* of a contained resource; else NULL */
    const struct json *resource;
    const struct definition_type *type;
    struct index contained;   /* of the outermost scope: by id; used: something refers to it */
    struct index element_ids; /* ids of elements met so far; no rows: none yet */
    size_t element_id_count;
    const struct bundle *bundle; /* the Bundle around it, or NULL */
    const struct json *entry;    /* its entry there */
    const struct bundle *index;  /* of a Bundle: its own entries */
};

/* Types that the walk treats apart, looked up once. */
struct known_types {
    const struct definition_type *element, *extension, *reference, *coding, *codeable_concept,
        *identifier, *attachment, *element_definition, *bundle, *bundle_entry;
    uint32_t system_word, url_word, contained_word; /* definition_element.name of these */
};

struct validator {
    struct arena *arena;
    struct hash_key secret; /* of the tables of texts that others chose */
    struct known_types types;
    struct rules *rules;   /* validate/rule.c */
    const bool *has_rules; /* by type: validation_type_rules() has any to check */
};

struct validation {
    struct validator *validator;
    struct arena *arena;
    const struct validate_options *options;
    struct issue_list *issues;
    const struct json *root; /* the whole text: the resource or the Bundle around it */
    struct index anchors;    /* what narratives can link to; no rows: not looked for yet */
    struct scope *scope;
    struct fhirpath_session *session; /* made at the first rule that needs it */
    size_t steps_left;                /* of all evaluations together */
    bool is_costly;                   /* none was left, and that was said */
    size_t narrative_bytes;           /* seen so far */
};

/* A node being checked against a type. */
struct subject {
    const struct place *place;
    const struct json *node;      /* object; of a primitive its value (NULL: only a companion) */
    const struct json *companion; /* `_name` of a primitive, or NULL */
    const struct definition_type *type;
    uint64_t seen; /* bit i: the element of rank i is there; objects only */
};

/* ---- validate/walk.c ---- */

/* An issue at PLACE (then NAME, unless NULL) about NODE. Returns it, or NULL when the list is full.
 */
struct issue *validation_add(struct validation *run, enum issue_severity severity,
                             enum issue_code code, const struct place *place, const char *name,
                             const struct json *node, const char *found, const char *expected);
const char *validation_path(struct arena *arena, const struct place *place, const char *name);
/* A resource that stands at PLACE; SCOPE says what is around it, the rest is filled in. */
void validation_resource(struct validation *run, const struct place *place,
                         const struct json *resource, struct scope scope);

/* ---- validate/plain.c ---- */

/* The one VALUE of CHOICE (not PLAIN_NOT), without a companion, is right: seen at once. False says
 * nothing. */
bool validation_is_plainly_right(const struct validation *run,
                                 const struct definition_choice *choice, const struct json *value);

/* ---- validate/value.c ---- */

void validation_primitive(struct validation *run, const struct subject *subject,
                          const struct definition_element *element);
/* Identifier and Attachment: parts that must fit each other. */
void validation_identifier(struct validation *run, const struct subject *subject);
void validation_attachment(struct validation *run, const struct subject *subject);
/* Required bindings of Coding and CodeableConcept; those of codes are validation_primitive's. */
void validation_binding(struct validation *run, const struct subject *subject,
                        const struct definition_element *element);

/* A code, Coding or CodeableConcept is in the set. */
bool validation_fits_set(const struct validation *run, const struct subject *subject,
                         const struct definition_value_set *set);

/* ---- validate/narrative.c ---- */

/* The XHTML text of SUBJECT, and what its links point at. */
void validation_narrative(struct validation *run, const struct subject *subject);

/* ---- validate/reference.c ---- */

/* A Reference at SUBJECT that may point at the targets of CHOICE. */
void validation_reference(struct validation *run, const struct subject *subject,
                          const struct definition_choice *choice);
/* Remembers that TEXT (`#id`) points into the outermost resource. */
void validation_local_use(struct validation *run, const char *text);
/* Fills scope->contained before the walk of an outermost resource. */
void validation_index_contained(struct validation *run, struct scope *scope);
/* dom-2 to dom-5 of the resource of run->scope, after its walk. */
void validation_contained(struct validation *run, const struct place *place);
/* The type named in a reference URL `.../Patient/12` or `Patient/12`; NULL: not to be told. */
const struct definition_type *validation_type_in_url(const char *url);

/* The type that RESOURCE says it is, or NULL. */
const struct definition_type *validation_type_of(const struct json *resource);

/* The type of what a Reference points at, as far as it can be told; says nothing. */
const struct definition_type *validation_reference_type(struct validation *run,
                                                        const struct json *reference);

/* ---- validate/definition.c ---- */

/* Rules of the resource at SUBJECT, if it is one that defines something. */
void validation_definition(struct validation *run, const struct subject *subject);

/* ---- validate/bundle.c ---- */

/* Index of a Bundle's entries by fullUrl and by type and id. */
const struct bundle *bundle_index(const struct validation *run, const struct json *resource);
/* Entry rules of the Bundle at SUBJECT, before its entries are walked. */
void validation_bundle(struct validation *run, const struct subject *subject,
                       const struct bundle *bundle);
/* Notes that ENTRY refers to URL (a uri or a reference), if another entry has it as fullUrl. */
void bundle_note_link(const struct bundle *bundle, const struct json *entry, const char *url);
/* After the walk: entries of a document that nothing links to its Composition. */
void validation_bundle_links(struct validation *run, const struct subject *subject,
                             const struct bundle *bundle);
enum bundle_match { BUNDLE_FOUND, BUNDLE_MISSING, BUNDLE_SEVERAL, BUNDLE_OTHER_URL };
/* Resolves REFERENCE from ENTRY (https://hl7.org/fhir/R4/bundle.html#references). */
enum bundle_match bundle_resolve(struct arena *arena, const struct bundle *bundle,
                                 const struct json *entry, const char *reference,
                                 const struct json **ret_resource);
/* Of the one entry whose fullUrl is URL, of LENGTH bytes, a urn:uuid: without fragment, that ENTRY
 * refers to: the type of its resource. NULL: bundle_resolve() tells why. */
const struct definition_type *bundle_type_at(const struct bundle *bundle, const struct json *entry,
                                             const char *url, size_t length);
/* Links count: the Bundle is a document. */
bool bundle_has_links(const struct bundle *bundle);
const char *bundle_type(const struct bundle *bundle);
/* True: no two entries have the same fullUrl, and none has a version. False for NULL. */
bool bundle_urls_differ(const struct bundle *bundle);
bool bundle_lacks_urls(const struct bundle *bundle); /* some entry has no fullUrl */
const struct json *bundle_resource(const struct bundle *bundle);

/* ---- profile_check.c ---- */

struct profile;
/* The profiles that the options ask for, and those that meta.profile names, of a whole resource. */
void validation_profiles(struct validation *run, const struct subject *subject);
void validation_profile(struct validation *run, const struct subject *subject,
                        const struct profile *profile);
/* SUBJECT meets PROFILE; says nothing. */
bool validation_conforms(struct validation *run, const struct subject *subject,
                         const struct profile *profile);

/* ---- validate/rule.c ---- */

struct rules *validation_rules_new(struct arena *arena);
/* By type: there are invariants to check. */
const bool *validation_rules_types(const struct rules *rules);
/* The expression that is evaluated for constraint row ROW, corrected where need be. */
const char *validation_rule_expression(const struct rules *rules, unsigned row);
/* The run's FHIRPath session, set to SUBJECT, for one evaluation. NULL: no steps are left, which
 * was said. */
struct fhirpath_session *validation_session(struct validation *run, const struct subject *subject);
/* The invariants of SUBJECT's type. */
void validation_type_rules(struct validation *run, const struct subject *subject);
/* Those of the element that SUBJECT is. */
void validation_element_rules(struct validation *run, const struct subject *subject,
                              const struct definition_element *element);

#endif
