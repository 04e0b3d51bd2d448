/*
 * Hedging: when a server takes long to begin its answer, the same request goes to another one, and whichever answers
 * first has answered. The second try has a greenlet of its own; the first goes on in that of the request.
 */
#ifndef HTTP_HEDGE_H
#define HTTP_HEDGE_H

#include "converse.h"

struct hedge;

/* When the request that was just sent is to go to another server as well; GREEN_FOREVER: never. Never switches. */
green_time hedge_due(const struct conversation *t);

/* It is that time: t->hedge is the second try, or NULL if there can be none. Never switches. */
void hedge_begin(struct conversation *t, green_time deadline);

/* Nobody waits for it any more: its next call on its socket finds that gone. Never switches. */
void hedge_stop(struct conversation *t);

/*
 * The first try has ended with this result. That of both together: 0, and the connection, the answer's head and what is
 * known of the server are those of the winner; or the first one's error when the second one has failed too (it is waited
 * for). The loser's connection is closed. May switch.
 */
int hedge_end(struct conversation *t, int result);

#endif
