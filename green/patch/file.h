/* Files: calls that are made on threads of the pool for files. Private to libgreen-patch. */
#ifndef GREEN_PATCH_FILE_H
#define GREEN_PATCH_FILE_H

#include "descriptors.h"
#include "places.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Has fn(arguments) called on such a thread: its result and errno. What has begun is waited for to its end, whoever cancels
 * meanwhile; else -1 and errno say why it never began. */
long green__file_call(long (*fn)(const long *arguments), const long *arguments);

/* Whether reads and writes of this descriptor go there. */
static inline bool green__is_file(int fd)
{
    return COOPERATIVE(FILE) && (green__about(fd) & (ABOUT_PLAIN | ABOUT_NONBLOCKING)) == ABOUT_PLAIN;
}

/* read(2) and the like, of those. */
ssize_t green__file_read(int fd, void *buffer, size_t size);
ssize_t green__file_readv(int fd, const struct iovec *iov, int count);
ssize_t green__file_write(int fd, const void *buffer, size_t size);
ssize_t green__file_writev(int fd, const struct iovec *iov, int count);

/* fcntl(2) to wait for a lock: F_SETLKW and F_OFD_SETLKW. */
int green__file_lock(int fd, int command, void *lock);

#endif
