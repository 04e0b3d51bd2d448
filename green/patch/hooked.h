/*
 * All functions of the C library that libgreen-patch takes the place of: family, result, name, parameters, arguments.
 * Whoever includes this defines GREEN_HOOKED; what is made of the list are the declarations of green_real_NAME() (patch.h),
 * the table of real functions (real.c), the names to export and those that libgreen's own calls go by (meson.build).
 * Functions with `...` stand in GREEN_HOOKED_VARIADIC, which takes no arguments.
 */
#ifndef GREEN_HOOKED
#error "define GREEN_HOOKED(family, result, name, parameters, arguments) first"
#endif
#ifndef GREEN_HOOKED_VARIADIC
#define GREEN_HOOKED_VARIADIC(family, result, name, parameters)
#endif
#ifndef GREEN_HOOKED_ALIAS /* other names that they go by */
#define GREEN_HOOKED_ALIAS(name, alias)
#endif

/* clang-format off */

/* io.c */
GREEN_HOOKED(NET, ssize_t, read, (int fd, void *buffer, size_t size), (fd, buffer, size))
GREEN_HOOKED(NET, ssize_t, readv, (int fd, const struct iovec *iov, int count), (fd, iov, count))
GREEN_HOOKED(NET, ssize_t, write, (int fd, const void *buffer, size_t size), (fd, buffer, size))
GREEN_HOOKED(NET, ssize_t, writev, (int fd, const struct iovec *iov, int count), (fd, iov, count))
GREEN_HOOKED(NET, ssize_t, __read_chk, (int fd, void *buffer, size_t size, size_t room), (fd, buffer, size, room))
GREEN_HOOKED(NET, int, eventfd_read, (int fd, eventfd_t *value), (fd, value))
GREEN_HOOKED(NET, int, eventfd_write, (int fd, eventfd_t value), (fd, value))
GREEN_HOOKED(NET, ssize_t, sendfile, (int out, int in, off_t *offset, size_t size), (out, in, offset, size))
GREEN_HOOKED(NET, ssize_t, sendfile64, (int out, int in, off64_t *offset, size_t size), (out, in, offset, size))

/* splice.c */
GREEN_HOOKED(NET, ssize_t, splice, (int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags), (in, in_at, out, out_at, size, flags))
GREEN_HOOKED(NET, ssize_t, tee, (int in, int out, size_t size, unsigned flags), (in, out, size, flags))
GREEN_HOOKED(NET, ssize_t, vmsplice, (int fd, const struct iovec *iov, size_t count, unsigned flags), (fd, iov, count, flags))

/* message.c */
GREEN_HOOKED(NET, ssize_t, recv, (int fd, void *buffer, size_t size, int flags), (fd, buffer, size, flags))
GREEN_HOOKED(NET, ssize_t, recvfrom, (int fd, void *buffer, size_t size, int flags, struct sockaddr *from, socklen_t *length), (fd, buffer, size, flags, from, length))
GREEN_HOOKED(NET, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
GREEN_HOOKED(NET, int, recvmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout), (fd, messages, count, flags, timeout))
GREEN_HOOKED(NET, ssize_t, send, (int fd, const void *buffer, size_t size, int flags), (fd, buffer, size, flags))
GREEN_HOOKED(NET, ssize_t, sendto, (int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to, socklen_t length), (fd, buffer, size, flags, to, length))
GREEN_HOOKED(NET, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
GREEN_HOOKED(NET, int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags), (fd, messages, count, flags))
GREEN_HOOKED(NET, ssize_t, __recv_chk, (int fd, void *buffer, size_t size, size_t room, int flags), (fd, buffer, size, room, flags))
GREEN_HOOKED(NET, ssize_t, __recvfrom_chk, (int fd, void *buffer, size_t size, size_t room, int flags, struct sockaddr *from, socklen_t *length), (fd, buffer, size, room, flags, from, length))

/* connect.c */
GREEN_HOOKED(NET, int, connect, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length))
GREEN_HOOKED(NET, int, accept, (int fd, struct sockaddr *address, socklen_t *length), (fd, address, length))
GREEN_HOOKED(NET, int, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), (fd, address, length, flags))

/* descriptors.c */
GREEN_HOOKED(NET, int, close, (int fd), (fd))
GREEN_HOOKED(NET, int, close_range, (unsigned first, unsigned last, int flags), (first, last, flags))
GREEN_HOOKED(NET, void, closefrom, (int first), (first))
GREEN_HOOKED(NET, int, fclose, (FILE *file), (file))
GREEN_HOOKED(NET, int, dup, (int fd), (fd))
GREEN_HOOKED(NET, int, dup2, (int fd, int to), (fd, to))
GREEN_HOOKED(NET, int, dup3, (int fd, int to, int flags), (fd, to, flags))
GREEN_HOOKED(NET, int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length), (fd, level, name, value, length))
GREEN_HOOKED(NET, int, socket, (int family, int type, int protocol), (family, type, protocol))
GREEN_HOOKED(NET, int, socketpair, (int family, int type, int protocol, int fds[2]), (family, type, protocol, fds))
GREEN_HOOKED(NET, int, pipe, (int fds[2]), (fds))
GREEN_HOOKED(NET, int, pipe2, (int fds[2], int flags), (fds, flags))
GREEN_HOOKED_VARIADIC(NET, int, fcntl, (int fd, int command, ...))
GREEN_HOOKED_VARIADIC(NET, int, fcntl64, (int fd, int command, ...))
GREEN_HOOKED_VARIADIC(NET, int, ioctl, (int fd, unsigned long request, ...))

/* ready.c */
GREEN_HOOKED(NET, int, poll, (struct pollfd *fds, nfds_t count, int timeout), (fds, count, timeout))
GREEN_HOOKED(NET, int, __poll_chk, (struct pollfd *fds, nfds_t count, int timeout, size_t room), (fds, count, timeout, room))
GREEN_HOOKED(NET, int, ppoll, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask), (fds, count, timeout, mask))
GREEN_HOOKED(NET, int, __ppoll_chk, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room), (fds, count, timeout, mask, room))
GREEN_HOOKED(NET, int, select, (int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout), (count, readable, writable, exceptional, timeout))
GREEN_HOOKED(NET, int, pselect, (int count, fd_set *readable, fd_set *writable, fd_set *exceptional, const struct timespec *timeout, const sigset_t *mask), (count, readable, writable, exceptional, timeout, mask))
GREEN_HOOKED(NET, int, epoll_wait, (int epfd, struct epoll_event *events, int count, int timeout), (epfd, events, count, timeout))
GREEN_HOOKED(NET, int, epoll_pwait, (int epfd, struct epoll_event *events, int count, int timeout, const sigset_t *mask), (epfd, events, count, timeout, mask))
GREEN_HOOKED(NET, int, epoll_pwait2, (int epfd, struct epoll_event *events, int count, const struct timespec *timeout, const sigset_t *mask), (epfd, events, count, timeout, mask))

/* sleep.c */
GREEN_HOOKED(SLEEP, unsigned, sleep, (unsigned seconds), (seconds))
GREEN_HOOKED(SLEEP, int, usleep, (useconds_t us), (us))
GREEN_HOOKED(SLEEP, int, nanosleep, (const struct timespec *duration, struct timespec *left), (duration, left))
GREEN_HOOKED(SLEEP, int, clock_nanosleep, (clockid_t clock, int flags, const struct timespec *when, struct timespec *left), (clock, flags, when, left))
GREEN_HOOKED(SLEEP, int, thrd_sleep, (const struct timespec *duration, struct timespec *left), (duration, left))
GREEN_HOOKED(SLEEP, int, sched_yield, (void), ())
GREEN_HOOKED(SLEEP, int, pause, (void), ())
GREEN_HOOKED(SLEEP, int, sigsuspend, (const sigset_t *mask), (mask))
GREEN_HOOKED(SLEEP, int, sigwait, (const sigset_t *set, int *signal), (set, signal))
GREEN_HOOKED(SLEEP, int, sigwaitinfo, (const sigset_t *set, siginfo_t *info), (set, info))
GREEN_HOOKED(SLEEP, int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout), (set, info, timeout))

/* names.c */
GREEN_HOOKED(DNS, int, getaddrinfo, (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out), (node, service, hints, out))
GREEN_HOOKED(DNS, int, getnameinfo, (const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size, char *service, socklen_t service_size, int flags), (address, length, host, host_size, service, service_size, flags))
GREEN_HOOKED(DNS, struct hostent *, gethostbyname, (const char *name), (name))
GREEN_HOOKED(DNS, struct hostent *, gethostbyname2, (const char *name, int family), (name, family))
GREEN_HOOKED(DNS, int, gethostbyname_r, (const char *name, struct hostent *entry, char *room, size_t size, struct hostent **out, int *error), (name, entry, room, size, out, error))
GREEN_HOOKED(DNS, int, gethostbyname2_r, (const char *name, int family, struct hostent *entry, char *room, size_t size, struct hostent **out, int *error), (name, family, entry, room, size, out, error))
GREEN_HOOKED(DNS, struct hostent *, gethostbyaddr, (const void *address, socklen_t length, int family), (address, length, family))
GREEN_HOOKED(DNS, int, gethostbyaddr_r, (const void *address, socklen_t length, int family, struct hostent *entry, char *room, size_t size, struct hostent **out, int *error), (address, length, family, entry, room, size, out, error))
GREEN_HOOKED(DNS, int, res_query, (const char *name, int class, int type, unsigned char *answer, int size), (name, class, type, answer, size))
GREEN_HOOKED(DNS, int, res_search, (const char *name, int class, int type, unsigned char *answer, int size), (name, class, type, answer, size))

/* process.c */
GREEN_HOOKED(PROCESS, pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
GREEN_HOOKED(PROCESS, pid_t, wait, (int *status), (status))
GREEN_HOOKED(PROCESS, pid_t, wait3, (int *status, int options, struct rusage *usage), (status, options, usage))
GREEN_HOOKED(PROCESS, pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage), (pid, status, options, usage))
GREEN_HOOKED(PROCESS, int, waitid, (idtype_t which, id_t id, siginfo_t *info, int options), (which, id, info, options))
GREEN_HOOKED(PROCESS, int, system, (const char *command), (command))
GREEN_HOOKED(PROCESS, FILE *, popen, (const char *command, const char *mode), (command, mode))
GREEN_HOOKED(PROCESS, int, pclose, (FILE *file), (file))

/* streams.c */
GREEN_HOOKED(STDIO, FILE *, fdopen, (int fd, const char *mode), (fd, mode))
GREEN_HOOKED(STDIO, int, fileno, (FILE *file), (file))
GREEN_HOOKED(STDIO, int, fileno_unlocked, (FILE *file), (file))

/* mutex.c */
GREEN_HOOKED(SYNC, int, pthread_mutex_lock, (pthread_mutex_t *mutex), (mutex))
GREEN_HOOKED(SYNC, int, pthread_mutex_trylock, (pthread_mutex_t *mutex), (mutex))
GREEN_HOOKED(SYNC, int, pthread_mutex_timedlock, (pthread_mutex_t *mutex, const struct timespec *until), (mutex, until))
GREEN_HOOKED(SYNC, int, pthread_mutex_clocklock, (pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until), (mutex, clock, until))
GREEN_HOOKED(SYNC, int, pthread_mutex_unlock, (pthread_mutex_t *mutex), (mutex))
GREEN_HOOKED(SYNC, int, pthread_spin_lock, (pthread_spinlock_t *lock), (lock))
GREEN_HOOKED(SYNC, int, pthread_once, (pthread_once_t *once, void (*fn)(void)), (once, fn))
GREEN_HOOKED(SYNC, int, mtx_lock, (mtx_t *mutex), (mutex))
GREEN_HOOKED(SYNC, int, mtx_trylock, (mtx_t *mutex), (mutex))
GREEN_HOOKED(SYNC, int, mtx_timedlock, (mtx_t *mutex, const struct timespec *until), (mutex, until))
GREEN_HOOKED(SYNC, int, mtx_unlock, (mtx_t *mutex), (mutex))
GREEN_HOOKED(SYNC, void, call_once, (once_flag *once, void (*fn)(void)), (once, fn))

/* condition.c */
GREEN_HOOKED(SYNC, int, pthread_cond_wait, (pthread_cond_t *condition, pthread_mutex_t *mutex), (condition, mutex))
GREEN_HOOKED(SYNC, int, pthread_cond_timedwait, (pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until), (condition, mutex, until))
GREEN_HOOKED(SYNC, int, pthread_cond_clockwait, (pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until), (condition, mutex, clock, until))
GREEN_HOOKED(SYNC, int, pthread_cond_signal, (pthread_cond_t *condition), (condition))
GREEN_HOOKED(SYNC, int, pthread_cond_broadcast, (pthread_cond_t *condition), (condition))
GREEN_HOOKED(SYNC, int, cnd_wait, (cnd_t *condition, mtx_t *mutex), (condition, mutex))
GREEN_HOOKED(SYNC, int, cnd_timedwait, (cnd_t *condition, mtx_t *mutex, const struct timespec *until), (condition, mutex, until))
GREEN_HOOKED(SYNC, int, cnd_signal, (cnd_t *condition), (condition))
GREEN_HOOKED(SYNC, int, cnd_broadcast, (cnd_t *condition), (condition))

/* semaphore.c */
GREEN_HOOKED(SYNC, int, sem_wait, (sem_t *semaphore), (semaphore))
GREEN_HOOKED(SYNC, int, sem_timedwait, (sem_t *semaphore, const struct timespec *until), (semaphore, until))
GREEN_HOOKED(SYNC, int, sem_clockwait, (sem_t *semaphore, clockid_t clock, const struct timespec *until), (semaphore, clock, until))
GREEN_HOOKED(SYNC, int, sem_post, (sem_t *semaphore), (semaphore))
GREEN_HOOKED(SYNC, int, pthread_rwlock_rdlock, (pthread_rwlock_t *lock), (lock))
GREEN_HOOKED(SYNC, int, pthread_rwlock_wrlock, (pthread_rwlock_t *lock), (lock))
GREEN_HOOKED(SYNC, int, pthread_rwlock_timedrdlock, (pthread_rwlock_t *lock, const struct timespec *until), (lock, until))
GREEN_HOOKED(SYNC, int, pthread_rwlock_timedwrlock, (pthread_rwlock_t *lock, const struct timespec *until), (lock, until))
GREEN_HOOKED(SYNC, int, pthread_rwlock_unlock, (pthread_rwlock_t *lock), (lock))
GREEN_HOOKED(SYNC, int, pthread_barrier_wait, (pthread_barrier_t *barrier), (barrier))

/* threads.c */
GREEN_HOOKED(THREADS, int, pthread_create, (pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *), void *arg), (out, attr, fn, arg))
GREEN_HOOKED(THREADS, int, pthread_join, (pthread_t thread, void **result), (thread, result))
GREEN_HOOKED(THREADS, int, pthread_tryjoin_np, (pthread_t thread, void **result), (thread, result))
GREEN_HOOKED(THREADS, int, pthread_timedjoin_np, (pthread_t thread, void **result, const struct timespec *until), (thread, result, until))
GREEN_HOOKED(THREADS, int, pthread_clockjoin_np, (pthread_t thread, void **result, clockid_t clock, const struct timespec *until), (thread, result, clock, until))
GREEN_HOOKED(THREADS, int, pthread_detach, (pthread_t thread), (thread))
GREEN_HOOKED(THREADS, pthread_t, pthread_self, (void), ())
GREEN_HOOKED(THREADS, int, thrd_create, (thrd_t *out, thrd_start_t fn, void *arg), (out, fn, arg))
GREEN_HOOKED(THREADS, int, thrd_join, (thrd_t thread, int *result), (thread, result))
GREEN_HOOKED(THREADS, int, thrd_detach, (thrd_t thread), (thread))
GREEN_HOOKED(THREADS, thrd_t, thrd_current, (void), ())

/* thread_end.c */
GREEN_HOOKED(THREADS, void, pthread_exit, (void *result), (result))
GREEN_HOOKED(THREADS, void, thrd_exit, (int result), (result))
GREEN_HOOKED(THREADS, int, pthread_cancel, (pthread_t thread), (thread))
GREEN_HOOKED(THREADS, void, pthread_testcancel, (void), ())
GREEN_HOOKED(THREADS, int, pthread_setcancelstate, (int state, int *before), (state, before))
GREEN_HOOKED(THREADS, int, pthread_setcanceltype, (int type, int *before), (type, before))
GREEN_HOOKED(THREADS, void, __pthread_register_cancel, (__pthread_unwind_buf_t *buffer), (buffer))
GREEN_HOOKED(THREADS, void, __pthread_unregister_cancel, (__pthread_unwind_buf_t *buffer), (buffer))
GREEN_HOOKED(THREADS, void, __pthread_unwind_next, (__pthread_unwind_buf_t *buffer), (buffer))

/* thread_about.c */
GREEN_HOOKED(THREADS, int, pthread_kill, (pthread_t thread, int signal), (thread, signal))
GREEN_HOOKED(THREADS, int, pthread_sigqueue, (pthread_t thread, int signal, const union sigval value), (thread, signal, value))
GREEN_HOOKED(THREADS, int, pthread_getattr_np, (pthread_t thread, pthread_attr_t *attr), (thread, attr))
GREEN_HOOKED(THREADS, int, pthread_setname_np, (pthread_t thread, const char *name), (thread, name))
GREEN_HOOKED(THREADS, int, pthread_getname_np, (pthread_t thread, char *name, size_t size), (thread, name, size))
GREEN_HOOKED(THREADS, int, pthread_getschedparam, (pthread_t thread, int *policy, struct sched_param *parameters), (thread, policy, parameters))
GREEN_HOOKED(THREADS, int, pthread_setschedparam, (pthread_t thread, int policy, const struct sched_param *parameters), (thread, policy, parameters))
GREEN_HOOKED(THREADS, int, pthread_setschedprio, (pthread_t thread, int priority), (thread, priority))
GREEN_HOOKED(THREADS, int, pthread_getaffinity_np, (pthread_t thread, size_t size, cpu_set_t *cpus), (thread, size, cpus))
GREEN_HOOKED(THREADS, int, pthread_setaffinity_np, (pthread_t thread, size_t size, const cpu_set_t *cpus), (thread, size, cpus))
GREEN_HOOKED(THREADS, int, pthread_getcpuclockid, (pthread_t thread, clockid_t *clock), (thread, clock))

/* thread_keys.c */
GREEN_HOOKED(THREADS, int, pthread_key_create, (pthread_key_t *key, void (*destroy)(void *)), (key, destroy))
GREEN_HOOKED(THREADS, int, pthread_key_delete, (pthread_key_t key), (key))
GREEN_HOOKED(THREADS, int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value))
GREEN_HOOKED(THREADS, void *, pthread_getspecific, (pthread_key_t key), (key))
GREEN_HOOKED(THREADS, int, tss_create, (tss_t *key, tss_dtor_t destroy), (key, destroy))
GREEN_HOOKED(THREADS, void, tss_delete, (tss_t key), (key))
GREEN_HOOKED(THREADS, int, tss_set, (tss_t key, void *value), (key, value))
GREEN_HOOKED(THREADS, void *, tss_get, (tss_t key), (key))

/* file.c */
GREEN_HOOKED_VARIADIC(FILE, int, open, (const char *path, int flags, ...))
GREEN_HOOKED_VARIADIC(FILE, int, open64, (const char *path, int flags, ...))
GREEN_HOOKED_VARIADIC(FILE, int, openat, (int folder, const char *path, int flags, ...))
GREEN_HOOKED_VARIADIC(FILE, int, openat64, (int folder, const char *path, int flags, ...))
GREEN_HOOKED(FILE, int, creat, (const char *path, mode_t mode), (path, mode))
GREEN_HOOKED(FILE, int, creat64, (const char *path, mode_t mode), (path, mode))
GREEN_HOOKED(FILE, int, __open_2, (const char *path, int flags), (path, flags))
GREEN_HOOKED(FILE, int, __open64_2, (const char *path, int flags), (path, flags))
GREEN_HOOKED(FILE, int, __openat_2, (int folder, const char *path, int flags), (folder, path, flags))
GREEN_HOOKED(FILE, int, __openat64_2, (int folder, const char *path, int flags), (folder, path, flags))
GREEN_HOOKED(FILE, ssize_t, pread, (int fd, void *buffer, size_t size, off_t offset), (fd, buffer, size, offset))
GREEN_HOOKED(FILE, ssize_t, pread64, (int fd, void *buffer, size_t size, off64_t offset), (fd, buffer, size, offset))
GREEN_HOOKED(FILE, ssize_t, __pread_chk, (int fd, void *buffer, size_t size, off_t offset, size_t room), (fd, buffer, size, offset, room))
GREEN_HOOKED(FILE, ssize_t, __pread64_chk, (int fd, void *buffer, size_t size, off64_t offset, size_t room), (fd, buffer, size, offset, room))
GREEN_HOOKED(FILE, int, flock, (int fd, int operation), (fd, operation))
GREEN_HOOKED(FILE, int, lockf, (int fd, int command, off_t size), (fd, command, size))
GREEN_HOOKED(FILE, int, lockf64, (int fd, int command, off64_t size), (fd, command, size))

/* file_calls.c */
GREEN_HOOKED(FILE, int, fsync, (int fd), (fd))
GREEN_HOOKED(FILE, int, fdatasync, (int fd), (fd))
GREEN_HOOKED(FILE, int, syncfs, (int fd), (fd))
GREEN_HOOKED(FILE, int, sync_file_range, (int fd, off64_t offset, off64_t size, unsigned flags), (fd, offset, size, flags))
GREEN_HOOKED(FILE, int, ftruncate, (int fd, off_t size), (fd, size))
GREEN_HOOKED(FILE, int, ftruncate64, (int fd, off64_t size), (fd, size))
GREEN_HOOKED(FILE, int, truncate, (const char *path, off_t size), (path, size))
GREEN_HOOKED(FILE, int, truncate64, (const char *path, off64_t size), (path, size))
GREEN_HOOKED(FILE, int, fallocate, (int fd, int mode, off_t offset, off_t size), (fd, mode, offset, size))
GREEN_HOOKED(FILE, int, fallocate64, (int fd, int mode, off64_t offset, off64_t size), (fd, mode, offset, size))
GREEN_HOOKED(FILE, ssize_t, copy_file_range, (int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags), (in, in_at, out, out_at, size, flags))
GREEN_HOOKED(FILE, ssize_t, pwrite, (int fd, const void *buffer, size_t size, off_t offset), (fd, buffer, size, offset))
GREEN_HOOKED(FILE, ssize_t, pwrite64, (int fd, const void *buffer, size_t size, off64_t offset), (fd, buffer, size, offset))
GREEN_HOOKED(FILE, ssize_t, preadv, (int fd, const struct iovec *iov, int count, off_t offset), (fd, iov, count, offset))
GREEN_HOOKED(FILE, ssize_t, preadv64, (int fd, const struct iovec *iov, int count, off64_t offset), (fd, iov, count, offset))
GREEN_HOOKED(FILE, ssize_t, pwritev, (int fd, const struct iovec *iov, int count, off_t offset), (fd, iov, count, offset))
GREEN_HOOKED(FILE, ssize_t, pwritev64, (int fd, const struct iovec *iov, int count, off64_t offset), (fd, iov, count, offset))
GREEN_HOOKED(FILE, int, stat, (const char *path, struct stat *out), (path, out))
GREEN_HOOKED(FILE, int, stat64, (const char *path, struct stat64 *out), (path, out))
GREEN_HOOKED(FILE, int, lstat, (const char *path, struct stat *out), (path, out))
GREEN_HOOKED(FILE, int, lstat64, (const char *path, struct stat64 *out), (path, out))
GREEN_HOOKED(FILE, int, fstat, (int fd, struct stat *out), (fd, out))
GREEN_HOOKED(FILE, int, fstat64, (int fd, struct stat64 *out), (fd, out))
GREEN_HOOKED(FILE, int, fstatat, (int folder, const char *path, struct stat *out, int flags), (folder, path, out, flags))
GREEN_HOOKED(FILE, int, fstatat64, (int folder, const char *path, struct stat64 *out, int flags), (folder, path, out, flags))
GREEN_HOOKED(FILE, int, statx, (int folder, const char *path, int flags, unsigned mask, struct statx *out), (folder, path, flags, mask, out))
GREEN_HOOKED(FILE, int, access, (const char *path, int mode), (path, mode))
GREEN_HOOKED(FILE, int, faccessat, (int folder, const char *path, int mode, int flags), (folder, path, mode, flags))
GREEN_HOOKED(FILE, int, rename, (const char *from, const char *to), (from, to))
GREEN_HOOKED(FILE, int, renameat, (int from_folder, const char *from, int to_folder, const char *to), (from_folder, from, to_folder, to))
GREEN_HOOKED(FILE, int, renameat2, (int from_folder, const char *from, int to_folder, const char *to, unsigned flags), (from_folder, from, to_folder, to, flags))
GREEN_HOOKED(FILE, int, unlink, (const char *path), (path))
GREEN_HOOKED(FILE, int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
GREEN_HOOKED(FILE, int, link, (const char *from, const char *to), (from, to))
GREEN_HOOKED(FILE, int, symlink, (const char *from, const char *to), (from, to))
GREEN_HOOKED(FILE, ssize_t, readlink, (const char *path, char *buffer, size_t size), (path, buffer, size))
GREEN_HOOKED(FILE, ssize_t, readlinkat, (int folder, const char *path, char *buffer, size_t size), (folder, path, buffer, size))
GREEN_HOOKED(FILE, int, mkdir, (const char *path, mode_t mode), (path, mode))
GREEN_HOOKED(FILE, int, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode))
GREEN_HOOKED(FILE, int, rmdir, (const char *path), (path))
GREEN_HOOKED(FILE, int, chmod, (const char *path, mode_t mode), (path, mode))
GREEN_HOOKED(FILE, int, chown, (const char *path, uid_t user, gid_t group), (path, user, group))
GREEN_HOOKED(FILE, int, statvfs, (const char *path, struct statvfs *out), (path, out))
GREEN_HOOKED(FILE, int, statvfs64, (const char *path, struct statvfs64 *out), (path, out))

GREEN_HOOKED_ALIAS(read, __read)
GREEN_HOOKED_ALIAS(write, __write)
GREEN_HOOKED_ALIAS(send, __send)
GREEN_HOOKED_ALIAS(sendmmsg, __sendmmsg)
GREEN_HOOKED_ALIAS(connect, __connect)
GREEN_HOOKED_ALIAS(close, __close)
GREEN_HOOKED_ALIAS(fcntl, __fcntl)
GREEN_HOOKED_ALIAS(poll, __poll)
GREEN_HOOKED_ALIAS(select, __select)
GREEN_HOOKED_ALIAS(nanosleep, __nanosleep)
GREEN_HOOKED_ALIAS(waitpid, __waitpid)
GREEN_HOOKED_ALIAS(wait, __wait)

/* clang-format on */

#undef GREEN_HOOKED
#undef GREEN_HOOKED_VARIADIC
#undef GREEN_HOOKED_ALIAS
