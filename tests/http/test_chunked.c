/* The chunked decoder and encoder: good and bad bodies, every split, limits at their edges, trailers. */
#include "suite.h"

#include <errno.h>

#include "http/chunked.h"

#define MOST 65536

struct result {
    int rc;       /* the decoder's last word */
    size_t taken; /* bytes it took */
    char data[MOST];
    size_t length;
    struct http_trailers trailers;
    char buf[512];
};

/* Decodes in pieces, the first of them first bytes long and the others step, each in memory of its own. */
static void decode(const char *text, size_t n, size_t first, size_t step, struct result *r)
{
    struct http_chunked c;
    size_t at = 0, size = first;

    r->length = 0;
    r->rc = HTTP_CHUNKED_MORE;
    http_trailers_init(&r->trailers, r->buf, sizeof(r->buf));
    http_chunked_begin(&c, &r->trailers);
    while (at < n && (r->rc == HTTP_CHUNKED_MORE || r->rc == HTTP_CHUNKED_DATA)) {
        size_t piece = n - at < size ? n - at : size, done = 0;
        char *copy = malloc(piece ? piece : 1);
        memcpy(copy, text + at, piece);
        do {
            struct span data;
            size_t used;
            r->rc = http_chunked_feed(&c, copy + done, piece - done, &used, &data);
            ck_assert_uint_le(used, piece - done);
            ck_assert_int_eq(r->rc == HTTP_CHUNKED_DATA, data.n > 0);
            ck_assert_uint_le(r->length + data.n, MOST);
            if (data.n)
                memcpy(r->data + r->length, data.p, data.n);
            r->length += data.n;
            done += used;
        } while (r->rc == HTTP_CHUNKED_DATA);
        free(copy);
        if (r->rc == HTTP_CHUNKED_MORE)
            ck_assert_uint_eq(done, piece);
        at += done;
        size = step;
    }
    r->taken = at;
}

static const struct {
    const char *text, *data;
} good[] = {
    {"0\r\n\r\n", ""},
    {"000\r\n\r\n", ""},
    {"5\r\nhello\r\n0\r\n\r\n", "hello"},
    {"1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n", "hello"},
    {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
    {"0000000000000002\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
    {"5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello"},
    {"5;a=b;c=\"d;\\\"e\\\\ \t\xc3\xa9\";f\r\nhello\r\n0\r\n\r\n", "hello"},
    {"2\r\nok\r\n0\r\nX-T: v\r\nY:\r\n\r\n", "ok"},
};

START_TEST(good_bodies_at_every_split)
{
    static struct result r;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t n = strlen(good[i].text);
        char longer[256];
        snprintf(longer, sizeof(longer), "%s5\r\nx", good[i].text);
        for (size_t first = 0; first <= n; first++) {
            for (size_t step = 1; step <= n + 1; step += step < 4 ? 1 : n) {
                decode(longer, n + 4, first, step, &r);
                assert_error(r.rc == HTTP_CHUNKED_DONE ? 0 : r.rc, 0, good[i].text);
                ck_assert_uint_eq(r.taken, n);
                assert_span(span_of(r.data, r.length), good[i].data);
            }
        }
        for (size_t cut = 1; cut < n; cut++) {
            decode(good[i].text, cut, cut, 1, &r);
            ck_assert_msg(r.rc == HTTP_CHUNKED_MORE, "%zu bytes of %s: %d", cut, good[i].text, r.rc);
        }
    }
}
END_TEST

/* The last byte of each is the first that must be refused. */
static const struct {
    const char *text;
    int error;
} bad[] = {
    {"\r", HTTP_E_CHUNK_SIZE},
    {"\n", HTTP_E_CHUNK_SIZE},
    {" ", HTTP_E_CHUNK_SIZE},
    {"\t", HTTP_E_CHUNK_SIZE},
    {"+", HTTP_E_CHUNK_SIZE},
    {"-", HTTP_E_CHUNK_SIZE},
    {";", HTTP_E_CHUNK_SIZE},
    {"g", HTTP_E_CHUNK_SIZE},
    {"\xef", HTTP_E_CHUNK_SIZE},
    {"0x", HTTP_E_CHUNK_SIZE},
    {"5 ", HTTP_E_CHUNK_SIZE},
    {"5\t", HTTP_E_CHUNK_SIZE},
    {"5_", HTTP_E_CHUNK_SIZE},
    {"5.", HTTP_E_CHUNK_SIZE},
    {"5,", HTTP_E_CHUNK_SIZE},
    {"5\n", HTTP_E_CHUNK_SIZE},
    {"5\v", HTTP_E_CHUNK_SIZE},
    {"5\rh", HTTP_E_CHUNK_SIZE},
    {"5\r\r", HTTP_E_CHUNK_SIZE},
    {"1000000000000", HTTP_E_CHUNK_TOO_LARGE},
    {"fffffffffffff", HTTP_E_CHUNK_TOO_LARGE},
    {"00000000000000000", HTTP_E_CHUNK_TOO_LARGE},
    {"5;\r", HTTP_E_CHUNK_EXTENSION},
    {"5;\n", HTTP_E_CHUNK_EXTENSION},
    {"5;;", HTTP_E_CHUNK_EXTENSION},
    {"5; ", HTTP_E_CHUNK_EXTENSION},
    {"5;=", HTTP_E_CHUNK_EXTENSION},
    {"5;a ", HTTP_E_CHUNK_EXTENSION},
    {"5;a\n", HTTP_E_CHUNK_EXTENSION},
    {"5;a\x01", HTTP_E_CHUNK_EXTENSION},
    {"5;a\"", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\r", HTTP_E_CHUNK_EXTENSION},
    {"5;a= ", HTTP_E_CHUNK_EXTENSION},
    {"5;a==", HTTP_E_CHUNK_EXTENSION},
    {"5;a=b=", HTTP_E_CHUNK_EXTENSION},
    {"5;a=b\n", HTTP_E_CHUNK_EXTENSION},
    {"5;a=b\"", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\x01", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\"\r", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\"\n", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\"\x7f", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\"\\\r", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\"b\"c", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\"b\"\"", HTTP_E_CHUNK_EXTENSION},
    {"5;a=\"b\"=", HTTP_E_CHUNK_EXTENSION},
    {"5;a\r\r", HTTP_E_CHUNK_SIZE},
    {"5;a\rX", HTTP_E_CHUNK_SIZE},
    {"2\r\nok\n", HTTP_E_CHUNK_END},
    {"2\r\nok0", HTTP_E_CHUNK_END},
    {"2\r\nok\r\r", HTTP_E_CHUNK_END},
    {"2\r\nok\rX", HTTP_E_CHUNK_END},
    {"2\r\nok\r\n\r", HTTP_E_CHUNK_SIZE},
    {"0\r\n\n", HTTP_E_TRAILER},
    {"0\r\n\r\r", HTTP_E_CHUNK_END},
    {"0\r\n\rX", HTTP_E_CHUNK_END},
    {"0\r\n:", HTTP_E_TRAILER},
    {"0\r\n ", HTTP_E_TRAILER},
    {"0\r\n\t", HTTP_E_TRAILER},
    {"0\r\nX ", HTTP_E_TRAILER},
    {"0\r\nX\r", HTTP_E_TRAILER},
    {"0\r\nX\n", HTTP_E_TRAILER},
    {"0\r\nX: y\n", HTTP_E_TRAILER},
    {"0\r\nX: y\rZ", HTTP_E_TRAILER},
    {"0\r\nX: y\x01", HTTP_E_TRAILER},
    {"0\r\nX: y\r\n ", HTTP_E_TRAILER},
    {"0\r\nX: y\r\n:", HTTP_E_TRAILER},
};

START_TEST(bad_bodies_at_every_split)
{
    static struct result r;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t n = strlen(bad[i].text);
        char longer[256];
        snprintf(longer, sizeof(longer), "%s\r\nhello\r\n0\r\n\r\n", bad[i].text);
        for (size_t first = 0; first <= n; first++) {
            decode(longer, strlen(longer), first, 1 + first % 3, &r);
            assert_error(r.rc, bad[i].error, bad[i].text);
            ck_assert_uint_eq(r.taken, n);
        }
        if (n > 1) {
            decode(bad[i].text, n - 1, 1, 1, &r);
            ck_assert_int_ge(r.rc, 0);
        }
    }
}
END_TEST

START_TEST(nul_is_refused_outside_data)
{
    static const char text[] = "5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n";
    static struct result r;
    size_t data = (size_t)(strstr(text, "hello") - text);

    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char copy[sizeof(text)];
        memcpy(copy, text, sizeof(text));
        copy[i] = '\0';
        decode(copy, sizeof(text) - 1, 1, 7, &r);
        ck_assert_msg((r.rc < 0) == (i < data || i >= data + 5), "NUL at %zu: %d", i, r.rc);
    }
}
END_TEST

START_TEST(an_error_stays_and_so_does_the_end)
{
    struct http_chunked c;
    struct span data;
    size_t used;

    http_chunked_begin(&c, NULL);
    ck_assert_int_eq(http_chunked_feed(&c, "x", 1, &used, &data), HTTP_E_CHUNK_SIZE);
    ck_assert_int_eq(http_chunked_feed(&c, "0\r\n\r\n", 5, &used, &data), HTTP_E_CHUNK_SIZE);
    ck_assert_uint_eq(used, 0);
    http_chunked_begin(&c, NULL);
    ck_assert_int_eq(http_chunked_feed(&c, "0\r\nX: y\r\n\r\n1", 12, &used, &data), HTTP_CHUNKED_DONE);
    ck_assert_uint_eq(used, 11);
    ck_assert_int_eq(http_chunked_feed(&c, "1", 1, &used, &data), HTTP_CHUNKED_DONE);
    ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(sizes_at_the_edge)
{
    struct http_chunked c;
    struct span data;
    size_t used;

    http_chunked_begin(&c, NULL);
    ck_assert_int_eq(http_chunked_feed(&c, "ffffffffffff\r\nab", 16, &used, &data), HTTP_CHUNKED_DATA);
    ck_assert_uint_eq(data.n, 2);
    ck_assert_uint_eq(http_chunked_pending(&c), HTTP_CHUNK_MAX - 2);
    http_chunked_skip(&c, HTTP_CHUNK_MAX - 2);
    ck_assert_uint_eq(http_chunked_pending(&c), 0);
    ck_assert_int_eq(http_chunked_feed(&c, "\r\n0\r\n\r\n", 7, &used, &data), HTTP_CHUNKED_DONE);
}
END_TEST

START_TEST(extensions_are_bounded)
{
    static char text[40 * 1100];
    static struct result r;

    for (int extra = 0; extra <= 1; extra++) { /* one chunk: with its CR so many bytes may follow the ';' */
        int n = snprintf(text, sizeof(text), "0;%0*d\r\n\r\n", HTTP_EXTENSION_BYTES - 1 + extra, 0);
        decode(text, (size_t)n, 100, 100, &r);
        ck_assert_int_eq(r.rc, extra ? HTTP_E_CHUNK_EXTENSIONS : HTTP_CHUNKED_DONE);
    }
    for (int extra = 0; extra <= 1; extra++) { /* all chunks: 16 of 1024 use the allowance up */
        int n = 0;
        for (int i = 0; i < 16 + extra; i++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, "1;%0*d\r\nx\r\n", HTTP_EXTENSION_BYTES - 1, 0);
        n += snprintf(text + n, sizeof(text) - (size_t)n, "0\r\n\r\n");
        decode(text, (size_t)n, 100, 100, &r);
        ck_assert_int_eq(r.rc, extra ? HTTP_E_CHUNK_EXTENSIONS : HTTP_CHUNKED_DONE);
    }
}
END_TEST

/* A signature of 85 bytes on each 8 KiB of data, as some storage services send, may go on for ever. */
START_TEST(extensions_grow_with_the_data)
{
    struct http_chunked c;
    char line[128];
    int n = snprintf(line, sizeof(line), "2000;chunk-signature=%064d\r\n", 0);

    http_chunked_begin(&c, NULL);
    for (int i = 0; i < 10000; i++) {
        struct span data;
        size_t used;
        ck_assert_int_eq(http_chunked_feed(&c, line, (size_t)n, &used, &data), HTTP_CHUNKED_MORE);
        http_chunked_skip(&c, 0x2000);
        ck_assert_int_eq(http_chunked_feed(&c, "\r\n", 2, &used, &data), HTTP_CHUNKED_MORE);
    }
}
END_TEST

START_TEST(trailers_are_kept_or_dropped)
{
    static const char text[] =
        "0\r\nX-One: \t1 2\t \r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\nHost: evil\r\n"
        "Authorization: x\r\nConnection: close\r\nContent-Type: a\r\nSet-Cookie: a\r\n"
        "X_Two: 2\r\nX-Forwarded-For: 1\r\nEmpty:\r\n\r\n";
    static struct result r;
    char out[128];
    int n;

    for (size_t step = 1; step < sizeof(text); step++) {
        decode(text, sizeof(text) - 1, step, step, &r);
        ck_assert_int_eq(r.rc, HTTP_CHUNKED_DONE);
        ck_assert_uint_eq(r.trailers.count, 2);
        ck_assert_uint_eq(r.trailers.dropped, 9);
        assert_span(r.trailers.fields[0].name, "X-One");
        assert_span(r.trailers.fields[0].value, "1 2");
        assert_span(r.trailers.fields[1].name, "Empty");
        assert_span(r.trailers.fields[1].value, "");
    }
    n = http_chunk_last(out, sizeof(out), &r.trailers);
    ck_assert_int_gt(n, 0);
    assert_span(span_of(out, (size_t)n), "0\r\nX-One: 1 2\r\nEmpty: \r\n\r\n");
    for (int cap = 0; cap < n; cap++)
        ck_assert_int_eq(http_chunk_last(out, (size_t)cap, &r.trailers), -ENOBUFS);
    ck_assert_int_eq(http_chunk_last(out, (size_t)n, &r.trailers), n);
    n = http_chunk_last(out, sizeof(out), NULL);
    assert_span(span_of(out, (size_t)n), "0\r\n\r\n");
}
END_TEST

START_TEST(trailers_are_bounded)
{
    static char text[16384];
    static struct result r;
    struct http_chunked c;
    struct span data;
    size_t used;

    for (int extra = 0; extra <= 1; extra++) { /* fields, dropped ones counted */
        int n = snprintf(text, sizeof(text), "0\r\n");
        for (int i = 0; i < HTTP_MAX_TRAILERS + extra; i++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, i % 2 ? "a: b\r\n" : "te: b\r\n");
        n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
        decode(text, (size_t)n, 5, 50, &r);
        ck_assert_int_eq(r.rc, extra ? HTTP_E_TRAILER_TOO_LARGE : HTTP_CHUNKED_DONE);
    }
    for (int extra = 0; extra <= 1;
         extra++) { /* the caller's buffer holds name and value without the colon */
        int n = snprintf(text, sizeof(text), "0\r\na:%0*d\r\n\r\n", (int)sizeof(r.buf) - 1 + extra, 0);
        decode(text, (size_t)n, 5, 50, &r);
        ck_assert_int_eq(r.rc, extra ? HTTP_E_TRAILER_TOO_LARGE : HTTP_CHUNKED_DONE);
    }
    for (int extra = 0; extra <= 1; extra++) { /* the section, when nobody keeps it: "te:" value CR LF CR */
        int n = snprintf(text, sizeof(text), "0\r\nte:%0*d\r\n\r\n", HTTP_TRAILER_BYTES - 6 + extra, 0);
        http_chunked_begin(&c, NULL);
        ck_assert_int_eq(http_chunked_feed(&c, text, (size_t)n, &used, &data),
                         extra ? HTTP_E_TRAILER_TOO_LARGE : HTTP_CHUNKED_DONE);
    }
}
END_TEST

START_TEST(what_is_encoded_is_decoded)
{
    static const uint64_t sizes[] = {1, 9, 15, 16, 255, 256, 4096, 65535, 65536, HTTP_CHUNK_MAX};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char head[HTTP_CHUNK_HEAD_BYTES];
        struct http_chunked c;
        struct span data;
        size_t used, n = http_chunk_head(head, sizes[i]);

        ck_assert_uint_le(n, sizeof(head));
        http_chunked_begin(&c, NULL);
        ck_assert_int_eq(http_chunked_feed(&c, head, n, &used, &data), HTTP_CHUNKED_MORE);
        ck_assert_uint_eq(http_chunked_pending(&c), sizes[i]);
    }
    {
        char head[HTTP_CHUNK_HEAD_BYTES];
        ck_assert_uint_eq(http_chunk_head(head, UINT64_MAX), HTTP_CHUNK_HEAD_BYTES);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("chunked");
    tcase_add_test(tc, good_bodies_at_every_split);
    tcase_add_test(tc, bad_bodies_at_every_split);
    tcase_add_test(tc, nul_is_refused_outside_data);
    tcase_add_test(tc, an_error_stays_and_so_does_the_end);
    tcase_add_test(tc, sizes_at_the_edge);
    tcase_add_test(tc, extensions_are_bounded);
    tcase_add_test(tc, extensions_grow_with_the_data);
    tcase_add_test(tc, trailers_are_kept_or_dropped);
    tcase_add_test(tc, trailers_are_bounded);
    tcase_add_test(tc, what_is_encoded_is_decoded);
    return run_suite(tc, "http/chunked");
}
