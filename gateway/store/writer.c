/* writer: see writer.h.
 *
 * The queue is a linked list under one mutex; the writer takes the whole list at once. A loop posts
 * all it has read in one turn and wakes the writer at the end of the turn, so that groups are as
 * deep as the load and an idle gateway waits for nothing. Finished units go to their port's list
 * and the port's loop is woken once by uv_async, or to the waiting caller.
 *
 * A group is promised by store_sync, and everyone is told. The database's own commit, which readers
 * wait for, follows when no work has come for a moment, under load some times a second, and before
 * the telling when somebody called, who may be about to read. */
#include "gateway/store/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "gateway/runtime/log.h"

enum {
    GROUP_MAX = 512,
    GROUP_DEEP = 32,     /* so many need not wait for the end of the loop's turn */
    IDLE_COMMIT_MS = 10, /* without work for so long readers get to see what was promised; longer
                            than a loop's turn under load, which is no idleness */
    DAMAGE_TOLD_MS = 60 * 1000,
    ROUNDS_MAX = 16,      /* so often a group runs anew, each time with one unit left out more */
    LATE_COMMIT_MS = 100, /* under load as often as this */
    MS_NS = 1000000
};

struct unit_list {
    struct unit *first;
    struct unit **end;
    size_t count;
};

struct writer_port {
    uv_async_t async;       /* data: the port; units are finished */
    uv_prepare_t turn_ends; /* data: the port; active while it has posted in this turn */
    struct writer *writer;  /* posted to; held */
    unsigned open_handles;
    pthread_mutex_t lock;
    struct unit_list finished;
};

struct writer {
    _Atomic unsigned references; /* the starter's, and one of each port that posted */
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
    bool is_due; /* what waits is to be taken now */
    bool is_stopping;
    _Atomic bool is_closed; /* nothing new may come in */
    int64_t damage_told_ns; /* when a damaged page was logged last; 0: never */
    int64_t unseen_ns;      /* since when readers miss a promised group; 0: they see all */
    struct fault broken;    /* kind FAULT_none while the store is sound */
    bool is_full;           /* the last group found no room on the disk; the writer thread's */
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

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * MS_NS + now.tv_nsec;
}

/* What needs a damaged page is often tried again, so it is logged once a minute. */
static void tell_damage(struct writer *writer, const char *why)
{
    const struct fault fault = {FAULT_store_damaged, NULL};
    int64_t now = now_ns();
    if (writer->damage_told_ns != 0 &&
        now - writer->damage_told_ns < (int64_t)DAMAGE_TOLD_MS * MS_NS)
        return;
    writer->damage_told_ns = now;
    log_event(LOG_LEVEL_ERROR, "store-damaged", "why", why, "what", fault_sentence(&fault), NULL);
}

static void tell_alone(struct writer *writer, enum fault_kind kind)
{
    if (kind == FAULT_store_damaged)
        tell_damage(writer, store_error(writer->store));
    else
        log_event(LOG_LEVEL_ERROR, "unit-refused", "why", store_error(writer->store), NULL);
}

/* After a failure that cannot be mended nothing more is written. A page that is damaged hinders
 * what needs it, and nothing else. */
static void note_failure(struct writer *writer, const struct fault *fault)
{
    if (fault->kind == FAULT_store_damaged) {
        tell_damage(writer, fault_sentence(fault));
        return;
    }
    log_event(LOG_LEVEL_ERROR, "store-failed", "kind", fault_name(fault->kind), "why",
              fault_sentence(fault), NULL);
    if (fault->kind != FAULT_store_broken || writer->broken.kind != FAULT_none)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->broken =
        (struct fault){FAULT_store_broken, NULL}; /* the kind's sentence outlives all */
    pthread_mutex_unlock(&writer->lock);
    if (writer->on_broken != NULL)
        writer->on_broken(writer->owner, fault_sentence(fault));
}

/* Runs the units until the store stops; false when it did. */
static bool run_units(struct store *store, struct unit_list *group)
{
    if (!store_begin(store))
        return false;
    for (struct unit *unit = group->first; unit != NULL && !store_failed(store); unit = unit->next)
        run_unit(store, unit);
    store_apply(store);
    return !store_failed(store);
}

/* Why the unit that ran last fails alone; FAULT_none: it does not. */
static enum fault_kind own_fault(const struct store *store)
{
    if (store_refused(store))
        return FAULT_internal;
    return store_is_damaged(store) ? FAULT_store_damaged : FAULT_none;
}

/* Each unit so that it can be undone alone; those known to need a damaged page are left out. False:
 * there is another one, and after what SQLite said of it only a whole rollback helps. */
static bool run_each(struct writer *writer, struct unit_list *group)
{
    struct store *store = writer->store;
    store_rollback(store);
    if (!store_begin(store))
        return true;
    for (struct unit *unit = group->first; unit != NULL && !store_failed(store);
         unit = unit->next) {
        if (unit->fault.kind == FAULT_store_damaged)
            continue;
        unit->fault = (struct fault){FAULT_none, NULL};
        store_mark(store);
        bool kept = unit->run(unit, store);
        store_apply(store);
        enum fault_kind kind = own_fault(store);
        if (kind != FAULT_none) {
            tell_alone(writer, kind);
            unit->fault = (struct fault){kind, NULL};
            kept = false;
        }
        if (kind == FAULT_store_damaged)
            return false;
        if (kept)
            store_keep(store);
        else
            store_undo(store);
    }
    return true;
}

/* Where so much is damaged, what stands behind the last that failed is refused for now, too: those
 * who sent it try again. Else each of them could make all the others run once more. */
static void leave_out_untried(struct unit_list *group)
{
    struct unit *unit = group->first;
    struct unit *last = unit;
    for (; unit != NULL; unit = unit->next)
        last = unit->fault.kind == FAULT_store_damaged ? unit : last;
    for (unit = last; unit != NULL; unit = unit->next)
        unit->fault = (struct fault){FAULT_store_damaged, NULL};
}

/* One unit of the group wrote what may not be, which is a mistake of ours, or needs a page of the
 * database that is damaged. Neither is a reason to refuse the others: they run again, and only that
 * one fails. */
static void run_apart(struct writer *writer, struct unit_list *group)
{
    for (struct unit *unit = group->first; unit != NULL; unit = unit->next)
        unit->fault = (struct fault){FAULT_none, NULL};
    for (int rounds = 1; !run_each(writer, group); rounds++) { /* one is left out more */
        if (rounds == ROUNDS_MAX)
            leave_out_untried(group);
    }
}

/* Runs the group and promises it. A failure of the store fails every unit of it. */
static void run_group(struct writer *writer, struct unit_list *group)
{
    struct fault fault = writer->broken;
    if (fault.kind == FAULT_none) {
        if (!run_units(writer->store, group) && own_fault(writer->store) != FAULT_none)
            run_apart(writer, group);
        bool promised = store_sync(writer->store, &fault);
        writer->is_full = !promised && fault.kind == FAULT_store_full;
        if (promised)
            return;
        note_failure(writer, &fault);
    }
    fail_all(group, &fault);
}

/* Lets readers see what was promised. */
static void commit(struct writer *writer)
{
    struct fault fault;
    writer->unseen_ns = 0;
    if (writer->broken.kind == FAULT_none && !store_commit(writer->store, &fault))
        note_failure(writer, &fault);
}

/* ---- telling ---- */

static void tell_caller(struct writer *writer, struct unit *unit)
{
    pthread_mutex_lock(&writer->lock);
    unit->is_finished = true;
    pthread_cond_broadcast(&writer->finished);
    pthread_mutex_unlock(&writer->lock);
}

/* Hands over the units of the port of the first one; the others stay in the group. */
static void tell_port(struct unit_list *group)
{
    struct writer_port *port = group->first->port;
    struct unit_list others;
    list_empty(&others);
    pthread_mutex_lock(&port->lock);
    for (struct unit *unit = group->first; unit != NULL;) {
        struct unit *next = unit->next;
        list_add(unit->port == port ? &port->finished : &others, unit);
        unit = next;
    }
    pthread_mutex_unlock(&port->lock);
    uv_async_send(&port->async);
    *group = others;
    if (others.first == NULL)
        list_empty(group);
}

static void tell(struct writer *writer, struct unit_list *group)
{
    struct unit_list posted;
    list_empty(&posted);
    for (struct unit *unit = group->first; unit != NULL;) {
        struct unit *next = unit->next;
        if (unit->port == NULL)
            tell_caller(writer, unit);
        else
            list_add(&posted, unit);
        unit = next;
    }
    while (posted.first != NULL)
        tell_port(&posted);
}

static bool has_caller(const struct unit_list *group)
{
    const struct unit *unit = group->first;
    while (unit != NULL && unit->port != NULL)
        unit = unit->next;
    return unit != NULL;
}

/* ---- the thread ---- */

static struct timespec after(int64_t ns)
{
    int64_t at = now_ns() + ns;
    return (struct timespec){at / (1000 * MS_NS), at % (1000 * MS_NS)};
}

/* Waits until there is work; meanwhile readers get to see what they miss. Under the lock. */
static void wait_for_work(struct writer *writer)
{
    while (!writer->is_due && writer->waiting.count < GROUP_DEEP && !writer->is_stopping) {
        struct timespec until = after((int64_t)IDLE_COMMIT_MS * MS_NS);
        if (writer->unseen_ns == 0)
            pthread_cond_wait(&writer->work, &writer->lock);
        else if (pthread_cond_timedwait(&writer->work, &writer->lock, &until) != 0) {
            pthread_mutex_unlock(&writer->lock);
            commit(writer);
            pthread_mutex_lock(&writer->lock);
        }
    }
    writer->is_due = false;
}

static void count_group(struct writer *writer, size_t count)
{
    writer->figures.groups++;
    writer->figures.units += count;
    if (count > writer->figures.largest)
        writer->figures.largest = count;
    writer->figures.is_full = writer->is_full;
    histogram_add(&writer->figures.sizes, HISTOGRAM_SIZE, count);
}

static void write_group(struct writer *writer, struct unit_list *group)
{
    run_group(writer, group);
    if (writer->unseen_ns == 0)
        writer->unseen_ns = now_ns();
    if (has_caller(group))
        commit(writer);
    tell(writer, group);
    if (writer->unseen_ns != 0 && now_ns() - writer->unseen_ns > (int64_t)LATE_COMMIT_MS * MS_NS)
        commit(writer);
}

static void *write_groups(void *argument)
{
    struct writer *writer = argument;
    struct unit_list group;
    pthread_setname_np(pthread_self(), "writer");
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        wait_for_work(writer);
        if (writer->waiting.first == NULL && writer->is_stopping)
            break;
        list_take(&writer->waiting, &group, GROUP_MAX);
        writer->is_due = writer->waiting.first != NULL;
        pthread_mutex_unlock(&writer->lock);
        size_t count = group.count;
        if (count > 0)
            write_group(writer, &group);
        pthread_mutex_lock(&writer->lock);
        if (count > 0)
            count_group(writer, count);
    }
    pthread_mutex_unlock(&writer->lock);
    commit(writer);
    return NULL;
}

/* ---- life ---- */

struct writer *writer_inline(struct store *store)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->references = 1;
    writer->store = store;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
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

static void release(struct writer *writer)
{
    if (writer == NULL || atomic_fetch_sub(&writer->references, 1) > 1)
        return;
    pthread_cond_destroy(&writer->finished);
    pthread_cond_destroy(&writer->work);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
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
    release(writer);
}

/* ---- handing over ---- */

static void wake(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->is_due = true;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
}

static void on_turn_ends(uv_prepare_t *prepare)
{
    struct writer_port *port = prepare->data;
    uv_prepare_stop(prepare);
    wake(port->writer);
}

bool writer_post(struct writer *writer, struct writer_port *port, struct unit *unit)
{
    unit->port = port;
    unit->is_finished = false;
    pthread_mutex_lock(&writer->lock);
    bool taken = writer->waiting.count < writer->queue_max && !writer->is_stopping &&
                 writer->broken.kind == FAULT_none;
    if (taken) {
        list_add(&writer->waiting, unit);
        if (writer->waiting.count == GROUP_DEEP)
            pthread_cond_signal(&writer->work);
    }
    pthread_mutex_unlock(&writer->lock);
    if (taken) {
        if (port->writer == NULL) {
            atomic_fetch_add(&writer->references, 1);
            port->writer = writer;
        }
        uv_prepare_start(&port->turn_ends, on_turn_ends);
    }
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
        commit(writer);
        return unit->fault.kind == FAULT_none;
    }
    pthread_mutex_lock(&writer->lock);
    list_add(&writer->waiting, unit);
    writer->is_due = true;
    pthread_cond_signal(&writer->work);
    while (!unit->is_finished)
        pthread_cond_wait(&writer->finished, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
    return unit->fault.kind == FAULT_none;
}

static bool do_nothing(struct unit *unit, struct store *store)
{
    (void)unit;
    (void)store;
    return true;
}

void writer_settle(struct writer *writer)
{
    struct arena arena = ARENA_EMPTY;
    struct unit unit = {.run = do_nothing, .arena = &arena, .is_written_late = true};
    if (writer->has_thread)
        writer_call(writer, &unit);
    arena_free(&arena);
}

void writer_set_open(struct writer *writer, bool open)
{
    writer->is_closed = !open;
}

bool writer_is_open(const struct writer *writer)
{
    return !writer->is_closed;
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
    port->turn_ends.data = port;
    if (uv_async_init(loop, &port->async, on_finished) != 0) {
        free(port);
        return NULL;
    }
    uv_prepare_init(loop, &port->turn_ends);
    port->open_handles = 2;
    return port;
}

static void on_port_closed(uv_handle_t *handle)
{
    struct writer_port *port = handle->data;
    if (--port->open_handles > 0)
        return;
    release(port->writer);
    pthread_mutex_destroy(&port->lock);
    free(port);
}

void writer_port_close(struct writer_port *port)
{
    if (uv_is_active((uv_handle_t *)&port->turn_ends))
        wake(port->writer);
    uv_close((uv_handle_t *)&port->async, on_port_closed);
    uv_close((uv_handle_t *)&port->turn_ends, on_port_closed);
}

struct writer_figures writer_figures(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    struct writer_figures figures = writer->figures;
    figures.waiting = writer->waiting.count;
    pthread_mutex_unlock(&writer->lock);
    return figures;
}
