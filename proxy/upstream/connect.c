/* Connecting to servers (connect.h). */
#include "connect.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "group.h"
#include "tcp/announced.h"
#include "tls/client.h"

static void count_connect(struct server *s, green_time began, int result)
{
    s->state->failures += result < 0;
    if (!s->counts)
        return;
    if (result < 0) {
        counter_add(&s->counts->connect_failures, 1);
        return;
    }
    int64_t took = green_now() - began;
    counter_add(&s->counts->connects, 1);
    histogram_count(&s->group->counts->connect, histogram_bucket(took), took);
}

/* A new socket to a server, or an error; *which tells at which of its addresses. Those of both families are tried beside
 * one another. */
static int dial(const struct server *s, green_time deadline, unsigned *which)
{
    const struct server_state *state = s->state;
    green_address_t peer;
    *which = 0;
    if (state->address_count == 1)
        return green_connect(&state->addresses[0], deadline);
    int fd = green_dial_addresses(state->addresses, state->address_count, NULL, deadline);
    if (fd >= 0 && green_peer_address(fd, &peer) == 0)
        *which = peer.any.sa_family != state->addresses[0].any.sa_family;
    return fd;
}

void connect_explain(struct connect_failure *f, int code, bool resolving)
{
    *f = (struct connect_failure){.status = 502, .code = code};
    if (code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -ENOBUFS || code == -EADDRNOTAVAIL) {
        f->status = 503;
        f->reason = "connect_no_resources";
        f->error = "proxy_internal_error";
    } else if (resolving) {
        f->status = code == -ETIMEDOUT ? 504 : 502;
        f->reason = code == -ETIMEDOUT ? "dns_timeout" : "dns_failed";
        f->error = code == -ETIMEDOUT ? "dns_timeout" : "dns_error";
    } else if (code == -ETIMEDOUT) {
        f->status = 504;
        f->reason = "connect_timeout";
        f->error = "connection_timeout";
    } else if (code == -ECONNREFUSED) {
        f->reason = "connect_failed";
        f->error = "connection_refused";
    } else {
        f->reason = "connect_failed";
        f->error = "destination_unavailable";
    }
    f->directive = code == -ETIMEDOUT ? "timeout_connect" : NULL;
}

/* The kernel gives the connection up when what was sent stays unacknowledged; but also when the peer takes nothing for so
 * long, which timeout_write allows, and is for tunnels to judge. */
static bool watch_acknowledgements(const struct server *s, int fd)
{
    const struct conf_upstream *conf = s->group->conf;
    bool on = conf->timeout_ack != 0;
    int64_t limit = !on || conf->timeout_ack > conf->timeout_write ? conf->timeout_ack : conf->timeout_write;
    unsigned ms = (unsigned)(limit / GREEN_MS(1));
    return s->state->addresses[0].any.sa_family != AF_UNIX && on &&
           setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms) == 0;
}

void connect_unwatch(struct upstream_connection *c)
{
    unsigned off = 0;
    if (c->watched && setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &off, sizeof off) == 0)
        c->watched = false;
}

/* Before everything else. Not inline: only who needs the space on the stack pays for it. */
static __attribute__((noinline)) int send_header(const struct group *g, const struct connection *client,
                                                 int fd, green_time deadline)
{
    char header[PROXY_WRITE_BYTES];
    size_t n = announce(g->conf, client, header);
    return green_write_all(fd, header, n, NULL, deadline);
}

/* What a fresh socket needs before it can be used: 0 or an error, and it is closed. */
static int set_up(struct server *s, const struct connection *client, int fd, green_stream_t **tls,
                  struct connect_failure *failure, green_time deadline)
{
    const struct conf_upstream *conf = s->group->conf;
    int r = conf->send_proxy == CONF_SEND_PROXY_OFF ? 0 : send_header(s->group, client, fd, deadline);
    if (r < 0) {
        green_close(fd);
        connect_explain(failure, r, false);
        return r;
    }
    if (!conf->tls.client)
        return 0;
    deadline = green_in(conf->timeout_tls);
    return tls_client_connect(conf->tls.client, s->conf, fd, &s->state->session, tls, failure, deadline);
}

static int connection_new(struct server *s, int fd, green_stream_t *tls, unsigned which,
                          struct upstream_connection **out)
{
    struct upstream_connection *c = calloc(1, sizeof *c);
    if (!c) {
        wire_close(&(struct wire){fd, tls}, true);
        return -ENOMEM;
    }
    c->server = s;
    c->state = s->state;
    c->fd = fd;
    c->tls = tls;
    c->address = which;
    c->made = green_turn_time();
    *out = c;
    return 0;
}

int connect_server(struct server *s, const struct connection *client, struct upstream_connection **out,
                   struct connect_failure *failure)
{
    unsigned which;
    green_stream_t *tls = NULL;
    green_time began = green_now(), deadline = began + s->group->conf->timeout_connect;
    int fd = dial(s, deadline, &which);
    int r = fd;
    if (fd < 0)
        connect_explain(failure, fd, false);
    else
        r = set_up(s, client, fd, &tls, failure, deadline);
    if (r >= 0 && (r = connection_new(s, fd, tls, which, out)) < 0)
        connect_explain(failure, r, false);
    if (r >= 0 && !client)
        (*out)->watched = watch_acknowledgements(s, fd);
    count_connect(s, began, r);
    return r;
}
