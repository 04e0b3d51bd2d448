/*
 * Files: reading, opening and locking. What is in memory already is read at once; else a thread of the pool for files waits
 * for the disk. Locks may take for ever to get, and would keep all those threads: they are tried again and again.
 */
#include "file.h"
#include "signals.h"

#include "../pool/offload.h"

#include <stdarg.h>

/* --- on another thread ---------------------------------------------------------------------------------------------- */

struct file_call {
    long (*fn)(const long *arguments);
    const long *arguments;
    long result;
    int error;
    bool begun;
};

static void *make_call(void *arg)
{
    struct file_call *c = arg;
    c->begun = true;
    errno = 0;
    c->result = c->fn(c->arguments);
    c->error = errno;
    return NULL;
}

long green__file_call(long (*fn)(const long *arguments), const long *arguments)
{
    struct file_call c = {.fn = fn, .arguments = arguments};
    int saved = errno;
    int r = green_blocking_in(green_threads_file(), make_call, &c, NULL, GREEN_FOREVER);
    if (!c.begun)
        return fail(r < 0 ? r : -EIO);
    errno = c.error ? c.error : saved;
    return c.result;
}

/* --- reading and writing -------------------------------------------------------------------------------------------- */

static long read_there(const long *a)
{
    return REAL(read)((int)a[0], (void *)a[1], (size_t)a[2]);
}

static long readv_there(const long *a)
{
    return REAL(readv)((int)a[0], (const struct iovec *)a[1], (int)a[2]);
}

static long write_there(const long *a)
{
    return REAL(write)((int)a[0], (const void *)a[1], (size_t)a[2]);
}

static long writev_there(const long *a)
{
    return REAL(writev)((int)a[0], (const struct iovec *)a[1], (int)a[2]);
}

static long pread_there(const long *a)
{
    return REAL(pread64)((int)a[0], (void *)a[1], (size_t)a[2], a[3]);
}

/* What can be had without waiting for a disk, or -1 and EAGAIN. From the file's own position on if `offset` is -1. */
static ssize_t read_at_once(int fd, void *buffer, size_t size, off64_t offset)
{
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    if (!(green__about(fd) & ABOUT_NO_NOWAIT)) {
        ssize_t n = REAL(preadv64v2)(fd, &iov, 1, offset, RWF_NOWAIT);
        if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
            return n;
        green__about_also(fd, ABOUT_NO_NOWAIT);
    }
    errno = EAGAIN;
    return -1;
}

/* Fewer bytes than asked for would mean the end of the file. */
static ssize_t read_from(int fd, char *buffer, size_t size, off64_t offset)
{
    int saved = errno;
    ssize_t n = read_at_once(fd, buffer, size, offset);
    if (n == 0 || n == (ssize_t)size || (n < 0 && errno != EAGAIN))
        return n;
    size_t done = n > 0 ? (size_t)n : 0;
    errno = saved;
    if (offset < 0)
        n = green__file_call(read_there, (const long[]){fd, (long)(buffer + done), (long)(size - done)});
    else
        n = green__file_call(pread_there, (const long[]){fd, (long)(buffer + done), (long)(size - done),
                                                         offset + (off64_t)done});
    return n >= 0 ? n + (ssize_t)done : done ? (ssize_t)done : n;
}

ssize_t green__file_read(int fd, void *buffer, size_t size)
{
    return read_from(fd, buffer, size, -1);
}

ssize_t green__file_readv(int fd, const struct iovec *iov, int count)
{
    return green__file_call(readv_there, (const long[]){fd, (long)iov, count});
}

ssize_t green__file_write(int fd, const void *buffer, size_t size)
{
    return green__file_call(write_there, (const long[]){fd, (long)buffer, (long)size});
}

ssize_t green__file_writev(int fd, const struct iovec *iov, int count)
{
    return green__file_call(writev_there, (const long[]){fd, (long)iov, count});
}

HOOK ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
    if (!COOPERATIVE(FILE) || offset < 0 || !size || !green__is_file(fd))
        return REAL(pread64)(fd, buffer, size, offset);
    return read_from(fd, buffer, size, offset);
}

HOOK ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    return COOPERATIVE(FILE) ? pread64(fd, buffer, size, offset) : REAL(pread)(fd, buffer, size, offset);
}

HOOK ssize_t __pread64_chk(int fd, void *buffer, size_t size, off64_t offset, size_t room)
{
    return size <= room ? pread64(fd, buffer, size, offset)
                        : REAL(__pread64_chk)(fd, buffer, size, offset, room);
}

HOOK ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room)
{
    return size <= room ? pread(fd, buffer, size, offset) : REAL(__pread_chk)(fd, buffer, size, offset, room);
}

/* One that does not wait for a disk, or is not of a file, is made as it is. */
static bool goes_there(int fd, int flags)
{
    return COOPERATIVE(FILE) && !(flags & RWF_NOWAIT) && green__is_file(fd);
}

static long preadv2_there(const long *a)
{
    return REAL(preadv64v2)((int)a[0], (const struct iovec *)a[1], (int)a[2], a[3], (int)a[4]);
}

static long pwritev2_there(const long *a)
{
    return REAL(pwritev64v2)((int)a[0], (const struct iovec *)a[1], (int)a[2], a[3], (int)a[4]);
}

HOOK ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
{
    if (!goes_there(fd, flags))
        return REAL(preadv64v2)(fd, iov, count, offset, flags);
    return green__file_call(preadv2_there, (const long[]){fd, (long)iov, count, offset, flags});
}

HOOK ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
{
    if (!goes_there(fd, flags))
        return REAL(pwritev64v2)(fd, iov, count, offset, flags);
    return green__file_call(pwritev2_there, (const long[]){fd, (long)iov, count, offset, flags});
}

HOOK ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
    return COOPERATIVE(FILE) ? preadv64v2(fd, iov, count, offset, flags)
                             : REAL(preadv2)(fd, iov, count, offset, flags);
}

HOOK ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
    return COOPERATIVE(FILE) ? pwritev64v2(fd, iov, count, offset, flags)
                             : REAL(pwritev2)(fd, iov, count, offset, flags);
}

/* --- opening -------------------------------------------------------------------------------------------------------- */

static long open_there(const long *a)
{
    return REAL(openat)((int)a[0], (const char *)a[1], (int)a[2], (mode_t)a[3]);
}

static int open_in(int folder, const char *path, int flags, mode_t mode, bool passes)
{
    int fd = passes ? REAL(openat)(folder, path, flags, mode)
                    : (int)green__file_call(open_there, (const long[]){folder, (long)path, flags, mode});
    if (fd >= 0)
        green__about_anew(fd);
    return fd;
}

#define PASSES (!COOPERATIVE(FILE) || IN_LIBUV)

/* The mode is there only for what may be made. */
#define MODE(flags)                                                                                          \
    ({                                                                                                       \
        mode_t mode_ = 0;                                                                                    \
        if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                             \
            va_list more;                                                                                    \
            va_start(more, flags);                                                                           \
            mode_ = va_arg(more, mode_t);                                                                    \
            va_end(more);                                                                                    \
        }                                                                                                    \
        mode_;                                                                                               \
    })

HOOK int open(const char *path, int flags, ...)
{
    return open_in(AT_FDCWD, path, flags, MODE(flags), PASSES);
}

HOOK int openat(int folder, const char *path, int flags, ...)
{
    return open_in(folder, path, flags, MODE(flags), PASSES);
}

HOOK int open64(const char *path, int flags, ...)
{
    return open_in(AT_FDCWD, path, flags | O_LARGEFILE, MODE(flags), PASSES);
}

HOOK int openat64(int folder, const char *path, int flags, ...)
{
    return open_in(folder, path, flags | O_LARGEFILE, MODE(flags), PASSES);
}

HOOK int creat(const char *path, mode_t mode)
{
    return open_in(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, PASSES);
}

HOOK int creat64(const char *path, mode_t mode)
{
    return open_in(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE, mode, PASSES);
}

/* Of programs with _FORTIFY_SOURCE: without a mode, and refused if there should be one. */
#define MAKES(flags) ((flags) & (O_CREAT | __O_TMPFILE))

HOOK int __open_2(const char *path, int flags)
{
    return MAKES(flags) ? REAL(__open_2)(path, flags) : open_in(AT_FDCWD, path, flags, 0, PASSES);
}

HOOK int __open64_2(const char *path, int flags)
{
    return MAKES(flags) ? REAL(__open64_2)(path, flags)
                        : open_in(AT_FDCWD, path, flags | O_LARGEFILE, 0, PASSES);
}

HOOK int __openat_2(int folder, const char *path, int flags)
{
    return MAKES(flags) ? REAL(__openat_2)(folder, path, flags) : open_in(folder, path, flags, 0, PASSES);
}

HOOK int __openat64_2(int folder, const char *path, int flags)
{
    return MAKES(flags) ? REAL(__openat64_2)(folder, path, flags)
                        : open_in(folder, path, flags | O_LARGEFILE, 0, PASSES);
}

/* Temporary ones: `path` gets the name. They differ by length of what follows the letters, flags and size. */
static long temporary_there(const long *a)
{
    return REAL(mkostemps64)((char *)a[0], (int)a[1], (int)a[2]);
}

static int temporary(char *path, int suffix, int flags, bool passes)
{
    int fd = passes ? REAL(mkostemps64)(path, suffix, flags)
                    : (int)green__file_call(temporary_there, (const long[]){(long)path, suffix, flags});
    if (fd >= 0)
        green__about_anew(fd);
    return fd;
}

#define TEMPORARY(name, parameters, ...)                                                                     \
    HOOK int name parameters                                                                                 \
    {                                                                                                        \
        return temporary(path, __VA_ARGS__, PASSES);                                                         \
    }
TEMPORARY(mkstemp, (char *path), 0, 0)
TEMPORARY(mkstemp64, (char *path), 0, 0)
TEMPORARY(mkostemp, (char *path, int flags), 0, flags)
TEMPORARY(mkostemp64, (char *path, int flags), 0, flags)
TEMPORARY(mkstemps, (char *path, int suffix), suffix, 0)
TEMPORARY(mkstemps64, (char *path, int suffix), suffix, 0)
TEMPORARY(mkostemps, (char *path, int suffix, int flags), suffix, flags)
TEMPORARY(mkostemps64, (char *path, int suffix, int flags), suffix, flags)

/* --- locks ---------------------------------------------------------------------------------------------------------- */

#define FIRST_PAUSE GREEN_US(100)

/* After an attempt has failed: whether to make another, a while later, because somebody else has the lock. */
static bool try_again(int64_t *pause)
{
    if (errno != EAGAIN && errno != EACCES)
        return false;
    int r = INTERRUPTIBLY(UNRESTARTED, green_sleep(*pause));
    if (r < 0) {
        fail(r);
        return false;
    }
    *pause = *pause < GREEN_MS(10) ? *pause * 2 : *pause;
    return true;
}

HOOK int flock(int fd, int operation)
{
    if (!COOPERATIVE(FILE) || (operation & (LOCK_NB | LOCK_UN)))
        return REAL(flock)(fd, operation);
    int64_t pause = FIRST_PAUSE;
    int r;
    while ((r = REAL(flock)(fd, operation | LOCK_NB)) < 0 && try_again(&pause))
        ;
    return r;
}

HOOK int lockf(int fd, int command, off_t size)
{
    if (!COOPERATIVE(FILE) || command != F_LOCK)
        return REAL(lockf)(fd, command, size);
    int64_t pause = FIRST_PAUSE;
    int r;
    while ((r = REAL(lockf)(fd, F_TLOCK, size)) < 0 && try_again(&pause))
        ;
    return r;
}

HOOK int lockf64(int fd, int command, off64_t size)
{
    if (!COOPERATIVE(FILE) || command != F_LOCK)
        return REAL(lockf64)(fd, command, size);
    int64_t pause = FIRST_PAUSE;
    int r;
    while ((r = REAL(lockf64)(fd, F_TLOCK, size)) < 0 && try_again(&pause))
        ;
    return r;
}

int green__file_lock(int fd, int command, void *lock)
{
    int at_once = command == F_SETLKW ? F_SETLK : F_OFD_SETLK;
    int64_t pause = FIRST_PAUSE;
    int r;
    while ((r = REAL(fcntl)(fd, at_once, lock)) < 0 && try_again(&pause))
        ;
    return r;
}
