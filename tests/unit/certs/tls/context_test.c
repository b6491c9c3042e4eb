/* context: what the listener agrees to and what it does not, seen by a client that would take
 * anything; and that both directions of the product fit together. */
#include "certs/tls/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "certs/tls/trial.h"
#include "lib/certs_forge.h"

enum { BIG_CHAIN = 40, THREADS = 4, CALLS = 40, RELOADS = 30 };

struct world {
    struct forge_bin bin;
    struct forge root, ec, rsa, peer;
    struct trust *trust;
    struct context *context;     /* with the EC key */
    struct context *rsa_context; /* with the RSA key */
    struct context *atna;        /* RSA, atna_compat */
    char root_file[FORGE_PATH];
};

static struct context *make_context(struct world *world, const struct forge *item, bool atna_compat)
{
    static const char *const names[] = {"gateway.example"};
    const struct context_options options = {
        .names = names, .name_count = 1, .atna_compat = atna_compat};
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct identity *identity = forge_identity(&world->bin, item);
    struct context *context = context_new(identity, world->trust, &options, &findings);
    assert_non_null(context);
    assert_int_equal(findings.count, 0);
    identity_release(identity);
    return context;
}

static int make_world(void **state)
{
    static const char *const sans[] = {"urn:refgate:org:lakeside"};
    static const char *const own[] = {"urn:refgate:org:willow"};
    struct world *world = forge_world(sizeof *world);
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct forge_plan plan = {.cn = "CA", .is_ca = true};
    world->root = forge_make(&world->bin, &plan, NULL);
    plan =
        (struct forge_plan){.cn = "willow", .san = "URI:urn:refgate:org:willow,DNS:Willow.example"};
    world->ec = forge_make(&world->bin, &plan, &world->root);
    plan.kind = FORGE_RSA2048;
    world->rsa = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){.cn = "lakeside"};
    world->peer = forge_make(&world->bin, &plan, &world->root);
    const struct forge *roots[] = {&world->root};
    forge_write(&world->bin, roots, 1, world->root_file);
    const struct trust_partner partners[] = {
        {.name = "lakeside", .ca_file = world->root_file, .sans = sans, .san_count = 1},
        {.name = "willow", .ca_file = world->root_file, .sans = own, .san_count = 1},
    };
    world->trust = trust_new(partners, 2, NULL, &findings);
    assert_int_equal(findings.count, 0);
    world->context = make_context(world, &world->ec, false);
    world->rsa_context = make_context(world, &world->rsa, false);
    world->atna = make_context(world, &world->rsa, true);
    *state = world;
    return 0;
}

static int end_world(void **state)
{
    struct world *world = *state;
    context_release(world->context);
    context_release(world->rsa_context);
    context_release(world->atna);
    trust_release(world->trust);
    return forge_end_world(state);
}

static void open_client(struct world *world, struct forge_peer *peer, int version)
{
    forge_peer_open(peer, false, version, &world->peer, NULL, 0);
}

/* The handshake of PEER with CONTEXT; the session stays in RET_SESSION when it is wanted. */
static bool talks(struct context *context, struct forge_peer *peer, struct ssl_st **ret_session)
{
    struct ssl_st *session = context_session_new(context, 0);
    bool done = forge_talk(peer->ssl, session);
    if (ret_session != NULL)
        *ret_session = session;
    else
        context_session_free(session);
    return done;
}

static void speaks_12_and_13_only(void **state)
{
    struct world *world = *state;
    static const struct {
        int version;
        bool good;
    } cases[] = {{SSL3_VERSION, false},
                 {TLS1_VERSION, false},
                 {TLS1_1_VERSION, false},
                 {TLS1_2_VERSION, true},
                 {TLS1_3_VERSION, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct forge_peer peer;
        open_client(world, &peer, cases[i].version);
        assert_int_equal(talks(world->context, &peer, NULL), cases[i].good);
        forge_peer_close(&peer);
    }
}

static bool is_listed(const char *const *list, const char *name)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, name) == 0)
            return true;
    }
    return false;
}

/* Offers every suite that OpenSSL knows, one by one. */
static void check_suites_12(struct world *world, struct context *context,
                            const char *const *allowed)
{
    struct forge_peer all;
    size_t agreed = 0;
    size_t listed = 0;
    while (allowed[listed] != NULL)
        listed++;
    open_client(world, &all, TLS1_2_VERSION);
    assert_int_equal(SSL_set_cipher_list(all.ssl, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"), 1);
    STACK_OF(SSL_CIPHER) *suites = SSL_get_ciphers(all.ssl);
    for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
        const char *name = SSL_CIPHER_get_name(suite);
        struct forge_peer peer;
        if (strcmp(SSL_CIPHER_get_version(suite), "TLSv1.3") == 0)
            continue;
        open_client(world, &peer, TLS1_2_VERSION);
        SSL_set_security_level(peer.ssl, 0);
        assert_int_equal(SSL_set_cipher_list(peer.ssl, name), 1);
        bool done = talks(context, &peer, NULL);
        if (done != is_listed(allowed, name))
            fail_msg("%s was %s", name, done ? "agreed to" : "refused");
        agreed += done;
        forge_peer_close(&peer);
    }
    assert_int_equal(agreed, listed);
    forge_peer_close(&all);
}

static void agrees_to_the_listed_suites_only(void **state)
{
    struct world *world = *state;
    static const char *const ec[] = {"ECDHE-ECDSA-AES256-GCM-SHA384",
                                     "ECDHE-ECDSA-AES128-GCM-SHA256", NULL};
    static const char *const rsa[] = {"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256",
                                      NULL};
    static const char *const atna[] = {"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256",
                                       "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256",
                                       NULL};
    check_suites_12(world, world->context, ec);
    check_suites_12(world, world->rsa_context, rsa);
    check_suites_12(world, world->atna, atna);
}

static void agrees_to_three_suites_of_13(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *suite;
        bool good;
    } cases[] = {{"TLS_AES_256_GCM_SHA384", true},
                 {"TLS_AES_128_GCM_SHA256", true},
                 {"TLS_CHACHA20_POLY1305_SHA256", true},
                 {"TLS_AES_128_CCM_SHA256", false},
                 {"TLS_AES_128_CCM_8_SHA256", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct forge_peer peer;
        open_client(world, &peer, TLS1_3_VERSION);
        assert_int_equal(SSL_set_ciphersuites(peer.ssl, cases[i].suite), 1);
        assert_int_equal(talks(world->context, &peer, NULL), cases[i].good);
        forge_peer_close(&peer);
    }
}

static void agrees_to_three_groups(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *group;
        bool good;
    } cases[] = {{"X25519", true}, {"P-256", true}, {"P-384", true},
                 {"P-521", false}, {"X448", false}, {"ffdhe2048", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct forge_peer peer;
        open_client(world, &peer, TLS1_3_VERSION);
        assert_int_equal(SSL_set1_groups_list(peer.ssl, cases[i].group), 1);
        assert_int_equal(talks(world->context, &peer, NULL), cases[i].good);
        forge_peer_close(&peer);
    }
}

static void refuses_sha1_signatures_in_the_handshake(void **state)
{
    struct world *world = *state;
    struct forge_peer peer;
    open_client(world, &peer, TLS1_2_VERSION);
    assert_int_equal(SSL_set1_sigalgs_list(peer.ssl, "ECDSA+SHA1:RSA+SHA1"), 1);
    assert_false(talks(world->context, &peer, NULL));
    forge_peer_close(&peer);
    open_client(world, &peer, TLS1_2_VERSION);
    assert_int_equal(SSL_set1_client_sigalgs_list(peer.ssl, "ECDSA+SHA1"), 1);
    assert_false(talks(world->context, &peer, NULL));
    forge_peer_close(&peer);
}

static void knows_its_names(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *name;
        bool good;
    } cases[] = {{NULL, true},
                 {"willow.example", true},
                 {"WILLOW.EXAMPLE", true},
                 {"gateway.example", true},
                 {"willow.example.evil.example", false},
                 {"x.willow.example", false},
                 {"localhost", false},
                 {"willow", false}};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        struct forge_peer peer;
        open_client(world, &peer, versions[i % 2]);
        if (cases[i / 2].name != NULL)
            SSL_set_tlsext_host_name(peer.ssl, cases[i / 2].name);
        assert_int_equal(talks(world->context, &peer, NULL), cases[i / 2].good);
        assert_int_equal(peer.alert,
                         cases[i / 2].good ? FORGE_ALERT_NONE : SSL_AD_UNRECOGNIZED_NAME);
        forge_peer_close(&peer);
    }
}

static void speaks_http_11_only(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *offer;  /* each with its length before it */
        const char *chosen; /* NULL: refused */
    } cases[] = {{"\x08http/1.1", "http/1.1"},
                 {"\x02h2\x08http/1.1", "http/1.1"},
                 {"\x02h2", NULL},
                 {"\x08http/1.0\x02h2", NULL},
                 {"\x08HTTP/1.1", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct forge_peer peer;
        const unsigned char *chosen = NULL;
        unsigned length = 0;
        open_client(world, &peer, TLS1_3_VERSION);
        SSL_set_alpn_protos(peer.ssl, (const unsigned char *)cases[i].offer,
                            (unsigned)strlen(cases[i].offer));
        assert_int_equal(talks(world->context, &peer, NULL), cases[i].chosen != NULL);
        SSL_get0_alpn_selected(peer.ssl, &chosen, &length);
        if (cases[i].chosen != NULL)
            assert_memory_equal(chosen, cases[i].chosen, length);
        else
            assert_int_equal(peer.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
        forge_peer_close(&peer);
    }
}

static void does_not_renegotiate(void **state)
{
    struct world *world = *state;
    struct forge_peer peer;
    struct ssl_st *session = NULL;
    char byte;
    open_client(world, &peer, TLS1_2_VERSION);
    assert_true(talks(world->context, &peer, &session));
    assert_int_equal(SSL_get_extms_support(peer.ssl), 1);
    assert_int_equal(SSL_renegotiate(peer.ssl), 1);
    SSL_do_handshake(peer.ssl);
    assert_int_not_equal(SSL_read(session, &byte, 1), 1);
    SSL_do_handshake(peer.ssl);
    assert_int_equal(peer.alert, SSL_AD_NO_RENEGOTIATION);
    assert_null(SSL_get_current_compression(peer.ssl));
    assert_int_equal(SSL_get_secure_renegotiation_support(peer.ssl), 1);
    context_session_free(session);
    forge_peer_close(&peer);
}

static int count_session(SSL *ssl, SSL_SESSION *session)
{
    (void)session;
    struct forge_peer *peer = SSL_get_app_data(ssl);
    peer->alert = 1000;
    return 0;
}

static void never_resumes(void **state)
{
    struct world *world = *state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct forge_peer first;
        struct forge_peer second;
        open_client(world, &first, versions[i]);
        SSL_CTX_set_session_cache_mode(first.ctx, SSL_SESS_CACHE_CLIENT);
        SSL_CTX_sess_set_new_cb(first.ctx, count_session);
        assert_true(talks(world->context, &first, NULL));
        SSL_SESSION *session = SSL_get1_session(first.ssl);
        if (versions[i] == TLS1_3_VERSION)
            assert_int_equal(first.alert, FORGE_ALERT_NONE); /* no ticket ever came */
        assert_int_equal(SSL_SESSION_has_ticket(session), 0);
        open_client(world, &second, versions[i]);
        SSL_set_session(second.ssl, session);
        assert_true(talks(world->context, &second, NULL));
        assert_int_equal(SSL_session_reused(second.ssl), 0);
        SSL_SESSION_free(session);
        forge_peer_close(&first);
        forge_peer_close(&second);
    }
}

static void refuses_an_endless_chain(void **state)
{
    struct world *world = *state;
    struct forge_peer peer;
    const struct forge *sent[BIG_CHAIN];
    struct forge_plan plan = {.cn = "big", .is_ca = true, .kind = FORGE_P521};
    char san[2000] = "URI:urn:";
    memset(san + 8, 'x', sizeof san - 9);
    plan.san = san;
    struct forge big = forge_make(&world->bin, &plan, &world->root);
    for (size_t i = 0; i < BIG_CHAIN; i++)
        sent[i] = &big;
    forge_peer_open(&peer, false, TLS1_3_VERSION, &world->peer, sent, BIG_CHAIN);
    assert_false(talks(world->context, &peer, NULL));
    forge_peer_close(&peer);
    forge_peer_open(&peer, false, TLS1_3_VERSION, &world->peer, sent, 4);
    assert_true(talks(world->context, &peer, NULL));
    forge_peer_close(&peer);
}

static void fits_together(void **state)
{
    struct world *world = *state;
    struct context *peer = make_context(world, &world->peer, false);
    struct verify_peer server;
    struct verify_peer client;
    assert_true(trial_handshake(world->context, peer, "willow", &server, &client));
    assert_string_equal(server.partner, "willow");
    assert_string_equal(client.partner, "lakeside");
    assert_string_equal(client.subject, "CN=lakeside");
    assert_string_equal(client.issuer, "CN=CA");
    assert_int_equal(strlen(client.fingerprint), 64);
    assert_int_equal(strlen(client.pin), 44);
    assert_true(client.not_after > time(NULL) + 89 * FORGE_DAY);
    /* the right certificate of another partner */
    assert_false(trial_handshake(world->context, peer, "lakeside", &server, &client));
    assert_int_equal(server.verdict, VERDICT_wrong_name);
    assert_string_equal(server.claimed, "lakeside");
    assert_string_equal(server.partner, "");
    /* a partner that does not exist */
    assert_false(trial_handshake(world->context, peer, "nobody", &server, &client));
    assert_int_equal(server.verdict, VERDICT_no_partner);
    context_release(peer);
}

static void no_handshake_is_no_peer(void **state)
{
    struct world *world = *state;
    static const char *const cases[] = {"GET / HTTP/1.1\r\n\r\n",
                                        "\x16\x03\x01\x02\x00 and then nothing sensible",
                                        "SSH-2.0-OpenSSH_9.2\r\n"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verify_peer found;
        struct ssl_st *session = context_session_new(world->context, 0);
        SSL_set_bio(session, BIO_new_mem_buf(cases[i], -1), BIO_new(BIO_s_mem()));
        assert_int_not_equal(SSL_accept(session), 1);
        assert_false(verify_peer_of(session, &found));
        assert_int_equal(found.verdict, VERDICT_no_handshake);
        context_session_free(session);
    }
    struct forge_peer peer; /* the client refuses our certificate */
    struct ssl_st *session = context_session_new(world->context, 0);
    struct verify_peer found;
    open_client(world, &peer, TLS1_2_VERSION);
    SSL_CTX_set_cert_verify_callback(peer.ctx, NULL, NULL);
    assert_false(forge_talk(peer.ssl, session));
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_UNKNOWN_CA);
    ERR_clear_error();
    assert_false(verify_peer_of(session, &found));
    assert_int_equal(found.verdict, VERDICT_no_handshake);
    context_session_free(session);
    forge_peer_close(&peer);
}

static void names_the_suite(void **state)
{
    struct world *world = *state;
    struct forge_peer peer;
    struct ssl_st *session = NULL;
    char suite[CONTEXT_SUITE_TEXT];
    open_client(world, &peer, TLS1_3_VERSION);
    assert_true(talks(world->context, &peer, &session));
    context_suite(session, suite);
    assert_string_equal(suite, "TLSv1.3 TLS_AES_256_GCM_SHA384 X25519");
    context_session_free(session);
    forge_peer_close(&peer);
    open_client(world, &peer, TLS1_2_VERSION);
    SSL_set1_groups_list(peer.ssl, "P-256");
    assert_true(talks(world->context, &peer, &session));
    context_suite(session, suite);
    assert_string_equal(suite, "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384 prime256v1");
    context_session_free(session);
    forge_peer_close(&peer);
}

struct shared { /* what the threads of the next test see */
    struct world *world;
    pthread_mutex_t lock;
    struct context *context;
    atomic_int failed;
};

static void *call_often(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < CALLS; i++) {
        struct forge_peer peer;
        pthread_mutex_lock(&shared->lock);
        struct context *context = context_hold(shared->context);
        pthread_mutex_unlock(&shared->lock);
        struct ssl_st *session = context_session_new(context, 0);
        context_release(context); /* the session keeps it */
        open_client(shared->world, &peer, i % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
        struct verify_peer found;
        if (!forge_talk(peer.ssl, session) || !verify_peer_of(session, &found) ||
            strcmp(found.partner, "lakeside") != 0)
            atomic_fetch_add(&shared->failed, 1);
        context_session_free(session);
        forge_peer_close(&peer);
    }
    return NULL;
}

static void serves_threads_while_it_is_replaced(void **state)
{
    struct world *world = *state;
    struct shared shared = {.world = world, .context = make_context(world, &world->ec, false)};
    pthread_t threads[THREADS];
    pthread_mutex_init(&shared.lock, NULL);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, call_often, &shared);
    for (int i = 0; i < RELOADS; i++) {
        struct context *fresh = make_context(world, i % 2 == 0 ? &world->rsa : &world->ec, false);
        pthread_mutex_lock(&shared.lock);
        struct context *old = shared.context;
        shared.context = fresh;
        pthread_mutex_unlock(&shared.lock);
        context_release(old);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.failed, 0);
    context_release(shared.context);
    pthread_mutex_destroy(&shared.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_12_and_13_only),
        cmocka_unit_test(agrees_to_the_listed_suites_only),
        cmocka_unit_test(agrees_to_three_suites_of_13),
        cmocka_unit_test(agrees_to_three_groups),
        cmocka_unit_test(refuses_sha1_signatures_in_the_handshake),
        cmocka_unit_test(knows_its_names),
        cmocka_unit_test(speaks_http_11_only),
        cmocka_unit_test(does_not_renegotiate),
        cmocka_unit_test(never_resumes),
        cmocka_unit_test(refuses_an_endless_chain),
        cmocka_unit_test(fits_together),
        cmocka_unit_test(no_handshake_is_no_peer),
        cmocka_unit_test(names_the_suite),
        cmocka_unit_test(serves_threads_while_it_is_replaced),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
