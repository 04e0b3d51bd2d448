/* What was found to be right: a table of small sets, in each of which the oldest makes room. */
#include "verified.h"

#include <stdlib.h>

#include "signature.h"

#define WAYS 4
#define SETS (VERIFIED_ENTRIES / WAYS)

struct entry {
    struct verified_key key;
    void *value; /* NULL: free */
    int64_t expires;
};

struct verified {
    struct signature_mac *mac;
    void (*release)(void *);
    struct entry sets[SETS][WAYS];
};

struct verified *verified_new(void (*release)(void *))
{
    struct verified *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->release = release;
    v->mac = signature_mac_new();
    if (v->mac)
        return v;
    free(v);
    return NULL;
}

static void empty(struct verified *v, struct entry *e)
{
    if (e->value && v->release)
        v->release(e->value);
    e->value = NULL;
}

void verified_free(struct verified *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < WAYS; j++)
            empty(v, &v->sets[i][j]);
    signature_mac_free(v->mac);
    free(v);
}

bool verified_key(struct verified *v, const struct span *parts, size_t count, struct verified_key *key)
{
    unsigned char mac[SIGNATURE_MAC_BYTES];
    if (!signature_mac(v->mac, parts, count, mac))
        return false;
    memcpy(key->bytes, mac, sizeof key->bytes);
    return true;
}

/* The key is as good as random, so any bits of it will do. */
static struct entry *set_of(struct verified *v, const struct verified_key *key)
{
    uint32_t bits;
    memcpy(&bits, key->bytes, sizeof bits);
    return v->sets[bits % SETS];
}

void *verified_find(struct verified *v, const struct verified_key *key, int64_t now)
{
    struct entry *set = set_of(v, key);
    for (size_t i = 0; i < WAYS; i++) {
        struct entry *e = &set[i];
        if (!e->value || memcmp(&e->key, key, sizeof *key) != 0)
            continue;
        if (e->expires > now)
            return e->value;
        empty(v, e);
    }
    return NULL;
}

void verified_add(struct verified *v, const struct verified_key *key, void *value, int64_t expires)
{
    struct entry *set = set_of(v, key), *place = set;
    for (size_t i = 0; i < WAYS; i++) {
        struct entry *e = &set[i];
        if (e->value && memcmp(&e->key, key, sizeof *key) == 0) {
            place = e;
            break;
        }
        if (place->value && (!e->value || e->expires < place->expires))
            place = e;
    }
    empty(v, place);
    *place = (struct entry){.key = *key, .value = value, .expires = expires};
}
