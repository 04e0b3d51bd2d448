/* A message body from one stream to another. */
#ifndef HTTP_RELAY_H
#define HTTP_RELAY_H

#include "runtime/buffer.h"
#include "stream.h"

/* How patient and generous to be with the side that sends the body. */
struct relay_patience {
    int64_t timeout;    /* ns between reads */
    int64_t min_rate;   /* bytes per second on average, judged after a grace; 0: any */
    uint64_t max_bytes; /* more than this in all is -EMSGSIZE; 0: any number */
};

/* Which side a failure was on. */
enum relay_side { RELAY_NONE, RELAY_FROM, RELAY_TO };

/* Passes the rest of the body of `from` on to `to` and finishes `to`, trailers included. 0, or the error and *side.
 * A sender below the minimum rate is -ETIME, and so is a receiver that is too slow. May switch. */
int relay_body(struct http_stream *from, struct http_stream *to, const struct relay_patience *patience,
               struct buffers *buffers, enum relay_side *side);

#endif
