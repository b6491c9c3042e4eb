/* answer: the bytes of an HTTP/1.1 answer's head, and the answers that the edge makes by itself.
 *
 * Called by http.c. Pure but for the date text it is given; memory comes from the exchange's arena.
 */
#ifndef GATEWAY_HTTP_ANSWER_H
#define GATEWAY_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "gateway/http/http.h"

struct answer_frame {
    const char *date;           /* IMF-fixdate */
    const char *request_id;     /* to mirror; NULL: none */
    const char *correlation_id; /* likewise */
    bool close;                 /* Connection: close */
    bool head_only;             /* answer to HEAD */
};

/* The head of ANSWER and, when it is small, its body right behind. *ret_rest is the body that has
 * to follow, of length 0 when everything is in *ret_bytes. */
void answer_format(struct arena *arena, const struct answer *answer,
                   const struct answer_frame *frame, const char **ret_bytes, size_t *ret_length,
                   size_t *ret_rest);
/* An OperationOutcome that says FOUND, as the answer with this status. */
struct answer answer_refusal(struct arena *arena, int status, const char *found);
/* `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7). */
void answer_date(long long seconds, char ret_text[HTTP_DATE_TEXT]);

#endif
