/* field: the engine beneath the mapping tables. One row a field; the same row writes and reads.
 *
 * A table (`fhir/map/`) says for each local field where it stands in a FHIR resource and of what
 * kind it is; this file walks tables in both directions. What a row understood while reading is
 * marked (json_mark), so that fhir/message/received can tell what is left without a word of ours.
 * Called by fhir/message only. Pure; everything made lives in the arena of the context. One job
 * belongs to one thread. */
#ifndef FHIR_FIELD_FIELD_H
#define FHIR_FIELD_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "fhir/entries/entries.h"

struct field;

/* How one kind of field crosses. WRITE gets the local value (the whole local object when the row
 * has no local name) and returns the FHIR value, or NULL for none. READ gets the FHIR value and
 * returns the local one, or NULL when it says nothing in our words; a row without a local name may
 * put members into INTO instead. READ marks what it understood. */
struct field_kind {
    struct json *(*write)(struct field_job *job, const struct field *field,
                          const struct json *value);
    struct json *(*read)(struct field_job *job, const struct field *field, struct json *node,
                         struct json *into);
};

/* One row. `path` is dotted; `name[0]` the item of that place, `name[key=word]` the item whose
 * member is that word, `name[]` at the end every item (the local value is a list), `name[+]` at the
 * end one more item (read from the first that says it). */
struct field {
    const char *local; /* name in the local object; NULL: the row looks at the whole object */
    const char *path;
    const struct field_kind *kind;
    const void *option; /* as the kind says */
};

/* A table ends with a row without a path. */
#define FIELD_END                                                                                  \
    {                                                                                              \
        NULL, NULL, NULL, NULL                                                                     \
    }

void field_write(struct field_job *job, const struct field *rows, const struct json *local,
                 struct json *target);
/* Reads what SOURCE says into LOCAL; members that are there already are kept. */
void field_read(struct field_job *job, const struct field *rows, struct json *source,
                struct json *local);

/* ---- kinds ---- */

/* Text, date, time, number and yes-or-no as they are. */
extern const struct field_kind field_plain;
/* Words through a table; NULL: the same words on both sides, any word. */
struct field_word {
    const char *local, *fhir; /* ends with a row of NULL */
};
extern const struct field_kind field_word; /* option: struct field_word[] */
/* The local word of CODE; NULL: it has none. */
const char *field_word_back(const struct field_word *words, const char *code);
/* Text <-> a list of its words ("María José" <-> two given names). */
extern const struct field_kind field_words;
/* A text that is always the same; understood when it is that text. */
extern const struct field_kind field_constant; /* option: the text */

/* A code that is always the same. `system` that starts with "/" lies under the canonical base. */
struct field_code {
    const char *system, *code, *display, *text;
};
extern const struct field_kind field_fixed_concept; /* CodeableConcept; option: struct field_code */
extern const struct field_kind field_fixed_coding;  /* Coding; option: struct field_code */

/* Words of the code tables, one kind each (fhir/codes/coding.h): every code the tables know. */
struct field_codes {
    const char *kind; /* of coding rows */
    bool is_plain;    /* text from the word itself, not from a table's display */
};
extern const struct field_kind field_concept; /* CodeableConcept; option: struct field_codes */
extern const struct field_kind
    field_coding; /* Coding: the first code; option: struct field_codes */

/* Words of ours without a code elsewhere, under base/CodeSystem/NAME. */
struct field_term {
    const char *word, *display;
    const char *system, *code; /* a standard code beside it, or NULL */
};
struct field_terms {
    const char *name;               /* of the code system */
    const struct field_term *terms; /* ends with a row of NULL */
};
extern const struct field_kind
    field_local_concept; /* CodeableConcept; option: struct field_terms */

/* Number with the unit of the local member `unit` beside it <-> Quantity. Row without local name.
 * option: the name of the number ("value", "target"). */
extern const struct field_kind field_quantity;
/* Number <-> Quantity with one UCUM unit. */
struct field_unit {
    const char *ucum, *unit;
    long least; /* read: whole numbers from here */
};
extern const struct field_kind field_measured; /* option: struct field_unit */
/* A number that counts something, from LEAST ("6", "6.0", "1.2E1"), as a whole one; NULL: it counts
 * nothing ("-6", "6.5"). */
struct json *field_count(struct arena *arena, struct json *number, long least);

/* An object <-> an element with a table of its own. */
extern const struct field_kind field_group; /* option: struct field[] */

/* Area and side of the local object <-> CodeableConcept with a contained BodyStructure for the side
 * (R4 extension bodySite). Row without local name, or with one for a list of areas. */
extern const struct field_kind field_site;
/* The same for Flag, which has no body site (R4 extension flag-detail). Path: "extension[]". */
extern const struct field_kind field_flag_site;

/* The project extension record-field {name, value[x]}: path "extension[+]", for a list
 * "extension[]". */
extern const struct field_kind
    field_extra; /* row.local is the name; value[x] as the vocabulary says */
struct json *field_new_extra(struct field_job *job, const char *name, const struct json *value);
/* Keeps a value that its element cannot give back exactly: a record-field extension on the record's
 * main resource. NAME may name a member of an item: "participants[2].attendance". */
void field_keep(struct field_job *job, const char *name, const struct json *value);
/* Puts what was kept onto the main resource. */
void field_put_extras(struct field_job *job);
/* Takes every record-field extension of LIST whose name is a field of this kind of record. */
void field_read_extras(struct field_job *job, struct json *list, struct json *into);

/* A handle <-> a Reference to the person (PractitionerRole, Practitioner) or clinic. */
extern const struct field_kind field_person;
/* The same in a list, of which another system may fill more. Option: NULL; any other: the author,
 * who is somebody of the sender's. */
extern const struct field_kind field_one_person;
/* A handle <-> a Reference to the clinic alone. */
extern const struct field_kind field_clinic;
/* Always a Reference to the entry of that name in the Bundle ("Patient"); nothing when it has none.
 */
extern const struct field_kind field_link; /* option: name of the entry */
/* A referral's or record's number <-> a logical Reference. */
struct field_number {
    const char *type; /* of the resource referred to, or NULL */
    bool is_referral; /* a number of the referral's placer; else of the writer's clinic */
    bool is_bare;     /* the Identifier alone, without a Reference around it */
};
extern const struct field_kind field_number; /* option: struct field_number */
/* Always a logical Reference to the referral of the record, when it belongs to one. */
extern const struct field_kind field_of_referral;
/* Sensitivity words <-> meta.security. Path "meta.security[]". */
extern const struct field_kind field_sensitivity;

/* Puts VALUE at PATH, a text of the source, making what lies between. */
void field_put(struct field_job *job, struct json *target, const char *path, struct json *value);

/* ---- small helpers of the kinds ---- */

/* To read what says nothing of its own: it is marked as understood, and what it means is read at
 * another place. */
struct json *field_read_elsewhere(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into);
/* To read a Reference that is always the same: marked when it leads to an entry of the Bundle. */
struct json *field_read_link(struct field_job *job, const struct field *field, struct json *node,
                             struct json *into);

/* Three texts in one. */
const char *field_join(const struct field_job *job, const char *one, const char *two,
                       const char *three);
/* base + SUFFIX. */
const char *field_uri(const struct field_job *job, const char *suffix);
/* Whether URI is base + SUFFIX: under our base, the sender's, or the one every gateway starts with.
 */
bool field_is_ours(const struct field_job *job, const char *uri, const char *suffix);
struct json *field_new_coding(struct field_job *job, const char *system, const char *code,
                              const char *display);
/* {system, value}, with {type} of code table kind identifier-type when TYPE is not NULL. */
struct json *field_new_identifier(struct field_job *job, const char *type, const char *system,
                                  const char *value);
/* "in-progress" -> "In progress". */
const char *field_sentence(struct field_job *job, const char *word);
/* Whether a CodeableConcept has this code; NULL system: any. */
bool field_has_code(const struct json *concept, const char *system, const char *code);
/* CodeableConcepts by hand: an empty one, a coding more (each code once), a row of the tables more.
 */
struct json *field_new_concept(struct field_job *job, const char *text);
void field_add_coding(struct field_job *job, struct json *concept, const char *system,
                      const char *code, const char *display);
void field_add_row(struct field_job *job, struct json *concept, const struct coding_row *row);
/* The row of a word, or NULL; WORD may be NULL. */
const struct coding_row *field_row(const struct field_job *job, const char *kind, const char *word);
struct json *field_concept_of(struct field_job *job, const struct field_codes *codes,
                              const char *word);
/* The display of a word, else the word as a sentence. */
const char *field_display(struct field_job *job, const char *kind, const char *word);
/* Back: the row of one coding; the word of a concept, whatever the order of its codings. */
const struct coding_row *field_find_row(const struct field_job *job, const char *kind,
                                        const struct json *coding);
const char *field_word_of(const struct field_job *job, const char *kind,
                          const struct json *concept);
/* Where no coding is of a word itself: the technique that alone is sent with one of them beside its
 * own code; NULL: none, or several are. */
const char *field_word_beside(const struct field_job *job, const char *kind,
                              const struct json *concept);
/* Marks of a CodeableConcept what equals EXPECTED: codings by system and code, text as a whole. */
void field_mark_concept(struct field_job *job, struct json *node, const struct json *expected);
/* The same against field_concept_of(CODES, WORD), with TEXT in the place of its text when it is not
 * NULL. */
void field_mark_word(struct field_job *job, struct json *node, const struct field_codes *codes,
                     const char *word, const char *text);
/* A body area with its side; NULL when both are NULL. And back, marking what was understood. */
struct json *field_new_site(struct field_job *job, const char *area, const char *side);
void field_read_site(struct field_job *job, struct json *node, const char **ret_area,
                     const char **ret_side);
struct json *field_new_quantity(struct field_job *job, const struct json *number, const char *unit,
                                const char *code);
/* The UCUM code of a unit as written; without a unit that of a score, count or vital sign; else
 * NULL. */
const char *field_ucum(const char *unit, const char *measure);
/* A Quantity into the members NAME and `unit`; false when it is none that we can say. */
bool field_read_quantity(struct field_job *job, struct json *node, const char *name,
                         struct json *into);

#endif
