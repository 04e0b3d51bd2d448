/*
 * Memory that is given back all at once: everything a configuration consists of lives in one arena.
 *
 * Running out of memory does not return. It jumps to `out_of_memory`, which the loader sets while it works,
 * so that none of the code in between has to carry a case that it could do nothing about.
 */
#ifndef CONF_ARENA_H
#define CONF_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

struct conf_arena_block;
struct conf_arena_cleanup;

struct conf_arena {
    struct conf_arena_block *blocks;
    size_t used, size; /* of the newest block */
    struct conf_arena_cleanup *cleanups;
    jmp_buf *out_of_memory; /* set while anything allocates; NULL afterwards */
};

/* Zeroed memory, aligned for any type. */
void *conf_arena_alloc(struct conf_arena *arena, size_t size);

/* A copy of n bytes with a NUL behind them. */
char *conf_arena_copy(struct conf_arena *arena, const char *text, size_t n);

char *conf_arena_print(struct conf_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *conf_arena_vprint(struct conf_arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0), nonnull(2)));

/* Room for one more element of `size` bytes at the end of an array that only ever grows through this call.
 * Returns the array, which may have moved; the new element is zeroed. */
void *conf_arena_extend(struct conf_arena *arena, void *array, size_t count, size_t size);

/* For what other libraries allocate: `release` is called with `object` before the arena's memory goes. */
void conf_arena_on_free(struct conf_arena *arena, void (*release)(void *object), void *object);

/* What an allocation does that fails; for other libraries' that did. */
_Noreturn void conf_arena_exhausted(struct conf_arena *arena);

void conf_arena_free(struct conf_arena *arena);

#endif
