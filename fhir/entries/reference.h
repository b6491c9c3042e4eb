/* reference: the ways in which a Reference names its target: literally (fullUrl, relative,
 * absolute, versioned), by identifier, by `#id` of a contained resource.
 *
 * Used by message_entries only, while a message is read. A message with few entries that asks
 * little is gone through; for all others the names are sorted once (look_up.h), so that no number
 * of entries, identifiers and references multiplies. */
#ifndef FHIR_ENTRIES_REFERENCE_H
#define FHIR_ENTRIES_REFERENCE_H

#include "fhir/entries/entries.h"

/* REFERENCE is the text of a Reference that stands in CONTAINER (NULL: in nothing known). R4
 * bundle.html#references; beyond it tolerant where an entry has no fullUrl that says otherwise. Of
 * several versions that nothing tells apart the newest; of several servers' none. */
struct message_entry *reference_by_literal(struct field_job *job, const struct json *reference,
                                           const struct json *container);
/* The id at the end of a fullUrl ".../TYPE/id"; NULL: it does not end so. */
const char *reference_tail(const char *url, const char *type);
/* By the Reference's own `identifier`, and `type` where it has one. */
struct message_entry *reference_by_identifier(struct field_job *job, const struct json *reference);
/* Of CONTAINER (may be NULL). */
struct json *reference_contained(struct field_job *job, const struct json *container,
                                 const char *id);
/* Length of "https://server/fhir/" in the fullUrl of an entry; 0: it says no server. */
size_t reference_base(const struct message_entry *entry);
/* Whether entries without a fullUrl may be of this server: the sender's own. */
bool reference_is_home(struct field_job *job, const char *base, size_t length);
/* Whether some entry is of this server. */
bool reference_is_server(struct field_job *job, const char *base, size_t length);

enum { REFERENCE_CANDIDATES = 32 }; /* more of one name are as good as none */
/* The entries with this fullUrl, or of TYPE (NULL: of any) with this id. Returns their number, at
 * most REFERENCE_CANDIDATES. */
size_t reference_with_url(struct field_job *job, const char *url, size_t length,
                          struct message_entry **ret_found);
size_t reference_with_id(struct field_job *job, const char *type, const char *id,
                         struct message_entry **ret_found);

#endif
