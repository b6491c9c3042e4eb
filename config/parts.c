/* parts: see parts.h. */
#include "config/parts.h"

#include "config/folder.h"

enum { WRITERS = S_IWGRP | S_IWOTH, ALL_BUT_OWNER = S_IRWXG | S_IRWXO };

/* records/ may be shared with the clinic's other software by its group, and for that its group may
 * look into the data folder. */
static const struct folder_part parts[] = {
    {"", FOLDER_FOLDER, true, WRITERS, S_IRWXO, "everything of this gateway"},
    {"settings.yaml", FOLDER_FILE, false, WRITERS, 0, "the settings"},
    {"directory.csv", FOLDER_FILE, false, WRITERS, 0, "people and clinics"},
    {"keys", FOLDER_OF_FILES, true, WRITERS, ALL_BUT_OWNER, "our key and certificate"},
    {"ca", FOLDER_OF_FILES, false, WRITERS, ALL_BUT_OWNER, "the key of our own CA"},
    {"ca/ca.key", FOLDER_FILE, false, WRITERS, ALL_BUT_OWNER, "the key of our own CA"},
    {"partners", FOLDER_OF_FILES, true, WRITERS, 0, "whom we trust"},
    {"store.db", FOLDER_FILE, false, WRITERS, ALL_BUT_OWNER, "every message and record"},
    {"store.journal", FOLDER_FOLDER, false, WRITERS, ALL_BUT_OWNER, "every message and record"},
    {"records", FOLDER_FOLDER, true, S_IWOTH, S_IRWXO, "records as files"},
    {"records/out", FOLDER_FOLDER, true, S_IWOTH, S_IRWXO, "records to be sent"},
    {"records/in", FOLDER_FOLDER, true, S_IWOTH, S_IRWXO, "records that partners sent"},
    {"records/sent", FOLDER_FOLDER, true, S_IWOTH, S_IRWXO, "dropped files that were taken"},
    {"records/refused", FOLDER_FOLDER, true, S_IWOTH, S_IRWXO, "dropped files that were not"},
    {"records/to-match", FOLDER_FOLDER, false, S_IWOTH, S_IRWXO, "records to be matched"},
    {"lock", FOLDER_FILE, false, WRITERS, 0, "which process works here"},
    {"served.csv", FOLDER_FILE, false, WRITERS, 0, "what partners last showed"},
};

const struct folder_part *folder_parts(size_t *ret_count)
{
    *ret_count = sizeof parts / sizeof *parts;
    return parts;
}

const char *folder_part_path(struct arena *arena, const char *dir, const struct folder_part *part)
{
    return part->name[0] == '\0' ? dir : folder_path(arena, dir, part->name);
}

bool folder_is_private(struct arena *arena, const char *dir, struct finding_list *findings)
{
    size_t faults = findings->count;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *path = folder_part_path(arena, dir, &parts[i]);
        struct stat about;
        if (stat(path, &about) != 0 || (about.st_mode & parts[i].no_writer) == 0)
            continue;
        finding_add(findings, (struct finding){
                                  .file = path,
                                  .found = arena_print(arena, "mode %04o: others can write it",
                                                       about.st_mode & 07777u),
                                  .expected = arena_print(
                                      arena, "only its owner writes it: chmod %s %s",
                                      (parts[i].no_writer & S_IWGRP) != 0 ? "go-w" : "o-w", path)});
    }
    return findings->count == faults;
}
