/* What a client may ask for, and how often: methods and rates. */
#ifndef HTTP_DEMAND_H
#define HTTP_DEMAND_H

#include "exchange.h"

/* 0, or -1 after exchange_fail(). May switch: a rate may hold a request back. */
int exchange_demand(struct exchange *x);

/* Are there any rates, so that a table is needed? */
bool demand_has_rates(const struct conf *conf);

#endif
