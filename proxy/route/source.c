/* Addresses cut down to what tells one client from another. */
#include "source.h"

#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

struct source source_of(const green_address_t *address, unsigned prefix_v6)
{
    struct source s = {{0}};
    if (address->any.sa_family == AF_INET) {
        memcpy(s.bytes, mapped, sizeof mapped);
        memcpy(s.bytes + sizeof mapped, &address->in.sin_addr, 4);
    } else if (address->any.sa_family == AF_INET6) {
        memcpy(s.bytes, &address->in6.sin6_addr, sizeof s.bytes);
        if (memcmp(s.bytes, mapped, sizeof mapped) == 0)
            return s; /* IPv4 all the same */
        if (prefix_v6 < 128) {
            unsigned whole = prefix_v6 / 8;
            s.bytes[whole] &= (unsigned char)(0xff00u >> prefix_v6 % 8);
            memset(s.bytes + whole + 1, 0, sizeof s.bytes - whole - 1);
        }
    }
    return s;
}
