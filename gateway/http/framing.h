/* framing: the byte rules of HTTP/1.1 (RFC 9112) that llhttp 8.1.0 leaves open, checked before it
 * sees a byte: line ends, control characters, folded lines, the three framing headers, Host, chunk
 * lines.
 *
 * Called by http.c only. Pure: no socket, clock or memory of its own. Scanners keep their place, so
 * bytes may come in any pieces; every growing thing has its ceiling in struct framing_limits. */
#ifndef GATEWAY_HTTP_FRAMING_H
#define GATEWAY_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct framing_limits {
    size_t target_bytes_max; /* beyond: 414 */
    size_t head_bytes_max;   /* request line and headers; beyond: 431 */
    unsigned headers_max;    /* beyond: 431 */
    uint64_t body_bytes_max; /* beyond: 413 */
};

/* Why a request is refused: the HTTP status, and what was found, for a person. */
struct framing_fault {
    int status;
    const char *found;
};

enum framing_step { FRAMING_MORE, FRAMING_DONE, FRAMING_FAULT };

/* What a head says about the frame of its message. A zeroed struct is ready for use. */
struct framing_head {
    size_t at;       /* bytes looked at */
    size_t line;     /* where the current line starts */
    unsigned lines;  /* complete ones, request line included */
    bool after_cr;   /* the last byte was CR */
    bool skipped;    /* one empty line before the request line was passed over */
    unsigned minor;  /* HTTP/1.minor */
    unsigned hosts;  /* Host headers */
    bool has_length; /* Content-Length */
    bool chunked;    /* Transfer-Encoding: chunked */
    bool has_type;   /* Content-Type */
    bool wants_go;   /* Expect: 100-continue */
    bool close;      /* Connection: close */
    uint64_t length; /* of Content-Length */
};

/* Looks at the head BYTES[0..LENGTH), which must start where it started in earlier calls. At
 * FRAMING_DONE *ret_end is the offset behind the empty line; at FRAMING_FAULT *ret_fault is set. */
enum framing_step framing_head(struct framing_head *head, const struct framing_limits *limits,
                               const char *bytes, size_t length, size_t *ret_end,
                               struct framing_fault *ret_fault);

/* Place in a chunked body (RFC 9112 section 7.1). A zeroed struct stands at its start. */
struct framing_chunks {
    int state;
    unsigned digits;   /* of the chunk size */
    uint64_t left;     /* bytes of this chunk still to come */
    uint64_t total;    /* of all chunks announced so far */
    size_t line_bytes; /* of this extension or of the trailers */
    bool last;         /* the chunk of size 0 was seen */
    size_t name_bytes; /* of this trailer's name */
    char name[20];     /* its start, to refuse framing headers in trailers */
};

/* Looks at the next LENGTH bytes. At FRAMING_DONE *ret_used is how many belong to the body. */
enum framing_step framing_chunks(struct framing_chunks *chunks, const struct framing_limits *limits,
                                 const char *bytes, size_t length, size_t *ret_used,
                                 struct framing_fault *ret_fault);

#endif
