/* When to check whom, and what comes of it (health.h). */
#include "health.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "inheritance.h"
#include "name_answer.h"
#include "names.h"
#include "observe/error_log.h"
#include "ring.h"
#include "runtime/process.h"
#include "server.h"

#define CHECKS_MOST   64           /* at a time; others wait */
#define LOOK_INTERVAL GREEN_S(1)   /* at the most, between looks at what names stand for */
#define LEAST_PAUSE   GREEN_MS(10) /* no check is more often */

/* A server, also one that is not checked: then its standing is there for those who ask how it is. */
struct health_subject {
    struct standing *standing; /* held */
    struct check_subject what;
};

/* A check under way. */
struct job {
    struct health *health;
    struct snapshot *snapshot; /* held: what the subject points to */
    struct standing *standing; /* held */
    struct check_subject what;
};

/* --- whom -------------------------------------------------------------------------------------------------------------- */

static int64_t some_of(struct health *h, int64_t most)
{
    return (int64_t)(ring_mix(h->random += UINT64_C(0x9e3779b97f4a7c15)) % (uint64_t)(most + 1));
}

/* One that was not checked before begins as the configuration says, or as it was in the process before. */
static void begin_checking(struct health *h, struct standing *s, const struct conf_health_check *conf)
{
    s->check.round = h->round;
    if (s->check.known)
        return;
    s->check.known = true;
    s->check.good = s->check.bad = 0;
    s->check.due = green_now() + some_of(h, conf->every / 10);
    s->check.why[0] = 0;
    bool inherited = inheritance_accept(s) && s->check.was_known;
    if (inherited || !conf->start_down || atomic_load(&s->down))
        return;
    atomic_store(&s->down, true);
    standings_changed(s->all);
}

static void set_port(green_address_t *address, int port)
{
    if (address->any.sa_family == AF_INET)
        address->in.sin_port = htons((uint16_t)port);
    else
        address->in6.sin6_port = htons((uint16_t)port);
}

static int add(struct health *h, const struct conf_upstream *u, const struct conf_server *server,
               const struct name_member *host)
{
    struct health_subject *more = realloc(h->subjects, (h->count + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    h->subjects = more;
    struct health_subject *s = &more[h->count];
    *s = (struct health_subject){.what = {.upstream = u, .server = server}};
    int port = u->health_check.port ? (int)u->health_check.port : server->port;
    struct name_member at;
    if (host) {
        at = *host;
        name_member_set_port(&at, server->port); /* what it is known by */
        s->what.address_count = at.address_count;
        for (unsigned i = 0; i < at.address_count; i++) {
            s->what.addresses[i] = at.addresses[i];
            if (u->health_check.port)
                set_port(&s->what.addresses[i], port);
        }
    } else if (green_address_parse(&s->what.addresses[0], server->host, port) == 0) {
        s->what.address_count = 1;
    }
    s->standing = server_standing(&h->process->standings, u, server, host ? &at : NULL);
    if (!s->standing)
        return -ENOMEM;
    h->count++;
    if (u->health_check.written)
        begin_checking(h, s->standing, &u->health_check);
    else if (inheritance_accept(s->standing) && atomic_exchange(&s->standing->down, false))
        standings_changed(s->standing->all);
    return 0;
}

static int add_server(struct health *h, size_t upstream, size_t server)
{
    const struct conf_upstream *u = &h->of->conf->upstreams[upstream];
    struct name *name = h->of->names && h->of->names[upstream] ? h->of->names[upstream][server] : NULL;
    unsigned version;
    if (!name)
        return add(h, u, &u->servers[server], NULL);
    struct name_answer *answer = name_read(name, &version);
    int r = 0;
    for (size_t i = 0; answer && i < answer->count && r == 0; i++)
        r = add(h, u, &u->servers[server], &answer->members[i]);
    name_answer_release(answer);
    return r;
}

static void drop_subjects(struct health *h)
{
    for (size_t i = 0; i < h->count; i++)
        standing_release(h->subjects[i].standing);
    h->count = 0;
}

/* Who is not checked any more is not down any more. */
static void forget_others(struct health *h)
{
    struct standings *all = &h->process->standings;
    struct standing *s;
    pthread_mutex_lock(&all->lock);
    LIST_FOREACH(s, &all->list, link)
    {
        if (!s->check.known || s->check.round == h->round)
            continue;
        s->check.known = false;
        if (atomic_exchange(&s->down, false))
            standings_changed(all);
    }
    pthread_mutex_unlock(&all->lock);
}

static void look(struct health *h)
{
    struct health_subject *before = h->subjects;
    size_t count = h->count;
    const struct conf *conf = h->of->conf;
    int r = 0;
    h->subjects = NULL;
    h->count = 0;
    h->round++;
    for (size_t i = 0; i < conf->upstream_count; i++)
        for (size_t k = 0; k < conf->upstreams[i].server_count && r == 0; k++)
            r = add_server(h, i, k);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "no memory for all health checks");
    else
        forget_others(h);
    for (size_t i = 0; i < count; i++) /* only now: standings pass from one list to the next */
        standing_release(before[i].standing);
    free(before);
    h->looked = green_now();
    if (h->process->standings.inherited_count && h->looked - h->began >= INHERITANCE_KEPT)
        inheritance_end(&h->process->standings);
}

void health_follow(struct health *h)
{
    struct snapshot *before = h->of;
    h->of = snapshot_hold(h->process->snapshot);
    look(h);
    snapshot_release(before);
}

/* --- what comes of it ------------------------------------------------------------------------------------------------------ */

static void change(struct standing *s, bool down, const char *why)
{
    atomic_store(&s->down, down);
    if (!down)
        atomic_store(&s->recovered, green_now());
    atomic_fetch_add(&s->changes, 1);
    error_log(down ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "upstream %s: server %s is %s: %s", s->upstream,
              s->server, down ? "down" : "up", why);
    standings_changed(s->all);
}

static void note(struct standing *s, const struct conf_health_check *conf, bool good, const char *why)
{
    bool down = atomic_load(&s->down);
    atomic_fetch_add_explicit(&s->checks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->checks_failed, !good, memory_order_relaxed);
    snprintf(s->check.why, sizeof s->check.why, "%s", why);
    s->check.good = good ? s->check.good + 1 : 0;
    s->check.bad = good ? 0 : s->check.bad + 1;
    if (down && s->check.good >= conf->rise)
        change(s, false, why);
    else if (!down && s->check.bad >= conf->fall)
        change(s, true, why);
}

static void *run_check(void *arg)
{
    struct job *job = arg;
    char why[CHECK_WHY_BYTES] = "";
    bool good = check_server(&job->what, &job->health->buffers, why);
    if (!green_cancelled() && job->standing->check.known)
        note(job->standing, &job->what.upstream->health_check, good, why);
    job->standing->check.under_way = false;
    job->health->under_way--;
    standing_release(job->standing);
    snapshot_release(job->snapshot);
    free(job);
    return NULL;
}

static void start_check(struct health *h, const struct health_subject *s)
{
    struct job *job = malloc(sizeof *job);
    if (!job)
        return; /* at its next turn, then */
    standing_hold_again(s->standing);
    *job =
        (struct job){.health = h, .snapshot = snapshot_hold(h->of), .standing = s->standing, .what = s->what};
    s->standing->check.under_way = true;
    h->under_way++;
    if (green_group_spawn_ex(&h->checks, NULL, &(green_attr_t){.name = "health check"}, run_check, job) == 0)
        return;
    s->standing->check.under_way = false;
    h->under_way--;
    standing_release(job->standing);
    snapshot_release(job->snapshot);
    free(job);
}

/* --- when -------------------------------------------------------------------------------------------------------------- */

/* Starts what is due; when to look again. */
static green_time start_due(struct health *h)
{
    green_time now = green_now(), next = now + LOOK_INTERVAL;
    for (size_t i = 0; i < h->count; i++) {
        struct health_subject *s = &h->subjects[i];
        int64_t every = s->what.upstream->health_check.every;
        if (!every)
            continue; /* it is known, that is all */
        if (s->standing->check.due <= now && !s->standing->check.under_way && h->under_way < CHECKS_MOST) {
            /* A tenth more or less, so that what began together does not stay so. */
            s->standing->check.due = now + every - every / 10 + some_of(h, every / 5);
            start_check(h, s);
        }
        if (s->standing->check.due < next)
            next = s->standing->check.due;
    }
    return next > now + LEAST_PAUSE ? next : now + LEAST_PAUSE;
}

static void *watch(void *arg)
{
    struct health *h = arg;
    green_time next = 0;
    while (green_sleep_until(next) == 0) {
        if (green_now() - h->looked >= LOOK_INTERVAL)
            look(h);
        next = start_due(h);
    }
    return NULL;
}

int health_begin(struct health *h, struct process *p)
{
    *h = (struct health){.process = p, .began = green_now(), .random = (uint64_t)green_now()};
    buffers_init(&h->buffers);
    green_group_init(&h->checks, 0);
    health_follow(h);
    return green_spawn_ex(&h->greenlet, &(green_attr_t){.name = "health"}, watch, h);
}

void health_end(struct health *h)
{
    if (!h->process)
        return;
    if (h->greenlet && green_kill(h->greenlet, GREEN_FOREVER) == 0)
        green_release(h->greenlet);
    green_group_destroy(&h->checks);
    drop_subjects(h);
    free(h->subjects);
    snapshot_release(h->of);
    buffers_destroy(&h->buffers);
}
