/*
 * Streams made by fopencookie(3): popen's in greenlets, and with the family stdio fdopen's of what may have to be waited for.
 * One greenlet may use such a stream at a time, for another that came while the first waits in the middle of a call would
 * find its buffer as nobody should see it.
 */
#include "streams.h"

#include "descriptors.h"

#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256

static struct {
    pthread_mutex_t lock;
    struct green_chain streams;
} buckets[BUCKETS] = {[0 ... BUCKETS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};
static atomic_uint open_streams;

static unsigned bucket_of(const FILE *file)
{
    return (unsigned)((uint64_t)(uintptr_t)file * 0x9e3779b97f4a7c15u >> 56);
}

struct stream *green__stream_of(const FILE *file)
{
    struct stream *found = NULL;
    unsigned b = bucket_of(file);
    if (!atomic_load_explicit(&open_streams, memory_order_relaxed))
        return NULL;
    REAL(pthread_mutex_lock)(&buckets[b].lock);
    for (struct green_node *node = buckets[b].streams.first; node && !found; node = node->next)
        if (CONTAINER_OF(node, struct stream, node)->file == file)
            found = CONTAINER_OF(node, struct stream, node);
    REAL(pthread_mutex_unlock)(&buckets[b].lock);
    return found;
}

/* --- what libc calls ------------------------------------------------------------------------------------------------ */

static ssize_t stream_read(void *cookie, char *buffer, size_t size)
{
    const struct stream *s = cookie;
    return read(s->fd, buffer, size);
}

static ssize_t stream_write(void *cookie, const char *buffer, size_t size)
{
    const struct stream *s = cookie;
    ssize_t n = write(s->fd, buffer, size);
    return n < 0 ? 0 : n; /* what fopencookie(3) takes for an error */
}

static int stream_close(void *cookie)
{
    struct stream *s = cookie;
    unsigned b = bucket_of(s->file);
    REAL(pthread_mutex_lock)(&buckets[b].lock);
    chain_remove(&s->node);
    REAL(pthread_mutex_unlock)(&buckets[b].lock);
    atomic_fetch_sub_explicit(&open_streams, 1, memory_order_relaxed);
    int fd = s->fd;
    free(s);
    return close(fd);
}

/* --- making --------------------------------------------------------------------------------------------------------- */

FILE *green__stream_open(int fd, const char *mode, pid_t pid)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct stream){.fd = fd, .pid = pid};
    s->file = fopencookie(s, mode, (cookie_io_functions_t){stream_read, stream_write, NULL, stream_close});
    if (!s->file) {
        free(s);
        return NULL;
    }
    __fsetlocking(s->file, FSETLOCKING_BYCALLER);
    unsigned b = bucket_of(s->file);
    REAL(pthread_mutex_lock)(&buckets[b].lock);
    chain_push(&buckets[b].streams, &s->node);
    REAL(pthread_mutex_unlock)(&buckets[b].lock);
    atomic_fetch_add_explicit(&open_streams, 1, memory_order_relaxed);
    return s->file;
}

/* Whether libc would take this mode for a descriptor that was opened like that. */
static bool fits(const char *mode, int flags)
{
    int access = flags & O_ACCMODE;
    bool both = strchr(mode, '+') != NULL;
    return strchr("rwa", *mode) && *mode &&
           (access == O_RDWR || (!both && access == (*mode == 'r' ? O_RDONLY : O_WRONLY)));
}

HOOK FILE *fdopen(int fd, const char *mode)
{
    if (!COOPERATIVE(STDIO) || (green__about(fd) & (ABOUT_OPEN | ABOUT_PLAIN)) != ABOUT_OPEN)
        return REAL(fdopen)(fd, mode);
    int flags = REAL(fcntl)(fd, F_GETFL);
    if (flags < 0 || !fits(mode, flags))
        return REAL(fdopen)(fd, mode); /* which says what is wrong */
    if (strchr(mode, 'e'))
        REAL(fcntl)(fd, F_SETFD, FD_CLOEXEC);
    FILE *file = green__stream_open(fd, mode, 0);
    if (file && isatty(fd))
        setvbuf(file, NULL, _IOLBF, 0);
    return file;
}

HOOK int fileno(FILE *file)
{
    const struct stream *s = green__stream_of(file);
    return s ? s->fd : REAL(fileno)(file);
}

HOOK int fileno_unlocked(FILE *file)
{
    return fileno(file);
}
