/* `greenway top`: a view of a running greenway that refreshes, made from what its control socket tells. */
#ifndef CONTROL_TOP_H
#define CONTROL_TOP_H

#include "control/ctl.h"

struct top_options {
    struct ctl_place place;
    int interval; /* ms from one look to the next */
    int count;    /* looks; 0: until told to end */
};

/* Returns the exit status. */
int top_run(const struct top_options *options);

#endif
