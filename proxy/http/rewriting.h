/* The target that a request goes on with, where the route has rules about that. */
#ifndef HTTP_REWRITING_H
#define HTTP_REWRITING_H

#include "exchange.h"

/* Sets x->path and x->target if the route rewrites them. 0, or -1 after exchange_fail(). */
int rewrite_request(struct exchange *x);

#endif
