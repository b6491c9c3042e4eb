/* sample: files, directory and known referrals of the samples, for the record tests. */
#ifndef TESTS_UNIT_FHIR_RECORD_SAMPLE_H
#define TESTS_UNIT_FHIR_RECORD_SAMPLE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/csv.h"
#include "fhir/record/record.h"

#define SAMPLES "config/examples/records/"
#define BAD_SAMPLES "tests/records/bad/"

struct sample { /* everything a check needs, fed by the good samples */
    struct arena arena;
    struct directory *directory;
    struct record_list records; /* all good records */
    const struct json **referrals;
    struct record_known known;
    struct record_referrals lookup;
    struct record_rules rules;
    struct finding_list findings;
};

static const char *const sample_files[] = {
    "01-referral-physician-to-massage.json",
    "02-note-visit-1.json",
    "03-note-visit-2.json",
    "04-note-visit-3.json",
    "05-note-visit-4.json",
    "06-note-visit-5.json",
    "07-note-visit-6.json",
    "08-discharge-summary.json",
    "09-referral-massage-to-physical-therapy.json",
    "11-treatment-plan-shared.json",
    "12-case-conference.json",
    "13-consent-care-team.json",
    "14-consent-one-recipient.json",
    "15-consent-expired.json",
    "16-consent-revoked.json",
    "18-consent-refused.json",
    "19-referral-minimal-non-latin.json",
    "21-note-chiropractic.json",
    "22-note-sensitive.json",
    "23-referral-work-injury.json",
    "24-note-corrected.json",
    "consents.csv",
    "referrals.csv",
};

static inline const char *sample_file(struct arena *arena, const char *folder, const char *name,
                                      size_t *ret_length)
{
    FILE *file = fopen(arena_print(arena, "%s%s", folder, name), "rb");
    assert_non_null(file);
    char *text = arena_alloc(arena, 1 << 16);
    *ret_length = fread(text, 1, 1 << 16, file);
    fclose(file);
    return text;
}

static inline void sample_print(const struct finding_list *findings)
{
    struct text text = text_new(findings->arena, 1 << 20);
    for (size_t i = 0; i < findings->count; i++)
        finding_print(&findings->items[i], &text);
    fprintf(stderr, "%s", text.at);
}

static inline void sample_open(struct sample *sample)
{
    memset(sample, 0, sizeof *sample);
    size_t length;
    sample->findings = finding_list_new(&sample->arena);
    sample->directory = directory_new(&sample->arena);
    const char *csv = sample_file(&sample->arena, SAMPLES, "directory.csv", &length);
    directory_read(sample->directory, csv, length, "directory.csv", &sample->findings);
    for (size_t i = 0; i < sizeof sample_files / sizeof *sample_files; i++) {
        const char *text = sample_file(&sample->arena, SAMPLES, sample_files[i], &length);
        record_read(&sample->arena, record_format_of(sample_files[i]), text, length,
                    sample_files[i], &sample->records, &sample->findings);
    }
    sample->referrals = arena_array(&sample->arena, sample->records.count + 2, sizeof(void *));
    for (size_t i = 0; i < sample->records.count; i++) {
        if (text_equal(record_kind(sample->records.items[i].tree), "referral"))
            sample->referrals[sample->known.count++] = sample->records.items[i].tree;
    }
    sample->known.directory = sample->directory;
    sample->known.referrals = sample->referrals;
    sample->lookup = record_referrals_of(&sample->known);
    sample->rules = (struct record_rules){
        .arena = &sample->arena, .directory = sample->directory, .referrals = &sample->lookup};
    sample_print(&sample->findings);
    assert_int_equal(sample->findings.count, 0);
}

static inline void sample_close(struct sample *sample)
{
    arena_free(&sample->arena);
}

/* The tree of one good sample, by its record_id. */
static inline struct json *sample_tree(struct sample *sample, const char *record_id)
{
    for (size_t i = 0; i < sample->records.count; i++) {
        if (text_equal(json_get_text(sample->records.items[i].tree, "record_id"), record_id))
            return json_copy(&sample->arena, sample->records.items[i].tree);
    }
    fail_msg("no sample %s", record_id);
    return NULL;
}

#endif
