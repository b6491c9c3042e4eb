/* answer_files: what partners answered (accepted, declined, started, ...), as files in records/in.
 *
 * Beside the records of export.h, and by the same rule: the store is the truth; a file is written
 * after the commit, synced and renamed, and then marked, so a crash in between only writes it
 * again, under the same name. Blocking: runs on a pool thread. */
#ifndef GATEWAY_ANSWER_FILES_H
#define GATEWAY_ANSWER_FILES_H

#include "base/arena.h"
#include "gateway/office.h"

/* For notify_command: what a person is told, without anything of the client. */
struct answer_notice {
    const char *partner, *referral, *move;
    const char *sentence; /* "willow declined referral R-1: No capacity" */
};

/* Writes answers that records/in lacks, a page of them; how many, and a notice of each, in the
 * arena. */
size_t answer_files_sweep(const struct office *office, struct arena *arena,
                          struct answer_notice **ret_notices);

#endif
