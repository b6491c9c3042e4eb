/* ahead: see ahead.h. Failures are told to nobody: whoever needs the space then tries himself, and
 * hears what the disk says. */
#include "gateway/store/journal/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/store/journal/wide.h"

enum { PIECE = 512 << 10 /* so that a sync between two of them does not wait long for the disk */ };

struct ahead {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int file, direct; /* asked for */
    uint64_t reached, end;
    bool is_under_way, is_stopping;
    void *zeros;
};

static bool reserve(const struct ahead *ahead)
{
    while (fallocate(ahead->file, 0, (off_t)ahead->reached, (off_t)(ahead->end - ahead->reached)) !=
           0) {
        if (errno != EINTR)
            return errno == EOPNOTSUPP || errno == ENOSYS;
    }
    return true;
}

/* The next piece; 0 when the disk does not take it. */
static size_t fill(const struct ahead *ahead)
{
    uint64_t left = ahead->end - ahead->reached;
    ssize_t written;
    do
        written = pwrite(ahead->direct, ahead->zeros, left < PIECE ? (size_t)left : PIECE,
                         (off_t)ahead->reached);
    while (written < 0 && errno == EINTR);
    return written < 0 ? 0 : (size_t)written;
}

/* Under the lock, but for the calls of the system: `reached` changes here only. */
static void fill_all(struct ahead *ahead)
{
    pthread_mutex_unlock(&ahead->lock);
    bool goes_on = reserve(ahead);
    pthread_mutex_lock(&ahead->lock);
    while (goes_on && ahead->reached < ahead->end) {
        pthread_mutex_unlock(&ahead->lock);
        size_t written = fill(ahead);
        pthread_mutex_lock(&ahead->lock);
        ahead->reached += written;
        goes_on = written > 0;
        pthread_cond_broadcast(&ahead->changed);
    }
    ahead->is_under_way = false;
    pthread_cond_broadcast(&ahead->changed);
}

static void *work(void *argument)
{
    struct ahead *ahead = argument;
    pthread_setname_np(pthread_self(), "ahead");
    pthread_mutex_lock(&ahead->lock);
    for (;;) {
        while (!ahead->is_under_way && !ahead->is_stopping)
            pthread_cond_wait(&ahead->changed, &ahead->lock);
        if (!ahead->is_under_way)
            break;
        fill_all(ahead);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

static void release(struct ahead *ahead)
{
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead->zeros);
    free(ahead);
}

struct ahead *ahead_start(void)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (ahead == NULL)
        return NULL;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    ahead->zeros = wide_new(WIDE_PAGE);
    if (ahead->zeros != NULL)
        memset(ahead->zeros, 0, PIECE);
    if (ahead->zeros != NULL && pthread_create(&ahead->thread, NULL, work, ahead) == 0)
        return ahead;
    release(ahead);
    return NULL;
}

void ahead_stop(struct ahead *ahead)
{
    if (ahead == NULL)
        return;
    pthread_mutex_lock(&ahead->lock);
    ahead->is_stopping = true;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    pthread_join(ahead->thread, NULL);
    release(ahead);
}

void ahead_ask(struct ahead *ahead, int file, int direct, uint64_t from, uint64_t length)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->file = file;
    ahead->direct = direct;
    ahead->reached = from;
    ahead->end = from + length;
    ahead->is_under_way = true;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

uint64_t ahead_reached(struct ahead *ahead, uint64_t wanted, bool *ret_has_ended)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->is_under_way && ahead->reached < wanted)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    uint64_t reached = ahead->reached;
    *ret_has_ended = !ahead->is_under_way;
    pthread_mutex_unlock(&ahead->lock);
    return reached;
}
