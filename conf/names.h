/* How often the names of servers are asked for. */
#ifndef CONF_NAMES_H
#define CONF_NAMES_H

#include <stdint.h>

struct conf_names {
    int64_t ttl_min, ttl_max; /* bounds on what records say */
    int64_t stale;            /* how long an answer is used after name servers have begun to fail */
    int64_t retry;            /* between two failed look-ups, at most */
    int64_t timeout;          /* of one try of one name server */
};

#endif
