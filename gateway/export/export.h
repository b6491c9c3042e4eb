/* export: what partners sent, as local records in records/in.
 *
 * The store is the truth; a file is written after the commit, synced and renamed, and then marked,
 * so a crash in between only writes it again. Blocking: runs on a pool thread. */
#ifndef GATEWAY_EXPORT_EXPORT_H
#define GATEWAY_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "fhir/json/json.h"
#include "gateway/alarm/alarm.h"
#include "gateway/data_folder/data_folder.h"

/* Writes records that records/in lacks, a page of them. Returns how many were written. NEWS gets
 * what a person is told of each, without anything of the client. */
size_t export_sweep(const struct office *office, struct alarm_texts *news);
/* FROM--KIND--RECORD_ID.json, unsafe bytes as %XX. */
const char *export_name(struct arena *arena, const char *from, const char *kind,
                        const char *number);

#endif
