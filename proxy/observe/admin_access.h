/*
 * Who may look at the admin pages: whoever reaches a loopback address or a unix socket, others with the token, which
 * programs send as a Bearer and browsers give once for a cookie.
 */
#ifndef OBSERVE_ADMIN_ACCESS_H
#define OBSERVE_ADMIN_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include <green.h>

#define ADMIN_SESSIONS       32
#define ADMIN_SESSION_BYTES  32 /* as text: twice as many digits */
#define ADMIN_SESSION_LENGTH GREEN_S(12 * 3600)

struct admin_sessions {
    struct {
        char id[2 * ADMIN_SESSION_BYTES + 1];
        green_time ends; /* 0: free */
    } list[ADMIN_SESSIONS];
};

/* Is it the secret? The time it takes tells nothing of how much of it is right. */
bool admin_same_secret(const char *given, size_t n, const char *secret);

/* Does the request come with the token, or with the cookie of a session? */
bool admin_has_token(const struct admin_sessions *sessions, const char *token,
                     const green_http_exchange_t *x);

/* The value of our cookie in a field Cookie (or NULL), or NULL: not there. */
const char *admin_find_cookie(const char *field, size_t *n);

/* A page on the web can have its name lead to this machine, but a browser then still says that name: only addresses and
 * localhost are what somebody means who asks an admin address without a token. */
bool admin_host_good(const char *host);

/* A browser says where a form was sent from: false for another site's. */
bool admin_same_site(const green_http_exchange_t *x);

/* The value of `name` in an urlencoded form, decoded, with a NUL; how many bytes, or -1: there is none, or it is longer
 * than the room. */
int admin_form_value(const char *form, const char *name, char *out, size_t room);

/* A session for whoever gave the token: *id is what the cookie holds. 0 or -errno: no random numbers. */
int admin_session_begin(struct admin_sessions *sessions, const char **id);
void admin_session_end(struct admin_sessions *sessions, const green_http_exchange_t *x);

#define ADMIN_COOKIE "greenway_admin"

#endif
