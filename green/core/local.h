/* Greenlet-local values: like pthread_getspecific(3), for each greenlet, and inherited by its children if wanted. */
#ifndef GREEN_CORE_LOCAL_H
#define GREEN_CORE_LOCAL_H

#include <stdbool.h>

#include "error.h"

typedef struct green_key {
    unsigned number; /* private; 0: no key */
} green_key_t;

#define GREEN_KEYS_MAX 256

/* What a key does besides holding a value; zero in every field is the default. */
typedef struct green_key_attr {
    void (*destroy)(
        void *value); /* runs in the greenlet that ends, for values other than NULL; it may wait */
    void *(*inherit)(
        void *value); /* what a greenlet spawned by the holder starts with: `value` itself, or a copy, or
                                      NULL; must not wait. NULL: children start without */
} green_key_attr_t;

/* Makes a key, for all threads. 0; -EAGAIN: GREEN_KEYS_MAX are in use. Never switches. */
int green_key_create(green_key_t *key, const green_key_attr_t *attr) GREEN_MUST_CHECK;

/* Gives the key back; values still set are forgotten without their destructor. Never switches. */
void green_key_delete(green_key_t key);

/* An `inherit` for values that are simply shared. */
void *green_inherit_same(void *value);

/* Sets the calling greenlet's value. 0, -ENOMEM, -EINVAL: no such key; -EPERM: in the hub. Never switches. */
int green_local_set(green_key_t key, void *value) GREEN_MUST_CHECK;

/* The calling greenlet's value; NULL: never set. Never switches. */
void *green_local_get(green_key_t key);

#endif
