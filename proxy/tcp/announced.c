/* The PROXY protocol on sockets (announced.h). */
#include "announced.h"

#include <string.h>
#include <sys/socket.h>

#include "load.h"
#include "network.h"
#include "tls/accept.h"

static int drop_unannounced(struct connection *c, const char *reason, const char *directive)
{
    const struct conf_listener *conf = c->conf;
    struct conf_origin origin = {NULL, 0};
    if (directive)
        origin = conf_listener_origin(conf, directive);
    struct access_entry e = {.listener = conf,
                             .client = &c->peer,
                             .minor = conf->protocol == CONF_TCP ? -1 : 1,
                             .reason = reason,
                             .directive = directive,
                             .origin = directive ? &origin : NULL,
                             .started = c->accepted,
                             .ended = green_turn_time()};
    metrics_turned_away(c->view->metrics, c->worker->index, &e);
    if (access_log_wants(c->worker->log, &e))
        access_log_write(c->worker->log, &e);
    return -1;
}

static int read_all(struct connection *c, char *out, size_t n, green_time deadline)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = green_read(c->fd, out + at, n - at, deadline);
        if (got <= 0)
            return got < 0 ? (int)got : -ECONNABORTED;
        at += (size_t)got;
    }
    return 0;
}

/* The rest of a line of version 1, and not a byte more: what follows belongs to somebody else. */
static int read_line(struct connection *c, char *line, size_t *n, green_time deadline)
{
    while (*n < PROXY_V1_MOST) {
        ssize_t here = recv(c->fd, line + *n, PROXY_V1_MOST - *n, MSG_PEEK | MSG_DONTWAIT);
        const char *end = here > 0 ? memchr(line + *n, '\n', (size_t)here) : NULL;
        size_t take = end ? (size_t)(end - line) + 1 - *n : here > 0 ? (size_t)here : 1;
        int r = read_all(c, line + *n, take, deadline);
        if (r < 0)
            return r;
        *n += take;
        if (line[*n - 1] == '\n')
            return 0;
    }
    return -EPROTO;
}

static int read_header(struct connection *c, struct proxy_header *out, green_time deadline)
{
    char bytes[PROXY_V2_MOST];
    size_t n = PROXY_SIGNATURE;
    int r = read_all(c, bytes, n, deadline);
    if (r < 0)
        return r;
    switch (proxy_version(bytes)) {
    case 1:
        r = read_line(c, bytes, &n, deadline);
        return r < 0 ? r : proxy_v1_read(bytes, n, out);
    case 2:
        r = read_all(c, bytes + n, PROXY_V2_HEAD - n, deadline);
        n = r < 0 ? 0 : proxy_v2_size(bytes);
        if (!n)
            return r < 0 ? r : -EPROTO;
        r = read_all(c, bytes + PROXY_V2_HEAD, n - PROXY_V2_HEAD, deadline);
        return r < 0 ? r : proxy_v2_read(bytes, n, out);
    default:
        return -EPROTO;
    }
}

static void begin(void *arg, int status)
{
    struct connection *c = arg;
    struct proxy_header header;
    connection_stirs(c);
    int r = status < 0 ? status : read_header(c, &header, c->accepted + c->conf->proxy.timeout);
    if (r == -EPROTO)
        r = drop_unannounced(c, "proxy_header_malformed", "proxy_protocol");
    else if (r == -ETIMEDOUT)
        r = drop_unannounced(c, "proxy_header_timeout", "timeout_proxy_protocol");
    else if (r < 0)
        r = drop_unannounced(c, "proxy_header_truncated", NULL);
    if (r == 0 && header.known)
        c->peer = header.source;
    if (r == 0)
        r = connection_secure(c);
    if (r < 0)
        connection_close(c);
}

static bool may_speak(const struct conf_proxy_in *conf, const green_address_t *peer)
{
    return conf_networks_have(conf->from, conf->from_count, &peer->any);
}

int announced_accept(struct connection *c)
{
    const struct conf_proxy_in *conf = &c->conf->proxy;
    if (!may_speak(conf, &c->peer))
        return drop_unannounced(c, "proxy_header_untrusted", "proxy_protocol_from");
    c->idle = true;
    connection_waits(c);
    int r = green_park_readable(c->fd, begin, c, c->accepted + conf->timeout);
    if (r < 0)
        c->idle = false;
    else
        counter_add(&c->counts->idle, 1);
    return r;
}

size_t announce(const struct conf_upstream *upstream, const struct connection *c, char *out)
{
    struct proxy_header header = {.known = false};
    struct proxy_facts facts = {.alpn = NULL};
    if (upstream->send_proxy == CONF_SEND_PROXY_OFF)
        return 0;
    if (c) {
        header.source = c->peer;
        header.known = green_local_address(c->fd, &header.destination) == 0;
        facts = (struct proxy_facts){.alpn = green_tls_alpn(c->tls),
                                     .authority = green_tls_server_name(c->tls),
                                     .tls_version = green_tls_version(c->tls),
                                     .tls_cipher = green_tls_cipher(c->tls),
                                     .client_subject = c->identity ? c->identity->subject : NULL,
                                     .client_verified = c->identity != NULL};
    }
    return upstream->send_proxy == CONF_SEND_PROXY_V1 ? proxy_v1_write(&header, out)
                                                      : proxy_v2_write(&header, &facts, out);
}
