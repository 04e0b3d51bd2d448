/* How group.c, pool.c and the end of a greenlet play together. Private to libgreen. */
#ifndef GREEN_POOL_MEMBER_H
#define GREEN_POOL_MEMBER_H

#include "../core/internal.h"

/* Spawning and adding without a look at whose group it is. */
int green__group_spawn(green_group_t *group, green_t **out, const green_attr_t *attr, green_fn fn, void *arg);
int green__group_add(green_group_t *group, green_t *g);

#endif
