/* Via (RFC 9110, section 7.6.3): which proxies a message has come through. */
#ifndef HTTP_VIA_H
#define HTTP_VIA_H

#include "head.h"

/* How often the message has come through the one with this name. */
unsigned http_via_count(const struct http_head *head, struct span name);

#endif
