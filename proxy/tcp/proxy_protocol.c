/* Reading and writing headers of the PROXY protocol (proxy_protocol.h). */
#include "proxy_protocol.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char signature[PROXY_SIGNATURE + 1] = "\r\n\r\n\0\r\nQUIT\n";

/* Of version 2. */
enum { LOCAL = 0x20, PROXY = 0x21, TCP4 = 0x11, TCP6 = 0x21 };
enum {
    TLV_ALPN = 1,
    TLV_AUTHORITY = 2,
    TLV_CRC32C = 3,
    TLV_SSL = 0x20,
    TLV_SSL_VERSION = 0x21,
    TLV_SSL_CN = 0x22,
    TLV_SSL_CIPHER = 0x23
};
#define TEXT_MOST 255

static size_t number16(const char *p)
{
    return (size_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static void set_address(green_address_t *out, int family, const void *ip, unsigned port)
{
    memset(out, 0, sizeof *out);
    out->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        memcpy(&out->in.sin_addr, ip, 4);
        out->in.sin_port = htons((uint16_t)port);
        out->length = sizeof out->in;
    } else {
        memcpy(&out->in6.sin6_addr, ip, 16);
        out->in6.sin6_port = htons((uint16_t)port);
        out->length = sizeof out->in6;
    }
}

int proxy_version(const char *bytes)
{
    return memcmp(bytes, signature, PROXY_SIGNATURE) == 0 ? 2 : memcmp(bytes, "PROXY ", 6) == 0 ? 1 : 0;
}

/* --- version 1 --------------------------------------------------------------------------------------------------- */

/* The next word of the line, up to a single space or the end; false: there is none, or it is too long. */
static bool next_word(const char **p, const char *end, char out[INET6_ADDRSTRLEN])
{
    const char *space = memchr(*p, ' ', (size_t)(end - *p));
    size_t n = (size_t)((space ? space : end) - *p);
    if (!n || n >= INET6_ADDRSTRLEN || memchr(*p, 0, n))
        return false;
    memcpy(out, *p, n);
    out[n] = 0;
    *p = space ? space + 1 : end;
    return true;
}

static bool port_of(const char *word, unsigned *out)
{
    *out = 0;
    if (!*word || strlen(word) > 5 || (word[0] == '0' && word[1]))
        return false;
    for (; *word; word++) {
        if (!isdigit((unsigned char)*word))
            return false;
        *out = *out * 10 + (unsigned)(*word - '0');
    }
    return *out <= 65535;
}

int proxy_v1_read(const char *bytes, size_t n, struct proxy_header *out)
{
    const char *p = bytes + 6, *end = bytes + n - 2;
    char family[INET6_ADDRSTRLEN], ips[2][INET6_ADDRSTRLEN], ports[2][INET6_ADDRSTRLEN];
    unsigned char ip[2][16];
    unsigned port[2];
    *out = (struct proxy_header){.known = false};
    if (n < 15 || n > PROXY_V1_MOST || memcmp(bytes, "PROXY ", 6) != 0 || memcmp(end, "\r\n", 2) != 0 ||
        memchr(bytes, '\n', n - 1) || !next_word(&p, end, family))
        return -EPROTO;
    if (strcmp(family, "UNKNOWN") == 0)
        return 0;
    int af = strcmp(family, "TCP4") == 0 ? AF_INET : strcmp(family, "TCP6") == 0 ? AF_INET6 : 0;
    if (!af || !next_word(&p, end, ips[0]) || !next_word(&p, end, ips[1]) || !next_word(&p, end, ports[0]) ||
        !next_word(&p, end, ports[1]) || p != end || end[-1] == ' ')
        return -EPROTO;
    for (int i = 0; i < 2; i++)
        if (inet_pton(af, ips[i], ip[i]) != 1 || !port_of(ports[i], &port[i]))
            return -EPROTO;
    set_address(&out->source, af, ip[0], port[0]);
    set_address(&out->destination, af, ip[1], port[1]);
    out->known = true;
    return 0;
}

static bool ip_pair(const struct proxy_header *h)
{
    int family = h->known ? h->source.any.sa_family : AF_UNSPEC;
    return (family == AF_INET || family == AF_INET6) && h->destination.any.sa_family == family;
}

size_t proxy_v1_write(const struct proxy_header *h, char *out)
{
    char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
    bool v4 = h->source.any.sa_family == AF_INET;
    if (!ip_pair(h))
        return (size_t)sprintf(out, "PROXY UNKNOWN\r\n");
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? (const void *)&h->source.in.sin_addr : &h->source.in6.sin6_addr,
              source, sizeof source);
    inet_ntop(v4 ? AF_INET : AF_INET6,
              v4 ? (const void *)&h->destination.in.sin_addr : &h->destination.in6.sin6_addr, destination,
              sizeof destination);
    return (size_t)sprintf(out, "PROXY %s %s %s %d %d\r\n", v4 ? "TCP4" : "TCP6", source, destination,
                           green_address_port(&h->source), green_address_port(&h->destination));
}

/* --- version 2 --------------------------------------------------------------------------------------------------- */

/* CRC32C of the header, with the bytes from `from` to `to` as if they were zero. A header in a connection: no table. */
static uint32_t crc32c(const char *bytes, size_t n, size_t from, size_t to)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= i >= from && i < to ? 0 : (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

size_t proxy_v2_size(const char *bytes)
{
    size_t size = PROXY_V2_HEAD + number16(bytes + 14);
    int command = (unsigned char)bytes[12];
    return memcmp(bytes, signature, PROXY_SIGNATURE) == 0 && (command == LOCAL || command == PROXY) &&
                   size <= PROXY_V2_MOST
               ? size
               : 0;
}

static bool good_tlvs(const char *bytes, size_t at, size_t n)
{
    while (at < n) {
        if (n - at < 3)
            return false;
        size_t length = number16(bytes + at + 1), value = at + 3;
        if (length > n - value)
            return false;
        if (bytes[at] == TLV_CRC32C) {
            uint32_t said;
            if (length != 4)
                return false;
            memcpy(&said, bytes + value, 4);
            if (ntohl(said) != crc32c(bytes, n, value, value + 4))
                return false;
        }
        at = value + length;
    }
    return true;
}

int proxy_v2_read(const char *bytes, size_t n, struct proxy_header *out)
{
    *out = (struct proxy_header){.known = false};
    if (n < PROXY_V2_HEAD || proxy_v2_size(bytes) != n)
        return -EPROTO;
    int family = (unsigned char)bytes[13];
    size_t addresses = family == TCP4 ? 12 : family == TCP6 ? 36 : 0;
    if ((unsigned char)bytes[12] == LOCAL)
        return 0; /* whatever follows is to be ignored */
    if (!addresses)
        return 0; /* unspecified, datagrams, unix sockets: nobody that we could name */
    if (n < PROXY_V2_HEAD + addresses || !good_tlvs(bytes, PROXY_V2_HEAD + addresses, n))
        return -EPROTO;
    const char *p = bytes + PROXY_V2_HEAD;
    size_t ip = family == TCP4 ? 4 : 16;
    set_address(&out->source, family == TCP4 ? AF_INET : AF_INET6, p, (unsigned)number16(p + 2 * ip));
    set_address(&out->destination, family == TCP4 ? AF_INET : AF_INET6, p + ip,
                (unsigned)number16(p + 2 * ip + 2));
    out->known = true;
    return 0;
}

static char *put16(char *out, size_t value)
{
    *out++ = (char)(value >> 8);
    *out++ = (char)value;
    return out;
}

static char *put_tlv(char *out, int type, const void *value, size_t n)
{
    *out++ = (char)type;
    return mempcpy(put16(out, n), value, n);
}

static char *put_text(char *out, int type, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    return n && n <= TEXT_MOST ? put_tlv(out, type, text, n) : out;
}

/* PP2_TYPE_SSL: what the client did, whether its certificate was verified, and further facts inside. */
static char *put_tls(char *out, const struct proxy_facts *facts)
{
    char *value = out + 3, *at = value;
    *at++ = (char)(1 | (facts->client_verified ? 2 | 4
                                               : 0)); /* TLS; a certificate, on this connection and session */
    memset(at, facts->client_verified ? 0 : 0xff, 4); /* 0: it stood */
    at = put_text(at + 4, TLV_SSL_VERSION, facts->tls_version);
    at = put_text(at, TLV_SSL_CIPHER, facts->tls_cipher);
    at = put_text(at, TLV_SSL_CN, facts->client_subject);
    *out = TLV_SSL;
    put16(out + 1, (size_t)(at - value));
    return at;
}

static char *put_ip(char *out, const green_address_t *a)
{
    return a->any.sa_family == AF_INET ? mempcpy(out, &a->in.sin_addr, 4)
                                       : mempcpy(out, &a->in6.sin6_addr, 16);
}

size_t proxy_v2_write(const struct proxy_header *h, const struct proxy_facts *facts, char *out)
{
    char *at = mempcpy(out, signature, PROXY_SIGNATURE);
    bool known = ip_pair(h);
    *at++ = known ? PROXY : LOCAL;
    *at++ = !known ? 0 : h->source.any.sa_family == AF_INET ? TCP4 : TCP6;
    at += 2;
    if (known) {
        at = put_ip(put_ip(at, &h->source), &h->destination);
        at = put16(at, (size_t)green_address_port(&h->source));
        at = put16(at, (size_t)green_address_port(&h->destination));
    }
    if (known && facts) {
        at = put_text(at, TLV_ALPN, facts->alpn);
        at = put_text(at, TLV_AUTHORITY, facts->authority);
        if (facts->tls_version)
            at = put_tls(at, facts);
    }
    char *crc = at + 3;
    at = put_tlv(at, TLV_CRC32C, "\0\0\0", 4);
    put16(out + 14, (size_t)(at - out) - PROXY_V2_HEAD);
    uint32_t sum = htonl(crc32c(out, (size_t)(at - out), 0, 0));
    memcpy(crc, &sum, 4);
    return (size_t)(at - out);
}
