/*
 * Which requests have a line, and the way of the line into a block of the right writer. The writers are shared by all
 * workers and known by the text of their targets: "-", "syslog", "/var/log/access.log".
 */
#include "access_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#include "error_log.h"
#include "format.h"
#include "log_writer.h"

#define AGE      GREEN_MS(400) /* a flush leaves younger lines alone */
#define END_WAIT GREEN_S(2)    /* that closing waits for what is stuck */

/* A place that lines go to. */
struct place {
    SLIST_ENTRY(place) link;
    char *target;
    struct log_writer *writer;
    unsigned confs; /* how often configurations name it, and */
    unsigned slots; /* tails that have a slot for it: it stays until both are 0. Both under the log's lock */
    atomic_bool unused; /* no configuration is left */
};

/* What a worker has of a place. */
struct slot {
    SLIST_ENTRY(slot) link;
    struct place *place;
    struct log_block *block; /* NULL: nothing waits in this worker */
};

struct access_log_tail {
    SLIST_ENTRY(access_log_tail) link;
    struct access_log *log;
    SLIST_HEAD(, slot) slots;
    struct format_date date;
    uint64_t random;
};

struct access_log {
    pthread_mutex_t lock; /* for all that follows */
    SLIST_HEAD(places, place) places;
    SLIST_HEAD(, access_log_tail) tails;
    uint64_t lost; /* at places that are closed, or for want of memory */
};

/* --- what is asked for ------------------------------------------------------------------------------- */

static const struct conf_logging *listener_says(const struct access_entry *e)
{
    return &e->listener->logging;
}

/* NULL: no route, or one that says nothing about logs. */
static const struct conf_logging *route_says(const struct access_entry *e)
{
    return e->route ? &e->route->logging : NULL;
}

static const struct conf_log_target *target_of(const struct access_entry *e)
{
    const struct conf_logging *route = route_says(e);
    return route && route->target.written ? &route->target : &listener_says(e)->target;
}

const struct conf_log_format *access_log_format(const struct access_entry *e)
{
    const struct conf_logging *route = route_says(e);
    return route && route->format.written ? &route->format : &listener_says(e)->format;
}

static bool is_error(const struct access_entry *e)
{
    return e->status >= 500 || *e->reason;
}

static bool is_true(const struct conf_log_condition *c, const struct access_entry *e)
{
    switch (c->when) {
    case CONF_LOG_STATUS:
        return e->status == c->status || e->status / 100 == c->status;
    case CONF_LOG_SLOWER:
        return e->ended - e->started > c->longer_than;
    case CONF_LOG_ERROR:
        return is_error(e);
    case CONF_LOG_ALL:
        break;
    }
    return true;
}

/* splitmix64 */
static uint64_t next_random(struct access_log_tail *tail)
{
    uint64_t x = tail->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static bool meets_conditions(struct access_log_tail *tail, const struct access_entry *e)
{
    const struct conf_logging *listener = listener_says(e), *route = route_says(e);
    const struct conf_logging *when = route && route->when_count ? route : listener;
    const struct conf_log_sample *sample =
        route && route->sample.written ? &route->sample : &listener->sample;
    for (size_t i = 0; i < when->when_count; i++)
        if (is_true(&when->when[i], e))
            return true;
    if (!when->when_count && (!sample->of || is_error(e)))
        return true;
    return sample->of && next_random(tail) % (uint64_t)sample->of == 0;
}

const struct conf_log_format *access_log_wants(struct access_log_tail *tail, const struct access_entry *e)
{
    return target_of(e)->kind != CONF_LOG_OFF && meets_conditions(tail, e) ? access_log_format(e) : NULL;
}

/* --- places ------------------------------------------------------------------------------------------ */

static void place_free(struct place *p)
{
    free(p->target);
    free(p);
}

/* With the lock held. */
static struct place *find(struct access_log *log, const char *target)
{
    struct place *p;
    SLIST_FOREACH(p, &log->places, link)
    if (!strcmp(p->target, target))
        return p;
    return NULL;
}

/* With the lock held: nobody is left who writes to it. */
static void close_if_unused(struct access_log *log, struct place *p)
{
    if (p->confs || p->slots)
        return;
    SLIST_REMOVE(&log->places, p, place, link);
    log->lost += log_writer_lost(p->writer);
    log_writer_end(p->writer);
    log_writer_close(p->writer);
    place_free(p);
}

static struct place *open_place(const struct conf_log_target *target)
{
    struct place *p = calloc(1, sizeof *p);
    int r = p && (p->target = strdup(target->written)) ? log_writer_open(&p->writer, target, "access log")
                                                       : -ENOMEM;
    if (r == 0)
        return p;
    const char *hint = r == -ENOENT   ? "; its folder has to be there"
                       : r == -EACCES ? "; whom greenway runs as must be allowed to write there"
                       : r == -ENXIO  ? "; nobody reads that FIFO"
                                      : "";
    error_log(LOG_LEVEL_ERROR, "cannot open the access log %s: %s%s", target->written, green_strerror(r),
              hint);
    if (p)
        place_free(p);
    return NULL;
}

static bool leads_somewhere(const struct conf_log_target *target)
{
    return target->written && target->kind != CONF_LOG_OFF;
}

static int open_target(struct access_log *log, const struct conf_log_target *target)
{
    if (!leads_somewhere(target) || find(log, target->written))
        return 0;
    struct place *p = open_place(target);
    if (p)
        SLIST_INSERT_HEAD(&log->places, p, link);
    return p ? 0 : -1;
}

static int enter_target(struct access_log *log, const struct conf_log_target *target)
{
    if (!leads_somewhere(target))
        return 0;
    struct place *p = find(log, target->written);
    p->confs++;
    atomic_store(&p->unused, false);
    return 0;
}

static int leave_target(struct access_log *log, const struct conf_log_target *target)
{
    if (!leads_somewhere(target))
        return 0;
    struct place *p = find(log, target->written);
    p->confs--;
    atomic_store(&p->unused, p->confs == 0);
    close_if_unused(log, p);
    return 0;
}

/* Calls f for each target of a configuration, as often as it stands there, until one says no. With the lock held. */
static int each_target(struct access_log *log, const struct conf *conf,
                       int (*f)(struct access_log *log, const struct conf_log_target *target))
{
    int r = 0;
    for (size_t i = 0; i < conf->listener_count && r == 0; i++)
        r = f(log, &conf->listeners[i].logging.target);
    for (size_t i = 0; i < conf->route_count && r == 0; i++)
        r = f(log, &conf->routes[i].logging.target);
    return r;
}

static void close_unused(struct access_log *log)
{
    for (struct place *p = SLIST_FIRST(&log->places), *next; p; p = next) {
        next = SLIST_NEXT(p, link);
        close_if_unused(log, p);
    }
}

int access_log_add(struct access_log *log, const struct conf *conf)
{
    pthread_mutex_lock(&log->lock);
    int r = each_target(log, conf, open_target);
    if (r == 0)
        r = each_target(log, conf, enter_target);
    else
        close_unused(log);
    pthread_mutex_unlock(&log->lock);
    return r;
}

void access_log_release(struct access_log *log, const struct conf *conf)
{
    pthread_mutex_lock(&log->lock);
    each_target(log, conf, leave_target);
    pthread_mutex_unlock(&log->lock);
}

int access_log_reopen(struct access_log *log)
{
    struct place *p;
    int result = 0;
    pthread_mutex_lock(&log->lock);
    SLIST_FOREACH(p, &log->places, link)
    {
        int r = log_writer_reopen(p->writer);
        result = result < 0 ? result : r;
    }
    pthread_mutex_unlock(&log->lock);
    return result;
}

uint64_t access_log_dropped(struct access_log *log)
{
    struct place *p;
    pthread_mutex_lock(&log->lock);
    uint64_t lost = log->lost;
    SLIST_FOREACH(p, &log->places, link)
    lost += log_writer_lost(p->writer);
    pthread_mutex_unlock(&log->lock);
    return lost;
}

/* --- the whole --------------------------------------------------------------------------------------- */

struct access_log *access_log_open(const struct conf *conf)
{
    struct access_log *log = calloc(1, sizeof *log);
    if (!log) {
        error_log(LOG_LEVEL_ERROR, "no memory for the access log");
        return NULL;
    }
    pthread_mutex_init(&log->lock, NULL);
    SLIST_INIT(&log->places);
    SLIST_INIT(&log->tails);
    if (access_log_add(log, conf) == 0)
        return log;
    access_log_close(log);
    return NULL;
}

/* What is stuck has the same bounded time together. With the lock held. */
static void end_places(struct access_log *log)
{
    struct place *p;
    green_time deadline = green_in(END_WAIT);
    SLIST_FOREACH(p, &log->places, link)
    log_writer_end(p->writer);
    SLIST_FOREACH(p, &log->places, link)
    log_writer_wait(p->writer, deadline);
}

void access_log_finish(struct access_log *log)
{
    pthread_mutex_lock(&log->lock);
    end_places(log);
    pthread_mutex_unlock(&log->lock);
}

static void tail_free(struct access_log_tail *tail)
{
    struct slot *s;
    access_log_flush(tail, true);
    while ((s = SLIST_FIRST(&tail->slots))) {
        SLIST_REMOVE_HEAD(&tail->slots, link);
        free(s);
    }
    free(tail);
}

void access_log_close(struct access_log *log)
{
    struct access_log_tail *tail;
    struct place *p;
    while ((tail = SLIST_FIRST(&log->tails))) {
        SLIST_REMOVE_HEAD(&log->tails, link);
        tail_free(tail);
    }
    end_places(log);
    while ((p = SLIST_FIRST(&log->places))) {
        SLIST_REMOVE_HEAD(&log->places, link);
        log_writer_close(p->writer);
        place_free(p);
    }
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* --- workers ----------------------------------------------------------------------------------------- */

struct access_log_tail *access_log_tail(struct access_log *log)
{
    struct access_log_tail *tail = calloc(1, sizeof *tail);
    if (!tail || getrandom(&tail->random, sizeof tail->random, 0) != sizeof tail->random) {
        free(tail);
        return NULL;
    }
    tail->log = log;
    SLIST_INIT(&tail->slots);
    pthread_mutex_lock(&log->lock);
    SLIST_INSERT_HEAD(&log->tails, tail, link);
    pthread_mutex_unlock(&log->lock);
    return tail;
}

/* The first line of this worker for a place. NULL: it is not there, or there is no memory; the line is lost. */
static struct slot *add_slot(struct access_log_tail *tail, const char *target)
{
    struct access_log *log = tail->log;
    struct slot *s = calloc(1, sizeof *s);
    pthread_mutex_lock(&log->lock);
    struct place *p = find(log, target);
    if (s && p) {
        s->place = p;
        p->slots++;
    } else {
        log->lost++;
    }
    pthread_mutex_unlock(&log->lock);
    if (s && s->place) {
        SLIST_INSERT_HEAD(&tail->slots, s, link);
        return s;
    }
    free(s);
    return NULL;
}

static struct slot *slot_for(struct access_log_tail *tail, const char *target)
{
    struct slot *s;
    SLIST_FOREACH(s, &tail->slots, link)
    if (!strcmp(s->place->target, target))
        return s;
    return add_slot(tail, target);
}

static void hand_over(struct slot *s)
{
    log_writer_give(s->place->writer, s->block);
    s->block = NULL;
}

/* Room for a line, or NULL. */
static struct log_block *room(struct slot *s)
{
    struct log_block *b = s->block;
    if (b && LOG_BLOCK_BYTES - b->used >= FORMAT_LINE_BYTES)
        return b;
    if (b)
        hand_over(s);
    s->block = b = log_writer_take(s->place->writer);
    if (b)
        b->first = green_turn_time();
    return b;
}

static char *put_line(char *at, struct access_log_tail *tail, const struct access_entry *entry,
                      int64_t started)
{
    const struct conf_log_format *format = access_log_format(entry);
    switch (format->form) {
    case CONF_LOG_COMBINED:
        return format_combined(at, entry, &tail->date, started);
    case CONF_LOG_CUSTOM:
        return format_custom(at, entry, format, &tail->date, started);
    case CONF_LOG_JSON:
        break;
    }
    return format_json(at, entry, &tail->date, started);
}

void access_log_write(struct access_log_tail *tail, const struct access_entry *entry)
{
    struct slot *s = slot_for(tail, target_of(entry)->written);
    if (!s)
        return;
    struct log_block *b = room(s);
    if (!b) {
        log_writer_lose(s->place->writer, 1);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t started = GREEN_S(now.tv_sec) + now.tv_nsec - (entry->ended - entry->started);
    char *at = b->bytes + b->used;
    b->used += (size_t)(put_line(at, tail, entry, started) - at);
    b->lines++;
}

/* No configuration leads there any more. */
static void drop_slot(struct access_log_tail *tail, struct slot *s)
{
    struct access_log *log = tail->log;
    SLIST_REMOVE(&tail->slots, s, slot, link);
    pthread_mutex_lock(&log->lock);
    s->place->slots--;
    close_if_unused(log, s->place);
    pthread_mutex_unlock(&log->lock);
    free(s);
}

void access_log_flush(struct access_log_tail *tail, bool now)
{
    for (struct slot *s = SLIST_FIRST(&tail->slots), *next; s; s = next) {
        next = SLIST_NEXT(s, link);
        if (s->block && (now || green_turn_time() - s->block->first >= AGE))
            hand_over(s);
        if (!s->block && atomic_load(&s->place->unused))
            drop_slot(tail, s);
    }
}
