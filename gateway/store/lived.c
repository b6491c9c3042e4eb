/* lived: see lived.h. One row of meta, `lived`, holds lived time and the wall clock beside it. It
 * is written with a commit that comes anyway, not more than once a minute; what a crash takes from
 * it counts as time between two processes. */
#include "gateway/store/lived.h"

#include <stdio.h>

#include "gateway/runtime/clock.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum { NOTE_MS = 60 * 1000 };

static const char note_sql[] = "INSERT INTO meta (key, value) VALUES ('lived', ?1) "
                               "ON CONFLICT (key) DO UPDATE SET value=?1";

static int64_t monotonic_ms(void)
{
    struct clock clock = clock_system();
    return clock_monotonic_ms(&clock);
}

static int64_t wall_ms(void)
{
    struct clock clock = clock_system();
    return clock_wall_ms(&clock);
}

static int64_t within(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value < most ? value : most;
}

void sqlite_start_living(struct store *store)
{
    struct arena arena = ARENA_EMPTY;
    const char **notes;
    long long lived;
    long long wall;
    int64_t now_ms = wall_ms();
    store->lived = (struct sqlite_lived){.from_ms = now_ms, .opened_ms = monotonic_ms()};
    size_t count =
        sqlite_texts(store, &arena, &notes, "SELECT value FROM meta WHERE key='lived'", "");
    if (count == 1 && sscanf(notes[0], "%lld %lld", &lived, &wall) == 2) {
        store->lived.from_ms = lived + within(now_ms - wall, LIVED_GAP_MAX_MS);
        store->lived.set_back_ms = within(wall - now_ms, INT64_MAX);
    }
    arena_free(&arena);
}

int64_t store_lived_ms(const struct store *store)
{
    return store->lived.from_ms + monotonic_ms() - store->lived.opened_ms;
}

int64_t store_clock_set_back_ms(const struct store *store)
{
    return store->lived.set_back_ms;
}

void store_let_live(struct store *store, int64_t ms)
{
    store->lived.from_ms += ms;
    store->lived.noted_ms = 0;
}

void sqlite_note_lived(struct store *store)
{
    char note[64];
    int64_t lived_ms = store_lived_ms(store);
    if (store->lived.noted_ms != 0 && lived_ms - store->lived.noted_ms < NOTE_MS)
        return;
    sqlite3_stmt *statement = sqlite_statement(store, note_sql);
    if (statement == NULL)
        return;
    snprintf(note, sizeof note, "%lld %lld", (long long)lived_ms, (long long)wall_ms());
    sqlite3_bind_text(statement, 1, note, -1, SQLITE_STATIC);
    sqlite_step(store, statement);
    sqlite_finish(statement);
    store->lived.noted_ms = lived_ms;
}
