/*
 * Challenges of ACME that are under way: what the authority asks our listeners for, and is to get. Few, for moments, and
 * for the whole process. Any thread.
 */
#ifndef TLS_CHALLENGES_H
#define TLS_CHALLENGES_H

#include <stdatomic.h>
#include <stdbool.h>

#include <green.h>

#define CHALLENGE_PATH   "/.well-known/acme-challenge/"
#define CHALLENGE_PROTO  "acme-tls/1"
#define CHALLENGE_ANSWER 512

extern atomic_uint challenges_open; /* how many there are */

static inline bool challenges_any(void)
{
    return __builtin_expect(atomic_load_explicit(&challenges_open, memory_order_relaxed) != 0, 0);
}

/* http-01: whoever asks for this token is told `answer`; tls-alpn-01: whoever shakes hands for that alone, for this name,
 * sees the certificate for `answer`. 0 or -ENOMEM, or what OpenSSL makes of it. */
int challenges_add_http(const char *token, const char *answer);
int challenges_add_tls(const char *name, const char *answer);
void challenges_remove(const char *token_or_name);

/* The answer for a token: its length, or -ENOENT. */
int challenges_answer(const char *token, size_t length, char out[CHALLENGE_ANSWER]);

/* The context for a name, NULL: none. It lives on for ten seconds at least. */
green_tls_context_t *challenges_context(const char *name);

#endif
