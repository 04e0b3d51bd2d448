/*
 * The files that make a configuration: those it was read from, patterns that found some of them, and those that its keys
 * name and that are read with it (users, tokens, pages). A number stands for the state that all of them are in.
 */
#ifndef RUNTIME_INVENTORY_H
#define RUNTIME_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

struct inventory {
    struct inventory_item {
        char *path;
        bool pattern; /* of glob(3) */
    } * items;
    size_t count;
    bool no_memory;
};

/* Adds what was read. */
void inventory_add_sources(struct inventory *inventory, const struct conf_source *sources, size_t count);

/* Adds the files that keys name. */
void inventory_add_files(struct inventory *inventory, const struct conf *conf);

void inventory_free(struct inventory *inventory);

/* What the files are like: the same hash as long as none is written, replaced, made or removed, by whatever link it is
 * reached. */
struct inventory_state {
    uint64_t hash;
    size_t missing; /* of those without a pattern */
};

/* Looks at the disk. What has changed from `since` on (CLOCK_REALTIME_COARSE, ns) gives another hash than it will give
 * later: it may have been read before or after. */
struct inventory_state inventory_look(const struct inventory *inventory, int64_t since);

/* Calls fn with each folder in which a change would show: those of the files, and of what links lead to. Some more than
 * once. Looks at the disk. */
void inventory_folders(const struct inventory *inventory, void (*fn)(void *arg, const char *folder),
                       void *arg);

/* What `since` is measured by. */
int64_t inventory_now(void);

#endif
