/*
 * Any bytes as the target of a CONNECT and as an absolute URL: what passes names a host that all resolvers read alike,
 * or an address in its only spelling.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/target.h"
#include "route/destination.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wrong(const char *what, const struct destination *d)
{
    fprintf(stderr, "%s: '%s' port %d\n", what, d->name, d->port);
    abort();
}

static bool is_address(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static void check(const struct destination *d)
{
    struct in_addr loose;
    size_t n = strnlen(d->name, sizeof d->name);
    if (n == 0 || n == sizeof d->name || d->port < 1 || d->port > 65535)
        wrong("no name, or no port", d);
    if (d->numeric != is_address(d->name))
        wrong("it is an address and is not", d);
    if (!d->numeric && inet_aton(d->name, &loose))
        wrong("libc would take this name for an address", d);
    if (!d->numeric && strspn(d->name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != n)
        wrong("a name with other characters", d);
}

/* What was read reads the same once more. */
static void check_again(const struct destination *d)
{
    char text[DESTINATION_NAME + 16];
    struct http_authority authority;
    struct destination again;
    snprintf(text, sizeof text, strchr(d->name, ':') ? "[%s]:%d" : "%s:%d", d->name, d->port);
    if (http_authority_parse(span_str(text), &authority) < 0 ||
        destination_read(&authority, 80, &again) < 0 || strcmp(again.name, d->name) != 0 ||
        again.port != d->port || again.numeric != d->numeric)
        wrong("not the same a second time", d);
}

static void read_target(struct span text, bool connect)
{
    struct http_target target;
    struct http_authority authority;
    struct destination d;
    if (http_target_parse(text, false, connect, &target) < 0 || !target.authority.n ||
        http_authority_parse(target.authority, &authority) < 0 || destination_read(&authority, 80, &d) < 0)
        return;
    check(&d);
    check_again(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of((const char *)data, size);
    read_target(text, true);
    read_target(text, false);
    return 0;
}
