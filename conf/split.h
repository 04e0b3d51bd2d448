/*
 * Which upstream: one, or several that share the requests by weight, as for a canary.
 */
#ifndef CONF_SPLIT_H
#define CONF_SPLIT_H

#include "types.h"

#define CONF_WEIGHT_MAX 10000

struct conf_share {
    CONF_WRITTEN;
    struct conf_upstream_name to;
    int64_t weight; /* 0: it gets nothing, for now */
};

/* What keeps a client's requests together. */
enum conf_split_by { CONF_SPLIT_REQUEST, CONF_SPLIT_SOURCE, CONF_SPLIT_HEADER, CONF_SPLIT_COOKIE };

struct conf_split_key {
    CONF_WRITTEN;
    enum conf_split_by by;
    const char *name; /* of the field or cookie */
};

struct conf_split {
    CONF_LIST(struct conf_share, shares, share_count); /* none: it leads nowhere */
    struct conf_split_key by;
    int64_t total; /* of the weights: more than 0 if there is a share */
};

#endif
