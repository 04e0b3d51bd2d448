/* Answering a request with a file: what to send of it, and what to say about it. */
#ifndef FILES_ANSWER_H
#define FILES_ANSWER_H

#include "http/exchange.h"

/* For a route with a root. `path`: the request's, normalised, after the route's rewriting; it need not live longer than
 * the call begins. The answer is in x->response and x->local; 0, or -1 after exchange_fail(). May switch. */
int files_answer(struct exchange *x, struct span path);

#endif
