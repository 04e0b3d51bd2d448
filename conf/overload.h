/* What the process does when descriptors or memory run short. */
#ifndef CONF_OVERLOAD_H
#define CONF_OVERLOAD_H

#include "types.h"

struct conf_overload {
    int on;
    int64_t max_memory; /* bytes; 0: what the system allows */
};

#endif
