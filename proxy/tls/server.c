/* The present choices of a listener, and their renewal (server.h). */
#include "server.h"

#include <pthread.h>
#include <stdlib.h>

#include "fingerprint.h"

struct tls_server {
    pthread_mutex_t mutex;
    struct tls_choices *choices; /* of the mutex */
    uint64_t read;               /* the files' fingerprint when they were last read, for better or worse */
    bool failed;                 /* and that it was for worse */
};

struct tls_server *tls_server_new(const struct conf_listener *listener, struct conf_errors *errors)
{
    struct tls_server *s = calloc(1, sizeof *s);
    if (!s) {
        errors->no_memory = true;
        errors->errors++;
        return NULL;
    }
    pthread_mutex_init(&s->mutex, NULL);
    s->read = tls_fingerprint(listener); /* before reading: what changes meanwhile is read once more */
    s->choices = tls_choices_new(listener, errors);
    if (s->choices)
        return s;
    tls_server_free(s);
    return NULL;
}

void tls_server_free(struct tls_server *s)
{
    if (!s)
        return;
    tls_choices_release(s->choices);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

struct tls_choices *tls_server_hold(struct tls_server *s)
{
    pthread_mutex_lock(&s->mutex);
    struct tls_choices *choices = tls_choices_hold(s->choices);
    pthread_mutex_unlock(&s->mutex);
    return choices;
}

static void put(struct tls_server *s, struct tls_choices *choices)
{
    pthread_mutex_lock(&s->mutex);
    struct tls_choices *before = s->choices;
    s->choices = choices;
    pthread_mutex_unlock(&s->mutex);
    tls_choices_release(before);
}

/*
 * A key may come a moment after its certificate, and a file may be half written: what does not fit together is looked at
 * once more before anybody is told, and then left alone until it changes again.
 */
int tls_server_renew(struct tls_server *s, const struct conf_listener *listener, struct conf_errors *errors)
{
    uint64_t now = tls_fingerprint(listener);
    bool again = now == s->read && s->failed;
    if (now == s->read && !s->failed)
        return 0;
    struct conf_errors found = {0};
    struct tls_choices *choices = tls_choices_new(listener, &found);
    s->failed = !choices && !again;
    s->read = now;
    if (choices)
        put(s, choices);
    if (choices || again) {
        conf_errors_free(errors);
        *errors = found;
        return choices ? 1 : -1;
    }
    conf_errors_free(&found);
    return 0;
}
