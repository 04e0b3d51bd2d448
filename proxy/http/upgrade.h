/* After a 101: the exchange becomes a tunnel. */
#ifndef HTTP_UPGRADE_H
#define HTTP_UPGRADE_H

#include "exchange.h"

/* Passes the 101 on and hands both sockets to a tunnel. Consumes the exchange, its log entry and buffers included. */
enum exchange_end upgrade(struct exchange *x);

#endif
