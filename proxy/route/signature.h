/*
 * Signatures of tokens (RFC 7518 section 3, RFC 8037), and keyed fingerprints. The one file of the proxy that calls
 * OpenSSL: what it needs is arithmetic on bytes, which libgreen has no business with.
 *
 * Keys are immutable and may be used by any thread at once.
 */
#ifndef ROUTE_SIGNATURE_H
#define ROUTE_SIGNATURE_H

#include "http/span.h"

/* What a key is decides what it can verify: an algorithm is taken only with keys of its own kind. */
enum signature_kind {
    SIGNATURE_SECRET,
    SIGNATURE_RSA,
    SIGNATURE_P256,
    SIGNATURE_P384,
    SIGNATURE_P521,
    SIGNATURE_ED25519
};

enum signature_algorithm {
    SIGNATURE_HS256,
    SIGNATURE_HS384,
    SIGNATURE_HS512,
    SIGNATURE_RS256,
    SIGNATURE_RS384,
    SIGNATURE_RS512,
    SIGNATURE_PS256,
    SIGNATURE_PS384,
    SIGNATURE_PS512,
    SIGNATURE_ES256,
    SIGNATURE_ES384,
    SIGNATURE_ES512,
    SIGNATURE_EDDSA,
    SIGNATURE_ALGORITHMS,
};

/* By its name in a token, which is case-sensitive; SIGNATURE_ALGORITHMS: none of them. */
enum signature_algorithm signature_algorithm(struct span name);

struct signature_key;

/* Keys of their numbers, big-endian. NULL and the key, or what is wrong with it. */
const char *signature_key_secret(struct span bytes, struct signature_key **out);
const char *signature_key_rsa(struct span n, struct span e, struct signature_key **out);
const char *signature_key_curve(enum signature_kind kind, struct span x, struct span y,
                                struct signature_key **out);
const char *signature_key_ed25519(struct span x, struct signature_key **out);
const char *signature_key_pem(struct span text, struct signature_key **out);
void signature_key_free(struct signature_key *key);

/* May keys of this kind, and of this strength, verify with that algorithm? */
bool signature_fits(const struct signature_key *key, enum signature_algorithm algorithm);

/* Has this key signed those bytes? False also when the algorithm does not fit the key. */
bool signature_verify(const struct signature_key *key, enum signature_algorithm algorithm, struct span bytes,
                      struct span signature);

/* Fingerprints under a random secret (HMAC-SHA-256). For one thread. */
#define SIGNATURE_MAC_BYTES 32

struct signature_mac;

struct signature_mac *signature_mac_new(void);                /* NULL: no memory, or no randomness */
struct signature_mac *signature_mac_with(struct span secret); /* rather than a random one */
void signature_mac_free(struct signature_mac *mac);

/* Of several parts, each with its length in front. False: there is no memory. */
bool signature_mac(struct signature_mac *mac, const struct span *parts, size_t count,
                   unsigned char out[SIGNATURE_MAC_BYTES]);

#endif
