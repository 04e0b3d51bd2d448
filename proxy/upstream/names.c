/* Asking for the names of servers again and again (names.h). */
#include "names.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/error_log.h"

#define PATIENCE    GREEN_S(20) /* with one look-up; name servers are given up before */
#define FIRST_RETRY GREEN_S(1)  /* after a failure; each further pause is twice as long */

struct name {
    LIST_ENTRY(name) link;
    struct names *names;
    unsigned references; /* of those who joined, and of its greenlet once that runs */
    unsigned users;      /* of these, who joined */
    bool service;        /* its SRV records are asked for */
    green_t *refresher;
    green_park_t told; /* to ask at once */
    bool failing;      /* the last look-up did, and that was said */
    int64_t pause;     /* until the next look-up, while it fails */
    green_time good;   /* when it last succeeded */
    uint64_t asked, failed;
    green_shared_event_t answered;
    pthread_mutex_t lock; /* for the next two, for a few instructions */
    struct name_answer *answer;
    atomic_uint version;
    char *where; /* the file and line of a server of that name */
    char text[]; /* what is asked for */
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

unsigned name_version(const struct name *name)
{
    return atomic_load_explicit(&name->version, memory_order_relaxed);
}

struct name_answer *name_read(struct name *name, unsigned *version)
{
    pthread_mutex_lock(&name->lock);
    struct name_answer *a = name_answer_hold(name->answer);
    *version = name_version(name);
    pthread_mutex_unlock(&name->lock);
    return a;
}

int name_wait(struct name *name, green_time deadline)
{
    return green_shared_event_wait(&name->answered, deadline);
}

uint64_t name_asked(const struct name *name)
{
    return name->asked;
}

uint64_t name_failed(const struct name *name)
{
    return name->failed;
}

bool name_failing(const struct name *name)
{
    return name->failing;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* Takes the answer over. */
static void publish(struct name *name, struct name_answer *a)
{
    pthread_mutex_lock(&name->lock);
    struct name_answer *before = name->answer;
    name->answer = a;
    atomic_fetch_add_explicit(&name->version, 1, memory_order_relaxed);
    pthread_mutex_unlock(&name->lock);
    name_answer_release(before);
    green_shared_event_set(&name->answered);
}

static void succeeded(struct name *name, struct name_answer *a)
{
    struct name_answer *before = name->answer;
    if (name->failing)
        error_log(LOG_LEVEL_NOTICE, "the server name '%s' resolves again", name->text);
    name->failing = false;
    name->pause = FIRST_RETRY;
    name->good = green_now();
    if (name_answer_same(before, a)) {
        name_answer_release(a);
        green_shared_event_set(&name->answered);
        return;
    }
    if (before->count)
        error_log(LOG_LEVEL_INFO, "the server name '%s' has %zu servers now: %zu have come, %zu are gone",
                  name->text, a->count, name_answer_without(a, before), name_answer_without(before, a));
    publish(name, a);
}

/* The last good answer is better than none: a name server that is down must not take everything else with it. */
static void failed(struct name *name, int error)
{
    const struct name_answer *before = name->answer;
    bool stays = before->count && green_now() - name->good < name->names->conf.stale;
    name->failed++;
    if (!name->failing && stays)
        error_log(LOG_LEVEL_WARNING,
                  "%s: the server name '%s' does not resolve any more: %s; its %zu servers stay for now",
                  name->where, name->text, green_strerror(error), before->count);
    else if (!name->failing)
        error_log(LOG_LEVEL_WARNING, "%s: the server name '%s' does not resolve: %s; trying again",
                  name->where, name->text, green_strerror(error));
    name->failing = true;
    if (stays)
        return;
    if (before->count)
        error_log(LOG_LEVEL_WARNING,
                  "%s: the server name '%s' has not resolved for longer than dns_stale; its servers are gone",
                  name->where, name->text);
    struct name_answer *a = name_answer_failed(error);
    if (a)
        publish(name, a);
    else /* asked again soon */
        green_shared_event_set(&name->answered);
}

static int64_t next_pause(struct name *name)
{
    int64_t pause = name->pause, most = name->names->conf.retry;
    name->pause = pause < most / 2 ? pause * 2 : most;
    return pause < most ? pause : most;
}

/* Asks once; when to ask the next time. */
static green_time look_up(struct name *name)
{
    struct name_answer *a = NULL;
    green_time expires = 0;
    int r = name_answer_ask(name->text, name->service, &a, &expires, green_in(PATIENCE));
    if (r == -ECANCELED)
        return 0;
    name->asked++;
    if (r < 0) {
        failed(name, r);
        return green_in(next_pause(name));
    }
    succeeded(name, a);
    green_time soonest = green_in(name->names->conf.ttl_min), latest = green_in(name->names->conf.ttl_max);
    return expires < soonest ? soonest : expires < latest ? expires : latest;
}

static void release(struct name *name)
{
    if (--name->references)
        return;
    if (name->refresher)
        green_release(name->refresher);
    name_answer_release(name->answer);
    pthread_mutex_destroy(&name->lock);
    int r = green_shared_event_destroy(&name->answered); /* those who wait for it hold it */
    (void)r;
    free(name->where);
    free(name);
}

static void *refresh(void *arg)
{
    struct name *name = arg;
    name->references++;
    while (!green_cancelled()) {
        name->told = (green_park_t)GREEN_PARK_INIT;
        green_time next = look_up(name);
        green_expect_outside();
        int r = green_cancelled() ? 0 : green_park(&name->told, next);
        green_unexpect_outside();
        (void)r; /* the time has come, it was told, or it is to end */
    }
    release(name);
    return NULL;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

void names_init(struct names *n)
{
    *n = (struct names){.conf = {.ttl_min = 0}};
    LIST_INIT(&n->list);
    green_group_init(&n->refreshers, 0);
}

void names_configure(struct names *n, const struct conf_names *conf, bool again)
{
    struct name *name;
    n->conf = *conf;
    for (name = LIST_FIRST(&n->list); again && name; name = LIST_NEXT(name, link))
        green_wake(&name->told, 0);
}

static struct name *name_new(struct names *n, const struct conf_server *server, const char *text)
{
    size_t size = strlen(text) + 1;
    struct name *name = calloc(1, sizeof *name + size);
    if (!name)
        return NULL;
    *name = (struct name){
        .names = n, .references = 1, .users = 1, .service = server->service, .pause = FIRST_RETRY};
    memcpy(name->text, text, size);
    name->answer = name_answer_failed(GREEN_EAI_AGAIN);
    green_shared_event_init(&name->answered);
    pthread_mutex_init(&name->lock, NULL);
    if (asprintf(&name->where, "%s:%d", server->origin.file, server->origin.line) < 0)
        name->where = NULL;
    green_attr_t attr = {.name = "name", .background = true};
    if (name->answer && name->where &&
        green_group_spawn_ex(&n->refreshers, &name->refresher, &attr, refresh, name) == 0)
        return name;
    release(name);
    return NULL;
}

struct name *names_join(struct names *n, const struct conf_server *server)
{
    const char *text = server->service ? server->service : server->host;
    struct name *name;
    LIST_FOREACH(name, &n->list, link)
    if (name->service == (server->service != NULL) && strcmp(name->text, text) == 0) {
        name->references++;
        name->users++;
        return name;
    }
    name = name_new(n, server, text);
    if (name)
        LIST_INSERT_HEAD(&n->list, name, link);
    return name;
}

void name_leave(struct name *name)
{
    if (!name)
        return;
    if (--name->users == 0) {
        LIST_REMOVE(name, link);
        green_cancel(name->refresher);
    }
    release(name);
}

void names_end(struct names *n)
{
    int r = green_group_kill(&n->refreshers, GREEN_FOREVER);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "the look-ups of names did not end: %s", green_strerror(r));
}

/* --- whom to ask -------------------------------------------------------------------------------------------------- */

int names_use_servers(const struct conf *conf)
{
    char *list = NULL;
    size_t size = 0;
    int r = green_dns_patience(conf->names.timeout, 2);
    if (r < 0)
        return r;
    if (!conf->name_server_count)
        return green_dns_servers(NULL);
    FILE *out = open_memstream(&list, &size);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < conf->name_server_count; i++)
        fprintf(out, "%s%s", i ? "," : "", conf->name_servers[i].written);
    r = fclose(out) == 0 ? green_dns_servers(list) : -ENOMEM;
    free(list);
    return r;
}
