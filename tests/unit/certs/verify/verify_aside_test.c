/* verify, aside from certificates that are simply shown: those that a TLS library does not send or
 * does not use, none at all, and the second look at a peer that is already connected. */
#include "certs/verify/verify_internal.h"
#include "unit/certs/verify/verify_world.h"

/* What a TLS library does not even send is judged without a handshake. */
static void judges_what_no_library_sends(void **state)
{
    struct world *world = *state;
    static const enum forge_kind kinds[] = {FORGE_P224, FORGE_SECP256K1, FORGE_P256_EXPLICIT,
                                            FORGE_ED448};
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct trust *trust = world_trust(world, &(struct setup){0}, &findings);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct forge_plan plan = {.kind = kinds[i]};
        struct forge leaf = forge_make(&world->bin, &plan, &world->by[BY_ROOT].items[0]);
        struct verify_question question = {trust, leaf.certificate, NULL, VERIFY_NOBODY,
                                           time(NULL)};
        assert_string_equal(verdict_name(verify_judge(&question).verdict), "weak_key");
        question.expected = 0;
        assert_string_equal(verdict_name(verify_judge(&question).verdict), "weak_key");
    }
    struct forge_plan plan = {.digest = EVP_sha1()};
    struct forge leaf = forge_make(&world->bin, &plan, &world->by[BY_ROOT].items[0]);
    struct verify_question question = {trust, leaf.certificate, NULL, VERIFY_NOBODY, time(NULL)};
    assert_string_equal(verdict_name(verify_judge(&question).verdict), "weak_signature");
    trust_release(trust);
}

static void add_second_san(X509 *certificate)
{
    forge_extension(certificate, certificate, NID_subject_alt_name,
                    "URI:urn:refgate:org:somebody-else");
}

/* What OpenSSL's server does not use for TLS 1.2, so that there is nothing to refuse. */
static void judges_what_servers_hold_back(void **state)
{
    struct world *world = *state;
    static const struct {
        struct forge_plan plan;
        enum verdict verdict;
    } cases[] = {
        {{.usage = "critical,keyEncipherment"}, VERDICT_wrong_usage},
        {{.usage = "critical,keyAgreement"}, VERDICT_wrong_usage},
        {{.usage = "critical,nonRepudiation"}, VERDICT_wrong_usage},
        {{.usage = "critical,keyCertSign"}, VERDICT_wrong_usage},
        {{.touch = add_second_san}, VERDICT_bad_name},
    };
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct trust *trust = world_trust(world, &(struct setup){0}, &findings);
    struct context *context = context_new(world->identity, trust, NULL, &findings);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *what = verdict_name(cases[i].verdict);
        struct forge leaf = forge_make(&world->bin, &cases[i].plan, &world->by[BY_ROOT].items[0]);
        const struct peer_case peer_case = {.leaf = &leaf};
        world_expect(world_try_client(context, &peer_case, TLS1_2_VERSION, what), cases[i].verdict,
                     what, "as client (TLS 1.2)");
        world_expect(world_try_client(context, &peer_case, TLS1_3_VERSION, what), cases[i].verdict,
                     what, "as client (TLS 1.3)");
        world_expect(world_try_server(context, &peer_case, TLS1_3_VERSION, what), cases[i].verdict,
                     what, "as server (TLS 1.3)");
    }
    context_release(context);
    trust_release(trust);
}

static void refuses_no_certificate(void **state)
{
    struct world *world = *state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    static const int alerts[] = {40, 116};
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct trust *trust = world_trust(world, &(struct setup){0}, &findings);
    struct context *context = context_new(world->identity, trust, NULL, &findings);
    for (size_t i = 0; i < 2; i++) {
        struct forge_peer peer;
        struct verify_peer found;
        forge_peer_open(&peer, false, versions[i], NULL, NULL, 0);
        struct ssl_st *session = context_session_new(context, 0);
        assert_false(forge_talk(peer.ssl, session));
        assert_false(verify_peer_of(session, &found));
        assert_int_equal(found.verdict, VERDICT_no_certificate);
        assert_int_equal(peer.alert, alerts[i]);
        context_session_free(session);
        forge_peer_close(&peer);
    }
    context_release(context);
    trust_release(trust);
}

static void asks_again(void **state)
{
    struct world *world = *state;
    const struct forge *root = &world->by[BY_ROOT].items[0];
    struct forge_plan plan = {.from_days = -1, .until_days = 30};
    struct forge leaf = forge_make(&world->bin, &plan, root);
    const struct forge *revoked[] = {&leaf};
    char empty[FORGE_PATH];
    char full[FORGE_PATH];
    forge_write_list(&world->bin, &(struct forge_list){.issuer = root}, empty);
    forge_write_list(&world->bin,
                     &(struct forge_list){.issuer = root, .revoked = revoked, .revoked_count = 1},
                     full);
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct trust *first =
        world_trust(world, &(struct setup){.crl_files = {empty}, .crl_count = 1}, &findings);
    struct trust *again =
        world_trust(world, &(struct setup){.crl_files = {empty}, .crl_count = 1}, &findings);
    struct trust *later =
        world_trust(world, &(struct setup){.crl_files = {full}, .crl_count = 1}, &findings);
    struct trust *off = world_trust(world, &(struct setup){.disabled = true}, &findings);
    struct trust *plain = world_trust(world, &(struct setup){0}, &findings);
    struct context *context = context_new(world->identity, first, NULL, &findings);
    struct forge_peer peer;
    enum verdict verdict;
    int64_t now = time(NULL);
    forge_peer_open(&peer, false, TLS1_3_VERSION, &leaf, NULL, 0);
    struct ssl_st *session = context_session_new(context, 0);
    context_release(context);
    assert_true(forge_talk(peer.ssl, session));
    assert_true(verify_again(session, first, now, &verdict));
    assert_int_equal(verdict, VERDICT_admitted);
    assert_true(verify_again(session, again, now, NULL));
    assert_false(
        verify_again(session, again, now + 8 * FORGE_DAY, &verdict)); /* the list ran out */
    assert_int_equal(verdict, VERDICT_crl_stale);
    assert_false(verify_again(session, first, now, &verdict)); /* good again: a change as well */
    assert_int_equal(verdict, VERDICT_admitted);
    assert_false(verify_again(session, off, now, &verdict));
    assert_int_equal(verdict, VERDICT_disabled);
    assert_true(verify_again(session, off, now, &verdict));
    assert_false(verify_again(session, later, now, &verdict));
    assert_int_equal(verdict, VERDICT_revoked);
    assert_false(verify_again(session, plain, now, &verdict));
    assert_int_equal(verdict, VERDICT_admitted);
    assert_true(verify_again(session, plain, now + 29 * FORGE_DAY, &verdict));
    assert_false(verify_again(session, plain, now + 31 * FORGE_DAY, &verdict));
    assert_int_equal(verdict, VERDICT_expired);
    context_session_free(session);
    forge_peer_close(&peer);
    trust_release(first);
    trust_release(again);
    trust_release(later);
    trust_release(off);
    trust_release(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_what_no_library_sends),
        cmocka_unit_test(judges_what_servers_hold_back),
        cmocka_unit_test(refuses_no_certificate),
        cmocka_unit_test(asks_again),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
