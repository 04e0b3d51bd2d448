/* The challenges of this process (challenges.h): a list under a mutex. */
#include "challenges.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "acme_keys.h"

#define AFTERLIFE GREEN_S(10) /* a handshake may just have found it */

struct challenge {
    SLIST_ENTRY(challenge) link;
    green_tls_context_t *context; /* NULL: http-01 */
    green_time over;              /* 0: not yet */
    char *key, *answer;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static SLIST_HEAD(, challenge) all;
atomic_uint challenges_open;

static void challenge_free(struct challenge *c)
{
    green_tls_context_release(c->context);
    free(c->key);
    free(c->answer);
    free(c);
}

static int add(struct challenge *c)
{
    if (!c->key || !c->answer) {
        challenge_free(c);
        return -ENOMEM;
    }
    pthread_mutex_lock(&mutex);
    SLIST_INSERT_HEAD(&all, c, link);
    atomic_fetch_add_explicit(&challenges_open, 1, memory_order_relaxed);
    pthread_mutex_unlock(&mutex);
    return 0;
}

int challenges_add_http(const char *token, const char *answer)
{
    struct challenge *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->key = strdup(token);
    c->answer = strdup(answer);
    return add(c);
}

static int make_context(struct challenge *c, const char *name, const char *answer)
{
    char *pem = acme_self_signed(name, answer);
    int r = pem ? green_tls_context_new(&c->context, GREEN_TLS_SERVER | GREEN_TLS_NO_TICKETS) : -ENOMEM;
    if (r == 0)
        r = green_tls_context_certificate_pem(c->context, pem, strlen(pem), NULL, 0);
    if (r == 0)
        r = green_tls_context_alpn(c->context, CHALLENGE_PROTO);
    if (pem)
        explicit_bzero(pem, strlen(pem));
    free(pem);
    return r;
}

int challenges_add_tls(const char *name, const char *answer)
{
    struct challenge *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    int r = make_context(c, name, answer);
    if (r < 0) {
        challenge_free(c);
        return r;
    }
    c->key = strdup(name);
    c->answer = strdup(answer);
    return add(c);
}

void challenges_remove(const char *key)
{
    struct challenge *c, *next;
    green_time now = green_now();
    pthread_mutex_lock(&mutex);
    for (c = SLIST_FIRST(&all); c; c = next) {
        next = SLIST_NEXT(c, link);
        if (!c->over && strcmp(c->key, key) == 0) {
            c->over = now + AFTERLIFE;
            atomic_fetch_sub_explicit(&challenges_open, 1, memory_order_relaxed);
        } else if (c->over && c->over < now) {
            SLIST_REMOVE(&all, c, challenge, link);
            challenge_free(c);
        }
    }
    pthread_mutex_unlock(&mutex);
}

/* With the mutex. */
static struct challenge *find(const char *key, size_t length, bool tls)
{
    struct challenge *c;
    SLIST_FOREACH(c, &all, link)
    if (!c->over && (c->context != NULL) == tls && strlen(c->key) == length &&
        memcmp(c->key, key, length) == 0)
        return c;
    return NULL;
}

int challenges_answer(const char *token, size_t length, char out[CHALLENGE_ANSWER])
{
    pthread_mutex_lock(&mutex);
    const struct challenge *c = find(token, length, false);
    size_t n = c ? strlen(c->answer) : 0;
    int r = c && n < CHALLENGE_ANSWER ? (int)n : -ENOENT;
    if (r >= 0)
        memcpy(out, c->answer, n + 1);
    pthread_mutex_unlock(&mutex);
    return r;
}

green_tls_context_t *challenges_context(const char *name)
{
    pthread_mutex_lock(&mutex);
    const struct challenge *c = find(name, strlen(name), true);
    green_tls_context_t *context = c ? c->context : NULL;
    pthread_mutex_unlock(&mutex);
    return context;
}
