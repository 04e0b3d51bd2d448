/* After a 101, or the 200 to a CONNECT: the exchange becomes a tunnel. */
#ifndef HTTP_UPGRADE_H
#define HTTP_UPGRADE_H

#include "exchange.h"

/* Passes the answer on and hands both sockets to a tunnel. Consumes the exchange, its log entry and buffers included. */
enum exchange_end upgrade(struct exchange *x);

#endif
