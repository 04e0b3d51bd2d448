/* Any bytes as the values of a request's If-* and Accept-Encoding fields, a line each. */
#include <stdint.h>
#include <stdlib.h>

#include "http/coding.h"
#include "http/conditional.h"
#include "http/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read as a date can be written, and is then the same. */
static void check_date(struct span text)
{
    struct http_date cache = {0};
    time_t time, again;

    if (!http_date_parse(text, 1700000000, &time) || time < -62135596800 || time >= 253402300800)
        return; /* years before 1 and after 9999 have no text */
    if (!http_date_parse(http_date(&cache, time), 1700000000, &again) || again != time)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct span names[] = {SPAN("If-Match"),          SPAN("If-None-Match"),
                                        SPAN("If-Modified-Since"), SPAN("if-unmodified-since"),
                                        SPAN("If-Range"),          SPAN("Accept-Encoding")};
    static const struct http_validators is = {{"\"a-1\"", 5}, 784111777, 1700000000};
    static struct http_head head;
    struct http_codings codings;
    struct span rest = span_of((const char *)data, size);

    for (head.count = 0; rest.n && head.count < sizeof(names) / sizeof(names[0]); head.count++) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        struct span name = names[head.count];

        head.fields[head.count] =
            (struct http_field){.name = name, .value = span_of(rest.p, n), .id = http_field_id(name)};
        check_date(span_of(rest.p, n));
        rest.p += n + (end != NULL);
        rest.n -= n + (end != NULL);
    }
    (void)http_preconditions(&head, &is);
    (void)http_if_range(&head, &is);
    http_codings_accepted(&head, &codings);
    if (codings.count > HTTP_CODINGS)
        abort();
    for (unsigned i = 0; i < codings.count; i++)
        for (unsigned j = 0; j < i; j++)
            if (codings.list[i] == codings.list[j])
                abort();
    return 0;
}
