/* Greenlet-local values. A greenlet without any costs a NULL pointer; one with some, an array up to the highest key. */
#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct key {
    green_key_attr_t attr;
    bool used;
    unsigned generation; /* values of a deleted key are not those of the next with its number */
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
    for (unsigned i = 0; i < GREEN_KEYS_MAX && r < 0; i++)
        if (!keys[i].used) {
            keys[i].used = true;
            keys[i].attr = attr ? *attr : (green_key_attr_t){0};
            keys[i].generation++;
            key->number = i + 1;
            r = 0;
        }
    pthread_mutex_unlock(&keys_lock);
    return r;
}

/* The key as it is now; false if there is none with that number. */
static bool look_up(green_key_t key, struct key *out)
{
    if (!key.number || key.number > GREEN_KEYS_MAX)
        return false;
    pthread_mutex_lock(&keys_lock);
    *out = keys[key.number - 1];
    pthread_mutex_unlock(&keys_lock);
    return out->used;
}

void green_key_delete(green_key_t key)
{
    if (!key.number || key.number > GREEN_KEYS_MAX)
        return;
    pthread_mutex_lock(&keys_lock);
    keys[key.number - 1].used = false;
    pthread_mutex_unlock(&keys_lock);
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
    struct key now;
    green_t *g = green_self();
    if (!g)
        return -EPERM;
    if (!look_up(key, &now))
        return -EINVAL;
    return set(g, key.number, now.generation, value);
}

void *green_local_get(green_key_t key)
{
    struct key now;
    green_t *g = green_self();
    if (!g || !g->locals || key.number > g->locals->count || !look_up(key, &now))
        return NULL;
    const struct value *v = &g->locals->values[key.number - 1];
    return v->generation == now.generation ? v->pointer : NULL;
}

int green__locals_inherit(green_t *child, const green_t *parent)
{
    int r = 0;
    for (unsigned number = parent->locals->count; number && r == 0; number--) {
        const struct value *v = &parent->locals->values[number - 1];
        struct key now;
        if (!v->pointer || !look_up((green_key_t){number}, &now) || v->generation != now.generation ||
            !now.attr.inherit)
            continue;
        void *value = now.attr.inherit(v->pointer);
        if (value && (r = set(child, number, now.generation, value)) < 0 && now.attr.destroy)
            now.attr.destroy(value);
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
            struct key now;
            if (v->pointer && look_up((green_key_t){i + 1}, &now) && v->generation == now.generation &&
                now.attr.destroy)
                now.attr.destroy(v->pointer);
        }
        free(locals);
    }
    free(g->locals);
    g->locals = NULL;
}
