/* Whether servers are well: by asking them, and by how they do with the requests that they get. */
#ifndef CONF_HEALTH_H
#define CONF_HEALTH_H

#include "types.h"

struct conf_regex;

enum conf_check {
    CONF_CHECK_NONE,
    CONF_CHECK_HTTP,
    CONF_CHECK_TCP,
    CONF_CHECK_TLS,
    CONF_CHECK_DIALOGUE,
    CONF_CHECK_MYSQL
};

#define CONF_CHECK_BYTES 1024 /* that are sent or expected, at most */

/* An active check. */
struct conf_health_check {
    CONF_WRITTEN;
    enum conf_check kind;
    const char *method, *path, *host; /* HTTP; host NULL: as for requests */
    const char *send,
        *expect; /* of a dialogue; NULL: nothing. `expect` is what the answer has to begin with */
    size_t send_size, expect_size;
    const struct conf_regex *match; /* the body, or what is received; NULL: anything will do */
    int64_t every, timeout;
    int64_t rise, fall;             /* checks in a row that change the state */
    int64_t status_min, status_max; /* HTTP */
    int64_t port;                   /* 0: the server's */
    bool start_down;                /* until it has risen; else it counts as well until checked */
};

/* Passive checks: being ejected for a while. */
struct conf_ejection {
    int64_t after;          /* failures in a row; 0 off */
    int64_t failure_rate;   /* percent within a window; 0 off */
    int64_t latency;        /* times what the others take; 0 off */
    int64_t volume, window; /* requests that a window has to have for the latter two */
    int64_t time, time_max; /* how long; twice as long each time */
    int64_t max_share;      /* percent of the servers */
};

#endif
