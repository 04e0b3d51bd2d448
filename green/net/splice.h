/* Moving bytes between descriptors inside the kernel (splice(2), Linux). */
#ifndef GREEN_NET_SPLICE_H
#define GREEN_NET_SPLICE_H

#include "fd.h"

/* A pipe that holds bytes on their way: fill it from one descriptor, empty it into another. */
typedef struct green_pipe {
    int read_end, write_end;
    size_t capacity;
    size_t held; /* bytes in the pipe now */
} green_pipe_t;

/* Opens a pipe of about `capacity` bytes (the system may give less; see ->capacity). 0 or -errno. Never switches. */
int green_pipe_open(green_pipe_t *pipe, size_t capacity) GREEN_MUST_CHECK;
void green_pipe_close(green_pipe_t *pipe);

/* Moves up to `max` bytes from a descriptor into the pipe, waiting until some come: the number, 0 at the end of
 * input, -EINVAL if this kind of descriptor cannot be spliced, -ENOBUFS if the pipe is full. May switch. */
ssize_t green_splice_in(int fd, green_pipe_t *pipe, size_t max, green_time deadline) GREEN_MUST_CHECK;

/* Moves bytes that the pipe holds to a descriptor: how many went, at least one. `more` tells TCP that further bytes
 * follow at once. May switch. */
ssize_t green_splice_out(green_pipe_t *pipe, int fd, bool more, green_time deadline) GREEN_MUST_CHECK;

/* sendfile(2): sends `size` bytes of the file `in` from `offset` on to the descriptor `out`, or up to the file's end if
 * that comes first. 0, or -errno; *done (may be NULL) is how many bytes went in any case. The file's own position stays;
 * reading it may block the thread for as long as the disk takes. -EINVAL: `in` is no file, or a bad offset. May
 * switch. */
int green_sendfile(int out, int in, off_t offset, size_t size, size_t *done,
                   green_time deadline) GREEN_MUST_CHECK;

#endif
