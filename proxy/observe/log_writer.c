/*
 * The queue and the thread of a log (log_writer.h). Who fills blocks takes the lock for a moment per block, never per
 * line, and the thread never holds it while it writes.
 */
#include "log_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error_log.h"
#include "log_output.h"

#define BLOCK_COUNT     128 /* 8 MiB of lines in all may wait for a slow file */
#define FREE_BLOCKS     4   /* so many are kept while nothing waits */
#define REPORT_INTERVAL GREEN_S(10)

STAILQ_HEAD(blocks, log_block);

struct log_writer {
    struct conf_log_target target; /* its texts are copies */
    const char *what, *name;       /* "access log", "/var/log/access.log" */
    atomic_uint_fast64_t lost;
    pthread_t thread;

    pthread_mutex_t lock; /* for all that follows */
    pthread_cond_t work;  /* queue, reopened or ending changed */
    pthread_cond_t ended_cond;
    struct blocks queue, free;
    size_t allocated, free_count;
    struct log_output reopened; /* to go over to, */
    bool reopen;                /* if this says so */
    bool stuck;                 /* all blocks wait, and that was said */
    bool ending;
    bool ended;     /* the thread has written everything */
    bool abandoned; /* nobody waits for that: the thread frees all */

    /* the thread's own */
    struct log_output out;
    bool failing;      /* the last write failed */
    uint64_t reported; /* of lost */
    green_time quiet_until;
};

/* --- blocks ------------------------------------------------------------------------------------------ */

struct log_block *log_writer_take(struct log_writer *w)
{
    pthread_mutex_lock(&w->lock);
    struct log_block *b = STAILQ_FIRST(&w->free);
    bool more = !b && w->allocated < BLOCK_COUNT, news = !b && !more && !w->stuck;
    w->stuck |= news;
    if (b) {
        STAILQ_REMOVE_HEAD(&w->free, link);
        w->free_count--;
    }
    w->allocated += more;
    pthread_mutex_unlock(&w->lock);
    if (more && !(b = malloc(sizeof *b))) {
        pthread_mutex_lock(&w->lock);
        w->allocated--;
        pthread_mutex_unlock(&w->lock);
    }
    if (news)
        error_log(LOG_LEVEL_WARNING, "the %s %s is stuck; lines are lost until it goes on", w->what, w->name);
    if (b)
        b->used = b->lines = 0;
    return b;
}

/* With the lock held. */
static void block_free(struct log_writer *w, struct log_block *b)
{
    if (w->free_count >= FREE_BLOCKS) {
        free(b);
        w->allocated--;
        return;
    }
    STAILQ_INSERT_HEAD(&w->free, b, link);
    w->free_count++;
}

void log_writer_give(struct log_writer *w, struct log_block *b)
{
    pthread_mutex_lock(&w->lock);
    if (w->ending) { /* too late, or the end would never come */
        atomic_fetch_add(&w->lost, b->lines);
        block_free(w, b);
    } else {
        STAILQ_INSERT_TAIL(&w->queue, b, link);
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
}

void log_writer_lose(struct log_writer *w, uint64_t lines)
{
    atomic_fetch_add(&w->lost, lines);
}

uint64_t log_writer_lost(const struct log_writer *w)
{
    return atomic_load(&w->lost);
}

/* --- the thread -------------------------------------------------------------------------------------- */

static void complain(struct log_writer *w, int error)
{
    if (!w->failing)
        error_log(LOG_LEVEL_ERROR, "cannot write the %s %s: %s; lines are lost until it works", w->what,
                  w->name, green_strerror(error));
    w->failing = true;
}

/* When the queue has been written out, or at the end; not in every other second of a long overload. With the lock
 * held. */
static void report_lost(struct log_writer *w)
{
    uint64_t lost = atomic_load(&w->lost) - w->reported;
    green_time now = green_now();
    if (!lost || (now < w->quiet_until && !w->ending))
        return;
    error_log(LOG_LEVEL_WARNING, "the %s %s has lost %llu lines", w->what, w->name, (unsigned long long)lost);
    w->reported += lost;
    w->quiet_until = now + REPORT_INTERVAL;
    w->stuck = false;
}

static void write_block(struct log_writer *w, const struct log_block *b)
{
    size_t lines;
    int r = log_output_write(&w->out, b->bytes, b->used, &lines);
    atomic_fetch_add(&w->lost, b->lines - lines);
    if (r < 0)
        complain(w, r);
    else
        w->failing = false;
}

/* With the lock held. */
static void go_over(struct log_writer *w)
{
    if (!w->reopen)
        return;
    log_output_close(&w->out);
    w->out = w->reopened;
    w->reopen = false;
}

static void destroy(struct log_writer *w)
{
    struct log_block *b;
    while ((b = STAILQ_FIRST(&w->free))) {
        STAILQ_REMOVE_HEAD(&w->free, link);
        free(b);
    }
    log_output_close(&w->out);
    if (w->reopen)
        log_output_close(&w->reopened);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->ended_cond);
    free((char *)(uintptr_t)w->target.written);
    free((char *)(uintptr_t)w->target.host);
    free(w);
}

static void *write_blocks(void *arg)
{
    struct log_writer *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        go_over(w);
        struct log_block *b = STAILQ_FIRST(&w->queue);
        if (b) {
            STAILQ_REMOVE_HEAD(&w->queue, link);
            pthread_mutex_unlock(&w->lock);
            write_block(w, b);
            pthread_mutex_lock(&w->lock);
            block_free(w, b);
            continue;
        }
        if (w->ending || !w->failing)
            report_lost(w);
        if (w->ending)
            break;
        pthread_cond_wait(&w->work, &w->lock);
    }
    w->ended = true;
    bool abandoned = w->abandoned;
    pthread_cond_signal(&w->ended_cond);
    pthread_mutex_unlock(&w->lock);
    if (abandoned)
        destroy(w);
    return NULL;
}

/* --- opening and closing ----------------------------------------------------------------------------- */

static int start_thread(struct log_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's, and SIGPIPE nobody's */
    int r = pthread_create(&w->thread, NULL, write_blocks, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

static struct log_writer *allocate(const struct conf_log_target *target, const char *what)
{
    struct log_writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    STAILQ_INIT(&w->queue);
    STAILQ_INIT(&w->free);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->ended_cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->out.fd = -1;
    w->what = what;
    w->target = *target;
    w->target.written = strdup(target->written);
    w->target.host = target->host ? strdup(target->host) : NULL;
    w->name = target->kind == CONF_LOG_STANDARD ? "on standard output" : w->target.written;
    if (w->target.written && (w->target.host || !target->host))
        return w;
    destroy(w);
    return NULL;
}

int log_writer_open(struct log_writer **out, const struct conf_log_target *target, const char *what)
{
    struct log_writer *w = allocate(target, what);
    if (!w)
        return -ENOMEM;
    int r = log_output_open(&w->out, &w->target);
    if (r < 0 && target->kind == CONF_LOG_SYSLOG) { /* it may come up later than we do */
        error_log(LOG_LEVEL_WARNING, "the %s %s is not there: %s; lines are lost until it is", what, w->name,
                  green_strerror(r));
        w->failing = true;
        r = 0;
    }
    if (r == 0)
        r = start_thread(w);
    if (r < 0) {
        destroy(w);
        return r;
    }
    *out = w;
    return 0;
}

int log_writer_reopen(struct log_writer *w)
{
    struct log_output new;
    if (w->target.kind != CONF_LOG_FILE) /* what speaks syslog is dialled again when it is needed */
        return 0;
    int r = log_output_open(&new, &w->target);
    if (r < 0)
        return r;
    pthread_mutex_lock(&w->lock);
    if (w->reopen)
        log_output_close(&w->reopened);
    w->reopened = new;
    w->reopen = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    return 0;
}

void log_writer_end(struct log_writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

bool log_writer_wait(struct log_writer *w, green_time deadline)
{
    struct timespec until = {.tv_sec = deadline / GREEN_S(1), .tv_nsec = deadline % GREEN_S(1)};
    int r = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->ended && r == 0)
        r = pthread_cond_timedwait(&w->ended_cond, &w->lock, &until);
    bool ended = w->ended;
    pthread_mutex_unlock(&w->lock);
    if (!ended)
        error_log(LOG_LEVEL_WARNING, "the %s %s is stuck: what waits for it is lost", w->what, w->name);
    return ended;
}

/* A thread that is stuck may stay in write(2) for ever: then all of it is the thread's. */
void log_writer_close(struct log_writer *w)
{
    pthread_t thread = w->thread;
    pthread_mutex_lock(&w->lock);
    bool ended = w->ended;
    w->abandoned = !ended;
    pthread_mutex_unlock(&w->lock);
    if (!ended) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    destroy(w);
}
