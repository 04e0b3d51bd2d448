/* Streams in greenlets, family stdio: those that libc made, and those of fdopen, which are made differently. */
#include "patched.h"

#define LINES 400

/* The end of a blocking pair as a stream: one that is known to libc only, or one that was made by the hook. */
static FILE *stream_on(int fd, const char *mode, bool made_by_hook)
{
    green_patch(made_by_hook ? GREEN_PATCH_DEFAULT | GREEN_PATCH_STDIO : 0);
    FILE *f = fdopen(fd, mode);
    ck_assert_ptr_nonnull(f);
    green_patch(GREEN_PATCH_DEFAULT | GREEN_PATCH_STDIO);
    ck_assert_ptr_nonnull(green_hub());
    ck_assert_int_eq(fileno(f), fd);
    return f;
}

/* Lines of many lengths, and what is in them by their number. */
static size_t line_of(int i, char room[1200])
{
    size_t length = (size_t)(i * 37 % (i % 10 ? 90 : 1100));
    memset(room, 'a' + i % 26, length);
    length += (size_t)sprintf(room + length, "%d\n", i);
    return length;
}

struct feeding {
    int fd;
    size_t piece;
    int lines;
};

/* In pieces, so that most reads end in the middle of a line. */
static void *feed(void *arg)
{
    const struct feeding *w = arg;
    char line[1200];
    for (int i = 0; i < w->lines; i++) {
        size_t length = line_of(i, line);
        for (size_t at = 0; at < length; at += w->piece) {
            size_t n = length - at < w->piece ? length - at : w->piece;
            ck_assert_int_eq(write(w->fd, line + at, n), (ssize_t)n);
            ck_assert_int_eq(green_yield(), 0);
        }
    }
    ck_assert_int_eq(shutdown(w->fd, SHUT_WR), 0);
    return NULL;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

static void read_line(FILE *f, int way, char *line, size_t expected)
{
    static char *room;
    static size_t size;
    size_t n = 0;
    switch (way) {
    case 0:
        ck_assert_ptr_eq(fgets(line, 1200, f), line);
        break;
    case 1:
        ck_assert_int_eq(getline(&room, &size, f), (ssize_t)expected);
        strcpy(line, room);
        break;
    case 2:
        ck_assert_uint_eq(fread(line, 1, expected, f), expected);
        line[expected] = '\0';
        break;
    case 3:
        for (; !n || line[n - 1] != '\n'; n++)
            line[n] = (char)(n % 3 == 0 ? getc(f) : n % 3 == 1 ? fgetc(f) : getc_unlocked(f));
        line[n] = '\0';
        break;
    case 4: /* in two parts */
        ck_assert_ptr_nonnull(fgets(line, 3, f));
        if (!strchr(line, '\n'))
            ck_assert_ptr_nonnull(fgets(line + strlen(line), 1190, f));
        break;
    default:
        ck_assert_int_ne(*line = (char)getc(f), EOF);
        ck_assert_int_eq(ungetc(*line, f), *line);
        ck_assert_int_eq(getdelim(&room, &size, '\n', f), (ssize_t)expected);
        strcpy(line, room);
    }
}

static void reading(bool made_by_hook)
{
    int fds[2], turns = 0;
    char expected[1200], line[1200];
    blocking_pair(fds, SOCK_STREAM);
    FILE *f = stream_on(fds[0], "r", made_by_hook);
    struct feeding w = {fds[1], 7, LINES};
    green_t *feeder = spawn(feed, &w), *counter = spawn(count_turns, &turns);
    for (int i = 0; i < LINES; i++) {
        size_t length = line_of(i, expected);
        expected[length] = '\0';
        read_line(f, i % 6, line, length);
        ck_assert_str_eq(line, expected);
    }
    ck_assert_ptr_null(fgets(line, sizeof line, f));
    ck_assert(feof(f) && !ferror(f));
    ck_assert_int_eq(getc(f), EOF);
    finish(feeder);
    turns = -1;
    finish(counter);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1);
    ck_assert_int_eq(close(fds[1]), 0);
}

START_TEST(test_reading)
{
    reading(false);
}
END_TEST

START_TEST(test_reading_made_by_hook)
{
    reading(true);
}
END_TEST

struct sharing {
    FILE *file;
    unsigned char seen[LINES];
};

static void *read_some_lines(void *arg)
{
    struct sharing *s = arg;
    char line[1200], expected[1200];
    while (fgets(line, sizeof line, s->file)) {
        int number = -1;
        ck_assert_int_eq(sscanf(line + strspn(line, "abcdefghijklmnopqrstuvwxyz"), "%d", &number), 1);
        expected[line_of(number, expected)] = '\0';
        ck_assert_str_eq(line, expected);
        s->seen[number]++;
    }
    return NULL;
}

/* Whole lines, each for one of them. */
static void many_read(bool made_by_hook)
{
    int fds[2];
    green_t *all[5];
    blocking_pair(fds, SOCK_STREAM);
    struct sharing s = {.file = stream_on(fds[0], "r", made_by_hook)};
    struct feeding w = {fds[1], 11, LINES};
    for (int i = 0; i < 5; i++)
        all[i] = spawn(read_some_lines, &s);
    green_t *feeder = spawn(feed, &w);
    finish(feeder);
    for (int i = 0; i < 5; i++)
        finish(all[i]);
    for (int i = 0; i < LINES; i++)
        ck_assert_int_eq(s.seen[i], 1);
    ck_assert_int_eq(fclose(s.file), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}

START_TEST(test_many_read)
{
    many_read(false);
}
END_TEST

START_TEST(test_many_read_made_by_hook)
{
    many_read(true);
}
END_TEST

START_TEST(test_reading_fails)
{
    int fds[2];
    char line[64];
    green_timeout_t t;
    struct timeval limit = {.tv_usec = 3000};
    blocking_pair(fds, SOCK_STREAM);
    FILE *f = stream_on(fds[0], "r", false);
    ck_assert_int_eq(write(fds[1], "half", 4), 4);
    green_timeout_start(&t, GREEN_MS(3));
    ck_assert_ptr_null(fgets(line, sizeof line, f));
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert(ferror(f));
    green_timeout_stop(&t);
    clearerr(f);
    ck_assert_int_eq(write(fds[1], "a\n", 2), 2);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ck_assert_int_eq(getc(f), EOF);
    ck_assert_int_eq(errno, EAGAIN);
    clearerr(f);
    ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0); /* then it is the program's matter */
    ck_assert_int_eq(getc(f), EOF);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(fclose(f), 0);
    f = stream_on(fds[1], "w", false);
    ck_assert_int_eq(getc(f), EOF);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(fclose(f), 0);
}
END_TEST

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void print_line(FILE *f, int way, int i)
{
    char line[1200];
    size_t length = line_of(i, line);
    line[length] = '\0';
    switch (way) {
    case 0:
        ck_assert_int_ge(fputs(line, f), 0);
        break;
    case 1:
        ck_assert_int_eq(fprintf(f, "%s", line), (int)length);
        break;
    case 2:
        ck_assert_uint_eq(fwrite(line, length, 1, f), 1);
        break;
    default:
        for (size_t at = 0; at < length; at++)
            ck_assert_int_eq(at % 3 == 0   ? putc(line[at], f)
                             : at % 3 == 1 ? fputc(line[at], f)
                                           : putc_unlocked(line[at], f),
                             line[at]);
    }
}

struct collecting {
    int fd;
    char text[200000];
    size_t length;
};

/* Slowly, so that whoever writes has to wait. */
static void *collect(void *arg)
{
    struct collecting *c = arg;
    ssize_t n;
    while ((n = read(c->fd, c->text + c->length, 700)) > 0) {
        c->length += (size_t)n;
        ck_assert_uint_lt(c->length, sizeof c->text - 700);
        ck_assert_int_eq(green_yield(), 0);
    }
    ck_assert_int_eq(n, 0);
    return NULL;
}

static struct collecting collected;

static void writing(bool made_by_hook, int buffering, size_t size)
{
    int fds[2], turns = 0;
    char line[1200];
    collected.length = 0;
    blocking_pair(fds, SOCK_STREAM);
    FILE *f = stream_on(fds[0], "w", made_by_hook);
    if (size)
        ck_assert_int_eq(setvbuf(f, NULL, buffering, size), 0);
    collected.fd = fds[1];
    green_t *collector = spawn(collect, &collected), *counter = spawn(count_turns, &turns);
    for (int i = 0; i < LINES; i++)
        print_line(f, i % 4, i);
    ck_assert_int_eq(fflush(f), 0);
    ck_assert_int_eq(fclose(f), 0);
    finish(collector);
    turns = -1;
    finish(counter);
    const char *at = collected.text;
    for (int i = 0; i < LINES; i++) {
        size_t length = line_of(i, line);
        ck_assert_int_eq(memcmp(at, line, length), 0);
        at += length;
    }
    ck_assert_uint_eq((size_t)(at - collected.text), collected.length);
    ck_assert_int_eq(close(fds[1]), 0);
}

START_TEST(test_writing)
{
    writing(false, 0, 0);
    writing(false, _IOLBF, 100);
    writing(false, _IOFBF, 64);
    writing(false, _IONBF, 1);
    writing(true, 0, 0);
    writing(true, _IOLBF, 100);
}
END_TEST

struct printing {
    FILE *file;
    int first;
};

static void *print_some_lines(void *arg)
{
    const struct printing *p = arg;
    for (int i = p->first; i < LINES; i += 5)
        print_line(p->file, i % 3, i);
    return NULL;
}

/* No line in the middle of another, and none twice. */
static void many_write(bool made_by_hook)
{
    int fds[2];
    char line[1200], seen[LINES] = {0};
    green_t *all[5];
    struct printing p[5];
    collected.length = 0;
    blocking_pair(fds, SOCK_STREAM);
    FILE *f = stream_on(fds[0], "w", made_by_hook);
    collected.fd = fds[1];
    green_t *collector = spawn(collect, &collected);
    for (int i = 0; i < 5; i++) {
        p[i] = (struct printing){f, i};
        all[i] = spawn(print_some_lines, &p[i]);
    }
    for (int i = 0; i < 5; i++)
        finish(all[i]);
    ck_assert_int_eq(fclose(f), 0);
    finish(collector);
    collected.text[collected.length] = '\0';
    for (char *at = collected.text, *end; *at; at = end + 1) {
        int number = -1;
        end = strchr(at, '\n');
        ck_assert_ptr_nonnull(end);
        ck_assert_int_eq(sscanf(at + strspn(at, "abcdefghijklmnopqrstuvwxyz"), "%d", &number), 1);
        size_t length = line_of(number, line);
        ck_assert_uint_eq((size_t)(end - at) + 1, length);
        ck_assert_int_eq(memcmp(at, line, length), 0);
        seen[number]++;
    }
    for (int i = 0; i < LINES; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_eq(close(fds[1]), 0);
}

START_TEST(test_many_write)
{
    many_write(false);
}
END_TEST

START_TEST(test_many_write_made_by_hook)
{
    many_write(true);
}
END_TEST

static bool arrived(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return green_real_poll(&p, 1, 0) == 1;
}

/* What is held back, and until when, is as ever. */
START_TEST(test_buffers)
{
    int fds[2];
    char got[64];
    blocking_pair(fds, SOCK_STREAM);
    FILE *f = stream_on(fds[0], "w", false);
    ck_assert_int_eq(fprintf(f, "%s %d\n", "held", 1), 7);
    ck_assert(!arrived(fds[1]));
    ck_assert_int_eq(fflush(f), 0);
    ck_assert_int_eq(read(fds[1], got, sizeof got), 7);
    ck_assert_int_eq(setvbuf(f, NULL, _IOLBF, 50), 0);
    ck_assert_int_ge(fputs("half", f), 0);
    ck_assert(!arrived(fds[1]));
    ck_assert_int_ge(fputs(" a line\n", f), 0);
    ck_assert_int_eq(read(fds[1], got, sizeof got), 12);
    ck_assert_int_eq(setvbuf(f, NULL, _IONBF, 0), 0);
    ck_assert_int_eq(fprintf(f, "%d", 7), 1);
    ck_assert_int_eq(read(fds[1], got, sizeof got), 1);
    ck_assert_int_eq(dprintf(fds[0], "%s", "direct"), 6);
    ck_assert_int_eq(read(fds[1], got, sizeof got), 6);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}
END_TEST

/* What did not go out is not lost. */
START_TEST(test_writing_fails)
{
    int fds[2];
    size_t put = 0, got = 0;
    char block[1000];
    green_timeout_t t;
    ssize_t n;
    blocking_pair(fds, SOCK_STREAM);
    FILE *f = stream_on(fds[0], "w", false);
    ck_assert_int_eq(setvbuf(f, NULL, _IOFBF, 3000), 0);
    memset(block, 'x', sizeof block);
    green_timeout_start(&t, GREEN_MS(20));
    while ((n = (ssize_t)fwrite(block, 1, sizeof block, f)) == sizeof block)
        put += sizeof block;
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert(ferror(f));
    green_timeout_stop(&t);
    clearerr(f);
    put += (size_t)n;
    collected.length = 0;
    collected.fd = fds[1];
    green_t *collector = spawn(collect, &collected);
    ck_assert_int_eq(fclose(f), 0);
    finish(collector);
    got = collected.length;
    ck_assert_uint_eq(got, put);
    ck_assert_int_eq(close(fds[1]), 0);
    f = stream_on(dup(STDIN_FILENO), "r", false);
    ck_assert_int_eq(fputs("text", f), EOF);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(fclose(f), 0);
}
END_TEST

/* --- both, and the standard ones ------------------------------------------------------------------------------------ */

static void *answer(void *arg)
{
    FILE *f = stream_on(*(int *)arg, "r+", false);
    char line[64];
    while (fgets(line, sizeof line, f))
        ck_assert_int_gt(fprintf(f, "re: %s", line), 0);
    ck_assert_int_eq(fclose(f), 0);
    return NULL;
}

/* Whoever reads has first to say what it has to say. */
START_TEST(test_dialogue)
{
    int fds[2];
    char line[64], expected[64];
    blocking_pair(fds, SOCK_STREAM);
    FILE *f = stream_on(fds[0], "r+", false);
    green_t *other = spawn(answer, &fds[1]);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_gt(fprintf(f, "question %d\n", i), 0);
        ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        snprintf(expected, sizeof expected, "re: question %d\n", i);
        ck_assert_str_eq(line, expected);
    }
    ck_assert_int_eq(fclose(f), 0);
    finish(other);
}
END_TEST

static void *echo_standard(void *arg)
{
    int *lines = arg;
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        ck_assert_int_gt(printf("out: %s", line), 0);
        ck_assert_int_eq(puts("and a line"), 1);
        (*lines)++;
    }
    ck_assert_int_eq(fflush(stdout), 0);
    return NULL;
}

START_TEST(test_standard_streams)
{
    int in[2], out[2], lines = 0;
    int before[2] = {dup(STDIN_FILENO), dup(STDOUT_FILENO)};
    char got[128];
    ck_assert_int_eq(fflush(stdout), 0);
    green_patch(GREEN_PATCH_DEFAULT | GREEN_PATCH_STDIO);
    ck_assert_ptr_nonnull(green_hub());
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    ck_assert_int_eq(dup2(in[0], STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(dup2(out[1], STDOUT_FILENO), STDOUT_FILENO);
    green_t *g = spawn(echo_standard, &lines);
    ck_assert_int_eq(green_sleep(GREEN_MS(2)), 0); /* it waits, and we go on */
    ck_assert_int_eq(write(in[1], "o", 1), 1);
    ck_assert_int_eq(green_sleep(GREEN_MS(2)), 0);
    ck_assert_int_eq(write(in[1], "ne\ntwo\n", 7), 7);
    ck_assert_int_eq(close(in[1]), 0);
    finish(g);
    ck_assert_int_eq(lines, 2);
    ssize_t n = read(out[0], got, sizeof got - 1);
    ck_assert_int_gt(n, 0);
    got[n] = '\0';
    ck_assert_int_eq(dup2(before[0], STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(dup2(before[1], STDOUT_FILENO), STDOUT_FILENO);
    ck_assert_str_eq(got, "out: one\nand a line\nout: two\nand a line\n");
    close_both(before);
    close_both(out);
    ck_assert_int_eq(close(in[0]), 0);
}
END_TEST

static void *read_nothing(void *arg)
{
    char line[8];
    ck_assert_ptr_null(fgets(line, sizeof line, arg));
    return NULL;
}

/* What the child does with the stream, whose socket is another one there: of one that both have, the parent's reader might
 * take the line. */
static int read_in_child(FILE *f, const int *fds)
{
    char line[8];
    bool read = dup2(fds[0], fileno(f)) == fileno(f) && write(fds[1], "line\n", 5) == 5 &&
                fgets(line, sizeof line, f) && strcmp(line, "line\n") == 0;
    return read ? 3 : 4;
}

/* Whoever has its turn with the stream stays in the parent. */
START_TEST(test_fork)
{
    int fds[2], childs[2], status = -1;
    blocking_pair(fds, SOCK_STREAM);
    blocking_pair(childs, SOCK_STREAM);
    FILE *f = stream_on(fds[0], "r", false);
    green_t *reader = spawn(read_nothing, f);
    yields(2);
    pid_t pid = fork();
    if (pid == 0)
        _exit(read_in_child(f, childs));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 3);
    ck_assert_int_eq(close(fds[1]), 0);
    finish(reader);
    ck_assert_int_eq(fclose(f), 0);
    close_both(childs);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_reading, 0},       {test_reading_made_by_hook, 0},
        {test_many_read, 0},     {test_many_read_made_by_hook, 0},
        {test_reading_fails, 0}, {test_writing, 0},
        {test_many_write, 0},    {test_many_write_made_by_hook, 0},
        {test_buffers, 0},       {test_writing_fails, 0},
        {test_dialogue, 0},      {test_standard_streams, 0},
        {test_fork, 0},
    };
    return RUN_TESTS("patch/stdio", tests);
}
