/*
 * What requests have in common that are to go to the same place, as a number. There is no secret in it, so that all
 * workers and instances agree, also after a restart; a client that chooses its own place gains nothing by that.
 */
#ifndef ROUTE_AFFINITY_H
#define ROUTE_AFFINITY_H

#include "conf.h"
#include "http/head.h"

struct sockaddr;

/* Each: false if the request has no such thing. */
bool affinity_source(const struct sockaddr *source, uint64_t *hash);
bool affinity_header(const struct http_head *head, const char *name, uint64_t *hash);
bool affinity_cookie(const struct http_head *head, const char *name, uint64_t *hash);
bool affinity_query(const struct http_head *head, const char *name, uint64_t *hash);

uint64_t affinity_of(const void *bytes, size_t n);

/* As `balance = hash:...` says. head: NULL if there is no request, only a connection. */
bool affinity_hash(const struct conf_balance *balance, const struct http_head *head,
                   const struct sockaddr *source, uint64_t *hash);

#endif
