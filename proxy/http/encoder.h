/*
 * Content codings: bytes in, coded bytes out, piece by piece. One face for zlib, brotli and zstd; no sockets.
 *
 * Encoders are large, so each worker has a budget for them: what is asked for beyond it is refused, and goes
 * uncompressed. Those that can be used again are kept until the worker has nothing to do.
 */
#ifndef HTTP_ENCODER_H
#define HTTP_ENCODER_H

#include <sys/types.h>

#include "coding.h"

struct encoder;

struct encoders {
    size_t limit; /* bytes */
    size_t held;  /* reserved by all encoders, the idle ones included */
    size_t idle_count;
    struct encoder *idle; /* the last used first */
};

void encoders_init(struct encoders *all, size_t limit);

/* Frees those that are idle, and has the C library give the memory back. */
void encoders_trim(struct encoders *all);

/* Bytes that an encoder of this kind may use. */
size_t encoder_reserve(enum http_coding coding, int level);

/* An encoder at the start of a body. NULL: out of memory or over the budget. */
struct encoder *encoder_take(struct encoders *all, enum http_coding coding, int level);
void encoder_give(struct encoders *all, struct encoder *e);

enum encoder_step {
    ENCODER_GO_ON,  /* output comes when it is worth it */
    ENCODER_FLUSH,  /* all input so far can be decoded from the output so far */
    ENCODER_FINISH, /* and nothing comes behind it */
};

/*
 * Takes input off *in and writes output. Returns how many bytes of it, or -EIO. *done: all input was taken, and the step
 * is complete; while it is not, the call has filled out[0..size) and the same step must be asked for again. Has at least
 * a few bytes of room each time.
 */
ssize_t encoder_run(struct encoder *e, enum encoder_step step, struct span *in, char *out, size_t size,
                    bool *done);

/* Bytes that it really uses now, as far as the library tells. */
size_t encoder_memory(const struct encoder *e);

#endif
