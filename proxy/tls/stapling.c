/*
 * The greenlet that asks responders (stapling.h). It goes through the certificates once a second, and for each whose
 * response is half over, give or take, spawns one that asks. What fails is tried again later and later; what was said
 * before goes on being said until its time is over.
 */
#include "stapling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "observe/error_log.h"
#include "runtime/snapshot.h"
#include "server.h"
#include "staples.h"

#define LOOK         GREEN_S(1)
#define ONE_QUESTION GREEN_S(10)
#define ANSWER_MOST  ((size_t)64 * 1024)
#define AT_A_TIME    8
#define FIRST_PAUSE  10
#define LAST_PAUSE   3600
#define SHORTEST     5           /* s between two questions that were answered */
#define FORGOTTEN    (24 * 3600) /* s after which nobody remembers a certificate that went */

/* Somebody who asks, or is about to. */
struct question {
    LIST_ENTRY(question) link;
    struct stapling *of;
    struct staple *staple;
    green_tls_certificate_t *certificate;
    const char *listener, *file; /* of the snapshot; a copy */
};

struct stapling {
    struct snapshot *snapshot;
    green_t *greenlet;
    green_pool_t pool;
    LIST_HEAD(, question) questions;
};

static int64_t chance(int64_t most)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return most > 0 ? (int64_t)((uint64_t)(t.tv_nsec / 1000 * 2654435761) % (uint64_t)most) : 0;
}

/* --- one question ---------------------------------------------------------------------------------------------------- */

static void finish(struct question *q)
{
    q->staple->asking = false;
    LIST_REMOVE(q, link);
    green_tls_certificate_release(q->certificate);
    free((char *)(uintptr_t)q->file);
    free(q);
}

/* What the responder sends, for free(). Why not is in *why then. */
static int ask(const struct question *q, char **answer, size_t *answer_size, const char **why)
{
    static const green_http_field_t type = {.name = "Content-Type", .value = "application/ocsp-request"};
    void *question;
    size_t size;
    green_http_response_t *r;
    green_time deadline = green_now() + ONE_QUESTION;
    int e = green_tls_certificate_question(q->certificate, &question, &size);
    *why = e < 0 ? green_tls_error(NULL) : NULL;
    if (e < 0)
        return e;
    green_http_request_t request = {.method = "POST",
                                    .url = green_tls_certificate_responder(q->certificate),
                                    .fields = &type,
                                    .field_count = 1,
                                    .body = question,
                                    .body_size = size};
    e = green_http_request(NULL, &request, &r, deadline);
    free(question);
    *why = e < 0 ? green_strerror(e) : NULL;
    if (e < 0)
        return e;
    int status = green_http_response_status(r);
    e = green_http_response_collect(r, answer, answer_size, ANSWER_MOST, deadline);
    green_http_response_close(r);
    *why = e == -EMSGSIZE ? "the response has more than 64 KiB" : green_strerror(e);
    if (e < 0 || status == 200)
        return e;
    free(*answer);
    *why = "the responder's answer has another status than 200";
    return -EPROTO;
}

/* When half of the validity is over, a little earlier or later; what is older than that already lasts half of the rest. */
static void plan(struct staple *s, int64_t begins, int64_t expires)
{
    int64_t now = (int64_t)time(NULL), life = expires - begins, left = expires - now;
    int64_t in = begins + life / 2 - life / 20 + chance(life / 10) - now;
    if (in <= 0)
        in = left / 2;
    s->again = green_now() + GREEN_S(in > SHORTEST ? in : SHORTEST);
    s->pause = 0;
}

static void note_success(const struct question *q, const char *response, size_t size)
{
    int64_t begins, expires;
    struct staple *s = q->staple;
    green_tls_certificate_stapled(q->certificate, &begins, &expires);
    if (staples_keep(s, response, size, expires) < 0)
        error_log(LOG_LEVEL_WARNING,
                  "listener %s: %s: out of memory: the response of OCSP will not outlast a reload",
                  q->listener, q->file);
    if (s->failures)
        error_log(LOG_LEVEL_NOTICE, "listener %s: %s: there is a response of OCSP again", q->listener,
                  q->file);
    s->failures = 0;
    plan(s, begins, expires);
}

static void forget_response(const struct question *q)
{
    if (staples_keep(q->staple, NULL, 0, 0) < 0 || green_tls_certificate_staple(q->certificate, NULL, 0) < 0)
        abort(); /* nothing can fail in having none */
}

static void complain(const struct question *q, int error, const char *why)
{
    const struct staple *s = q->staple;
    int64_t left = s->expires - (int64_t)time(NULL);
    if (error == -EKEYREVOKED)
        error_log(LOG_LEVEL_ERROR,
                  "listener %s: %s: its authority has revoked this certificate, and browsers will refuse it: "
                  "replace it",
                  q->listener, q->file);
    else if (!s->failures && left > 0)
        error_log(LOG_LEVEL_WARNING,
                  "listener %s: %s: no new response of OCSP could be had from %s: %s; the one before is good "
                  "for %lld "
                  "more minutes",
                  q->listener, q->file, green_tls_certificate_responder(q->certificate), why,
                  (long long)left / 60);
    else if (!s->failures)
        error_log(LOG_LEVEL_WARNING,
                  "listener %s: %s: no response of OCSP could be had from %s: %s; clients get none",
                  q->listener, q->file, green_tls_certificate_responder(q->certificate), why);
}

static void note_failure(const struct question *q, int error, const char *why)
{
    struct staple *s = q->staple;
    complain(q, error, why);
    if (error == -EKEYREVOKED)
        forget_response(q);
    atomic_fetch_add_explicit(&staple_failures, 1, memory_order_relaxed);
    s->failures++;
    s->pause = !s->pause ? FIRST_PAUSE : s->pause * 2 < LAST_PAUSE ? s->pause * 2 : LAST_PAUSE;
    if (error == -EKEYREVOKED)
        s->pause = LAST_PAUSE;
    s->again = green_now() + GREEN_S(s->pause + chance(s->pause / 4 + 1));
}

static void *converse(void *arg)
{
    struct question *q = arg;
    char *answer;
    const char *why;
    size_t size;
    int e = ask(q, &answer, &size, &why);
    if (e == 0) {
        e = green_tls_certificate_staple(q->certificate, answer, size);
        why = green_tls_error(NULL);
        if (e == 0)
            note_success(q, answer, size);
        free(answer);
    }
    if (e < 0 && e != -ECANCELED)
        note_failure(q, e, why);
    finish(q);
    return NULL;
}

/* --- which questions --------------------------------------------------------------------------------------------------- */

static void begin(struct stapling *of, struct staple *s, const struct certificate *c, const char *listener)
{
    struct question *q = calloc(1, sizeof *q);
    if (!q)
        return; /* the next look will try */
    *q = (struct question){.of = of,
                           .staple = s,
                           .certificate = green_tls_certificate_retain(c->certificate),
                           .listener = listener,
                           .file = strdup(c->file)};
    LIST_INSERT_HEAD(&of->questions, q, link);
    s->asking = true;
    if (!q->file || green_pool_spawn(&of->pool, converse, q, GREEN_NOWAIT) < 0)
        finish(q);
}

static void look_after(struct stapling *of, const struct certificate *c, const char *listener)
{
    int64_t begins, expires;
    struct staple *s = staples_of(c);
    if (!s)
        return;
    s->seen = (int64_t)time(NULL);
    green_tls_certificate_stapled(c->certificate, &begins, &expires);
    if (s->response && expires != s->expires && s->expires > s->seen)
        staples_adopt(c); /* another listener's has it */
    if (!s->asking && green_now() >= s->again && green_pool_free(&of->pool) > 0)
        begin(of, s, c, listener);
}

/* From a file: what that says is asked for only when it is out of date. */
static bool has_response(const struct certificate *c)
{
    int64_t begins, expires;
    green_tls_certificate_stapled(c->certificate, &begins, &expires);
    return c->has_response && expires > (int64_t)time(NULL);
}

static void look(struct stapling *of, const struct conf_listener *l)
{
    struct tls_choices *choices = tls_server_hold(l->tls.server);
    const struct certificates *all = tls_choices_certificates(choices);
    for (size_t i = 0; i < all->count; i++) {
        const struct certificate *c = &all->list[i];
        if (!c->placeholder && !has_response(c) && green_tls_certificate_responder(c->certificate))
            look_after(of, c, l->name);
    }
    tls_choices_release(choices);
}

/* --- the greenlet ------------------------------------------------------------------------------------------------------ */

static bool wants(const struct conf_listener *l)
{
    return l->ocsp.stapling && l->tls.server;
}

static void *staple(void *arg)
{
    struct stapling *of = arg;
    const struct conf *conf = of->snapshot->conf;
    do {
        for (size_t i = 0; i < conf->listener_count; i++)
            if (wants(&conf->listeners[i]))
                look(of, &conf->listeners[i]);
        staples_forget((int64_t)time(NULL) - FORGOTTEN);
    } while (green_sleep(LOOK) == 0);
    return NULL;
}

void tls_stapling_stop(struct process *p)
{
    struct stapling *of = p->stapling;
    if (!of)
        return;
    if (of->greenlet && green_kill(of->greenlet, GREEN_FOREVER) == 0)
        green_release(of->greenlet);
    green_pool_destroy(&of->pool);
    while (!LIST_EMPTY(&of->questions)) /* whoever had not begun */
        finish(LIST_FIRST(&of->questions));
    snapshot_release(of->snapshot);
    free(of);
    p->stapling = NULL;
}

void tls_stapling_follow(struct process *p)
{
    const struct conf *conf = p->snapshot->conf;
    bool needed = false;
    tls_stapling_stop(p);
    for (size_t i = 0; i < conf->listener_count; i++)
        needed |= wants(&conf->listeners[i]);
    if (!needed)
        return;
    struct stapling *of = calloc(1, sizeof *of);
    if (of) {
        LIST_INIT(&of->questions);
        green_pool_init(&of->pool, AT_A_TIME);
        of->snapshot = snapshot_hold(p->snapshot);
        of->greenlet = green_spawn(staple, of);
        p->stapling = of;
    }
    if (!of || !of->greenlet) {
        error_log(LOG_LEVEL_ERROR,
                  "out of memory: authorities are not asked about certificates (ocsp_stapling)");
        tls_stapling_stop(p);
    }
}
