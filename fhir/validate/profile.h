/* profile: further StructureDefinitions (US Core, BSeR, a partner's own) laid over the definitions.
 *
 * The gateway reads the JSON files of a folder and hands over their texts; the validator checks
 * resources against the profiles asked for, or that meta.profile names. A set is filled once,
 * linked once, and then constant: any number of validators may use it, each in its thread.
 * Everything lives in the set's arena. Differentials are used where there are some, else snapshots;
 * a profile of a profile needs both in the set (https://hl7.org/fhir/R4/profiling.html). */
#ifndef FHIR_VALIDATE_PROFILE_H
#define FHIR_VALIDATE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/finding.h"

struct profile_set;
struct profile;

struct profile_set *profile_set_new(struct arena *arena);
/* Adds one JSON text: a StructureDefinition, a ValueSet that profiles bind to, or a Bundle of them;
 * other resources are passed over. The text is copied. False, with findings, when it cannot be
 * read. */
bool profile_set_add(struct profile_set *set, const char *text, size_t length, const char *file,
                     struct finding_list *findings);
/* After the last file: lays each profile over its base. Profiles whose base is missing, or whose
 * rules cannot be compiled, become findings and stay out. */
void profile_set_link(struct profile_set *set, struct finding_list *findings);

size_t profile_set_count(const struct profile_set *set);
const struct profile *profile_at(const struct profile_set *set, size_t index);
/* By canonical URL, with or without |version; NULL: not in the set. */
const struct profile *profile_find(const struct profile_set *set, const char *url);
const char *profile_url(const struct profile *profile);
const char *profile_type(const struct profile *profile); /* "ServiceRequest" */

#endif
