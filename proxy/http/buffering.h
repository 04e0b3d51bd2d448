/* Requests whose body is received in full before a server is chosen for them. */
#ifndef HTTP_BUFFERING_H
#define HTTP_BUFFERING_H

#include "exchange.h"

/* Where the rules of route and listener want it, receives the body into x->spool. 0, or -1 after exchange_fail(). May
 * switch. */
int buffer_request(struct exchange *x);

/* Gives back what the body took. */
void buffer_request_end(struct exchange *x);

#endif
