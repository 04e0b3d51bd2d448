/*
 * The typed configuration: what an ini file means once every line of it has been accepted.
 *
 * conf_load() builds one of these; nobody changes it afterwards. The proxy reads the structs below and never
 * sees text. Times are nanoseconds, sizes are bytes. A value that a section may override and that was not set
 * there is CONF_INHERIT, and conf_pick() finds the one that rules.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "match.h"
#include "split.h"
#include "types.h"

/* One address that a listener binds: "host:port", ":port", "[::1]:port" or "unix:/path", already taken apart; perhaps with
 * "tls" behind it. */
struct conf_address {
    CONF_WRITTEN;
    const char *text; /* as written, without what is behind it */
    const char *host; /* numeric address, host name, or "" for every address; the path of a unix socket */
    int port;         /* 0 for a unix socket */
    bool is_unix;
    bool tls; /* clients speak TLS: it is marked, or none is and all of the listener do */
};

#include "admin.h"
#include "balance.h"
#include "health.h"
#include "files.h"
#include "bodies.h"
#include "concurrency.h"
#include "hedging.h"
#include "mirror.h"
#include "answers.h"
#include "header_rules.h"
#include "rewriting.h"
#include "logging.h"
#include "tracing.h"

enum conf_protocol { CONF_HTTP, CONF_TCP, CONF_FORWARD };

/* Who may ask, by the network that the request comes from. */
struct conf_access {
    CONF_LIST(struct conf_network, allow, allow_count); /* none: everybody */
    CONF_LIST(struct conf_network, deny, deny_count);
};

#include "client.h"
#include "patience.h"
#include "loops.h"
#include "names.h"
#include "overload.h"
#include "reload.h"
#include "control.h"
#include "rate.h"
#include "retries.h"
#include "authentication.h"
#include "privileges.h"
#include "service.h"
#include "destination.h"
#include "acme.h"
#include "tls.h"
#include "ocsp.h"
#include "proxy_protocol.h"

struct conf_listener {
    const char *name;
    CONF_LIST(struct conf_address, bind, binds);
    enum conf_protocol protocol;
    struct conf_split split; /* without a share only routes lead anywhere */
    struct conf_access access;
    struct conf_authentication authentication; /* in a route leeway, forward: CONF_INHERIT unless set */
    struct conf_client client;
    struct conf_tls_listener tls;
    struct conf_ocsp ocsp;
    struct conf_acme_listener acme;
    struct conf_proxy_in proxy;
    struct conf_demand demand;
    struct conf_patience patience;
    int64_t source_prefix_v6;
    struct conf_compress compress;
    struct conf_forward forward;
    struct conf_buffering buffering;
    struct conf_logging logging;
    struct conf_tracing tracing;
    int64_t max_connections;                  /* of this listener, all workers together */
    int64_t max_head, max_fields, max_target; /* limits on a request head: bytes, field lines, bytes */
    int64_t max_body;                         /* request body bytes; 0 is no limit */
    int64_t timeout_head, timeout_body, timeout_keepalive, timeout_write, timeout_tunnel, timeout_linger;
    int64_t timeout_disk; /* for files that are served */
    struct conf_header_rules headers;
    struct conf_error_pages error_pages;
    struct conf_maintenance maintenance;
    int64_t min_rate;                  /* bytes per second below which a sender is too slow; 0 off */
    const struct conf_origin *origins; /* of each key: conf_origin_of() in load.h */
    struct conf_origin origin;
};

/* Addresses that share their first `bits`; IPv4 is mapped into IPv6. */
struct conf_network {
    CONF_WRITTEN;
    unsigned char bytes[16];
    unsigned bits;
    bool is_unix; /* the peers of unix sockets, which have no address */
};

struct conf_route {
    const char *name;
    const struct conf_listener **listeners; /* none: every http listener */
    size_t listener_count;
    struct conf_match match;
    struct conf_split split;
    int64_t max_body, timeout_response, timeout_request; /* CONF_INHERIT unless set here */
    struct conf_header_rules headers;
    struct conf_redirect redirect;
    struct conf_respond respond;
    struct conf_error_pages error_pages;
    struct conf_maintenance maintenance;
    struct conf_rewriting rewriting;
    struct conf_upstream_host upstream_host; /* rather than the upstream's */
    struct conf_access access;
    struct conf_authentication authentication; /* in a route leeway, forward: CONF_INHERIT unless set */
    struct conf_demand demand;
    struct conf_files files;
    struct conf_compress compress;
    struct conf_mirroring mirror;
    struct conf_buffering buffering;
    struct conf_logging logging;       /* where it says something, rather than the listener's */
    const struct conf_origin *origins; /* of each key: conf_origin_of() in load.h */
    struct conf_origin origin;
};

struct conf_server {
    CONF_WRITTEN;
    const char *text; /* "10.0.0.11:8080" */
    const char *host; /* of a service: the domain that offers it */
    const char
        *service; /* "_http._tcp.example.org", whose SRV records name hosts and ports; NULL: it is none */
    int port;     /* 0 for a service */
    bool is_unix;
    int64_t weight;          /* 1 to 256 */
    int64_t tier;            /* 0 first; CONF_TIER_MAX + 1: backup */
    int64_t max_connections; /* 0: the upstream's */
};

struct conf_upstream {
    const char *name;
    CONF_LIST(struct conf_server, servers, server_count);
    struct conf_balancing balancing;
    struct conf_ejection ejection;
    struct conf_health_check health_check;
    struct conf_upstream_host upstream_host; /* not written: the client's */
    int64_t keepalive;                       /* idle connections kept per worker; 0: none */
    int64_t keepalive_requests;              /* uses of one connection */
    int64_t timeout_connect, timeout_tls, timeout_response, timeout_read, timeout_write, timeout_idle;
    int64_t timeout_ack; /* 0: off */
    struct conf_retries retries;
    struct conf_concurrency concurrency;
    struct conf_hedge_after hedge_after;
    struct conf_tls_upstream tls;
    enum conf_send_proxy send_proxy;
    int64_t min_rate_response;         /* bytes a second; 0 off */
    const struct conf_origin *origins; /* of each key: conf_origin_of() in load.h */
    struct conf_origin origin;
};

struct conf {
    /* [greenway] */
    int64_t workers;             /* 0: one per CPU */
    struct conf_logging logging; /* for listeners */
    struct conf_tracing tracing;
    const char *error_log; /* "-" is standard error, or a path */
    int64_t shutdown_grace;
    int64_t max_connections;                                         /* client connections of the process */
    CONF_LIST(struct conf_written, name_servers, name_server_count); /* none: those of resolv.conf */
    int64_t rate_limit_keys;
    struct conf_overload overload;
    struct conf_loops loops;
    struct conf_names names;
    struct conf_privileges privileges;
    struct conf_service service;
    struct conf_reload reload;
    struct conf_control control;
    CONF_LIST(struct conf_network, trusted, trusted_count); /* these three: for listeners, see conf_client */
    enum conf_client_address client_address_from;
    enum conf_forwarded forwarded_headers;
    int64_t compress_memory; /* of each worker */
    const char *temp_path;

    struct conf_mirror_limits mirror;
    struct conf_admin admin;
    int64_t max_handshakes; /* of each worker */
    int64_t certificate_watch;
    struct conf_acme acme;

    struct conf_listener *listeners;
    size_t listener_count;
    struct conf_route *routes; /* in file order: the first that matches wins */
    size_t route_count;
    struct conf_upstream *upstreams;
    size_t upstream_count;
    const struct conf_origin *origins; /* of each key of [greenway]: conf_origin_of() in load.h */
    const char *file;                  /* what was loaded, as named */
    CONF_LIST(struct conf_source, sources, source_count);
    int64_t read_at;          /* when reading began: CLOCK_REALTIME_COARSE, ns */
    struct conf_arena *arena; /* owns every string and array above */
};

/* The narrower setting if it was set, else the wider one. */
static inline int64_t conf_pick(int64_t narrow, int64_t wide)
{
    return narrow != CONF_INHERIT ? narrow : wide;
}

#endif
