/* writer: see writer.h.
 *
 * The queue is a linked list under one mutex; the writer takes the whole list at once. Finished
 * units go to their port's list and the port's loop is woken by uv_async, or to the waiting caller.
 */
#include "gateway/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include "gateway/log.h"

enum { GROUP_MAX = 512 };

struct unit_list {
    struct unit *first;
    struct unit **end;
    size_t count;
};

struct writer_port {
    uv_async_t async; /* data: the port */
    pthread_mutex_t lock;
    struct unit_list finished;
};

struct writer {
    struct store *store;
    size_t queue_max;
    void (*on_broken)(void *owner, const char *why);
    void *owner;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;     /* units wait, or stopping */
    pthread_cond_t finished; /* some called unit is done */
    struct unit_list waiting;
    bool is_stopping;
    struct fault broken; /* kind FAULT_none while the store is sound */
    bool is_full;        /* the last group found no room on the disk; the writer thread's */
    struct writer_figures figures;
};

static void list_empty(struct unit_list *list)
{
    list->first = NULL;
    list->end = &list->first;
    list->count = 0;
}

static void list_add(struct unit_list *list, struct unit *unit)
{
    unit->next = NULL;
    *list->end = unit;
    list->end = &unit->next;
    list->count++;
}

/* Moves up to COUNT units from the front of FROM into TO, which is empty. */
static void list_take(struct unit_list *from, struct unit_list *to, size_t count)
{
    list_empty(to);
    while (from->first != NULL && to->count < count) {
        struct unit *unit = from->first;
        from->first = unit->next;
        from->count--;
        list_add(to, unit);
    }
    if (from->first == NULL)
        list_empty(from);
}

/* ---- one group ---- */

static void run_unit(struct store *store, struct unit *unit)
{
    unit->fault = (struct fault){FAULT_none, NULL};
    if (!unit->is_written_late)
        store_mark(store);
    bool kept = unit->run(unit, store);
    if (unit->is_written_late)
        return;
    if (kept)
        store_keep(store);
    else
        store_undo(store);
}

static void fail_all(struct unit_list *group, const struct fault *fault)
{
    for (struct unit *unit = group->first; unit != NULL; unit = unit->next)
        unit->fault = (struct fault){fault->kind, arena_copy(unit->arena, fault_sentence(fault))};
}

/* Runs the group as one transaction. A failure of the store fails every unit of it. */
static void run_group(struct writer *writer, struct unit_list *group)
{
    struct fault fault = writer->broken;
    if (fault.kind == FAULT_none) {
        store_begin(writer->store);
        for (struct unit *unit = group->first; unit != NULL; unit = unit->next)
            run_unit(writer->store, unit);
        bool committed = store_commit(writer->store, &fault);
        writer->is_full = !committed && fault.kind == FAULT_store_full;
        if (committed)
            return;
        log_event(LOG_LEVEL_ERROR, "store-failed", "kind", fault_name(fault.kind), "why",
                  fault_sentence(&fault), NULL);
    }
    fail_all(group, &fault);
    if (fault.kind != FAULT_store_broken || writer->broken.kind != FAULT_none)
        return;
    writer->broken =
        (struct fault){FAULT_store_broken, NULL}; /* the kind's sentence outlives all */
    if (writer->on_broken != NULL)
        writer->on_broken(writer->owner, fault_sentence(&fault));
}

static void tell(struct writer *writer, struct unit_list *group)
{
    for (struct unit *unit = group->first; unit != NULL;) {
        struct unit *next = unit->next;
        struct writer_port *port = unit->port;
        if (port == NULL) {
            pthread_mutex_lock(&writer->lock);
            unit->is_finished = true;
            pthread_cond_broadcast(&writer->finished);
            pthread_mutex_unlock(&writer->lock);
        } else {
            pthread_mutex_lock(&port->lock);
            list_add(&port->finished, unit);
            pthread_mutex_unlock(&port->lock);
            uv_async_send(&port->async);
        }
        unit = next;
    }
}

static void *write_groups(void *argument)
{
    struct writer *writer = argument;
    struct unit_list group;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->waiting.first == NULL && !writer->is_stopping)
            pthread_cond_wait(&writer->work, &writer->lock);
        if (writer->waiting.first == NULL)
            break;
        list_take(&writer->waiting, &group, GROUP_MAX);
        pthread_mutex_unlock(&writer->lock);
        run_group(writer, &group);
        size_t count = group.count;
        tell(writer, &group);
        pthread_mutex_lock(&writer->lock);
        writer->figures.groups++;
        writer->figures.units += count;
        if (count > writer->figures.largest)
            writer->figures.largest = count;
        writer->figures.is_full = writer->is_full;
        histogram_add(&writer->figures.sizes, HISTOGRAM_SIZE, count);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* ---- life ---- */

struct writer *writer_inline(struct store *store)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->store = store;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->work, NULL);
    pthread_cond_init(&writer->finished, NULL);
    list_empty(&writer->waiting);
    return writer;
}

struct writer *writer_start(struct store *store, size_t queue_max,
                            void (*on_broken)(void *owner, const char *why), void *owner)
{
    struct writer *writer = writer_inline(store);
    if (writer == NULL)
        return NULL;
    writer->queue_max = queue_max;
    writer->on_broken = on_broken;
    writer->owner = owner;
    writer->has_thread = pthread_create(&writer->thread, NULL, write_groups, writer) == 0;
    if (!writer->has_thread) {
        writer_stop(writer);
        return NULL;
    }
    return writer;
}

void writer_stop(struct writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->has_thread) {
        pthread_mutex_lock(&writer->lock);
        writer->is_stopping = true;
        pthread_cond_signal(&writer->work);
        pthread_mutex_unlock(&writer->lock);
        pthread_join(writer->thread, NULL);
    }
    pthread_cond_destroy(&writer->finished);
    pthread_cond_destroy(&writer->work);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

/* ---- handing over ---- */

bool writer_post(struct writer *writer, struct writer_port *port, struct unit *unit)
{
    unit->port = port;
    unit->is_finished = false;
    pthread_mutex_lock(&writer->lock);
    bool taken = writer->waiting.count < writer->queue_max && !writer->is_stopping &&
                 writer->broken.kind == FAULT_none;
    if (taken) {
        list_add(&writer->waiting, unit);
        if (writer->waiting.count == 1)
            pthread_cond_signal(&writer->work);
    }
    pthread_mutex_unlock(&writer->lock);
    return taken;
}

bool writer_call(struct writer *writer, struct unit *unit)
{
    unit->port = NULL;
    unit->is_finished = false;
    unit->next = NULL;
    if (!writer->has_thread) {
        struct unit_list group;
        list_empty(&group);
        list_add(&group, unit);
        run_group(writer, &group);
        return unit->fault.kind == FAULT_none;
    }
    pthread_mutex_lock(&writer->lock);
    list_add(&writer->waiting, unit);
    pthread_cond_signal(&writer->work);
    while (!unit->is_finished)
        pthread_cond_wait(&writer->finished, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
    return unit->fault.kind == FAULT_none;
}

/* ---- ports ---- */

static void on_finished(uv_async_t *async)
{
    struct writer_port *port = async->data;
    struct unit_list units;
    pthread_mutex_lock(&port->lock);
    list_take(&port->finished, &units, SIZE_MAX);
    pthread_mutex_unlock(&port->lock);
    for (struct unit *unit = units.first; unit != NULL;) {
        struct unit *next = unit->next; /* done() may free the unit */
        unit->done(unit);
        unit = next;
    }
}

struct writer_port *writer_port_open(struct uv_loop_s *loop)
{
    struct writer_port *port = calloc(1, sizeof *port);
    if (port == NULL)
        return NULL;
    list_empty(&port->finished);
    pthread_mutex_init(&port->lock, NULL);
    port->async.data = port;
    if (uv_async_init(loop, &port->async, on_finished) != 0) {
        free(port);
        return NULL;
    }
    return port;
}

static void on_port_closed(uv_handle_t *handle)
{
    struct writer_port *port = handle->data;
    pthread_mutex_destroy(&port->lock);
    free(port);
}

void writer_port_close(struct writer_port *port)
{
    uv_close((uv_handle_t *)&port->async, on_port_closed);
}

struct writer_figures writer_figures(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    struct writer_figures figures = writer->figures;
    figures.waiting = writer->waiting.count;
    pthread_mutex_unlock(&writer->lock);
    return figures;
}
