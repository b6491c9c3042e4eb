/* listen: requests and answers on one connection in the clear, opening, and the end. */
#include "lib/door.h"

static void play_two_requests(struct door *door)
{
    int fd = door_dial(door);
    door_say(fd, DOOR_GET);
    door_hear(door, fd, "ok", 1);
    door_say(fd, DOOR_GET);
    door_hear(door, fd, "ok", 2);
    close(fd);
}

static void test_kept_alive(void **state)
{
    struct door *door = *state;
    door_run(door, play_two_requests);
    assert_int_equal(door->requests, 2);
    assert_int_equal(door->counters.accepted, 1);
    assert_string_equal(door->partner, "-");
}

/* Fifty requests in one go, more than one turn, and each byte on its own. */
static void play_pipelined(struct door *door)
{
    char all[8192] = "";
    size_t used = 0;
    for (int i = 0; i < 50; i++)
        used += (size_t)snprintf(all + used, sizeof all - used,
                                 "GET /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: r%02d\r\n\r\n", i);
    int fd = door_dial(door);
    door_say(fd, all);
    door_hear(door, fd, "ok", 50);
    for (size_t i = 0; i < strlen(DOOR_GET); i++)
        send(fd, &DOOR_GET[i], 1, MSG_NOSIGNAL);
    door_hear(door, fd, "ok", 51);
    close(fd);
}

static void test_pipelined_in_order(void **state)
{
    struct door *door = *state;
    door_run(door, play_pipelined);
    const char *at = door->seen;
    for (int i = 0; i < 50; i++) {
        char mark[32];
        snprintf(mark, sizeof mark, "X-Request-Id: r%02d\r\n", i);
        at = strstr(at, mark);
        assert_non_null(at);
    }
    assert_int_equal(door->requests, 51);
}

static void play_answered_later(struct door *door)
{
    int fd = door_dial(door);
    door_say(fd, DOOR_GET DOOR_GET);
    sem_wait(&door->arrived);
    door_do(door, door_answer_kept);
    sem_wait(&door->arrived); /* the second comes only after the first was answered */
    door_hear(door, fd, "ok", 1);
    door_do(door, door_answer_kept);
    door_hear(door, fd, "ok", 2);
    close(fd);
}

static void test_answered_later(void **state)
{
    struct door *door = *state;
    door->keeps = true;
    door_run(door, play_answered_later);
    assert_non_null(strstr(door->seen, "ok"));
    assert_int_equal(door->requests, 2);
}

static void play_gone_before_answer(struct door *door)
{
    int fd = door_dial(door);
    struct linger reset = {1, 0};
    door_say(fd, DOOR_GET DOOR_GET);
    sem_wait(&door->arrived);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    door_do(door, door_stop); /* waits for the exchange that the handler still has */
    door_do(door, door_answer_kept);
    door->draining = true;
}

static void test_client_gone_before_answer(void **state)
{
    struct door *door = *state;
    door->keeps = true;
    door_run(door, play_gone_before_answer);
    assert_int_equal(door->requests, 1);
}

static void play_half_closed(struct door *door)
{
    int fd = door_dial(door);
    door_say(fd, DOOR_GET);
    shutdown(fd, SHUT_WR);
    sem_wait(&door->arrived);
    door_do(door, door_answer_kept);
    door_hear_end(door, fd);
    close(fd);
}

static void test_half_closed_client_is_answered(void **state)
{
    struct door *door = *state;
    door->keeps = true;
    door_run(door, play_half_closed);
    assert_non_null(strstr(door->seen, "ok"));
}

/* ---- stopping ---- */

static void drain(struct door *door)
{
    listener_stop(door->listener, 5000, door_on_stopped);
}

static void play_drained(struct door *door)
{
    int idle = door_dial(door);
    int busy = door_dial(door);
    door_say(idle, DOOR_GET);
    sem_wait(&door->arrived);
    door_do(door, door_answer_kept);
    door_hear(door, idle, "ok", 1);
    door->seen_length = 0;
    door_say(busy, DOOR_GET);
    sem_wait(&door->arrived);
    door_do(door, drain);
    door_hear_end(door, idle);
    door_do(door, door_answer_kept);
    door_hear_end(door, busy);
    close(idle);
    close(busy);
    door->draining = true;
}

static void test_drained(void **state)
{
    struct door *door = *state;
    door->keeps = true;
    door_run(door, play_drained);
    assert_int_equal(door->requests, 2);
    assert_non_null(strstr(door->seen, "Connection: close\r\n\r\nok"));
    assert_int_equal(door->number, 0);
}

static void test_opening(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct fault fault = {FAULT_none, NULL};
    int first, second = -1;
    char taken[32];
    assert_true(listen_open(&arena, "listen", "127.0.0.1:0", &first, &fault));
    snprintf(taken, sizeof taken, "127.0.0.1:%u", listen_port(first));
    assert_false(listen_open(&arena, "local_listen", taken, &second, &fault));
    assert_non_null(strstr(fault.sentence, "local_listen: found 127.0.0.1:"));
    assert_non_null(strstr(fault.sentence, "another process uses this port"));
    assert_int_equal(fault.kind, FAULT_settings);
    assert_false(listen_open(&arena, "listen", "not a name:0", &second, &fault));
    assert_non_null(strstr(fault.sentence, "found not a name:0, where nobody can listen"));
    assert_false(listen_open(&arena, "listen", "192.0.2.1:0", &second, &fault));
    assert_non_null(strstr(fault.sentence, "expected an address of this machine"));
    assert_int_equal(second, -1);
    close(first);
    if (listen_open(&arena, "listen", "[::1]:0", &first, &fault))
        close(first);
    arena_free(&arena);
}

static void test_plain_is_local_only(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct fault fault = {FAULT_none, NULL};
    int everywhere;
    assert_true(listen_open(&arena, "listen", "0.0.0.0:0", &everywhere, &fault));
    struct listener_options options = {
        .loop = uv_default_loop(), .socket = everywhere, .limits = listener_limits_default()};
    assert_null(listener_start(&options, &fault));
    assert_non_null(strstr(fault.sentence, "loopback"));
    close(everywhere);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DOOR_PLAIN(test_kept_alive),
        DOOR_PLAIN(test_pipelined_in_order),
        DOOR_PLAIN(test_answered_later),
        DOOR_PLAIN(test_client_gone_before_answer),
        DOOR_PLAIN(test_half_closed_client_is_answered),
        DOOR_PLAIN(test_drained),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_plain_is_local_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
