/* reach: addresses out of URLs, and who answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/probe/reach.h"

static struct arena arena;

static void hosts_and_ports_of_urls(void **state)
{
    static const struct {
        const char *url, *host, *port;
    } cases[] = {{"https://gw.lakeside.example:8443/fhir", "gw.lakeside.example", "8443"},
                 {"https://gw.lakeside.example/fhir", "gw.lakeside.example", "443"},
                 {"https://[::1]:8441/fhir", "::1", "8441"},
                 {"https://[::1]/fhir", "::1", "443"},
                 {"https://127.0.0.1", "127.0.0.1", "443"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *host;
        const char *port;
        reach_address(&arena, cases[i].url, &host, &port);
        assert_string_equal(host, cases[i].host);
        assert_string_equal(port, cases[i].port);
    }
}

/* A socket of loopback that listens, or only holds its port; *ret_url leads there. */
static int hold_port(bool listens, const char **ret_url)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int file = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(file, (struct sockaddr *)&address, size), 0);
    if (listens)
        assert_int_equal(listen(file, 8), 0);
    assert_int_equal(getsockname(file, (struct sockaddr *)&address, &size), 0);
    *ret_url = arena_print(&arena, "https://127.0.0.1:%u/fhir", ntohs(address.sin_port));
    return file;
}

static void all_are_asked_and_each_is_told_of(void **state)
{
    struct partner items[5] = {
        {.name = "up"}, {.name = "closed"}, {.name = "off"}, {.name = "also"}};
    struct partner_list partners = {.items = items, .count = 5};
    struct reach *reaches;
    (void)state;
    int up = hold_port(true, &items[0].url);
    int closed = hold_port(false, &items[1].url);
    items[2] = (struct partner){.name = "off", .url = items[1].url, .disabled = true};
    items[3].url = items[0].url;
    items[4] = (struct partner){.name = "nowhere", .url = "https://no.such.host.invalid/fhir"};
    size_t count = reach_all(&arena, &partners, 5000, &reaches);
    assert_int_equal(count, 4);
    assert_string_equal(reaches[0].partner->name, "up");
    assert_null(reaches[0].why);
    assert_string_equal(reaches[1].partner->name, "closed");
    assert_non_null(strstr(reaches[1].why, "Connection refused"));
    assert_null(reaches[2].why);
    assert_non_null(strstr(reaches[3].why, "no.such.host.invalid is not known"));
    close(up);
    close(closed);
}

static void nobody_to_ask(void **state)
{
    struct partner_list none = {.count = 0};
    struct reach *reaches;
    (void)state;
    assert_int_equal(reach_all(&arena, &none, 1000, &reaches), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_ports_of_urls),
        cmocka_unit_test(all_are_asked_and_each_is_told_of),
        cmocka_unit_test(nobody_to_ask),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
