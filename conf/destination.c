/* Destinations and ports as a forward listener's keys write them. */
#include "network.h"
#include "pattern.h"
#include "syntax.h"

#include <ctype.h>
#include <string.h>

/* Host names hold neither; and what ends in a number is an IPv4 address or nothing. */
static bool looks_numeric(const char *text)
{
    const char *label = strrchr(text, '.');

    label = label ? label + 1 : text;
    return strpbrk(text, ":/") || (*label && !label[strspn(label, "0123456789")]);
}

static const char *parse_destination(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_destination *d = out;
    size_t n = strlen(text);
    const char *wrong;

    if (*text == '[' && text[n - 1] == ']')
        text = conf_arena_copy(arena, text + 1, n - 2);
    if (looks_numeric(text)) {
        struct conf_network *network = conf_arena_alloc(arena, sizeof(*network));

        wrong = conf_network_parse(arena, text, network);
        d->network = network;
    } else {
        struct conf_host *host = conf_arena_alloc(arena, sizeof(*host));

        wrong = conf_host_parse(arena, text, host);
        if (!wrong)
            d->written = conf_arena_print(arena, "%s%s", host->wildcard ? "*" : "", host->text);
        d->host = host;
    }
    return wrong;
}

/* 1 to 65535; 0: it is none. */
static int parse_port(const char **text)
{
    const char *p = *text;
    long port = 0;

    for (; isdigit((unsigned char)*p) && port <= 65535; p++)
        port = port * 10 + (*p - '0');
    *text = p;
    return port <= 65535 ? (int)port : 0;
}

static const char *parse_ports(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_ports *ports = out;
    const char *p = text;

    (void)arena;
    ports->first = ports->last = parse_port(&p);
    if (*p == '-') {
        p++;
        ports->last = parse_port(&p);
    }
    if (*p || !ports->first || !ports->last)
        return "is not a port or a range of ports";
    return ports->first <= ports->last ? NULL : "is a range that ends before it begins";
}

const struct conf_syntax conf_destination_syntax = {
    .allowed = "a host such as example.com or *.example.com, an address, or a network such as 192.0.2.0/24",
    .separators = ", \t",
    .size = sizeof(struct conf_destination),
    .parse = parse_destination,
};

const struct conf_syntax conf_ports_syntax = {
    .allowed = "a port such as 443, or a range such as 8000-8999",
    .separators = ", \t",
    .size = sizeof(struct conf_ports),
    .parse = parse_ports,
};
