/* verify: good certificates are admitted, and each kind of bad one is refused by its own verdict
 * and alert, in real handshakes, as client and as server. */
#include "certs/verify/verify.h"

#include "unit/certs/verify/verify_world.h"

enum { ROWS_LEAST = 60 };

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
    {"unknown critical extension", BY_ROOT, SENT_ALL, {.touch = world_add_critical}, BOTH(bad_extension)},
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
        struct peer_case peer_case = world_present(world, &leaf, rows[i].by, rows[i].sent);
        world_run(world, &plain, &peer_case, rows[i].what, rows[i].client, rows[i].server);
        bad_clients += rows[i].client != VERDICT_admitted;
        bad_servers += rows[i].server != VERDICT_admitted;
    }
    assert_true(bad_clients > ROWS_LEAST && bad_servers > ROWS_LEAST);
    print_message("%zu certificates, each in 4 handshakes; bad clients: %zu, bad servers: %zu\n",
                  sizeof rows / sizeof *rows, bad_clients, bad_servers);
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
    world_run(world, &both, &with_leaf, "current pin", BOTH(admitted));
    world_run(world, &both, &with_next, "next pin, no names", BOTH(admitted));
    world_run(world, &both, &with_other, "right name, wrong pin", BOTH(wrong_pin));
    world_run(world, &wrong, &with_leaf, "only another pin", BOTH(wrong_pin));
    world_run(world, &both, &with_copied, "pinned key, unknown CA", BOTH(incomplete));
    world_run(world, &alone, &with_lone, "pin alone, self-signed", BOTH(admitted));
    world_run(world, &alone, &with_leaf, "pin alone, any issuer", BOTH(admitted));
    world_run(world, &alone, &with_expired, "pin alone, expired", BOTH(expired));
    world_run(world, &alone, &with_other, "pin alone, another key", VERDICT_unpinned,
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
    const struct peer_case with_low = world_present(world, &low, BY_MIDDLE, SENT_ALL);
    const struct peer_case with_low_bad = world_present(world, &low_bad, BY_MIDDLE, SENT_ALL);
    const struct peer_case with_under = world_present(world, &under, BY_REVOKED_MIDDLE, SENT_ALL);
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
        world_run(world, &cases[i].setup, cases[i].peer_case, cases[i].what, cases[i].verdict,
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
    world_run(world, &same_name, &with_leaf, "name of two partners", VERDICT_ambiguous,
              VERDICT_admitted);
    world_run(world, &same_pin, &with_leaf, "pin of two partners", VERDICT_ambiguous,
              VERDICT_admitted);
    world_run(world, &off, &with_leaf, "disabled partner", BOTH(disabled));
    world_run(world, &harbor_dns, &with_leaf, "URI goes before DNS name", BOTH(admitted));
}

static void lets_our_own_issue_in_as_a_stranger(void **state)
{
    struct world *world = *state;
    const struct peer_case with_ours = {.leaf = &world->ours};
    const struct setup plain = {0};
    world_run(world, &plain, &with_ours, "issued by our own CA", VERDICT_no_partner,
              VERDICT_incomplete);
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
        cmocka_unit_test(judges_pins),
        cmocka_unit_test(judges_revocation),
        cmocka_unit_test(judges_doubles_and_disabled),
        cmocka_unit_test(lets_our_own_issue_in_as_a_stranger),
        cmocka_unit_test(each_reason_was_given),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
