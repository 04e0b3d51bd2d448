/* A first look at the names of servers, so that a typing error is seen at the start and not with the first request. */
#ifndef UPSTREAM_NAMES_H
#define UPSTREAM_NAMES_H

#include "conf.h"

/* This thread's hub asks the configuration's name servers from now on. 0 or -ENOMEM. */
int names_use_servers(const struct conf *conf);

/* Greenlet: looks every server name up once and prints a warning with its line for each that does not resolve. Nothing
 * depends on the outcome: names are looked up again when they are needed. */
void *names_check(void *conf);

#endif
