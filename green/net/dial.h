/*
 * Connecting by name: resolve, try the addresses as RFC 8305 ("Happy Eyeballs") says, and hand out a stream. Nothing is
 * left behind when it is given up.
 */
#ifndef GREEN_NET_DIAL_H
#define GREEN_NET_DIAL_H

#include "address.h"
#include "stream.h"
#include "tls.h"

#define GREEN_DIAL_ATTEMPTS 16 /* addresses tried in one call, at most */

/* How to connect; zero in every field is the default, and NULL in place of it too. */
typedef struct green_dial_options {
    int family;                    /* AF_UNSPEC, AF_INET or AF_INET6: addresses of this one only */
    const green_address_t *source; /* the local address (its port may be 0); only its family is tried then */
    int64_t
        attempt_delay; /* ns before the next address is tried beside the last; 0: 250 ms; 10 ms at least */
    unsigned attempts; /* how many addresses at most; 0 or too many: GREEN_DIAL_ATTEMPTS */
    green_tls_context_t *tls; /* for tls: the client's context; NULL: one with the defaults */
} green_dial_options_t;

/*
 * A connected TCP socket to the first of these addresses that answers, TCP_NODELAY set: descriptor or -errno. The order
 * is as given, but families take turns. The next address is tried after the attempt delay, or at once when one has
 * failed; whoever connects first wins, the others are closed. If all fail, the error is the one that says most:
 * -ECONNREFUSED rather than -ENETUNREACH. -EAFNOSUPPORT: no address is of the family wanted; -EINVAL: no addresses, or
 * options out of range. May switch.
 */
int green_dial_addresses(const green_address_t *addresses, size_t count, const green_dial_options_t *options,
                         green_time deadline) GREEN_MUST_CHECK;

/* The same for a host, by name or numeric: descriptor, or besides the errors above those of green_resolve(). The one
 * deadline is for all of it. May switch. */
int green_dial_host(const char *host, int port, const green_dial_options_t *options,
                    green_time deadline) GREEN_MUST_CHECK;

/*
 * A stream to "tcp://host:port", "unix:/path" or "tls://host:port" (an IPv6 address in brackets). The errors of
 * green_dial_host(), green_connect() and green_tls_connect(); -EPROTONOSUPPORT: another scheme; -EINVAL: no such form, or
 * a port outside 1..65535. May switch.
 */
int green_dial(green_stream_t **out, const char *where, const green_dial_options_t *options,
               green_time deadline) GREEN_MUST_CHECK;

/* The two usual cases. Errors as above. May switch. */
int green_tcp_connect(green_stream_t **out, const char *host, int port, green_time deadline) GREEN_MUST_CHECK;
int green_unix_connect(green_stream_t **out, const char *path, green_time deadline) GREEN_MUST_CHECK;

#endif
