/* Any bytes as a chunked body; the first one says in how large pieces they come. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *wrong;

    if (size == 0)
        return 0;
    wrong = oracle_chunked((const char *)data + 1, size - 1, data[0]);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
