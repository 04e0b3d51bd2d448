/*
 * A body in a content coding: a stream to read from that reads another one and encodes what comes.
 *
 * What came is held back only while more is at hand; then it is flushed, so that a slow stream stays a stream. Long
 * bodies let other greenlets run in between.
 */
#ifndef HTTP_ENCODED_H
#define HTTP_ENCODED_H

#include "encoder.h"
#include "runtime/buffer.h"
#include "stream.h"

struct encoded_body {
    struct http_stream stream;
    struct http_stream *from;
    struct encoders *encoders;
    struct encoder *encoder;
    struct buffers *buffers;
    char *out; /* a buffer */
    size_t filled;
    struct span in; /* of `from`, not encoded yet */
    enum encoder_step step;
    bool busy;   /* the step is not complete */
    bool dirty;  /* something was encoded since the last flush */
    bool ended;  /* all of the body was encoded, */
    int failed;  /* or `from` ended in this error */
    size_t work; /* bytes encoded since others had a turn */
};

/* 0, or -ENOMEM, also when the encoders' budget is used up; then there is nothing to end. */
int encoded_begin(struct encoded_body *e, struct http_stream *from, struct encoders *encoders,
                  enum http_coding coding, int level, struct buffers *buffers);
void encoded_end(struct encoded_body *e);

/* Does a field say something of the bytes that a coding changes (Digest and its kin)? */
bool http_field_is_digest(struct span name);

#endif
