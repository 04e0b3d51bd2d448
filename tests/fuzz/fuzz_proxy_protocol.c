/* Headers of the PROXY protocol: nothing reads out of bounds, and what is understood can be said again. */
#include <stdlib.h>
#include <string.h>

#include "tcp/proxy_protocol.h"

static void say_again(const struct proxy_header *h)
{
    char bytes[PROXY_WRITE_BYTES];
    struct proxy_header back;
    size_t n = proxy_v2_write(h, NULL, bytes);
    if (proxy_v2_read(bytes, n, &back) < 0 || back.known != h->known)
        abort();
    n = proxy_v1_write(h, bytes);
    if (proxy_v1_read(bytes, n, &back) < 0 || back.known != h->known)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct proxy_header h;
    if (size < PROXY_V2_HEAD)
        return 0;
    int version = proxy_version(bytes);
    if (version == 1 && proxy_v1_read(bytes, size, &h) == 0)
        say_again(&h);
    if (version == 2 && proxy_v2_read(bytes, size, &h) == 0)
        say_again(&h);
    return 0;
}
