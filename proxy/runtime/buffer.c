/*
 * The worker's store of buffers and pipes. Buffers come out of mapped slabs that are never unmapped while the
 * store lives, and change hands through a stack of pointers: the last one back is still in the cache. What
 * lies deep in that stack for a whole interval loses its memory to the system but keeps its address
 * (buffers_trim()).
 */
#include "runtime/buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLAB_BUFFERS 64 /* 1 MiB of addresses at a time */
/* Buffers at equal distances of a power of two would all lie in the same few sets of the processor's caches,
 * and what they hold is at their start: so each slot has a page more than its buffer, which starts a little
 * further in than its neighbour's. */
#define COLOURS     32
#define COLOUR_STEP 128
#define SLOT_SIZE   (BUFFER_SIZE + COLOURS * COLOUR_STEP)
#define SLAB_SIZE   (SLAB_BUFFERS * SLOT_SIZE)
#define PIPES_KEPT  64 /* idle pipes cost descriptors, so not many are kept */

/* A pipe that got less than this (the user's share of pipe memory is used up, see pipe(7)) is no gain over
 * copying. */
#define PIPE_LEAST ((size_t)65536)

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define FORBID(p, size) ASAN_POISON_MEMORY_REGION(p, size)
#define ALLOW(p, size)  ASAN_UNPOISON_MEMORY_REGION(p, size)
#else
#define FORBID(p, size) ((void)0)
#define ALLOW(p, size)  ((void)0)
#endif

void buffers_init(struct buffers *b)
{
    *b = (struct buffers){0};
}

void buffers_destroy(struct buffers *b)
{
    for (size_t i = 0; i < b->slab_count; i++) {
        ALLOW(b->slabs[i], SLAB_SIZE);
        munmap(b->slabs[i], SLAB_SIZE);
    }
    for (size_t i = 0; i < b->pipe_count; i++)
        green_pipe_close(&b->pipes[i]);
    free(b->slabs);
    free(b->free);
    free(b->pipes);
    *b = (struct buffers){0};
}

/* --- buffers -------------------------------------------------------------------------------------------- */

/* One slab more. There is room for every buffer of every slab in `free`, so giving one back cannot fail. */
static int add_slab(struct buffers *b)
{
    char **slabs = realloc(b->slabs, (b->slab_count + 1) * sizeof *slabs);
    if (!slabs)
        return -ENOMEM;
    b->slabs = slabs;
    char **list = realloc(b->free, (b->capacity + SLAB_BUFFERS) * sizeof *list);
    if (!list)
        return -ENOMEM;
    b->free = list;
    char *slab =
        mmap(NULL, SLAB_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slab == MAP_FAILED)
        return -ENOMEM;
    madvise(slab, SLAB_SIZE, MADV_NOHUGEPAGE); /* one buffer in use must not make all of them resident */
    b->slabs[b->slab_count++] = slab;
    b->capacity += SLAB_BUFFERS;
    for (size_t i = 0; i < SLAB_BUFFERS; i++)
        b->free[b->count++] = slab + i * SLOT_SIZE + i % COLOURS * COLOUR_STEP;
    FORBID(slab, SLAB_SIZE);
    return 0;
}

char *buffer_take(struct buffers *b)
{
    if (!b->count && add_slab(b) < 0)
        return NULL;
    char *buffer = b->free[--b->count];
    if (b->least > b->count)
        b->least = b->count;
    if (b->cold > b->count)
        b->cold = b->count;
    ALLOW(buffer, BUFFER_SIZE);
    return buffer;
}

void buffer_give(struct buffers *b, char *buffer)
{
    FORBID(buffer, BUFFER_SIZE);
    b->free[b->count++] = buffer;
}

size_t buffers_count(const struct buffers *b)
{
    return b->slab_count * SLAB_BUFFERS;
}

/* --- pipes
 * ---------------------------------------------------------------------------------------------------------
 */

int pipe_take(struct buffers *b, green_pipe_t *out)
{
    if (b->pipe_count) {
        *out = b->pipes[--b->pipe_count];
        if (b->pipe_least > b->pipe_count)
            b->pipe_least = b->pipe_count;
        return 0;
    }
    if (!b->pipes && !(b->pipes = calloc(PIPES_KEPT, sizeof *b->pipes)))
        return -ENOMEM;
    int r = green_pipe_open(out, PIPE_SIZE);
    if (r < 0 || out->capacity >= PIPE_LEAST)
        return r;
    green_pipe_close(out);
    return -ENOBUFS;
}

void pipe_give(struct buffers *b, green_pipe_t *pipe)
{
    if (pipe->held || b->pipe_count == PIPES_KEPT)
        green_pipe_close(pipe);
    else
        b->pipes[b->pipe_count++] = *pipe;
}

/* --- giving back ---------------------------------------------------------------------------------------- */

/* A slot begins on the page that its buffer begins in. */
static void *slot_of(char *buffer)
{
    return buffer - (uintptr_t)buffer % (COLOURS * COLOUR_STEP);
}

void buffers_trim(struct buffers *b)
{
    for (; b->cold < b->least; b->cold++)
        madvise(slot_of(b->free[b->cold]), SLOT_SIZE, MADV_DONTNEED);
    b->least = b->count;
    size_t surplus = b->pipe_least;
    for (size_t i = 0; i < surplus; i++)
        green_pipe_close(&b->pipes[i]);
    for (size_t i = surplus; i < b->pipe_count; i++)
        b->pipes[i - surplus] = b->pipes[i];
    b->pipe_count -= surplus;
    b->pipe_least = b->pipe_count;
}
