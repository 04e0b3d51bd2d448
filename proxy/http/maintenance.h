/* Requests turned away for a while, because the configuration or a file says so. */
#ifndef HTTP_MAINTENANCE_H
#define HTTP_MAINTENANCE_H

#include "exchange.h"

/* 0, or -1 after exchange_fail(). May switch. */
int check_maintenance(struct exchange *x);

#endif
