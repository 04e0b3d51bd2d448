/* How much is asked of servers at a time, and how long others wait. */
#ifndef CONF_CONCURRENCY_H
#define CONF_CONCURRENCY_H

#include <stdint.h>

#define CONF_PLACES_MAX 10000000

struct conf_concurrency {
    int64_t max_connections; /* of each server; 0: no limit */
    int64_t max_requests;    /* of all servers together; 0: no limit */
    int64_t queue_max;       /* how many may wait for a place */
    int64_t queue_timeout;
    int64_t keepalive_age;
};

#endif
