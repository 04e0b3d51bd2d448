/* Servers by the names that clients ask for (origins.h). */
#include "origins.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/listener.h"

struct origin {
    struct upstream_connection common; /* first: it is freed as such */
    TAILQ_ENTRY(origin) idle_link;
    LIST_ENTRY(origin) bucket_link;
    struct origins *origins;
    green_address_t peer;
    int port;
    char name[];
};

static struct origin *origin_of(struct upstream_connection *c)
{
    return (struct origin *)(void *)c;
}

void origins_init(struct origins *o, const struct conf_forward *conf)
{
    o->conf = conf;
    o->idle_count = 0;
    o->retired = false;
    TAILQ_INIT(&o->idle);
    for (size_t i = 0; i < ORIGINS_BUCKETS; i++)
        LIST_INIT(&o->buckets[i]);
}

/* --- idle connections --------------------------------------------------------------------------------------------- */

static struct origin_bucket *bucket_of(struct origins *o, const char *name, int port)
{
    uint32_t hash = 2166136261u ^ (uint32_t)port;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return &o->buckets[(hash ^ hash >> 16) % ORIGINS_BUCKETS];
}

static void leave_pool(struct origin *c)
{
    if (!c->common.idle)
        return;
    TAILQ_REMOVE(&c->origins->idle, c, idle_link);
    LIST_REMOVE(c, bucket_link);
    c->origins->idle_count--;
    c->common.idle = false;
}

static void discard(struct origin *c)
{
    leave_pool(c);
    group_discard(&c->common);
}

/* An idle connection may only be silent: an end of input, stray bytes or its deadline end it. */
static void idle_event(void *arg, int status)
{
    struct origin *c = arg;
    struct wire wire = upstream_wire(&c->common);
    bool silent = status == 0 && wire_silent(&wire);
    if (silent && c->common.idle && green_park_readable(c->common.fd, idle_event, c, c->common.expires) == 0)
        return;
    discard(c);
}

/* False: something happened to it, and its greenlet is on the way and closes it. */
static bool wake(struct origin *c)
{
    leave_pool(c);
    return green_unpark(c->common.fd);
}

static void close_oldest(struct origins *o)
{
    struct origin *c = TAILQ_LAST(&o->idle, origin_list);
    if (wake(c))
        discard(c);
}

void origins_retire(struct origins *o)
{
    o->retired = true;
    while (o->idle_count)
        close_oldest(o);
}

struct upstream_connection *origins_take(struct origins *o, const struct destination *d)
{
    struct origin *c, *next;
    green_time now = green_turn_time();
    if (!o->idle_count)
        return NULL;
    for (c = LIST_FIRST(bucket_of(o, d->name, d->port)); c; c = next) {
        next = LIST_NEXT(c, bucket_link);
        if (c->port != d->port || strcmp(c->name, d->name) != 0 || !wake(c))
            continue;
        if (c->common.expires > now)
            return &c->common;
        discard(c);
    }
    return NULL;
}

void origins_return(struct upstream_connection *connection, int32_t announced)
{
    struct origin *c = origin_of(connection);
    struct origins *o = c->origins;
    int64_t keep = pool_keep_time(o->conf->timeout_idle, announced);
    if (keep <= 0 || o->retired || !o->conf->keepalive || connection->uses >= o->conf->keepalive_requests) {
        discard(c);
        return;
    }
    connection->expires = green_turn_time() + keep;
    connection->reused = true;
    if (green_park_readable(connection->fd, idle_event, c, connection->expires) < 0) {
        discard(c);
        return;
    }
    if (o->idle_count >= o->conf->keepalive)
        close_oldest(o);
    connection->idle = true;
    o->idle_count++;
    TAILQ_INSERT_HEAD(&o->idle, c, idle_link);
    LIST_INSERT_HEAD(bucket_of(o, c->name, c->port), c, bucket_link);
}

/* --- connecting ----------------------------------------------------------------------------------------------------- */

/* Why a listener of ours is no destination, or NULL. One that the rules name as an exception is, unless it is a forward
 * proxy's: that would be a loop. */
static const char *own_refused(const struct conf_forward *rules, const struct conf_listener *own,
                               const green_address_t *address)
{
    if (!own)
        return NULL;
    if (own->protocol == CONF_FORWARD)
        return "bind";
    return destination_is_exception(rules, &address->any) ? NULL : "allow_internal";
}

static int refuse(struct connect_failure *f, const char *directive)
{
    bool loop = strcmp(directive, "bind") == 0;
    *f = (struct connect_failure){.status = 403,
                                  .reason = "destination_denied",
                                  .error = loop ? "proxy_loop_detected" : "destination_ip_prohibited",
                                  .directive = directive,
                                  .code = -EACCES};
    return -EACCES;
}

/* The addresses that may be connected to, in the given order: how many, or -EACCES when there is none. */
static int judge(const struct origins *o, const struct snapshot *snapshot, const struct destination *d,
                 const green_dns_answer_t *answer, green_address_t *good, struct connect_failure *failure)
{
    const char *refused = "allow_internal";
    int count = 0;
    for (size_t i = 0; i < answer->count && count < GREEN_DIAL_ATTEMPTS; i++) {
        const green_address_t *address = &answer->addresses[i];
        const char *directive = destination_address_refused(o->conf, d, &address->any);
        if (!directive)
            directive = own_refused(o->conf, listener_at(snapshot, address, NULL), address);
        if (directive)
            refused = directive;
        else
            good[count++] = *address;
    }
    return count ? count : refuse(failure, refused);
}

/* A listener bound to every address has those that this machine will have: a connection with the same address at both
 * ends leads here. */
static int check_peer(const struct origins *o, const struct snapshot *snapshot, int fd, green_address_t *peer,
                      struct connect_failure *failure)
{
    green_address_t local;
    int r = green_peer_address(fd, peer);
    if (r == 0 && listener_uses_port(snapshot, green_address_port(peer))) {
        r = green_local_address(fd, &local);
        const char *directive =
            r < 0 ? NULL : own_refused(o->conf, listener_at(snapshot, peer, &local), peer);
        if (directive)
            return refuse(failure, directive);
    }
    if (r < 0)
        connect_explain(failure, r, false);
    return r;
}

static int dial(const struct origins *o, const struct snapshot *snapshot, const struct destination *d,
                green_address_t *peer, struct connect_failure *failure)
{
    green_time deadline = green_in(o->conf->timeout_connect);
    green_address_t good[GREEN_DIAL_ATTEMPTS];
    green_dns_answer_t *answer;
    int r = green_resolve(d->name, d->port, AF_UNSPEC, &answer, deadline);
    if (r < 0) {
        connect_explain(failure, r, true);
        return r;
    }
    int count = judge(o, snapshot, d, answer, good, failure);
    green_dns_release(answer);
    if (count < 0)
        return count;
    int fd = green_dial_addresses(good, (size_t)count, NULL, deadline);
    if (fd < 0) {
        connect_explain(failure, fd, false);
        return fd;
    }
    r = check_peer(o, snapshot, fd, peer, failure);
    if (r == 0)
        return fd;
    green_close(fd);
    return r;
}

int origins_connect(struct origins *o, const struct snapshot *snapshot, const struct destination *d,
                    struct upstream_connection **out, struct connect_failure *failure)
{
    green_address_t peer;
    int fd = dial(o, snapshot, d, &peer, failure);
    if (fd < 0)
        return fd;
    size_t size = strlen(d->name) + 1;
    struct origin *c = calloc(1, sizeof *c + size);
    if (!c) {
        green_close(fd);
        connect_explain(failure, -ENOMEM, false);
        return -ENOMEM;
    }
    c->common.fd = fd;
    c->origins = o;
    c->peer = peer;
    c->port = d->port;
    memcpy(c->name, d->name, size);
    *out = &c->common;
    return 0;
}

const green_address_t *origins_peer(const struct upstream_connection *connection)
{
    return &((const struct origin *)(const void *)connection)->peer;
}
