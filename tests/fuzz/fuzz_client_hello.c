/* A TLS client's first message: no input may read or write out of bounds, and what is known early stays true. */
#include <stdlib.h>
#include <string.h>

#include "tcp/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char scratch[CLIENT_HELLO_MOST];
    struct client_hello hello;
    enum client_hello_result whole = client_hello_read(data, size, scratch, &hello);
    if (strnlen(hello.name, sizeof hello.name) == sizeof hello.name)
        abort();
    if (whole == CLIENT_HELLO_DONE)
        client_hello_offers(&hello, "h2");
    /* Whatever has come so far, the answer is that of the end or that more is needed. */
    enum client_hello_result half = client_hello_read(data, size / 2, scratch, &hello);
    if (half != CLIENT_HELLO_MORE && half != whole)
        abort();
    return 0;
}
