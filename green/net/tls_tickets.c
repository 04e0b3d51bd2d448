/*
 * Session tickets: the keys that a server seals its sessions with before it gives them to the clients. One set of keys
 * serves any number of contexts in all threads; keys that were drawn here are replaced as they age, and the one before
 * still opens what it sealed.
 */
#include "tls_state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/rand.h>

enum { KEYS_MOST = 16, NAME = 16, SMALL = 48, LARGE = 80 };

struct key {
    unsigned char name[NAME], mac[32], cipher[32];
    size_t half; /* bytes of each of the latter two: 16 or 32 */
    int64_t born;
};

struct green_tls_tickets {
    atomic_uint references;
    int64_t period; /* ns; 0: the keys were given, and remain */
    pthread_mutex_t mutex;
    struct key keys[KEYS_MOST]; /* the first one seals */
    size_t count;
};

static EVP_CIPHER *aes128, *aes256;

static void fetch_ciphers(void)
{
    aes128 = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    aes256 = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool draw(struct key *key)
{
    key->half = 32;
    key->born = now();
    return RAND_bytes(key->name, NAME) == 1 && RAND_priv_bytes(key->mac, 32) == 1 &&
           RAND_priv_bytes(key->cipher, 32) == 1;
}

int green_tls_tickets_new(green_tls_tickets_t **out, int64_t period)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_ciphers);
    if (period < 0)
        return -EINVAL;
    green_tls_tickets_t *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    atomic_init(&t->references, 1);
    pthread_mutex_init(&t->mutex, NULL);
    t->period = period;
    ERR_clear_error();
    bool good = aes128 && aes256 && (!period || draw(&t->keys[0]));
    ERR_clear_error();
    t->count = period ? 1 : 0;
    if (!good) {
        green_tls_tickets_release(t);
        return -ENOMEM;
    }
    *out = t;
    return 0;
}

int green_tls_tickets_add(green_tls_tickets_t *t, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    if (t->period || (size != SMALL && size != LARGE))
        return -EINVAL;
    if (t->count == KEYS_MOST)
        return -E2BIG;
    struct key *key = &t->keys[t->count];
    key->half = (size - NAME) / 2;
    memcpy(key->name, p, NAME);
    /* In the order of nginx's files: 48 bytes hold the cipher's key first, 80 bytes that of the MAC. */
    memcpy(size == SMALL ? key->cipher : key->mac, p + NAME, key->half);
    memcpy(size == SMALL ? key->mac : key->cipher, p + NAME + key->half, key->half);
    t->count++;
    return 0;
}

green_tls_tickets_t *green_tls_tickets_retain(green_tls_tickets_t *t)
{
    atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
    return t;
}

void green_tls_tickets_release(green_tls_tickets_t *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&t->mutex);
    OPENSSL_cleanse(t->keys, sizeof t->keys);
    free(t);
}

/* Keys that have sealed for a period open for another one. */
static void rotate(struct green_tls_tickets *t)
{
    int64_t time = now();
    struct key fresh;
    if (!t->period)
        return;
    if (t->count > 1 && time - t->keys[1].born >= 2 * t->period)
        OPENSSL_cleanse(&t->keys[--t->count], sizeof t->keys[0]);
    if (time - t->keys[0].born < t->period || !draw(&fresh))
        return; /* without random numbers the old key seals on */
    t->count = time - t->keys[0].born < 2 * t->period ? 2 : 1;
    t->keys[1] = t->keys[0];
    t->keys[0] = fresh;
    if (t->count == 1)
        OPENSSL_cleanse(&t->keys[1], sizeof t->keys[1]);
    OPENSSL_cleanse(&fresh, sizeof fresh);
}

/* The key that seals (name NULL), or the one of that name: its index, or -1. */
static int find(struct green_tls_tickets *t, const unsigned char *name, struct key *out)
{
    int index = -1;
    pthread_mutex_lock(&t->mutex);
    rotate(t);
    for (size_t i = 0; i < t->count && index < 0; i++)
        if (!name || memcmp(t->keys[i].name, name, NAME) == 0)
            index = (int)i;
    if (index >= 0)
        *out = t->keys[index];
    pthread_mutex_unlock(&t->mutex);
    return index;
}

static bool set_up(const struct key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                   bool seal)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, key->half),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    const EVP_CIPHER *aes = key->half == 16 ? aes128 : aes256;
    return EVP_MAC_CTX_set_params(mac, params) &&
           EVP_CipherInit_ex2(cipher, aes, key->cipher, iv, seal, NULL);
}

/* What OpenSSL asks when it seals or opens a ticket. */
static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int seal)
{
    const struct tls *t = SSL_get_app_data(ssl);
    struct key key;
    int index = t->tickets ? find(t->tickets, seal ? NULL : name, &key) : -1;
    if (index < 0)
        return 0; /* no ticket; or one that nobody here has sealed: a full handshake */
    if (seal) {
        memcpy(name, key.name, NAME);
        if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
            return -1;
    }
    bool good = set_up(&key, iv, cipher, mac, seal);
    OPENSSL_cleanse(&key, sizeof key);
    return !good ? -1 : seal || index == 0 ? 1 : 2; /* 2: opened, but the client is to get a new one */
}

int green_tls_context_tickets(green_tls_context_t *context, green_tls_tickets_t *tickets)
{
    int r = !context->server ? -EINVAL : green__tls_changeable(context);
    if (r < 0)
        return r;
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context->ctx, ticket_key);
    green_tls_tickets_release(context->tickets);
    context->tickets = green_tls_tickets_retain(tickets);
    return 0;
}
