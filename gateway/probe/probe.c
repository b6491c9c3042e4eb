/* probe: see probe.h. */
#include "gateway/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "fhir/message/message.h"
#include "gateway/delivery/transmit.h"
#include "gateway/probe/probe_advice.h"
#include "gateway/probe/probe_metadata.h"
#include "gateway/probe/reach.h"
#include "gateway/runtime/address.h"

enum { DAYS_TO_WARN = 30, SECONDS_TO_WARN = 5, ADDRESSES_MAX = 8 };

struct walk {
    const struct probe_options *options;
    struct probe_report *report;
    const char *host, *port;
    struct addrinfo *addresses;
};

/* What came of one exchange, kept beyond it. */
struct exchange_result {
    struct arena *arena;
    bool is_done;
    struct clock clock;
    int64_t at_ms; /* by that clock, when it ended */
    struct transmit_result result;
    struct verify_peer server;
};

const char *probe_state_name(enum probe_state state)
{
    static const char *const names[] = {[PROBE_GOOD] = "ok",
                                        [PROBE_WARNS] = "look",
                                        [PROBE_FAILED] = "failed",
                                        [PROBE_NOT_RUN] = "not run"};
    return names[state];
}

/* False when the walk ends here. */
static bool add(struct walk *walk, struct probe_step step)
{
    struct probe_report *report = walk->report;
    report->steps[report->count++] = step;
    report->is_failed = report->is_failed || step.state == PROBE_FAILED;
    return step.state != PROBE_FAILED;
}

static bool good(struct walk *walk, const char *name, const char *said)
{
    return add(walk, (struct probe_step){name, PROBE_GOOD, said, NULL});
}

static bool failed(struct walk *walk, const char *name, const char *said, const char *advice)
{
    return add(walk, (struct probe_step){name, PROBE_FAILED, said, advice});
}

/* ---- settings, DNS, TCP ---- */

static bool check_settings(struct walk *walk)
{
    struct arena *arena = walk->options->arena;
    const struct partner *partner = walk->options->partner;
    reach_address(arena, partner->url, &walk->host, &walk->port);
    if (partner->disabled)
        return add(walk,
                   (struct probe_step){
                       "settings", PROBE_WARNS,
                       arena_print(arena, "%s, but the partner is disabled", partner->url),
                       arena_print(arena, "when it may be used again: refgate partner enable %s",
                                   partner->name)});
    return good(walk, "settings", partner->url);
}

static const char *address_list(struct arena *arena, const struct addrinfo *addresses)
{
    struct text list = text_new(arena, ADDRESSES_MAX * ADDRESS_TEXT);
    for (size_t i = 0; addresses != NULL && i < ADDRESSES_MAX;
         addresses = addresses->ai_next, i++) {
        char host[INET6_ADDRSTRLEN];
        if (getnameinfo(addresses->ai_addr, addresses->ai_addrlen, host, sizeof host, NULL, 0,
                        NI_NUMERICHOST) == 0)
            text_print(&list, "%s%s", i == 0 ? "" : ", ", host);
    }
    return list.at;
}

static bool resolve(struct walk *walk)
{
    struct arena *arena = walk->options->arena;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status = getaddrinfo(walk->host, walk->port, &hints, &walk->addresses);
    if (status != 0)
        return failed(
            walk, "dns",
            arena_print(arena, "the name %s is not known: %s", walk->host, gai_strerror(status)),
            "correct url in the partner's file, or this machine's DNS; an address works too");
    for (struct addrinfo *at = walk->addresses; at != NULL; at = at->ai_next) {
        struct sockaddr_storage address = {0};
        memcpy(&address, at->ai_addr, at->ai_addrlen);
        if (!address_fits(walk->host, &address))
            return failed(
                walk, "dns",
                arena_print(arena, "%s leads to %s, where no partner can be", walk->host,
                            address_list(arena, walk->addresses)),
                "the name must not lead to this machine itself or to a link-local address; "
                "correct the name, or write the address into url");
    }
    return good(walk, "dns",
                arena_print(arena, "%s is %s", walk->host, address_list(arena, walk->addresses)));
}

/* 0 when it connects within WAIT_MS, else errno. */
static int try_address(const struct addrinfo *address, int wait_ms)
{
    int error = 0;
    socklen_t size = sizeof error;
    int file = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0)
        return errno;
    struct pollfd wait = {.fd = file, .events = POLLOUT};
    if (connect(file, address->ai_addr, address->ai_addrlen) != 0) {
        error = errno;
        if (error == EINPROGRESS) {
            error = ETIMEDOUT;
            if (poll(&wait, 1, wait_ms) > 0)
                getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size);
        }
    }
    close(file);
    return error;
}

static bool connect_to(struct walk *walk)
{
    struct arena *arena = walk->options->arena;
    int wait_ms = (int)walk->options->setup->config.connect_deadline_ms;
    int error = 0;
    for (struct addrinfo *at = walk->addresses; at != NULL; at = at->ai_next) {
        error = try_address(at, wait_ms);
        if (error == 0)
            return good(walk, "tcp", arena_print(arena, "port %s answers", walk->port));
    }
    const char *said =
        arena_print(arena, "port %s of %s: %s", walk->port, walk->host, strerror(error));
    if (error == ECONNREFUSED)
        return failed(
            walk, "tcp", said,
            "nothing listens there: is the partner's gateway running, and is the port in url "
            "the one of its setting listen?");
    return failed(
        walk, "tcp", said,
        "no way there: ask the partner whether its gateway runs and its firewall lets you in; "
        "check your own firewall");
}

/* ---- one exchange, to its end ---- */

static void on_exchange(void *owner, const struct transmit_result *result)
{
    struct exchange_result *kept = owner;
    kept->result = *result;
    kept->server = *result->server;
    kept->result.server = &kept->server;
    kept->result.sentence = arena_copy(kept->arena, result->sentence);
    kept->result.suite = arena_copy(kept->arena, result->suite);
    kept->result.body = arena_copy_n(kept->arena, result->body, result->body_length);
    kept->at_ms = clock_wall_ms(&kept->clock);
    kept->is_done = true;
}

/* Starts one on TRANSMIT; KEPT must live until it is done. */
static void begin_exchange(struct transmit *transmit, const struct walk *walk, const char *path,
                           const char *body, const struct transmit_limits *limits,
                           struct exchange_result *kept)
{
    const struct http_header headers[] = {{"Accept", "application/fhir+json"},
                                          {"Content-Type", "application/fhir+json"}};
    struct arena *arena = walk->options->arena;
    const struct partner *partner = walk->options->partner;
    *kept = (struct exchange_result){.arena = arena, .clock = walk->options->setup->clock};
    const struct transmit_request request = {.partner = partner->name,
                                             .generation = 1,
                                             .context = walk->options->context,
                                             .url = arena_print(arena, "%s%s", partner->url, path),
                                             .body = body,
                                             .body_length = body == NULL ? 0 : strlen(body),
                                             .headers = headers,
                                             .headers_count = body == NULL ? 1 : 2,
                                             .limits = *limits};
    transmit_send(transmit, &request, on_exchange, kept);
}

static struct transmit_limits limits_of(const struct walk *walk)
{
    const struct config *config = &walk->options->setup->config;
    struct transmit_limits limits = transmit_limits_default();
    limits.connect_ms = (unsigned)config->connect_deadline_ms;
    limits.total_ms = (unsigned)config->request_deadline_ms;
    limits.body_bytes_max = config->answer_max_bytes;
    return limits;
}

/* Until all of COUNT are done. */
static void finish_exchanges(uv_loop_t *loop, struct transmit *transmit,
                             const struct exchange_result *kept, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        while (!kept[i].is_done)
            uv_run(loop, UV_RUN_ONCE);
    }
    transmit_close(transmit, NULL, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
}

static void exchange_with(struct walk *walk, const char *path, const char *body,
                          struct exchange_result *kept)
{
    uv_loop_t loop;
    const struct transmit_options options = {.loop = &loop};
    const struct transmit_limits limits = limits_of(walk);
    uv_loop_init(&loop);
    struct transmit *transmit = transmit_new(&options);
    begin_exchange(transmit, walk, path, body, &limits, kept);
    finish_exchanges(&loop, transmit, kept, 1);
}

/* ---- TLS ---- */

static bool tls_failed(struct walk *walk, const struct exchange_result *kept)
{
    struct arena *arena = walk->options->arena;
    const struct verify_peer *server = &kept->server;
    if (server->verdict != VERDICT_admitted && server->verdict != VERDICT_no_handshake)
        return failed(
            walk, "tls",
            arena_print(arena,
                        "%s: its certificate is %s, for the names %s, issued by %s, valid from %s "
                        "to %s",
                        verdict_name(server->verdict), server->subject,
                        server->names[0] == '\0' ? "(none)" : server->names, server->issuer,
                        clock_date(arena, server->not_before * 1000),
                        clock_date(arena, server->not_after * 1000)),
            probe_advice_on_verdict(walk->options, server));
    if (kept->result.outcome == TRANSMIT_TLS_REFUSED)
        return failed(walk, "tls", kept->result.sentence,
                      probe_advice_on_refusal(walk->options, kept->result.sentence));
    return failed(
        walk, "tls", kept->result.sentence,
        "is this the port of its gateway, and does it speak TLS? A proxy in between must pass "
        "TLS through, not end it");
}

static bool tls_passed(struct walk *walk, const struct exchange_result *kept)
{
    struct arena *arena = walk->options->arena;
    int64_t now = clock_wall_ms(&walk->options->setup->clock) / 1000;
    int ours = identity_days_left(context_identity(walk->options->context), now);
    int theirs = certificate_days_left(kept->server.not_after, now);
    const char *suite = kept->result.suite[0] == '\0' ? "TLS" : kept->result.suite;
    const char *said = arena_print(
        arena, "%s; its certificate %s has %d days left (pin sha256//%s), ours has %d days left",
        suite, kept->server.subject, theirs, kept->server.pin, ours);
    if (theirs > DAYS_TO_WARN && ours > DAYS_TO_WARN)
        return good(walk, "tls", said);
    return add(walk, (struct probe_step){"tls", PROBE_WARNS, said,
                                         ours <= DAYS_TO_WARN
                                             ? "renew our certificate: refgate cert renew, or cert "
                                               "request and cert install"
                                             : "ask the partner to renew its certificate"});
}

static bool check_tls(struct walk *walk, const struct exchange_result *kept)
{
    bool is_through = kept->server.verdict == VERDICT_admitted &&
                      kept->result.outcome != TRANSMIT_TLS_REFUSED &&
                      kept->result.outcome != TRANSMIT_CANNOT_CONNECT;
    return is_through ? tls_passed(walk, kept) : tls_failed(walk, kept);
}

/* ---- HTTP ---- */

/* The first issue of an OperationOutcome, alone or inside a response; NULL: none. */
static const char *issue_text(struct arena *arena, const char *body, size_t length)
{
    struct json_document document;
    struct json_fault fault;
    if (!json_parse(arena, body, length, NULL, &document, &fault))
        return NULL;
    const struct json *outcome = document.root;
    const struct json *entry = json_first(json_get(document.root, "entry"));
    for (; entry != NULL; entry = json_next(entry)) {
        const struct json *resource = json_get(entry, "resource");
        if (text_equal(json_get_text(resource, "resourceType"), "OperationOutcome"))
            outcome = resource;
    }
    const struct json *issue = json_first(json_get(outcome, "issue"));
    const char *text = json_get_text(json_get(issue, "details"), "text");
    return text != NULL ? text : json_get_text(issue, "diagnostics");
}

/* With the two clocks; an answer tells whole seconds. */
static bool http_passed(struct walk *walk, const struct exchange_result *kept)
{
    struct arena *arena = walk->options->arena;
    const char *said =
        arena_print(arena, "answered 200 in %lld ms", (long long)kept->result.total_us / 1000);
    int64_t theirs_s = kept->result.date_s;
    int64_t apart_s = theirs_s - kept->at_ms / 1000;
    if (theirs_s < 0)
        return good(walk, "http", arena_print(arena, "%s; it does not say its time", said));
    said = arena_print(arena, "%s; its clock says %s, ours %s: %lld s %s", said,
                       clock_text(arena, theirs_s * 1000), clock_text(arena, kept->at_ms),
                       (long long)(apart_s < 0 ? -apart_s : apart_s),
                       apart_s < 0 ? "behind ours" : "ahead of ours");
    if (apart_s >= -SECONDS_TO_WARN && apart_s <= SECONDS_TO_WARN)
        return good(walk, "http", said);
    return add(walk, (struct probe_step){
                         "http", PROBE_WARNS, said,
                         "compare both clocks with a time server (timedatectl) and set the wrong "
                         "one: what is dated ahead of a clock waits or is refused there"});
}

static bool check_http(struct walk *walk, const struct exchange_result *kept)
{
    struct arena *arena = walk->options->arena;
    const struct transmit_result *result = &kept->result;
    const char *said =
        walk->options->is_terse ? NULL : issue_text(arena, result->body, result->body_length);
    if (result->outcome != TRANSMIT_ANSWERED)
        return failed(walk, "http", result->sentence,
                      "the partner's system is slow or broken: tell the partner");
    if (result->status == 200)
        return http_passed(walk, kept);
    const char *advice =
        "send the partner this answer: it stands against its FHIR R4 interface, and "
        "/metadata must answer 200";
    if (result->status == 403)
        advice = arena_print(
            arena,
            "it trusts our CA but does not take our certificate as a partner's: it must "
            "add us (refgate partner add %s ...), with a name of our certificate "
            "(refgate cert show) as san, and not have us disabled",
            walk->options->setup->config.org);
    if (result->status == 404)
        advice = "the path of url is not its FHIR base; it often ends in /fhir";
    if (result->status == 503)
        advice =
            "the partner's gateway is stopping, overloaded or its disk is full: try again, or tell "
            "the partner";
    return failed(walk, "http",
                  arena_print(arena, "answered %d%s%s", result->status, said == NULL ? "" : ": ",
                              said == NULL ? "" : said),
                  advice);
}

static bool check_metadata(struct walk *walk, const struct exchange_result *kept,
                           bool *ret_is_refgate)
{
    const struct probe_options *options = walk->options;
    struct probe_step step =
        probe_metadata(options->setup, options->partner, options->arena, kept->result.body,
                       kept->result.body_length, ret_is_refgate);
    if (options->is_terse && step.state != PROBE_GOOD)
        step.said = arena_print(options->arena,
                                "what it says of itself does not fit our settings (refgate partner "
                                "test %s shows it)",
                                options->partner->name);
    return add(walk, step);
}

/* ---- the test message ---- */

static const char *clinic_of(const struct setup *setup, const char *partner)
{
    for (size_t i = 0; i < directory_count(setup->directory); i++) {
        const struct directory_entry *entry = directory_at(setup->directory, i);
        if (!entry->is_person &&
            text_equal(directory_partner(setup->directory, entry, setup->config.org), partner))
            return entry->handle;
    }
    return NULL;
}

/* A note about the status of a referral that does not exist: it needs no client and no consent. */
static const char *make_message(const struct walk *walk, const char *clinic)
{
    const struct setup *setup = walk->options->setup;
    struct arena *arena = walk->options->arena;
    int64_t now_ms = clock_wall_ms(&setup->clock);
    struct setup_ids ids = {.space = arena_print(arena, "urn:refgate:test:%s:%lld",
                                                 setup->config.org, (long long)now_ms),
                            .setup = setup};
    struct fhir_context context = setup_context(setup, arena, &ids);
    const struct message_move move = {.move = "accept",
                                      .referral = {.placer = clinic,
                                                   .number = "HTEST",
                                                   .filler = setup->config.org,
                                                   .filler_number = "HTEST"},
                                      .from = setup->config.org,
                                      .to = clinic,
                                      .at = clock_text(arena, now_ms),
                                      .task_status = "accepted",
                                      .authored_at = clock_text(arena, now_ms)};
    struct json *bundle = message_of_move(&context, &move);
    struct json *meta = json_new_object(arena);
    struct json *mark =
        json_push(json_set(arena, meta, "security", json_new_list(arena)), json_new_object(arena));
    json_set_text(arena, mark, "system", "http://terminology.hl7.org/CodeSystem/v3-ActReason");
    json_set_text(arena, mark, "code", "HTEST");
    json_replace(arena, bundle, "meta", meta);
    return json_print(arena, bundle);
}

static bool judge_message(struct walk *walk, const struct exchange_result *kept)
{
    struct arena *arena = walk->options->arena;
    const struct transmit_result *result = &kept->result;
    const char *said = issue_text(arena, result->body, result->body_length);
    struct json_document document;
    struct json_fault fault;
    const char *code = NULL;
    if (result->outcome == TRANSMIT_ANSWERED && result->status == 200 &&
        json_parse(arena, result->body, result->body_length, NULL, &document, &fault))
        code =
            json_get_text(json_find(document.root, "entry", "resource", "response", NULL), "code");
    if (text_equal(code, "ok"))
        return good(walk, "message", "a test message (HTEST) was checked and answered ok");
    if (result->outcome != TRANSMIT_ANSWERED)
        return failed(walk, "message", result->sentence, "tell the partner");
    return failed(
        walk, "message",
        arena_print(arena, "answered %d%s%s", result->status, said == NULL ? "" : ": ",
                    said == NULL ? "" : said),
        result->status == 403
            ? "our clinic must stand in the partner's directory.csv, with our name in the "
              "column partner and the same NPI as here"
            : "correct what the answer names, here or at the partner; the same message is made "
              "anew "
              "by refgate partner test");
}

static void send_message(struct walk *walk, bool is_refgate)
{
    const struct setup *setup = walk->options->setup;
    const char *partner = walk->options->partner->name;
    const char *clinic = clinic_of(setup, partner);
    if (!is_refgate) {
        add(walk, (struct probe_step){"message", PROBE_NOT_RUN,
                                      "its software is not refgate and might take a test for real",
                                      NULL});
        return;
    }
    if (clinic == NULL) {
        failed(
            walk, "message",
            arena_print(walk->options->arena, "no clinic of directory.csv belongs to %s", partner),
            "add the partner's clinic to directory.csv, with the partner's name in the column "
            "partner");
        return;
    }
    struct exchange_result kept;
    exchange_with(walk, "/$process-message", make_message(walk, clinic), &kept);
    judge_message(walk, &kept);
}

void probe_partner(const struct probe_options *options, struct probe_report *ret_report)
{
    struct walk walk = {.options = options, .report = ret_report};
    bool is_refgate = false;
    *ret_report = (struct probe_report){.count = 0};
    if (check_settings(&walk) && resolve(&walk) && connect_to(&walk)) {
        struct exchange_result kept;
        exchange_with(&walk, "/metadata", NULL, &kept);
        if (check_tls(&walk, &kept) && check_http(&walk, &kept) &&
            check_metadata(&walk, &kept, &is_refgate) && options->with_message)
            send_message(&walk, is_refgate);
    }
    if (walk.addresses != NULL)
        freeaddrinfo(walk.addresses);
}

/* ---- all of them ---- */

enum { AT_ONCE_MAX = 64 };

static void probe_some(struct walk *walks, size_t count, unsigned wait_ms)
{
    struct exchange_result *kept = arena_array(walks[0].options->arena, count, sizeof *kept);
    uv_loop_t loop;
    const struct transmit_options options = {.loop = &loop};
    uv_loop_init(&loop);
    struct transmit *transmit = transmit_new(&options);
    for (size_t i = 0; i < count; i++) {
        struct transmit_limits limits = limits_of(&walks[i]);
        limits.connect_ms = wait_ms;
        limits.total_ms = wait_ms;
        begin_exchange(transmit, &walks[i], "/metadata", NULL, &limits, &kept[i]);
    }
    finish_exchanges(&loop, transmit, kept, count);
    for (size_t i = 0; i < count; i++) {
        bool is_refgate;
        if (check_tls(&walks[i], &kept[i]) && check_http(&walks[i], &kept[i]))
            check_metadata(&walks[i], &kept[i], &is_refgate);
    }
}

static struct probe_step worst_of(const struct probe_report *report)
{
    struct probe_step worst = {.state = PROBE_GOOD};
    for (size_t i = 0; i < report->count; i++) {
        if (report->steps[i].state > worst.state)
            worst = report->steps[i];
    }
    return worst;
}

void probe_all(const struct probe_options *options, const struct partner *const *partners,
               size_t count, unsigned wait_ms, struct probe_step *ret_steps)
{
    struct arena *arena = options->arena;
    struct walk *walks = arena_array(arena, count + 1, sizeof *walks);
    struct probe_report *reports = arena_array(arena, count + 1, sizeof *reports);
    struct probe_options *each = arena_array(arena, count + 1, sizeof *each);
    for (size_t i = 0; i < count; i++) {
        each[i] = *options;
        each[i].partner = partners[i];
        reports[i] = (struct probe_report){.count = 0};
        walks[i] = (struct walk){.options = &each[i], .report = &reports[i]};
    }
    for (size_t from = 0; from < count; from += AT_ONCE_MAX)
        probe_some(walks + from, count - from < AT_ONCE_MAX ? count - from : AT_ONCE_MAX, wait_ms);
    for (size_t i = 0; i < count; i++)
        ret_steps[i] = worst_of(&reports[i]);
}
