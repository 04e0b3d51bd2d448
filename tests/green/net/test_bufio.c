/* Buffered streams: whatever pieces the bytes come in, the results are the same; limits hold; errors lose nothing. */
#include "support.h"

#include <stdint.h>
#include <wchar.h>

/* --- a stream that brings a text in pieces, and takes what is written in pieces ---------------------------------------- */

struct script {
    green_stream_t base;
    const char *input;
    size_t left, piece, reads;
    char output[512];
    size_t written, writes, take; /* bytes taken by a write; 0: all */
    int fail_reads, fail_writes;  /* how many calls from now the next one that fails is; 0: none */
};

static ssize_t script_read(green_stream_t *stream, void *buffer, size_t size, green_time deadline)
{
    struct script *s = (struct script *)stream;
    s->reads++;
    if (s->fail_reads && --s->fail_reads == 0)
        return -ETIMEDOUT;
    size_t n = s->left;
    if (s->piece && n > s->piece)
        n = s->piece;
    if (n > size)
        n = size;
    memcpy(buffer, s->input, n);
    s->input += n;
    s->left -= n;
    return (ssize_t)n;
}

static ssize_t script_writev(green_stream_t *stream, const struct iovec *iov, int count, green_time deadline)
{
    struct script *s = (struct script *)stream;
    size_t n = 0;
    s->writes++;
    if (s->fail_writes && --s->fail_writes == 0)
        return -ETIMEDOUT;
    for (int i = 0; i < count; i++)
        for (size_t j = 0; j < iov[i].iov_len && (!s->take || n < s->take); j++, n++) {
            ck_assert_uint_lt(s->written, sizeof s->output);
            s->output[s->written++] = ((const char *)iov[i].iov_base)[j];
        }
    return (ssize_t)n;
}

static const green_stream_type_t script_type = {"script", script_read, script_writev, NULL, NULL};

static void begin_script(struct script *s, const char *input, size_t piece)
{
    *s = (struct script){
        .base = {.type = &script_type, .fd = -1}, .input = input, .left = strlen(input), .piece = piece};
}

static void expect_line(green_bufio_t *b, const char *expected, size_t limit)
{
    char *line = NULL;
    ssize_t n = green_bufio_read_line(b, &line, limit, GREEN_NOWAIT);
    ck_assert_int_eq(n, (ssize_t)strlen(expected));
    ck_assert_str_eq(line, expected);
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

static const char text[] = "first\r\n\nthird line, which is longer\n\r\nlast\r\r\nbody--and--rest";

/* _i: the pieces it comes in; and the buffer starts small or large. */
START_TEST(pieces_make_no_difference)
{
    static const size_t sizes[] = {1, 3, 8, 0};
    for (size_t i = 0; i < 4; i++) {
        struct script s;
        green_bufio_t b;
        char *out, bytes[8];
        size_t done;
        begin_script(&s, text, (size_t)_i);
        green_bufio_init(&b, &s.base, sizes[i]);
        expect_line(&b, "first", 100);
        expect_line(&b, "", 0);
        expect_line(&b, "third line, which is longer", 27);
        expect_line(&b, "", 0);
        expect_line(&b, "last\r", 5);
        ck_assert_int_ge(green_bufio_peek(&b, &out, 6, GREEN_NOWAIT), 6);
        ck_assert_mem_eq(out, "body--", 6);
        ck_assert_int_eq(green_bufio_read_until(&b, &out, "--", 2, 4, GREEN_NOWAIT), 4);
        ck_assert_str_eq(out, "body");
        ck_assert_int_eq(green_bufio_read_exact(&b, bytes, 3, &done, GREEN_NOWAIT), 0);
        ck_assert_mem_eq(bytes, "and", 3);
        ck_assert_int_eq(green_bufio_read_until(&b, &out, "--rest--", 8, 100, GREEN_NOWAIT), -ENODATA);
        ck_assert_uint_eq(green_bufio_buffered(&b, &out), 6); /* not the clean end */
        ck_assert_mem_eq(out, "--rest", 6);
        ck_assert_int_eq(green_bufio_skip(&b, 7), -EINVAL);
        ck_assert_int_eq(green_bufio_skip(&b, 2), 0);
        ck_assert_int_eq(green_bufio_read_exact(&b, bytes, 5, &done, GREEN_NOWAIT), -ENODATA);
        ck_assert_uint_eq(done, 4);
        ck_assert_mem_eq(bytes, "rest", 4);
        size_t reads = s.reads; /* the end is remembered */
        ck_assert_int_eq(green_bufio_read(&b, bytes, 5, GREEN_NOWAIT), 0);
        ck_assert_int_eq(green_bufio_read_line(&b, &out, 10, GREEN_NOWAIT), -ENODATA);
        ck_assert_int_eq(green_bufio_peek(&b, &out, 1, GREEN_NOWAIT), -ENODATA);
        ck_assert_int_eq(green_bufio_peek(&b, &out, 0, GREEN_NOWAIT), 0);
        ck_assert_uint_eq(green_bufio_buffered(&b, NULL), 0);
        ck_assert_uint_eq(s.reads, reads);
        green_bufio_destroy(&b);
    }
}
END_TEST

START_TEST(lines_have_a_limit)
{
    static const struct {
        const char *input;
        size_t limit;
        ssize_t result;
    } cases[] = {
        {"abc\n", 3, 3},
        {"abc\r\n", 3, 3},
        {"abcd\n", 3, -EMSGSIZE},
        {"abcd\r\n", 3, -EMSGSIZE},
        {"abc\r\r\n", 3, -EMSGSIZE},
        {"\n", 0, 0},
        {"\r\n", 0, 0},
        {"a\n", 0, -EMSGSIZE},
        {"abc", 3, -ENODATA},
        {"abcde", 3, -EMSGSIZE},
        {"", 0, -ENODATA},
        {"abcdefghijklm", 3, -EMSGSIZE},
        {"abc\n", SIZE_MAX, 3},
        {"abc", SIZE_MAX, -ENODATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct script s;
        green_bufio_t b;
        char *line;
        begin_script(&s, cases[i].input, (size_t)_i);
        green_bufio_init(&b, &s.base, 4);
        ck_assert_int_eq(green_bufio_read_line(&b, &line, cases[i].limit, GREEN_NOWAIT), cases[i].result);
        if (cases[i].result < 0) { /* nothing was taken */
            size_t n = green_bufio_buffered(&b, &line);
            ck_assert(n == 0 || memcmp(line, cases[i].input, n) == 0);
        }
        green_bufio_destroy(&b);
    }
}
END_TEST

/* Against a search over the whole: every delimiter, limit and size of pieces. */
START_TEST(delimiters_wherever_they_are)
{
    static const char input[] = "ababcabcabd";
    static const char *const delimiters[] = {"a",   "b",      "c",           "d", "ab", "abc",
                                             "abd", "abcabd", "ababcabcabd", "x", "abx"};
    for (size_t d = 0; d < sizeof delimiters / sizeof delimiters[0]; d++)
        for (size_t limit = 0; limit < 13; limit++)
            for (size_t piece = 1; piece < 12; piece++) {
                struct script s;
                green_bufio_t b;
                char *out;
                const char *at = strstr(input, delimiters[d]);
                size_t before = at ? (size_t)(at - input) : 0, size = strlen(delimiters[d]);
                ssize_t expected = at && before <= limit           ? (ssize_t)before
                                   : size + limit <= strlen(input) ? -EMSGSIZE
                                                                   : -ENODATA;
                begin_script(&s, input, piece);
                green_bufio_init(&b, &s.base, 2);
                ssize_t n = green_bufio_read_until(&b, &out, delimiters[d], size, limit, GREEN_NOWAIT);
                if (n != expected)
                    ck_abort_msg("\"%s\", limit %zu, pieces of %zu: %zd, not %zd", delimiters[d], limit,
                                 piece, n, expected);
                if (n >= 0 && memcmp(out, input, (size_t)n) != 0)
                    ck_abort_msg("other bytes");
                green_bufio_destroy(&b);
            }
    green_bufio_t b;
    char *out;
    green_bufio_init(&b, NULL, 0);
    ck_assert_int_eq(green_bufio_read_until(&b, &out, "", 0, 10, GREEN_NOWAIT), -EINVAL);
}
END_TEST

START_TEST(reading_goes_on_after_an_error)
{
    struct script s;
    green_bufio_t b;
    char *line, bytes[8];
    size_t done;
    begin_script(&s, "hello world\nabcdef", 4);
    s.fail_reads = 2;
    green_bufio_init(&b, &s.base, 0);
    ck_assert_int_eq(green_bufio_read_line(&b, &line, 100, GREEN_NOWAIT), -ETIMEDOUT);
    ck_assert_uint_eq(green_bufio_buffered(&b, NULL), 4);
    expect_line(&b, "hello world", 100);
    s.fail_reads = 2;
    ck_assert_int_eq(green_bufio_read_exact(&b, bytes, 6, &done, GREEN_NOWAIT), -ETIMEDOUT);
    ck_assert_uint_eq(done, 4);
    ck_assert_int_eq(green_bufio_read_exact(&b, bytes + 4, 2, NULL, GREEN_NOWAIT), 0);
    ck_assert_mem_eq(bytes, "abcdef", 6);
    green_bufio_destroy(&b);
}
END_TEST

/* Much is not copied twice. */
START_TEST(large_reads_go_past_the_buffer)
{
    struct script s;
    green_bufio_t b;
    char bytes[64];
    begin_script(&s, text, 0);
    green_bufio_init(&b, &s.base, 16);
    ck_assert_int_eq(green_bufio_read(&b, bytes, 16, GREEN_NOWAIT), 16);
    ck_assert_ptr_null(b.in);
    ck_assert_int_eq(green_bufio_read(&b, bytes + 16, 1, GREEN_NOWAIT), 1);
    ck_assert_int_eq(green_bufio_read(&b, bytes + 17, 40, GREEN_NOWAIT),
                     15); /* what there is, without another read */
    ck_assert_uint_eq(s.reads, 2);
    ck_assert_mem_eq(bytes, text, 32);
    ck_assert_int_eq(green_bufio_read(&b, bytes, 0, GREEN_NOWAIT), 0);
    green_bufio_destroy(&b);
}
END_TEST

START_TEST(idle_ones_own_no_memory)
{
    struct script s;
    green_bufio_t b;
    begin_script(&s, "one\ntwo\n", 0);
    green_bufio_init(&b, &s.base, 0);
    ck_assert(!b.in && !b.out);
    expect_line(&b, "one", 10);
    ck_assert_int_eq(green_bufio_write(&b, "x", 1, NULL, GREEN_NOWAIT), 0);
    green_bufio_trim(&b);
    ck_assert(b.in && b.out); /* there is something in them */
    expect_line(&b, "two", 10);
    ck_assert_int_eq(green_bufio_flush(&b, GREEN_NOWAIT), 0);
    green_bufio_trim(&b);
    ck_assert(!b.in && !b.out);
    char *line;
    ck_assert_int_eq(green_bufio_read_line(&b, &line, 10, GREEN_NOWAIT), -ENODATA);
    green_bufio_destroy(&b);
}
END_TEST

/* --- writing ------------------------------------------------------------------------------------------------------------ */

static void expect_output(struct script *s, const char *expected)
{
    ck_assert_uint_eq(s->written, strlen(expected));
    ck_assert_mem_eq(s->output, expected, s->written);
}

START_TEST(output_waits_for_company)
{
    struct script s;
    green_bufio_t b;
    size_t done;
    begin_script(&s, "", 0);
    s.take = (size_t)_i;
    green_bufio_init(&b, &s.base, 10);
    ck_assert_int_eq(green_bufio_flush(&b, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(s.writes, 0);
    ck_assert_int_eq(green_bufio_write(&b, "", 0, &done, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_bufio_write(&b, "hello", 5, &done, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(done, 5);
    ck_assert_int_eq(green_bufio_write(&b, "world", 5, NULL, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(s.writes, 0);
    ck_assert_uint_eq(green_bufio_unsent(&b), 10);
    ck_assert_int_eq(green_bufio_write(&b, "!", 1, &done, GREEN_NOWAIT),
                     0); /* does not fit: all goes, in one call */
    ck_assert_uint_eq(done, 1);
    ck_assert_uint_eq(green_bufio_unsent(&b), 0);
    expect_output(&s, "helloworld!");
    if (!_i)
        ck_assert_uint_eq(s.writes, 1);
    ck_assert_int_eq(green_bufio_write(&b, "and much more than ten", 22, NULL, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_bufio_write(&b, ".", 1, NULL, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_bufio_flush(&b, GREEN_NOWAIT), 0);
    expect_output(&s, "helloworld!and much more than ten.");
    green_bufio_destroy(&b);
}
END_TEST

/* What did not go stays; the count says where to go on. */
START_TEST(writing_goes_on_after_an_error)
{
    struct script s;
    green_bufio_t b;
    size_t done;
    begin_script(&s, "", 0);
    s.take = 3;
    green_bufio_init(&b, &s.base, 8);
    ck_assert_int_eq(green_bufio_write(&b, "abcdefgh", 8, NULL, GREEN_NOWAIT), 0);
    s.fail_writes = 2;
    ck_assert_int_eq(green_bufio_flush(&b, GREEN_NOWAIT), -ETIMEDOUT);
    expect_output(&s, "abc");
    ck_assert_uint_eq(green_bufio_unsent(&b), 5);
    s.fail_writes = 1;
    ck_assert_int_eq(green_bufio_write(&b, "ijklmn", 6, &done, GREEN_NOWAIT), -ETIMEDOUT);
    ck_assert_uint_eq(done, 0);
    s.fail_writes = 4; /* in the middle of the new ones: de fgh and then ij... */
    ck_assert_int_eq(green_bufio_write(&b, "ijklmn", 6, &done, GREEN_NOWAIT), -ETIMEDOUT);
    ck_assert_uint_eq(done, 4);
    ck_assert_uint_eq(green_bufio_unsent(&b), 0);
    ck_assert_int_eq(green_bufio_write(&b, "mn", 2, &done, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_bufio_flush(&b, GREEN_NOWAIT), 0);
    expect_output(&s, "abcdefghijklmn");
    green_bufio_destroy(&b);
}
END_TEST

START_TEST(formatted_text)
{
    struct script s;
    green_bufio_t b;
    begin_script(&s, "", 0);
    green_bufio_init(&b, &s.base, 16);
    ck_assert_int_eq(green_bufio_printf(&b, GREEN_NOWAIT, "%d-%s", 12, "ab"), 5);
    ck_assert_int_eq(green_bufio_printf(&b, GREEN_NOWAIT, "%s", ""), 0);
    ck_assert_int_eq(green_bufio_printf(&b, GREEN_NOWAIT, "%s", "0123456789A"),
                     11); /* the last byte of the buffer */
    ck_assert_uint_eq(green_bufio_unsent(&b), 16);
    ck_assert_uint_eq(s.writes, 0);
    ck_assert_int_eq(green_bufio_printf(&b, GREEN_NOWAIT, "%.3f", 0.5), 5);
    ck_assert_int_eq(green_bufio_printf(&b, GREEN_NOWAIT, "%30d", 7), 30);
    ck_assert_int_eq(green_bufio_printf(&b, GREEN_NOWAIT, "%lc", (wint_t)0xd800), -EINVAL); /* no character */
    s.fail_writes = 1;
    ck_assert_int_eq(green_bufio_printf(&b, GREEN_NOWAIT, "%30d", 7), -ETIMEDOUT);
    ck_assert_int_eq(green_bufio_flush(&b, GREEN_NOWAIT), 0);
    expect_output(&s, "12-ab0123456789A0.500                             7");
    green_bufio_destroy(&b);
}
END_TEST

/* --- over sockets ------------------------------------------------------------------------------------------------------- */

static void *echo_lines(void *arg)
{
    green_bufio_t b;
    char *line;
    int count = 0;
    green_bufio_init(&b, arg, 0);
    while (green_bufio_read_line(&b, &line, 1000, soon()) >= 0) {
        ck_assert_int_gt(green_bufio_printf(&b, soon(), "%d: %s\n", count++, line), 0);
        ck_assert_int_eq(green_bufio_flush(&b, soon()), 0);
    }
    green_bufio_destroy(&b);
    return NULL;
}

START_TEST(a_conversation)
{
    green_stream_t *s[2];
    green_bufio_t b;
    char expected[64];
    ck_assert_int_eq(green_stream_pair(s), 0);
    green_t *g = spawn(echo_lines, s[1]);
    green_bufio_init(&b, s[0], 0);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_gt(green_bufio_printf(&b, soon(), "line %d\r\n", i * i), 0);
        ck_assert_int_eq(green_bufio_flush(&b, soon()), 0);
        char *line;
        ck_assert_int_gt(green_bufio_read_line(&b, &line, 60, soon()), 0);
        snprintf(expected, sizeof expected, "%d: line %d", i, i * i);
        ck_assert_str_eq(line, expected);
    }
    char *line;
    ck_assert_int_eq(green_bufio_read_line(&b, &line, 60, green_in_ms(10)), -ETIMEDOUT);
    ck_assert_int_eq(green_bufio_read_line(&b, &line, 60, GREEN_NOWAIT), -EAGAIN);
    /* an upgrade: the peer's next bytes came along with the last line */
    ck_assert_int_eq(green_stream_write_all(s[1], "101 go\nraw", 10, NULL, soon()), 0);
    ck_assert_int_eq(green_bufio_read_line(&b, &line, 60, soon()), 6);
    ck_assert_uint_eq(green_bufio_buffered(&b, &line), 3);
    ck_assert_mem_eq(line, "raw", 3);
    green_bufio_destroy(&b);
    ck_assert_int_eq(green_stream_shutdown(s[0], soon()), 0);
    finish(g);
    ck_assert_int_eq(green_stream_close(s[0]), 0);
    ck_assert_int_eq(green_stream_close(s[1]), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {pieces_make_no_difference, 8},
        {lines_have_a_limit, 4},
        {delimiters_wherever_they_are, 0},
        {reading_goes_on_after_an_error, 0},
        {large_reads_go_past_the_buffer, 0},
        {idle_ones_own_no_memory, 0},
        {output_waits_for_company, 3},
        {writing_goes_on_after_an_error, 0},
        {formatted_text, 0},
        {a_conversation, 0},
    };
    return RUN_TESTS("bufio", tests);
}
