/* load: what the files of loadgen share. loadgen.c has the options and the run, peer.c one
 * connection, request.c the bytes that are sent, figure.c what is counted.
 *
 * One thread, one epoll, closed loop: each connection has one request in flight and sends the next
 * when the answer is there. So latencies are those of a client that waits, and a stall shows as
 * fewer requests a second, not as a longer queue. */
#ifndef BENCH_LOADGEN_LOAD_H
#define BENCH_LOADGEN_LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* ---- request.c: one request as bytes, with places that change ---- */

struct patch {
    size_t at;
    int uuid; /* which of the message; -1: the number */
};

struct request {
    char *bytes;
    size_t length;
    struct patch *patches;
    size_t patches_count;
    uint64_t number; /* of the next message */
    uint64_t random[2];
};

enum { UUIDS = 128 };

/* BODY may be NULL. {{uuid}}, {{uuid1}}.. become UUIDs, equal ones equal; {{n}} 12 digits. */
void request_make(struct request *request, const char *method, const char *path, const char *host,
                  const char *body_file);
/* Writes the next message into BYTES, which has room for request->length. */
void request_next(struct request *request, char *bytes);

/* ---- figure.c ---- */

struct times; /* latencies: log-linear, at most 0.4 % off */

struct times *times_new(void);
void times_add(struct times *times, uint64_t nanoseconds);
double times_ms(const struct times *times, double quantile);
double times_max_ms(const struct times *times);

struct process {
    double cpu_s;
    long resident_kb;
};
struct process process_look(int pid);
/* Prints CPU seconds by thread since the last call for PID, as a JSON object. */
void process_print_threads(int pid, bool is_first);
uint64_t now_ns(void);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* ---- peer.c ---- */

enum mode { MODE_REQUESTS, MODE_HANDSHAKES, MODE_IDLE };
enum peer_state {
    PEER_CLOSED,
    PEER_CONNECTING,
    PEER_HANDSHAKE,
    PEER_OPEN,
    PEER_SENDING,
    PEER_READING
};

struct peer {
    int socket;
    enum peer_state state;
    SSL *tls;
    uint32_t events;
    uint64_t started_ns; /* the request; with MODE_HANDSHAKES the connection */
    char *out;
    size_t sent;
    char head[4096];
    size_t head_length;
    int status;
    uint64_t body_left;
    bool has_head, closes;
};

struct load {
    enum mode mode;
    struct sockaddr_storage address;
    socklen_t address_size;
    const char *host;
    SSL_CTX *tls;
    int epoll;
    struct request request;
    int status_expected;
    struct times *times, *handshake_times;
    uint64_t measured_from_ns, measured_to_ns;
    uint64_t issued, answered, in_window, unexpected, errors, opened;
    unsigned connecting;
    bool dumped;
    char tls_words[96];
    struct peer *peers;
    size_t peers_count;
};

void peer_connect(struct load *load, struct peer *peer);
/* Sends the next request on an open connection. */
void peer_send(struct load *load, struct peer *peer);
void peer_event(struct load *load, struct peer *peer, uint32_t events);

/* ---- loadgen.c: what follows ---- */

/* The handshake is done. */
void on_open(struct load *load, struct peer *peer);
/* An answer is complete; the peer is open again, or closed when the answer said so. */
void on_answer(struct load *load, struct peer *peer);

#endif
