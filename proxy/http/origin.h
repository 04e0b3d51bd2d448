/* Requests to a forward proxy (protocol = forward), which say themselves where they go: absolute-form and CONNECT. */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "exchange.h"

/* Reads where the request goes into x->destination. 0, or -1 after exchange_fail(). */
int origin_choose(struct exchange *x);

/* Asks the listener's rules, then leases a connection to x->destination: an idle one if `pooled` and there is one. 0,
 * or -1 after exchange_fail(). May switch. */
int origin_lease(struct exchange *x, bool pooled);

/* Connects for a CONNECT and makes its answer in x->response. 0, or -1 after exchange_fail(). May switch. */
int origin_connect(struct exchange *x);

/* May the lease serve other clients? Not after schemes that authenticate connections instead of requests. */
bool origin_may_share(const struct exchange *x);

#endif
