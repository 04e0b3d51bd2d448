/* A request gets its names: an id, and its step in a trace. */
#ifndef HTTP_TRACING_H
#define HTTP_TRACING_H

#include "exchange.h"

/* The same, where something is configured. 0, or -1 after exchange_fail(). */
int trace_begin(struct exchange *x);

/* When the client is known. A head that could not be read (`failed`) has no fields to believe. */
static inline int trace_request(struct exchange *x)
{
    const struct conf_tracing *rules = &x->listener->tracing;
    return rules->ids | rules->context ? trace_begin(x) : 0;
}

/* The id of the request, which gets one now if it has none. */
struct span exchange_request_id(struct exchange *x);

#endif
