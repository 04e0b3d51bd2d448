/*
 * A stream server: accepts connections and runs a handler for each in a greenlet of its own (gevent's StreamServer).
 *
 *     static int echo(green_stream_t *peer, const green_address_t *address, void *arg)
 *     {
 *         char buffer[4096];
 *         ssize_t n;
 *         while ((n = green_stream_read(peer, buffer, sizeof buffer, GREEN_FOREVER)) > 0) {
 *             int r = green_stream_write_all(peer, buffer, (size_t)n, NULL, GREEN_FOREVER);
 *             if (r < 0)
 *                 return r;
 *         }
 *         return (int)n;
 *     }
 *
 *     green_server_t *server;
 *     if (green_server_new(&server, "127.0.0.1:7000", echo, NULL, NULL) == 0)
 *         green_server_run(server, GREEN_FOREVER);
 *
 * A server belongs to the thread that starts it, until it is stopped (-EXDEV elsewhere). Several threads share a port with `reuseport`, each with a server of
 * its own.
 */
#ifndef GREEN_NET_SERVER_H
#define GREEN_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "socket.h"
#include "stream.h"
#include "tls.h"

typedef struct green_server green_server_t;

/* Serves one connection. The stream is closed when it returns, whatever it returns; a negative result is reported to
 * on_error and hurts nobody else. It should end soon with -ECANCELED once a call gives it that. */
typedef int (*green_server_fn)(green_stream_t *stream, const green_address_t *peer, void *arg);

/* Zero in every field is the default. Copied by green_server_new(); what the pointers name must outlive the server. */
typedef struct green_server_options {
    size_t
        connections; /* most at a time: when as many are served, accepting stops until one ends; 0: no bound */
    int backlog;     /* of listen(2); 0: 1024 */
    bool reuseport;  /* SO_REUSEPORT: several servers share the address */
    unsigned accepts;     /* most in a row before others have their turn; 0: 100 */
    int64_t stop_timeout; /* ns that green_server_stop() lets handlers finish; 0: 1 s */
    size_t stack_size;    /* of the handlers' greenlets, as in green_attr_t */
    const char *name;     /* of their greenlets; NULL: "connection" */
    green_tls_context_t
        *tls; /* of GREEN_TLS_SERVER: handlers get TLS streams; the server keeps a reference */
    int64_t handshake_timeout; /* ns for TLS to get ready, in the connection's greenlet; 0: 10 s */
    const char *busy;          /* sent to those who are turned away for want of descriptors; NULL: nothing */

    /* Told of what went wrong: a handler's negative result or a failed handshake (peer is set), or accept(2) failing
     * (peer is NULL). Never of -ECANCELED. Must not wait. */
    void (*on_error)(green_server_t *server, const green_address_t *peer, int error, void *arg);
} green_server_options_t;

/*
 * Makes a server; it does not listen yet. The address is "host:port", ":port" or "*:port" (every IPv4 address),
 * "[::1]:port", "[::]:port" or "unix:/path"; port 0 is any free one. arg goes to the handler and to on_error. options
 * may be NULL. 0, -EINVAL (fn or address NULL, a negative option), -ENOMEM. Never switches.
 */
int green_server_new(green_server_t **out, const char *address, green_server_fn fn, void *arg,
                     const green_server_options_t *options) GREEN_MUST_CHECK;

/* The same on a listening descriptor, which is the server's from now on unless this fails. -ENOTSOCK, -EBADF, -EINVAL
 * also: it does not listen. */
int green_server_new_fd(green_server_t **out, int fd, green_server_fn fn, void *arg,
                        const green_server_options_t *options) GREEN_MUST_CHECK;

/*
 * Listens and begins to accept. Does nothing if it is started. A unix socket file that a dead server left behind is
 * replaced; one that somebody listens on is not (-EADDRINUSE). May be started again after a stop, unless it was made
 * from a descriptor (-EBADF). -EINVAL: the address has no such form; -ENAMETOOLONG: a path too long for a socket; what
 * socket, bind, listen and green_resolve() say. May switch (for a host name only).
 */
int green_server_start(green_server_t *s, green_time deadline) GREEN_MUST_CHECK;

/*
 * Stops accepting, closes the listener, lets the handlers finish for `stop_timeout`, but no longer than the deadline;
 * then cancels those that are left and waits for their end. 0: all have ended; -ETIMEDOUT (or -EAGAIN with
 * GREEN_NOWAIT): some still live at the deadline, cancelled; -ECANCELED: the caller was, and so are they; -EDEADLK: a
 * handler of this server calls it, which would wait for itself: only accepting has stopped. May switch.
 */
int green_server_stop(green_server_t *s, green_time deadline);

/* Stops accepting and closes the listener; handlers go on undisturbed. Never switches. */
void green_server_close(green_server_t *s);

/* Closes and gives the server up; its memory lives until the last handler has ended. NULL is fine. Never switches. */
void green_server_free(green_server_t *s);

/* Leaves new connections in the listener's queue for a while, and goes on. 0; -EINVAL: not started; resume: -ENOMEM.
 * Never switch. */
int green_server_pause(green_server_t *s);
int green_server_resume(green_server_t *s);

/* Starts it unless it is, and waits until it is stopped or closed: 0, or the error for which accepting had to end
 * (-EBADF: somebody closed its descriptor). If the wait itself ends (deadline, cancellation) the server goes on: stop
 * it. May switch. */
int green_server_run(green_server_t *s, green_time deadline) GREEN_MUST_CHECK;

/* Where it listens; the port that 0 became. The port is 0 when it is not started or has none. Never switch. */
int green_server_address(const green_server_t *s, green_address_t *out) GREEN_MUST_CHECK; /* 0 or -EBADF */
int green_server_port(const green_server_t *s);

typedef struct green_server_stats {
    uint64_t accepted;    /* connections taken so far */
    uint64_t turned_away; /* accepted only to be closed, since descriptors had run out */
    uint64_t failed;      /* handlers that returned an error, and failed handshakes */
    size_t active;        /* connections now */
    bool started, paused;
} green_server_stats_t;

/* Never switches. */
void green_server_stats(const green_server_t *s, green_server_stats_t *out);

#endif
