/* directory: the people, clinics and partner systems that directory.csv explains once.
 *
 * Read at start, at reload and by commands; looked up by record checks, mapping, consent and
 * admission. What partners say of people and clinics is never in it until a person of ours has
 * confirmed it (directory_join). Pure: takes text, not files. Entries live in the arena given and
 * never change; any thread may ask once all is read. */
#ifndef FHIR_RECORD_DIRECTORY_H
#define FHIR_RECORD_DIRECTORY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/finding.h"

struct directory_entry {
    const char *handle;                    /* short name; of a stranger "npi:" and ten digits */
    bool is_person;                        /* else a clinic */
    const char *name;                      /* as shown */
    const char *given_names, *family_name; /* NULL when not given */
    const char *profession;                /* key of codes.csv, kind specialty; or NULL */
    const char *npi;                       /* ten digits, or NULL */
    const char *works_at;                  /* handle of a clinic, or NULL */
    const char *phone, *email;
    const char *partner; /* as written: a partner name, "self", or NULL */
};

struct directory; /* owned by its arena */

struct directory *directory_new(struct arena *arena);
/* Adds the rows of one CSV text (columns: handle, kind, name, given_names, family_name, profession,
 * npi, works_at, phone, email, partner). Faulty rows become findings and are left out. */
void directory_read(struct directory *directory, const char *csv, size_t length, const char *file,
                    struct finding_list *findings);
/* Adds one person or clinic, whose texts live as long as the directory, behind the rows of
 * directory.csv, which win: an entry whose handle or NPI is there already is left out. So is what
 * no row of the file may hold. A clinic that is not known is left out of `works_at`, so clinics
 * join first. NULL when it joined, else why not, in words. */
const char *directory_join(struct directory *directory, const struct directory_entry *entry);
/* From now on ALIAS finds the entry that HANDLE finds. False: HANDLE finds none, or ALIAS is the
 * handle of another. */
bool directory_alias(struct directory *directory, const char *alias, const char *handle);
/* By handle; "npi:N" finds the entry with that NPI; else by alias. NULL: unknown. */
const struct directory_entry *directory_find(const struct directory *directory, const char *handle);
/* The same, but a right NPI that no row has makes a stranger: a person in ARENA of whom no more is
 * known. Two calls make two; they are the same person when their handles are. */
const struct directory_entry *directory_meet(const struct directory *directory, struct arena *arena,
                                             const char *handle);
const struct directory_entry *directory_find_npi(const struct directory *directory,
                                                 const char *npi);
/* The clinic of an entry: itself, or where the person works; NULL when neither is known. */
const struct directory_entry *directory_clinic(const struct directory *directory,
                                               const struct directory_entry *entry);
/* Handle of the clinic of HANDLE (itself for a clinic), or NULL. */
const char *directory_clinic_handle(const struct directory *directory, const char *handle);
/* The partner system that serves an entry seen from the clinic OUR (contract of `org`): NULL when
 * it is our own or unknown. `self` on another row means the partner named by its handle; a person
 * inherits the partner of works_at. */
const char *directory_partner(const struct directory *directory,
                              const struct directory_entry *entry, const char *our);
/* The known handle nearest to WORD, or NULL. */
const char *directory_nearest(const struct directory *directory, const char *word);
size_t directory_count(const struct directory *directory);
const struct directory_entry *directory_at(const struct directory *directory, size_t index);
/* Ten digits with a right check digit (Luhn over 80840 + NPI; CMS NPI standard). */
bool directory_npi_valid(const char *npi);

#endif
