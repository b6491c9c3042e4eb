/* arena: bump allocation in blocks that double up to 1 MiB. See arena.h for the contract.
 *
 * Blocks form a list, the newest first, and only the newest is allocated from. Memory is zeroed
 * when it is handed out, and not when a block is made or forgotten, so that arena_raw() costs
 * nothing. The arena owns its blocks; there is no lock, since it belongs to one thread. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_FIRST = 16 * 1024, BLOCK_MAX = 1024 * 1024, KEPT_MAX = 256 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t size; /* bytes after this header */
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

static void out_of_memory(void)
{
    fputs("refgate: out of memory; stopping. What was accepted is on disk: free memory and start "
          "again.\n",
          stderr);
    _Exit(70);
}

void *arena_must(void *memory)
{
    if (memory == NULL)
        out_of_memory();
    return memory;
}

static size_t aligned(size_t size)
{
    const size_t step = alignof(max_align_t);
    if (size > SIZE_MAX - step)
        out_of_memory();
    return (size + step - 1) / step * step;
}

static struct arena_block *block_new(struct arena *arena, size_t least)
{
    size_t size = arena->current == NULL ? BLOCK_FIRST : arena->current->size * 2;
    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    if (size < least)
        size = least;
    if (size > SIZE_MAX - sizeof(struct arena_block))
        out_of_memory();
    struct arena_block *block = arena_must(malloc(sizeof *block + size));
    block->older = arena->current;
    block->size = size;
    block->used = 0;
    arena->current = block;
    return block;
}

static void *take(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->current;
    if (block == NULL || block->size - block->used < size)
        block = block_new(arena, size);
    void *memory = block->bytes + block->used;
    block->used += size;
    arena->used += size;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = aligned(size == 0 ? 1 : size);
    return memset(take(arena, size), 0, size);
}

void *arena_raw(struct arena *arena, size_t size)
{
    return take(arena, aligned(size == 0 ? 1 : size));
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        out_of_memory();
    return arena_alloc(arena, count * size);
}

void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size)
{
    struct arena_block *block = arena->current;
    if (old != NULL && new_size <= old_size)
        return old;
    if (old != NULL && block != NULL) {
        size_t had = aligned(old_size == 0 ? 1 : old_size);
        size_t want = aligned(new_size);
        bool is_last = (unsigned char *)old + had == block->bytes + block->used;
        if (is_last && block->size - block->used >= want - had) {
            memset(block->bytes + block->used, 0, want - had);
            block->used += want - had;
            arena->used += want - had;
            return old;
        }
    }
    void *bigger = arena_alloc(arena, new_size);
    if (old != NULL)
        memcpy(bigger, old, old_size);
    return bigger;
}

char *arena_copy_n(struct arena *arena, const char *text, size_t length)
{
    char *copy = take(arena, aligned(length + 1));
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *arena_room(struct arena *arena, void *list, size_t size, size_t count, size_t *room,
                 size_t first)
{
    if (count < *room)
        return list;
    size_t more = *room == 0 ? first : *room * 2;
    list = arena_grow(arena, list, *room * size, more * size);
    *room = more;
    return list;
}

char *arena_copy(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_copy_n(arena, text, strlen(text));
}

char *arena_join(struct arena *arena, const char *first, ...)
{
    va_list parts;
    size_t length = 0;
    va_start(parts, first);
    for (const char *part = first; part != NULL; part = va_arg(parts, const char *))
        length += strlen(part);
    va_end(parts);
    char *text = take(arena, aligned(length + 1));
    char *at = text;
    va_start(parts, first);
    for (const char *part = first; part != NULL; part = va_arg(parts, const char *))
        at = stpcpy(at, part);
    va_end(parts);
    *at = '\0';
    return text;
}

char *arena_vprint(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        out_of_memory();
    char *text = take(arena, aligned((size_t)length + 1));
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprint(arena, format, arguments);
    va_end(arguments);
    return text;
}

/* Blocks double, so the newest is the largest: after some rounds of the same work it holds all of
 * it, and no block is made any more. */
void arena_reset(struct arena *arena)
{
    struct arena_block *kept = NULL;
    while (arena->current != NULL) {
        struct arena_block *older = arena->current->older;
        if (kept == NULL && arena->current->size <= KEPT_MAX)
            kept = arena->current;
        else
            free(arena->current);
        arena->current = older;
    }
    if (kept != NULL) {
        kept->older = NULL;
        kept->used = 0;
    }
    arena->current = kept;
    arena->used = 0;
}

void arena_free(struct arena *arena)
{
    arena_reset(arena);
    free(arena->current);
    arena->current = NULL;
}
