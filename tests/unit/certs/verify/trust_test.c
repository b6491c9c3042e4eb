/* trust: what is wrong in partners' files is said, and nothing wrong lets anybody in; many partners
 * with one CA share it. */
#include "certs/verify/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs/verify/trust_internal.h"
#include "certs/verify/verify_internal.h"
#include "lib/certs_forge.h"

enum { MANY = 2000 };

struct world {
    struct forge_bin bin;
    struct forge root, leaf;
    char root_file[FORGE_PATH];
};

static const char *const lakeside[] = {"URI:urn:refgate:org:lakeside"};

static int make_world(void **state)
{
    struct world *world = forge_world(sizeof *world);
    struct forge_plan plan = {.cn = "CA", .is_ca = true};
    world->root = forge_make(&world->bin, &plan, NULL);
    plan = (struct forge_plan){0};
    world->leaf = forge_make(&world->bin, &plan, &world->root);
    const struct forge *roots[] = {&world->root};
    forge_write(&world->bin, roots, 1, world->root_file);
    *state = world;
    return 0;
}

/* The findings about one partner beside a good one, as text. */
static const char *complaints(struct world *world, const struct trust_partner *partner,
                              enum verdict *ret_verdict)
{
    static const char *const harbor[] = {"urn:refgate:org:harbor", "gw.harbor.example"};
    struct finding_list findings = finding_list_new(&world->bin.arena);
    const struct trust_partner partners[] = {
        {.name = "harbor", .ca_file = world->root_file, .sans = harbor, .san_count = 2},
        *partner,
    };
    struct trust *trust = trust_new(partners, 2, NULL, &findings);
    const struct verify_question question = {trust, world->leaf.certificate, NULL, VERIFY_NOBODY,
                                             time(NULL)};
    *ret_verdict = verify_judge(&question).verdict;
    trust_release(trust);
    struct text text = text_new(&world->bin.arena, 10000);
    for (size_t i = 0; i < findings.count; i++)
        finding_print(&findings.items[i], &text);
    return text.at;
}

static void says_what_is_wrong(void **state)
{
    struct world *world = *state;
    static const char *const bad_pin[] = {"abc"};
    static const char *const long_pin[] = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    static const char *const odd_pin[] = {"****AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
    static const char *const wildcard[] = {"*.lakeside.example"};
    static const char *const address[] = {"127.0.0.1"};
    static const char *const blank[] = {"URI:urn:x y"};
    static const char *const empty[] = {""};
    static const char *const taken[] = {"GW.harbor.example"};
    static const char *const list[] = {"/nonexistent"};
    static const char long_name[] =
        "a234567890123456789012345678901234567890123456789012345678901234x";
    char leaf_file[FORGE_PATH];
    const struct forge *leaves[] = {&world->leaf};
    forge_write(&world->bin, leaves, 1, leaf_file);
    const char *root = world->root_file;
    const struct {
        struct trust_partner partner;
        const char *said;
        enum verdict verdict; /* of lakeside's good certificate */
    } cases[] = {
        {{"lakeside", .ca_file = root, .sans = lakeside, .san_count = 1}, "", VERDICT_admitted},
        {{"lakeside", .ca_file = root, .pins = bad_pin, .pin_count = 1, .sans = lakeside,
          .san_count = 1},
         "lakeside.pins: found abc",
         VERDICT_wrong_pin},
        {{"lakeside", .ca_file = root, .pins = long_pin, .pin_count = 1},
         "44 characters",
         VERDICT_no_partner},
        {{"lakeside", .ca_file = root, .pins = odd_pin, .pin_count = 1},
         "44 characters",
         VERDICT_no_partner},
        {{"lakeside", .pins = bad_pin, .pin_count = 1, .sans = lakeside, .san_count = 1},
         "lakeside.pins",
         VERDICT_wrong_pin},
        {{"lakeside", .ca_file = root, .sans = wildcard, .san_count = 1},
         "no wild card",
         VERDICT_no_partner},
        {{"lakeside", .ca_file = root, .sans = address, .san_count = 1},
         "no IP address",
         VERDICT_no_partner},
        {{"lakeside", .ca_file = root, .sans = blank, .san_count = 1},
         "no blank",
         VERDICT_no_partner},
        {{"lakeside", .ca_file = root, .sans = empty, .san_count = 1},
         "lakeside.san",
         VERDICT_no_partner},
        {{"lakeside", .ca_file = root}, "neither a name nor a pin", VERDICT_no_partner},
        {{"lakeside", .sans = lakeside, .san_count = 1},
         "neither a CA nor a pin",
         VERDICT_foreign_ca},
        {{"lakeside", .ca_file = "/nonexistent", .sans = lakeside, .san_count = 1},
         "/nonexistent: found a file that cannot be opened",
         VERDICT_foreign_ca},
        {{"lakeside", .ca_pem = "nothing", .sans = lakeside, .san_count = 1},
         "no whole CA certificate",
         VERDICT_foreign_ca},
        {{"lakeside", .ca_file = leaf_file, .sans = lakeside, .san_count = 1},
         "not the certificate of a CA",
         VERDICT_foreign_ca},
        {{"lakeside", .ca_file = root, .sans = taken, .san_count = 1},
         "a san that",
         VERDICT_no_partner},
        {{"harbor", .ca_file = root, .sans = lakeside, .san_count = 1},
         "a name that harbor has too",
         VERDICT_disabled},
        {{NULL, .ca_file = root, .sans = lakeside, .san_count = 1},
         "missing or too long",
         VERDICT_disabled},
        {{long_name, .ca_file = root, .sans = lakeside, .san_count = 1},
         "missing or too long",
         VERDICT_disabled},
        {{"lakeside", .pins = odd_pin, .pin_count = 1, .crl_files = list, .crl_count = 1},
         "lists without a CA",
         VERDICT_no_partner},
        {{"lakeside", .ca_file = root, .sans = lakeside, .san_count = 1, .crl = TRUST_CRL_HARD},
         "the policy hard without",
         VERDICT_crl_missing},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum verdict verdict;
        const char *said = complaints(world, &cases[i].partner, &verdict);
        if (strstr(said, cases[i].said) == NULL || (cases[i].said[0] == '\0') != (said[0] == '\0'))
            fail_msg("case %zu: said `%s`, expected `%s`", i, said, cases[i].said);
        if (verdict != cases[i].verdict)
            fail_msg("case %zu: %s, expected %s", i, verdict_name(verdict),
                     verdict_name(cases[i].verdict));
    }
}

static void shares_one_ca_among_many(void **state)
{
    struct world *world = *state;
    struct trust_partner *partners = calloc(MANY, sizeof *partners);
    struct finding_list findings = finding_list_new(&world->bin.arena);
    for (size_t i = 0; i < MANY; i++) {
        const char **sans = arena_array(&world->bin.arena, 1, sizeof *sans);
        sans[0] = arena_print(&world->bin.arena, "URI:urn:refgate:org:clinic-%zu", i);
        partners[i] =
            (struct trust_partner){.name = arena_print(&world->bin.arena, "clinic-%zu", i),
                                   .ca_file = world->root_file,
                                   .sans = sans,
                                   .san_count = 1};
    }
    struct trust *trust = trust_new(partners, MANY, NULL, &findings);
    free(partners);
    assert_int_equal(findings.count, 0);
    assert_int_equal(trust->anchors_count, 1);
    struct forge_plan plan = {.san = "URI:urn:refgate:org:clinic-1234"};
    struct forge leaf = forge_make(&world->bin, &plan, &world->root);
    const struct verify_question question = {trust, leaf.certificate, NULL, VERIFY_NOBODY,
                                             time(NULL)};
    struct verify_answer answer = verify_judge(&question);
    assert_int_equal(answer.verdict, VERDICT_admitted);
    assert_string_equal(trust->partners[answer.partner].name, "clinic-1234");
    assert_int_equal(trust_find(trust, "clinic-1999"), 1999);
    assert_int_equal(trust_find(trust, "clinic-2000"), -1);
    trust_release(trust);
}

static void knows_what_runs_out(void **state)
{
    struct world *world = *state;
    char list[FORGE_PATH];
    forge_write_list(&world->bin, &(struct forge_list){.issuer = &world->root}, list);
    const char *lists[] = {list};
    struct finding_list findings = finding_list_new(&world->bin.arena);
    const struct trust_partner partner = {.name = "lakeside",
                                          .ca_file = world->root_file,
                                          .sans = lakeside,
                                          .san_count = 1,
                                          .crl_files = lists,
                                          .crl_count = 1};
    const struct trust_partner issuer = {.ca_file = world->root_file};
    struct trust *trust = trust_new(&partner, 1, &issuer, &findings);
    struct trust_term *terms = NULL;
    assert_int_equal(trust_terms(trust, &world->bin.arena, &terms), 3);
    struct trust *held = trust_hold(trust);
    trust_release(trust);
    trust_release(held);
    assert_string_equal(terms[0].partner, "lakeside");
    assert_string_equal(terms[0].what, "ca");
    assert_string_equal(terms[0].issuer, "CN=CA");
    assert_true(terms[0].until > time(NULL) + 80 * FORGE_DAY);
    assert_string_equal(terms[1].what, "crl");
    assert_true(terms[1].until > time(NULL) + 6 * FORGE_DAY);
    assert_true(terms[1].until < time(NULL) + 8 * FORGE_DAY);
    assert_null(terms[2].partner);
}

static void takes_an_intermediate_as_the_ca(void **state)
{
    struct world *world = *state;
    char middle_file[FORGE_PATH];
    char both_file[FORGE_PATH];
    struct forge_plan plan = {.cn = "middle", .is_ca = true};
    struct forge middle = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){0};
    struct forge leaf = forge_make(&world->bin, &plan, &middle);
    const struct forge *items[] = {&middle, &world->root};
    forge_write(&world->bin, items, 1, middle_file);
    forge_write(&world->bin, items, 2, both_file);
    const char *files[] = {middle_file, both_file};
    for (size_t i = 0; i < 2; i++) { /* the peer sends its leaf only, both times */
        struct finding_list findings = finding_list_new(&world->bin.arena);
        const struct trust_partner partner = {
            .name = "lakeside", .ca_file = files[i], .sans = lakeside, .san_count = 1};
        struct trust *trust = trust_new(&partner, 1, NULL, &findings);
        assert_int_equal(findings.count, 0);
        struct verify_question question = {trust, leaf.certificate, NULL, VERIFY_NOBODY,
                                           time(NULL)};
        assert_int_equal(verify_judge(&question).verdict, VERDICT_admitted);
        question.leaf = world->leaf.certificate; /* issued by the root, which only the second has */
        assert_int_equal(verify_judge(&question).verdict,
                         i == 0 ? VERDICT_incomplete : VERDICT_admitted);
        trust_release(trust);
    }
}

/* An intermediate in the file of a root is no anchor: its own revocation counts. */
static void still_asks_about_intermediates_in_the_file(void **state)
{
    struct world *world = *state;
    char both_file[FORGE_PATH];
    char root_list[FORGE_PATH];
    char middle_list[FORGE_PATH];
    struct forge_plan plan = {.cn = "middle", .is_ca = true};
    struct forge middle = forge_make(&world->bin, &plan, &world->root);
    plan = (struct forge_plan){0};
    struct forge leaf = forge_make(&world->bin, &plan, &middle);
    const struct forge *items[] = {&middle, &world->root};
    forge_write(&world->bin, items, 2, both_file);
    forge_write_list(
        &world->bin,
        &(struct forge_list){.issuer = &world->root, .revoked = items, .revoked_count = 1},
        root_list);
    forge_write_list(&world->bin, &(struct forge_list){.issuer = &middle}, middle_list);
    const char *lists[] = {middle_list, root_list};
    for (size_t i = 1; i <= 2; i++) { /* without and with the list of the root */
        struct finding_list findings = finding_list_new(&world->bin.arena);
        const struct trust_partner partner = {.name = "lakeside",
                                              .ca_file = both_file,
                                              .sans = lakeside,
                                              .san_count = 1,
                                              .crl_files = lists,
                                              .crl_count = i};
        struct trust *trust = trust_new(&partner, 1, NULL, &findings);
        assert_int_equal(findings.count, 0);
        const struct verify_question question = {trust, leaf.certificate, NULL, VERIFY_NOBODY,
                                                 time(NULL)};
        assert_int_equal(verify_judge(&question).verdict,
                         i == 1 ? VERDICT_crl_missing : VERDICT_issuer_revoked);
        trust_release(trust);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(shares_one_ca_among_many),
        cmocka_unit_test(knows_what_runs_out),
        cmocka_unit_test(takes_an_intermediate_as_the_ca),
        cmocka_unit_test(still_asks_about_intermediates_in_the_file),
    };
    return cmocka_run_group_tests(tests, make_world, forge_end_world);
}
