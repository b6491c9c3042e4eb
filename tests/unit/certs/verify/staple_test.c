/* staple: answers of a responder, good and bad, in real handshakes of TLS 1.2 and 1.3, under each
 * policy; and our own answer, handed to who asks. */
#include "certs/verify/staple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ocsp.h>

#include "certs/tls/context.h"
#include "lib/certs_forge.h"

enum signer { BY_CA, BY_RESPONDER, BY_FALSE_RESPONDER, BY_STRANGER, BY_OLD_RESPONDER, SIGNERS };

struct world {
    struct forge_bin bin;
    struct forge root, leaf, other, twin;
    struct forge signers[SIGNERS];
    struct identity *identity;
    char root_file[FORGE_PATH];
};

/* How an answer is made; zero means: good, by the CA, since yesterday until tomorrow. */
struct plan {
    bool is_missing, is_cut, has_tail, is_about_other, is_about_twin, has_no_end,
        is_embedded_left_out;
    bool has_sha256_id;
    enum signer by;
    int status; /* V_OCSP_CERTSTATUS_... */
    int response_status;
    int from_days, until_days; /* both 0: -1, +1 */
    const EVP_MD *digest;
};

static int make_world(void **state)
{
    struct world *world = forge_world(sizeof *world);
    struct forge_plan plan = {.cn = "Lakeside CA", .is_ca = true, .until_days = 900};
    world->root = forge_make(&world->bin, &plan, NULL);
    world->signers[BY_CA] = world->root;
    struct forge stranger = forge_make(&world->bin, &plan, NULL);
    world->signers[BY_STRANGER] = stranger;
    plan = (struct forge_plan){.cn = "responder", .san = "-", .usages = "OCSPSigning"};
    world->signers[BY_RESPONDER] = forge_make(&world->bin, &plan, &world->root);
    plan.from_days = -9;
    plan.until_days = -1;
    world->signers[BY_OLD_RESPONDER] = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){.cn = "no responder", .san = "-"};
    world->signers[BY_FALSE_RESPONDER] = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){.cn = "lakeside", .san = "URI:urn:refgate:org:lakeside"};
    world->leaf = forge_make(&world->bin, &plan, &world->root);
    world->other = forge_make(&world->bin, &plan, &world->root);
    world->twin = forge_make(&world->bin, &plan, &stranger);
    const struct forge *roots[] = {&world->root};
    forge_write(&world->bin, roots, 1, world->root_file);
    world->identity = forge_identity(&world->bin, &world->leaf);
    *state = world;
    return 0;
}

static int end_world(void **state)
{
    struct world *world = *state;
    identity_release(world->identity);
    return forge_end_world(state);
}

/* DER of the answer; the caller frees it with OPENSSL_free. */
static unsigned char *make_answer(struct world *world, const struct plan *plan, int *ret_length)
{
    const struct forge *about = plan->is_about_other  ? &world->other
                                : plan->is_about_twin ? &world->twin
                                                      : &world->leaf;
    const struct forge *issuer = plan->is_about_twin ? &world->signers[BY_STRANGER] : &world->root;
    const struct forge *signer = &world->signers[plan->by];
    bool has_days = plan->from_days != 0 || plan->until_days != 0;
    int from = has_days ? plan->from_days : -1;
    int until = has_days ? plan->until_days : 1;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(plan->has_sha256_id ? EVP_sha256() : NULL, about->certificate,
                                      issuer->certificate);
    ASN1_TIME *since = X509_gmtime_adj(NULL, from * FORGE_DAY);
    ASN1_TIME *end = X509_gmtime_adj(NULL, until * FORGE_DAY);
    ASN1_TIME *revoked_at = X509_gmtime_adj(NULL, -FORGE_DAY);
    bool is_revoked = plan->status == V_OCSP_CERTSTATUS_REVOKED;
    forge_must(OCSP_basic_add1_status(basic, id, plan->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                      is_revoked ? revoked_at : NULL, since,
                                      plan->has_no_end ? NULL : end) != NULL,
               "OCSP status");
    forge_must(OCSP_basic_sign(basic, signer->certificate, signer->key,
                               plan->digest == NULL ? EVP_sha256() : plan->digest, NULL,
                               plan->is_embedded_left_out ? OCSP_NOCERTS : 0) == 1,
               "OCSP signature");
    OCSP_RESPONSE *response =
        OCSP_response_create(plan->response_status, plan->response_status == 0 ? basic : NULL);
    unsigned char *der = NULL;
    int length = i2d_OCSP_RESPONSE(response, &der);
    forge_must(length > 0, "OCSP answer");
    if (plan->has_tail) {
        der = OPENSSL_realloc(der, (size_t)length + 1);
        der[length++] = 'x';
    }
    *ret_length = plan->is_cut ? length - 7 : length;
    OCSP_RESPONSE_free(response);
    ASN1_TIME_free(since);
    ASN1_TIME_free(end);
    ASN1_TIME_free(revoked_at);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    return der;
}

static struct context *make_context(struct world *world, enum trust_staple policy,
                                    const char *staple_file, size_t findings_expected)
{
    static const char *const sans[] = {"urn:refgate:org:lakeside"};
    const struct trust_partner partner = {.name = "lakeside",
                                          .ca_file = world->root_file,
                                          .sans = sans,
                                          .san_count = 1,
                                          .staple = policy};
    const struct context_options options = {.staple_file = staple_file,
                                            .ca_file = world->root_file};
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct trust *trust = trust_new(&partner, 1, NULL, &findings);
    struct context *context = context_new(world->identity, trust, &options, &findings);
    assert_non_null(context);
    assert_int_equal(findings.count, findings_expected);
    trust_release(trust);
    return context;
}

struct served {
    struct world *world;
    const struct plan *plan;
    bool was_asked;
};

static int serve(SSL *session, void *argument)
{
    struct served *served = argument;
    served->was_asked = true;
    if (served->plan->is_missing)
        return SSL_TLSEXT_ERR_NOACK;
    int length = 0;
    unsigned char *der = make_answer(served->world, served->plan, &length);
    SSL_set_tlsext_status_ocsp_resp(session, der, length);
    return SSL_TLSEXT_ERR_OK;
}

/* Our client calls lakeside's server, which hands over what PLAN says. */
static enum verdict try(struct world *world, struct context *context, const struct plan *plan,
                        int version, int *ret_alert, bool *ret_asked)
{
    struct forge_peer peer;
    struct served served = {world, plan, false};
    struct context_call call = {.context = context, .partner = "lakeside"};
    forge_peer_open(&peer, true, version, &world->leaf, NULL, 0);
    SSL_CTX_set_tlsext_status_cb(peer.ctx, serve);
    SSL_CTX_set_tlsext_status_arg(peer.ctx, &served);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_true(context_apply_client(ctx, &call));
    SSL *client = SSL_new(ctx);
    bool talked = forge_talk(client, peer.ssl);
    assert_int_equal(talked, call.peer.verdict == VERDICT_admitted);
    assert_string_equal(call.peer.partner, talked ? "lakeside" : "");
    assert_string_equal(call.peer.claimed, "lakeside");
    *ret_alert = peer.alert;
    *ret_asked = served.was_asked;
    SSL_free(client);
    SSL_CTX_free(ctx);
    forge_peer_close(&peer);
    return call.peer.verdict;
}

/* clang-format off */
static const struct {
    const char *what;
    struct plan plan;
    enum verdict required, preferred;
} rows[] = {
    {"good", {0}, VERDICT_admitted, VERDICT_admitted},
    {"good, number hashed with SHA-256", {.has_sha256_id = true}, VERDICT_admitted, VERDICT_admitted},
    {"good, signer not sent along", {.is_embedded_left_out = true}, VERDICT_admitted, VERDICT_admitted},
    {"good, by a named responder", {.by = BY_RESPONDER}, VERDICT_admitted, VERDICT_admitted},
    {"good, without an end", {.has_no_end = true}, VERDICT_admitted, VERDICT_admitted},
    {"none", {.is_missing = true}, VERDICT_staple_missing, VERDICT_admitted},
    {"revoked", {.status = V_OCSP_CERTSTATUS_REVOKED}, VERDICT_revoked, VERDICT_revoked},
    {"revoked, out of date", {.status = V_OCSP_CERTSTATUS_REVOKED, .from_days = -9,
     .until_days = -8}, VERDICT_revoked, VERDICT_revoked},
    {"unknown", {.status = V_OCSP_CERTSTATUS_UNKNOWN}, VERDICT_staple_invalid, VERDICT_admitted},
    {"out of date", {.from_days = -9, .until_days = -1}, VERDICT_staple_stale, VERDICT_admitted},
    {"old, without an end", {.from_days = -8, .has_no_end = true}, VERDICT_staple_stale,
     VERDICT_admitted},
    {"from the future", {.from_days = 1, .until_days = 2}, VERDICT_staple_invalid, VERDICT_admitted},
    {"about another certificate", {.is_about_other = true}, VERDICT_staple_invalid,
     VERDICT_admitted},
    {"about another CA's certificate", {.is_about_twin = true}, VERDICT_staple_invalid,
     VERDICT_admitted},
    {"signed by a CA of the same name", {.by = BY_STRANGER}, VERDICT_staple_invalid,
     VERDICT_admitted},
    {"revoked, signed by a CA of the same name", {.by = BY_STRANGER,
     .status = V_OCSP_CERTSTATUS_REVOKED}, VERDICT_staple_invalid, VERDICT_admitted},
    {"signed by one who is no responder", {.by = BY_FALSE_RESPONDER}, VERDICT_staple_invalid,
     VERDICT_admitted},
    {"signed by an expired responder", {.by = BY_OLD_RESPONDER}, VERDICT_staple_invalid,
     VERDICT_admitted},
    {"responder not sent along", {.by = BY_RESPONDER, .is_embedded_left_out = true},
     VERDICT_staple_invalid, VERDICT_admitted},
    {"cut off", {.is_cut = true}, VERDICT_staple_invalid, VERDICT_admitted},
    {"with a tail", {.has_tail = true}, VERDICT_staple_invalid, VERDICT_admitted},
    {"the responder was busy", {.response_status = OCSP_RESPONSE_STATUS_TRYLATER},
     VERDICT_staple_invalid, VERDICT_admitted},
};
/* clang-format on */

static void judges_what_servers_hand_over(void **state)
{
    struct world *world = *state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct context *contexts[] = {make_context(world, TRUST_STAPLE_OFF, NULL, 0),
                                  make_context(world, TRUST_STAPLE_PREFER, NULL, 0),
                                  make_context(world, TRUST_STAPLE_REQUIRE, NULL, 0)};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const enum verdict expected[] = {VERDICT_admitted, rows[i].preferred, rows[i].required};
        for (size_t k = 0; k < 6; k++) {
            int alert = 0;
            bool was_asked = false;
            enum verdict found =
                try(world, contexts[k / 2], &rows[i].plan, versions[k % 2], &alert, &was_asked);
            if (found != expected[k / 2])
                fail_msg("%s, policy %zu: found %s, expected %s", rows[i].what, k / 2,
                         verdict_name(found), verdict_name(expected[k / 2]));
            assert_int_equal(was_asked, k / 2 != 0);
            assert_int_equal(alert, found == VERDICT_admitted ? FORGE_ALERT_NONE : 113);
        }
    }
    for (size_t i = 0; i < 3; i++)
        context_release(contexts[i]);
}

static void judges_weak_signatures(void **state)
{
    struct world *world = *state;
    const struct plan plan = {.digest = EVP_sha1()};
    int length = 0;
    unsigned char *der = make_answer(world, &plan, &length);
    struct staple staple = {der, (size_t)length, 0, 0};
    STACK_OF(X509) *known = sk_X509_new_null();
    sk_X509_push(known, world->root.certificate);
    assert_int_equal(staple_ask(&staple, world->leaf.certificate, NULL, known, time(NULL)),
                     VERDICT_staple_invalid);
    OPENSSL_free(der);
    const struct plan good = {0};
    der = make_answer(world, &good, &length);
    staple = (struct staple){der, (size_t)length, 0, 0};
    assert_int_equal(staple_ask(&staple, world->leaf.certificate, NULL, known, time(NULL)),
                     VERDICT_admitted);
    assert_int_equal(
        staple_ask(&staple, world->leaf.certificate, NULL, known, time(NULL) + 2 * FORGE_DAY),
        VERDICT_staple_stale);
    assert_int_equal(staple_ask(&staple, world->leaf.certificate, known, NULL, time(NULL)),
                     VERDICT_admitted);
    assert_int_equal(staple_ask(&staple, world->leaf.certificate, NULL, NULL, time(NULL)),
                     VERDICT_staple_invalid); /* nobody is known who could have signed it */
    for (size_t cut = 0; cut < staple.length; cut++) { /* never more than "invalid" */
        struct staple part = {der, cut, 0, 0};
        enum verdict verdict = staple_ask(&part, world->leaf.certificate, NULL, known, time(NULL));
        assert_int_equal(verdict, cut == 0 ? VERDICT_staple_missing : VERDICT_staple_invalid);
    }
    OPENSSL_free(der);
    sk_X509_free(known);
}

static void write_answer(struct world *world, const struct plan *plan, const char *path)
{
    int length = 0;
    unsigned char *der = make_answer(world, plan, &length);
    FILE *file = fopen(path, "wb");
    forge_must(file != NULL && fwrite(der, 1, (size_t)length, file) == (size_t)length, path);
    fclose(file);
    OPENSSL_free(der);
}

/* Both directions are the product's own: the listener hands over what the caller requires. */
static void hands_over_our_own(void **state)
{
    struct world *world = *state;
    static const struct {
        struct plan plan;
        bool is_good;
        bool is_loaded; /* though it is over by the time it is asked for */
    } cases[] = {{{0}, true, true},
                 {{.by = BY_RESPONDER}, true, true},
                 {{.from_days = -1, .until_days = 0}, false, true},
                 {{.from_days = -9, .until_days = -1}, false, false},
                 {{.status = V_OCSP_CERTSTATUS_REVOKED}, false, false},
                 {{.is_about_other = true}, false, false},
                 {{.is_cut = true}, false, false}};
    struct context *caller = make_context(world, TRUST_STAPLE_REQUIRE, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[FORGE_PATH];
        forge_path(&world->bin, ".der", path);
        write_answer(world, &cases[i].plan, path);
        struct context *door = make_context(world, TRUST_STAPLE_OFF, path, !cases[i].is_loaded);
        struct context_call call = {.context = caller, .partner = "lakeside"};
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        assert_true(context_apply_client(ctx, &call));
        SSL *client = SSL_new(ctx);
        struct ssl_st *server = context_session_new(door, 0);
        bool talked = forge_talk(client, server);
        assert_int_equal(talked, cases[i].is_good);
        assert_string_equal(verdict_name(call.peer.verdict),
                            cases[i].is_good ? "admitted" : "staple_missing");
        SSL_free(client);
        SSL_CTX_free(ctx);
        context_session_free(server);
        context_release(door);
    }
    context_release(make_context(world, TRUST_STAPLE_OFF, "/nonexistent", 1));
    context_release(caller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_what_servers_hand_over),
        cmocka_unit_test(judges_weak_signatures),
        cmocka_unit_test(hands_over_our_own),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
