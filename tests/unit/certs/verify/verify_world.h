/* verify_world: the certificate chains, good and bad, that the verifier's tests draw on, and a
 * handshake with each (TLS 1.2 and 1.3), as client and as server. Our side is the product's own
 * context; the other side is a peer without any scruple. Made once for a program of tests. */
#ifndef TESTS_UNIT_CERTS_VERIFY_VERIFY_WORLD_H
#define TESTS_UNIT_CERTS_VERIFY_VERIFY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs/tls/context.h"
#include "certs/verify/verify.h"
#include "lib/certs_forge.h"

enum { SENT_MAX = 8 };

/* Who issues the leaf. Each stands for a chain that is made once. */
enum issuer {
    BY_ROOT,        /* lakeside's own CA */
    BY_MIDDLE,      /* an intermediate under it */
    BY_OTHER,       /* harbor's CA */
    BY_NOBODY,      /* self-signed */
    BY_STRANGER,    /* a CA that nobody trusts */
    BY_TWIN,        /* the name of lakeside's CA, another key */
    BY_BARE_TWIN,   /* the same without key identifiers */
    BY_OLD_ROOT,    /* an expired root that lakeside has too */
    BY_FUTURE_ROOT, /* likewise, not valid yet */
    BY_OLD_MIDDLE,
    BY_FUTURE_MIDDLE,
    BY_NO_BASIC,        /* an intermediate without basic constraints */
    BY_NOT_CA,          /* ... with CA:FALSE */
    BY_LEAF,            /* another good leaf that plays CA */
    BY_NO_SIGN,         /* an intermediate that may not sign certificates */
    BY_V1,              /* a version 1 intermediate */
    BY_SHORT,           /* second intermediate under one with pathlen:0 */
    BY_DEEP_GOOD,       /* four intermediates */
    BY_DEEP,            /* five intermediates */
    BY_DNS_BOUND,       /* may only issue names under good.example */
    BY_DNS_BARRED,      /* may not issue names under lakeside.example */
    BY_IP_BOUND,        /* may only issue addresses in 10.0.0.0/8 */
    BY_WEAK_MIDDLE,     /* RSA 1024 */
    BY_SMALL_MIDDLE,    /* P-224 */
    BY_ODD_MIDDLE,      /* secp256k1 */
    BY_EXPLICIT_MIDDLE, /* P-256 with explicit parameters */
    BY_SHA1_MIDDLE,     /* an intermediate signed with SHA-1 */
    BY_MD5_MIDDLE,
    BY_SERVER_MIDDLE,   /* an intermediate for serverAuth only */
    BY_CLIENT_MIDDLE,   /* ... clientAuth only */
    BY_MAIL_MIDDLE,     /* ... emailProtection only */
    BY_CRITICAL_MIDDLE, /* with an unknown critical extension */
    BY_REVOKED_MIDDLE,
    BY_RSA_ROOT, /* a good root with RSA 3072 */
    BY_ED_ROOT,  /* a good root with Ed25519 */
    BY_COUNT
};

enum sent {
    SENT_ALL,       /* leaf and intermediates */
    SENT_LEAF,      /* intermediates missing */
    SENT_WITH_ROOT, /* and the root, which is allowed */
    SENT_MIXED,     /* upwards, but in the wrong order and with a stray one: tolerated */
};

struct authority_chain {
    struct forge items[SENT_MAX]; /* issuer first, root last */
    size_t count;
};

struct world {
    struct forge_bin bin;
    struct authority_chain by[BY_COUNT];
    struct forge ours; /* willow's certificate */
    struct identity *identity;
    bool is_seen[VERDICT_COUNT]; /* in a handshake */
    char root_file[FORGE_PATH], other_file[FORGE_PATH], issuer_file[FORGE_PATH];
};

static inline struct forge_plan world_ca(const char *name)
{
    return (struct forge_plan){.cn = name, .is_ca = true, .until_days = 900, .from_days = -1};
}

static inline void world_set_chain(struct world *world, enum issuer by,
                                   const struct forge_plan *middle, enum issuer under)
{
    struct authority_chain *chain = &world->by[by];
    const struct authority_chain *upper = &world->by[under];
    chain->items[0] = forge_make(&world->bin, middle, &upper->items[0]);
    memcpy(&chain->items[1], upper->items, upper->count * sizeof *upper->items);
    chain->count = upper->count + 1;
}

static inline void world_set_root(struct world *world, enum issuer by,
                                  const struct forge_plan *root)
{
    world->by[by].items[0] = forge_make(&world->bin, root, NULL);
    world->by[by].count = 1;
}

static inline void world_add_critical(X509 *certificate)
{
    ASN1_OBJECT *kind = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, kind, 1, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(kind);
}

static inline void world_make_version_1(X509 *certificate)
{
    while (X509_get_ext_count(certificate) > 0)
        X509_EXTENSION_free(X509_delete_ext(certificate, 0));
    X509_set_version(certificate, X509_VERSION_1);
}

static inline void world_set_roots(struct world *world)
{
    struct forge_plan plan = world_ca("Lakeside CA");
    world_set_root(world, BY_ROOT, &plan);
    world_set_root(world, BY_TWIN, &plan);
    plan.no_key_ids = true;
    world_set_root(world, BY_BARE_TWIN, &plan);
    plan = world_ca("Harbor CA");
    world_set_root(world, BY_OTHER, &plan);
    plan = world_ca("Nobody's CA");
    world_set_root(world, BY_STRANGER, &plan);
    plan = world_ca("Lakeside old CA");
    plan.from_days = -900;
    plan.until_days = -1;
    world_set_root(world, BY_OLD_ROOT, &plan);
    plan = world_ca("Lakeside future CA");
    plan.from_days = 1;
    world_set_root(world, BY_FUTURE_ROOT, &plan);
    plan = world_ca("Lakeside RSA CA");
    plan.kind = FORGE_RSA3072;
    world_set_root(world, BY_RSA_ROOT, &plan);
    plan = world_ca("Lakeside Ed CA");
    plan.kind = FORGE_ED25519;
    world_set_root(world, BY_ED_ROOT, &plan);
}

static inline void world_set_middles(struct world *world)
{
    /* clang-format off */
    static const struct {
        enum issuer by, under;
        struct forge_plan plan;
    } rows[] = {
        {BY_MIDDLE, BY_ROOT, {.basic = "critical,CA:TRUE,pathlen:0"}},
        {BY_OLD_MIDDLE, BY_ROOT, {.from_days = -90, .until_days = -1}},
        {BY_FUTURE_MIDDLE, BY_ROOT, {.from_days = 1, .until_days = 90}},
        {BY_NO_BASIC, BY_ROOT, {.basic = "-"}},
        {BY_NOT_CA, BY_ROOT, {.basic = "critical,CA:FALSE"}},
        {BY_NO_SIGN, BY_ROOT, {.usage = "critical,digitalSignature,cRLSign"}},
        {BY_V1, BY_ROOT, {.touch = world_make_version_1}},
        {BY_SHORT, BY_MIDDLE, {.cn = "second"}},
        {BY_DNS_BOUND, BY_ROOT, {.constraints = "critical,permitted;DNS:good.example"}},
        {BY_DNS_BARRED, BY_ROOT, {.constraints = "critical,excluded;DNS:lakeside.example"}},
        {BY_IP_BOUND, BY_ROOT, {.constraints = "critical,permitted;IP:10.0.0.0/255.0.0.0"}},
        {BY_WEAK_MIDDLE, BY_ROOT, {.kind = FORGE_RSA1024}},
        {BY_SMALL_MIDDLE, BY_ROOT, {.kind = FORGE_P224}},
        {BY_ODD_MIDDLE, BY_ROOT, {.kind = FORGE_SECP256K1}},
        {BY_EXPLICIT_MIDDLE, BY_ROOT, {.kind = FORGE_P256_EXPLICIT}},
        {BY_SERVER_MIDDLE, BY_ROOT, {.usages = "serverAuth"}},
        {BY_CLIENT_MIDDLE, BY_ROOT, {.usages = "clientAuth"}},
        {BY_MAIL_MIDDLE, BY_ROOT, {.usages = "emailProtection"}},
        {BY_CRITICAL_MIDDLE, BY_ROOT, {.touch = world_add_critical}},
        {BY_REVOKED_MIDDLE, BY_ROOT, {.cn = "revoked"}},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct forge_plan plan = rows[i].plan;
        char name[32];
        snprintf(name, sizeof name, "middle %zu", i);
        plan.is_ca = true;
        plan.cn = plan.cn == NULL ? name : plan.cn;
        world_set_chain(world, rows[i].by, &plan, rows[i].under);
    }
    struct forge_plan outdated = {.is_ca = true, .cn = "sha1 middle", .digest = EVP_sha1()};
    world_set_chain(world, BY_SHA1_MIDDLE, &outdated, BY_ROOT);
    outdated = (struct forge_plan){.is_ca = true, .cn = "md5 middle", .digest = EVP_md5()};
    world_set_chain(world, BY_MD5_MIDDLE, &outdated, BY_RSA_ROOT);
    struct forge_plan leaf = {.cn = "a leaf"};
    world_set_chain(world, BY_LEAF, &leaf, BY_ROOT);
}

static inline void world_set_deep(struct world *world)
{
    struct authority_chain *chain = &world->by[BY_DEEP];
    *chain = world->by[BY_ROOT];
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "deep %d", i);
        struct forge_plan plan = {.is_ca = true, .cn = name};
        struct forge made = forge_make(&world->bin, &plan, &chain->items[0]);
        memmove(&chain->items[1], chain->items, chain->count * sizeof *chain->items);
        chain->items[0] = made;
        chain->count++;
        if (i == 3)
            world->by[BY_DEEP_GOOD] = *chain;
    }
}

static inline int world_begin(void **state)
{
    struct world *world = forge_world(sizeof *world);
    world_set_roots(world);
    world_set_middles(world);
    world_set_deep(world);
    const struct forge *lakeside[] = {
        &world->by[BY_ROOT].items[0], &world->by[BY_OLD_ROOT].items[0],
        &world->by[BY_FUTURE_ROOT].items[0], &world->by[BY_RSA_ROOT].items[0],
        &world->by[BY_ED_ROOT].items[0]};
    const struct forge *harbor[] = {&world->by[BY_OTHER].items[0]};
    forge_write(&world->bin, lakeside, 5, world->root_file);
    forge_write(&world->bin, harbor, 1, world->other_file);

    struct forge_plan plan = world_ca("Willow CA");
    struct forge issuer = forge_make(&world->bin, &plan, NULL);
    plan =
        (struct forge_plan){.cn = "willow", .san = "URI:urn:refgate:org:willow,DNS:willow.example"};
    world->ours = forge_make(&world->bin, &plan, &issuer);
    const struct forge *issuers[] = {&issuer};
    forge_write(&world->bin, issuers, 1, world->issuer_file);
    world->identity = forge_identity(&world->bin, &world->ours);
    *state = world;
    return 0;
}

static inline int world_end(void **state)
{
    struct world *world = *state;
    identity_release(world->identity);
    return forge_end_world(state);
}

/* What lakeside's file says, beside its CA and its SAN. */
struct setup {
    const char *pins[2];
    size_t pin_count;
    const char *crl_files[4];
    size_t crl_count;
    enum trust_crl crl;
    bool disabled;
    bool no_ca;
    bool no_san;
    const char *second_san; /* harbor has this name too */
    const char *second_pin;
};

static inline struct trust *world_trust(struct world *world, const struct setup *setup,
                                        struct finding_list *findings)
{
    static const char *const sans[] = {"URI:urn:refgate:org:lakeside", "GW.lakeside.example"};
    const char *harbor_sans[] = {"urn:refgate:org:harbor", setup->second_san};
    const char *harbor_pins[] = {setup->second_pin};
    const struct trust_partner partners[] = {
        {.name = "lakeside",
         .ca_file = setup->no_ca ? NULL : world->root_file,
         .pins = setup->pins,
         .pin_count = setup->pin_count,
         .sans = sans,
         .san_count = setup->no_san ? 0 : 2,
         .crl_files = setup->crl_files,
         .crl_count = setup->crl_count,
         .crl = setup->crl,
         .disabled = setup->disabled},
        {.name = "harbor",
         .ca_file = world->other_file,
         .sans = harbor_sans,
         .san_count = setup->second_san != NULL ? 2 : 1,
         .pins = harbor_pins,
         .pin_count = setup->second_pin != NULL ? 1 : 0},
    };
    const struct trust_partner issuer = {.ca_file = world->issuer_file};
    return trust_new(partners, 2, &issuer, findings);
}

static inline int world_alert(const char *name)
{
    static const struct {
        const char *name;
        int number; /* RFC 8446 section 6 */
    } alerts[] = {{"none", FORGE_ALERT_NONE},
                  {"bad_certificate", 42},
                  {"unsupported_certificate", 43},
                  {"certificate_revoked", 44},
                  {"certificate_expired", 45},
                  {"certificate_unknown", 46},
                  {"unknown_ca", 48},
                  {"internal_error", 80},
                  {"certificate_required", 116},
                  {"bad_certificate_status_response", 113}};
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
        if (strcmp(alerts[i].name, name) == 0)
            return alerts[i].number;
    }
    fail_msg("unknown alert %s", name);
    return 0;
}

struct peer_case {
    const struct forge *leaf;
    const struct forge *sent[SENT_MAX];
    size_t sent_count;
};

static inline enum verdict world_try_client(struct context *context,
                                            const struct peer_case *peer_case, int version,
                                            const char *what)
{
    struct forge_peer peer;
    struct verify_peer found;
    forge_peer_open(&peer, false, version, peer_case->leaf, peer_case->sent, peer_case->sent_count);
    struct ssl_st *session = context_session_new(context, 0);
    bool talked = forge_talk(peer.ssl, session);
    verify_peer_of(session, &found);
    if (talked != (verdict_kind(found.verdict) != VERDICT_KIND_REFUSED))
        fail_msg("%s as client: %s, but the handshake %s", what, verdict_name(found.verdict),
                 talked ? "succeeded" : "failed");
    if (!talked && peer.alert != world_alert(verdict_alert(found.verdict)))
        fail_msg("%s as client: %s, but alert %d", what, verdict_name(found.verdict), peer.alert);
    assert_string_equal(found.partner, found.verdict == VERDICT_admitted ? "lakeside" : "");
    assert_true(found.subject[0] != '\0' && found.fingerprint[0] != '\0' &&
                found.serial[0] != '\0');
    context_session_free(session);
    forge_peer_close(&peer);
    return found.verdict;
}

static inline enum verdict world_try_server(struct context *context,
                                            const struct peer_case *peer_case, int version,
                                            const char *what)
{
    struct forge_peer peer;
    struct context_call call = {.context = context, .partner = "lakeside"};
    forge_peer_open(&peer, true, version, peer_case->leaf, peer_case->sent, peer_case->sent_count);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_true(context_apply_client(ctx, &call));
    SSL *client = SSL_new(ctx);
    bool talked = forge_talk(client, peer.ssl);
    if (talked != (call.peer.verdict == VERDICT_admitted))
        fail_msg("%s as server: %s, but the handshake %s", what, verdict_name(call.peer.verdict),
                 talked ? "succeeded" : "failed");
    if (!talked && peer.alert != world_alert(verdict_alert(call.peer.verdict)))
        fail_msg("%s as server: %s, but alert %d", what, verdict_name(call.peer.verdict),
                 peer.alert);
    SSL_free(client);
    SSL_CTX_free(ctx);
    forge_peer_close(&peer);
    return call.peer.verdict;
}

static inline struct peer_case world_present(struct world *world, const struct forge *leaf,
                                             enum issuer by, enum sent sent)
{
    struct peer_case peer_case = {.leaf = leaf};
    const struct authority_chain *chain = &world->by[by];
    if (sent == SENT_LEAF || by == BY_NOBODY)
        return peer_case;
    size_t last = sent == SENT_WITH_ROOT ? chain->count : chain->count - 1;
    for (size_t i = 0; i < last; i++)
        peer_case.sent[peer_case.sent_count++] = &chain->items[i];
    if (sent == SENT_MIXED) {
        peer_case.sent[peer_case.sent_count++] = &world->by[BY_STRANGER].items[0];
        const struct forge *first = peer_case.sent[0];
        peer_case.sent[0] = peer_case.sent[peer_case.sent_count - 1];
        peer_case.sent[peer_case.sent_count - 1] = first;
    }
    return peer_case;
}

static inline void world_expect(enum verdict found, enum verdict expected, const char *what,
                                const char *how)
{
    if (found != expected)
        fail_msg("%s %s: found %s, expected %s", what, how, verdict_name(found),
                 verdict_name(expected));
}

/* In both directions and both versions; the TLS library of the peer may decline to use some kinds.
 */
static inline void world_run(struct world *world, const struct setup *setup,
                             const struct peer_case *peer_case, const char *what,
                             enum verdict expected_client, enum verdict expected_server)
{
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct trust *trust = world_trust(world, setup, &findings);
    struct context *context = context_new(world->identity, trust, NULL, &findings);
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        const char *how = i == 0 ? "(TLS 1.2)" : "(TLS 1.3)";
        world_expect(world_try_client(context, peer_case, versions[i], what), expected_client, what,
                     how);
        world_expect(world_try_server(context, peer_case, versions[i], what), expected_server, what,
                     how);
    }
    world->is_seen[expected_client] = true;
    world->is_seen[expected_server] = true;
    context_release(context);
    trust_release(trust);
}

#define BOTH(verdict) VERDICT_##verdict, VERDICT_##verdict

#endif
