/* One look at a server's health: connect, ask, judge the answer. Main thread. */
#ifndef UPSTREAM_CHECK_H
#define UPSTREAM_CHECK_H

#include <green.h>

#include "conf.h"

struct buffers;

#define CHECK_WHY_BYTES 128

/* What is looked at. */
struct check_subject {
    const struct conf_upstream *upstream;
    const struct conf_server *server;
    green_address_t addresses[2]; /* tried in this order */
    unsigned address_count;
};

/* Is it well? `why` says what there was, or what was wrong. May switch; takes no longer than the check's timeout. */
bool check_server(const struct check_subject *subject, struct buffers *buffers, char why[CHECK_WHY_BYTES]);

#endif
