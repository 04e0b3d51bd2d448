/*
 * Writing streams, family stdio. What fits into a stream's buffer is libc's matter. When something has to go out, we
 * take what the buffer holds back, and write it as write(2) in a greenlet does: libc would write in the middle of
 * its own call, and find the buffer changed by whoever ran meanwhile.
 */
#include "threads.h"
#include "turns.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* All of it: 0 or -errno; how much went. A thread is not cancelled in there, for it would leave without giving the turn back. */
static int write_all(int fd, const char *text, size_t size, size_t *done)
{
    bool thread = green__thread_self() != NULL;
    int r = 0;
    if (thread)
        green_shield();
    for (*done = 0; *done < size && r == 0;) {
        ssize_t n = write(fd, text + *done, size - *done);
        if (n < 0)
            r = -errno;
        else
            *done += (size_t)n;
    }
    if (thread)
        green_unshield();
    return r;
}

/* What did not go out stands in the buffer again, as libc would leave it. */
int green__stream_flush(struct turn *t)
{
    flockfile(t->file); /* for threads of the system that write to it as well */
    size_t size = __fpending(t->file), done;
    char *text = size ? malloc(size) : NULL;
    if (text) {
        memcpy(text, t->file->_IO_write_base, size);
        __fpurge(t->file);
    }
    funlockfile(t->file);
    if (!text)
        return size ? -ENOMEM : 0;
    int r = write_all(t->fd, text, size, &done);
    if (done < size && REAL(fwrite)(text + done, 1, size - done, t->file) < size - done)
        r = r < 0 ? r : -EIO;
    free(text);
    return r;
}

/* Whether libc would write if it were given this. Its first byte makes a buffer, whose size and kind are known then. */
static bool would_write(const struct turn *t, const char *text, size_t size)
{
    size_t room = __fbufsize(t->file);
    return room <= 1 || size > room - __fpending(t->file) || (__flbf(t->file) && memrchr(text, '\n', size));
}

/* 0 or -errno; how many bytes the stream has taken. */
static int put(struct turn *t, const char *text, size_t size, size_t *done)
{
    FILE *f = t->file;
    *done = 0;
    if (!size || !__fwritable(f) || stream_has(f)) {
        *done = size ? REAL(fwrite)(text, 1, size, f) : 0;
        return 0;
    }
    if (!__fbufsize(f) && f != stderr) {
        if (*text == '\n' && isatty(t->fd))
            setvbuf(f, NULL, _IOLBF, 0); /* as it is about to become */
        else if (REAL(putc)((unsigned char)*text, f) != EOF)
            *done = 1;
        else
            return 0;
    }
    if (*done < size && !would_write(t, text + *done, size - *done)) {
        *done += REAL(fwrite)(text + *done, 1, size - *done, f);
        return 0;
    }
    int r = *done < size ? green__stream_flush(t) : 0;
    if (r < 0 || *done == size)
        return r;
    if (!would_write(t, text + *done, size - *done)) {
        *done += REAL(fwrite)(text + *done, 1, size - *done, f);
        return 0;
    }
    size_t more;
    r = write_all(t->fd, text + *done, size - *done, &more);
    *done += more;
    return r;
}

/* The error is the stream's, and errno's. */
static void leave(struct turn *t, int r)
{
    green__turn_leave(t);
    if (r < 0) {
        t->file->_flags |= _IO_ERR_SEEN;
        fail(r);
    }
}

/* --- bytes ---------------------------------------------------------------------------------------------------------- */

/* `sure`: room for one byte, which is no end of a line. */
static int put_byte(int c, FILE *f)
{
    struct turn t;
    size_t done = 1;
    char byte = (char)c;
    bool sure = f->_IO_write_end > f->_IO_write_ptr && byte != '\n';
    if ((sure && no_turns()) || green__turn_enter(&t, f) == STREAM_PASSES)
        return REAL(putc)(c, f);
    int r = 0;
    if (t.kind == STREAM_BY_HOOKS)
        c = REAL(putc)(c, f);
    else
        r = put(&t, &byte, 1, &done);
    leave(&t, r);
    return c == EOF || !done ? EOF : (unsigned char)byte;
}

#define PUTS_BYTE(name, parameters, file, arguments)                                                         \
    HOOK int name parameters                                                                                 \
    {                                                                                                        \
        return COOPERATIVE(STDIO) ? put_byte(c, file) : REAL(name) arguments;                                \
    }
PUTS_BYTE(fputc, (int c, FILE *file), file, (c, file))
PUTS_BYTE(putc, (int c, FILE *file), file, (c, file))
PUTS_BYTE(putchar, (int c), stdout, (c))
PUTS_BYTE(fputc_unlocked, (int c, FILE *file), file, (c, file))
PUTS_BYTE(putc_unlocked, (int c, FILE *file), file, (c, file))
PUTS_BYTE(putchar_unlocked, (int c), stdout, (c))

/* putc_unlocked() where it was compiled in; EOF asks for nothing but to write out. */
HOOK int __overflow(FILE *file, int c)
{
    return COOPERATIVE(STDIO) && c != EOF ? put_byte(c, file) : REAL(__overflow)(file, c);
}

/* --- text ----------------------------------------------------------------------------------------------------------- */

/* Whether libc took it all; PASSES: the caller has to ask it. */
enum outcome { WENT, FAILED, PASSES };

static enum outcome put_text(FILE *f, const char *text, size_t size, const char *end, size_t *done)
{
    struct turn t;
    size_t more = 0;
    int r = 0;
    *done = 0;
    if (green__turn_enter(&t, f) == STREAM_PASSES)
        return PASSES;
    if (t.kind == STREAM_BY_HOOKS) {
        *done = REAL(fwrite)(text, 1, size, f);
        more = *done == size && end ? REAL(fwrite)(end, 1, 1, f) : 0;
    } else {
        r = put(&t, text, size, done);
        if (r == 0 && *done == size && end)
            r = put(&t, end, 1, &more);
    }
    leave(&t, r);
    return r == 0 && *done == size && (!end || more) ? WENT : FAILED;
}

static int puts_by(int (*real)(const char *, FILE *), const char *text, FILE *f)
{
    size_t done;
    enum outcome o = put_text(f, text, strlen(text), NULL, &done);
    return o == PASSES ? real(text, f) : o == WENT ? 1 : EOF;
}

HOOK int fputs(const char *text, FILE *file)
{
    return COOPERATIVE(STDIO) ? puts_by(REAL(fputs), text, file) : REAL(fputs)(text, file);
}

HOOK int fputs_unlocked(const char *text, FILE *file)
{
    return COOPERATIVE(STDIO) ? puts_by(REAL(fputs_unlocked), text, file) : REAL(fputs_unlocked)(text, file);
}

HOOK int puts(const char *text)
{
    size_t done;
    enum outcome o = COOPERATIVE(STDIO) ? put_text(stdout, text, strlen(text), "\n", &done) : PASSES;
    return o == PASSES ? REAL(puts)(text) : o == WENT ? 1 : EOF;
}

HOOK size_t fwrite(const void *buffer, size_t size, size_t count, FILE *file)
{
    size_t all, done;
    if (!COOPERATIVE(STDIO) || __builtin_mul_overflow(size, count, &all) || !all ||
        put_text(file, buffer, all, NULL, &done) == PASSES)
        return REAL(fwrite)(buffer, size, count, file);
    return done / size;
}

HOOK size_t fwrite_unlocked(const void *buffer, size_t size, size_t count, FILE *file)
{
    return COOPERATIVE(STDIO) ? fwrite(buffer, size, count, file)
                              : REAL(fwrite_unlocked)(buffer, size, count, file);
}

static int flush_by(int (*real)(FILE *), FILE *f)
{
    struct turn t;
    int r = 0;
    if (!f || green__turn_enter(&t, f) == STREAM_PASSES)
        return real(f);
    if (t.kind == STREAM_WAITED && __fwriting(f))
        r = green__stream_flush(&t);
    int result = r == 0 ? real(f) : EOF; /* nothing is left, or it is no matter of writing */
    leave(&t, r);
    return result;
}

HOOK int fflush(FILE *file)
{
    return COOPERATIVE(STDIO) ? flush_by(REAL(fflush), file) : REAL(fflush)(file);
}

HOOK int fflush_unlocked(FILE *file)
{
    return COOPERATIVE(STDIO) ? flush_by(REAL(fflush_unlocked), file) : REAL(fflush_unlocked)(file);
}

/* Declared only for those who are compiled with _FORTIFY_SOURCE. */
int __vasprintf_chk(char **text, int flag, const char *format, va_list more);

/* --- formats -------------------------------------------------------------------------------------------------------- */

/* What was made of a format, and how long it is; PASSES leaves it alone. */
static int put_made(FILE *f, char *text, int length)
{
    size_t done;
    if (length < 0)
        return -1;
    enum outcome o = put_text(f, text, (size_t)length, NULL, &done);
    if (o == PASSES)
        o = REAL(fwrite)(text, 1, (size_t)length, f) == (size_t)length ? WENT : FAILED;
    int saved = errno;
    free(text);
    errno = saved;
    return o == WENT ? length : -1;
}

/* Formatting is done first only where it might be in the middle of a wait that the stream is written to. */
static bool is_waited(FILE *f)
{
    struct turn t;
    enum stream_kind kind = green__turn_enter(&t, f);
    green__turn_leave(&t);
    return kind != STREAM_PASSES;
}

HOOK int vfprintf(FILE *file, const char *format, va_list more)
{
    char *text;
    if (!COOPERATIVE(STDIO) || !is_waited(file))
        return REAL(vfprintf)(file, format, more);
    int length = vasprintf(&text, format, more);
    return put_made(file, text, length);
}

HOOK int __vfprintf_chk(FILE *file, int flag, const char *format, va_list more)
{
    char *text;
    if (!COOPERATIVE(STDIO) || !is_waited(file))
        return REAL(__vfprintf_chk)(file, flag, format, more);
    int length = __vasprintf_chk(&text, flag, format, more);
    return put_made(file, text, length);
}

HOOK int vprintf(const char *format, va_list more)
{
    return COOPERATIVE(STDIO) ? vfprintf(stdout, format, more) : REAL(vprintf)(format, more);
}

HOOK int __vprintf_chk(int flag, const char *format, va_list more)
{
    return COOPERATIVE(STDIO) ? __vfprintf_chk(stdout, flag, format, more)
                              : REAL(__vprintf_chk)(flag, format, more);
}

/* These write at once, to a descriptor. */
static int write_made(int fd, char *text, int length)
{
    size_t done;
    if (length < 0)
        return -1;
    int r = write_all(fd, text, (size_t)length, &done);
    free(text);
    return r < 0 ? fail(r) : length;
}

HOOK int vdprintf(int fd, const char *format, va_list more)
{
    char *text;
    if (!COOPERATIVE(STDIO))
        return REAL(vdprintf)(fd, format, more);
    int length = vasprintf(&text, format, more);
    return write_made(fd, text, length);
}

HOOK int __vdprintf_chk(int fd, int flag, const char *format, va_list more)
{
    char *text;
    if (!COOPERATIVE(STDIO))
        return REAL(__vdprintf_chk)(fd, flag, format, more);
    int length = __vasprintf_chk(&text, flag, format, more);
    return write_made(fd, text, length);
}

#define PRINTS(name, parameters, last, through, ...)                                                         \
    HOOK int name parameters                                                                                 \
    {                                                                                                        \
        va_list more;                                                                                        \
        va_start(more, last);                                                                                \
        int length = through(__VA_ARGS__, more);                                                             \
        va_end(more);                                                                                        \
        return length;                                                                                       \
    }
PRINTS(printf, (const char *format, ...), format, vprintf, format)
PRINTS(__printf_chk, (int flag, const char *format, ...), format, __vprintf_chk, flag, format)
PRINTS(fprintf, (FILE * file, const char *format, ...), format, vfprintf, file, format)
PRINTS(__fprintf_chk, (FILE * file, int flag, const char *format, ...), format, __vfprintf_chk, file, flag,
       format)
PRINTS(dprintf, (int fd, const char *format, ...), format, vdprintf, fd, format)
PRINTS(__dprintf_chk, (int fd, int flag, const char *format, ...), format, __vdprintf_chk, fd, flag, format)
