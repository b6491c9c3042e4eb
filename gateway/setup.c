/* setup: see setup.h. */
#include "gateway/setup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certs/digest.h"
#include "fhir/record.h"
#include "gateway/file.h"
#include "gateway/profiles.h"

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

static bool read_directory(struct setup *setup, const char *file, struct finding_list *findings)
{
    size_t length;
    const char *path = folder_path(&setup->arena, setup->dir, file);
    const char *text = file_read(&setup->arena, path, TABLE_MAX_BYTES, &length, findings);
    if (text == NULL)
        return false;
    size_t before = findings->count;
    directory_read(setup->directory, text, length, path, findings);
    return findings->count == before;
}

static bool read_codes(struct setup *setup, struct finding_list *findings)
{
    setup->coding = coding_standard();
    if (setup->config.code_map[0] == '\0')
        return true;
    size_t length;
    size_t before = findings->count;
    const char *path = folder_path(&setup->arena, setup->dir, setup->config.code_map);
    const char *text = file_read(&setup->arena, path, TABLE_MAX_BYTES, &length, findings);
    if (text == NULL)
        return false;
    setup->coding = coding_with_map(&setup->arena, text, length, path, findings);
    return findings->count == before;
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

static bool load_all(struct setup *setup, struct finding_list *findings)
{
    extern char **environ;
    if (!folder_config(&setup->arena, setup->dir, (const char *const *)environ, findings,
                       &setup->config, NULL))
        return false;
    use_time_zone(setup->config.time_zone);
    bool sound = folder_partners(&setup->arena, setup->dir, findings, &setup->partners);
    setup->directory = directory_new(&setup->arena);
    sound = read_directory(setup, setup->config.directory, findings) && sound;
    sound = read_codes(setup, findings) && sound;
    sound = read_profiles(setup, findings) && sound;
    return check_org(setup, findings) && sound;
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
    struct setup *setup = calloc(1, sizeof *setup);
    if (setup == NULL) {
        finding_add(findings, (struct finding){.found = "no memory left"});
        return false;
    }
    setup->references = 1;
    setup->dir = arena_copy(&setup->arena, dir);
    setup->clock = clock_system();
    setup->faults = "";
    size_t before = findings->count;
    if (!load_all(setup, findings)) {
        keep_texts(findings, before);
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

void setup_live_with(struct setup *setup, const struct finding_list *findings)
{
    struct text lines = text_new(&setup->arena, FAULTS_TEXT_MAX);
    for (size_t i = 0; i < findings->count; i++)
        finding_print(&findings->items[i], &lines);
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
