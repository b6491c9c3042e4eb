/* arena: what it hands out is zeroed and its own, and work that is done again finds its memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"

static bool is_zero(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Dirties COUNT pieces of SIZE bytes. */
static void work(struct arena *arena, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char *piece = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        assert_true(is_zero(piece, size));
        memset(piece, 0xa5, size);
    }
}

static void used_memory_comes_back_zeroed(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    for (int round = 0; round < 4; round++) {
        work(&arena, 500, 300);
        arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    arena_free(&arena);
    assert_null(arena.current);
}

/* After some rounds no block is asked for any more. */
static void the_same_work_finds_its_memory(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    for (int round = 0; round < 6; round++) {
        work(&arena, 100, 1000);
        arena_reset(&arena);
    }
    const struct arena_block *kept = arena.current;
    assert_non_null(kept);
    work(&arena, 100, 1000);
    assert_ptr_equal(arena.current, kept);
    arena_free(&arena);
}

/* One large piece of work does not hold its memory for ever. */
static void much_memory_is_given_back(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    arena_alloc(&arena, 4 << 20);
    arena_reset(&arena);
    assert_null(arena.current);
    work(&arena, 10, 100);
    arena_alloc(&arena, 4 << 20);
    const struct arena_block *large = arena.current;
    arena_reset(&arena);
    assert_non_null(arena.current);
    assert_ptr_not_equal(arena.current, large);
    arena_free(&arena);
}

static void what_grows_keeps_its_bytes(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    unsigned char *bytes = NULL;
    size_t size = 0;
    for (size_t next = 10; next < 300000; next *= 3) {
        bytes = arena_grow(&arena, bytes, size, next);
        assert_true(is_zero(bytes + size, next - size));
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], (unsigned char)(i * 7));
        for (size_t i = 0; i < next; i++)
            bytes[i] = (unsigned char)(i * 7);
        size = next;
        if (size > 1000)
            arena_alloc(&arena, 1); /* now it is not the last one */
    }
    arena_free(&arena);
}

static void lists_get_room_in_doubles(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    int *list = NULL;
    size_t room = 0;
    for (size_t count = 0; count < 1000; count++) {
        size_t before = room;
        list = arena_room(&arena, list, sizeof *list, count, &room, 5);
        assert_int_equal(room, count == 0 ? 5 : count < before ? before : before * 2);
        list[count] = (int)count;
        arena_alloc(&arena, 1);
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(list[i], (int)i);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(used_memory_comes_back_zeroed),
        cmocka_unit_test(the_same_work_finds_its_memory),
        cmocka_unit_test(much_memory_is_given_back),
        cmocka_unit_test(what_grows_keeps_its_bytes),
        cmocka_unit_test(lists_get_room_in_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
