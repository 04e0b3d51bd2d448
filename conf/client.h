/*
 * Who a client is when other proxies stand before this one, and what servers are told of it.
 */
#ifndef CONF_CLIENT_H
#define CONF_CLIENT_H

enum conf_client_address { CONF_X_FORWARDED_FOR, CONF_FORWARDED, CONF_X_REAL_IP };
enum conf_forwarded { CONF_SEND_X_FORWARDED, CONF_SEND_FORWARDED, CONF_SEND_BOTH, CONF_SEND_NONE };

/* Belongs to a listener. */
struct conf_client {
    CONF_LIST(struct conf_network, trusted, trusted_count); /* none: nobody is */
    enum conf_client_address address_from;
    enum conf_forwarded forwarded;
};

#endif
