/* zlib, brotli and zstd behind one call, and the worker's budget for them. */
#include "encoder.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#define IDLE_MOST    16
#define GZIP_FORMAT  (15 + 16) /* a window of 32 KiB, and gzip's frame around it */
#define GZIP_MEMORY  8
#define BR_WINDOW    18 /* bits */
#define BR_BLOCK     16 /* bits: what is coded in one go */
#define ZSTD_WINDOW  18
#define ZSTD_TABLES  17 /* bits: more make much larger encoders and hardly smaller bodies of such windows */
#define ALLOC_HEADER 16 /* keeps what follows aligned */

struct encoder {
    enum http_coding coding;
    int level;
    size_t used; /* of gzip and br, whose memory is counted */
    union {
        z_stream gzip;
        BrotliEncoderState *br;
        ZSTD_CCtx *zstd;
    };
    struct encoder *next; /* while idle */
};

/* --- memory ---------------------------------------------------------------------------------------------------------- */

size_t encoder_reserve(enum http_coding coding, int level)
{
    /* What bodies of any length need at most, as test_encoder.c measures it. */
    static const size_t br[] = {256, 256, 2048, 2048, 4096, 4608, 5632};
    static const size_t zstd[] = {1280, 1280, 1536, 2304, 2304, 2304, 2304, 2304, 2304, 2304};
    size_t at = level < 0 ? 0 : (size_t)level;
    switch (coding) {
    case HTTP_CODING_GZIP:
        return (size_t)288 << 10;
    case HTTP_CODING_BROTLI:
        return br[at < sizeof br / sizeof br[0] ? at : sizeof br / sizeof br[0] - 1] << 10;
    case HTTP_CODING_ZSTD:
        return zstd[at < sizeof zstd / sizeof zstd[0] ? at : sizeof zstd / sizeof zstd[0] - 1] << 10;
    default:
        return 0;
    }
}

static void *counted_alloc(void *arg, size_t n)
{
    struct encoder *e = arg;
    char *p = n <= SIZE_MAX - ALLOC_HEADER ? malloc(n + ALLOC_HEADER) : NULL;
    if (!p)
        return NULL;
    memcpy(p, &n, sizeof n);
    e->used += n;
    return p + ALLOC_HEADER;
}

static void counted_free(void *arg, void *address)
{
    struct encoder *e = arg;
    size_t n;
    if (!address)
        return;
    char *p = (char *)address - ALLOC_HEADER;
    memcpy(&n, p, sizeof n);
    e->used -= n;
    free(p);
}

static void *gzip_alloc(void *arg, unsigned count, unsigned size)
{
    return counted_alloc(arg, (size_t)count * size);
}

size_t encoder_memory(const struct encoder *e)
{
    return e->coding == HTTP_CODING_ZSTD ? ZSTD_sizeof_CCtx(e->zstd) : e->used;
}

/* --- life -------------------------------------------------------------------------------------------------------------- */

static bool begin_zstd(struct encoder *e)
{
    const struct {
        ZSTD_cParameter parameter;
        int value;
    } wanted[] = {{ZSTD_c_compressionLevel, e->level},
                  {ZSTD_c_windowLog, ZSTD_WINDOW},
                  {ZSTD_c_hashLog, ZSTD_TABLES},
                  {ZSTD_c_chainLog, ZSTD_TABLES}};
    e->zstd = ZSTD_createCCtx();
    bool good = e->zstd != NULL;
    size_t count =
        e->level > 2 ? sizeof wanted / sizeof wanted[0] : 2; /* those below have smaller ones anyway */
    for (size_t i = 0; good && i < count; i++)
        good = !ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, wanted[i].parameter, wanted[i].value));
    if (!good)
        ZSTD_freeCCtx(e->zstd);
    return good;
}

static bool begin_br(struct encoder *e)
{
    e->br = BrotliEncoderCreateInstance(counted_alloc, counted_free, e);
    return e->br && BrotliEncoderSetParameter(e->br, BROTLI_PARAM_QUALITY, (uint32_t)e->level) &&
           BrotliEncoderSetParameter(e->br, BROTLI_PARAM_LGWIN, BR_WINDOW) &&
           BrotliEncoderSetParameter(e->br, BROTLI_PARAM_LGBLOCK, BR_BLOCK);
}

static bool begin(struct encoder *e)
{
    switch (e->coding) {
    case HTTP_CODING_GZIP:
        e->gzip = (z_stream){.zalloc = gzip_alloc, .zfree = counted_free, .opaque = e};
        return deflateInit2(&e->gzip, e->level, Z_DEFLATED, GZIP_FORMAT, GZIP_MEMORY, Z_DEFAULT_STRATEGY) ==
               Z_OK;
    case HTTP_CODING_BROTLI:
        return begin_br(e);
    case HTTP_CODING_ZSTD:
        return begin_zstd(e);
    default:
        return false;
    }
}

/* At the start of another body, if it can be. */
static bool begin_again(struct encoder *e)
{
    if (e->coding == HTTP_CODING_GZIP)
        return deflateReset(&e->gzip) == Z_OK;
    return e->coding == HTTP_CODING_ZSTD && !ZSTD_isError(ZSTD_CCtx_reset(e->zstd, ZSTD_reset_session_only));
}

static void end(struct encoders *all, struct encoder *e)
{
    if (e->coding == HTTP_CODING_GZIP)
        (void)deflateEnd(&e->gzip); /* says Z_DATA_ERROR of a body that was given up */
    else if (e->coding == HTTP_CODING_BROTLI)
        BrotliEncoderDestroyInstance(e->br);
    else
        ZSTD_freeCCtx(e->zstd);
    all->held -= encoder_reserve(e->coding, e->level);
    free(e);
}

void encoders_init(struct encoders *all, size_t limit)
{
    *all = (struct encoders){.limit = limit};
}

static void drop_idle(struct encoders *all)
{
    struct encoder *next;
    for (struct encoder *e = all->idle; e; e = next) {
        next = e->next;
        end(all, e);
    }
    all->idle = NULL;
    all->idle_count = 0;
}

void encoders_trim(struct encoders *all)
{
    if (!all->idle)
        return;
    drop_idle(all);
    malloc_trim(0);
}

static struct encoder *take_idle(struct encoders *all, enum http_coding coding, int level)
{
    for (struct encoder **at = &all->idle; *at; at = &(*at)->next) {
        struct encoder *e = *at;
        if (e->coding != coding || e->level != level)
            continue;
        *at = e->next;
        all->idle_count--;
        if (begin_again(e))
            return e;
        end(all, e);
        break;
    }
    return NULL;
}

struct encoder *encoder_take(struct encoders *all, enum http_coding coding, int level)
{
    size_t reserve = encoder_reserve(coding, level);
    struct encoder *e = take_idle(all, coding, level);
    if (e)
        return e;
    if (all->held + reserve > all->limit)
        drop_idle(all);
    if (all->held + reserve > all->limit)
        return NULL;
    e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->coding = coding;
    e->level = level;
    if (!begin(e)) {
        if (coding == HTTP_CODING_BROTLI && e->br)
            BrotliEncoderDestroyInstance(e->br);
        free(e);
        return NULL;
    }
    all->held += reserve;
    return e;
}

void encoder_give(struct encoders *all, struct encoder *e)
{
    if (e->coding == HTTP_CODING_BROTLI || all->idle_count == IDLE_MOST) {
        end(all, e);
        return;
    }
    e->next = all->idle;
    all->idle = e;
    all->idle_count++;
}

/* --- work --------------------------------------------------------------------------------------------------------------- */

static ssize_t run_gzip(z_stream *z, enum encoder_step step, struct span *in, char *out, size_t size,
                        bool *done)
{
    static const int flush[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z->next_in = (Bytef *)(uintptr_t)in->p;
    z->avail_in = (uInt)in->n;
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)size;
    int r = deflate(z, flush[step]);
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR) /* the last: there was nothing to do */
        return -EIO;
    *in = span_of((const char *)z->next_in, z->avail_in);
    *done = step == ENCODER_FINISH ? r == Z_STREAM_END : !in->n && z->avail_out;
    return (ssize_t)(size - z->avail_out);
}

static ssize_t run_br(BrotliEncoderState *br, enum encoder_step step, struct span *in, char *out, size_t size,
                      bool *done)
{
    static const BrotliEncoderOperation operation[] = {BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH,
                                                       BROTLI_OPERATION_FINISH};
    const uint8_t *next_in = (const uint8_t *)in->p;
    uint8_t *next_out = (uint8_t *)out;
    size_t room = size;
    if (!BrotliEncoderCompressStream(br, operation[step], &in->n, &next_in, &room, &next_out, NULL))
        return -EIO;
    in->p = (const char *)next_in;
    *done =
        !in->n && !BrotliEncoderHasMoreOutput(br) && (step != ENCODER_FINISH || BrotliEncoderIsFinished(br));
    return (ssize_t)(size - room);
}

static ssize_t run_zstd(ZSTD_CCtx *zstd, enum encoder_step step, struct span *in, char *out, size_t size,
                        bool *done)
{
    static const ZSTD_EndDirective directive[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer input = {in->p, in->n, 0};
    ZSTD_outBuffer output = {out, size, 0};
    size_t left = ZSTD_compressStream2(zstd, &output, &input, directive[step]);
    if (ZSTD_isError(left))
        return -EIO;
    *in = span_of(in->n ? in->p + input.pos : in->p, in->n - input.pos);
    *done = !in->n && (step == ENCODER_GO_ON ? output.pos < size : left == 0);
    return (ssize_t)output.pos;
}

ssize_t encoder_run(struct encoder *e, enum encoder_step step, struct span *in, char *out, size_t size,
                    bool *done)
{
    if (e->coding == HTTP_CODING_GZIP)
        return run_gzip(&e->gzip, step, in, out, size, done);
    if (e->coding == HTTP_CODING_BROTLI)
        return run_br(e->br, step, in, out, size, done);
    return run_zstd(e->zstd, step, in, out, size, done);
}
