/*
 * The way of a line: formatted into the worker's block, the block handed to the log's queue when it is full
 * or aged, written by the log's thread, and back to the free list. Workers take the lock for a moment per
 * block, never per line, and the thread never holds it while it writes.
 */
#include "access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "error_log.h"
#include "format.h"

#define BLOCK_BYTES     ((size_t)64 * 1024)
#define BLOCK_COUNT     128           /* 8 MiB of lines in all may wait for a slow file */
#define FREE_BLOCKS     4             /* so many are kept while nothing waits */
#define AGE             GREEN_MS(400) /* a flush leaves younger lines alone */
#define END_WAIT        2             /* seconds that closing waits for a stuck file */
#define REPORT_INTERVAL GREEN_S(10)

struct block {
    STAILQ_ENTRY(block) link;
    size_t used, lines;
    green_time first; /* when its first line came */
    char bytes[BLOCK_BYTES];
};
STAILQ_HEAD(blocks, block);

struct access_log_tail {
    SLIST_ENTRY(access_log_tail) link;
    struct access_log *log;
    struct block *block; /* NULL: nothing waits in this worker */
    struct format_date date;
};

struct access_log {
    char *path; /* NULL: standard output, or off */
    bool off;
    enum conf_log_format format;
    atomic_uint_fast64_t dropped;
    pthread_t thread;

    pthread_mutex_t lock; /* for all that follows */
    pthread_cond_t work;  /* queue, reopened or ending changed */
    pthread_cond_t ended_cond;
    struct blocks queue, free;
    size_t allocated, free_count;
    int reopened; /* a descriptor to go over to, or -1 */
    bool stuck;   /* all blocks wait, and that was said */
    bool ending;
    bool ended;     /* the thread has written everything */
    bool abandoned; /* nobody waits for that: the thread frees all */
    SLIST_HEAD(, access_log_tail) tails;

    /* the thread's own */
    int fd;
    bool torn;         /* the last write stopped in mid-line */
    bool failing;      /* the last write failed */
    uint64_t reported; /* of dropped */
    green_time quiet_until;
};

static const char *name_of(const struct access_log *log)
{
    return log->path ? log->path : "on standard output";
}

/* --- blocks ------------------------------------------------------------------------------------- */

/* An empty block, or NULL when too many wait for the file already. */
static struct block *block_take(struct access_log *log)
{
    pthread_mutex_lock(&log->lock);
    struct block *b = STAILQ_FIRST(&log->free);
    bool more = !b && log->allocated < BLOCK_COUNT, news = !b && !more && !log->stuck;
    log->stuck |= news;
    if (b) {
        STAILQ_REMOVE_HEAD(&log->free, link);
        log->free_count--;
    }
    log->allocated += more;
    pthread_mutex_unlock(&log->lock);
    if (more && !(b = malloc(sizeof *b))) {
        pthread_mutex_lock(&log->lock);
        log->allocated--;
        pthread_mutex_unlock(&log->lock);
    }
    if (news)
        error_log(LOG_LEVEL_WARNING, "the access log %s is stuck; lines are lost until it goes on",
                  name_of(log));
    if (b)
        b->used = b->lines = 0;
    return b;
}

/* With the lock held. */
static void block_give(struct access_log *log, struct block *b)
{
    if (log->free_count >= FREE_BLOCKS) {
        free(b);
        log->allocated--;
        return;
    }
    STAILQ_INSERT_HEAD(&log->free, b, link);
    log->free_count++;
}

static void hand_over(struct access_log_tail *tail)
{
    struct access_log *log = tail->log;
    pthread_mutex_lock(&log->lock);
    if (log->ending) { /* too late, or the end would never come */
        atomic_fetch_add(&log->dropped, tail->block->lines);
        block_give(log, tail->block);
    } else {
        STAILQ_INSERT_TAIL(&log->queue, tail->block, link);
        pthread_cond_signal(&log->work);
    }
    pthread_mutex_unlock(&log->lock);
    tail->block = NULL;
}

static void destroy(struct access_log *log)
{
    struct block *b;
    struct access_log_tail *tail;
    while ((b = STAILQ_FIRST(&log->free))) {
        STAILQ_REMOVE_HEAD(&log->free, link);
        free(b);
    }
    while ((tail = SLIST_FIRST(&log->tails))) {
        SLIST_REMOVE_HEAD(&log->tails, link);
        free(tail);
    }
    if (log->path && log->fd >= 0)
        close(log->fd);
    if (log->reopened >= 0)
        close(log->reopened);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->work);
    pthread_cond_destroy(&log->ended_cond);
    free(log->path);
    free(log);
}

/* --- the thread --------------------------------------------------------------------------------- */

static void failed(struct access_log *log, int error)
{
    if (!log->failing)
        error_log(LOG_LEVEL_ERROR, "cannot write the access log %s: %s; lines are lost until it works",
                  name_of(log), strerror(error));
    log->failing = true;
}

/* When the queue has been written out, or at the end; not in every other second of a long overload. With the
 * lock held. */
static void report_lost(struct access_log *log)
{
    uint64_t lost = atomic_load(&log->dropped) - log->reported;
    green_time now = green_now();
    if (!lost || (now < log->quiet_until && !log->ending))
        return;
    error_log(LOG_LEVEL_WARNING, "the access log %s has lost %llu lines", name_of(log),
              (unsigned long long)lost);
    log->reported += lost;
    log->quiet_until = now + REPORT_INTERVAL;
    log->stuck = false;
}

/* Everything, however slowly it goes; 0 or the error, with *done saying how much went. */
static int write_all(int fd, const char *p, size_t n, size_t *done)
{
    for (*done = 0; *done < n;) {
        ssize_t r = write(fd, p + *done, n - *done);
        if (r > 0) {
            *done += (size_t)r;
        } else if (r < 0 && errno == EAGAIN) { /* somebody made standard output non-blocking */
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            poll(&writable, 1, 1000);
        } else if (r == 0 || errno != EINTR) {
            return r == 0 ? EIO : errno;
        }
    }
    return 0;
}

static size_t count_lines(const char *p, size_t n)
{
    size_t lines = 0;
    for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        lines++;
    return lines;
}

static void write_block(struct access_log *log, const struct block *b)
{
    size_t done = 0;
    int error = log->torn ? write_all(log->fd, "\n", 1, &done) : 0;
    if (!error) {
        log->torn = false;
        error = write_all(log->fd, b->bytes, b->used, &done);
        log->torn = done && b->bytes[done - 1] != '\n';
    } else {
        done = 0;
    }
    atomic_fetch_add(&log->dropped, b->lines - count_lines(b->bytes, done));
    if (error)
        failed(log, error);
    else
        log->failing = false;
}

/* With the lock held. */
static void go_over(struct access_log *log)
{
    if (log->reopened < 0)
        return;
    close(log->fd);
    log->fd = log->reopened;
    log->reopened = -1;
    log->torn = false;
}

static void *write_blocks(void *arg)
{
    struct access_log *log = arg;
    pthread_mutex_lock(&log->lock);
    for (;;) {
        go_over(log);
        struct block *b = STAILQ_FIRST(&log->queue);
        if (b) {
            STAILQ_REMOVE_HEAD(&log->queue, link);
            pthread_mutex_unlock(&log->lock);
            write_block(log, b);
            pthread_mutex_lock(&log->lock);
            block_give(log, b);
            continue;
        }
        if (log->ending || !log->failing)
            report_lost(log);
        if (log->ending)
            break;
        pthread_cond_wait(&log->work, &log->lock);
    }
    log->ended = true;
    bool abandoned = log->abandoned;
    pthread_cond_signal(&log->ended_cond);
    pthread_mutex_unlock(&log->lock);
    if (abandoned)
        destroy(log);
    return NULL;
}

/* --- opening and closing ------------------------------------------------------------------------ */

/* A FIFO that nobody reads is an error and not a wait; afterwards writes wait, in the log's thread. */
static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0)
        return -errno;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    return fd;
}

static int start_thread(struct access_log *log)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's, and SIGPIPE nobody's */
    int r = pthread_create(&log->thread, NULL, write_blocks, log);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

static struct access_log *allocate(const char *target, enum conf_log_format format)
{
    struct access_log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->off = !strcmp(target, "off");
    log->format = format;
    log->fd = STDOUT_FILENO;
    log->reopened = -1;
    STAILQ_INIT(&log->queue);
    STAILQ_INIT(&log->free);
    SLIST_INIT(&log->tails);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->work, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&log->ended_cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (log->off || !strcmp(target, "-") || (log->path = strdup(target)))
        return log;
    destroy(log);
    return NULL;
}

struct access_log *access_log_open(const char *target, enum conf_log_format format)
{
    struct access_log *log = allocate(target, format);
    if (!log) {
        error_log(LOG_LEVEL_ERROR, "no memory for the access log");
        return NULL;
    }
    int r = log->path ? log->fd = open_file(log->path) : 0;
    if (r >= 0 && !log->off)
        r = start_thread(log);
    if (r >= 0)
        return log;
    error_log(LOG_LEVEL_ERROR, "cannot open the access log %s: %s", target, strerror(-r));
    destroy(log);
    return NULL;
}

struct access_log_tail *access_log_tail(struct access_log *log)
{
    struct access_log_tail *tail = calloc(1, sizeof *tail);
    if (!tail)
        return NULL;
    tail->log = log;
    pthread_mutex_lock(&log->lock);
    SLIST_INSERT_HEAD(&log->tails, tail, link);
    pthread_mutex_unlock(&log->lock);
    return tail;
}

int access_log_reopen(struct access_log *log)
{
    if (!log->path)
        return 0;
    int fd = open_file(log->path);
    if (fd < 0)
        return fd;
    pthread_mutex_lock(&log->lock);
    if (log->reopened >= 0)
        close(log->reopened);
    log->reopened = fd;
    pthread_cond_signal(&log->work);
    pthread_mutex_unlock(&log->lock);
    return 0;
}

/* With the lock held: has the thread written everything, within bounds? */
static bool thread_ends(struct access_log *log)
{
    struct timespec deadline;
    int r = 0;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += END_WAIT;
    log->ending = true;
    pthread_cond_signal(&log->work);
    while (!log->ended && r == 0)
        r = pthread_cond_timedwait(&log->ended_cond, &log->lock, &deadline);
    if (!log->ended)
        error_log(LOG_LEVEL_WARNING, "the access log %s is stuck: what waits for it is lost", name_of(log));
    return log->ended;
}

void access_log_finish(struct access_log *log)
{
    if (log->off)
        return;
    pthread_mutex_lock(&log->lock);
    thread_ends(log);
    pthread_mutex_unlock(&log->lock);
}

/* False if the file is stuck: the log is the thread's then, which may stay in write(2) for ever. */
static bool end_thread(struct access_log *log)
{
    pthread_t thread = log->thread;
    pthread_mutex_lock(&log->lock);
    bool ended = thread_ends(log);
    log->abandoned = !ended;
    pthread_mutex_unlock(&log->lock);
    if (ended)
        pthread_join(thread, NULL);
    else
        pthread_detach(thread);
    return ended;
}

void access_log_close(struct access_log *log)
{
    struct access_log_tail *tail;
    SLIST_FOREACH(tail, &log->tails, link)
    access_log_flush(tail, true);
    if (log->off || end_thread(log))
        destroy(log);
}

/* --- workers ------------------------------------------------------------------------------------ */

bool access_log_wanted(const struct access_log_tail *tail)
{
    return !tail->log->off;
}

uint64_t access_log_dropped(const struct access_log *log)
{
    return atomic_load(&log->dropped);
}

/* Room for a line, or NULL. */
static struct block *room(struct access_log_tail *tail)
{
    struct block *b = tail->block;
    if (b && BLOCK_BYTES - b->used >= FORMAT_LINE_BYTES)
        return b;
    if (b)
        hand_over(tail);
    tail->block = b = block_take(tail->log);
    if (b)
        b->first = green_turn_time();
    return b;
}

void access_log_write(struct access_log_tail *tail, const struct access_entry *entry)
{
    if (tail->log->off)
        return;
    struct block *b = room(tail);
    if (!b) {
        atomic_fetch_add(&tail->log->dropped, 1);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t started = GREEN_S(now.tv_sec) + now.tv_nsec - (entry->ended - entry->started);
    char *at = b->bytes + b->used;
    char *end = tail->log->format == CONF_LOG_JSON ? format_json(at, entry, &tail->date, started)
                                                   : format_combined(at, entry, &tail->date, started);
    b->used += (size_t)(end - at);
    b->lines++;
}

void access_log_flush(struct access_log_tail *tail, bool now)
{
    if (tail->block && (now || green_turn_time() - tail->block->first >= AGE))
        hand_over(tail);
}
