/*
 * Where a forward proxy may go: hosts by pattern, networks, ports, and how patient it is with the servers that it
 * finds there. Part of conf.h.
 */
#ifndef CONF_DESTINATION_H
#define CONF_DESTINATION_H

#ifndef CONF_CONF_H
#error "include conf.h"
#endif

struct conf_host;
struct conf_network;

/* One of the two. */
struct conf_destination {
    CONF_WRITTEN;
    const struct conf_host *host;       /* what requests name */
    const struct conf_network *network; /* what is connected to */
};

struct conf_ports {
    CONF_WRITTEN;
    int first, last;
};

/* The keys of a listener with protocol = forward. */
struct conf_forward {
    CONF_LIST(struct conf_destination, allow, allow_count); /* none: every public address */
    CONF_LIST(struct conf_destination, deny, deny_count);
    CONF_LIST(struct conf_network, internal,
              internal_count);                       /* addresses that are not public, allowed here */
    CONF_LIST(struct conf_ports, ports, port_count); /* none: CONF_FORWARD_PORTS */
    int64_t keepalive;          /* idle connections kept per worker, to all servers together; 0: none */
    int64_t keepalive_requests; /* uses of one connection */
    int64_t timeout_connect, timeout_response, timeout_read, timeout_idle;
    int64_t max_tunnel_time; /* of a CONNECT */
};

#endif
