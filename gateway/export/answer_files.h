/* answer_files: what partners answered (accepted, declined, started, ...), as files in records/in.
 *
 * Beside the records of export.h, and by the same rule: the store is the truth; a file is written
 * after the commit, synced and renamed, and then marked, so a crash in between only writes it
 * again, under the same name. Blocking: runs on a pool thread. */
#ifndef GATEWAY_EXPORT_ANSWER_FILES_H
#define GATEWAY_EXPORT_ANSWER_FILES_H

#include "gateway/alarm/alarm.h"
#include "gateway/data_folder/data_folder.h"

/* Writes answers that records/in lacks, a page of them; how many. NEWS gets what a person is told
 * of each, without anything of the client. */
size_t answer_files_sweep(const struct office *office, struct alarm_texts *news);

#endif
