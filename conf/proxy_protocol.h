/*
 * The PROXY protocol, in which one proxy tells the next who its client is.
 */
#ifndef CONF_PROXY_PROTOCOL_H
#define CONF_PROXY_PROTOCOL_H

/* Included by conf.h, which defines CONF_LIST. */

struct conf_proxy_in {
    int on;
    CONF_LIST(struct conf_network, from, from_count); /* who may speak for others */
    int64_t timeout;
};

enum conf_send_proxy { CONF_SEND_PROXY_OFF, CONF_SEND_PROXY_V1, CONF_SEND_PROXY_V2 };

#endif
