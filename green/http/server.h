/*
 * An HTTP/1.1 server on the stream server: strict about what it takes, bounded in all it does, one greenlet for each
 * connection (gevent's pywsgi).
 *
 *     static int hello(green_http_exchange_t *x, void *arg)
 *     {
 *         return green_http_answer(x, 200, "text/plain", "hello\n", 6, GREEN_FOREVER);
 *     }
 *
 *     green_http_server_t *server;
 *     if (green_http_server_new(&server, ":8080", hello, NULL, NULL) == 0)
 *         green_http_server_run(server, GREEN_FOREVER);
 *
 * What is refused without the handler ever seeing it, and with what: malformed requests 400, a late head 408, a body
 * that is known to be too large 413, a long target 414, an unknown expectation 417, too many or too large fields 431,
 * unknown methods and CONNECT 501, other versions 505. A refused connection is closed after the answer. Pipelined
 * requests are answered one after the other, in order.
 */
#ifndef GREEN_HTTP_SERVER_H
#define GREEN_HTTP_SERVER_H

#include <sys/types.h>

#include "../net/server.h"
#include "fields.h"

typedef struct green_http_server green_http_server_t;
typedef struct green_http_exchange green_http_exchange_t;

/*
 * Answers one request. It may read the body before, during or not at all; what is left of it is read away afterwards.
 * An answer of unknown length ends when it returns. If it returns without having begun an answer, the client gets one
 * for it: 400, 408 or 413 if the body was the reason, else 500. If it returns a negative code in the middle of an
 * answer, the connection is broken off, so that nobody takes the answer for complete. The exchange must not be used
 * after it has returned.
 */
typedef int (*green_http_handler)(green_http_exchange_t *x, void *arg);

/* What the access log wants to know of an answered request. The texts live as long as the call. */
typedef struct green_http_record {
    const green_address_t *peer;
    const char *method, *path,
        *query;              /* method and path are "-" for requests that could not be understood; query may
                                          be NULL */
    int minor;               /* of HTTP/1.minor */
    int status;              /* 0: none was sent */
    uint64_t received, sent; /* bytes of bodies, without their coding */
    int64_t duration;        /* ns from the complete head to the end of the answer */
    int error;               /* what the handler returned, or for what the answer broke off; 0: all is well */
    const char *reason;      /* why the server refused it; NULL: it did not */
} green_http_record_t;

/* Zero in every field is the default. */
typedef struct green_http_server_options {
    green_server_options_t
        server;            /* on_error is told of failing accepts and failed handlers; `busy` is set here */
    size_t head_limit;     /* bytes from the request line to the empty line; 0: 32 KiB */
    uint64_t body_limit;   /* bytes; 0: 16 MiB; UINT64_MAX: none */
    int64_t head_timeout;  /* ns from the first byte of a head to its last; 0: 10 s */
    int64_t idle_timeout;  /* ns from one request to the first byte of the next; 0: 60 s */
    int64_t body_timeout;  /* ns for the next bytes of a body; 0: 30 s */
    int64_t write_timeout; /* ns for the client to take the next bytes; 0: 30 s */
    const char *name;      /* sent as Server; NULL: no such field */
    void (*log)(const green_http_record_t *record, void *arg); /* after each answer; must not wait */
} green_http_server_options_t;

/* Makes a server; see green_server_new() for the address, ownership and errors. -EINVAL also: a negative timeout, a name
 * that cannot be sent. Never switches. */
int green_http_server_new(green_http_server_t **out, const char *address, green_http_handler fn, void *arg,
                          const green_http_server_options_t *options) GREEN_MUST_CHECK;
int green_http_server_new_fd(green_http_server_t **out, int fd, green_http_handler fn, void *arg,
                             const green_http_server_options_t *options) GREEN_MUST_CHECK;

/* Like those of the stream server (net/server.h). Stopping ends idle connections at once; requests that have begun are
 * answered, with "Connection: close". */
int green_http_server_start(green_http_server_t *s, green_time deadline) GREEN_MUST_CHECK;
int green_http_server_run(green_http_server_t *s, green_time deadline) GREEN_MUST_CHECK;
int green_http_server_stop(green_http_server_t *s, green_time deadline);
void green_http_server_free(
    green_http_server_t *s); /* only after a stop that returned 0, or before any start */
int green_http_server_port(const green_http_server_t *s);

/* The stream server underneath, to pause it, ask for its address and counters. It stays the HTTP server's. */
green_server_t *green_http_server_streams(green_http_server_t *s);

/* --- the request ------------------------------------------------------------------------------------------------- */

/* Texts live until the handler returns. None of these ever switches. */
const char *green_http_method(const green_http_exchange_t *x);
const char *green_http_path(const green_http_exchange_t *x);  /* as received, not decoded: "/a%20b"; or "*" */
const char *green_http_query(const green_http_exchange_t *x); /* behind the '?', as received; NULL: none */
const char *green_http_host(const green_http_exchange_t *x);  /* "name[:port]"; NULL: none (HTTP/1.0) */
int green_http_minor(const green_http_exchange_t *x);         /* 0 or 1, of HTTP/1.x */
const green_address_t *green_http_peer(const green_http_exchange_t *x);
green_stream_t *green_http_stream(const green_http_exchange_t *x); /* to look at; what TLS knows */

/* A field's value by its name in any case; NULL: there is none. All of them: fields[0 .. returned). */
const char *green_http_field(const green_http_exchange_t *x, const char *name);
size_t green_http_fields(const green_http_exchange_t *x, const green_http_field_t **fields);

/* The length that the body was announced with; 0: no body; -1: chunked, nobody knows. */
int64_t green_http_body_length(const green_http_exchange_t *x);

/* Sends "100 Continue" if the client waits for it. Reading does so by itself; this is for handlers that begin their
 * answer first. 0, those of the stream. May switch. */
int green_http_continue(green_http_exchange_t *x, green_time deadline) GREEN_MUST_CHECK;

/* The next bytes of the body: how many, 0 at its end. If the client waits for "100 Continue", the first call sends it.
 * -ENODATA: the client left in the middle of it; -EPROTO: its coding is broken; -EMSGSIZE: it is larger than the limit;
 * -ETIMEDOUT: nothing came for body_timeout, or the deadline passed; those of the stream. After any but a passed deadline
 * every further call returns the same. May switch. */
ssize_t green_http_read(green_http_exchange_t *x, void *buffer, size_t size,
                        green_time deadline) GREEN_MUST_CHECK;

/* --- the answer -------------------------------------------------------------------------------------------------- */

/* Adds a field; several of one name are fine. -EINVAL: not a valid name or value (so nobody can slip in a line), or one
 * of Connection, Content-Length, Transfer-Encoding, Keep-Alive, Upgrade, Trailer, which are the server's; -EALREADY: the
 * answer has begun; -EMSGSIZE: 32 KiB of them; -ENOMEM. Never switches. */
int green_http_set(green_http_exchange_t *x, const char *name, const char *value) GREEN_MUST_CHECK;

/* The connection ends with this answer. Never switches. */
void green_http_close(green_http_exchange_t *x);

#define GREEN_HTTP_UNKNOWN (-1)

/* Begins an answer with `length` bytes of content, or GREEN_HTTP_UNKNOWN: it is sent chunked (to HTTP/1.0: until the
 * connection ends). It leaves with the first write or flush. -EINVAL: a status outside 200 to 599; -EALREADY. Never
 * switches. */
int green_http_begin(green_http_exchange_t *x, int status, int64_t length) GREEN_MUST_CHECK;

/* Sends content. Answers to HEAD, 204 and 304 have none: it is dropped. -EINVAL: no answer was begun; -EMSGSIZE: more
 * than was announced, nothing of it was sent; those of the stream (-EPIPE, -ECONNRESET: the client is gone; -ETIMEDOUT).
 * May switch. */
int green_http_write(green_http_exchange_t *x, const void *data, size_t size,
                     green_time deadline) GREEN_MUST_CHECK;

/* Sends what was begun now, before there is any content. May switch. */
int green_http_flush(green_http_exchange_t *x, green_time deadline) GREEN_MUST_CHECK;

/* All at once: status, Content-Type (NULL: none), content. Errors of the above. May switch. */
int green_http_answer(green_http_exchange_t *x, int status, const char *type, const void *data, size_t size,
                      green_time deadline) GREEN_MUST_CHECK;

/* Has an answer been begun? Never switches. */
bool green_http_begun(const green_http_exchange_t *x);

#endif
