/*
 * splice(2) and its kin. Pipes can be told not to wait, sockets cannot: both ends are polled first, and a socket gets no more
 * at once than it is sure to have room for.
 */
#include "descriptors.h"
#include "signals.h"

#include <poll.h>

#define PIECE ((size_t)4096) /* what a socket that can be written to takes without waiting */

/* Until an end is ready for one try. 0, or an error. */
static int await(int fd, short event)
{
    if (!(green__about(fd) & ABOUT_OPEN) || (green__about(fd) & ABOUT_PLAIN))
        return 0; /* the call will say what is wrong, or need not wait */
    return INTERRUPTIBLY(UNRESTARTED, green_wait_fd(fd, event, GREEN_FOREVER));
}

static bool waits(int fd)
{
    return !(green__about(fd) & ABOUT_NONBLOCKING);
}

/* Whether the caller would wait for either end: as the kernel has it, the flag is for pipes, and O_NONBLOCK for all. */
static bool is_patient(int in, int out, unsigned flags)
{
    return !(flags & SPLICE_F_NONBLOCK) && (in < 0 || waits(in)) && (out < 0 || waits(out));
}

/* Waits for both ends, one after the other, then for whatever else keeps the call from getting on. */
static int await_both(int in, int out, int64_t *pause)
{
    int r = in < 0 ? 0 : await(in, POLLIN);
    if (r == 0 && out >= 0)
        r = await(out, POLLOUT);
    if (r == 0 && *pause)
        r = green_sleep(*pause);
    *pause = *pause ? (*pause < GREEN_MS(5) ? *pause * 2 : *pause) : GREEN_US(50);
    return r;
}

HOOK ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags)
{
    if (!COOPERATIVE(NET) || !size || !is_patient(in, out, flags))
        return REAL(splice)(in, in_at, out, out_at, size, flags);
    size_t piece = (green__about(out) & ABOUT_SOCKET) && size > PIECE ? PIECE : size;
    for (int64_t pause = 0;;) {
        int r = await_both(in, out, &pause);
        if (r < 0)
            return fail(r);
        ssize_t n = REAL(splice)(in, in_at, out, out_at, piece, flags | SPLICE_F_NONBLOCK);
        if (n >= 0 || errno != EAGAIN)
            return n;
    }
}

HOOK ssize_t tee(int in, int out, size_t size, unsigned flags)
{
    if (!COOPERATIVE(NET) || !size || !is_patient(in, out, flags))
        return REAL(tee)(in, out, size, flags);
    for (int64_t pause = 0;;) {
        int r = await_both(in, out, &pause);
        if (r < 0)
            return fail(r);
        ssize_t n = REAL(tee)(in, out, size, flags | SPLICE_F_NONBLOCK);
        if (n >= 0 || errno != EAGAIN)
            return n;
    }
}

/* Into a pipe, or out of one. */
HOOK ssize_t vmsplice(int fd, const struct iovec *iov, size_t count, unsigned flags)
{
    if (!COOPERATIVE(NET) || !count || !is_patient(-1, fd, flags))
        return REAL(vmsplice)(fd, iov, count, flags);
    bool writes = (REAL(fcntl)(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
    for (int64_t pause = 0;;) {
        int r = await_both(writes ? -1 : fd, writes ? fd : -1, &pause);
        if (r < 0)
            return fail(r);
        ssize_t n = REAL(vmsplice)(fd, iov, count, flags | SPLICE_F_NONBLOCK);
        if (n >= 0 || errno != EAGAIN)
            return n;
    }
}
