/*
 * How the process goes over to a changed file.
 */
#ifndef CONF_RELOAD_H
#define CONF_RELOAD_H

#include "types.h"

struct conf_reload {
    int64_t grace; /* ns that connections have whose listener or upstream is gone */
    int watch;     /* whether a changed file is a reason for a reload */
};

/* A file that was read, or a pattern of glob(3) for files to read. */
struct conf_source {
    const char *path;
    bool pattern;
};

#endif
