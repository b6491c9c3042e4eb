/* attachment: files beside the record become bytes of the message; what lies elsewhere, is linked,
 * missing or too large is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "certs/io/digest.h"
#include "gateway/exchange/attachment.h"
#include "lib/clinic.h"

static int start(void **state)
{
    struct clinic *clinic = clinic_new("willow", "");
    clinic_put(clinic, "records/out/a.txt", "hello");
    clinic_put(clinic, "records/out/empty.txt", "");
    *state = clinic;
    return 0;
}

static struct attachment_folder folder;

static bool load(struct clinic *clinic, const char *files, size_t most, struct json **ret_list)
{
    struct json_document document;
    struct json_fault fault;
    const char *text = arena_print(&clinic->arena, "{%s}", files);
    assert_true(json_parse(&clinic->arena, text, strlen(text), NULL, &document, &fault));
    clinic->findings = finding_list_new(&clinic->arena);
    folder.path = arena_print(&clinic->arena, "%s/records/out", clinic->folder);
    return attachment_load(&clinic->arena, document.root, &folder, most, &clinic->findings,
                           ret_list);
}

static void a_record_without_attachments(void **state)
{
    struct json *list;
    assert_true(load(*state, "", 100, &list));
    assert_null(list);
}

static void bytes_hash_and_size(void **state)
{
    struct clinic *clinic = *state;
    struct json *list;
    size_t count;
    assert_true(load(clinic, "\"attachments\":[{\"file\":\"a.txt\"},{\"file\":\"empty.txt\"}]", 100,
                     &list));
    const struct message_attachment *items = attachment_items(&clinic->arena, list, &count);
    assert_int_equal(count, 2);
    assert_string_equal(items[0].base64, "aGVsbG8=");
    assert_string_equal(items[0].hash_base64,
                        "qvTGHdzF6KLavt4PO0gs2a6pQ00="); /* sha1sum of hello */
    assert_int_equal(items[0].size, 5);
    assert_string_equal(items[1].base64, "");
    assert_int_equal(items[1].size, 0);
}

static void every_file_that_cannot_go_is_named(void **state)
{
    struct clinic *clinic = *state;
    struct json *list;
    assert_int_equal(
        symlink("/etc/passwd", arena_print(&clinic->arena, "%s/records/out/link", clinic->folder)),
        0);
    assert_int_equal(
        mkfifo(arena_print(&clinic->arena, "%s/records/out/pipe", clinic->folder), 0600), 0);
    static const char *const bad[] = {"none.pdf",    "link",    "pipe",  "../settings.yaml",
                                      "/etc/passwd", ".",       "..",    "",
                                      "sub/../../x", ".hidden", "a.txt/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *files = arena_print(
            &clinic->arena, "\"attachments\":[{\"file\":\"a.txt\"},{\"file\":\"%s\"}]", bad[i]);
        if (load(clinic, files, 100, &list))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(clinic->findings.count, 1);
        assert_string_equal(clinic->findings.items[0].path, "attachments[2].file");
    }
    assert_false(load(clinic, "\"attachments\":[{\"title\":\"x\"}]", 100, &list));
    assert_false(load(clinic, "\"attachments\":[{\"file\":\"x\"},{\"file\":\"y\"}]", 100, &list));
    assert_int_equal(clinic->findings.count, 2);
}

static void all_together_have_a_ceiling(void **state)
{
    struct clinic *clinic = *state;
    struct json *list;
    static const char *const twice = "\"attachments\":[{\"file\":\"a.txt\"},{\"file\":\"a.txt\"}]";
    assert_true(load(clinic, twice, 10, &list));
    assert_false(load(clinic, twice, 9, &list));
    assert_string_equal(clinic->findings.items[0].path, "attachments[2].file");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, clinic_stop)

static bool check(struct clinic *clinic, const char *item)
{
    struct json_document document;
    struct json_fault fault;
    const char *text = arena_print(&clinic->arena, "[%s]", item);
    assert_true(json_parse(&clinic->arena, text, strlen(text), NULL, &document, &fault));
    clinic->findings = finding_list_new(&clinic->arena);
    return attachment_check(&clinic->arena, document.root, &clinic->findings);
}

static void what_a_partner_says_of_its_bytes_must_be_true(void **state)
{
    static const struct {
        const char *item, *found;
    } cases[] = {
        {"{\"data\":\"aGVsbG8=\"}", NULL},
        {"{\"data\":\"aGVs\\r\\n bG8=\",\"size\":5}",
         NULL}, /* white space is allowed in base64Binary */
        {"{\"data\":\"aGVsbG8=\",\"hash\":\"qvTGHdzF6KLavt4PO0gs2a6pQ00=\",\"size\":5}", NULL},
        {"{\"file\":\"named-only.pdf\",\"hash\":\"AAAA\",\"size\":7}", NULL},
        {"{\"data\":\"aGVsbG8=\",\"hash\":\"AAAA\"}",
         "hash AAAA beside data whose SHA-1 is qvTGHdzF6KLavt4PO0gs2a6pQ00="},
        {"{\"data\":\"aGVsbG8\"}", "data that is no base64"},
        {"{\"data\":\"aGV*bG8=\"}", "data that is no base64"},
    };
    struct clinic *clinic = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(check(clinic, cases[i].item), cases[i].found == NULL);
        if (cases[i].found != NULL)
            assert_string_equal(clinic->findings.items[0].found, cases[i].found);
    }
}

static struct file_identity looked_at;

static const struct file_identity *known(void *owner, const char *name)
{
    (void)owner;
    (void)name;
    return &looked_at;
}

/* What was looked at and what is opened are one file, or the record is taken later. */
static void another_file_under_the_name_is_not_read(void **state)
{
    struct clinic *clinic = *state;
    static const char files[] = "\"attachments\":[{\"file\":\"a.txt\"}]";
    struct stat about;
    struct json *list;
    const char *path = arena_print(&clinic->arena, "%s/records/out/a.txt", clinic->folder);
    folder = (struct attachment_folder){.known = known};
    assert_int_equal(stat(path, &about), 0);
    looked_at = file_identity_of(&about);
    assert_true(load(clinic, files, 100, &list));
    assert_false(folder.has_changed);
    clinic_put(clinic, "records/out/other.txt", "hallo");
    assert_int_equal(
        rename(arena_print(&clinic->arena, "%s/records/out/other.txt", clinic->folder), path), 0);
    assert_false(load(clinic, files, 100, &list));
    assert_true(folder.has_changed);
    folder = (struct attachment_folder){.path = NULL};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_without_attachments),
        TEST(bytes_hash_and_size),
        TEST(every_file_that_cannot_go_is_named),
        TEST(another_file_under_the_name_is_not_read),
        TEST(all_together_have_a_ceiling),
        TEST(what_a_partner_says_of_its_bytes_must_be_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
