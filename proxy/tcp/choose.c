/* Choosing an upstream for a tcp connection (choose.h). */
#include "choose.h"

#include <stdlib.h>
#include <string.h>

#include "client_hello.h"
#include "route/affinity.h"

static bool name_matches(const char *pattern, const char *name)
{
    if (pattern[0] != '*')
        return strcmp(pattern, name) == 0;
    if (!pattern[1])
        return true;
    size_t n = strlen(name), m = strlen(pattern + 1);
    return n > m && strcmp(name + n - m, pattern + 1) == 0;
}

/* The first route that fits; else the listener's own upstream, if it has one. */
static const struct conf_upstream *find(struct connection *c, const char *name,
                                        const struct client_hello *hello, const char *agreed)
{
    const struct conf_listener *conf = c->conf;
    for (size_t i = 0; i < conf->tls.route_count; i++) {
        const struct conf_tls_route *r = &conf->tls.routes[i];
        bool fits = name_matches(r->name, name);
        if (fits && r->alpn)
            fits = hello ? client_hello_offers(hello, r->alpn) : agreed && strcmp(agreed, r->alpn) == 0;
        if (fits)
            return r->to.upstream;
    }
    return conf->split.share_count ? route_split(&conf->split, NULL, &c->peer.any, &c->worker->random) : NULL;
}

static int turn_down(struct refusal *why, const char *reason, const char *directive)
{
    *why = (struct refusal){.reason = reason, .directive = directive};
    return -1;
}

/* For balance = hash:sni. */
static void note_name(struct tcp_choice *out, const char *name)
{
    out->named = *name;
    out->name = affinity_of(name, strlen(name));
}

/* Does one of the upstreams want to know it? */
static bool wants_name(const struct conf_listener *conf)
{
    bool wanted = conf->tls.route_count > 0;
    for (size_t i = 0; i < conf->split.share_count; i++) {
        const struct conf_balance *b = &conf->split.shares[i].to.upstream->balancing.balance;
        wanted |= b->method == CONF_HASH && b->by == CONF_HASH_SNI;
    }
    return wanted;
}

static int found(struct tcp_choice *out, struct refusal *why)
{
    return out->upstream ? 0 : turn_down(why, "tls_name_unrouted", "tls_route");
}

/* Reads until the ClientHello is complete, or it is clear that there is none. The message is put together in the worker's
 * scratch space, which is ours until the next wait. */
static int peek(struct connection *c, struct tcp_choice *out, struct refusal *why)
{
    const struct conf_listener *conf = c->conf;
    green_time deadline = c->accepted + conf->tls.timeout_handshake;
    struct client_hello hello;
    out->read = malloc(CLIENT_HELLO_BYTES);
    if (!out->read)
        return turn_down(why, "no_memory", NULL);
    for (;;) {
        if (out->size == CLIENT_HELLO_BYTES)
            return turn_down(why, "client_hello_too_large", "tls_route");
        ssize_t n = green_read(c->fd, out->read + out->size, CLIENT_HELLO_BYTES - out->size, deadline);
        if (n == -ETIMEDOUT)
            return turn_down(why, "tls_handshake_timeout", "timeout_handshake");
        if (n <= 0)
            return turn_down(why, out->size ? "tls_handshake_closed" : "", NULL);
        out->size += (size_t)n;
        switch (client_hello_read((const unsigned char *)out->read, out->size,
                                  (unsigned char *)c->worker->scratch, &hello)) {
        case CLIENT_HELLO_MORE:
            continue;
        case CLIENT_HELLO_DONE:
            note_name(out, hello.name);
            out->upstream = find(c, hello.name, &hello, NULL);
            return found(out, why);
        case CLIENT_HELLO_NOT_TLS: /* the listener's own upstream may want it */
            out->upstream = conf->split.share_count
                                ? route_split(&conf->split, NULL, &c->peer.any, &c->worker->random)
                                : NULL;
            return out->upstream ? 0 : turn_down(why, "tls_not_spoken", "tls_route");
        case CLIENT_HELLO_TOO_LARGE:
            return turn_down(why, "client_hello_too_large", "tls_route");
        case CLIENT_HELLO_BAD:
            return turn_down(why, "client_hello_malformed", "tls_route");
        }
    }
}

int tcp_choose(struct connection *c, struct tcp_choice *out, struct refusal *why)
{
    const struct conf_listener *conf = c->conf;
    *out = (struct tcp_choice){.upstream = NULL};
    if (!wants_name(conf)) {
        out->upstream = route_split(&conf->split, NULL, &c->peer.any, &c->worker->random);
        return 0;
    }
    if (!c->tls)
        return peek(c, out, why);
    const char *name = green_tls_server_name(c->tls);
    note_name(out, name ? name : "");
    out->upstream = find(c, name ? name : "", NULL, green_tls_alpn(c->tls));
    return found(out, why);
}
