/*
 * What ACME needs of cryptography: the account's key and what is signed with it (JWS, RFC 7515; ES256), keys and requests
 * of certificates, and certificates that we sign ourselves. Texts are for free(). Any thread; making a key takes part of a
 * millisecond.
 */
#ifndef TLS_ACME_KEYS_H
#define TLS_ACME_KEYS_H

#include <stddef.h>

struct acme_key; /* ECDSA, P-256 */

/* NULL: no memory, or no random numbers. */
struct acme_key *acme_key_new(void);
/* NULL: it is no private key of that kind. */
struct acme_key *acme_key_parse(const char *pem, size_t size);
void acme_key_free(struct acme_key *key);
char *acme_key_pem(const struct acme_key *key);

/* The public key, in JSON, with its members in the order that the thumbprint wants (RFC 7638); and that. */
char *acme_key_public(const struct acme_key *key);
char *acme_key_thumbprint(const struct acme_key *key);

/* In base64url: bytes; their signature; their HMAC with SHA-256 under a key that is itself in base64url; a request for a
 * certificate (CSR) with this key for this name. NULL: no memory, or the key is none. */
char *acme_base64(const void *data, size_t size);
char *acme_sign(const struct acme_key *key, const char *text);
char *acme_authenticate(const char *key, const char *text);
char *acme_request(const struct acme_key *key, const char *name);

/* A certificate for `name` that we sign ourselves, with its key behind it, in PEM: for the time until there is another; or,
 * with the text that is to be proven, for a challenge of tls-alpn-01 (RFC 8737). NULL: no memory. */
char *acme_self_signed(const char *name, const char *proof);

#endif
