/* retention: finds what has been kept for long enough and lets go of it, slice by slice. See
 * retention.h.
 *
 * A slice reads beside the writer and asks it to let go of a few rows; the walk goes on where the
 * last slice ended. */
#include "gateway/maintenance/retention.h"

#include "gateway/runtime/log.h"
#include "gateway/store/store.h"

enum { PAGE = 512, ITEMS_A_UNIT = 32, SQUEEZE_MAX = 12, WAITING_MAX = 64 };

static const int64_t day_ms = 86400 * 1000;

struct letting_go {
    struct unit unit;
    const struct store_ages *ages;
    const struct store_old *old;
    size_t count;
};

static bool let_go(struct unit *unit, struct store *store)
{
    struct letting_go *letting_go = (struct letting_go *)unit;
    for (size_t i = 0; i < letting_go->count; i++)
        store_let_go(store, unit->arena, letting_go->ages, &letting_go->old[i]);
    return true;
}

static struct store_ages ages_of(const struct retention *retention, const struct setup *setup,
                                 const struct store *reader)
{
    const struct config *config = &setup->config;
    int64_t now_ms = store_lived_ms(reader);
    int64_t payload_ms = (int64_t)config->payload_days * day_ms >> retention->squeeze;
    int64_t row_ms = (int64_t)config->ledger_days * day_ms;
    return (struct store_ages){.payload_before_ms = now_ms - payload_ms,
                               .row_before_ms =
                                   now_ms - (row_ms > payload_ms ? row_ms : payload_ms)};
}

static void count(struct retention *retention, const struct store_old *old, size_t items)
{
    for (size_t i = 0; i < items; i++) {
        if (old[i].kind == STORE_OLD_ROW)
            retention->removed_rows++;
        else if (old[i].kind == STORE_OLD_PAYLOAD)
            retention->removed_bodies++;
        else
            retention->moved++;
    }
}

/* Between two units of ours the writer may have others: none of them waits for more than one. */
static bool let_all_go(struct retention *retention, const struct office *office,
                       const struct store_ages *ages, const struct store_old *old, size_t items)
{
    struct arena arena = ARENA_EMPTY;
    bool done = true;
    for (size_t i = 0; done && i < items; i += ITEMS_A_UNIT) {
        size_t some = items - i < ITEMS_A_UNIT ? items - i : ITEMS_A_UNIT;
        struct letting_go unit = {
            .unit.run = let_go, .unit.arena = &arena, .ages = ages, .old = old + i, .count = some};
        done = writer_call(office->writer, &unit.unit);
        if (done)
            count(retention, old + i, some);
        arena_reset(&arena);
    }
    arena_free(&arena);
    return done;
}

/* ---- space ---- */

struct freeing {
    struct unit unit;
    uint32_t below;
    int64_t early_before_ms;
    bool has_freed, has_shrunk, has_dropped;
};

static bool give_back(struct unit *unit, struct store *store)
{
    struct freeing *freeing = (struct freeing *)unit;
    freeing->has_freed = store_free_segment(store, freeing->below);
    freeing->has_shrunk = store_shrink(store);
    freeing->has_dropped = store_drop_early_cancels(store, freeing->early_before_ms);
    freeing->has_dropped |= store_drop_early_retractions(store, freeing->early_before_ms);
    return true;
}

static bool free_space(struct retention *retention, const struct office *office,
                       const struct store *reader)
{
    struct arena arena = ARENA_EMPTY;
    struct freeing freeing = {.unit.run = give_back,
                              .unit.arena = &arena,
                              .below = retention->free_below,
                              .early_before_ms =
                                  ages_of(retention, office->setup, reader).row_before_ms};
    bool done = writer_call(office->writer, &freeing.unit);
    arena_free(&arena);
    retention->segments += done && freeing.has_freed;
    return done && (freeing.has_freed || freeing.has_shrunk || freeing.has_dropped);
}

/* ---- one slice ---- */

/* The store is still too large after everything of this age has gone: half the age next time. */
static void judge_size(struct retention *retention, const struct setup *setup, struct store *reader)
{
    uint64_t most = setup->config.store_max_bytes;
    uint64_t bytes = store_bytes(reader);
    if (most == 0 || bytes < most - most / 8)
        retention->squeeze = 0;
    else if (bytes > most && retention->squeeze < SQUEEZE_MAX)
        retention->squeeze++;
}

static bool walk(struct retention *retention, const struct office *office, struct store *reader,
                 struct arena *arena)
{
    struct store_ages ages = ages_of(retention, office->setup, reader);
    struct store_old *old;
    size_t items = store_find_old(reader, arena, &ages, PAGE, &retention->sweep, &old);
    if (!let_all_go(retention, office, &ages, old, items))
        return false;
    if (!retention->sweep.is_done)
        return true;
    retention->is_walk_over = true;
    retention->free_below = store_first_segment(reader);
    return true;
}

static void end_walk(struct retention *retention, const struct setup *setup, struct store *reader)
{
    judge_size(retention, setup, reader);
    retention->sweep = (struct store_sweep){.message = 0};
    retention->is_walk_over = false;
}

static bool slice(struct retention *retention, const struct office *office, struct store *reader,
                  struct arena *arena)
{
    unsigned squeeze = retention->squeeze;
    if (!retention->is_walk_over)
        return walk(retention, office, reader, arena);
    if (free_space(retention, office, reader))
        return true;
    end_walk(retention, office->setup, reader);
    return retention->squeeze > squeeze;
}

bool retention_slice(struct retention *retention, const struct office *office)
{
    struct arena arena = ARENA_EMPTY;
    struct store *reader;
    struct fault fault;
    if (writer_figures(office->writer).waiting > WAITING_MAX)
        return true; /* the gateway has better things to do just now */
    if (!office_reader(office, &arena, &reader, &fault)) {
        log_event(LOG_LEVEL_WARNING, "retention", "why", fault_sentence(&fault), NULL);
        arena_free(&arena);
        return false;
    }
    bool has_more = slice(retention, office, reader, &arena);
    store_close(reader);
    arena_free(&arena);
    return has_more;
}
