/* Encoders: every coding gives back what went in, flushes when told to, and stays within its memory. */
#include "suite.h"

#include "http/encoder.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#define BYTES ((size_t)3 << 20)

static const struct {
    enum http_coding coding;
    int least, most;
} kinds[] = {{HTTP_CODING_GZIP, 1, 9}, {HTTP_CODING_BROTLI, 0, 6}, {HTTP_CODING_ZSTD, 1, 9}};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Text that is about as redundant as JSON is. */
static char *sample(size_t n)
{
    char *text = malloc(n + 128);
    uint32_t random = 7;

    ck_assert_ptr_nonnull(text);
    for (size_t at = 0; at < n;)
        at += (size_t)snprintf(text + at, 128, "{\"id\":%u,\"name\":\"user %u\",\"active\":%s}\n",
                               next_random(&random), next_random(&random) % 1000,
                               next_random(&random) % 2 ? "true" : "false");
    return text;
}

/* As much as can be decoded of n bytes: its length. `ended`: the body is over. */
static size_t decode(enum http_coding coding, const char *in, size_t n, char *out, size_t cap, bool *ended)
{
    if (coding == HTTP_CODING_GZIP) {
        z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
                      .avail_in = (uInt)n,
                      .next_out = (Bytef *)out,
                      .avail_out = (uInt)cap};
        ck_assert_int_eq(inflateInit2(&z, 31), Z_OK);
        int r = inflate(&z, Z_SYNC_FLUSH);
        *ended = r == Z_STREAM_END;
        ck_assert(*ended || r == Z_OK || r == Z_BUF_ERROR);
        ck_assert_uint_eq(z.avail_in, 0);
        inflateEnd(&z);
        return cap - z.avail_out;
    }
    if (coding == HTTP_CODING_BROTLI) {
        BrotliDecoderState *br = BrotliDecoderCreateInstance(NULL, NULL, NULL);
        const uint8_t *next = (const uint8_t *)in;
        uint8_t *to = (uint8_t *)out;
        size_t room = cap;
        BrotliDecoderResult r = BrotliDecoderDecompressStream(br, &n, &next, &room, &to, NULL);
        *ended = r == BROTLI_DECODER_RESULT_SUCCESS;
        ck_assert(*ended || r == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT);
        ck_assert_uint_eq(n, 0);
        BrotliDecoderDestroyInstance(br);
        return cap - room;
    }
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    ZSTD_inBuffer input = {in, n, 0};
    ZSTD_outBuffer output = {out, cap, 0};
    size_t r = 1;
    while (input.pos < input.size && !ZSTD_isError(r))
        r = ZSTD_decompressStream(zstd, &output, &input);
    ck_assert(!ZSTD_isError(r));
    *ended = r == 0;
    ZSTD_freeDCtx(zstd);
    return output.pos;
}

/* One step to its end, into `out` in pieces of `room`. */
static size_t step(struct encoder *e, enum encoder_step what, struct span in, char *out, size_t room)
{
    size_t filled = 0;

    for (bool done = false; !done;) {
        ssize_t n = encoder_run(e, what, &in, out + filled, room, &done);
        ck_assert_int_ge(n, 0);
        ck_assert_uint_le((size_t)n, room);
        filled += (size_t)n;
    }
    ck_assert_uint_eq(in.n, 0);
    return filled;
}

START_TEST(what_goes_in_comes_out)
{
    char *text = sample(BYTES), *coded = malloc(BYTES + 65536), *back = malloc(BYTES + 1);
    struct encoders all;

    encoders_init(&all, (size_t)64 << 20);
    for (int level = kinds[_i].least; level <= kinds[_i].most; level++)
        for (int again = 0; again < 2; again++) { /* the second time perhaps with the same encoder */
            struct encoder *e = encoder_take(&all, kinds[_i].coding, level);
            size_t n = 0, room = again ? 64 : 16384;
            bool ended;

            ck_assert_ptr_nonnull(e);
            for (size_t at = 0; at < BYTES; at += 16384)
                n += step(e, ENCODER_GO_ON, span_of(text + at, 16384), coded + n, room);
            n += step(e, ENCODER_FINISH, span_of(NULL, 0), coded + n, room);
            ck_assert_uint_lt(n, BYTES / 3);
            ck_assert_uint_eq(decode(kinds[_i].coding, coded, n, back, BYTES + 1, &ended), BYTES);
            ck_assert(ended);
            ck_assert_mem_eq(text, back, BYTES);
            ck_assert_msg(encoder_memory(e) <= encoder_reserve(kinds[_i].coding, level),
                          "level %d uses %zu KiB", level, encoder_memory(e) >> 10);
            encoder_give(&all, e);
        }
    encoders_trim(&all);
    ck_assert_uint_eq(all.held, 0);
    free(text);
    free(coded);
    free(back);
}
END_TEST

/* Each flush makes everything so far readable, and a flush of nothing is nothing. */
START_TEST(flushes)
{
    static const char *const pieces[] = {"data: one\n\n", "x", "data: three, which is a little longer\n\n"};
    struct encoders all;
    char coded[8192], back[1024], expected[1024] = "";
    size_t n = 0;
    bool ended;

    encoders_init(&all, (size_t)64 << 20);
    struct encoder *e = encoder_take(&all, kinds[_i].coding, kinds[_i].least + 2);
    for (size_t i = 0; i < 3; i++) {
        n += step(e, ENCODER_GO_ON, span_str(pieces[i]), coded + n, 1024);
        n += step(e, ENCODER_FLUSH, span_of(NULL, 0), coded + n, 1024);
        strcat(expected, pieces[i]);
        ck_assert_uint_eq(decode(kinds[_i].coding, coded, n, back, sizeof(back), &ended), strlen(expected));
        ck_assert_mem_eq(back, expected, strlen(expected));
        ck_assert(!ended);
    }
    n += step(e, ENCODER_FINISH, span_of(NULL, 0), coded + n, 1024);
    ck_assert_uint_eq(decode(kinds[_i].coding, coded, n, back, sizeof(back), &ended), strlen(expected));
    ck_assert(ended);
    encoder_give(&all, e);
    encoders_trim(&all);
}
END_TEST

/* An empty body is a body: a frame with nothing in it. */
START_TEST(nothing)
{
    struct encoders all;
    char coded[256], back[16];
    bool ended;

    encoders_init(&all, (size_t)64 << 20);
    struct encoder *e = encoder_take(&all, kinds[_i].coding, kinds[_i].least);
    size_t n = step(e, ENCODER_FINISH, span_of(NULL, 0), coded, sizeof(coded));
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_eq(decode(kinds[_i].coding, coded, n, back, sizeof(back), &ended), 0);
    ck_assert(ended);
    encoder_give(&all, e);
    encoders_trim(&all);
}
END_TEST

START_TEST(the_budget_holds)
{
    struct encoders all;
    size_t each = encoder_reserve(HTTP_CODING_GZIP, 5);

    encoders_init(&all, 2 * each);
    struct encoder *a = encoder_take(&all, HTTP_CODING_GZIP, 5), *b = encoder_take(&all, HTTP_CODING_GZIP, 5);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_null(encoder_take(&all, HTTP_CODING_GZIP, 5));
    ck_assert_uint_eq(all.held, 2 * each);
    encoder_give(&all, a);
    ck_assert_ptr_eq(encoder_take(&all, HTTP_CODING_GZIP, 5), a); /* kept for reuse */
    encoder_give(&all, a);
    a = encoder_take(&all, HTTP_CODING_GZIP, 6); /* an idle one of another kind makes room */
    ck_assert_ptr_nonnull(a);
    ck_assert_uint_eq(all.held, 2 * each);
    encoder_give(&all, a);
    encoder_give(&all, b);
    encoders_trim(&all);
    ck_assert_uint_eq(all.held, 0);
    encoders_init(&all, 0);
    ck_assert_ptr_null(encoder_take(&all, HTTP_CODING_ZSTD, 3));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("encoder");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, what_goes_in_comes_out, 0, KINDS);
    tcase_add_loop_test(tests, flushes, 0, KINDS);
    tcase_add_loop_test(tests, nothing, 0, KINDS);
    tcase_add_test(tests, the_budget_holds);
    return run_suite(tests, "http/encoder");
}
