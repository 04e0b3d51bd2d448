/*
 * Reading streams, family stdio. libc's functions are called only when the stream's buffer has what they take, or when the
 * descriptor is known to have something: a read that they make then does not wait. Lines and blocks are put together
 * here, for libc would wait in the middle of one.
 */
#include "turns.h"

#include "../net/fd_state.h"
#include "signals.h"

#include <stdlib.h>
#include <string.h>

/* What a terminal's user is asked stands in the buffer of stdout, perhaps. */
static void show_questions(const struct turn *t)
{
    if (isatty(t->fd) && __flbf(stdout) && __fpending(stdout))
        fflush(stdout);
}

/* Until libc's next read would not wait. 0 or -errno. */
static int await_input(struct turn *t)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    int r = green__interruption(green__hub->current);
    if (r < 0)
        return r;
    if (feof_unlocked(t->file) || !__freadable(t->file))
        return 0;
    if (__fwriting(t->file) && __fpending(t->file) && (r = green__stream_flush(t)) < 0)
        return r;
    green_time deadline = green__receive_deadline(t->fd, t->about);
    show_questions(t);
    while (REAL(poll)(&p, 1, 0) == 0) {
        r = INTERRUPTIBLY(UNRESTARTED, green__poll_on(&p, 1, deadline));
        if (r < 0)
            return own_time_is_over(r) ? -EAGAIN : r;
    }
    return 0;
}

/* The next byte, EOF at the end (libc has said why), or -errno - 1. */
#define FAILED(c) ((c) < EOF)

static int next_byte(struct turn *t)
{
    if (t->kind == STREAM_WAITED && !stream_has(t->file)) {
        int r = await_input(t);
        if (r < 0)
            return r - 1;
    }
    return REAL(getc)(t->file);
}

static void leave(struct turn *t, int c)
{
    green__turn_leave(t);
    if (FAILED(c)) {
        t->file->_flags |= _IO_ERR_SEEN;
        fail(c + 1);
    }
}

/* --- bytes ---------------------------------------------------------------------------------------------------------- */

static int get(FILE *f)
{
    struct turn t;
    if (stream_has(f) && no_turns())
        return REAL(getc)(f);
    if (green__turn_enter(&t, f) == STREAM_PASSES)
        return REAL(getc)(f);
    int c = next_byte(&t);
    leave(&t, c);
    return FAILED(c) ? EOF : c;
}

#define GETS_BYTE(name, parameters, file, arguments)                                                         \
    HOOK int name parameters                                                                                 \
    {                                                                                                        \
        return COOPERATIVE(STDIO) ? get(file) : REAL(name) arguments;                                        \
    }
GETS_BYTE(fgetc, (FILE * file), file, (file))
GETS_BYTE(getc, (FILE * file), file, (file))
GETS_BYTE(getchar, (void), stdin, ())
GETS_BYTE(fgetc_unlocked, (FILE * file), file, (file))
GETS_BYTE(getc_unlocked, (FILE * file), file, (file))
GETS_BYTE(getchar_unlocked, (void), stdin, ())
GETS_BYTE(__uflow, (FILE * file), file, (file)) /* getc_unlocked() where it was compiled in */

/* --- lines ---------------------------------------------------------------------------------------------------------- */

/* Bytes up to a delimiter, and how many fit. */
struct line {
    char *text;
    size_t length, room;
    bool grows;
};

static bool make_room(struct line *l, size_t more)
{
    size_t wanted = l->length + more + 1;
    if (wanted <= l->room)
        return true;
    if (wanted < 2 * l->room)
        wanted = 2 * l->room;
    if (wanted < 120)
        wanted = 120;
    char *text = realloc(l->text, wanted);
    if (!text)
        return false;
    l->text = text;
    l->room = wanted;
    return true;
}

/* What the buffer has of the line: true at its end. False as well without memory, when the next byte will say so. */
static bool take_rest(FILE *f, struct line *l, int delimiter)
{
    flockfile(f);
    size_t n = stream_has(f);
    if (!l->grows && n > l->room - l->length - 1)
        n = l->room - l->length - 1;
    const char *end = n ? memchr(f->_IO_read_ptr, delimiter, n) : NULL;
    if (end)
        n = (size_t)(end - f->_IO_read_ptr) + 1;
    bool fits = !l->grows || make_room(l, n);
    if (n && fits)
        l->length += REAL(fread_unlocked)(l->text + l->length, 1, n, f);
    funlockfile(f);
    return end && fits;
}

/* The byte that it ended with; EOF, or FAILED. A line that does not grow ends when it is full. */
static int get_line(struct turn *t, struct line *l, int delimiter)
{
    while (l->grows || l->length + 1 < l->room) {
        if (l->grows && !make_room(l, 1))
            return -ENOMEM - 1;
        int c = next_byte(t);
        if (c < 0)
            return c;
        l->text[l->length++] = (char)c;
        if (c == delimiter || take_rest(t->file, l, delimiter))
            return delimiter;
    }
    return 0;
}

static char *gets_by(char *(*real)(char *, int, FILE *), char *text, int size, FILE *f)
{
    struct turn t;
    if (size <= 1 || green__turn_enter(&t, f) == STREAM_PASSES)
        return real(text, size, f);
    if (t.kind == STREAM_BY_HOOKS) {
        char *r = real(text, size, f);
        green__turn_leave(&t);
        return r;
    }
    struct line l = {.text = text, .room = (size_t)size};
    int c = get_line(&t, &l, '\n');
    leave(&t, c);
    if (!l.length || (FAILED(c) && c != -EAGAIN - 1))
        return NULL;
    text[l.length] = '\0';
    return text;
}

HOOK char *fgets(char *text, int size, FILE *file)
{
    return COOPERATIVE(STDIO) ? gets_by(REAL(fgets), text, size, file) : REAL(fgets)(text, size, file);
}

HOOK char *fgets_unlocked(char *text, int size, FILE *file)
{
    return COOPERATIVE(STDIO) ? gets_by(REAL(fgets_unlocked), text, size, file)
                              : REAL(fgets_unlocked)(text, size, file);
}

HOOK char *__fgets_chk(char *text, size_t room, int size, FILE *file)
{
    return COOPERATIVE(STDIO) && size >= 0 && (size_t)size <= room
               ? fgets(text, size, file)
               : REAL(__fgets_chk)(text, room, size, file);
}

HOOK char *__fgets_unlocked_chk(char *text, size_t room, int size, FILE *file)
{
    return COOPERATIVE(STDIO) && size >= 0 && (size_t)size <= room
               ? fgets_unlocked(text, size, file)
               : REAL(__fgets_unlocked_chk)(text, room, size, file);
}

HOOK ssize_t getdelim(char **text, size_t *room, int delimiter, FILE *file)
{
    struct turn t;
    if (!COOPERATIVE(STDIO) || !text || !room || green__turn_enter(&t, file) == STREAM_PASSES)
        return REAL(getdelim)(text, room, delimiter, file);
    if (t.kind == STREAM_BY_HOOKS) {
        ssize_t n = REAL(getdelim)(text, room, delimiter, file);
        green__turn_leave(&t);
        return n;
    }
    struct line l = {.text = *text, .room = *text ? *room : 0, .grows = true};
    int c = get_line(&t, &l, delimiter);
    leave(&t, c);
    *text = l.text;
    *room = l.room;
    if (!l.length || FAILED(c))
        return -1;
    l.text[l.length] = '\0';
    return (ssize_t)l.length;
}

HOOK ssize_t __getdelim(char **text, size_t *room, int delimiter, FILE *file)
    __attribute__((alias("getdelim")));

HOOK ssize_t getline(char **text, size_t *room, FILE *file)
{
    return COOPERATIVE(STDIO) ? getdelim(text, room, '\n', file) : REAL(getline)(text, room, file);
}

/* --- blocks --------------------------------------------------------------------------------------------------------- */

static size_t get_block(struct turn *t, char *buffer, size_t size, int *last)
{
    size_t done = 0;
    while (done < size) {
        size_t n = stream_has(t->file);
        if (n > size - done)
            n = size - done;
        if (n) {
            done += REAL(fread)(buffer + done, 1, n, t->file);
            continue;
        }
        if ((*last = next_byte(t)) < 0)
            break;
        buffer[done++] = (char)*last;
    }
    return done;
}

HOOK size_t fread(void *buffer, size_t size, size_t count, FILE *file)
{
    struct turn t;
    size_t all;
    int last = 0;
    if (!COOPERATIVE(STDIO) || __builtin_mul_overflow(size, count, &all) || !all ||
        green__turn_enter(&t, file) == STREAM_PASSES)
        return REAL(fread)(buffer, size, count, file);
    size_t done =
        t.kind == STREAM_BY_HOOKS ? REAL(fread)(buffer, 1, all, file) : get_block(&t, buffer, all, &last);
    leave(&t, last);
    return done / size;
}

HOOK size_t fread_unlocked(void *buffer, size_t size, size_t count, FILE *file)
{
    return COOPERATIVE(STDIO) ? fread(buffer, size, count, file)
                              : REAL(fread_unlocked)(buffer, size, count, file);
}

HOOK size_t __fread_chk(void *buffer, size_t room, size_t size, size_t count, FILE *file)
{
    return COOPERATIVE(STDIO) && size && count <= room / size
               ? fread(buffer, size, count, file)
               : REAL(__fread_chk)(buffer, room, size, count, file);
}

HOOK size_t __fread_unlocked_chk(void *buffer, size_t room, size_t size, size_t count, FILE *file)
{
    return COOPERATIVE(STDIO) && size && count <= room / size
               ? fread(buffer, size, count, file)
               : REAL(__fread_unlocked_chk)(buffer, room, size, count, file);
}
