/* refusals: callers that were refused, one row of the audit for each kind. See refusals.h.
 *
 * A small fixed table, as strangers fill it: what finds no row in it is counted only. The writer
 * takes the whole table under the lock and leaves it empty, so that noting never waits for a
 * commit. */
#include "gateway/maintenance/refusals.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/audit/audit.h"

enum { REFUSALS_MAX = 16 }; /* different ones, between two notes */

struct refusal {
    enum verdict verdict;
    char claimed[TRUST_NAME_MAX + 1];
    char serial[VERIFY_SERIAL_TEXT];
    unsigned long long count;
};

struct refused {
    struct refusal items[REFUSALS_MAX];
    size_t count;
    unsigned long long others; /* that found no row */
};

struct refusals {
    pthread_mutex_t lock; /* of the rest */
    struct refused waiting;
};

struct refusals *refusals_new(void)
{
    struct refusals *refusals = calloc(1, sizeof *refusals);
    if (refusals != NULL)
        pthread_mutex_init(&refusals->lock, NULL);
    return refusals;
}

void refusals_free(struct refusals *refusals)
{
    if (refusals == NULL)
        return;
    pthread_mutex_destroy(&refusals->lock);
    free(refusals);
}

static void count_one(struct refused *waiting, const struct verify_peer *peer)
{
    size_t at = 0;
    while (at < waiting->count && (waiting->items[at].verdict != peer->verdict ||
                                   strcmp(waiting->items[at].claimed, peer->claimed) != 0))
        at++;
    if (at == REFUSALS_MAX) {
        waiting->others++;
        return;
    }
    struct refusal *item = &waiting->items[at];
    if (at == waiting->count) {
        *item = (struct refusal){.verdict = peer->verdict};
        memcpy(item->claimed, peer->claimed, sizeof item->claimed);
        memcpy(item->serial, peer->serial, sizeof item->serial);
        waiting->count++;
    }
    item->count++;
}

void refusals_note(struct refusals *refusals, const struct verify_peer *peer)
{
    pthread_mutex_lock(&refusals->lock);
    count_one(&refusals->waiting, peer);
    pthread_mutex_unlock(&refusals->lock);
}

bool refusals_wait(struct refusals *refusals)
{
    pthread_mutex_lock(&refusals->lock);
    bool wait = refusals->waiting.count > 0;
    pthread_mutex_unlock(&refusals->lock);
    return wait;
}

/* ---- rows of the audit ---- */

struct noting {
    struct unit unit;
    const struct refused *refused;
    int64_t at_ms;
};

static bool write_rows(struct unit *unit, struct store *store)
{
    struct noting *noting = (struct noting *)unit;
    const struct refused *refused = noting->refused;
    for (size_t i = 0; i < refused->count; i++) {
        const struct refusal *item = &refused->items[i];
        audit_add(store, noting->at_ms, "caller-refused", NULL, item->serial,
                  arena_print(unit->arena, "%s, %llu times%s%s", verdict_name(item->verdict),
                              item->count, *item->claimed == '\0' ? "" : ", it calls itself ",
                              item->claimed));
    }
    if (refused->others > 0)
        audit_add(store, noting->at_ms, "caller-refused", NULL, NULL,
                  arena_print(unit->arena, "others, %llu times", refused->others));
    return true;
}

void refusals_write(struct refusals *refusals, struct writer *writer, int64_t at_ms)
{
    struct arena arena = ARENA_EMPTY;
    struct refused *taken = arena_alloc(&arena, sizeof *taken);
    pthread_mutex_lock(&refusals->lock);
    *taken = refusals->waiting;
    refusals->waiting.count = 0;
    refusals->waiting.others = 0;
    pthread_mutex_unlock(&refusals->lock);
    struct noting noting = {
        .unit.run = write_rows, .unit.arena = &arena, .refused = taken, .at_ms = at_ms};
    if (taken->count > 0)
        writer_call(writer, &noting.unit);
    arena_free(&arena);
}
