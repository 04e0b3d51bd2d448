/*
 * Any bytes as what arrives on a connection of libgreen's HTTP, heads and bodies. The first byte says whether they are
 * requests or answers. They are read twice, at once and in small pieces, over a stream in memory: both readings must find
 * the same messages, and every text of a head that passed must be what may be passed on.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "http/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
    green_stream_t stream;
    const char *p;
    size_t n, piece;
};

static ssize_t read_memory(green_stream_t *s, void *buffer, size_t size, green_time deadline)
{
    struct memory *m = CONTAINER_OF(s, struct memory, stream);
    size_t n = size < m->n ? size : m->n;
    if (n > m->piece)
        n = m->piece;
    memcpy(buffer, m->p, n);
    m->p += n;
    m->n -= n;
    return (ssize_t)n;
}

static const green_stream_type_t memory_type = {.name = "memory", .read = read_memory};

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* What was found, boiled down to a number. */
static void note(uint64_t *digest, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *digest = (*digest ^ ((const uint8_t *)p)[i]) * UINT64_C(1099511628211);
}

static void note_text(uint64_t *digest, const char *text)
{
    if (text)
        note(digest, text, strlen(text) + 1);
}

static void check_head(const struct head *h, bool request, uint64_t *digest)
{
    MUST(h->count <= GREEN_HTTP_FIELDS_MAX);
    for (size_t i = 0; i < h->count; i++) {
        MUST(green_http_name_valid(h->fields[i].name) && green_http_value_valid(h->fields[i].value));
        note_text(digest, h->fields[i].name);
        note_text(digest, h->fields[i].value);
    }
    MUST(h->minor == 0 || h->minor == 1);
    if (request) {
        MUST(green_http_name_valid(h->method));
        MUST(h->path[0] == '/' || !strcmp(h->path, "*"));
        MUST(h->framing != HTTP_UNTIL_CLOSE && (h->host || !h->minor));
        MUST(!strpbrk(h->path, "?# \\\r\n") && (!h->query || !strpbrk(h->query, "# \r\n")));
        note_text(digest, h->path);
        note_text(digest, h->query);
    } else {
        MUST(h->status >= 100 && h->status <= 599 && h->status != 101);
        note(digest, &h->status, sizeof h->status);
    }
    note(digest, &h->framing, sizeof h->framing);
    note(digest, &h->keepalive, sizeof h->keepalive);
}

static uint64_t read_all(const char *p, size_t n, bool request, size_t piece)
{
    struct memory m = {.stream = {.type = &memory_type, .fd = -1}, .p = p, .n = n, .piece = piece};
    struct wire w = {.stream = &m.stream};
    struct head head;
    struct head_scan scan;
    struct http_fault fault = {0};
    uint64_t digest = 1;
    for (;;) {
        char block[300];
        green__wire_next(&w);
        ptrdiff_t length =
            green__wire_read_head(&w, &scan, request, 4096, GREEN_FOREVER, GREEN_FOREVER, &fault);
        if (length <= 0) {
            MUST(length != -EPROTO || (fault.status >= 400 && fault.text));
            break;
        }
        int r = request ? green__head_request(&head, &scan, w.buffer, (size_t)length, &fault)
                        : green__head_response(&head, &scan, w.buffer, (size_t)length, "GET", &fault);
        if (r < 0) {
            MUST(fault.status >= 400 && fault.text);
            break;
        }
        check_head(&head, request, &digest);
        struct wire_body body;
        ssize_t got;
        green__wire_begin_body(&body, &head, 100000, 0);
        while ((got = green__wire_read_body(&w, &body, block, sizeof block, GREEN_FOREVER)) > 0)
            note(&digest, block, (size_t)got);
        MUST(w.base <= w.at && w.at <= w.end && w.end <= w.size);
        MUST(got == 0 || body.failed == got);
        if (got < 0)
            break;
        note(&digest, "end", 3);
    }
    green__wire_destroy(&w);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const char *p = (const char *)data + 1;
    bool request = data[0] & 1;
    uint64_t whole = read_all(p, size - 1, request, SIZE_MAX);
    MUST(read_all(p, size - 1, request, 1) == whole);
    MUST(read_all(p, size - 1, request, 7 + data[0] / 2) == whole);
    return 0;
}
