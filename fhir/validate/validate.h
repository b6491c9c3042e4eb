/* validate: FHIR R4 resources against the official definitions, straight from the tables.
 *
 * Called for everything that comes in and everything that goes out, by `refgate validate` and by
 * the $validate operation. Checks structure, cardinality, choices, primitive values, required
 * bindings, references and their targets, contained resources, Bundles, extensions, narratives, all
 * invariants, and the profiles asked for. Pure. docs/validator.md tells what is checked and how it
 * compares.
 *
 * A struct validator holds what is compiled once (invariants, loaded profiles); it belongs to one
 * thread at a time. A run allocates from its own arena only. */
#ifndef FHIR_VALIDATE_VALIDATE_H
#define FHIR_VALIDATE_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "fhir/json/json.h"
#include "fhir/validate/issue.h"

struct validator;
struct profile_set; /* fhir/validate/profile.h */

/* ARENA must outlive the validator; expressions are compiled into it when first needed. */
struct validator *validator_new(struct arena *arena);
/* From now on the tables of texts of a message are kept by SECRET, which nobody else knows, so that
 * no choice of texts makes them slow. Without it: by zeros. */
void validator_keep_secret(struct validator *validator, const struct hash_key *secret);

enum validate_level {
    VALIDATE_ALL,      /* everything */
    VALIDATE_STRUCTURE /* no invariants beyond those that structure implies, no profiles */
};

/* Zeroed members take the default named beside them. */
struct validate_options {
    enum validate_level level;
    const char *type;                   /* the resource must be of this type; NULL: any */
    const struct profile_set *profiles; /* loaded profiles; NULL: none */
    const char *const *profile_urls;    /* profiles that the resource must meet */
    size_t profile_count;
    size_t steps_max; /* of all rules together; with none left, or with more narrative than people
                       * read, it is an error; 0: any */
    bool checks_meta_profile; /* also the loaded profiles that meta.profile names */
    bool forgives_urls;       /* entries without fullUrl, and what cannot be found for that, are
                                 warnings: for a reader that goes by type and id there */
    bool notes_best_practice; /* also dom-6, which asks every resource for a narrative */
    bool notes_must_support;  /* an information for each must-support element that is absent */
};

/* Adds what is wrong with DOCUMENT to ISSUES, in the order of the text and with line and column.
 * True when there is no error. Memory for the run and for the issues' texts comes from ARENA. */
bool validate_document(struct validator *validator, struct arena *arena,
                       const struct json_document *document, const struct validate_options *options,
                       struct issue_list *issues);
/* The same for a made tree: issues have no line and column. */
bool validate_resource(struct validator *validator, struct arena *arena,
                       const struct json *resource, const struct validate_options *options,
                       struct issue_list *issues);
/* Strict scan, parse and validate_document; a text that is no JSON becomes one fatal issue. */
bool validate_text(struct validator *validator, struct arena *arena, const char *text,
                   size_t length, const struct validate_options *options,
                   struct issue_list *issues);

#endif
