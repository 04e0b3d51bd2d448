/* The table of responses (staples.h). */
#include "staples.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096

atomic_uint_fast64_t staple_failures;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct staple *buckets[BUCKETS]; /* changed by the main thread alone, under the mutex */

static struct staple **bucket_of(const unsigned char print[32])
{
    return &buckets[(print[0] * 256u + print[1]) % BUCKETS]; /* a digest is as good as any hash */
}

static struct staple *find(const unsigned char print[32])
{
    struct staple *s = *bucket_of(print);
    while (s && memcmp(s->print, print, sizeof s->print) != 0)
        s = s->link;
    return s;
}

struct staple *staples_of(const struct certificate *certificate)
{
    struct staple *s = find(certificate->print), **bucket = bucket_of(certificate->print);
    if (s || !(s = calloc(1, sizeof *s)))
        return s;
    memcpy(s->print, certificate->print, sizeof s->print);
    pthread_mutex_lock(&mutex);
    s->link = *bucket;
    *bucket = s;
    pthread_mutex_unlock(&mutex);
    return s;
}

void staples_adopt(const struct certificate *certificate)
{
    pthread_mutex_lock(&mutex);
    const struct staple *s = find(certificate->print);
    if (s && s->response &&
        green_tls_certificate_staple(certificate->certificate, s->response, s->size) < 0) {
        /* It has become too old meanwhile: a new one is on its way, or the error log has said why not. */
    }
    pthread_mutex_unlock(&mutex);
}

int staples_keep(struct staple *s, const void *response, size_t size, int64_t expires)
{
    void *copy = size ? malloc(size) : NULL;
    if (size && !copy)
        return -ENOMEM;
    if (size)
        memcpy(copy, response, size);
    pthread_mutex_lock(&mutex);
    void *before = s->response;
    s->response = copy;
    s->size = size;
    pthread_mutex_unlock(&mutex);
    s->expires = expires;
    free(before);
    return 0;
}

void staples_forget(int64_t before)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct staple **at = &buckets[i]; *at;) {
            struct staple *s = *at;
            if (s->asking || s->seen >= before) {
                at = &s->link;
                continue;
            }
            *at = s->link;
            free(s->response);
            free(s);
        }
    pthread_mutex_unlock(&mutex);
}
