/* Greenlet stacks: anonymous mappings with a guard page at the low end and a cache per hub. */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; Debian 12's headers do not know it */
#endif

#define CACHE_MAX 4096 /* addresses kept for reuse; their memory goes back long before (green__stack_trim) */

static size_t page_size(void)
{
    static atomic_size_t size; /* threads may ask for the first time at once */
    if (!atomic_load_explicit(&size, memory_order_relaxed))
        atomic_store_explicit(&size, (size_t)sysconf(_SC_PAGESIZE), memory_order_relaxed);
    return atomic_load_explicit(&size, memory_order_relaxed);
}

/* One guard page. The madvise form leaves the mapping whole, where mprotect would make two of each: 30,000 stacks
 * would meet the system's limit on mappings. */
static int guard(char *low)
{
    if (madvise(low, page_size(), MADV_GUARD_INSTALL) == 0)
        return 0;
    return mprotect(low, page_size(), PROT_NONE) == 0 ? 0 : -errno;
}

int green__stack_map(struct stack *s, size_t size)
{
    size += page_size();
    char *low = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (low == MAP_FAILED)
        return -ENOMEM;
    madvise(low, size, MADV_NOHUGEPAGE); /* one touched byte must not make the whole stack resident */
    int r = guard(low);
    if (r < 0) {
        munmap(low, size);
        return -ENOMEM;
    }
    s->low = low;
    s->size = size;
#ifdef GREEN_VALGRIND
    s->valgrind_id = VALGRIND_STACK_REGISTER(low, low + size);
#endif
    return 0;
}

void green__stack_unmap(struct stack *s)
{
#ifdef GREEN_VALGRIND
    VALGRIND_STACK_DEREGISTER(s->valgrind_id);
#endif
    munmap(s->low, s->size);
    s->low = NULL;
}

/* Stacks lie at equal distances, so their tops would share the same few sets of the processor's caches; each
 * begins a little lower than its neighbour instead. No lower than half a page: a parked greenlet should touch one. */
char *green__stack_top(const struct stack *s)
{
    return s->low + s->size - ((uintptr_t)s->low >> 16) % 16 * 128;
}

static int cache_grow(struct stack_cache *cache)
{
    if (cache->count < cache->capacity)
        return 0;
    size_t capacity = cache->capacity ? cache->capacity * 2 : 64;
    struct stack *stacks = realloc(cache->stacks, capacity * sizeof *stacks);
    if (!stacks)
        return -ENOMEM;
    cache->stacks = stacks;
    cache->capacity = capacity;
    return 0;
}

int green__stack_reserve(struct stack_cache *cache, size_t count)
{
    while (cache->count < count) {
        struct stack s;
        int r = cache_grow(cache);
        if (r == 0)
            r = green__stack_map(&s, STACK_SIZE_DEFAULT);
        if (r < 0)
            return r;
        cache->size = s.size;
        /* It is untouched, so its place is among the cold ones; the coolest of the others makes room. */
        if (cache->cold < cache->count)
            cache->stacks[cache->count] = cache->stacks[cache->cold];
        cache->stacks[cache->cold++] = s;
        cache->count++;
        cache->least++;
    }
    return 0;
}

void green__stack_give_up(struct stack_cache *cache, struct stack *s)
{
#ifdef GREEN_ASAN
    __asan_unpoison_memory_region(s->low, s->size); /* frames of the last user left their red zones */
#endif
    if (s->size != STACK_SIZE_DEFAULT + page_size() || cache->count == CACHE_MAX) {
        green__stack_unmap(s);
        return;
    }
    if (cache_grow(cache) < 0) {
        green__stack_unmap(s);
        return;
    }
    cache->stacks[cache->count++] = *s;
    s->low = NULL;
}

/* The lowest so many go altogether. */
static void drop(struct stack_cache *cache, size_t excess)
{
    for (size_t i = 0; i < excess; i++)
        green__stack_unmap(&cache->stacks[i]);
    cache->count -= excess;
    cache->least -= excess;
    cache->cold -= excess < cache->cold ? excess : cache->cold;
    memmove(cache->stacks, cache->stacks + excess, cache->count * sizeof *cache->stacks);
}

void green__stack_trim(struct stack_cache *cache, size_t promised)
{
    size_t keep = promised > CACHE_MAX ? promised : CACHE_MAX;
    if (cache->count > keep)
        drop(cache, cache->count - keep < cache->least ? cache->count - keep : cache->least);
    for (; cache->cold < cache->least; cache->cold++)
        madvise(cache->stacks[cache->cold].low + page_size(), STACK_SIZE_DEFAULT, MADV_DONTNEED);
    cache->least = cache->count;
}

void green__stack_cache_destroy(struct stack_cache *cache)
{
    while (cache->count)
        green__stack_unmap(&cache->stacks[--cache->count]);
    free(cache->stacks);
    *cache = (struct stack_cache){0};
}

/* --- overflow report ------------------------------------------------------------------------------------------ */

static struct sigaction previous_action[2];
static const int fault_signals[2] = {SIGSEGV, SIGBUS};
static __thread void *alternate_stack;

#define ALTERNATE_SIZE ((size_t)32 * 1024)

/* Runs on the alternate stack, with the overflown stack untouched: only async-signal-safe calls. */
static void report_overflow(int signal, siginfo_t *info, void *context)
{
    green_hub_t *hub = green__hub;
    green_t *g = hub ? hub->current : NULL;
    char *at = info->si_addr;
    if (g && g->stack.low && at >= g->stack.low && at < g->stack.low + page_size()) {
        char text[256];
        int n = snprintf(text, sizeof text,
                         "libgreen: stack overflow in greenlet %llu \"%s\" (%zu KiB): give it more by "
                         "green_attr_t.stack_size\n",
                         (unsigned long long)g->id, green_name(g), (g->stack.size - page_size()) / 1024);
        size_t length = n < (int)sizeof text ? (size_t)n : sizeof text - 1; /* a long name is cut */
        if (write(STDERR_FILENO, text, length) < 0)
            abort();
    }
    /* Whatever would have happened without us happens when the instruction runs again. */
    sigaction(signal, &previous_action[signal == SIGBUS], NULL);
}

static void install_handlers(void)
{
    struct sigaction action = {.sa_sigaction = report_overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++)
        sigaction(fault_signals[i], &action, &previous_action[i]);
}

void green__stack_overflow_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    stack_t present;
    if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE)) {
        alternate_stack = malloc(ALTERNATE_SIZE);
        stack_t alternate = {.ss_sp = alternate_stack, .ss_size = ALTERNATE_SIZE};
        if (alternate_stack)
            sigaltstack(&alternate, NULL);
    }
    pthread_once(&once, install_handlers);
}

void green__stack_overflow_unwatch(void)
{
    if (!alternate_stack)
        return;
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    free(alternate_stack);
    alternate_stack = NULL;
}
