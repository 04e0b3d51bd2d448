/*
 * The key table. Every key that exists is here, and nowhere else.
 */
#include "keys.h"

#include <string.h>

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    INT64_C(1024)
#define GIB    (KIB * KIB * KIB)
#define TIB    (KIB * GIB)

#define IN(kind)           (1u << CONF_##kind)
#define AT_GREENWAY(field) [CONF_GREENWAY] = 1 + offsetof(struct conf, field)
#define AT_LISTENER(field) [CONF_LISTENER] = 1 + offsetof(struct conf_listener, field)
#define AT_ROUTE(field)    [CONF_ROUTE] = 1 + offsetof(struct conf_route, field)
#define AT_UPSTREAM(field) [CONF_UPSTREAM] = 1 + offsetof(struct conf_upstream, field)

/* Every wait is finite, so a timeout has no value that turns it off. */
#define TIMEOUT .type = CONF_DURATION, .min = MS, .max = 365 * DAY

/* clang-format off */
const struct conf_kind_row conf_kinds[CONF_KINDS] = {
    [CONF_GREENWAY] = {"greenway", "[greenway]", false, "the process as a whole"},
    [CONF_LISTENER] = {"listener", "[listener NAME]", true, "where clients connect"},
    [CONF_ROUTE] = {"route", "[route NAME]", true, 
        "which requests go to which upstream; the first route in the file that matches wins"},
    [CONF_UPSTREAM] = {"upstream", "[upstream NAME]", true, "a group of servers behind the proxy"},
    [CONF_LIMITS] = {"limits", "[limits]", false, "limits on requests, for all listeners"},
    [CONF_TIMEOUTS] = {"timeouts", "[timeouts]", false, "how long to wait, for all listeners and upstreams"},
};

const struct conf_key conf_keys[] = {
    /* [greenway] */
    {
        .name = "workers", .kinds = IN(GREENWAY), .type = CONF_INTEGER, .min = 1, .max = 256,
        .fallback = "auto", .words = "auto",
        .doc = "threads that serve connections",
        .more = "Each worker runs its own event loop and accepts connections of its own. auto is one worker for each "
                "CPU that the process may use.",
        .example = "workers = 4",
        .at = {AT_GREENWAY(workers)},
    },
    {
        .name = "access_log", .kinds = IN(GREENWAY), .type = CONF_SINK, .fallback = "-", .words = "-|off",
        .doc = "where a line for each request goes",
        .more = "A - is standard output, off writes none, anything else is the path of a file that is appended to. A path "
                "has a '/' in it; a relative one starts at the working directory.",
        .example = "access_log = /var/log/greenway/access.log",
        .at = {AT_GREENWAY(access_log)},
    },
    {
        .name = "log_format", .kinds = IN(GREENWAY), .type = CONF_CHOICE, .fallback = "json",
        .words = "json|combined",
        .doc = "how a line of the access log is written",
        .more = "json is one object a line with everything known about the request. combined is the format of Apache "
                "and nginx that log analysers read.",
        .example = "log_format = combined",
        .at = {AT_GREENWAY(log_format)},
    },
    {
        .name = "error_log", .kinds = IN(GREENWAY), .type = CONF_SINK, .fallback = "-", .words = "-",
        .doc = "where errors and notices go",
        .more = "A - is standard error, anything else is the path of a file that is appended to. A path has a '/' in it; "
                "a relative one starts at the working directory.",
        .example = "error_log = /var/log/greenway/error.log",
        .at = {AT_GREENWAY(error_log)},
    },
    {
        .name = "shutdown_grace", .kinds = IN(GREENWAY), TIMEOUT, .fallback = "30s",
        .doc = "how long open connections may take to finish when the process stops",
        .more = "On SIGTERM nothing new is accepted and requests under way are finished. What is still open after this "
                "time is closed.",
        .example = "shutdown_grace = 10s",
        .at = {AT_GREENWAY(shutdown_grace)},
    },
    {
        .name = "include", .kinds = IN(GREENWAY), .type = CONF_FILES,
        .doc = "further files to read",
        .more = "Paths or patterns with *, ? and [...], relative to the file that they stand in, and read in sorted "
                "order as if they stood right behind this [greenway] section: their routes come before those further "
                "down. A pattern may match nothing; a plain path must exist. An included file may have a [greenway] "
                "section of its own, for includes or for keys that are not set yet.",
        .example = "include = conf.d/*.ini",
    },

    /* [listener NAME] */
    {
        .name = "bind", .kinds = IN(LISTENER), .type = CONF_ADDRESSES, .required = true,
        .doc = "addresses to listen on",
        .more = "host:port, where the host is an IPv4 address, an IPv6 address in brackets, a name, or * or nothing for "
                "every address of the machine; or unix:/path for a socket in the file system. Port 0 takes any free "
                "port.",
        .example = "bind = 127.0.0.1:8080, [::1]:8080",
    },
    {
        .name = "protocol", .kinds = IN(LISTENER), .type = CONF_CHOICE, .fallback = "http", .words = "http|tcp",
        .doc = "what clients speak",
        .more = "http understands requests and routes each of them. tcp passes bytes both ways without looking at them "
                "and needs an upstream.",
        .example = "protocol = tcp",
        .at = {AT_LISTENER(protocol)},
    },
    {
        .name = "upstream", .kinds = IN(LISTENER), .type = CONF_NAME,
        .doc = "the upstream for whatever no route matches",
        .more = "Without it a request that no route matches is answered with 404. A tcp listener needs one, for it has "
                "no routes.",
        .example = "upstream = app",
        .at = {AT_LISTENER(upstream_name)},
    },
    {
        .name = "max_connections", .kinds = IN(GREENWAY) | IN(LISTENER), .type = CONF_INTEGER,
        .min = 1, .max = 10000000, .fallback = "10000",
        .doc = "client connections at a time",
        .more = "In [greenway] it counts the connections of the whole process, in a listener those of that listener, "
                "all workers together. A listener without its own has that of [greenway].",
        .example = "max_connections = 50000",
        .at = {AT_GREENWAY(max_connections), AT_LISTENER(max_connections)},
    },

    /* [route NAME] */
    {
        .name = "listener", .kinds = IN(ROUTE), .type = CONF_NAMES,
        .doc = "the listeners that this route is for",
        .more = "Without it the route is for every http listener.",
        .example = "listener = web, secure",
    },
    {
        .name = "host", .kinds = IN(ROUTE), .type = CONF_HOSTS,
        .doc = "the hosts that this route is for",
        .more = "A name, or *.name for everything below that name, at any depth, but not for the name itself. Case does "
                "not matter and no port is given. Names in other scripts are written in their xn-- form. Without it "
                "the route is for every host.",
        .example = "host = example.com, *.example.com",
    },
    {
        .name = "path", .kinds = IN(ROUTE), .type = CONF_PATHS,
        .doc = "the paths that this route is for",
        .more = "/v1/* is /v1 and everything below it, in whole segments: /v1/users, but not /v12. =/v1 is /v1 alone. A "
                "path that is neither is refused, since servers differ in what it means. /* is every path, and so is "
                "a route without this key.",
        .example = "path = /v1/*, =/status",
    },
    {
        .name = "upstream", .kinds = IN(ROUTE), .type = CONF_NAME, .required = true,
        .doc = "the upstream that requests of this route go to",
        .more = "The name of an [upstream NAME] section.",
        .example = "upstream = app",
        .at = {AT_ROUTE(upstream_name)},
    },

    /* [upstream NAME] */
    {
        .name = "server", .kinds = IN(UPSTREAM), .type = CONF_SERVERS, .required = true,
        .doc = "the servers of this group",
        .more = "host:port or unix:/path, and options behind it: weight=1 to weight=256 gives a server so many times "
                "the share of one that has weight=1. Several servers on one line are separated by commas. A name is "
                "looked up again as its records expire.",
        .example = "server = 10.0.0.11:8080 weight=2, 10.0.0.12:8080",
    },
    {
        .name = "balance", .kinds = IN(UPSTREAM), .type = CONF_CHOICE, .fallback = "round_robin",
        .words = "round_robin",
        .doc = "how a server is chosen",
        .more = "round_robin takes one after the other, as often as their weights say.",
        .example = "balance = round_robin",
        .at = {AT_UPSTREAM(balance)},
    },
    {
        .name = "keepalive", .kinds = IN(UPSTREAM), .type = CONF_INTEGER, .min = 0, .max = 100000,
        .fallback = "64",
        .doc = "idle connections to this upstream that each worker keeps for reuse",
        .more = "0 opens a new connection for every request.",
        .example = "keepalive = 256",
        .at = {AT_UPSTREAM(keepalive)},
    },
    {
        .name = "keepalive_requests", .kinds = IN(UPSTREAM), .type = CONF_INTEGER, .min = 1, .max = 1000000000,
        .fallback = "10000",
        .doc = "requests that one connection to a server carries before it is closed",
        .more = "Closing connections now and then lets load move to servers that came later.",
        .example = "keepalive_requests = 1000",
        .at = {AT_UPSTREAM(keepalive_requests)},
    },

    /* [limits] */
    {
        .name = "max_head", .kinds = IN(LIMITS) | IN(LISTENER), .type = CONF_SIZE, .http_only = true,
        .min = KIB, .max = 64 * KIB, .fallback = "16k",
        .doc = "bytes of a request's head: the request line and all header fields",
        .more = "A longer head is answered with 431.",
        .example = "max_head = 32k",
        .at = {AT_LISTENER(max_head)},
    },
    {
        .name = "max_fields", .kinds = IN(LIMITS) | IN(LISTENER), .type = CONF_INTEGER, .http_only = true,
        .min = 1, .max = 128, .fallback = "100",
        .doc = "header fields of a request",
        .more = "A request with more is answered with 431.",
        .example = "max_fields = 64",
        .at = {AT_LISTENER(max_fields)},
    },
    {
        .name = "max_target", .kinds = IN(LIMITS) | IN(LISTENER), .type = CONF_SIZE, .http_only = true,
        .min = 64, .max = 64 * KIB, .fallback = "8k",
        .doc = "bytes of a request's target: its path and query",
        .more = "A longer target is answered with 414. The target is part of the head, so max_head bounds it too.",
        .example = "max_target = 4k",
        .at = {AT_LISTENER(max_target)},
    },
    {
        .name = "max_body", .kinds = IN(LIMITS) | IN(LISTENER) | IN(ROUTE), .type = CONF_SIZE, .http_only = true,
        .min = 0, .max = 1024 * TIB, .fallback = "0",
        .doc = "bytes of a request's body; 0 is no limit",
        .more = "A longer body is answered with 413. Bodies stream through and are never stored, so no limit is needed "
                "to protect the proxy; set one to protect what stands behind it.",
        .example = "max_body = 10m",
        .at = {AT_LISTENER(max_body), AT_ROUTE(max_body)},
    },

    /* [timeouts] */
    {
        .name = "timeout_head", .kinds = IN(TIMEOUTS) | IN(LISTENER), TIMEOUT, .http_only = true, .fallback = "10s",
        .doc = "from the first byte of a request until its head is complete",
        .more = "A client that takes longer is answered with 408.",
        .example = "timeout_head = 5s",
        .safe_max = MINUTE, .weakens = "a client may hold a connection so long without ever completing a request",
        .at = {AT_LISTENER(timeout_head)},
    },
    {
        .name = "timeout_body", .kinds = IN(TIMEOUTS) | IN(LISTENER), TIMEOUT, .http_only = true, .fallback = "30s",
        .doc = "between two reads of a request's body",
        .more = "It bounds a silence, not the whole transfer; min_rate guards against senders that trickle.",
        .example = "timeout_body = 1m",
        .safe_max = 10 * MINUTE, .weakens = "a client that fell silent holds a connection to a server so long",
        .at = {AT_LISTENER(timeout_body)},
    },
    {
        .name = "timeout_keepalive", .kinds = IN(TIMEOUTS) | IN(LISTENER), TIMEOUT, .http_only = true,
        .fallback = "60s",
        .doc = "how long a client's connection may stay idle between requests",
        .more = "It also bounds the wait for the first byte on a new connection.",
        .example = "timeout_keepalive = 75s",
        .safe_max = HOUR, .weakens = "idle connections count against max_connections so long",
        .at = {AT_LISTENER(timeout_keepalive)},
    },
    {
        .name = "timeout_write", .kinds = IN(TIMEOUTS) | IN(LISTENER) | IN(UPSTREAM), TIMEOUT, .fallback = "30s",
        .doc = "how long a peer may refuse to take more bytes",
        .more = "In a listener the peer is the client that a response is sent to, in an upstream the server that a "
                "request is sent to.",
        .example = "timeout_write = 1m",
        .safe_max = 10 * MINUTE, .weakens = "a peer that stopped reading holds its connection so long",
        .at = {AT_LISTENER(timeout_write), AT_UPSTREAM(timeout_write)},
    },
    {
        .name = "timeout_tunnel", .kinds = IN(TIMEOUTS) | IN(LISTENER), TIMEOUT, .fallback = "1h",
        .doc = "how long a WebSocket or a tcp connection may stay silent both ways",
        .more = "Bytes in either direction start the time anew.",
        .example = "timeout_tunnel = 10m",
        .safe_max = DAY, .weakens = "connections whose peer vanished stay open so long",
        .at = {AT_LISTENER(timeout_tunnel)},
    },
    {
        .name = "timeout_linger", .kinds = IN(TIMEOUTS) | IN(LISTENER), TIMEOUT, .fallback = "5s",
        .doc = "how long a closing connection is read from so that the peer gets the last response",
        .more = "Closing while the client still sends would reset the connection and could take the response with it.",
        .example = "timeout_linger = 2s",
        .safe_max = MINUTE, .weakens = "a client that was turned away may keep its connection so long",
        .at = {AT_LISTENER(timeout_linger)},
    },
    {
        .name = "min_rate", .kinds = IN(TIMEOUTS) | IN(LISTENER), .type = CONF_RATE, .http_only = true,
        .min = 0, .max = GIB, .fallback = "240",
        .doc = "bytes a second below which a client that sends a body is too slow; 0 is off",
        .more = "Slow senders are judged by their progress, not by the total time: any upload may take as long as it "
                "needs while it keeps this rate.",
        .example = "min_rate = 1k/s",
        .safe_min = 1, .weakens = "a client may send its body a byte at a time and hold a connection for ever",
        .at = {AT_LISTENER(min_rate)},
    },
    {
        .name = "timeout_connect", .kinds = IN(TIMEOUTS) | IN(UPSTREAM), TIMEOUT, .fallback = "3s",
        .doc = "how long opening a connection to a server may take, with the look-up of its name",
        .more = "After it the next server is tried; when there is none the client gets 504.",
        .example = "timeout_connect = 500ms",
        .safe_max = MINUTE, .weakens = "a server that is down holds up requests so long",
        .at = {AT_UPSTREAM(timeout_connect)},
    },
    {
        .name = "timeout_response", .kinds = IN(TIMEOUTS) | IN(UPSTREAM) | IN(ROUTE), TIMEOUT, .fallback = "30s",
        .doc = "from the end of a request until the server's response begins",
        .more = "A server that takes longer costs the client a 504. A route's own timeout_response rules over that of "
                "its upstream.",
        .example = "timeout_response = 2m",
        .safe_max = HOUR, .weakens = "a server that hangs holds up requests so long",
        .at = {AT_UPSTREAM(timeout_response), AT_ROUTE(timeout_response)},
    },
    {
        .name = "timeout_read", .kinds = IN(TIMEOUTS) | IN(UPSTREAM), TIMEOUT, .fallback = "60s",
        .doc = "between two reads of a response",
        .more = "It bounds a silence, not the whole transfer. Streams that may stay silent for longer, such as server-"
                "sent events without a heartbeat, need more.",
        .example = "timeout_read = 5m",
        .safe_max = DAY, .weakens = "a server that fell silent holds a client's connection so long",
        .at = {AT_UPSTREAM(timeout_read)},
    },
    {
        .name = "timeout_idle", .kinds = IN(TIMEOUTS) | IN(UPSTREAM), TIMEOUT, .fallback = "30s",
        .doc = "how long an idle connection to a server is kept for reuse",
        .more = "Keep it below the server's own limit, so that the server does not close a connection just as it is "
                "used.",
        .example = "timeout_idle = 10s",
        .at = {AT_UPSTREAM(timeout_idle)},
    },
};
/* clang-format on */

const size_t conf_key_count = sizeof(conf_keys) / sizeof(conf_keys[0]);

const struct conf_key *conf_key_find(enum conf_kind kind, const char *name)
{
    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_key_in(&conf_keys[i], kind) && !strcmp(conf_keys[i].name, name))
            return &conf_keys[i];
    return NULL;
}

bool conf_key_inherits(const struct conf_key *key, enum conf_kind kind)
{
    return kind != CONF_GREENWAY && kind < CONF_OBJECTS &&
           key->kinds & (IN(GREENWAY) | IN(LIMITS) | IN(TIMEOUTS));
}
