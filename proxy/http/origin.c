/* Where requests to a forward proxy go, and the connection to that place (origin.h). */
#include "origin.h"

#include "local.h"
#include "upstream/origins.h"

static int refuse_target(struct exchange *x, int status, const char *reason)
{
    return exchange_fail(x, status, reason, "http_request_error", BLAME_NONE, NULL);
}

int origin_choose(struct exchange *x)
{
    const struct http_target *uri = &x->request.uri;
    bool connect = uri->form == HTTP_TARGET_AUTHORITY;
    /* What follows a CONNECT was meant for the tunnel: if there is none, it must not be taken for a request. */
    x->close |= connect;
    if (!connect && uri->form != HTTP_TARGET_ABSOLUTE)
        return refuse_target(x, 400, "absolute_target_required");
    if (uri->scheme.n == sizeof "https" - 1)
        return refuse_target(x, 501, "https_needs_connect");
    x->destination = memory_take(&x->memory, sizeof *x->destination);
    if (!x->destination)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    if (destination_read(&x->request.authority, 80, x->destination) < 0)
        return refuse_target(x, 400, "bad_destination");
    return 0;
}

static int fail_to_connect(struct exchange *x, const struct connect_failure *f)
{
    return exchange_fail(x, f->status, f->reason, f->error, f->directive ? BLAME_LISTENER : BLAME_NONE,
                         f->directive);
}

int origin_lease(struct exchange *x, bool pooled)
{
    struct origins *origins = view_origins(x->view, x->listener);
    struct connect_failure failure;
    const char *directive = destination_refused(&x->listener->forward, x->destination);
    if (directive)
        return exchange_fail(x, 403, "destination_denied", "http_request_denied", BLAME_LISTENER, directive);
    x->lease = pooled ? origins_take(origins, x->destination) : NULL;
    if (!x->lease && origins_connect(origins, x->view->snapshot, x->destination, &x->lease, &failure) < 0) {
        x->lease = NULL;
        return fail_to_connect(x, &failure);
    }
    x->server_address = *origins_peer(x->lease); /* the log needs it when the lease is gone */
    x->log.server_address = &x->server_address;
    return 0;
}

int origin_connect(struct exchange *x)
{
    if (origin_lease(x, false) < 0)
        return -1;
    x->log.connected = green_turn_time();
    h1_init(&x->server, upstream_wire(x->lease), &x->worker->buffers, 0, x->listener->timeout_write);
    local_begin(x, 200);
    return 0;
}

/* --- connections that belong to somebody ---------------------------------------------------------------------------- */

/* NTLM, and Negotiate when it comes down to it, log a connection in: whoever uses it next would be that user. */
static bool names_connection_scheme(struct span value)
{
    struct span element;
    while (span_next_element(&value, &element))
        if (span_starts_nocase(element, SPAN("ntlm")) || span_starts_nocase(element, SPAN("negotiate")))
            return true;
    return false;
}

static bool has_connection_scheme(const struct http_head *head, uint8_t id)
{
    for (unsigned i = 0; i < head->count; i++)
        if (head->fields[i].id == id && names_connection_scheme(head->fields[i].value))
            return true;
    return false;
}

bool origin_may_share(const struct exchange *x)
{
    return !has_connection_scheme(&x->request, HTTP_F_AUTHORIZATION) &&
           !has_connection_scheme(&x->response, HTTP_F_WWW_AUTHENTICATE);
}
