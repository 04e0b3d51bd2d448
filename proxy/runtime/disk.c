/* Reading, writing, and files without a name. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#define NAMES_TRIED 8

ssize_t disk_read(int fd, char *buffer, size_t n, uint64_t from, green_time deadline)
{
    struct iovec iov = {buffer, n};
    ssize_t got = preadv2(fd, &iov, 1, (off_t)from, RWF_NOWAIT);
    if (got < 0 && errno == EOPNOTSUPP) /* a file system that lives in memory */
        got = pread(fd, buffer, n, (off_t)from);
    if (got >= 0)
        return got;
    return errno == EAGAIN ? green_file_pread(fd, buffer, n, (off_t)from, deadline) : -errno;
}

int disk_write(int fd, const char *data, size_t n, uint64_t to, green_time deadline)
{
    while (n) {
        ssize_t written = green_file_pwrite(fd, data, n, (off_t)to, deadline);
        if (written <= 0)
            return written < 0 ? (int)written : -EIO;
        data += written;
        n -= (size_t)written;
        to += (uint64_t)written;
    }
    return 0;
}

/* For file systems that have no files without a name: one whose name lives for a moment. */
static int create_and_unlink(const char *folder, green_time deadline)
{
    for (int i = 0; i < NAMES_TRIED; i++) {
        char path[PATH_MAX];
        uint64_t random;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
            return -EIO;
        int n = snprintf(path, sizeof path, "%s/greenway-%016" PRIx64, folder, random);
        if (n < 0 || (size_t)n >= sizeof path)
            return -ENAMETOOLONG;
        int fd = green_file_open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0600, deadline);
        if (fd == -EEXIST)
            continue;
        if (fd < 0)
            return fd;
        int r = green_file_unlink(path, deadline);
        if (r == 0)
            return fd;
        green_file_close(fd);
        return r;
    }
    return -EEXIST;
}

int disk_temporary(const char *folder, green_time deadline)
{
    int fd = green_file_open(folder, O_TMPFILE | O_RDWR, 0600, deadline);
    return fd == -EOPNOTSUPP || fd == -EISDIR ? create_and_unlink(folder, deadline) : fd;
}
