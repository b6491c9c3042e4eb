/* revoke: which lists are taken, what they cover, and which of them decides. */
#include "certs/verify/revoke.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/certs_forge.h"

struct world {
    struct forge_bin bin;
    struct forge root, middle, good, bad;
    STACK_OF(X509) * known;
};

static int make_world(void **state)
{
    struct world *world = forge_world(sizeof *world);
    struct forge_plan plan = {.cn = "CA", .is_ca = true};
    world->root = forge_make(&world->bin, &plan, NULL);
    plan.cn = "middle";
    world->middle = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){0};
    world->good = forge_make(&world->bin, &plan, &world->root);
    world->bad = forge_make(&world->bin, &plan, &world->root);
    world->known = sk_X509_new_null();
    sk_X509_push(world->known, world->root.certificate);
    *state = world;
    return 0;
}

static int end_world(void **state)
{
    struct world *world = *state;
    sk_X509_free(world->known);
    return forge_end_world(state);
}

static void add_delta(X509_CRL *crl)
{
    ASN1_INTEGER *base = ASN1_INTEGER_new();
    ASN1_INTEGER_set(base, 1);
    X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0);
    ASN1_INTEGER_free(base);
}

static X509_EXTENSION *unknown_extension(void)
{
    ASN1_OBJECT *kind = OBJ_txt2obj("1.3.6.1.4.1.55555.2", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, kind, 1, value);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(kind);
    return extension;
}

static void add_critical(X509_CRL *crl)
{
    X509_EXTENSION *extension = unknown_extension();
    X509_CRL_add_ext(crl, extension, -1);
    X509_EXTENSION_free(extension);
}

static void add_critical_entry(X509_CRL *crl)
{
    X509_EXTENSION *extension = unknown_extension();
    X509_REVOKED_add_ext(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0), extension, -1);
    X509_EXTENSION_free(extension);
}

static void refuses_unusable_lists(void **state)
{
    struct world *world = *state;
    struct forge_plan plan = {.cn = "CA", .is_ca = true};
    struct forge twin = forge_make(&world->bin, &plan, NULL);
    const struct forge *revoked[] = {&world->bad};
    const struct forge_list base = {.issuer = &world->root, .revoked = revoked, .revoked_count = 1};
    const struct {
        struct forge_list list;
        const char *said; /* NULL: taken */
    } cases[] = {
        {base, NULL},
        {{.issuer = base.issuer, .signer = &twin}, "not by the CA it names"},
        {{.issuer = base.issuer, .touch = add_delta}, "a delta"},
        {{.issuer = base.issuer, .touch = add_critical}, "unknown critical"},
        {{.issuer = base.issuer,
          .revoked = revoked,
          .revoked_count = 1,
          .touch = add_critical_entry},
         "unknown critical"},
        {{.issuer = base.issuer, .digest = EVP_sha1()}, "outdated"},
        {{.issuer = base.issuer, .no_next = true}, "does not say when the next"},
        {{.issuer = base.issuer, .scope = "indirectCRL=TRUE"}, "indirect or partial"},
        {{.issuer = base.issuer, .scope = "onlysomereasons=keyCompromise"}, "indirect or partial"},
        {{.issuer = base.issuer, .scope = "onlyAA=TRUE"}, "indirect or partial"},
        {{.issuer = base.issuer, .scope = "onlyuser=TRUE"}, NULL},
        {{.issuer = &world->middle}, NULL}, /* its signer is not known yet */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct revoke revoke = {0};
        struct finding_list findings = finding_list_new(&world->bin.arena);
        char file[FORGE_PATH];
        forge_write_list(&world->bin, &cases[i].list, file);
        bool taken = revoke_load(&revoke, file, world->known, &findings);
        if (taken != (cases[i].said == NULL) || revoke.count != taken ||
            (!taken && strstr(findings.items[0].found, cases[i].said) == NULL))
            fail_msg("case %zu: %s", i, findings.count == 0 ? "taken" : findings.items[0].found);
        revoke_free(&revoke);
    }
}

static enum revoke_state ask(struct world *world, const struct forge_list *list,
                             const struct forge *leaf, const struct forge *issuer, int64_t now)
{
    struct revoke revoke = {0};
    struct finding_list findings = finding_list_new(&world->bin.arena);
    char file[FORGE_PATH];
    int64_t until = INT64_MAX;
    forge_write_list(&world->bin, list, file);
    assert_true(revoke_load(&revoke, file, world->known, &findings));
    enum revoke_state answer =
        revoke_ask(&revoke, leaf->certificate, issuer->certificate, now, &until);
    assert_int_equal(answer == REVOKE_GOOD, until != INT64_MAX);
    revoke_free(&revoke);
    return answer;
}

static void set_point(X509 *certificate)
{
    forge_extension(certificate, certificate, NID_crl_distribution_points,
                    "URI:http://crl.example/1.crl");
}

static void covers_what_it_says(void **state)
{
    struct world *world = *state;
    const struct forge *root = &world->root;
    const struct forge *revoked[] = {&world->bad};
    struct forge_plan plan = {.touch = set_point};
    struct forge pointed = forge_make(&world->bin, &plan, root);
    const struct forge *good = &world->good;
    int64_t now = time(NULL);
    struct forge_list list = {.issuer = root, .revoked = revoked, .revoked_count = 1};
    assert_int_equal(ask(world, &list, good, root, now), REVOKE_GOOD);
    assert_int_equal(ask(world, &list, &world->bad, root, now), REVOKE_REVOKED);
    assert_int_equal(ask(world, &list, good, root, now + 8 * FORGE_DAY), REVOKE_STALE);
    assert_int_equal(ask(world, &list, &world->bad, root, now + 8 * FORGE_DAY), REVOKE_REVOKED);
    assert_int_equal(ask(world, &list, good, root, now - 2 * FORGE_DAY), REVOKE_MISSING);
    list.scope = "onlyCA=TRUE";
    assert_int_equal(ask(world, &list, good, root, now), REVOKE_MISSING);
    assert_int_equal(ask(world, &list, &world->middle, root, now), REVOKE_GOOD);
    list.scope = "onlyuser=TRUE";
    assert_int_equal(ask(world, &list, good, root, now), REVOKE_GOOD);
    assert_int_equal(ask(world, &list, &world->middle, root, now), REVOKE_MISSING);
    list.scope = "fullname=URI:http://crl.example/1.crl";
    assert_int_equal(ask(world, &list, good, root, now), REVOKE_MISSING);
    assert_int_equal(ask(world, &list, &pointed, root, now), REVOKE_GOOD);
    list.scope = "fullname=URI:http://crl.example/2.crl";
    assert_int_equal(ask(world, &list, &pointed, root, now), REVOKE_MISSING);
}

/* The signature of a list whose issuer came only with the peer is checked when it is used. */
static void checks_late_signatures(void **state)
{
    struct world *world = *state;
    struct forge_plan plan = {0};
    struct forge leaf = forge_make(&world->bin, &plan, &world->middle);
    struct forge_list list = {.issuer = &world->middle};
    assert_int_equal(ask(world, &list, &leaf, &world->middle, time(NULL)), REVOKE_GOOD);
    list.signer = &world->root;
    assert_int_equal(ask(world, &list, &leaf, &world->middle, time(NULL)), REVOKE_MISSING);
    plan = (struct forge_plan){.cn = "silent", .is_ca = true, .usage = "critical,keyCertSign"};
    struct forge silent = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){0};
    leaf = forge_make(&world->bin, &plan, &silent);
    list = (struct forge_list){.issuer = &silent}; /* may not sign lists */
    assert_int_equal(ask(world, &list, &leaf, &silent, time(NULL)), REVOKE_MISSING);
}

static void takes_der_and_several(void **state)
{
    struct world *world = *state;
    struct finding_list findings = finding_list_new(&world->bin.arena);
    char file[FORGE_PATH];
    char der[FORGE_PATH];
    char both[4 * FORGE_PATH];
    struct revoke revoke = {0};
    forge_write_list(&world->bin, &(struct forge_list){.issuer = &world->root}, file);
    FILE *in = fopen(file, "r");
    X509_CRL *crl = PEM_read_X509_CRL(in, NULL, NULL, NULL);
    fclose(in);
    FILE *out = fopen(forge_path(&world->bin, "der", der), "w");
    assert_int_equal(i2d_X509_CRL_fp(out, crl), 1);
    fclose(out);
    X509_CRL_free(crl);
    assert_true(revoke_load(&revoke, der, world->known, &findings));
    snprintf(both, sizeof both, "cat '%s' '%s' > '%s.two'", file, file, file);
    assert_int_equal(system(both), 0);
    snprintf(both, sizeof both, "%s.two", file);
    assert_true(revoke_load(&revoke, both, world->known, &findings));
    assert_int_equal(revoke.count, 3);
    revoke_free(&revoke);
    /* a cut-off second list makes the whole file unusable */
    snprintf(both, sizeof both, "head -c -100 '%s.two' > '%s.cut'", file, file);
    assert_int_equal(system(both), 0);
    snprintf(both, sizeof both, "%s.cut", file);
    assert_false(revoke_load(&revoke, both, world->known, &findings));
    assert_int_equal(revoke.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_unusable_lists),
        cmocka_unit_test(covers_what_it_says),
        cmocka_unit_test(checks_late_signatures),
        cmocka_unit_test(takes_der_and_several),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
