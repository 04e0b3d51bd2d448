/* Receiving a request's body before its conversation with a server begins. */
#include "buffering.h"

#include <errno.h>

#include "converse.h"
#include "spool.h"

static bool wanted(const struct exchange *x)
{
    return conf_pick(x->route ? x->route->buffering.request : CONF_INHERIT, x->listener->buffering.request) >
           0;
}

/* Who waits to be told before it sends its body is told by us. */
static int send_continue(struct exchange *x)
{
    static const struct http_head go_on = {
        .kind = HTTP_KIND_RESPONSE, .minor = 1, .status = 100, .reason = {"Continue", 8}};
    struct http_forward_response facts = {.minor = 1, .keepalive = true, .framing = HTTP_FRAMING_NONE};
    struct http_stream *client = &x->client->stream;
    x->request.expect_continue = false;
    if (h1_body_buffered(x->client) || x->client->at < x->client->end)
        return 0; /* it did not wait */
    int r = client->ops->write_response(client, &go_on, &facts);
    if (r == 0)
        r = client->ops->flush(client);
    x->client->sent = false; /* the answer is still to be given */
    return r < 0 ? exchange_fail(x, 0, "client_gone", NULL, BLAME_NONE, NULL) : 0;
}

static int not_kept(struct exchange *x, int error)
{
    bool by_route = x->route && x->route->buffering.request != CONF_INHERIT;
    bool full = error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
    x->close = true; /* what comes of the body all the same is not read */
    return exchange_fail(x, full ? 507 : 503, full ? "buffer_full" : "buffer_unwritable",
                         "proxy_internal_error", by_route ? BLAME_ROUTE : BLAME_LISTENER,
                         "request_buffering");
}

/* The request as it goes on: its length is known now. Trailers need chunks to go behind. */
static void describe(struct exchange *x)
{
    if (x->spool->trailers)
        return;
    x->request.framing = HTTP_FRAMING_LENGTH;
    x->request.has_length = true;
    x->request.content_length = spool_length(x->spool);
}

static int receive(struct exchange *x)
{
    struct relay_patience patience = exchange_body_patience(x);
    enum relay_side side;
    int r = x->request.expect_continue ? send_continue(x) : 0;
    if (r < 0)
        return r;
    r = relay_body(&x->client->stream, &x->spool->stream, &patience, &x->worker->buffers, &side);
    if (r == 0)
        describe(x);
    else if (side == RELAY_FROM)
        return exchange_body_failed(x, r);
    return r < 0 ? not_kept(x, r) : 0;
}

int buffer_request(struct exchange *x)
{
    bool complete = x->request.framing != HTTP_FRAMING_CHUNKED && h1_body_buffered(x->client);
    if (complete || !wanted(x))
        return 0;
    x->spool = memory_take(&x->memory, sizeof *x->spool);
    if (!x->spool)
        return not_kept(x, -ENOMEM);
    int64_t most =
        conf_pick(x->route ? x->route->buffering.memory : CONF_INHERIT, x->listener->buffering.memory);
    spool_init(x->spool, &x->worker->buffers, (uint64_t)most, x->view->conf->temp_path);
    return receive(x);
}

void buffer_request_end(struct exchange *x)
{
    if (x->spool)
        spool_end(x->spool);
    x->spool = NULL;
}
