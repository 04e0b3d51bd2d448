/* Answers that a route gives without a server: redirects and fixed texts. */
#ifndef HTTP_ANSWERS_H
#define HTTP_ANSWERS_H

#include "exchange.h"
#include "route/template.h"

/* Make the answer, in x->response and x->local. 0, or -1 after exchange_fail(). */
/* To the same address with https (redirect_https). */
int answer_https(struct exchange *x);
/* What an authority asks for that is to issue a certificate (tls/challenges.h). The first says whether it does, and notes
 * that. */
bool answer_is_proof(struct exchange *x);
int answer_proof(struct exchange *x);
int answer_redirect(struct exchange *x, const struct conf_redirect *redirect);
int answer_text(struct exchange *x, const struct conf_respond *respond);

/* How a text of this media type is filled in, so that no variable breaks out of its place. */
enum template_place answer_place(const char *type);

#endif
