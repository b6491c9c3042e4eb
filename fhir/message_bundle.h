/* message_bundle: the entries of one Bundle, by name while it is made, by reference while it is
 * read.
 *
 * Used by fhir/message and the kinds of field. Lives in the arena of the job. */
#ifndef FHIR_MESSAGE_BUNDLE_H
#define FHIR_MESSAGE_BUNDLE_H

#include "fhir/field.h"

enum { BUNDLE_ENTRIES_MAX = 1000 }; /* of a received Bundle, nested documents included */

struct bundle_entry {
    const char *name; /* outbound: "Patient", "Goal/2": what its id is made of */
    const char *full_url;
    const char *type, *id;
    struct json *resource;
    struct json *parent; /* inbound: the entry object, or NULL */
    bool is_taken;       /* inbound: some table read it */
};

struct bundle {
    struct bundle_entry *entries;
    size_t count, room;
    struct json *list; /* outbound: Bundle.entry */
};

/* ---- making ---- */

struct bundle *bundle_new(struct field_job *job);
/* A new resource with id, fullUrl and, when LABELLED, the record's security labels. */
struct json *bundle_add(struct field_job *job, const char *type, const char *name, bool labelled);
bool bundle_has(const struct field_job *job, const char *name);
/* "urn:uuid:..." of the entry NAME, which may be added later. */
const char *bundle_url(struct field_job *job, const char *name);
/* A Reference to the entry NAME; DISPLAY may be NULL. */
struct json *bundle_reference(struct field_job *job, const char *name, const char *display);
/* {type, identifier}: a logical Reference to what is not in the Bundle. */
struct json *bundle_logical_reference(struct field_job *job, const char *type, const char *system,
                                      const char *value);

/* ---- reading ---- */

/* Takes the entries of a received Bundle, those of nested document Bundles too. False: too many. */
bool bundle_index(struct field_job *job, const struct json *bundle);
/* The entry a Reference leads to: fullUrl, relative, absolute or by identifier; NULL: not here. */
struct bundle_entry *bundle_resolve(struct field_job *job, const struct json *reference);
/* The resource a Reference leads to; contained ones are looked for in CONTAINER (may be NULL). */
struct json *bundle_resource(struct field_job *job, const struct json *reference,
                             const struct json *container);
/* The next entry of TYPE behind START (NULL: from the first), or NULL. */
struct bundle_entry *bundle_next(const struct field_job *job, const char *type,
                                 const struct bundle_entry *start);

#endif
