/* The keys that tokens may be signed with, as a file gives them: a JWK set (RFC 7517), a public key, or a secret. */
#ifndef ROUTE_KEYRING_H
#define ROUTE_KEYRING_H

#include "conf.h"
#include "signature.h"

#define KEYRING_MOST 64 /* keys */

struct keyring_key {
    struct signature_key *key;
    struct span id;                     /* kid; empty: none */
    enum signature_algorithm algorithm; /* alg: the only one; SIGNATURE_ALGORITHMS: any that fits */
};

/* Never changed once it was made. */
struct keyring {
    uint64_t number; /* of no other keyring of this process */
    struct keyring_key *keys;
    size_t count;
};

/* A keyring in the arena, whose keys go when the arena does: what conf_jwt_read is to be. NULL and the ring in *keys, or
 * what is wrong. */
const char *keyring_read(struct conf_arena *arena, enum conf_jwt_source source, const char *bytes, size_t n,
                         const void **keys);

#endif
