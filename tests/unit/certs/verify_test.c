/* verify: good certificates are admitted, and each kind of bad one is refused by its own verdict
 * and alert, in real handshakes (TLS 1.2 and 1.3), as client and as server. Our side is the
 * product's own context; the other side is a peer without any scruple. */
#include "certs/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs/context.h"
#include "certs/strength.h"
#include "certs/verify_parts.h"
#include "lib/certs_forge.h"

enum { ROWS_LEAST = 60, ISSUERS = 40, SENT_MAX = 8 };

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
    struct arena arena;
    bool is_seen[VERDICT_COUNT]; /* in a handshake */
    char root_file[FORGE_PATH], other_file[FORGE_PATH], issuer_file[FORGE_PATH];
};

static struct forge_plan ca(const char *name)
{
    return (struct forge_plan){.cn = name, .is_ca = true, .until_days = 900, .from_days = -1};
}

static void set_chain(struct world *world, enum issuer by, const struct forge_plan *middle,
                      enum issuer under)
{
    struct authority_chain *chain = &world->by[by];
    const struct authority_chain *upper = &world->by[under];
    chain->items[0] = forge_make(&world->bin, middle, &upper->items[0]);
    memcpy(&chain->items[1], upper->items, upper->count * sizeof *upper->items);
    chain->count = upper->count + 1;
}

static void set_root(struct world *world, enum issuer by, const struct forge_plan *root)
{
    world->by[by].items[0] = forge_make(&world->bin, root, NULL);
    world->by[by].count = 1;
}

static void add_critical(X509 *certificate)
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

static void make_version_1(X509 *certificate)
{
    while (X509_get_ext_count(certificate) > 0)
        X509_EXTENSION_free(X509_delete_ext(certificate, 0));
    X509_set_version(certificate, X509_VERSION_1);
}

static void set_roots(struct world *world)
{
    struct forge_plan plan = ca("Lakeside CA");
    set_root(world, BY_ROOT, &plan);
    set_root(world, BY_TWIN, &plan);
    plan.no_key_ids = true;
    set_root(world, BY_BARE_TWIN, &plan);
    plan = ca("Harbor CA");
    set_root(world, BY_OTHER, &plan);
    plan = ca("Nobody's CA");
    set_root(world, BY_STRANGER, &plan);
    plan = ca("Lakeside old CA");
    plan.from_days = -900;
    plan.until_days = -1;
    set_root(world, BY_OLD_ROOT, &plan);
    plan = ca("Lakeside future CA");
    plan.from_days = 1;
    set_root(world, BY_FUTURE_ROOT, &plan);
    plan = ca("Lakeside RSA CA");
    plan.kind = FORGE_RSA3072;
    set_root(world, BY_RSA_ROOT, &plan);
    plan = ca("Lakeside Ed CA");
    plan.kind = FORGE_ED25519;
    set_root(world, BY_ED_ROOT, &plan);
}

static void set_middles(struct world *world)
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
        {BY_V1, BY_ROOT, {.touch = make_version_1}},
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
        {BY_CRITICAL_MIDDLE, BY_ROOT, {.touch = add_critical}},
        {BY_REVOKED_MIDDLE, BY_ROOT, {.cn = "revoked"}},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct forge_plan plan = rows[i].plan;
        char name[32];
        snprintf(name, sizeof name, "middle %zu", i);
        plan.is_ca = true;
        plan.cn = plan.cn == NULL ? name : plan.cn;
        set_chain(world, rows[i].by, &plan, rows[i].under);
    }
    struct forge_plan outdated = {.is_ca = true, .cn = "sha1 middle", .digest = EVP_sha1()};
    set_chain(world, BY_SHA1_MIDDLE, &outdated, BY_ROOT);
    outdated = (struct forge_plan){.is_ca = true, .cn = "md5 middle", .digest = EVP_md5()};
    set_chain(world, BY_MD5_MIDDLE, &outdated, BY_RSA_ROOT);
    struct forge_plan leaf = {.cn = "a leaf"};
    set_chain(world, BY_LEAF, &leaf, BY_ROOT);
}

static void set_deep(struct world *world)
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

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    forge_begin(&world->bin);
    set_roots(world);
    set_middles(world);
    set_deep(world);
    const struct forge *lakeside[] = {
        &world->by[BY_ROOT].items[0], &world->by[BY_OLD_ROOT].items[0],
        &world->by[BY_FUTURE_ROOT].items[0], &world->by[BY_RSA_ROOT].items[0],
        &world->by[BY_ED_ROOT].items[0]};
    const struct forge *harbor[] = {&world->by[BY_OTHER].items[0]};
    forge_write(&world->bin, lakeside, 5, world->root_file);
    forge_write(&world->bin, harbor, 1, world->other_file);

    struct forge_plan plan = ca("Willow CA");
    struct forge issuer = forge_make(&world->bin, &plan, NULL);
    plan =
        (struct forge_plan){.cn = "willow", .san = "URI:urn:refgate:org:willow,DNS:willow.example"};
    world->ours = forge_make(&world->bin, &plan, &issuer);
    const struct forge *ours[] = {&world->ours};
    const struct forge *issuers[] = {&issuer};
    char cert_file[FORGE_PATH];
    char key_file[FORGE_PATH];
    forge_write(&world->bin, ours, 1, cert_file);
    forge_write(&world->bin, issuers, 1, world->issuer_file);
    forge_write_key(&world->bin, &world->ours, key_file);
    struct finding_list findings = finding_list_new(&world->arena);
    world->identity = identity_load(&(struct identity_files){cert_file, key_file, NULL}, &findings);
    assert_non_null(world->identity);
    assert_int_equal(findings.count, 0);
    *state = world;
    return 0;
}

static int end_world(void **state)
{
    struct world *world = *state;
    identity_release(world->identity);
    forge_end(&world->bin);
    arena_free(&world->arena);
    free(world);
    return 0;
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

static struct trust *make_trust(struct world *world, const struct setup *setup,
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

static int alert_number(const char *name)
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

static enum verdict try_client(struct context *context, const struct peer_case *peer_case,
                               int version, const char *what)
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
    if (!talked && peer.alert != alert_number(verdict_alert(found.verdict)))
        fail_msg("%s as client: %s, but alert %d", what, verdict_name(found.verdict), peer.alert);
    assert_string_equal(found.partner, found.verdict == VERDICT_admitted ? "lakeside" : "");
    assert_true(found.subject[0] != '\0' && found.fingerprint[0] != '\0' &&
                found.serial[0] != '\0');
    context_session_free(session);
    forge_peer_close(&peer);
    return found.verdict;
}

static enum verdict try_server(struct context *context, const struct peer_case *peer_case,
                               int version, const char *what)
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
    if (!talked && peer.alert != alert_number(verdict_alert(call.peer.verdict)))
        fail_msg("%s as server: %s, but alert %d", what, verdict_name(call.peer.verdict),
                 peer.alert);
    SSL_free(client);
    SSL_CTX_free(ctx);
    forge_peer_close(&peer);
    return call.peer.verdict;
}

static struct peer_case present(struct world *world, const struct forge *leaf, enum issuer by,
                                enum sent sent)
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

static void expect(enum verdict found, enum verdict expected, const char *what, const char *how)
{
    if (found != expected)
        fail_msg("%s %s: found %s, expected %s", what, how, verdict_name(found),
                 verdict_name(expected));
}

/* In both directions and both versions; the TLS library of the peer may decline to use some kinds.
 */
static void run_case(struct world *world, const struct setup *setup,
                     const struct peer_case *peer_case, const char *what,
                     enum verdict expected_client, enum verdict expected_server)
{
    struct finding_list findings = finding_list_new(&world->arena);
    struct trust *trust = make_trust(world, setup, &findings);
    struct context *context = context_new(world->identity, trust, NULL, &findings);
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        const char *how = i == 0 ? "(TLS 1.2)" : "(TLS 1.3)";
        expect(try_client(context, peer_case, versions[i], what), expected_client, what, how);
        expect(try_server(context, peer_case, versions[i], what), expected_server, what, how);
    }
    world->is_seen[expected_client] = true;
    world->is_seen[expected_server] = true;
    context_release(context);
    trust_release(trust);
}

#define BOTH(verdict) VERDICT_##verdict, VERDICT_##verdict

static void set_nul_dns(X509 *certificate)
{
    static const unsigned char bytes[] = "gw.lakeside.example\0.evil.example";
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, bytes, sizeof bytes - 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, name);
    X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE);
    GENERAL_NAMES_free(names);
}

static void set_nul_uri(X509 *certificate)
{
    static const unsigned char bytes[] = "urn:refgate:org:lakeside\0x";
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, bytes, sizeof bytes - 1);
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    sk_GENERAL_NAME_push(names, name);
    X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE);
    GENERAL_NAMES_free(names);
}

static void set_nul_cn(X509 *certificate)
{
    static const unsigned char bytes[] = "lakeside\0.evil";
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "OU", MBSTRING_UTF8, bytes,
                               sizeof bytes - 1, -1, 0);
}

static void add_second_san(X509 *certificate)
{
    forge_extension(certificate, certificate, NID_subject_alt_name,
                    "URI:urn:refgate:org:somebody-else");
}

static void break_signature(X509 *certificate)
{
    const ASN1_BIT_STRING *signature = NULL;
    X509_get0_signature(&signature, NULL, certificate);
    ((ASN1_BIT_STRING *)(uintptr_t)signature)->data[20] ^= 1;
}

/* clang-format off */
static const struct {
    const char *what;
    enum issuer by;
    enum sent sent;
    struct forge_plan plan;
    enum verdict client, server;
} rows[] = {
    /* good ones */
    {"good", BY_ROOT, SENT_ALL, {0}, BOTH(admitted)},
    {"good under an intermediate", BY_MIDDLE, SENT_ALL, {0}, BOTH(admitted)},
    {"good, root sent too", BY_MIDDLE, SENT_WITH_ROOT, {0}, BOTH(admitted)},
    {"good, chain in disorder", BY_MIDDLE, SENT_MIXED, {0}, BOTH(admitted)},
    {"good, four intermediates", BY_DEEP_GOOD, SENT_ALL, {0}, BOTH(admitted)},
    {"good, DNS name only", BY_ROOT, SENT_ALL, {.san = "DNS:gw.lakeside.example"}, BOTH(admitted)},
    {"good, DNS name in capitals", BY_ROOT, SENT_ALL, {.san = "DNS:GW.Lakeside.EXAMPLE"},
     BOTH(admitted)},
    {"good, one name of several", BY_ROOT, SENT_ALL,
     {.san = "DNS:a.example,IP:127.0.0.1,URI:urn:refgate:org:lakeside"}, BOTH(admitted)},
    {"good, beside a wild card", BY_ROOT, SENT_ALL,
     {.san = "DNS:*.lakeside.example,URI:urn:refgate:org:lakeside"}, BOTH(admitted)},
    {"good, without key usage", BY_ROOT, SENT_ALL, {.usage = "-"}, BOTH(admitted)},
    {"good, without basic constraints", BY_ROOT, SENT_ALL, {.basic = "-"}, BOTH(admitted)},
    {"good, P-384", BY_ROOT, SENT_ALL, {.kind = FORGE_P384}, BOTH(admitted)},
    {"good, RSA 2048", BY_ROOT, SENT_ALL, {.kind = FORGE_RSA2048}, BOTH(admitted)},
    {"good, Ed25519", BY_ROOT, SENT_ALL, {.kind = FORGE_ED25519}, BOTH(admitted)},
    {"good, under RSA", BY_RSA_ROOT, SENT_ALL, {0}, BOTH(admitted)},
    {"good, under Ed25519", BY_ED_ROOT, SENT_ALL, {0}, BOTH(admitted)},
    {"good, permitted name", BY_DNS_BOUND, SENT_ALL, {.cn = "lakeside",
     .san = "URI:urn:refgate:org:lakeside,DNS:x.good.example"}, BOTH(admitted)},
    {"good, ends in a day", BY_ROOT, SENT_ALL, {.from_days = -1, .until_days = 1}, BOTH(admitted)},
    /* time */
    {"expired", BY_ROOT, SENT_ALL, {.from_days = -90, .until_days = -1}, BOTH(expired)},
    {"expired yesterday, intermediate", BY_MIDDLE, SENT_ALL, {.from_days = -90, .until_days = -1},
     BOTH(expired)},
    {"not yet valid", BY_ROOT, SENT_ALL, {.from_days = 1, .until_days = 90}, BOTH(not_yet_valid)},
    {"ends before it begins", BY_ROOT, SENT_ALL, {.from_days = -1, .until_days = -2},
     BOTH(expired)},
    {"expired root", BY_OLD_ROOT, SENT_ALL, {0}, BOTH(issuer_expired)},
    {"root not yet valid", BY_FUTURE_ROOT, SENT_ALL, {0}, BOTH(issuer_not_yet_valid)},
    {"expired intermediate", BY_OLD_MIDDLE, SENT_ALL, {0}, BOTH(issuer_expired)},
    {"intermediate not yet valid", BY_FUTURE_MIDDLE, SENT_ALL, {0}, BOTH(issuer_not_yet_valid)},
    /* usage */
    {"no extended usage", BY_ROOT, SENT_ALL, {.usages = "-"}, BOTH(no_usage)},
    {"no extended usage, intermediate", BY_MIDDLE, SENT_ALL, {.usages = "-"}, BOTH(no_usage)},
    {"serverAuth only", BY_ROOT, SENT_ALL, {.usages = "serverAuth"}, VERDICT_wrong_usage,
     VERDICT_admitted},
    {"clientAuth only", BY_ROOT, SENT_ALL, {.usages = "clientAuth"}, VERDICT_admitted,
     VERDICT_wrong_usage},
    {"emailProtection only", BY_ROOT, SENT_ALL, {.usages = "emailProtection"}, BOTH(wrong_usage)},
    {"codeSigning only", BY_ROOT, SENT_ALL, {.usages = "codeSigning"}, BOTH(wrong_usage)},
    {"any usage", BY_ROOT, SENT_ALL, {.usages = "anyExtendedKeyUsage"}, BOTH(wrong_usage)},
    {"timeStamping, critical", BY_ROOT, SENT_ALL, {.usages = "critical,timeStamping"},
     BOTH(wrong_usage)},
    {"intermediate for servers", BY_SERVER_MIDDLE, SENT_ALL, {0}, VERDICT_wrong_usage,
     VERDICT_admitted},
    {"intermediate for clients", BY_CLIENT_MIDDLE, SENT_ALL, {0}, VERDICT_admitted,
     VERDICT_wrong_usage},
    {"intermediate for mail", BY_MAIL_MIDDLE, SENT_ALL, {0}, BOTH(wrong_usage)},
    {"a CA's certificate as leaf", BY_ROOT, SENT_ALL, {.basic = "critical,CA:TRUE",
     .usage = "critical,digitalSignature,keyCertSign"}, BOTH(leaf_is_ca)},
    /* chain */
    {"self-signed", BY_NOBODY, SENT_ALL, {0}, BOTH(self_signed)},
    {"self-signed without names", BY_NOBODY, SENT_ALL, {.san = "-"}, BOTH(self_signed)},
    {"self-signed with the CA's name", BY_NOBODY, SENT_ALL, {.cn = "Lakeside CA"},
     BOTH(self_signed)},
    {"unknown CA", BY_STRANGER, SENT_ALL, {0}, BOTH(incomplete)},
    {"unknown CA, sent", BY_STRANGER, SENT_WITH_ROOT, {0}, BOTH(unknown_ca)},
    {"unknown CA, names nobody", BY_STRANGER, SENT_ALL, {.san = "DNS:nobody.example"},
     VERDICT_unknown_ca, VERDICT_incomplete},
    {"unknown CA, sent, names nobody", BY_STRANGER, SENT_WITH_ROOT, {.san = "DNS:nobody.example"},
     BOTH(unknown_ca)},
    {"other CA with the same name", BY_TWIN, SENT_ALL, {0}, BOTH(false_ca)},
    {"other CA with the same name, sent", BY_TWIN, SENT_WITH_ROOT, {0}, BOTH(false_ca)},
    {"same name, no key identifiers", BY_BARE_TWIN, SENT_ALL, {.no_key_ids = true},
     BOTH(bad_signature)},
    {"same name, no key identifiers, sent", BY_BARE_TWIN, SENT_WITH_ROOT, {.no_key_ids = true},
     BOTH(bad_signature)},
    {"intermediate missing", BY_MIDDLE, SENT_LEAF, {0}, BOTH(incomplete)},
    {"one of four intermediates sent", BY_DEEP_GOOD, SENT_LEAF, {0}, BOTH(incomplete)},
    {"damaged signature", BY_ROOT, SENT_ALL, {.touch_after = break_signature}, BOTH(bad_signature)},
    {"damaged signature, intermediate", BY_MIDDLE, SENT_ALL, {.touch_after = break_signature},
     BOTH(bad_signature)},
    {"issuer without basic constraints", BY_NO_BASIC, SENT_ALL, {0}, BOTH(not_a_ca)},
    {"issuer is no CA", BY_NOT_CA, SENT_ALL, {0}, BOTH(not_a_ca)},
    {"issuer is a leaf", BY_LEAF, SENT_ALL, {0}, BOTH(not_a_ca)},
    {"issuer may not sign", BY_NO_SIGN, SENT_ALL, {0}, BOTH(not_a_ca)},
    {"issuer of version 1", BY_V1, SENT_ALL, {0}, BOTH(not_a_ca)},
    {"path length", BY_SHORT, SENT_ALL, {0}, BOTH(path_length)},
    {"five intermediates", BY_DEEP, SENT_ALL, {0}, BOTH(chain_too_long)},
    {"name not permitted", BY_DNS_BOUND, SENT_ALL, {0}, BOTH(name_constraint)},
    {"name excluded", BY_DNS_BARRED, SENT_ALL, {0}, BOTH(name_constraint)},
    {"address not permitted", BY_IP_BOUND, SENT_ALL,
     {.san = "URI:urn:refgate:org:lakeside,IP:192.0.2.1"}, BOTH(name_constraint)},
    {"unknown critical extension", BY_ROOT, SENT_ALL, {.touch = add_critical}, BOTH(bad_extension)},
    {"unknown critical extension above", BY_CRITICAL_MIDDLE, SENT_ALL, {0}, BOTH(bad_extension)},
    /* strength */
    {"RSA 1024", BY_ROOT, SENT_ALL, {.kind = FORGE_RSA1024}, BOTH(weak_key)},
    {"RSA with exponent 3", BY_ROOT, SENT_ALL, {.kind = FORGE_RSA2048_E3}, BOTH(weak_key)},
    {"RSA 1024 above", BY_WEAK_MIDDLE, SENT_ALL, {0}, BOTH(weak_key)},
    {"P-224 above", BY_SMALL_MIDDLE, SENT_ALL, {0}, BOTH(weak_key)},
    {"secp256k1 above", BY_ODD_MIDDLE, SENT_ALL, {0}, BOTH(weak_key)},
    {"explicit curve above", BY_EXPLICIT_MIDDLE, SENT_ALL, {0}, BOTH(weak_key)},
    {"SHA-1 above", BY_SHA1_MIDDLE, SENT_ALL, {0}, BOTH(weak_signature)},
    {"MD5 above", BY_MD5_MIDDLE, SENT_ALL, {0}, BOTH(weak_signature)},
    /* names */
    {"common name only", BY_ROOT, SENT_ALL, {.san = "-"}, BOTH(cn_only)},
    {"common name is the DNS name", BY_ROOT, SENT_ALL, {.san = "-", .cn = "gw.lakeside.example"},
     BOTH(cn_only)},
    {"another DNS name", BY_ROOT, SENT_ALL, {.san = "DNS:x.lakeside.example"}, VERDICT_no_partner,
     VERDICT_wrong_name},
    {"another URI", BY_ROOT, SENT_ALL, {.san = "URI:urn:refgate:org:nobody"}, VERDICT_no_partner,
     VERDICT_wrong_name},
    {"URI in capitals", BY_ROOT, SENT_ALL, {.san = "URI:urn:refgate:org:LAKESIDE"},
     VERDICT_no_partner, VERDICT_wrong_name},
    {"URI with a tail", BY_ROOT, SENT_ALL, {.san = "URI:urn:refgate:org:lakeside2"},
     VERDICT_no_partner, VERDICT_wrong_name},
    {"URI as a DNS name", BY_ROOT, SENT_ALL, {.san = "DNS:urn:refgate:org:lakeside"},
     VERDICT_no_partner, VERDICT_wrong_name},
    {"DNS name as a URI", BY_ROOT, SENT_ALL, {.san = "URI:gw.lakeside.example"},
     VERDICT_no_partner, VERDICT_wrong_name},
    {"DNS name with a tail", BY_ROOT, SENT_ALL, {.san = "DNS:gw.lakeside.example.evil.example"},
     VERDICT_no_partner, VERDICT_wrong_name},
    {"DNS name with a dot at the end", BY_ROOT, SENT_ALL, {.san = "DNS:gw.lakeside.example."},
     VERDICT_no_partner, VERDICT_wrong_name},
    {"name as mail address", BY_ROOT, SENT_ALL, {.san = "email:gw@lakeside.example"},
     VERDICT_no_partner, VERDICT_wrong_name},
    {"address only", BY_ROOT, SENT_ALL, {.san = "IP:127.0.0.1"}, VERDICT_no_partner,
     VERDICT_wrong_name},
    {"wild card", BY_ROOT, SENT_ALL, {.san = "DNS:*.lakeside.example"}, BOTH(wildcard)},
    {"partial wild card", BY_ROOT, SENT_ALL, {.san = "DNS:g*.lakeside.example"}, BOTH(wildcard)},
    {"lone wild card", BY_ROOT, SENT_ALL, {.san = "DNS:*"}, BOTH(wildcard)},
    {"NUL in DNS name", BY_ROOT, SENT_ALL, {.touch = set_nul_dns}, BOTH(bad_name)},
    {"NUL in URI", BY_ROOT, SENT_ALL, {.touch = set_nul_uri}, BOTH(bad_name)},
    {"NUL in subject", BY_ROOT, SENT_ALL, {.touch = set_nul_cn}, BOTH(bad_name)},
    {"blank in name", BY_ROOT, SENT_ALL, {.san = "DNS:gw.lakeside.example evil"}, BOTH(bad_name)},
    /* whose */
    {"issued under another partner's CA", BY_OTHER, SENT_ALL, {0}, VERDICT_foreign_ca,
     VERDICT_incomplete},
    {"no partner, another partner's CA", BY_OTHER, SENT_ALL, {.san = "DNS:nobody.example"},
     VERDICT_no_partner, VERDICT_incomplete},
    {"common name only, another's CA", BY_OTHER, SENT_ALL, {.san = "-"}, VERDICT_cn_only,
     VERDICT_incomplete},
    {"expired and no partner's", BY_OTHER, SENT_ALL, {.san = "DNS:nobody.example", .from_days = -9,
     .until_days = -1}, VERDICT_expired, VERDICT_incomplete},
};
/* clang-format on */

static void tells_good_from_bad(void **state)
{
    struct world *world = *state;
    const struct setup plain = {0};
    size_t bad_clients = 0;
    size_t bad_servers = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct forge *issuer =
            rows[i].by == BY_NOBODY ? NULL : &world->by[rows[i].by].items[0];
        struct forge leaf = forge_make(&world->bin, &rows[i].plan, issuer);
        struct peer_case peer_case = present(world, &leaf, rows[i].by, rows[i].sent);
        run_case(world, &plain, &peer_case, rows[i].what, rows[i].client, rows[i].server);
        bad_clients += rows[i].client != VERDICT_admitted;
        bad_servers += rows[i].server != VERDICT_admitted;
    }
    assert_true(bad_clients > ROWS_LEAST && bad_servers > ROWS_LEAST);
    print_message("%zu certificates, each in 4 handshakes; bad clients: %zu, bad servers: %zu\n",
                  sizeof rows / sizeof *rows, bad_clients, bad_servers);
}

/* What a TLS library does not even send is judged without a handshake. */
static void judges_what_no_library_sends(void **state)
{
    struct world *world = *state;
    static const enum forge_kind kinds[] = {FORGE_P224, FORGE_SECP256K1, FORGE_P256_EXPLICIT,
                                            FORGE_ED448};
    struct finding_list findings = finding_list_new(&world->arena);
    struct trust *trust = make_trust(world, &(struct setup){0}, &findings);
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
    struct finding_list findings = finding_list_new(&world->arena);
    struct trust *trust = make_trust(world, &(struct setup){0}, &findings);
    struct context *context = context_new(world->identity, trust, NULL, &findings);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *what = verdict_name(cases[i].verdict);
        struct forge leaf = forge_make(&world->bin, &cases[i].plan, &world->by[BY_ROOT].items[0]);
        const struct peer_case peer_case = {.leaf = &leaf};
        expect(try_client(context, &peer_case, TLS1_2_VERSION, what), cases[i].verdict, what,
               "as client (TLS 1.2)");
        expect(try_client(context, &peer_case, TLS1_3_VERSION, what), cases[i].verdict, what,
               "as client (TLS 1.3)");
        expect(try_server(context, &peer_case, TLS1_3_VERSION, what), cases[i].verdict, what,
               "as server (TLS 1.3)");
    }
    context_release(context);
    trust_release(trust);
}

static void refuses_giant_and_tiny_rsa(void **state)
{
    struct world *world = *state;
    (void)world;
    static const int bits[] = {512, 2047, 8200, 16384};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        BIGNUM *number = BN_new();
        BIGNUM *exponent = BN_new();
        BN_rand(number, bits[i], BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
        BN_set_word(exponent, 65537);
        OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, number);
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
        OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
        EVP_PKEY *key = NULL;
        assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
        assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
        assert_false(strength_key(key));
        EVP_PKEY_free(key);
        EVP_PKEY_CTX_free(context);
        OSSL_PARAM_free(parameters);
        OSSL_PARAM_BLD_free(builder);
        BN_free(exponent);
        BN_free(number);
    }
}

static void judges_pins(void **state)
{
    struct world *world = *state;
    char pin[48];
    char next_pin[48];
    char other_pin[48];
    char long_pin[64];
    struct forge_plan plan = {0};
    struct forge_plan nameless = {.san = "-"};
    struct forge_plan old = {.from_days = -9, .until_days = -1};
    struct forge leaf = forge_make(&world->bin, &plan, &world->by[BY_ROOT].items[0]);
    struct forge next = forge_make(&world->bin, &nameless, &world->by[BY_ROOT].items[0]);
    struct forge other = forge_make(&world->bin, &plan, &world->by[BY_ROOT].items[0]);
    struct forge lone = forge_make(&world->bin, &nameless, NULL);
    nameless.key = leaf.key;
    struct forge copied = forge_make(&world->bin, &nameless, &world->by[BY_STRANGER].items[0]);
    old.key = leaf.key;
    struct forge expired = forge_make(&world->bin, &old, NULL);
    forge_pin(&leaf, pin);
    forge_pin(&next, next_pin);
    forge_pin(&lone, other_pin);
    snprintf(long_pin, sizeof long_pin, "sha256//%s", next_pin);
    const struct setup both = {.pins = {pin, long_pin}, .pin_count = 2};
    const struct setup wrong = {.pins = {other_pin}, .pin_count = 1};
    const struct setup alone = {.pins = {pin, other_pin}, .pin_count = 2, .no_ca = true};
    const struct peer_case with_leaf = {.leaf = &leaf};
    const struct peer_case with_next = {.leaf = &next};
    const struct peer_case with_other = {.leaf = &other};
    const struct peer_case with_lone = {.leaf = &lone};
    const struct peer_case with_copied = {.leaf = &copied};
    const struct peer_case with_expired = {.leaf = &expired};
    run_case(world, &both, &with_leaf, "current pin", BOTH(admitted));
    run_case(world, &both, &with_next, "next pin, no names", BOTH(admitted));
    run_case(world, &both, &with_other, "right name, wrong pin", BOTH(wrong_pin));
    run_case(world, &wrong, &with_leaf, "only another pin", BOTH(wrong_pin));
    run_case(world, &both, &with_copied, "pinned key, unknown CA", BOTH(incomplete));
    run_case(world, &alone, &with_lone, "pin alone, self-signed", BOTH(admitted));
    run_case(world, &alone, &with_leaf, "pin alone, any issuer", BOTH(admitted));
    run_case(world, &alone, &with_expired, "pin alone, expired", BOTH(expired));
    run_case(world, &alone, &with_other, "pin alone, another key", VERDICT_unpinned,
             VERDICT_unpinned);
}

static void judges_revocation(void **state)
{
    struct world *world = *state;
    const struct forge *root = &world->by[BY_ROOT].items[0];
    const struct forge *middle = &world->by[BY_MIDDLE].items[0];
    struct forge_plan plan = {0};
    struct forge good = forge_make(&world->bin, &plan, root);
    struct forge bad = forge_make(&world->bin, &plan, root);
    struct forge low = forge_make(&world->bin, &plan, middle);
    struct forge low_bad = forge_make(&world->bin, &plan, middle);
    struct forge under = forge_make(&world->bin, &plan, &world->by[BY_REVOKED_MIDDLE].items[0]);
    const struct forge *revoked[] = {&bad, &world->by[BY_REVOKED_MIDDLE].items[0]};
    const struct forge *low_revoked[] = {&low_bad};
    char fresh[FORGE_PATH], stale[FORGE_PATH], empty_old[FORGE_PATH], hold[FORGE_PATH],
        low_fresh[FORGE_PATH], low_stale[FORGE_PATH], future[FORGE_PATH], false_one[FORGE_PATH],
        sha1[FORGE_PATH];
    struct forge_list list = {.issuer = root, .revoked = revoked, .revoked_count = 2};
    forge_write_list(&world->bin, &list, fresh);
    list.reason = 6; /* certificateHold */
    forge_write_list(&world->bin, &list, hold);
    list.from_days = -9;
    list.until_days = -1;
    forge_write_list(&world->bin, &list, stale);
    list = (struct forge_list){.issuer = root, .from_days = -5, .until_days = 5};
    forge_write_list(&world->bin, &list, empty_old);
    list = (struct forge_list){.issuer = root, .from_days = 1, .until_days = 5};
    forge_write_list(&world->bin, &list, future);
    list = (struct forge_list){.issuer = root, .signer = &world->by[BY_TWIN].items[0]};
    forge_write_list(&world->bin, &list, false_one);
    list = (struct forge_list){.issuer = root, .digest = EVP_sha1()};
    forge_write_list(&world->bin, &list, sha1);
    list = (struct forge_list){.issuer = middle, .revoked = low_revoked, .revoked_count = 1};
    forge_write_list(&world->bin, &list, low_fresh);
    list.from_days = -9;
    list.until_days = -1;
    forge_write_list(&world->bin, &list, low_stale);

    const struct peer_case with_good = {.leaf = &good};
    const struct peer_case with_bad = {.leaf = &bad};
    const struct peer_case with_low = present(world, &low, BY_MIDDLE, SENT_ALL);
    const struct peer_case with_low_bad = present(world, &low_bad, BY_MIDDLE, SENT_ALL);
    const struct peer_case with_under = present(world, &under, BY_REVOKED_MIDDLE, SENT_ALL);
    /* clang-format off */
    const struct {
        const char *what;
        struct setup setup;
        const struct peer_case *peer_case;
        enum verdict verdict;
    } cases[] = {
        {"good, fresh list", {.crl_files = {fresh}, .crl_count = 1}, &with_good, VERDICT_admitted},
        {"revoked leaf", {.crl_files = {fresh}, .crl_count = 1}, &with_bad, VERDICT_revoked},
        {"on hold", {.crl_files = {hold}, .crl_count = 1}, &with_bad, VERDICT_revoked},
        {"revoked, soft", {.crl_files = {fresh}, .crl_count = 1, .crl = TRUST_CRL_SOFT}, &with_bad,
         VERDICT_revoked},
        {"revoked, off", {.crl_files = {fresh}, .crl_count = 1, .crl = TRUST_CRL_OFF}, &with_bad,
         VERDICT_admitted},
        {"good, both lists", {.crl_files = {fresh, low_fresh}, .crl_count = 2}, &with_low,
         VERDICT_admitted},
        {"revoked under an intermediate", {.crl_files = {fresh, low_fresh}, .crl_count = 2},
         &with_low_bad, VERDICT_revoked},
        {"list of the intermediate missing", {.crl_files = {fresh}, .crl_count = 1}, &with_low,
         VERDICT_crl_missing},
        {"list of the root missing", {.crl_files = {low_fresh}, .crl_count = 1}, &with_low,
         VERDICT_crl_missing},
        {"list of the intermediate stale", {.crl_files = {fresh, low_stale}, .crl_count = 2},
         &with_low, VERDICT_crl_stale},
        {"revoked on a stale list", {.crl_files = {fresh, low_stale}, .crl_count = 2}, &with_low_bad,
         VERDICT_revoked},
        {"revoked intermediate", {.crl_files = {fresh}, .crl_count = 1, .crl = TRUST_CRL_SOFT},
         &with_under, VERDICT_issuer_revoked},
        {"revoked intermediate, hard", {.crl_files = {fresh}, .crl_count = 1}, &with_under,
         VERDICT_issuer_revoked},
        {"stale list", {.crl_files = {stale}, .crl_count = 1}, &with_good, VERDICT_crl_stale},
        {"stale list, soft", {.crl_files = {stale}, .crl_count = 1, .crl = TRUST_CRL_SOFT}, &with_good,
         VERDICT_admitted},
        {"revoked on a stale list, soft", {.crl_files = {stale}, .crl_count = 1,
         .crl = TRUST_CRL_SOFT}, &with_bad, VERDICT_revoked},
        {"stale and fresh list", {.crl_files = {stale, fresh}, .crl_count = 2}, &with_good,
         VERDICT_admitted},
        {"the newer of two lists decides", {.crl_files = {fresh, empty_old}, .crl_count = 2},
         &with_bad, VERDICT_revoked},
        {"hard without any list", {.crl = TRUST_CRL_HARD}, &with_good, VERDICT_crl_missing},
        {"soft without any list", {.crl = TRUST_CRL_SOFT}, &with_good, VERDICT_admitted},
        {"list from the future", {.crl_files = {future}, .crl_count = 1}, &with_good,
         VERDICT_crl_missing},
        {"list signed by another key", {.crl_files = {false_one}, .crl_count = 1}, &with_good,
         VERDICT_crl_missing},
        {"list signed with SHA-1", {.crl_files = {sha1}, .crl_count = 1}, &with_good,
         VERDICT_crl_missing},
        {"list that is not there", {.crl_files = {"/nonexistent"}, .crl_count = 1}, &with_good,
         VERDICT_crl_missing},
        {"list that is no list", {.crl_files = {world->root_file}, .crl_count = 1}, &with_good,
         VERDICT_crl_missing},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case(world, &cases[i].setup, cases[i].peer_case, cases[i].what, cases[i].verdict,
                 cases[i].verdict);
}

static void judges_doubles_and_disabled(void **state)
{
    struct world *world = *state;
    struct forge_plan plan = {0};
    char pin[48];
    struct forge leaf = forge_make(&world->bin, &plan, &world->by[BY_ROOT].items[0]);
    forge_pin(&leaf, pin);
    const struct peer_case with_leaf = {.leaf = &leaf};
    const struct setup same_name = {.second_san = "urn:refgate:org:lakeside"};
    const struct setup same_pin = {.pins = {pin}, .pin_count = 1, .second_pin = pin};
    const struct setup off = {.disabled = true};
    const struct setup harbor_dns = {.second_san = "gw.lakeside.example"};
    run_case(world, &same_name, &with_leaf, "name of two partners", VERDICT_ambiguous,
             VERDICT_admitted);
    run_case(world, &same_pin, &with_leaf, "pin of two partners", VERDICT_ambiguous,
             VERDICT_admitted);
    run_case(world, &off, &with_leaf, "disabled partner", BOTH(disabled));
    run_case(world, &harbor_dns, &with_leaf, "URI goes before DNS name", BOTH(admitted));
}

static void lets_our_own_issue_in_as_a_stranger(void **state)
{
    struct world *world = *state;
    const struct peer_case with_ours = {.leaf = &world->ours};
    const struct setup plain = {0};
    run_case(world, &plain, &with_ours, "issued by our own CA", VERDICT_no_partner,
             VERDICT_incomplete);
}

static void refuses_no_certificate(void **state)
{
    struct world *world = *state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    static const int alerts[] = {40, 116};
    struct finding_list findings = finding_list_new(&world->arena);
    struct trust *trust = make_trust(world, &(struct setup){0}, &findings);
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
    struct finding_list findings = finding_list_new(&world->arena);
    struct trust *first =
        make_trust(world, &(struct setup){.crl_files = {empty}, .crl_count = 1}, &findings);
    struct trust *again =
        make_trust(world, &(struct setup){.crl_files = {empty}, .crl_count = 1}, &findings);
    struct trust *later =
        make_trust(world, &(struct setup){.crl_files = {full}, .crl_count = 1}, &findings);
    struct trust *off = make_trust(world, &(struct setup){.disabled = true}, &findings);
    struct trust *plain = make_trust(world, &(struct setup){0}, &findings);
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

/* Runs last: no reason is in the table that no certificate ever got. */
static void each_reason_was_given(void **state)
{
    struct world *world = *state;
    static const enum verdict elsewhere[] = {
        VERDICT_no_handshake,   VERDICT_no_certificate, /* tests of their own */
        VERDICT_staple_missing, VERDICT_staple_stale,   VERDICT_staple_invalid, /* staple_test */
        VERDICT_invalid,        VERDICT_unable, /* what nobody foresaw; no memory */
    };
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        world->is_seen[elsewhere[i]] = true;
    for (int verdict = 0; verdict < VERDICT_COUNT; verdict++) {
        if (!world->is_seen[verdict])
            fail_msg("no handshake ended with %s", verdict_name((enum verdict)verdict));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_good_from_bad),
        cmocka_unit_test(judges_what_no_library_sends),
        cmocka_unit_test(judges_what_servers_hold_back),
        cmocka_unit_test(refuses_giant_and_tiny_rsa),
        cmocka_unit_test(judges_pins),
        cmocka_unit_test(judges_revocation),
        cmocka_unit_test(judges_doubles_and_disabled),
        cmocka_unit_test(lets_our_own_issue_in_as_a_stranger),
        cmocka_unit_test(refuses_no_certificate),
        cmocka_unit_test(asks_again),
        cmocka_unit_test(each_reason_was_given),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
