/* job: see job.h. */
#include "gateway/job.h"

static void on_work(uv_work_t *work)
{
    struct job *job = work->data;
    job->run(job);
}

static void on_worked(uv_work_t *work, int status)
{
    struct job *job = work->data;
    (void)status;
    job->is_running = false;
    if (job->done != NULL && !job->is_closed)
        job->done(job);
    setup_release(job->office.setup);
    if (job->is_wanted)
        job_start(job);
    if (job->ended != NULL)
        job->ended(job->owner);
}

void job_start(struct job *job)
{
    job->is_wanted = job->is_running;
    if (job->is_running || job->is_closed)
        return;
    job->work.data = job;
    job->office = *job->from;
    setup_hold(job->office.setup);
    job->is_running = uv_queue_work(job->loop, &job->work, on_work, on_worked) == 0;
    if (!job->is_running)
        setup_release(job->office.setup);
}

void job_close(struct job *job)
{
    job->is_closed = true;
}
