/* profile: any profile over any resource. The input is a StructureDefinition, a NUL, a resource. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/validate/profile.h"
#include "fhir/validate/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena keep;
    static struct validator *validator;
    if (validator == NULL)
        validator = validator_new(&keep);
    const char *text = (const char *)data;
    const char *end = size == 0 ? NULL : memchr(text, '\0', size);
    size_t length = end == NULL ? size : (size_t)(end - text);
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct profile_set *set = profile_set_new(&arena);
    profile_set_add(set, text, length, "fuzz.json", &findings);
    profile_set_link(set, &findings);
    const struct profile *profile = profile_at(set, 0);
    if (profile != NULL && end != NULL) {
        const char *url = profile_url(profile);
        struct validate_options options = {.profiles = set,
                                           .profile_urls = &url,
                                           .profile_count = 1,
                                           .checks_meta_profile = true,
                                           .notes_must_support = true};
        struct issue_list issues = issue_list_new(&arena);
        validate_text(validator, &arena, end + 1, size - length - 1, &options, &issues);
        json_print(&arena, issue_outcome(&arena, &issues));
    }
    arena_free(&arena);
    return 0;
}
