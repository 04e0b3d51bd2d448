/* Whether an answer is compressed, and what its head says then. */
#ifndef HTTP_COMPRESS_H
#define HTTP_COMPRESS_H

#include "encoded.h"
#include "exchange.h"

/* Does the configuration ask for it anywhere on this request's way? */
static inline bool compress_configured(const struct exchange *x)
{
    return x->listener->compress.coding_count || (x->route && x->route->compress.coding_count);
}

/* Looks at x->request and x->response, and edits the latter: Vary whenever another client might get another coding,
 * the rest of it if this one does. True: the body is to be read from `e`, to be ended by encoded_end(). */
bool compress_answer(struct exchange *x, struct encoded_body *e);

#endif
