/* job: work on libuv's thread pool that never runs twice at once; asked for again meanwhile, it
 * runs once more. Used by gateway.c and care.c for what blocks: reading folders, files, lists.
 * Belongs to one loop; run() alone is on a pool thread. */
#ifndef GATEWAY_JOB_H
#define GATEWAY_JOB_H

#include <stdbool.h>
#include <uv.h>

#include "gateway/office.h"

struct job {
    void (*run)(struct job *job);  /* on a pool thread */
    void (*done)(struct job *job); /* on the loop; NULL: nothing. Not after job_close() */
    void (*ended)(void *owner);    /* on the loop, last of all: the owner may go now */
    void *owner;
    struct uv_loop_s *loop;
    const struct office *from; /* copied for each run */
    struct office office;      /* of this run; its setup is held until it ended */
    uv_work_t work;
    bool is_running, is_wanted, is_closed;
};

void job_start(struct job *job);
/* It is not started any more; while is_running it ends by itself. */
void job_close(struct job *job);

#endif
