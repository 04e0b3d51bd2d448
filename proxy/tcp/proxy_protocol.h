/*
 * The PROXY protocol, versions 1 and 2: the few bytes before everything else by which one proxy tells the next for whom it
 * speaks. Pure code; what is read comes from a stranger.
 */
#ifndef TCP_PROXY_PROTOCOL_H
#define TCP_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include <green.h>

#define PROXY_V1_MOST   107 /* bytes of a header of version 1 */
#define PROXY_V2_HEAD   16  /* bytes of version 2 that say how long it is */
#define PROXY_V2_MOST   (PROXY_V2_HEAD + 4096)
#define PROXY_SIGNATURE 12 /* bytes that tell the versions apart */

struct proxy_header {
    bool
        known; /* else the other proxy speaks for itself (a health check), or for somebody without an address */
    green_address_t source, destination;
};

/* Which version the first PROXY_SIGNATURE bytes belong to: 1, 2, or 0 for none. */
int proxy_version(const char *bytes);

/* How long the header of version 2 is, by its first PROXY_V2_HEAD bytes; 0: too long, or no such header. */
size_t proxy_v2_size(const char *bytes);

/* Takes a complete header apart: 0 or -EPROTO. */
int proxy_v1_read(const char *bytes, size_t n, struct proxy_header *out);
int proxy_v2_read(const char *bytes, size_t n, struct proxy_header *out);

/* What is told beyond the addresses; NULL: nothing. */
struct proxy_facts {
    const char *alpn, *authority;
    const char *tls_version, *tls_cipher, *client_subject; /* tls_version NULL: plain */
    bool client_verified;
};

#define PROXY_WRITE_BYTES 2048 /* room for what these make */

/* Headers to send: how many bytes. Without a pair of IP addresses they say that nobody is spoken for. Texts too long for
 * what there is room for are left out. */
size_t proxy_v1_write(const struct proxy_header *header, char *out);
size_t proxy_v2_write(const struct proxy_header *header, const struct proxy_facts *facts, char *out);

#endif
