/* What ties a request to a server: its hash, or the cookie that the server's first answer has set. */
#ifndef HTTP_AFFINITY_H
#define HTTP_AFFINITY_H

#include "exchange.h"
#include "upstream/group.h"

/* Notes in the request for a connection what the exchange is tied to. */
void affinity_find(const struct exchange *x, struct lease_request *request);

/* A connection was leased: its server is what the client's cookie is to say from now on. 0, or -1 after exchange_fail(). */
int affinity_remember(struct exchange *x, const struct lease_request *request);

/* Adds that cookie to the answer, if it is another one. 0, or -1 after exchange_fail(). */
int affinity_tell(struct exchange *x);

#endif
