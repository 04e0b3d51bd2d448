/*
 * The greenlet that fetches certificates (renewal.h): one at a time, each when two thirds of its time are over, give or
 * take, so that a thousand that were fetched together are not renewed together. What fails is tried again later and
 * later. What was fetched is put into its file, where watch.h finds it like any other.
 */
#include "renewal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "acme.h"
#include "observe/error_log.h"
#include "runtime/snapshot.h"
#include "server.h"
#include "storage.h"

#define LOOK        GREEN_S(1)
#define ONE_ATTEMPT GREEN_S(600)
#define FIRST_PAUSE 60
#define LAST_PAUSE  (12 * 3600)

/* A name that could not be had. */
struct setback {
    SLIST_ENTRY(setback) link;
    green_time again;
    int64_t pause; /* s */
    unsigned failures;
    char name[];
};

struct renewal {
    const struct conf *conf;
    struct acme_key *account;
    green_tls_context_t *tls; /* to the authority; NULL: the default */
    SLIST_HEAD(, setback) setbacks;
};

static int64_t jitter(int64_t most)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return most > 0 ? (int64_t)((uint64_t)(t.tv_nsec / 1000 * 2654435761) % (uint64_t)most) : 0;
}

/* --- in threads ------------------------------------------------------------------------------------------------------ */

struct file_job {
    const struct conf_acme *conf;
    const char *name, *text;
    struct acme_key *account;
    int result;
};

/* The key of the account, made if there is none. */
static void *open_account(void *arg)
{
    struct file_job *j = arg;
    size_t size;
    char *path = storage_path(j->conf, "account", ".key"), *pem = NULL;
    j->result = path ? storage_read(path, &pem, &size) : -ENOMEM;
    if (j->result == 0 && !(j->account = acme_key_parse(pem, size)))
        j->result = -EINVAL;
    if (j->result == -ENOENT) {
        j->account = acme_key_new();
        pem = j->account ? acme_key_pem(j->account) : NULL;
        j->result = pem ? storage_write(path, pem) : -ENOMEM;
    }
    if (pem)
        explicit_bzero(pem, strlen(pem));
    free(pem);
    free(path);
    return NULL;
}

static void *store(void *arg)
{
    struct file_job *j = arg;
    char *path = storage_path(j->conf, j->name, ".pem");
    j->result = path ? storage_write(path, j->text) : -ENOMEM;
    free(path);
    return NULL;
}

static int in_thread(void *(*fn)(void *arg), struct file_job *job)
{
    int r = green_blocking(fn, job, NULL, GREEN_FOREVER);
    return r < 0 ? r : job->result;
}

/* --- one certificate --------------------------------------------------------------------------------------------------- */

static bool has_plain_http(const struct conf *conf)
{
    for (size_t i = 0; i < conf->listener_count; i++)
        for (size_t k = 0; conf->listeners[i].protocol == CONF_HTTP && k < conf->listeners[i].binds; k++)
            if (!conf->listeners[i].bind[k].tls)
                return true;
    return false;
}

static bool by_tls(const struct renewal *r, const struct conf_listener *l, const struct setback *s)
{
    if (l->acme.challenge != CONF_ACME_AUTO)
        return l->acme.challenge == CONF_ACME_TLS_ALPN_01;
    return (s && s->failures % 2) != !has_plain_http(r->conf);
}

static int get_ready(struct renewal *r)
{
    const struct conf_acme *conf = &r->conf->acme;
    struct file_job job = {.conf = conf};
    if (!r->account) {
        int e = in_thread(open_account, &job);
        r->account = job.account;
        if (e < 0) {
            error_log(LOG_LEVEL_ERROR, "%s/account.key: %s", conf->storage.written,
                      e == -EINVAL ? "this is no private key of ours (ECDSA, P-256)" : green_strerror(e));
            acme_key_free(r->account);
            r->account = NULL;
            return e;
        }
    }
    if (r->tls || !conf->ca.written)
        return 0;
    int e = green_tls_context_new(&r->tls, GREEN_TLS_CLIENT);
    if (e == 0)
        e = green_tls_context_ca_file(r->tls, conf->ca.written);
    if (e < 0) {
        error_log(LOG_LEVEL_ERROR, "acme_ca: %s: %s", conf->ca.written, green_tls_error(NULL));
        green_tls_context_release(r->tls);
        r->tls = NULL;
    }
    return e;
}

static int fetch(struct renewal *r, const struct conf_listener *l, const char *name, bool tls)
{
    struct acme a;
    char *pem = NULL;
    int e = get_ready(r);
    if (e < 0)
        return e;
    e = acme_begin(&a, &r->conf->acme, r->account, r->tls, green_now() + ONE_ATTEMPT);
    if (e == 0)
        e = acme_obtain(&a, name, tls, &pem);
    if (e < 0 && e != -ECANCELED)
        error_log(LOG_LEVEL_ERROR, "listener %s: no certificate for %s could be fetched: %s", l->name, name,
                  a.error);
    acme_end(&a);
    if (e < 0)
        return e;
    struct file_job job = {.conf = &r->conf->acme, .name = name, .text = pem};
    e = in_thread(store, &job);
    explicit_bzero(pem, strlen(pem));
    free(pem);
    if (e < 0)
        error_log(LOG_LEVEL_ERROR,
                  "listener %s: the certificate that was fetched for %s cannot be kept in %s: %s", l->name,
                  name, r->conf->acme.storage.written, green_strerror(e));
    else
        error_log(LOG_LEVEL_NOTICE, "listener %s: a certificate for %s was fetched", l->name, name);
    return e;
}

/* --- when ---------------------------------------------------------------------------------------------------------------- */

static struct setback *setback_of(struct renewal *r, const char *name)
{
    struct setback *s;
    SLIST_FOREACH(s, &r->setbacks, link)
    if (!strcmp(s->name, name))
        return s;
    return NULL;
}

/* Without memory it is tried again at the next look. */
static void note_failure(struct renewal *r, const char *name)
{
    struct setback *s = setback_of(r, name);
    if (!s) {
        s = calloc(1, sizeof *s + strlen(name) + 1);
        if (!s)
            return;
        strcpy(s->name, name);
        s->pause = FIRST_PAUSE;
        SLIST_INSERT_HEAD(&r->setbacks, s, link);
    } else {
        s->pause = s->pause * 2 < LAST_PAUSE ? s->pause * 2 : LAST_PAUSE;
    }
    s->failures++;
    int64_t pause =
        s->failures == 1 ? 5 : s->pause; /* what hinders the first attempt is often over in a moment */
    s->again = green_now() + GREEN_S(pause + jitter(pause / 4));
}

static void forget_failures(struct renewal *r, const char *name)
{
    struct setback *s = setback_of(r, name);
    if (s) {
        SLIST_REMOVE(&r->setbacks, s, setback, link);
        free(s);
    }
}

/* Its place in the last third is the name's own. */
static bool is_due(const struct certificate *c, int64_t now)
{
    int64_t begins = green_tls_certificate_begins(c->certificate),
            expires = green_tls_certificate_expires(c->certificate);
    uint32_t hash = 2166136261u;
    for (const char *p = c->managed; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    int64_t third = (expires - begins) / 3;
    return c->placeholder || now >= expires - third + third / 10 * (hash % 1000) / 1000;
}

/* A name that has to be fetched now, for free(); NULL: none. */
static char *due_name(struct renewal *r, const struct conf_listener *l)
{
    char *name = NULL;
    int64_t now = (int64_t)time(NULL);
    struct tls_choices *choices = tls_server_hold(l->tls.server);
    const struct certificates *all = tls_choices_certificates(choices);
    for (size_t i = 0; i < all->count && !name; i++) {
        const struct certificate *c = &all->list[i];
        const struct setback *s = c->managed ? setback_of(r, c->managed) : NULL;
        if (c->managed && is_due(c, now) && (!s || green_now() >= s->again))
            name = strdup(c->managed);
    }
    tls_choices_release(choices);
    return name;
}

/* What was fetched is due until it has been read (watch.h): until then nobody asks for it again. */
static void note_success(struct renewal *r, const char *name)
{
    forget_failures(r, name);
    note_failure(r, name);
    struct setback *s = setback_of(r, name);
    if (s) {
        s->failures = 0;
        s->again = green_now() + 3 * r->conf->certificate_watch + GREEN_S(60);
    }
}

/* 0, or -ECANCELED. */
static int look_after(struct renewal *r, const struct conf_listener *l)
{
    char *name = due_name(r, l);
    if (!name)
        return 0;
    int e = fetch(r, l, name, by_tls(r, l, setback_of(r, name)));
    if (e == -ECANCELED) {
        free(name);
        return e;
    }
    if (e < 0)
        note_failure(r, name);
    else
        note_success(r, name);
    free(name);
    return 0;
}

/* --- the greenlet ---------------------------------------------------------------------------------------------------------- */

static void *renew(void *arg)
{
    struct renewal r = {.conf = arg};
    bool goes_on = true;
    while (goes_on && green_sleep(LOOK) == 0)
        for (size_t i = 0; goes_on && i < r.conf->listener_count; i++)
            if (r.conf->listeners[i].acme.on && r.conf->listeners[i].tls.server)
                goes_on = look_after(&r, &r.conf->listeners[i]) == 0;
    for (struct setback *s; (s = SLIST_FIRST(&r.setbacks));) {
        SLIST_REMOVE_HEAD(&r.setbacks, link);
        free(s);
    }
    acme_key_free(r.account);
    green_tls_context_release(r.tls);
    return NULL;
}

void tls_renewal_stop(struct process *p)
{
    if (p->renewal && green_kill(p->renewal, GREEN_FOREVER) == 0)
        green_release(p->renewal);
    p->renewal = NULL;
    snapshot_release(p->renewal_of);
    p->renewal_of = NULL;
}

void tls_renewal_follow(struct process *p)
{
    const struct conf *conf = p->snapshot->conf;
    bool needed = false;
    tls_renewal_stop(p);
    for (size_t i = 0; i < conf->listener_count; i++)
        needed |= conf->listeners[i].acme.on;
    if (!needed)
        return;
    p->renewal_of = snapshot_hold(p->snapshot);
    p->renewal = green_spawn(renew, p->snapshot->conf);
    if (!p->renewal)
        error_log(LOG_LEVEL_ERROR, "out of memory: no certificates are fetched");
}
