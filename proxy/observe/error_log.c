/* The error log: formatting a line, and writing it whole or not at all. */
#include "error_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <green.h>

#define MESSAGE_BYTES 2048
#define LINE_BYTES    4096 /* PIPE_BUF: a pipe that polls writable takes so much at once */

static const struct {
    const char *name, *colour;
    bool said_on_terminal; /* a notice needs no label for people who watch */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "\033[31m", true},
    [LOG_LEVEL_WARNING] = {"warning", "\033[33m", true},
    [LOG_LEVEL_NOTICE] = {"notice", "", false},
    [LOG_LEVEL_INFO] = {"info", "\033[2m", false},
};

static struct {
    pthread_mutex_t lock; /* held for a write that cannot wait */
    int fd;
    char *path;              /* NULL: standard error */
    unsigned long unwritten; /* lines dropped since the last one that was written */
} out = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

static atomic_int level_written = LOG_LEVEL_INFO;

void error_log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_written, (int)level, memory_order_relaxed);
}

enum log_level error_log_level(void)
{
    return (enum log_level)atomic_load_explicit(&level_written, memory_order_relaxed);
}

static size_t put(char *line, size_t n, const char *text)
{
    size_t length = strlen(text);
    if (length > LINE_BYTES - n)
        length = LINE_BYTES - n;
    memcpy(line + n, text, length);
    return n + length;
}

/* No message may steer the terminal or look like two lines. */
static size_t put_visible(char *line, size_t n, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    for (; *text && n + 64 < LINE_BYTES; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= ' ' && c != 0x7f) {
            line[n++] = *text;
            continue;
        }
        line[n++] = '\\';
        line[n++] = 'x';
        line[n++] = hex[c >> 4];
        line[n++] = hex[c & 15];
    }
    return n;
}

static size_t put_time(char *line, size_t n)
{
    struct timespec now;
    struct tm tm;
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + length, sizeof text - length, ".%03dZ ", (int)(now.tv_nsec / 1000000));
    return put(line, n, text);
}

static size_t format_line(char *line, enum log_level level, const char *message)
{
    bool file = out.path != NULL, colour = !file && *levels[level].colour && isatty(out.fd);
    size_t n = file ? put_time(line, 0) : put(line, 0, "greenway: ");
    if (colour)
        n = put(line, n, levels[level].colour);
    if (file || levels[level].said_on_terminal) {
        n = put(line, n, levels[level].name);
        n = put(line, n, ": ");
    }
    n = put_visible(line, n, message);
    return put(line, n, colour ? "\033[0m\n" : "\n");
}

/* With the lock held. */
static bool write_line(enum log_level level, const char *message)
{
    char line[LINE_BYTES];
    struct pollfd writable = {.fd = out.fd, .events = POLLOUT};
    size_t n = format_line(line, level, message);
    if (poll(&writable, 1, 0) != 1 || !(writable.revents & POLLOUT))
        return false;
    return write(out.fd, line, n) == (ssize_t)n;
}

/* --- repetitions ------------------------------------------------------------------------------------ */

#define WINDOW 10 /* seconds */
#define MOST                                                                                                 \
    50 /* errors and warnings of one kind in a window: whoever sends requests must not fill the disk */
#define KINDS 64 /* more kinds than that share their windows */

/* What is said of one kind of message: those of one format. With the lock of `out` held. */
static struct repetition {
    const char *format;
    time_t began;
    unsigned said, kept_back;
} repetitions[KINDS];

static time_t monotonic_second(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

static void begin_window(struct repetition *r, const char *format, time_t now)
{
    char text[96];
    if (r->kept_back) {
        snprintf(text, sizeof text, "%u more such messages were kept back in %d s", r->kept_back, WINDOW);
        if (!write_line(LOG_LEVEL_WARNING, text))
            out.unwritten++;
    }
    *r = (struct repetition){.format = format, .began = now};
}

/* Has enough been said of this? */
static bool is_repetition(enum log_level level, const char *format)
{
    struct repetition *r = &repetitions[((uintptr_t)format >> 3) % KINDS];
    time_t now = monotonic_second();
    if (level > LOG_LEVEL_WARNING)
        return false;
    if (r->format != format || now - r->began >= WINDOW)
        begin_window(r, format, now);
    if (r->said < MOST) {
        r->said++;
        return false;
    }
    r->kept_back++;
    return true;
}

/* --- copies ----------------------------------------------------------------------------------------- */

static _Thread_local struct {
    FILE *to;
    const green_t *of;
} copying;

void error_log_copy(FILE *copy)
{
    copying.to = copy;
    copying.of = copy ? green_self() : NULL;
}

static void copy_message(enum log_level level, const char *message)
{
    char line[LINE_BYTES];
    if (!copying.to || copying.of != green_self())
        return;
    size_t n = level == LOG_LEVEL_WARNING ? put(line, 0, "warning: ") : 0;
    n = put_visible(line, n, message);
    n = put(line, n, "\n");
    fwrite(line, 1, n, copying.to);
}

void error_log(enum log_level level, const char *format, ...)
{
    char message[MESSAGE_BYTES], lost[64];
    int before = errno;
    if (level > error_log_level())
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    copy_message(level, message);
    pthread_mutex_lock(&out.lock);
    if (out.unwritten) {
        snprintf(lost, sizeof lost, "%lu lines were lost here", out.unwritten);
        if (write_line(LOG_LEVEL_WARNING, lost))
            out.unwritten = 0;
    }
    if (!is_repetition(level, format) && !write_line(level, message))
        out.unwritten++;
    pthread_mutex_unlock(&out.lock);
    errno = before;
}

/* Without waiting for the other end of a FIFO. */
static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    return fd < 0 ? -errno : fd;
}

/* Takes path over. */
static void use(int fd, char *path)
{
    pthread_mutex_lock(&out.lock);
    if (out.path)
        close(out.fd);
    if (out.path != path)
        free(out.path);
    out.fd = fd;
    out.path = path;
    pthread_mutex_unlock(&out.lock);
}

int error_log_open(const char *target)
{
    if (!strcmp(target, "-")) {
        use(STDERR_FILENO, NULL);
        return 0;
    }
    char *path = strdup(target);
    if (!path)
        return -ENOMEM;
    int fd = open_file(path);
    if (fd < 0) {
        free(path);
        return fd;
    }
    use(fd, path);
    return 0;
}

int error_log_reopen(void)
{
    if (!out.path) /* only the main thread changes it */
        return 0;
    int fd = open_file(out.path);
    if (fd < 0)
        return fd;
    use(fd, out.path);
    return 0;
}
