/* transmit: a partner that answers late, half, endlessly, in nonsense or with a way to somewhere
 * else costs what the limits say, is told apart by its sentence, and never makes a message count as
 * unsent: it may have taken effect. */
#include "lib/calling.h"

#define OK "HTTP/1.1 200 OK\r\n"

static void answer_and_close(struct calling_partner *partner, SSL *tls)
{
    calling_hear(partner, tls);
    calling_say(partner, tls, partner->answer);
}

static void close_after_request(struct calling_partner *partner, SSL *tls)
{
    calling_hear(partner, tls);
}

static void endless_body(struct calling_partner *partner, SSL *tls)
{
    static char block[16384];
    memset(block, 'x', sizeof block);
    calling_hear(partner, tls);
    calling_say(partner, tls, "HTTP/1.1 200 OK\r\n\r\n");
    while (partner->sent < (64u << 20) && calling_say_n(partner, tls, block, sizeof block))
        continue;
}

static void endless_head(struct calling_partner *partner, SSL *tls)
{
    calling_hear(partner, tls);
    calling_say(partner, tls, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100000; i++) {
        if (!calling_say(partner, tls,
                         "X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"))
            return;
    }
}

static void many_interim(struct calling_partner *partner, SSL *tls)
{
    calling_hear(partner, tls);
    for (int i = 0; i < 10000; i++) {
        if (!calling_say(partner, tls, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"))
            return;
    }
    calling_say(partner, tls, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void drip(struct calling_partner *partner, SSL *tls)
{
    calling_hear(partner, tls);
    calling_say(partner, tls, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
    while (calling_say(partner, tls, "x"))
        usleep(20000);
}

/* To where it would be heard. */
static void redirect(struct calling_partner *partner, SSL *tls)
{
    char text[256];
    calling_hear(partner, tls);
    snprintf(text, sizeof text,
             "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:%u/elsewhere\r\n"
             "Content-Length: 0\r\n\r\n",
             partner->port);
    calling_say(partner, tls, text);
    calling_wait_for_close(tls);
}

static const struct {
    const char *name;
    void (*script)(struct calling_partner *partner, SSL *tls);
    const char *answer; /* of calling_answer */
    unsigned total_ms;
    enum transmit_outcome outcome;
    int status;
    const char *sentence;
} bad[] = {
    {"no answer", calling_answer, NULL, 200, TRANSMIT_TIMED_OUT, 0, "unknown"},
    {"closes after the request", close_after_request, NULL, 5000, TRANSMIT_BROKEN, 0, "unknown"},
    {"truncated", answer_and_close, OK "Content-Length: 100\r\n\r\n{\"resourceType\"", 5000,
     TRANSMIT_BROKEN, 200, "broke before a whole answer"},
    {"truncated chunks", answer_and_close, OK "Transfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n",
     5000, TRANSMIT_BROKEN, 200, "unknown"},
    {"garbage", answer_and_close, "SSH-2.0-nonsense\r\n\r\n", 5000, TRANSMIT_BROKEN, 0, "unknown"},
    {"http 0.9", answer_and_close, "<html>hello</html>", 5000, TRANSMIT_BROKEN, 0, "unknown"},
    {"endless body", endless_body, NULL, 5000, TRANSMIT_TOO_LARGE, 200, "larger than 3000 bytes"},
    {"announced too large", calling_answer, OK "Content-Length: 99999999999\r\n\r\nx", 5000,
     TRANSMIT_TOO_LARGE, 200, "larger"},
    {"endless head", endless_head, NULL, 5000, TRANSMIT_TOO_LARGE, 200, "headers"},
    {"many interim answers", many_interim, NULL, 5000, TRANSMIT_TOO_LARGE, 103, "headers"},
    {"slow drip", drip, NULL, 300, TRANSMIT_TIMED_OUT, 200, "unknown"},
    {"redirect", redirect, NULL, 5000, TRANSMIT_ANSWERED, 302, "answered 302"},
    {"gzip", calling_answer, OK "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8bx",
     5000, TRANSMIT_ANSWERED, 200, "answered 200"},
};

static void test_bad_partners(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("%s\n", bad[i].name);
        struct calling *bench = calling_new(bad[i].script);
        bench->partner->answer = bad[i].answer;
        bench->request.limits.total_ms = bad[i].total_ms;
        bench->request.limits.body_bytes_max = 3000;
        bench->request.limits.head_bytes_max = 5000;
        struct calling_note note = calling_exchange(bench);
        assert_int_equal(note.outcome, bad[i].outcome);
        assert_false(transmit_unsent(note.outcome));
        assert_int_equal(note.status, bad[i].status);
        assert_non_null(strstr(note.sentence, bad[i].sentence));
        assert_true(note.body_length <= 3000);
        assert_int_equal(bench->partner->connections, 1);
        assert_int_equal(bench->partner->requests, 1);
        calling_free(bench);
    }
}

static void test_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
        int64_t seconds;
    } rows[] = {
        {"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 503, 7},
        {"HTTP/1.1 429 Slow\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"
         "Content-Length: 0\r\n\r\n",
         429, 86400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct calling *bench = calling_new(calling_answer);
        bench->partner->answer = rows[i].answer;
        struct calling_note note = calling_exchange(bench);
        assert_int_equal(note.status, rows[i].status);
        assert_int_equal(note.retry_after_s, rows[i].seconds);
        calling_free(bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_partners),
        cmocka_unit_test(test_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
