/* One request and its response, from the head's first byte to the last byte of the answer. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "h1.h"
#include "local.h"
#include "trace_context.h"
#include "route/destination.h"
#include "runtime/connection.h"
#include "runtime/memory.h"
#include "runtime/view.h"

enum exchange_end {
    EXCHANGE_KEEP,   /* the connection is ready for its next request */
    EXCHANGE_CLOSE,  /* it is to be closed at once */
    EXCHANGE_ABORT,  /* it is to be reset: the client must not take what it got for complete */
    EXCHANGE_LINGER, /* it is to be closed, after what the client still sends was read away */
    EXCHANGE_TUNNEL, /* the socket belongs to a tunnel now, which will close the connection */
};

/* What an exchange knows as it goes on. The steps (exchange.c, converse.c, upgrade.c) return 0, or -1 after
 * exchange_fail() has noted what went wrong. */
struct exchange {
    struct connection *connection;
    struct worker *worker;
    const struct view *view; /* the connection's, for as long as the exchange lasts */
    const struct conf_listener *listener;
    const struct conf_route *route;        /* NULL: none matched */
    const struct route_captures *captures; /* of the route's expressions (route/match.h), or NULL */
    const struct conf_upstream *upstream;
    struct destination *destination; /* of a request to a forward proxy, which has no route and no upstream */
    struct h1 *client;
    struct upstream_connection *lease; /* NULL: none */
    struct h1 server;                  /* of the lease */
    struct server_metrics *served;     /* of the last lease; NULL: none, or of no configured server */
    green_address_t server_address;    /* of a server that is not configured by its address */
    struct spool *spool;               /* the request's body, if it was received before; else NULL */
    struct local_answer local;         /* an answer that is made here */
    struct http_stream *answer;        /* where the answer comes from: one of the two */
    struct memory memory;              /* lives as long as the exchange */
    struct span request_id;            /* once asked for: exchange_request_id() */
    struct span traceparent;           /* for the server; empty: the request is not traced */
    struct span set_cookie;            /* that brings the client back to its server; empty: none */
    struct span path, target; /* rewritten: the normal path, and what servers see; empty: as received */
    bool close;               /* the client's connection ends with this exchange */
    bool stuck;               /* for the client does not read */
    bool proof;               /* it is an authority that asks, for what proves who we are */
    struct http_page page;    /* what to tell the client if it failed; status 0: nothing can be told */
    struct access_entry log;
    struct conf_origin origin; /* where the key that fired was set; log.origin points here */
    struct http_edits request_edits, response_edits; /* of fields, as the configuration asks for */
    struct http_head request, response;
    bool limited; /* in time, by the following */
    green_timeout_t limit;
    bool trusted;           /* the peer's word on the client's address was taken */
    green_address_t behind; /* what it said, if source points here */
    const green_address_t *source;
    struct source_count *counted; /* NULL: its requests are not */
    struct {
        char id[32], traceparent[TRACEPARENT_BYTES];
    } names; /* for the two above */
    char client_text[GREEN_ADDRESS_TEXT], origin_text[GREEN_ADDRESS_TEXT];
};

/* Serves one request that has begun to arrive on `client`. May switch. */
enum exchange_end exchange_run(struct connection *c, struct h1 *client);

/* The first steps of it, in their order, for who wants to know what would become of a request. Those that return a result
 * return 0, or -1 after exchange_fail(). */
struct route_request;
void exchange_prepare(struct exchange *x, struct connection *c, struct h1 *client);
struct http_limits exchange_head_limits(const struct exchange *x);
/* Behind a trusted proxy, the client is whom that one names. */
void exchange_identify_client(struct exchange *x);
/* What the route is chosen by; valid until the worker's scratch space is used for something else. */
int exchange_route_request(struct exchange *x, struct route_request *request);
int exchange_choose_route(struct exchange *x);
int exchange_check_limits(struct exchange *x);

/* Whose configuration key was responsible. */
enum exchange_blame { BLAME_NONE, BLAME_GREENWAY, BLAME_LISTENER, BLAME_ROUTE, BLAME_UPSTREAM };

/* Whose keys rule the conversation with the server. */
static inline enum exchange_blame exchange_server_blame(const struct exchange *x)
{
    return x->upstream ? BLAME_UPSTREAM : BLAME_LISTENER;
}

/* Notes a refusal or an error: the answer's status (0: too late or nobody there), a stable reason, the error type of
 * RFC 9209, the configuration key that fired and whose it is. Returns -1. */
int exchange_fail(struct exchange *x, int status, const char *reason, const char *error,
                  enum exchange_blame blame, const char *directive);

/* Notes a reason, and the key that fired, of an answer that is somebody else's. */
void exchange_note(struct exchange *x, const char *reason, enum exchange_blame blame, const char *directive);

/* The request's body means nothing to anybody: what is here of it is read away, the rest costs the connection. */
void exchange_discard_body(struct exchange *x);

/* The client broke the protocol: never forwarded, and nothing that follows can be trusted. Returns -1. */
int exchange_malformed(struct exchange *x, int http_error);

/* Room for so many more edits at the end of a list of the exchange's, to be filled at once; NULL: there is no memory. */
struct http_edit *exchange_more_edits(struct exchange *x, struct http_edits *edits, size_t count);

/* "http" or "https": what the client used. */
static inline struct span exchange_scheme(const struct exchange *x)
{
    return x->connection->tls ? SPAN("https") : SPAN("http");
}

/* The address that a request comes from, as far as it is known and trusted. */
static inline const green_address_t *exchange_client(const struct exchange *x)
{
    return x->source;
}

/* Where its route counts, or NULL. */
static inline struct route_metrics *exchange_route_counts(const struct exchange *x)
{
    return x->route ? metrics_route(x->view->metrics, x->worker->index, x->route) : NULL;
}

/* Fills in what the log entry says of the request, and the values that a format of its own wants. */
void exchange_log_fields(struct exchange *x);
void exchange_log_values(struct exchange *x, const struct conf_log_format *format);

#endif
