/* The stack census: stacks emptied at the start and measured at the end, a table by entry function. */
#include "census.h"

#include "../core/internal.h"

#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENTRIES_MAX 1024 /* kinds of greenlets; programs have a few dozen */

atomic_bool green__census;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static green_census_entry_t table[ENTRIES_MAX]; /* open addressing */

void green_census(bool on)
{
    atomic_store(&green__census, on);
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void green__census_begin(green_t *g)
{
    g->counted = madvise(g->stack.low + page_size(), g->stack.size - page_size(), MADV_DONTNEED) == 0;
}

/* Words that nobody has written are zero; so may be the last that was, but hardly many. */
__attribute__((no_sanitize("address", "thread"))) static size_t high_water(const struct stack *s)
{
    size_t page = page_size();
    for (size_t at = page; at < s->size; at += page) {
        unsigned char present;
        if (mincore(s->low + at, page, &present) < 0 || !(present & 1))
            continue;
        const uint64_t *words = (const uint64_t *)(const void *)(s->low + at);
        for (size_t i = 0; i < page / sizeof *words; i++)
            if (words[i])
                return s->size - at - i * sizeof *words;
    }
    return 0;
}

static void (*entry_of(const green_t *g))(void)
{
    switch (g->entry) {
    case ENTRY_PLAIN:
        return (void (*)(void))g->fn.plain;
    case ENTRY_DETACHED:
        return (void (*)(void))g->fn.detached;
    case ENTRY_PARKED:
        break;
    }
    return (void (*)(void))g->fn.parked;
}

void green__census_end(green_t *g)
{
    size_t used = high_water(&g->stack), size = g->stack.size - page_size();
    void (*entry)(void) = entry_of(g);
    size_t slot = ((uintptr_t)entry >> 4) % ENTRIES_MAX;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < ENTRIES_MAX; i++, slot = (slot + 1) % ENTRIES_MAX) {
        green_census_entry_t *e = &table[slot];
        if (e->entry && e->entry != entry)
            continue;
        e->entry = entry;
        e->runs++;
        if (e->high_water < used)
            e->high_water = used;
        if (!e->stack_size || size < e->stack_size)
            e->stack_size = size;
        break;
    }
    pthread_mutex_unlock(&lock);
}

static int hungrier(const void *a, const void *b)
{
    const green_census_entry_t *x = a, *y = b;
    return (x->high_water < y->high_water) - (x->high_water > y->high_water);
}

size_t green_census_read(green_census_entry_t *out, size_t max)
{
    size_t count = 0;
    green_census_entry_t *all = calloc(ENTRIES_MAX, sizeof *all);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        if (table[i].entry && all)
            all[count] = table[i];
        count += table[i].entry != NULL;
    }
    pthread_mutex_unlock(&lock);
    if (!all)
        return 0;
    qsort(all, count, sizeof *all, hungrier);
    if (max)
        memcpy(out, all, (count < max ? count : max) * sizeof *all);
    free(all);
    return count;
}

void green_census_write(FILE *out)
{
    green_census_entry_t *entries = calloc(ENTRIES_MAX, sizeof *entries);
    size_t count = entries ? green_census_read(entries, ENTRIES_MAX) : 0;
    fprintf(out, "%10s %10s %10s  begins with\n", "high water", "stack", "runs");
    for (size_t i = 0; i < count; i++) {
        void *address = (void *)(uintptr_t)entries[i].entry;
        char **name = backtrace_symbols(&address, 1);
        fprintf(out, "%10zu %10zu %10llu  %s\n", entries[i].high_water, entries[i].stack_size,
                (unsigned long long)entries[i].runs, name ? name[0] : "?");
        free(name);
    }
    free(entries);
}
