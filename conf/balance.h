/* How servers are chosen. */
#ifndef CONF_BALANCE_H
#define CONF_BALANCE_H

#include "types.h"

enum conf_balance_method {
    CONF_ROUND_ROBIN,
    CONF_LEAST_CONNECTIONS,
    CONF_RANDOM_TWO,
    CONF_LEAST_TIME,
    CONF_FIRST,
    CONF_HASH,
};

/* What requests have in common that go to the same server. */
enum conf_hash_by {
    CONF_HASH_SOURCE,
    CONF_HASH_URI, /* path and query */
    CONF_HASH_PATH,
    CONF_HASH_HEADER,
    CONF_HASH_COOKIE,
    CONF_HASH_QUERY,
    CONF_HASH_SNI,
};

struct conf_balance {
    CONF_WRITTEN;
    enum conf_balance_method method;
    enum conf_hash_by by;
    const char *name; /* of the field, cookie or parameter */
};

/* A cookie that brings a client back to its server. */
struct conf_sticky {
    CONF_WRITTEN;
    const char *cookie, *path;
    int64_t max_age;       /* ns; 0: until the browser ends */
    const char *same_site; /* "Lax", "Strict", "None" */
    const char *key;       /* that signs it; NULL: one is drawn when the process starts */
    bool always_secure;
};

struct conf_balancing {
    struct conf_balance balance; /* not written: round robin */
    struct conf_sticky sticky;
    int64_t hash_balance_factor; /* percent; 0 off */
    int64_t panic_threshold;     /* percent of the servers */
    int64_t slow_start;          /* ns; 0: none */
};

#define CONF_TIER_MAX 15 /* backup is the one behind */

#endif
