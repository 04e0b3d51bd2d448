/* Stacks: mapped, guarded, cached. Private to libgreen. */
#ifndef GREEN_CORE_STACK_H
#define GREEN_CORE_STACK_H

#include <stdbool.h>
#include <stddef.h>

#ifndef GREEN_INTERNAL
#error "private to libgreen: include <green.h>"
#endif

#define STACK_SIZE_DEFAULT (64 * 1024)
#define STACK_SIZE_MIN     (16 * 1024)
#define STACK_SIZE_MAX     (1024 * 1024 * 1024)

struct stack {
    char *low;   /* lowest mapped byte: the guard page */
    size_t size; /* guard included */
#ifdef GREEN_VALGRIND
    unsigned valgrind_id;
#endif
};

/* Stacks of the default size that wait to be used again. The last one back is the first one out: it is warm. */
struct stack_cache {
    struct stack *stacks;
    size_t count, capacity;
    size_t size; /* of each, guard included; 0: there was none yet */
    size_t cold; /* the lowest so many have had their memory given back */
    size_t
        least; /* smallest count since the last green__stack_trim(): the lowest so many were not needed since */
};

int green__stack_map(struct stack *s, size_t size);
void green__stack_unmap(struct stack *s);

/* Where a stack begins: its high end, nearly. */
char *green__stack_top(const struct stack *s);

/* Sees to it that at least `count` stacks are cached, so that so many stack_take() cannot fail. 0 or -ENOMEM. */
int green__stack_reserve(struct stack_cache *cache, size_t count);
static inline int stack_take(struct stack_cache *cache, struct stack *s)
{
    if (!cache->count)
        return green__stack_map(s, STACK_SIZE_DEFAULT);
    size_t n = --cache->count;
    *s = cache->stacks[n];
    if (n < cache->least) {
        cache->least = n;
        if (cache->cold > n)
            cache->cold = n;
    }
    return 0;
}

/* A stack that is not needed any more, of any size. */
void green__stack_give_up(struct stack_cache *cache, struct stack *s);
static inline void stack_give(struct stack_cache *cache, struct stack *s)
{
#ifndef GREEN_ASAN
    if (s->size == cache->size && cache->count < cache->capacity) {
        cache->stacks[cache->count++] = *s;
        s->low = NULL;
        return;
    }
#endif
    green__stack_give_up(cache, s);
}

/* Gives the memory of the stacks that were not needed since the last call back to the system; addresses stay, up to
 * a number that is kept at most, or as many as are promised. */
void green__stack_trim(struct stack_cache *cache, size_t promised);
void green__stack_cache_destroy(struct stack_cache *cache);

/* Installs, once per process and once per thread, what reports a stack overflow by the greenlet's name. */
void green__stack_overflow_watch(void);
void green__stack_overflow_unwatch(void);

#endif
