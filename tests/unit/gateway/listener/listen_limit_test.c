/* listen: ceilings of connections and descriptors, of one loop and of two that share a socket. */
#include <sys/resource.h>

#include "lib/door.h"

static void play_crowd(struct door *door)
{
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = door_dial(door); /* the backlog takes them all; two are accepted */
    door_say(fds[0], DOOR_GET);
    door_say(fds[1], DOOR_GET);
    sem_wait(&door->arrived);
    sem_wait(&door->arrived);
    door_say(fds[2], DOOR_GET);
    door_say(fds[3], DOOR_GET);
    close(fds[0]);
    close(fds[1]);
    door_hear(door, fds[2], "ok", 1);
    door_hear(door, fds[3], "ok", 2);
    close(fds[2]);
    close(fds[3]);
}

static void test_connections_max(void **state)
{
    struct door *door = *state;
    door->limits.connections_max = 2;
    door_run(door, play_crowd);
    assert_int_equal(door->requests, 4);
    assert_true(door->counters.pauses > 0);
    assert_int_equal(door->counters.accepted, 4);
}

static void count_now(struct door *door)
{
    door->counters = listener_count(door->listener);
}

/* From now on every new file descriptor is one too many, until an older one is closed. */
static void forbid_descriptors(void)
{
    struct rlimit limit;
    int lowest = dup(0);
    close(lowest);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)lowest;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void play_no_descriptors(struct door *door)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)door->port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int first = door_dial(door);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    door_say(first, DOOR_GET);
    door_hear(door, first, "ok", 1);
    forbid_descriptors();
    connect(late, (struct sockaddr *)&to, sizeof to);
    for (int i = 0; i < 5000 && door->counters.pauses == 0; i++) {
        door_do(door, count_now);
        usleep(1000);
    }
    door_say(late, DOOR_GET);
    close(first);
    door_hear(door, late, "ok", 2);
    close(late);
}

static void test_descriptors_run_out(void **state)
{
    struct door *door = *state;
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    door_run(door, play_no_descriptors);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(door->requests, 2);
    assert_true(door->counters.pauses > 0);
}

/* ---- two loops ---- */

static int begin_pair(void **state)
{
    struct door *door = door_new(false);
    struct door *other = door_new(false);
    close(other->socket);
    other->socket = dup(door->socket);
    door->other = other;
    door->seats = other->seats = seats_new();
    *state = door;
    return 0;
}

static int end_pair(void **state)
{
    struct door *door = *state;
    seats_free(door->seats);
    door_free(door->other);
    door_free(door);
    return 0;
}

static void play_many(struct door *door)
{
    int fds[40];
    for (int i = 0; i < 40; i++)
        fds[i] = door_dial(door);
    for (int i = 0; i < 40; i++) {
        door_say(fds[i], DOOR_GET);
        door_hear(door, fds[i], "ok", (unsigned)i + 1);
    }
    for (int i = 0; i < 40; i++)
        close(fds[i]);
}

/* Both loops accept from the one socket, and neither gets nearly all. */
static void test_two_loops(void **state)
{
    struct door *door = *state;
    const struct door *other = door->other;
    door_run(door, play_many);
    assert_int_equal(door->requests + other->requests, 40);
    assert_int_equal(door->counters.accepted + other->counters.accepted, 40);
    assert_true(door->counters.accepted >= 8 && other->counters.accepted >= 8);
}

/* A request that arrived on either loop. */
static void wait_arrived(struct door *door)
{
    while (sem_trywait(&door->arrived) != 0 && sem_trywait(&door->other->arrived) != 0)
        usleep(1000);
}

static void play_crowd_of_two_loops(struct door *door)
{
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = door_dial(door);
    door_say(fds[0], DOOR_GET);
    door_say(fds[1], DOOR_GET);
    wait_arrived(door);
    wait_arrived(door);
    for (int i = 0; i < 5000 && door->counters.pauses + door->other->counters.pauses == 0; i++) {
        door_do(door, count_now);
        door_do(door->other, count_now);
        usleep(1000);
    }
    door->number = (int)(door->counters.accepted + door->other->counters.accepted);
    for (int i = 0; i < 2; i++)
        close(fds[i]);
    for (int i = 2; i < 4; i++) {
        door_say(fds[i], DOOR_GET);
        door_hear(door, fds[i], "ok", (unsigned)i - 1);
        close(fds[i]);
    }
}

/* The ceiling is that of the process, not of each loop. */
static void test_connections_max_of_two_loops(void **state)
{
    struct door *door = *state;
    struct door *other = door->other;
    door->limits.connections_max = other->limits.connections_max = 2;
    door_run(door, play_crowd_of_two_loops);
    assert_int_equal(door->number, 2);
    assert_true(door->counters.pauses + other->counters.pauses > 0);
    assert_int_equal(door->requests + other->requests, 4);
    assert_int_equal(door->counters.accepted + other->counters.accepted, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DOOR_PLAIN(test_connections_max),
        DOOR_PLAIN(test_descriptors_run_out),
        cmocka_unit_test_setup_teardown(test_two_loops, begin_pair, end_pair),
        cmocka_unit_test_setup_teardown(test_connections_max_of_two_loops, begin_pair, end_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
