/* authority: what the private CA issues is good for partners and for the strictest check OpenSSL
 * has; nothing of a request is taken over but its key and permitted names; what is revoked stays
 * revoked. */
#include "certs/issue/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs/io/certificate.h"
#include "certs/issue/request.h"
#include "certs/tls/context.h"
#include "certs/tls/trial.h"
#include "lib/certs_forge.h"

struct world {
    struct forge_bin bin;
    struct finding_list findings;
    int folder_count;
};

static int make_world(void **state)
{
    struct world *world = forge_world(sizeof *world);
    *state = world;
    return 0;
}

static int start(void **state)
{
    struct world *world = *state;
    world->findings = finding_list_new(&world->bin.arena);
    return 0;
}

static const char *in(struct world *world, const char *folder, const char *name)
{
    return arena_print(&world->bin.arena, "%s/%s", folder, name);
}

static const char *new_folder(struct world *world)
{
    return arena_print(&world->bin.arena, "%s/ca%d", world->bin.folder, world->folder_count++);
}

static const char *said(struct world *world)
{
    struct text text = text_new(&world->bin.arena, 10000);
    for (size_t i = 0; i < world->findings.count; i++)
        finding_print(&world->findings.items[i], &text);
    world->findings = finding_list_new(&world->bin.arena);
    return text.at;
}

static void assert_said(struct world *world, const char *expected)
{
    const char *all = said(world);
    if (strstr(all, expected) == NULL)
        fail_msg("said `%s`, expected `%s`", all, expected);
}

static struct authority *make(struct world *world, const char *folder, enum request_key key)
{
    const struct authority_options options = {.handle = "willow", .key = key};
    assert_true(authority_init(folder, &options, &world->findings));
    struct authority *authority = authority_open(folder, NULL, &world->findings);
    assert_non_null(authority);
    assert_int_equal(world->findings.count, 0);
    return authority;
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

/* OpenSSL's own opinion, at its strictest. */
static void assert_strictly_valid(struct world *world, const char *ca_file, const char *cert_file)
{
    static const int purposes[] = {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER};
    (void)world;
    X509_STORE *store = X509_STORE_new();
    FILE *file = fopen(cert_file, "r");
    X509 *leaf = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_int_equal(X509_STORE_load_file(store, ca_file), 1);
    for (size_t i = 0; i < 2; i++) {
        X509_STORE_CTX *context = X509_STORE_CTX_new();
        X509_STORE_CTX_init(context, store, leaf, NULL);
        X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE |
                                              X509_V_FLAG_POLICY_CHECK);
        X509_STORE_CTX_set_purpose(context, purposes[i]);
        if (X509_verify_cert(context) != 1)
            fail_msg("%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
        X509_STORE_CTX_free(context);
    }
    X509_free(leaf);
    X509_STORE_free(store);
}

/* Two gateways with certificates of this CA and its list talk to each other. */
static enum verdict talk(struct world *world, const char *folder, const char *cert_file,
                         const char *key_file)
{
    static const char *const sans[] = {"URI:urn:refgate:org:willow"};
    const char *lists[] = {in(world, folder, "ca.crl")};
    const struct identity_files files = {cert_file, key_file, NULL};
    const struct trust_partner partner = {.name = "willow",
                                          .ca_file = in(world, folder, "ca.crt"),
                                          .sans = sans,
                                          .san_count = 1,
                                          .crl_files = lists,
                                          .crl_count = 1};
    struct identity *identity = identity_load(&files, &world->findings);
    struct trust *trust = trust_new(&partner, 1, NULL, &world->findings);
    struct context *context = context_new(identity, trust, NULL, &world->findings);
    assert_int_equal(world->findings.count, 0);
    struct verify_peer server;
    struct verify_peer client;
    bool done = trial_handshake(context, context, "willow", &server, &client);
    assert_int_equal(done, server.verdict == VERDICT_admitted);
    context_release(context);
    trust_release(trust);
    identity_release(identity);
    return server.verdict;
}

static void issues_good_certificates(void **state)
{
    struct world *world = *state;
    static const enum request_key kinds[] = {REQUEST_KEY_P256, REQUEST_KEY_RSA2048};
    static const char *const dns[] = {"gw.willow.example", "localhost"};
    static const char *const ip[] = {"127.0.0.1", "::1"};
    const struct request_names names = {"willow", dns, 2, ip, 2};
    for (size_t i = 0; i < 2; i++) {
        const char *folder = new_folder(world);
        const char *cert_file = in(world, folder, "gateway.crt");
        const char *key_file = in(world, folder, "gateway.key");
        const char *ca_file = in(world, folder, "ca.crt");
        struct authority *authority = make(world, folder, kinds[i]);
        assert_true(
            authority_issue(authority, kinds[i], &names, 0, cert_file, key_file, &world->findings));
        assert_int_equal(mode_of(in(world, folder, "ca.key")), 0600);
        assert_int_equal(mode_of(key_file), 0600);
        assert_int_equal(mode_of(cert_file), 0644);
        assert_strictly_valid(world, ca_file, cert_file);
        assert_int_equal(talk(world, folder, cert_file, key_file), VERDICT_admitted);
        struct certificate *facts = NULL;
        size_t count = 0;
        assert_true(
            certificate_read(&world->bin.arena, cert_file, &world->findings, &facts, &count));
        assert_int_equal(count, 1);
        assert_int_equal(facts->name_count, 5);
        assert_string_equal(facts->names[0], "URI:urn:refgate:org:willow");
        assert_string_equal(facts->names[2], "DNS:localhost");
        assert_string_equal(facts->names[4], "IP:::1");
        assert_string_equal(facts->subject, "CN=willow,O=willow");
        assert_string_equal(facts->issuer, "CN=willow private CA,O=willow");
        assert_string_equal(facts->key, i == 0 ? "P-256" : "RSA 2048");
        assert_int_equal(certificate_days_left(facts->not_after, time(NULL)), 364);
        struct authority_leaf *leaves = NULL;
        assert_int_equal(authority_list(authority, &world->bin.arena, &leaves), 1);
        assert_string_equal(leaves[0].serial, facts->serial);
        assert_string_equal(leaves[0].names, "URI:urn:refgate:org:willow DNS:gw.willow.example "
                                             "DNS:localhost IP:127.0.0.1 IP:::1");
        authority_close(authority);
    }
}

static void never_replaces(void **state)
{
    struct world *world = *state;
    const char *folder = new_folder(world);
    const char *cert_file = in(world, folder, "gateway.crt");
    const char *key_file = in(world, folder, "gateway.key");
    const struct authority_options options = {.handle = "willow"};
    const struct request_names names = {.handle = "willow"};
    struct authority *authority = make(world, folder, REQUEST_KEY_P256);
    assert_false(authority_init(folder, &options, &world->findings));
    assert_said(world, "already there");
    assert_true(authority_issue(authority, REQUEST_KEY_P256, &names, 0, cert_file, key_file,
                                &world->findings));
    assert_false(authority_issue(authority, REQUEST_KEY_P256, &names, 0, cert_file, key_file,
                                 &world->findings));
    assert_said(world, "already there");
    assert_false(authority_issue(authority, REQUEST_KEY_P256, &names, 0,
                                 in(world, folder, "two.crt"), key_file, &world->findings));
    assert_said(world, "cannot be put in place");
    assert_null(authority_open(folder, NULL, &world->findings));
    assert_said(world, "another process");
    authority_close(authority);
    /* nothing half-written is left */
    char command[FORGE_PATH * 2];
    snprintf(command, sizeof command, "test $(ls '%s' | wc -l) = 6", folder);
    assert_int_equal(system(command), 0);
}

static void refuses_wrong_wishes(void **state)
{
    struct world *world = *state;
    const char *folder = new_folder(world);
    struct authority *authority = make(world, folder, REQUEST_KEY_P256);
    static const char *const wild[] = {"*.example"};
    static const char *const blank[] = {"a b"};
    static const char *const no_ip[] = {"127.0.0.256"};
    const struct {
        struct request_names names;
        int days;
        const char *said;
    } cases[] = {
        {{.handle = NULL}, 0, "no handle"},
        {{.handle = ""}, 0, "the handle"},
        {{.handle = "a b"}, 0, "the handle"},
        {{.handle = "urn:x"}, 0, "the handle"},
        {{"willow", wild, 1, NULL, 0}, 0, "without wild card"},
        {{"willow", blank, 1, NULL, 0}, 0, "a DNS name"},
        {{"willow", NULL, 0, no_ip, 1}, 0, "IPv4 or IPv6"},
        {{.handle = "willow"}, -1, "1 to 825 days"},
        {{.handle = "willow"}, 826, "1 to 825 days"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *cert_file = arena_print(&world->bin.arena, "%s/%zu.crt", folder, i);
        const char *key_file = arena_print(&world->bin.arena, "%s/%zu.key", folder, i);
        assert_false(authority_issue(authority, REQUEST_KEY_P256, &cases[i].names, cases[i].days,
                                     cert_file, key_file, &world->findings));
        assert_said(world, cases[i].said);
        assert_int_not_equal(access(cert_file, F_OK), 0);
    }
    authority_close(authority);
    const struct authority_options options = {.handle = "willow", .days = 100};
    folder = new_folder(world);
    assert_true(authority_init(folder, &options, &world->findings));
    authority = authority_open(folder, NULL, &world->findings);
    assert_false(authority_issue(
        authority, REQUEST_KEY_P256, &(struct request_names){.handle = "willow"}, 101,
        in(world, folder, "a.crt"), in(world, folder, "a.key"), &world->findings));
    assert_said(world, "more than the CA has left");
    authority_close(authority);
}

static void write_request(X509_REQ *request, const char *path)
{
    FILE *file = fopen(path, "w");
    assert_int_equal(PEM_write_X509_REQ(file, request), 1);
    fclose(file);
}

/* A request with a SAN and other extensions it should not ask for. */
static const char *forge_request(struct world *world, const char *folder, const char *san,
                                 const struct forge *item, const struct forge *signer)
{
    const char *path = arena_print(&world->bin.arena, "%s/%d.csr", folder, rand());
    X509_REQ *request = X509_REQ_new();
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
                               (const unsigned char *)"somebody\0else", 13, -1, 0);
    if (san != NULL)
        sk_X509_EXTENSION_push(all, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san));
    sk_X509_EXTENSION_push(
        all, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE"));
    sk_X509_EXTENSION_push(all,
                           X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "critical,keyCertSign"));
    sk_X509_EXTENSION_push(all, X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "codeSigning"));
    X509_REQ_add_extensions(request, all);
    X509_REQ_set_pubkey(request, item->key);
    X509_REQ_sign(request, signer->key, EVP_sha256());
    write_request(request, path);
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    X509_REQ_free(request);
    return path;
}

static void signs_requests_with_care(void **state)
{
    struct world *world = *state;
    const char *folder = new_folder(world);
    struct authority *authority = make(world, folder, REQUEST_KEY_P256);
    struct forge_plan plan = {0};
    struct forge item = forge_make(&world->bin, &plan, NULL);
    struct forge other = forge_make(&world->bin, &plan, NULL);
    plan.kind = FORGE_RSA1024;
    struct forge weak = forge_make(&world->bin, &plan, NULL);
    const char *cert_file = in(world, folder, "harbor.crt");
    const char *good =
        forge_request(world, folder, "URI:urn:refgate:org:harbor,DNS:h.example", &item, &item);
    assert_true(authority_sign(authority, good, NULL, 30, cert_file, &world->findings));
    assert_strictly_valid(world, in(world, folder, "ca.crt"), cert_file);
    struct certificate *facts = NULL;
    size_t count = 0;
    assert_true(certificate_read(&world->bin.arena, cert_file, &world->findings, &facts, &count));
    assert_false(facts->is_ca);
    assert_true(facts->for_client && facts->for_server);
    assert_int_equal(facts->name_count, 2);
    assert_string_equal(facts->subject, "CN=harbor,O=harbor");
    /* names given by the operator win */
    const struct request_names names = {.handle = "pier"};
    cert_file = in(world, folder, "pier.crt");
    assert_true(authority_sign(authority, good, &names, 30, cert_file, &world->findings));
    assert_true(certificate_read(&world->bin.arena, cert_file, &world->findings, &facts, &count));
    assert_int_equal(facts->name_count, 1);
    assert_string_equal(facts->names[0], "URI:urn:refgate:org:pier");
    const struct {
        const char *san;
        const struct forge *item, *signer;
        const char *said;
    } cases[] = {
        {NULL, &item, &item, "without names"},
        {"DNS:*.example", &item, &item, "names we do not issue"},
        {"URI:urn:x\"\nff", &item, &item, "names we do not issue"},
        {"URI:urn:refgate:org:", &item, &item, "first name cannot stand"},
        {"URI:urn:x|y", &item, &item, "names we do not issue"},
        {"email:a@b.example", &item, &item, "names we do not issue"},
        {"DNS:a.example", &item, &other, "not by its own key"},
        {"DNS:a.example", &weak, &weak, "a key that peers would refuse"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *csr =
            forge_request(world, folder, cases[i].san, cases[i].item, cases[i].signer);
        const char *refused = arena_print(&world->bin.arena, "%s/refused-%zu.crt", folder, i);
        assert_false(authority_sign(authority, csr, NULL, 30, refused, &world->findings));
        assert_said(world, cases[i].said);
        assert_int_not_equal(access(refused, F_OK), 0);
    }
    assert_false(
        authority_sign(authority, cert_file, NULL, 30, in(world, folder, "x"), &world->findings));
    assert_said(world, "no certificate request");
    authority_close(authority);
}

static void our_request_fits_our_authority(void **state)
{
    struct world *world = *state;
    const char *folder = new_folder(world);
    const char *key_file = in(world, folder, "gateway.key");
    const char *csr_file = in(world, folder, "gateway.csr");
    const char *cert_file = in(world, folder, "gateway.crt");
    const struct request_names names = {.handle = "willow"};
    struct authority *authority = make(world, folder, REQUEST_KEY_P256);
    assert_true(request_new(REQUEST_KEY_P256, &names, key_file, csr_file, &world->findings));
    assert_int_equal(mode_of(key_file), 0600);
    assert_true(authority_sign(authority, csr_file, NULL, 0, cert_file, &world->findings));
    assert_int_equal(talk(world, folder, cert_file, key_file), VERDICT_admitted);
    assert_false(request_new(REQUEST_KEY_P256, &names, key_file, csr_file, &world->findings));
    assert_said(world, "a name that is not in use");
    authority_close(authority);
}

static void renews_with_the_same_key(void **state)
{
    struct world *world = *state;
    const char *folder = new_folder(world);
    const char *first = in(world, folder, "first.crt");
    const char *key_file = in(world, folder, "gateway.key");
    const char *second = in(world, folder, "second.crt");
    const struct request_names names = {.handle = "willow"};
    struct certificate *old = NULL;
    struct certificate *fresh = NULL;
    size_t count = 0;
    struct authority *authority = make(world, folder, REQUEST_KEY_P256);
    assert_true(authority_issue(authority, REQUEST_KEY_P256, &names, 10, first, key_file,
                                &world->findings));
    assert_true(authority_renew(authority, first, 300, second, &world->findings));
    assert_true(certificate_read(&world->bin.arena, first, &world->findings, &old, &count));
    assert_true(certificate_read(&world->bin.arena, second, &world->findings, &fresh, &count));
    assert_string_equal(old->pin, fresh->pin);
    assert_string_equal(old->subject, fresh->subject);
    assert_string_equal(old->names[0], fresh->names[0]);
    assert_string_not_equal(old->serial, fresh->serial);
    assert_int_equal(certificate_days_left(fresh->not_after, time(NULL)), 299);
    assert_int_equal(talk(world, folder, second, key_file), VERDICT_admitted);
    assert_int_equal(talk(world, folder, first, key_file), VERDICT_admitted);
    const char *other_folder = new_folder(world);
    struct authority *other = make(world, other_folder, REQUEST_KEY_P256);
    assert_false(
        authority_renew(other, first, 30, in(world, folder, "third.crt"), &world->findings));
    assert_said(world, "did not issue");
    authority_close(other);
    assert_true(authority_revoke(authority, old->serial, AUTHORITY_SUPERSEDED, &world->findings));
    assert_false(
        authority_renew(authority, first, 30, in(world, folder, "third.crt"), &world->findings));
    assert_said(world, "was revoked");
    authority_close(authority);
}

static X509_CRL *read_list(const char *path)
{
    FILE *file = fopen(path, "r");
    X509_CRL *crl = PEM_read_X509_CRL(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(crl);
    return crl;
}

static int64_t number_of(const X509_CRL *crl)
{
    int64_t number = 0;
    ASN1_INTEGER *value = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    assert_int_equal(ASN1_INTEGER_get_int64(&number, value), 1);
    ASN1_INTEGER_free(value);
    return number;
}

static void revokes_for_good(void **state)
{
    struct world *world = *state;
    const char *folder = new_folder(world);
    const char *cert_file = in(world, folder, "gateway.crt");
    const char *key_file = in(world, folder, "gateway.key");
    const char *list_file = in(world, folder, "ca.crl");
    const struct request_names names = {.handle = "willow"};
    struct authority *authority = make(world, folder, REQUEST_KEY_P256);
    assert_true(authority_issue(authority, REQUEST_KEY_P256, &names, 0, cert_file, key_file,
                                &world->findings));
    assert_int_equal(talk(world, folder, cert_file, key_file), VERDICT_admitted);
    X509_CRL *before = read_list(list_file);
    struct authority_leaf *leaves = NULL;
    authority_list(authority, &world->bin.arena, &leaves);
    assert_false(authority_revoke(authority, "abcdef", AUTHORITY_UNSPECIFIED, &world->findings));
    assert_said(world, "no certificate with serial abcdef");
    assert_true(
        authority_revoke(authority, leaves[0].serial, AUTHORITY_KEY_COMPROMISE, &world->findings));
    assert_int_equal(talk(world, folder, cert_file, key_file), VERDICT_revoked);
    /* a second time, in another process, with another reason: the first one stays */
    authority_close(authority);
    authority = authority_open(folder, NULL, &world->findings);
    assert_true(
        authority_revoke(authority, leaves[0].serial, AUTHORITY_CESSATION, &world->findings));
    authority_list(authority, &world->bin.arena, &leaves);
    assert_int_equal(leaves[0].reason, AUTHORITY_KEY_COMPROMISE);
    assert_true(leaves[0].revoked_at > time(NULL) - 60);
    assert_int_equal(talk(world, folder, cert_file, key_file), VERDICT_revoked);
    assert_true(authority_publish(authority, 3, &world->findings));
    X509_CRL *after = read_list(list_file);
    assert_true(number_of(after) > number_of(before) + 2);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(after)), 1);
    X509_CRL_free(before);
    X509_CRL_free(after);
    authority_close(authority);
}

static void keeps_its_key_closed(void **state)
{
    struct world *world = *state;
    const char *folder = new_folder(world);
    const char *passphrase = in(world, world->bin.folder, "passphrase");
    const char *wrong = in(world, world->bin.folder, "wrong");
    FILE *file = fopen(passphrase, "w");
    fputs("correct horse\n", file);
    fclose(file);
    chmod(passphrase, 0600);
    file = fopen(wrong, "w");
    fputs("battery staple\n", file);
    fclose(file);
    chmod(wrong, 0600);
    const struct authority_options options = {.handle = "willow", .passphrase_file = passphrase};
    assert_true(authority_init(folder, &options, &world->findings));
    assert_null(authority_open(folder, NULL, &world->findings));
    assert_said(world, "no usable private key");
    assert_null(authority_open(folder, wrong, &world->findings));
    assert_said(world, "no usable private key");
    struct authority *authority = authority_open(folder, passphrase, &world->findings);
    assert_non_null(authority);
    authority_close(authority);
    chmod(in(world, folder, "ca.key"), 0644);
    assert_null(authority_open(folder, passphrase, &world->findings));
    assert_said(world, "chmod 600");
}

static void trusts_no_damaged_ledger(void **state)
{
    struct world *world = *state;
    static const char *const rows[] = {
        "serial,not_after,revoked_at,reason,names\nxyz,2030-01-01T00:00:00Z,,0,a\n",
        "serial,not_after,revoked_at,reason,names\nab,2030-01-01T00:00:00Z,yesterday,0,a\n",
        "serial,not_after,revoked_at,reason,names\nab,2030-01-01T00:00:00Z,,0\n",
        "serial,not_after,revoked_at,reason,names\nab,2030-01-01T00:00:00Z,,0,\"a\n",
        "serial,not_after,revoked_at,reason,names\nab,2030-01-01T00:00:00Z,,-1,a\n",
    };
    const char *folder = new_folder(world);
    authority_close(make(world, folder, REQUEST_KEY_P256));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FILE *file = fopen(in(world, folder, "issued.csv"), "w");
        fputs(rows[i], file);
        fclose(file);
        assert_null(authority_open(folder, NULL, &world->findings));
        assert_said(world, "issued.csv: row 2");
    }
    assert_null(authority_open("/nonexistent", NULL, &world->findings));
    assert_said(world, "cert authority init");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(issues_good_certificates, start),
        cmocka_unit_test_setup(never_replaces, start),
        cmocka_unit_test_setup(refuses_wrong_wishes, start),
        cmocka_unit_test_setup(signs_requests_with_care, start),
        cmocka_unit_test_setup(our_request_fits_our_authority, start),
        cmocka_unit_test_setup(renews_with_the_same_key, start),
        cmocka_unit_test_setup(revokes_for_good, start),
        cmocka_unit_test_setup(keeps_its_key_closed, start),
        cmocka_unit_test_setup(trusts_no_damaged_ledger, start),
    };
    return cmocka_run_group_tests(tests, make_world, forge_end_world);
}
