/* setup: loads all files of a data folder as one generation. See setup.h.
 *
 * At a reload a faulty file leaves in force what the generation before made of it, with a finding;
 * at a start it is refused. A generation is not changed once it is shared, and the last holder
 * frees it. */
#include "gateway/setup/setup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certs/io/digest.h"
#include "fhir/record/record.h"
#include "gateway/runtime/file.h"
#include "gateway/setup/profiles.h"

enum { TABLE_MAX_BYTES = 16 << 20 };

/* libc reads TZ, once a process; `system` leaves it as it is. POSIX offsets have the other sign,
 * and a name before them. */
static void use_time_zone(const char *zone)
{
    char posix[64];
    if (text_equal(zone, "system"))
        return;
    if (zone[0] == '+' || zone[0] == '-') {
        snprintf(posix, sizeof posix, "OFFSET%c%s", zone[0] == '+' ? '-' : '+', zone + 1);
        zone = posix;
    }
    const char *now = getenv("TZ");
    if (now != NULL && text_equal(now, zone))
        return; /* other threads may be reading it */
    setenv("TZ", zone, 1);
    tzset();
}

const char *setup_zone_fault(const struct setup *setup)
{
    const char *zone = getenv("TZ");
    bool is_told = !text_equal(setup->config.time_zone, "system") ||
                   (zone != NULL && zone[0] != '\0') || access("/etc/localtime", R_OK) == 0;
    return is_told ? NULL
                   : "time_zone: found system, and the system names none (no TZ, no "
                     "/etc/localtime), so that days begin and end as in UTC; expected the clinic's "
                     "zone, such as time_zone: America/New_York";
}

static const char *read_table(struct setup *setup, const char *file, struct finding_list *findings,
                              size_t *ret_length)
{
    return file_read(&setup->arena, folder_path(&setup->arena, setup->dir, file), TABLE_MAX_BYTES,
                     ret_length, findings);
}

static bool parse_directory(struct setup *setup, struct finding_list *findings)
{
    size_t before = findings->count;
    setup->directory = directory_new(&setup->arena);
    if (setup->directory_text != NULL)
        directory_read(setup->directory, setup->directory_text, setup->directory_length,
                       folder_path(&setup->arena, setup->dir, setup->config.directory), findings);
    return setup->directory_text != NULL && findings->count == before;
}

static bool parse_codes(struct setup *setup, struct finding_list *findings)
{
    size_t before = findings->count;
    setup->coding = coding_standard();
    if (setup->config.code_map[0] == '\0')
        return true;
    if (setup->codes_text == NULL)
        return false;
    setup->coding =
        coding_with_map(&setup->arena, setup->codes_text, setup->codes_length,
                        folder_path(&setup->arena, setup->dir, setup->config.code_map), findings);
    return findings->count == before;
}

static bool read_codes(struct setup *setup, struct finding_list *findings)
{
    if (setup->config.code_map[0] != '\0')
        setup->codes_text =
            read_table(setup, setup->config.code_map, findings, &setup->codes_length);
    return parse_codes(setup, findings);
}

/* DIR/profiles, and that every profile a partner asks for is among them. */
static bool read_profiles(struct setup *setup, struct finding_list *findings)
{
    size_t before = findings->count;
    setup->profiles =
        profiles_load(&setup->arena, folder_path(&setup->arena, setup->dir, "profiles"), findings);
    for (size_t i = 0; i < setup->partners.count; i++) {
        const struct partner *partner = &setup->partners.items[i];
        for (size_t k = 0; k < partner->profiles.count; k++) {
            const char *url = partner->profiles.items[k];
            if (setup->profiles != NULL && profile_find(setup->profiles, url) != NULL)
                continue;
            finding_add(findings,
                        (struct finding){
                            .file = arena_print(findings->arena, "partners/%s.yaml", partner->name),
                            .path = "profiles",
                            .found = arena_print(findings->arena,
                                                 "%s, which no file of profiles/ holds", url),
                            .expected = "its StructureDefinition as profiles/NAME.json"});
        }
    }
    return findings->count == before;
}

static bool check_org(const struct setup *setup, struct finding_list *findings)
{
    const struct directory_entry *our = directory_find(setup->directory, setup->config.org);
    if (our != NULL && !our->is_person)
        return true;
    struct finding finding = {.file = "settings.yaml",
                              .path = "org",
                              .found = arena_print(findings->arena,
                                                   "\"%s\", which is no clinic of "
                                                   "the directory",
                                                   setup->config.org),
                              .expected = "the handle of our own row in directory.csv",
                              .nearest = directory_nearest(setup->directory, setup->config.org)};
    finding_add(findings, finding);
    return false;
}

/* ---- what is faulty stays as it was ---- */

static const char *copy_text(struct setup *setup, const char *text, size_t length)
{
    return text == NULL ? NULL : arena_copy_n(&setup->arena, text, length);
}

static void keep_config(struct setup *setup, const struct setup *before)
{
    struct finding_list ignored = finding_list_new(&setup->arena);
    const char *text = config_write(&setup->arena, &before->config);
    const struct config_text from = {
        .file = "settings.yaml", .text = text, .length = strlen(text), .environment = NULL};
    config_load(&setup->arena, &from, &ignored, &setup->config, NULL);
}

static void keep_directory(struct setup *setup, const struct setup *before)
{
    struct finding_list ignored = finding_list_new(&setup->arena);
    setup->directory_text = copy_text(setup, before->directory_text, before->directory_length);
    setup->directory_length = before->directory_length;
    parse_directory(setup, &ignored);
}

static void keep_codes(struct setup *setup, const struct setup *before)
{
    struct finding_list ignored = finding_list_new(&setup->arena);
    setup->config.code_map = arena_copy(&setup->arena, before->config.code_map);
    setup->codes_text = copy_text(setup, before->codes_text, before->codes_length);
    setup->codes_length = before->codes_length;
    parse_codes(setup, &ignored);
}

/* The profiles are many files: the generation that read them lives on. */
static void keep_profiles(struct setup *setup, const struct setup *before)
{
    const struct setup *owner = before->lender == NULL ? before : before->lender;
    setup->profiles = owner->profiles;
    setup->lender = setup_hold((struct setup *)(uintptr_t)owner);
}

bool setup_keep_partner(struct setup *setup, size_t at, const struct setup *before)
{
    struct partner *items =
        arena_array(&setup->arena, setup->partners.count, sizeof *setup->partners.items);
    const struct partner *kept = folder_partner(&before->partners, setup->partners.items[at].name);
    if (kept == NULL)
        return false;
    memcpy(items, setup->partners.items, setup->partners.count * sizeof *items);
    bool is_disabled = items[at].disabled || kept->disabled;
    items[at] = folder_copy_partner(&setup->arena, kept);
    items[at].disabled = is_disabled;
    setup->partners.items = items;
    return true;
}

/* ---- all of it ---- */

static bool load_config(struct setup *setup, const struct setup *before,
                        struct finding_list *findings)
{
    extern char **environ;
    if (!folder_config(&setup->arena, setup->dir, (const char *const *)environ, findings,
                       &setup->config, NULL) ||
        !folder_knows_zone(&setup->arena, setup->dir, &setup->config, findings)) {
        if (before == NULL)
            return false;
        keep_config(setup, before);
    }
    use_time_zone(setup->config.time_zone);
    return true;
}

/* Faulty rows are left out at a start; at a reload all rows stay as they were. */
static void load_directory(struct setup *setup, const struct setup *before,
                           struct finding_list *findings)
{
    setup->directory_text =
        read_table(setup, setup->config.directory, findings, &setup->directory_length);
    bool is_sound = parse_directory(setup, findings);
    if (!is_sound && before != NULL)
        keep_directory(setup, before);
}

static bool load_meaning(struct setup *setup, const struct setup *before,
                         struct finding_list *findings)
{
    bool codes = read_codes(setup, findings);
    if (!codes && before != NULL)
        keep_codes(setup, before);
    bool profiles = read_profiles(setup, findings);
    if (!profiles && before != NULL)
        keep_profiles(setup, before);
    return before != NULL || (codes && profiles);
}

static bool load_all(struct setup *setup, const struct setup *before, struct finding_list *findings)
{
    if (!load_config(setup, before, findings))
        return false;
    folder_partners_after(&setup->arena, setup->dir, before == NULL ? NULL : &before->partners,
                          findings, &setup->partners);
    load_directory(setup, before, findings);
    bool is_safe = load_meaning(setup, before, findings);
    bool has_our_row = check_org(setup, findings);
    folder_programs(&setup->arena, setup->dir, &setup->config, findings);
    if (!has_our_row && before != NULL) {
        keep_config(setup, before);
        keep_directory(setup, before);
    }
    return before != NULL || (is_safe && has_our_row);
}

/* The texts of the findings from number FROM on outlive the setup they were found in. */
static void keep_texts(struct finding_list *findings, size_t from)
{
    struct arena *arena = findings->arena;
    for (size_t i = from; i < findings->count; i++) {
        struct finding *finding = &findings->items[i];
        finding->file = arena_copy(arena, finding->file);
        finding->path = arena_copy(arena, finding->path);
        finding->found = arena_copy(arena, finding->found);
        finding->expected = arena_copy(arena, finding->expected);
        finding->nearest = arena_copy(arena, finding->nearest);
    }
}

bool setup_load(const char *dir, struct finding_list *findings, struct setup **ret_setup)
{
    return setup_load_after(dir, NULL, findings, ret_setup);
}

bool setup_load_after(const char *dir, const struct setup *before, struct finding_list *findings,
                      struct setup **ret_setup)
{
    struct setup *setup = calloc(1, sizeof *setup);
    if (setup == NULL) {
        finding_add(findings, (struct finding){.found = "no memory left"});
        return false;
    }
    setup->references = 1;
    setup->dir = arena_copy(&setup->arena, dir);
    setup->clock = clock_system();
    setup->faults = "";
    setup->generation = before == NULL ? 1 : before->generation + 1;
    size_t faults = findings->count;
    bool is_safe = load_all(setup, before, findings);
    keep_texts(findings, faults);
    if (!is_safe) {
        setup_release(setup);
        return false;
    }
    *ret_setup = setup;
    return true;
}

enum { FAULTS_TEXT_MAX = 1 << 20 };

static const char *line_of(const struct finding *finding, struct arena *arena)
{
    struct text line = text_new(arena, FAULTS_TEXT_MAX);
    finding_print(finding, &line);
    return line.at;
}

void setup_live_with(struct setup *setup, const struct setup *before,
                     const struct finding_list *findings)
{
    struct text lines = text_new(&setup->arena, FAULTS_TEXT_MAX);
    struct arena arena = ARENA_EMPTY;
    for (size_t i = 0; i < findings->count; i++) {
        const char *line = line_of(&findings->items[i], &arena);
        if (before == NULL || strstr(before->faults, line) != NULL)
            text_add(&lines, line);
        arena_reset(&arena);
    }
    arena_free(&arena);
    setup->faults = lines.at;
}

bool setup_is_worse(const struct setup *running, const struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    bool is_worse = false;
    for (size_t i = 0; i < findings->count && !is_worse; i++)
        is_worse = strstr(running->faults, line_of(&findings->items[i], &arena)) == NULL;
    arena_free(&arena);
    return is_worse;
}

struct setup *setup_hold(struct setup *setup)
{
    atomic_fetch_add(&setup->references, 1);
    return setup;
}

void setup_release(struct setup *setup)
{
    if (setup == NULL || atomic_fetch_sub(&setup->references, 1) > 1)
        return;
    setup_release(setup->lender);
    arena_free(&setup->arena);
    free(setup);
}

const char *setup_path(const struct setup *setup, struct arena *arena, const char *name)
{
    return folder_path(arena, setup->dir, name);
}

const struct partner *setup_partner_of(const struct setup *setup, const char *clinic)
{
    const struct directory_entry *entry = directory_find(setup->directory, clinic);
    const char *name =
        entry == NULL ? NULL : directory_partner(setup->directory, entry, setup->config.org);
    return name == NULL ? NULL : folder_partner(&setup->partners, name);
}

/* ---- ids ---- */

static const char *make_id(void *maker, struct arena *arena, const char *name)
{
    const struct setup_ids *ids = maker;
    char *uuid = arena_alloc(arena, DIGEST_UUID_TEXT);
    digest_uuid5(ids->space, name, uuid);
    return uuid;
}

static const char *endpoint_of(void *maker, const char *clinic)
{
    const struct setup_ids *ids = maker;
    const struct partner *partner = setup_partner_of(ids->setup, clinic);
    return partner == NULL ? NULL : partner->url;
}

struct fhir_context setup_context(const struct setup *setup, struct arena *arena,
                                  struct setup_ids *ids)
{
    ids->setup = setup;
    struct fhir_context context = {.arena = arena,
                                   .directory = setup->directory,
                                   .coding = setup->coding,
                                   .base = setup->config.canonical_base,
                                   .org = setup->config.org,
                                   .make_id = make_id,
                                   .maker = ids,
                                   .endpoint_of = endpoint_of};
    return context;
}

void setup_record_hash(const struct setup *setup, struct arena *arena, const struct json *record,
                       bool with_private, unsigned char *ret_hash)
{
    const char *text = record_canonical(arena, record, setup->directory, with_private);
    digest_sha256(text, strlen(text), ret_hash);
}

const char *setup_record_space(struct arena *arena, const char *clinic, const char *kind,
                               const char *number, const unsigned char *hash, const char *recipient,
                               int64_t taken_back)
{
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    char *uuid = arena_alloc(arena, DIGEST_UUID_TEXT);
    digest_hex(hash, DIGEST_SHA256_BYTES, hex);
    digest_uuid5("https://refgate.invalid/message",
                 arena_print(arena, "%s|%s|%s|%s|%s|%lld", clinic, kind, number, hex, recipient,
                             (long long)taken_back),
                 uuid);
    return uuid;
}
