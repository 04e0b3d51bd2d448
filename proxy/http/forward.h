/*
 * Regenerates heads for the other side, from parsed facts, into the caller's buffer. Start line, framing,
 * connection and forwarding fields are always made here; other fields are copied in received order and case
 * unless marked hop. Nothing is allocated; a buffer that is too small gives -ENOBUFS and holds garbage, and
 * it must not overlap the received bytes.
 *
 * Made for requests: request line in origin-form with HTTP/1.1, Host first; at the end Content-Length or
 * Transfer-Encoding, Connection and Upgrade or TE if needed, Max-Forwards one lower, X-Forwarded-For, -Proto
 * and -Host or Forwarded (RFC 7239) or both, and Via (RFC 9110 section 7.6.3 demands it of gateways).
 *
 * From untrusted peers the received Forwarded, X-Forwarded-* and X-Real-IP fields are dropped. From trusted ones the
 * list that names the client is appended to; the other list, which they may have passed on unseen, is written anew
 * from what is known; X-Real-IP gets the address that was found; the remaining X-Forwarded-* are kept.
 *
 * Made for responses: status line with HTTP/1.1, Date if missing, framing and Connection. Via is a gateway's choice
 * there and a proxy's duty.
 */
#ifndef HTTP_FORWARD_H
#define HTTP_FORWARD_H

#include "chunked.h"
#include "head.h"

/* A buffer of head->bytes + this + what the facts add (edits) always suffices for a response. */
#define HTTP_FORWARD_SLACK 512

/* The field in which trusted peers name the client. */
enum http_believed { HTTP_BELIEVED_X_FORWARDED_FOR, HTTP_BELIEVED_FORWARDED, HTTP_BELIEVED_X_REAL_IP };

struct http_forward_request {
    struct span client; /* the peer's address as text, e.g. "192.0.2.1" or "2001:db8::1" */
    struct span origin; /* of a trusted peer: the address that it speaks for; empty: itself */
    struct span scheme; /* "http" or "https": what the client used, for X-Forwarded-Proto */
    struct span host;   /* Host to send instead of head->host; empty: head->host */
    struct span target; /* path and query to send instead of the received ones, "/..."; empty: the received */
    struct span via;    /* our pseudonym in Via, "greenway"; empty: no Via */
    bool trusted;       /* the peer's forwarding fields may be believed, */
    enum http_believed believed; /* this one in particular */
    bool no_forwarded; /* add no X-Forwarded-* fields (those of untrusted peers are still dropped) */
    bool forwarded;    /* add Forwarded */
    bool no_upgrade;   /* drop the upgrade, if any: it is not allowed here */
    bool no_expect;    /* drop Expect: the proxy answers it itself */
    bool close;        /* ask the upstream to close after its answer */
    struct http_edits edits;
};

/* A buffer of this size always suffices. */
size_t http_forward_request_size(const struct http_head *head, const struct http_forward_request *facts);

/* Returns the length written or -ENOBUFS. */
int http_forward_request(const struct http_head *head, const struct http_forward_request *facts, char *out,
                         size_t cap);

struct http_forward_response {
    uint8_t minor;             /* the client's HTTP/1.minor */
    bool keepalive;            /* the client's connection is kept after this message */
    enum http_framing framing; /* towards the client: see http_response_framing() */
    struct span date;          /* for Date if the response has none; empty: do not add one */
    struct span via;           /* our pseudonym in Via, which a proxy owes its clients; empty: no Via */
    struct http_edits edits;
};

/* How the body of this response has to be delimited for a client of that minor version. */
enum http_framing http_response_framing(const struct http_head *head, uint8_t client_minor);

/*
 * Returns the length written or -ENOBUFS. 1xx heads get no framing, Date or Connection (101 gets its
 * upgrade). With HTTP_FRAMING_UNTIL_CLOSE, facts->keepalive counts as false.
 */
int http_forward_response(const struct http_head *head, const struct http_forward_response *facts, char *out,
                          size_t cap);

#endif
