/* The files that a configuration is about: what its process has to reach in the file system. */
#ifndef RUNTIME_REACH_H
#define RUNTIME_REACH_H

#include <stdbool.h>

#include "conf.h"

/* Is told of a path, one after the other: of a folder, with all below it, or of a file where a folder would be too much.
 * `writes`: it is also written to, and names in it are made and removed. `place` says which value it comes from. */
struct reach_place {
    const char *key;
    const char *file; /* that the folder is told of for; NULL: it is for all of it */
    struct conf_origin origin;
};
typedef int reach_fn(void *arg, const char *path, bool writes, const struct reach_place *place);

/* Calls fn for everything that the configuration names. Stops at its first result below 0 and returns that. Files that may
 * be replaced by others of the same name are told of as their folders. */
int reach_of(const struct conf *conf, reach_fn *fn, void *arg);

#endif
