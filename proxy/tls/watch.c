/* The greenlet that looks at files of certificates from time to time (watch.h). */
#include "watch.h"

#include <stdlib.h>
#include <time.h>

#include "client.h"
#include "load.h"
#include "observe/error_log.h"
#include "runtime/snapshot.h"
#include "server.h"

#define DAY (24 * 3600)

/* --- new ones ------------------------------------------------------------------------------------------------------ */

/* Either a listener or an upstream. */
struct look {
    const struct conf_listener *listener;
    const struct conf_upstream *upstream;
    struct conf_errors errors;
    int result;
};

static void *renew(void *arg)
{
    struct look *l = arg;
    l->result = l->listener ? tls_server_renew(l->listener->tls.server, l->listener, &l->errors)
                            : tls_client_renew(l->upstream->tls.client, &l->errors);
    return NULL;
}

static void tell(const struct look *l)
{
    const char *kind = l->listener ? "listener" : "upstream",
               *name = l->listener ? l->listener->name : l->upstream->name;
    for (size_t i = 0; i < l->errors.count; i++)
        error_log(l->errors.items[i].warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s:%d: %s",
                  l->errors.items[i].origin.file, l->errors.items[i].origin.line, l->errors.items[i].text);
    if (l->result > 0)
        error_log(LOG_LEVEL_NOTICE, "%s %s: the certificates were read again, and are used from now on", kind,
                  name);
    else
        error_log(LOG_LEVEL_ERROR,
                  "%s %s: the certificates have changed and cannot be used as they are; those that were read "
                  "before "
                  "remain in use",
                  kind, name);
}

/* 0 or why the greenlet is to end. */
static int look_at_files(struct look l)
{
    int r = green_blocking(renew, &l, NULL, GREEN_FOREVER);
    if (r == 0 && l.result != 0)
        tell(&l);
    else if (r < 0 && r != -ECANCELED)
        error_log(LOG_LEVEL_ERROR, "cannot look at the certificates of %s: %s",
                  l.listener ? l.listener->name : l.upstream->name, green_strerror(r));
    conf_errors_free(&l.errors);
    return r == -ECANCELED ? r : 0;
}

/* --- old ones ------------------------------------------------------------------------------------------------------ */

static void complain(const struct conf_listener *listener, const struct certificate *c, int64_t left)
{
    const char *name = green_tls_certificate_name(c->certificate, 0);
    name = name ? name : green_tls_certificate_subject(c->certificate);
    if (left <= 0)
        error_log(LOG_LEVEL_ERROR,
                  "listener %s: the certificate for %s has expired; clients refuse it: renew %s",
                  listener->name, name, c->file);
    else
        error_log(LOG_LEVEL_WARNING, "listener %s: the certificate for %s expires in %lld %s: renew %s",
                  listener->name, name, (long long)(left < DAY ? left / 3600 : left / DAY),
                  left < DAY ? "hours" : "days", c->file);
}

/* Each term of certificate_warning is told of once. What was over when the certificate was read has been told then. */
static void look_at_dates(const struct conf_listener *listener, int64_t from, int64_t now)
{
    const struct conf_terms *terms = &listener->tls.warning;
    struct tls_choices *choices = tls_server_hold(listener->tls.server);
    const struct certificates *all = tls_choices_certificates(choices);
    for (size_t i = 0; i < all->count; i++) {
        const struct certificate *c = &all->list[i];
        int64_t expires = green_tls_certificate_expires(c->certificate),
                life = expires - green_tls_certificate_begins(c->certificate);
        if (c->placeholder)
            continue;
        bool due = expires > from && expires <= now;
        for (size_t k = 0; k < terms->count; k++) {
            int64_t term = terms->ns[k] / GREEN_S(1), at = expires - term;
            if (c->managed && term > life / 4)
                continue; /* its renewal has only just begun to be due */
            due |= at > from && at <= now;
        }
        if (due)
            complain(listener, c, expires - now);
    }
    tls_choices_release(choices);
}

/* --- the greenlet -------------------------------------------------------------------------------------------------- */

/* 0 or why the greenlet is to end. */
static int look_at_listeners(const struct conf *conf, int64_t before, int64_t now)
{
    int r = 0;
    for (size_t i = 0; i < conf->listener_count && r == 0; i++) {
        const struct conf_listener *l = &conf->listeners[i];
        if (!l->tls.server)
            continue;
        r = look_at_files((struct look){.listener = l});
        if (r == 0)
            look_at_dates(l, before, now);
    }
    return r;
}

static bool has_files(const struct conf_upstream *u)
{
    return u->tls.client && (u->tls.ca_count || u->tls.crl_count || u->tls.certificate.written);
}

static int look_at_upstreams(const struct conf *conf)
{
    int r = 0;
    for (size_t i = 0; i < conf->upstream_count && r == 0; i++)
        if (has_files(&conf->upstreams[i]))
            r = look_at_files((struct look){.upstream = &conf->upstreams[i]});
    return r;
}

static void *watch(void *arg)
{
    const struct conf *conf = arg;
    int64_t before = (int64_t)time(NULL);
    while (green_sleep(conf->certificate_watch) == 0) {
        int64_t now = (int64_t)time(NULL);
        if (look_at_listeners(conf, before, now) < 0 || look_at_upstreams(conf) < 0)
            break;
        before = now;
    }
    return NULL;
}

static bool has_certificates(const struct conf *conf)
{
    bool any = false;
    for (size_t i = 0; i < conf->listener_count; i++)
        any |= conf->listeners[i].tls.server != NULL;
    for (size_t i = 0; i < conf->upstream_count; i++)
        any |= has_files(&conf->upstreams[i]);
    return any;
}

void tls_watch_stop(struct process *p)
{
    if (p->certificates && green_kill(p->certificates, GREEN_FOREVER) == 0)
        green_release(p->certificates);
    p->certificates = NULL;
    snapshot_release(p->certificates_of);
    p->certificates_of = NULL;
}

void tls_watch_follow(struct process *p)
{
    tls_watch_stop(p);
    if (!has_certificates(p->snapshot->conf))
        return;
    p->certificates_of = snapshot_hold(p->snapshot);
    p->certificates = green_spawn(watch, p->snapshot->conf);
    if (!p->certificates)
        error_log(LOG_LEVEL_ERROR, "out of memory: certificates that change are not noticed");
}
