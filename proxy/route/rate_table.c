/* Lines of eight buckets; a key belongs to one line. All accesses are relaxed: no bucket vouches for other memory. */
#include "rate_table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8

struct bucket {
    _Atomic uint64_t key; /* 0: free */
    _Atomic int64_t full; /* when */
};

struct line {
    struct bucket way[WAYS];
};

struct rate_table {
    atomic_uint references;
    size_t mask;
    struct line *lines;
};

struct rate_table *rate_table_new(size_t keys)
{
    size_t count = 1;
    while (count * WAYS < keys)
        count *= 2;
    struct rate_table *t = malloc(sizeof *t);
    if (!t)
        return NULL;
    atomic_init(&t->references, 1);
    t->mask = count - 1;
    t->lines = calloc(count, sizeof *t->lines);
    if (t->lines)
        return t;
    free(t);
    return NULL;
}

struct rate_table *rate_table_hold(struct rate_table *t)
{
    atomic_fetch_add(&t->references, 1);
    return t;
}

void rate_table_free(struct rate_table *t)
{
    if (!t || atomic_fetch_sub(&t->references, 1) != 1)
        return;
    free(t->lines);
    free(t);
}

static inline uint64_t key_of(const struct bucket *b)
{
    return atomic_load_explicit(&b->key, memory_order_relaxed);
}

static inline int64_t full_at(const struct bucket *b)
{
    return atomic_load_explicit(&b->full, memory_order_relaxed);
}

static struct line *line_of(const struct rate_table *t, uint64_t key)
{
    return &t->lines[key & t->mask];
}

static struct bucket *find(struct line *line, uint64_t key)
{
    for (int i = 0; i < WAYS; i++)
        if (key_of(&line->way[i]) == key)
            return &line->way[i];
    return NULL;
}

/* A full bucket for the key, in the place of the fullest one; NULL when another worker is doing the same. */
static struct bucket *replace(struct line *line, uint64_t key, int64_t now)
{
    struct bucket *fullest = &line->way[0];
    for (int i = 1; i < WAYS; i++)
        if (full_at(&line->way[i]) < full_at(fullest))
            fullest = &line->way[i];
    uint64_t old = key_of(fullest);
    if (old == key)
        return fullest;
    if (!atomic_compare_exchange_strong_explicit(&fullest->key, &old, key, memory_order_relaxed,
                                                 memory_order_relaxed))
        return NULL;
    atomic_store_explicit(&fullest->full, now, memory_order_relaxed);
    return fullest;
}

static struct bucket *bucket_of(struct rate_table *t, uint64_t key, int64_t now)
{
    struct line *line = line_of(t, key);
    struct bucket *b;
    do
        b = find(line, key);
    while (!b && !(b = replace(line, key, now)));
    return b;
}

static int64_t tolerance(const struct rate *rate)
{
    int64_t t;
    if (__builtin_mul_overflow(rate->interval, rate->burst, &t) || t > INT64_MAX / 4)
        t = INT64_MAX / 4;
    return t;
}

bool rate_take(struct rate_table *t, uint64_t key, const struct rate *rate, int64_t now,
               struct rate_answer *answer)
{
    struct bucket *b = bucket_of(t, key ? key : 1, now);
    int64_t old = full_at(b), most = tolerance(rate), new;
    do {
        int64_t debt = old > now ? old - now : 0;
        answer->wait = debt > most ? debt - most : 0;
        answer->remaining = 0;
        if (answer->wait > rate->delay)
            return false;
        new = now + debt + rate->interval;
        if (answer->wait == 0)
            answer->remaining = (most - debt) / rate->interval;
    } while (!atomic_compare_exchange_weak_explicit(&b->full, &old, new, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void rate_give_back(struct rate_table *t, uint64_t key, const struct rate *rate)
{
    key = key ? key : 1;
    struct bucket *b = find(line_of(t, key), key);
    if (b)
        atomic_fetch_sub_explicit(&b->full, rate->interval, memory_order_relaxed);
}
