/* When requests are sent once more, and how often. */
#ifndef CONF_RETRIES_H
#define CONF_RETRIES_H

#include "types.h"

#define CONF_RETRY_STATUSES 16

struct conf_retry_on {
    CONF_WRITTEN;
    bool connect_failure, reset, timeout;
    unsigned short statuses[CONF_RETRY_STATUSES];
    unsigned status_count;
};

struct conf_percentage {
    CONF_WRITTEN;
    int64_t percent;
};

enum conf_retry_methods { CONF_RETRY_SAFE, CONF_RETRY_IDEMPOTENT, CONF_RETRY_ALL };

struct conf_retries {
    struct conf_retry_on on;
    int64_t most; /* tries after the first one */
    enum conf_retry_methods methods;
    struct conf_percentage budget;
    int64_t backoff;
    int64_t timeout_try; /* 0: none but timeout_response */
};

#endif
