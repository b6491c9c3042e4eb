/* checkpoint: copying the write-ahead log into the database, off the commit path.
 *
 * A thread of its own with a connection of its own does it whenever the log has grown by some
 * megabytes; it never holds up the writer (PASSIVE). The log can only start over when nothing of it
 * is left to copy, so the thread copies what came meanwhile, too, again and again: the last time it
 * is so little that it is done between two commits of a busy writer. Should that never come about,
 * the log is long in the end, and the writer copies the small rest itself. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/runtime/log.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum {
    PAGES_TO_WAKE = 2000,  /* 8 MB */
    PAGES_TO_TURN = 16000, /* 64 MB */
    PASSES = 5
};

struct checkpointer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    char path[PATH_MAX];
    bool is_wanted, is_working, is_stopping;
    int pages;      /* of the log, as of the last commit; the writer's */
    int pages_done; /* of the log that the thread copied at last */
};

static void copy(struct checkpointer *checkpointer)
{
    sqlite3 *database = NULL;
    int length = 0;
    int done = 0;
    int before = -1;
    int code = sqlite3_open_v2(checkpointer->path, &database,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(database, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    for (int pass = 0; code == SQLITE_OK && pass < PASSES && done > before; pass++) {
        before = done;
        code = sqlite3_wal_checkpoint_v2(database, NULL, SQLITE_CHECKPOINT_PASSIVE, &length, &done);
    }
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        log_event(LOG_LEVEL_WARNING, "checkpoint", "why", sqlite3_errstr(code), NULL);
    sqlite3_close(database);
    pthread_mutex_lock(&checkpointer->lock);
    checkpointer->pages_done = done;
    pthread_mutex_unlock(&checkpointer->lock);
}

static void *work(void *argument)
{
    struct checkpointer *checkpointer = argument;
    pthread_setname_np(pthread_self(), "checkpoint");
    pthread_mutex_lock(&checkpointer->lock);
    for (;;) {
        while (!checkpointer->is_wanted && !checkpointer->is_stopping)
            pthread_cond_wait(&checkpointer->work, &checkpointer->lock);
        if (checkpointer->is_stopping)
            break;
        checkpointer->is_wanted = false;
        checkpointer->is_working = true;
        pthread_mutex_unlock(&checkpointer->lock);
        copy(checkpointer);
        pthread_mutex_lock(&checkpointer->lock);
        checkpointer->is_working = false;
    }
    pthread_mutex_unlock(&checkpointer->lock);
    return NULL;
}

/* Called by SQLite after each commit, on the store's thread. */
static int on_commit(void *owner, sqlite3 *database, const char *name, int pages)
{
    struct checkpointer *checkpointer = owner;
    (void)database;
    (void)name;
    checkpointer->pages = pages;
    return SQLITE_OK;
}

struct checkpointer *checkpointer_start(struct store *store)
{
    struct checkpointer *checkpointer = calloc(1, sizeof *checkpointer);
    if (checkpointer == NULL)
        return NULL;
    snprintf(checkpointer->path, sizeof checkpointer->path, "%s", store->path);
    pthread_mutex_init(&checkpointer->lock, NULL);
    pthread_cond_init(&checkpointer->work, NULL);
    if (pthread_create(&checkpointer->thread, NULL, work, checkpointer) != 0) {
        free(checkpointer);
        return NULL;
    }
    sqlite3_wal_hook(store->database, on_commit, checkpointer); /* in place of SQLite's own rule */
    return checkpointer;
}

void checkpointer_look(struct checkpointer *checkpointer, struct store *store)
{
    pthread_mutex_lock(&checkpointer->lock);
    int pages = checkpointer->pages;
    if (pages < checkpointer->pages_done)
        checkpointer->pages_done = 0; /* the log has started over */
    bool is_idle = !checkpointer->is_working && !checkpointer->is_wanted;
    bool has_much = pages - checkpointer->pages_done >= PAGES_TO_WAKE;
    if (is_idle && has_much) {
        checkpointer->is_wanted = true;
        pthread_cond_signal(&checkpointer->work);
    }
    pthread_mutex_unlock(&checkpointer->lock);
    if (is_idle && !has_much && pages >= PAGES_TO_TURN)
        sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void checkpointer_stop(struct checkpointer *checkpointer)
{
    if (checkpointer == NULL)
        return;
    pthread_mutex_lock(&checkpointer->lock);
    checkpointer->is_stopping = true;
    pthread_cond_signal(&checkpointer->work);
    pthread_mutex_unlock(&checkpointer->lock);
    pthread_join(checkpointer->thread, NULL);
    pthread_cond_destroy(&checkpointer->work);
    pthread_mutex_destroy(&checkpointer->lock);
    free(checkpointer);
}
