/* deadline: see deadline.h. */
#include "gateway/listener/deadline.h"

#include <stddef.h>

void deadline_queue_init(struct deadline_queue *queue, uint64_t limit_ms)
{
    queue->ring = (struct deadline){&queue->ring, &queue->ring, queue, 0};
    queue->limit_ms = limit_ms;
}

void deadline_end(struct deadline *deadline)
{
    if (deadline->after == NULL)
        return;
    deadline->before->after = deadline->after;
    deadline->after->before = deadline->before;
    deadline->before = deadline->after = NULL;
    deadline->queue = NULL;
}

void deadline_start(struct deadline *deadline, struct deadline_queue *queue, uint64_t now_ms)
{
    deadline_end(deadline);
    struct deadline *last = queue->ring.before;
    *deadline = (struct deadline){last, &queue->ring, queue, now_ms};
    last->after = deadline;
    queue->ring.before = deadline;
}

struct deadline *deadline_first(const struct deadline_queue *queue)
{
    return queue->ring.after == &queue->ring ? NULL : queue->ring.after;
}

struct deadline *deadline_next(const struct deadline *deadline)
{
    return deadline->after == &deadline->queue->ring ? NULL : deadline->after;
}

struct deadline *deadline_due(const struct deadline_queue *queue, uint64_t now_ms)
{
    return deadline_left(queue, now_ms) == 0 ? queue->ring.after : NULL;
}

uint64_t deadline_left(const struct deadline_queue *queue, uint64_t now_ms)
{
    const struct deadline *first = deadline_first(queue);
    if (first == NULL)
        return UINT64_MAX;
    uint64_t end_ms = first->since_ms + queue->limit_ms;
    return end_ms <= now_ms ? 0 : end_ms - now_ms;
}
