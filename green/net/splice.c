/* splice(2) through a pipe. Only the far descriptor is waited for: the pipe is ours, and we know what it holds. */
#include "fd_state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

int green_pipe_open(green_pipe_t *pipe, size_t capacity)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        return -errno;
    fcntl(ends[1], F_SETPIPE_SZ, capacity > INT32_MAX ? INT32_MAX : (int)capacity); /* a wish */
    int given = fcntl(ends[1], F_GETPIPE_SZ);
    *pipe = (green_pipe_t){
        .read_end = ends[0], .write_end = ends[1], .capacity = given > 0 ? (size_t)given : 65536, .held = 0};
    return 0;
}

void green_pipe_close(green_pipe_t *pipe)
{
    close(pipe->read_end);
    close(pipe->write_end);
    pipe->held = 0;
}

struct transfer {
    struct operation operation; /* on the descriptor that may have to be waited for */
    int from, to;
    size_t max;
    unsigned flags;
};

static ssize_t attempt_splice(int fd, const struct fd_state *f, struct operation *op)
{
    const struct transfer *t = CONTAINER_OF(op, struct transfer, operation);
    (void)fd;
    return splice(t->from, NULL, t->to, NULL, t->max, t->flags | SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

ssize_t green_splice_in(int fd, green_pipe_t *pipe, size_t max, green_time deadline)
{
    /* A pipe counts pages, not bytes: many small segments fill it early. So it is only filled when empty, when at
     * least one page is free for certain and EAGAIN can only mean that the descriptor has nothing. */
    if (pipe->held)
        return -ENOBUFS;
    struct transfer t = {.operation.attempt = attempt_splice,
                         .from = fd,
                         .to = pipe->write_end,
                         .max = max < pipe->capacity ? max : pipe->capacity};
    ssize_t n = green__fd_perform(fd, FD_READ, &t.operation, deadline);
    if (n > 0)
        pipe->held += (size_t)n;
    return n;
}

ssize_t green_splice_out(green_pipe_t *pipe, int fd, bool more, green_time deadline)
{
    if (!pipe->held)
        return -EINVAL;
    struct transfer t = {.operation.attempt = attempt_splice,
                         .from = pipe->read_end,
                         .to = fd,
                         .max = pipe->held,
                         .flags = more ? SPLICE_F_MORE : 0};
    ssize_t n = green__fd_perform(fd, FD_WRITE, &t.operation, deadline);
    if (n > 0)
        pipe->held -= (size_t)n;
    return n;
}

/* --- sendfile --- */

#define SENDFILE_MAX ((size_t)1 << 20) /* in one call, so that others get their turn */
#define COPY_BUFFER  ((size_t)65536)

struct file_transfer {
    struct operation operation;
    int in;
    off_t offset;
    size_t max;
};

static ssize_t attempt_sendfile(int out, const struct fd_state *f, struct operation *op)
{
    struct file_transfer *t = CONTAINER_OF(op, struct file_transfer, operation);
    (void)f;
    return sendfile(out, t->in, &t->offset, t->max);
}

/* For the few files that sendfile(2) cannot read, as in /proc, or descriptors that it cannot write. */
static ssize_t copy_once(int out, int in, off_t offset, size_t max, green_time deadline)
{
    char *buffer = malloc(COPY_BUFFER);
    if (!buffer)
        return -ENOMEM;
    ssize_t n = pread(in, buffer, max < COPY_BUFFER ? max : COPY_BUFFER, offset);
    n = n < 0 ? -errno : n == 0 ? 0 : green_write(out, buffer, (size_t)n, deadline);
    free(buffer);
    return n;
}

int green_sendfile(int out, int in, off_t offset, size_t size, size_t *done, green_time deadline)
{
    struct file_transfer t = {.operation.attempt = attempt_sendfile, .in = in, .offset = offset};
    size_t at = 0;
    bool copy = false;
    ssize_t n = 1;
    while (at < size && n > 0) {
        t.max = size - at < SENDFILE_MAX ? size - at : SENDFILE_MAX;
        n = copy ? copy_once(out, in, offset + (off_t)at, t.max, deadline)
                 : green__fd_perform(out, FD_WRITE, &t.operation, deadline);
        if (n == -EINVAL && !copy) {
            copy = true;
            n = 1;
        } else if (n > 0) {
            at += (size_t)n;
        }
    }
    if (done)
        *done = at;
    return n < 0 ? (int)n : 0;
}
