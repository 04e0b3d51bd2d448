/*
 * Calls on files that are made as they are, only by a thread of the pool for files. What they are given stays where it is,
 * on the stack of the greenlet that waits.
 */
#include "file.h"

#include <limits.h>

/* One with so many arguments: the function that makes it from an array of words, and the hook. */
#define HOOKED(result, name, parameters, arguments, made, ...)                                               \
    static long name##_there(const long *a)                                                                  \
    {                                                                                                        \
        return (long)REAL(name) made;                                                                        \
    }                                                                                                        \
                                                                                                             \
    HOOK result name parameters                                                                              \
    {                                                                                                        \
        if (!COOPERATIVE(FILE) || IN_LIBUV)                                                                  \
            return REAL(name) arguments;                                                                     \
        return (result)green__file_call(name##_there, (const long[]){__VA_ARGS__});                          \
    }

#define CALL1(result, name, t0, n0) HOOKED(result, name, (t0 n0), (n0), ((t0)a[0]), (long)n0)
#define CALL2(result, name, t0, n0, t1, n1)                                                                  \
    HOOKED(result, name, (t0 n0, t1 n1), (n0, n1), ((t0)a[0], (t1)a[1]), (long)n0, (long)n1)
#define CALL3(result, name, t0, n0, t1, n1, t2, n2)                                                          \
    HOOKED(result, name, (t0 n0, t1 n1, t2 n2), (n0, n1, n2), ((t0)a[0], (t1)a[1], (t2)a[2]), (long)n0,      \
           (long)n1, (long)n2)
#define CALL4(result, name, t0, n0, t1, n1, t2, n2, t3, n3)                                                  \
    HOOKED(result, name, (t0 n0, t1 n1, t2 n2, t3 n3), (n0, n1, n2, n3),                                     \
           ((t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3]), (long)n0, (long)n1, (long)n2, (long)n3)
#define CALL5(result, name, t0, n0, t1, n1, t2, n2, t3, n3, t4, n4)                                          \
    HOOKED(result, name, (t0 n0, t1 n1, t2 n2, t3 n3, t4 n4), (n0, n1, n2, n3, n4),                          \
           ((t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4]), (long)n0, (long)n1, (long)n2, (long)n3,       \
           (long)n4)
#define CALL6(result, name, t0, n0, t1, n1, t2, n2, t3, n3, t4, n4, t5, n5)                                  \
    HOOKED(result, name, (t0 n0, t1 n1, t2 n2, t3 n3, t4 n4, t5 n5), (n0, n1, n2, n3, n4, n5),               \
           ((t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4], (t5)a[5]), (long)n0, (long)n1, (long)n2,       \
           (long)n3, (long)n4, (long)n5)

CALL1(int, fsync, int, fd)
CALL1(int, fdatasync, int, fd)
CALL1(int, syncfs, int, fd)
CALL4(int, sync_file_range, int, fd, off64_t, offset, off64_t, size, unsigned, flags)
CALL2(int, ftruncate, int, fd, off_t, size)
CALL2(int, ftruncate64, int, fd, off64_t, size)
CALL2(int, truncate, const char *, path, off_t, size)
CALL2(int, truncate64, const char *, path, off64_t, size)
CALL4(int, fallocate, int, fd, int, mode, off_t, offset, off_t, size)
CALL4(int, fallocate64, int, fd, int, mode, off64_t, offset, off64_t, size)
CALL6(ssize_t, copy_file_range, int, in, off64_t *, in_at, int, out, off64_t *, out_at, size_t, size,
      unsigned, flags)
CALL4(ssize_t, pwrite, int, fd, const void *, buffer, size_t, size, off_t, offset)
CALL4(ssize_t, pwrite64, int, fd, const void *, buffer, size_t, size, off64_t, offset)
CALL4(ssize_t, preadv, int, fd, const struct iovec *, iov, int, count, off_t, offset)
CALL4(ssize_t, preadv64, int, fd, const struct iovec *, iov, int, count, off64_t, offset)
CALL4(ssize_t, pwritev, int, fd, const struct iovec *, iov, int, count, off_t, offset)
CALL4(ssize_t, pwritev64, int, fd, const struct iovec *, iov, int, count, off64_t, offset)
CALL2(int, stat, const char *, path, struct stat *, out)
CALL2(int, stat64, const char *, path, struct stat64 *, out)
CALL2(int, lstat, const char *, path, struct stat *, out)
CALL2(int, lstat64, const char *, path, struct stat64 *, out)
CALL2(int, fstat, int, fd, struct stat *, out)
CALL2(int, fstat64, int, fd, struct stat64 *, out)
CALL4(int, fstatat, int, folder, const char *, path, struct stat *, out, int, flags)
CALL4(int, fstatat64, int, folder, const char *, path, struct stat64 *, out, int, flags)
CALL5(int, statx, int, folder, const char *, path, int, flags, unsigned, mask, struct statx *, out)
CALL2(int, access, const char *, path, int, mode)
CALL4(int, faccessat, int, folder, const char *, path, int, mode, int, flags)
CALL2(int, rename, const char *, from, const char *, to)
CALL4(int, renameat, int, from_folder, const char *, from, int, to_folder, const char *, to)
CALL5(int, renameat2, int, from_folder, const char *, from, int, to_folder, const char *, to, unsigned, flags)
CALL1(int, unlink, const char *, path)
CALL3(int, unlinkat, int, folder, const char *, path, int, flags)
CALL2(int, link, const char *, from, const char *, to)
CALL2(int, symlink, const char *, from, const char *, to)
CALL3(ssize_t, readlink, const char *, path, char *, buffer, size_t, size)
CALL4(ssize_t, readlinkat, int, folder, const char *, path, char *, buffer, size_t, size)
CALL2(int, mkdir, const char *, path, mode_t, mode)
CALL3(int, mkdirat, int, folder, const char *, path, mode_t, mode)
CALL1(int, rmdir, const char *, path)
CALL2(int, chmod, const char *, path, mode_t, mode)
CALL3(int, chown, const char *, path, uid_t, user, gid_t, group)
CALL2(int, statvfs, const char *, path, struct statvfs *, out)
CALL2(int, statvfs64, const char *, path, struct statvfs64 *, out)
CALL3(ssize_t, readahead, int, fd, off64_t, offset, size_t, size)
CALL3(int, msync, void *, address, size_t, size, int, flags)
CALL2(int, fchmod, int, fd, mode_t, mode)
CALL4(int, fchmodat, int, folder, const char *, path, mode_t, mode, int, flags)
CALL3(int, fchown, int, fd, uid_t, user, gid_t, group)
CALL3(int, lchown, const char *, path, uid_t, user, gid_t, group)
CALL5(int, fchownat, int, folder, const char *, path, uid_t, user, gid_t, group, int, flags)
CALL5(int, linkat, int, from_folder, const char *, from, int, to_folder, const char *, to, int, flags)
CALL3(int, symlinkat, const char *, from, int, folder, const char *, to)
CALL2(int, mkfifo, const char *, path, mode_t, mode)
CALL3(int, mkfifoat, int, folder, const char *, path, mode_t, mode)
CALL3(int, mknod, const char *, path, mode_t, mode, dev_t, device)
CALL4(int, mknodat, int, folder, const char *, path, mode_t, mode, dev_t, device)
CALL1(int, remove, const char *, path)
CALL2(int, utime, const char *, path, const struct utimbuf *, times)
HOOKED(int, utimes, (const char *path, const struct timeval times[2]), (path, times),
       ((const char *)a[0], (const struct timeval *)a[1]), (long)path, (long)times)
HOOKED(int, lutimes, (const char *path, const struct timeval times[2]), (path, times),
       ((const char *)a[0], (const struct timeval *)a[1]), (long)path, (long)times)
HOOKED(int, futimes, (int fd, const struct timeval times[2]), (fd, times),
       ((int)a[0], (const struct timeval *)a[1]), fd, (long)times)
HOOKED(int, utimensat, (int folder, const char *path, const struct timespec times[2], int flags),
       (folder, path, times, flags),
       ((int)a[0], (const char *)a[1], (const struct timespec *)a[2], (int)a[3]), folder, (long)path,
       (long)times, flags)
HOOKED(int, futimens, (int fd, const struct timespec times[2]), (fd, times),
       ((int)a[0], (const struct timespec *)a[1]), fd, (long)times)
CALL2(int, euidaccess, const char *, path, int, mode)
CALL2(int, eaccess, const char *, path, int, mode)
CALL2(int, fstatvfs, int, fd, struct statvfs *, out)
CALL2(int, fstatvfs64, int, fd, struct statvfs64 *, out)
CALL2(int, statfs, const char *, path, struct statfs *, out)
CALL2(int, statfs64, const char *, path, struct statfs64 *, out)
CALL2(int, fstatfs, int, fd, struct statfs *, out)
CALL2(int, fstatfs64, int, fd, struct statfs64 *, out)
CALL4(ssize_t, getxattr, const char *, path, const char *, name, void *, value, size_t, size)
CALL4(ssize_t, lgetxattr, const char *, path, const char *, name, void *, value, size_t, size)
CALL4(ssize_t, fgetxattr, int, fd, const char *, name, void *, value, size_t, size)
CALL5(int, setxattr, const char *, path, const char *, name, const void *, value, size_t, size, int, flags)
CALL5(int, lsetxattr, const char *, path, const char *, name, const void *, value, size_t, size, int, flags)
CALL5(int, fsetxattr, int, fd, const char *, name, const void *, value, size_t, size, int, flags)
CALL3(ssize_t, listxattr, const char *, path, char *, list, size_t, size)
CALL3(ssize_t, llistxattr, const char *, path, char *, list, size_t, size)
CALL3(ssize_t, flistxattr, int, fd, char *, list, size_t, size)
CALL2(int, removexattr, const char *, path, const char *, name)
CALL2(int, lremovexattr, const char *, path, const char *, name)
CALL2(int, fremovexattr, int, fd, const char *, name)
CALL4(ssize_t, __readlink_chk, const char *, path, char *, buffer, size_t, size, size_t, room)
CALL5(ssize_t, __readlinkat_chk, int, folder, const char *, path, char *, buffer, size_t, size, size_t, room)

/* --- whose results are no such numbers ------------------------------------------------------------------------------ */

static long allocate_there(const long *a)
{
    return REAL(posix_fallocate64)((int)a[0], a[1], a[2]);
}

/* The error is its result. */
HOOK int posix_fallocate64(int fd, off64_t offset, off64_t size)
{
    if (!COOPERATIVE(FILE))
        return REAL(posix_fallocate64)(fd, offset, size);
    int saved = errno;
    long r = green__file_call(allocate_there, (const long[]){fd, offset, size});
    if (r < 0)
        r = errno;
    errno = saved;
    return (int)r;
}

HOOK int posix_fallocate(int fd, off_t offset, off_t size)
{
    return COOPERATIVE(FILE) ? posix_fallocate64(fd, offset, size) : REAL(posix_fallocate)(fd, offset, size);
}

static long sync_there(const long *a)
{
    (void)a;
    REAL(sync)();
    return 0;
}

HOOK void sync(void)
{
    if (COOPERATIVE(FILE))
        green__file_call(sync_there, NULL);
    else
        REAL(sync)();
}

/* A path or NULL. */
static char *path_by(long (*fn)(const long *arguments), const void *given, char *room)
{
    long r = green__file_call(fn, (const long[]){(long)given, (long)room});
    return r == -1 ? NULL : (char *)r;
}

static long realpath_there(const long *a)
{
    return (long)REAL(realpath)((const char *)a[0], (char *)a[1]);
}

HOOK char *realpath(const char *path, char *room)
{
    return COOPERATIVE(FILE) && !IN_LIBUV ? path_by(realpath_there, path, room) : REAL(realpath)(path, room);
}

HOOK char *__realpath_chk(const char *path, char *room, size_t size)
{
    return COOPERATIVE(FILE) && size >= PATH_MAX ? path_by(realpath_there, path, room)
                                                 : REAL(__realpath_chk)(path, room, size);
}

HOOK char *canonicalize_file_name(const char *path)
{
    return COOPERATIVE(FILE) ? path_by(realpath_there, path, NULL) : REAL(canonicalize_file_name)(path);
}

static long mkdtemp_there(const long *a)
{
    return (long)REAL(mkdtemp)((char *)a[0]);
}

HOOK char *mkdtemp(char *path)
{
    return COOPERATIVE(FILE) && !IN_LIBUV ? path_by(mkdtemp_there, path, NULL) : REAL(mkdtemp)(path);
}
