/* read(2), write(2) and what they are called elsewhere. */
#include "file.h"
#include "transfer.h"

#include <stdlib.h>
#include <unistd.h>

#define COPIED ((size_t)16384) /* of a sendfile(2) at a time */

static ssize_t take(int fd, unsigned about, const struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return green__take(fd, about, &message, 0);
}

static ssize_t give(int fd, unsigned about, const struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return green__give(fd, about, &message, 0);
}

/* Nothing is asked for: the kernel says whether that is right, and waits for nothing. */
static bool has_bytes(const struct iovec *iov, int count)
{
    for (int i = 0; i < count; i++)
        if (iov[i].iov_len)
            return true;
    return false;
}

HOOK ssize_t read(int fd, void *buffer, size_t size)
{
    unsigned about = 0;
    if (!COOPERATIVE(NET) || !size || !may_wait(about = green__about(fd))) {
        if (tells_of_rest(about, 0))
            return green__take_now(fd, about, buffer, size, 0);
        return green__is_file(fd) ? green__file_read(fd, buffer, size) : REAL(read)(fd, buffer, size);
    }
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    return take(fd, about, &iov, 1);
}

HOOK ssize_t __read(int fd, void *buffer, size_t size) __attribute__((alias("read")));

HOOK ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
    return size <= room ? read(fd, buffer, size) : REAL(__read_chk)(fd, buffer, size, room);
}

HOOK ssize_t write(int fd, const void *buffer, size_t size)
{
    unsigned about;
    if (!COOPERATIVE(NET) || !size || !may_wait(about = green__about(fd)))
        return green__is_file(fd) ? green__file_write(fd, buffer, size) : REAL(write)(fd, buffer, size);
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
    return give(fd, about, &iov, 1);
}

HOOK ssize_t __write(int fd, const void *buffer, size_t size) __attribute__((alias("write")));

HOOK ssize_t readv(int fd, const struct iovec *iov, int count)
{
    unsigned about;
    if (!COOPERATIVE(NET) || count < 1 || count > IOV_MAX || !has_bytes(iov, count) ||
        !may_wait(about = green__about(fd)))
        return green__is_file(fd) ? green__file_readv(fd, iov, count) : REAL(readv)(fd, iov, count);
    return take(fd, about, iov, count);
}

HOOK ssize_t writev(int fd, const struct iovec *iov, int count)
{
    unsigned about;
    if (!COOPERATIVE(NET) || count < 1 || count > IOV_MAX || !has_bytes(iov, count) ||
        !may_wait(about = green__about(fd)))
        return green__is_file(fd) ? green__file_writev(fd, iov, count) : REAL(writev)(fd, iov, count);
    return give(fd, about, iov, count);
}

HOOK int eventfd_read(int fd, eventfd_t *value)
{
    if (!COOPERATIVE(NET))
        return REAL(eventfd_read)(fd, value);
    return read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}

HOOK int eventfd_write(int fd, eventfd_t value)
{
    if (!COOPERATIVE(NET))
        return REAL(eventfd_write)(fd, value);
    return write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}

/* --- sendfile ------------------------------------------------------------------------------------------------------- */

/* It cannot be told not to wait, so the bytes are copied. From `at` on: how many went. */
static ssize_t copy(int out, unsigned about, int in, off_t at, size_t size)
{
    char *buffer = malloc(COPIED);
    size_t done = 0;
    ssize_t n = 0;
    if (!buffer)
        return fail(-ENOMEM);
    while (done < size) {
        size_t part = size - done < COPIED ? size - done : COPIED;
        n = pread(in, buffer, part, at + (off_t)done);
        if (n <= 0)
            break;
        size_t got = (size_t)n;
        struct iovec iov = {.iov_base = buffer, .iov_len = got};
        n = give(out, about, &iov, 1);
        if (n <= 0)
            break;
        done += (size_t)n;
        if ((size_t)n < got)
            break;
    }
    int saved = errno;
    free(buffer);
    errno = saved;
    return done ? (ssize_t)done : n;
}

HOOK ssize_t sendfile(int out, int in, off_t *offset, size_t size)
{
    unsigned about;
    if (!COOPERATIVE(NET) || !may_wait(about = green__about(out)) || !(green__about(in) & ABOUT_PLAIN))
        return REAL(sendfile)(out, in, offset, size);
    off_t at = offset ? *offset : lseek(in, 0, SEEK_CUR);
    if (at < 0)
        return fail(-EINVAL);
    ssize_t n = copy(out, about, in, at, size);
    if (n > 0 && offset)
        *offset = at + n;
    else if (n > 0 && lseek(in, at + n, SEEK_SET) < 0)
        return -1;
    return n;
}

HOOK ssize_t sendfile64(int out, int in, off64_t *offset, size_t size)
{
    if (!COOPERATIVE(NET))
        return REAL(sendfile64)(out, in, offset, size);
    _Static_assert(sizeof(off_t) == sizeof(off64_t), "one off_t");
    return sendfile(out, in, (off_t *)offset, size);
}
