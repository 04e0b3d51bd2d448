/* Copies of a route's requests for another upstream. */
#ifndef CONF_MIRROR_H
#define CONF_MIRROR_H

#include "types.h"

struct conf_mirror {
    CONF_WRITTEN;
    struct conf_upstream_name to;
    int64_t percent; /* of the requests, 1 to 100 */
};

/* In a route. */
struct conf_mirroring {
    struct conf_mirror to;     /* not set: none */
    int64_t max_body, timeout; /* CONF_INHERIT: those of the process */
};

/* For the process. */
struct conf_mirror_limits {
    int64_t max_body, timeout;
    int64_t requests; /* copies at a time in each worker */
};

#endif
