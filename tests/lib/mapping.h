/* mapping: what tests of the mapping share: sample files, the directory, deterministic ids. */
#ifndef TESTS_LIB_MAPPING_H
#define TESTS_LIB_MAPPING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/message.h"
#include "fhir/record.h"

static inline char *mapping_file(struct arena *arena, const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = arena_alloc(arena, (size_t)size + 1);
    *ret_length = fread(text, 1, (size_t)size, file);
    fclose(file);
    return text;
}

/* The same name gives the same id within SEED; the form of a version 5 UUID. */
static inline const char *mapping_id(void *maker, struct arena *arena, const char *name)
{
    uint64_t low = 14695981039346656037u;
    uint64_t high = 1099511628211u;
    const char *texts[] = {maker, "/", name};
    for (size_t i = 0; i < 3; i++) {
        for (const char *at = texts[i]; *at != '\0'; at++) {
            low = (low ^ (unsigned char)*at) * 1099511628211u;
            high = (high ^ low) * 0x9e3779b97f4a7c15u;
        }
    }
    return arena_print(arena, "%08x-%04x-5%03x-a%03x-%012llx", (unsigned)(low >> 32),
                       (unsigned)(low >> 16) & 0xffffu, (unsigned)low & 0xfffu,
                       (unsigned)(high >> 52) & 0xfffu,
                       (unsigned long long)(high & 0xffffffffffffu));
}

static inline struct directory *mapping_directory(struct arena *arena)
{
    size_t length = 0;
    struct directory *directory = directory_new(arena);
    struct finding_list findings = finding_list_new(arena);
    char *csv = mapping_file(arena, "tests/records/good/directory.csv", &length);
    if (csv != NULL)
        directory_read(directory, csv, length, "directory.csv", &findings);
    return directory;
}

/* SEED makes the ids. */
static inline struct fhir_context
mapping_context(struct arena *arena, const struct directory *directory, const char *seed)
{
    return (struct fhir_context){.arena = arena,
                                 .directory = directory,
                                 .coding = coding_standard(),
                                 .base = MESSAGE_BASE_DEFAULT,
                                 .make_id = mapping_id,
                                 .maker = arena_copy(arena, seed)};
}

#endif
