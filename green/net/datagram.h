/*
 * A datagram server: runs a handler for each datagram that arrives (gevent's DatagramServer), over UDP or a unix socket.
 *
 *     static int echo(green_datagram_server_t *s, const green_datagram_t *d, void *arg)
 *     {
 *         return green_datagram_send(s, d->from, d->data, d->size, GREEN_FOREVER);
 *     }
 *
 *     green_datagram_server_t *server;
 *     if (green_datagram_server_new(&server, "127.0.0.1:9000", echo, NULL, NULL) == 0)
 *         green_datagram_server_run(server, GREEN_FOREVER);
 */
#ifndef GREEN_NET_DATAGRAM_H
#define GREEN_NET_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "socket.h"

typedef struct green_datagram_server green_datagram_server_t;

typedef struct green_datagram {
    const void *data; /* lives until the handler returns */
    size_t size;
    const green_address_t
        *from; /* its length is 0 where the sender has no address (a unix socket without one) */
} green_datagram_t;

/* Handles one datagram. A negative result is reported to on_error. */
typedef int (*green_datagram_fn)(green_datagram_server_t *s, const green_datagram_t *d, void *arg);

/* Zero in every field is the default. Copied; what the pointers name must outlive the server. */
typedef struct green_datagram_options {
    size_t
        handlers; /* most at a time: then datagrams wait in the kernel's buffer, which drops what does not fit; 0: 1000 */
    bool
        in_order; /* one after the other, each when the one before it has been handled, in the reader's greenlet */
    size_t size;          /* the largest datagram that is taken; larger ones are dropped; 0: 65535 */
    bool reuseport;       /* SO_REUSEPORT: several servers share the address */
    int64_t stop_timeout; /* ns that green_datagram_server_stop() lets handlers finish; 0: 1 s */
    size_t stack_size;    /* of the handlers' greenlets, as in green_attr_t */
    const char *name;     /* of their greenlets; NULL: "datagram" */

    /* Told of a handler's negative result (from is set) and of failing receives (from is NULL); never of -ECANCELED. Must
     * not wait. */
    void (*on_error)(green_datagram_server_t *s, const green_address_t *from, int error, void *arg);
} green_datagram_options_t;

/* Makes a server that does not listen yet; addresses, ownership and errors as for green_server_new(). Never switches. */
int green_datagram_server_new(green_datagram_server_t **out, const char *address, green_datagram_fn fn,
                              void *arg, const green_datagram_options_t *options) GREEN_MUST_CHECK;

/* The same on a bound datagram socket, which is the server's from now on unless this fails. */
int green_datagram_server_new_fd(green_datagram_server_t **out, int fd, green_datagram_fn fn, void *arg,
                                 const green_datagram_options_t *options) GREEN_MUST_CHECK;

/* Like those of the stream server. Stopping ends the receiving at once; the socket stays open for the answers of the
 * handlers that still run. */
int green_datagram_server_start(green_datagram_server_t *s, green_time deadline) GREEN_MUST_CHECK;
int green_datagram_server_run(green_datagram_server_t *s, green_time deadline) GREEN_MUST_CHECK;
int green_datagram_server_stop(green_datagram_server_t *s, green_time deadline);
void green_datagram_server_close(green_datagram_server_t *s);
void green_datagram_server_free(green_datagram_server_t *s);
int green_datagram_server_address(const green_datagram_server_t *s, green_address_t *out) GREEN_MUST_CHECK;
int green_datagram_server_port(const green_datagram_server_t *s);

/* Sends a datagram from the server's socket: 0, -EBADF: it is closed; -EINVAL: `to` is no address; -EMSGSIZE: too large; else
 * -errno of sendto(2). May switch. */
int green_datagram_send(green_datagram_server_t *s, const green_address_t *to, const void *data, size_t size,
                        green_time deadline) GREEN_MUST_CHECK;

typedef struct green_datagram_stats {
    uint64_t received, dropped, failed; /* handed to handlers; too large; handlers that returned an error */
    size_t active;                      /* handlers that run */
    bool started;
} green_datagram_stats_t;

/* Never switches. */
void green_datagram_server_stats(const green_datagram_server_t *s, green_datagram_stats_t *out);

#endif
