/* The connections of an HTTP client (channel.h). */
#include "channel.h"

#include <stdlib.h>
#include <string.h>

/* --- connecting -------------------------------------------------------------------------------------------------- */

static green_time sooner(green_time a, green_time b)
{
    return a < b ? a : b;
}

static int open_stream(const green_http_client_t *client, const green_http_url_t *url, green_stream_t **out,
                       green_time deadline)
{
    int64_t patience = client->options.connect_timeout;
    int r = green_tcp_connect(out, url->host, url->port, sooner(deadline, green_in(patience)));
    if (r == 0 && url->secure)
        r = green_tls_connect(out, client->options.tls, *out, url->host,
                              sooner(deadline, green_in(patience)));
    if (r == 0)
        r = green_stream_set_timeouts(*out, 0, client->options.body_timeout);
    return r;
}

static int make(const green_http_client_t *client, const green_http_url_t *url, struct channel **out,
                green_time deadline)
{
    struct channel *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->secure = url->secure;
    c->port = url->port;
    memcpy(c->host, url->host, sizeof c->host);
    list_init(&c->link);
    int r = open_stream(client, url, &c->wire.stream, deadline);
    if (r < 0) {
        free(c);
        return r;
    }
    *out = c;
    return 0;
}

static void destroy(struct channel *c)
{
    green_stream_close(c->wire.stream);
    green__wire_destroy(&c->wire);
    free(c);
}

/* --- keeping ----------------------------------------------------------------------------------------------------- */

static void take_out(green_http_client_t *client, struct channel *c)
{
    list_remove(&c->link);
    client->idle_count--;
}

/* An idle connection has nothing to say: anything but silence means that it is over. */
static bool is_alive(const green_http_client_t *client, const struct channel *c)
{
    char byte;
    return green_turn_time() - c->idle_since < client->options.idle_timeout &&
           green_stream_read(c->wire.stream, &byte, 1, GREEN_NOWAIT) == -EAGAIN;
}

static struct channel *find_idle(green_http_client_t *client, const green_http_url_t *url)
{
    for (struct list *l = client->idle.prev, *before; l != &client->idle; l = before) {
        struct channel *c = CONTAINER_OF(l, struct channel, link);
        before = l->prev;
        if (c->secure != url->secure || c->port != url->port || strcmp(c->host, url->host) != 0)
            continue;
        take_out(client, c);
        if (is_alive(client, c))
            return c;
        destroy(c);
    }
    return NULL;
}

static void drop_oldest(green_http_client_t *client)
{
    struct channel *c = CONTAINER_OF(client->idle.next, struct channel, link);
    take_out(client, c);
    destroy(c);
}

void green_http_client_close_idle(green_http_client_t *client)
{
    while (client->idle_count)
        drop_oldest(client);
}

int green__channel_lease(green_http_client_t *client, const green_http_url_t *url, bool reuse,
                         struct channel **out, green_time deadline)
{
    int r = green_semaphore_acquire(&client->free, deadline);
    if (r < 0)
        return r;
    client->leased++;
    *out = reuse ? find_idle(client, url) : NULL;
    if (!*out) {
        if (client->idle_count && client->idle_count + client->leased > client->options.connections)
            drop_oldest(client);
        r = make(client, url, out, deadline);
    }
    if (r < 0) {
        client->leased--;
        green_semaphore_release(&client->free);
    }
    return r;
}

void green__channel_return(green_http_client_t *client, struct channel *c, bool keep)
{
    client->leased--;
    if (keep) {
        c->reused = true;
        c->idle_since = green_turn_time();
        list_push(&client->idle, &c->link);
        client->idle_count++;
    } else {
        destroy(c);
    }
    green_semaphore_release(&client->free);
}
