/* loadgen: how fast, how evenly and how cheaply a server on this machine answers over mutual TLS.
 *
 *   loadgen --url https://127.0.0.1:PORT/PATH --cert F --key F --ca F [options]
 *
 *   --mode requests    (default) kept-alive connections, one request in flight on each
 *   --mode handshakes  each unit is a connection, a full handshake, one request and a close
 *   --mode idle        opens all connections, holds them, then sends one request on each
 *
 * Prints one JSON object. Everything it counts is in it: what was issued was answered as expected,
 * answered otherwise (unexpected), or is an error. Exit 0: all as expected. It knows nothing of
 * the programs it measures, and refuses any target but this machine. */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "load.h"

enum { EVENTS = 512, CONNECTING_MAX = 64, DRAIN_S = 30 };

struct options {
    const char *url, *cert, *key, *ca, *body, *label;
    size_t connections;
    double seconds, warmup;
    uint64_t first;
    int status, watched;
    enum mode mode;
};

static void usage(void)
{
    die("--url https://ADDRESS:PORT/PATH --cert F --key F --ca F [--mode requests|handshakes|idle] "
        "[--body FILE] [--connections N] [--seconds S] [--warmup S] [--expect STATUS] "
        "[--first N] [--watch PID] [--label TEXT]");
}

static enum mode mode_of(const char *word)
{
    static const char *const words[] = {"requests", "handshakes", "idle"};
    for (int mode = 0; mode < 3; mode++) {
        if (strcmp(words[mode], word) == 0)
            return (enum mode)mode;
    }
    usage();
    return MODE_REQUESTS;
}

static struct options read_options(int count, char **words)
{
    static const struct option names[] = {
        {"url", 1, NULL, 'u'},         {"cert", 1, NULL, 'c'},    {"key", 1, NULL, 'k'},
        {"ca", 1, NULL, 'a'},          {"body", 1, NULL, 'b'},    {"label", 1, NULL, 'l'},
        {"connections", 1, NULL, 'n'}, {"seconds", 1, NULL, 's'}, {"warmup", 1, NULL, 'w'},
        {"expect", 1, NULL, 'e'},      {"first", 1, NULL, 'f'},   {"watch", 1, NULL, 'p'},
        {"mode", 1, NULL, 'm'},        {NULL, 0, NULL, 0}};
    struct options options = {
        .connections = 64, .seconds = 5, .warmup = 1, .status = 200, .label = ""};
    int name;
    while ((name = getopt_long(count, words, "", names, NULL)) != -1) {
        const char **text = name == 'u'   ? &options.url
                            : name == 'c' ? &options.cert
                            : name == 'k' ? &options.key
                            : name == 'a' ? &options.ca
                            : name == 'b' ? &options.body
                            : name == 'l' ? &options.label
                                          : NULL;
        if (text != NULL)
            *text = optarg;
        else if (name == 'n')
            options.connections = strtoul(optarg, NULL, 10);
        else if (name == 's')
            options.seconds = strtod(optarg, NULL);
        else if (name == 'w')
            options.warmup = strtod(optarg, NULL);
        else if (name == 'e')
            options.status = (int)strtol(optarg, NULL, 10);
        else if (name == 'f')
            options.first = strtoull(optarg, NULL, 10);
        else if (name == 'p')
            options.watched = (int)strtol(optarg, NULL, 10);
        else if (name == 'm')
            options.mode = mode_of(optarg);
        else
            usage();
    }
    if (options.url == NULL || options.cert == NULL || options.key == NULL || options.ca == NULL ||
        options.connections == 0)
        usage();
    return options;
}

/* `https://127.0.0.1:PORT/PATH`: an address of this machine, so that no load ever leaves it. */
static void read_url(struct load *load, const struct options *options)
{
    static char host[32];
    static char host_and_port[64];
    char port[8];
    struct sockaddr_in *address = (struct sockaddr_in *)(void *)&load->address;
    const char *path = strstr(options->url, "://");
    path = path == NULL ? NULL : strchr(path + 3, '/');
    if (path == NULL || sscanf(options->url, "https://%31[0-9.]:%7[0-9]/", host, port) != 2 ||
        inet_pton(AF_INET, host, &address->sin_addr) != 1)
        usage();
    if (ntohl(address->sin_addr.s_addr) >> 24 != 127)
        die("%s is not a loopback address", host);
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    load->address_size = sizeof *address;
    load->host = host;
    snprintf(host_and_port, sizeof host_and_port, "%s:%s", host, port);
    request_make(&load->request, options->body == NULL ? "GET" : "POST", path, host_and_port,
                 options->body);
    load->request.number = options->first;
}

static void set_up_tls(struct load *load, const struct options *options)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL)
        die("no memory");
    SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              (options->mode == MODE_IDLE ? SSL_MODE_RELEASE_BUFFERS : 0u));
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_use_certificate_chain_file(tls, options->cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, options->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_file(tls, options->ca) != 1)
        die("the certificate, its key or the CA cannot be used");
    load->tls = tls;
}

/* ---- what follows what ---- */

static bool is_over(const struct load *load, uint64_t now)
{
    return now >= load->measured_to_ns;
}

void on_open(struct load *load, struct peer *peer)
{
    load->opened++;
    uint64_t now = now_ns();
    times_add(load->handshake_times, now - peer->started_ns);
    if (load->mode == MODE_HANDSHAKES || (load->mode == MODE_REQUESTS && load->measured_to_ns > 0))
        peer_send(load, peer);
}

void on_answer(struct load *load, struct peer *peer)
{
    uint64_t now = now_ns();
    load->answered++;
    if (peer->status != load->status_expected) {
        load->unexpected++;
        if (!load->dumped)
            fprintf(stderr, "loadgen: first unexpected answer: %s\n", peer->head);
        load->dumped = true;
    } else if (now >= load->measured_from_ns && now < load->measured_to_ns) {
        load->in_window++;
        times_add(load->times, now - peer->started_ns);
    }
    if (load->mode == MODE_IDLE || is_over(load, now))
        return;
    if (peer->state == PEER_OPEN)
        peer_send(load, peer);
    else
        peer_connect(load, peer);
}

static void turn(struct load *load, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(load->epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < count; i++)
        peer_event(load, events[i].data.ptr, events[i].events);
}

/* All connections, some at a time. */
static void open_all(struct load *load)
{
    size_t next = 0;
    while (next < load->peers_count || load->connecting > 0) {
        while (next < load->peers_count && load->connecting < CONNECTING_MAX)
            peer_connect(load, &load->peers[next++]);
        turn(load, 100);
        if (load->errors > 0 && load->opened + load->errors >= load->peers_count)
            break;
    }
}

static void wait_until(struct load *load, uint64_t end)
{
    for (uint64_t now = now_ns(); now < end; now = now_ns())
        turn(load, (int)((end - now) / 1000000) + 1);
}

static void drain(struct load *load)
{
    uint64_t end = now_ns() + DRAIN_S * 1000000000ull;
    while (load->answered + load->errors < load->issued && now_ns() < end)
        turn(load, 100);
}

struct outcome {
    struct process before, after;
    double open_s, seconds, own_cpu_s;
};

static double own_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void run_load(struct load *load, const struct options *options, struct outcome *outcome)
{
    uint64_t start = now_ns();
    load->measured_from_ns = start + (uint64_t)(options->warmup * 1e9);
    load->measured_to_ns = load->measured_from_ns + (uint64_t)(options->seconds * 1e9);
    for (size_t i = 0; i < load->peers_count; i++) {
        if (load->mode == MODE_HANDSHAKES)
            peer_connect(load, &load->peers[i]);
        else if (load->peers[i].state == PEER_OPEN)
            peer_send(load, &load->peers[i]);
    }
    wait_until(load, load->measured_from_ns);
    outcome->before = process_look(options->watched);
    process_print_threads(options->watched, true);
    outcome->own_cpu_s = own_cpu_s();
    wait_until(load, load->measured_to_ns);
    outcome->after = process_look(options->watched);
    outcome->own_cpu_s = own_cpu_s() - outcome->own_cpu_s;
    outcome->seconds = options->seconds;
}

static void run_idle(struct load *load, const struct options *options, struct outcome *outcome)
{
    outcome->before = process_look(options->watched);
    uint64_t start = now_ns();
    open_all(load);
    outcome->open_s = (double)(now_ns() - start) / 1e9;
    wait_until(load, now_ns() + (uint64_t)(options->seconds * 1e9));
    outcome->after = process_look(options->watched);
    outcome->seconds = options->seconds;
    load->measured_to_ns = UINT64_MAX;
    for (size_t i = 0; i < load->peers_count; i++) {
        if (load->peers[i].state == PEER_OPEN)
            peer_send(load, &load->peers[i]);
        if (i % CONNECTING_MAX == 0)
            turn(load, 0);
    }
}

static void print_times(const char *name, const struct times *times)
{
    printf(",\"%s\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}", name,
           times_ms(times, 0.5), times_ms(times, 0.9), times_ms(times, 0.99),
           times_ms(times, 0.999), times_max_ms(times));
}

static void print(const struct load *load, const struct options *options,
                  const struct outcome *outcome)
{
    static const char *const modes[] = {"requests", "handshakes", "idle"};
    double cpu_s = outcome->after.cpu_s - outcome->before.cpu_s;
    double count = (double)(load->in_window == 0 ? 1 : load->in_window);
    printf("{\"label\":\"%s\",\"mode\":\"%s\",\"connections\":%zu,\"seconds\":%.2f,\"bytes\":%zu,"
           "\"issued\":%llu,\"answered\":%llu,\"unexpected\":%llu,\"errors\":%llu,\"opened\":%llu",
           options->label, modes[load->mode], load->peers_count, outcome->seconds,
           load->request.length, (unsigned long long)load->issued,
           (unsigned long long)load->answered, (unsigned long long)load->unexpected,
           (unsigned long long)load->errors, (unsigned long long)load->opened);
    printf(",\"per_second\":%.1f", (double)load->in_window / outcome->seconds);
    print_times("ms", load->times);
    print_times("handshake_ms", load->handshake_times);
    printf(",\"tls\":\"%s\",\"own_use\":%.3f,\"open_s\":%.3f", load->tls_words,
           outcome->own_cpu_s / outcome->seconds, outcome->open_s);
    printf(",\"server\":{\"cpu_s\":%.2f,\"cpu_us_each\":%.2f,\"resident_kb\":[%ld,%ld],"
           "\"threads\":{",
           cpu_s, cpu_s * 1e6 / count, outcome->before.resident_kb, outcome->after.resident_kb);
    process_print_threads(options->watched, false);
    printf("}}}\n");
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    struct load load = {.mode = options.mode, .status_expected = options.status};
    struct outcome outcome = {.open_s = 0};
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    read_url(&load, &options);
    set_up_tls(&load, &options);
    load.times = times_new();
    load.handshake_times = times_new();
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.peers_count = options.connections;
    load.peers = calloc(options.connections, sizeof *load.peers);
    if (load.peers == NULL || load.epoll < 0)
        die("no memory");
    if (options.mode == MODE_IDLE) {
        run_idle(&load, &options, &outcome);
    } else {
        if (options.mode == MODE_REQUESTS)
            open_all(&load);
        run_load(&load, &options, &outcome);
    }
    drain(&load);
    print(&load, &options, &outcome);
    return load.errors == 0 && load.unexpected == 0 && load.answered == load.issued ? 0 : 1;
}
