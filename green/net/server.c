/*
 * The stream server (server.h): one greenlet accepts, one serves each connection. Both kinds are cancelled to end
 * them, even before they ever ran, so what is left to do after them hangs on their end as a link, not in their code.
 */
#include "server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/waiter.h"
#include "listener.h"

#define DEFAULT_BACKLOG      1024
#define DEFAULT_ACCEPTS      100
#define DEFAULT_STOP_TIMEOUT GREEN_S(1)
#define DEFAULT_HANDSHAKE    GREEN_S(10)
#define SHORTEST_PAUSE       GREEN_MS(10) /* after accept(2) failed; doubles */
#define LONGEST_PAUSE        GREEN_S(1)

struct connection {
    struct list link;
    green_server_t *server;
    green_stream_t *stream;
    green_t *greenlet;
    green_link_t end;
    green_address_t peer;
};

struct acceptor {
    green_server_t *server;
    green_t *greenlet;
    green_link_t end;
    int64_t pause; /* the last one; 0: accept(2) is well */
};

struct green_server {
    green_server_options_t options;
    green_server_fn fn;
    void *arg;
    char *text;       /* the address; NULL: made from a descriptor */
    bool given_up;    /* green_server_free() was called */
    bool started;     /* from start to close, while the listener is open */
    int failure;      /* for which accepting ended, else 0 */
    green_hub_t *hub; /* whose it is; NULL: never started */
    unsigned holds;   /* connections, acceptors and calls that wait inside: the memory stays */
    unsigned acceptors;
    struct acceptor *acceptor; /* the one in charge; NULL: closed or paused. Others are on their way out. */
    struct listener listener;
    int reserve; /* a descriptor to give up when there are no others; -1: none */
    struct list connections;
    struct green_chain changes; /* who waits for any change: of connections, of started */
    green_server_stats_t stats;
};

static void hold(green_server_t *s)
{
    s->holds++;
}

static void let_go(green_server_t *s)
{
    if (--s->holds || !s->given_up)
        return;
    green_tls_context_release(s->options.tls);
    free(s->text);
    free(s);
}

static int wait_for_change(green_server_t *s, const char *what, green_time deadline)
{
    struct waiter me = {0};
    return green__wait_in(&s->changes, &me, what, s, deadline);
}

static void report(green_server_t *s, const green_address_t *peer, int error)
{
    if (s->options.on_error && error != -ECANCELED)
        s->options.on_error(s, peer, error, s->arg);
}

/* --- connections ------------------------------------------------------------------------------------------------- */

/* Puts TLS over the connection; the stream below is closed with it or, if it fails, by it. */
static int secure(struct connection *c)
{
    const green_server_options_t *o = &c->server->options;
    green_stream_t *below = c->stream;
    c->stream = NULL;
    return green_tls_accept(&c->stream, o->tls, below, green_in(o->handshake_timeout));
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    green_server_t *s = c->server;
    int r = s->options.tls ? secure(c) : 0;
    if (r == 0)
        r = s->fn(c->stream, &c->peer, s->arg);
    if (r < 0)
        report(s, &c->peer, r);
    s->stats.failed += r < 0 && r != -ECANCELED;
    return NULL;
}

static void connection_ended(green_link_t *end)
{
    struct connection *c = CONTAINER_OF(end, struct connection, end);
    green_server_t *s = c->server;
    green_stream_close(c->stream);
    green_release(c->greenlet);
    list_remove(&c->link);
    free(c);
    s->stats.active--;
    green__wake_all(&s->changes, 0);
    let_go(s);
}

/* The descriptor is taken care of in any case. */
static int admit(green_server_t *s, int fd, const green_address_t *peer)
{
    green_attr_t attr = {.stack_size = s->options.stack_size, .name = s->options.name};
    struct connection *c = malloc(sizeof *c);
    if (!c) {
        green_close(fd);
        return -ENOMEM;
    }
    *c = (struct connection){.server = s, .peer = *peer};
    int r = green_stream_open(&c->stream, fd);
    if (r < 0)
        goto no_stream;
    r = green_spawn_ex(&c->greenlet, &attr, serve, c);
    if (r < 0)
        goto no_greenlet;
    green_rawlink(green_waitable(c->greenlet), &c->end, connection_ended);
    list_push(&s->connections, &c->link);
    hold(s);
    s->stats.accepted++;
    s->stats.active++;
    return 0;

no_greenlet:
    green_stream_close(c->stream);
no_stream:
    free(c);
    return r;
}

/* --- accepting --------------------------------------------------------------------------------------------------- */

static bool descriptors_ran_out(int error)
{
    return error == -EMFILE || error == -ENFILE;
}

static void refill_reserve(green_server_t *s)
{
    if (s->reserve < 0)
        s->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* With the one descriptor kept for this, those in the queue are told that nobody will serve them; else they would hang
 * there for as long as the shortage lasts. */
static void turn_away(green_server_t *s)
{
    if (s->reserve < 0)
        return;
    close(s->reserve);
    s->reserve = -1;
    for (unsigned i = 0; i < s->options.accepts; i++) {
        int fd = green_accept(s->listener.fd, NULL, GREEN_NOWAIT);
        if (fd < 0)
            break;
        const char *busy = s->options.busy;
        if (busy)
            send(fd, busy, strlen(busy),
                 MSG_DONTWAIT | MSG_NOSIGNAL); /* if it fails, closing has to say it */
        shutdown(fd, SHUT_WR);
        green_close(fd);
        s->stats.turned_away++;
    }
    refill_reserve(s);
}

/* After accept(2) failed. A moment's pause helps with a passing shortage and loses nobody; only when it lasts are
 * connections turned away. Negative: there is no going on. */
static int step_back(struct acceptor *a, int error)
{
    green_server_t *s = a->server;
    if (error == -ECANCELED || s->acceptor != a)
        return -ECANCELED;
    report(s, NULL, error);
    if (error == -EBADF || error == -EINVAL || error == -ENOTSOCK || error == -EOPNOTSUPP) {
        s->failure = error;
        green_server_close(s);
        return error;
    }
    if (a->pause && descriptors_ran_out(error))
        turn_away(s);
    a->pause = !a->pause ? SHORTEST_PAUSE : a->pause * 2 < LONGEST_PAUSE ? a->pause * 2 : LONGEST_PAUSE;
    return green_sleep(a->pause);
}

static int wait_for_room(struct acceptor *a)
{
    green_server_t *s = a->server;
    int r = 0;
    while (r == 0 && s->acceptor == a && s->options.connections && s->stats.active >= s->options.connections)
        r = wait_for_change(s, "a connection to end", GREEN_FOREVER);
    return r;
}

static int accept_one(struct acceptor *a)
{
    green_server_t *s = a->server;
    green_address_t peer;
    int r = wait_for_room(a);
    if (r < 0)
        return r;
    if (s->acceptor != a)
        return -ECANCELED;
    int fd = green_accept(s->listener.fd, &peer, GREEN_FOREVER);
    r = fd < 0 ? fd : admit(s, fd, &peer);
    if (r < 0)
        return step_back(a, r);
    a->pause = 0;
    refill_reserve(s);
    return 0;
}

static void *accept_connections(void *arg)
{
    struct acceptor *a = arg;
    unsigned most = a->server->options.accepts;
    for (unsigned taken = 0; accept_one(a) == 0;) {
        if (++taken % most == 0 && green_yield() < 0)
            break;
    }
    return NULL;
}

static void acceptor_ended(green_link_t *end)
{
    struct acceptor *a = CONTAINER_OF(end, struct acceptor, end);
    green_server_t *s = a->server;
    green_release(a->greenlet);
    free(a);
    s->acceptors--;
    green__wake_all(&s->changes, 0);
    let_go(s);
}

static int begin_accepting(green_server_t *s)
{
    green_attr_t attr = {.name = "acceptor"};
    struct acceptor *a = malloc(sizeof *a);
    if (!a)
        return -ENOMEM;
    *a = (struct acceptor){.server = s};
    int r = green_spawn_ex(&a->greenlet, &attr, accept_connections, a);
    if (r < 0) {
        free(a);
        return r;
    }
    green_rawlink(green_waitable(a->greenlet), &a->end, acceptor_ended);
    hold(s);
    s->acceptors++;
    s->acceptor = a;
    return 0;
}

static void end_accepting(green_server_t *s)
{
    struct acceptor *a = s->acceptor;
    s->acceptor = NULL;
    if (a)
        green_cancel(a->greenlet);
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static int make(green_server_t **out, green_server_fn fn, void *arg, const green_server_options_t *options)
{
    static const green_server_options_t defaults;
    const green_server_options_t *o = options ? options : &defaults;
    if (!fn || o->backlog < 0 || o->stop_timeout < 0 || o->handshake_timeout < 0)
        return -EINVAL;
    green_server_t *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->options = *o;
    if (!s->options.backlog)
        s->options.backlog = DEFAULT_BACKLOG;
    if (!s->options.accepts)
        s->options.accepts = DEFAULT_ACCEPTS;
    if (!s->options.stop_timeout)
        s->options.stop_timeout = DEFAULT_STOP_TIMEOUT;
    if (!s->options.handshake_timeout)
        s->options.handshake_timeout = DEFAULT_HANDSHAKE;
    if (s->options.tls)
        green_tls_context_retain(s->options.tls);
    if (!s->options.name)
        s->options.name = "connection";
    s->fn = fn;
    s->arg = arg;
    s->reserve = -1;
    s->listener.fd = -1;
    list_init(&s->connections);
    *out = s;
    return 0;
}

int green_server_new(green_server_t **out, const char *address, green_server_fn fn, void *arg,
                     const green_server_options_t *options)
{
    int r = address ? make(out, fn, arg, options) : -EINVAL;
    if (r < 0)
        return r;
    (*out)->text = strdup(address);
    if ((*out)->text)
        return 0;
    green_server_free(*out);
    return -ENOMEM;
}

int green_server_new_fd(green_server_t **out, int fd, green_server_fn fn, void *arg,
                        const green_server_options_t *options)
{
    int r = make(out, fn, arg, options);
    if (r < 0)
        return r;
    r = green__listener_adopt(&(*out)->listener, fd, SOCK_STREAM);
    if (r < 0)
        green_server_free(*out);
    return r;
}

/* --- its life ---------------------------------------------------------------------------------------------------- */

static bool belongs_elsewhere(const green_server_t *s)
{
    return s->started && s->hub != green_hub();
}

int green_server_start(green_server_t *s, green_time deadline)
{
    if (belongs_elsewhere(s))
        return -EXDEV;
    if (s->started)
        return 0;
    if (s->text) {
        hold(s);
        struct listener listener;
        int r = green__listener_open(&listener, s->text, SOCK_STREAM, s->options.backlog,
                                     s->options.reuseport, deadline);
        bool too_late = s->given_up || s->started; /* while a name was looked up */
        if (r == 0 && too_late)
            green__listener_close(&listener);
        else if (r == 0)
            s->listener = listener;
        let_go(s);
        if (r < 0 || too_late)
            return r;
    }
    if (s->listener.fd < 0)
        return -EBADF;
    int r = begin_accepting(s);
    if (r < 0) {
        if (s->text)
            green__listener_close(&s->listener);
        return r;
    }
    refill_reserve(s);
    s->failure = 0;
    s->started = true;
    s->hub = green_hub();
    return 0;
}

void green_server_close(green_server_t *s)
{
    end_accepting(s);
    green__listener_close(&s->listener);
    if (s->reserve >= 0)
        close(s->reserve);
    s->reserve = -1;
    s->started = false;
    green__wake_all(&s->changes, 0);
}

void green_server_free(green_server_t *s)
{
    if (!s)
        return;
    hold(s);
    green_server_close(s);
    s->given_up = true;
    let_go(s);
}

int green_server_pause(green_server_t *s)
{
    if (belongs_elsewhere(s))
        return -EXDEV;
    if (!s->started)
        return -EINVAL;
    end_accepting(s);
    return 0;
}

int green_server_resume(green_server_t *s)
{
    if (belongs_elsewhere(s))
        return -EXDEV;
    if (!s->started)
        return -EINVAL;
    return s->acceptor ? 0 : begin_accepting(s);
}

static bool called_by_handler(const green_server_t *s)
{
    const green_t *self = green_self();
    for (struct list *l = s->connections.next; l != &s->connections; l = l->next)
        if (CONTAINER_OF(l, struct connection, link)->greenlet == self)
            return true;
    return false;
}

static void cancel_connections(green_server_t *s)
{
    for (struct list *l = s->connections.next; l != &s->connections; l = l->next)
        green_cancel(CONTAINER_OF(l, struct connection, link)->greenlet); /* it leaves the list later */
}

static int wait_for_end(green_server_t *s, green_time deadline)
{
    int r = 0;
    while (r == 0 && (s->stats.active || s->acceptors))
        r = wait_for_change(s, "a server to end", deadline);
    return r;
}

int green_server_stop(green_server_t *s, green_time deadline)
{
    if (belongs_elsewhere(s))
        return -EXDEV;
    green_server_close(s);
    if (called_by_handler(s))
        return -EDEADLK;
    hold(s);
    green_time grace = green_in(s->options.stop_timeout);
    int r = wait_for_end(s, grace < deadline ? grace : deadline);
    if (r < 0) {
        cancel_connections(s);
        if (r == -ETIMEDOUT)
            r = wait_for_end(s, deadline);
    }
    let_go(s);
    return r;
}

int green_server_run(green_server_t *s, green_time deadline)
{
    int r = green_server_start(s, deadline);
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

/* --- asking ------------------------------------------------------------------------------------------------------ */

int green_server_address(const green_server_t *s, green_address_t *out)
{
    if (s->listener.fd < 0)
        return -EBADF;
    *out = s->listener.address;
    return 0;
}

int green_server_port(const green_server_t *s)
{
    return s->listener.fd < 0 ? 0 : green_address_port(&s->listener.address);
}

void green_server_stats(const green_server_t *s, green_server_stats_t *out)
{
    *out = s->stats;
    out->started = s->started;
    out->paused = s->started && !s->acceptor;
}
