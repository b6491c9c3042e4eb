/* profiles: the StructureDefinitions of a folder (DIR/profiles/), for validation beyond the base.
 * Blocking: read at start, at reload and by `validate`. */
#ifndef GATEWAY_SETUP_PROFILES_H
#define GATEWAY_SETUP_PROFILES_H

#include "base/arena.h"
#include "base/finding.h"
#include "fhir/validate/profile.h"

/* Every *.json of FOLDER, by name; NULL when there is no such folder. What is wrong with a file, or
 * with a profile, becomes a finding and stays out. */
struct profile_set *profiles_load(struct arena *arena, const char *folder,
                                  struct finding_list *findings);

#endif
