/* arena: memory for one piece of work, freed in one step.
 *
 * Every request, command and record check owns one arena; what it makes lives exactly as long.
 * Memory is handed out zeroed and aligned for any type. An allocation never returns NULL: when the
 * system has no memory left the process ends with a plain message, which is the same event as a
 * kill and recovered in the same way (docs/decisions/0002-out-of-memory.md).
 * An arena belongs to one thread at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *current; /* newest block, older ones behind it */
    size_t used;                 /* bytes handed out since the last reset */
};

/* A zeroed struct arena is ready for use; nothing is allocated until the first request. */
#define ARENA_EMPTY                                                                                \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

void *arena_alloc(struct arena *arena, size_t size); /* SIZE may be 0 */
/* Not zeroed: for what the caller fills at once. */
void *arena_raw(struct arena *arena, size_t size);
/* COUNT items of SIZE bytes; the product is checked for overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A larger copy of OLD (which may be NULL); the last allocation grows in place. */
void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size);
/* LIST of COUNT items of SIZE bytes with room for one more. While COUNT is under *ROOM that is LIST
 * itself; then a copy with room for FIRST, later for twice as many, and *ROOM says so. */
void *arena_room(struct arena *arena, void *list, size_t size, size_t count, size_t *room,
                 size_t first);
char *arena_copy(struct arena *arena, const char *text);
char *arena_copy_n(struct arena *arena, const char *text, size_t length);
/* The parts, up to NULL, one behind the other. */
char *arena_join(struct arena *arena, const char *first, ...) __attribute__((sentinel));
char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprint(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* MEMORY, which another allocator gave; when that had none (NULL), the same end as above. */
void *arena_must(void *memory);
/* Forgets everything but keeps one block of up to 256 KiB, so that a next request of the same size
 * allocates nothing. */
void arena_reset(struct arena *arena);
/* Gives all memory back; the arena is empty and usable again. */
void arena_free(struct arena *arena);

#endif
