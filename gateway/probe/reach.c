/* reach: tries a TCP connection to every partner at once. See reach.h.
 *
 * One poll() waits for all of them; a partner with several addresses is tried at one after the
 * other. Blocking. */
#include "gateway/probe/reach.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

void reach_address(struct arena *arena, const char *url, const char **ret_host,
                   const char **ret_port)
{
    const char *start = strstr(url, "://");
    start = start == NULL ? url : start + 3;
    size_t length = strcspn(start, "/?#");
    bool is_bracketed = start[0] == '[';
    size_t host_length = is_bracketed ? strcspn(start, "]") : strcspn(start, ":/?#");
    const char *after = start + host_length + (is_bracketed ? 1 : 0);
    *ret_host = arena_copy_n(arena, start + is_bracketed, host_length - is_bracketed);
    *ret_port = after[0] == ':'
                    ? arena_copy_n(arena, after + 1, length - (size_t)(after + 1 - start))
                    : "443";
}

/* ---- one partner: its addresses one after the other ---- */

struct attempt {
    struct reach *reach;
    const char *host, *port;
    struct addrinfo *addresses, *at; /* at: being tried; NULL: none is left */
    int file, error;
};

static void fail(struct arena *arena, struct attempt *attempt)
{
    attempt->reach->why = arena_print(arena, "port %s of %s: %s", attempt->port, attempt->host,
                                      strerror(attempt->error));
}

/* Starts with the next address at which a connection can be begun. */
static void begin(struct arena *arena, struct attempt *attempt)
{
    for (; attempt->at != NULL; attempt->at = attempt->at->ai_next) {
        const struct addrinfo *address = attempt->at;
        attempt->file = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (attempt->file < 0) {
            attempt->error = errno;
            continue;
        }
        if (connect(attempt->file, address->ai_addr, address->ai_addrlen) == 0 ||
            errno == EINPROGRESS)
            return;
        attempt->error = errno;
        close(attempt->file);
        attempt->file = -1;
    }
    fail(arena, attempt);
}

static void look_up(struct arena *arena, struct attempt *attempt)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    reach_address(arena, attempt->reach->partner->url, &attempt->host, &attempt->port);
    attempt->file = -1;
    int status = getaddrinfo(attempt->host, attempt->port, &hints, &attempt->addresses);
    attempt->at = attempt->addresses;
    if (status == 0)
        begin(arena, attempt);
    else
        attempt->reach->why =
            arena_print(arena, "the name %s is not known: %s", attempt->host, gai_strerror(status));
}

/* Its socket has something to say: connected, or the next address is tried. */
static void go_on(struct arena *arena, struct attempt *attempt)
{
    socklen_t size = sizeof attempt->error;
    getsockopt(attempt->file, SOL_SOCKET, SO_ERROR, &attempt->error, &size);
    close(attempt->file);
    attempt->file = -1;
    if (attempt->error == 0)
        return;
    attempt->at = attempt->at->ai_next;
    begin(arena, attempt);
}

/* ---- all at once ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sockets that are still open into FILES, in the order of WHOSE; how many. */
static size_t gather(struct attempt *attempts, size_t count, struct pollfd *files,
                     struct attempt **whose)
{
    size_t open = 0;
    for (size_t i = 0; i < count; i++) {
        if (attempts[i].file < 0)
            continue;
        files[open] = (struct pollfd){.fd = attempts[i].file, .events = POLLOUT};
        whose[open++] = &attempts[i];
    }
    return open;
}

static void wait_for_all(struct arena *arena, struct attempt *attempts, size_t count, int wait_ms)
{
    struct pollfd *files = arena_array(arena, count, sizeof *files);
    struct attempt **whose = arena_array(arena, count, sizeof(struct attempt *));
    int64_t end_ms = now_ms() + wait_ms;
    size_t open;
    while ((open = gather(attempts, count, files, whose)) > 0) {
        int64_t left_ms = end_ms - now_ms();
        if (left_ms <= 0 || poll(files, open, (int)left_ms) <= 0)
            break;
        for (size_t i = 0; i < open; i++) {
            if (files[i].revents != 0)
                go_on(arena, whose[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (attempts[i].file < 0)
            continue;
        close(attempts[i].file);
        attempts[i].error = ETIMEDOUT;
        fail(arena, &attempts[i]);
    }
}

size_t reach_all(struct arena *arena, const struct partner_list *partners, int wait_ms,
                 struct reach **ret_reaches)
{
    struct reach *reaches = arena_array(arena, partners->count, sizeof *reaches);
    struct attempt *attempts = arena_array(arena, partners->count, sizeof *attempts);
    size_t count = 0;
    for (size_t i = 0; i < partners->count; i++) {
        if (partners->items[i].disabled)
            continue;
        reaches[count] = (struct reach){.partner = &partners->items[i]};
        attempts[count] = (struct attempt){.reach = &reaches[count]};
        look_up(arena, &attempts[count++]);
    }
    wait_for_all(arena, attempts, count, wait_ms);
    for (size_t i = 0; i < count; i++) {
        if (attempts[i].addresses != NULL)
            freeaddrinfo(attempts[i].addresses);
    }
    *ret_reaches = reaches;
    return count;
}
