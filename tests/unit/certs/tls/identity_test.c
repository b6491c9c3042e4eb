/* identity: only a key that nobody else can read, that belongs to its certificate, is loaded; what
 * partners would refuse is said. */
#include "certs/tls/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs/tls/identity_internal.h"
#include "lib/certs_forge.h"

struct world {
    struct forge_bin bin;
    struct forge root, middle, leaf;
    char cert_file[FORGE_PATH], key_file[FORGE_PATH], chain_file[FORGE_PATH];
};

static int make_world(void **state)
{
    struct world *world = forge_world(sizeof *world);
    struct forge_plan plan = {.cn = "CA", .is_ca = true};
    world->root = forge_make(&world->bin, &plan, NULL);
    plan.cn = "middle";
    world->middle = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){.until_days = 20, .from_days = -1};
    world->leaf = forge_make(&world->bin, &plan, &world->middle);
    const struct forge *chain[] = {&world->leaf, &world->middle, &world->root};
    forge_write(&world->bin, chain, 1, world->cert_file);
    forge_write(&world->bin, chain, 3, world->chain_file);
    forge_write_key(&world->bin, &world->leaf, world->key_file);
    *state = world;
    return 0;
}

/* Loads; RET_SAID holds all findings as text. */
static struct identity *load(struct world *world, const char *cert_file, const char *key_file,
                             const char *passphrase_file, const char **ret_said)
{
    struct finding_list findings = finding_list_new(&world->bin.arena);
    const struct identity_files files = {cert_file, key_file, passphrase_file};
    struct identity *identity = identity_load(&files, &findings);
    struct text text = text_new(&world->bin.arena, 10000);
    for (size_t i = 0; i < findings.count; i++)
        finding_print(&findings.items[i], &text);
    *ret_said = text.at;
    return identity;
}

static void refuse(struct world *world, const char *cert_file, const char *key_file,
                   const char *passphrase_file, const char *said)
{
    const char *all = NULL;
    struct identity *identity = load(world, cert_file, key_file, passphrase_file, &all);
    if (strstr(all, said) == NULL)
        fail_msg("said `%s`, expected `%s`", all, said);
    assert_null(identity);
}

static void loads_a_good_pair(void **state)
{
    struct world *world = *state;
    const char *said = NULL;
    struct identity *identity = load(world, world->chain_file, world->key_file, NULL, &said);
    assert_non_null(identity);
    assert_string_equal(said, "");
    assert_int_equal(identity_days_left(identity, time(NULL) + 60), 19);
    struct certificate facts = identity_certificate(identity, &world->bin.arena);
    assert_string_equal(facts.subject, "CN=lakeside");
    assert_true(facts.for_client && facts.for_server && !facts.is_ca);
    assert_int_equal(facts.name_count, 2);
    assert_string_equal(facts.names[0], "URI:urn:refgate:org:lakeside");
    assert_string_equal(facts.key, "P-256");
    /* the root is not sent */
    assert_int_equal(sk_X509_num(identity_parts(identity).chain), 1);
    struct identity *held = identity_hold(identity);
    identity_release(identity);
    assert_true(identity_not_after(held) > time(NULL));
    identity_release(held);
}

static void refuses_keys_that_others_can_read(void **state)
{
    struct world *world = *state;
    static const mode_t modes[] = {0644, 0640, 0604, 0620, 0601, 0660};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        chmod(world->key_file, modes[i]);
        refuse(world, world->cert_file, world->key_file, NULL, "chmod 600");
    }
    chmod(world->key_file, 0400);
    const char *said = NULL;
    struct identity *identity = load(world, world->cert_file, world->key_file, NULL, &said);
    assert_non_null(identity);
    identity_release(identity);
    chmod(world->key_file, 0600);
}

static void refuses_what_is_no_key(void **state)
{
    struct world *world = *state;
    char path[FORGE_PATH];
    refuse(world, world->cert_file, "/nonexistent.key", NULL, "cannot be opened");
    refuse(world, world->cert_file, world->bin.folder, NULL, "not a regular file");
    forge_path(&world->bin, "fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse(world, world->cert_file, path, NULL, "not a regular file");
    forge_path(&world->bin, "empty", path);
    fclose(fopen(path, "w"));
    chmod(path, 0600);
    refuse(world, world->cert_file, path, NULL, "no usable private key");
    refuse(world, path, world->key_file, NULL, "no whole certificate");
    refuse(world, "/nonexistent.crt", world->key_file, NULL, "cannot be opened");
    forge_path(&world->bin, "huge", path);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 5000; i++)
        fputs("0123456789abcdef\n", file);
    fclose(file);
    chmod(path, 0600);
    refuse(world, world->cert_file, path, NULL, "at most 65536 bytes");
}

static void refuses_pairs_that_do_not_fit(void **state)
{
    struct world *world = *state;
    char path[FORGE_PATH];
    forge_write_key(&world->bin, &world->middle, path);
    refuse(world, world->cert_file, path, NULL, "not the one of the certificate");
    const struct forge *upside_down[] = {&world->middle, &world->leaf};
    forge_write(&world->bin, upside_down, 2, path);
    refuse(world, path, world->key_file, NULL, "not the one of the certificate");
    const struct forge *gap[] = {&world->leaf, &world->root};
    forge_write(&world->bin, gap, 2, path);
    refuse(world, path, world->key_file, NULL, "did not issue");
    struct forge_plan plan = {.cn = "middle", .is_ca = true};
    struct forge twin = forge_make(&world->bin, &plan, &world->root);
    const struct forge *false_chain[] = {&world->leaf, &twin};
    forge_write(&world->bin, false_chain, 2, path);
    refuse(world, path, world->key_file, NULL, "did not issue");
    /* without key identifiers only the signature tells */
    plan.no_key_ids = true;
    struct forge bare = forge_make(&world->bin, &plan, &world->root);
    struct forge bare_twin = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){.no_key_ids = true};
    struct forge leaf = forge_make(&world->bin, &plan, &bare);
    const struct forge *bare_chain[] = {&leaf, &bare_twin};
    char key_file[FORGE_PATH];
    forge_write(&world->bin, bare_chain, 2, path);
    forge_write_key(&world->bin, &leaf, key_file);
    refuse(world, path, key_file, NULL, "did not issue");
}

static void refuses_weak_keys(void **state)
{
    struct world *world = *state;
    static const enum forge_kind kinds[] = {FORGE_RSA1024,   FORGE_RSA2048_E3, FORGE_P224,
                                            FORGE_SECP256K1, FORGE_ED448,      FORGE_P256_EXPLICIT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char cert_file[FORGE_PATH];
        char key_file[FORGE_PATH];
        struct forge_plan plan = {.kind = kinds[i]};
        struct forge weak = forge_make(&world->bin, &plan, &world->root);
        const struct forge *items[] = {&weak};
        forge_write(&world->bin, items, 1, cert_file);
        forge_write_key(&world->bin, &weak, key_file);
        refuse(world, cert_file, key_file, NULL, "a key that peers refuse");
    }
}

static void says_what_partners_would_refuse(void **state)
{
    struct world *world = *state;
    static const struct {
        struct forge_plan plan;
        const char *said;
    } cases[] = {
        {{.usages = "serverAuth"}, "without the usage clientAuth"},
        {{.usages = "clientAuth"}, "without the usage serverAuth"},
        {{.usages = "-"}, "without the usage clientAuth"},
        {{.from_days = -9, .until_days = -1}, "an expired certificate"},
        {{.from_days = 1, .until_days = 9}, "not valid yet"},
        {{.is_ca = true, .usages = "serverAuth,clientAuth"}, "the certificate of a CA"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char cert_file[FORGE_PATH];
        char key_file[FORGE_PATH];
        const char *said = NULL;
        struct forge leaf = forge_make(&world->bin, &cases[i].plan, &world->root);
        const struct forge *items[] = {&leaf};
        forge_write(&world->bin, items, 1, cert_file);
        forge_write_key(&world->bin, &leaf, key_file);
        struct identity *identity = load(world, cert_file, key_file, NULL, &said);
        assert_non_null(identity);
        assert_non_null(strstr(said, cases[i].said));
        identity_release(identity);
    }
}

static void write_line(struct world *world, const char *line, mode_t mode, char path[FORGE_PATH])
{
    FILE *file = fopen(forge_path(&world->bin, "pass", path), "w");
    fputs(line, file);
    fclose(file);
    chmod(path, mode);
}

static void opens_encrypted_keys(void **state)
{
    struct world *world = *state;
    char key_file[FORGE_PATH];
    char right[FORGE_PATH];
    char wrong[FORGE_PATH];
    char loose[FORGE_PATH];
    char empty[FORGE_PATH];
    FILE *file = fopen(forge_path(&world->bin, "enc.key", key_file), "w");
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, world->leaf.key, EVP_aes_256_cbc(), "open me",
                                               7, NULL, NULL),
                     1);
    fclose(file);
    chmod(key_file, 0600);
    write_line(world, "open me\nrest", 0600, right);
    write_line(world, "open you\n", 0600, wrong);
    write_line(world, "open me\n", 0644, loose);
    write_line(world, "\n", 0600, empty);
    const char *said = NULL;
    struct identity *identity = load(world, world->cert_file, key_file, right, &said);
    assert_non_null(identity);
    assert_string_equal(said, "");
    identity_release(identity);
    refuse(world, world->cert_file, key_file, wrong, "no usable private key");
    refuse(world, world->cert_file, key_file, NULL, "no usable private key");
    refuse(world, world->cert_file, key_file, loose, "chmod 600");
    refuse(world, world->cert_file, key_file, empty, "no passphrase");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_a_good_pair),
        cmocka_unit_test(refuses_keys_that_others_can_read),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(refuses_pairs_that_do_not_fit),
        cmocka_unit_test(refuses_weak_keys),
        cmocka_unit_test(says_what_partners_would_refuse),
        cmocka_unit_test(opens_encrypted_keys),
    };
    return cmocka_run_group_tests(tests, make_world, forge_end_world);
}
