/* Half of the mutations of libFuzzer for messages are those that know what HTTP/1 looks like. */
#include <string.h>

#include "mutate.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    uint64_t state = (uint64_t)seed * 2 + 1;
    if (chance(&state, 2))
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 0, times = 1 + chance(&state, 3); i < times; i++)
        size = http_mutate((char *)data, size, max_size, &state);
    return size;
}
