/*
 * What a head means: how its body is delimited, whether the connection goes on after it, whom it is for, and
 * which of its fields end here (RFC 9112 sections 3.2, 6.3 and 9, RFC 9110 section 7). Called by head.c with
 * the start line and fields filled in; fills in the facts or refuses the message.
 */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "head.h"

/* 0 or a negative enum http_error. */
int http_request_facts(struct http_head *head, const struct http_limits *limits);
int http_response_facts(struct http_head *head, bool upgrade_offered);

#endif
