/* listen: clients that are slow, silent or deaf meet the deadline of what they keep waiting. */
#include <sys/time.h>

#include "lib/door.h"

enum { WAIT_HANDSHAKE, WAIT_IDLE, WAIT_HEAD, WAIT_BODY, WAIT_ANSWER, WAIT_LINGER };

/* Says what it has to say, if anything, and waits for the end. */
static void play_waiting(struct door *door)
{
    int fd = door_dial(door);
    if (door->line != NULL)
        door_say(fd, door->line);
    door_hear_end(door, fd);
    close(fd);
}

/* A byte each time the answer is not there yet: no single read is ever late. */
static void play_dripping_head(struct door *door)
{
    int fd = door_dial(door);
    struct timeval short_time = {0, 20000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time);
    door_say(fd, "GET /x HTTP/1.1\r\nX: ");
    for (int i = 0; i < 500; i++) {
        if (!door_say(fd, "a") || door_hear(door, fd, "408", 1) || door->number == 0)
            break;
    }
    close(fd);
}

static void play_never_reads(struct door *door)
{
    int fd = door_dial(door);
    int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    door_say(fd, DOOR_GET);
    sem_wait(&door->arrived);
    for (door->number = 0; door->number < 1000 && door_say(fd, "x"); door->number++)
        usleep(10000); /* until our sending finds the connection reset */
    close(fd);
}

static const struct {
    const char *name;
    void (*play)(struct door *door);
    const char *line; /* of play_waiting */
    int wait;         /* whose deadline is short */
    const char *expected;
    size_t answer_bytes;
} slow[] = {
    {"half a head", play_waiting, "GET /x HTTP/1.1\r\nHo", WAIT_HEAD, "HTTP/1.1 408 ", 0},
    {"dripping head", play_dripping_head, NULL, WAIT_HEAD, "HTTP/1.1 408 ", 0},
    {"half a body", play_waiting, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
     WAIT_BODY, "HTTP/1.1 408 ", 0},
    {"idle", play_waiting, NULL, WAIT_IDLE, "", 0},
    {"never reads", play_never_reads, NULL, WAIT_ANSWER, "", 64u << 20},
};

static void test_slow_clients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        struct door *door = door_new(false);
        unsigned *limits[] = {&door->limits.handshake_ms, &door->limits.idle_ms,
                              &door->limits.head_ms,      &door->limits.body_ms,
                              &door->limits.answer_ms,    &door->limits.linger_ms};
        *limits[slow[i].wait] = 100;
        door->answer_bytes = slow[i].answer_bytes;
        door->line = slow[i].line;
        door_run(door, slow[i].play);
        print_message("%s: %.20s\n", slow[i].name, door->seen);
        assert_memory_equal(door->seen, slow[i].expected, strlen(slow[i].expected));
        if (slow[i].expected[0] == '\0')
            assert_int_equal(door->seen_length, 0);
        assert_int_equal(door->counters.overdue[slow[i].wait], 1);
        door_free(door);
    }
}

static void play_too_large(struct door *door)
{
    int fd = door_dial(door);
    char block[64 * 1024];
    memset(block, 'x', sizeof block);
    door_say(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n");
    for (int i = 0; i < 50; i++) /* 3 MB that nobody wants */
        door->number += send(fd, block, sizeof block, MSG_NOSIGNAL) == sizeof block;
    door_hear(door, fd, "\r\n\r\n{", 1);
    close(fd);
}

/* The answer must not be lost in a reset because the client is still sending. */
static void test_too_large_is_told(void **state)
{
    struct door *door = *state;
    door->limits.linger_ms = 5000;
    door_run(door, play_too_large);
    assert_int_equal(door->number, 50);
    assert_memory_equal(door->seen, "HTTP/1.1 413 ", 13);
    assert_int_equal(door->requests, 0);
}

static void test_silent_handshake(void **state)
{
    struct door *door = *state;
    door->limits.handshake_ms = 100;
    door_run(door, play_waiting);
    assert_int_equal(door->seen_length, 0);
    assert_int_equal(door->counters.overdue[WAIT_HANDSHAKE], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_clients),
        DOOR_PLAIN(test_too_large_is_told),
        DOOR_TLS(test_silent_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
