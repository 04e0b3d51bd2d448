/* Connecting to servers (connect.h). */
#include "connect.h"

#include <errno.h>
#include <stdlib.h>

#include "group.h"
#include "tcp/announced.h"
#include "tls/client.h"

static void count_name(struct group *g, int result)
{
    if (!g->counts)
        return;
    counter_add(&g->counts->names_asked, 1);
    if (result < 0)
        counter_add(&g->counts->names_failed, 1);
}

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

static int dial_any(const green_dns_answer_t *answer, green_time deadline)
{
    int fd = -ECONNREFUSED;
    for (size_t i = 0; i < answer->count && fd < 0 && fd != -ECANCELED; i++)
        fd = green_connect(&answer->addresses[i], deadline);
    return fd;
}

/* A new socket to a server, or an error; *resolving tells in which phase. */
static int dial(const struct server *s, green_time deadline, bool *resolving)
{
    green_address_t address;
    green_dns_answer_t *answer;
    *resolving = false;
    if (green_address_parse(&address, s->conf->host, s->conf->port) == 0)
        return green_connect(&address, deadline);
    *resolving = true;
    int r = green_resolve(s->conf->host, s->conf->port, AF_UNSPEC, &answer, deadline);
    count_name(s->group, r);
    if (r < 0)
        return r;
    *resolving = false;
    r = dial_any(answer, deadline);
    green_dns_release(answer);
    return r;
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
    return conf->tls.client
               ? tls_client_connect(conf->tls.client, s->conf, fd, &s->state->session, tls, failure, deadline)
               : 0;
}

static int connection_new(struct server *s, int fd, green_stream_t *tls, struct upstream_connection **out)
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
    *out = c;
    return 0;
}

int connect_server(struct server *s, const struct connection *client, struct upstream_connection **out,
                   struct connect_failure *failure)
{
    bool resolving;
    green_stream_t *tls = NULL;
    green_time began = green_now(), deadline = began + s->group->conf->timeout_connect;
    int fd = dial(s, deadline, &resolving);
    int r = fd;
    if (fd < 0)
        connect_explain(failure, fd, resolving);
    else
        r = set_up(s, client, fd, &tls, failure, deadline);
    if (r >= 0 && (r = connection_new(s, fd, tls, out)) < 0)
        connect_explain(failure, r, false);
    count_connect(s, began, r);
    return r;
}
