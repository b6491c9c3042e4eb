/* entries: the entries of one Bundle, by name while it is made, by reference while it is
 * read.
 *
 * Used by fhir/message and the kinds of field. Lives in the arena of the job. */
#ifndef FHIR_ENTRIES_ENTRIES_H
#define FHIR_ENTRIES_ENTRIES_H

#include "fhir/entries/job.h"

enum { MESSAGE_ENTRIES_MAX = 1000 }; /* of a received Bundle, nested documents included */

struct message_entry {
    const char *name; /* outbound: "Patient", "Goal/2": what its id is made of */
    unsigned name_hash;
    const char *full_url;
    uint32_t url_hash; /* inbound: hash_name() of the fullUrl; 0: it has none */
    const char *type, *id;
    uint32_t type_hash;                       /* inbound: hash_name() of the type */
    unsigned short next_of_type, next_of_url; /* inbound: see struct message_chains */
    struct json *resource;
    struct json *parent; /* inbound: the entry object, or NULL */
    bool is_taken;       /* inbound: some table read it */
    /* inbound, of what may be part of a record */
    struct json *container;              /* the resource it is contained in, or NULL */
    size_t named;                        /* its turn among what the record names; ENTRIES_UNNAMED */
    const char *aside;                   /* why it is no part of the record, or NULL */
    struct contained_ids *contained_ids; /* of what it contains, once many asked */
    const struct message_entry *compared; /* of a Patient: with whom it was compared last, */
    bool is_same_person;                  /* and what came out */
    bool is_strangers; /* set aside as somebody else's: its content is not told */
    bool is_no_fact;   /* set aside by what it says of itself (message/judge.h) */
};

enum { ENTRIES_UNNAMED = 0 };

/* The entries whose type or fullUrl has a hash of the same end, in their order: the place of the
 * first plus one, and in each entry that of the next; 0 ends. A message asks for some forty types
 * and follows as many references, so going through all entries for each would cost more. */
enum { CHAINS = 64 };
struct message_chains {
    unsigned short first[CHAINS];
};

/* What a urn: led to, by the node that holds it: many are followed several times. */
enum { URNS_KNOWN = 64 };
struct message_urn {
    const struct json *literal; /* NULL: none yet */
    struct message_entry *entry;
};

struct message_look_ups; /* by reference, made when there are many entries or questions */

struct message_entries {
    struct message_entry *entries;
    size_t count, room;
    struct message_entry *contained; /* inbound: clinical ones, in the order of their containers */
    size_t contained_count, contained_room;
    struct message_chains types, contained_types, urls; /* inbound */
    struct json *list;                                  /* outbound: Bundle.entry */
    struct message_look_ups *look_ups;
    struct message_urn urns[URNS_KNOWN]; /* inbound */
};

/* ---- making ---- */

struct message_entries *entries_new(struct field_job *job);
/* A new resource with id, fullUrl and, when LABELLED, the record's security labels. */
struct json *entries_add(struct field_job *job, const char *type, const char *name, bool labelled);
bool entries_has(const struct field_job *job, const char *name);
/* A Reference to the entry NAME; DISPLAY may be NULL. */
struct json *entries_reference(struct field_job *job, const char *name, const char *display);
/* {type, identifier}: a logical Reference to what is not in the Bundle. */
struct json *entries_logical_reference(struct field_job *job, const char *type, const char *system,
                                       const char *value);

/* ---- reading ---- */

/* Takes the entries of a received Bundle, those of nested document Bundles too. False: too many. */
bool entries_index(struct field_job *job, const struct json *bundle);
/* The entry a Reference leads to that stands in CONTAINER (NULL: in nothing known): contained,
 * fullUrl, relative, absolute or by identifier; NULL: not here. */
struct message_entry *entries_resolve_in(struct field_job *job, const struct json *reference,
                                         const struct json *container);
/* The same for a Reference of the resource at hand. */
struct message_entry *entries_resolve(struct field_job *job, const struct json *reference);
/* The resource a Reference leads to, a contained one of any type too. */
struct json *entries_resource(struct field_job *job, const struct json *reference,
                              const struct json *container);
/* The resource in which the references of an entry stand: what contains it, else itself. */
const struct json *entries_holder(const struct message_entry *entry);
/* Of a received entry, which is not NULL: most others are told by a number that is a constant. */
static inline __attribute__((always_inline)) bool entries_is(const struct message_entry *entry,
                                                             const char *type)
{
    return entry->type_hash == hash_name(type, strlen(type)) && strcmp(entry->type, type) == 0;
}
/* The entry whose resource this is, or NULL. */
struct message_entry *entries_of_resource(const struct field_job *job, const struct json *resource);
/* The same of a contained resource that may be part of a record. */
struct message_entry *entries_of_contained(const struct field_job *job,
                                           const struct json *resource);
/* The next entry of TYPE behind START (NULL: from the first), or NULL. Contained ones are none. */
struct message_entry *entries_next(const struct field_job *job, const char *type,
                                   const struct message_entry *start);
/* The same with contained ones behind the entries. */
struct message_entry *entries_next_or_contained(const struct field_job *job, const char *type,
                                                const struct message_entry *start);
/* "Observation", or "Observation[2]" where the message has several. */
void entries_path(const struct field_job *job, const struct message_entry *entry,
                  struct text *text);

#endif
