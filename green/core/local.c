/* Greenlet-local values. A greenlet without any costs a NULL pointer; one with some, an array up to the highest key. */
#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The generation is odd while the key is in use, and grows with each use of its number: values of a deleted key are not
 * those of the next. It is all that reading and setting a value look at, so they need no lock. */
struct key {
    green_key_attr_t attr;
    atomic_uint generation;
};

struct value {
    void *pointer;
    unsigned generation;
};

struct green__locals {
    unsigned count;
    struct value values[];
};

static pthread_mutex_t keys_lock = PTHREAD_MUTEX_INITIALIZER;
static struct key keys[GREEN_KEYS_MAX];

int green_key_create(green_key_t *key, const green_key_attr_t *attr)
{
    int r = -EAGAIN;
    pthread_mutex_lock(&keys_lock);
    for (unsigned i = 0; i < GREEN_KEYS_MAX && r < 0; i++) {
        unsigned generation = atomic_load(&keys[i].generation);
        if (!(generation & 1)) {
            keys[i].attr = attr ? *attr : (green_key_attr_t){0};
            atomic_store(&keys[i].generation, generation + 1);
            key->number = i + 1;
            r = 0;
        }
    }
    pthread_mutex_unlock(&keys_lock);
    return r;
}

/* The generation of a key; 0: there is none with that number. */
static unsigned generation_of(green_key_t key)
{
    if (!key.number || key.number > GREEN_KEYS_MAX)
        return 0;
    unsigned generation = atomic_load_explicit(&keys[key.number - 1].generation, memory_order_acquire);
    return generation & 1 ? generation : 0;
}

void green_key_delete(green_key_t key)
{
    pthread_mutex_lock(&keys_lock);
    if (generation_of(key))
        atomic_fetch_add(&keys[key.number - 1].generation, 1);
    pthread_mutex_unlock(&keys_lock);
}

/* What the key of a value does; false: the value is forgotten. */
static bool attr_of(unsigned number, const struct value *v, green_key_attr_t *out)
{
    pthread_mutex_lock(&keys_lock);
    bool alive = v->pointer && generation_of((green_key_t){number}) == v->generation;
    if (alive)
        *out = keys[number - 1].attr;
    pthread_mutex_unlock(&keys_lock);
    return alive;
}

void *green_inherit_same(void *value)
{
    return value;
}

static int make_room(green_t *g, unsigned count)
{
    unsigned have = g->locals ? g->locals->count : 0;
    if (count <= have)
        return 0;
    struct green__locals *locals = realloc(g->locals, sizeof *locals + count * sizeof locals->values[0]);
    if (!locals)
        return -ENOMEM;
    memset(locals->values + have, 0, (count - have) * sizeof locals->values[0]);
    locals->count = count;
    g->locals = locals;
    return 0;
}

static int set(green_t *g, unsigned number, unsigned generation, void *value)
{
    int r = make_room(g, number);
    if (r == 0)
        g->locals->values[number - 1] = (struct value){value, generation};
    return r;
}

int green_local_set(green_key_t key, void *value)
{
    green_t *g = green_self();
    unsigned generation = generation_of(key);
    if (!g)
        return -EPERM;
    return generation ? set(g, key.number, generation, value) : -EINVAL;
}

void *green_local_get(green_key_t key)
{
    green_t *g = green_self();
    unsigned generation = generation_of(key);
    if (!g || !generation || !g->locals || key.number > g->locals->count)
        return NULL;
    const struct value *v = &g->locals->values[key.number - 1];
    return v->generation == generation ? v->pointer : NULL;
}

int green__locals_inherit(green_t *child, const green_t *parent)
{
    int r = 0;
    for (unsigned number = parent->locals->count; number && r == 0; number--) {
        const struct value *v = &parent->locals->values[number - 1];
        green_key_attr_t attr;
        if (!attr_of(number, v, &attr) || !attr.inherit)
            continue;
        void *value = attr.inherit(v->pointer);
        if (value && (r = set(child, number, v->generation, value)) < 0 && attr.destroy)
            attr.destroy(value);
    }
    if (r < 0)
        green__locals_destroy(child);
    return r;
}

/* Destructors may set values again: they get their turn, as in POSIX a few times at most. */
void green__locals_destroy(green_t *g)
{
    for (int round = 0; g->locals && round < 4; round++) {
        struct green__locals *locals = g->locals;
        g->locals = NULL;
        for (unsigned i = 0; i < locals->count; i++) {
            const struct value *v = &locals->values[i];
            green_key_attr_t attr;
            if (attr_of(i + 1, v, &attr) && attr.destroy)
                attr.destroy(v->pointer);
        }
        free(locals);
    }
    free(g->locals);
    g->locals = NULL;
}
