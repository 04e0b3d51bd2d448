/* Any bytes as a Range field: what is granted lies within the file, without an overlap. */
#include <stdint.h>
#include <stdlib.h>

#include "http/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_ranges r;
    uint64_t length = 0;

    if (size < sizeof(length))
        return 0;
    memcpy(&length, data, sizeof(length));
    length &= INT64_MAX; /* an off_t */
    int count =
        http_ranges_parse(span_of((const char *)data + sizeof(length), size - sizeof(length)), length, &r);

    if (count > HTTP_RANGES_MAX || (count > 0 && (unsigned)count != r.count))
        abort();
    for (int i = 0; i < count; i++) {
        const struct http_range *a = &r.list[i];
        if (!a->length || a->first >= length || a->length > length - a->first)
            abort();
        for (int j = 0; j < i; j++)
            if (a->first < r.list[j].first + r.list[j].length && r.list[j].first < a->first + a->length)
                abort();
    }
    return 0;
}
