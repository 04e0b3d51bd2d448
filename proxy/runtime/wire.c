/* The parts of a wire that are for TLS (wire.h). */
#include "wire.h"

#include <sys/socket.h>

/* The codes of TLS lie beyond those of errno. */
static inline ssize_t plain_error(ssize_t r)
{
    return r == GREEN_ETLS_TRUNCATED ? -ECONNABORTED : r < -4096 ? -ECONNRESET : r;
}

ssize_t wire_tls_read(green_stream_t *tls, void *buffer, size_t size, green_time deadline)
{
    return plain_error(green_stream_read(tls, buffer, size, deadline));
}

ssize_t wire_tls_writev(green_stream_t *tls, const struct iovec *iov, int count, green_time deadline)
{
    return plain_error(green_stream_writev(tls, iov, count, deadline));
}

int wire_tls_flush(green_stream_t *tls, green_time deadline)
{
    return (int)plain_error(green_tls_flush(tls, deadline));
}

int wire_write_all(const struct wire *w, struct iovec *iov, int count, green_time deadline)
{
    if (!w->tls)
        return green_writev_all(w->fd, iov, count, NULL, deadline);
    int r = (int)plain_error(green_stream_writev_all(w->tls, iov, count, NULL, deadline));
    return r < 0 ? r : wire_tls_flush(w->tls, deadline);
}

void wire_tls_close(green_stream_t *tls, bool complete)
{
    if (complete && green_stream_shutdown(tls, GREEN_NOWAIT) < 0)
        complete = false; /* it could not be said: the peer sees a connection that was cut off */
    green_stream_close(tls);
}

void wire_shut(const struct wire *w)
{
    if (w->tls && green_stream_shutdown(w->tls, GREEN_NOWAIT) < 0)
        return; /* a socket that takes no more has no end of output either: closing it will tell */
    green_shutdown_write(w->fd);
}

bool wire_silent(const struct wire *w)
{
    char byte;
    if (w->tls)
        return green_stream_read(w->tls, &byte, 1, GREEN_NOWAIT) == -EAGAIN;
    return recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}
