/* Values of threads that are greenlets. Keys are libc's; so are the values of all other threads. */
#include "threads.h"

#include <stdlib.h>

static struct {
    _Atomic(void (*)(void *)) destroy;
    atomic_uint life; /* odd while there is such a key */
} keys[PTHREAD_KEYS_MAX];

/* Even: there is none, or nobody has told us. */
static unsigned life_of(pthread_key_t key)
{
    return key < PTHREAD_KEYS_MAX ? atomic_load_explicit(&keys[key].life, memory_order_relaxed) : 0;
}

HOOK int pthread_key_create(pthread_key_t *key, void (*destroy)(void *))
{
    int r = REAL(pthread_key_create)(key, destroy);
    if (r == 0 && *key < PTHREAD_KEYS_MAX) {
        atomic_store(&keys[*key].destroy, destroy);
        atomic_fetch_or(&keys[*key].life, 1);
    }
    return r;
}

HOOK int pthread_key_delete(pthread_key_t key)
{
    int r = REAL(pthread_key_delete)(key);
    if (r == 0 && (life_of(key) & 1))
        atomic_fetch_add(&keys[key].life, 1);
    return r;
}

/* NULL: never set; -ENOMEM shows as that, too. */
static struct thread_value *value_of(struct thread *t, pthread_key_t key, bool make)
{
    struct thread_value **block = &t->values[key / KEY_BLOCK];
    if (!*block && make)
        *block = calloc(KEY_BLOCK, sizeof **block);
    return *block ? &(*block)[key % KEY_BLOCK] : NULL;
}

HOOK int pthread_setspecific(pthread_key_t key, const void *value)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_self() : NULL;
    if (!t || !(life_of(key) & 1))
        return REAL(pthread_setspecific)(key, value);
    struct thread_value *v = value_of(t, key, true);
    if (!v)
        return ENOMEM;
    *v = (struct thread_value){(void *)(uintptr_t)value, life_of(key)};
    return 0;
}

HOOK void *pthread_getspecific(pthread_key_t key)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_self() : NULL;
    if (!t || !(life_of(key) & 1))
        return REAL(pthread_getspecific)(key);
    const struct thread_value *v = value_of(t, key, false);
    return v && v->life == life_of(key) ? v->value : NULL;
}

/* A destructor may set other values: again, a few times, as POSIX has it. */
static bool destroy_values(struct thread *t)
{
    bool any = false;
    for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++) {
        struct thread_value *v = value_of(t, key, false);
        if (!v) {
            key |= KEY_BLOCK - 1;
            continue;
        }
        void *value = v->life == life_of(key) ? v->value : NULL;
        void (*destroy)(void *) = atomic_load(&keys[key].destroy);
        v->value = NULL;
        if (value && destroy) {
            destroy(value);
            any = true;
        }
    }
    return any;
}

void green__thread_values_end(struct thread *t)
{
    for (int i = 0; i < PTHREAD_DESTRUCTOR_ITERATIONS && destroy_values(t); i++)
        ;
    for (size_t i = 0; i < PTHREAD_KEYS_MAX / KEY_BLOCK; i++) {
        free(t->values[i]);
        t->values[i] = NULL;
    }
}

/* --- C11 ------------------------------------------------------------------------------------------------------------ */

HOOK int tss_create(tss_t *key, tss_dtor_t destroy)
{
    return pthread_key_create(key, destroy) == 0 ? thrd_success : thrd_error;
}

HOOK void tss_delete(tss_t key)
{
    pthread_key_delete(key);
}

HOOK int tss_set(tss_t key, void *value)
{
    return pthread_setspecific(key, value) == 0 ? thrd_success : thrd_error;
}

HOOK void *tss_get(tss_t key)
{
    return pthread_getspecific(key);
}
