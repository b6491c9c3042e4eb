/* export: what partners sent, as local records in records/in, and the people they named.
 *
 * The store is the truth; a file is written after the commit, synced and renamed, and then marked,
 * so a crash in between only writes it again. Blocking: runs on a pool thread. */
#ifndef GATEWAY_EXPORT_H
#define GATEWAY_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "fhir/json.h"
#include "gateway/office.h"

/* Writes every record that records/in lacks, and directory.received.csv when people were added
 * (*ret_people then is true: the setup should be read again). Returns how many records were
 * written. */
size_t export_sweep(const struct office *office, bool *ret_people);
/* FROM--KIND--RECORD_ID.json, unsafe bytes as %XX. */
const char *export_name(struct arena *arena, const char *from, const char *kind,
                        const char *number);

#endif
