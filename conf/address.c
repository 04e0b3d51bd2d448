/*
 * Takes addresses apart and checks each part, so that a mistake is a line number and not a failing look-up
 * later.
 */
#include "address.h"
#include "special.h"
#include "syntax.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <sys/un.h>

struct endpoint {
    const char *host;
    int port; /* -1: none given */
    bool is_unix;
};

const char *conf_host_name_check(const char *name, size_t n)
{
    size_t label = 0;

    if (n == 0)
        return "has no host";
    if (n > 253)
        return "is longer than the 253 bytes of a host name";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c >= 0x80)
            return "is not ASCII; write the name in its xn-- form";
        if (c == '.') {
            if (label == 0)
                return "has an empty label";
            if (name[i - 1] == '-')
                return "has a label that ends with '-'";
            label = 0;
            continue;
        }
        if (!isalnum(c) && c != '-' && c != '_')
            return "has a character that no host name has";
        if (c == '-' && label == 0)
            return "has a label that starts with '-'";
        if (++label > 63)
            return "has a label of more than 63 bytes";
    }
    if (name[n - 1] == '-')
        return "has a label that ends with '-'";
    return NULL;
}

/* Resolvers disagree about "1.2.3" and "010.0.0.1", so whatever looks like an IPv4 address must be one. */
static bool ends_in_number(const char *host)
{
    const char *label = strrchr(host, '.');

    label = label ? label + 1 : host;
    return *label && label[strspn(label, "0123456789")] == 0;
}

static const char *parse_host(struct conf_arena *arena, const char *text, size_t n, const char **host)
{
    char *name = conf_arena_copy(arena, text, n);
    char canonical[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];

    *host = name;
    if (*name == '[') {
        if (memchr(name, '%', n))
            return "has a zone, which is not supported";
        name[n - 1] = 0;
        if (inet_pton(AF_INET6, name + 1, bytes) != 1)
            return "is not an IPv6 address within its brackets";
        inet_ntop(AF_INET6, bytes, canonical, sizeof(canonical));
        *host = conf_arena_copy(arena, canonical, strlen(canonical));
        return NULL;
    }
    if (ends_in_number(name))
        return inet_pton(AF_INET, name, bytes) == 1 ? NULL : "is not an IPv4 address";
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return conf_host_name_check(name, n > 1 && name[n - 1] == '.' ? n - 1 : n);
}

static const char *parse_port(const char *text, int *port)
{
    int number = 0;

    if (!*text)
        return "has no port behind its ':'";
    for (const char *p = text; *p; p++) {
        if (!isdigit((unsigned char)*p))
            return "has a port that is not a number";
        number = number * 10 + (*p - '0');
        if (number > 65535)
            return "has a port above 65535";
    }
    *port = number;
    return NULL;
}

static const char *parse_unix(struct conf_arena *arena, const char *path, struct endpoint *e)
{
    if (*path != '/')
        return "has no absolute path behind 'unix:'";
    if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "has a path longer than the 107 bytes of a socket's name";
    e->host = conf_arena_copy(arena, path, strlen(path));
    e->port = 0;
    e->is_unix = true;
    return NULL;
}

static const char *parse_endpoint(struct conf_arena *arena, const char *text, struct endpoint *e)
{
    *e = (struct endpoint){.port = -1};
    if (!strncmp(text, "unix:", 5))
        return parse_unix(arena, text + 5, e);
    if (strstr(text, "://"))
        return "is a URL; leave out the scheme and the path";

    size_t host = 0;

    if (*text == '[') {
        const char *close = strchr(text, ']');

        if (!close)
            return "has no ']'";
        host = (size_t)(close - text) + 1;
        if (text[host] && text[host] != ':')
            return "has something else than ':' behind its ']'";
    } else {
        host = strcspn(text, ":");
        if (text[host] && strchr(text + host + 1, ':'))
            return "has more than one ':'; an IPv6 address stands in brackets";
    }
    if (text[host] != ':')
        return "has no port";
    const char *wrong = parse_port(text + host + 1, &e->port);

    if (wrong)
        return wrong;
    e->host = "";
    return host ? parse_host(arena, text, host, &e->host) : NULL;
}

const char *conf_address_parse(struct conf_arena *arena, const char *text, struct conf_address *address)
{
    struct endpoint e;

    if (*text && text[strspn(text, "0123456789")] == 0)
        return "is a port without the ':' before it";
    const char *wrong = parse_endpoint(arena, !strncmp(text, "*:", 2) ? text + 1 : text, &e);

    if (wrong)
        return wrong;
    address->text = conf_arena_copy(arena, text, strlen(text));
    address->host = e.host;
    address->port = e.port;
    address->is_unix = e.is_unix;
    return NULL;
}

/* A number from 1 to `most` behind a word such as "weight="; *value is 0 before. */
static const char *parse_number(struct conf_arena *arena, const char *option, const char *word, int64_t most,
                                int64_t *value)
{
    const char *p = option + strlen(word) + 1;
    int64_t number = 0;

    for (; isdigit((unsigned char)*p) && number <= most; p++)
        number = number * 10 + (*p - '0');
    if (*p || number < 1 || number > most)
        return conf_arena_print(arena, "has a %s that is not a number from 1 to %d", word, (int)most);
    if (*value)
        return conf_arena_print(arena, "has more than one %s", word);
    *value = number;
    return NULL;
}

static const char *parse_option(struct conf_arena *arena, const char *option, struct conf_server *server)
{
    if (!strncmp(option, "weight=", strlen("weight=")))
        return parse_number(arena, option, "weight", 256, &server->weight);
    if (!strncmp(option, "max_connections=", strlen("max_connections=")))
        return parse_number(arena, option, "max_connections", CONF_PLACES_MAX, &server->max_connections);
    if (!strncmp(option, "tier=", strlen("tier=")))
        return parse_number(arena, option, "tier", CONF_TIER_MAX, &server->tier);
    if (strcmp(option, "backup") != 0)
        return strchr(option, '=') ? "has an unknown option"
                                   : "has more than one word; servers are separated by commas";
    if (server->tier)
        return "has more than one tier; backup is the last of them";
    server->tier = CONF_TIER_MAX + 1;
    return NULL;
}

/* "_http._tcp.example.org": a service, its protocol, and the domain that offers it (RFC 2782). */
static const char *parse_service(struct conf_arena *arena, const char *name, struct conf_server *server)
{
    const char *protocol = name[0] == '_' ? strchr(name, '.') : NULL;
    const char *domain = protocol && protocol[1] == '_' ? strchr(protocol + 1, '.') : NULL;

    if (!domain || !domain[1])
        return "is no service as _http._tcp.example.org is one";
    char *whole = conf_arena_copy(arena, name, strlen(name));

    for (char *p = whole; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    size_t n = strlen(whole);

    server->service = whole;
    server->host = whole + (domain + 1 - name);
    return conf_host_name_check(whole, n > 1 && whole[n - 1] == '.' ? n - 1 : n);
}

/* Where it is: everything but its options. */
static const char *parse_place(struct conf_arena *arena, const char *text, struct conf_server *server)
{
    struct endpoint e;

    if (!strncmp(text, "srv:", 4))
        return parse_service(arena, text + 4, server);
    const char *wrong = parse_endpoint(arena, text, &e);

    if (wrong)
        return wrong;
    if (!*e.host)
        return "has no host";
    if (!e.is_unix && e.port == 0)
        return "has port 0, which nothing listens on";
    server->host = e.host;
    server->port = e.port;
    server->is_unix = e.is_unix;
    return NULL;
}

const char *conf_server_parse(struct conf_arena *arena, const char *text, struct conf_server *server)
{
    char *copy = conf_arena_copy(arena, text, strlen(text)), *rest = copy;
    char *where = strsep(&rest, " \t");
    const char *wrong = parse_place(arena, where, server);

    if (wrong)
        return wrong;
    server->weight = server->tier = server->max_connections = 0;
    for (char *option; (option = strsep(&rest, " \t"));)
        if (*option && (wrong = parse_option(arena, option, server)))
            return wrong;
    if (server->weight && server->service)
        return "has a weight, which the records of a service have themselves";
    server->text = where;
    if (!server->weight)
        server->weight = 1;
    return NULL;
}

bool conf_address_same(const struct conf_address *a, const struct conf_address *b)
{
    if (a->is_unix || b->is_unix)
        return a->is_unix && b->is_unix && !strcmp(a->host, b->host);
    if (a->port != b->port || a->port == 0)
        return false;
    if (!strcmp(a->host, b->host))
        return true;
    const char *all = !*a->host ? b->host : !*b->host ? a->host : NULL;

    return all && (!strcmp(all, "0.0.0.0") || !strcmp(all, "::"));
}

static const char *parse_address(struct conf_arena *arena, const char *text, void *out)
{
    return conf_address_parse(arena, text, out);
}

/* "[::1]:8443 tls" */
static const char *parse_bind(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_address *address = out;
    size_t n = strcspn(text, " ");

    address->tls = text[n] != 0;
    return conf_address_parse(arena, conf_arena_copy(arena, text, n), address);
}

/* "127.0.0.53", "[::1]:5353" */
static const char *parse_name_server(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_written *server = out;
    unsigned char bytes[sizeof(struct in6_addr)];
    struct endpoint e;
    bool v6 = inet_pton(AF_INET6, text, bytes) == 1;
    const char *wrong = parse_endpoint(arena, conf_arena_print(arena, v6 ? "[%s]:53" : "%s:53", text), &e);

    if (wrong)
        wrong = parse_endpoint(arena, text, &e);
    if (wrong)
        return wrong;
    if (e.is_unix || e.port == 0 ||
        (inet_pton(AF_INET, e.host, bytes) != 1 && inet_pton(AF_INET6, e.host, bytes) != 1))
        return "is not the address of a name server";
    server->written = conf_arena_print(arena, strchr(e.host, ':') ? "[%s]:%d" : "%s:%d", e.host, e.port);
    return NULL;
}

static const char *parse_server(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_server *server = out;
    const char *wrong = conf_server_parse(arena, text, server);

    if (wrong)
        return wrong;
    server->written = server->service
                          ? server->text
                          : conf_arena_print(arena, "%s weight=%d", server->text, (int)server->weight);
    if (server->tier > CONF_TIER_MAX)
        server->written = conf_arena_print(arena, "%s backup", server->written);
    else if (server->tier)
        server->written = conf_arena_print(arena, "%s tier=%d", server->written, (int)server->tier);
    if (server->max_connections)
        server->written =
            conf_arena_print(arena, "%s max_connections=%d", server->written, (int)server->max_connections);
    return NULL;
}

const struct conf_syntax conf_address_syntax = {
    .allowed = "HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH",
    .separators = ", \t",
    .size = sizeof(struct conf_address),
    .parse = parse_address,
};

const struct conf_syntax conf_bind_syntax = {
    .allowed =
        "HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH, and tls behind those that speak TLS if not all do",
    .separators = ", \t",
    .option = "tls",
    .size = sizeof(struct conf_address),
    .parse = parse_bind,
};

const struct conf_syntax conf_server_syntax = {
    .allowed = "HOST:PORT, [IPV6]:PORT, unix:/PATH or srv:_SERVICE._PROTOCOL.DOMAIN, and weight=1 to "
               "weight=256, tier=1 to tier=15 or backup, max_connections=N",
    .separators = ",",
    .size = sizeof(struct conf_server),
    .parse = parse_server,
};

const struct conf_syntax conf_name_server_syntax = {
    .allowed = "a numeric address, with a port unless it is 53",
    .separators = ", \t",
    .size = sizeof(struct conf_written),
    .parse = parse_name_server,
};

bool conf_address_is_loopback(const struct conf_address *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    const struct sockaddr *socket = NULL;

    if (address->is_unix || !strcmp(address->host, "localhost"))
        return true;
    if (inet_pton(AF_INET, address->host, &in.sin_addr) == 1)
        socket = (const struct sockaddr *)(const void *)&in;
    else if (inet_pton(AF_INET6, address->host, &in6.sin6_addr) == 1)
        socket = (const struct sockaddr *)(const void *)&in6;
    const char *purpose = socket ? conf_special_purpose(socket) : NULL;

    return purpose && !strcmp(purpose, "loopback");
}
