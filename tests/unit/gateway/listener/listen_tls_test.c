/* listen: mutual TLS, who is let in and as whom, and connections that are not trusted any more. */
#include <openssl/ssl.h>

#include "lib/door.h"

struct caller {
    SSL_CTX *policy;
    SSL *tls;
    int fd;
};

/* A client with the certificate CA/NAME.crt; NAME NULL: without. */
static bool call(struct door *door, struct throwaway *ca, const char *name,
                 struct caller *ret_caller)
{
    ret_caller->policy = SSL_CTX_new(TLS_client_method());
    if (name != NULL) {
        throwaway_leaf(ca, name);
        SSL_CTX_use_certificate_chain_file(ret_caller->policy, throwaway_path(ca, name, ".crt"));
        SSL_CTX_use_PrivateKey_file(ret_caller->policy, throwaway_path(ca, name, ".key"),
                                    SSL_FILETYPE_PEM);
    }
    ret_caller->fd = door_dial(door);
    ret_caller->tls = SSL_new(ret_caller->policy);
    SSL_set_fd(ret_caller->tls, ret_caller->fd);
    return SSL_connect(ret_caller->tls) == 1;
}

static void hang_up(struct caller *caller)
{
    SSL_free(caller->tls);
    SSL_CTX_free(caller->policy);
    close(caller->fd);
}

/* Sends one request and notes the answer; false: none came. */
static bool ask(struct door *door, struct caller *caller)
{
    int length = (int)strlen(DOOR_GET);
    if (SSL_write(caller->tls, DOOR_GET, length) != length)
        return false;
    int got = SSL_read(caller->tls, door->seen + door->seen_length,
                       (int)(sizeof door->seen - 1 - door->seen_length));
    if (got > 0)
        door->seen_length += (size_t)got;
    return got > 0;
}

static void play_partner(struct door *door)
{
    struct caller caller;
    if (call(door, door->own, "lakeside", &caller))
        door->number = ask(door, &caller) + ask(door, &caller);
    hang_up(&caller);
}

static void test_partner(void **state)
{
    struct door *door = *state;
    door_run(door, play_partner);
    assert_int_equal(door->number, 2);
    assert_string_equal(door->partner, "lakeside");
    assert_string_equal(door->verdict, "admitted");
    assert_int_equal(door->counters.handshakes, 1);
}

/* Reads until COUNT bytes have come; returns how many did. */
static size_t drink(struct caller *caller, size_t count)
{
    static char glass[16384];
    size_t total = 0;
    while (total < count) {
        int got = SSL_read(caller->tls, glass, sizeof glass);
        if (got <= 0)
            break;
        total += (size_t)got;
    }
    return total;
}

enum { LARGE = 5 << 20 };

/* More than the sockets hold, both ways: each side has to wait for the other in the middle. */
static void play_large(struct door *door)
{
    struct caller caller;
    char head[128];
    char *body = calloc(1, LARGE);
    memset(body, ' ', LARGE);
    int length = snprintf(head, sizeof head,
                          "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", LARGE);
    if (call(door, door->own, "lakeside", &caller)) {
        SSL_write(caller.tls, head, length);
        SSL_write(caller.tls, body, LARGE);
        sem_wait(&door->arrived);
        door->number = (int)drink(&caller, LARGE);
    }
    hang_up(&caller);
    free(body);
}

static void test_large_messages_over_tls(void **state)
{
    struct door *door = *state;
    door->answer_bytes = LARGE;
    door_run(door, play_large);
    assert_true(door->number >= LARGE);
    assert_int_equal(door->body_length, LARGE);
    assert_int_equal(door->http.bodies_bytes, 0);
}

/* The second and third request lie in OpenSSL's buffer, which no poll speaks of, while the first
 * waits. */
static void play_records(struct door *door)
{
    struct caller caller;
    int length = (int)strlen(DOOR_GET);
    if (call(door, door->own, "lakeside", &caller)) {
        SSL_write(caller.tls, DOOR_GET DOOR_GET, 2 * length);
        SSL_write(caller.tls, DOOR_GET, length);
        for (int i = 0; i < 3; i++) {
            sem_wait(&door->arrived);
            door_do(door, door_answer_kept);
            door->number += drink(&caller, 1) > 0;
        }
    }
    hang_up(&caller);
}

static void test_requests_in_one_record(void **state)
{
    struct door *door = *state;
    door->keeps = true;
    door_run(door, play_records);
    assert_int_equal(door->number, 3);
}

static void play_stranger(struct door *door)
{
    struct caller caller;
    if (call(door, door->own, "harbor", &caller))
        door->number = ask(door, &caller);
    hang_up(&caller);
}

/* A good certificate that is no partner's passes the handshake; admit answers 403. */
static void test_stranger(void **state)
{
    struct door *door = *state;
    door_run(door, play_stranger);
    assert_int_equal(door->number, 1);
    assert_string_equal(door->partner, "-");
    assert_string_equal(door->verdict, "no_partner");
}

static void play_nobody(struct door *door)
{
    struct caller caller;
    call(door, door->own, NULL, &caller); /* TLS 1.3: may seem to succeed */
    door->number = ask(door, &caller);
    hang_up(&caller);
}

static void test_no_certificate(void **state)
{
    struct door *door = *state;
    door_run(door, play_nobody);
    assert_int_equal(door->number, 0);
    assert_int_equal(door->requests, 0);
    assert_int_equal(door->counters.handshakes, 0);
    assert_int_equal(door->counters.refused_peers + door->counters.handshakes_failed, 2);
    assert_string_equal(door->refused, "no_certificate");
}

static void play_other_ca(struct door *door)
{
    struct throwaway *other = throwaway_new();
    struct caller caller;
    call(door, other, "lakeside", &caller);
    door->number = ask(door, &caller);
    hang_up(&caller);
    throwaway_free(other);
}

static void test_certificate_of_another_ca(void **state)
{
    struct door *door = *state;
    door_run(door, play_other_ca);
    assert_int_equal(door->number, 0);
    assert_int_equal(door->requests, 0);
    assert_string_not_equal(door->refused, "");
    assert_string_not_equal(door->refused, "no_certificate");
}

static void play_plain_http(struct door *door)
{
    int fd = door_dial(door);
    door_say(fd, DOOR_GET);
    door_hear_end(door, fd);
    close(fd);
}

static void test_no_plain_http(void **state)
{
    struct door *door = *state;
    door_run(door, play_plain_http);
    assert_null(strstr(door->seen, "HTTP/1.1"));
    assert_int_equal(door->requests, 0);
    assert_int_equal(door->counters.handshakes_failed, 1);
}

static void trust_nobody(struct door *door)
{
    struct context *context = throwaway_context(door->own, "willow", NULL);
    listener_use(door->listener, context);
    context_release(context);
}

static void play_trust_withdrawn(struct door *door)
{
    struct caller caller;
    if (call(door, door->own, "lakeside", &caller))
        door->number = ask(door, &caller);
    door_do(door, trust_nobody);
    door->number += ask(door, &caller);
    hang_up(&caller);
    if (call(door, door->own, "lakeside", &caller) && ask(door, &caller))
        door->number += 10; /* a stranger now */
    hang_up(&caller);
}

static void test_trust_withdrawn(void **state)
{
    struct door *door = *state;
    door_run(door, play_trust_withdrawn);
    assert_int_equal(door->number, 11);
    assert_int_equal(door->counters.untrusted, 1);
    assert_string_equal(door->partner, "-");
}

static void recheck(struct door *door)
{
    trust_nobody(door);
    listener_recheck(door->listener);
}

static void play_rechecked(struct door *door)
{
    struct caller caller;
    if (call(door, door->own, "lakeside", &caller))
        door->number = ask(door, &caller);
    door_do(door, recheck);
    door->number += 10 * (recv(caller.fd, door->seen, 100, 0) <= 0);
    hang_up(&caller);
}

static void test_idle_connections_are_closed_too(void **state)
{
    struct door *door = *state;
    door_run(door, play_rechecked);
    assert_int_equal(door->number, 11);
    assert_int_equal(door->counters.untrusted, 1);
}

/* The status of the next answer on CALLER. */
static int ask_status(struct door *door, struct caller *caller)
{
    door->seen_length = 0;
    if (!ask(door, caller))
        return 0;
    door->seen[door->seen_length] = '\0';
    return atoi(door->seen + strlen("HTTP/1.1 "));
}

static void play_two_of_one(struct door *door)
{
    struct caller one, other;
    if (call(door, door->own, "lakeside", &one))
        door->number = ask_status(door, &one);
    call(door, door->own, "lakeside", &other);
    door->number += 1000 * ask_status(door, &other);
    door->answer_bytes = strstr(door->seen, "connections_max") != NULL &&
                         strstr(door->seen, "Retry-After: 1\r\n") != NULL;
    hang_up(&one);
    hang_up(&other);
    int status = 0;
    for (int i = 0; i < 100 && status != 200; i++) { /* free once the loop has seen the end */
        call(door, door->own, "lakeside", &one);
        status = ask_status(door, &one);
        hang_up(&one);
    }
    door->number += status == 200;
}

static void test_partner_connections_max(void **state)
{
    struct door *door = *state;
    door->quotas = quotas_new();
    quotas_set(door->quotas, "lakeside", &(struct quota_limits){.connections_max = 1});
    door_run(door, play_two_of_one);
    assert_int_equal(door->number, 429201);
    assert_int_equal(door->answer_bytes, 1);
    assert_true(door->counters.crowded >= 1);
    const struct quota_figures *figures = quotas_count(door->quotas, &door->arena);
    assert_string_equal(figures->partner, "lakeside");
    assert_int_equal(figures->refused[QUOTA_CONNECTIONS], door->counters.crowded);
    assert_int_equal(figures->connections, 0);
    quotas_free(door->quotas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DOOR_TLS(test_partner),
        DOOR_TLS(test_large_messages_over_tls),
        DOOR_TLS(test_requests_in_one_record),
        DOOR_TLS(test_stranger),
        DOOR_TLS(test_no_certificate),
        DOOR_TLS(test_certificate_of_another_ca),
        DOOR_TLS(test_no_plain_http),
        DOOR_TLS(test_trust_withdrawn),
        DOOR_TLS(test_idle_connections_are_closed_too),
        DOOR_TLS(test_partner_connections_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
