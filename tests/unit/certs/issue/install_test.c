/* install: nothing is replaced unless the new pair is good; every crash in between leaves a pair
 * that belongs together; the old pair can be taken back. */
#include "certs/issue/install.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/certs_forge.h"

enum { COMMAND = 8 * FORGE_PATH, PATH = 2 * FORGE_PATH };

struct world {
    struct forge_bin bin;
    struct forge root, other, old, fresh;
    char root_file[FORGE_PATH];
    char old_cert[FORGE_PATH], old_key[FORGE_PATH];
    char fresh_cert[FORGE_PATH], fresh_key[FORGE_PATH];
    char live_cert[PATH], live_key[PATH];
};

static int make_world(void **state)
{
    struct world *world = forge_world(sizeof *world);
    struct forge_plan plan = {.cn = "CA", .is_ca = true};
    world->root = forge_make(&world->bin, &plan, NULL);
    world->other = forge_make(&world->bin, &plan, NULL);
    plan = (struct forge_plan){0};
    world->old = forge_make(&world->bin, &plan, &world->root);
    world->fresh = forge_make(&world->bin, &plan, &world->root);
    const struct forge *roots[] = {&world->root};
    const struct forge *old[] = {&world->old};
    const struct forge *fresh[] = {&world->fresh};
    forge_write(&world->bin, roots, 1, world->root_file);
    forge_write(&world->bin, old, 1, world->old_cert);
    forge_write_key(&world->bin, &world->old, world->old_key);
    forge_write(&world->bin, fresh, 1, world->fresh_cert);
    forge_write_key(&world->bin, &world->fresh, world->fresh_key);
    snprintf(world->live_cert, sizeof world->live_cert, "%s/live.crt", world->bin.folder);
    snprintf(world->live_key, sizeof world->live_key, "%s/live.key", world->bin.folder);
    *state = world;
    return 0;
}

static void put(const char *from, const char *to)
{
    char command[COMMAND];
    snprintf(command, sizeof command, "cp -p '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

static bool same(const char *one, const char *other)
{
    char command[COMMAND];
    snprintf(command, sizeof command, "cmp -s '%s' '%s'", one, other);
    return system(command) == 0;
}

static bool same_beside(const char *one, const char *other, const char *suffix)
{
    char path[COMMAND / 2];
    snprintf(path, sizeof path, "%s.%s", other, suffix);
    return same(one, path);
}

/* The old pair is the live one, and nothing lies beside it. */
static int reset(void **state)
{
    struct world *world = *state;
    char command[COMMAND];
    snprintf(command, sizeof command, "rm -f '%s'/live.*", world->bin.folder);
    assert_int_equal(system(command), 0);
    put(world->old_cert, world->live_cert);
    put(world->old_key, world->live_key);
    return 0;
}

static struct identity_files live_of(const struct world *world)
{
    return (struct identity_files){world->live_cert, world->live_key, NULL};
}

static struct install install_of(const struct world *world)
{
    return (struct install){.cert_file = world->fresh_cert,
                            .key_file = world->fresh_key,
                            .live = live_of(world),
                            .ca_file = world->root_file,
                            .handle = "lakeside",
                            .now = time(NULL)};
}

static const char *text_of(struct world *world, const struct finding_list *findings)
{
    struct text text = text_new(&world->bin.arena, 10000);
    for (size_t i = 0; i < findings->count; i++)
        finding_print(&findings->items[i], &text);
    return text.at;
}

static void installs_and_rolls_back(void **state)
{
    struct world *world = *state;
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct install install = install_of(world);
    struct identity_files live = live_of(world);
    struct stat status;
    assert_true(install_apply(&install, &findings));
    assert_int_equal(findings.count, 0);
    assert_true(same(world->fresh_cert, world->live_cert));
    assert_true(same(world->fresh_key, world->live_key));
    assert_true(same_beside(world->old_cert, world->live_cert, "previous"));
    assert_true(same_beside(world->old_key, world->live_key, "previous"));
    assert_int_equal(stat(world->live_key, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(install_recover(&live, &findings));
    assert_true(install_rollback(&live, &findings));
    assert_true(same(world->old_cert, world->live_cert));
    assert_true(same(world->old_key, world->live_key));
    assert_true(same_beside(world->fresh_cert, world->live_cert, "previous"));
    assert_true(install_rollback(&live, &findings)); /* and forth again */
    assert_true(same(world->fresh_key, world->live_key));
    assert_int_equal(findings.count, 0);
}

static void installs_where_nothing_was(void **state)
{
    struct world *world = *state;
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct install install = install_of(world);
    struct identity_files live = live_of(world);
    unlink(world->live_cert);
    unlink(world->live_key);
    assert_true(install_apply(&install, &findings));
    assert_true(same(world->fresh_cert, world->live_cert));
    assert_false(install_rollback(&live, &findings));
    assert_non_null(strstr(text_of(world, &findings), "no earlier pair"));
    assert_true(same(world->fresh_cert, world->live_cert));
}

static void replaces_nothing_by_a_bad_pair(void **state)
{
    struct world *world = *state;
    enum signer { ROOT, OTHER, SELF };
    static const struct {
        struct forge_plan plan;
        enum signer by;
        const char *said;
    } cases[] = {
        {{.usages = "serverAuth"}, ROOT, "without the usage clientAuth"},
        {{.usages = "clientAuth"}, ROOT, "without the usage serverAuth"},
        {{.usages = "-"}, ROOT, "without the usage"},
        {{.usage = "critical,keyEncipherment"}, ROOT, "refused as server"},
        {{.san = "URI:urn:refgate:org:harbor"}, ROOT, "without the name partners know us by"},
        {{.san = "-"}, ROOT, "without the name partners know us by"},
        {{.from_days = -9, .until_days = -1}, ROOT, "expired"},
        {{.from_days = 1, .until_days = 9}, ROOT, "not valid yet"},
        {{.from_days = -9, .until_days = 0}, ROOT, "days left"},
        {{.kind = FORGE_RSA1024}, ROOT, "a key that peers refuse"},
        {{.digest = NULL},
         OTHER,
         "refused as server in a trial handshake with ourselves: false_ca"},
        {{0}, SELF, "refused as server in a trial handshake with ourselves: self_signed"},
        {{.is_ca = true, .san = "URI:urn:refgate:org:lakeside", .usages = "serverAuth,clientAuth"},
         ROOT,
         "the certificate of a CA"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct forge *signers[] = {&world->root, &world->other, NULL};
        struct forge bad = forge_make(&world->bin, &cases[i].plan, signers[cases[i].by]);
        const struct forge *items[] = {&bad};
        char cert_file[FORGE_PATH];
        char key_file[FORGE_PATH];
        struct finding_list findings = finding_list_new(&world->bin.arena);
        struct install install = install_of(world);
        forge_write(&world->bin, items, 1, cert_file);
        forge_write_key(&world->bin, &bad, key_file);
        install.cert_file = cert_file;
        install.key_file = key_file;
        assert_false(install_apply(&install, &findings));
        const char *said = text_of(world, &findings);
        if (strstr(said, cases[i].said) == NULL)
            fail_msg("case %zu: said `%s`, expected `%s`", i, said, cases[i].said);
        assert_true(same(world->old_cert, world->live_cert));
        assert_true(same(world->old_key, world->live_key));
    }
}

static void refuses_sha1_and_foreign_keys(void **state)
{
    struct world *world = *state;
    struct forge_plan plan = {.digest = EVP_sha1()};
    struct forge outdated = forge_make(&world->bin, &plan, &world->root);
    const struct forge *items[] = {&outdated};
    char cert_file[FORGE_PATH];
    char key_file[FORGE_PATH];
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct install install = install_of(world);
    forge_write(&world->bin, items, 1, cert_file);
    forge_write_key(&world->bin, &outdated, key_file);
    install.cert_file = cert_file;
    install.key_file = key_file;
    assert_false(install_check(&install, &findings));
    assert_true(findings.count > 0);
    findings = finding_list_new(&world->bin.arena);
    install.cert_file = world->fresh_cert;
    assert_false(install_check(&install, &findings));
    assert_non_null(strstr(text_of(world, &findings), "not the one of the certificate"));
    findings = finding_list_new(&world->bin.arena);
    install = install_of(world);
    chmod(world->fresh_key, 0644);
    assert_false(install_check(&install, &findings));
    chmod(world->fresh_key, 0600);
    assert_non_null(strstr(text_of(world, &findings), "chmod 600"));
}

static void accepts_a_dns_name_instead(void **state)
{
    struct world *world = *state;
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct install install = install_of(world);
    install.handle = NULL;
    install.dns = "gw.lakeside.example";
    assert_true(install_check(&install, &findings));
    install.dns = "x.lakeside.example";
    assert_false(install_check(&install, &findings));
}

/* The state after each step of install_apply(), as a crash would leave it. */
static void recovers_from_a_crash_at_each_step(void **state)
{
    struct world *world = *state;
    char next_cert[COMMAND / 2];
    char next_key[COMMAND / 2];
    snprintf(next_cert, sizeof next_cert, "%s.next", world->live_cert);
    snprintf(next_key, sizeof next_key, "%s.next", world->live_key);
    for (int step = 1; step <= 4; step++) {
        struct finding_list findings = finding_list_new(&world->bin.arena);
        struct identity_files live = live_of(world);
        reset(state);
        if (step < 3)
            put(world->fresh_key, next_key);
        if (step >= 2 && step < 4)
            put(world->fresh_cert, next_cert);
        if (step >= 3)
            put(world->fresh_key, world->live_key);
        if (step >= 4)
            put(world->fresh_cert, world->live_cert);
        assert_true(install_recover(&live, &findings));
        assert_int_equal(findings.count, 0);
        assert_true(same(step < 3 ? world->old_cert : world->fresh_cert, world->live_cert));
        assert_true(same(step < 3 ? world->old_key : world->fresh_key, world->live_key));
        assert_int_not_equal(access(next_cert, F_OK), 0);
        assert_int_not_equal(access(next_key, F_OK), 0);
        struct identity *identity = identity_load(&live, &findings);
        assert_non_null(identity);
        identity_release(identity);
    }
}

static void says_when_nothing_can_be_recovered(void **state)
{
    struct world *world = *state;
    struct finding_list findings = finding_list_new(&world->bin.arena);
    struct identity_files live = live_of(world);
    put(world->fresh_key, world->live_key);
    assert_false(install_recover(&live, &findings));
    assert_non_null(strstr(text_of(world, &findings), "does not belong to the key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(installs_and_rolls_back, reset),
        cmocka_unit_test_setup(installs_where_nothing_was, reset),
        cmocka_unit_test_setup(replaces_nothing_by_a_bad_pair, reset),
        cmocka_unit_test_setup(refuses_sha1_and_foreign_keys, reset),
        cmocka_unit_test_setup(accepts_a_dns_name_instead, reset),
        cmocka_unit_test_setup(recovers_from_a_crash_at_each_step, reset),
        cmocka_unit_test_setup(says_when_nothing_can_be_recovered, reset),
    };
    return cmocka_run_group_tests(tests, make_world, forge_end_world);
}
