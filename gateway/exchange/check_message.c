/* check_message: see exchange/check_message.h. The partner's profiles are asked of each resource of
 * their type, but not of one that is there only to say that it was a mistake: it has no content to
 * hold to them. */
#include "gateway/exchange/check_message.h"

#include <sys/random.h>

#include "base/text.h"
#include "fhir/validate/profile.h"

struct validator *conform_validator(struct arena *arena)
{
    struct validator *validator = validator_new(arena);
    struct hash_key secret;
    if (getrandom(&secret, sizeof secret, 0) == sizeof secret)
        validator_keep_secret(validator, &secret);
    return validator;
}

static bool meets(struct validator *validator, struct arena *arena, const struct setup *setup,
                  const struct partner *partner, const struct json *resource,
                  struct issue_list *issues)
{
    const char *type = json_get_text(resource, "resourceType");
    const char **urls = arena_array(arena, partner->profiles.count + 1, sizeof *urls);
    struct validate_options options = {
        .profiles = setup->profiles, .profile_urls = urls, .steps_max = CONFORM_STEPS_MAX};
    for (size_t i = 0; i < partner->profiles.count; i++) {
        const struct profile *profile = profile_find(setup->profiles, partner->profiles.items[i]);
        if (profile != NULL && text_equal(profile_type(profile), type))
            urls[options.profile_count++] = partner->profiles.items[i];
    }
    bool is_mistake = text_equal(json_get_text(resource, "status"), "entered-in-error");
    return options.profile_count == 0 || is_mistake ||
           validate_resource(validator, arena, resource, &options, issues);
}

enum { LARGE_BYTES = 256 * 1024 }; /* a text of that size is not looked at twice */

/* Most Bundles are right, and nobody reads the warnings about them: a first look only counts. */
static bool is_valid(struct validator *validator, struct arena *arena,
                     const struct json_document *document, const struct json *bundle,
                     struct issue_list *issues)
{
    struct validate_options options = {
        .type = "Bundle", .steps_max = CONFORM_STEPS_MAX, .forgives_urls = true};
    struct issue_list counts = issue_list_new(arena);
    counts.count_max = 0;
    if (document != NULL && document->length > LARGE_BYTES)
        return validate_document(validator, arena, document, &options, issues);
    if (validate_resource(validator, arena, bundle, &options, &counts))
        return true;
    return document != NULL ? validate_document(validator, arena, document, &options, issues)
                            : validate_resource(validator, arena, bundle, &options, issues);
}

bool conform_bundle(struct validator *validator, struct arena *arena, const struct setup *setup,
                    const struct partner *partner, const struct json_document *document,
                    const struct json *bundle, struct issue_list *issues)
{
    bool is_right = is_valid(validator, arena, document, bundle, issues);
    if (!is_right || partner == NULL || partner->profiles.count == 0 || setup->profiles == NULL)
        return is_right;
    is_right = meets(validator, arena, setup, partner, bundle, issues);
    const struct json *entry = json_first(json_get(bundle, "entry"));
    for (; entry != NULL; entry = json_next(entry))
        is_right = meets(validator, arena, setup, partner, json_get(entry, "resource"), issues) &&
                   is_right;
    return is_right;
}
