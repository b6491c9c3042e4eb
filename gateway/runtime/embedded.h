/* embedded: a file that was put into the program at build time (tools/embed.py). */
#ifndef GATEWAY_RUNTIME_EMBEDDED_H
#define GATEWAY_RUNTIME_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *name;  /* NULL ends a list */
    const char *bytes; /* with a NUL behind the last one */
    size_t length;
};

#endif
