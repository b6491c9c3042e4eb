/* attachment: the files that a record names, beside the record, as bytes for the message.
 *
 * Called before a record is handed to the store, never on a loop. Only base names inside the
 * record's own folder, only regular files, no symbolic links; what is missing or too large is a
 * finding. */
#ifndef GATEWAY_EXCHANGE_ATTACHMENT_H
#define GATEWAY_EXCHANGE_ATTACHMENT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/finding.h"
#include "fhir/json/json.h"
#include "fhir/message/message.h"
#include "gateway/runtime/file.h"

/* Where a record's attachments lie, and what is known of them. */
struct attachment_folder {
    const char *path;
    /* How the file NAME looked when it was found whole; NULL: nobody looked. The member may be
     * NULL: nobody looks at this folder. */
    const struct file_identity *(*known)(void *owner, const char *name);
    void *owner;
    bool has_changed; /* a file is another one than it was: the record is to be taken later */
};

/* A JSON list {file, data, hash, size}, one item an attachment of RECORD, in its order; *ret_list
 * NULL when the record names none. False with findings. */
bool attachment_load(struct arena *arena, const struct json *record,
                     struct attachment_folder *folder, size_t bytes_max,
                     struct finding_list *findings, struct json **ret_list);
/* NAME can be that of a file beside the record: no path, nothing hidden. */
bool attachment_is_name(const char *name);
/* The bytes of one item of such a list, or of one received: its base64 may hold white space, as R4
 * allows. NULL when it holds no data, or no base64. */
const unsigned char *attachment_bytes(struct arena *arena, const struct json *item,
                                      size_t *ret_length);
/* What a partner says of its attachments is true: the data is base64 and has the SHA-1 that stands
 * beside it (Attachment.hash; the size is the validator's matter). False with findings. */
bool attachment_check(struct arena *arena, const struct json *list, struct finding_list *findings);
/* The list as fhir/message takes it. */
const struct message_attachment *attachment_items(struct arena *arena, const struct json *list,
                                                  size_t *ret_count);

#endif
