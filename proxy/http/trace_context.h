/*
 * W3C Trace Context: taking traceparent and tracestate apart, and writing traceparent. Strict, for what is malformed
 * must begin a new trace (section 3.2 there).
 */
#ifndef HTTP_TRACE_CONTEXT_H
#define HTTP_TRACE_CONTEXT_H

#include "span.h"

#define TRACEPARENT_BYTES  55 /* of version 00 */
#define TRACE_SAMPLED      1
#define TRACESTATE_MEMBERS 32

struct trace_context {
    struct span trace_id;  /* 32 hexadecimal digits, in the field that was taken apart */
    struct span parent_id; /* 16 of them */
    unsigned flags;
};

/* A field's value; true and *out if it is well-formed. Of later versions it understands what version 00 has. */
bool trace_context_parse(struct span value, struct trace_context *out);

/* Version 00 of it, into TRACEPARENT_BYTES. */
void trace_context_print(const struct trace_context *context, char *out);

/* Is one tracestate field well-formed? *members counts on over several fields of one request. */
bool trace_state_valid(struct span value, unsigned *members);

#endif
