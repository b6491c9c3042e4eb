/* mapping: what tests of the mapping share: sample files, the directory, deterministic ids. */
#ifndef TESTS_LIB_MAPPING_H
#define TESTS_LIB_MAPPING_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/message/message.h"
#include "fhir/record/record.h"

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

/* For tests/hapi: with OUT=DIR in the environment the Bundle is written to DIR/NAME.json. */
static inline void mapping_write_out(struct arena *arena, const char *name,
                                     const struct json *bundle)
{
    const char *folder = getenv("OUT");
    FILE *file =
        folder == NULL ? NULL : fopen(arena_print(arena, "%s/%s.json", folder, name), "wb");
    if (file == NULL)
        return;
    fputs(json_print(arena, bundle), file);
    fclose(file);
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

/* All sample records of tests/records/good, in the order of their file names. */
struct mapping_sample {
    const char *name; /* "01-referral-physician-to-massage", "referrals-3" */
    struct json *record;
};

struct mapping_samples {
    struct mapping_sample items[80];
    size_t count;
};

static inline int mapping_by_name(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

static inline bool mapping_is_records(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcmp(dot, ".json") == 0 || strcmp(name, "referrals.csv") == 0 ||
                           strcmp(name, "consents.csv") == 0);
}

static inline void mapping_read_file(struct arena *arena, const char *name,
                                     struct mapping_samples *samples)
{
    struct record_list list = {NULL, 0, 0};
    struct finding_list findings = finding_list_new(arena);
    size_t length = 0;
    char *text = mapping_file(arena, arena_print(arena, "tests/records/good/%s", name), &length);
    record_read(arena, RECORD_GUESS, text, length, name, &list, &findings);
    const char *stem = arena_copy_n(arena, name, (size_t)(strrchr(name, '.') - name));
    for (size_t i = 0; i < list.count && samples->count < 80; i++) {
        bool is_row = list.items[i].row > 0;
        samples->items[samples->count++] = (struct mapping_sample){
            is_row ? arena_print(arena, "%s-%d", stem, list.items[i].row) : stem,
            list.items[i].tree};
    }
}

static inline struct mapping_samples mapping_samples(struct arena *arena)
{
    struct mapping_samples samples = {.count = 0};
    struct dirent **files = NULL;
    int count = scandir("tests/records/good", &files, NULL, mapping_by_name);
    for (int i = 0; i < count; i++) {
        if (mapping_is_records(files[i]->d_name))
            mapping_read_file(arena, files[i]->d_name, &samples);
        free(files[i]);
    }
    free(files);
    return samples;
}

/* The referral of SAMPLES that a record belongs to; false: none of them. */
static inline bool mapping_referral(const struct mapping_samples *samples,
                                    const struct directory *directory, const struct json *record,
                                    struct message_referral *ret_referral,
                                    struct record_referral *ret_known)
{
    const char *id = json_get_text(record, "referral_id");
    for (size_t i = 0; id != NULL && i < samples->count; i++) {
        const struct json *other = samples->items[i].record;
        if (!text_equal(json_get_text(other, "record"), "referral") ||
            !text_equal(json_get_text(other, "record_id"), id))
            continue;
        const char *by = json_get_text(other, "written_by");
        const char *to = json_get_text(other, "referred_to");
        *ret_referral = (struct message_referral){.placer = directory_clinic_handle(directory, by),
                                                  .number = id,
                                                  .filler = directory_clinic_handle(directory, to),
                                                  .filler_number = NULL};
        *ret_known = (struct record_referral){
            .placer = ret_referral->placer, .number = id, .written_by = by, .referred_to = to};
        return true;
    }
    return false;
}

/* The Bundle of a sample, addressed to all its recipients. */
static inline struct json *mapping_bundle(const struct fhir_context *context,
                                          const struct mapping_samples *samples,
                                          const struct json *record)
{
    struct message_referral referral;
    struct record_referral known;
    bool has = mapping_referral(samples, context->directory, record, &referral, &known);
    const struct record_recipient *recipients = NULL;
    size_t count = record_recipients(context->arena, record, context->directory,
                                     has ? &known : NULL, &recipients);
    const char **handles = arena_array(context->arena, count + 1, sizeof *handles);
    size_t clinics = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(recipients[i].clinic, recipients[i - 1].clinic) != 0)
            handles[clinics++] = recipients[i].clinic;
    }
    struct message_record_options options = {
        .recipients = handles, .recipient_count = clinics, .referral = has ? &referral : NULL};
    return message_of_record(context, record, &options);
}

#endif
