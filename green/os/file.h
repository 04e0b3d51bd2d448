/*
 * Files. The kernel has no way to wait for a disk, so each call is made on a thread of the pool for files
 * (green_threads_file(), pool/threadpool.h) while its greenlet waits and others run. They are the calls of POSIX, with
 * negative errno values for results and a deadline. For pipes, sockets and terminals there is net/fd.h: here, one that
 * never becomes readable would hold its thread for ever.
 *
 * What has begun on its thread cannot be stopped: when the deadline passes meanwhile, or the caller is cancelled, it is
 * waited for all the same, and what is returned is what it came to. -ETIMEDOUT and -ECANCELED say that nothing was
 * done. All of these may switch, except green_file_close(). They may be used on descriptors from any thread.
 */
#ifndef GREEN_OS_FILE_H
#define GREEN_OS_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "../core/error.h"
#include "../core/time.h"

/* --- descriptors ---------------------------------------------------------------------------------------- */

/* open(2), always with O_CLOEXEC: the descriptor. */
int green_file_open(const char *path, int flags, mode_t mode, green_time deadline) GREEN_MUST_CHECK;

/* close(2), for descriptors that these calls are made on: 0 or its error. Calls on fd that wait for a thread return
 * -EBADF, and those that run end first; the last of them then closes it, and 0 is returned before that. Errors of
 * writing that were not told yet are told by green_file_fsync(). Never switches; on a network's file system, it may
 * block. */
int green_file_close(int fd);

/* read(2), write(2), pread(2), pwrite(2): how many bytes, maybe fewer than asked for. -EBADF also if it was closed
 * before the call began. */
ssize_t green_file_read(int fd, void *buffer, size_t size, green_time deadline) GREEN_MUST_CHECK;
ssize_t green_file_write(int fd, const void *buffer, size_t size, green_time deadline) GREEN_MUST_CHECK;
ssize_t green_file_pread(int fd, void *buffer, size_t size, off_t offset,
                         green_time deadline) GREEN_MUST_CHECK;
ssize_t green_file_pwrite(int fd, const void *buffer, size_t size, off_t offset,
                          green_time deadline) GREEN_MUST_CHECK;

/* fsync(2), fdatasync(2), ftruncate(2), fstat(2): 0. */
int green_file_fsync(int fd, green_time deadline) GREEN_MUST_CHECK;
int green_file_fdatasync(int fd, green_time deadline) GREEN_MUST_CHECK;
int green_file_ftruncate(int fd, off_t length, green_time deadline) GREEN_MUST_CHECK;
int green_file_fstat(int fd, struct stat *out, green_time deadline) GREEN_MUST_CHECK;

/* --- names ---------------------------------------------------------------------------------------------- */

/* stat(2), rename(2), unlink(2), mkdir(2), rmdir(2): 0. */
int green_file_stat(const char *path, struct stat *out, green_time deadline) GREEN_MUST_CHECK;
int green_file_rename(const char *from, const char *to, green_time deadline) GREEN_MUST_CHECK;
int green_file_unlink(const char *path, green_time deadline) GREEN_MUST_CHECK;
int green_file_mkdir(const char *path, mode_t mode, green_time deadline) GREEN_MUST_CHECK;
int green_file_rmdir(const char *path, green_time deadline) GREEN_MUST_CHECK;

/* The names in a directory, in no order, without "." and "..": how many; *names is an array of them with a NULL behind,
 * for one free(). -EOVERFLOW: more than `most` (at most INT_MAX). */
int green_file_list(const char *path, char ***names, size_t most, green_time deadline) GREEN_MUST_CHECK;

/* --- whole files ---------------------------------------------------------------------------------------- */

/* Reads a whole file: 0, its bytes with a zero byte behind in *data, for free(), and how many in *size. -EFBIG: more
 * than `limit`. */
int green_file_load(const char *path, char **data, size_t *size, size_t limit,
                    green_time deadline) GREEN_MUST_CHECK;

/* Makes or replaces a file as a whole: 0 once it would survive a crash. At any time the name is that of the old file or
 * of the complete new one: it is written to a temporary file beside it, which is renamed. `mode` is meant exactly,
 * whatever the umask. */
int green_file_save(const char *path, const void *data, size_t size, mode_t mode,
                    green_time deadline) GREEN_MUST_CHECK;

#endif
