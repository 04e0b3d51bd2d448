/* Who may have what they ask for: the rules of the listener and the route, before anything is done for a request. */
#ifndef HTTP_ADMIT_H
#define HTTP_ADMIT_H

#include "exchange.h"

/* 0, or -1 after exchange_fail(). May switch. */
int exchange_admit(struct exchange *x);

/* The first of those rules: by the network that the request comes from. Never switches. */
int exchange_admit_source(struct exchange *x);

#endif
