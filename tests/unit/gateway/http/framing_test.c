/* framing: which bytes are a request and where it ends. Each case, most of them hostile, is fed
 * whole, byte by byte and in sevens: the verdict may not depend on how the network cuts it. The
 * rules are those of RFC 9112; what is refused and why: framing.h. */
#include "lib/talk.h"

#define CASE(name, bytes, expected)                                                                \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, expected                                                   \
    }
#define BIG                                                                                        \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaa"                                                                                       \
    "aa"
#define TEN_HEADERS                                                                                \
    "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n"

static const struct framing_case {
    const char *name;
    const char *bytes;
    size_t length;
    const char *expected;
} cases[] = {
    /* what must be taken */
    CASE("plain get", GET HOST "\r\n", "200"),
    CASE("post with length", POST "Content-Length: 3\r\n\r\nabc", "200"),
    CASE("post without body", POST "Content-Length: 0\r\n\r\n", "200"),
    CASE("post without length", POST "\r\n", "200"),
    CASE("chunked", CHUNKED "3\r\nabc\r\n0\r\n\r\n", "200"),
    CASE("two chunks", CHUNKED "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n", "200"),
    CASE("chunk extension", CHUNKED "3;name=value\r\nabc\r\n0;x\r\n\r\n", "200"),
    CASE("trailer", CHUNKED "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", "200"),
    CASE("trailer behind an empty body", CHUNKED "0\r\nX-Sum: 1\r\n\r\n", "200"),
    CASE("empty line before", "\r\n" GET HOST "\r\n", "200"),
    CASE("two in one go", GET HOST "\r\n" GET HOST "\r\n", "200 200"),
    CASE("post then get", POST "Content-Length: 3\r\n\r\nabc" GET HOST "\r\n", "200 200"),
    CASE("chunked then get", CHUNKED "1\r\na\r\n0\r\n\r\n" GET HOST "\r\n", "200 200"),
    CASE("host with port", GET "Host: a.example:8443\r\n\r\n", "200"),
    CASE("host with address", GET "Host: [::1]:8443\r\n\r\n", "200"),
    CASE("empty header", GET HOST "X:\r\n\r\n", "200"),
    CASE("header in latin 1", GET HOST "X: caf\xe9\r\n\r\n", "200"),
    CASE("tab around value", GET HOST "X:\t y\t \r\n\r\n", "200"),
    CASE("absolute target", "GET http://a/b?c HTTP/1.1\r\n" HOST "\r\n", "200"),
    CASE("asterisk", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "200"),
    CASE("upgrade is passed over",
         GET HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" GET HOST "\r\n", "200 200"),
    CASE("http 1.0", "GET / HTTP/1.0\r\n\r\n", "200 end"),
    CASE("http 1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 end"),
    CASE("close", GET HOST "Connection: close\r\n\r\n" GET HOST "\r\n", "200 end"),
    CASE("close in a list", GET HOST "Connection: x, Close\r\n\r\n", "200 end"),
    CASE("expect", POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na", "200"),
    CASE("search with bars", "GET /x?identifier=urn:a|b HTTP/1.1\r\n" HOST "\r\n", "200"),
    /* not complete yet */
    CASE("half a line", "GET / HT", "..."),
    CASE("half a head", GET "Ho", "..."),
    CASE("half a body", POST "Content-Length: 3\r\n\r\nab", "..."),
    CASE("half a chunk", CHUNKED "5\r\nab", "..."),
    CASE("no last line", CHUNKED "1\r\na\r\n0\r\n", "..."),
    /* line ends */
    CASE("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", "400 end"),
    CASE("bare LF after request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400 end"),
    CASE("bare LF after header", GET "Host: a\n\r\n", "400 end"),
    CASE("bare LF at the end", GET HOST "\n", "400 end"),
    CASE("bare CR after request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", "400 end"),
    CASE("bare CR in header", GET "Host: a\rX: y\r\n\r\n", "400 end"),
    CASE("bare CR only", "GET / HTTP/1.1\rHost: a\r\r", "400 end"),
    CASE("CR CR LF", GET HOST "\r\r\n", "400 end"),
    CASE("CR in value", GET HOST "X: a\rb\r\n\r\n", "400 end"),
    CASE("LF in value", GET HOST "X: a\nContent-Length: 3\r\n\r\nabc", "400 end"),
    CASE("two empty lines before", "\r\n\r\n" GET HOST "\r\n", "400 end"),
    CASE("empty LF line before", "\n" GET HOST "\r\n", "400 end"),
    /* request line */
    CASE("http 0.9", "GET /\r\n", "400 end"),
    CASE("no target", "GET HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("two spaces behind", "GET /  HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("tab for space", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("space before", " GET / HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("space at the end", "GET / HTTP/1.1 \r\n" HOST "\r\n", "400 end"),
    CASE("space in target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("unknown method", "FETCH / HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("lower-case method", "get / HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("method of another kind", "MKCOL / HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("connect", "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("trace", "TRACE / HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("method with a brace", "GE{ / HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("http 2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", "505 end"),
    CASE("http 1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", "505 end"),
    CASE("preface of http 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 end"),
    CASE("http 1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", "400 end"),
    CASE("lower-case version", "GET / http/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("another protocol", "GET / ICE/1.0\r\n" HOST "\r\n", "400 end"),
    CASE("no slash", "GET x HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("fragment", "GET /#a HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("asterisk for get", "GET * HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("bad escape", "GET /%zz HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("cut escape", "GET /%2 HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("escaped NUL", "GET /%00 HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("escaped line end", "GET /%0d%0a HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("escaped bad UTF-8", "GET /%ff HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("raw 8-bit target", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("backslash", "GET /a\\b HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("NUL in target", "GET /\0 HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("long target", "GET /" BIG BIG BIG " HTTP/1.1\r\n" HOST "\r\n", "414 end"),
    CASE("endless request line", "GET /" BIG BIG BIG BIG, "414 end"),
    CASE("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400 end"),
    CASE("ssh", "SSH-2.0-nonsense\r\n\r\n", "400 end"),
    /* headers */
    CASE("no host", GET "\r\n", "400 end"),
    CASE("two hosts", GET HOST HOST "\r\n", "400 end"),
    CASE("empty host", GET "Host:\r\n\r\n", "400 end"),
    CASE("host with a path", GET "Host: a/b\r\n\r\n", "400 end"),
    CASE("host with a user", GET "Host: a@b\r\n\r\n", "400 end"),
    CASE("host with a space", GET "Host: a b\r\n\r\n", "400 end"),
    CASE("two hosts in one", GET "Host: a,b\r\n\r\n", "400 end"),
    CASE("huge port", GET "Host: a:99999999\r\n\r\n", "400 end"),
    CASE("port in letters", GET "Host: a:http\r\n\r\n", "400 end"),
    CASE("open bracket", GET "Host: [::1\r\n\r\n", "400 end"),
    CASE("folded", GET HOST "X: a\r\n b\r\n\r\n", "400 end"),
    CASE("folded by tab", GET HOST "X: a\r\n\tb\r\n\r\n", "400 end"),
    CASE("folded first", GET " " HOST "\r\n", "400 end"),
    CASE("no colon", GET HOST "nonsense\r\n\r\n", "400 end"),
    CASE("space before colon", GET "Host : a\r\n\r\n", "400 end"),
    CASE("tab before colon", GET HOST "Content-Length\t: 3\r\n\r\nabc", "400 end"),
    CASE("no name", GET HOST ": a\r\n\r\n", "400 end"),
    CASE("name with bracket", GET HOST "X[]: a\r\n\r\n", "400 end"),
    CASE("name in latin 1", GET HOST "X\xe9: a\r\n\r\n", "400 end"),
    CASE("NUL in name", GET HOST "X\0Y: a\r\n\r\n", "400 end"),
    CASE("NUL in value", GET HOST "X: a\0b\r\n\r\n", "400 end"),
    CASE("escape in value", GET HOST "X: a\x1b[2J\r\n\r\n", "400 end"),
    CASE("vertical tab", GET HOST "X: a\vb\r\n\r\n", "400 end"),
    CASE("DEL in value", GET HOST "X: a\x7f\r\n\r\n", "400 end"),
    CASE("too many headers", GET HOST TEN_HEADERS TEN_HEADERS "\r\n", "431 end"),
    CASE("too long a head",
         GET HOST "X: " BIG BIG BIG BIG BIG BIG BIG BIG "\r\nY: " BIG BIG BIG BIG BIG BIG BIG
                  "\r\n\r\n",
         "431 end"),
    CASE("expect something else", POST "Expect: 200-ok\r\n\r\n", "417 end"),
    CASE("two types", POST "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", "400 end"),
    /* lengths */
    CASE("two lengths", POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400 end"),
    CASE("two equal lengths", POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400 end"),
    CASE("list of lengths", POST "Content-Length: 3, 3\r\n\r\nabc", "400 end"),
    CASE("no length", POST "Content-Length:\r\n\r\n", "400 end"),
    CASE("plus", POST "Content-Length: +3\r\n\r\nabc", "400 end"),
    CASE("minus", POST "Content-Length: -3\r\n\r\nabc", "400 end"),
    CASE("hexadecimal", POST "Content-Length: 0x3\r\n\r\nabc", "400 end"),
    CASE("leading zero", POST "Content-Length: 03\r\n\r\nabc", "400 end"),
    CASE("decimal point", POST "Content-Length: 3.0\r\n\r\nabc", "400 end"),
    CASE("space inside", POST "Content-Length: 1 0\r\n\r\nabc", "400 end"),
    CASE("length in words", POST "Content-Length: three\r\n\r\nabc", "400 end"),
    CASE("overflow", POST "Content-Length: 18446744073709551619\r\n\r\nabc", "413 end"),
    CASE("too large", POST "Content-Length: 1001\r\n\r\n", "413 end"),
    /* both ways of framing, and odd codings */
    CASE("CL.TE", POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 end"),
    CASE("TE.CL", POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
         "400 end"),
    CASE("TE.TE", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 end"),
    CASE("TE.TE of two kinds",
         POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
         "400 end"),
    CASE("identity", POST "Transfer-Encoding: identity\r\n\r\n", "400 end"),
    CASE("chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("chunked not last", POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("gzip", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501 end"),
    CASE("xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("quoted", POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("with parameter", POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("vertical tab before", POST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("space before the colon", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("empty coding", POST "Transfer-Encoding:\r\n\r\n", "400 end"),
    CASE("chunked in http 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 end"),
    /* chunks */
    CASE("size with 0x", CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("size with plus", CHUNKED "+3\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("size with minus", CHUNKED "-3\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("size with space", CHUNKED "3 \r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("space before size", CHUNKED " 3\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("no size", CHUNKED "\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("size in letters", CHUNKED "g\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("huge size", CHUNKED "FFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("overflowing size", CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("too large a chunk", CHUNKED "3E9\r\n", "413 end"),
    CASE("too large in sum", CHUNKED "1\r\na\r\n3E8\r\n", "413 end"),
    CASE("LF after size", CHUNKED "3\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("CR alone after size", CHUNKED "3\rabc\r\n0\r\n\r\n", "400 end"),
    CASE("LF after data", CHUNKED "3\r\nabc\n0\r\n\r\n", "400 end"),
    CASE("no line end after data", CHUNKED "3\r\nabc0\r\n\r\n", "400 end"),
    CASE("data longer than size", CHUNKED "3\r\nabcd\r\n0\r\n\r\n", "400 end"),
    CASE("LF at the very end", CHUNKED "3\r\nabc\r\n0\r\n\n", "400 end"),
    CASE("LF in extension", CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("NUL in extension", CHUNKED "3;a\0b\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("endless extension", CHUNKED "3;" BIG BIG BIG, "400 end"),
    CASE("length in trailer", CHUNKED "1\r\na\r\n0\r\nContent-Length: 9\r\n\r\n", "400 end"),
    CASE("coding in trailer", CHUNKED "1\r\na\r\n0\r\nTransfer-Encoding: x\r\n\r\n", "400 end"),
    CASE("malformed trailer", CHUNKED "1\r\na\r\n0\r\nnonsense\r\n\r\n", "400 end"),
    CASE("trailer without name", CHUNKED "1\r\na\r\n0\r\n: x\r\n\r\n", "400 end"),
    CASE("folded trailer", CHUNKED "1\r\na\r\n0\r\nX: a\r\n b\r\n\r\n", "400 end"),
    CASE("bare LF in trailer", CHUNKED "1\r\na\r\n0\r\nX: a\n\r\n", "400 end"),
    /* smuggling behind a good request */
    CASE("garbage behind", GET HOST "\r\nnonsense\r\n\r\n", "200 400 end"),
    CASE("body behind a get", GET HOST "\r\nabc\r\n\r\n", "200 400 end"),
    CASE("one byte too much", POST "Content-Length: 3\r\n\r\nabcX" GET HOST "\r\n", "200 501 end"),
};

static void each_case_has_its_verdict(void **state)
{
    static const size_t pieces[] = {100000, 1, 7};
    unsigned wrong = 0;
    (void)state;
    assert_true(sizeof cases / sizeof cases[0] >= 140);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            char got[64];
            struct talk *bench = talk_new();
            talk_feed(bench, cases[i].bytes, cases[i].length, pieces[p]);
            if (strcmp(talk_statuses(bench, got, sizeof got), cases[i].expected) != 0) {
                printf("%s, in pieces of %zu: expected %s, got %s\n", cases[i].name, pieces[p],
                       cases[i].expected, got);
                wrong++;
            }
            talk_free(bench);
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_has_its_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
