/* Any bytes as a response; the first one says what method it answers. Else as fuzz_request.c. */
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
    wrong = oracle_response((const char *)data + 1, size - 1,
                            data[0] == 'H' ? HTTP_METHOD_HEAD : HTTP_METHOD_GET);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
