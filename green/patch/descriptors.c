/*
 * What is known of descriptors, and the hooks that change it. O_NONBLOCK and timeouts belong to the open file description,
 * which several numbers and even processes may share: whether the program has set them is the kernel's to know, and is
 * asked anew when it could have changed. What changes it unseen are raw system calls and other processes.
 */
#include "descriptors.h"
#include "file.h"

#include "../net/fd_state.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS    65536 /* of higher ones nothing is remembered */
#define ABOUT_BITS 12

/* Each note is valid in the epoch it was made in. */
static atomic_uint notes[NUMBERS];
static atomic_uint epoch = 1;
static atomic_bool duplicated; /* two numbers may stand for one description */

/* Which of all descriptors that hooks have made a number stands for; 0: one that no hook has made. */
static atomic_uint made[NUMBERS];
static atomic_uint making;

static bool noted(int fd)
{
    return (unsigned)fd < NUMBERS;
}

static unsigned present(void)
{
    return atomic_load_explicit(&epoch, memory_order_relaxed) << ABOUT_BITS;
}

void green__about_anew(int fd)
{
    if (noted(fd) && atomic_load_explicit(&notes[fd], memory_order_relaxed))
        atomic_store_explicit(&notes[fd], 0, memory_order_relaxed);
}

unsigned green__fd_made(int fd)
{
    return noted(fd) ? atomic_load_explicit(&made[fd], memory_order_relaxed) : 0;
}

static void made_unseen(int fd)
{
    green__about_anew(fd);
    if (green__fd_made(fd))
        atomic_store_explicit(&made[fd], 0, memory_order_relaxed);
}

void green__about_made(int fd)
{
    unsigned number = 0;
    green__about_anew(fd);
    while (noted(fd) && !number)
        number = atomic_fetch_add_explicit(&making, 1, memory_order_relaxed) + 1;
    if (number)
        atomic_store_explicit(&made[fd], number, memory_order_relaxed);
}

/* Of this number, and of those that may share its description. The standard ones do so from the beginning. */
static void about_changed(int fd)
{
    if (atomic_load_explicit(&duplicated, memory_order_relaxed) || (fd >= 0 && fd <= STDERR_FILENO))
        atomic_fetch_add_explicit(&epoch, 1, memory_order_relaxed);
    green__about_anew(fd);
}

static bool has_timeout(int fd, int which)
{
    struct timeval t;
    socklen_t length = sizeof t;
    return getsockopt(fd, SOL_SOCKET, which, &t, &length) == 0 && (t.tv_sec || t.tv_usec);
}

static unsigned about_socket(int fd, int type)
{
    int family = 0, protocol = 0;
    socklen_t length = sizeof family;
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
    if (type == SOCK_STREAM && family != AF_UNIX)
        getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length);
    return ABOUT_SOCKET | (protocol == IPPROTO_TCP ? ABOUT_TCP : 0) |
           (type == SOCK_STREAM ? ABOUT_STREAM : 0) | (family == AF_UNIX ? ABOUT_UNIX : 0) |
           (has_timeout(fd, SO_RCVTIMEO) ? ABOUT_RECEIVES_FOR : 0) |
           (has_timeout(fd, SO_SNDTIMEO) ? ABOUT_SENDS_FOR : 0);
}

static unsigned ask(int fd)
{
    struct stat st;
    int flags = REAL(fcntl)(fd, F_GETFL);
    if (flags < 0)
        return 0;
    int type = 0;
    socklen_t length = sizeof type;
    unsigned about = ABOUT_OPEN | (flags & O_NONBLOCK ? ABOUT_NONBLOCKING : 0);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0)
        return about | about_socket(fd, type);
    if (REAL(fstat)(fd, &st) < 0)
        return 0;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode) ? about | ABOUT_PLAIN : about;
}

unsigned green__about(int fd)
{
    unsigned now = present(), note = noted(fd) ? atomic_load_explicit(&notes[fd], memory_order_relaxed) : 0;
    if (LIKELY((note ^ now) >> ABOUT_BITS == 0 && note))
        return note & ((1u << ABOUT_BITS) - 1);
    int saved = errno;
    unsigned about = ask(fd);
    errno = saved;
    if (about && noted(fd))
        atomic_store_explicit(&notes[fd], now | about, memory_order_relaxed);
    return about;
}

void green__about_also(int fd, unsigned what)
{
    if (noted(fd) && atomic_load_explicit(&notes[fd], memory_order_relaxed))
        atomic_fetch_or_explicit(&notes[fd], what, memory_order_relaxed);
}

static green_time deadline(int fd, int which)
{
    struct timeval t;
    socklen_t length = sizeof t;
    if (getsockopt(fd, SOL_SOCKET, which, &t, &length) < 0 || (!t.tv_sec && !t.tv_usec))
        return GREEN_FOREVER;
    return green_in(green__ns_of_timeval(&t));
}

green_time green__receive_deadline(int fd, unsigned about)
{
    return about & ABOUT_RECEIVES_FOR ? deadline(fd, SO_RCVTIMEO) : GREEN_FOREVER;
}

green_time green__send_deadline(int fd, unsigned about)
{
    return about & ABOUT_SENDS_FOR ? deadline(fd, SO_SNDTIMEO) : GREEN_FOREVER;
}

/* --- closing -------------------------------------------------------------------------------------------------------- */

/* The number will mean something else. Who waits for it in this thread is told; natively it would wait on, but for
 * nobody. */
static void number_ends(int fd)
{
    made_unseen(fd);
    if (green__hub && !green__is_vforked())
        green_fd_reset(fd);
}

HOOK int close(int fd)
{
    number_ends(fd);
    return REAL(close)(fd);
}

HOOK int __close(int fd) __attribute__((alias("close")));

static void numbers_end(unsigned first, unsigned last)
{
    for (unsigned fd = first; fd < NUMBERS && fd <= last; fd++)
        made_unseen((int)fd);
    if (!green__hub || green__is_vforked())
        return;
    for (size_t fd = first; fd < green__hub->fd_chunks * FD_CHUNK && fd <= last; fd++)
        green_fd_reset((int)fd);
}

HOOK int close_range(unsigned first, unsigned last, int flags)
{
    if (!(flags & (int)CLOSE_RANGE_CLOEXEC))
        numbers_end(first, last);
    return REAL(close_range)(first, last, flags);
}

HOOK void closefrom(int first)
{
    numbers_end(first < 0 ? 0 : (unsigned)first, ~0u);
    REAL(closefrom)(first);
}

/* What could not be written out in a greenlet's way is lost, as it would be if libc tried: that would wait for it. */
static int flush_first(FILE *file)
{
    if (!COOPERATIVE(STDIO) || !__fwriting(file) || fflush(file) == 0)
        return 0;
    int saved = errno;
    __fpurge(file);
    errno = saved;
    return EOF;
}

HOOK int fclose(FILE *file)
{
    int fd = REAL(fileno)(file), r = flush_first(file), saved = errno;
    if (fd >= 0)
        number_ends(fd);
    if (REAL(fclose)(file) < 0)
        return EOF;
    if (r < 0)
        errno = saved;
    return r;
}

/* --- making --------------------------------------------------------------------------------------------------------- */

static int fresh(int fd)
{
    if (fd >= 0)
        green__about_made(fd);
    return fd;
}

static int fresh_pair(int r, const int fds[2])
{
    if (r == 0) {
        green__about_made(fds[0]);
        green__about_made(fds[1]);
    }
    return r;
}

HOOK int socket(int family, int type, int protocol)
{
    return fresh(REAL(socket)(family, type, protocol));
}

HOOK int socketpair(int family, int type, int protocol, int fds[2])
{
    return fresh_pair(REAL(socketpair)(family, type, protocol, fds), fds);
}

HOOK int pipe(int fds[2])
{
    return fresh_pair(REAL(pipe)(fds), fds);
}

HOOK int pipe2(int fds[2], int flags)
{
    return fresh_pair(REAL(pipe2)(fds, flags), fds);
}

static int duplicate(int fd)
{
    atomic_store_explicit(&duplicated, true, memory_order_relaxed);
    return fd;
}

HOOK int dup(int fd)
{
    return duplicate(fresh(REAL(dup)(fd)));
}

/* Nothing is said of `to`, which in the child of a vfork(2) is a number of its own. */
HOOK int dup2(int fd, int to)
{
    if (fd != to)
        number_ends(to);
    return duplicate(REAL(dup2)(fd, to));
}

HOOK int dup3(int fd, int to, int flags)
{
    if (fd != to)
        number_ends(to);
    return duplicate(REAL(dup3)(fd, to, flags));
}

/* --- changing ------------------------------------------------------------------------------------------------------- */

static int control(int fd, int command, void *argument)
{
    if ((command == F_SETLKW || command == F_OFD_SETLKW) && COOPERATIVE(FILE))
        return green__file_lock(fd, command, argument);
    int r = REAL(fcntl)(fd, command, argument);
    if (command == F_SETFL)
        about_changed(fd);
    else if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        duplicate(fresh(r));
    return r;
}

HOOK int fcntl(int fd, int command, ...)
{
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    return control(fd, command, argument);
}

/* They differ only where off_t has 32 bits. */
HOOK int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));
HOOK int __fcntl(int fd, int command, ...) __attribute__((alias("fcntl")));

HOOK int ioctl(int fd, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    int r = REAL(ioctl)(fd, request, argument);
    if (request == FIONBIO)
        about_changed(fd);
    return r;
}

HOOK int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    int r = REAL(setsockopt)(fd, level, name, value, length);
    struct fd_state *f;
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
        about_changed(fd);
    else if (level == SOL_SOCKET && name == SO_RCVLOWAT && green__hub && (f = green__fd_find(green__hub, fd)))
        f->ready |= FD_READ; /* fewer bytes may be enough now: to be asked for */
    return r;
}
