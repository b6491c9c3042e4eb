/* own_ca: see own_ca.h. */
#include "gateway/tls/own_ca.h"

#include <string.h>

#include "certs/io/certificate.h"
#include "certs/issue/authority.h"
#include "gateway/runtime/file.h"

static const char *first_fingerprint(struct arena *arena, const char *path)
{
    struct finding_list ignored = finding_list_new(arena);
    struct certificate *items;
    size_t count;
    if (!file_exists(path) || !certificate_read(arena, path, &ignored, &items, &count))
        return NULL;
    return items[0].fingerprint;
}

/* A partner without a CA may have had its certificate from ours: then its URN is in our ledger. */
static bool was_signed_here(const char *dir, struct arena *arena, const char *name)
{
    struct finding_list ignored = finding_list_new(arena);
    struct authority_leaf *leaves;
    const char *urn = arena_print(arena, "urn:refgate:org:%s", name);
    size_t length = strlen(urn);
    size_t count = authority_issued(folder_path(arena, dir, "ca"), arena, &leaves, &ignored);
    for (size_t i = 0; i < count; i++) {
        const char *at = strstr(leaves[i].names, urn);
        if (at != NULL && (at[length] == '\0' || at[length] == ' '))
            return true;
    }
    return false;
}

const char *own_ca_sentence(const char *dir, struct arena *arena, const struct partner *partner)
{
    if (partner->ca_file[0] == '\0')
        return NULL;
    const char *theirs = first_fingerprint(arena, folder_path(arena, dir, partner->ca_file));
    const char *ours = first_fingerprint(arena, folder_path(arena, dir, "ca/ca.crt"));
    if (theirs == NULL || !text_equal(theirs, ours) || was_signed_here(dir, arena, partner->name))
        return NULL;
    return arena_print(
        arena,
        "%s is your own CA (keys/ca.crt), not that of %s: nothing of %s is believed. "
        "Ask %s for its keys/ca.crt and put it there",
        partner->ca_file, partner->name, partner->name, partner->name);
}
