/*
 * Buffered reading and writing over any stream: lines, exact counts, looking ahead, formatted text. Reading and writing
 * are independent: one greenlet may do each. Output stays in the buffer until it is full or flushed; reading does not
 * flush. Memory is taken at the first byte: one that was only initialised owns none.
 *
 *     green_bufio_t b;
 *     char *line;
 *     green_bufio_init(&b, stream, 0);
 *     while ((n = green_bufio_read_line(&b, &line, 1024, deadline)) >= 0) {
 *         green_bufio_printf(&b, deadline, "you said %s\r\n", line);
 *         green_bufio_flush(&b, deadline);
 *     }
 *     green_bufio_destroy(&b);
 *
 * An error leaves what is buffered as it is: after -ETIMEDOUT and the like the same call may be made again.
 */
#ifndef GREEN_NET_BUFIO_H
#define GREEN_NET_BUFIO_H

#include <stdarg.h>
#include <stdbool.h>

#include "stream.h"

#define GREEN_BUFIO_SIZE 16384 /* of each buffer, by default */

typedef struct green_bufio {
    green_stream_t *stream; /* may be exchanged for another (TLS over the same) while nothing is buffered */
    size_t size;            /* private, as are those below */
    char *in, *out;
    size_t in_size, in_start, in_end, out_end;
    bool ended;
} green_bufio_t;

/* Over a stream, which stays the caller's, with buffers of `size` bytes (0: GREEN_BUFIO_SIZE). The input's grows if a call
 * asks for more. Never switches. */
void green_bufio_init(green_bufio_t *b, green_stream_t *stream, size_t size);

/* Frees the buffers with what is in them; flush before. The stream stays open. Never switches. */
void green_bufio_destroy(green_bufio_t *b);

/* Gives back the memory of buffers that are empty, for a connection that goes idle. Never switches. */
void green_bufio_trim(green_bufio_t *b);

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* All of these can return, besides what they list, the errors of green_stream_read(), and -ENOMEM. What they hand out by
 * a pointer lies in the buffer and is good until the next call that reads. */

/* Some bytes: those that are buffered, else what one read brings. 0 at the end of input. May switch. */
ssize_t green_bufio_read(green_bufio_t *b, void *buffer, size_t size, green_time deadline) GREEN_MUST_CHECK;

/* Exactly `size` bytes: 0, or -ENODATA if the input ended before; *done (may be NULL) says how many came in any case. May
 * switch. */
int green_bufio_read_exact(green_bufio_t *b, void *buffer, size_t size, size_t *done,
                           green_time deadline) GREEN_MUST_CHECK;

/* The bytes up to a delimiter: their number, and *out points to them. The delimiter is taken too, and overwritten by a
 * NUL. -EMSGSIZE: more than `limit` bytes come before it; -ENODATA: the input ended without it (what came is still
 * buffered: if it is empty, it ended where it might); nothing is taken in either case. -EINVAL: an empty delimiter.
 * May switch. */
ssize_t green_bufio_read_until(green_bufio_t *b, char **out, const void *delimiter, size_t delimiter_size,
                               size_t limit, green_time deadline) GREEN_MUST_CHECK;

/* A line without its end, which is LF or CR LF; else like green_bufio_read_until(). `limit` is for the line without its
 * end. May switch. */
ssize_t green_bufio_read_line(green_bufio_t *b, char **line, size_t limit,
                              green_time deadline) GREEN_MUST_CHECK;

/* Looks ahead: the number of bytes that are buffered, at least `size`, and *out points to them; none are taken.
 * -ENODATA: the input ended before so many. May switch. */
ssize_t green_bufio_peek(green_bufio_t *b, char **out, size_t size, green_time deadline) GREEN_MUST_CHECK;

/* What has been read from the stream and not been asked for yet: the number of bytes, and *out points to them. For
 * whoever goes on with the stream itself. Never switches. */
size_t green_bufio_buffered(const green_bufio_t *b, char **out);

/* Takes bytes that are buffered. -EINVAL: they are not so many. Never switches. */
int green_bufio_skip(green_bufio_t *b, size_t size) GREEN_MUST_CHECK;

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* All of these can return the errors of green_stream_writev_all(), and -ENOMEM. */

/* Puts bytes in the buffer; if they do not fit, all goes out. 0 or the error; *done (may be NULL) is how many of them were
 * sent or are buffered. May switch. */
int green_bufio_write(green_bufio_t *b, const void *buffer, size_t size, size_t *done,
                      green_time deadline) GREEN_MUST_CHECK;

/* The same for formatted text: how many bytes, or the error (then part of the text may have gone). -EINVAL: the format
 * and its arguments make no text. May switch. */
int green_bufio_printf(green_bufio_t *b, green_time deadline, const char *format, ...)
    __attribute__((format(printf, 3, 4))) GREEN_MUST_CHECK;
int green_bufio_vprintf(green_bufio_t *b, green_time deadline, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0))) GREEN_MUST_CHECK;

/* Sends all that is buffered: 0 or the error; what did not go stays. May switch. */
int green_bufio_flush(green_bufio_t *b, green_time deadline) GREEN_MUST_CHECK;

/* Bytes written that are still in the buffer. Never switches. */
size_t green_bufio_unsent(const green_bufio_t *b);

#endif
