/* How a browser gets past the token: a form, a cookie, and a way out. */
#ifndef OBSERVE_ADMIN_LOGIN_H
#define OBSERVE_ADMIN_LOGIN_H

#include "admin_access.h"

/* Answers 401, for a browser with the form; `again` if what it gave was wrong. */
int admin_ask_for_token(green_http_exchange_t *x, bool again);

/* The form that was sent: a session and the way to the dashboard, or the form again. token NULL: straight on. */
int admin_login(struct admin_sessions *sessions, const char *token, green_http_exchange_t *x);

/* Ends the session. */
int admin_logout(struct admin_sessions *sessions, green_http_exchange_t *x);

#endif
