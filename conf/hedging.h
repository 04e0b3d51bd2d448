/* Second requests to other servers when the first is slow. */
#ifndef CONF_HEDGING_H
#define CONF_HEDGING_H

#include "types.h"

/* How long to wait for the first. Neither: there is no second one. */
struct conf_hedge_after {
    CONF_WRITTEN;
    int64_t time;
    int64_t percent; /* as long as so many of the recent answers have taken */
};

#endif
