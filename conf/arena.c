/*
 * The arena: a list of blocks filled from the front. See arena.h for what happens when memory runs out.
 */
#include "arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)16 * 1024)

struct conf_arena_block {
    struct conf_arena_block *next;
    max_align_t data[];
};

struct conf_arena_cleanup {
    struct conf_arena_cleanup *next;
    void (*release)(void *object);
    void *object;
};

_Noreturn void conf_arena_exhausted(struct conf_arena *arena)
{
    if (!arena->out_of_memory)
        abort(); /* allocating outside a load: a mistake in this library */
    longjmp(*arena->out_of_memory, 1);
}

void *conf_arena_alloc(struct conf_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);

    if (size > SIZE_MAX - sizeof(struct conf_arena_block) - align)
        conf_arena_exhausted(arena);
    size = (size + align - 1) / align * align;
    if (!arena->blocks || size > arena->size - arena->used) {
        size_t room = size > BLOCK ? size : BLOCK;
        struct conf_arena_block *block = calloc(1, sizeof(*block) + room);

        if (!block)
            conf_arena_exhausted(arena);
        block->next = arena->blocks;
        arena->blocks = block;
        arena->size = room;
        arena->used = 0;
    }
    void *memory = (char *)arena->blocks->data + arena->used;

    arena->used += size;
    return memory;
}

char *conf_arena_copy(struct conf_arena *arena, const char *text, size_t n)
{
    char *copy = conf_arena_alloc(arena, n + 1);

    if (n)
        memcpy(copy, text, n);
    return copy;
}

char *conf_arena_vprint(struct conf_arena *arena, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);

    if (n < 0) {
        va_end(again);
        conf_arena_exhausted(arena);
    }
    char *text = conf_arena_alloc(arena, (size_t)n + 1);

    vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

char *conf_arena_print(struct conf_arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = conf_arena_vprint(arena, format, args);

    va_end(args);
    return text;
}

void *conf_arena_extend(struct conf_arena *arena, void *array, size_t count, size_t size)
{
    /* The array is full whenever its count is a power of two (or nothing), so no capacity has to be kept. */
    if (count & (count - 1))
        return array;
    if (count > SIZE_MAX / 2 / size)
        conf_arena_exhausted(arena);
    void *larger = conf_arena_alloc(arena, (count ? 2 * count : 1) * size);

    if (count)
        memcpy(larger, array, count * size);
    return larger;
}

void conf_arena_on_free(struct conf_arena *arena, void (*release)(void *object), void *object)
{
    struct conf_arena_cleanup *cleanup = conf_arena_alloc(arena, sizeof(*cleanup));

    *cleanup = (struct conf_arena_cleanup){arena->cleanups, release, object};
    arena->cleanups = cleanup;
}

void conf_arena_free(struct conf_arena *arena)
{
    for (struct conf_arena_cleanup *cleanup = arena->cleanups; cleanup; cleanup = cleanup->next)
        cleanup->release(cleanup->object);
    for (struct conf_arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    memset(arena, 0, sizeof(*arena));
}
