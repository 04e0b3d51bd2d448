/*
 * What a TLS client says first, read without answering it: the name that it asks for and the protocols that it offers.
 * Pure code over bytes from a stranger.
 */
#ifndef TCP_CLIENT_HELLO_H
#define TCP_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_HELLO_MOST 16384 /* bytes of the message */
#define CLIENT_HELLO_BYTES                                                                                   \
    (CLIENT_HELLO_MOST + 2048) /* with the heads of records, of which there may be many */

struct client_hello {
    char name[256];            /* in lower case; "": it asks for none */
    const unsigned char *alpn; /* names with their lengths before them; in `scratch` */
    size_t alpn_size;
};

enum client_hello_result {
    CLIENT_HELLO_DONE,
    CLIENT_HELLO_MORE,    /* it goes on */
    CLIENT_HELLO_NOT_TLS, /* the first bytes are no handshake of TLS */
    CLIENT_HELLO_BAD,     /* it is against the protocol */
    CLIENT_HELLO_TOO_LARGE,
};

/* Looks at the n bytes that have come so far. scratch: CLIENT_HELLO_MOST bytes, where the message is put together, for it
 * may be cut into records anywhere. */
enum client_hello_result client_hello_read(const unsigned char *data, size_t n, unsigned char *scratch,
                                           struct client_hello *out);

/* Is the protocol among those that it offers? */
bool client_hello_offers(const struct client_hello *hello, const char *protocol);

#endif
