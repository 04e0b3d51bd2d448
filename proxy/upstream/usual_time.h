/*
 * How long a share of an upstream's recent answers has taken to begin, as one worker has seen it (hedge_after as a
 * percentage). Reckoned up once a second at most, from what is counted anyway.
 */
#ifndef UPSTREAM_USUAL_TIME_H
#define UPSTREAM_USUAL_TIME_H

#include <green.h>

#include "observe/histogram.h"

struct group;

struct usual_time {
    green_time at, since;            /* when it was last reckoned up, and from when on answers count */
    int64_t value;                   /* 0: nothing is known */
    struct histogram_reading before; /* what was counted by then */
};

/* In ns; 0: there were too few answers to tell. Never switches. */
int64_t usual_time(struct group *g, int64_t percent, green_time now);

#endif
