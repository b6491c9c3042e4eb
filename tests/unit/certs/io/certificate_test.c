/* certificate: what is said about a certificate is true, printable, and survives strange input;
 * verdicts have words, alerts and sentences. */
#include "certs/io/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs/io/pem.h"
#include "certs/verify/verdict.h"
#include "lib/certs_forge.h"

static int make_bin(void **state)
{
    *state = forge_world(sizeof(struct forge_bin));
    return 0;
}

static void set_serial(X509 *certificate)
{
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 0xabcdef01);
}

static void says_what_it_holds(void **state)
{
    struct forge_bin *bin = *state;
    struct arena arena = ARENA_EMPTY;
    char pin[48];
    char path[FORGE_PATH];
    struct forge_plan plan = {.cn = "CA", .is_ca = true, .kind = FORGE_RSA2048};
    struct forge root = forge_make(bin, &plan, NULL);
    plan = (struct forge_plan){.cn = "a\nb,c\x1b[31m \xc3\xa9",
                               .san = "URI:urn:x,DNS:a.example,IP:192.0.2.7,IP:2001:db8::1,"
                                      "email:a@b.example,RID:1.2.3",
                               .usages = "clientAuth",
                               .touch = set_serial,
                               .from_days = -1,
                               .until_days = 30};
    struct forge leaf = forge_make(bin, &plan, &root);
    const struct forge *items[] = {&leaf, &root};
    struct finding_list findings = finding_list_new(&arena);
    struct certificate *facts = NULL;
    size_t count = 0;
    forge_write(bin, items, 2, path);
    assert_true(certificate_read(&arena, path, &findings, &facts, &count));
    assert_int_equal(count, 2);
    assert_string_equal(facts[0].subject, "CN=a\\0Ab\\,c\\1B[31m \xc3\xa9");
    assert_string_equal(facts[0].issuer, "CN=CA");
    assert_string_equal(facts[0].serial, "abcdef01");
    forge_pin(&leaf, pin);
    assert_string_equal(facts[0].pin, pin);
    assert_int_equal(strlen(facts[0].fingerprint), 64);
    assert_string_equal(facts[0].key, "P-256");
    assert_string_equal(facts[0].signature, "sha256WithRSAEncryption");
    assert_int_equal(facts[0].name_count, 6);
    assert_string_equal(facts[0].names[2], "IP:192.0.2.7");
    assert_string_equal(facts[0].names[3], "IP:2001:db8::1");
    assert_string_equal(facts[0].names[5], "other kind of name");
    assert_true(facts[0].for_client && !facts[0].for_server && !facts[0].is_ca);
    assert_true(facts[1].is_ca && facts[1].is_self_issued && !facts[1].for_client);
    assert_string_equal(facts[1].key, "RSA 2048");
    assert_true(llabs(facts[0].not_after - time(NULL) - 30 * (int64_t)FORGE_DAY) < 60);
    arena_free(&arena);
}

static void counts_days(void **state)
{
    (void)state;
    assert_int_equal(certificate_days_left(1000000, 1000000), 0);
    assert_int_equal(certificate_days_left(1000000 + FORGE_DAY - 1, 1000000), 0);
    assert_int_equal(certificate_days_left(1000000 + FORGE_DAY, 1000000), 1);
    assert_int_equal(certificate_days_left(1000000 - 1, 1000000), -1);
    assert_int_equal(certificate_days_left(1000000 - FORGE_DAY, 1000000), -1);
    assert_int_equal(certificate_days_left(1000000 - FORGE_DAY - 1, 1000000), -2);
}

static void put(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

/* A file cut at any place, or with a changed byte, is read whole or not at all. */
static void survives_damage(void **state)
{
    struct forge_bin *bin = *state;
    char path[FORGE_PATH];
    char damaged[FORGE_PATH];
    char bytes[8192];
    struct forge_plan plan = {0};
    struct forge one = forge_make(bin, &plan, NULL);
    const struct forge *items[] = {&one, &one};
    forge_write(bin, items, 2, path);
    FILE *file = fopen(path, "r");
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    forge_path(bin, "damaged", damaged);
    size_t whole = 0;
    for (size_t cut = 0; cut < length; cut += 7) {
        struct arena arena = ARENA_EMPTY;
        struct finding_list findings = finding_list_new(&arena);
        struct certificate *facts = NULL;
        size_t count = 0;
        put(damaged, bytes, cut);
        bool read = certificate_read(&arena, damaged, &findings, &facts, &count);
        whole += read;
        assert_int_equal(findings.count, read ? 0 : 1);
        if (read)
            assert_int_equal(count, cut > length - 2 ? 2 : 1);
        char kept = bytes[cut];
        bytes[cut] = (char)(bytes[cut] ^ 0x15);
        put(damaged, bytes, length);
        bytes[cut] = kept;
        findings = finding_list_new(&arena);
        certificate_read(&arena, damaged, &findings, &facts, &count);
        arena_free(&arena);
    }
    assert_true(whole < 6); /* only cuts between the two blocks leave something whole */
    const char junk[] = "\x30\x82\x05\x00junk";
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct certificate *facts = NULL;
    size_t count = 0;
    put(damaged, junk, sizeof junk);
    assert_false(certificate_read(&arena, damaged, &findings, &facts, &count));
    assert_false(certificate_read(&arena, "/nonexistent", &findings, &facts, &count));
    assert_false(certificate_read(&arena, bin->folder, &findings, &facts, &count));
    arena_free(&arena);
}

static void reads_der(void **state)
{
    struct forge_bin *bin = *state;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    char path[FORGE_PATH];
    struct forge_plan plan = {0};
    struct forge one = forge_make(bin, &plan, NULL);
    FILE *file = fopen(forge_path(bin, "der", path), "w");
    assert_int_equal(i2d_X509_fp(file, one.certificate), 1);
    fclose(file);
    struct certificate *facts = NULL;
    size_t count = 0;
    assert_true(certificate_read(&arena, path, &findings, &facts, &count));
    assert_int_equal(count, 1);
    assert_string_equal(facts->subject, "CN=lakeside");
    arena_free(&arena);
}

static void every_verdict_speaks(void **state)
{
    (void)state;
    for (int i = 0; i < VERDICT_COUNT; i++) {
        enum verdict verdict = (enum verdict)i;
        assert_true(strlen(verdict_name(verdict)) > 3);
        assert_true(strlen(verdict_sentence(verdict)) > 30);
        assert_int_equal(strcmp(verdict_alert(verdict), "none") == 0, verdict == VERDICT_admitted);
        assert_int_equal(verdict_kind(verdict) == VERDICT_KIND_ADMITTED,
                         verdict == VERDICT_admitted);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(verdict_name(verdict), verdict_name((enum verdict)j));
    }
    assert_int_equal(verdict_kind((enum verdict)0), VERDICT_KIND_REFUSED);
    assert_int_equal(verdict_kind(VERDICT_no_partner), VERDICT_KIND_STRANGER);
    assert_int_equal(verdict_kind(VERDICT_expired), VERDICT_KIND_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_holds),   cmocka_unit_test(counts_days),
        cmocka_unit_test(survives_damage),      cmocka_unit_test(reads_der),
        cmocka_unit_test(every_verdict_speaks),
    };
    return cmocka_run_group_tests(tests, make_bin, forge_end_world);
}
