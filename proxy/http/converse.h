/* The conversation with a server: a connection leased, the request sent, the head of the answer read. */
#ifndef HTTP_CONVERSE_H
#define HTTP_CONVERSE_H

#include "exchange.h"
#include "mirror.h"
#include "relay.h"

#define RESPONSE_HEAD_BYTES  65536
#define RESPONSE_INTERIM_MAX 100 /* interim answers before the final one; more are no service to anybody */

struct conversation {
    struct exchange *x;
    struct http_forward_request facts;
    struct mirror mirror;
    struct lease_request lease; /* with the servers that could not be reached */
    uint32_t sent;              /* how often the request was */
    green_time deadline;        /* of all tries; 0: none was waited for yet */
    bool by_try;                /* the present one ends sooner */
    bool replayed;              /* the request was sent twice already */
    struct h1_mark body_start;
    struct http_stream *body; /* where it is read from */
    /* The rest of the request's body goes on in a greenlet of its own while the answer is waited for. */
    green_t *upload;
    bool upload_done;
    int upload_result;
    enum relay_side upload_side; /* whose fault that was */
    bool watching;               /* the client's descriptor is parked while the server thinks */
    bool client_gone;            /* it turned out to be gone */
    bool hedged;                 /* the request went to another server as well (hedge.h), */
    struct hedge *hedge;         /* where it is still under way; NULL: it is not */
    green_time asked;            /* the server that has answered: connected to it */
};

extern const struct http_limits conversation_limits; /* on the heads of answers */

void conversation_begin(struct conversation *t, struct exchange *x);

/* Sends the request and reads the final answer's head (or that of a 101) into x->response; interim answers go to the
 * client on the way. 0, or -1 after exchange_fail(). May switch. */
int conversation_hold(struct conversation *t);

/* After any failure: if it was the client's body that broke off, that is the reason to report. */
void conversation_failed(struct conversation *t);

/* Ends the upload if it still runs; the connection goes back to the pool if `complete` and nothing speaks against it.
 * May switch. */
void conversation_end(struct conversation *t, bool complete);

/* What the head that goes to a server is made with, besides the request's own: what the server is to know of the client,
 * and the edits. */
void exchange_request_facts(struct exchange *x, struct http_forward_request *facts);
/* A connection to a server of the exchange's upstream, as the request says: x->lease and x->server, and in *facts what depends on the server. 0, or -1 after
 * exchange_fail(). May switch. */
int exchange_lease(struct exchange *x, struct lease_request *request, struct http_forward_request *facts);

/* Another connection is the exchange's, x->lease: what is known of its server. 0, or -1 after exchange_fail(), and the
 * connection is closed. */
int exchange_note_server(struct exchange *x, const struct lease_request *request);

/* The end of that: back to the pool if the exchange of messages is complete and nothing speaks against it. */
void exchange_give_back(struct exchange *x, bool complete);

/* The limit on this request's body, 0: none; and the refusal of one that is larger. */
int64_t exchange_max_body(const struct exchange *x);
int exchange_body_too_large(struct exchange *x);

/* How patient to be with a client that sends its body; and what becomes of a request whose body failed. The latter
 * returns -1. */
struct relay_patience exchange_body_patience(const struct exchange *x);
int exchange_body_failed(struct exchange *x, int error);

#endif
