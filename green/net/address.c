/* Socket addresses: from text and back. */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_unix(green_address_t *out, const char *path)
{
    size_t length = strlen(path);
    if (length >= sizeof out->un.sun_path)
        return -EINVAL;
    out->un.sun_family = AF_UNIX;
    memcpy(out->un.sun_path, path, length + 1);
    out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return 0;
}

static int parse_v6(green_address_t *out, const char *text)
{
    const char *zone = strchr(text, '%');
    char bare[INET6_ADDRSTRLEN];
    size_t length = zone ? (size_t)(zone - text) : strlen(text);
    if (length >= sizeof bare)
        return -EINVAL;
    memcpy(bare, text, length);
    bare[length] = 0;
    if (inet_pton(AF_INET6, bare, &out->in6.sin6_addr) != 1)
        return -EINVAL;
    out->in6.sin6_family = AF_INET6;
    if (zone) {
        char *end;
        unsigned long number = strtoul(zone + 1, &end, 10);
        out->in6.sin6_scope_id = *end || end == zone + 1 ? if_nametoindex(zone + 1) : (uint32_t)number;
        if (!out->in6.sin6_scope_id)
            return -EINVAL;
    }
    out->length = sizeof out->in6;
    return 0;
}

int green_address_parse(green_address_t *out, const char *host, int port)
{
    memset(out, 0, sizeof *out);
    if (host[0] == '/')
        return parse_unix(out, host);
    if (port < 0 || port > 65535)
        return -EINVAL;
    if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons((uint16_t)port);
        out->length = sizeof out->in;
        return 0;
    }
    char inner[INET6_ADDRSTRLEN + IF_NAMESIZE + 2];
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    }
    if (length >= sizeof inner)
        return -EINVAL;
    memcpy(inner, host, length);
    inner[length] = 0;
    int r = parse_v6(out, inner);
    out->in6.sin6_port = htons((uint16_t)port);
    return r;
}

static char *put_decimal(char *at, unsigned n)
{
    if (n >= 10)
        at = put_decimal(at, n / 10);
    *at = (char)('0' + n % 10);
    return at + 1;
}

/* By hand: proxies say it once for every request, and printf costs more than all the rest. */
static char *put_v4(char *at, const struct in_addr *address)
{
    const unsigned char *bytes = (const unsigned char *)address;
    for (int i = 0; i < 4; i++) {
        if (i)
            *at++ = '.';
        at = put_decimal(at, bytes[i]);
    }
    return at;
}

char *green_address_text(const green_address_t *address, bool with_port, char out[GREEN_ADDRESS_TEXT])
{
    char *at = out;
    int port = green_address_port(address);
    switch (address->length ? address->any.sa_family : AF_UNSPEC) {
    case AF_INET:
        at = put_v4(at, &address->in.sin_addr);
        break;
    case AF_INET6:
        if (with_port)
            *at++ = '[';
        inet_ntop(AF_INET6, &address->in6.sin6_addr, at, INET6_ADDRSTRLEN);
        at += strlen(at);
        if (address->in6.sin6_scope_id) {
            *at++ = '%';
            at = put_decimal(at, address->in6.sin6_scope_id);
        }
        if (with_port)
            *at++ = ']';
        break;
    case AF_UNIX:
        snprintf(out, GREEN_ADDRESS_TEXT, "unix:%.*s",
                 (int)(address->length - offsetof(struct sockaddr_un, sun_path)), address->un.sun_path);
        return out;
    default:
        strcpy(out, "unknown");
        return out;
    }
    if (with_port) {
        *at++ = ':';
        at = put_decimal(at, (unsigned)port);
    }
    *at = 0;
    return out;
}

int green_address_port(const green_address_t *address)
{
    switch (address->length ? address->any.sa_family : AF_UNSPEC) {
    case AF_INET:
        return ntohs(address->in.sin_port);
    case AF_INET6:
        return ntohs(address->in6.sin6_port);
    default:
        return 0;
    }
}
