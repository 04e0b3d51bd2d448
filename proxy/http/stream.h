/*
 * One HTTP message exchange as the proxy sees it on either side, whatever the version on the wire: heads, bodies,
 * trailers. HTTP/1.1 is h1.c; HTTP/2 is to fit behind the same calls.
 *
 * Calls that wait take a deadline or use the stream's own timeouts; they return negative errno, libgreen's codes or
 * enum http_error. Nothing a peer sent is passed on unchecked.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <green.h>

#include "chunked.h"
#include "forward.h"
#include "head.h"
#include "page.h"

struct http_stream;

struct http_stream_ops {
    /* The next head. The parser was prepared by the owner. 0; -ECONNRESET at an end of input before the first byte,
     * -ECONNABORTED at one in the middle. May switch. */
    int (*read_head)(struct http_stream *s, struct http_head *head, green_time deadline);

    /* The next piece of the body: its length, 0 at the end, -ECONNABORTED if the peer ended too early. *data is valid
     * until the next call. May switch. */
    ssize_t (*read_body)(struct http_stream *s, struct span *data, green_time deadline);

    /* Would read_body() answer without waiting for the network? */
    bool (*body_at_hand)(const struct http_stream *s);

    /* Trailers that came after the body, NULL if none. Valid once read_body() has returned 0. */
    const struct http_trailers *(*trailers)(const struct http_stream *s);

    /* Puts a head in line to be sent; it goes out with the first body bytes or at the next flush. */
    int (*write_request)(struct http_stream *s, const struct http_head *head,
                         const struct http_forward_request *facts);
    int (*write_response)(struct http_stream *s, const struct http_head *head,
                          const struct http_forward_response *facts);
    int (*write_page)(struct http_stream *s, const struct http_page *page);

    /* Sends body bytes, framed as the head said. Small pieces may be kept back until flush. May switch. */
    int (*write_body)(struct http_stream *s, struct span data);
    int (*flush)(struct http_stream *s);

    /* Ends the body, with trailers if the framing can carry them, and flushes. May switch. */
    int (*finish)(struct http_stream *s, const struct http_trailers *trailers);

    /* Bytes of the body that could move inside the kernel from here, 0 if none or not worth it; and whether the
     * sending side could take them like that. */
    uint64_t (*spliceable)(const struct http_stream *s);
    bool (*takes_splice)(const struct http_stream *s);
    ssize_t (*splice_in)(struct http_stream *s, green_pipe_t *pipe, green_time deadline);
    ssize_t (*splice_out)(struct http_stream *s, green_pipe_t *pipe);
};

struct http_stream {
    const struct http_stream_ops *ops;
};

#endif
