/*
 * A second opinion on requests: llhttp reads the finished head, too, and must find in it what we found. Our own
 * scanner decides; this guards against a mistake of ours where it would let one request pass for two.
 */
#ifndef HTTP_OPINION_H
#define HTTP_OPINION_H

#include "head.h"

/* start to end: the head without an empty line before it, complete, as head was made from it. 0, or the enum http_error
 * to refuse it with: HTTP_E_DISAGREEMENT, or the name of what llhttp objects to. */
int http_second_opinion(const struct http_head *head, const char *start, const char *end);

#endif
