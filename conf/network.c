/* Networks, and whether an address is in one. */
#include "network.h"
#include "syntax.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool parse_bits(const char *text, unsigned most, unsigned *bits)
{
    unsigned n = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9' && p - text < 3; p++)
        n = n * 10 + (unsigned)(*p - '0');
    *bits = n;
    return p > text && !*p && n <= most && !(*text == '0' && p - text > 1);
}

static bool any_bit_behind(const unsigned char *bytes, unsigned bits)
{
    for (unsigned i = bits; i < 128; i++)
        if (bytes[i / 8] >> (7 - i % 8) & 1)
            return true;
    return false;
}

const char *conf_network_parse(struct conf_arena *arena, const char *text, struct conf_network *network)
{
    const char *slash = strchr(text, '/');
    const char *host = slash ? conf_arena_copy(arena, text, (size_t)(slash - text)) : text;
    bool v4 = strchr(host, ':') == NULL;

    if (!strcmp(text, "unix")) {
        network->is_unix = true;
        return NULL;
    }
    network->bits = 128;
    memcpy(network->bytes, mapped, sizeof(mapped));
    if (inet_pton(v4 ? AF_INET : AF_INET6, host, v4 ? network->bytes + 12 : network->bytes) != 1)
        return "is not an IPv4 or IPv6 address or network";
    if (slash && !parse_bits(slash + 1, v4 ? 32 : 128, &network->bits))
        return v4 ? "has no number from 0 to 32 behind its '/'"
                  : "has no number from 0 to 128 behind its '/'";
    if (slash && v4)
        network->bits += 96;
    if (any_bit_behind(network->bytes, network->bits))
        return "has bits set behind its prefix; write the network's first address";
    return NULL;
}

static bool same_prefix(const unsigned char *bytes, const struct conf_network *network)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (memcmp(bytes, network->bytes, whole))
        return false;
    return !rest || !((bytes[whole] ^ network->bytes[whole]) >> (8 - rest));
}

bool conf_network_has(const struct conf_network *network, const struct sockaddr *address)
{
    unsigned char bytes[16];

    if (network->is_unix || address->sa_family == AF_UNIX)
        return network->is_unix && address->sa_family == AF_UNIX;
    if (address->sa_family == AF_INET) {
        memcpy(bytes, mapped, sizeof(mapped));
        memcpy(bytes + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    } else {
        return false;
    }
    return same_prefix(bytes, network);
}

bool conf_network_covers(const struct conf_network *a, const struct conf_network *b)
{
    if (a->is_unix || b->is_unix)
        return a->is_unix && b->is_unix;
    return a->bits <= b->bits && same_prefix(b->bytes, a);
}

bool conf_networks_have(const struct conf_network *networks, size_t count, const struct sockaddr *address)
{
    for (size_t i = 0; i < count; i++)
        if (conf_network_has(&networks[i], address))
            return true;
    return false;
}

static const char *parse(struct conf_arena *arena, const char *text, void *out)
{
    return conf_network_parse(arena, text, out);
}

const struct conf_syntax conf_network_syntax = {
    .allowed = "an address, a network such as 10.0.0.0/8 or 2001:db8::/32, or unix",
    .separators = ", \t",
    .size = sizeof(struct conf_network),
    .parse = parse,
};
