/*
 * The datagram server (datagram.h): one greenlet receives, one handles each datagram. As with the stream server, what is
 * left to do after a greenlet hangs on its end as a link, for it may be cancelled before it ever ran.
 */
#include "datagram.h"

#include <stdlib.h>
#include <string.h>

#include "../core/waiter.h"
#include "listener.h"
#include "message.h"

#define DEFAULT_HANDLERS     1000
#define DEFAULT_SIZE         65535
#define DEFAULT_STOP_TIMEOUT GREEN_S(1)
#define MOST_IN_A_ROW        100          /* receives before others have their turn */
#define PAUSE                GREEN_MS(10) /* after a receive failed */

struct job {
    struct list link;
    green_datagram_server_t *server;
    green_t *greenlet;
    green_link_t end;
    green_address_t from;
    size_t size;
    char data[];
};

struct reader {
    struct list link;
    green_datagram_server_t *server;
    green_t *greenlet;
    green_link_t end;
    bool handling; /* it runs a handler itself */
    char buffer[]; /* options.size */
};

struct green_datagram_server {
    green_datagram_options_t options;
    green_datagram_fn fn;
    void *arg;
    char *text; /* the address; NULL: made from a descriptor */
    green_hub_t *hub;
    bool started, given_up;
    int failure;           /* for which receiving ended, else 0 */
    unsigned holds;        /* jobs, readers and calls that wait inside: the memory stays */
    struct reader *reader; /* the one in charge; NULL: not receiving. Others are on their way out. */
    struct listener listener;
    struct list readers, jobs;
    size_t queued; /* jobs */
    struct green_chain changes;
    green_datagram_stats_t stats;
};

static void hold(green_datagram_server_t *s)
{
    s->holds++;
}

static void let_go(green_datagram_server_t *s)
{
    if (--s->holds || !s->given_up)
        return;
    free(s->text);
    free(s);
}

static int wait_for_change(green_datagram_server_t *s, const char *what, green_time deadline)
{
    struct waiter me = {0};
    return green__wait_in(&s->changes, &me, what, s, deadline);
}

static void report(green_datagram_server_t *s, const green_address_t *from, int error)
{
    if (s->options.on_error && error != -ECANCELED)
        s->options.on_error(s, from, error, s->arg);
}

/* --- handling ---------------------------------------------------------------------------------------------------- */

static void handle(green_datagram_server_t *s, const void *data, size_t size, const green_address_t *from)
{
    const green_datagram_t datagram = {.data = data, .size = size, .from = from};
    s->stats.active++;
    int r = s->fn(s, &datagram, s->arg);
    s->stats.active--;
    s->stats.failed += r < 0 && r != -ECANCELED;
    if (r < 0)
        report(s, from, r);
}

static void *run_job(void *arg)
{
    struct job *job = arg;
    handle(job->server, job->data, job->size, &job->from);
    return NULL;
}

static void job_ended(green_link_t *end)
{
    struct job *job = CONTAINER_OF(end, struct job, end);
    green_datagram_server_t *s = job->server;
    green_release(job->greenlet);
    list_remove(&job->link);
    free(job);
    s->queued--;
    green__wake_all(&s->changes, 0);
    let_go(s);
}

static int start_job(green_datagram_server_t *s, const char *data, size_t size, const green_address_t *from)
{
    green_attr_t attr = {.stack_size = s->options.stack_size, .name = s->options.name};
    struct job *job = malloc(sizeof *job + size);
    if (!job)
        return -ENOMEM;
    job->server = s;
    job->from = *from;
    job->size = size;
    memcpy(job->data, data, size);
    int r = green_spawn_ex(&job->greenlet, &attr, run_job, job);
    if (r < 0) {
        free(job);
        return r;
    }
    green_rawlink(green_waitable(job->greenlet), &job->end, job_ended);
    list_push(&s->jobs, &job->link);
    s->queued++;
    hold(s);
    return 0;
}

/* --- receiving --------------------------------------------------------------------------------------------------- */

static int wait_for_room(struct reader *me)
{
    green_datagram_server_t *s = me->server;
    int r = 0;
    while (r == 0 && s->reader == me && s->queued >= s->options.handlers)
        r = wait_for_change(s, "a handler to end", GREEN_FOREVER);
    return r < 0 ? r : s->reader == me ? 0 : -ECANCELED;
}

static int take(struct reader *me, size_t size, const green_address_t *from)
{
    green_datagram_server_t *s = me->server;
    if (size > s->options.size) {
        s->stats.dropped++;
        return 0;
    }
    s->stats.received++;
    if (!s->options.in_order)
        return start_job(s, me->buffer, size, from);
    me->handling = true;
    handle(s, me->buffer, size, from);
    me->handling = false;
    return 0;
}

/* After a receive failed: fatal if the descriptor is not what it was, else a matter of memory, or news about a datagram
 * that was sent earlier. */
static int step_back(struct reader *me, int error)
{
    green_datagram_server_t *s = me->server;
    if (error == -ECANCELED || s->reader != me)
        return -ECANCELED;
    report(s, NULL, error);
    if (error == -EBADF || error == -EINVAL || error == -ENOTSOCK) {
        s->failure = error;
        green_datagram_server_close(s);
        return error;
    }
    return green_sleep(PAUSE);
}

static int receive_one(struct reader *me)
{
    green_datagram_server_t *s = me->server;
    green_address_t from = {0};
    int r = wait_for_room(me);
    if (r < 0)
        return r;
    ssize_t n = green_recvfrom(s->listener.fd, me->buffer, s->options.size, MSG_TRUNC, &from, GREEN_FOREVER);
    r = n < 0 ? (int)n : take(me, (size_t)n, &from);
    return r < 0 ? step_back(me, r) : 0;
}

static void *receive(void *arg)
{
    struct reader *me = arg;
    for (unsigned taken = 0; receive_one(me) == 0;)
        if (++taken % MOST_IN_A_ROW == 0 && green_yield() < 0)
            break;
    return NULL;
}

static void reader_ended(green_link_t *end)
{
    struct reader *reader = CONTAINER_OF(end, struct reader, end);
    green_datagram_server_t *s = reader->server;
    green_release(reader->greenlet);
    list_remove(&reader->link);
    free(reader);
    green__wake_all(&s->changes, 0);
    let_go(s);
}

static int begin_receiving(green_datagram_server_t *s)
{
    green_attr_t attr = {.name = s->options.name,
                         .stack_size = s->options.in_order ? s->options.stack_size : 0};
    struct reader *reader = malloc(sizeof *reader + s->options.size);
    if (!reader)
        return -ENOMEM;
    reader->server = s;
    reader->handling = false;
    int r = green_spawn_ex(&reader->greenlet, &attr, receive, reader);
    if (r < 0) {
        free(reader);
        return r;
    }
    green_rawlink(green_waitable(reader->greenlet), &reader->end, reader_ended);
    list_push(&s->readers, &reader->link);
    hold(s);
    s->reader = reader;
    return 0;
}

/* The one that runs a handler finds out when that has returned. */
static void end_receiving(green_datagram_server_t *s)
{
    struct reader *reader = s->reader;
    s->reader = NULL;
    s->started = false;
    if (reader && !reader->handling)
        green_cancel(reader->greenlet);
    green__wake_all(&s->changes, 0);
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static int make(green_datagram_server_t **out, green_datagram_fn fn, void *arg,
                const green_datagram_options_t *options)
{
    static const green_datagram_options_t defaults;
    const green_datagram_options_t *o = options ? options : &defaults;
    if (!fn || o->stop_timeout < 0 || o->size > DEFAULT_SIZE)
        return -EINVAL;
    green_datagram_server_t *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->options = *o;
    if (!s->options.handlers)
        s->options.handlers = DEFAULT_HANDLERS;
    if (!s->options.size)
        s->options.size = DEFAULT_SIZE;
    if (!s->options.stop_timeout)
        s->options.stop_timeout = DEFAULT_STOP_TIMEOUT;
    if (!s->options.name)
        s->options.name = "datagram";
    s->fn = fn;
    s->arg = arg;
    s->listener.fd = -1;
    list_init(&s->jobs);
    list_init(&s->readers);
    *out = s;
    return 0;
}

int green_datagram_server_new(green_datagram_server_t **out, const char *address, green_datagram_fn fn,
                              void *arg, const green_datagram_options_t *options)
{
    int r = address ? make(out, fn, arg, options) : -EINVAL;
    if (r < 0)
        return r;
    (*out)->text = strdup(address);
    if ((*out)->text)
        return 0;
    free(*out);
    return -ENOMEM;
}

int green_datagram_server_new_fd(green_datagram_server_t **out, int fd, green_datagram_fn fn, void *arg,
                                 const green_datagram_options_t *options)
{
    int r = make(out, fn, arg, options);
    if (r < 0)
        return r;
    r = green__listener_adopt(&(*out)->listener, fd, SOCK_DGRAM);
    if (r < 0)
        free(*out);
    return r;
}

/* --- its life ---------------------------------------------------------------------------------------------------- */

static bool belongs_elsewhere(const green_datagram_server_t *s)
{
    return s->started && s->hub != green_hub();
}

/* The socket, if it has to be made. 1: somebody else was faster, or it was given up meanwhile. */
static int open_listener(green_datagram_server_t *s, green_time deadline)
{
    struct listener listener;
    hold(s);
    int r = green__listener_open(&listener, s->text, SOCK_DGRAM, 0, s->options.reuseport, deadline);
    if (r == 0 && (s->given_up || s->started)) {
        green__listener_close(&listener);
        r = 1;
    } else if (r == 0) {
        s->listener = listener;
    }
    let_go(s);
    return r;
}

int green_datagram_server_start(green_datagram_server_t *s, green_time deadline)
{
    if (belongs_elsewhere(s))
        return -EXDEV;
    if (s->started)
        return 0;
    if (s->text) {
        green__listener_close(&s->listener); /* a stop that ended early has left it open */
        int r = open_listener(s, deadline);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    if (s->listener.fd < 0)
        return -EBADF;
    int r = begin_receiving(s);
    if (r < 0) {
        if (s->text)
            green__listener_close(&s->listener);
        return r;
    }
    s->failure = 0;
    s->started = true;
    s->hub = green_hub();
    return 0;
}

void green_datagram_server_close(green_datagram_server_t *s)
{
    end_receiving(s);
    green__listener_close(&s->listener);
}

void green_datagram_server_free(green_datagram_server_t *s)
{
    if (!s)
        return;
    hold(s);
    green_datagram_server_close(s);
    s->given_up = true;
    let_go(s);
}

static bool called_by_handler(const green_datagram_server_t *s)
{
    const green_t *self = green_self();
    for (struct list *l = s->jobs.next; l != &s->jobs; l = l->next)
        if (CONTAINER_OF(l, struct job, link)->greenlet == self)
            return true;
    for (struct list *l = s->readers.next; l != &s->readers; l = l->next)
        if (CONTAINER_OF(l, struct reader, link)->greenlet == self)
            return true;
    return false;
}

static void cancel_all(green_datagram_server_t *s)
{
    for (struct list *l = s->jobs.next; l != &s->jobs; l = l->next)
        green_cancel(CONTAINER_OF(l, struct job, link)->greenlet);
    for (struct list *l = s->readers.next; l != &s->readers; l = l->next)
        green_cancel(CONTAINER_OF(l, struct reader, link)->greenlet);
}

static int wait_for_end(green_datagram_server_t *s, green_time deadline)
{
    int r = 0;
    while (r == 0 && (!list_empty(&s->jobs) || !list_empty(&s->readers)))
        r = wait_for_change(s, "a server to end", deadline);
    return r;
}

int green_datagram_server_stop(green_datagram_server_t *s, green_time deadline)
{
    if (belongs_elsewhere(s))
        return -EXDEV;
    end_receiving(s);
    if (called_by_handler(s))
        return -EDEADLK;
    hold(s);
    green_time grace = green_in(s->options.stop_timeout);
    int r = wait_for_end(s, grace < deadline ? grace : deadline);
    if (r < 0) {
        cancel_all(s);
        if (r == -ETIMEDOUT)
            r = wait_for_end(s, deadline);
    }
    if (!s->started)
        green__listener_close(&s->listener);
    let_go(s);
    return r;
}

int green_datagram_server_run(green_datagram_server_t *s, green_time deadline)
{
    int r = green_datagram_server_start(s, deadline);
    if (r < 0)
        return r;
    hold(s);
    while (r == 0 && s->started)
        r = wait_for_change(s, "a server to be stopped", deadline);
    if (r == 0)
        r = s->failure;
    let_go(s);
    return r;
}

/* --- using it ---------------------------------------------------------------------------------------------------- */

int green_datagram_send(green_datagram_server_t *s, const green_address_t *to, const void *data, size_t size,
                        green_time deadline)
{
    if (s->listener.fd < 0)
        return -EBADF;
    if (!to || !to->length)
        return -EINVAL;
    ssize_t n = green_sendto(s->listener.fd, data, size, 0, to, deadline);
    return n < 0 ? (int)n : 0;
}

int green_datagram_server_address(const green_datagram_server_t *s, green_address_t *out)
{
    if (s->listener.fd < 0)
        return -EBADF;
    *out = s->listener.address;
    return 0;
}

int green_datagram_server_port(const green_datagram_server_t *s)
{
    return s->listener.fd < 0 ? 0 : green_address_port(&s->listener.address);
}

void green_datagram_server_stats(const green_datagram_server_t *s, green_datagram_stats_t *out)
{
    *out = s->stats;
    out->started = s->started;
}
