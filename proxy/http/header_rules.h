/* The rules about header fields (conf/header_rules.h), made into edits of one request and its answer. */
#ifndef HTTP_HEADER_RULES_H
#define HTTP_HEADER_RULES_H

#include "exchange.h"

/* Adds what listener and route ask for to x->request_edits, or to x->response_edits. 0, or -1 after exchange_fail(). */
int apply_request_rules(struct exchange *x);
int apply_response_rules(struct exchange *x);

/* x->response_edits for a page of the proxy's own, from the rules with `always`. A page without them is better than
 * none: what they need may be just what is missing. */
void apply_page_rules(struct exchange *x);

/* The Host that the server just leased is to see, if there is a rule about that. 0, or -1 after exchange_fail(). */
int choose_host(struct exchange *x, struct span *host);

#endif
