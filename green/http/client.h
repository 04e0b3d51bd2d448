/*
 * An HTTP/1.1 client: requests by URL, kept connections, answers read as a stream or collected. TLS verifies the server
 * unless the context given says otherwise.
 *
 *     char *body;
 *     int status = green_http_get("https://example.com/", &body, NULL, 1 << 20, green_in_ms(2000));
 *     if (status >= 0)
 *         printf("%d, %zu bytes\n", status, strlen(body));
 *     free(body);
 *
 * It is as strict as the server: what could be understood in two ways is -EPROTO. Interim answers (1xx) are skipped.
 */
#ifndef GREEN_HTTP_CLIENT_H
#define GREEN_HTTP_CLIENT_H

#include <stdint.h>
#include <sys/types.h>

#include "../core/error.h"
#include "../core/time.h"
#include "../net/tls.h"
#include "fields.h"

typedef struct green_http_client green_http_client_t;
typedef struct green_http_response green_http_response_t;

/* Zero in every field is the default. */
typedef struct green_http_client_options {
    unsigned connections;     /* most at a time; further requests wait; 0: 16 */
    unsigned redirects;       /* followed in one request; 0: none, they are answers like others */
    int64_t connect_timeout;  /* ns to connect to any of the addresses, and as many for TLS; 0: 10 s */
    int64_t answer_timeout;   /* ns from the request to the head of its answer; 0: 60 s */
    int64_t body_timeout;     /* ns for the next bytes of a body, either way; 0: 30 s */
    int64_t idle_timeout;     /* ns that an idle connection is kept for reuse; 0: 30 s */
    size_t head_limit;        /* bytes of an answer's head; 0: 32 KiB */
    green_tls_context_t *tls; /* of GREEN_TLS_CLIENT, for https; NULL: the system's authorities */
    const char *user_agent;   /* sent unless a request has its own; NULL: none */
} green_http_client_options_t;

/* A client for the greenlets of the calling thread. options may be NULL; what the pointers name must outlive it (of `tls`
 * it keeps a reference). 0; -EINVAL: a negative timeout, a user agent that cannot be sent; -ENOMEM. Never switches. */
int green_http_client_new(green_http_client_t **out,
                          const green_http_client_options_t *options) GREEN_MUST_CHECK;

/* Closes the idle connections and frees it; NULL is fine. -EBUSY: a request or a response is still open, nothing
 * happened. Never switches. */
int green_http_client_free(green_http_client_t *client);

/* Closes the idle connections. Never switches. */
void green_http_client_close_idle(green_http_client_t *client);

typedef struct green_http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const green_http_field_t *fields; /* to be sent besides Host, Content-Length and User-Agent */
    size_t field_count;
    const void *body;
    size_t body_size;
} green_http_request_t;

/*
 * Sends a request and waits for the head of the answer; its body is still to be read. client NULL: one of its own, for
 * this request only. What the request points to need not outlive the call.
 *
 * A kept connection that turns out to be dead before any byte of the answer came is replaced by a new one, once, if the
 * method is idempotent. Redirects are followed as far as the options allow: 303 becomes GET, as do 301 and 302 of POST;
 * credentials (Authorization, Cookie) stay with the host that they are for; from https nobody is led to http.
 *
 * 0 and *out, to be closed by the caller. Errors:
 *     -EINVAL        not a URL of http or https, a method or a field that cannot be sent
 *     -EPROTO        the answer is not valid HTTP (green_http_client_error() says why)
 *     -ELOOP         more redirects than allowed, where some are
 *     -ENODATA       the connection ended before the answer's head was complete
 *     -ENAMETOOLONG  a URL beyond 8 KiB
 *     -ETIMEDOUT     the deadline, or a timeout of the client
 *     -ENOMEM, those of green_resolve(), green_connect(), green_tls_connect() and streams
 * May switch.
 */
int green_http_request(green_http_client_t *client, const green_http_request_t *request,
                       green_http_response_t **out, green_time deadline) GREEN_MUST_CHECK;

/* Why the last answer in this thread was -EPROTO: a sentence. Look before the next call that can switch. Never
 * switches. */
const char *green_http_client_error(void);

/* --- answers ----------------------------------------------------------------------------------------------------- */

/* Texts live until the response is closed. Never switch. */
int green_http_response_status(const green_http_response_t *r);
const char *green_http_response_reason(const green_http_response_t *r); /* as received; may be empty */
const char *green_http_response_host(const green_http_response_t *r);   /* where it came from in the end */
const char *green_http_response_target(const green_http_response_t *r);
const char *green_http_response_field(const green_http_response_t *r, const char *name); /* NULL: none */
size_t green_http_response_fields(const green_http_response_t *r, const green_http_field_t **fields);
int64_t
green_http_response_length(const green_http_response_t *r); /* of the body; -1: not known in advance */

/* The next bytes of the body: how many, 0 at its end. -ENODATA: it is not complete; -EPROTO: its coding is broken;
 * -ETIMEDOUT: nothing came for body_timeout, or the deadline passed (then one can go on). May switch. */
ssize_t green_http_response_read(green_http_response_t *r, void *buffer, size_t size,
                                 green_time deadline) GREEN_MUST_CHECK;

/* All of the body that has not been read, in memory that the caller frees, with a 0 behind it. *size may be NULL.
 * -EMSGSIZE: more than `limit` bytes; -ENOMEM; those of reading. May switch. */
int green_http_response_collect(green_http_response_t *r, char **body, size_t *size, size_t limit,
                                green_time deadline) GREEN_MUST_CHECK;

/* Gives the response up; NULL is fine. If its body was read to the end the connection is kept for another request, else
 * it is closed. Never switches. */
void green_http_response_close(green_http_response_t *r);

/* All at once: GET, with up to five redirects, and the body of at most `limit` bytes. The answer's status, or an error
 * of the above; *body is NULL then. May switch. */
int green_http_get(const char *url, char **body, size_t *size, size_t limit,
                   green_time deadline) GREEN_MUST_CHECK;

#endif
