/* Any bytes as traceparent and, from the second line on, as tracestate: what is taken is what is written again. */
#include <stdint.h>
#include <stdlib.h>

#include "http/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parent(struct span value)
{
    struct trace_context context, again;
    char out[TRACEPARENT_BYTES];

    if (!trace_context_parse(value, &context))
        return;
    if (context.trace_id.n != 32 || context.parent_id.n != 16 || context.flags > 255 ||
        value.n < TRACEPARENT_BYTES)
        abort();
    trace_context_print(&context, out);
    if (!trace_context_parse(span_of(out, sizeof out), &again) ||
        !span_equal(context.trace_id, again.trace_id) || !span_equal(context.parent_id, again.parent_id) ||
        again.flags != (context.flags & TRACE_SAMPLED))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of((const char *)data, size);
    unsigned members = 0;

    bool valid = true;
    for (unsigned line = 0; rest.n && valid;
         line++) { /* what follows the first malformed one is not asked for */
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;

        if (line == 0)
            check_parent(span_of(rest.p, n));
        else
            valid = trace_state_valid(span_of(rest.p, n), &members);
        if (valid && members > TRACESTATE_MEMBERS)
            abort();
        rest.p += n + (end != NULL);
        rest.n -= n + (end != NULL);
    }
    return 0;
}
