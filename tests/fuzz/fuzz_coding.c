/* Any bytes as the value of Accept-Encoding: the list is sorted and what is chosen is the best of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum http_coding offered[] = {HTTP_CODING_BROTLI, HTTP_CODING_GZIP, HTTP_CODING_ZSTD};
    static struct http_head head;
    struct http_codings accepted;
    /* Exactly as long, so that a sanitizer sees a byte too far. Two lines, split at the first line feed. */
    char *value = malloc(size ? size : 1);

    if (!value)
        return 0;
    if (size)
        memcpy(value, data, size);
    char *line = size ? memchr(value, '\n', size) : NULL;
    size_t first = line ? (size_t)(line - value) : size;

    head.count = line ? 2 : 1;
    head.fields[0] = (struct http_field){.id = HTTP_F_ACCEPT_ENCODING, .value = span_of(value, first)};
    head.fields[1] =
        (struct http_field){.id = HTTP_F_ACCEPT_ENCODING, .value = span_of(line, line ? size - first : 0)};
    http_codings_accepted(&head, &accepted);
    enum http_coding chosen = http_coding_choose(&accepted, offered, 3);
    bool wrong = accepted.count > HTTP_CODINGS || (chosen == HTTP_CODING_NONE) != (accepted.count == 0);
    for (unsigned i = 0; !wrong && i < accepted.count; i++) {
        uint16_t weight = accepted.weights[accepted.list[i]];
        wrong = !weight || weight > 1000 || weight > accepted.weights[chosen] ||
                (i && weight > accepted.weights[accepted.list[i - 1]]);
    }
    if (wrong)
        abort();
    free(value);
    return 0;
}
