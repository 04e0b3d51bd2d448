/*
 * The special-purpose registries of IANA (RFC 6890) as tables. Of IPv6 only what is allocated to the public internet,
 * 2000::/3, can be public at all.
 */
#include "special.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

struct range4 {
    uint32_t first;
    unsigned bits;
    const char *purpose;
};

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct range4 ranges4[] = {
    {V4(0, 0, 0, 0), 8, "unspecified"},
    {V4(10, 0, 0, 0), 8, "private"},
    {V4(100, 100, 100, 200), 32, "metadata"}, /* Alibaba */
    {V4(100, 64, 0, 0), 10, "carrier-grade NAT"},
    {V4(127, 0, 0, 0), 8, "loopback"},
    {V4(168, 63, 129, 16), 32, "metadata"}, /* Azure's platform, though the address is a public one */
    {V4(169, 254, 169, 254), 32, "metadata"},
    {V4(169, 254, 0, 0), 16, "link-local"},
    {V4(172, 16, 0, 0), 12, "private"},
    {V4(192, 0, 0, 0), 24, "IETF protocols"},
    {V4(192, 0, 2, 0), 24, "documentation"},
    {V4(192, 88, 99, 0), 24, "6to4 relay"},
    {V4(192, 168, 0, 0), 16, "private"},
    {V4(198, 18, 0, 0), 15, "benchmarking"},
    {V4(198, 51, 100, 0), 24, "documentation"},
    {V4(203, 0, 113, 0), 24, "documentation"},
    {V4(224, 0, 0, 0), 4, "multicast"},
    {V4(255, 255, 255, 255), 32, "broadcast"},
    {V4(240, 0, 0, 0), 4, "reserved"},
};

struct range6 {
    unsigned char first[16];
    unsigned bits;
    const char *purpose;
};

static const struct range6 ranges6[] = {
    {{0}, 128, "unspecified"},
    {{[15] = 1}, 128, "loopback"},
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}, 128, "metadata"}, /* fd00:ec2::254 */
    {{0xfc}, 7, "unique local"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xff}, 8, "multicast"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x3f, 0xff}, 20, "documentation"},
    {{0x20, 0x01, 0x00}, 23, "IETF protocols"},
};

static const char *purpose4(uint32_t address)
{
    for (size_t i = 0; i < sizeof(ranges4) / sizeof(ranges4[0]); i++)
        if (!((address ^ ranges4[i].first) >> (32 - ranges4[i].bits)))
            return ranges4[i].purpose;
    return NULL;
}

static bool in_range6(const unsigned char *address, const unsigned char *first, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return !memcmp(address, first, whole) && (!rest || !((address[whole] ^ first[whole]) >> (8 - rest)));
}

static uint32_t ipv4_at(const unsigned char *p)
{
    return V4(p[0], p[1], p[2], p[3]);
}

static bool is_teredo(const unsigned char *p)
{
    return in_range6(p, (const unsigned char[16]){0x20, 0x01}, 32);
}

/* The IPv4 address within, in host order. */
static bool embedded(const unsigned char *p, uint32_t *out)
{
    static const unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};
    static const unsigned char nat64[16] = {0x00, 0x64, 0xff, 0x9b};

    if (in_range6(p, mapped, 96) || in_range6(p, nat64, 96))
        *out = ipv4_at(p + 12);
    else if (p[0] == 0x20 && p[1] == 0x02) /* 6to4 */
        *out = ipv4_at(p + 2);
    else if (is_teredo(p)) /* which writes its client's address inverted */
        *out = ~ipv4_at(p + 12);
    else
        return false;
    return true;
}

static const char *purpose6(const unsigned char *p)
{
    uint32_t inner;

    if (embedded(p, &inner)) {
        const char *purpose = purpose4(inner);

        return !purpose && is_teredo(p) ? purpose4(ipv4_at(p + 4)) : purpose; /* Teredo: its server as well */
    }
    for (size_t i = 0; i < sizeof(ranges6) / sizeof(ranges6[0]); i++)
        if (in_range6(p, ranges6[i].first, ranges6[i].bits))
            return ranges6[i].purpose;
    return p[0] >> 5 == 1 ? NULL : "reserved";
}

const char *conf_special_purpose(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return purpose4(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return purpose6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
    return "no internet address";
}

bool conf_embedded_ipv4(const struct sockaddr *address, struct sockaddr_in *out)
{
    uint32_t inner;

    if (address->sa_family != AF_INET6 ||
        !embedded(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr, &inner))
        return false;
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(inner)};
    return true;
}
