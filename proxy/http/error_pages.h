/* The content that a configuration gives to answers that report an error. */
#ifndef HTTP_ERROR_PAGES_H
#define HTTP_ERROR_PAGES_H

#include "exchange.h"

/* Puts the content for its status into x->page, if there is some. */
void dress_page(struct exchange *x);

/* Exchanges the content of a server's answer for the page that its status has, if that is wanted. 0, or -1 after
 * exchange_fail(). */
int replace_error(struct exchange *x);

#endif
